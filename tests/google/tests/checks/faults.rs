//! Troubles, latency, and what has happened after them.

use std::time::{Duration, Instant};

use pullaudit_google_fake::{Fake, Fault, Policy, Repository, Service, Trouble, World, names};
use serde_json::json;

use crate::client::{AR, CRM, Client};

const SHOP: &str = "projects/acme-images/locations/europe-west1/repositories/shop";
const READER: &str = "roles/artifactregistry.reader";
const NODES: &str = "serviceAccount:nodes@acme-prod.iam.gserviceaccount.com";
const GET: &str = "artifactregistry.projects.locations.repositories.getIamPolicy";
const SET: &str = "artifactregistry.projects.locations.repositories.setIamPolicy";

fn policy_path() -> String {
    format!("v1/{SHOP}:getIamPolicy?options.requestedPolicyVersion=3")
}

/// One read-modify-write, as a careful client does it; the status of its set, if one came.
fn grant(client: &Client<'_>) -> Result<u16, String> {
    let mut policy = client.get(AR, &policy_path()).body;
    policy["version"] = json!(3);
    let bindings = policy.as_object_mut().unwrap().entry("bindings").or_insert_with(|| json!([]));
    bindings.as_array_mut().unwrap().push(json!({ "role": READER, "members": [NODES] }));
    let body = Some(("application/json", json!({ "policy": policy }).to_string()));
    client.send(AR, "POST", &format!("v1/{SHOP}:setIamPolicy"), body).map(|reply| reply.status)
}

fn holds(fake: &Fake) -> bool {
    fake.change(|world| world.policy_of(SHOP).unwrap().holds(READER, NODES))
}

#[test]
fn a_fault_meets_the_calls_it_names_and_as_often_as_it_says() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    fake.set_fault(Fault::call(GET, Trouble::ServerError).after(1).times(2));
    let hit = || client.get(AR, &policy_path()).status;
    assert_eq!(client.get(AR, &format!("v1/{SHOP}")).status, 200);
    assert_eq!([hit(), hit(), hit(), hit()], [200, 500, 500, 200]);
    fake.clear_faults();
    fake.set_fault(Fault::on("/REPOSITORIES/shop", Trouble::NotFound).verb("GET").query("version=3"));
    assert_eq!(hit(), 404);
    assert_eq!(client.get(AR, &format!("v1/{SHOP}:getIamPolicy")).status, 200);
    fake.clear_faults();
    let path = format!("/v1/{SHOP}:getIamPolicy");
    fake.set_fault(Fault::exactly("GET", &path, "options.requestedPolicyVersion=3", Trouble::NotFound));
    assert_eq!((hit(), client.get(AR, &format!("v1/{SHOP}:getIamPolicy")).status), (404, 200));
    fake.clear_faults();
    fake.set_fault(Fault::call("cloudresourcemanager.projects.get", Trouble::Forbidden).path("acme-images"));
    let project = |id: &str| client.get(CRM, &format!("v3/projects/{id}")).status;
    assert_eq!([project("acme-images"), project("acme-prod")], [403, 200]);
}

#[test]
fn refusals_have_the_words_of_the_service() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let meet = |trouble| {
        fake.clear_faults();
        fake.set_fault(Fault::call(GET, trouble));
        client.get(AR, &policy_path())
    };
    let reply = meet(Trouble::Forbidden);
    assert_eq!((reply.status, reply.reason()), (403, "IAM_PERMISSION_DENIED"));
    assert!(reply.message().contains("'artifactregistry.repositories.getIamPolicy'"));
    let reply = meet(Trouble::Disabled);
    assert_eq!((reply.status, reply.reason()), (403, "SERVICE_DISABLED"));
    assert!(reply.message().contains("100000000002"));
    let reply = meet(Trouble::Throttled(7));
    assert_eq!((reply.status, reply.code()), (429, "RESOURCE_EXHAUSTED"));
    assert_eq!(reply.headers["retry-after"].to_str().unwrap(), "7");
    let reply = meet(Trouble::Unavailable(3));
    assert_eq!((reply.status, reply.headers["retry-after"].to_str().unwrap()), (503, "3"));
    let reply = meet(Trouble::Unauthenticated);
    assert_eq!((reply.status, reply.code()), (401, "UNAUTHENTICATED"));
    let reply = meet(Trouble::Lost);
    assert_eq!((reply.status, &reply.body), (404, &json!(null)));
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(meet(Trouble::NotFound).code(), "NOT_FOUND");
    assert_eq!(meet(Trouble::Refused(418, "TEAPOT")).status, 418);
    assert!(fake.strangers().is_empty());
}

#[test]
fn what_was_cut_off_has_happened_and_what_failed_has_not() {
    for (trouble, happened) in [
        (Trouble::Cut, true),
        (Trouble::Garbage, true),
        (Trouble::SilenceAfter, true),
        (Trouble::Slow(Duration::from_millis(50)), true),
        (Trouble::Silence, false),
        (Trouble::ServerError, false),
        (Trouble::Unavailable(1), false),
        (Trouble::Throttled(1), false),
        (Trouble::Forbidden, false),
        (Trouble::NotFound, false),
        (Trouble::Lost, false),
    ] {
        let fake = Fake::start(World::acme());
        fake.set_fault(Fault::call(SET, trouble));
        let _ = grant(&Client::new(&fake));
        assert_eq!(holds(&fake), happened, "{trouble:?}");
    }
}

