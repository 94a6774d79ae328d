//! The whole way of the data on real servers: a kube-apiserver joined to an EKS cluster of the emulator.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{CLUSTER, OTHER, OWN, config, environment, run};
use serde_json::{Value, json};
use servers::aws::{Aws, Keys};
use servers::call::Answer;
use servers::kubernetes::{ADMIN, AUDITOR, Kubernetes, NOBODY};
use servers::proxy::{Proxy, Trouble};
use servers::reviewer::Trusted;
use servers::{Skipped, need};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

struct Fleet {
    aws: &'static Aws,
    kubernetes: &'static Kubernetes,
}

fn fleet(test: &str) -> Option<&'static Fleet> {
    static FLEET: OnceLock<Result<Fleet, Skipped>> = OnceLock::new();
    let made = FLEET.get_or_init(|| {
        let (aws, kubernetes) = (servers::aws::shared()?, servers::kubernetes::shared()?);
        aws.seed(&live::fleet(kubernetes.endpoint(), &kubernetes.ca_data()));
        kubernetes.namespace("shop");
        kubernetes.namespace("jobs");
        kubernetes.apply_all(&live::objects());
        Ok(Fleet { aws, kubernetes })
    });
    need(made.as_ref().map_err(Clone::clone), test)
}

/// Everything that one run needs; the folder holds its config.
struct Place {
    proxy: Proxy,
    environment: Vec<(&'static str, String)>,
    config: String,
    folder: tempfile::TempDir,
}

impl Fleet {
    fn place(&self, keys: &Keys, user: Option<&str>) -> Place {
        let proxy = live::proxy(self.aws);
        let kubeconfig: Option<PathBuf> = user.map(|user| self.kubernetes.kubeconfig(user, CLUSTER, None));
        let environment = environment(keys, &proxy, kubeconfig.as_deref());
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path()).display().to_string();
        Place { proxy, environment, config, folder }
    }
}

impl Place {
    fn audit(&self, more: &[&str]) -> live::Ran {
        let arguments = [&["audit", "--config", &self.config, "--timeout", "20s"], more].concat();
        run(&arguments, &self.environment)
    }

    fn json(&self, more: &[&str]) -> Value {
        self.audit(&[&["-o", "json"], more].concat()).report()
    }
}

/// Workload to verdict and code; a workload of several checks has the last.
fn verdicts(report: &Value) -> std::collections::BTreeMap<String, String> {
    let mut found = std::collections::BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        for workload in check["workloads"].as_array().unwrap() {
            let said = format!("{} {}", check["verdict"].as_str().unwrap(), check["code"].as_str().unwrap());
            found.insert(workload["name"].as_str().unwrap().to_owned(), said);
        }
    }
    found
}

fn without_times(mut report: Value) -> Value {
    report["generatedAt"] = Value::Null;
    report["summary"]["apiCalls"] = Value::Null;
    report
}

/// The emulator draws role ids by chance.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("AROA…");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "AROA…___" + part.get(3..).unwrap_or_default())
}

