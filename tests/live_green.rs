//! The law over commands, live: with every cloud and every command, take any one answer away, and all at once. A run
//! that then ends with 0 needed nothing of it, and any other names the right that it lacks.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/mod.rs"]
mod azure;
#[path = "azure_ablation/breakable.rs"]
mod azure_breakable;
mod azure_fake;
#[path = "google_fix/mod.rs"]
mod google;
#[path = "google_ablation/breakable.rs"]
mod google_breakable;
#[path = "live_green/law.rs"]
mod law;
#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use azure_fake::{Cluster, Grant, Identity, World, role};
use google::{MEMBER, READER};
use google_breakable::Google;
use law::{Ground, Way, ways};
use live::{CLUSTER, OWN, REGION};
use pullaudit_google_fake::{METHODS, Policy, Repository};
use servers::ablation::Breakable;
use servers::aws::Keys;
use servers::kubernetes::ADMIN;

const ACR: &str = "acmeregistry.azurecr.io/shop/cart:1.4.2";
const SECOND: &str = "22222222-0000-4000-8000-000000000002";

/// Two subscriptions with a cluster each, whose pulls are all allowed.
#[test]
fn no_command_is_green_over_what_azure_did_not_tell() {
    let mut world = World::acme().subscription(SECOND).cluster(Cluster::new(SECOND, "rg", "second"));
    let kubelets = [
        world.clusters[0].identity().unwrap().object_id.clone(),
        Identity::named(SECOND, "MC_second", "second-agentpool").object_id,
    ];
    let registry = world.registries[0].id();
    world.grants.extend(kubelets.map(|kubelet| Grant::new(&registry, role::ACR_PULL, &kubelet)));
    let place = azure::Place::of(world, &[ACR]);
    let second = format!("/subscriptions/{SECOND}/providers/Microsoft.ContainerRegistry/registries?");
    let ground = Ground {
        breakables: vec![&place.fake as &dyn Breakable],
        folder: place.folder.path(),
        environment: place.fake.env(),
        fixed: &["--provider", "aks", "--timeout", "10s"],
        named: &|call| vec![azure_breakable::right(call).to_owned(), "Azure".to_owned()],
        once: false,
        needless: &[
            ("", "/roleDefinitions/", "the built-in role is known by its id"),
            ("", "/cacheRules?", "rules tell how an image gets there, which is not asked"),
            (
                "",
                "/roleAssignments?api-version=2022-04-01&$filter=atScope()\n",
                "who else holds a grant explains a denial",
            ),
            ("", &second, "the registry was found in the other subscription, and names are unique"),
            ("", "/directoryObjects/getByIds", "assumed: that the identity is there"),
            ("can-pull", "/managedClusters?", "the named cluster was found in the other subscription"),
        ],
    };
    ground.hold(&ways("acmeprod", ACR));
}

/// A cluster in one project, its images in another.
#[test]
fn no_command_is_green_over_what_google_did_not_tell() {
    let image = google::IMAGES[0];
    let policy = Policy::new().bind(READER, MEMBER);
    let world =
        google::cluster().repository(Repository::new("acme-images", "europe-west4", "shop").policy(policy));
    let place = google::Place::of(world);
    let google = Google(&place.fake, None);
    let ground = Ground {
        breakables: vec![&google as &dyn Breakable],
        folder: place.folder.path(),
        environment: place.fake.env(),
        fixed: &["--provider", "gke", "--timeout", "10s"],
        named: &|call| {
            let method = METHODS.iter().find(|method| call.split(' ').next() == Some(method.name));
            vec![method.map_or("Google", |method| method.permission).to_owned()]
        },
        once: false,
        needless: &[
            ("", "organizations.getIamPolicy", "the repository's own policy grants, and others only give more"),
            ("", "projects.getIamPolicy", "the same"),
            (
                "",
                "projects.getAncestry POST /v1/projects/acme-prod:",
                "assumed: boundaries above the account's project",
            ),
            ("", "searchTargetPolicyBindings", "assumed: that no boundary is bound there"),
            (
                "",
                "iam.policies.listPolicies GET /v2/policies/cloudresourcemanager.googleapis.com/organizations",
                "assumed: that none denies",
            ),
            ("", "serviceusage.services.get", "the API is on, since it answers"),
            ("can-pull", "clusters.list", "the named cluster was found in another project"),
        ],
    };
    ground.hold(&ways("shop-ew4", image));
}

/// A cluster with its API server, and a registry of its own account.
#[test]
fn no_command_is_green_over_what_aws_or_a_cluster_did_not_tell() {
    let Some(fleet) = live::shared("no_command_is_green_over_what_aws_did_not_tell") else { return };
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    fleet.kubernetes.namespace("green");
    let mut api = live::workload("Deployment", "api", &image);
    api["metadata"]["namespace"] = "green".into();
    fleet.kubernetes.apply(&api);
    let (cloud, cluster) = (live::proxy(fleet.aws), fleet.kubernetes.proxy());
    let kubeconfig = fleet.kubernetes.kubeconfig(ADMIN, CLUSTER, Some(&cluster.endpoint()));
    let mut environment = live::environment(&Keys::root(OWN), &cloud, Some(&kubeconfig));
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground {
        breakables: vec![&cloud as &dyn Breakable, &cluster],
        folder: folder.path(),
        environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        fixed: &["--provider", "eks", "--region", REGION, "--cluster", "prod/general", "--timeout", "20s"],
        named: &|call| {
            let operation = call.split(" as=").next().unwrap_or_default();
            if let Some(verb) = operation.strip_prefix("kubernetes:") {
                let right = verb.split(' ').nth(1).filter(|right| !right.starts_with("path="));
                return vec![right.unwrap_or("Kubernetes API server").to_owned()];
            }
            vec![operation.split(':').next_back().unwrap_or_default().to_owned(), "AWS identity".to_owned()]
        },
        once: true,
        needless: &[
            ("", "ecr:DescribePullThroughCacheRules", "rules tell how an image gets there, which is not asked"),
            ("", "ecr:GetAccountSetting", "the scope of a registry policy, of which there is none"),
            ("", "eks:DescribeFargateProfile", "another pool than the one that was selected"),
            ("", "organizations:DescribeOrganization", "assumed: that it does not deny"),
            ("can-pull", "eks:", "others than the one pool that was asked about"),
            ("can-pull", "kubernetes:", "the same"),
        ],
    };
    let live: Vec<Way> = [&["audit", "-n", "green"][..], &["fix", "-n", "green", "--yes"]]
        .into_iter()
        .map(|arguments| Way::new(arguments, ""))
        .collect();
    ground.hold(&[live, ways("prod/general", &image)].concat());
}
