//! Policies: versions, etags, conditions, limits, members.

use pullaudit_google_fake::{Fake, Lag, Policy, Repository, Role, World};
use serde_json::{Value, json};

use crate::client::{AR, CRM, Client};

const SHOP: &str = "projects/acme-images/locations/europe-west1/repositories/shop";
const READER: &str = "roles/artifactregistry.reader";
const NODES: &str = "serviceAccount:nodes@acme-prod.iam.gserviceaccount.com";
const EXPIRY: &str = "request.time < timestamp(\"2027-01-01T00:00:00Z\")";

fn read(client: &Client<'_>, version: u64) -> Value {
    let path = format!("v1/{SHOP}:getIamPolicy?options.requestedPolicyVersion={version}");
    let reply = client.get(AR, &path);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

fn write(client: &Client<'_>, policy: &Value) -> crate::client::Reply {
    client.post(AR, &format!("v1/{SHOP}:setIamPolicy"), &json!({ "policy": policy }))
}

fn shop(policy: Policy) -> Fake {
    Fake::start(World::acme().policy(SHOP, policy))
}

fn conditional() -> Policy {
    Policy::new().bind(READER, "allUsers").bind_if(READER, &[NODES], "until 2027", EXPIRY)
}

#[test]
fn a_fresh_repository_has_nothing_but_an_etag() {
    let fake = Fake::start(World::acme());
    let fresh = read(&Client::new(&fake), 3);
    assert_eq!(fresh.as_object().unwrap().keys().collect::<Vec<_>>(), ["etag"]);
}

#[test]
fn a_set_is_answered_with_a_new_etag_and_read_back_at_version_1_where_nothing_is_conditional() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let fresh = read(&client, 3);
    let bindings = json!([{ "role": READER, "members": [NODES] }]);
    let reply = write(&client, &json!({ "version": 3, "etag": fresh["etag"], "bindings": bindings }));
    assert_eq!((reply.status, &reply.body["version"], &reply.body["bindings"]), (200, &json!(1), &bindings));
    assert_ne!(reply.body["etag"], fresh["etag"]);
    assert_eq!(read(&client, 3), reply.body);
    assert!(fake.change(|world| world.policy_of(SHOP).unwrap().holds(READER, NODES)));
    let again = write(&client, &json!({ "version": 3, "etag": reply.body["etag"], "bindings": bindings }));
    assert_ne!(again.body["etag"], reply.body["etag"], "even where nothing changed");
    assert!(fake.unguarded_writes().is_empty());
}

#[test]
fn a_former_etag_meets_a_conflict_and_changes_nothing() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let fresh = read(&client, 3);
    fake.change(|world| world.policy_of(SHOP).unwrap().add(READER, "user:colleague@acme.example"));
    let reply = write(&client, &json!({ "version": 3, "etag": fresh["etag"], "bindings": [] }));
    assert_eq!((reply.status, reply.code()), (409, "ABORTED"));
    assert!(reply.message().starts_with("There were concurrent policy changes"));
    assert_eq!(read(&client, 3)["bindings"][0]["members"][0], "user:colleague@acme.example");
}

#[test]
fn a_set_without_an_etag_overwrites_and_is_recorded() {
    let fake = shop(conditional());
    let client = Client::new(&fake);
    let reply = write(&client, &json!({ "bindings": [{ "role": READER, "members": [NODES] }] }));
    assert_eq!(reply.status, 200);
    assert_eq!(read(&client, 3)["bindings"].as_array().unwrap().len(), 1, "the condition is gone");
    assert_eq!(fake.unguarded_writes(), [SHOP]);
}

