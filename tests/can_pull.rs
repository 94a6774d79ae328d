//! `can-pull` from outside, on the example.
#![allow(clippy::unwrap_used, missing_docs)]

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
fn can_pull_answers_for_pools_clusters_and_roles() {
    let image = "222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0";
    let ask = |who: &str| {
        pullaudit(&["can-pull", image, "--as", who, "--from", EXAMPLE]).output().unwrap().status.code().unwrap()
    };
    assert_eq!(ask("pay-euc1/batch"), 0);
    assert_eq!(ask("pay-euc1/general"), 2);
    assert_eq!(ask("pay-euc1"), 2, "a cluster is as good as its worst pool");
    let said = pullaudit(&["can-pull", image, "--as", "pay-euc1", "--from", EXAMPLE]).output().unwrap().stdout;
    assert!(text(&said).contains("(the worst of 3 pools)"), "{}", text(&said));
    assert_eq!(ask("arn:aws:iam::111122223333:role/pay-batch"), 0);
    assert_eq!(ask("arn:aws:iam::111122223333:role/pay-general"), 2);
    assert_eq!(ask("arn:aws:iam::111122223333:role/never-collected"), 3);
    assert_eq!(ask("no-such-cluster"), 1);
}

#[test]
fn can_pull_reads_pairs_and_answers_in_order() {
    let image = "222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0";
    let pairs = format!("{image} pay-euc1/general\n{image} pay-euc1/batch\nnot//an/image pay-euc1/batch\n");
    let output =
        pullaudit(&["can-pull", "-", "--from", EXAMPLE, "-o", "json"]).write_stdin(pairs).output().unwrap();
    let verdicts: Vec<String> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|check| format!("{} {}", check["verdict"].as_str().unwrap(), check["code"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts, ["denied principal-recreated", "allowed allowed", "denied invalid-reference"]);
}

#[test]
fn a_bad_line_is_an_answer_of_its_own() {
    let image = "222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0";
    for bad in ["one-word", &format!("{image} nobody-here")] {
        let lines = format!("{image} pay-euc1/general\n{image} pay-euc1/batch\n{bad}\n{image} pay-euc1/batch\n");
        let output =
            pullaudit(&["can-pull", "-", "--from", EXAMPLE, "-o", "json"]).write_stdin(lines).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "a denied line wins");
        let lines: Vec<Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), lines[2]["input"].as_str()), (4, Some(bad)));
        assert!(lines[2]["error"].is_string() && lines[3]["verdict"] == "allowed");
    }
    let none = pullaudit(&["can-pull", "-", "--from", EXAMPLE]).write_stdin("").output().unwrap();
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0), "no line is no answer");
    assert!(text(&none.stderr).contains("standard input is empty"), "{}", text(&none.stderr));
    let none = pullaudit(&["image", "-"]).write_stdin("").output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert_eq!(pullaudit(&["image", "team/API"]).output().unwrap().status.code(), Some(1));
}

#[test]
fn a_cluster_with_pools_that_were_not_read_is_not_green() {
    let mut fleet: Value = serde_json::from_slice(&std::fs::read(EXAMPLE).unwrap()).unwrap();
    let image = "222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0";
    let clusters = fleet["clusters"].as_array_mut().unwrap();
    let pay = clusters.iter_mut().find(|one| one["name"] == "pay-euc1").unwrap();
    pay["pools"].as_array_mut().unwrap().retain(|pool| pool["name"] == "batch");
    let hidden = serde_json::json!([{ "unread": { "reading": "node groups of pay-euc1", "assumable": false,
        "permission": "eks:ListNodegroups", "scope": "111122223333", "obstacle": "refused" } }]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.json");
    let ask = |fleet: &Value, who: &str| {
        std::fs::write(&file, fleet.to_string()).unwrap();
        let from = file.to_str().unwrap();
        let whole = pullaudit(&["can-pull", image, "--as", who, "--from", from]).output().unwrap();
        let mut lines = pullaudit(&["can-pull", "-", "--from", from]);
        let lines = lines.write_stdin(format!("{image} {who}\n")).output().unwrap();
        assert_eq!(whole.status.code(), lines.status.code());
        (whole.status.code().unwrap(), text(&whole.stdout))
    };
    assert_eq!(ask(&fleet, "pay-euc1").0, 0);
    let clusters = fleet["clusters"].as_array_mut().unwrap();
    clusters.iter_mut().find(|one| one["name"] == "pay-euc1").unwrap()["hidden"] = hidden;
    let (code, said) = ask(&fleet, "pay-euc1");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("eks:ListNodegroups"), "{said}");
    assert_eq!(ask(&fleet, "pay-euc1/batch").0, 0, "the pool that is asked about was read");
}
