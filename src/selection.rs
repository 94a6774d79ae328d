//! Every selector of a run applied to a snapshot, live or from files, and what of it matched nothing.

use crate::cli::Select;
use crate::kubernetes::access::ContextView;
use crate::patterns::{ClusterPattern, must_match, narrow};
use crate::report::plural;
use crate::scope;
use anyhow::{Result, anyhow};
use pullaudit_core::{Cluster, Searched, Snapshot};
use std::collections::BTreeSet;

/// Least likeness of a name that an error offers in place of one that matches nothing.
const LIKE: f64 = 0.75;

/// Narrows a snapshot to what is selected. A selector that matches nothing is an error, or a warning with `--allow-empty`.
///
/// `contexts` are those of a live run, where the clouds have answered for the scopes already; `None` for facts from files.
pub fn apply(
    snapshot: &mut Snapshot,
    select: &Select,
    contexts: Option<&[ContextView]>,
    patterns: &[ClusterPattern],
) -> Result<()> {
    let before = snapshot.clusters.len();
    clusters(snapshot, select, contexts, patterns)?;
    if patterns.is_empty() || !patterns.iter().all(ClusterPattern::is_optional) {
        complain(none_left(snapshot, select, before), select)?;
    }
    complain(namespaces(snapshot, select), select)
}

/// Narrows a snapshot to the selected clusters and their workloads, of which there may be none.
pub fn clusters(
    snapshot: &mut Snapshot,
    select: &Select,
    contexts: Option<&[ContextView]>,
    patterns: &[ClusterPattern],
) -> Result<()> {
    let whole = (snapshot.clusters.len(), snapshot.workloads.len());
    let before: BTreeSet<String> = snapshot.clusters.iter().map(|record| record.cluster.id.0.clone()).collect();
    let patterns: Vec<ClusterPattern> =
        patterns.iter().map(|pattern| pattern.clone().by_scope(&snapshot.searched)).collect::<Result<_>>()?;
    if contexts.is_none() {
        complain(scopes(snapshot, select), select)?;
    }
    complain(must_match(&patterns, &[&*snapshot]).err(), select)?;
    retain(snapshot, select, contexts.unwrap_or_default());
    narrow(snapshot, &patterns);
    if (snapshot.clusters.len(), snapshot.workloads.len()) != whole {
        // Calls are counted for the whole reading: of a part of it nobody knows.
        snapshot.calls.clear();
        let after: BTreeSet<&str> = snapshot.clusters.iter().map(|record| record.cluster.id.0.as_str()).collect();
        snapshot.gaps.retain(|gap| after.contains(gap.scope.as_str()) || !before.contains(&gap.scope));
    }
    Ok(())
}