#[test]
fn an_admin_sees_what_is_broken_and_nothing_else() {
    let Some(fleet) = fleet("an_admin_sees_what_is_broken") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    // Other tests of this file have namespaces of their own.
    let ran = place.audit(&["-n", "shop", "-n", "jobs"]);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    let (first, rest) = ran.out.split_once('\n').unwrap();
    let (counts, _) = first.rsplit_once("   ").expect("how long it took stands last");
    insta::assert_snapshot!("live_people", format!("{counts}\n{}", without_ids(rest)));
    place.proxy.assert_no_strangers();
    place.proxy.assert_no_call_twice();
    assert!(place.proxy.most_in_flight("iam") <= 8);

    let report = place.json(&["-n", "shop", "-n", "jobs"]);
    let expected = [
        ("api", "allowed allowed"),
        ("gone", "denied image-missing"),
        ("ledger", "denied principal-recreated"),
        ("ledger-batch", "allowed allowed"),
        ("nightly", "allowed allowed"),
        ("probe", "denied principal-recreated"),
        ("web", "denied boundary-denies"),
    ];
    let expected = expected.map(|(name, said)| (name.to_owned(), said.to_owned()));
    assert_eq!(verdicts(&report), expected.into());
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn a_snapshot_replayed_is_the_live_report() {
    let Some(fleet) = fleet("a_snapshot_replayed_is_the_live_report") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let file = place.folder.path().join("s.json").display().to_string();
    let collected = run(&["collect", "-o", &file, "--config", &place.config], &place.environment);
    assert_eq!(collected.code, 0, "{}", collected.err);
    let live = without_times(place.json(&[]));
    let calls = place.proxy.calls().len();
    let replayed = run(&["audit", "--from", &file, "-o", "json"], &[]).report();
    assert_eq!(place.proxy.calls().len(), calls, "a replay asks nobody");
    assert_eq!(serde_json::to_string(&without_times(replayed)).unwrap(), serde_json::to_string(&live).unwrap());
}

#[test]
fn without_a_kubeconfig_the_clusters_api_is_reached_with_a_token_of_our_own() {
    let Some(fleet) = fleet("without_a_kubeconfig") else { return };
    let role = format!("arn:aws:iam::{OWN}:role/auditor");
    let place = fleet.place(&fleet.aws.assume(&role), None);
    fleet.kubernetes.reviewer().trust(Trusted {
        cluster: "prod".to_owned(),
        sts: fleet.aws.endpoint().to_owned(),
        role,
        user: AUDITOR.to_owned(),
        groups: Vec::new(),
    });
    let report = place.json(&["--cluster", CLUSTER]);
    assert_eq!(report["clusters"][0]["reachable"], true, "{report:#}");
    assert_eq!(verdicts(&report)["api"], "allowed allowed");
    assert_eq!(verdicts(&report)["web"], "denied boundary-denies");
}

#[test]
fn who_may_read_less_learns_what_is_missing_and_is_told_nothing_wrong() {
    let Some(fleet) = fleet("who_may_read_less") else { return };
    let all = verdicts(&fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]));
    let stranger = fleet.aws.assume(&format!("arn:aws:iam::{OWN}:role/stranger"));
    for (keys, user) in [(Keys::root(OWN), AUDITOR), (Keys::root(OWN), NOBODY), (stranger, ADMIN)] {
        let place = fleet.place(&keys, Some(user));
        let ran = place.audit(&["-o", "json"]);
        if ran.code == 1 {
            assert!(ran.err.contains("ListClusters"), "{}", ran.err);
            continue;
        }
        let report = ran.report();
        for (workload, said) in verdicts(&report) {
            assert!(said == all[&workload] || said.starts_with("unknown"), "{user}: {workload} became {said}");
        }
        if user == NOBODY {
            assert_eq!(ran.code, 3, "{}", ran.err);
            let missing = report["incompleteBecause"].to_string();
            assert!(missing.contains("list deployments.apps") && missing.contains("list pods"), "{missing}");
        }
    }
}

#[test]
fn a_registry_that_nobody_can_read_says_what_to_add() {
    let Some(fleet) = fleet("a_registry_that_nobody_can_read") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let ran = run(&["audit", "-o", "json"], &place.environment);
    let report = ran.report();
    assert_eq!(verdicts(&report)["ledger-batch"], "unknown foreign-registry");
    let needs = report["unsettled"].to_string();
    assert!(needs.contains("scopes.accounts") && needs.contains(OTHER), "{needs}");
    assert_eq!(report["summary"]["foreign"], report["summary"]["unknown"]);
}

#[test]
fn an_unreachable_cluster_costs_its_own_workloads_only() {
    let Some(fleet) = fleet("an_unreachable_cluster") else { return };
    let account = "333344445555";
    fleet.aws.seed(&json!({ "accounts": { account: {
        "roles": { "node": { "attached": [live::PULL_ONLY] } },
        "clusters": { live::REGION: {
            "dark": { "endpoint": "https://127.0.0.1:1", "certificateAuthority": { "data": fleet.kubernetes.ca_data() },
                "nodegroups": { "a": { "nodeRole": "node" } } },
            "lit": { "endpoint": fleet.kubernetes.endpoint(),
                "certificateAuthority": { "data": fleet.kubernetes.ca_data() },
                "nodegroups": { "general": { "nodeRole": "node" } } } } } } } }));
    let place = fleet.place(&Keys::root(account), None);
    let kubeconfig =
        fleet.kubernetes.kubeconfig(ADMIN, &format!("arn:aws:eks:{}:{account}:cluster/lit", live::REGION), None);
    let mut environment = place.environment.clone();
    environment.retain(|(name, _)| *name != "KUBECONFIG");
    environment.push(("KUBECONFIG", kubeconfig.display().to_string()));
    let ran = run(&["audit", "--provider", "eks", "-o", "json", "--timeout", "5s"], &environment);
    let report = ran.report();
    let reachable = |name: &str| {
        let clusters = report["clusters"].as_array().unwrap();
        clusters.iter().find(|cluster| cluster["name"] == name).unwrap()["reachable"].clone()
    };
    assert_eq!((reachable("dark"), reachable("lit")), (json!(false), json!(true)), "{}", ran.err);
    assert!(report["incompleteBecause"].to_string().contains("cluster/dark"), "{report:#}");
    assert!(report["summary"]["workloads"].as_u64().unwrap() > 0);
}

