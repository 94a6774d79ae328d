//! `--cluster ID|NAME|GLOB[/POOL]`.

use crate::selection::near;
use anyhow::{Context, Result, bail};
use globset::{Glob, GlobBuilder, GlobMatcher};
use pullaudit_core::{ClusterId, ClusterRecord, Gap, Searched, Snapshot};
use std::collections::BTreeSet;

/// Names of clusters that an error lists.
const SHOWN: usize = 10;

/// One `--cluster`.
#[derive(Clone, Debug)]
pub struct ClusterPattern {
    text: String,
    whole: Names,
    /// Read as `CLUSTER/POOL`; ids hold slashes themselves, so both readings are tried.
    split: Option<(Names, GlobMatcher)>,
    /// Where it means nothing, that is no error.
    optional: bool,
}

/// A glob for ids and names of clusters. Resource Manager compares them without case, the other clouds do not.
#[derive(Clone, Debug)]
struct Names {
    exact: GlobMatcher,
    any_case: GlobMatcher,
}

impl Names {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || format!("--cluster {text}: not a valid glob");
        let any_case = GlobBuilder::new(text).case_insensitive(true).build().with_context(wrong)?;
        Ok(Self {
            exact: Glob::new(text).with_context(wrong)?.compile_matcher(),
            any_case: any_case.compile_matcher(),
        })
    }

    fn either(&self, id: &str, name: &str) -> bool {
        let glob = if is_without_case(id) { &self.any_case } else { &self.exact };
        glob.is_match(id) || glob.is_match(name)
    }
}

/// True for ids of Azure Resource Manager, which writes one id in several cases.
fn is_without_case(id: &str) -> bool {
    id.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions/"))
}

impl ClusterPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self> {
        let pools = |pool: &str| -> Result<GlobMatcher> {
            Ok(Glob::new(pool).with_context(|| format!("--cluster {text}: not a valid glob"))?.compile_matcher())
        };
        let split = match text.rsplit_once('/') {
            Some((cluster, pool)) if !cluster.is_empty() && !pool.is_empty() => {
                Some((Names::parse(cluster)?, pools(pool)?))
            }
            _ => None,
        };
        Ok(Self { text: text.to_owned(), whole: Names::parse(text)?, split, optional: false })
    }

    /// The same, where nothing need be meant by it.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The same for full ids that hold another name of their scope, as a project's number: ids of clusters hold the first.
    pub fn by_scope(self, searched: &[Searched]) -> Result<Self> {
        let parts = self.text.split_once('/').and_then(|(kind, rest)| Some((kind, rest.split_once('/')?)));
        let Some((kind, (scope, rest))) = parts else { return Ok(self) };
        match searched.iter().find(|one| one.aliases.contains(scope)) {
            Some(one) => {
                let optional = self.optional;
                Ok(Self { optional, ..Self::parse(&format!("{kind}/{}/{rest}", one.scope))? })
            }
            None => Ok(self),
        }
    }

    /// True where nothing need be meant by it.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether some pool of this cluster is meant.
    pub fn cluster(&self, id: &str, name: &str) -> bool {
        self.all_pools(id, name) || self.split.as_ref().is_some_and(|(cluster, _)| cluster.either(id, name))
    }

    /// The same pattern for one cluster, which is `called` so: all of it, or the pools that the pattern names. `None`
    /// where it means no pool of it.
    pub fn called(&self, called: &str, id: &str, name: &str) -> Option<String> {
        if self.all_pools(id, name) {
            return Some(called.to_owned());
        }
        let (_, pools) = self.text.rsplit_once('/').filter(|_| self.cluster(id, name))?;
        Some(format!("{called}/{pools}"))
    }

    /// Whether the cluster is meant with all of its pools.
    pub fn all_pools(&self, id: &str, name: &str) -> bool {
        self.whole.either(id, name)
    }

    /// Whether this pool of this cluster is meant.
    pub fn pool(&self, id: &str, name: &str, pool: &str) -> bool {
        self.all_pools(id, name)
            || self.split.as_ref().is_some_and(|(cluster, pools)| cluster.either(id, name) && pools.is_match(pool))
    }
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
    let text = &lost.text;
    let names: BTreeSet<&str> = records().map(|record| record.cluster.name.as_str()).collect();
    let pools = records().filter(|record| lost.cluster(&record.cluster.id.0, &record.cluster.name));
    let pools: BTreeSet<String> = pools
        .flat_map(|record| record.pools.iter().map(|pool| format!("{}/{}", record.cluster.name, pool.name)))
        .collect();
    let ids = records().map(|record| record.cluster.id.0.as_str());
    let known = if pools.is_empty() {
        near(text, names.iter().copied().chain(ids))
    } else {
        near(text, pools.iter().map(String::as_str))
    };
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let names: Vec<&str> = names.into_iter().take(SHOWN).collect();
    let read = match (names.is_empty(), known.is_empty()) {
        (true, _) => "; no cluster was found".to_owned(),
        (false, true) => format!("; clusters found: {}{more}", names.join(", ")),
        (false, false) => String::new(),
    };
    let gaps = snapshots.iter().flat_map(|snapshot| &snapshot.gaps);
    let one = |text, gap: &Gap| format!("{text}\n  {}: {} ({})", gap.scope, gap.message, gap.open);
    let gaps = gaps.fold(String::new(), one);
    bail!("--cluster {text}: no cluster or pool has this name{known}{read}{gaps}")
}

/// Keeps what the patterns mean: clusters, their pools, and workloads that can land on those. No
/// pattern keeps everything.
pub fn narrow(snapshot: &mut Snapshot, patterns: &[ClusterPattern]) {
    if patterns.is_empty() {
        return;
    }
    let before: BTreeSet<ClusterId> = snapshot.clusters.iter().map(|record| record.cluster.id.clone()).collect();
    snapshot.clusters.retain(|record| {
        let cluster = &record.cluster;
        patterns.iter().any(|pattern| pattern.cluster(&cluster.id.0, &cluster.name))
    });
    let clusters = &mut snapshot.clusters;
    snapshot.workloads.retain_mut(|workload| {
        let Some(record) = clusters.iter().find(|record| Some(&record.cluster.id) == workload.cluster.as_ref())
        else {
            // A workload of a meant cluster that the facts never held is told of elsewhere.
            let lost = workload.cluster.as_ref().filter(|id| !before.contains(id));
            return lost.is_some_and(|id| patterns.iter().any(|pattern| pattern.cluster(&id.0, id.short())));
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
        !workload.next.pools.is_empty() || !workload.living.is_empty()
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
    fn azure_ids_and_names_match_in_any_case() {
        let id = "/subscriptions/S/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/Prod";
        let hits = |pattern: &str| ClusterPattern::parse(pattern).unwrap().pool(id, "Prod", "apps");
        assert!(hits(&id.replace("resourcegroups", "resourceGroups")));
        assert!(hits("prod") && hits("PROD/apps") && hits("*/MANAGEDCLUSTERS/pro*"));
        assert!(!ClusterPattern::parse("PROD").unwrap().cluster(ARN, "prod"), "an EKS name has one case");
    }

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
