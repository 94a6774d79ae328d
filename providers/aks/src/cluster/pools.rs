//! The pools of a cluster: its node pools, what Karpenter makes, virtual nodes, and nodes that do not yet
//! have the identity of today.

use crate::codes::Finding;
use crate::facts::{AgentPool, ManagedCluster, ServicePrincipal, UserAssignedIdentity, cluster_table};
use crate::host::NODE_IMAGE;
use pullaudit_core::{
    ClusterRecord, ClusterView, Discovered, Gap, NodeView, Notice, Obstacle, Open, Pool, Principal, PrincipalKind,
    Read, Shape, Taint, VIRTUAL_NODE, virtual_nodes_open,
};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// The label by which a node names its node pool.
const AGENT_POOL: &str = "kubernetes.azure.com/agentpool";
/// The label by which a node names the identity that it was made with.
///
/// Source: Azure/karpenter-provider-azure, `pkg/cloudprovider/drift.go`.
const KUBELET_CLIENT: &str = "kubernetes.azure.com/kubelet-identity-client-id";
const KARPENTER_POOL: &str = "karpenter.sh/nodepool";

/// The cluster's pools. All pull as the cluster's kubelet identity, except virtual nodes, which have none,
/// and nodes that still carry the client id of another: those stand in a pool `NAME (older identity)`
/// of their own, whose identity no reading of ours names.
pub fn pools(found: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
    let cluster: Read<ManagedCluster> = reading(found, cluster_table::CLUSTER, CLUSTER_RIGHT);
    let nodes: &[NodeView] = match view {
        Read::Got(ClusterView { nodes: Read::Got(nodes), .. }) => nodes,
        _ => &[],
    };
    let mut listing = Listing {
        found,
        identity: identity(found, &cluster),
        client: cluster.got().and_then(kubelet).map(|kubelet| kubelet.client_id.clone()),
        nodes: nodes.iter().collect(),
        pools: Vec::new(),
    };
    let (detail, gaps) = match cluster {
        Read::Got(detail) => {
            let lost = lost(&detail).map(|why| gap(found, unread(found, Obstacle::Failed(why.into()))));
            (detail, lost.into_iter().collect())
        }
        Read::Absent => (ManagedCluster::default(), vec![gap(found, unread(found, Obstacle::NotAsked))]),
        Read::Unread(open) => (ManagedCluster::default(), vec![gap(found, open)]),
    };
    listing.add_virtual(&detail);
    let named = detail.properties.agent_pool_profiles.iter().flatten().filter(|pool| !pool.name.is_empty());
    named.for_each(|pool| listing.add_agent_pool(pool));
    listing.add_karpenter(detail.properties.node_provisioning_profile.mode.eq_ignore_ascii_case("Auto"));
    listing.add_unlisted(!gaps.is_empty());
    (listing.pools, gaps)
}

/// Nodes that do not have the identity of today.
pub fn notices(record: &ClusterRecord) -> Vec<Notice> {
    let code = Finding::NodesNotRotated.code();
    let one = |pool: &Pool| {
        let client = pool.node_labels.get(KUBELET_CLIENT)?;
        let message = format!(
            "{} of its nodes still pull as the former identity (client id {client}) until they are renewed",
            pool.shape.nodes
        );
        let subject = format!("{}/{}", record.cluster.name, pool.name);
        Some(Notice { code: code.name(), severity: code.severity(), subject, message })
    };
    record.pools.iter().filter_map(one).collect()
}

/// What an answer about a cluster lost of its pools.
fn lost(detail: &ManagedCluster) -> Option<&'static str> {
    match &detail.properties.agent_pool_profiles {
        None => Some("the answer holds no agentPoolProfiles"),
        Some(pools) if pools.iter().any(|pool| pool.name.is_empty()) => {
            Some("the answer holds a node pool without a name")
        }
        Some(_) => None,
    }
}

const CLUSTER_RIGHT: &str = "Microsoft.ContainerService/managedClusters/read";

