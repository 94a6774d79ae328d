//! What can be said of a label over all nodes of a pool, those included that do not exist yet.

use super::slim::NodeSelectorRequirement;
use pullaudit_core::Shape;
use std::collections::BTreeSet;

/// Whether a node of the pool fulfils something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fits {
    /// None does.
    No,
    /// It can't be told before a node exists.
    Open,
    /// One does.
    Yes,
}

impl Fits {
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

/// Labels that a node gets when it registers, from its machine and its cloud; a cloud's description of an
/// empty pool does not list them.
const REGISTERED: [&str; 7] = [
    "kubernetes.io/",
    "topology.kubernetes.io/",
    "node.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
    "beta.kubernetes.io/",
    "topology.k8s.aws/",
    "k8s.io/",
];

/// What a cloud labels the nodes of its own pools with by itself, beside what a pool is told.
const GIVEN: [&str; 7] = [
    "cloud.google.com/",
    "eks.amazonaws.com/capacityType",
    "eks.amazonaws.com/nodegroup-image",
    "eks.amazonaws.com/sourceLaunchTemplate",
    "kubernetes.azure.com/",
    "nvidia.com/",
    "topology.gke.io/",
];

/// What may differ between the nodes of one pool, whoever makes them.
const DIFFERING: [&str; 4] =
    ["topology.", "failure-domain.", "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];

/// The label of pools that make whatever nodes pods ask for.
const KARPENTER: &str = "karpenter.sh/nodepool";
/// What Karpenter labels its nodes with: `karpenter.sh/capacity-type`, `karpenter.k8s.aws/instance-cpu`, …
const OF_KARPENTER: &str = "karpenter.";

/// What Auto Mode labels its nodes with: `eks.amazonaws.com/instance-family`, …
const OF_AUTO_MODE: &str = "eks.amazonaws.com/instance-";

/// Labels that tell a pool, or a kind of pools: one that lists no value for them has none.
const TELLING: [&str; 7] = [
    "alpha.eksctl.io/nodegroup-name",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/compute-type",
    "eks.amazonaws.com/fargate-profile",
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
];

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The labels of a pool's nodes.
pub(crate) struct NodeLabels<'a> {
    shape: &'a Shape,
}

/// What is known of one label.
enum Known<'a> {
    Values(BTreeSet<&'a str>),
    /// Those of living nodes; nodes to come may have others.
    Among(BTreeSet<&'a str>),
    Absent,
    Unknown,
}

impl<'a> NodeLabels<'a> {
    pub(crate) fn of(shape: &'a Shape) -> Self {
        Self { shape }
    }

    fn known(&self, key: &str) -> Known<'a> {
        // Karpenter makes whichever node a pod asks for, of those that its pool does not bound.
        if self.shape.labels.get(key).is_some_and(BTreeSet::is_empty) {
            return Known::Unknown;
        }
        if let Some(values) = self.shape.labels.get(key) {
            let values = values.iter().map(String::as_str).collect();
            let open = self.shape.observed.contains(key) && self.differs(key);
            return if open { Known::Among(values) } else { Known::Values(values) };
        }
        match key {
            "kubernetes.io/os" | "beta.kubernetes.io/os" => {
                self.shape.os.as_deref().map_or(Known::Unknown, |os| Known::Values(BTreeSet::from([os])))
            }
            "kubernetes.io/arch" | "beta.kubernetes.io/arch" if self.shape.arch.is_empty() => Known::Unknown,
            "kubernetes.io/arch" | "beta.kubernetes.io/arch" => {
                Known::Values(self.shape.arch.iter().map(String::as_str).collect())
            }
            _ if self.shape.lacks.contains(key) => Known::Absent,
            _ if self.may_carry(key) => Known::Unknown,
            _ => Known::Absent,
        }
    }

    fn may_carry(&self, key: &str) -> bool {
        // Every node has a host name; where a pool lists none, it was only left out of the pool's shape.
        if key == HOSTNAME {
            return true;
        }
        let nothing_known = self.shape.labels.is_empty();
        if self.shape.nodes == 0 { nothing_known || self.given(key) } else { self.varies() && self.given(key) }
    }

    /// True where nodes to come may carry another value than those that live.
    fn differs(&self, key: &str) -> bool {
        DIFFERING.iter().any(|prefix| key.starts_with(prefix))
            || key != HOSTNAME && self.varies() && self.given(key)
    }

    fn is_auto_mode(&self) -> bool {
        self.shape.labels.get("eks.amazonaws.com/compute-type").is_some_and(|kinds| kinds.contains("auto"))
    }

    fn varies(&self) -> bool {
        self.shape.labels.contains_key(KARPENTER)
    }

    /// True for a label that nodes get by themselves.
    fn given(&self, key: &str) -> bool {
        if TELLING.contains(&key) {
            return false;
        }
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| key.starts_with(prefix));
        let more: &[&str] = match (self.varies(), self.is_auto_mode()) {
            (true, true) => &[OF_KARPENTER, OF_AUTO_MODE],
            (true, false) => &[OF_KARPENTER],
            (false, _) => &GIVEN,
        };
        starts(&REGISTERED) || starts(more)
    }

