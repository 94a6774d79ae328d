//! `collect --redact`: no name is left, and every verdict is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

use assert_cmd::Command;
use proptest::prelude::*;
use pullaudit::assess::{self, Judging, Opened};
use pullaudit::cli::{Reading, Select};
use pullaudit::clouds::Clouds;
use pullaudit::questions;
use pullaudit::redact::redact;
use pullaudit::settings::Settings;
use pullaudit_core::{Mode, Snapshot};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Three clouds, with grants lost, policies that name principals of other accounts, conditions and gaps.
const FLEET: &str = include_str!("../examples/identity-rotation/fleet.snapshot.json");
const BEFORE: &str = include_str!("../examples/identity-rotation/before.snapshot.json");

fn clouds() -> Clouds {
    Clouds::new(&Settings::new(Select::default(), Reading::default(), false).unwrap()).unwrap()
}

/// What is said of each workload, by its place in the snapshot: names play no part in it.
fn verdicts(snapshot: &Snapshot, clouds: &Clouds, mode: Mode) -> BTreeMap<usize, Vec<String>> {
    let asking = questions::ask(snapshot, clouds);
    let opened = Opened::new(snapshot, clouds).unwrap();
    let judged = assess::judge_pulls(&asking, &opened, clouds, Judging { at: snapshot.taken_at, mode });
    let place = |cluster: Option<&str>, namespace: &str, kind: &str, name: &str| {
        let alike = |workload: &&(usize, &pullaudit_core::Workload)| {
            let (_, workload) = workload;
            workload.cluster.as_ref().map(|id| id.0.as_str()) == cluster
                && (workload.namespace.as_str(), workload.kind.as_str(), workload.name.as_str())
                    == (namespace, kind, name)
        };
        let all: Vec<_> = snapshot.workloads.iter().enumerate().collect();
        all.iter().find(alike).unwrap().0
    };
    let mut of: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for check in assess::checks(snapshot, &asking, &judged, clouds) {
        for workload in &check.workloads {
            let at = place(check.cluster.as_deref(), &workload.namespace, &workload.kind, &workload.name);
            let said =
                format!("{:?} {} x{} {:?}", check.verdict, check.code, workload.containers.len(), workload.state);
            of.entry(at).or_default().push(said);
        }
    }
    for said in of.values_mut() {
        said.sort();
    }
    of
}

fn same_verdicts(original: &Snapshot, redacted: &Snapshot) {
    let clouds = clouds();
    for mode in [Mode::Default, Mode::Strict] {
        let (before, after) = (verdicts(original, &clouds, mode), verdicts(redacted, &clouds, mode));
        assert!(!before.is_empty());
        assert_eq!(before, after, "{mode:?}");
    }
}

/// Names of the example that are nobody's vocabulary.
const NAMES: [&str; 24] = [
    "ledger",
    "acmeprod",
    "acmebase",
    "acmetools",
    "acme",
    "pay",
    "shop",
    "fraud",
    "gateway",
    "thumbnails",
    "billing",
    "notebook",
    "loader",
    "checkout",
    "promo",
    "ingest",
    "transform",
    "settle",
    "etl",
    "canary",
    "reconcile",
    "trail",
    "otel",
    "evaluate",
];

#[test]
fn no_name_is_left_and_the_file_says_the_same() {
    for text in [FLEET, BEFORE] {
        let original = Snapshot::parse(text).unwrap();
        let redacted = redact(&original, &clouds()).unwrap();
        let written = redacted.snapshot.to_json().unwrap();
        let left: Vec<_> = NAMES.iter().filter(|name| written.contains(*name)).collect();
        assert!(left.is_empty(), "{left:?}, kept {:?}", redacted.kept);
        for number in ["111122223333", "222233334444", "700000000002", "104000000000000000002", "7c1e5a90"] {
            assert!(FLEET.contains(number) && !written.contains(number), "{number}");
        }
        same_verdicts(&original, &Snapshot::parse(&written).unwrap());
        assert_eq!(redacted.kept, BTreeSet::new());
    }
}

