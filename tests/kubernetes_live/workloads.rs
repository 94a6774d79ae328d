//! What references images, read from a real API server.

use crate::fixture::{
    client, cluster, count, find, names, observe, of, owned, pod, resource, spec, through, without, workload,
};
use crate::servers::kubernetes::{ADMIN, AUDITOR, shared};
use crate::servers::need;
use crate::servers::proxy::Trouble;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use pullaudit::kubernetes::live::{self, Select};
use pullaudit_core::{Calls, ContainerType, PodState, Read};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn every_kind_is_one_workload_under_its_top_owner() {
    let Some(server) = need(shared(), "every kind") else { return };
    let ns = "kinds";
    server.namespace(ns);
    let deployment =
        server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = |name: &str| without(workload("apps/v1", "ReplicaSet", ns, name, "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set("web-1"), &deployment));
    server.apply(&owned(set("web-0"), &deployment));
    server.apply(&set("loose"));
    server.apply(&workload("apps/v1", "StatefulSet", ns, "db", "x/db:1"));
    server
        .apply(&without(workload("apps/v1", "DaemonSet", ns, "agent", "x/agent:1"), &["serviceName", "replicas"]));
    let mut controller =
        without(workload("v1", "ReplicationController", ns, "ancient", "x/old:1"), &["serviceName"]);
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
    server.apply(
        &json!({ "apiVersion": "v1", "kind": "PodTemplate", "metadata": { "name": "bare", "namespace": ns },
                          "template": { "spec": spec("x/bare:1") } }),
    );
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

    let proxy = server.proxy();
    let (observed, calls) =
        server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(observed.gaps, []);
    // Every right that is printed is used; nodes and config maps belong to the view.
    for (verb, resources) in printed_rights() {
        for resource in resources.iter().filter(|resource| !["nodes", "configmaps"].contains(&resource.as_str())) {
            assert_ne!(count(&proxy, &format!("{verb} {resource}")), 0, "{verb} {resource}");
        }
    }
    assert_eq!(
        names(&observed.workloads),
        [
            "CronJob settle",
            "DaemonSet agent",
            "Deployment web",
            "Job once",
            "Pod alone",
            "PodTemplate bare",
            "ReplicaSet loose",
            "ReplicationController ancient",
            "Rollout canary",
            "StatefulSet db",
        ]
    );
    let web = find(&observed, "web");
    assert_eq!(web.pods.len(), 0, "its pods have no status yet");
    assert_eq!(web.next.pools, ["blue", "green"]);
    assert_eq!(web.containers.len(), 1, "templates at zero replicas count");
    assert!(find(&observed, "agent").every_pool);
    assert_eq!(find(&observed, "alone").next.pools, ["green"]);
    // Of replica sets, ten times as many as deployments, only the metadata is read.
    let slim = |resource: &str| {
        let calls = proxy.calls();
        let mut listed = calls.iter().filter(|one| one.call.operation == format!("list {resource}"));
        listed.all(|one| one.call.key().contains("only=metadata"))
    };
    assert!(slim("replicasets") && !slim("deployments"));
    let counted = calls.counts()["kubernetes"];
    // Ten kinds, the definitions of custom ones, and the one replica set without an owner.
    assert_eq!((counted.operations, counted.attempts), (12, 12));

    // Who may list replica sets and not get one knows it by its pods, and is told.
    proxy.reset();
    proxy.fault(|call| call.operation == "get replicasets", Trouble::Forbidden);
    let (refused, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert!(!names(&refused.workloads).contains(&"ReplicaSet loose".to_owned()), "it has no pod");
    let [gap] = refused.gaps.as_slice() else { panic!("{:?}", refused.gaps) };
    assert_eq!(gap.open.to_string(), "replicaset kinds/loose: needs get replicasets.apps in shop");
    assert_eq!(gap.message, "replicaset kinds/loose is known by its pods only");
    assert_eq!(refused.workloads.len() + 1, observed.workloads.len());
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
        mirror["metadata"]["annotations"] =
            json!({ "kubernetes.io/config.mirror": "hash", "kubernetes.io/config.hash": "hash" });
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
            (ContainerType::Init, "prepare"),
            (ContainerType::Container, "app"),
            (ContainerType::Ephemeral, "debug"),
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
    let deployment =
        server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "web-1", "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    let with = |name: &str, node: &str, state: Value| {
        let mut pod = pod(ns, name, Some(&replica_set), node, "x/web:1");
        pod["status"] = json!({ "phase": "Pending", "containerStatuses": [{
            "name": "app", "image": "x/web:1", "imageID": "", "ready": false, "restartCount": 0, "state": state }] });
        server.apply(&pod);
    };
    with(
        "bad",
        "n1",
        json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image \"x/web:1\"" } }),
    );
    with("good-1", "n1", json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }));
    with("good-2", "n2", json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }));
    server.apply(&pod(ns, "unscheduled", Some(&replica_set), "", "x/web:1"));
    let (observed, _) = server.block_on(async { observe(&client(server, AUDITOR).await, &of(ns)).await });
    let web = find(&observed, "web");
    let one = |state| BTreeMap::from([("x/web:1".to_owned(), state)]);
    assert_eq!(
        web.pods,
        BTreeMap::from([("blue".into(), one(PodState::Failing)), ("green".into(), one(PodState::Running))])
    );
}

