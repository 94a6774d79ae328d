//! Nodes that no list ties to a role: the instance profile of their instance does.
//!
//! A node's provider id is the only join to AWS that nobody in the cluster can edit.

use super::nodes::common_taints;
use super::pools::{Listing, unmanaged};
use super::readings;
use super::roles::same_role;
use crate::facts::{Instance, cluster_table};
use crate::weigh::arn::RoleArn;
use pullaudit_core::{ClusterView, Discovered, NodeView, Pool, Principal, Read, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// The right that tells an instance's profile.
pub(super) const PERMISSION: &str = "ec2:DescribeInstances";

/// Ids of the instances that alone tell which role a node of the cluster has, each once.
pub fn untold(found: &Discovered, view: &Read<ClusterView>) -> BTreeSet<String> {
    Listing::whole(found, view).untold
}

/// Nodes with one answer to who pulls on them.
pub(super) struct Group<'a> {
    /// `None` where nothing but a list of roles is known.
    pub(super) identity: Option<Read<Principal>>,
    pub(super) nodes: Vec<&'a NodeView>,
}

/// The id of the instance that a node runs on; `None` for machines elsewhere and for Fargate.
///
/// Source: kubernetes/cloud-provider-aws, `instances.go`: `aws:///ZONE/i-…`.
fn instance(node: &NodeView) -> Option<&str> {
    let id = node.provider_id.strip_prefix("aws://")?.rsplit('/').next()?;
    id.starts_with("i-").then_some(id)
}

impl<'a> Listing<'a> {
    /// These nodes by the role that their instances say, those of which none is told in one group at the end.
    pub(super) fn by_instance(&mut self, nodes: &[&'a NodeView]) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut rest = Group { identity: None, nodes: Vec::new() };
        for node in nodes {
            match self.told(node) {
                Some(Read::Unread(open)) => {
                    rest.identity.get_or_insert(Read::Unread(open));
                    rest.nodes.push(node);
                }
                None => rest.nodes.push(node),
                Some(told) => {
                    let same = |group: &&mut Group<'_>| group.identity.as_ref() == Some(&told);
                    match groups.iter_mut().find(same) {
                        Some(group) => group.nodes.push(node),
                        None => groups.push(Group { identity: Some(told), nodes: vec![node] }),
                    }
                }
            }
        }
        groups.sort_by_key(Group::name);
        if !rest.nodes.is_empty() {
            groups.push(rest);
        }
        groups
    }

    /// Who pulls on a node, by its instance; `None` where it has none, or that is gone.
    fn told(&mut self, node: &NodeView) -> Option<Read<Principal>> {
        let id = instance(node)?;
        if self.found.readings.get(cluster_table::INSTANCES, id).is_none() {
            self.untold.insert(id.to_owned());
        }
        match readings::one::<Instance>(self.found, cluster_table::INSTANCES, id, PERMISSION) {
            Read::Got(Instance { profile: Some(profile) }) => Some(self.of_profile(&profile)),
            Read::Got(Instance { profile: None }) => Some(Read::Absent),
            Read::Absent => None,
            Read::Unread(open) => Some(Read::Unread(open)),
        }
    }

    /// Gives nodes whose instances tell their role to pools of that role; the others, where there are any.
    pub(super) fn rest_untold(&mut self, living: &[&'a NodeView]) -> Option<Group<'a>> {
        let mut groups = self.by_instance(living);
        for group in groups.extract_if(.., |group| group.is_told()) {
            self.add_told(&group);
        }
        groups.pop()
    }

    /// Adds these nodes to the pool of self-managed ones with their role, making it where there is none. One that was
    /// there is for machines to come as well, which may look otherwise: what a node of it looks like stays open.
    fn add_told(&mut self, group: &Group<'a>) {
        let name = group.name();
        let names = group.nodes.iter().map(|node| node.name.clone());
        let same = |known: &&mut Pool| {
            known.name.starts_with("(self-managed ") && same_identity(&known.identity, group.identity.as_ref())
        };
        if let Some(pool) = self.pools.iter_mut().find(same) {
            pool.shape
                .systems
                .extend(group.nodes.iter().map(|node| node.os_image.clone()).filter(|os| !os.is_empty()));
            pool.nodes.extend(names);
            return;
        }
        let shape = Shape { taints: common_taints(&group.nodes), lacks: unmanaged(), ..Shape::default() };
        let identity = group.identity.clone().unwrap_or(Read::Absent);
        let plain = format!("(self-managed {name})");
        // Another account's role may have its name.
        let name =
            if self.has(&plain) { format!("(self-managed {}/{name})", self.found.cluster.scope) } else { plain };
        self.add_named(name, identity, shape, BTreeMap::new(), &group.nodes);
    }

    /// Adds a pool of these nodes and no others.
    pub(super) fn add_named(
        &mut self,
        name: String,
        identity: Read<Principal>,
        mut shape: Shape,
        labels: BTreeMap<String, String>,
        nodes: &[&NodeView],
    ) {
        shape.add_living(nodes);
        self.push(name, identity, shape, labels);
        if let Some(pool) = self.pools.last_mut() {
            pool.nodes = nodes.iter().map(|node| node.name.clone()).collect();
        }
    }
}

impl Group<'_> {
    /// The name of its role, for a pool's name.
    pub(super) fn name(&self) -> String {
        match &self.identity {
            Some(Read::Got(principal)) => {
                RoleArn::parse(&principal.id).map_or(principal.name.clone(), |role| role.name.to_owned())
            }
            Some(Read::Absent) => "without a role".to_owned(),
            Some(Read::Unread(_)) | None => String::new(),
        }
    }

    /// True where an instance told the role.
    pub(super) fn is_told(&self) -> bool {
        !matches!(self.identity, Some(Read::Unread(_)) | None)
    }
}

fn same_identity(one: &Read<Principal>, other: Option<&Read<Principal>>) -> bool {
    match (one, other) {
        (Read::Got(one), Some(Read::Got(other))) => same_role(&one.id, &other.id),
        (one, other) => Some(one) == other,
    }
}
