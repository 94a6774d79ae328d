//! A cluster whose nodes Karpenter makes: the whole program on the emulator of AWS and a real API server.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OWN, PULL_ONLY, REGION, command, environment};
use serde_json::{Value, json};
use servers::aws::{Aws, Keys};
use servers::kubernetes::{ADMIN, Kubernetes};
use servers::need;
use std::collections::BTreeMap;

/// `green` may pull; `blue`, the role of before, lost the right.
fn accounts(kubernetes: &Kubernetes) -> Value {
    json!({ "accounts": { OWN: {
        "roles": { "green": { "attached": [PULL_ONLY] }, "blue": {} },
        "instanceProfiles": { "blue_profile": "blue", "own": "green" },
        "repositories": { REGION: { "team/api": {} } },
        "clusters": { REGION: { "shop": {
            "endpoint": kubernetes.endpoint(), "certificateAuthority": { "data": kubernetes.ca_data() },
            "accessConfig": { "authenticationMode": "API" },
            "accessEntries": [
                { "principalArn": "green", "type": "EC2_LINUX" }, { "principalArn": "blue", "type": "EC2_LINUX" }],
        } } },
    } } })
}

fn pool(name: &str, class: &str) -> Value {
    let reference = json!({ "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class });
    let template = json!({ "metadata": { "labels": { "pool": name } }, "spec": { "nodeClassRef": reference } });
    json!({ "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": name },
        "spec": { "template": template } })
}

fn class(name: &str, spec: &Value, profile: &str) -> Value {
    json!({ "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": { "name": name }, "spec": spec,
        "status": { "instanceProfile": profile } })
}

fn deployment(pool: &str) -> Value {
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": pool, "namespace": "shop" },
        "spec": { "replicas": 0, "selector": { "matchLabels": { "app": pool } }, "template": {
            "metadata": { "labels": { "app": pool } },
            "spec": { "nodeSelector": { "pool": pool }, "containers": [{ "name": "app", "image": image }] } } } })
}

fn fill(kubernetes: &Kubernetes) {
    for (group, kind, plural) in [
        ("karpenter.sh", "NodePool", "nodepools"),
        ("karpenter.sh", "NodeClaim", "nodeclaims"),
        ("karpenter.k8s.aws", "EC2NodeClass", "ec2nodeclasses"),
    ] {
        kubernetes.serve_kind(group, kind, plural);
    }
    kubernetes.namespace("shop");
    let labels = json!({ "karpenter.sh/nodepool": "by-role", "kubernetes.io/hostname": "old", "pool": "by-role" });
    kubernetes.apply_all(&[
        class("by-role", &json!({ "role": "green" }), "green_profile"),
        class("by-profile", &json!({ "instanceProfile": "own" }), "own"),
        class("to-nobody", &json!({ "instanceProfile": "gone" }), "gone"),
        pool("by-role", "by-role"),
        pool("by-profile", "by-profile"),
        pool("to-nobody", "to-nobody"),
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "old", "labels": labels } }),
        json!({ "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": { "name": "by-role-x",
            "annotations": { "karpenter.k8s.aws/instance-profile-name": "blue_profile" } },
            "status": { "nodeName": "old" } }),
        deployment("by-role"),
        deployment("by-profile"),
        deployment("to-nobody"),
    ]);
}

fn report(aws: &Aws, kubernetes: &Kubernetes) -> Value {
    let proxy = aws.account();
    let config = kubernetes.kubeconfig(ADMIN, "arn:aws:eks:us-east-1:111122223333:cluster/shop", None);
    let environment = environment(&Keys::root(OWN), &proxy, Some(&config));
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "audit",
        "--provider",
        "eks",
        "--region",
        "us-east-1",
        "-n",
        "shop",
        "-o",
        "json",
        "--all",
        "--timeout",
        "20s",
    ];
    let output = command(&arguments, &environment).current_dir(folder.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert!(report["gaps"].as_array().is_none_or(Vec::is_empty), "{:#}", report["gaps"]);
    report
}

/// Workload, pool and who pulls there, to the verdict.
fn told(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let checks = report["checks"].as_array().unwrap();
    let mut told = BTreeMap::new();
    for check in checks {
        for workload in check["workloads"].as_array().unwrap() {
            let who = text(&check["identity"]["name"]);
            let place = format!("{} on {} as {who}", text(&workload["name"]), text(&check["pool"]));
            told.insert(place, text(&check["verdict"]));
        }
    }
    told
}

#[test]
fn each_pool_pulls_as_the_role_of_its_class_and_a_node_as_that_of_its_profile() {
    let Some(kubernetes) = need(servers::kubernetes::start(), "Karpenter") else { return };
    fill(&kubernetes);
    let Some(aws) = need(servers::aws::start(&accounts(&kubernetes)), "Karpenter") else { return };
    let report = report(&aws, &kubernetes);
    let notices: Vec<&Value> =
        report["notices"].as_array().unwrap().iter().filter(|one| one["code"] == "former-profile").collect();
    let [former] = notices.as_slice() else { panic!("{:#}", report["notices"]) };
    assert_eq!(former["subject"], "shop/karpenter/by-role (node old, former profile)");
    assert_eq!(former["message"], "pulls as blue, which is not what its node class names now");
    let told = told(&report);
    let told: Vec<String> = told.iter().map(|(place, verdict)| format!("{place}: {verdict}")).collect();
    assert_eq!(
        told,
        [
            "by-profile on karpenter/by-profile as green: allowed",
            "by-role on karpenter/by-role (node old, former profile) as blue: denied",
            "by-role on karpenter/by-role as green: allowed",
            "to-nobody on karpenter/to-nobody as anonymous: denied",
        ]
    );
}
