//! What each service shows, to whom, and in which words it refuses.

use pullaudit_google_fake::{
    CLOUD_PLATFORM, Caller, Cluster, DenyPolicy, Fake, LOGGING_ONLY, Paging, Pool, Repository, Right, Role,
    Service, World,
};
use serde_json::{Value, json};

use crate::client::{AR, CRM, Client};

const CALLER: &str = "pullaudit@acme-ops.iam.gserviceaccount.com";
const SHOP: &str = "projects/acme-images/locations/europe-west1/repositories/shop";
const CLUSTERS: &str = "v1/projects/acme-prod/locations/-/clusters";

fn texts<'a>(list: &'a [Value], key: &str) -> Vec<&'a str> {
    list.iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn clusters_come_at_once_with_their_pools_and_their_endpoints() {
    let world = World::acme()
        .cluster(
            Cluster::new("acme-prod", "europe-west1-b", "prod")
                .pool(Pool::new("old").bare())
                .pool(Pool::new("weak").account("w@acme-prod.iam.gserviceaccount.com").scopes(LOGGING_ONLY))
                .auto_provisioning("default", LOGGING_ONLY)
                .dns_endpoint("gke-0.europe-west1.gke.goog")
                .endpoint("127.0.0.1:6443", "Q0E="),
        )
        .cluster(
            Cluster::new("acme-prod", "us-east1", "auto").autopilot("default", &[CLOUD_PLATFORM]).without_pools(),
        );
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let found = client.get(Service::Container, CLUSTERS).list("clusters");
    assert_eq!(texts(&found, "location"), ["europe-west1", "europe-west1-b", "us-east1"], "one name, two places");
    assert_eq!(found[0]["nodePools"][0]["config"]["serviceAccount"], "nodes@acme-prod.iam.gserviceaccount.com");
    assert!(found[1]["nodePools"][0]["config"].get("serviceAccount").is_none());
    assert_eq!(found[1]["nodePools"][1]["config"]["oauthScopes"], json!(LOGGING_ONLY));
    assert_eq!(found[1]["autoscaling"]["autoprovisioningNodePoolDefaults"]["serviceAccount"], "default");
    assert!(found[1].get("autopilot").is_none());
    assert_eq!(found[1]["endpoint"], "127.0.0.1:6443");
    assert_eq!(found[1]["masterAuth"]["clusterCaCertificate"], "Q0E=");
    let dns = &found[1]["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"];
    assert_eq!(dns, "gke-0.europe-west1.gke.goog");
    assert_eq!(found[2]["autopilot"], json!({ "enabled": true }));
    assert!(found[2].get("nodePools").is_none());
    let path = "v1/projects/acme-prod/locations/europe-west1-b/clusters/prod";
    assert_eq!(client.get(Service::Container, path).body, found[1]);
    let by_place = client.get(Service::Container, "v1/projects/100000000001/locations/us-east1/clusters");
    assert_eq!(texts(&by_place.list("clusters"), "name"), ["auto"]);
    assert_eq!(client.get(Service::Container, "v1/projects/acme-images/locations/-/clusters").body, json!({}));
    let missing = client.get(Service::Container, "v1/projects/acme-prod/locations/us-east1/clusters/prod");
    assert_eq!((missing.status, missing.code()), (404, "NOT_FOUND"));
}

#[test]
fn zones_that_could_not_be_asked_are_named_and_their_clusters_are_missing() {
    let fake = Fake::start(World::acme().missing_zone("acme-prod", "europe-west1"));
    let reply = Client::new(&fake).get(Service::Container, CLUSTERS);
    assert_eq!((reply.status, &reply.body), (200, &json!({ "missingZones": ["europe-west1"] })));
}

