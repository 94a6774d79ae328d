//! Verdicts that turned.

use super::pairs::Pair;
use crate::report::{Because, Check, Identity, State, VerdictWord, WorkloadReport};
use serde::Serialize;

/// Which way a verdict turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To denied.
    Worse,
    /// To unknown: it may have turned either way.
    Unclear,
    /// To allowed.
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

/// Every verdict that turned, the worst first.
pub(super) fn turns(pairs: &[Pair<'_>]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = pairs.iter().filter_map(turn).collect();
    turns.sort_by_key(|turn| (turn.direction, turn.state));
    turns
}

/// How a verdict turned; `None` where it did not.
fn turn(pair: &Pair<'_>) -> Option<Turn> {
    let check = pair.new;
    let old = former(pair);
    let (was, is) = (old.map(counted), counted(check));
    let direction = match is {
        _ if was == Some(is) || check.exception.is_some() => return None,
        VerdictWord::Denied => Direction::Worse,
        VerdictWord::Unknown => Direction::Unclear,
        // A new check that is allowed is no news, and an exception that ended is no grant.
        VerdictWord::Allowed if old.is_none_or(|old| old.exception.is_some()) => return None,
        VerdictWord::Allowed => Direction::Better,
    };
    Some(Turn {
        direction,
        old: old.map(Judged::of),
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

/// What a check counts as: one that an exception covers stops nobody.
fn counted(check: &Check) -> VerdictWord {
    if check.exception.is_some() { VerdictWord::Allowed } else { check.verdict }
}

/// Of several former checks, the one that tells most: for a refusal one that was none, for a right one that was
/// refused.
fn former<'a>(pair: &Pair<'a>) -> Option<&'a Check> {
    let rank = |check: &&&Check| match counted(check) {
        VerdictWord::Allowed => 0,
        VerdictWord::Unknown => 1,
        VerdictWord::Denied => 2,
    };
    let old = pair.old.iter();
    let told = if counted(pair.new) == VerdictWord::Allowed { old.max_by_key(rank) } else { old.min_by_key(rank) };
    told.copied()
}