fn gap(found: &Discovered, open: Open) -> Gap {
    Gap { scope: found.cluster.id.0.clone(), open, message: "its pools are not known".to_owned() }
}

fn unread(found: &Discovered, obstacle: Obstacle) -> Open {
    let scope = format!("subscription {}", found.cluster.scope);
    Open::unread(format!("cluster {}", found.cluster.name), CLUSTER_RIGHT, scope, obstacle)
}

fn reading<T: DeserializeOwned>(found: &Discovered, table: &str, right: &str) -> Read<T> {
    let name = &found.cluster.name;
    let open = |obstacle| {
        let scope = format!("subscription {}", found.cluster.scope);
        Read::Unread(Open::unread(format!("{table} of {name}"), right, scope, obstacle))
    };
    match found.readings.get(table, "") {
        None => open(Obstacle::NotAsked),
        Some(Read::Absent) => Read::Absent,
        Some(Read::Unread(why)) => Read::Unread(why.clone()),
        Some(Read::Got(value)) => {
            T::deserialize(value).map_or_else(|error| open(Obstacle::Failed(error.to_string().into())), Read::Got)
        }
    }
}

fn kubelet(cluster: &ManagedCluster) -> Option<&UserAssignedIdentity> {
    cluster.properties.identity_profile.get("kubeletidentity").filter(|kubelet| !kubelet.object_id.is_empty())
}

/// The application that pulls for a cluster. A cluster whose control plane has a managed identity pulls as none: what
/// stands in the field then is left over from former times.
pub(crate) fn application_id(cluster: &ManagedCluster) -> Option<&str> {
    let plane = &cluster.identity;
    let managed = plane.principal_id.as_ref().is_some_and(|id| !id.is_empty())
        || !plane.user_assigned_identities.is_empty()
        || cluster.properties.identity_profile.contains_key("kubeletidentity");
    let id = cluster.properties.service_principal_profile.client_id.as_str();
    (!managed && !id.is_empty() && !id.eq_ignore_ascii_case("msi")).then_some(id)
}

/// Who pulls for a cluster, as far as its own body tells.
#[cfg(feature = "live")]
pub(crate) fn puller(found: &Discovered) -> Read<Principal> {
    identity(found, &reading(found, cluster_table::CLUSTER, CLUSTER_RIGHT))
}

/// Who pulls: the kubelet identity where there is one, whatever the service principal's field says, since
/// that holds leftovers; else the application.
fn identity(found: &Discovered, cluster: &Read<ManagedCluster>) -> Read<Principal> {
    let name = &found.cluster.name;
    let cluster = match cluster {
        Read::Got(cluster) => cluster,
        Read::Absent => return Read::Unread(unread(found, Obstacle::NotAsked)),
        Read::Unread(open) => return Read::Unread(open.clone()),
    };
    if let Some(kubelet) = kubelet(cluster) {
        let short = kubelet.resource_id.rsplit('/').next().filter(|short| !short.is_empty());
        let name = short.unwrap_or(&kubelet.object_id).to_owned();
        let id = kubelet.object_id.to_ascii_lowercase();
        return Read::Got(Principal::new(PrincipalKind::Kubelet, id, name));
    }
    let Some(application) = application_id(cluster) else {
        let state = &cluster.properties.provisioning_state;
        let why = format!("the answer names no kubelet identity (provisioning state {state})");
        return Read::Unread(unread(found, Obstacle::Failed(why.into())));
    };
    match reading::<ServicePrincipal>(found, cluster_table::SERVICE_PRINCIPAL, "Application.Read.All") {
        Read::Got(known) => Read::Got(Principal::new(
            PrincipalKind::Kubelet,
            known.id.to_ascii_lowercase(),
            if known.display_name.is_empty() { application.to_owned() } else { known.display_name },
        )),
        Read::Absent => Read::Unread(Open::undecidable(format!(
            "which object id application {application} of {name} has: its directory has no service principal for it"
        ))),
        Read::Unread(open) => Read::Unread(open),
    }
}