#[test]
fn expired_credentials_end_with_1_and_say_what_was_tried() {
    let Some(fleet) = fleet("expired_credentials") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let expired = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                   <Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
    place.proxy.overlay(|_| true, Answer::new(403, "text/xml", expired));
    let ran = place.audit(&[]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("tried") && ran.err.contains("environment"), "{}", ran.err);
}

#[test]
fn a_paging_token_that_repeats_ends_the_list_and_is_named() {
    let Some(fleet) = fleet("a_paging_token_that_repeats") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    place.proxy.fault(|call| call.operation == "ListNodegroups", Trouble::CycleToken);
    let report = place.json(&[]);
    assert!(report.to_string().contains("paging token repeats"), "{report:#}");
    assert_eq!(report["complete"], false);
}

#[test]
fn an_interrupt_ends_the_run_within_a_second() {
    let Some(fleet) = fleet("an_interrupt_ends_the_run") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    place.proxy.fault(|_| true, Trouble::TimeOut);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"))
        .args(["audit", "--config", &place.config])
        .env_clear()
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it waits for an answer that never comes");
    let signalled = Instant::now();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = child.wait().unwrap();
    assert!(signalled.elapsed() < Duration::from_secs(1), "took {:?}", signalled.elapsed());
    assert_eq!(ended.code(), Some(130));
}

#[test]
fn no_secret_comes_out_anywhere() {
    const MARK: &str = "MARKED-do-not-print";
    let Some(fleet) = fleet("no_secret_comes_out") else { return };
    fleet.kubernetes.namespace("private");
    let login = json!({ "auths": { "registry.example": { "username": "u", "password": format!("{MARK}-1") } } });
    fleet.kubernetes.apply_all(&[
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "login", "namespace": "private" },
            "type": "kubernetes.io/dockerconfigjson", "stringData": { ".dockerconfigjson": login.to_string() } }),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "broken", "namespace": "private" },
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": { ".dockerconfigjson": json!({ "auths": { "h": { "auth": format!("{MARK}-2") } } }).to_string() } }),
        json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "p", "namespace": "private", "annotations": { "note": format!("{MARK}-3") } },
            "spec": { "imagePullSecrets": [{ "name": "login" }, { "name": "broken" }],
                "containers": [{ "name": "c", "image": format!("{OWN}.dkr.ecr.us-east-1.amazonaws.com/team/api:1.0"),
                    "env": [{ "name": "PASSWORD", "value": format!("{MARK}-4") }] }] } }),
    ]);
    let mut keys = Keys::root(OWN);
    keys.secret_access_key = format!("{MARK}-5");
    let place = fleet.place(&keys, Some(ADMIN));
    for format in ["people", "json", "yaml", "wide"] {
        let ran = place.audit(&["-o", format, "--all", "--read-secrets", "-vv"]);
        assert!(ran.code != 1, "{}", ran.err);
        for (name, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
            assert!(!text.contains("MARKED"), "{format}: a secret is in {name}");
            assert!(!text.contains("token-of-admin"), "{format}: the cluster's token is in {name}");
        }
    }
    let collected =
        run(&["collect", "-o", "-", "--config", &place.config, "--read-secrets", "-vv"], &place.environment);
    assert!(!collected.out.contains("MARKED") && !collected.err.contains("MARKED"));
    assert!(collected.out.contains("registry.example"), "the host is kept, the login is not");
}

#[test]
fn manifests_and_images_are_asked_of_the_live_pools() {
    let Some(fleet) = fleet("manifests_and_images_live") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let image = format!("{OTHER}.dkr.ecr.us-east-1.amazonaws.com/ledger/api:1.0");
    let report = place.json(&["--image", &image]);
    let mut pools: Vec<String> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| format!("{} {}", check["pool"].as_str().unwrap(), check["verdict"].as_str().unwrap()))
        .collect();
    pools.sort();
    assert_eq!(pools, ["batch allowed", "capped denied", "general denied", "jobs denied"]);
    let ran = run(
        &["can-pull", &image, "--as", "arn:aws:iam::111122223333:role/nodes/batch", "--config", &place.config],
        &place.environment,
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}