#[test]
fn repositories_tell_their_mode_their_upstreams_and_their_rules() {
    let own = |id: &str| Repository::new("acme-images", "europe-west1", id);
    let world = World::acme()
        .repository(own("hub").remote("https://registry-1.docker.io"))
        .repository(own("chain").remote("projects/acme-prod/locations/us/repositories/base"))
        .repository(own("all").over(&[SHOP, "projects/acme-images/locations/europe-west1/repositories/hub"]))
        .repository(own("old").without_mode())
        .repository(
            own("ruled")
                .rule("no-latest", "DENY", "web", "pkg.version.id == 'latest'")
                .rule("rest", "ALLOW", "", ""),
        );
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let get = |id: &str| {
        client.get(AR, &format!("v1/projects/acme-images/locations/europe-west1/repositories/{id}")).body
    };
    assert_eq!(get("shop")["mode"], "STANDARD_REPOSITORY");
    assert_eq!(get("hub")["remoteRepositoryConfig"]["dockerRepository"]["publicRepository"], "DOCKER_HUB");
    let upstream = get("chain")["remoteRepositoryConfig"]["commonRepository"]["uri"].clone();
    assert_eq!(upstream, "projects/acme-prod/locations/us/repositories/base");
    assert_eq!(get("all")["virtualRepositoryConfig"]["upstreamPolicies"][0]["repository"], SHOP);
    assert!(get("old").get("mode").is_none());
    let path = "v1/projects/acme-images/locations/europe-west1/repositories";
    let rules = client.get(AR, &format!("{path}/ruled/rules")).list("rules");
    assert_eq!((rules.len(), &rules[0]["action"], &rules[0]["packageId"]), (2, &json!("DENY"), &json!("web")));
    assert_eq!(client.get(AR, &format!("{path}/shop/rules")).body, json!({}));
    let missing = client.get(AR, &format!("{path}/nothing"));
    assert_eq!((missing.status, missing.code()), (404, "NOT_FOUND"));
    let listed = client.get(AR, path).list("repositories");
    assert_eq!(listed.len(), 6);
    let settings = client.get(AR, "v1/projects/acme-images/projectSettings").body;
    assert_eq!(settings["legacyRedirectionState"], "REDIRECTION_FROM_GCR_IO_DISABLED");
}