#[test]
fn pseudonyms_are_the_same_in_every_snapshot_and_diff_goes_on_working() {
    let (before, after) = (Snapshot::parse(BEFORE).unwrap(), Snapshot::parse(FLEET).unwrap());
    let hidden = |snapshot: &Snapshot| redact(snapshot, &clouds()).unwrap().snapshot;
    let ids = |snapshot: &Snapshot| -> BTreeSet<String> {
        snapshot.clusters.iter().map(|record| record.cluster.id.0.clone()).collect()
    };
    assert_eq!(
        ids(&before).intersection(&ids(&after)).count(),
        ids(&hidden(&before)).intersection(&ids(&hidden(&after))).count()
    );
    let place = tempfile::tempdir().unwrap();
    let turned = |suffix: &str| -> Value {
        let file = |name: &str| place.path().join(format!("{name}{suffix}"));
        let output = Command::cargo_bin("pullaudit")
            .unwrap()
            .arg("diff")
            .arg(file("before"))
            .arg(file("after"))
            .args(["-o", "json"])
            .output()
            .unwrap();
        let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
        diff["summary"].clone()
    };
    for (name, snapshot) in [("before", &before), ("after", &after)] {
        std::fs::write(place.path().join(name), snapshot.to_json().unwrap()).unwrap();
        std::fs::write(place.path().join(format!("{name}.redacted")), hidden(snapshot).to_json().unwrap())
            .unwrap();
    }
    assert_eq!(turned(""), turned(".redacted"));
}

/// From outside: a snapshot is redacted after the fact, whole, and what stays is told.
#[test]
fn a_word_that_a_pattern_looks_into_stays_and_is_told() {
    let place = tempfile::tempdir().unwrap();
    let (plain, out) = (place.path().join("plain.json"), place.path().join("out.json"));
    let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
    grant(&mut fleet, "arn:aws:iam::*:role/pa*", None);
    std::fs::write(&plain, fleet.to_string()).unwrap();
    let run = Command::cargo_bin("pullaudit")
        .unwrap()
        .args(["collect", "--redact", "--from"])
        .arg(&plain)
        .arg("-o")
        .arg(&out)
        .output()
        .unwrap();
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(0), "{told}");
    assert!(told.contains("these words of names stay") && told.contains("pay"), "{told}");
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains("role/pay-") && !written.contains("ledger"));
    same_verdicts(&Snapshot::parse(&fleet.to_string()).unwrap(), &Snapshot::parse(&written).unwrap());
}

/// A role that a cloud's table knows is known under no other name.
#[test]
fn roles_of_a_denied_node_stay() {
    for role in
        ["logging.logWriter", "monitoring.metricWriter", "stackdriver.resourceMetadata.writer", "ledger.reader"]
    {
        let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
        let policy = &mut fleet["facts"]["gke"]["policies"]["projects/acme-images"]["got"];
        let nodes = "serviceAccount:gke-nodes@acme-run.iam.gserviceaccount.com";
        policy["bindings"] = json!([{ "role": format!("roles/{role}"), "members": [nodes] }]);
        let original = Snapshot::parse(&fleet.to_string()).unwrap();
        let redacted = redact(&original, &clouds()).unwrap().snapshot;
        same_verdicts(&original, &redacted);
        let written = redacted.to_json().unwrap();
        assert!(role.starts_with("ledger") || written.contains(role), "{role}");
    }
}

