//! Two audits of one fleet: which identities were replaced, which grants no longer reach them, which verdicts
//! turned. Pure.

mod ending;
mod lost;
mod pairs;
mod scopes;
mod standing;
mod turns;

use crate::report::{Identity, Incomplete, Report, Tool};
pub use ending::ending;
pub use lost::{Loss, LostGrant};
pub use scopes::{Presence, Scope};
use serde::Serialize;
pub use standing::{Standing, standing};
use std::collections::{BTreeMap, BTreeSet};
pub use turns::{Direction, Judged, Turn};

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
    /// What holds for each check, at its index: facts that do not refuse, also where the check is denied.
    pub standing: Vec<BTreeSet<Standing>>,
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
    /// Checks that turned to denied, and new ones that are denied.
    pub worse: usize,
    /// Checks whose answer was lost, and new ones that have none.
    pub unclear: usize,
    /// Checks that turned to allowed.
    pub better: usize,
    /// What the later one could not read and the earlier one could.
    pub lost_readings: Vec<Incomplete>,
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

/// Compares them. Clusters are matched by their full id, pools by their name.
pub fn compare(old: &Side, new: &Side) -> Diff {
    let pairs = pairs::pairs(&old.report.checks, &new.report.checks);
    let rotations = rotations(old, new);
    let verdicts = turns::turns(&pairs);
    let count = |direction: Direction| verdicts.iter().filter(|turn| turn.direction == direction).count();
    Diff {
        schema: SCHEMA.to_owned(),
        tool: new.report.tool.clone(),
        old: taken(old),
        new: taken(new),
        worse: count(Direction::Worse),
        unclear: count(Direction::Unclear),
        better: count(Direction::Better),
        lost_readings: lost_readings(&old.report, &new.report),
        scopes: scopes::scopes(&old.report, &new.report),
        lost_grants: lost::lost(&pairs, &rotations, &new.standing),
        identities: rotations,
        verdicts,
    }
}

/// What the new report lacks and the old one does not. The obstacle may be worded otherwise each time.
fn lost_readings(old: &Report, new: &Report) -> Vec<Incomplete> {
    let known: BTreeSet<_> = old.unread().map(|one| (&one.scope, &one.reading)).collect();
    let lacks = |one: &&Incomplete| !known.contains(&(&one.scope, &one.reading));
    new.unread().filter(lacks).cloned().collect()
}

fn taken(side: &Side) -> Taken {
    Taken {
        taken_at: side.taken_at.clone(),
        complete: side.report.complete,
        clusters: side.report.clusters.len(),
        checks: side.report.checks.len(),
    }
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
