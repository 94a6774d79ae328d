//! Reading workloads from a real kube-apiserver, and through a proxy that breaks what passes.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "servers/mod.rs"]
mod servers;

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use pullaudit::kubernetes::live::{self, Kubeconfigs, Observed, Select, from_access};
use pullaudit_core::{
    ApiAccess, Calls, Cluster, ClusterId, ClusterReading, ContainerType, NodeView, Obstacle, Open, PodState, Pool, Read,
    Shape, Workload,
};
use serde_json::{Value, json};
use servers::kubernetes::{ADMIN, AUDITOR, Kubernetes, NOBODY, shared, token};
use servers::need;
use servers::proxy::{Proxy, Trouble};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn cluster(endpoint: &str) -> Cluster {
    Cluster {
        id: ClusterId("arn:aws:eks:eu-west-1:111122223333:cluster/shop".into()),
        provider: "eks".into(),
        name: "shop".into(),
        location: "eu-west-1".into(),
        scope: "111122223333".into(),
        endpoint: Some(endpoint.into()),
    }
}

fn pools() -> Vec<Pool> {
    let pool = |name: &str| Pool {
        cluster: cluster("").id,
        name: name.into(),
        identity: Read::Absent,
        shape: Shape { nodes: 1, labels: [("pool".to_owned(), [name.to_owned()].into())].into(), ..Shape::default() },
        node_labels: [("pool".to_owned(), name.to_owned())].into(),
        takes: Vec::new(),
    };
    vec![pool("blue"), pool("green")]
}

fn nodes() -> Vec<NodeView> {
    let node = |name: &str, pool: &str| NodeView {
        name: name.into(),
        labels: [("pool".to_owned(), pool.to_owned())].into(),
        ..NodeView::default()
    };
    vec![node("n1", "blue"), node("n2", "green")]
}

async fn client(server: &Kubernetes, user: &str) -> Client {
    let access = ApiAccess { server: server.endpoint().into(), ca_pem: server.ca().into(), token: token(user) };
    from_access(&access, PATIENCE).await.unwrap()
}

async fn through(server: &Kubernetes, proxy: &Proxy, user: &str) -> Client {
    through_within(server, proxy, user, PATIENCE).await
}

async fn through_within(server: &Kubernetes, proxy: &Proxy, user: &str, timeout: Duration) -> Client {
    let file = server.kubeconfig(user, "proxied", Some(&proxy.endpoint()));
    Kubeconfigs::load(Some(&file)).unwrap().client("proxied", timeout).await.unwrap()
}

async fn observe(client: &Client, select: &Select) -> (Observed, Calls) {
    let calls = Calls::default();
    let (pools, nodes) = (pools(), nodes());
    let observed = live::workloads(client, &cluster(""), &pools, &nodes, select, &calls, 8).await;
    (observed, calls)
}

fn of(namespace: &str) -> Select {
    Select { namespaces: vec![namespace.into()], labels: None }
}

fn names(workloads: &[Workload]) -> Vec<String> {
    workloads.iter().map(|workload| format!("{} {}", workload.kind, workload.name)).collect()
}

fn find<'a>(observed: &'a Observed, name: &str) -> &'a Workload {
    observed.workloads.iter().find(|workload| workload.name == name).unwrap()
}

fn spec(image: &str) -> Value {
    json!({ "containers": [{ "name": "app", "image": image }] })
}

fn workload(api: &str, kind: &str, namespace: &str, name: &str, image: &str) -> Value {
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

fn without(mut object: Value, fields: &[&str]) -> Value {
    for field in fields {
        object["spec"].as_object_mut().unwrap().remove(*field);
    }
    object
}

fn pod(namespace: &str, name: &str, owner: Option<&Value>, node: &str, image: &str) -> Value {
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

fn owned_by(owner: &Value) -> Value {
    json!([{ "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
             "uid": owner["metadata"]["uid"], "controller": true }])
}

fn owned(mut object: Value, owner: &Value) -> Value {
    object["metadata"]["ownerReferences"] = owned_by(owner);
    object
}

fn resource(api: &str, kind: &str) -> ApiResource {
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Creates many pods at once: one by one, 1,200 take a minute.
fn many_pods(server: &Kubernetes, namespace: &str, count: usize, owner: Option<&Value>) {
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

fn bind(server: &Kubernetes, user: &str, rules: &Value) {
    let name = format!("only-{user}");
    server.apply(&json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                          "metadata": { "name": name }, "rules": rules }));
    server.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    }));
}

