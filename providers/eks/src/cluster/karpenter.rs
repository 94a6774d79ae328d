//! What Karpenter and Auto Mode are told to make, as the cluster's own API shows it: pools, the classes that name the
//! role of their nodes, and the claims of the nodes that live.
//!
//! Source: aws/karpenter-provider-aws, `pkg/apis/v1`; EKS user guide, "Create a Node Class" and "Create a Node Pool".

use super::nodes::{COMPUTE_TYPE, HOSTNAME, KARPENTER_POOL, carries, nodes};
use super::pools::{Listing, label, role};
use super::readings;
use super::roles::same_role;
use crate::facts::cluster_table;
use pullaudit_core::{
    ClusterView, CustomKind, Kept, NodeView, Open, Pool, Principal, PrincipalKind, Read, Shape, Taint,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "/metadata/name";
const CLASS: &str = "/spec/template/spec/nodeClassRef";
const LABELS: &str = "/spec/template/metadata/labels";
const TAINTS: &str = "/spec/template/spec/taints";
const REQUIREMENTS: &str = "/spec/template/spec/requirements";
const ROLE: &str = "/spec/role";
const PROFILE: &str = "/spec/instanceProfile";
const STATUS_PROFILE: &str = "/status/instanceProfile";
const NODE: &str = "/status/nodeName";

/// The annotation of a claim that tells which profile its node was started with, whatever the class says by now.
const STARTED_WITH: &str = "/metadata/annotations/karpenter.k8s.aws~1instance-profile-name";

/// The label of a node that tells the class it was made by, whatever its pool refers to by now.
const MADE_BY: &str = "karpenter.k8s.aws/ec2nodeclass";

/// The group of Auto Mode's classes.
const AUTO_GROUP: &str = "eks.amazonaws.com";

pub(super) const POOLS: CustomKind = CustomKind {
    name: "NodePool",
    group: "karpenter.sh",
    plural: "nodepools",
    keep: &[NAME, CLASS, LABELS, TAINTS, REQUIREMENTS],
};
pub(super) const CLAIMS: CustomKind = CustomKind {
    name: "NodeClaim",
    group: "karpenter.sh",
    plural: "nodeclaims",
    keep: &[NAME, NODE, STARTED_WITH],
};
pub(super) const CLASSES: CustomKind = CustomKind {
    name: "EC2NodeClass",
    group: "karpenter.k8s.aws",
    plural: "ec2nodeclasses",
    keep: &[NAME, ROLE, PROFILE, STATUS_PROFILE],
};
pub(super) const AUTO_CLASSES: CustomKind = CustomKind {
    name: "NodeClass",
    group: AUTO_GROUP,
    plural: "nodeclasses",
    keep: &[NAME, ROLE, STATUS_PROFILE],
};

/// A pool that Karpenter or Auto Mode makes nodes for.
#[derive(Debug)]
pub(super) struct NodePool {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) class: Result<Class, Open>,
    /// Name of the class that it refers to.
    class_name: String,
}

/// What the class of a pool says of its nodes' identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Whom new nodes pull as.
    pub(super) source: Source,
    /// The profile that new nodes are started with, where the class tells.
    pub(super) profile: Option<String>,
}

/// How a class names a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By its name.
    Role(String),
    /// By the profile that holds it.
    Profile(String),
}

/// The instance profiles whose role must be known to tell who pulls: those that classes name in a role's place, and
/// those that living nodes were started with and classes no longer name.
pub fn profiles(view: &Read<ClusterView>) -> BTreeSet<String> {
    let Some(pools) = pools(view).ok().flatten() else { return BTreeSet::new() };
    let made_by = nodes(view).iter().filter_map(|node| node.labels.get(MADE_BY)).collect::<BTreeSet<_>>();
    let former = made_by.into_iter().filter_map(|name| made_by_class("", name, view).ok());
    let started_with = started_with(view).unwrap_or_default();
    // What one class gives now may be what a node of another pool was started with.
    let of_pool = |node: &NodeView| {
        let name = node.labels.get(KARPENTER_POOL)?;
        pools.iter().find(|pool| pool.name == *name)?.class.as_ref().ok()?.profile.as_ref()
    };
    let other =
        |node: &&NodeView| started_with.get(&node.name).is_some_and(|profile| of_pool(node) != Some(profile));
    let former_profiles: Vec<String> =
        nodes(view).iter().filter(other).filter_map(|node| started_with.get(&node.name).cloned()).collect();
    let classes = pools.into_iter().filter_map(|pool| pool.class.ok());
    let named = classes.chain(former).filter_map(|class| match class.source {
        Source::Profile(profile) => Some(profile),
        Source::Role(_) => None,
    });
    named.chain(former_profiles).collect()
}

