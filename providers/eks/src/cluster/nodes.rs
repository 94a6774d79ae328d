//! Living nodes, by the pool that their labels name.

use pullaudit_core::{ClusterView, NodeView, Read, Taint};
use std::collections::BTreeMap;

pub(super) const NODE_GROUP: &str = "eks.amazonaws.com/nodegroup";
pub(super) const KARPENTER_POOL: &str = "karpenter.sh/nodepool";
pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";
pub(super) const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";
const EKSCTL_GROUP: &str = "alpha.eksctl.io/nodegroup-name";

/// The nodes of a cluster; none where they could not be read.
pub(super) fn nodes(view: &Read<ClusterView>) -> &[NodeView] {
    match view {
        Read::Got(ClusterView { nodes: Read::Got(nodes), .. }) => nodes,
        _ => &[],
    }
}

/// True when a node carries all of these labels; false when there are none to carry.
pub(super) fn carries(node: &NodeView, labels: &BTreeMap<String, String>) -> bool {
    !labels.is_empty() && labels.iter().all(|(name, value)| node.labels.get(name) == Some(value))
}

/// True for a node of Fargate, whose labels do not name its profile.
pub(super) fn is_fargate(node: &NodeView) -> bool {
    node.labels.get(COMPUTE_TYPE).is_some_and(|kind| kind == "fargate") || node.provider_id.contains("/fargate-")
}

/// Name and labels of the pool that a node's labels name, where the cloud lists none; `None` when they
/// name none.
pub(super) fn named_pool(node: &NodeView) -> Option<(String, BTreeMap<String, String>)> {
    let by = |label: &str| {
        let value = node.labels.get(label).filter(|value| !value.is_empty())?;
        Some((value.clone(), BTreeMap::from([(label.to_owned(), value.clone())])))
    };
    by(KARPENTER_POOL)
        .map(|(name, labels)| (format!("karpenter/{name}"), labels))
        .or_else(|| by(EKSCTL_GROUP))
        .or_else(|| by(NODE_GROUP))
}

/// The taints that every one of these nodes carries.
pub(super) fn common_taints(living: &[&NodeView]) -> Vec<Taint> {
    let Some((first, rest)) = living.split_first() else { return Vec::new() };
    first.taints.iter().filter(|taint| rest.iter().all(|node| node.taints.contains(taint))).cloned().collect()
}