#[test]
fn every_kind_is_one_workload_under_its_top_owner() {
    let Some(server) = need(shared(), "every kind") else { return };
    let ns = "kinds";
    server.namespace(ns);
    let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = |name: &str| without(workload("apps/v1", "ReplicaSet", ns, name, "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set("web-1"), &deployment));
    server.apply(&owned(set("web-0"), &deployment));
    server.apply(&set("loose"));
    server.apply(&workload("apps/v1", "StatefulSet", ns, "db", "x/db:1"));
    server.apply(&without(workload("apps/v1", "DaemonSet", ns, "agent", "x/agent:1"), &["serviceName", "replicas"]));
    let mut controller = without(workload("v1", "ReplicationController", ns, "ancient", "x/old:1"), &["serviceName"]);
    controller["spec"]["selector"] = json!({ "app": "ancient" });
    server.apply(&controller);
    let mut jobs = spec("x/batch:1");
    jobs["restartPolicy"] = "Never".into();
    let job = |name: &str| {
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "namespace": ns },
                "spec": { "template": { "spec": jobs } } })
    };
    let cron = server.apply(&json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "settle", "namespace": ns },
        "spec": { "schedule": "0 2 * * *", "jobTemplate": { "spec": { "template": { "spec": jobs } } } },
    }));
    let run = server.apply(&owned(job("settle-1"), &cron));
    server.apply(&job("once"));
    server.apply(&json!({ "apiVersion": "v1", "kind": "PodTemplate", "metadata": { "name": "bare", "namespace": ns },
                          "template": { "spec": spec("x/bare:1") } }));
    server.apply(&pod(ns, "web-1-a", Some(&replica_set), "n1", "x/web:1"));
    server.apply(&pod(ns, "web-1-b", Some(&replica_set), "n2", "x/web:1"));
    server.apply(&pod(ns, "settle-1-a", Some(&run), "n2", "x/batch:1"));
    server.apply(&pod(ns, "alone", None, "n2", "x/alone:1"));
    let rollout = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                          "metadata": { "name": "canary", "uid": "00000000-0000-0000-0000-000000000001" } });
    let canary = server.apply(&owned(set("canary-1"), &rollout));
    server.apply(&pod(ns, "canary-1-a", Some(&canary), "n1", "x/canary:1"));
    let mut ended = pod(ns, "ended", None, "n1", "x/ended:1");
    ended["status"] = json!({ "phase": "Succeeded" });
    server.apply(&ended);

    let (observed, calls) = server.block_on(async { observe(&client(server, AUDITOR).await, &of(ns)).await });
    assert_eq!(observed.gaps, []);
    assert_eq!(
        names(&observed.workloads),
        [
            "CronJob settle", "DaemonSet agent", "Deployment web", "Job once", "Pod alone", "PodTemplate bare",
            "ReplicaSet loose", "ReplicationController ancient", "Rollout canary", "StatefulSet db",
        ]
    );
    let web = find(&observed, "web");
    assert_eq!(web.pods.len(), 0, "its pods have no status yet");
    assert_eq!(web.next.pools, ["blue", "green"]);
    assert_eq!(web.containers.len(), 1, "templates at zero replicas count");
    assert!(find(&observed, "agent").every_pool);
    assert_eq!(find(&observed, "alone").next.pools, ["green"]);
    let counted = calls.counts()["kubernetes"];
    // Ten kinds and the one replica set without an owner.
    assert_eq!((counted.operations, counted.attempts), (11, 11));
}