#[test]
fn an_answer_can_break_off_or_be_nonsense_or_never_come() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    let meet = |trouble| {
        fake.set_fault(Fault::call(GET, trouble).times(1));
        client.send(AR, "GET", &policy_path(), None).unwrap_err()
    };
    assert_ne!(meet(Trouble::Cut), "silence");
    assert!(meet(Trouble::Garbage).contains("EOF"));
    assert_eq!(meet(Trouble::Silence), "silence");
    assert_eq!(client.get(AR, &policy_path()).status, 200, "nobody else is held up");
    let statuses: Vec<_> = fake.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [None, Some(200), None, Some(200)]);
}

#[test]
fn somebody_else_edits_between_the_read_and_the_write() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    fake.set_fault(Fault::call(SET, Trouble::ConcurrentEdit).times(2));
    assert_eq!([grant(&client), grant(&client), grant(&client)], [Ok(409), Ok(409), Ok(200)]);
    let writer = "roles/artifactregistry.writer";
    let kept = |member: &str| fake.change(|world| world.policy_of(SHOP).unwrap().holds(writer, member));
    assert!(holds(&fake) && kept("user:colleague-1@acme.example") && kept("user:colleague-2@acme.example"));
    assert_eq!(fake.change(|world| world.edits), 2);
}

#[test]
fn somebody_else_can_do_the_very_same_or_undo_it() {
    let fake = Fake::start(World::acme().colleague(|policy, edit| match edit {
        1 => policy.add(READER, NODES),
        _ => policy.remove(READER, NODES),
    }));
    let client = Client::new(&fake);
    fake.set_fault(Fault::call(SET, Trouble::ConcurrentEdit).times(2));
    assert_eq!((grant(&client), holds(&fake)), (Ok(409), true));
    assert_eq!((grant(&client), holds(&fake)), (Ok(409), false));
    let sent = fake.requests().into_iter().rfind(|seen| seen.name == SET).unwrap();
    assert_eq!(sent.body["policy"]["bindings"][0]["members"], json!([NODES]));
    assert_eq!(sent.body["policy"]["version"], 3);
}

#[test]
fn a_policy_can_come_at_version_1_though_3_was_asked_for() {
    let policy =
        Policy::new().bind_if(READER, &[NODES], "t", "request.time < timestamp(\"2027-01-01T00:00:00Z\")");
    let fake = Fake::start(World::acme().policy(SHOP, policy.clone()).policy("projects/acme-images", policy));
    let client = Client::new(&fake);
    fake.set_fault(Fault::on("getIamPolicy", Trouble::VersionOne));
    let asked = json!({ "options": { "requestedPolicyVersion": 3 } });
    for body in [
        client.get(AR, &policy_path()).body,
        client.post(CRM, "v3/projects/acme-images:getIamPolicy", &asked).body,
    ] {
        assert_eq!(body["version"], 1);
        assert!(
            body["bindings"][0]["role"].as_str().unwrap().starts_with("roles/artifactregistry.reader_withcond_")
        );
    }
}

#[test]
fn page_tokens_can_lead_to_the_first_page_for_ever() {
    let fake = Fake::start(World::acme().repository(Repository::new("acme-images", "europe-west1", "b")));
    let client = Client::new(&fake);
    fake.set_fault(Fault::call("artifactregistry.projects.locations.repositories.list", Trouble::LoopingPages));
    let path = "v1/projects/acme-images/locations/europe-west1/repositories";
    let first = client.get(AR, path).body;
    let token = first["nextPageToken"].as_str().unwrap();
    for _ in 0..3 {
        assert_eq!(client.get(AR, &format!("{path}?pageToken={token}")).body, first);
    }
    fake.set_fault(Fault::call("cloudresourcemanager.projects.search", Trouble::LoopingPages));
    assert!(client.get(CRM, "v3/projects:search").body["nextPageToken"].is_string());
}

#[test]
fn the_ways_to_a_token_meet_troubles_too() {
    let fake = Fake::start(World::acme());
    let client = Client::with(&fake, None);
    for (name, service, path) in
        [("oauth2.token", Service::OAuth, "token"), ("sts.token", Service::Sts, "v1/token")]
    {
        assert!(names().contains(&name));
        fake.set_fault(Fault::call(name, Trouble::Unavailable(1)));
        assert_eq!(client.form(service, path, &[]).status, 503);
    }
}

#[test]
fn latency_delays_every_answer_and_calls_run_beside_each_other() {
    let fake = Fake::start(World::acme());
    fake.set_latency(Duration::from_millis(300));
    let client = Client::new(&fake);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| client.get(AR, &policy_path()));
        }
    });
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_millis(1100), "{took:?}");
    fake.set_latency(Duration::ZERO);
    fake.set_fault(Fault::call(GET, Trouble::Slow(Duration::from_millis(300))));
    let start = Instant::now();
    assert_eq!(client.get(AR, &policy_path()).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
}
