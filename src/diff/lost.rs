//! Evidence that allowed pulls before and no longer does.

use super::pairs::Pair;
use super::{Rotation, Standing};
use crate::report::{Because, Check, VerdictWord};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Evidence that allowed pulls before and no longer does.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LostGrant {
    /// Where it stands or stood: `role assignment …`, `repository policy of …, statement 1`.
    pub source: String,
    /// What it gave.
    pub detail: String,
    /// Why it no longer does.
    pub how: Loss,
    /// `HOST/REPOSITORY` of what it let pull.
    pub repositories: BTreeSet<String>,
}

/// Why evidence no longer allows a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// It is about an identity that no longer pulls there.
    IdentityReplaced,
    /// It was about a credential that is no longer tried there: a pull secret, a service account's role.
    NotTried,
    /// The same identity pulls, and it does not say so any more.
    Gone,
}

/// What allowed each check that is denied now, and does not hold for it any more. Where no answer is known now,
/// nothing is known to be lost.
pub(super) fn lost(pairs: &[Pair<'_>], rotations: &[Rotation], standing: &[BTreeSet<Standing>]) -> Vec<LostGrant> {
    let mut found: BTreeMap<(String, String, Loss), BTreeSet<String>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.new.verdict == VerdictWord::Denied && pair.new.exception.is_none())
    {
        let holds = |because: &Because| {
            let fact = (because.source.clone(), because.detail.clone());
            standing.get(pair.index).is_some_and(|facts| facts.contains(&fact))
        };
        for old in pair.old.iter().filter(|old| old.verdict == VerdictWord::Allowed) {
            let how = loss(old, pair.new, rotations);
            for because in old.because.iter().filter(|one| one.effect == "allow" && !holds(one)) {
                let key = (because.source.clone(), because.detail.clone(), how);
                found.entry(key).or_default().insert(repository(old));
            }
        }
    }
    let grant = |((source, detail, how), repositories)| LostGrant { source, detail, how, repositories };
    found.into_iter().map(grant).collect()
}

/// Told by the identity that the evidence was about, not by what else happened in the pool.
fn loss(old: &Check, new: &Check, rotations: &[Rotation]) -> Loss {
    let Some(identity) = &old.identity else { return Loss::Gone };
    let replaced = rotations.iter().any(|rotation| {
        rotation.old.identity.id == identity.id
            && Some(&rotation.cluster) == new.cluster.as_ref()
            && new.pool.as_ref().is_some_and(|pool| rotation.pools.contains(pool))
    });
    let tried = || {
        let attempts = new.attempts.iter().filter_map(|attempt| attempt.identity.as_ref());
        attempts.chain(&new.identity).any(|tried| tried.id == identity.id)
    };
    match () {
        () if replaced => Loss::IdentityReplaced,
        () if tried() => Loss::Gone,
        () => Loss::NotTried,
    }
}

fn repository(check: &Check) -> String {
    match (&check.registry, &check.repository) {
        (Some(registry), Some(repository)) => format!("{registry}/{repository}"),
        _ => check.image.clone(),
    }
}
