//! What exceptions cover, and what is said of those that cover nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use crate::config::Config;
use crate::report::{Check, NoticeReport};
use pullaudit_core::Snapshot;
use serde_json::{Value, json};
use std::cell::Cell;

thread_local! {
    /// Globs that were compiled on this thread.
    pub(super) static COMPILED: Cell<usize> = const { Cell::new(0) };
    /// Comparisons of a pattern with a text.
    pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
}

const PROD: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const AKS: &str =
    "/subscriptions/aaaa/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/Shop";

fn snapshot() -> Snapshot {
    let cluster = |id: &str, provider: &str, name: &str| {
        json!({ "id": id, "provider": provider, "name": name, "location": "here", "scope": "1", "reachable": true,
            "pools": [] })
    };
    let workload = |cluster: &str, namespace: &str, name: &str| json!({ "cluster": cluster, "namespace": namespace, "kind": "Deployment", "name": name, "containers": [] });
    serde_json::from_value(json!({
        "schema": "pullaudit/snapshot/1", "takenAt": "2026-11-30T00:00:00Z", "facts": {},
        "clusters": [cluster(PROD, "eks", "prod"), cluster(AKS, "aks", "Shop")],
        "workloads": [workload(PROD, "shop", "api"), workload(PROD, "test", "api")],
    }))
    .unwrap()
}

fn check(change: &Value) -> Check {
    let mut check = json!({
        "id": "1", "provider": "eks", "registryProvider": "eks", "cluster": PROD, "pool": "general",
        "identity": { "kind": "nodeRole", "id": "arn:aws:iam::111122223333:role/prod-nodes", "name": "prod-nodes" },
        "image": "reg.io/shop/api:1", "registry": "reg.io", "repository": "shop/api", "tag": "1", "digest": null,
        "verdict": "denied", "code": "pull-not-granted", "severity": "high", "message": "", "because": [],
        "needing": [], "assuming": [], "attempts": [], "state": "running",
        "workloads": [workload("shop", "api")],
    });
    for (key, value) in change.as_object().unwrap() {
        check[key] = value.clone();
    }
    serde_json::from_value(check).unwrap()
}

fn workload(namespace: &str, name: &str) -> Value {
    json!({ "namespace": namespace, "kind": "Deployment", "name": name, "containers": ["app"], "pullSecrets": [],
        "state": "running" })
}

fn config(matches: &[&str]) -> Config {
    let one = |matching: &&str| format!("  - match: {{ {matching} }}\n    reason: known\n    owner: team\n");
    let text = format!("exceptions:\n{}", matches.iter().map(one).collect::<String>());
    Config::parse(&text, "pullaudit.yaml").unwrap()
}

fn apply(matches: &[&str], checks: &mut [Check]) -> Vec<NoticeReport> {
    config(matches).exceptions.apply(checks, &snapshot(), "2026-11-30T00:00:00Z".parse().unwrap())
}

fn covers(matching: &str, change: &Value) -> bool {
    let mut checks = [check(change)];
    apply(&[matching], &mut checks);
    checks[0].exception.is_some()
}

#[test]
fn matches_by_name_or_id() {
    for matching in [
        "cluster: prod",
        "cluster: 'p*'",
        &format!("cluster: '{PROD}'"),
        "identity: prod-nodes",
        "identity: 'arn:aws:iam::*:role/prod-nodes'",
        "namespace: shop",
        "workload: api",
        "workload: deploy/api",
        "workload: Deployment/api",
        "workload: deployment/api",
        "workload: shop/deploy/*",
        "repository: shop/api",
        "repository: reg.io/shop/*",
        "image: reg.io/shop/api",
        "code: 'pull-*'",
        "pool: general",
    ] {
        assert!(covers(matching, &json!({})), "{matching}");
    }
    for matching in [
        "cluster: pro",
        "cluster: PROD",
        "identity: prod",
        "namespace: sho",
        "workload: sts/api",
        "workload: test/deploy/api",
        "repository: shop",
        "image: reg.io/shop/api:2",
        "pool: gpu",
        "cluster: prod, pool: gpu",
    ] {
        assert!(!covers(matching, &json!({})), "{matching}");
    }
    assert!(covers("cluster: SHOP", &json!({ "cluster": AKS })));
    assert!(covers(
        &format!("cluster: '{}'", AKS.replace("resourcegroups", "resourceGroups")),
        &json!({ "cluster": AKS })
    ));
    let hub = json!({ "image": "nginx", "registry": "docker.io", "repository": "library/nginx", "tag": "latest" });
    assert!(covers("repository: nginx", &hub) && covers("image: nginx", &hub));
}

