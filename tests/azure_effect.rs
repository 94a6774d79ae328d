//! Whether a repair is seen where it matters: pods of a real API server that were refused and then pull.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;
#[path = "servers/mod.rs"]
mod servers;

use azure::{Place, Ran};
use azure_fake::{SUBSCRIPTION, World};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use servers::kubernetes::{ADMIN, Kubernetes};
use std::time::Duration;

const IMAGE: &str = "acmeregistry.azurecr.io/shop/cart:1.4.2";

/// How a container fares.
fn status(image: &str, id: &str, state: &Value) -> Value {
    json!({ "phase": if id.is_empty() { "Pending" } else { "Running" }, "containerStatuses": [{
        "name": "app", "image": image, "imageID": id, "ready": false, "restartCount": 0, "state": state }] })
}

fn refused(image: &str) -> Value {
    status(image, "", &json!({ "waiting": { "reason": "ImagePullBackOff", "message": "401 Unauthorized" } }))
}

fn pod(namespace: &str, name: &str, image: &str, status: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": namespace },
        "spec": { "nodeName": "aks-system-1", "containers": [{ "name": "app", "image": image }] }, "status": status })
}

/// A namespace with a refused pod, one of another image, and the node that they are on.
fn seed(kubernetes: &Kubernetes, namespace: &str) {
    static NODE: std::sync::Once = std::sync::Once::new();
    NODE.call_once(|| {
        let labels = json!({ "kubernetes.azure.com/agentpool": "system", "agentpool": "system" });
        kubernetes.apply(&json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "aks-system-1", "labels": labels } }));
    });
    kubernetes.namespace(namespace);
    kubernetes.apply(&pod(namespace, "cart", IMAGE, &refused(IMAGE)));
    let other = "docker.io/library/redis:7";
    kubernetes.apply(&pod(namespace, "cache", other, &refused(other)));
}

fn start(kubernetes: &Kubernetes, namespace: &str, name: &str) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Pod"));
    let api: Api<DynamicObject> = Api::namespaced_with(kubernetes.client(), namespace, &resource);
    let patch = Patch::Merge(json!({ "status": status(IMAGE, "sha256:1", &json!({ "running": {} })) }));
    kubernetes.block_on(api.patch_status(name, &PatchParams::default(), &patch)).unwrap();
}

fn fix(place: &Place, kubernetes: &Kubernetes, namespace: &str, timeout: &str) -> Ran {
    let kubeconfig = kubernetes.kubeconfig(ADMIN, "acmeprod", None);
    let kubeconfig = kubeconfig.to_str().unwrap();
    place.plain(&[
        "fix",
        "--subscription",
        SUBSCRIPTION,
        "--kubeconfig",
        kubeconfig,
        "--context",
        "acmeprod",
        "-n",
        namespace,
        "--yes",
        "--verify-timeout",
        timeout,
        "--timeout",
        "10s",
    ])
}

#[test]
fn a_pod_that_was_refused_and_pulls_is_seen() {
    let name = "a_pod_that_was_refused_and_pulls_is_seen";
    let Some(kubernetes) = servers::need(servers::kubernetes::shared(), name) else { return };
    seed(kubernetes, "seen");
    let place = Place::of(World::acme(), &[]);
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| fix(&place, kubernetes, "seen", "60s"));
        while place.writes().last().is_none_or(|(_, status)| status.is_none()) {
            assert!(!run.is_finished(), "{:?}", run.join());
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_secs(3));
        start(kubernetes, "seen", "cart");
        run.join().unwrap()
    });
    ran.ends(0).says("watching 1 pod in back-off").says("pod seen/cart of acmeprod pulled");
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["listed"], &entry["effect"]), (&"allowed".into(), &"seen".into()), "{entry}");
    assert!(entry["effectAt"].as_str() >= entry["listedAt"].as_str(), "{entry}");
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn a_pod_that_does_not_pull_in_time_ends_with_three() {
    let name = "a_pod_that_does_not_pull_in_time_ends_with_three";
    let Some(kubernetes) = servers::need(servers::kubernetes::shared(), name) else { return };
    seed(kubernetes, "unseen");
    let place = Place::of(World::acme(), &[]);
    fix(&place, kubernetes, "unseen", "5s").ends(3).says("listed, effect not seen");
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["listed"], &entry["effect"]), (&"allowed".into(), &"not-seen".into()), "{entry}");
}

#[test]
fn where_no_pod_is_in_back_off_listed_is_the_proof() {
    let name = "where_no_pod_is_in_back_off_listed_is_the_proof";
    let Some(kubernetes) = servers::need(servers::kubernetes::shared(), name) else { return };
    seed(kubernetes, "quiet");
    start(kubernetes, "quiet", "cart");
    let place = Place::of(World::acme(), &[]);
    fix(&place, kubernetes, "quiet", "60s").ends(0);
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["listed"], &entry["effect"]), (&"allowed".into(), &Value::Null), "{entry}");
}
