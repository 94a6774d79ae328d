//! One target for each kind of text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod words;

use bolero::check;
use jiff::Timestamp;
use pullaudit::assess::Judging;
use pullaudit::clouds::Clouds;
use pullaudit::config::Config;
use pullaudit::fix_line::FixLine;
use pullaudit::pipeline;
use pullaudit::settings::Settings;
use pullaudit_core::{
    Credential, Facts, ImageRef, Mode, Principal, PrincipalKind, Question, Read, Section, Snapshot, Vantage,
    Verdict, judge,
};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};
use std::sync::LazyLock;
use words::{ABAC, IMAGE, JSON, POLICY, YAML, text};

/// Runs of each target in a test; a run of `cargo bolero` takes no notice of it.
const RUNS: usize = 20_000;

#[test]
fn references() {
    check!().with_type::<(Vec<u8>, String)>().with_iterations(RUNS).for_each(|(seeds, noise)| {
        for input in [text(IMAGE, seeds), noise.clone(), format!("{}{noise}", text(IMAGE, seeds))] {
            let Ok(image) = ImageRef::parse(&input) else { continue };
            let again = ImageRef::parse(&image.to_string()).expect("what is printed parses");
            assert_eq!(again.to_string(), image.to_string(), "{input:?}");
            assert_eq!((again.registry, again.repository), (image.registry, image.repository), "{input:?}");
        }
    });
}

/// What a role that has this document, and nothing else, may pull from a repository that has the other.
fn weighed(own: &str, repository: &str, mode: Mode) -> Verdict {
    let (role, place) = ("111122223333/node", "111122223333/eu-central-1");
    let arn = "arn:aws:iam::111122223333:role/node";
    let mut rows = Section::default();
    rows.put(table::ROLES, role, Read::Got(json!({ "arn": arn, "roleId": "AROAEXAMPLE" })));
    rows.put(table::ATTACHED, role, Read::Got(json!([])));
    rows.put(table::INLINE_NAMES, role, Read::Got(json!(["own"])));
    rows.put(table::INLINE, format!("{role}/own"), Read::Got(json!({ "text": own })));
    rows.put(table::REPOSITORIES, format!("{place}/app"), Read::Got(json!({ "arn": "a" })));
    rows.put(table::REPOSITORY_POLICIES, format!("{place}/app"), Read::Got(json!({ "text": repository })));
    rows.put(table::IMAGES, format!("{place}/app:1"), Read::Got(json!({ "digest": "sha256:0" })));
    rows.put(table::REGISTRY_POLICIES, place, Read::Absent);
    rows.put(table::ACCOUNT_SETTINGS, place, Read::Got(json!({ "registryPolicyScope": "V2" })));
    rows.put(table::PULL_THROUGH, place, Read::Got(json!([])));
    let by = Principal::new(PrincipalKind::NodeRole, arn, "node");
    let image = ImageRef::parse("111122223333.dkr.ecr.eu-central-1.amazonaws.com/app:1").unwrap();
    let question = Question { by: Credential::Principal(by), from: Vantage::default(), image };
    let facts = EksFacts::open(&rows).expect("the rows are well formed");
    judge(facts.weigh(&question, Timestamp::UNIX_EPOCH).as_ref(), mode)
}

#[test]
fn policy_documents() {
    let grants = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*"}}"#;
    assert!(matches!(weighed(grants, "{\"Statement\":[]}", Mode::Default), Verdict::Allowed { .. }));
    check!().with_type::<(Vec<u8>, Vec<u8>)>().with_iterations(RUNS).for_each(|(one, other)| {
        let (own, repository) = (text(POLICY, one), text(POLICY, other));
        let verdict = weighed(&own, &repository, Mode::Default);
        let broken = |text: &str| serde_json::from_str::<Value>(text).is_err();
        if broken(&own) && broken(&repository) {
            assert!(matches!(verdict, Verdict::Unknown { .. }), "{own}\n{repository}\n{verdict:?}");
        }
        // Beside a grant, a document that can't be read may deny.
        if broken(&own) {
            let beside = weighed(grants, &own, Mode::Default);
            assert!(matches!(beside, Verdict::Unknown { .. }), "{own}\n{beside:?}");
        }
    });
}

static CLOUDS: LazyLock<Clouds> = LazyLock::new(|| {
    let settings = Settings::new(pullaudit::cli::Select::default(), pullaudit::cli::Reading::default(), false);
    Clouds::new(&settings.unwrap()).unwrap()
});

/// The three clouds of the example.
const FLEET: &str = include_str!("../../../examples/identity-rotation/fleet.snapshot.json");

fn judged(snapshot: &Snapshot) {
    let judging = Judging { mode: Mode::Default, at: Timestamp::UNIX_EPOCH };
    // Rows that are not what their table promises are an error that names them.
    if let Ok(report) = pipeline::report(snapshot, &[], &CLOUDS, &Config::default(), judging, &FixLine::default())
    {
        assert!(report.summary.denied <= report.checks.len());
    }
}

/// The leaves of a value, and the objects and lists in it.
fn nodes(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                nodes(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                nodes(value, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Any part of a snapshot is another: conditions, policies, bindings, ids, times, lists.
#[test]
fn snapshots() {
    let whole: Value = serde_json::from_str(FLEET).unwrap();
    let mut places = Vec::new();
    nodes(&whole, "", &mut places);
    check!().with_type::<(u16, u8, Vec<u8>)>().with_iterations(RUNS / 40).for_each(|(place, how, seeds)| {
        let mut damaged = whole.clone();
        let place = &places[usize::from(*place) % places.len()];
        let Some(part) = damaged.pointer_mut(place) else { return };
        *part = match how % 8 {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(-1),
            4 => Value::String(text(ABAC, seeds)),
            5 => Value::String(text(POLICY, seeds)),
            6 => serde_json::from_str(&text(JSON, seeds)).unwrap_or(Value::Bool(true)),
            _ => Value::String(text(IMAGE, seeds)),
        };
        if let Ok(snapshot) = Snapshot::parse(&damaged.to_string()) {
            judged(&snapshot);
        }
    });
}

#[test]
fn snapshots_of_noise() {
    check!().with_type::<Vec<u8>>().with_iterations(RUNS).for_each(|seeds| {
        if let Ok(snapshot) = Snapshot::parse(&text(JSON, seeds)) {
            judged(&snapshot);
        }
    });
}

/// Conditions of role assignments, and of bindings, stand in the example's rows.
#[test]
fn conditions() {
    let whole: Value = serde_json::from_str(FLEET).unwrap();
    let mut places = Vec::new();
    nodes(&whole, "", &mut places);
    let places: Vec<&String> = places
        .iter()
        .filter(|place| place.ends_with("/condition") || place.ends_with("/condition/expression"))
        .collect();
    assert!(!places.is_empty(), "the example has conditions");
    check!().with_type::<(u8, Vec<u8>)>().with_iterations(RUNS / 40).for_each(|(place, seeds)| {
        let mut other = whole.clone();
        let place = places[usize::from(*place) % places.len()];
        if let Some(part) = other.pointer_mut(place) {
            *part = Value::String(text(ABAC, seeds));
        }
        judged(&Snapshot::parse(&other.to_string()).unwrap());
    });
}

#[test]
fn manifests() {
    check!().with_type::<(Vec<u8>, String)>().with_iterations(RUNS / 10).for_each(|(seeds, noise)| {
        for input in [text(YAML, seeds), noise.clone(), format!("{}\n{noise}", text(YAML, seeds))] {
            let _ = pullaudit::kubernetes::manifests::read_text("fuzz.yaml", &input);
        }
    });
}
