//! One run over three clouds at once, live on their test grounds: one report, and where one cloud fails the other
//! two stay whole.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod azure_fake;
#[path = "google_fix/mod.rs"]
mod google;
#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use azure_fake::{Grant, Registry, SUBSCRIPTION, role};
use google::{MEMBER, NODES, READER};
use live::{OWN, Place, REGION, Ran, run, shared};
use pullaudit_google_fake::{CLOUD_PLATFORM, Cluster, Policy, Pool, Repository};
use serde_json::Value;
use servers::aws::Keys;
use servers::kubernetes::ADMIN;
use servers::proxy::Trouble;
use std::collections::{BTreeMap, BTreeSet};

const ACR: &str = "acmeregistry.azurecr.io/shop/cart:1.4.2";
const GAR: &str = "europe-west4-docker.pkg.dev/acme-images/shop/cart:1.4.2";
/// What anybody may pull, of two clouds.
const OPEN_ACR: &str = "acmeopen.azurecr.io/base/app:1";
const OPEN_GAR: &str = "europe-west4-docker.pkg.dev/acme-images/open/app:1";

fn ecr() -> String {
    format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0")
}

/// A cluster of each cloud, each with a right on its own registry.
struct Grounds {
    aws: Place,
    azure: azure_fake::Fake,
    google: pullaudit_google_fake::Fake,
}

impl Grounds {
    fn new(test: &str) -> Option<Self> {
        let fleet = shared(test)?;
        let mut world = azure_fake::World::acme();
        let kubelet = world.clusters[0].identity().unwrap().object_id.clone();
        world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &kubelet));
        world.registries.push(Registry::new(SUBSCRIPTION, "rg-acme", "acmeopen").anonymous_pull());
        let repository = |id: &str| Repository::new("acme-images", "europe-west4", id);
        let google = pullaudit_google_fake::World::new()
            .organization("900100200300")
            .project("acme-prod", 100_200_300_400, "organizations/900100200300")
            .project("acme-images", 500_600_700_800, "organizations/900100200300")
            .account(NODES)
            .cluster(
                Cluster::new("acme-prod", "europe-west4", "shop-ew4")
                    .pool(Pool::new("apps").account(NODES).scopes(&[CLOUD_PLATFORM])),
            )
            .repository(repository("shop").policy(Policy::new().bind(READER, MEMBER)))
            .repository(repository("open").policy(Policy::new().bind(READER, "allUsers")));
        Some(Self {
            aws: fleet.place(&Keys::root(OWN), Some(ADMIN)),
            azure: azure_fake::Fake::start(world),
            google: pullaudit_google_fake::Fake::start(google),
        })
    }

    /// Audits all clouds with these images; `broken` takes the place of what a cloud's environment says.
    fn audit(&self, images: &[&str], broken: Option<(&'static str, &str)>) -> Ran {
        let images: Vec<&str> = images.iter().flat_map(|image| ["--image", image]).collect();
        let fixed = [
            "audit",
            "--all-clouds",
            "--region",
            "us-east-1",
            "-o",
            "json",
            "--config",
            &self.aws.config,
            "--timeout",
            "20s",
        ];
        let named = |(name, value): (String, String)| (&*name.leak(), value);
        let mut environment = self.aws.environment.clone();
        environment.extend(self.azure.env().into_iter().chain(self.google.env()).map(named));
        environment.extend(broken.map(|(name, value)| (name, value.to_owned())));
        run(&[&fixed[..], &images].concat(), &environment)
    }
}

/// Verdicts by the cloud of the cluster, the pool and the image.
fn verdicts(report: &Value) -> BTreeMap<(String, String, String), String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |check: &Value| {
        ((text(&check["provider"]), text(&check["pool"]), text(&check["image"])), text(&check["verdict"]))
    };
    report["checks"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn one_run_audits_three_clouds_and_all_nine_pairs_of_cluster_and_registry() {
    let Some(grounds) = Grounds::new("one_run_audits_three_clouds") else { return };
    let ecr = ecr();
    let ran = grounds.audit(&[ACR, &ecr, GAR], None);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    let report = ran.report();
    assert_eq!(report["clusters"].as_array().unwrap().len(), 3, "{report:#}");
    let verdicts = verdicts(&report);
    for (cloud, pool, own) in [("aks", "system", ACR), ("eks", "general", &ecr), ("gke", "apps", GAR)] {
        for image in [ACR, &ecr, GAR] {
            let found = &verdicts[&(cloud.to_owned(), pool.to_owned(), image.to_owned())];
            let expected = if image == own { "allowed" } else { "denied" };
            assert_eq!(found, expected, "{cloud} pulls {image}");
        }
    }
    let calls: BTreeSet<&str> =
        report["summary"]["apiCalls"].as_object().unwrap().keys().map(String::as_str).collect();
    for service in ["arm", "ecr", "eks", "iam", "kubernetes"] {
        assert!(calls.contains(service), "{service} is not in {calls:?}");
    }
    grounds.aws.proxy.assert_no_strangers();
    assert!(grounds.azure.strangers().is_empty() && grounds.google.strangers().is_empty());
}

#[test]
fn one_cloud_that_fails_leaves_the_other_two_whole_and_the_run_incomplete() {
    let Some(grounds) = Grounds::new("one_cloud_that_fails") else { return };
    let broken = [
        ("aks", OPEN_GAR, Some(("AZURE_CLIENT_SECRET", "expired"))),
        ("gke", OPEN_ACR, Some(("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json"))),
        ("eks", OPEN_ACR, None),
    ];
    for (cloud, image, environment) in broken {
        grounds.aws.proxy.reset();
        if cloud == "eks" {
            grounds.aws.proxy.fault(|_| true, Trouble::Forbidden);
        }
        let ran = grounds.audit(&[image], environment);
        assert_eq!(ran.code, 3, "{cloud}\n{}\n{}", ran.out, ran.err);
        let report = ran.report();
        let left: BTreeSet<String> =
            verdicts(&report).into_iter().map(|((cloud, ..), verdict)| cloud + " " + &verdict).collect();
        let others = ["aks", "eks", "gke"].iter().filter(|other| **other != cloud);
        assert_eq!(left, others.map(|other| format!("{other} allowed")).collect(), "{cloud} failed");
        let said = report["incompleteBecause"].to_string();
        assert!(said.contains(cloud) || cloud == "eks" && said.contains(OWN), "{cloud}: {said}");
    }
}
