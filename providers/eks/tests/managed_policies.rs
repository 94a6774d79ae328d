//! Every AWS managed policy that touches ECR, against what the recordings' index says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::Read;
use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::*;

const ACTIONS: [&str; 5] = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
];

fn recordings() -> Option<PathBuf> {
    let root = std::env::var_os("PULLAUDIT_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"),
        PathBuf::from,
    );
    let here = root.join("aws/managed-policies");
    here.join("index.csv").is_file().then_some(here)
}

/// What the index says of each action, by policy.
fn index(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), header.len(), "{line}");
        let named = header.iter().zip(&cells).map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned()));
        (cells[0].to_owned(), named.collect())
    };
    lines.map(row).collect()
}

/// A pull for which this one action is still to be allowed, by the policy alone.
fn lacking(action: &str, document: &Value) -> World {
    let others: Vec<&str> = ACTIONS.into_iter().filter(|other| *other != action).collect();
    let rest = policy(json!([{"Effect": "Allow", "Action": others, "Resource": "*"}]));
    let world = World::one_account().attached(&rest).inline(document);
    if ACTIONS[3..].contains(&action) {
        let rules = Read::Got(json!([{"prefix": "ledger", "upstream": "quay.io"}]));
        let world = world.registry_row(table::PULL_THROUGH, rules).row(table::IMAGES, ":v1", Read::Absent);
        let world = world.registry_row(table::TEMPLATES, Read::Got(json!([])));
        return if action == ACTIONS[4] { world.row(table::REPOSITORIES, "", Read::Absent) } else { world };
    }
    world
}

#[test]
fn every_managed_policy_is_weighed_as_its_index_says() {
    let Some(here) = recordings() else {
        println!("SKIPPED managed policies: no recordings (set PULLAUDIT_RECORDINGS)");
        return;
    };
    let documents: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(here.join("ecr-managed-policies.json")).unwrap()).unwrap();
    let index = index(&std::fs::read_to_string(here.join("index.csv")).unwrap());
    assert_eq!(documents.len(), 79);
    let mut exact = 0;
    for (name, cells) in &index {
        for action in ACTIONS {
            let pull = &ACTIONS[..if ACTIONS[3..].contains(&action) { 5 } else { 3 }];
            let others: Vec<&str> = pull.iter().map(|other| cells[*other].as_str()).collect();
            let verdict = word(&lacking(action, &documents[name]["document"]).verdict());
            exact += usize::from(check(name, action, &cells[action], &others, &verdict));
        }
    }
    println!("{exact} of {} cells are exact", index.len() * ACTIONS.len());
    assert!(exact > 300, "{exact}");
}

/// Holds one cell against a verdict; true when the cell leaves one verdict only.
fn check(name: &str, action: &str, cell: &str, all: &[&str], verdict: &str) -> bool {
    let context = format!("{name} {action}: `{cell}` of {all:?} gave {verdict}");
    let denied = |cell: &&&str| cell.split(' ').any(|part| part == "Deny*");
    let may_deny = all.iter().any(|cell| cell.contains("Deny"));
    if all.iter().find(denied).is_some() {
        assert_eq!(verdict, "denied explicit-deny", "{context}");
        return true;
    }
    if may_deny {
        assert!(!verdict.starts_with("allowed") || cell.contains("Allow"), "{context}");
        return false;
    }
    match cell {
        "" => assert!(verdict.starts_with("denied") && verdict != "denied explicit-deny", "{context}"),
        "Allow*" => assert_eq!(verdict, "allowed", "{context}"),
        scoped if !scoped.contains("Allow*") => {
            assert_ne!(verdict, "denied explicit-deny", "{context}");
            return false;
        }
        conditional => {
            assert!(conditional.contains("?cond"), "{context}");
            let silent = ["denied identity-policy-silent", "denied token-not-granted"];
            assert!(!silent.contains(&verdict), "{context}");
            return false;
        }
    }
    true
}

#[test]
fn node_policies_without_ecr_grant_nothing() {
    let Some(here) = recordings() else {
        println!("SKIPPED node policies: no recordings (set PULLAUDIT_RECORDINGS)");
        return;
    };
    let text = std::fs::read_to_string(here.join("node-policies-without-ecr.json")).unwrap();
    let documents: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    for (name, recorded) in documents {
        let verdict = World::one_account().inline(&recorded["document"]).verdict();
        assert_eq!(word(&verdict), "denied token-not-granted", "{name}");
    }
}
