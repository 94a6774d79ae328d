//! `--cluster ID|NAME|GLOB[/POOL]`.

use anyhow::{Context, Result};
use globset::{Glob, GlobMatcher};
use pullaudit_core::Snapshot;

/// One `--cluster`.
#[derive(Clone, Debug)]
pub struct ClusterPattern {
    whole: GlobMatcher,
    /// Read as `CLUSTER/POOL`; ids hold slashes themselves, so both readings are tried.
    split: Option<(GlobMatcher, GlobMatcher)>,
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
        Ok(Self { whole: glob(text)?, split })
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