    pub(crate) fn equals(&self, key: &str, value: &str) -> Fits {
        self.has_one_of(key, &[value])
    }

    fn has_one_of(&self, key: &str, wanted: &[&str]) -> Fits {
        match self.known(key) {
            Known::Values(values) => Fits::when(wanted.iter().any(|value| values.contains(value))),
            Known::Among(values) if wanted.iter().any(|value| values.contains(value)) => Fits::Yes,
            Known::Absent => Fits::No,
            Known::Among(_) | Known::Unknown => Fits::Open,
        }
    }

    /// Whether one of the nodes has one of these names. A host name nearly always is the node's name, but
    /// need not be, and where it is not known nothing tells.
    pub(crate) fn node_named(&self, names: &[String]) -> Fits {
        match self.shape.labels.get(HOSTNAME) {
            Some(hosts) => Fits::when(names.iter().any(|name| hosts.contains(name))),
            None => Fits::Open,
        }
    }

    pub(crate) fn meets_field(&self, requirement: &NodeSelectorRequirement) -> Fits {
        match (requirement.key.as_str(), requirement.operator.as_str()) {
            ("metadata.name", "In") => self.node_named(&requirement.values),
            // A pool is more than the nodes it is asked to avoid.
            ("metadata.name", "NotIn") => Fits::Open,
            _ => Fits::No,
        }
    }

    pub(crate) fn meets(&self, requirement: &NodeSelectorRequirement) -> Fits {
        let known = self.known(&requirement.key);
        let wanted = |value: &str| requirement.values.iter().any(|one| one == value);
        match (requirement.operator.as_str(), known) {
            ("In", Known::Among(values)) if values.iter().any(|value| wanted(value)) => Fits::Yes,
            ("NotIn", Known::Among(values)) if values.iter().any(|value| !wanted(value)) => Fits::Yes,
            ("In", Known::Values(values)) => Fits::when(values.iter().any(|value| wanted(value))),
            ("NotIn", Known::Values(values)) => Fits::when(values.iter().any(|value| !wanted(value))),
            ("Gt", Known::Values(values)) => compares(&values, &requirement.values, |node, asked| node > asked),
            ("Lt", Known::Values(values)) => compares(&values, &requirement.values, |node, asked| node < asked),
            ("Exists", Known::Values(_) | Known::Among(_)) | ("NotIn" | "DoesNotExist", Known::Absent) => {
                Fits::Yes
            }
            ("In" | "Exists" | "Gt" | "Lt", Known::Absent) | ("DoesNotExist", Known::Values(_)) => Fits::No,
            // Nothing is known of the label, or the operator is newer than this program.
            _ => Fits::Open,
        }
    }
}

/// Integers on both sides, or no node fulfils it, as the scheduler has it.
fn compares(values: &BTreeSet<&str>, asked: &[String], holds: impl Fn(i64, i64) -> bool) -> Fits {
    let [asked] = asked else { return Fits::No };
    let Ok(asked) = asked.parse::<i64>() else { return Fits::No };
    Fits::when(values.iter().filter_map(|value| value.parse().ok()).any(|value| holds(value, asked)))
}
