//! The config and the selectors from outside: exceptions and baselines in every format, errors, lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::Value;
use std::process::Output;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/identity-rotation/fleet.snapshot.json");

/// An audit of the example beside this config.
struct Ground(tempfile::TempDir);

impl Ground {
    fn new(config: &str) -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        ground.write("pullaudit.yaml", config);
        ground
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("pullaudit").unwrap();
        command.current_dir(self.0.path()).args(arguments);
        command.env_remove("KUBECONFIG").env("HOME", "/nonexistent").env("NO_COLOR", "1").output().unwrap()
    }

    fn audit(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(&[&["audit", "--from", EXAMPLE], arguments].concat());
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }

    fn report(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["audit", "--from", EXAMPLE], arguments, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn exception(matching: &str) -> String {
    format!("exceptions:\n  - match: {{ {matching} }}\n    reason: known since May\n    owner: platform\n")
}

fn marks<'a>(report: &'a Value, key: &str) -> Vec<&'a Value> {
    report["checks"].as_array().unwrap().iter().filter(|check| !check[key].is_null()).collect()
}

#[test]
fn excepted_checks_are_marked_in_every_format() {
    let ground = Ground::new(&exception("cluster: pay-euc1"));
    let (code, people) = ground.audit(&[]);
    assert_eq!(code, 2, "other clusters still drift");
    assert!(people.contains("DRIFT 7 (12 questions denied)"), "{people}");
    assert!(people.contains("EXCEPTED ") && people.contains("- critical  principal-recreated"), "{people}");
    assert!(people.contains("status  excepted, not counted: known since May (platform)"), "{people}");
    assert!(!people.contains("pullaudit fix --provider eks --cluster pay-euc1"), "an excepted check is not fixed");
    let (_, all) = ground.audit(&["--all"]);
    assert!(all.lines().any(|line| line.starts_with('✗') && line.ends_with("(excepted)")), "{all}");
    assert!(all.lines().all(|line| line.chars().count() <= 115), "{all}");
    let (_, wide) = ground.audit(&["-o", "wide"]);
    let row = |line: &&str| line.contains("principal-recreated");
    assert!(wide.lines().filter(row).all(|line| line.contains("  excepted  ")), "{wide}");
    let (_, yaml) = ground.audit(&["-o", "yaml"]);
    assert!(yaml.contains("exception: known since May (platform)"), "{yaml}");

    let report = ground.report(&[]);
    let excepted = marks(&report, "exception");
    assert!(
        !excepted.is_empty() && excepted.iter().all(|check| check["exception"] == "known since May (platform)")
    );
    assert_eq!(report["summary"]["excepted"], excepted.len());
    let incidents = report["incidents"].as_array().unwrap();
    let own: Vec<_> = incidents.iter().filter(|one| !one["exception"].is_null()).collect();
    assert_eq!((incidents.len(), own.len(), &own[0]["code"]), (8, 1, &Value::from("principal-recreated")));
    assert!(own[0]["fix"].as_str().unwrap().starts_with("pullaudit explain"));
    assert!(marks(&report, "new").is_empty(), "without a baseline nothing is new");
}

#[test]
fn new_and_known_checks_are_marked_in_every_format() {
    let ground = Ground::new("");
    let mut former = ground.report(&[]);
    let checks = former["checks"].as_array_mut().unwrap();
    checks.retain(|check| check["code"] != "scope-missing");
    for check in checks.iter_mut().filter(|check| check["code"] == "deny-assignment") {
        check["exception"] = Value::from("was excepted then");
    }
    ground.write("main.json", &former.to_string());

    let baseline = ["--baseline", "main.json"];
    let (code, people) = ground.audit(&[&baseline[..], &["--fail-on", "new"]].concat());
    assert_eq!(code, 2, "{people}");
    assert!(people.contains("DRIFT 2 (3 checks new)") && people.contains("KNOWN 6 (in the baseline)"), "{people}");
    assert!(people.contains("status  new: not denied in the baseline"), "{people}");
    assert!(people.contains("status  known: denied in the baseline"), "{people}");
    let (_, wide) = ground.audit(&[&baseline[..], &["-o", "wide"]].concat());
    let of = |code: &str| wide.lines().find(|line| line.contains(code)).unwrap().to_owned();
    assert!(of("scope-missing").contains("  new  ") && of("boundary-denies").contains("  known  "), "{wide}");
    let report = ground.report(&baseline);
    let order: Vec<&Value> = report["incidents"].as_array().unwrap().iter().map(|one| &one["new"]).collect();
    assert!(order.is_sorted_by_key(|new| **new == false), "what is new comes first: {order:?}");
    for check in report["checks"].as_array().unwrap() {
        let new = match (check["verdict"].as_str().unwrap(), check["code"].as_str().unwrap()) {
            ("denied", "scope-missing" | "deny-assignment") => Value::from(true),
            ("denied", _) => Value::from(false),
            _ => Value::Null,
        };
        assert_eq!(check["new"], new, "{check}");
    }
    for incident in report["incidents"].as_array().unwrap() {
        let new = matches!(incident["code"].as_str().unwrap(), "scope-missing" | "deny-assignment");
        assert_eq!(incident["new"], new, "{incident}");
    }
    ground.write("main.json", "{\"schema\": \"pullaudit/plan/1\", \"checks\": []}");
    assert_eq!(ground.audit(&baseline).0, 1, "a plan is no baseline");
}

