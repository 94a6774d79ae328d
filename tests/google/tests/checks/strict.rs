//! What the fake does not know is an error, and on the record.

use pullaudit_google_fake::{Fake, METHODS, Service, World, names};
use serde_json::json;

use crate::client::{AR, CRM, Client};

const SHOP: &str = "v1/projects/acme-images/locations/europe-west1/repositories/shop";

#[test]
fn unknown_paths_verbs_versions_and_doors_are_strangers() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let all = [
        (AR, "GET", "v1/projects/acme-images/locations"),
        (AR, "GET", "v1beta2/projects/acme-images/locations/europe-west1/repositories/shop"),
        (AR, "DELETE", SHOP),
        (AR, "PATCH", SHOP),
        (AR, "POST", "v1/projects/acme-images/locations/europe-west1/repositories/shop:getIamPolicy"),
        (AR, "GET", "v1/projects/acme-images/locations/europe-west1/repositories/shop:setIamPolicy"),
        (AR, "GET", "v1/projects/acme-images/locations/europe-west1/repositories/shop:getPolicy"),
        (AR, "GET", "v1/projects/acme-images/locations/europe-west1/repositories/shop/"),
        (AR, "GET", "v1//projects/acme-images/locations/europe-west1/repositories/shop"),
        (AR, "GET", "v1/projects/acme-images/locations/-/repositories"),
        (Service::Container, "GET", SHOP),
        (AR, "GET", "v1/projects/acme-prod/locations/-/clusters"),
        (Service::Container, "GET", "v1/projects//locations/-/clusters"),
        (Service::Container, "GET", "v1/projects/acme-prod/zones/-/clusters"),
        (Service::Container, "PUT", "v1/projects/acme-prod/locations/europe-west1/clusters/prod"),
        (CRM, "GET", "v1/projects/acme-prod"),
        (CRM, "GET", "v3/projects"),
        (CRM, "GET", "v3/projects/acme-prod:getIamPolicy"),
        (CRM, "GET", "v3/projects:search?query=displayName:acme"),
        (Service::Iam, "GET", "v1/projects/acme-prod/serviceAccounts"),
        (
            Service::Iam,
            "GET",
            "v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod/allowpolicies",
        ),
        (
            Service::Iam,
            "GET",
            "v2/policies/cloudresourcemanager.googleapis.com%252Fprojects%252Facme-prod/denypolicies",
        ),
        (Service::Iam, "GET", "v2/policies/projects%2Facme-prod/denypolicies"),
        (Service::Iam, "GET", "v2/policies/cloudresourcemanager.googleapis.com/projects/acme-prod/denypolicies"),
        (Service::OAuth, "GET", "token"),
        (Service::Sts, "POST", "token"),
    ];
    for (service, verb, path) in all {
        fake.forget_requests();
        let reply = client.send(service, verb, path, None).unwrap();
        assert!(reply.status >= 400, "{service:?} {verb} {path}: {reply:?}");
        assert_eq!(fake.strangers().len(), 1, "{service:?} {verb} {path}: {reply:?}");
    }
}

#[test]
fn unknown_queries_and_fields_are_strangers() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    for query in ["view=FULL", "$alt=json", "alt=proto", "pageSize=1", "alt=json&alt=json", "key=x"] {
        assert_eq!(client.get(AR, &format!("{SHOP}?{query}")).status, 400, "{query}");
    }
    assert_eq!(client.get(AR, &format!("{SHOP}?alt=json&prettyPrint=false")).status, 200);
    let binding = json!({ "role": "roles/viewer", "members": ["allUsers"], "note": 1 });
    for body in [
        json!({ "policy": { "etag": "ACAB", "auditConfigs": [] } }),
        json!({ "policy": { "etag": "ACAB", "bindings": [binding] } }),
        json!({ "policy": { "etag": "ACAB", "bindings": [{ "role": "roles/viewer", "condition": { "expr": "true" } }] } }),
        json!({ "policy": { "etag": { "value": "ACAB" } } }),
        json!({ "policy": { "etag": "ACAB" }, "updateMask": "bindings" }),
        json!({ "policy": { "etag": "ACAB", "version": 2 } }),
        json!({}),
        json!([]),
    ] {
        let reply = client.post(AR, &format!("{SHOP}:setIamPolicy"), &body);
        assert_eq!((reply.status, reply.code()), (400, "INVALID_ARGUMENT"), "{body}");
    }
    let text = Some(("text/plain", json!({ "policy": { "etag": "ACAB" } }).to_string()));
    assert_eq!(client.send(AR, "POST", &format!("{SHOP}:setIamPolicy"), text).unwrap().status, 400);
    let body = Some(("application/json", "{}".to_owned()));
    assert_eq!(client.send(AR, "GET", SHOP, body).unwrap().status, 400);
    assert_eq!(fake.strangers().len(), 6 + 8 + 2);
    assert!(
        fake.change(|world| world.policy_of(SHOP.strip_prefix("v1/").unwrap()).unwrap().bindings().is_empty())
    );
}

#[test]
fn a_stranger_stays_one_under_trouble() {
    use pullaudit_google_fake::{Fault, Trouble};
    let fake = Fake::start(World::acme());
    fake.set_fault(Fault::on("", Trouble::Forbidden));
    let client = Client::new(&fake);
    assert_eq!(client.get(AR, &format!("{SHOP}?view=FULL")).status, 400);
    assert_eq!(client.get(AR, "v1/unknown").status, 404);
    assert_eq!(fake.strangers().len(), 2);
}

#[test]
fn every_method_has_a_name_of_its_own_and_the_record_holds_it() {
    let mut all = names();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), count), (METHODS.len() + 3, METHODS.len() + 3));
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    client.get(AR, &format!("{SHOP}:getIamPolicy?options.requestedPolicyVersion=3"));
    let seen = fake.requests();
    let [seen] = &seen[..] else { panic!("{seen:#?}") };
    assert_eq!(seen.name, "artifactregistry.projects.locations.repositories.getIamPolicy");
    assert_eq!((seen.service, seen.verb.as_str(), seen.status), (AR, "GET", Some(200)));
    assert_eq!(seen.query, "options.requestedPolicyVersion=3");
    assert!(seen.path.ends_with("/repositories/shop:getIamPolicy"));
}

#[test]
fn it_listens_on_the_own_machine_alone_and_ends_when_it_is_dropped() {
    let fake = Fake::start(World::acme());
    let ends = fake.ends();
    assert_eq!(ends.len(), 5);
    for (name, url) in &ends {
        assert!(name.starts_with("CLOUDSDK_API_ENDPOINT_OVERRIDES_"));
        assert!(url.starts_with("http://127.0.0.1:") && url.ends_with('/'), "{url}");
    }
    let key = fake.key_file();
    let addresses: Vec<String> = Service::ALL
        .iter()
        .map(|service| fake.url(*service).trim_start_matches("http://").trim_end_matches('/').to_owned())
        .collect();
    assert!(addresses.iter().all(|address| std::net::TcpStream::connect(address).is_ok()));
    drop(fake);
    assert!(addresses.iter().all(|address| std::net::TcpStream::connect(address).is_err()));
    assert!(!key.exists());
}
