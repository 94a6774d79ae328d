//! The program from outside: what it prints, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::Value;
use std::path::PathBuf;

const EXAMPLE: &str = "examples/identity-rotation/fleet.snapshot.json";

fn pullaudit(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("pullaudit").unwrap();
    command.args(arguments).env_remove("KUBECONFIG").env("HOME", "/nonexistent").env("NO_COLOR", "1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(arguments: &[&str]) -> i32 {
    pullaudit(arguments).output().unwrap().status.code().unwrap()
}

fn written(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn the_example_as_people_see_it() {
    let output = pullaudit(&["audit", "--from", EXAMPLE]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for line in shown.lines() {
        assert!(line.chars().count() <= 115, "wider than 115 columns: {line}");
    }
    insta::assert_snapshot!("example_people", shown);
}

#[test]
fn the_example_with_every_check() {
    let output = pullaudit(&["audit", "--from", EXAMPLE, "--all"]).output().unwrap();
    insta::assert_snapshot!("example_all", text(&output.stdout));
}

#[test]
fn the_example_as_a_table() {
    let output = pullaudit(&["audit", "--from", EXAMPLE, "-o", "wide"]).output().unwrap();
    insta::assert_snapshot!("example_wide", text(&output.stdout));
}

#[test]
fn json_and_yaml_hold_the_same_report() {
    let report =
        |format: &str| text(&pullaudit(&["audit", "--from", EXAMPLE, "-o", format]).output().unwrap().stdout);
    let mut json: Value = serde_json::from_str(&report("json")).unwrap();
    let mut yaml: Value = serde_saphyr::from_str(&report("yaml")).unwrap();
    json["generatedAt"] = Value::Null;
    yaml["generatedAt"] = Value::Null;
    assert_eq!(json, yaml);
    assert_eq!(json["schema"], "pullaudit/report/1");
}

#[test]
fn a_replayed_snapshot_gives_the_same_report_every_time() {
    let report = || {
        let output = pullaudit(&["audit", "--from", EXAMPLE, "-o", "json"]).output().unwrap();
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["generatedAt"] = Value::Null;
        report.to_string()
    };
    assert_eq!(report(), report());
}

#[test]
fn strict_assumes_nothing() {
    let output = pullaudit(&["audit", "--from", EXAMPLE, "--strict", "-o", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for check in report["checks"].as_array().unwrap() {
        let allowed = check["verdict"] == "allowed";
        assert!(
            !allowed || check["registryProvider"] != "eks",
            "nobody read the service control policies: {check}"
        );
        assert!(check["assuming"].as_array().unwrap().is_empty());
    }
}

#[test]
fn exit_codes() {
    assert_eq!(code(&["audit", "--from", EXAMPLE]), 2);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--fail-on", "never"]), 0);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--cluster", "data-usw2/(self-managed*"]), 0);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--cluster", "shop-euc1/gpu", "-n", "ml"]), 3);
    assert_eq!(code(&["audit", "--from", "no-such-file.json"]), 1);
    assert_eq!(code(&["audit", "--frm", "x"]), 64);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--provider", "ekz"]), 64);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "-l", "a=b"]), 64);
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--fail-on", "new"]), 64);
    assert_eq!(code(&[]), 64);
    assert_eq!(code(&["--version"]), 0);
    assert_eq!(code(&["audit", "--help"]), 0);
}

#[test]
fn what_a_baseline_knows_is_not_new() {
    let output = pullaudit(&["audit", "--from", EXAMPLE, "-o", "json"]).output().unwrap();
    let (_folder, path) = written("main.json", &text(&output.stdout));
    let baseline = path.to_str().unwrap();
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--fail-on", "new", "--baseline", baseline]), 0);
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["checks"].as_array_mut().unwrap().retain(|check| check["code"] != "principal-recreated");
    let (_folder, path) = written("main.json", &report.to_string());
    assert_eq!(code(&["audit", "--from", EXAMPLE, "--fail-on", "new", "--baseline", path.to_str().unwrap()]), 2);
}

#[test]
fn exceptions_cover_what_they_match_until_their_last_day() {
    let config = |expires: &str| {
        format!(
            "exceptions:\n  - match: {{cluster: '*'}}\n    reason: known\n    owner: platform\n    expires: {expires}\n"
        )
    };
    let (_folder, path) = written("c.yaml", &config("2026-12-31"));
    let covered = pullaudit(&["audit", "--from", EXAMPLE, "--config", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(covered.status.code(), Some(0), "{}", text(&covered.stdout));
    let (_folder, path) = written("c.yaml", &config("2026-11-01"));
    let expired = pullaudit(&["audit", "--from", EXAMPLE, "--config", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(expired.status.code(), Some(2));
    assert!(text(&expired.stdout).contains("exception-expired"));
}

#[test]
fn snapshots_are_merged_and_disagreements_named() {
    let mut newer: Value = serde_json::from_str(&std::fs::read_to_string(EXAMPLE).unwrap()).unwrap();
    newer["takenAt"] = Value::from("2026-11-26T00:00:00Z");
    newer["facts"]["eks"]["attachedPolicies"]["111122223333/shop-web"] = serde_json::json!({"got": []});
    let (folder, path) = written("b.json", &newer.to_string());
    std::fs::copy(EXAMPLE, folder.path().join("a.json")).unwrap();
    let glob = folder.path().join("*.json");
    let output = pullaudit(&["audit", "--from", glob.to_str().unwrap()]).output().unwrap();
    let shown = text(&output.stdout);
    assert!(shown.contains("snapshots-disagree"), "{shown}\n{}", text(&output.stderr));
    assert!(shown.contains("attachedPolicies 111122223333/shop-web"), "{shown}");
    drop(path);
}

#[test]
fn a_damaged_snapshot_is_refused_by_name() {
    let (_folder, path) = written("cut.json", "{\"schema\": \"pullaudit/snapshot/1\", ");
    let output = pullaudit(&["audit", "--from", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("cut.json") && told.contains("line 1") && told.contains("take the snapshot again"),
        "{told}"
    );
    let (_folder, path) = written("new.json", "{\"schema\": \"pullaudit/snapshot/7\"}");
    let told = text(&pullaudit(&["audit", "--from", path.to_str().unwrap()]).output().unwrap().stderr);
    assert!(told.contains("newer pullaudit"), "{told}");
}

#[test]
fn manifests_take_the_place_of_workloads() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: ledger}\nspec:\n  template:\n    \
                    spec:\n      containers:\n      - {name: app, image: '222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0'}\n\
                    ---\nkind: Deployment\nspec: [\n";
    let (_folder, path) = written("api.yaml", manifest);
    let output = pullaudit(&[
        "audit",
        "--from",
        EXAMPLE,
        "-f",
        path.to_str().unwrap(),
        "--cluster",
        "pay-euc1",
        "-o",
        "json",
    ])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pools: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["pool"].as_str().unwrap()).collect();
    assert_eq!(pools, ["batch", "general"], "every ordinary pool; the Fargate profile takes other pods");
    assert_eq!(report["complete"], false);
    let told = report["incompleteBecause"][0].to_string();
    assert!(told.contains("api.yaml") && told.contains("document 2"), "{told}");
}

/// One secret of a name in two namespaces, two service accounts that nobody could read: each is another question.
#[test]
fn no_two_checks_have_one_id() {
    let deployment = |namespace: &str, name: &str, account: &str| {
        format!(
            "---\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  template:\n    spec:\n      \
             serviceAccountName: {account}\n      imagePullSecrets: [{{name: regcred}}]\n      containers:\n      - {{name: app, image: \
             '222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0'}}\n"
        )
    };
    let manifest =
        [("one", "a", "default"), ("two", "a", "default"), ("two", "b", "first"), ("two", "c", "second")]
            .map(|(namespace, name, account)| deployment(namespace, name, account))
            .concat();
    let (_folder, path) = written("api.yaml", &manifest);
    let path = path.to_str().unwrap();
    let arguments = ["audit", "--from", EXAMPLE, "-f", path, "--cluster", "pay-euc1", "-o", "json", "--all"];
    let output = pullaudit(&arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (8, 8), "four questions on each of two pools: {report:#}");
}

/// Medium where another pool can pull, high where a pod must run on each, critical where no pool that fits can.
#[test]
fn a_refusal_matters_by_where_its_pods_can_go() {
    let severity = |kind: &str, selector: &str| {
        let manifest = format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: api, namespace: ledger}}\nspec:\n  template:\n    spec:\n      \
             {selector}containers:\n      - {{name: app, image: '222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0'}}\n"
        );
        let (_folder, path) = written("api.yaml", &manifest);
        let arguments =
            ["audit", "--from", EXAMPLE, "-f", path.to_str().unwrap(), "--cluster", "pay-euc1", "--all"];
        let output = pullaudit(&[&arguments[..], &["-o", "json"]].concat()).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap();
        let denied: Vec<&Value> = checks.iter().filter(|check| check["verdict"] == "denied").collect();
        let [one] = denied.as_slice() else { panic!("{denied:#?}") };
        (one["severity"].as_str().unwrap().to_owned(), checks.len())
    };
    assert_eq!(severity("Deployment", ""), ("medium".to_owned(), 2));
    assert_eq!(severity("DaemonSet", ""), ("high".to_owned(), 2));
    let pinned = "nodeSelector: {eks.amazonaws.com/nodegroup: general}\n      ";
    assert_eq!(severity("Deployment", pinned), ("critical".to_owned(), 1));
}

/// No right decides over an image that its kubelet never asks for.
#[test]
fn a_container_that_is_never_pulled_needs_no_right() {
    let image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ledger/none:1";
    let of = |policy: &str| {
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: baked, namespace: shop}}\nspec:\n  containers:\n  \
             - {{name: app, image: '{image}', imagePullPolicy: {policy}}}\n"
        );
        let (_folder, path) = written("pod.yaml", &manifest);
        let output = pullaudit(&["audit", "--from", EXAMPLE, "-f", path.to_str().unwrap(), "--all", "-o", "json"]);
        let report: Value = serde_json::from_slice(&{ output }.output().unwrap().stdout).unwrap();
        let told = |one: &&Value| one["code"] == "never-pulled";
        let notice = report["notices"].as_array().unwrap().iter().find(told).map(|one| one["message"].clone());
        (report["checks"].as_array().unwrap().len(), notice)
    };
    let (asked, silent) = of("IfNotPresent");
    assert!(asked > 0 && silent.is_none());
    let (asked, told) = of("Never");
    assert_eq!(asked, 0);
    assert_eq!(told.unwrap(), "1 container is not pulled (imagePullPolicy Never): app");
}