/// A verdict that rests on a setting by the cluster's name would be another one under a pseudonym: the name stays.
#[test]
fn a_name_on_which_a_verdict_depends_stays_and_is_told() {
    let place = tempfile::tempdir().unwrap();
    let [plain, out, config] = ["plain.json", "out.json", "pullaudit.yaml"].map(|name| place.path().join(name));
    let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
    let of_shop = |workload: &&mut Value| {
        let cluster = workload["cluster"].as_str().unwrap_or_default();
        cluster.ends_with("/shop-euc1") && workload["containers"].to_string().contains("dkr.ecr")
    };
    let workload = fleet["workloads"].as_array_mut().unwrap().iter_mut().find(of_shop).unwrap();
    workload["serviceAccountAnnotations"] =
        json!({ "eks.amazonaws.com/ecr-role-arn": "arn:aws:iam::111122223333:role/nobody" });
    std::fs::write(&plain, fleet.to_string()).unwrap();
    std::fs::write(&config, "clusters: { shop-euc1: { serviceAccountIdentity: true } }\n").unwrap();
    let run = |config: Option<&std::path::Path>| {
        let mut command = Command::cargo_bin("pullaudit").unwrap();
        command.args(["collect", "--redact", "--from"]).arg(&plain).arg("-o").arg(&out);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let run = command.output().unwrap();
        assert_eq!(run.status.code(), Some(3), "one policy of the example was refused");
        (String::from_utf8(run.stderr).unwrap(), std::fs::read_to_string(&out).unwrap())
    };
    let (told, written) = run(Some(&config));
    assert!(told.contains("shop") && written.contains("cluster/shop-euc1"), "{told}");
    assert!(!written.contains("ledger"), "the others are hidden all the same");
    let (told, written) = run(None);
    assert!(!told.contains("shop") && !written.contains("shop"), "{told}");
}

/// Lets whom a pattern names pull from every repository, or only from those that another pattern names.
fn grant(fleet: &mut Value, principals: &str, resource: Option<&str>) {
    let tables = &mut fleet["facts"]["eks"];
    let statement = json!({ "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGet*", "ecr:GetDownloadUrlForLayer"],
        "Condition": { "ArnLike": { "aws:PrincipalArn": principals } } });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    for (_, row) in tables["repositoryPolicies"].as_object_mut().unwrap() {
        *row = json!({ "got": { "text": document } });
    }
    let Some(resource) = resource else { return };
    let statement = json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": resource });
    let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    for (_, row) in tables["inlinePolicies"].as_object_mut().unwrap() {
        *row = json!({ "got": { "text": document } });
    }
}

/// Three denied workloads pull as roles of their own: one is trusted, one by the former issuer, one under another name. The
/// names of issuers stand in the keys of conditions too.
#[test]
fn whom_a_role_trusts_is_hidden_and_goes_on_being_told_apart() {
    const ISSUER: &str = "oidc.eks.eu-central-1.amazonaws.com/id/ZQ0A1B2C3D";
    const FORMER: &str = "oidc.eks.eu-central-1.amazonaws.com/id/ZQ9F8E7D6C";
    let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
    let cluster =
        fleet["clusters"].as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "pay-euc1").unwrap();
    for pool in cluster["pools"].as_array_mut().unwrap() {
        pool["federation"] = json!(ISSUER);
    }
    for (workload, issuer, account) in
        [("ledger-api", ISSUER, "zqapi"), ("ledger-worker", FORMER, "zqapi"), ("report-eu", ISSUER, "zqother")]
    {
        let arn = format!("arn:aws:iam::111122223333:role/zq-{workload}");
        let all = fleet["workloads"].as_array_mut().unwrap();
        let found = all.iter_mut().find(|one| one["name"] == workload).unwrap();
        found["serviceAccount"] = json!("zqapi");
        found["serviceAccountAnnotations"] = json!({ "eks.amazonaws.com/ecr-role-arn": arn });
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{issuer}") },
            "Condition": { "StringEquals": {
                format!("{issuer}:sub"): format!("system:serviceaccount:ledger:{account}"),
                format!("{issuer}:aud"): "sts.amazonaws.com" } } }] });
        let tables = &mut fleet["facts"]["eks"];
        let key = format!("111122223333/zq-{workload}");
        tables["roles"][&key] = json!({ "got": { "arn": arn, "roleId": "AROAEXAMPLEZQ" } });
        tables["trustPolicies"][&key] = json!({ "got": { "text": trust.to_string() } });
        tables["attachedPolicies"][&key] =
            json!({ "got": ["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"] });
        tables["inlinePolicyNames"][&key] = json!({ "got": [] });
        let lets = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "AWS": arn },
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }] });
        let of_image = |one: &&str| workload.starts_with(&one.replace('/', "-"));
        let repository = ["ledger/api", "ledger/worker"].into_iter().find(of_image).unwrap_or("ledger/report");
        tables["repositoryPolicies"][format!("222233334444/eu-central-1/{repository}")] =
            json!({ "got": { "text": lets.to_string() } });
        let provider = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}");
        tables["identityProviders"][provider] = json!({ "got": { "audiences": ["sts.amazonaws.com"] } });
    }
    let original = Snapshot::parse(&fleet.to_string()).unwrap();
    let told = verdicts(&original, &clouds(), Mode::Default);
    let of = |name: &str| {
        let at = original.workloads.iter().position(|workload| workload.name == name).unwrap();
        told[&at].join(", ")
    };
    assert!(of("ledger-api").starts_with("Unknown"), "{}", of("ledger-api"));
    for name in ["ledger-worker", "report-eu"] {
        assert!(of(name).starts_with("Denied"), "{name}: {}", of(name));
    }
    let redacted = redact(&original, &clouds()).unwrap();
    assert_eq!(redacted.kept, BTreeSet::new());
    let written = redacted.snapshot.to_json().unwrap();
    let left: Vec<_> =
        ["zqapi", "zqother", "ZQ0A1B2C3D", "ZQ9F8E7D6C"].into_iter().filter(|one| written.contains(one)).collect();
    assert!(left.is_empty(), "{left:?}");
    same_verdicts(&original, &Snapshot::parse(&written).unwrap());
}

