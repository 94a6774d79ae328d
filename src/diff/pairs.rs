//! Which check of one report is which of the other. Their ids do not tell: they hold the identity, and that is
//! what changes.

use crate::report::Check;
use std::collections::BTreeMap;

/// A check in both reports, or in one.
pub(super) struct Pair<'a> {
    pub(super) old: Option<&'a Check>,
    pub(super) new: Option<&'a Check>,
}

/// Cluster, pool, image, and the kinds of credentials that are tried; of pull secrets also their names.
type Key<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Vec<(&'a str, &'a str)>);

fn key(check: &Check) -> Key<'_> {
    let attempts = check.attempts.iter().map(|attempt| match &attempt.identity {
        Some(identity) if identity.kind == "pullSecret" => (identity.kind.as_str(), identity.name.as_str()),
        Some(identity) => (identity.kind.as_str(), ""),
        None => ("", ""),
    });
    (check.cluster.as_deref(), check.pool.as_deref(), &check.image, attempts.collect())
}

/// Every check of both, those of one place in their order.
pub(super) fn pairs<'a>(old: &'a [Check], new: &'a [Check]) -> Vec<Pair<'a>> {
    let mut places: BTreeMap<Key<'a>, (Vec<&'a Check>, Vec<&'a Check>)> = BTreeMap::new();
    for check in old {
        places.entry(key(check)).or_default().0.push(check);
    }
    for check in new {
        places.entry(key(check)).or_default().1.push(check);
    }
    let mut pairs = Vec::new();
    for (old, new) in places.into_values() {
        let count = old.len().max(new.len());
        pairs.extend((0..count).map(|at| Pair { old: old.get(at).copied(), new: new.get(at).copied() }));
    }
    pairs
}
