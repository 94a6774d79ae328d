//! What tells one workload from another.

use super::kinds::is_custom;
use super::slim::OwnerRef;
use std::collections::BTreeMap;

/// Namespace, kind and name, in the order of a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Static pods are named without their node, so that one may share the name of another pod.
    pub(crate) static_pod: bool,
    /// The group of a custom kind; empty for those of the API server.
    pub(crate) group: String,
}

/// A kind by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The group of a custom kind; empty for those of the API server.
    pub group: String,
    /// `Rollout`
    pub kind: String,
}

impl Named {
    pub(crate) fn own(kind: &str) -> Self {
        Self { group: String::new(), kind: kind.to_owned() }
    }
}

impl Key {
    pub(crate) fn of(namespace: &str, kind: &str, name: &str) -> Self {
        let (namespace, kind, name) = (namespace.to_owned(), kind.to_owned(), name.to_owned());
        Self { namespace, kind, name, static_pod: false, group: String::new() }
    }

    pub(crate) fn of_owner(namespace: &str, owner: &OwnerRef) -> Self {
        let group = Some(owner.group()).filter(|group| is_custom(group)).unwrap_or_default().to_owned();
        Self { group, ..Self::of(namespace, &owner.kind, &owner.name) }
    }

    pub(crate) fn named(&self) -> Named {
        Named { group: self.group.clone(), kind: self.kind.clone() }
    }
}

/// Whether objects of one of the API server's own kinds stand between pods and what owns both.
pub(crate) fn stands_between(kind: &str) -> bool {
    matches!(kind, "ReplicaSet" | "ReplicationController" | "Job")
}

/// Kinds of the API server's own groups that stand between a pod and its top owner.
pub(crate) fn is_between(owner: &OwnerRef) -> bool {
    matches!(
        (owner.kind.as_str(), owner.group()),
        ("ReplicaSet", "apps" | "extensions") | ("Job", "batch") | ("ReplicationController", "")
    )
}

/// How the kinds of these workloads are told to people: with their group where the kind alone would be taken for
/// another one.
pub(crate) fn words<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Vec<String> {
    let plain = |key: &'a Key| (key.namespace.as_str(), key.kind.as_str(), key.name.as_str());
    let mut alike: BTreeMap<_, usize> = BTreeMap::new();
    for key in keys.clone().filter(|key| !key.static_pod) {
        *alike.entry(plain(key)).or_default() += 1;
    }
    let of = |key: &'a Key| {
        let taken = OWN.contains(&key.kind.as_str()) || alike.get(&plain(key)).is_some_and(|count| *count > 1);
        if taken && !key.group.is_empty() { format!("{}.{}", key.kind, key.group) } else { key.kind.clone() }
    };
    keys.map(of).collect()
}

/// Kinds of the API server whose names custom kinds have taken.
const OWN: [&str; 9] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];
