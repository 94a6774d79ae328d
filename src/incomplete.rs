//! What keeps a report from being complete: readings that are missing, and pulls that were never evaluated.

use crate::assess::{self, Judging, Opened};
use crate::clouds::Clouds;
use crate::questions::{self, Asking};
use crate::report::{Check, Incomplete, Needing, Report, VerdictWord, number, plural};
use anyhow::Result;
use pullaudit_core::{Gap, Mode, Obstacle, Open, Snapshot};
use std::collections::BTreeMap;

/// The reading that is named where no pull was evaluated.
const NOTHING: &str = "pulls";

/// Every reason, each once. A report without a check is never complete.
pub fn because(snapshot: &Snapshot, asking: &Asking, checks: &[Check]) -> Vec<Incomplete> {
    let mut all: Vec<Incomplete> = snapshot.gaps.iter().map(missing).collect();
    all.extend(lost(snapshot, asking));
    all.sort();
    all.dedup();
    all.extend(unknown(checks));
    if checks.is_empty() {
        all.insert(0, nothing(snapshot, asking));
    }
    all
}

/// Readings that an audit of these facts in default mode would lack. Gaps that no reading can close are left out.
pub fn lacking(snapshot: &Snapshot, clouds: &Clouds) -> Result<Vec<Incomplete>> {
    let asking = questions::ask(snapshot, clouds);
    let opened = Opened::new(snapshot, clouds)?;
    let judging = Judging { at: snapshot.taken_at, mode: Mode::Default };
    let judged = assess::judge_pulls(&asking, &opened, clouds, judging);
    let mut checks = assess::checks(snapshot, &asking, &judged, clouds);
    for check in &mut checks {
        check.needing.retain(|needing| matches!(needing, Needing::Reading { .. }));
    }
    Ok(because(snapshot, &asking, &checks))
}

/// Takes an audit that found nothing to check for a complete one, as `--allow-empty` asks. Images that were skipped, and
/// readings that are missing, still count.
pub fn allow_empty(report: &mut Report) {
    let empty = report.checks.is_empty() && report.skipped.is_empty();
    if empty && matches!(report.incomplete_because.as_slice(), [only] if only.reading == NOTHING) {
        report.incomplete_because.clear();
        report.complete = true;
    }
}

/// True for the reason that no pull was evaluated.
pub fn is_nothing(one: &Incomplete) -> bool {
    one.reading == NOTHING
}

/// A reason in one sentence.
pub fn sentence(one: &Incomplete) -> String {
    let scope = if one.scope.is_empty() { String::new() } else { format!("{}: ", one.scope) };
    let reading = if one.message.contains(&one.reading) { String::new() } else { format!(" ({})", one.reading) };
    let needs = match one.permission.as_str() {
        "" => String::new(),
        permission if one.message.contains(permission) => String::new(),
        permission => format!("; missing permission: {permission}"),
    };
    format!("{scope}{}{reading}{needs}", one.message)
}

/// A gap as reports write it. The permission stands there only where one would help.
pub fn missing(gap: &Gap) -> Incomplete {
    let mut message = gap.message.clone();
    let mut add = |why: &str| {
        if !message.contains(why) {
            message = format!("{message}: {why}");
        }
    };
    let (reading, permission) = match &gap.open {
        Open::Undecidable { what } => {
            add(what);
            (what.to_string(), String::new())
        }
        Open::Unread { reading, permission, obstacle, .. } => {
            let permission = match obstacle {
                Obstacle::Refused | Obstacle::NotAsked => permission.to_string(),
                Obstacle::Failed(why) | Obstacle::Blocked(why) => {
                    add(why);
                    String::new()
                }
            };
            (reading.to_string(), permission)
        }
    };
    Incomplete { scope: gap.scope.clone(), reading, permission, message, resolves: None }
}

/// What each unknown check waits for, once.
fn unknown(checks: &[Check]) -> Vec<Incomplete> {
    let mut waiting: BTreeMap<&Needing, usize> = BTreeMap::new();
    let open = checks.iter().filter(|check| check.verdict == VerdictWord::Unknown && check.exception.is_none());
    for needing in open.flat_map(|check| &check.needing) {
        *waiting.entry(needing).or_default() += 1;
    }
    let one = |(needing, count): (&Needing, usize)| {
        let (scope, reading, permission, why) = match needing {
            Needing::Undecidable { undecidable } => {
                (String::new(), undecidable.clone(), String::new(), String::new())
            }
            Needing::Reading { reading, permission, scope, obstacle } => {
                let refused = obstacle == "refused" || obstacle == "not read";
                let permission = if refused { permission.clone() } else { String::new() };
                (scope.clone(), reading.clone(), permission, format!(" ({obstacle})"))
            }
        };
        let is = if count == 1 { "is" } else { "are" };
        let message = format!("{} {is} unknown without it{why}", plural(count, "check"));
        Incomplete { scope, reading, permission, message, resolves: Some(count) }
    };
    waiting.into_iter().map(one).collect()
}

/// Workloads that no check is about since the facts lack their cluster, its cloud or their pool.
fn lost(snapshot: &Snapshot, asking: &Asking) -> Vec<Incomplete> {
    let mut of_place: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (workload, why) in &asking.lost {
        let cluster = snapshot.workloads[*workload].cluster.as_ref().map_or("", |id| id.0.as_str());
        *of_place.entry((cluster, why)).or_default() += 1;
    }
    let one = |((cluster, why), count): ((&str, &str), usize)| Incomplete {
        scope: cluster.to_owned(),
        reading: why.to_owned(),
        permission: String::new(),
        message: format!("{} not checked: {why}", plural(count, "workload")),
        resolves: None,
    };
    of_place.into_iter().map(one).collect()
}

/// Why no pull at all was evaluated.
fn nothing(snapshot: &Snapshot, asking: &Asking) -> Incomplete {
    let skipped: usize = asking.unowned.values().map(std::collections::BTreeSet::len).sum();
    let clusters = || plural(snapshot.clusters.len(), "cluster");
    let why = match (snapshot.clusters.len(), snapshot.workloads.len()) {
        (0, _) => "no cluster is in scope".to_owned(),
        (_, 0) => format!("no workload was found in {}", clusters()),
        _ if skipped > 0 && asking.never_pulled.is_empty() => {
            let is = if skipped == 1 { "is" } else { "are" };
            format!("{} {is} on registries that no configured cloud owns", plural(skipped, "image"))
        }
        _ if skipped == 0 && !asking.never_pulled.is_empty() => {
            "every container has imagePullPolicy Never".to_owned()
        }
        (_, some) => format!("none of {} workloads names an image that can be checked", number(some)),
    };
    Incomplete {
        scope: String::new(),
        reading: NOTHING.to_owned(),
        permission: String::new(),
        message: why,
        resolves: None,
    }
}