struct Listing<'a> {
    found: &'a Discovered,
    identity: Read<Principal>,
    /// Client id of the kubelet identity, which nodes carry as a label.
    client: Option<String>,
    /// Nodes that no pool has claimed yet.
    nodes: Vec<&'a NodeView>,
    pools: Vec<Pool>,
}

impl<'a> Listing<'a> {
    /// Virtual nodes run pods without a kubelet; what is behind them may log in to registries with identities of its own.
    fn add_virtual(&mut self, cluster: &ManagedCluster) {
        let on = |name: &str| {
            let mut addons = cluster.properties.addon_profiles.iter();
            addons.any(|(addon, state)| addon.eq_ignore_ascii_case(name) && state.enabled)
        };
        let (label, value) = VIRTUAL_NODE;
        let labels: BTreeMap<String, String> = [(label.to_owned(), value.to_owned())].into();
        let living = self.claim(&labels);
        if living.is_empty() && !on("aciConnectorLinux") {
            return;
        }
        let taint = Taint {
            key: "virtual-kubelet.io/provider".to_owned(),
            value: "azure".to_owned(),
            effect: "NoSchedule".to_owned(),
        };
        let mut shape = Shape { taints: vec![taint], ..Shape::default() };
        shape.add_living(&living);
        let open = virtual_nodes_open(&self.found.cluster.name);
        self.push("(virtual nodes)".to_owned(), Read::Unread(open), shape, labels);
    }

    fn add_agent_pool(&mut self, pool: &AgentPool) {
        let labels: BTreeMap<String, String> = [(AGENT_POOL.to_owned(), pool.name.clone())].into();
        let mut shape = Shape {
            os: Some(pool.os_type.to_ascii_lowercase()).filter(|os| !os.is_empty()),
            taints: pool.node_taints.iter().filter_map(|taint| parse_taint(taint)).collect(),
            ..Shape::default()
        };
        for (name, value) in pool.node_labels.iter().chain(&labels) {
            shape.labels.entry(name.clone()).or_default().insert(value.clone());
        }
        if let Some(version) = pool.node_image_version.as_ref().filter(|version| !version.is_empty()) {
            shape.labels.entry(NODE_IMAGE.to_owned()).or_default().insert(version.clone());
            shape.observed.insert(NODE_IMAGE.to_owned());
        }
        shape.labels.entry("agentpool".to_owned()).or_default().insert(pool.name.clone());
        shape
            .labels
            .entry("kubernetes.azure.com/mode".to_owned())
            .or_default()
            .insert(pool.mode.to_ascii_lowercase());
        let (mine, others) = self.nodes.iter().copied().partition(|node| {
            made_by(node).map_or_else(|| carries(node, &labels), |made| made.eq_ignore_ascii_case(&pool.name))
        });
        self.nodes = others;
        self.add(&pool.name, shape, &labels, mine);
    }

    /// Node auto-provisioning makes nodes that no node pool lists; they name the pool that they were made
    /// for. Before the first node of one exists nothing tells of it, so one pool stands for new ones.
    fn add_karpenter(&mut self, auto: bool) {
        let names: BTreeSet<String> =
            self.nodes.iter().filter_map(|node| node.labels.get(KARPENTER_POOL).cloned()).collect();
        for name in names {
            let labels = [(KARPENTER_POOL.to_owned(), name.clone())].into();
            let mine = self.claim(&labels);
            self.add(&format!("karpenter/{name}"), Shape::default(), &labels, mine);
        }
        if auto {
            self.push("(new nodes)".to_owned(), self.identity.clone(), Shape::default(), BTreeMap::new());
        }
    }

    fn add_unlisted(&mut self, hidden: bool) {
        let living = std::mem::take(&mut self.nodes);
        if living.is_empty() && !hidden {
            return;
        }
        let identity = match &self.identity {
            Read::Got(_) => Read::Unread(Open::undecidable(format!(
                "which identity the nodes of {} outside its node pools have: {KUBELET_CLIENT} on them tells",
                self.found.cluster.name
            ))),
            other => other.clone(),
        };
        let mut shape = Shape::default();
        shape.add_living(&living);
        self.push("(unlisted)".to_owned(), identity, shape, BTreeMap::new());
    }

