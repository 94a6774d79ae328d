//! The snapshot as a file: what opens, what is refused and with which words, how two become one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use pullaudit_core::{
    Cluster, ClusterId, ClusterRecord, Obstacle, Open, Read, SNAPSHOT_SCHEMA, Section, Snapshot, SnapshotError,
};
use serde_json::json;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

fn record(id: &str, location: &str) -> ClusterRecord {
    ClusterRecord {
        cluster: Cluster {
            id: ClusterId(id.into()),
            provider: "eks".into(),
            name: id.into(),
            location: location.into(),
            scope: "1".into(),
            endpoint: None,
        },
        reachable: true,
        context: None,
        hidden: Vec::new(),
        pools: Vec::new(),
        lookalikes: Vec::new(),
    }
}

fn refused() -> Read<serde_json::Value> {
    Read::Unread(Open::unread("policy", "ecr:GetRepositoryPolicy", "account 1", Obstacle::Refused))
}

fn with(key: &str, reading: Read<serde_json::Value>, second: i64) -> Snapshot {
    let mut section = Section::default();
    section.put("policies", key, reading);
    let mut snapshot = Snapshot::new(at(second));
    snapshot.facts.insert("eks".into(), section);
    snapshot
}

#[test]
fn what_is_written_is_read_back() {
    let mut snapshot = with("a", refused(), 5);
    snapshot.clusters.push(record("c", "eu"));
    let text = snapshot.to_json().unwrap();
    assert_eq!(Snapshot::parse(&text).unwrap(), snapshot);
    assert_eq!(Snapshot::parse(&text).unwrap().to_json().unwrap(), text);
}

#[test]
fn unknown_fields_of_a_later_minor_version_are_passed_over() {
    let text = r#"{"schema":"pullaudit/snapshot/1","takenAt":"2026-11-25T00:00:00Z","clusters":[],"workloads":[],"facts":{},"later":1}"#;
    assert!(Snapshot::parse(text).is_ok());
}

#[test]
fn a_newer_file_is_called_newer() {
    let text = r#"{"schema":"pullaudit/snapshot/9","anything":true}"#;
    let error = Snapshot::parse(text).unwrap_err();
    assert!(matches!(error, SnapshotError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("update pullaudit"), "{error}");
}

#[test]
fn every_truncation_is_refused_and_none_panics() {
    let mut snapshot = with("a", Read::Got(json!({"text": "{}"})), 5);
    snapshot.clusters.push(record("c", "eu"));
    let text = snapshot.to_json().unwrap();
    for end in 0..text.len() - 2 {
        let Some(part) = text.get(..end) else { continue };
        assert!(Snapshot::parse(part).is_err(), "accepted the first {end} bytes");
    }
    let error = Snapshot::parse(&text[..text.len() / 2]).unwrap_err();
    assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
}

#[test]
fn other_json_is_no_snapshot_and_a_wrong_type_is_named() {
    for text in ["{}", "[]", "1", r#"{"schema":"pullaudit/report/1"}"#, r#"{"schema":7}"#] {
        assert!(matches!(Snapshot::parse(text).unwrap_err(), SnapshotError::NotASnapshot { .. }), "{text}");
    }
    let text = format!(r#"{{"schema":"{SNAPSHOT_SCHEMA}","takenAt":"2026-11-25T00:00:00Z","clusters":{{}}}}"#);
    let error = Snapshot::parse(&text).unwrap_err();
    assert!(matches!(error, SnapshotError::Malformed { .. }), "{error}");
}

#[test]
fn merging_keeps_what_was_read_and_names_what_differs() {
    let got = |n: u8| Read::Got(json!(n));
    let mut merged = with("a", refused(), 5);
    assert!(merged.merge(with("a", got(1), 1)).is_empty(), "a reading beats a gap, even an older one");
    assert_eq!(merged.facts["eks"].get("policies", "a"), Some(&got(1)));
    assert!(merged.merge(with("a", refused(), 9)).is_empty());
    assert_eq!(merged.facts["eks"].get("policies", "a"), Some(&got(1)));

    let mut older = with("a", got(1), 5);
    let conflicts = older.merge(with("a", got(2), 9));
    assert_eq!(older.facts["eks"].get("policies", "a"), Some(&got(2)), "the newer is kept");
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].subject, "eks policies a");
    assert_eq!((conflicts[0].kept, conflicts[0].dropped), (at(9), at(5)));
}

#[test]
fn merging_in_either_order_keeps_the_same_facts() {
    let (mut one, mut other) = (with("a", Read::Got(json!(1)), 5), with("a", Read::Got(json!(2)), 9));
    let (first, second) = (one.clone(), other.clone());
    one.merge(second);
    other.merge(first);
    assert_eq!(one.facts, other.facts);
    assert_eq!(one.taken_at, other.taken_at);
}

#[test]
fn a_cluster_comes_with_its_workloads_from_the_newer_file() {
    let workload = |name: &str| pullaudit_core::Workload {
        cluster: Some(ClusterId("c".into())),
        namespace: "n".into(),
        kind: "Deployment".into(),
        name: name.into(),
        containers: Vec::new(),
        next: pullaudit_core::PodGroup::default(),
        living: Vec::new(),
        service_account: String::new(),
        service_account_annotations: std::collections::BTreeMap::new(),
        service_account_unread: None,
        static_pod: false,
        every_pool: false,
        pods: std::collections::BTreeMap::new(),
        pods_only: false,
        origin: None,
    };
    let snapshot = |second: i64, location: &str, name: &str| {
        let mut snapshot = Snapshot::new(at(second));
        snapshot.clusters.push(record("c", location));
        snapshot.workloads.push(workload(name));
        snapshot
    };
    let mut merged = snapshot(1, "eu", "old");
    let conflicts = merged.merge(snapshot(2, "us", "new"));
    assert_eq!(conflicts[0].subject, "cluster c");
    assert_eq!(merged.clusters, vec![record("c", "us")]);
    assert_eq!(merged.workloads, vec![workload("new")]);
    let mut same = snapshot(1, "eu", "old");
    assert!(same.merge(snapshot(2, "eu", "old")).is_empty());
    assert_eq!(same.workloads.len(), 1, "the same file twice is the same file");
}
