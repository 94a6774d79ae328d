//! Subscriptions, clusters, registries, API versions, pages and the caller's rights.

use base64::Engine as _;
use serde_json::Value;

use crate::azure_fake::client::Client;
use crate::azure_fake::{Caller, Cluster, Fake, Identity, Paging, Pool, Registry, SUBSCRIPTION, World};

const CLUSTERS: &str = "managedClusters?api-version=2026-03-01";
const REGISTRY_READ: &str = "Microsoft.ContainerRegistry/registries/read";

fn containers(place: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}{place}/providers/Microsoft.ContainerService/{CLUSTERS}")
}

fn registries(version: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerRegistry/registries?api-version={version}")
}

#[test]
fn clusters_show_who_pulls_and_how_they_are() {
    let world = World::acme()
        .cluster(Cluster::new(SUBSCRIPTION, "rg-two", "acmeold").service_principal("44444444-app"))
        .cluster(Cluster::new(SUBSCRIPTION, "rg-two", "acmenew").creating())
        .cluster(Cluster::new(SUBSCRIPTION, "rg-two", "acmeidle").stopped().private().location("northeurope"))
        .cluster(
            Cluster::new(SUBSCRIPTION, "rg-two", "acmebig")
                .pool(Pool::new("gpu", 2).label("tier", "gpu").taint("sku=gpu:NoSchedule")),
        );
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let all = client.get(&containers(""));
    assert_eq!(all.names(), ["acmeprod", "acmeold", "acmenew", "acmeidle", "acmebig"]);
    let of = |index: usize| &all.value()[index]["properties"];
    let kubelet = Identity::named(SUBSCRIPTION, "MC_acmeprod", "acmeprod-agentpool");
    assert_eq!(of(0)["identityProfile"]["kubeletidentity"]["objectId"], *kubelet.object_id);
    assert_eq!(of(0)["servicePrincipalProfile"]["clientId"], "msi");
    assert_ne!(all.value()[0]["identity"]["principalId"], *kubelet.object_id);
    assert_eq!(of(1)["servicePrincipalProfile"]["clientId"], "44444444-app");
    assert_eq!((&of(1)["identityProfile"], &all.value()[1]["identity"]), (&Value::Null, &Value::Null));
    assert_eq!((&of(2)["identityProfile"], &of(2)["provisioningState"]), (&Value::Null, &"Creating".into()));
    assert_eq!(of(3)["powerState"]["code"], "Stopped");
    assert_eq!(
        (&of(3)["fqdn"], &of(3)["apiServerAccessProfile"]["enablePrivateCluster"]),
        (&Value::Null, &true.into())
    );
    assert_eq!(of(4)["agentPoolProfiles"][1]["nodeLabels"]["tier"], "gpu");
    assert_eq!(of(4)["agentPoolProfiles"][1]["nodeTaints"][0], "sku=gpu:NoSchedule");
    assert_eq!(client.get(&containers("/resourceGroups/RG-TWO")).value().len(), 4);
}

#[test]
fn paths_take_any_case_and_missing_things_say_what_is_missing() {
    let fake = Fake::start(World::acme().resource_group(SUBSCRIPTION, "rg-empty"));
    let client = Client::new(&fake);
    let id = Cluster::new(SUBSCRIPTION, "rg-acme", "acmeprod").id();
    let get = |id: &str| client.get(&format!("{id}?api-version=2026-03-01"));
    assert_eq!(get(&id.to_uppercase()).body["name"], "acmeprod");
    assert_eq!(get(&id.replace("acmeprod", "other")).code(), "ResourceNotFound");
    assert_eq!(get(&id.replace("rg-acme", "rg-other")).code(), "ResourceGroupNotFound");
    assert_eq!(get(&id.replace("1111", "3333")).code(), "SubscriptionNotFound");
    assert_eq!(client.get(&containers("/resourceGroups/rg-empty")).value().len(), 0);
    assert_eq!(client.get(&containers("/resourceGroups/rg-other")).code(), "ResourceGroupNotFound");
}

