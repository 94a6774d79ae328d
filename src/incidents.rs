//! Checks to incidents by cause, unknown checks by what would settle them. Pure.

use crate::fix_line::FixLine;
use crate::report::{Check, Identity, Incident, Needing, State, Unsettled, VerdictWord, WorkloadReport, plural};
use pullaudit_core::{Safety, Severity, Snapshot};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One cause, one identity, one registry, one cluster; what an exception covers is apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cause<'a> {
    code: &'a str,
    cluster: Option<&'a str>,
    identity: Option<&'a Identity>,
    registry: Option<&'a str>,
    exception: Option<&'a str>,
}

/// What `pullaudit fix` can do about checks.
pub struct Repairs<'a> {
    /// Where the checks are from.
    pub snapshot: &'a Snapshot,
    /// Ids of the checks that changes of ours would turn, with the least safety of those.
    pub repairable: &'a BTreeMap<String, Safety>,
    /// How a repair selects what the run selected.
    pub line: &'a FixLine,
}

impl Repairs<'_> {
    /// The command that repairs one of these checks at least; `None` where none does.
    fn command(&self, checks: &[&Check]) -> Option<String> {
        let repairable = checks.iter().filter_map(|check| Some((*check, self.repairable.get(&check.id)?)));
        let repairable: Vec<(&Check, &Safety)> = repairable.collect();
        let id = repairable.first()?.0.cluster.as_deref()?;
        let mut clusters = self.snapshot.clusters.iter().map(|record| &record.cluster);
        let cluster = clusters.find(|cluster| cluster.id.0 == id)?;
        let consent = repairable.iter().any(|(_, safety)| **safety < Safety::Safe);
        Some(self.line.command(self.snapshot, cluster, consent))
    }
}

/// The denied checks by cause, the worst first; excepted ones come last.
pub fn incidents(checks: &[Check], repairs: &Repairs<'_>) -> Vec<Incident> {
    let mut causes: BTreeMap<Cause<'_>, Vec<&Check>> = BTreeMap::new();
    for check in checks.iter().filter(|check| check.verdict == VerdictWord::Denied) {
        let cause = Cause {
            code: &check.code,
            cluster: check.cluster.as_deref(),
            identity: check.identity.as_ref(),
            registry: check.registry.as_deref(),
            exception: check.exception.as_deref(),
        };
        causes.entry(cause).or_default().push(check);
    }
    let mut incidents: Vec<Incident> =
        causes.into_iter().map(|(cause, checks)| incident(&cause, &checks, repairs)).collect();
    let rank = |one: &Incident| (one.exception.is_some(), Reverse(one.severity), Reverse(one.checks.len()));
    incidents.sort_by_key(rank);
    incidents
}

fn incident(cause: &Cause<'_>, checks: &[&Check], repairs: &Repairs<'_>) -> Incident {
    let pools: BTreeSet<&str> = checks.iter().filter_map(|check| check.pool.as_deref()).collect();
    let explain = || format!("pullaudit explain {}", cause.code);
    let command = if cause.exception.is_none() { repairs.command(checks) } else { None };
    Incident {
        code: cause.code.to_owned(),
        severity: checks.iter().map(|check| check.severity).max().unwrap_or(Severity::Info),
        cluster: cause.cluster.map(ToOwned::to_owned),
        pools: pools.into_iter().map(ToOwned::to_owned).collect(),
        identity: cause.identity.cloned(),
        registry: cause.registry.map(ToOwned::to_owned),
        checks: checks.iter().map(|check| check.id.clone()).collect(),
        why: why(cause.code, checks),
        breaks: breaks(checks.iter().flat_map(|check| &check.workloads)),
        fix: command.unwrap_or_else(explain),
        new: None,
        exception: cause.exception.map(ToOwned::to_owned),
    }
}