#[test]
fn conditions_are_shown_at_version_3_alone() {
    let fake = shop(conditional());
    let client = Client::new(&fake);
    let whole = read(&client, 3);
    assert_eq!(whole["version"], 3);
    assert_eq!(whole["bindings"][1]["condition"], json!({ "title": "until 2027", "expression": EXPIRY }));
    for lesser in [read(&client, 1), read(&client, 0), client.get(AR, &format!("v1/{SHOP}:getIamPolicy")).body] {
        assert_eq!(lesser["version"], 1);
        let role = lesser["bindings"][1]["role"].as_str().unwrap();
        let hash = role.strip_prefix("roles/artifactregistry.reader_withcond_").expect("a role that is none");
        assert!(hash.len() == 20 && hash.chars().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
        assert!(lesser["bindings"][1].get("condition").is_none());
        assert_eq!(lesser["bindings"][0]["role"], READER);
        assert_eq!(lesser["etag"], whole["etag"]);
    }
    let strange = client.get(AR, &format!("v1/{SHOP}:getIamPolicy?options.requestedPolicyVersion=2"));
    assert_eq!((strange.status, strange.code()), (400, "INVALID_ARGUMENT"));
}

#[test]
fn a_policy_with_conditions_is_set_at_version_3_or_not_at_all() {
    let fake = shop(conditional());
    let client = Client::new(&fake);
    let mut policy = read(&client, 3);
    policy["version"] = json!(1);
    assert_eq!(write(&client, &policy).status, 400, "a condition at version 1");
    let plain =
        json!({ "version": 1, "etag": policy["etag"], "bindings": [{ "role": READER, "members": [NODES] }] });
    assert_eq!(write(&client, &plain).status, 400, "over a condition at version 1");
    let lesser = read(&client, 1);
    assert_eq!(write(&client, &lesser).status, 400, "what version 1 showed");
    let mut named = lesser;
    named["version"] = json!(3);
    assert!(write(&client, &named).message().contains("_withcond_"));
    policy["version"] = json!(3);
    assert_eq!(write(&client, &policy).status, 200);
    assert_eq!(read(&client, 3)["bindings"], policy["bindings"]);
}

#[test]
fn roles_and_new_members_must_be_there() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let set = |role: &str, member: &str| {
        let etag = read(&client, 3)["etag"].clone();
        write(&client, &json!({ "version": 3, "etag": etag, "bindings": [{ "role": role, "members": [member] }] }))
    };
    for member in [
        "serviceAccount:gone@acme-prod.iam.gserviceaccount.com",
        "serviceAccount:100000000002-compute@developer.gserviceaccount.com",
        "deleted:serviceAccount:nodes@acme-prod.iam.gserviceaccount.com?uid=1",
        "nodes@acme-prod.iam.gserviceaccount.com",
        "user:",
    ] {
        assert_eq!(set(READER, member).status, 400, "{member}");
    }
    assert_eq!(set("roles/artifactregistry.raeder", NODES).status, 400);
    for member in [
        NODES,
        "serviceAccount:acme-prod.svc.id.goog[shop/cart]",
        "serviceAccount:somebody@elsewhere.iam.gserviceaccount.com",
        "serviceAccount:service-100000000002@gcp-sa-artifactregistry.iam.gserviceaccount.com",
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
        "group:devs@acme.example",
        "allUsers",
    ] {
        assert_eq!(set(READER, member).status, 200, "{member}");
    }
}

#[test]
fn what_stands_there_already_is_taken_back_though_nobody_could_add_it() {
    let dead = "deleted:serviceAccount:old@acme-prod.iam.gserviceaccount.com?uid=123456789012345678901";
    let fake = shop(Policy::new().bind("roles/some.retired", dead).bind(READER, "odd:member"));
    let client = Client::new(&fake);
    let policy = read(&client, 3);
    assert_eq!(write(&client, &policy).status, 200);
    assert_eq!(read(&client, 3)["bindings"], policy["bindings"]);
}

#[test]
fn fields_of_the_future_come_back_and_are_lost_when_they_are_not_sent() {
    let policy = Policy::new().with("newFangled", json!({ "a": [1] })).bind(READER, "allUsers");
    let fake = Fake::start(World::acme().policy(SHOP, policy).future_field("newFangled"));
    let client = Client::new(&fake);
    let mut read_back = read(&client, 3);
    assert_eq!(write(&client, &read_back).status, 200);
    read_back = read(&client, 3);
    assert_eq!(read_back["newFangled"], json!({ "a": [1] }));
    read_back.as_object_mut().unwrap().remove("newFangled");
    assert_eq!(write(&client, &read_back).status, 200);
    assert!(read(&client, 3).get("newFangled").is_none());
    assert!(fake.strangers().is_empty());
}

#[test]
fn a_policy_holds_1500_principals_and_250_groups() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let set = |kind: &str, count: usize| {
        let members: Vec<String> = (0..count).map(|at| format!("{kind}:{at}@acme.example")).collect();
        let etag = read(&client, 3)["etag"].clone();
        let bindings = json!([{ "role": READER, "members": members }]);
        write(&client, &json!({ "version": 3, "etag": etag, "bindings": bindings })).status
    };
    assert_eq!([set("user", 1500), set("user", 1501), set("group", 250), set("group", 251)], [200, 400, 200, 400]);
}