#[test]
fn pods_page_by_five_hundred_and_are_one_workload() {
    let Some(server) = need(shared(), "paging") else { return };
    let ns = "paging";
    server.namespace(ns);
    let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, "many", "example.test/many:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "many-1", "example.test/many:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    many_pods(server, ns, 1200, Some(&replica_set));
    let proxy = server.proxy();

    let clean = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(proxy.counts()["kubernetes:list pods"], 3);
    assert_eq!(names(&clean.0.workloads), ["Deployment many"]);
    proxy.assert_no_strangers();
    proxy.assert_no_call_twice();

    // A connection that is lost in the middle of every first try of the second page.
    for (trouble, says) in [(Trouble::Cut, "pods in namespace paging"), (Trouble::Garbage, "pods in namespace paging")] {
        proxy.reset();
        proxy.fault(|call| call.operation == "list pods" && call.number == 2, trouble);
        let (broken, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
        assert_eq!(names(&broken.workloads), ["Deployment many"], "what came before stays");
        assert_eq!(broken.gaps.len(), 1, "{trouble:?}");
        let Open::Unread { reading, permission, obstacle, .. } = &broken.gaps[0].open else { panic!() };
        assert_eq!((&**reading, &**permission), (says, "list pods"));
        assert!(matches!(obstacle, Obstacle::Failed(_)), "{obstacle:?}");
        assert!(broken.gaps[0].message.starts_with("some pods"), "{}", broken.gaps[0].message);
    }
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods" && call.number == 2, Trouble::Throttled(2));
    let (throttled, calls) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(throttled.gaps, []);
    let counted = calls.counts()["kubernetes"];
    assert_eq!(counted.attempts - counted.operations, 2);
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods", Trouble::CycleToken);
    let (cyclic, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert!(cyclic.gaps[0].open.to_string().contains("repeats a page token"), "{}", cyclic.gaps[0].open);
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods", Trouble::ShortPage);
    let (short, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!((names(&short.workloads), short.gaps.len()), (vec!["Deployment many".to_owned()], 0));
    // Without a token in its 410 the server leaves one way: from the start, once.
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods" && call.number == 3, Trouble::Expired);
    let (expired, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(expired.gaps.len(), 1);
    assert_eq!(proxy.counts()["kubernetes:list pods"], 6);
}

#[test]
fn a_kind_that_may_not_be_listed_is_a_gap_and_the_rest_is_read() {
    let Some(server) = need(shared(), "refused kinds") else { return };
    let ns = "refused";
    server.namespace(ns);
    let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "web-1", "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    server.apply(&workload("apps/v1", "StatefulSet", ns, "db", "x/db:1"));
    server.apply(&pod(ns, "web-1-a", Some(&replica_set), "n1", "x/web:1"));
    let proxy = server.proxy();
    for (resource, right, expected) in [
        ("deployments", "list deployments.apps", vec!["Deployment web", "StatefulSet db"]),
        ("replicasets", "list replicasets.apps", vec!["Deployment web", "StatefulSet db"]),
        ("pods", "list pods", vec!["Deployment web", "StatefulSet db"]),
        ("cronjobs", "list cronjobs.batch", vec!["Deployment web", "StatefulSet db"]),
    ] {
        for trouble in [Trouble::Forbidden, Trouble::Absent, Trouble::Lost] {
            proxy.reset();
            proxy.fault(move |call| call.operation == format!("list {resource}"), trouble);
            let (observed, _) = server.block_on(async { observe(&through(server, &proxy, ADMIN).await, &of(ns)).await });
            assert_eq!(names(&observed.workloads), expected, "{resource} {trouble:?}");
            assert_eq!(observed.gaps.len(), 1, "{resource} {trouble:?}");
            let Open::Unread { reading, permission, scope, .. } = &observed.gaps[0].open else { panic!() };
            assert_eq!(&**permission, right);
            assert_eq!((&**reading, &**scope), (format!("{resource} in namespace refused").as_str(), "shop"));
        }
    }
    // The same by the server's own judgement, cluster-wide.
    let nobody = server.block_on(async { observe(&client(server, NOBODY).await, &Select::default()).await }).0;
    assert!(nobody.workloads.is_empty());
    assert_eq!(nobody.gaps.len(), 10);
    assert!(nobody.gaps.iter().all(|gap| matches!(&gap.open, Open::Unread { obstacle: Obstacle::Refused, .. })));
    assert!(nobody.gaps.iter().any(|gap| gap.open.to_string() == "jobs in all namespaces: needs list jobs.batch in shop"));
}

#[test]
fn a_user_with_rights_on_pods_alone_is_told_what_else_is_needed() {
    let Some(server) = need(servers::kubernetes::start(), "a limited user") else { return };
    let ns = "limited";
    server.namespace(ns);
    server.apply(&pod(ns, "alone", None, "n1", "x/alone:1"));
    bind(&server, NOBODY, &json!([{ "apiGroups": [""], "verbs": ["get", "list"], "resources": ["pods"] }]));
    let (observed, _) = server.block_on(async { observe(&client(&server, NOBODY).await, &Select::default()).await });
    assert_eq!(names(&observed.workloads), ["Pod alone"]);
    assert_eq!(observed.gaps.len(), 9);
    assert!(observed.gaps.iter().all(|gap| !gap.open.to_string().contains("list pods ")));
}

#[test]
fn pull_secrets_are_those_of_admission() {
    let Some(server) = need(shared(), "pull secrets") else { return };
    let ns = "secrets";
    server.namespace(ns);
    let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "web-1", "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    server.apply(&pod(ns, "before", Some(&replica_set), "n1", "x/web:1"));
    let patch = json!({
        "imagePullSecrets": [{ "name": "shared" }],
        "metadata": { "annotations": { "eks.amazonaws.com/ecr-role-arn": "arn:aws:iam::111122223333:role/puller",
                                       "example.test/other": "x" } },
    });
    server.block_on(async {
        let api: Api<DynamicObject> = Api::namespaced_with(server.client(), ns, &resource("v1", "ServiceAccount"));
        api.patch("default", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    });
    server.apply(&pod(ns, "after", Some(&replica_set), "n2", "x/web:1"));
    let mut own = pod(ns, "own", None, "n1", "x/own:1");
    own["spec"]["imagePullSecrets"] = json!([{ "name": "own" }]);
    server.apply(&own);
    let mut nameless = pod(ns, "nameless", None, "n1", "x/own:1");
    nameless["spec"]["imagePullSecrets"] = json!([{ "name": "" }]);
    server.apply(&nameless);

    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &of(ns)).await });
    let web = find(&observed, "web");
    assert_eq!(web.next.pull_secrets, ["shared"]);
    assert_eq!(web.living.len(), 1, "only the pod from before differs: {:?}", web.living);
    assert_eq!((web.living[0].pull_secrets.len(), web.living[0].pools.as_slice()), (0, &["blue".to_owned()][..]));
    assert_eq!(web.service_account, "default");
    assert_eq!(web.service_account_annotations.keys().collect::<Vec<_>>(), ["eks.amazonaws.com/ecr-role-arn"]);
    assert_eq!(find(&observed, "own").next.pull_secrets, ["own"]);
    assert!(find(&observed, "nameless").next.pull_secrets.is_empty(), "admission adds nothing to a nameless entry");
}

#[test]
fn service_accounts_that_may_not_be_read_leave_their_secrets_open() {
    let Some(server) = need(shared(), "unread accounts") else { return };
    let ns = "unread";
    server.namespace(ns);
    server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let proxy = server.proxy();
    proxy.fault(|call| call.operation == "list serviceaccounts", Trouble::Forbidden);
    let (observed, _) = server.block_on(async { observe(&through(server, &proxy, ADMIN).await, &of(ns)).await });
    assert_eq!(find(&observed, "web").next.pull_secrets, ["(service account default)"]);
    let key = format!("{}/{ns}/(service account default)", cluster("").id);
    let Read::Unread(open) = &observed.secrets[&key] else { panic!() };
    assert_eq!(
        open.to_string(),
        "pull secrets of service account unread/default: needs list serviceaccounts in shop"
    );
    let calls = Calls::default();
    let read = server.block_on(async {
        let client = client(server, ADMIN).await;
        live::secrets(&client, &cluster(""), &observed.workloads, &calls, 4).await
    });
    assert!(read.is_empty(), "a stand-in is never asked for");
}

#[test]
fn pull_secrets_are_got_by_name_once_and_keep_nothing_secret() {
    let Some(server) = need(shared(), "reading secrets") else { return };
    let ns = "contents";
    server.namespace(ns);
    let config = json!({ "auths": { "registry.example.test": { "username": "u", "password": "MARKED-PASSWORD" } } });
    server.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pull", "namespace": ns },
        "type": "kubernetes.io/dockerconfigjson", "stringData": { ".dockerconfigjson": config.to_string() },
    }));
    for (name, secret) in [("a", "pull"), ("b", "pull"), ("c", "gone"), ("d", "Not A Name")] {
        let mut pod = pod(ns, name, None, "n1", "x/a:1");
        pod["spec"]["imagePullSecrets"] = json!([{ "name": secret }]);
        server.apply(&pod);
    }
    let proxy = server.proxy();
    let read = |user: &'static str| {
        let calls = Calls::default();
        server.block_on(async {
            let client = through(server, &proxy, user).await;
            let (observed, _) = observe(&client, &of(ns)).await;
            live::secrets(&client, &cluster(""), &observed.workloads, &calls, 4).await
        })
    };
    let got = read(ADMIN);
    let key = |name: &str| format!("{}/{ns}/{name}", cluster("").id);
    let Read::Got(secret) = &got[&key("pull")] else { panic!("{got:?}") };
    assert_eq!(secret.entries[0].key, "registry.example.test");
    assert_eq!(got[&key("gone")], Read::Absent);
    assert_eq!(got[&key("Not A Name")], Read::Absent);
    assert!(!format!("{got:?}").contains("MARKED-PASSWORD"));
    assert_eq!(proxy.counts()["kubernetes:get secrets"], 2);
    assert!(!proxy.counts().contains_key("kubernetes:list secrets"));
    let refused = read(AUDITOR);
    let Read::Unread(open) = &refused[&key("pull")] else { panic!() };
    assert_eq!(open.to_string(), "secret contents/pull: needs get secrets in shop");
    proxy.reset();
    proxy.fault(|call| call.operation == "get secrets", Trouble::Lost);
    assert!(matches!(&read(ADMIN)[&key("gone")], Read::Unread(_)), "a middle box's 404 proves nothing");
}

