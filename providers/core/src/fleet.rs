//! Clusters, pools and the identities that pull for them.

use crate::{ImageRef, NodeView, Open, Read, Vantage};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The cloud's own full id of a cluster: the EKS ARN, the ARM resource id, `projects/P/locations/L/clusters/C`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterId(pub String);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A cluster as its cloud lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// The cloud's full id.
    pub id: ClusterId,
    /// The provider that runs it: `aks`, `eks`, `gke`.
    pub provider: String,
    /// The short name; not unique in a fleet.
    pub name: String,
    /// Region or zone.
    pub location: String,
    /// Account, subscription or project.
    pub scope: String,
    /// The API server's address, by which kubeconfig contexts are matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// What kind of identity pulls; the word in `identity.kind` of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrincipalKind {
    /// AKS kubelet identity.
    Kubelet,
    /// EKS node role.
    NodeRole,
    /// Fargate pod execution role.
    PodExecutionRole,
    /// GKE node service account.
    NodeServiceAccount,
    /// The role or identity of a Kubernetes service account.
    ServiceAccountRole,
}

impl PrincipalKind {
    /// The word for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet identity",
            Self::NodeRole => "node role",
            Self::PodExecutionRole => "pod execution role",
            Self::NodeServiceAccount => "node service account",
            Self::ServiceAccountRole => "service account role",
        }
    }
}

/// An identity that pulls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// What kind it is.
    pub kind: PrincipalKind,
    /// Role ARN, object id, e-mail.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The token by which a service account takes on an identity that is not its own, where that needs the identity's
    /// consent. `None` for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<AccountToken>>,
}

impl Principal {
    /// An identity that pulls as itself.
    pub fn new(kind: PrincipalKind, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, id: id.into(), name: name.into(), token: None }
    }
}

/// A token that the kubelet asks the cluster for, on behalf of a pod's service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountToken {
    /// Who issues it: host and path of the cluster's issuer. `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// For whom it is. `None` where only the nodes' own configuration tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whose it is: `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
}

/// A taint of a node or pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value; empty when there is none.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `NoExecute` or `PreferNoSchedule`, as Kubernetes writes it.
    pub effect: String,
}

/// Which pods a pool takes for itself, whatever their node selector (Fargate profiles).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodSelector {
    /// Namespace, with `*` and `?`.
    pub namespace: String,
    /// Labels that the pod must carry; values with `*` and `?`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What is known of the nodes that a pool makes, for telling which templates fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// Label to the values that its nodes carry or will carry; none where it may be any.
    #[serde(default)]
    pub labels: BTreeMap<String, BTreeSet<String>>,
    /// Labels that no node of it carries or will carry.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lacks: BTreeSet<String>,
    /// Taints that every node of it carries.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// `linux` or `windows`; `None` when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// `amd64`, `arm64`; empty when it is not known.
    #[serde(default)]
    pub arch: BTreeSet<String>,
    /// Nodes of it that exist now.
    #[serde(default)]
    pub nodes: u32,
    /// Operating systems with their releases, as its nodes and the cloud name them; empty when they are not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub systems: BTreeSet<String>,
    /// Labels of which only its living nodes tell: nodes to come may carry other values.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub observed: BTreeSet<String>,
}

impl Shape {
    /// Adds the releases of operating systems that living nodes show.
    pub fn add_systems(&mut self, living: &[&NodeView]) {
        self.systems.extend(living.iter().map(|node| node.os_image.clone()).filter(|system| !system.is_empty()));
    }

    /// Adds what living nodes show: how many they are, which labels they carry, their systems' releases, and the
    /// operating system where they agree on one and none was known.
    pub fn add_living(&mut self, living: &[&NodeView]) {
        self.nodes = u32::try_from(living.len()).unwrap_or(u32::MAX);
        let labels = || living.iter().flat_map(|node| &node.labels);
        let only_there = labels().map(|(name, _)| name).filter(|name| !self.labels.contains_key(*name));
        self.observed.extend(only_there.cloned());
        // A label that may have any value is not bounded by those that some nodes have.
        let open: BTreeSet<String> =
            self.labels.iter().filter(|(_, values)| values.is_empty()).map(|(name, _)| name.clone()).collect();
        for (name, value) in labels().filter(|(name, _)| !open.contains(*name)) {
            self.labels.entry(name.clone()).or_default().insert(value.clone());
        }
        self.add_systems(living);
        self.arch.extend(living.iter().filter_map(|node| node.labels.get("kubernetes.io/arch").cloned()));
        let systems: BTreeSet<&String> =
            living.iter().filter_map(|node| node.labels.get("kubernetes.io/os")).collect();
        if let (None, Some(system), 1) = (&self.os, systems.first(), systems.len()) {
            self.os = Some((*system).clone());
        }
    }
}

/// The label and its value that nodes of virtual-kubelet carry, whichever cloud is behind it.
///
/// Source: virtual-kubelet/virtual-kubelet; each provider sets it.
pub const VIRTUAL_NODE: (&str, &str) = ("type", "virtual-kubelet");

