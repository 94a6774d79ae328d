//! The workloads of a real API server, reached with Azure's credentials alone: no kubeconfig, no plugin.

use crate::azure::Place;
use crate::azure_fake::{Cluster, Grant, SUBSCRIPTION, World, role};
use crate::servers::{self, kubernetes::Kubernetes};
use serde_json::{Value, json};

const CART: &str = "acmeregistry.azurecr.io/shop/cart:1";

fn seed(kubernetes: &Kubernetes) {
    let node = |name: &str, pool: &str, client: Option<&str>| {
        let mut labels = json!({ "kubernetes.azure.com/agentpool": pool, "kubernetes.io/os": "linux" });
        if let Some(client) = client {
            labels["kubernetes.azure.com/kubelet-identity-client-id"] = json!(client);
        }
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } })
    };
    kubernetes.namespace("shop");
    kubernetes.apply_all(&[
        node("aks-system-1", "system", None),
        node("aks-system-2", "system", Some("01d00000-0000-4000-8000-000000000002")),
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart", "namespace": "shop" },
            "spec": { "selector": { "matchLabels": { "app": "cart" } }, "template": {
                "metadata": { "labels": { "app": "cart" } },
                "spec": { "containers": [{ "name": "app", "image": CART }] } } } }),
    ]);
}

/// A cluster of the fake that is this API server.
fn place(kubernetes: &Kubernetes) -> Place {
    let cluster =
        Cluster::new(SUBSCRIPTION, "rg-acme", "acmeprod").api_server(kubernetes.endpoint(), kubernetes.ca());
    let mut world = World::acme();
    world.clusters.clear();
    world.directory.clear();
    let world = world.cluster(cluster);
    Place::of(world, &[])
}

#[test]
fn an_entra_token_made_in_process_opens_the_api_and_old_nodes_are_told_apart() {
    let name = "an_entra_token_made_in_process_opens_the_api_and_old_nodes_are_told_apart";
    let Some(kubernetes) = servers::need(servers::kubernetes::start(), name) else { return };
    seed(&kubernetes);
    let place = place(&kubernetes);
    let good = place.fake.cluster_tokens();
    kubernetes
        .reviewer()
        .recognise(move |token| good(token).then(|| ("audit".to_owned(), vec!["system:masters".to_owned()])));
    let (scope, who) = (place.fake.change(|world| world.registries[0].id()), place.kubelet());
    place.fake.change(|world| world.grants.push(Grant::new(&scope, role::ACR_PULL, &who)));
    let ran = place.plain(&["audit", "--provider", "aks", "-o", "json", "--timeout", "10s"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error} {ran:?}"));
    assert_eq!(report["clusters"][0]["reachable"], true, "{}", report["incompleteBecause"]);
    let pools: Vec<&str> = report["clusters"][0]["pools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pool| pool["name"].as_str().unwrap())
        .collect();
    assert!(pools.contains(&"system") && pools.iter().any(|pool| pool.contains("older identity")), "{pools:?}");
    let checks = report["checks"].as_array().unwrap();
    let of = |pool: &str| checks.iter().find(|check| check["pool"] == pool).map(|check| check["verdict"].clone());
    assert_eq!(of("system"), Some("allowed".into()), "{checks:#?}");
    assert!(checks.iter().all(|check| check["image"] == CART));
    let notices = report["notices"].to_string();
    assert!(
        notices.contains("nodes-not-rotated") && notices.contains("01d00000-0000-4000-8000-000000000002"),
        "{notices}"
    );
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn a_token_that_the_cluster_does_not_accept_leaves_it_unreachable() {
    let name = "a_token_that_the_cluster_does_not_accept_leaves_it_unreachable";
    let Some(kubernetes) = servers::need(servers::kubernetes::start(), name) else { return };
    let place = place(&kubernetes);
    place
        .plain(&["audit", "--provider", "aks", "--timeout", "5s"])
        .ends(3)
        .says("does not accept these credentials");
}