#[test]
fn ephemeral_containers_image_volumes_and_static_pods_are_found() {
    let Some(server) = need(shared(), "odd places") else { return };
    let ns = "places";
    server.namespace(ns);
    let mut wanted = pod(ns, "tool", None, "n1", "x/tool:1");
    wanted["spec"]["initContainers"] = json!([{ "name": "prepare", "image": "x/prepare:1" }]);
    wanted["spec"]["volumes"] = json!([{ "name": "model", "image": { "reference": "x/model:1" } }]);
    server.apply(&wanted);
    server.block_on(async {
        let api: Api<DynamicObject> = Api::namespaced_with(server.client(), ns, &resource("v1", "Pod"));
        let debug = json!({ "spec": { "ephemeralContainers": [{ "name": "debug", "image": "x/debug:1" }] } });
        let debug = Patch::Strategic(debug);
        api.patch_subresource("ephemeralcontainers", "tool", &PatchParams::default(), &debug).await.unwrap();
    });
    for node in ["n1", "n2"] {
        let mut mirror = pod(ns, &format!("proxy-{node}"), None, node, "x/proxy:1");
        mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "hash", "kubernetes.io/config.hash": "hash" });
        mirror["metadata"]["ownerReferences"] = json!([{ "apiVersion": "v1", "kind": "Node", "name": node,
            "uid": "00000000-0000-0000-0000-000000000002", "controller": true }]);
        server.apply(&mirror);
    }
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &of(ns)).await });
    assert_eq!(names(&observed.workloads), ["Pod proxy", "Pod tool"]);
    let places: Vec<_> =
        find(&observed, "tool").containers.iter().map(|one| (one.kind, one.name.as_str())).collect();
    assert_eq!(
        places,
        [
            (ContainerType::Init, "prepare"), (ContainerType::Container, "app"), (ContainerType::Ephemeral, "debug"),
            (ContainerType::ImageVolume, "model"),
        ]
    );
    let fixed = find(&observed, "proxy");
    assert!(fixed.static_pod);
    assert_eq!(fixed.next.pools, ["blue", "green"]);
}

