//! Pools, the identity of each, and the credentials that pods on them try.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

use pullaudit_aks::cluster;
use pullaudit_aks::facts::cluster_table as t;
use pullaudit_core::{
    Attempt, Cluster, ClusterId, ClusterView, Credential, Discovered, ImageRef, Keyring, NodeView, Obstacle, Open,
    PodCredentials, Pool, Read, Section,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ID: &str = "/subscriptions/s/resourcegroups/g/providers/Microsoft.ContainerService/managedClusters/prod";
const OBJECT: &str = "7C1E0000-0000-4000-8000-0000000090AB";
const CLIENT: &str = "c11e0000-0000-4000-8000-000000000001";
const OLD_CLIENT: &str = "01d00000-0000-4000-8000-000000000002";

fn kubelet() -> Value {
    json!({ "kubeletidentity": {
        "resourceId": "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aks-kubelet-b",
        "clientId": CLIENT, "objectId": OBJECT
    } })
}

fn cluster_of(properties: Value) -> Discovered {
    let mut readings = Section::default();
    readings.put(t::CLUSTER, "", Read::Got(json!({ "id": ID, "name": "prod", "properties": properties })));
    let cluster = Cluster {
        id: ClusterId(ID.to_owned()),
        provider: "aks".to_owned(),
        name: "prod".to_owned(),
        location: "westeurope".to_owned(),
        scope: "s".to_owned(),
        endpoint: None,
    };
    Discovered { cluster, readings }
}

fn with_pools(names: &[&str]) -> Value {
    let pools: Vec<Value> = names.iter().map(|name| json!({ "name": name, "osType": "Linux" })).collect();
    json!({ "identityProfile": kubelet(), "agentPoolProfiles": pools, "servicePrincipalProfile": { "clientId": "msi" } })
}

fn node(name: &str, labels: &[(&str, &str)]) -> NodeView {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    NodeView { name: name.to_owned(), labels, ..NodeView::default() }
}

fn view(nodes: Vec<NodeView>) -> Read<ClusterView> {
    Read::Got(ClusterView { nodes: Read::Got(nodes), config_maps: BTreeMap::new(), objects: BTreeMap::new() })
}

fn lines(found: &Discovered, nodes: Vec<NodeView>) -> Vec<String> {
    let (pools, _) = cluster::pools(found, &view(nodes));
    pools.iter().map(line).collect()
}

fn line(pool: &Pool) -> String {
    let who = match &pool.identity {
        Read::Got(principal) => principal.name.clone(),
        Read::Absent => "nobody".to_owned(),
        Read::Unread(open) => format!("? {open}"),
    };
    format!("{} = {who}", pool.name)
}

#[test]
fn every_node_pool_pulls_as_the_kubelet_identity_by_its_object_id() {
    let found = cluster_of(with_pools(&["system", "user"]));
    assert_eq!(lines(&found, vec![]), ["system = aks-kubelet-b", "user = aks-kubelet-b"]);
    let (pools, gaps) = cluster::pools(&found, &view(vec![]));
    assert_eq!(pools[0].identity.got().unwrap().id, OBJECT.to_lowercase());
    assert!(gaps.is_empty());
}

#[test]
fn the_kubelet_identity_wins_over_what_is_left_of_a_service_principal() {
    let mut properties = with_pools(&["system"]);
    properties["servicePrincipalProfile"]["clientId"] = json!("00000000-0000-0000-0000-000000000001");
    assert_eq!(lines(&cluster_of(properties), vec![]), ["system = aks-kubelet-b"]);
}

#[test]
fn the_control_plane_s_identity_never_pulls() {
    let found = cluster_of(json!({ "provisioningState": "Creating", "agentPoolProfiles": [{ "name": "system" }],
        "servicePrincipalProfile": { "clientId": "msi" } }));
    let lines = lines(&found, vec![]);
    assert!(lines[0].contains("names no kubelet identity (provisioning state Creating)"), "{lines:?}");
    assert!(lines[0].contains("Microsoft.ContainerService/managedClusters/read"), "{lines:?}");
}

#[test]
fn a_managed_cluster_never_pulls_as_a_leftover_application() {
    let mut found = cluster_of(json!({ "agentPoolProfiles": [{ "name": "system" }],
        "servicePrincipalProfile": { "clientId": OLD_CLIENT } }));
    found.readings.put(t::SERVICE_PRINCIPAL, "", Read::Got(json!({ "id": OBJECT, "displayName": "prod-sp" })));
    assert_eq!(lines(&found, vec![]), ["system = prod-sp"]);
    let Some(Read::Got(mut body)) = found.readings.get(t::CLUSTER, "").cloned() else { panic!() };
    body["identity"] = json!({ "principalId": "c0de0000-0000-4000-8000-000000000001" });
    found.readings.put(t::CLUSTER, "", Read::Got(body));
    assert!(lines(&found, vec![])[0].contains("names no kubelet identity"));
}

#[test]
fn an_answer_without_its_pools_is_a_gap() {
    let mut properties = with_pools(&["system"]);
    properties.as_object_mut().unwrap().remove("agentPoolProfiles");
    let (pools, gaps) = cluster::pools(&cluster_of(properties), &view(vec![]));
    assert_eq!(pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>(), ["(unlisted)"]);
    assert!(gaps[0].open.to_string().contains("no agentPoolProfiles"), "{gaps:?}");

    let (pools, gaps) = cluster::pools(&cluster_of(with_pools(&["system", ""])), &view(vec![]));
    assert_eq!(pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>(), ["system", "(unlisted)"]);
    assert!(gaps[0].open.to_string().contains("a node pool without a name"), "{gaps:?}");
}

#[test]
fn an_application_is_known_by_its_object_id_or_not_at_all() {
    let application = || {
        cluster_of(json!({ "agentPoolProfiles": [{ "name": "system" }],
            "servicePrincipalProfile": { "clientId": "a9900000-0000-4000-8000-000000000009" } }))
    };
    let mut read = application();
    read.readings.put(t::SERVICE_PRINCIPAL, "", Read::Got(json!({ "id": OBJECT, "displayName": "prod-sp" })));
    assert_eq!(lines(&read, vec![]), ["system = prod-sp"]);
    let lines_of_unread = lines(&application(), vec![]);
    assert!(lines_of_unread[0].contains("Application.Read.All"), "{lines_of_unread:?}");
    let mut gone = application();
    gone.readings.put(t::SERVICE_PRINCIPAL, "", Read::Absent);
    assert!(lines(&gone, vec![])[0].contains("no service principal"));
}

#[test]
fn nodes_that_carry_another_client_id_are_a_pool_of_their_own() {
    let found = cluster_of(with_pools(&["user"]));
    let label = "kubernetes.azure.com/kubelet-identity-client-id";
    let pool = ("kubernetes.azure.com/agentpool", "user");
    let nodes =
        vec![node("a", &[pool, (label, CLIENT)]), node("b", &[pool, (label, OLD_CLIENT)]), node("c", &[pool])];
    let lines = lines(&found, nodes.clone());
    assert_eq!(lines[0], "user = aks-kubelet-b");
    assert!(lines[1].starts_with("user (older identity) = ? which rights the older identity has"), "{lines:?}");
    let (pools, _) = cluster::pools(&found, &view(nodes));
    assert_eq!((pools[0].shape.nodes, pools[1].shape.nodes), (2, 1));
    assert_eq!(pools[1].node_labels[label], OLD_CLIENT);
}

#[test]
fn nothing_is_known_of_virtual_nodes_and_karpenter_s_have_the_cluster_s_identity() {
    let mut properties = with_pools(&["system"]);
    properties["addonProfiles"] = json!({ "aciConnectorLinux": { "enabled": true } });
    properties["nodeProvisioningProfile"] = json!({ "mode": "Auto" });
    let found = cluster_of(properties);
    let nodes =
        vec![node("v", &[("type", "virtual-kubelet")]), node("k", &[("karpenter.sh/nodepool", "default")])];
    let lines = lines(&found, nodes);
    assert!(lines[0].starts_with("(virtual nodes) = ? how the virtual nodes of prod log in"), "{lines:?}");
    assert_eq!(
        lines[1..],
        ["system = aks-kubelet-b", "karpenter/default = aks-kubelet-b", "(new nodes) = aks-kubelet-b"]
    );
}

#[test]
fn a_cluster_that_could_not_be_read_has_one_pool_and_a_gap() {
    let mut found = cluster_of(json!({}));
    let open = Open::unread("cluster prod", "x/read", "subscription s", Obstacle::Refused);
    found.readings.put(t::CLUSTER, "", Read::Unread(open));
    let (pools, gaps) = cluster::pools(&found, &view(vec![]));
    assert_eq!(
        pools.iter().map(line).collect::<Vec<_>>(),
        ["(unlisted) = ? cluster prod: needs x/read in subscription s"]
    );
    assert_eq!(gaps.len(), 1);
}

/// Labels can be edited; the scale set that made a machine can not.
#[test]
fn a_machine_is_of_the_pool_whose_scale_set_made_it_whatever_its_labels_say() {
    let node = |name: &str, set: &str, label: Option<&str>| NodeView {
        name: name.to_owned(),
        provider_id: format!(
            "azure:///subscriptions/s/resourceGroups/MC_g/providers/Microsoft.Compute/{set}/virtualMachines/0"
        ),
        labels: label
            .map(|pool| ("kubernetes.azure.com/agentpool".to_owned(), pool.to_owned()))
            .into_iter()
            .collect(),
        ..NodeView::default()
    };
    let nodes = vec![
        node("edited", "virtualMachineScaleSets/aks-system-12345678-vmss", Some("user")),
        node("bare", "virtualMachineScaleSets/aks-user-12345678-vmss", None),
        node("single", "virtualMachines/aks-system-12345678-vm1", Some("user")),
        node("named", "virtualMachineScaleSets/mine-vmss", Some("user")),
        node("other", "virtualMachineScaleSets/aks-gone-12345678-vmss", None),
    ];
    let (pools, _) = cluster::pools(&cluster_of(with_pools(&["system", "user"])), &view(nodes));
    let told: Vec<(&str, u32, Vec<&str>)> = pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.shape.nodes, pool.nodes.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(told, [("system", 1, vec!["edited"]), ("user", 3, vec!["bare"]), ("(unlisted)", 1, vec![])]);
}

fn tried(pool: &Pool, image: &str, pod: &PodCredentials, configured: &[(&str, bool)]) -> Vec<Vec<String>> {
    let configured = configured.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let name = |attempt: &Attempt| match &attempt.credential {
        Credential::Principal(principal) => principal.name.clone(),
        Credential::Anonymous => "anonymous".to_owned(),
        Credential::Secret(name) => format!("secret {name}"),
        Credential::Unidentified(_) => "?".to_owned(),
    };
    match cluster::keyring(pool, pod, &ImageRef::parse(image).unwrap(), &configured) {
        Keyring::Attempts(attempts) => vec![attempts.iter().map(name).collect()],
        Keyring::OneOf { cases, .. } => cases
            .iter()
            .map(|case| match case {
                Keyring::Attempts(attempts) => attempts.iter().map(name).collect(),
                other => panic!("{other:?}"),
            })
            .collect(),
        other @ Keyring::Broken { .. } => panic!("{other:?}"),
    }
}

#[test]
fn the_plugin_answers_with_the_identity_and_then_with_an_empty_login() {
    let (pools, _) = cluster::pools(&cluster_of(with_pools(&["user"])), &view(vec![]));
    let pod = PodCredentials::default();
    let tried = |image: &str| tried(&pools[0], image, &pod, &[]);
    assert_eq!(tried("acme.azurecr.io/a:1"), [["aks-kubelet-b", "anonymous"]]);
    assert_eq!(tried("acme.azurecr.cn/a:1"), [["aks-kubelet-b", "anonymous"]]);
    assert_eq!(tried("acme.azurecr.io:443/a:1"), [["anonymous"]]);
    assert_eq!(tried("docker.io/library/nginx"), [["anonymous"]]);
}

#[test]
fn the_node_image_decides_about_regional_hosts() {
    let image = "acme.westeurope.geo.azurecr.io/a:1";
    let of = |version: Option<&str>| {
        let mut properties = with_pools(&["user"]);
        properties["agentPoolProfiles"][0]["nodeImageVersion"] = json!(version);
        let (pools, _) = cluster::pools(&cluster_of(properties), &view(vec![]));
        tried(&pools[0], image, &PodCredentials::default(), &[])
    };
    let with = of(Some("AKSUbuntu-2204gen2containerd-202609.05.0"));
    assert_eq!((with.len(), with[0][0].as_str()), (1, "aks-kubelet-b"));
    assert_eq!(of(Some("AKSUbuntu-2204gen2containerd-202606.05.0")), [["anonymous"]]);
    let open = of(None);
    assert_eq!((open.len(), open[0][0].as_str(), open[1][0].as_str()), (2, "aks-kubelet-b", "anonymous"));
}

#[test]
fn a_service_account_with_an_application_is_another_case() {
    let (pools, _) = cluster::pools(&cluster_of(with_pools(&["user"])), &view(vec![]));
    let mut pod = PodCredentials::default();
    pod.annotations.insert("kubernetes.azure.com/acr-client-id".to_owned(), CLIENT.to_owned());
    let image = "acme.azurecr.io/a:1";
    let (account, node) = (["?", "anonymous"], ["aks-kubelet-b", "anonymous"]);
    assert_eq!(tried(&pools[0], image, &pod, &[]), [account, node]);
    assert_eq!(tried(&pools[0], image, &pod, &[("prod", true)]), [account]);
    assert_eq!(tried(&pools[0], image, &pod, &[(&ID.to_uppercase(), false)]), [node]);
    pod.static_pod = true;
    assert_eq!(tried(&pools[0], image, &pod, &[("prod", true)]), [node]);
}

/// A token without the annotation is an error of the plugin, or a default that only the nodes know.
#[test]
fn a_service_account_without_an_application_is_unknown_where_nodes_use_tokens() {
    let (pools, _) = cluster::pools(&cluster_of(with_pools(&["user"])), &view(vec![]));
    let mut pod = PodCredentials::default();
    let image = "acme.azurecr.io/a:1";
    let (account, node) = (["?", "anonymous"], ["aks-kubelet-b", "anonymous"]);
    assert_eq!(tried(&pools[0], image, &pod, &[("prod", true)]), [account]);
    assert_eq!(tried(&pools[0], image, &pod, &[("prod", false)]), [node]);
    assert_eq!(tried(&pools[0], image, &pod, &[]), [node]);
    assert_eq!(tried(&pools[0], "nginx", &pod, &[("prod", true)]), [["anonymous"]]);
    // Nobody could read what the account says.
    pod.account_unread = Some(Open::undecidable("annotations"));
    assert_eq!(tried(&pools[0], image, &pod, &[]), [account, node]);
    assert_eq!(tried(&pools[0], image, &pod, &[("prod", false)]), [node]);
}

#[test]
fn nothing_is_known_of_virtual_nodes_wherever_the_image_lies() {
    let (mut pools, _) = cluster::pools(&cluster_of(with_pools(&["user"])), &view(vec![]));
    pools[0].identity = Read::Unread(Open::undecidable("virtual"));
    pools[0].node_labels = [("type".to_owned(), "virtual-kubelet".to_owned())].into();
    for image in ["acme.azurecr.io/a:1", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/a:1"] {
        assert_eq!(tried(&pools[0], image, &PodCredentials::default(), &[]), [["?"]], "{image}");
    }
}

#[test]
fn an_object_id_is_an_identity_and_a_name_is_none() {
    assert_eq!(cluster::principal(OBJECT).unwrap().id, OBJECT.to_lowercase());
    for who in ["aks-kubelet-b", "", "7c1e00000000400080000000000090ab", "arn:aws:iam::111122223333:role/x"] {
        assert_eq!(cluster::principal(who), None, "{who}");
    }
}

#[test]
fn client_ids_and_the_control_plane_are_no_pullers_unless_one_identity_does_both() {
    let mut found = cluster_of(with_pools(&["apps"]));
    let plane = "c0de0000-0000-4000-8000-000000000001";
    let told = |found: &Discovered| -> Vec<String> {
        cluster::lookalikes(found).iter().map(|one| format!("{} {} {}", one.code, one.id, one.what)).collect()
    };
    let client = format!("granted-to-client-id {CLIENT} the client id of the kubelet identity of prod");
    assert_eq!(told(&found), std::slice::from_ref(&client), "the word msi is no id");
    let mut body = found.readings.get(t::CLUSTER, "").and_then(Read::got).cloned().unwrap();
    body["identity"] = json!({ "userAssignedIdentities": {
        "/subscriptions/s/a": { "principalId": plane, "clientId": OLD_CLIENT },
        "/subscriptions/s/b": { "principalId": OBJECT.to_lowercase(), "clientId": CLIENT } } });
    found.readings.put(t::CLUSTER, "", Read::Got(body));
    let all = told(&found);
    assert!(all.contains(&client), "{all:?}");
    assert!(
        all.contains(&format!("granted-to-control-plane {plane} the identity of the control plane of prod")),
        "{all:?}"
    );
    assert!(!all.iter().any(|one| one.contains(&OBJECT.to_lowercase())), "{all:?}");
    let application = cluster_of(json!({ "servicePrincipalProfile": { "clientId": OLD_CLIENT } }));
    assert_eq!(
        told(&application),
        [format!("granted-to-client-id {OLD_CLIENT} the client id of the service principal of prod")]
    );
    assert!(told(&cluster_of(json!(null))).is_empty());
}