#[test]
fn lists_come_in_pages_that_belong_to_their_list() {
    let mut world = World::acme().paging(Paging { size: 2, empty_first: true });
    for id in ["a", "b", "c", "d"] {
        world = world.repository(Repository::new("acme-images", "europe-west1", id));
    }
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let path = "v1/projects/acme-images/locations/europe-west1/repositories";
    let (mut found, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = client.get(AR, &format!("{path}?pageSize=1000&pageToken={token}"));
        sizes.push(page.list("repositories").len());
        found.extend(page.list("repositories"));
        match page.body["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!((sizes, found.len()), (vec![0, 2, 2, 1], 5));
    let elsewhere = client.get(AR, &format!("v1/projects/acme-prod/locations/us/repositories?pageToken={token}"));
    assert_eq!(elsewhere.status, 400);
    assert_eq!(client.get(AR, &format!("{path}?pageToken=x")).status, 400);
    assert_eq!(fake.strangers().len(), 2);
}

#[test]
fn projects_are_found_by_id_and_number_and_their_ancestors_by_walking_or_at_once() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let project = client.get(CRM, "v3/projects/acme-images").body;
    assert_eq!(project["name"], "projects/100000000002");
    assert_eq!(client.get(CRM, "v3/projects/100000000002").body, project);
    let folder = client.get(CRM, &format!("v3/{}", project["parent"].as_str().unwrap())).body;
    assert_eq!(folder["parent"], "organizations/900000000001");
    let organization = client.get(CRM, "v3/organizations/900000000001").body;
    assert_eq!(organization["displayName"], "acme.example");
    let ancestors = client.post(CRM, "v1/projects/acme-images:getAncestry", &json!({})).list("ancestor");
    let told: Vec<String> = ancestors
        .iter()
        .map(|one| {
            format!(
                "{}/{}",
                one["resourceId"]["type"].as_str().unwrap(),
                one["resourceId"]["id"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told, ["project/acme-images", "folder/800000000001", "organization/900000000001"]);
    let unknown = client.get(CRM, "v3/projects/nothing");
    assert_eq!((unknown.status, unknown.code()), (403, "PERMISSION_DENIED"), "as if it were hidden");
}

#[test]
fn a_search_shows_what_the_caller_may_see_and_refuses_nobody() {
    let rights = [Right::new("resourcemanager.projects.get", "folders/800000000001")];
    let fake = Fake::start(World::acme().caller(Caller::with(CALLER, &rights)));
    let client = Client::new(&fake);
    let found = client.get(CRM, "v3/projects:search").list("projects");
    assert_eq!(texts(&found, "projectId"), ["acme-prod", "acme-images"]);
    fake.change(|world| world.projects[1].state = "DELETE_REQUESTED".to_owned());
    let found = client.get(CRM, "v3/projects:search?query=state:ACTIVE").list("projects");
    assert_eq!(texts(&found, "projectId"), ["acme-images"]);
    fake.take_right("resourcemanager.*");
    assert_eq!(client.get(CRM, "v3/projects:search").body, json!({}));
    fake.give_rights_back();
    assert_eq!(client.get(CRM, "v3/projects:search").list("projects").len(), 2);
}

#[test]
fn a_project_of_a_domain_has_a_colon_in_its_name() {
    let world = World::acme()
        .project("acme.example:base", 100_000_000_003, "organizations/900000000001")
        .repository(Repository::new("acme.example:base", "us", "gcr.io"));
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let path = "v1/projects/acme.example:base/locations/us/repositories/gcr.io";
    let repository = client.get(AR, path);
    assert_eq!(repository.body["registryUri"], "us-docker.pkg.dev/acme.example/base/gcr.io");
    assert_eq!(client.get(AR, &path.replace(':', "%3A")).body, repository.body);
    assert_eq!(client.get(CRM, "v3/projects/acme.example:base").body["name"], "projects/100000000003");
    let policy = client.post(CRM, "v3/projects/acme.example:base:getIamPolicy", &json!({}));
    assert_eq!(policy.status, 200);
    assert!(fake.strangers().is_empty());
}

#[test]
fn a_service_account_that_is_missing_is_404_in_its_own_project_and_403_behind_the_wildcard() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let get = |project: &str, name: &str| {
        client.get(Service::Iam, &format!("v1/projects/{project}/serviceAccounts/{name}"))
    };
    let email = "nodes@acme-prod.iam.gserviceaccount.com";
    let account = get("acme-prod", email).body;
    assert!(account.get("disabled").is_none());
    assert_eq!(get("-", email).body, account);
    assert_eq!(get("acme-prod", account["uniqueId"].as_str().unwrap()).body, account);
    assert_eq!(get("acme-images", email).status, 404, "of another project");
    fake.change(|world| world.accounts.iter_mut().for_each(|known| known.disabled = known.email == email));
    assert_eq!(get("-", email).body["disabled"], true);
    fake.change(|world| world.delete_account(email));
    assert_eq!((get("acme-prod", email).status, get("-", email).status), (404, 403));
    assert_eq!(get("-", email).reason(), "IAM_PERMISSION_DENIED");
}

#[test]
fn roles_are_predefined_of_a_project_or_of_an_organisation_and_a_deleted_one_says_so() {
    let world = World::acme()
        .role(Role::new("projects/acme-images/roles/puller", &["artifactregistry.repositories.downloadArtifacts"]))
        .role(Role::new("organizations/900000000001/roles/gone", &[]).deleted());
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let get = |name: &str| client.get(Service::Iam, &format!("v1/{name}"));
    let holds = |name: &str| {
        let list = get(name).list("includedPermissions");
        list.contains(&json!("artifactregistry.repositories.downloadArtifacts"))
    };
    assert!(holds("roles/artifactregistry.reader") && holds("projects/100000000002/roles/puller"));
    assert!(!holds("roles/container.defaultNodeServiceAccount"));
    assert_eq!(get("organizations/900000000001/roles/gone").body["deleted"], true);
    assert_eq!(get("roles/artifactregistry.raeder").status, 404);
    fake.take_right("iam.roles.get");
    assert_eq!((get("projects/acme-images/roles/puller").status, get("roles/viewer").status), (403, 200));
}

#[test]
fn lists_of_deny_policies_leave_out_their_rules() {
    let permission = "artifactregistry.googleapis.com/repositories.downloadArtifacts";
    let world = World::acme()
        .deny(DenyPolicy::new(
            "projects/acme-images",
            "no-pull",
            &["principalSet://goog/public:all"],
            &[permission],
        ))
        .deny(DenyPolicy::new("organizations/900000000001", "other", &[], &[]));
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    for point in [
        "cloudresourcemanager.googleapis.com%2Fprojects%2Facme-images",
        "cloudresourcemanager.googleapis.com%2Fprojects%2F100000000002",
    ] {
        let listed = client.get(Service::Iam, &format!("v2/policies/{point}/denypolicies")).list("policies");
        assert_eq!(listed.len(), 1);
        assert!(listed[0].get("rules").is_none());
        let name = listed[0]["name"].as_str().unwrap();
        assert!(name.contains("%2Fprojects%2F100000000002/"), "{name}");
        let whole = client.get(Service::Iam, &format!("v2/{name}")).body;
        assert_eq!(whole["rules"][0]["denyRule"]["deniedPermissions"], json!([permission]));
    }
    let none = client.get(
        Service::Iam,
        "v2/policies/cloudresourcemanager.googleapis.com%2Ffolders%2F800000000001/denypolicies",
    );
    assert_eq!((none.status, none.body), (200, json!({})));
    fake.take_right("iam.denypolicies.*");
    let point = "cloudresourcemanager.googleapis.com%2Forganizations%2F900000000001";
    assert_eq!(client.get(Service::Iam, &format!("v2/policies/{point}/denypolicies")).status, 403);
    assert!(fake.strangers().is_empty());
}

#[test]
fn an_api_that_is_not_enabled_says_so_and_service_usage_knows() {
    let fake = Fake::start(World::acme().disable("acme-images", "artifactregistry.googleapis.com"));
    let client = Client::new(&fake);
    let refused = client.get(AR, &format!("v1/{SHOP}"));
    assert_eq!((refused.status, refused.reason()), (403, "SERVICE_DISABLED"));
    assert!(refused.message().contains("has not been used in project 100000000002 before or it is disabled"));
    let state = |host: &str| {
        client.get(Service::ServiceUsage, &format!("v1/projects/acme-images/services/{host}")).body["state"]
            .clone()
    };
    assert_eq!(
        [state("artifactregistry.googleapis.com"), state("container.googleapis.com")],
        ["DISABLED", "ENABLED"]
    );
    let names = "names=projects/acme-images/services/artifactregistry.googleapis.com&\
                 names=projects/100000000002/services/container.googleapis.com";
    let batch = client.get(Service::ServiceUsage, &format!("v1/projects/acme-images/services:batchGet?{names}"));
    let services = batch.list("services");
    assert_eq!(texts(&services, "state"), ["DISABLED", "ENABLED"]);
    assert_eq!(services[0]["name"], "projects/100000000002/services/artifactregistry.googleapis.com");
    assert!(fake.strangers().is_empty());
    let other = "names=projects/acme-prod/services/container.googleapis.com";
    let path = format!("v1/projects/acme-images/services:batchGet?{other}");
    assert_eq!(client.get(Service::ServiceUsage, &path).status, 400);
}

#[test]
fn each_call_needs_its_permission_and_the_refusal_names_it() {
    let fake = Fake::start(World::acme().caller(Caller::with(CALLER, &[])));
    let client = Client::new(&fake);
    let repository = client.get(AR, &format!("v1/{SHOP}:getIamPolicy"));
    assert_eq!((repository.status, repository.reason()), (403, "IAM_PERMISSION_DENIED"));
    let metadata = &repository.body["error"]["details"][0]["metadata"];
    assert_eq!(metadata, &json!({ "permission": "artifactregistry.repositories.getIamPolicy", "resource": SHOP }));
    assert!(repository.message().ends_with("(or it may not exist)."));
    let hidden = client.get(AR, &format!("v1/{}", SHOP.replace("shop", "nothing")));
    assert_eq!(hidden.status, 403, "what is not there is refused too");
    let clusters = client.get(Service::Container, CLUSTERS);
    assert_eq!(
        clusters.message(),
        "Required \"container.clusters.list\" permission(s) for \"projects/acme-prod\"."
    );
    let policy = client.post(CRM, "v3/folders/800000000001:getIamPolicy", &json!({}));
    assert!(policy.message().contains("'resourcemanager.folders.getIamPolicy'"), "{policy:?}");
    assert!(fake.strangers().is_empty());
}

#[test]
fn a_right_at_a_folder_reaches_what_is_under_it_and_one_at_a_repository_reaches_nothing_else() {
    let rights = [
        Right::new("artifactregistry.repositories.get", "folders/800000000001"),
        Right::new("artifactregistry.repositories.setIamPolicy", SHOP),
    ];
    let fake = Fake::start(World::acme().caller(Caller::with(CALLER, &rights)));
    let client = Client::new(&fake);
    assert_eq!(client.get(AR, &format!("v1/{SHOP}")).status, 200);
    let all = json!({ "permissions": [
        "artifactregistry.repositories.get",
        "artifactregistry.repositories.setIamPolicy",
        "artifactregistry.repositories.delete",
    ] });
    let test = |service, path: &str| client.post(service, &format!("{path}:testIamPermissions"), &all);
    let held = test(AR, &format!("v1/{SHOP}")).list("permissions");
    assert_eq!(held, ["artifactregistry.repositories.get", "artifactregistry.repositories.setIamPolicy"]);
    assert_eq!(test(CRM, "v3/projects/acme-images").list("permissions"), ["artifactregistry.repositories.get"]);
    assert_eq!(test(CRM, "v3/folders/800000000001").list("permissions").len(), 1);
    assert_eq!(test(CRM, "v3/organizations/900000000001").body, json!({}));
    assert!(fake.strangers().is_empty());
    let stars = json!({ "permissions": ["artifactregistry.*"] });
    assert_eq!(client.post(AR, &format!("v1/{SHOP}:testIamPermissions"), &stars).status, 400);
}

#[test]
fn a_project_that_is_named_for_quota_must_be_one_that_the_caller_may_use() {
    let fake = Fake::start(World::acme());
    let mut client = Client::new(&fake);
    client.headers.push(("x-goog-user-project", "acme-prod".to_owned()));
    assert_eq!(client.get(AR, &format!("v1/{SHOP}")).status, 200);
    fake.take_right("serviceusage.services.use");
    let refused = client.get(AR, &format!("v1/{SHOP}"));
    assert_eq!((refused.status, refused.reason()), (403, "USER_PROJECT_DENIED"));
}