#[test]
fn pods_that_cannot_pull_are_failing_on_their_pool() {
    let Some(server) = need(shared(), "back-off") else { return };
    let ns = "backoff";
    server.namespace(ns);
    let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "web-1", "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    let with = |name: &str, node: &str, state: Value| {
        let mut pod = pod(ns, name, Some(&replica_set), node, "x/web:1");
        pod["status"] = json!({ "phase": "Pending", "containerStatuses": [{
            "name": "app", "image": "x/web:1", "imageID": "", "ready": false, "restartCount": 0, "state": state }] });
        server.apply(&pod);
    };
    with("bad", "n1", json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image \"x/web:1\"" } }));
    with("good-1", "n1", json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }));
    with("good-2", "n2", json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }));
    server.apply(&pod(ns, "unscheduled", Some(&replica_set), "", "x/web:1"));
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &of(ns)).await });
    let web = find(&observed, "web");
    let one = |state| BTreeMap::from([("x/web:1".to_owned(), state)]);
    assert_eq!(web.pods, BTreeMap::from([("blue".into(), one(PodState::Failing)), ("green".into(), one(PodState::Running))]));
}

#[test]
fn a_selector_is_the_servers_and_takes_pods_along() {
    let Some(server) = need(shared(), "selectors") else { return };
    let ns = "selected";
    server.namespace(ns);
    for name in ["web", "db"] {
        let deployment = server.apply(&without(workload("apps/v1", "Deployment", ns, name, "x/y:1"), &["serviceName"]));
        let set = without(workload("apps/v1", "ReplicaSet", ns, &format!("{name}-1"), "x/y:1"), &["serviceName"]);
        let replica_set = server.apply(&owned(set, &deployment));
        let mut pod = pod(ns, &format!("{name}-1-a"), Some(&replica_set), "n1", "x/y:1");
        pod["status"] = json!({ "phase": "Running", "containerStatuses": [{ "name": "app", "image": "x/y:1",
            "imageID": "x", "ready": true, "restartCount": 0, "state": { "running": {} } }] });
        server.apply(&pod);
        let set = without(workload("apps/v1", "ReplicaSet", ns, &format!("loose-{name}"), "x/y:1"), &["serviceName"]);
        server.apply(&set);
    }
    let select = Select { labels: Some("app in (web, loose-db)".parse().unwrap()), ..of(ns) };
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &select).await });
    assert_eq!(names(&observed.workloads), ["Deployment web", "ReplicaSet loose-db"]);
    assert_eq!(observed.workloads[0].pods.len(), 1);
    let two = Select { namespaces: vec![ns.into(), "nowhere".into(), ns.into()], labels: None };
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &two).await });
    assert_eq!((observed.workloads.len(), observed.gaps.len()), (4, 0));
    let odd = Select { namespaces: vec!["../../nodes".into()], labels: None };
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &odd).await });
    assert!(observed.workloads.is_empty() && !observed.gaps.is_empty());
}

