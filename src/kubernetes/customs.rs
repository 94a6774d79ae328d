//! Custom objects that hold a pod template, and what they own.

use super::key::{Key, Named, stands_between};
use super::kinds::is_custom;
use super::roster::{MOST_OWNERS, Roster};
use super::slim::{Meta, Object, OwnerRef};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of custom kinds.
#[derive(Debug, Default)]
pub(super) struct Customs {
    /// Who manages an object of a custom kind.
    owners: BTreeMap<Key, Key>,
    /// Custom kinds that own something.
    seen: BTreeMap<Named, Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The version by which their objects are named.
    version: String,
    /// They own what has no template of its own that stands in the cluster: pods, or what is made from their template.
    alone: bool,
}

impl Customs {
    /// An owner's name; its kind is remembered where it is a custom one. `alone` says that what it owns is witness to
    /// itself only: the template of the next one is the owner's.
    pub(super) fn owner(&mut self, namespace: &str, owner: &OwnerRef, alone: bool) -> Key {
        let key = Key::of_owner(namespace, owner);
        if !key.group.is_empty() {
            let version = || owner.api_version.split_once('/').map_or("", |(_, version)| version).to_owned();
            let seen = self.seen.entry(key.named()).or_insert_with(|| Seen { version: version(), alone: false });
            seen.alone |= alone;
        }
        key
    }
}

impl Roster<'_> {
    /// Custom kinds that own something, each with group, kind and a version that it has.
    pub fn customs_seen(&self) -> Vec<(Named, String)> {
        self.customs.seen.iter().map(|(named, seen)| (named.clone(), seen.version.clone())).collect()
    }

    /// Whether what a custom kind owns is witness to itself only.
    pub fn owns_alone(&self, kind: &Named) -> bool {
        self.customs.seen.get(kind).is_some_and(|seen| seen.alone)
    }

    /// Remembers the kind that owns an object of the API server's own.
    pub fn saw(&mut self, kind: &str, meta: &Meta) {
        if let Some(owner) = meta.controller() {
            self.customs.owner(&meta.namespace, owner, stands_between(kind));
        }
    }

    /// Says that every selected object of a custom kind was added.
    pub fn listed_custom(&mut self, kind: Named) {
        self.listed.insert(kind);
    }

    /// Remembers who manages a custom object that holds no template.
    pub fn add_custom_owner(&mut self, kind: &Named, meta: &Meta) {
        let key = custom(kind, meta);
        if let Some(owner) = meta.controller() {
            let owner = self.customs.owner(&meta.namespace, owner, false);
            self.customs.owners.insert(key, owner);
        }
    }

    /// Adds custom objects, those of all kinds together: one that is made from the template of another one counts to that.
    /// An object that names another workload in place of a template passes its pods on to it.
    pub fn add_customs(&mut self, objects: Vec<(Named, Object)>) {
        for (kind, object) in &objects {
            self.add_custom_owner(kind, &object.metadata);
            if let Some(referred) = &object.spec.workload_ref {
                let up = Key::of(&object.metadata.namespace, &referred.kind, &referred.name);
                self.belongs(&custom(kind, &object.metadata), &up);
            }
        }
        let templated =
            |(kind, object): &(Named, Object)| object.holds_containers().then(|| custom(kind, &object.metadata));
        let templates: BTreeSet<Key> = objects.iter().filter_map(templated).collect();
        for (kind, object) in objects {
            let key = custom(&kind, &object.metadata);
            let copy = self.above(&key).any(|owner| templates.contains(owner));
            let selected = self.selector.as_ref().is_none_or(|selector| selector.matches(&object.metadata.labels));
            if templates.contains(&key)
                && selected
                && !copy
                && let Some(template) = object.into_template()
            {
                self.entries.entry(key).or_default().add_template(template);
            }
        }
    }

    /// The custom object highest above an owner, or the owner itself, that holds a template.
    pub(super) fn templated_above(&self, owner: &Key) -> Option<Key> {
        let holds = |key: &&Key| {
            !key.group.is_empty() && self.entries.get(*key).is_some_and(super::entry::Entry::has_template)
        };
        std::iter::once(owner).chain(self.above(owner)).filter(holds).last().cloned()
    }

    /// What is known to own a custom object, from the nearest on.
    fn above<'a>(&'a self, key: &Key) -> impl Iterator<Item = &'a Key> {
        let up = |key: &Key| self.customs.owners.get(key);
        std::iter::successors(up(key), move |key| up(key)).take(MOST_OWNERS)
    }
}

fn custom(kind: &Named, meta: &Meta) -> Key {
    debug_assert!(is_custom(&kind.group), "{kind:?}");
    Key { group: kind.group.clone(), ..Key::of(&meta.namespace, &kind.kind, &meta.name) }
}

#[cfg(test)]
#[path = "customs_tests.rs"]
mod tests;
