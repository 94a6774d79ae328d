//! Which checks of the old report a new one answers for. Their ids do not tell: they hold the identity, and that
//! is what changes. What stays is a workload that needs a repository in a pool.

use crate::report::{Check, WorkloadReport};
use std::collections::{BTreeMap, BTreeSet};

/// A check, and what stood in its place before.
pub(super) struct Pair<'a> {
    /// None where nothing like it was asked; several where the workloads of several are one check now.
    pub(super) old: Vec<&'a Check>,
    pub(super) new: &'a Check,
    /// Of the new check in its report.
    pub(super) index: usize,
}

/// Every new check, in its order. Each finds its own: an old check may stand for several.
pub(super) fn pairs<'a>(old: &'a [Check], new: &'a [Check]) -> Vec<Pair<'a>> {
    let mut places: BTreeMap<Place<'_>, Vec<&'a Check>> = BTreeMap::new();
    for check in old {
        places.entry(place(check)).or_default().push(check);
    }
    let none = Vec::new();
    let partners = |check| former(check, places.get(&place(check)).unwrap_or(&none));
    new.iter().enumerate().map(|(index, new)| Pair { old: partners(new), new, index }).collect()
}

/// Cluster, pool, and the repository; the reference as written where it does not parse. No tag: a release is no
/// other need.
type Place<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str);

fn place(check: &Check) -> Place<'_> {
    let repository = check.repository.as_deref().unwrap_or(&check.image);
    (check.cluster.as_deref(), check.pool.as_deref(), check.registry.as_deref(), repository)
}

/// The checks of the same workloads, whatever they pull with and whichever tag. Else those that try the same kinds
/// of credentials: a workload under a new name.
fn former<'a>(new: &Check, there: &[&'a Check]) -> Vec<&'a Check> {
    let shared: BTreeSet<_> = new.workloads.iter().map(name).collect();
    let same: Vec<&Check> =
        there.iter().copied().filter(|old| old.workloads.iter().any(|one| shared.contains(&name(one)))).collect();
    if same.is_empty() {
        let alike = there.iter().copied().filter(|old| kinds(old) == kinds(new)).collect();
        return closest(alike, |old| old.tag == new.tag && old.digest == new.digest);
    }
    let same = closest(same, |old| old.tag == new.tag && old.digest == new.digest);
    closest(closest(same, |old| kinds(old) == kinds(new)), |old| tried(old) == tried(new))
}

/// Those for which it holds; all where it holds for none.
fn closest(checks: Vec<&Check>, holds: impl Fn(&Check) -> bool) -> Vec<&Check> {
    let close: Vec<_> = checks.iter().copied().filter(|check| holds(check)).collect();
    if close.is_empty() { checks } else { close }
}

fn name(workload: &WorkloadReport) -> (&str, &str, &str) {
    (&workload.namespace, &workload.kind, &workload.name)
}

/// Kind and id of each credential, in the kubelet's order.
fn tried(check: &Check) -> Vec<(&str, &str)> {
    let attempts = check.attempts.iter().map(|attempt| attempt.identity.as_ref());
    let all: Vec<_> = if check.attempts.is_empty() { vec![check.identity.as_ref()] } else { attempts.collect() };
    all.into_iter().map(|one| one.map_or(("", ""), |one| (one.kind.as_str(), one.id.as_str()))).collect()
}

/// The same without the ids of cloud identities: a rotation changes those. A pull secret keeps its name.
fn kinds(check: &Check) -> Vec<(&str, &str)> {
    tried(check).into_iter().map(|(kind, id)| (kind, if kind == "pullSecret" { id } else { "" })).collect()
}