/// Words that mean something to a cloud, that begin or end like others, that differ in case, that are numbers, and one that
/// another one's pseudonym could be.
fn word() -> impl Strategy<Value = String> {
    const POOL: [&str; 36] = [
        "team",
        "teams",
        "steam",
        "tea",
        "allow",
        "deny",
        "reader",
        "repository",
        "role",
        "ecr",
        "latest",
        "library",
        "default",
        "prod",
        "prod2",
        "preprod",
        "x1",
        "ab",
        "a1b2c3",
        "12345",
        "123456789",
        "aroaexample",
        "docker",
        "linux",
        "pull",
        "eu",
        "west",
        "got",
        "absent",
        "null",
        "true",
        "principal",
        "serviceaccount",
        "projects",
        "pods",
        "abcdefgh",
    ];
    prop_oneof![4 => proptest::sample::select(&POOL[..]).prop_map(str::to_owned), 1 => "[a-z][a-z0-9]{2,11}"]
}

/// Patterns as people write them, over the names of the example and over others.
fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("*".to_owned()),
        Just("pay-*".to_owned()),
        Just("pa*".to_owned()),
        Just("*-batch".to_owned()),
        Just("*l".to_owned()),
        Just("?ay-*".to_owned()),
        word(),
        word().prop_map(|word| format!("{word}*")),
        word().prop_map(|word| format!("{word}-*")),
        word().prop_map(|word| format!("*{word}*")),
    ];
    (part, prop_oneof![Just("*"), Just("111122223333"), Just("1111*")])
        .prop_map(|(part, account)| format!("{account}|{part}"))
}

/// Conditions of the other clouds on parts of names.
fn conditions(fleet: &mut Value, word: &str, partial: bool) {
    let operator = if partial { "StringStartsWithIgnoreCase" } else { "StringEqualsIgnoreCase" };
    let azure = format!(
        "((!(ActionMatches{{'Microsoft.ContainerRegistry/registries/repositories/content/read'}})) OR \
         (@Request[Microsoft.ContainerRegistry/registries/repositories:name] {operator} '{word}'))"
    );
    for (_, row) in fleet["facts"]["aks"]["roleAssignments"].as_object_mut().unwrap() {
        for assignment in row["got"].as_array_mut().into_iter().flatten() {
            assignment["properties"]["condition"] = azure.clone().into();
            assignment["properties"]["conditionVersion"] = "2.0".into();
        }
    }
    let name = format!("projects/acme-images/locations/europe-west4/repositories/{word}");
    let google = if partial {
        format!("resource.name.startsWith(\"{name}\")")
    } else {
        format!("resource.name == \"{name}\"")
    };
    for (_, row) in fleet["facts"]["gke"]["policies"].as_object_mut().unwrap() {
        let binding = json!({ "role": "roles/artifactregistry.reader", "members": ["allAuthenticatedUsers",
            "serviceAccount:gke-nodes@acme-run.iam.gserviceaccount.com"], "condition": { "expression": google, "title": "t" } });
        row["got"]["bindings"] = json!([binding]);
    }
}

