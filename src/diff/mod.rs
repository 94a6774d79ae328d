//! Two audits of one fleet: which identities were replaced, which grants no longer reach them, which verdicts
//! turned. Pure.

mod pairs;
mod standing;

use crate::report::{Because, Check, Identity, Report, State, Tool, VerdictWord, WorkloadReport};
use pairs::{Pair, pairs};
use serde::Serialize;
pub use standing::{Standing, standing};
use std::collections::{BTreeMap, BTreeSet};

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/diff/1";

/// One of the two: what was judged, and when its facts were read.
#[derive(Debug)]
pub struct Side {
    /// Every check of it.
    pub report: Report,
    /// RFC 3339.
    pub taken_at: String,
    /// Who pulls, by full id of the cluster and name of the pool; pools whose identity is not known are left out.
    pub pullers: BTreeMap<(String, String), Puller>,
    /// What holds for each check, by its id: facts that do not refuse, also where the check is denied.
    pub standing: BTreeMap<String, BTreeSet<Standing>>,
}

/// An identity, and which one of that name it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Puller {
    /// As in a report.
    #[serde(flatten)]
    pub identity: Identity,
    /// The id that it would not keep if it were made anew under its name: a role's `AROA…`; left out where the
    /// id itself changes, or none was read.
    #[serde(rename = "uniqueId", skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
}

impl Puller {
    /// Whether this is certainly another identity than that one. An id that was read on one side only tells nothing.
    fn replaces(&self, former: &Self) -> bool {
        let anew = match (&self.unique_id, &former.unique_id) {
            (Some(now), Some(then)) => now != then,
            _ => false,
        };
        !self.identity.id.eq_ignore_ascii_case(&former.identity.id) || anew
    }
}

/// What changed from one to the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// `pullaudit/diff/1`
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// The earlier one.
    pub old: Taken,
    /// The later one.
    pub new: Taken,
    /// Checks that turned for the worse, and new ones that are denied.
    pub worse: usize,
    /// Checks that turned for the better.
    pub better: usize,
    /// Clusters and pools that one of the two does not have.
    pub scopes: Vec<Scope>,
    /// Identities that were replaced.
    pub identities: Vec<Rotation>,
    /// What let something pull before and does not now.
    pub lost_grants: Vec<LostGrant>,
    /// Verdicts that turned, the worst first.
    pub verdicts: Vec<Turn>,
}

/// One of the two.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// When its facts were read.
    pub taken_at: String,
    /// Whether it has an answer to everything.
    pub complete: bool,
    /// Its clusters.
    pub clusters: usize,
    /// Its checks.
    pub checks: usize,
}

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
}

/// One identity in the place of another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rotation {
    /// Full id of the cluster.
    pub cluster: String,
    /// The pools that pulled as the old one and pull as the new one.
    pub pools: Vec<String>,
    /// Who pulled.
    pub old: Puller,
    /// Who pulls.
    pub new: Puller,
}

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
    /// The same identity pulls, and it does not say so any more.
    Gone,
}

/// Which way a verdict turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To denied, or from allowed to unknown.
    Worse,
    /// From denied, or to allowed.
    Better,
}

/// A verdict that turned.
#[derive(Debug, Serialize)]
pub struct Turn {
    /// Which way.
    pub direction: Direction,
    /// What it was; `None` for a check that the old one does not have.
    pub old: Option<Judged>,
    /// What it is.
    pub new: Judged,
    /// Full id of the cluster.
    pub cluster: Option<String>,
    /// The pool.
    pub pool: Option<String>,
    /// The reference as written.
    pub image: String,
    /// The evidence now.
    pub because: Vec<Because>,
    /// Who needs it.
    pub workloads: Vec<WorkloadReport>,
    /// How its pods fare.
    pub state: State,
    /// Id of the check in the new report.
    pub check: String,
}

/// A verdict of one side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Judged {
    /// The answer.
    pub verdict: VerdictWord,
    /// The finding.
    pub code: String,
    /// The verdict in a sentence.
    pub message: String,
    /// Who decides it.
    pub identity: Option<Identity>,
}

impl Judged {
    fn of(check: &Check) -> Self {
        Self {
            verdict: check.verdict,
            code: check.code.clone(),
            message: check.message.clone(),
            identity: check.identity.clone(),
        }
    }
}

/// Compares them.
pub fn compare(old: &Side, new: &Side) -> Diff {
    let pairs = pairs(&old.report.checks, &new.report.checks);
    let rotations = rotations(old, new);
    let mut verdicts: Vec<Turn> = pairs.iter().filter_map(turn).collect();
    verdicts.sort_by_key(|turn| (turn.direction, turn.new.verdict != VerdictWord::Denied, turn.state));
    let count = |direction: Direction| verdicts.iter().filter(|turn| turn.direction == direction).count();
    Diff {
        schema: SCHEMA.to_owned(),
        tool: new.report.tool.clone(),
        old: taken(old),
        new: taken(new),
        worse: count(Direction::Worse),
        better: count(Direction::Better),
        scopes: scopes(&old.report, &new.report),
        lost_grants: lost(&pairs, &rotations, &new.standing),
        identities: rotations,
        verdicts,
    }
}

