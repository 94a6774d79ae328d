//! The law over commands: what was not evaluated or not read is never green, and the output names it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "green/inputs.rs"]
mod inputs;
#[path = "green/snapshots.rs"]
mod snapshots;

use assert_cmd::Command;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FLEET: &str = "examples/identity-rotation/fleet.snapshot.json";

struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn names(&self, what: &str) -> bool {
        self.out.contains(what) || self.err.contains(what)
    }
}

fn run_with(arguments: &[&str], stdin: &str) -> Ended {
    let mut command = Command::cargo_bin("pullaudit").unwrap();
    command.args(arguments).env("NO_COLOR", "1").env("KUBECONFIG", "/nowhere").write_stdin(stdin);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(arguments: &[&str]) -> Ended {
    run_with(arguments, "")
}

/// Ends with another code than 0 and names what is missing.
fn never_green(arguments: &[&str], named: &str) -> Ended {
    let ended = run(arguments);
    assert_ne!(ended.code, 0, "{arguments:?}\n{}\n{}", ended.out, ended.err);
    assert!(ended.names(named), "{arguments:?} does not name {named:?}\n{}\n{}", ended.out, ended.err);
    ended
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The example, with every workload that is denied or unknown taken out: it ends with 0.
fn healthy() -> Value {
    let report: Value = serde_json::from_str(&run(&["audit", "--from", FLEET, "-o", "json"]).out).unwrap();
    let mut snapshot: Value = serde_json::from_str(&std::fs::read_to_string(FLEET).unwrap()).unwrap();
    let bad: Vec<(Value, Value, Value)> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] != "allowed")
        .flat_map(|check| {
            let cluster = check["cluster"].clone();
            let workloads = check["workloads"].as_array().unwrap().clone();
            workloads.into_iter().map(move |one| (cluster.clone(), one["namespace"].clone(), one["name"].clone()))
        })
        .collect();
    let is_bad =
        |one: &Value| bad.contains(&(one["cluster"].clone(), one["namespace"].clone(), one["name"].clone()));
    snapshot["workloads"].as_array_mut().unwrap().retain(|one| !is_bad(one));
    let left: Vec<Value> =
        snapshot["workloads"].as_array().unwrap().iter().map(|one| one["cluster"].clone()).collect();
    snapshot["clusters"].as_array_mut().unwrap().retain(|cluster| left.contains(&cluster["id"]));
    snapshot
}

fn strings(values: &Value, key: &str) -> Vec<String> {
    let mut all: Vec<String> =
        values.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
    spec: {template: {spec: {containers: [{name: web, image: IMAGE}]}}}\n";

#[test]
fn a_healthy_fleet_ends_with_0() {
    let folder = Folder::new();
    let file = folder.put("fleet.json", &healthy().to_string());
    for command in [&["audit", "--from", &file][..], &["fix", "--dry-run", "--from", &file]] {
        let ended = run(command);
        assert_eq!(ended.code, 0, "{command:?}\n{}\n{}", ended.out, ended.err);
    }
}

/// `complete: false` always says why.
#[test]
fn an_incomplete_report_names_a_reason() {
    let report: Value = serde_json::from_str(&run(&["audit", "--from", FLEET, "-o", "json"]).out).unwrap();
    assert_eq!(report["complete"], json!(false));
    let because = report["incompleteBecause"].as_array().unwrap();
    let unknown = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "unknown");
    for needing in unknown.flat_map(|check| check["needing"].as_array().unwrap().clone()) {
        let named = |one: &Value| one["reading"] == needing["reading"] || one["reading"] == needing["undecidable"];
        assert!(because.iter().any(|one| named(one) && one["resolves"].as_u64() > Some(0)), "{needing}");
    }
}

