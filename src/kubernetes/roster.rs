//! From objects as they come in, page by page, to workloads, each once and under its top owner.

use super::entry::{Entry, Seen};
use super::fit;
use super::selector::LabelSelector;
use super::slim::{Meta, Object, OwnerRef, Pod, PodTemplate};
use super::template::{self, Accounts};
use pullaudit_core::{ClusterId, NodeView, Open, Pool, Read, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one cluster's workloads so far.
///
/// Objects may come in any order but for one rule: service accounts, owners and templates before pods.
/// Adding an object twice changes nothing, so a list may start again.
#[derive(Debug)]
pub struct Roster<'a> {
    cluster: &'a ClusterId,
    pools: &'a [Pool],
    nodes: BTreeMap<&'a str, &'a str>,
    nodes_unread: Option<&'a Open>,
    accounts: Accounts,
    owners: BTreeMap<Key, Option<Key>>,
    entries: BTreeMap<Key, Entry>,
    selector: Option<LabelSelector>,
    listed: BTreeSet<&'static str>,
}

/// Namespace, kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Static pods are named without their node, so that one may share the name of another pod.
    pub(crate) static_pod: bool,
}

impl Key {
    fn of(namespace: &str, kind: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), kind: kind.to_owned(), name: name.to_owned(), static_pod: false }
    }

    fn of_owner(namespace: &str, owner: &OwnerRef) -> Self {
        Self::of(namespace, &owner.kind, &owner.name)
    }
}

/// Kinds of the API server's own groups that stand between a pod and its top owner.
pub(crate) fn is_between(owner: &OwnerRef) -> bool {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    matches!(
        (owner.kind.as_str(), group),
        ("ReplicaSet", "apps" | "extensions") | ("Job", "batch") | ("ReplicationController", "")
    )
}

impl<'a> Roster<'a> {
    /// An empty roster. `nodes` tell on which pool a pod runs; with a `selector` only workloads whose own
    /// labels it matches are taken.
    pub fn new(
        cluster: &'a ClusterId,
        pools: &'a [Pool],
        nodes: &'a Read<Vec<NodeView>>,
        selector: Option<LabelSelector>,
    ) -> Self {
        let pool_of = |node: &'a NodeView| Some((node.name.as_str(), fit::pool_of(node, pools)?.name.as_str()));
        Self {
            cluster,
            pools,
            nodes: nodes.got().into_iter().flatten().filter_map(pool_of).collect(),
            nodes_unread: nodes.open(),
            accounts: Accounts::default(),
            owners: BTreeMap::new(),
            entries: BTreeMap::new(),
            selector,
            listed: BTreeSet::new(),
        }
    }

    /// The service accounts, for what pods inherit.
    pub fn accounts(&mut self) -> &mut Accounts {
        &mut self.accounts
    }

    /// Says that every object of a kind that the selector matches was added. A pod of another one was
    /// then not selected; of a kind that could not be listed, the pods' own labels decide.
    pub fn listed(&mut self, kind: &'static str) {
        self.listed.insert(kind);
    }

    /// Remembers who manages an object between pods and their top owner.
    pub fn add_owner(&mut self, kind: &'static str, meta: &Meta) {
        let up = meta.controller().map(|owner| Key::of_owner(&meta.namespace, owner));
        self.owners.insert(Key::of(&meta.namespace, kind, &meta.name), up);
    }

    /// Adds an object that holds a template.
    ///
    /// A `ReplicaSet` or `ReplicationController` with an owner is an old or new revision of it, and left to
    /// its pods. A `Job` of a `CronJob` is a copy of its template; one of a custom kind is that kind's only
    /// witness. A job that is finished needs no pull any more.
    pub fn add_object(&mut self, kind: &'static str, object: Object) {
        let between = matches!(kind, "ReplicaSet" | "ReplicationController" | "Job");
        if between {
            self.add_owner(kind, &object.metadata);
        }
        let owner = object.metadata.controller().filter(|_| between);
        let name = match (kind, owner) {
            ("Job", _) if object.finished() => return,
            ("Job", Some(owner)) if owner.kind != "CronJob" => Key::of_owner(&object.metadata.namespace, owner),
            (_, Some(_)) => return,
            (_, None) => Key::of(&object.metadata.namespace, kind, &object.metadata.name),
        };
        if self.selector.as_ref().is_some_and(|selector| !selector.matches(&object.metadata.labels)) {
            return;
        }
        if let Some(template) = object.into_template() {
            self.entries.entry(name).or_default().add_template(template);
        }
    }