#[test]
fn an_image_is_asked_for_every_pool() {
    let image = "222233334444.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:8.4.0";
    let output = pullaudit(&["audit", "--from", EXAMPLE, "--image", image, "-o", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["checks"].as_array().unwrap().len(), 14);
}

#[test]
fn explain_knows_codes_and_checks() {
    assert!(
        text(&pullaudit(&["explain", "principal-recreated"]).output().unwrap().stdout)
            .contains("How to fix it by hand")
    );
    let output = pullaudit(&["explain", "principal-recreatd"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("did you mean principal-recreated?"));
    let report = text(&pullaudit(&["audit", "--from", EXAMPLE, "-o", "json"]).output().unwrap().stdout);
    let parsed: Value = serde_json::from_str(&report).unwrap();
    let denied = parsed["checks"].as_array().unwrap().iter().find(|check| check["verdict"] == "denied").unwrap();
    let (_folder, path) = written("r.json", &report);
    let output = pullaudit(&["explain", denied["id"].as_str().unwrap(), "--from", path.to_str().unwrap()])
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(shown.contains(denied["because"][0]["detail"].as_str().unwrap()), "{shown}");
}

#[test]
fn every_code_is_explained() {
    let listed = text(&pullaudit(&["explain"]).output().unwrap().stdout);
    insta::assert_snapshot!("codes", listed);
    let mut known = std::collections::BTreeSet::new();
    for code in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        assert!(known.insert(code), "{code} is the name of two findings");
        assert_eq!(self::code(&["explain", code]), 0, "{code}");
    }
}

#[test]
fn image_answers_every_line() {
    let output =
        pullaudit(&["image", "-", "-o", "json"]).write_stdin("nginx\nteam/API\n nginx\n").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["repository"], "library/nginx");
    assert_eq!(lines[0]["impliedTag"], true);
    for line in &lines[1..] {
        assert!(line["error"].as_str().unwrap().starts_with("invalid_reference"), "{line}");
    }
}