#[test]
fn the_view_holds_nodes_and_wanted_objects_and_what_was_refused() {
    let Some(server) = need(servers::kubernetes::start(), "the view") else { return };
    let wants = [ClusterReading::ConfigMap("kube-system", "aws-auth"), ClusterReading::ConfigMap("kube-system", "gone")];
    server.apply(&json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": "n1", "labels": { "eks.amazonaws.com/nodegroup": "blue" } },
        "spec": { "providerID": "aws:///eu-west-1a/i-1", "taints": [
            { "key": "team", "value": "ml", "effect": "NoSchedule" },
            { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" } ] },
    }));
    server.apply(&json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "aws-auth", "namespace": "kube-system" }, "data": { "mapRoles": "[]" } }));
    let proxy = server.proxy();
    let view = |user: &'static str| {
        let calls = Calls::default();
        server.block_on(async {
            let client = through_within(&server, &proxy, user, Duration::from_secs(2)).await;
            live::view(&client, &cluster(""), &wants, &calls).await
        })
    };
    let Read::Got(seen) = view(AUDITOR) else { panic!() };
    let Read::Got(nodes) = &seen.nodes else { panic!() };
    assert_eq!((nodes[0].name.as_str(), nodes[0].provider_id.as_str()), ("n1", "aws:///eu-west-1a/i-1"));
    // The API server taints a node of its own accord until it is ready.
    assert_eq!(nodes[0].taints.iter().map(|taint| taint.key.as_str()).collect::<Vec<_>>(), ["team"]);
    assert_eq!(seen.config_maps["kube-system/aws-auth"].got().unwrap()["mapRoles"], "[]");
    assert_eq!(seen.config_maps["kube-system/gone"], Read::Absent);

    let Read::Got(refused) = view(NOBODY) else { panic!() };
    assert_eq!(refused.nodes.open().unwrap().to_string(), "nodes: needs list nodes in shop");
    let map = refused.config_maps["kube-system/aws-auth"].open().unwrap();
    assert_eq!(map.to_string(), "configmap kube-system/aws-auth: needs get configmaps in shop");

    for trouble in [Trouble::Lost, Trouble::Absent, Trouble::Garbage] {
        proxy.reset();
        proxy.fault(|_| true, trouble);
        let Read::Got(broken) = view(AUDITOR) else { panic!("{trouble:?}") };
        assert!(broken.nodes.open().is_some() && broken.config_maps.values().all(|map| map.open().is_some()), "{trouble:?}");
    }
    proxy.reset();
    proxy.fault(|_| true, Trouble::Cut);
    let cut = view(AUDITOR);
    assert!(cut.open().unwrap().to_string().starts_with("the cluster's API: reach its API server in shop failed: "));
    drop(proxy);
}

