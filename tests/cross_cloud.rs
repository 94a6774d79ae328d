//! A node of one cloud and an image in another: the cluster's cloud says what the kubelet sends, the registry's cloud
//! weighs it. All nine pairs, offline.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::{Value, json};

const FLEET: &str = "examples/identity-rotation/fleet.snapshot.json";
const AKS: &str = "prod-weu-1/system";
const EKS: &str = "pay-euc1/batch";
const GKE: &str = "data-ew4/apps";
const ACR: &str = "acmetools.azurecr.io/ops/agent:7";
const ECR: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/pay/gateway:1.9.2";
const AR: &str = "europe-west4-docker.pkg.dev/acme-images/base/etl:2";

/// Verdict, code, and the cloud that weighed, of the one check.
fn ask(snapshot: &str, cluster: &str, image: &str) -> (String, String, String) {
    let arguments = ["audit", "--from", snapshot, "--cluster", cluster, "--image", image, "-o", "json"];
    let output = Command::cargo_bin("pullaudit").unwrap().args(arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [check] = &report["checks"].as_array().unwrap()[..] else { panic!("{report:#}") };
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("code"), text("registryProvider"))
}

#[test]
fn a_node_pulls_by_its_identity_at_home_and_without_a_login_elsewhere() {
    for cluster in [AKS, EKS, GKE] {
        for (image, owner, home) in [(ACR, "aks", AKS), (ECR, "eks", EKS), (AR, "gke", GKE)] {
            let expected = if cluster == home { ("allowed", "allowed") } else { ("denied", "anonymous-refused") };
            let found = ask(FLEET, cluster, image);
            assert_eq!(
                (found.0.as_str(), found.1.as_str(), found.2.as_str()),
                (expected.0, expected.1, owner),
                "{cluster} {image}"
            );
        }
    }
}

#[test]
fn the_way_out_names_a_pull_secret_and_a_mirror() {
    let output = Command::cargo_bin("pullaudit").unwrap().args(["explain", "anonymous-refused"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("pull secret") && text.contains("mirror"), "{text}");
}

#[test]
fn a_repository_that_is_open_to_all_serves_nodes_of_every_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshot: Value = serde_json::from_str(&std::fs::read_to_string(FLEET).unwrap()).unwrap();
    let policies = snapshot["facts"]["gke"]["repositoryPolicies"].as_object_mut().unwrap();
    for (name, row) in policies.iter_mut() {
        if name.ends_with("/base") {
            let open = json!({ "role": "roles/artifactregistry.reader", "members": ["allUsers"] });
            row["got"]["bindings"].as_array_mut().unwrap().push(open);
        }
    }
    let path = folder.path().join("open.json");
    std::fs::write(&path, snapshot.to_string()).unwrap();
    for cluster in [AKS, EKS, GKE] {
        let found = ask(path.to_str().unwrap(), cluster, AR);
        assert_eq!((found.0.as_str(), found.2.as_str()), ("allowed", "gke"), "{cluster}");
    }
}

#[test]
fn a_cloud_whose_facts_are_missing_leaves_the_other_two_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshot: Value = serde_json::from_str(&std::fs::read_to_string(FLEET).unwrap()).unwrap();
    snapshot["facts"].as_object_mut().unwrap().remove("gke");
    let path = folder.path().join("less.json");
    std::fs::write(&path, snapshot.to_string()).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(ask(path, GKE, AR).0, "unknown");
    assert_eq!(ask(path, AKS, ACR).0, "allowed");
    assert_eq!(ask(path, EKS, ECR).0, "allowed");
}
