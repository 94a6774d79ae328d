//! Pools from what EKS lists and from the living nodes.

use super::instances::Group;
use super::karpenter;
use super::nodes::{self, COMPUTE_TYPE, KARPENTER_POOL, NODE_GROUP, carries, named_pool};
use super::roles::{Joiner, Joiners, Machines, same_role};
use super::shapes::{shape_of_group, with_label};
use super::{principal_of, readings};
use crate::facts::{ClusterDetail, FargateProfile, Nodegroup, cluster_table};
use crate::weigh::arn::RoleArn;
use pullaudit_core::{
    ClusterView, Discovered, Gap, NodeView, Open, PodSelector, Pool, Principal, PrincipalKind, Read, Shape, Taint,
    VIRTUAL_NODE, virtual_nodes_open,
};
use std::collections::{BTreeMap, BTreeSet};

/// The pools of a cluster with the role that pulls for each, and what keeps the list from being whole.
///
/// Pools come in this order, each sorted by name: managed node groups, Fargate profiles (of several that
/// take a pod the first wins, as on EKS), Auto Mode's own pools, virtual nodes, `NodePool`s of Karpenter and Auto Mode
/// (each after those of its nodes that were started with another profile), pools that only labels of nodes name,
/// `(self-managed ROLE)` for each role that may join, or that an instance has, and has no other pool, and `(unlisted)` for
/// nodes whose role can't be told. An identity that is not known is unread, never guessed.
pub fn pools(found: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
    let listing = Listing::whole(found, view);
    (listing.pools, listing.gaps)
}

/// How the names of pools of self-managed nodes begin.
pub(super) const SELF_MANAGED: &str = "(self-managed ";

pub(super) struct Listing<'a> {
    pub(super) found: &'a Discovered,
    pub(super) detail: Read<ClusterDetail>,
    pub(super) joiners: Joiners,
    /// Nodes that no pool has claimed yet.
    pub(super) nodes: Vec<&'a NodeView>,
    pub(super) pools: Vec<Pool>,
    gaps: Vec<Gap>,
    /// What hides pools altogether.
    pub(super) hidden: Vec<Open>,
    /// Why it is not known which pods Fargate takes.
    fargate_unread: Option<Open>,
    /// Why a role that may join can't be told from one of a node group or of Auto Mode.
    doubt: Option<Open>,
    /// Ids of instances that would tell the role of a node and were not read.
    pub(super) untold: BTreeSet<String>,
}

impl<'a> Listing<'a> {
    pub(super) fn whole(found: &'a Discovered, view: &'a Read<ClusterView>) -> Self {
        let mut listing = Self::of(found, view);
        let started_with = karpenter::started_with(view);
        listing.add_node_groups();
        listing.add_fargate();
        listing.add_auto_mode();
        listing.add_virtual();
        match karpenter::pools(view) {
            Ok(pools) => {
                pools.into_iter().flatten().for_each(|pool| listing.add_karpenter(pool, &started_with, view));
            }
            Err(open) => listing.miss(open, "pools of Karpenter and Auto Mode without a node now are not known"),
        }
        if let (Err(open), true) = (started_with, listing.pools.iter().any(karpenter::is_pool)) {
            listing.miss(open, "which role living nodes of Karpenter were started with is not known");
        }
        listing.add_labelled();
        listing.add_self_managed();
        listing.add_unlisted();
        listing
    }

    fn of(found: &'a Discovered, view: &'a Read<ClusterView>) -> Self {
        let detail: Read<ClusterDetail> = readings::one(found, cluster_table::CLUSTER, "", "eks:DescribeCluster");
        let joiners = Joiners::of(found, &detail, view);
        let mut listing = Self {
            found,
            nodes: nodes::nodes(view).iter().collect(),
            pools: Vec::new(),
            gaps: Vec::new(),
            hidden: Vec::new(),
            fargate_unread: None,
            doubt: detail.open().cloned(),
            joiners,
            detail,
            untold: BTreeSet::new(),
        };
        if let Some(open) = listing.doubt.clone() {
            listing.hide(open, "Auto Mode's pools and the authentication mode are not known");
        }
        for open in listing.joiners.missing.clone() {
            listing.hide(open, "roles of self-managed nodes may be missing");
        }
        listing
    }

    fn hide(&mut self, open: Open, message: &str) {
        self.miss(open.clone(), message);
        self.hidden.push(open);
    }

    /// Something is missing, and nothing that is known of other pools hangs on it.
    fn miss(&mut self, open: Open, message: &str) {
        let scope = self.found.cluster.id.to_string();
        self.gaps.push(Gap { scope, open, message: message.to_owned() });
    }

    fn names(&mut self, table: &str, permission: &str, message: &str) -> BTreeSet<String> {
        match readings::one::<Vec<String>>(self.found, table, "", permission) {
            Read::Got(names) => names.into_iter().collect(),
            Read::Absent => BTreeSet::new(),
            Read::Unread(open) => {
                match table {
                    cluster_table::NODEGROUP_NAMES => _ = self.doubt.get_or_insert_with(|| open.clone()),
                    cluster_table::FARGATE_NAMES => self.fargate_unread = Some(open.clone()),
                    _ => {}
                }
                self.hide(open, message);
                BTreeSet::new()
            }
        }
    }