    /// Adds a pool with its living nodes, and beside it those of them with another identity.
    fn add(&mut self, name: &str, mut shape: Shape, labels: &BTreeMap<String, String>, living: Vec<&'a NodeView>) {
        let mut older: BTreeMap<String, Vec<&NodeView>> = BTreeMap::new();
        let mut today = Vec::new();
        for node in living {
            match node.labels.get(KUBELET_CLIENT) {
                Some(client) if self.is_another(client) => older.entry(client.clone()).or_default().push(node),
                _ => today.push(node),
            }
        }
        let planned = shape.clone();
        shape.add_living(&today);
        self.push(name.to_owned(), self.identity.clone(), shape, labels.clone());
        self.name_unlabelled(&today);
        for (at, (client, nodes)) in older.into_iter().enumerate() {
            let count = if at == 0 { String::new() } else { format!(" {}", at + 1) };
            let identity = Read::Unread(Open::undecidable(format!(
                "which rights the older identity has that {} nodes of {} still carry (client id {client}): renew the \
                 nodes with az aks nodepool upgrade --node-image-only, or az identity list finds its object id",
                nodes.len(),
                self.found.cluster.name
            )));
            let mut shape = planned.clone();
            shape.add_living(&nodes);
            let mut labels = labels.clone();
            labels.insert(KUBELET_CLIENT.to_owned(), client);
            self.push(format!("{name} (older identity{count})"), identity, shape, labels);
            self.name_unlabelled(&nodes);
        }
    }

    /// Names in the last pool those of its nodes that its labels do not tell.
    fn name_unlabelled(&mut self, nodes: &[&NodeView]) {
        let Some(pool) = self.pools.last_mut() else { return };
        let untold = nodes.iter().filter(|node| !carries(node, &pool.node_labels));
        pool.nodes = untold.map(|node| node.name.clone()).collect();
    }

    fn is_another(&self, client: &str) -> bool {
        self.client.as_ref().is_some_and(|known| !known.eq_ignore_ascii_case(client))
    }

    fn claim(&mut self, labels: &BTreeMap<String, String>) -> Vec<&'a NodeView> {
        let (mine, others) = std::mem::take(&mut self.nodes).into_iter().partition(|node| carries(node, labels));
        self.nodes = others;
        mine
    }

    fn push(
        &mut self,
        name: String,
        identity: Read<Principal>,
        shape: Shape,
        node_labels: BTreeMap<String, String>,
    ) {
        self.pools.push(Pool {
            cluster: self.found.cluster.id.clone(),
            name,
            identity,
            shape,
            node_labels,
            nodes: BTreeSet::new(),
            takes: Vec::new(),
            takes_unread: None,
            vantage: pullaudit_core::Vantage::default(),
            federation: None,
        });
    }
}

fn carries(node: &NodeView, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(name, value)| node.labels.get(name) == Some(value))
}

/// The pool of whose scale set a node is a machine: `aks-POOL-DIGITS-vmss`. Labels can be edited, this can not.
///
/// Source: kubernetes-sigs/cloud-provider-azure, `azure_vmss.go`.
fn made_by(node: &NodeView) -> Option<&str> {
    let mut parts = node.provider_id.strip_prefix("azure://")?.split('/').rev();
    let (_, kind, set, sets) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let machine =
        kind.eq_ignore_ascii_case("virtualMachines") && sets.eq_ignore_ascii_case("virtualMachineScaleSets");
    let (pool, digits) = set.strip_prefix("aks-")?.strip_suffix("-vmss")?.rsplit_once('-')?;
    let numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (machine && numbered).then_some(pool)
}

/// `KEY=VALUE:EFFECT`, the value optional.
fn parse_taint(text: &str) -> Option<Taint> {
    let (pair, effect) = text.rsplit_once(':')?;
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some(Taint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() })
}