#[test]
fn a_selector_without_a_match_is_an_error() {
    let cases: &[(&[&str], &str)] = &[
        (&["--cluster", "prod-wue-1"], "did you mean prod-weu-1?"),
        (&["--cluster", "prod-weu-1/aps"], "did you mean prod-weu-1/apps?"),
        (&["--provider", "eks", "--account", "999999999999"], "999999999999"),
        (&["--region", "mars-1"], "mars-1"),
        (&["--subscription", "99999999-aaaa-4bbb-8ccc-000000000001"], "99999999"),
        (&["--project", "acme-rum"], "did you mean acme-run?"),
        (&["--namespace", "biling"], "did you mean billing?"),
    ];
    for (selector, named) in cases {
        for command in [&["audit"][..], &["fix", "--dry-run"], &["collect", "-o", "-"]] {
            let arguments = [command, &["--from", FLEET], selector].concat();
            let ended = never_green(&arguments, named);
            assert_eq!(ended.code, 1, "{arguments:?}\n{}", ended.err);
        }
        if selector[0] != "--namespace" {
            let arguments =
                [&["can-pull", "docker.io/nginx", "--as", "prod-weu-1", "--from", FLEET][..], selector];
            assert_ne!(run(&arguments.concat()).code, 0, "{selector:?}");
        }
    }
}