/// The example with other names: of equal ones all are replaced, wherever they stand.
fn renamed(text: &str, names: &[(usize, String)]) -> String {
    let mut text = text.to_owned();
    for (at, word) in names {
        text = text.replace(NAMES[at % NAMES.len()], word);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_names_and_the_patterns_are_the_verdicts_stay(
        names in proptest::collection::vec((0..NAMES.len(), word()), 0..6),
        principals in pattern(),
        resource in proptest::option::of(pattern()),
        condition in proptest::option::of((word(), any::<bool>())),
        granted in any::<bool>(),
    ) {
        let mut fleet: Value = serde_json::from_str(&renamed(FLEET, &names)).unwrap();
        if granted {
            let (account, role) = principals.split_once('|').unwrap();
            let resource = resource.as_deref().and_then(|pattern| pattern.split_once('|'));
            let resource = resource.map(|(account, name)| format!("arn:aws:ecr:*:{account}:repository/{name}"));
            grant(&mut fleet, &format!("arn:aws:iam::{account}:role/{role}"), resource.as_deref());
        }
        if let Some((word, partial)) = &condition {
            conditions(&mut fleet, word, *partial);
        }
        // Names may have become those of two clusters or roles at once; what is no snapshot is nobody's.
        let Ok(original) = Snapshot::parse(&fleet.to_string()) else { return Ok(()) };
        let redacted = redact(&original, &clouds()).unwrap();
        same_verdicts(&original, &redacted.snapshot);
        let again = redact(&redacted.snapshot, &clouds()).unwrap();
        same_verdicts(&original, &again.snapshot);
    }

    /// A name of any signs in every place of a workload: none is left, whatever stands around it.
    #[test]
    fn a_marked_name_is_left_nowhere(mark in "zq[a-z]{6}xj", tail in "[-_/.]?[a-z0-9]{0,4}") {
        let mut fleet: Value = serde_json::from_str(FLEET).unwrap();
        let name = format!("{mark}{tail}");
        let workload = &mut fleet["workloads"][0];
        for key in ["namespace", "name", "serviceAccount", "origin"] {
            workload[key] = name.clone().into();
        }
        workload["pullSecrets"] = json!([name]);
        workload["serviceAccountAnnotations"] = json!({ "kubernetes.azure.com/acr-client-id": name });
        workload["containers"][0]["name"] = name.clone().into();
        workload["containers"][0]["image"] = format!("{mark}.azurecr.io/{name}/{mark}:{mark}").into();
        workload["pods"] = json!({ &name: { &name: "running" } });
        let key = format!("cluster/{name}/{name}");
        let entries = json!({ "entries": [{ "key": format!("{mark}.example") }],
            "defects": [{ "auth-not-base64": { "key": mark } }] });
        fleet["secrets"] = json!({ key: { "got": entries } });
        fleet["clusters"][0]["pools"][0]["takes"] = json!([{ "namespace": name, "labels": { "a": name } }]);
        fleet["clusters"][0]["endpoint"] = format!("https://{mark}.example").into();
        let open = json!({ "unread": { "reading": format!("pods of {name}"), "permission": "list pods", "scope": name,
            "assumable": false, "obstacle": { "failed": format!("dial {mark}.internal: refused") } } });
        fleet["gaps"] = json!([{ "scope": name, "open": open, "message": format!("{name} is missing") }]);
        fleet["facts"]["eks"]["roles"]["111122223333/pay-general"]["got"]["tags"] = json!({ "team": name });
        let original = Snapshot::parse(&fleet.to_string()).unwrap();
        let written = redact(&original, &clouds()).unwrap().snapshot.to_json().unwrap();
        prop_assert!(!written.to_lowercase().contains(&mark), "{}", written.lines().find(|line| line.contains(&mark)).unwrap());
    }
}