/// True for a pool of Karpenter or of Auto Mode.
pub(super) fn is_pool(pool: &Pool) -> bool {
    pool.node_labels.contains_key(KARPENTER_POOL)
}

/// The pools, by name; `None` where the cluster has none of the kind, and the reason where they could not be listed.
pub(super) fn pools(view: &Read<ClusterView>) -> Result<Option<Vec<NodePool>>, Open> {
    let objects = match of_kind(view, &POOLS) {
        Some(Read::Got(objects)) => objects,
        Some(Read::Unread(open)) => return Err(open.clone()),
        Some(Read::Absent) | None => return Ok(None),
    };
    let mut pools: Vec<NodePool> = objects.iter().filter_map(|object| pool(object, view)).collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(pools))
}

/// Node to the profile that it was started with, where its claim tells; or why no claim could be read.
pub(super) fn started_with(view: &Read<ClusterView>) -> Result<BTreeMap<String, String>, Open> {
    let claims = match of_kind(view, &CLAIMS) {
        Some(Read::Got(claims)) => claims.as_slice(),
        Some(Read::Unread(open)) => return Err(open.clone()),
        Some(Read::Absent) | None => &[],
    };
    Ok(claims.iter().filter_map(|claim| Some((text(claim, NODE)?, text(claim, STARTED_WITH)?))).collect())
}

fn of_kind<'a>(view: &'a Read<ClusterView>, kind: &CustomKind) -> Option<&'a Read<Vec<Kept>>> {
    view.got()?.objects.get(&kind.key())
}

