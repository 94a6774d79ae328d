//! The way of the data, on one screen: a snapshot (gathered, or from files) is asked, judged and
//! reported. What is live, saved and replayed goes through here alike.

use crate::assess::{self, Judged, Judging, Opened};
use crate::clouds::Clouds;
use crate::config::Config;
use crate::fix_line::FixLine;
use crate::incidents::Repairs;
use crate::questions::{self, Asking, Subject};
use crate::report::{
    Check, ClusterReport, PoolReport, Report, SCHEMA, SearchedReport, SkippedReport, Summary, Tool, VerdictWord,
};
use crate::{incidents, incomplete, notices, remediate};
use anyhow::Result;
use jiff::Timestamp;
use pullaudit_core::{Conflict, Credential, Snapshot, Verdict};
use std::collections::BTreeSet;

/// A report, and what it was judged from.
pub struct Judgement {
    /// Its checks stand at the index of what asked for them.
    pub report: Report,
    /// What was asked.
    pub asking: Asking,
    /// What answered.
    pub opened: Opened,
    /// The verdict of each pull, at its index.
    pub judged: Vec<Judged>,
}

/// Judges a snapshot. `line` says how a repair selects what the run selected.
pub fn report(
    snapshot: &Snapshot,
    conflicts: &[Conflict],
    clouds: &Clouds,
    config: &Config,
    judging: Judging,
    line: &FixLine,
) -> Result<Report> {
    Ok(judge(snapshot, conflicts, clouds, config, judging, line)?.report)
}

/// The same, with what it was judged from.
pub fn judge(
    snapshot: &Snapshot,
    conflicts: &[Conflict],
    clouds: &Clouds,
    config: &Config,
    judging: Judging,
    line: &FixLine,
) -> Result<Judgement> {
    let asking = questions::ask(snapshot, clouds);
    let opened = Opened::new(snapshot, clouds)?;
    let judged = assess::judge_pulls(&asking, &opened, clouds, judging);
    let mut checks = assess::checks(snapshot, &asking, &judged, clouds);

    let mut notices = config.exceptions.apply(&mut checks, snapshot, judging.at);
    notices.extend(notices::all(snapshot, conflicts, clouds, &asking, &opened, judging.at));
    notices.sort();

    let mut summary = summary(snapshot, &asking, &checks);
    let excepted = excepted(&asking, &checks);
    let count = |is: fn(&Verdict) -> bool| {
        judged.iter().enumerate().filter(|(pull, one)| is(&one.verdict) && !excepted.contains(pull)).count()
    };
    summary.questions_denied = count(|verdict| matches!(verdict, Verdict::Denied { .. }));
    summary.questions_unknown = count(|verdict| matches!(verdict, Verdict::Unknown { .. }));
    summary.questions_excepted = excepted.len();
    let repairable = remediate::repairable(snapshot, clouds, (&asking, &opened), (&judged, &checks), judging);
    let incomplete_because = incomplete::because(snapshot, &asking, &checks);
    let report = Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "pullaudit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        generated_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        complete: incomplete_because.is_empty(),
        incomplete_because,
        facts_at: snapshot.taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        searched: searched(snapshot),
        summary,
        clusters: clusters(snapshot),
        incidents: incidents::incidents(&checks, &Repairs { snapshot, repairable: &repairable, line }),
        unsettled: incidents::unsettled(&checks),
        checks,
        skipped: skipped(&asking),
        notices,
    };
    Ok(Judgement { report, asking, opened, judged })
}

/// The questions of which an exception covers every check.
fn excepted(asking: &Asking, checks: &[Check]) -> BTreeSet<usize> {
    let (mut covered, mut counting) = (BTreeSet::new(), BTreeSet::new());
    for (asked, check) in asking.asked.iter().zip(checks) {
        if let Subject::Pull(pull) = asked.subject {
            let side = if check.exception.is_some() { &mut covered } else { &mut counting };
            side.insert(pull);
        }
    }
    &covered - &counting
}

fn summary(snapshot: &Snapshot, asking: &Asking, checks: &[Check]) -> Summary {
    let count = |verdict: VerdictWord| checks.iter().filter(|check| check.verdict == verdict).count();
    Summary {
        allowed: count(VerdictWord::Allowed),
        denied: count(VerdictWord::Denied),
        unknown: count(VerdictWord::Unknown),
        foreign: checks.iter().filter(|check| check.code == "foreign-registry").count(),
        excepted: checks.iter().filter(|check| check.exception.is_some()).count(),
        workloads: snapshot.workloads.len(),
        images: asking.images,
        clusters: snapshot.clusters.len(),
        pools: snapshot.clusters.iter().map(|record| record.pools.len()).sum(),
        questions: asking.pulls.len(),
        questions_denied: 0,
        questions_unknown: 0,
        questions_excepted: 0,
        api_calls: snapshot.calls.iter().map(|(service, count)| (service.clone(), count.operations)).collect(),
    }
}

fn clusters(snapshot: &Snapshot) -> Vec<ClusterReport> {
    snapshot
        .clusters
        .iter()
        .map(|record| ClusterReport {
            id: record.cluster.id.0.clone(),
            provider: record.cluster.provider.clone(),
            name: record.cluster.name.clone(),
            location: record.cluster.location.clone(),
            scope: record.cluster.scope.clone(),
            reachable: record.reachable,
            context: record.context.clone(),
            pools: record
                .pools
                .iter()
                .map(|pool| PoolReport {
                    name: pool.name.clone(),
                    identity: pool
                        .identity
                        .got()
                        .and_then(|principal| assess::identity(&Credential::Principal(principal.clone()))),
                })
                .collect(),
        })
        .collect()
}

fn searched(snapshot: &Snapshot) -> Vec<SearchedReport> {
    let searched = snapshot.searched.iter().map(|one| SearchedReport {
        provider: one.provider.clone(),
        scope: one.scope.clone(),
        regions: one.regions.iter().cloned().collect(),
        contexts: one.contexts.iter().cloned().collect(),
    });
    searched.collect()
}

fn skipped(asking: &Asking) -> Vec<SkippedReport> {
    let skipped = asking.unowned.iter().map(|(registry, images)| SkippedReport {
        registry: registry.clone(),
        images: images.len(),
        why: "no configured cloud owns this registry".to_owned(),
    });
    skipped.collect()
}
