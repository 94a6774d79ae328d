//! Repository policies as ECR really writes them: our statement goes in, and theirs stay letter by letter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::repair::*;
use support::*;

/// The texts of all recorded answers that hold a repository's policy, by the name of their file.
fn recorded() -> Option<Vec<(String, String)>> {
    let root = std::env::var_os("PULLAUDIT_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"),
        PathBuf::from,
    );
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join("aws/cloud-custodian/ecr")).ok()? {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let body: Option<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).ok();
        if let Some(text) = body.as_ref().and_then(|body| body["data"]["policyText"].as_str()) {
            found.push((name, text.to_owned()));
        }
    }
    found.sort();
    Some(found)
}

#[test]
fn every_recorded_policy_takes_our_statement_and_keeps_its_own() {
    let Some(recorded) = recorded() else {
        assert!(std::env::var_os("PULLAUDIT_NO_SKIP").is_none(), "there are no recordings");
        println!("SKIPPED recorded repository policies: no recordings (set PULLAUDIT_RECORDINGS)");
        return;
    };
    let (mut changed, mut held) = (0, 0);
    for (name, text) in &recorded {
        let world = World::two_accounts().inline(&policy(json!([pull_all()]))).row(
            table::REPOSITORY_POLICIES,
            "",
            support::text(text),
        );
        if !word(&world.verdict()).starts_with("denied") {
            continue;
        }
        let proposal = propose(&world);
        let Some(change) = proposal.changes.first() else {
            held += 1;
            continue;
        };
        changed += 1;
        let (was, is): (Value, Value) = (serde_json::from_str(text).unwrap(), written(change));
        let theirs = was["Statement"].as_array().unwrap();
        let list = is["Statement"].as_array().unwrap();
        assert_eq!(list.len(), theirs.len() + 1, "{name}");
        for (was, is) in theirs.iter().zip(list) {
            assert_eq!(was.to_string(), is.to_string(), "{name}");
        }
        assert_eq!((&was["Version"], was.get("Id")), (&is["Version"], is.get("Id")), "{name}");
        assert_eq!(change.before.as_ref().unwrap()["policyText"], text.as_str(), "{name}");
        assert!(turned(&world, &proposal.changes, &world.question()), "{name}");
    }
    println!("{changed} of {} recorded policies were changed, {held} were held back", recorded.len());
    assert!(changed >= 4 && held >= 2, "{changed} {held}");
}
