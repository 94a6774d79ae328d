//! Nodes that no list ties to a role: the instance profile of their instance does.
//!
//! A node's provider id is the only join to AWS that nobody in the cluster can edit.

use super::nodes::{COMPUTE_TYPE, NODE_GROUP, common_taints};
use super::pools::{Listing, SELF_MANAGED, role, unmanaged};
use super::readings;
use super::roles::{Machines, same_role};
use crate::facts::{Instance, cluster_table};
use crate::weigh::arn::RoleArn;
use pullaudit_core::{ClusterView, Discovered, NodeView, Open, Pool, Principal, PrincipalKind, Read, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// Ids of the instances that alone tell which role a node of the cluster has, each once.
pub fn untold(found: &Discovered, view: &Read<ClusterView>) -> BTreeSet<String> {
    Listing::whole(found, view).untold
}

/// Nodes with one answer to who pulls on them.
pub(super) struct Group<'a> {
    pub(super) identity: Read<Principal>,
    pub(super) nodes: Vec<&'a NodeView>,
}

impl Group<'_> {
    /// False where it is not known who pulls.
    pub(super) fn is_told(&self) -> bool {
        self.identity.open().is_none()
    }

    /// The name of its role, for a pool's name.
    pub(super) fn name(&self) -> &str {
        self.identity.got().map_or("without a role", |principal| principal.name.as_str())
    }
}