    /// Nodes of virtual-kubelet, where there are any.
    fn add_virtual(&mut self) {
        let (name, value) = VIRTUAL_NODE;
        let labels = label(name, value);
        if self.nodes.iter().any(|node| carries(node, &labels)) {
            let open = virtual_nodes_open(&self.found.cluster.name);
            self.add("(virtual nodes)".to_owned(), Read::Unread(open), Shape::default(), labels);
        }
    }

    fn add_node_groups(&mut self) {
        let lost = "managed node groups could not be listed";
        for name in self.names(cluster_table::NODEGROUP_NAMES, "eks:ListNodegroups", lost) {
            let group: Read<Nodegroup> =
                readings::one(self.found, cluster_table::NODEGROUPS, &name, "eks:DescribeNodegroup");
            let (identity, shape) = match group {
                Read::Got(group) => (role(&group.node_role, PrincipalKind::NodeRole), shape_of_group(&group)),
                // Deleted since it was listed.
                Read::Absent => continue,
                Read::Unread(open) => {
                    self.doubt.get_or_insert_with(|| open.clone());
                    (Read::Unread(open), Shape::default())
                }
            };
            let labels = label(NODE_GROUP, &name);
            self.add(name, identity, shape, labels);
        }
    }

    fn add_fargate(&mut self) {
        let lost = "Fargate profiles could not be listed";
        let names = self.names(cluster_table::FARGATE_NAMES, "eks:ListFargateProfiles", lost);
        let only = names.len() == 1;
        if !names.is_empty() && !only {
            self.nodes.retain(|node| !nodes::is_fargate(node));
        }
        for name in names {
            let profile: Read<FargateProfile> =
                readings::one(self.found, cluster_table::FARGATE, &name, "eks:DescribeFargateProfile");
            let mut takes_unread = profile.open().cloned();
            let (identity, selectors) = match profile {
                // It takes no pods, and never will.
                Read::Got(profile) if profile.status.as_deref() == Some("CREATE_FAILED") => continue,
                Read::Got(profile) => {
                    takes_unread = in_between(&name, profile.status.as_deref());
                    (role(&profile.pod_execution_role, PrincipalKind::PodExecutionRole), profile.selectors)
                }
                Read::Absent => continue,
                Read::Unread(open) => (Read::Unread(open), Vec::new()),
            };
            let shape = Shape { os: Some("linux".to_owned()), ..Shape::default() };
            let labels = if only { label(COMPUTE_TYPE, "fargate") } else { BTreeMap::new() };
            let name = if self.has(&name) { format!("fargate/{name}") } else { name };
            self.add(name, identity, with_label(shape, COMPUTE_TYPE, "fargate"), labels);
            if let Some(pool) = self.pools.last_mut() {
                let selector = |selector: crate::facts::FargateSelector| PodSelector {
                    namespace: selector.namespace,
                    labels: selector.labels,
                };
                pool.takes = selectors.into_iter().map(selector).collect();
                pool.takes_unread = takes_unread;
            }
        }
    }

    /// Source: EKS user guide, "Enable or disable built-in NodePools".
    fn add_auto_mode(&mut self) {
        let Some(detail) = self.detail.got().cloned() else { return };
        let Some(arn) = detail.auto_mode_role else { return };
        for name in detail.auto_mode_pools.into_iter().collect::<BTreeSet<_>>() {
            let mut shape = Shape { os: Some("linux".to_owned()), ..Shape::default() };
            match name.as_str() {
                "system" => {
                    shape.arch = ["amd64", "arm64"].map(str::to_owned).into();
                    shape.taints = vec![Taint {
                        key: "CriticalAddonsOnly".to_owned(),
                        value: String::new(),
                        effect: "NoSchedule".to_owned(),
                    }];
                }
                "general-purpose" => shape.arch = BTreeSet::from(["amd64".to_owned()]),
                _ => {}
            }
            let shape = with_label(shape, COMPUTE_TYPE, "auto");
            let labels = label(KARPENTER_POOL, &name);
            let name = if self.has(&name) { format!("auto/{name}") } else { name };
            self.add(name, role(&arn, PrincipalKind::NodeRole), shape, labels);
        }
    }

