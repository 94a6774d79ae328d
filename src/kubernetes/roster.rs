//! From objects as they come in, page by page, to workloads, each once and under its top owner.

use super::customs::Customs;
use super::entry::{Entry, Seen};
use super::fit;
use super::key::{Key, Named, is_between, stands_between, words};
use super::selector::LabelSelector;
use super::slim::{Meta, Object, Pod, PodTemplate};
use super::template::{self, Accounts};
use pullaudit_core::{ClusterId, NodeView, Open, Pool, Read, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// More owners above each other than anything has.
pub(super) const MOST_OWNERS: usize = 8;

/// What is known of one cluster's workloads so far.
///
/// Objects may come in any order but for one rule: service accounts, owners and templates before pods, and custom objects
/// before those of the API server's own kinds. Adding an object twice changes nothing, so a list may start again.
#[derive(Debug)]
pub struct Roster<'a> {
    cluster: &'a ClusterId,
    pools: &'a [Pool],
    nodes: BTreeMap<&'a str, &'a str>,
    nodes_unread: Option<&'a Open>,
    accounts: Accounts,
    owners: BTreeMap<Key, Option<Key>>,
    pub(super) entries: BTreeMap<Key, Entry>,
    pub(super) selector: Option<LabelSelector>,
    pub(super) listed: BTreeSet<Named>,
    pub(super) customs: Customs,
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
            customs: Customs::default(),
        }
    }

    /// The service accounts, for what pods inherit.
    pub fn accounts(&mut self) -> &mut Accounts {
        &mut self.accounts
    }

    /// Says that every object of a kind that the selector matches was added. A pod of another one was
    /// then not selected; of a kind that could not be listed, the pods' own labels decide.
    pub fn listed(&mut self, kind: &str) {
        self.listed.insert(Named::own(kind));
    }

    /// Remembers who manages an object between pods and their top owner.
    pub fn add_owner(&mut self, kind: &str, meta: &Meta) {
        let up = meta.controller().map(|owner| self.customs.owner(&meta.namespace, owner, true));
        self.owners.insert(Key::of(&meta.namespace, kind, &meta.name), up);
    }

    /// Adds an object that holds a template.
    ///
    /// A `ReplicaSet` or `ReplicationController` with an owner is an old or new revision of it, and left to
    /// its pods. A `Job` of a `CronJob` is a copy of its template; one of a custom kind is that kind's only
    /// witness. A job that is finished needs no pull any more. What a custom object with a template manages is made from
    /// it, and counts to it.
    pub fn add_object(&mut self, kind: &str, object: Object) {
        let between = stands_between(kind);
        if between {
            self.add_owner(kind, &object.metadata);
        }
        let own = Key::of(&object.metadata.namespace, kind, &object.metadata.name);
        let owner = object.metadata.controller().map(|owner| self.customs.owner(&own.namespace, owner, between));
        let name = match (kind, owner) {
            ("Job", _) if object.finished() => return,
            ("Job", Some(owner)) if owner.kind != "CronJob" => self.climb(owner),
            (_, Some(_)) if between => return,
            (_, Some(owner)) => match self.templated_above(&owner) {
                Some(top) => {
                    self.belongs(&own, &top);
                    top
                }
                None => own,
            },
            (_, None) => own,
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
        if !self.entries.contains_key(&name) && self.listed.contains(&name.named()) {
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
        let words = words(entries.keys());
        let finished = entries.into_iter().zip(words);
        finished.map(|((name, entry), kind)| entry.finish(cluster, name, kind, &accounts, pools_of)).collect()
    }

    fn top(&mut self, pod: &Pod) -> Key {
        let meta = &pod.metadata;
        let namespace = meta.namespace.as_str();
        if meta.annotations.mirror() {
            let own = pod.metadata.name.as_str();
            let suffix = format!("-{}", pod.spec.node_name);
            let name = own.strip_suffix(&suffix).filter(|name| !name.is_empty()).unwrap_or(own);
            return Key { static_pod: true, ..Key::of(namespace, "Pod", name) };
        }
        let Some(owner) = meta.controller() else { return Key::of(namespace, "Pod", &meta.name) };
        let direct = self.customs.owner(namespace, owner, true);
        if is_between(owner) && !self.owners.contains_key(&direct) {
            return self.guess(&direct).map_or(direct, |up| self.climb(up));
        }
        self.climb(direct)
    }

    /// The top of what owns an object, from this owner on.
    fn climb(&self, mut owner: Key) -> Key {
        // Owners that own each other end somewhere all the same.
        for _ in 0..MOST_OWNERS {
            match self.owners.get(&owner) {
                Some(Some(up)) => owner = up.clone(),
                Some(None) | None => break,
            }
        }
        self.templated_above(&owner).unwrap_or(owner)
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

    /// Says that an object is part of another one, as its pods are.
    pub(super) fn belongs(&mut self, part: &Key, whole: &Key) {
        self.owners.insert(part.clone(), Some(whole.clone()));
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