#[test]
fn what_the_fake_does_not_know_is_an_error_and_noted() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let base = format!("/subscriptions/{SUBSCRIPTION}");
    for (path, status, code) in [
        (format!("{base}/providers/Microsoft.Compute/disks?api-version=2024-03-02"), 404, "InvalidResourceType"),
        (format!("{base}/resourceGroups?api-version=2022-09-01"), 404, "InvalidResourceType"),
        (registries("2031-01-01"), 400, "NoRegisteredProviderFound"),
        (registries("2025-11-01").split('?').next().unwrap().to_owned(), 400, "MissingApiVersionParameter"),
        (format!("{}&$top=5", registries("2025-11-01")), 400, "InvalidQueryParameter"),
        (format!("{}&$skipToken=77", registries("2025-11-01")), 400, "InvalidSkipToken"),
    ] {
        let reply = client.get(&path);
        assert_eq!((reply.status, reply.code()), (status, code), "{path}");
    }
    assert_eq!(client.send("POST", &registries("2025-11-01"), "").unwrap().status, 405);
    assert_eq!(fake.strangers().len(), 7);
    assert_eq!(client.get(&registries("2025-11-01")).status, 200);
    assert_eq!(fake.strangers().len(), 7);
}

#[test]
fn the_mode_of_a_registry_shows_in_new_answers_only() {
    let world = World::acme().registry(Registry::new(SUBSCRIPTION, "rg-acme", "acmerepos").abac());
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let modes = |version: &str| {
        let reply = client.get(&registries(version));
        let mode = |one: &Value| one["properties"]["roleAssignmentMode"].as_str().map(str::to_owned);
        reply.value().iter().map(mode).collect::<Vec<_>>()
    };
    for version in ["2025-11-01", "2025-03-01-preview"] {
        let told = ["LegacyRegistryPermissions", "AbacRepositoryPermissions"].map(|mode| Some(mode.to_owned()));
        assert_eq!(modes(version), told, "{version}");
    }
    for version in ["2019-05-01", "2023-07-01", "2023-11-01-preview", "2025-04-01"] {
        assert_eq!(modes(version), [None, None], "{version}");
    }
}

#[test]
fn a_registry_shows_its_network_its_policies_and_its_caches() {
    let registry = Registry::new(SUBSCRIPTION, "rg-acme", "acmelabel")
        .login_server("acmelabel-a1b2c3d4e5f6.azurecr.io")
        .anonymous_pull()
        .not_public()
        .default_deny()
        .private_end_point("Approved")
        .private_end_point("Pending")
        .quarantine()
        .no_arm_tokens()
        .credential_set("hub", "docker.io", Some("Unauthorized"))
        .cache_rule("library", "docker.io/library/*", "cache/*", Some("hub"))
        .cache_rule("plain", "mcr.microsoft.com/*", "mcr/*", None);
    let id = registry.id();
    let fake = Fake::start(World::acme().registry(registry));
    let client = Client::new(&fake);
    let get = |rest: &str| client.get(&format!("{id}{rest}?api-version=2025-11-01"));
    let body = get("").body;
    let of = &body["properties"];
    assert_eq!(of["loginServer"], "acmelabel-a1b2c3d4e5f6.azurecr.io");
    assert_eq!((&of["anonymousPullEnabled"], &of["publicNetworkAccess"]), (&true.into(), &"Disabled".into()));
    assert_eq!(of["networkRuleSet"]["defaultAction"], "Deny");
    let state = |index: usize| {
        &of["privateEndpointConnections"][index]["properties"]["privateLinkServiceConnectionState"]["status"]
    };
    assert_eq!((state(0), state(1)), (&"Approved".into(), &"Pending".into()));
    assert_eq!(of["policies"]["quarantinePolicy"]["status"], "enabled");
    assert_eq!(of["policies"]["azureADAuthenticationAsArmPolicy"]["status"], "disabled");
    let rules = get("/cacheRules");
    assert_eq!(rules.names(), ["library", "plain"]);
    assert_eq!(rules.value()[0]["properties"]["credentialSetResourceId"], format!("{id}/credentialSets/hub"));
    assert_eq!(rules.value()[1]["properties"]["credentialSetResourceId"], Value::Null);
    let sets = get("/credentialSets");
    let health = &sets.value()[0]["properties"]["authCredentials"][0]["credentialHealth"];
    assert_eq!((&health["status"], &health["errorCode"]), (&"Unhealthy".into(), &"Unauthorized".into()));
    assert_eq!(get("/scopeMaps").status, 404);
}

#[test]
fn resources_are_found_by_type_and_name() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let get = |filter: &str| {
        client.get(&format!("/subscriptions/{SUBSCRIPTION}/resources?api-version=2024-11-01&$filter={filter}"))
    };
    let found = get("resourceType eq 'microsoft.containerregistry/REGISTRIES'");
    assert_eq!(found.names(), ["acmeregistry"]);
    assert_eq!(found.value()[0]["properties"], Value::Null);
    let by_name = |name: &str| {
        get(&format!("resourceType eq 'Microsoft.ContainerRegistry/registries' and name eq '{name}'"))
            .value()
            .len()
    };
    assert_eq!((by_name("acmeregistry"), by_name("other")), (1, 0));
    assert_eq!(get("location eq 'westeurope'").status, 400);
    fake.take_right(REGISTRY_READ);
    assert_eq!(get("resourceType eq 'Microsoft.ContainerRegistry/registries'").value().len(), 0);
}

