//! Many pods on many nodes: deployments with a replica set each, and pods that look like those of a service.

use crate::servers::kubernetes::Kubernetes;
use futures_util::{StreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use std::cell::Cell;

pub(crate) const NODES: usize = 2_000;
const NAMESPACES: usize = 10;
const DEPLOYMENTS: usize = 200;
/// Requests in flight while it is filled.
const WIDTH: usize = 64;

/// What the server holds.
pub(crate) struct Fleet<'a> {
    server: &'a Kubernetes,
    sets: Vec<Value>,
    /// Pods of each set.
    pods: Cell<usize>,
}

impl<'a> Fleet<'a> {
    /// Namespaces, nodes and deployments, and no pod yet.
    pub(crate) fn new(server: &'a Kubernetes) -> Self {
        for number in 0..NAMESPACES {
            server.namespace(&namespace(number));
        }
        let mut fleet = Self { server, sets: Vec::new(), pods: Cell::new(0) };
        fleet.post((0..NODES).map(|number| ("/api/v1/nodes".to_owned(), node(number))));
        for number in 0..DEPLOYMENTS {
            let space = namespace(number);
            let deployment =
                fleet.one(&format!("/apis/apps/v1/namespaces/{space}/deployments"), &deployment(number));
            let mut set = replica_set(number);
            set["metadata"]["ownerReferences"] = owner("Deployment", &deployment);
            let set = fleet.one(&format!("/apis/apps/v1/namespaces/{space}/replicasets"), &set);
            fleet.sets.push(set);
        }
        fleet
    }

    /// Adds pods until there are so many: the workloads stay the same.
    pub(crate) fn grow(&self, pods: usize) {
        let indexes = self.pods.get()..pods / DEPLOYMENTS;
        self.pods.set(indexes.end);
        for (number, set) in self.sets.iter().enumerate() {
            let path = format!("/api/v1/namespaces/{}/pods", namespace(number));
            self.post(indexes.clone().map(|index| (path.clone(), pod(number, index, set))));
        }
    }

    fn one(&self, path: &str, object: &Value) -> Value {
        self.server.block_on(async { self.server.client().request(request(path, object)).await.unwrap() })
    }

    fn post(&self, objects: impl Iterator<Item = (String, Value)>) {
        let client = self.server.client();
        let sent = objects.map(|(path, object)| {
            let client = client.clone();
            async move {
                let _: Value = client.request(request(&path, &object)).await.unwrap();
            }
        });
        self.server.block_on(stream::iter(sent).buffer_unordered(WIDTH).collect::<()>());
    }
}

fn request(path: &str, object: &Value) -> Request<Vec<u8>> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(serde_json::to_vec(object).unwrap()).unwrap()
}

fn namespace(number: usize) -> String {
    format!("team{}", number % NAMESPACES)
}

fn name(number: usize) -> String {
    format!("service{number}")
}

fn owner(kind: &str, object: &Value) -> Value {
    json!([{ "apiVersion": "apps/v1", "kind": kind, "controller": true, "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"] }])
}

fn node(number: usize) -> Value {
    let labels = json!({ "pool": format!("pool{}", number % 10), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": "eu-west-1a", "node.kubernetes.io/instance-type": "m7i.2xlarge" });
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": format!("node{number}"), "labels": labels },
        "spec": { "providerID": format!("aws:///eu-west-1a/i-{number:017x}") } })
}

/// What a service's template looks like, some 4 KB as JSON.
fn template(number: usize) -> Value {
    let image = format!("111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/service{number}:1.{number}.0");
    let variables: Vec<Value> = (0..25)
        .map(|index| json!({ "name": format!("SETTING_NUMBER_{index}"), "value": format!("value-{index}-of-{number}") }))
        .collect();
    let probe = json!({ "httpGet": { "path": "/healthz", "port": 8080 }, "periodSeconds": 10 });
    let container = json!({ "name": "app", "image": image, "env": variables, "readinessProbe": probe,
        "livenessProbe": probe, "ports": [{ "containerPort": 8080 }],
        "resources": { "requests": { "cpu": "250m", "memory": "256Mi" }, "limits": { "memory": "512Mi" } },
        "volumeMounts": [{ "name": "config", "mountPath": "/etc/config" }] });
    json!({ "metadata": { "labels": { "app": name(number), "team": namespace(number), "version": "1" },
            "annotations": { "prometheus.io/scrape": "true", "checksum/config": "0".repeat(64) } },
        "spec": { "containers": [container, { "name": "proxy", "image": "registry.k8s.io/pause:3.10" }],
            "volumes": [{ "name": "config", "configMap": { "name": "config" } }],
            "nodeSelector": { "pool": format!("pool{}", number % 10) } } })
}

fn selector(number: usize) -> Value {
    json!({ "matchLabels": { "app": name(number) } })
}

fn deployment(number: usize) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name(number) },
        "spec": { "replicas": 1, "selector": selector(number), "template": template(number) } })
}

fn replica_set(number: usize) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": format!("{}-5d4f", name(number)) },
        "spec": { "replicas": 1, "selector": selector(number), "template": template(number) } })
}

fn pod(number: usize, index: usize, set: &Value) -> Value {
    let mut pod = template(number);
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = format!("{}-5d4f-{index:05}", name(number)).into();
    pod["metadata"]["ownerReferences"] = owner("ReplicaSet", set);
    // Nodes of one pool are ten apart.
    let node = (number % 10 + 10 * (number * 100 + index)) % NODES;
    pod["spec"]["nodeName"] = format!("node{node}").into();
    pod
}
