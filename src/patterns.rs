//! `--cluster ID|NAME|GLOB[/POOL]`.

use anyhow::{Context, Result, bail};
use globset::{Glob, GlobMatcher};
use pullaudit_core::{ClusterRecord, Snapshot};
use std::collections::BTreeSet;

/// Names of clusters that an error lists.
const SHOWN: usize = 10;

/// One `--cluster`.
#[derive(Clone, Debug)]
pub struct ClusterPattern {
    text: String,
    whole: GlobMatcher,
    /// Read as `CLUSTER/POOL`; ids hold slashes themselves, so both readings are tried.
    split: Option<(GlobMatcher, GlobMatcher)>,
    /// Where it means nothing, that is no error.
    optional: bool,
}

impl ClusterPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self> {
        let glob = |text: &str| -> Result<GlobMatcher> {
            Ok(Glob::new(text).with_context(|| format!("--cluster {text}: not a pattern"))?.compile_matcher())
        };
        let split = match text.rsplit_once('/') {
            Some((cluster, pool)) if !cluster.is_empty() && !pool.is_empty() => {
                Some((glob(cluster)?, glob(pool)?))
            }
            _ => None,
        };
        Ok(Self { text: text.to_owned(), whole: glob(text)?, split, optional: false })
    }

    /// The same, where nothing need be meant by it.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Whether some pool of this cluster is meant.
    pub fn cluster(&self, id: &str, name: &str) -> bool {
        self.all_pools(id, name) || self.split.as_ref().is_some_and(|(cluster, _)| either(cluster, id, name))
    }

    fn all_pools(&self, id: &str, name: &str) -> bool {
        either(&self.whole, id, name)
    }

    /// Whether this pool of this cluster is meant.
    pub fn pool(&self, id: &str, name: &str, pool: &str) -> bool {
        self.all_pools(id, name)
            || self
                .split
                .as_ref()
                .is_some_and(|(cluster, pools)| either(cluster, id, name) && pools.is_match(pool))
    }
}

fn either(glob: &GlobMatcher, id: &str, name: &str) -> bool {
    glob.is_match(id) || glob.is_match(name)
}

/// An error for a pattern that means no pool of these snapshots: a mistyped name is no clean fleet.
pub fn must_match(patterns: &[ClusterPattern], snapshots: &[&Snapshot]) -> Result<()> {
    let records = || snapshots.iter().flat_map(|snapshot| &snapshot.clusters);
    let means = |pattern: &ClusterPattern, record: &ClusterRecord| {
        let (id, name) = (&record.cluster.id.0, &record.cluster.name);
        pattern.all_pools(id, name) || record.pools.iter().any(|pool| pattern.pool(id, name, &pool.name))
    };
    let Some(lost) = patterns.iter().find(|one| !one.optional && !records().any(|record| means(one, record)))
    else {
        return Ok(());
    };
    let names: BTreeSet<&str> = records().map(|record| record.cluster.name.as_str()).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let names: Vec<&str> = names.into_iter().take(SHOWN).collect();
    let read = if names.is_empty() {
        "no cluster was read".to_owned()
    } else {
        format!("read were {}", names.join(", "))
    };
    let gap = snapshots.iter().flat_map(|snapshot| &snapshot.gaps).next();
    let gap = gap.map(|gap| format!("; {} ({})", gap.message, gap.open)).unwrap_or_default();
    bail!("--cluster {}: no cluster or pool of that name; {read}{more}{gap}", lost.text)
}

/// Keeps what the patterns mean: clusters, their pools, and workloads that can land on those. No
/// pattern keeps everything.
pub fn narrow(snapshot: &mut Snapshot, patterns: &[ClusterPattern]) {
    if patterns.is_empty() {
        return;
    }
    snapshot.clusters.retain(|record| {
        let cluster = &record.cluster;
        patterns.iter().any(|pattern| pattern.cluster(&cluster.id.0, &cluster.name))
    });
    let clusters = &mut snapshot.clusters;
    snapshot.workloads.retain_mut(|workload| {
        let Some(record) = clusters.iter().find(|record| Some(&record.cluster.id) == workload.cluster.as_ref())
        else {
            return false;
        };
        let cluster = &record.cluster;
        let whole = patterns.iter().any(|pattern| pattern.all_pools(&cluster.id.0, &cluster.name));
        if whole {
            return true;
        }
        let meant = |pool: &String| patterns.iter().any(|one| one.pool(&cluster.id.0, &cluster.name, pool));
        workload.next.pools.retain(meant);
        workload.living.iter_mut().for_each(|group| group.pools.retain(meant));
        workload.living.retain(|group| !group.pools.is_empty());
        // A workload that fits no pool at all is no business of one pool's audit.
        !workload.next.pools.is_empty()
    });
    for record in clusters {
        let cluster = &record.cluster;
        record.pools.retain(|pool| patterns.iter().any(|one| one.pool(&cluster.id.0, &cluster.name, &pool.name)));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:eu-central-1:111122223333:cluster/prod";

    #[test]
    fn ids_names_globs_and_pools() {
        let hits = |pattern: &str, pool: &str| ClusterPattern::parse(pattern).unwrap().pool(ARN, "prod", pool);
        assert!(hits(ARN, "any"));
        assert!(hits("prod", "any"));
        assert!(hits("pr*", "any"));
        assert!(hits("prod/general", "general"));
        assert!(!hits("prod/general", "gpu"));
        assert!(hits(&format!("{ARN}/gpu"), "gpu"));
        assert!(!hits("stage", "any"));
    }
}