/// What the evidence that names the cause says, and where it stands.
fn why(code: &str, checks: &[&Check]) -> String {
    let mut details: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for because in checks.iter().flat_map(|check| &check.because).filter(|because| because.code == code) {
        details.entry(&because.detail).or_default().insert(&because.source);
    }
    let more = details.len().saturating_sub(1);
    let Some((detail, sources)) = details.into_iter().next() else { return String::new() };
    let first = sources.first().copied().unwrap_or_default();
    let place = match sources.len() {
        1 => first.to_owned(),
        count => format!("{first} and {} more", count - 1),
    };
    match more {
        0 => format!("{place}: {detail}"),
        more => format!("{place}: {detail} (and {} like it)", plural(more, "fact")),
    }
}

/// A workload as kubectl names it.
pub(crate) fn short(kind: &str, name: &str) -> String {
    let kind = match kind {
        "Deployment" => "deploy",
        "StatefulSet" => "sts",
        "DaemonSet" => "ds",
        "ReplicaSet" => "rs",
        "ReplicationController" => "rc",
        other => return format!("{}/{name}", other.to_lowercase()),
    };
    format!("{kind}/{name}")
}

/// What a refusal breaks, and when.
pub fn breaks<'a>(workloads: impl IntoIterator<Item = &'a WorkloadReport>) -> String {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for workload in workloads {
        let state = states.entry(short(&workload.kind, &workload.name)).or_insert(workload.state);
        *state = (*state).min(workload.state);
    }
    let of = |wanted: State| -> Vec<&str> {
        states.iter().filter(|(_, state)| **state == wanted).map(|(name, _)| name.as_str()).collect()
    };
    let mut parts = Vec::new();
    let mut say = |when: &str, names: Vec<&str>| {
        if !names.is_empty() {
            parts.push(format!("{when} {}", list(&names)));
        }
    };
    say("now:", of(State::Failing));
    say("at the next pull:", of(State::FailsOnNextPull));
    say("at the first pod start there:", of(State::NotRunning));
    if parts.is_empty() { "the images that were asked for".to_owned() } else { parts.join("; ") }
}

fn list(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The unknown checks by the set of readings that would settle them, the most settling first.
pub fn unsettled(checks: &[Check]) -> Vec<Unsettled> {
    let mut groups: BTreeMap<(BTreeSet<String>, &str), Vec<&Check>> = BTreeMap::new();
    for check in checks.iter().filter(|check| check.verdict == VerdictWord::Unknown && check.exception.is_none()) {
        let needs: BTreeSet<String> = check.needing.iter().map(settles).collect();
        groups.entry((needs, &check.code)).or_default().push(check);
    }
    let mut groups: Vec<Unsettled> = groups
        .into_iter()
        .map(|((needs, code), checks)| Unsettled {
            code: code.to_owned(),
            severity: checks.iter().map(|check| check.severity).max().unwrap_or(Severity::Info),
            clusters: checks
                .iter()
                .filter_map(|check| check.cluster.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            needs: needs.into_iter().collect(),
            checks: checks.iter().map(|check| check.id.clone()).collect(),
        })
        .collect();
    groups.sort_by(|a, b| b.checks.len().cmp(&a.checks.len()).then_with(|| a.needs.cmp(&b.needs)));
    groups
}

/// What a person does about a gap, without the subject, so that gaps with one way out are one group.
fn settles(needing: &Needing) -> String {
    match needing {
        Needing::Undecidable { undecidable } => undecidable.clone(),
        Needing::Reading { permission, scope, obstacle, .. } if obstacle == "refused" => {
            format!("grant {permission} in {scope}")
        }
        Needing::Reading { permission, scope, obstacle, .. } if obstacle == "not read" => {
            format!("read it: {permission} in {scope}")
        }
        Needing::Reading { reading, obstacle, .. } if obstacle.starts_with("blocked: ") => {
            format!("{reading}: {}", obstacle.trim_start_matches("blocked: "))
        }
        Needing::Reading { permission, scope, obstacle, .. } => format!("{permission} in {scope} {obstacle}"),
    }
}