fn text(object: &Kept, pointer: &str) -> Option<String> {
    let text = object.get(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn pool(object: &Kept, view: &Read<ClusterView>) -> Option<NodePool> {
    let name = text(object, NAME)?;
    let reference = object.get(CLASS).cloned().unwrap_or_default();
    let class = class(&name, &reference, view);
    let class_name = reference["name"].as_str().unwrap_or_default().to_owned();
    let mut shape = Shape { taints: taints(object), ..Shape::default() };
    for (label, values) in requirements(object) {
        match (label.as_str(), values.as_slice()) {
            ("kubernetes.io/os", [only]) => shape.os = Some(only.clone()),
            ("kubernetes.io/arch", _) => shape.arch.extend(values.iter().cloned()),
            _ => {}
        }
        shape.labels.entry(label).or_default().extend(values);
    }
    if let Some(Value::Object(labels)) = object.get(LABELS) {
        for (label, value) in labels.iter().filter_map(|(label, value)| Some((label, value.as_str()?))) {
            shape.labels.entry(label.clone()).or_default().insert(value.to_owned());
        }
    }
    if reference["group"] == AUTO_GROUP {
        shape.labels.entry(COMPUTE_TYPE.to_owned()).or_default().insert("auto".to_owned());
    }
    shape.labels.entry(KARPENTER_POOL.to_owned()).or_default().insert(name.clone());
    Some(NodePool { name, shape, class, class_name })
}

/// The class of Karpenter's own that a node of the pool says it was made by.
fn made_by_class(pool: &str, name: &str, view: &Read<ClusterView>) -> Result<Class, Open> {
    class(pool, &json!({ "group": CLASSES.group, "kind": CLASSES.name, "name": name }), view)
}

/// The class that a pool refers to.
fn class(pool: &str, reference: &Value, view: &Read<ClusterView>) -> Result<Class, Open> {
    let part = |name: &str| reference[name].as_str().unwrap_or_default();
    let (group, kind, name) = (part("group"), part("kind"), part("name"));
    let known = [&CLASSES, &AUTO_CLASSES].into_iter().find(|known| known.group == group && known.name == kind);
    let Some(known) = known else {
        return Err(Open::undecidable(format!(
            "which role the nodes of NodePool {pool} get: its class is {group}/{kind} {name}, a kind that pullaudit does \
             not know"
        )));
    };
    let objects = match of_kind(view, known) {
        Some(Read::Got(objects)) => objects.as_slice(),
        Some(Read::Unread(open)) => return Err(open.clone()),
        Some(Read::Absent) | None => &[],
    };
    let Some(class) = objects.iter().find(|class| text(class, NAME).as_deref() == Some(name)) else {
        return Err(Open::undecidable(format!(
            "which role the nodes of NodePool {pool} get: its {kind} {name} does not exist"
        )));
    };
    let profile = text(class, STATUS_PROFILE).or_else(|| text(class, PROFILE));
    match (text(class, ROLE), text(class, PROFILE)) {
        (Some(role), _) => Ok(Class { source: Source::Role(role), profile }),
        (None, Some(named)) => Ok(Class { source: Source::Profile(named), profile }),
        (None, None) => Err(Open::undecidable(format!(
            "which role the nodes of NodePool {pool} get: its {kind} {name} names neither a role nor an instance profile"
        ))),
    }
}

fn taints(object: &Kept) -> Vec<Taint> {
    let list = object.get(TAINTS).and_then(Value::as_array);
    let taint = |taint: &Value| {
        let part = |name: &str| taint[name].as_str().unwrap_or_default().to_owned();
        Taint { key: part("key"), value: part("value"), effect: part("effect") }
    };
    list.into_iter().flatten().map(taint).collect()
}

/// Labels that a pod may ask for, with the list of their values; none where they may be anything.
fn requirements(object: &Kept) -> Vec<(String, Vec<String>)> {
    let list = object.get(REQUIREMENTS).and_then(Value::as_array);
    let one = |requirement: &Value| {
        let values =
            requirement["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let key = requirement["key"].as_str()?.to_owned();
        match requirement["operator"].as_str()? {
            "In" => Some((key, values.collect())),
            "DoesNotExist" => None,
            _ => Some((key, Vec::new())),
        }
    };
    list.into_iter().flatten().filter_map(one).collect()
}

impl Listing<'_> {
    /// A pool of Karpenter or of Auto Mode. A node keeps the profile that it was started with, so one whose class has
    /// another by now stands apart.
    pub(super) fn add_karpenter(
        &mut self,
        pool: NodePool,
        started_with: &Result<BTreeMap<String, String>, Open>,
        view: &Read<ClusterView>,
    ) {
        let labels = label(KARPENTER_POOL, &pool.name);
        if self.pools.iter().any(|known| known.node_labels == labels) {
            return;
        }
        let former = |node: &&NodeView| {
            let host = node.labels.get(HOSTNAME)?;
            let (what, identity) = self.former(node, &pool, started_with.as_ref().ok()?, view)?;
            Some((format!("karpenter/{} (node {}, former {what})", pool.name, node.name), host.clone(), identity))
        };
        let of_pool = self.nodes.iter().copied().filter(|node| carries(node, &labels));
        for (name, host, identity) in of_pool.filter_map(|node| former(&node)).collect::<Vec<_>>() {
            let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone()));
            let labels = labels.chain([(HOSTNAME.to_owned(), host)]).collect();
            self.add(name, identity, pool.shape.clone(), labels);
        }
        let lives = self.nodes.iter().any(|node| carries(node, &labels));
        let identity = match (&pool.class, started_with) {
            // The nodes that live may have been started with any profile.
            (Ok(_), Err(open)) if lives => Read::Unread(open.clone()),
            (class, _) => self.of_class(class),
        };
        let name = format!("karpenter/{}", pool.name);
        self.add(name, identity, pool.shape, labels);
    }

    /// What a node of the pool has by now that the pool's class no longer gives, and who pulls there.
    fn former(
        &self,
        node: &NodeView,
        pool: &NodePool,
        started_with: &BTreeMap<String, String>,
        view: &Read<ClusterView>,
    ) -> Option<(&'static str, Read<Principal>)> {
        let current = pool.class.as_ref().ok()?.profile.as_ref();
        if let (Some(profile), Some(current)) = (started_with.get(&node.name), current) {
            return (profile != current).then(|| ("profile", self.of_profile(profile)));
        }
        let made_by = node.labels.get(MADE_BY).filter(|class| **class != pool.class_name)?;
        Some(("class", self.of_class(&made_by_class(&pool.name, made_by, view))))
    }

    fn of_class(&self, class: &Result<Class, Open>) -> Read<Principal> {
        match class {
            Ok(Class { source: Source::Role(role), .. }) => self.role_named(role),
            Ok(Class { source: Source::Profile(profile), .. }) => self.of_profile(profile),
            Err(open) => Read::Unread(open.clone()),
        }
    }

    /// Classes name a role of the cluster's own account by its name; an access entry tells its path as well.
    fn role_named(&self, name: &str) -> Read<Principal> {
        if name.starts_with("arn:") {
            return role(name, PrincipalKind::NodeRole);
        }
        let partition = self.found.cluster.id.0.split(':').nth(1).unwrap_or("aws");
        let bare = format!("arn:{partition}:iam::{}:role/{name}", self.found.cluster.scope);
        let mut joiners = self.joiners.roles.iter();
        let whole = joiners.find(|joiner| same_role(&joiner.arn, &bare));
        role(whole.map_or(bare.as_str(), |joiner| joiner.arn.as_str()), PrincipalKind::NodeRole)
    }

    /// The role in an instance profile; nobody where it holds none.
    pub(super) fn of_profile(&self, profile: &str) -> Read<Principal> {
        let table = cluster_table::INSTANCE_PROFILES;
        match readings::one::<String>(self.found, table, profile, "iam:GetInstanceProfile") {
            Read::Got(arn) => role(&arn, PrincipalKind::NodeRole),
            Read::Absent => Read::Absent,
            Read::Unread(open) => Read::Unread(open),
        }
    }
}
