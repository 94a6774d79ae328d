//! `docs/report.schema.json` is the schema of `-o json`, and the example's report fits it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::Value;

fn schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(pullaudit::report::Report)).unwrap() + "\n"
}

#[test]
fn the_schema_in_docs_is_the_one_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
    if std::env::var_os("PULLAUDIT_WRITE_SCHEMA").is_some() {
        std::fs::write(path, schema()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == schema(),
        "docs/report.schema.json is behind: PULLAUDIT_WRITE_SCHEMA=1 cargo test --test report_schema"
    );
}

#[test]
fn the_examples_report_is_valid() {
    let output = Command::cargo_bin("pullaudit")
        .unwrap()
        .args(["audit", "--from", "examples/identity-rotation/fleet.snapshot.json", "-o", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema()).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut broken = report;
    broken["checks"][0]["verdict"] = Value::from("maybe");
    assert!(!validator.is_valid(&broken), "the schema refuses what is no verdict");
}