/// Ends the run with this error, unless empty is normal.
pub fn complain(unmatched: Option<anyhow::Error>, select: &Select) -> Result<()> {
    match unmatched {
        Some(error) if select.allow_empty => {
            tracing::warn!("{error:#} (--allow-empty)");
            Ok(())
        }
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Whether a cluster is in the scopes that are selected. Names are matched by patterns.
fn covers(cluster: &Cluster, searched: &[Searched], select: &Select, contexts: &[ContextView]) -> bool {
    let meant = scope::meant(select, contexts);
    if !scope::may_mean(&cluster.provider, select, &meant) {
        return false;
    }
    let scopes = scope::within(&cluster.provider, select, contexts);
    let regions = &select.region;
    // The cluster holds the id of its project, which may be named by its number.
    let own = |one: &&Searched| one.provider == cluster.provider && one.scope == cluster.scope;
    let same = |scope: &String| {
        scope.eq_ignore_ascii_case(&cluster.scope)
            || searched.iter().filter(own).any(|one| one.aliases.contains(scope))
    };
    (scopes.is_empty() || scopes.iter().any(same))
        && (regions.is_empty() || !scope::has_regions(&cluster.provider) || regions.contains(&cluster.location))
}

fn retain(snapshot: &mut Snapshot, select: &Select, contexts: &[ContextView]) {
    let before: BTreeSet<_> = snapshot.clusters.iter().map(|record| record.cluster.id.clone()).collect();
    let searched = &snapshot.searched;
    snapshot.clusters.retain(|record| covers(&record.cluster, searched, select, contexts));
    let after: BTreeSet<_> = snapshot.clusters.iter().map(|record| &record.cluster.id).collect();
    // A workload of a cluster that the facts never held is told of elsewhere.
    snapshot
        .workloads
        .retain(|workload| workload.cluster.as_ref().is_none_or(|id| after.contains(id) || !before.contains(id)));
}

/// A cloud or a scope that was named and that the facts do not know.
fn scopes(snapshot: &Snapshot, select: &Select) -> Option<anyhow::Error> {
    let clusters = || snapshot.clusters.iter().map(|record| &record.cluster);
    let searched = || snapshot.searched.iter();
    let gaps = || snapshot.gaps.iter().map(|gap| gap.scope.as_str());
    let providers: BTreeSet<&str> = clusters()
        .map(|cluster| cluster.provider.as_str())
        .chain(searched().map(|one| one.provider.as_str()))
        .chain(gaps())
        .collect();
    let scopes: BTreeSet<&str> = clusters()
        .map(|cluster| cluster.scope.as_str())
        .chain(searched().flat_map(|one| one.aliases.iter().chain([&one.scope])).map(String::as_str))
        .chain(gaps())
        .collect();
    let regions: BTreeSet<&str> = clusters()
        .map(|cluster| cluster.location.as_str())
        .chain(searched().flat_map(|one| one.regions.iter().map(String::as_str)))
        .chain(gaps())
        .collect();
    let lost = |flag: &str, what: &str, named: &[String], known: &BTreeSet<&str>| {
        let lost = named.iter().find(|name| !known.iter().any(|one| one.eq_ignore_ascii_case(name)))?;
        Some(anyhow!("{flag} {lost}: {what}{}", near(lost, known.iter().copied())))
    };
    let in_facts = "no cluster and no search of it is in these facts";
    lost("--provider", in_facts, &select.provider, &providers)
        .or_else(|| lost("--subscription", in_facts, &select.subscription, &scopes))
        .or_else(|| lost("--account", in_facts, &select.account, &scopes))
        .or_else(|| lost("--project", in_facts, &select.project, &scopes))
        .or_else(|| lost("--region", in_facts, &select.region, &regions))
}

/// No cluster is left at all: what was looked through, and what could not be.
pub fn none_left(snapshot: &Snapshot, select: &Select, before: usize) -> Option<anyhow::Error> {
    if !snapshot.clusters.is_empty() {
        return None;
    }
    let mut text = "no cluster found".to_owned();
    if before > 0 {
        text = format!("{text}: none of {} is in the selected scopes", plural(before, "cluster"));
    } else if !snapshot.searched.is_empty() {
        let places: Vec<String> = snapshot.searched.iter().map(place).collect();
        text = format!("{text}: searched {}", places.join("; "));
    }
    for gap in &snapshot.gaps {
        text = format!("{text}\n  {}: {} ({})", gap.scope, gap.message, gap.open);
    }
    if select.region.is_empty() && select.subscription.is_empty() && select.project.is_empty() {
        text.push_str("\n  widen the search with --provider, --region, --subscription, --account or --project");
    }
    Some(anyhow!("{text}"))
}

fn place(searched: &pullaudit_core::Searched) -> String {
    let mut text = format!("{} {}", searched.provider, searched.scope).trim().to_owned();
    if !searched.regions.is_empty() {
        let regions: Vec<&str> = searched.regions.iter().map(String::as_str).collect();
        text = format!("{text} ({})", regions.join(", "));
    }
    text
}

/// Keeps the workloads of the selected namespaces. One without a workload is an error where every cluster could be read:
/// elsewhere nobody knows what it holds.
fn namespaces(snapshot: &mut Snapshot, select: &Select) -> Option<anyhow::Error> {
    if select.namespace.is_empty() && select.selector.is_empty() {
        return None;
    }
    let known: BTreeSet<String> = snapshot
        .workloads
        .iter()
        .map(|workload| workload.namespace.clone())
        .filter(|name| !name.is_empty())
        .collect();
    if !select.namespace.is_empty() {
        // An image that was named on the command line has no namespace.
        let wanted = |name: &String| name.is_empty() || select.namespace.contains(name);
        snapshot.workloads.retain(|workload| wanted(&workload.namespace));
    }
    if snapshot.clusters.iter().any(|record| !record.reachable) || !snapshot.gaps.is_empty() {
        return None;
    }
    let lost = select.namespace.iter().find(|name| !known.contains(*name));
    if let Some(lost) = lost {
        let near = near(lost, known.iter().map(String::as_str));
        return Some(anyhow!("-n {lost}: no workload in this namespace{near}"));
    }
    let selector = select.labels().filter(|_| snapshot.workloads.is_empty())?;
    Some(anyhow!("-l {selector}: no workload has these labels"))
}

/// ` (did you mean X?)` for the name that is most like a lost one; empty where none is.
pub fn near<'a>(lost: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let lost = lost.to_ascii_lowercase();
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(&lost, &name.to_ascii_lowercase()), name));
    match scored.filter(|(score, _)| *score >= LIKE).max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, name)) => format!(" (did you mean {name}?)"),
        None => String::new(),
    }
}