#[test]
fn allow_empty_warns_in_place_of_failing() {
    let ended = run(&["audit", "--from", FLEET, "-n", "typo", "--allow-empty"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.err);
    assert!(ended.err.contains("-n typo"), "{}", ended.err);
    assert!(ended.out.contains("Nothing to check"), "{}", ended.out);
    let folder = Folder::new();
    let file = folder.put("none.yaml", "# nothing\n");
    let ended = run(&["audit", "--from", FLEET, "-f", &file, "--allow-empty"]);
    assert_eq!((ended.code, ended.names("none.yaml")), (0, true), "{}\n{}", ended.out, ended.err);
}

#[test]
fn a_run_that_evaluated_nothing_is_incomplete() {
    for image in ["nginx", "docker.io/library/redis:7", "quay.io/a/b:1"] {
        let ended = never_green(&["audit", "--from", FLEET, "--image", image, "-o", "json"], "skipped");
        assert_eq!(ended.code, 3, "{image}");
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(report["complete"], json!(false));
        assert!(!report["incompleteBecause"].as_array().unwrap().is_empty());
        assert_eq!(report["skipped"][0]["images"], json!(1));
        let ended =
            never_green(&["audit", "--from", FLEET, "--image", image], "registries that no configured cloud owns");
        assert!(ended.out.contains("(exit 3)"), "{}", ended.out);
        for fail_on in ["denied", "never"] {
            let ended = run(&["audit", "--from", FLEET, "--image", image, "--fail-on", fail_on]);
            assert!(ended.out.contains("no pull was evaluated"), "{}", ended.out);
        }
    }
    assert_eq!(run(&["can-pull", "nginx", "--as", "prod-weu-1", "--from", FLEET]).code, 3);
}

/// Whatever is taken out of a healthy snapshot and asked for by name is missed by name.
#[test]
fn each_scope_cluster_and_namespace_taken_away_is_missed() {
    let whole = healthy();
    let folder = Folder::new();
    let (mut clusters, mut namespaces) = (0, 0);
    for name in strings(&whole["clusters"], "name") {
        let mut less = whole.clone();
        let id =
            less["clusters"].as_array().unwrap().iter().find(|one| one["name"] == name.as_str()).unwrap()["id"]
                .clone();
        less["clusters"].as_array_mut().unwrap().retain(|one| one["name"] != name.as_str());
        let file = folder.put("less.json", &less.to_string());
        for command in [&["audit"][..], &["fix", "--dry-run"], &["collect", "-o", "-"]] {
            never_green(&[command, &["--from", &file, "--cluster", &name]].concat(), &name);
        }
        // Its workloads stay in the file: an audit may not drop them in silence.
        never_green(&["audit", "--from", &file, "-o", "json"], id.as_str().unwrap());
        clusters += 1;
    }
    for name in strings(&whole["workloads"], "namespace") {
        let mut less = whole.clone();
        less["workloads"].as_array_mut().unwrap().retain(|one| one["namespace"] != name.as_str());
        let file = folder.put("less.json", &less.to_string());
        for command in [&["audit"][..], &["fix", "--dry-run"], &["collect", "-o", "-"]] {
            never_green(&[command, &["--from", &file, "-n", &name]].concat(), &format!("-n {name}"));
        }
        namespaces += 1;
    }
    assert!(clusters >= 3 && namespaces >= 3, "{clusters} clusters, {namespaces} namespaces");
    for table in ["clusters", "workloads"] {
        let mut less = whole.clone();
        less[table] = json!([]);
        let file = folder.put("less.json", &less.to_string());
        for command in
            [&["audit", "--from", &file][..], &["fix", "--dry-run", "--from", &file], &["diff", FLEET, &file]]
        {
            assert_ne!(run(command).code, 0, "{command:?} without {table}");
        }
    }
}

/// A pool that a workload names and that the facts lack is missed, not dropped.
#[test]
fn each_pool_taken_away_is_missed() {
    let whole = healthy();
    let folder = Folder::new();
    let file = folder.put("whole.json", &whole.to_string());
    let report: Value = serde_json::from_str(&run(&["audit", "--from", &file, "-o", "json"]).out).unwrap();
    let mut missed = 0;
    for cluster in 0..whole["clusters"].as_array().unwrap().len() {
        for pool in 0..whole["clusters"][cluster]["pools"].as_array().unwrap().len() {
            let mut less = whole.clone();
            let gone = less["clusters"][cluster]["pools"].as_array_mut().unwrap().remove(pool);
            let file = folder.put("less.json", &less.to_string());
            let id = &whole["clusters"][cluster]["id"];
            let uses = |check: &Value| &check["cluster"] == id && check["pool"] == gone["name"];
            if report["checks"].as_array().unwrap().iter().any(uses) {
                missed += 1;
                never_green(&["audit", "--from", &file, "-o", "json"], "the facts hold no pool of this name");
            }
        }
    }
    assert!(missed >= 5, "{missed} pools were taken away");
}

#[test]
fn notices_are_those_of_the_selection() {
    let notices = |cluster: &str| {
        let ended = run(&["audit", "--from", FLEET, "-o", "json", "--cluster", cluster]);
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        strings(&report["notices"], "code")
    };
    assert!(notices("data-ew4").contains(&"dead-member".to_owned()), "{:?}", notices("data-ew4"));
    assert!(!notices("prod-weu-1").contains(&"dead-member".to_owned()), "{:?}", notices("prod-weu-1"));
}

#[test]
fn a_named_scope_narrows_a_snapshot_in_every_count() {
    let audit = |extra: &[&str]| -> Value {
        let ended = run(&[&["audit", "--from", FLEET, "-o", "json"], extra].concat());
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{extra:?}: {}", ended.err))
    };
    for (extra, clusters) in [
        (["--subscription", "11111111-aaaa-4bbb-8ccc-000000000001"], 1),
        (["--project", "acme-run"], 1),
        (["--account", "111122223333"], 2),
        (["--account", "444455556666"], 1),
        (["--provider", "gke"], 1),
        (["--region", "eu-central-1"], 2),
    ] {
        let report = audit(&extra);
        let kept: Vec<&Value> = report["clusters"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(kept.len(), clusters, "{extra:?}");
        let workloads = &report["summary"]["workloads"];
        let snapshot: Value = serde_json::from_str(&std::fs::read_to_string(FLEET).unwrap()).unwrap();
        let own =
            snapshot["workloads"].as_array().unwrap().iter().filter(|one| kept.contains(&&one["cluster"])).count();
        assert_eq!(workloads, &json!(own), "{extra:?}");
        assert!(report["checks"].as_array().unwrap().iter().all(|check| kept.contains(&&check["cluster"])));
        assert_eq!(report["summary"]["apiCalls"], json!({}), "calls are those of the whole reading");
    }
}

/// A reader that stops early does not turn drift into success.
#[cfg(unix)]
#[test]
fn a_reader_that_leaves_changes_no_exit_code() {
    for (arguments, code) in [
        (&["audit", "--from", FLEET, "-o", "json"][..], 2),
        (&["fix", "--dry-run", "--from", FLEET], 2),
        (&["diff", "examples/identity-rotation/before.snapshot.json", FLEET, "-o", "json"], 2),
    ] {
        let program = assert_cmd::cargo::cargo_bin("pullaudit");
        let mut child = std::process::Command::new(program)
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    }
}
