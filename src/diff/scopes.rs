//! Clusters and pools that came or went.

use crate::report::{ClusterReport, Report};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A cluster, or a pool of one that both have, which came or went.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Scope {
    /// Full id.
    pub cluster: String,
    /// `None` where the whole cluster came or went.
    pub pool: Option<String>,
    /// Which of the two has it.
    pub presence: Presence,
}

/// Which of the two has a cluster or a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// The old one only.
    Gone,
    /// The new one only.
    New,
    /// The old one has it, and the new one could not read everything where it would be.
    Unread,
}

/// Clusters and pools that one of the two does not have.
pub(super) fn scopes(old: &Report, new: &Report) -> Vec<Scope> {
    let (then, now) = (pools(old), pools(new));
    let mut scopes = BTreeSet::new();
    for cluster in &old.clusters {
        match now.get(cluster.id.as_str()) {
            None if may_be_unread(old, new, cluster) => scopes.insert(scope(cluster, None, Presence::Unread)),
            None => scopes.insert(scope(cluster, None, Presence::Gone)),
            Some(pools) => {
                let unread = new.unread().any(|gap| gap.scope == cluster.id);
                let presence = if unread { Presence::Unread } else { Presence::Gone };
                scopes.extend(missing(cluster, pools).map(|pool| scope(cluster, Some(pool), presence)));
                false
            }
        };
    }
    for cluster in &new.clusters {
        match then.get(cluster.id.as_str()) {
            None => {
                scopes.insert(scope(cluster, None, Presence::New));
            }
            Some(pools) => {
                scopes.extend(missing(cluster, pools).map(|pool| scope(cluster, Some(pool), Presence::New)));
            }
        }
    }
    scopes.into_iter().collect()
}

fn pools(report: &Report) -> BTreeMap<&str, BTreeSet<&str>> {
    report.clusters.iter().map(|cluster| (cluster.id.as_str(), names(cluster).collect())).collect()
}

fn names(cluster: &ClusterReport) -> impl Iterator<Item = &str> {
    cluster.pools.iter().map(|pool| pool.name.as_str())
}

fn missing<'a>(cluster: &'a ClusterReport, others: &BTreeSet<&str>) -> impl Iterator<Item = &'a str> {
    names(cluster).filter(|pool| !others.contains(pool))
}

fn scope(cluster: &ClusterReport, pool: Option<&str>, presence: Presence) -> Scope {
    Scope { cluster: cluster.id.clone(), pool: pool.map(str::to_owned), presence }
}

/// Whether a cluster that the new report does not have may be there all the same: that report could not read all
/// clusters. What it lacks of a cluster that it does have says nothing of others, nor what it lacks of the whole of
/// another cloud, as far as the two reports name the clouds.
fn may_be_unread(old: &Report, new: &Report, cluster: &ClusterReport) -> bool {
    let all = || old.clusters.iter().chain(&new.clusters);
    let elsewhere = |scope: &str| {
        all().any(|one| one.provider == scope && scope != cluster.provider)
            || new.clusters.iter().any(|known| known.id == scope)
    };
    new.unread().any(|gap| !elsewhere(&gap.scope))
}