    /// Adds a pod to the workload at the top of its owners.
    pub fn add_pod(&mut self, pod: &Pod) {
        let name = self.top(pod);
        if !self.entries.contains_key(&name) && self.listed.contains(name.kind.as_str()) {
            // Without a selector this is an object made after its kind was listed.
            if self.selector.is_some() {
                return;
            }
        }
        let with_template = self.entries.get(&name).is_some_and(Entry::has_template);
        let selected = self.selector.as_ref().is_none_or(|selector| selector.matches(&pod.metadata.labels));
        if !selected && !with_template {
            return;
        }
        let pool = self.pool_of(pod);
        // What a template says of pools is not asked again of each of its pods.
        let fits = if with_template && pool.is_some() { Vec::new() } else { self.landing(pod) };
        let node = pod.spec.node_name.as_str();
        let unplaced = pool.is_none().then(|| unplaced(node, self.nodes_unread)).flatten();
        self.entries.entry(name).or_default().add_pod(pod, Seen { pool, unplaced, fits });
    }

    /// The workloads, by namespace, kind and name.
    pub fn finish(self) -> Vec<Workload> {
        let Self { cluster, pools, nodes, nodes_unread, accounts, entries, .. } = self;
        let pools_of = |template: &PodTemplate, name: &Key| {
            let node = template.spec.node_name.as_str();
            match nodes.get(node) {
                Some(pool) => (vec![(*pool).to_owned()], None),
                None if name.kind == "DaemonSet" => (fit::daemon_candidates(template, pools), None),
                None => (fit::candidates(template, &name.namespace, pools), unplaced(node, nodes_unread)),
            }
        };
        entries.into_iter().map(|(name, entry)| entry.finish(cluster, name, &accounts, pools_of)).collect()
    }

    fn top(&self, pod: &Pod) -> Key {
        let meta = &pod.metadata;
        let namespace = meta.namespace.as_str();
        if meta.annotations.mirror() {
            let own = pod.metadata.name.as_str();
            let suffix = format!("-{}", pod.spec.node_name);
            let name = own.strip_suffix(&suffix).filter(|name| !name.is_empty()).unwrap_or(own);
            return Key { static_pod: true, ..Key::of(namespace, "Pod", name) };
        }
        let Some(owner) = meta.controller() else { return Key::of(namespace, "Pod", &meta.name) };
        let direct = Key::of_owner(namespace, owner);
        if !is_between(owner) {
            return direct;
        }
        match self.owners.get(&direct) {
            Some(Some(up)) => up.clone(),
            Some(None) => direct,
            None => self.guess(&direct).unwrap_or(direct),
        }
    }

    /// Who manages an object that was made after its kind was listed, or whose kind could not be: its name
    /// is its owner's and a suffix.
    fn guess(&self, direct: &Key) -> Option<Key> {
        let (stem, _) = direct.name.rsplit_once('-')?;
        let kind = match direct.kind.as_str() {
            "ReplicaSet" => "Deployment",
            "Job" => "CronJob",
            _ => return None,
        };
        let up = Key::of(&direct.namespace, kind, stem);
        self.entries.contains_key(&up).then_some(up)
    }

    fn pool_of(&self, pod: &Pod) -> Option<String> {
        if pod.spec.node_name.is_empty() {
            return None;
        }
        // A node that a profile made does not say which one; the pod does.
        let profile = fit::named_profile(&pod.metadata.labels, self.pools);
        profile.or_else(|| self.nodes.get(pod.spec.node_name.as_str()).copied()).map(str::to_owned)
    }

    /// Where a pod like this one can land, whatever node it is on.
    fn landing(&self, pod: &Pod) -> Vec<String> {
        let mut template = PodTemplate { metadata: pod.metadata.clone(), spec: pod.spec.clone() };
        template.spec.node_name.clear();
        fit::candidates(&template, &pod.metadata.namespace, self.pools)
    }
}

/// Why the pool of what has this node is not known; `None` for what has no node.
fn unplaced(node: &str, nodes_unread: Option<&Open>) -> Option<Open> {
    let unknown = || Open::undecidable(format!("which pool the node {node} belongs to"));
    (!node.is_empty()).then(|| nodes_unread.cloned().unwrap_or_else(unknown))
}

/// The names of the pull secrets in a pod's own list.
pub(crate) fn own_secrets(pod: &Pod) -> Vec<String> {
    template::names(&pod.spec.image_pull_secrets)
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