#[test]
fn an_api_server_out_of_reach_is_said_within_the_timeout() {
    let Some(server) = need(shared(), "out of reach") else { return };
    let calls = Calls::default();
    let lost = |access: ApiAccess| {
        server.block_on(async {
            let client = from_access(&access, Duration::from_secs(1)).await.unwrap();
            live::view(&client, &cluster(""), &[], &calls).await
        })
    };
    let right = ApiAccess { server: server.endpoint().into(), ca_pem: server.ca().into(), token: token(ADMIN) };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    for (access, says) in [
        (ApiAccess { token: "MARKED-TOKEN".into(), ..right.clone() }, "401: the API server does not accept these credentials"),
        (ApiAccess { server: format!("https://{free}"), ..right.clone() }, "refused"),
        (ApiAccess { server: format!("https://{}", silent.local_addr().unwrap()), ..right.clone() }, ""),
    ] {
        let began = Instant::now();
        let Read::Unread(open) = lost(access) else { panic!("{says}") };
        assert!(open.to_string().contains(says), "{open}");
        assert!(!open.to_string().contains("MARKED-TOKEN"));
        assert!(began.elapsed() < Duration::from_secs(10), "{says}: {:?}", began.elapsed());
    }
    let bad = ApiAccess { server: "not an address at all".into(), ..right };
    let error = server.block_on(async { from_access(&bad, PATIENCE).await.err().unwrap() });
    assert!(!error.to_string().contains(&token(ADMIN)), "{error}");
}