#[test]
fn a_selector_is_the_servers_and_takes_pods_along() {
    let Some(server) = need(shared(), "selectors") else { return };
    let ns = "selected";
    server.namespace(ns);
    for name in ["web", "db"] {
        let deployment =
            server.apply(&without(workload("apps/v1", "Deployment", ns, name, "x/y:1"), &["serviceName"]));
        let set = without(workload("apps/v1", "ReplicaSet", ns, &format!("{name}-1"), "x/y:1"), &["serviceName"]);
        let replica_set = server.apply(&owned(set, &deployment));
        let mut pod = pod(ns, &format!("{name}-1-a"), Some(&replica_set), "n1", "x/y:1");
        pod["status"] = json!({ "phase": "Running", "containerStatuses": [{ "name": "app", "image": "x/y:1",
            "imageID": "x", "ready": true, "restartCount": 0, "state": { "running": {} } }] });
        server.apply(&pod);
        let set =
            without(workload("apps/v1", "ReplicaSet", ns, &format!("loose-{name}"), "x/y:1"), &["serviceName"]);
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
fn pull_secrets_are_those_of_admission() {
    let Some(server) = need(shared(), "pull secrets") else { return };
    let ns = "secrets";
    server.namespace(ns);
    let deployment =
        server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
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
    assert!(
        find(&observed, "nameless").next.pull_secrets.is_empty(),
        "admission adds nothing to a nameless entry"
    );
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
        live::secrets(&client, &cluster(""), &observed.workloads, &calls, 4, &|_, user| {
            (user == "u").then_some(12)
        })
        .await
    });
    assert!(read.is_empty(), "a stand-in is never asked for");
}

#[test]
fn pull_secrets_are_got_by_name_once_and_keep_nothing_secret() {
    let Some(server) = need(shared(), "reading secrets") else { return };
    let ns = "contents";
    server.namespace(ns);
    let config =
        json!({ "auths": { "registry.example.test": { "username": "u", "password": "MARKED-PASSWORD" } } });
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
            live::secrets(&client, &cluster(""), &observed.workloads, &calls, 4, &|_, user| {
                (user == "u").then_some(12)
            })
            .await
        })
    };
    let got = read(ADMIN);
    let key = |name: &str| format!("{}/{ns}/{name}", cluster("").id);
    let Read::Got(secret) = &got[&key("pull")] else { panic!("{got:?}") };
    assert_eq!(secret.entries[0].key, "registry.example.test");
    // When it was last written, the API server says by itself.
    let written = secret.written.unwrap();
    let after = |hours: i64| secret.ended(written + jiff::SignedDuration::from_hours(hours)).count();
    assert_eq!((secret.entries[0].hours, after(12), after(13)), (Some(12), 0, 1));
    assert_eq!(got[&key("gone")], Read::Absent);
    assert_eq!(got[&key("Not A Name")], Read::Absent);
    assert!(!format!("{got:?}").contains("MARKED-PASSWORD"));
    assert_eq!(count(&proxy, "get secrets"), 2);
    assert_eq!(count(&proxy, "list secrets"), 0);
    let refused = read(AUDITOR);
    let Read::Unread(open) = &refused[&key("pull")] else { panic!() };
    assert_eq!(open.to_string(), "secret contents/pull: needs get secrets in shop");
    proxy.reset();
    proxy.fault(|call| call.operation == "get secrets", Trouble::Lost);
    assert!(matches!(&read(ADMIN)[&key("gone")], Read::Unread(_)), "a middle box's 404 proves nothing");
}

/// Verb and resources of each rule of the printed role.
fn printed_rights() -> Vec<(String, Vec<String>)> {
    let role = pullaudit::kubernetes::rights::cluster_role("any", false, &[]);
    let role: serde_json::Value = serde_saphyr::from_str(&role).unwrap();
    let texts = |list: &serde_json::Value| serde_json::from_value::<Vec<String>>(list.clone()).unwrap();
    // Custom kinds are held in their own test: this server has none.
    let custom = |rule: &&serde_json::Value| {
        let group = rule["apiGroups"][0].as_str().unwrap();
        group.contains('.') && group != "apiextensions.k8s.io"
    };
    let rules = role["rules"].as_array().unwrap().iter().filter(|rule| !custom(rule));
    rules.map(|rule| (texts(&rule["verbs"]).remove(0), texts(&rule["resources"]))).collect()
}