#[test]
fn a_kubeconfig_calls_kubelogin_and_points_where_the_test_wants() {
    let cluster = Cluster::new(SUBSCRIPTION, "rg-acme", "acmelive").api_server("https://127.0.0.1:6443", "THE CA");
    let path = format!("{}/listClusterUserCredential?api-version=2026-03-01", cluster.id());
    let fake = Fake::start(World::acme().cluster(cluster));
    let client = Client::new(&fake);
    let reply = client.send("POST", &path, "").unwrap();
    let base64 = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
    let config: Value = serde_json::from_slice(&base64(&reply.body["kubeconfigs"][0]["value"])).unwrap();
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6443");
    assert_eq!(base64(&config["clusters"][0]["cluster"]["certificate-authority-data"]), b"THE CA");
    assert_eq!(config["users"][0]["user"]["exec"]["command"], "kubelogin");
    assert_eq!(client.get(&path).status, 405);
}

fn walk(client: &Client, first: &str) -> (Vec<String>, Vec<usize>, Vec<String>) {
    let (mut names, mut sizes, mut links) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = Some(first.to_owned());
    while let Some(link) = next {
        let page = client.get(&link);
        sizes.push(page.value().len());
        names.extend(page.names().into_iter().map(str::to_owned));
        next = page.body["nextLink"].as_str().map(str::to_owned);
        links.extend(next.clone());
    }
    (names, sizes, links)
}

#[test]
fn pages_are_those_that_were_recorded() {
    let world = World::acme().cluster(Cluster::new(SUBSCRIPTION, "rg-acme", "acmetwo"));
    let fake = Fake::start(world.paging(Paging::recorded(1)));
    let (names, sizes, links) = walk(&Client::new(&fake), &containers(""));
    assert_eq!(names, ["acmeprod", "acmetwo"]);
    assert_eq!(sizes, [1, 1, 0], "the last page is empty");
    assert!(links[0].starts_with(&fake.url()));
    assert!(links[0].ends_with("api-version=2026-03-01&%24skipToken=1&skipToken=1"), "{}", links[0]);
    fake.change(|world| world.paging = Paging::opaque(1));
    let (names, sizes, links) = walk(&Client::new(&fake), &containers(""));
    assert_eq!((names.len(), sizes.len(), links.len()), (2, 2, 1));
    assert!(!links[0].contains("&skipToken="));
    fake.change(|world| world.paging = Paging::default());
    assert_eq!(walk(&Client::new(&fake), &containers("")).1, [2]);
}

#[test]
fn a_right_taken_away_forbids_those_calls_only() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    fake.take_right("microsoft.containerregistry/registries/READ");
    let refused = client.get(&registries("2025-11-01"));
    assert_eq!((refused.status, refused.code()), (403, "AuthorizationFailed"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("perform action '{REGISTRY_READ}' over scope '/subscriptions/{SUBSCRIPTION}'"))
    );
    assert_eq!(client.get(&containers("")).status, 200);
    let caches =
        Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").id() + "/cacheRules?api-version=2025-11-01";
    assert_eq!(client.get(&caches).status, 200);
    fake.give_rights_back();
    assert_eq!(client.get(&registries("2025-11-01")).status, 200);
}

#[test]
fn rights_hold_at_their_scope_and_below() {
    const OTHER: &str = "22222222-0000-4000-8000-000000000001";
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-acme");
    let caller = Caller::new().only(&[("Microsoft.ContainerService/*/read", &group)]);
    let fake = Fake::start(World::acme().subscription(OTHER).caller(caller));
    let client = Client::new(&fake);
    assert_eq!(client.get(&containers("/resourceGroups/rg-acme")).status, 200);
    assert_eq!(client.get(&containers("")).status, 403);
    // A subscription is seen by whoever may do something in it.
    let seen = client.get("/subscriptions?api-version=2022-12-01");
    assert_eq!(seen.value().len(), 1);
    assert_eq!(seen.value()[0]["subscriptionId"], SUBSCRIPTION);
    fake.change(|world| world.caller = Caller::new().without_at("*/read", &group));
    assert_eq!(client.get(&containers("/resourceGroups/rg-acme")).status, 403);
    assert_eq!(client.get(&containers("")).status, 200);
}