#[test]
fn a_list_that_expires_goes_on_with_the_servers_new_token() {
    use axum::http::{StatusCode, Uri, header};
    use axum::response::{IntoResponse as _, Response};
    let answer = |status: StatusCode, body: &Value| {
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    let page = move |names: std::ops::Range<usize>, next: &str| {
        let items: Vec<Value> = names.map(|number| pod("ns", &format!("p{number}"), None, "n1", "x:1")).collect();
        answer(StatusCode::OK, &json!({ "metadata": { "continue": next }, "items": items }))
    };
    let app = axum::Router::new().fallback(move |uri: Uri| async move {
        let query = uri.query().unwrap_or_default();
        let token = query.split('&').find_map(|part| part.strip_prefix("continue="));
        let response: Response = match (uri.path(), token) {
            ("/api/v1/pods", None) => page(0..2, "old"),
            ("/api/v1/pods", Some("old")) => answer(
                StatusCode::GONE,
                &json!({ "kind": "Status", "status": "Failure", "code": 410, "reason": "Expired",
                         "message": "too old", "metadata": { "continue": "fresh" } }),
            ),
            ("/api/v1/pods", Some(_)) => page(2..4, ""),
            _ => answer(StatusCode::OK, &json!({ "metadata": {}, "items": null })),
        };
        response
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let observed = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = Client::try_from(kube::Config::new(server.parse().unwrap())).unwrap();
        observe(&client, &Select::default()).await.0
    });
    assert_eq!(names(&observed.workloads), ["Pod p0", "Pod p1", "Pod p2", "Pod p3"]);
    assert_eq!((observed.gaps.len(), observed.inconsistent.as_slice()), (0, &["Pod"][..]));
}

#[test]
fn kubeconfigs_merge_as_kubectl_merges_them_and_errors_show_no_line_of_a_file() {
    let Some(server) = need(shared(), "kubeconfigs") else { return };
    let (first, second) = (server.kubeconfig(ADMIN, "one", None), server.kubeconfig(AUDITOR, "two", None));
    let both = Kubeconfigs::merge([first.as_path(), second.as_path()]).unwrap();
    let contexts = both.contexts(None).unwrap();
    let seen: Vec<_> = contexts.iter().map(|context| (context.name.as_str(), context.current)).collect();
    assert_eq!(seen, [("one", true), ("two", false)], "the first file to name a current context wins");
    assert!(contexts.iter().all(|context| context.server == server.endpoint()));
    assert!(both.contexts(Some("two")).unwrap()[1].current);
    let error = both.contexts(Some("three")).unwrap_err();
    assert_eq!(error.to_string(), "no kubeconfig context \"three\"; there are: one, two");
    let calls = Calls::default();
    let seen = server.block_on(async {
        let client = both.client("two", PATIENCE).await.unwrap();
        live::view(&client, &cluster(""), &[], &calls).await
    });
    assert!(matches!(seen, Read::Got(_)));

    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "users:\n- name: u\n  user: {token: MARKED-TOKEN}}\n").unwrap();
    let error = Kubeconfigs::load(Some(&broken)).unwrap_err().to_string();
    assert!(error.contains("broken: not a kubeconfig (line "), "{error}");
    assert!(!error.contains("MARKED-TOKEN"));
    let error = Kubeconfigs::load(Some(&folder.path().join("gone"))).unwrap_err().to_string();
    assert!(error.contains("gone: "), "{error}");
    let plugin = json!({
        "clusters": [{ "name": "c", "cluster": { "server": server.endpoint() } }],
        "users": [{ "name": "u", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh", "args": ["-c", "echo MARKED-TOKEN; echo not logged in >&2; exit 3"],
            "interactiveMode": "Never" } } }],
        "contexts": [{ "name": "plugin", "context": { "cluster": "c", "user": "u" } }],
    });
    let file = folder.path().join("plugin");
    std::fs::write(&file, plugin.to_string()).unwrap();
    let error = server.block_on(async {
        let kubeconfigs = Kubeconfigs::load(Some(&file)).unwrap();
        let made = kubeconfigs.client("plugin", PATIENCE).await;
        match made {
            Err(error) => error.to_string(),
            Ok(client) => live::view(&client, &cluster(""), &[], &calls).await.open().unwrap().to_string(),
        }
    });
    assert!(error.contains("not logged in") && !error.contains("MARKED-TOKEN"), "{error}");
}