#[test]
fn image_says_who_owns_a_host() {
    let output =
        pullaudit(&["image", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/api:1"]).output().unwrap();
    insta::assert_snapshot!("image_people", text(&output.stdout));
}

#[test]
fn completions_and_man_are_printed() {
    assert!(text(&pullaudit(&["completions", "bash"]).output().unwrap().stdout).contains("_pullaudit"));
    assert!(text(&pullaudit(&["man"]).output().unwrap().stdout).contains(".TH pullaudit"));
}

#[test]
fn the_default_output_is_cut_off_without_an_error_when_nobody_reads_on() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"))
        .args(["audit", "--from", EXAMPLE, "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(2), "the reader changes nothing about what was found");
}

/// The example with one change, judged.
fn changed(change: impl Fn(&mut Value)) -> std::collections::BTreeMap<String, String> {
    let mut snapshot: Value = serde_json::from_str(&std::fs::read_to_string(EXAMPLE).unwrap()).unwrap();
    change(&mut snapshot);
    let (_folder, path) = written("s.json", &snapshot.to_string());
    let arguments = ["audit", "--from", path.to_str().unwrap(), "--cluster", "pay-euc1", "-o", "json"];
    let output = pullaudit(&arguments).output().unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let mut found = std::collections::BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        for workload in check["workloads"].as_array().unwrap() {
            let place = format!("{} on {}", workload["name"].as_str().unwrap(), check["pool"].as_str().unwrap());
            let said = format!("{} {}", check["verdict"].as_str().unwrap(), check["needing"]);
            found.insert(place, said);
        }
    }
    found
}

fn unread() -> Value {
    serde_json::json!({ "unread": { "reading": "where", "permission": "list nodes", "scope": "pay-euc1",
        "assumable": false, "obstacle": "refused" } })
}

#[test]
fn a_pod_whose_place_is_not_known_is_denied_only_where_every_pool_refuses() {
    let plain = changed(|_| {});
    assert!(
        plain["close-day on general"].starts_with("denied") && plain["close-day on batch"].starts_with("allowed")
    );
    let found = changed(|snapshot| {
        for workload in snapshot["workloads"].as_array_mut().unwrap() {
            if ["close-day", "ledger-api"].contains(&workload["name"].as_str().unwrap()) {
                workload["placeUnknown"] = unread();
                workload["pods"] = serde_json::json!({});
            }
        }
    });
    for pool in ["general", "batch"] {
        let said = &found[&format!("close-day on {pool}")];
        assert!(said.starts_with("unknown") && said.contains("list nodes"), "{said}");
    }
    assert!(found["ledger-api on general"].starts_with("denied"), "its only pool refuses");
    assert_eq!(found["fluent-bit on batch"], plain["fluent-bit on batch"], "others are judged as before");
}

#[test]
fn where_a_pool_may_take_any_pod_only_seen_pods_have_a_certain_place() {
    let plain = changed(|_| {});
    let found = changed(|snapshot| {
        for cluster in snapshot["clusters"].as_array_mut().unwrap() {
            let Some(pool) =
                cluster["pools"].as_array_mut().unwrap().iter_mut().find(|pool| pool["name"] == "jobs")
            else {
                continue;
            };
            pool["identity"] = serde_json::json!({ "unread": unread() });
            pool["takes"] = serde_json::json!([]);
            pool["takesUnread"] = unread();
        }
    });
    assert!(found["close-day on general"].starts_with("unknown"), "a profile may take it");
    for seen in ["ledger-api on general", "fluent-bit on batch", "gateway-blue on general"] {
        assert_eq!(found[seen], plain[seen], "{seen}: its pods were seen there, or a DaemonSet's must run there");
    }
}