impl<'a> Listing<'a> {
    /// Nodes that no list ties to a role, by their role: that of the one that may join for machines of their kind, else
    /// those of their instances. Those of which it is not known are one group at the end.
    pub(super) fn by_role(&mut self, living: Vec<&'a NodeView>) -> Vec<Group<'a>> {
        match self.by_lists(&living) {
            Some(identity) => vec![Group { identity, nodes: living }],
            None => self.by_instance(living),
        }
    }

    /// Gives nodes whose instances tell their role to pools of that role; the others, where there are any.
    pub(super) fn untold_of(&mut self, living: Vec<&'a NodeView>) -> Option<Group<'a>> {
        if let Some(identity) = self.by_lists(&living) {
            return Some(Group { identity, nodes: living });
        }
        let mut rest = None;
        for group in self.by_instance(living) {
            if group.is_told() { self.add_told(group) } else { rest = Some(group) }
        }
        rest
    }

    fn by_lists(&self, living: &[&NodeView]) -> Option<Read<Principal>> {
        if let Some(open) = self.hidden.first() {
            return Some(Read::Unread(open.clone()));
        }
        match self.candidates(living).as_slice() {
            [only] => Some(role(only, PrincipalKind::NodeRole)),
            _ => None,
        }
    }

    fn by_instance(&mut self, nodes: Vec<&'a NodeView>) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut rest: Option<Group<'a>> = None;
        for node in nodes {
            let identity = self.told(node);
            let same = match &identity {
                // One reason stands for all.
                Read::Unread(_) => rest.as_mut(),
                told => groups.iter_mut().find(|group| group.identity == *told),
            };
            match (same, identity) {
                (Some(group), _) => group.nodes.push(node),
                (None, identity @ Read::Unread(_)) => rest = Some(Group { identity, nodes: vec![node] }),
                (None, identity) => groups.push(Group { identity, nodes: vec![node] }),
            }
        }
        groups.sort_by(|one, other| one.name().cmp(other.name()));
        groups.extend(rest);
        groups
    }

    /// Who pulls on a node, by its instance.
    fn told(&mut self, node: &NodeView) -> Read<Principal> {
        let Some(id) = instance(node) else { return Read::Unread(self.gone(node)) };
        if self.found.readings.get(cluster_table::INSTANCES, id).is_none() {
            self.untold.insert(id.to_owned());
        }
        match readings::one::<Instance>(self.found, cluster_table::INSTANCES, id, "ec2:DescribeInstances") {
            Read::Got(Instance { profile: Some(profile) }) => self.of_profile(&profile),
            // It joined with some credentials of AWS, and a kubelet may find those elsewhere.
            Read::Got(Instance { profile: None }) => Read::Unread(Open::undecidable(format!(
                "with which credentials node {} pulls: its instance {id} has no instance profile",
                node.name
            ))),
            Read::Absent => Read::Unread(self.gone(node)),
            Read::Unread(open) => Read::Unread(open),
        }
    }

    /// Why neither a list nor an instance tells the role of a node.
    fn gone(&self, node: &NodeView) -> Open {
        let candidates = self.candidates(&[node]);
        let names: Vec<&str> =
            candidates.iter().filter_map(|arn| RoleArn::parse(arn)).map(|role| role.name).collect();
        let among =
            if names.is_empty() { "no list names one".to_owned() } else { format!("one of {}", names.join(", ")) };
        Open::undecidable(format!(
            "which role node {} of {} has ({among}): its spec.providerID names no instance of EC2 that exists, whose \
             profile would tell",
            node.name, self.found.cluster.name
        ))
    }

    /// Adds these nodes to the pool of self-managed ones with their role, making it where there is none. One that was
    /// there is for machines to come as well, which may look otherwise: what a node of it looks like stays open.
    fn add_told(&mut self, group: Group<'a>) {
        let same = |known: &&mut Pool| {
            known.name.starts_with(SELF_MANAGED) && same_identity(&known.identity, &group.identity)
        };
        if let Some(pool) = self.pools.iter_mut().find(same) {
            pool.shape.add_systems(&group.nodes);
            pool.nodes.extend(group.nodes.iter().map(|node| node.name.clone()));
            return;
        }
        let shape = Shape { taints: common_taints(&group.nodes), lacks: unmanaged(), ..Shape::default() };
        self.add_named(self.self_managed(&self.found.cluster.scope, group.name()), shape, group);
    }

    /// Adds a pool of these nodes and no others.
    pub(super) fn add_named(&mut self, name: String, mut shape: Shape, group: Group<'a>) {
        shape.add_living(&group.nodes);
        self.push(name, group.identity, shape, BTreeMap::new());
        if let Some(pool) = self.pools.last_mut() {
            pool.nodes = group.nodes.iter().map(|node| node.name.clone()).collect();
        }
    }

    /// The roles that may join for machines of the kind of these nodes, each once.
    fn candidates(&self, living: &[&NodeView]) -> Vec<&str> {
        let machines = kind_of(living);
        let fits = |of: Machines| of == Machines::Any || machines.is_none_or(|machines| machines == of);
        let joiners = self.joiners.roles.iter().filter(|joiner| fits(joiner.machines));
        let joiners = joiners.map(|joiner| joiner.arn.as_str());
        let auto = self.detail.got().and_then(|detail| detail.auto_mode_role.as_deref());
        let auto = auto.filter(|_| fits(Machines::Auto));
        let groups = self.pools.iter().filter(|_| fits(Machines::Ec2));
        let groups = groups.filter(|pool| pool.node_labels.contains_key(NODE_GROUP));
        let groups = groups.filter_map(|pool| pool.identity.got()).map(|principal| principal.id.as_str());
        let mut candidates: Vec<&str> = joiners.chain(auto).chain(groups).collect();
        candidates.sort_unstable();
        candidates.dedup_by(|a, b| same_role(a, b));
        candidates
    }
}

/// The id of the instance that a node runs on; `None` for machines elsewhere and for Fargate.
///
/// Source: kubernetes/cloud-provider-aws, `instances.go`: `aws:///ZONE/i-…`.
fn instance(node: &NodeView) -> Option<&str> {
    let id = node.provider_id.strip_prefix("aws://")?.rsplit('/').next()?;
    id.starts_with("i-").then_some(id)
}

fn same_identity(one: &Read<Principal>, other: &Read<Principal>) -> bool {
    match (one, other) {
        (Read::Got(one), Read::Got(other)) => same_role(&one.id, &other.id),
        (one, other) => one == other,
    }
}

/// Which machines these nodes are, where their labels agree.
fn kind_of(living: &[&NodeView]) -> Option<Machines> {
    let kind = |node: &&NodeView| match node.labels.get(COMPUTE_TYPE).map(String::as_str) {
        Some("auto") => Machines::Auto,
        Some("hybrid") => Machines::Hybrid,
        _ => Machines::Ec2,
    };
    let first = living.first().map(kind)?;
    living.iter().all(|node| kind(node) == first).then_some(first)
}