#[test]
fn bindings_of_one_role_become_one_and_empty_ones_go() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let etag = read(&client, 3)["etag"].clone();
    let bindings = json!([
        { "role": READER, "members": [NODES] },
        { "role": READER, "members": ["allUsers"], "condition": { "title": "t", "expression": "true" } },
        { "role": READER, "members": ["allUsers", NODES] },
        { "role": "roles/viewer", "members": [] },
    ]);
    assert_eq!(write(&client, &json!({ "version": 3, "etag": etag, "bindings": bindings })).status, 200);
    let found = read(&client, 3)["bindings"].clone();
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[0], json!({ "role": READER, "members": [NODES, "allUsers"] }));
}

#[test]
fn a_write_is_seen_late_where_the_world_lags() {
    let fake = Fake::start(World::acme().write_lag(Lag::Calls(2)));
    let client = Client::new(&fake);
    let fresh = read(&client, 3);
    let bindings = json!([{ "role": READER, "members": [NODES] }]);
    let done = write(&client, &json!({ "version": 3, "etag": fresh["etag"], "bindings": bindings }));
    assert_eq!(done.body["bindings"], bindings, "the writer sees it");
    assert_eq!([read(&client, 3), read(&client, 3)], [fresh.clone(), fresh]);
    assert_eq!(read(&client, 3), done.body);
}

#[test]
fn a_deleted_account_stays_in_its_bindings_by_its_unique_id_and_a_new_one_gets_another() {
    let email = "nodes@acme-prod.iam.gserviceaccount.com";
    let fake = shop(Policy::new().bind(READER, NODES));
    let client = Client::new(&fake);
    let id = |fake: &Fake| {
        fake.change(|world| {
            let found = world.accounts.iter().find(|account| account.email == email);
            found.map(|account| account.unique_id.clone())
        })
    };
    let before = id(&fake).unwrap();
    fake.change(|world| world.rotate_account(email));
    assert_ne!(id(&fake).unwrap(), before);
    let members = read(&client, 3)["bindings"][0]["members"].clone();
    assert_eq!(members, json!([format!("deleted:serviceAccount:{email}?uid={before}")]));
}

#[test]
fn projects_folders_and_organisations_have_policies_too_read_by_a_post() {
    let mut world = World::acme();
    for (at, resource) in
        ["projects/acme-images", "folders/800000000001", "organizations/900000000001"].iter().enumerate()
    {
        let role = ["roles/viewer", "roles/editor", "roles/owner"][at];
        world = world.policy(resource, Policy::new().bind_if(role, &[NODES], "t", EXPIRY));
    }
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    for (resource, role) in [
        ("projects/acme-images", "roles/viewer"),
        ("projects/100000000002", "roles/viewer"),
        ("folders/800000000001", "roles/editor"),
        ("organizations/900000000001", "roles/owner"),
    ] {
        let ask = |body: Value| client.post(CRM, &format!("v3/{resource}:getIamPolicy"), &body);
        let whole = ask(json!({ "options": { "requestedPolicyVersion": 3 } }));
        assert_eq!((whole.status, &whole.body["bindings"][0]["role"]), (200, &json!(role)), "{whole:?}");
        assert!(ask(json!({})).body["bindings"][0]["role"].as_str().unwrap().contains("_withcond_"));
        // Nobody writes there.
        let set = client.post(CRM, &format!("v3/{resource}:setIamPolicy"), &json!({ "policy": {} }));
        assert_eq!(set.status, 404);
    }
    assert_eq!(fake.strangers().len(), 4);
}

#[test]
fn a_custom_role_that_was_deleted_is_not_given_again() {
    let role =
        Role::new("projects/acme-images/roles/puller", &["artifactregistry.repositories.downloadArtifacts"]);
    let fake =
        Fake::start(World::acme().role(role.deleted()).repository(Repository::new("acme-images", "us", "x")));
    let client = Client::new(&fake);
    let etag = read(&client, 3)["etag"].clone();
    let bindings = json!([{ "role": "projects/acme-images/roles/puller", "members": [NODES] }]);
    assert_eq!(write(&client, &json!({ "version": 3, "etag": etag, "bindings": bindings })).status, 400);
}