/// Of one question on two pools, only the pool that is not excepted is repaired.
#[test]
fn a_plan_names_no_excepted_check() {
    let ground = Ground::new(&exception("pool: apps, cluster: prod-weu-1"));
    let report = ground.report(&[]);
    let excepted: Vec<&Value> = marks(&report, "exception").into_iter().map(|check| &check["id"]).collect();
    assert!(!excepted.is_empty());
    let plan = ground.run(&["fix", "--dry-run", "--from", EXAMPLE, "-o", "json"]);
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    for list in ["remedies", "heldBack"] {
        for entry in plan[list].as_array().unwrap() {
            let ids = entry["checks"].as_array().unwrap();
            assert!(!ids.is_empty() && ids.iter().all(|id| !excepted.contains(&id)), "{list}: {entry}");
        }
    }
}

#[test]
fn an_exception_that_covers_nothing_is_a_notice() {
    let ground = Ground::new(&exception("cluster: no-such, code: scope-missing"));
    let (code, people) = ground.audit(&[]);
    assert_eq!(code, 2);
    assert!(people.contains("exception-unused") && people.contains("(pullaudit.yaml:2)"), "{people}");
    let people = people.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(people.contains("cannot apply to this run, which has no cluster \"no-such\""), "{people}");
}

#[test]
fn mistakes_name_file_line_and_the_nearest_word() {
    for (config, said) in [
        (
            exception("image: 'reg.io/a['"),
            "pullaudit.yaml:2: exceptions[0].match.image: \"reg.io/a[\" is not a pattern",
        ),
        (exception("code: scope-mising"), "unknown finding \"scope-mising\" (did you mean scope-missing?)"),
        (exception("kode: x"), "pullaudit.yaml:2: unknown key \"kode\" (did you mean code?)"),
        (
            "limits:\n  inflight: 3\n".to_owned(),
            "pullaudit.yaml:2: unknown key \"inflight\" (did you mean inFlight?)",
        ),
    ] {
        let (code, told) = Ground::new(&config).audit(&[]);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains(said), "{told}");
        let permissions = Ground::new(&config).run(&["permissions", "--provider", "eks"]);
        assert_eq!(permissions.status.code(), Some(1), "every command that reads the config says so");
    }
    let ground = Ground::new("limits: {}\n");
    ground.write("pullaudit.yml", "limits: {}\n");
    let (code, told) = ground.audit(&[]);
    assert!(code == 1 && told.contains("both pullaudit.yaml and pullaudit.yml exist"), "{told}");
}

#[test]
fn the_other_spelling_of_the_file_is_read() {
    let ground = Ground::new("");
    std::fs::remove_file(ground.0.path().join("pullaudit.yaml")).unwrap();
    ground.write("pullaudit.yml", &exception("cluster: '*'"));
    assert_eq!(ground.audit(&[]).0, 0);
}

#[test]
fn a_name_of_two_clusters_is_refused() {
    let ground = Ground::new("clusters:\n  pay-euc1: {serviceAccountIdentity: true}\n");
    assert_eq!(ground.audit(&[]).0, 2);
    let mut facts: Value = serde_json::from_str(&std::fs::read_to_string(EXAMPLE).unwrap()).unwrap();
    let clusters = facts["clusters"].as_array_mut().unwrap();
    let mut twin = clusters.iter().find(|cluster| cluster["name"] == "pay-euc1").unwrap().clone();
    twin["id"] = Value::from("arn:aws:eks:eu-central-1:999922223333:cluster/pay-euc1");
    clusters.push(twin);
    ground.write("twins.json", &facts.to_string());
    for command in [&["audit", "--from", "twins.json"][..], &["diff", "twins.json", "twins.json"]] {
        let output = ground.run(command);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("clusters.pay-euc1: 2 clusters have this name: use full ids"), "{told}");
    }
}

#[test]
fn unknown_providers_get_a_suggestion() {
    let ground = Ground::new("");
    for (name, meant) in [
        ("azure", "aks"),
        ("AKS", "aks"),
        ("Azure", "aks"),
        ("gcp", "gke"),
        ("google", "gke"),
        ("aws", "eks"),
        ("amazon", "eks"),
        ("ekz", "eks"),
    ] {
        for command in
            [&["audit", "--from", EXAMPLE][..], &["fix", "--dry-run", "--from", EXAMPLE], &["permissions"]]
        {
            let output = ground.run(&[command, &["--provider", name]].concat());
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(64), "{told}");
            let said = format!("unknown provider \"{name}\" (expected aks, eks");
            assert!(told.contains(&said) && told.contains(&format!("; did you mean {meant}?)")), "{told}");
        }
    }
}

#[test]
fn lists_are_repeated_flags() {
    let ground = Ground::new("");
    let names = |arguments: &[&str]| -> Vec<String> {
        let report = ground.report(arguments);
        let clusters = report["clusters"].as_array().unwrap();
        clusters.iter().map(|cluster| cluster["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["--cluster", "prod-weu-1,data-ew4"]), ["prod-weu-1", "data-ew4"]);
    assert_eq!(names(&["--cluster", "{prod-weu-1,data-ew4}"]), ["prod-weu-1", "data-ew4"]);
    assert_eq!(names(&["--provider", "aks,gke"]), names(&["--provider", "aks", "--provider", "gke"]));
    assert_eq!(names(&["--account", "111122223333,444455556666"]).len(), 3);
    let workloads = |arguments: &[&str]| ground.report(arguments)["summary"]["workloads"].as_u64().unwrap();
    assert_eq!(workloads(&["-n", "pay,ledger"]), workloads(&["-n", "pay"]) + workloads(&["-n", "ledger"]));
    for empty in [["--namespace", "pay,"], ["--provider", "aks,,eks"], ["--account", "111122223333,"]] {
        assert_eq!(ground.audit(&empty).0, 64, "{empty:?}");
    }
}
