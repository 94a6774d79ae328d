//! What holds for every method.

use std::collections::BTreeSet;

use pullaudit_google_fake::{Caller, Fake, Fault, METHODS, Method, Seen, Trouble};
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::clients::skip;
use crate::discovery::{ask_everything, rich};
use crate::recorded::recordings;

const CALLER: &str = "pullaudit@acme-ops.iam.gserviceaccount.com";

/// Every call with its answer.
fn ask(fake: &Fake, client: &Client<'_>) -> Vec<(Seen, Reply)> {
    fake.forget_requests();
    let replies = ask_everything(client);
    let pairs: Vec<_> = fake.requests().into_iter().zip(replies).collect();
    assert!(pairs.iter().all(|(seen, reply)| seen.status == Some(reply.status)));
    pairs
}

fn method(seen: &Seen) -> &'static Method {
    METHODS.iter().find(|method| method.name == seen.name).unwrap()
}

#[test]
fn whoever_may_do_nothing_is_refused_by_the_permission_that_each_method_needs() {
    let fake = Fake::start(rich().caller(Caller::with(CALLER, &[])));
    for (seen, reply) in ask(&fake, &Client::new(&fake)) {
        let permission = method(&seen).permission;
        if !permission.is_empty() {
            assert_eq!((reply.status, reply.code()), (403, "PERMISSION_DENIED"), "{}", seen.name);
            assert!(reply.message().contains(permission), "{}: {}", seen.name, reply.message());
        } else if seen.name == "iam.roles.get" {
            assert_eq!(reply.status, 200, "predefined roles are no secret");
        } else {
            assert_eq!((reply.status, &reply.body), (200, &json!({})), "{} shows nothing", seen.name);
        }
    }
    assert!(fake.strangers().is_empty());
}

#[test]
fn each_method_can_be_taken_away_by_its_name_and_no_other_answer_changes() {
    let whole: Vec<(&str, Value)> = {
        let fake = Fake::start(rich());
        ask(&fake, &Client::new(&fake)).into_iter().map(|(seen, reply)| (seen.name, reply.body)).collect()
    };
    for taken in METHODS {
        let fake = Fake::start(rich());
        fake.set_fault(Fault::call(taken.name, Trouble::Refused(403, "PERMISSION_DENIED")));
        for ((seen, reply), (name, body)) in ask(&fake, &Client::new(&fake)).iter().zip(&whole) {
            assert_eq!(seen.name, *name);
            if seen.name == taken.name {
                assert_eq!(reply.status, 403, "{name}");
            } else if name.ends_with("generateAccessToken") {
                assert_eq!(reply.status, 200, "it holds a time");
            } else {
                assert_eq!(reply.body, *body, "{name} without {}", taken.name);
            }
        }
    }
}

#[test]
fn no_method_answers_without_a_token_or_with_a_query_that_it_does_not_know() {
    let fake = Fake::start(rich());
    for (seen, reply) in ask(&fake, &Client::with(&fake, None)) {
        assert_eq!((reply.status, reply.code(), seen.stranger), (401, "UNAUTHENTICATED", true), "{}", seen.name);
    }
    let client = Client::new(&fake);
    let mut tried = BTreeSet::new();
    for seen in fake.requests() {
        let path = seen.path.trim_start_matches('/').replace("com/projects/", "com%2Fprojects%2F");
        let and = if seen.query.is_empty() { "?" } else { "&" };
        let query = if seen.query.is_empty() { String::new() } else { format!("?{}", seen.query) };
        let reply = client.send(seen.service, &seen.verb, &format!("{path}{query}{and}colour=red"), None).unwrap();
        assert_eq!((reply.status, reply.code()), (400, "INVALID_ARGUMENT"), "{}: {reply:?}", seen.name);
        assert!(fake.requests().last().unwrap().stranger);
        tried.insert(seen.name);
    }
    assert_eq!(tried.len(), METHODS.len());
}

#[test]
fn every_permission_of_artifact_registry_is_one_that_a_role_holds() {
    let file = recordings().join("gcp/roles/artifactregistry-permissions-2026-08.json");
    let Ok(text) = std::fs::read_to_string(file) else {
        skip(
            "every_permission_of_artifact_registry_is_one_that_a_role_holds",
            "no recordings (PULLAUDIT_RECORDINGS)",
        );
        return;
    };
    let own = METHODS.iter().map(|method| method.permission).filter(|name| name.starts_with("artifactregistry."));
    for permission in own {
        assert!(text.contains(&format!("\"{permission}\"")), "{permission}");
    }
}
