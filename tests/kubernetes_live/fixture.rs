//! Objects and clients that the tests share.

use crate::servers::kubernetes::{Kubernetes, token};
use crate::servers::proxy::Proxy;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use pullaudit::kubernetes::live::{self, Client, Kubeconfigs, Observed, Select, from_access};
use pullaudit_core::{ApiAccess, Calls, Cluster, ClusterId, NodeView, Pool, Read, Shape, Workload};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn cluster(endpoint: &str) -> Cluster {
    Cluster {
        id: ClusterId("arn:aws:eks:eu-west-1:111122223333:cluster/shop".into()),
        provider: "eks".into(),
        name: "shop".into(),
        location: "eu-west-1".into(),
        scope: "111122223333".into(),
        endpoint: Some(endpoint.into()),
    }
}

pub(crate) fn pools() -> Vec<Pool> {
    let pool = |name: &str| Pool {
        cluster: cluster("").id,
        name: name.into(),
        identity: Read::Absent,
        shape: Shape {
            nodes: 1,
            labels: [("pool".to_owned(), [name.to_owned()].into())].into(),
            ..Shape::default()
        },
        node_labels: [("pool".to_owned(), name.to_owned())].into(),
        nodes: [].into(),
        takes: Vec::new(),
        takes_unread: None,
        vantage: pullaudit_core::Vantage::default(),
        federation: None,
    };
    vec![pool("blue"), pool("green")]
}

pub(crate) fn nodes() -> Vec<NodeView> {
    let node = |name: &str, pool: &str| NodeView {
        name: name.into(),
        labels: [("pool".to_owned(), pool.to_owned())].into(),
        ..NodeView::default()
    };
    vec![node("n1", "blue"), node("n2", "green")]
}

pub(crate) async fn client(server: &Kubernetes, user: &str) -> Client<'static> {
    let access = ApiAccess { server: server.endpoint().into(), ca_pem: server.ca().into(), token: token(user) };
    from_access(&access, PATIENCE).await.unwrap()
}

pub(crate) async fn through(server: &Kubernetes, proxy: &Proxy, user: &str) -> Client<'static> {
    through_within(server, proxy, user, PATIENCE).await
}

pub(crate) async fn through_within(
    server: &Kubernetes,
    proxy: &Proxy,
    user: &str,
    timeout: Duration,
) -> Client<'static> {
    let file = server.kubeconfig(user, "proxied", Some(&proxy.endpoint()));
    Kubeconfigs::load(std::slice::from_ref(&file)).unwrap().client("proxied", timeout).await.unwrap()
}

pub(crate) async fn observe(client: &Client<'_>, select: &Select) -> (Observed, Calls) {
    let calls = Calls::default();
    let (pools, nodes) = (pools(), nodes());
    let observed =
        live::workloads(client, &cluster(""), &pools, &pullaudit_core::Read::Got(nodes), select, &calls, 8).await;
    (observed, calls)
}

pub(crate) fn of(namespace: &str) -> Select {
    Select { namespaces: vec![namespace.into()], labels: None }
}

pub(crate) fn names(workloads: &[Workload]) -> Vec<String> {
    workloads.iter().map(|workload| format!("{} {}", workload.kind, workload.name)).collect()
}

pub(crate) fn find<'a>(observed: &'a Observed, name: &str) -> &'a Workload {
    observed.workloads.iter().find(|workload| workload.name == name).unwrap()
}

pub(crate) fn spec(image: &str) -> Value {
    json!({ "containers": [{ "name": "app", "image": image }] })
}

pub(crate) fn workload(api: &str, kind: &str, namespace: &str, name: &str, image: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": api, "kind": kind,
        "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "replicas": 0, "serviceName": name, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": spec(image) },
        },
    })
}

pub(crate) fn without(mut object: Value, fields: &[&str]) -> Value {
    for field in fields {
        object["spec"].as_object_mut().unwrap().remove(*field);
    }
    object
}

pub(crate) fn pod(namespace: &str, name: &str, owner: Option<&Value>, node: &str, image: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": namespace },
        "spec": spec(image),
    });
    if !node.is_empty() {
        pod["spec"]["nodeName"] = node.into();
    }
    if let Some(owner) = owner {
        pod["metadata"]["ownerReferences"] = owned_by(owner);
    }
    pod
}

pub(crate) fn owned_by(owner: &Value) -> Value {
    json!([{ "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
             "uid": owner["metadata"]["uid"], "controller": true }])
}

pub(crate) fn owned(mut object: Value, owner: &Value) -> Value {
    object["metadata"]["ownerReferences"] = owned_by(owner);
    object
}

pub(crate) fn resource(api: &str, kind: &str) -> ApiResource {
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Creates many pods at once: one by one, 1,200 take a minute.
pub(crate) fn many_pods(server: &Kubernetes, namespace: &str, count: usize, owner: Option<&Value>) {
    server.block_on(async {
        let api: Api<DynamicObject> = Api::namespaced_with(server.client(), namespace, &resource("v1", "Pod"));
        let all: Vec<usize> = (0..count).collect();
        for chunk in all.chunks(100) {
            let made = chunk.iter().map(|number| {
                let wanted = pod(namespace, &format!("p{number:04}"), owner, "n1", "example.test/many:1");
                let (api, wanted) = (api.clone(), serde_json::from_value(wanted).unwrap());
                async move { api.create(&PostParams::default(), &wanted).await.unwrap() }
            });
            futures_util::future::join_all(made).await;
        }
    });
}

pub(crate) fn bind(server: &Kubernetes, user: &str, rules: &Value) {
    let name = format!("only-{user}");
    server.apply(&json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                          "metadata": { "name": name }, "rules": rules }));
    server.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    }));
}

/// How often the proxy saw an operation, every page counted.
pub(crate) fn count(proxy: &Proxy, operation: &str) -> usize {
    proxy.calls().iter().filter(|recorded| recorded.call.operation == operation).count()
}