#[test]
fn every_workload_must_be_covered() {
    let two = json!({ "workloads": [workload("shop", "api"), workload("test", "api")] });
    assert!(!covers("namespace: test", &two), "what shop needs still counts");
    let mut checks = [check(&two)];
    let notices = apply(&["namespace: test", "namespace: shop"], &mut checks);
    assert_eq!(checks[0].exception.as_deref(), Some("known (team)"));
    assert!(notices.is_empty(), "{notices:?}");
    let mut checks = [check(&two)];
    let notices = apply(&["namespace: test"], &mut checks);
    assert!(notices[0].message.contains("only some workloads of 1 check"), "{notices:?}");
    assert!(!covers("namespace: shop", &json!({ "workloads": [] })), "no workload lies in a namespace");
    assert!(!covers(
        "namespace: shop, workload: web",
        &json!({ "workloads": [workload("shop", "api"), workload("x", "web")] })
    ));
}

#[test]
fn unused_exceptions_say_why() {
    let mut checks =
        [check(&json!({})), check(&json!({ "verdict": "allowed", "code": "allowed", "pool": "gpu" }))];
    let notices = apply(
        &[
            "cluster: stage",
            "cluster: prod, image: reg.io/other",
            "pool: gpu",
            "namespace: dev",
            "code: pull-not-granted",
        ],
        &mut checks,
    );
    let told: Vec<(&str, &str)> =
        notices.iter().map(|one| (one.code.as_str(), one.message.trim_end_matches(": known"))).collect();
    assert_eq!(
        told,
        [
            ("exception-unused", "cannot apply to this run, which has no cluster \"stage\""),
            ("exception-unused", "matches no check of this run"),
            ("exception-unused", "not needed in this run: every check that it matches is allowed (1)"),
            ("exception-unused", "cannot apply to this run, which has no workload in a namespace \"dev\""),
        ]
    );
    assert!(notices[0].subject.contains("pullaudit.yaml:2"), "{:?}", notices[0].subject);
    assert_eq!((&checks[0].exception.is_some(), &checks[1].exception.is_some()), (&true, &false));
}

/// Globs are compiled with the config, and each looks at each distinct value once.
#[test]
fn costs_grow_with_values_not_with_checks() {
    let config = config(&["cluster: 'p*'", "image: 'reg.io/*:2'", "namespace: dev, workload: 'a*'"]);
    let compared = |count: usize| {
        let mut checks = vec![check(&json!({})); count];
        let (compiled, before) = (COMPILED.get(), COMPARED.get());
        config.exceptions.apply(&mut checks, &snapshot(), "2026-11-30T00:00:00Z".parse().unwrap());
        assert_eq!(COMPILED.get(), compiled, "nothing is compiled per check");
        COMPARED.get() - before
    };
    let (few, many) = (compared(10), compared(1000));
    assert!(few > 0 && few == many, "{few} comparisons for 10 checks, {many} for 1000");
}

#[test]
fn unknown_codes_name_the_nearest() {
    let known = || pullaudit_core::CORE_CODES.iter();
    let error = |code: &str| {
        let checked = config(&[&format!("code: '{code}'")]).exceptions.check_codes(known());
        checked.err().map(|error| error.to_string())
    };
    assert_eq!(error("no-pool-fits"), None);
    assert_eq!(error("pull-secret-*"), None);
    let told = error("no-pool-fit").unwrap();
    assert!(told.starts_with("pullaudit.yaml:2: exceptions[0].match.code: unknown finding"), "{told}");
    assert!(told.contains("did you mean no-pool-fits?"), "{told}");
    assert!(error("zzz-*").unwrap().contains("no finding matches"));
}