    /// Pools that only the nodes' own labels name: Karpenter's and those of eksctl.
    fn add_labelled(&mut self) {
        let mut named: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !nodes::is_fargate(node)) {
            named.extend(named_pool(node));
        }
        for (name, labels) in named {
            let living: Vec<&NodeView> =
                self.nodes.iter().copied().filter(|node| carries(node, &labels)).collect();
            let name = if self.has(&name) { format!("nodes/{name}") } else { name };
            let groups = self.by_role(living);
            let several = groups.len() > 1;
            for group in groups {
                let shape = Shape { taints: nodes::common_taints(&group.nodes), ..Shape::default() };
                if several && group.is_told() {
                    // Nodes of one name with several roles are several pools.
                    self.nodes.retain(|node| !group.nodes.iter().any(|told| told.name == node.name));
                    self.add_named(format!("{name} ({})", group.name()), shape, group);
                } else {
                    self.add(name.clone(), group.identity, shape, labels.clone());
                }
            }
        }
    }

    fn add_self_managed(&mut self) {
        let mut joiners = self.joiners.roles.clone();
        joiners.sort_by(|a, b| a.arn.cmp(&b.arn));
        for Joiner { arn, os, machines } in joiners {
            let known =
                self.pools.iter().filter_map(|pool| pool.identity.got()).any(|known| same_role(&known.id, &arn));
            if known {
                continue;
            }
            // It may be the role of a pool that could not be read. Asking it for images that its pods
            // never pull would tell of drift where there is none; `(unlisted)` stands for it instead.
            if let Some(open) = self.doubt.clone().filter(|_| matches!(machines, Machines::Ec2 | Machines::Any)) {
                if !self.hidden.contains(&open) {
                    self.hide(open, "whether self-managed nodes have roles of their own is not known");
                }
                continue;
            }
            let Some(parsed) = RoleArn::parse(&arn) else { continue };
            let name = self.self_managed(parsed.account, parsed.name);
            let compute = match machines {
                Machines::Auto => Some("auto"),
                Machines::Hybrid => Some("hybrid"),
                Machines::Ec2 | Machines::Any => None,
            };
            let mut lacks = unmanaged();
            if compute.is_some() {
                lacks.remove(COMPUTE_TYPE);
            }
            let shape = Shape { os: os.map(str::to_owned), lacks, ..Shape::default() };
            let shape = compute.into_iter().fold(shape, |shape, kind| with_label(shape, COMPUTE_TYPE, kind));
            self.add(name, role(&arn, PrincipalKind::NodeRole), shape, BTreeMap::new());
        }
    }

    /// One pool for all that can't be told: nodes without a telling label, and pools that a missing
    /// reading hides.
    fn add_unlisted(&mut self) {
        self.nodes.retain(|node| !nodes::is_fargate(node) || self.hidden.is_empty());
        let living = std::mem::take(&mut self.nodes);
        if living.is_empty() && self.hidden.is_empty() {
            return;
        }
        let Some(Group { identity, nodes: living }) = self.untold_of(living) else { return };
        let mut shape = Shape { taints: nodes::common_taints(&living), ..Shape::default() };
        shape.add_living(&living);
        self.push("(unlisted)".to_owned(), identity, shape, BTreeMap::new());
        if let Some(pool) = self.pools.last_mut() {
            pool.takes_unread = self.fargate_unread.take();
        }
    }

    /// The name of the pool of self-managed nodes with a role: several accounts may have one of that name.
    pub(super) fn self_managed(&self, account: &str, role: &str) -> String {
        let name = format!("{SELF_MANAGED}{role})");
        if self.has(&name) { format!("{SELF_MANAGED}{account}/{role})") } else { name }
    }

    fn has(&self, name: &str) -> bool {
        self.pools.iter().any(|pool| pool.name == name)
    }

    /// Adds a pool with the living nodes that its labels claim.
    pub(super) fn add(
        &mut self,
        name: String,
        identity: Read<Principal>,
        mut shape: Shape,
        labels: BTreeMap<String, String>,
    ) {
        let (mine, others) = self.nodes.iter().copied().partition::<Vec<_>, _>(|node| carries(node, &labels));
        self.nodes = others;
        for (label, value) in &labels {
            shape.labels.entry(label.clone()).or_default().insert(value.clone());
        }
        shape.add_living(&mine);
        self.push(name, identity, shape, labels);
    }

    pub(super) fn push(
        &mut self,
        name: String,
        identity: Read<Principal>,
        shape: Shape,
        node_labels: BTreeMap<String, String>,
    ) {
        let cluster = self.found.cluster.id.clone();
        let issuer = self.detail.got().and_then(|detail| detail.issuer.as_deref());
        self.pools.push(Pool {
            cluster,
            name,
            identity,
            shape,
            node_labels,
            nodes: BTreeSet::new(),
            takes: Vec::new(),
            takes_unread: None,
            vantage: pullaudit_core::Vantage::default(),
            federation: issuer.map(|url| url.strip_prefix("https://").unwrap_or(url).to_owned()),
        });
    }
}

/// What keeps it from being known whether a Fargate profile takes the pods that it selects.
fn in_between(name: &str, status: Option<&str>) -> Option<Open> {
    let status = status.filter(|status| *status != "ACTIVE")?;
    Some(Open::undecidable(format!("which pods Fargate profile {name} takes while it is {status}; read again")))
}

pub(super) fn role(arn: &str, kind: PrincipalKind) -> Read<Principal> {
    match principal_of(arn, kind) {
        Some(principal) => Read::Got(principal),
        None => {
            Read::Unread(Open::undecidable(format!("which role pulls: EKS names `{arn}`, which is no role's ARN")))
        }
    }
}

pub(super) fn label(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

/// Labels that EKS puts on nodes that it manages: a pod that asks for one never lands on others.
pub(super) fn unmanaged() -> BTreeSet<String> {
    [NODE_GROUP, COMPUTE_TYPE].map(str::to_owned).into()
}
