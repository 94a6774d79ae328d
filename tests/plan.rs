//! `fix --dry-run` from outside: what it plans, what it holds back, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "plan/edited.rs"]
mod edited;
#[path = "edited/mod.rs"]
mod edited_files;
#[path = "plan/repeated.rs"]
mod repeated;
#[path = "plan/writable.rs"]
mod writable;

use assert_cmd::Command;
use serde_json::Value;

const EXAMPLE: &str = "examples/identity-rotation/fleet.snapshot.json";

fn pullaudit(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("pullaudit").unwrap();
    command.args(arguments).env_remove("KUBECONFIG").env("HOME", "/nonexistent").env("NO_COLOR", "1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_plan_as_people_see_it() {
    let output = pullaudit(&["fix", "--dry-run", "--from", EXAMPLE]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    insta::assert_snapshot!("example_plan", text(&output.stdout));
}

#[test]
fn a_saved_plan_names_checks_of_the_report_and_leaves_none_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let plan = ["fix", "--dry-run", "--from", EXAMPLE, "--plan-out", path.to_str().unwrap(), "-o", "json"];
    let output = pullaudit(&plan).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let saved: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(shown, saved);
    assert_eq!(saved["schema"], "pullaudit/plan/1");
    let report = pullaudit(&["audit", "--from", EXAMPLE, "-o", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let both = [&saved["remedies"], &saved["heldBack"]];
    let mut told: Vec<String> =
        both.iter().flat_map(|list| list.as_array().unwrap()).flat_map(|one| ids(&one["checks"])).collect();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "denied");
    let mut denied: Vec<String> = checks.map(|check| check["id"].as_str().unwrap().to_owned()).collect();
    told.sort();
    denied.sort();
    assert_eq!(told, denied);
}

#[test]
fn a_plan_leaves_out_what_is_excepted_and_shows_only_what_lies_outside_the_scopes() {
    let exceptions = "exceptions:\n  - match: {cluster: '*'}\n    reason: known\n    owner: platform\n    expires: 2026-12-31\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, exceptions).unwrap();
    let plan = ["fix", "--dry-run", "--from", EXAMPLE, "--config", path.to_str().unwrap()];
    let output = pullaudit(&plan).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).starts_with("nothing to fix"));
    let told = text(&output.stderr);
    assert!(told.contains("checks covered by exceptions of the config: not repaired"), "{told}");

    let elsewhere = "22222222-aaaa-4bbb-8ccc-000000000002";
    let plan = ["fix", "--dry-run", "--from", EXAMPLE, "--subscription", elsewhere, "-o", "json"];
    let output = pullaudit(&plan).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a subscription that the facts do not know is an error");
    assert!(text(&output.stderr).contains(elsewhere), "{}", text(&output.stderr));
}

#[test]
fn a_snapshot_is_never_repaired_and_nobody_writes_without_being_asked() {
    for (arguments, said) in
        [(&["fix", "--from", EXAMPLE][..], "--dry-run"), (&["fix", "--provider", "aks"], "--yes")]
    {
        let output = pullaudit(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}