fn taken(side: &Side) -> Taken {
    Taken {
        taken_at: side.taken_at.clone(),
        complete: side.report.complete,
        clusters: side.report.clusters.len(),
        checks: side.report.checks.len(),
    }
}

fn scopes(old: &Report, new: &Report) -> Vec<Scope> {
    let pools = |report: &Report| -> BTreeMap<String, BTreeSet<String>> {
        let of = |pools: &[crate::report::PoolReport]| pools.iter().map(|pool| pool.name.clone()).collect();
        report.clusters.iter().map(|cluster| (cluster.id.clone(), of(&cluster.pools))).collect()
    };
    let (old, new) = (pools(old), pools(new));
    let mut scopes = BTreeSet::new();
    for (here, there, presence) in [(&old, &new, Presence::Gone), (&new, &old, Presence::New)] {
        for (cluster, pools) in here {
            let scope = |pool: Option<&String>| Scope { cluster: cluster.clone(), pool: pool.cloned(), presence };
            match there.get(cluster) {
                None => {
                    scopes.insert(scope(None));
                }
                Some(others) => scopes.extend(pools.difference(others).map(|pool| scope(Some(pool)))),
            }
        }
    }
    scopes.into_iter().collect()
}

fn rotations(old: &Side, new: &Side) -> Vec<Rotation> {
    let mut found: BTreeMap<(String, Puller, Puller), Vec<String>> = BTreeMap::new();
    for ((cluster, pool), now) in &new.pullers {
        let former = old.pullers.get(&(cluster.clone(), pool.clone()));
        if let Some(former) = former.filter(|former| now.replaces(former)) {
            found.entry((cluster.clone(), former.clone(), now.clone())).or_default().push(pool.clone());
        }
    }
    found.into_iter().map(|((cluster, old, new), pools)| Rotation { cluster, pools, old, new }).collect()
}

/// How a verdict turned; `None` where it did not, or where an exception covers it.
fn turn(pair: &Pair<'_>) -> Option<Turn> {
    use VerdictWord::{Allowed, Denied, Unknown};
    let check = pair.new?;
    let was = pair.old.map(|old| old.verdict);
    let direction = match (was, check.verdict) {
        (Some(Allowed | Unknown) | None, Denied) | (Some(Allowed), Unknown) => Direction::Worse,
        (Some(Denied), Allowed | Unknown) | (Some(Unknown), Allowed) => Direction::Better,
        _ => return None,
    };
    if check.exception.is_some() {
        return None;
    }
    Some(Turn {
        direction,
        old: pair.old.map(Judged::of),
        new: Judged::of(check),
        cluster: check.cluster.clone(),
        pool: check.pool.clone(),
        image: check.image.clone(),
        because: check.because.clone(),
        workloads: check.workloads.clone(),
        state: check.state,
        check: check.id.clone(),
    })
}

/// What allowed each check that is no longer allowed, and does not hold for it now.
fn lost(
    pairs: &[Pair<'_>],
    rotations: &[Rotation],
    standing: &BTreeMap<String, BTreeSet<Standing>>,
) -> Vec<LostGrant> {
    let mut found: BTreeMap<(String, String, Loss), BTreeSet<String>> = BTreeMap::new();
    for (old, new) in pairs.iter().filter_map(|pair| Some((pair.old?, pair.new?))) {
        if old.verdict != VerdictWord::Allowed || new.verdict == VerdictWord::Allowed {
            continue;
        }
        let replaced = rotations.iter().any(|rotation| {
            Some(&rotation.cluster) == new.cluster.as_ref()
                && new.pool.as_ref().is_some_and(|pool| rotation.pools.contains(pool))
        });
        let how = if replaced { Loss::IdentityReplaced } else { Loss::Gone };
        let gone = |because: &&Because| {
            let fact = (because.source.clone(), because.detail.clone());
            because.effect == "allow" && !standing.get(&new.id).is_some_and(|facts| facts.contains(&fact))
        };
        for because in old.because.iter().filter(gone) {
            let repository = format!(
                "{}/{}",
                old.registry.as_deref().unwrap_or_default(),
                old.repository.as_deref().unwrap_or_default()
            );
            let key = (because.source.clone(), because.detail.clone(), how);
            found.entry(key).or_default().insert(repository);
        }
    }
    let grant = |((source, detail, how), repositories)| LostGrant { source, detail, how, repositories };
    found.into_iter().map(grant).collect()
}
