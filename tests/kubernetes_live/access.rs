//! How a cluster is reached, and what its provider wants from inside it.

use crate::fixture::{PATIENCE, cluster, through_within};
use crate::servers;
use crate::servers::kubernetes::{ADMIN, AUDITOR, NOBODY, shared};
use crate::servers::need;
use crate::servers::proxy::Trouble;
use pullaudit::kubernetes::live::{self, Kubeconfigs};
use pullaudit_core::{Calls, ClusterReading, ClusterView, Read};
use serde_json::json;
use std::time::Duration;

#[test]
fn the_view_holds_nodes_and_wanted_objects_and_what_was_refused() {
    let Some(server) = need(servers::kubernetes::start(), "the view") else { return };
    let wants =
        [ClusterReading::ConfigMap("kube-system", "aws-auth"), ClusterReading::ConfigMap("kube-system", "gone")];
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
    // The role names the one map that it may get.
    let gone = |seen: &ClusterView| seen.config_maps["kube-system/gone"].clone();
    assert_eq!(
        gone(&seen).open().unwrap().to_string(),
        "configmap kube-system/gone: needs get configmaps in shop"
    );
    let Read::Got(all) = view(ADMIN) else { panic!() };
    assert_eq!(gone(&all), Read::Absent);

    let Read::Got(refused) = view(NOBODY) else { panic!() };
    assert_eq!(refused.nodes.open().unwrap().to_string(), "nodes: needs list nodes in shop");
    let map = refused.config_maps["kube-system/aws-auth"].open().unwrap();
    assert_eq!(map.to_string(), "configmap kube-system/aws-auth: needs get configmaps in shop");

    for trouble in [Trouble::Lost, Trouble::Absent, Trouble::Garbage] {
        proxy.reset();
        proxy.fault(|_| true, trouble);
        let Read::Got(broken) = view(AUDITOR) else { panic!("{trouble:?}") };
        assert!(
            broken.nodes.open().is_some() && broken.config_maps.values().all(|map| map.open().is_some()),
            "{trouble:?}"
        );
    }
    proxy.reset();
    proxy.fault(|_| true, Trouble::Cut);
    let cut = view(AUDITOR);
    assert!(
        cut.open().unwrap().to_string().starts_with("the cluster's API: reach its API server in shop failed: ")
    );
    drop(proxy);
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
    let error = Kubeconfigs::load(&[broken]).unwrap_err().to_string();
    assert!(error.contains("broken: not a kubeconfig (line "), "{error}");
    assert!(!error.contains("MARKED-TOKEN"));
    let error = Kubeconfigs::load(&[folder.path().join("gone")]).unwrap_err().to_string();
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
        let kubeconfigs = Kubeconfigs::load(std::slice::from_ref(&file)).unwrap();
        let made = kubeconfigs.client("plugin", PATIENCE).await;
        match made {
            Err(error) => error.to_string(),
            Ok(client) => live::view(&client, &cluster(""), &[], &calls).await.open().unwrap().to_string(),
        }
    });
    assert!(error.contains("not logged in") && !error.contains("MARKED-TOKEN"), "{error}");
}
