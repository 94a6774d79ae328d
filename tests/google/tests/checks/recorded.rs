//! The fake against recorded traffic of the real service: the same calls, the same answers. Recordings are no part
//! of the project; a test that finds none says so and passes.

use std::path::{Path, PathBuf};

use pullaudit_google_fake::{Cluster, Fake, Repository, Service, World};
use serde_json::{Value, json};

use crate::client::{AR, Client};
use crate::clients::skip;

/// Where recordings lie, if there are any.
pub(crate) fn recordings() -> PathBuf {
    std::env::var_os("PULLAUDIT_RECORDINGS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"), PathBuf::from)
}

/// A recorded text, or a word that it is missing.
fn recorded(file: &str, test: &str) -> Option<String> {
    let text = std::fs::read_to_string(recordings().join("gcp").join(file));
    if text.is_err() {
        skip(test, "no recordings (PULLAUDIT_RECORDINGS)");
    }
    text.ok()
}

/// A call of a log with its answer.
#[derive(Debug)]
struct Exchange {
    verb: String,
    path: String,
    sent: Value,
    status: u16,
    answer: Value,
}

/// The body of a message: what follows its headers.
fn body(message: &str) -> Value {
    let (_, body) = message.split_once("\n\n").unwrap_or_default();
    serde_json::from_str(body.trim()).unwrap_or_default()
}

fn exchanges(log: &str) -> Vec<Exchange> {
    let one = |text: &str| {
        let text = text.trim();
        // The answer begins with the first line that begins with a status.
        let at = text.match_indices("\n\n").find(|(at, _)| {
            let line = text[at + 2..].lines().next().unwrap_or_default();
            line.len() > 4 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) && !line.ends_with(',')
        })?;
        let (request, reply) = (&text[..at.0], &text[at.0 + 2..]);
        let (verb, url) = request.lines().next()?.split_once(' ')?;
        let path = url.split_once(".com/")?.1.split('?').next()?.to_owned();
        let status = reply.split(' ').next()?.parse().ok()?;
        Some(Exchange { verb: verb.to_owned(), path, sent: body(request), status, answer: body(reply) })
    };
    log.split("\n---\n").filter_map(one).collect()
}

#[test]
fn the_recorded_traffic_of_a_policy_gets_the_recorded_answers() {
    let test = "the_recorded_traffic_of_a_policy_gets_the_recorded_answers";
    let Some(log) = recorded("kcc/ar-repository-iam-set.http.log", test) else { return };
    let log = log.replace("${projectId}", "acme-images").replace("${uniqueId}", "one");
    let id = "artifactregistryrepository-one";
    let fake = Fake::start(World::acme().repository(Repository::new("acme-images", "us-central1", id)));
    let client = Client::new(&fake);
    let (mut etag, mut seen) = (Value::Null, Vec::new());
    let all = exchanges(&log);
    for exchange in all.iter().filter(|exchange| exchange.path.ends_with("IamPolicy")) {
        let mut sent = exchange.sent.clone();
        // The recording has one etag for all.
        if sent["policy"]["etag"].is_string() {
            sent["policy"]["etag"] = etag;
        }
        let reply = match exchange.verb.as_str() {
            "GET" => client.get(AR, &exchange.path),
            _ => client.post(AR, &exchange.path, &sent),
        };
        assert_eq!(reply.status, exchange.status, "{exchange:#?}: {reply:#?}");
        etag = reply.body["etag"].clone();
        let mut answer = reply.body.clone();
        answer["etag"] = exchange.answer["etag"].clone();
        assert_eq!(answer, exchange.answer, "{exchange:#?}");
        seen.push(exchange.verb.as_str());
    }
    assert!(seen.len() > 5 && seen.contains(&"POST"), "{seen:?}");
    assert!(fake.strangers().is_empty());
}

#[test]
fn what_the_recorded_service_says_of_a_missing_repository_the_fake_says_too() {
    let test = "what_the_recorded_service_says_of_a_missing_repository_the_fake_says_too";
    let Some(log) = recorded("kcc/ar-repository-crud.http.log", test) else { return };
    let log = log.replace("${projectId}", "acme-images").replace("${uniqueId}", "one");
    let all = exchanges(&log);
    let missing = all.iter().find(|exchange| exchange.status == 404 && exchange.verb == "GET").unwrap();
    let fake = Fake::start(World::acme());
    assert_eq!(Client::new(&fake).get(AR, &missing.path).body, missing.answer);
}

#[test]
fn recorded_clusters_are_served_word_by_word() {
    let Some(text) = recorded("gcpdiag/gke1/container-clusters.json", "recorded_clusters_are_served_word_by_word")
    else {
        return;
    };
    let list: Value = serde_json::from_str(&text).unwrap();
    let mut world = World::acme();
    world.clusters.clear();
    for cluster in list["clusters"].as_array().unwrap() {
        world = world.cluster(Cluster::recorded("acme-prod", cluster.clone()));
    }
    let fake = Fake::start(world);
    let reply = Client::new(&fake).get(Service::Container, "v1/projects/acme-prod/locations/-/clusters");
    assert_eq!(reply.body, json!({ "clusters": list["clusters"] }));
}