/// True for a pool of virtual nodes.
pub(crate) fn is_virtual(pool: &Pool) -> bool {
    let (name, value) = VIRTUAL_NODE;
    pool.node_labels.get(name).is_some_and(|set| set == value)
}

/// Why nothing is known of pulls on the virtual nodes of a cluster: they have no kubelet, so no rule of kubelets
/// holds for them, and what stands behind them logs in to registries in its own way.
pub fn virtual_nodes_open(cluster: &str) -> Open {
    Open::undecidable(format!(
        "how the virtual nodes of {cluster} log in to registries: they have no kubelet, and pullaudit does not support \
         what stands behind them"
    ))
}

/// A set of nodes that pull as one identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Its cluster.
    pub cluster: ClusterId,
    /// The cloud's name of it, unique in the cluster; `(new nodes)`, `(unlisted)` and
    /// `(self-managed ROLE)` are ours.
    pub name: String,
    /// Who pulls. `Absent` where nothing on the node gives an identity.
    pub identity: Read<Principal>,
    /// What its nodes look like.
    #[serde(default)]
    pub shape: Shape,
    /// A node belongs to the pool when it carries all of these labels; empty when labels do not tell.
    #[serde(default)]
    pub node_labels: BTreeMap<String, String>,
    /// Names of nodes that are of this pool whatever their labels say. Only needed until it is known which pool each
    /// workload runs on, so a snapshot does not keep them.
    #[serde(skip)]
    pub nodes: BTreeSet<String>,
    /// Pods that it takes for itself; empty for ordinary pools.
    #[serde(default)]
    pub takes: Vec<PodSelector>,
    /// Why it is not known which pods it, or a pool that it stands for, takes for itself: any pod of the
    /// cluster may be one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_unread: Option<Open>,
    /// What of it matters to a pull beside the identity.
    #[serde(default, skip_serializing_if = "Vantage::is_plain")]
    pub vantage: Vantage,
    /// How the cloud knows the service accounts of the cluster. Where it gives each one an identity, what the id of that
    /// begins with: after it comes `ns/NAMESPACE/sa/NAME`. Where they take on others by their tokens, who issues those:
    /// host and path. `None` where there is neither, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federation: Option<String>,
}

/// An id near a cluster that people take for the identity that pulls there, which it is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lookalike {
    /// The id, as a grant would name it.
    pub id: String,
    /// Name of the finding about a grant to it, from a code table.
    pub code: String,
    /// What it is: `the client id of the kubelet identity of prod-weu-1`.
    pub what: String,
}

/// Who is in a fleet, for findings about who is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Ids of every identity that pulls for a pool, in lower case.
    pub pullers: BTreeSet<String>,
    /// Ids that are taken for one of them.
    pub lookalikes: Vec<Lookalike>,
    /// Clouds of which every cluster that the credentials see was listed, and its identity told.
    pub whole: BTreeSet<String>,
    /// The images that the run asks about, without tags and digests; `None` where findings about all facts are wanted.
    pub asked: Option<BTreeSet<ImageRef>>,
}

impl Inventory {
    /// What `map` makes of each image that is asked about; `None` where findings about all facts are wanted.
    pub fn asked<T: Ord>(&self, map: impl Fn(&ImageRef) -> Option<T>) -> Option<BTreeSet<T>> {
        Some(self.asked.as_ref()?.iter().filter_map(map).collect())
    }
}

/// A scope in which clusters were looked for, whether or not it held any.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Searched {
    /// The cloud: the word of `--provider`.
    pub provider: String,
    /// The subscription, account or project. Empty where only contexts were searched.
    pub scope: String,
    /// Other names of the same scope: the number of a project.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// The regions, where a search is made region by region; empty where one call covers all of them.
    #[serde(default)]
    pub regions: BTreeSet<String>,
    /// Names of the kubeconfig contexts that were used.
    #[serde(default)]
    pub contexts: BTreeSet<String>,
}

impl Searched {
    /// True if a scope is this one, by whichever of its names.
    pub fn is_called(&self, name: &str) -> bool {
        self.scope == name || self.aliases.contains(name)
    }

    /// True if two names of a cloud's scopes name one scope, as far as the searches tell.
    pub fn is_same_scope(all: &[Self], provider: &str, one: &str, other: &str) -> bool {
        let both = |searched: &Self| {
            searched.provider == provider && searched.is_called(one) && searched.is_called(other)
        };
        one == other || all.iter().any(both)
    }

    /// Adds a search to the others, as one entry a scope.
    pub fn add(self, all: &mut Vec<Self>) {
        match all.iter_mut().find(|one| one.provider == self.provider && one.scope == self.scope) {
            Some(known) => {
                known.aliases.extend(self.aliases);
                known.regions.extend(self.regions);
                known.contexts.extend(self.contexts);
            }
            None => all.push(self),
        }
        all.sort();
    }
}

/// Something that keeps a report from being complete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Where: a cluster id, an account, a file.
    pub scope: String,
    /// What is missing.
    pub open: Open,
    /// What that means for the report, in a sentence.
    pub message: String,
}
