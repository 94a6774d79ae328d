//! How a comparison ends: the exit code, and a last line that says why.

use super::Diff;
use crate::exit::Exit;
use crate::remediate::ending::Ending;
use crate::report::{Check, Report, VerdictWord, number, plural};
use std::collections::BTreeSet;

/// A refusal is drift. What can't be told any more, a verdict or a whole reading, is not, and is not nothing. Nor is a
/// comparison with a snapshot in which nothing was evaluated, or of which something could not be read.
pub fn ending(diff: &Diff, old: &Report, new: &Report) -> Ending {
    if diff.worse > 0 {
        return Ending::new(Exit::Drift, &format!("Something got worse: {}", plural(diff.worse, "check")));
    }
    let sides = [("old", old), ("new", new)];
    let mut missing = Vec::new();
    for (side, report) in sides {
        if report.checks.is_empty() {
            missing.push(format!("the {side} snapshot has no pull that could be evaluated"));
        }
    }
    let ids: BTreeSet<&str> = old.checks.iter().map(|check| check.id.as_str()).collect();
    let common = new.checks.iter().any(|check| ids.contains(check.id.as_str()));
    if missing.is_empty() && !common {
        missing.push("the snapshots have no check in common".to_owned());
    }
    match diff.unclear {
        0 => {}
        1 => missing.push("1 check is no longer known".to_owned()),
        some => missing.push(format!("{} checks are no longer known", number(some))),
    }
    match unknown_in_both(old, new) {
        0 => {}
        1 => missing.push("1 check is unknown in both".to_owned()),
        some => missing.push(format!("{} checks are unknown in both", number(some))),
    }
    for (side, report) in sides {
        match report.unread().count() {
            0 => {}
            1 => missing.push(format!("1 reading is missing in the {side} snapshot")),
            some => missing.push(format!("{} readings are missing in the {side} snapshot", number(some))),
        }
    }
    if missing.is_empty() && diff.lost_readings.is_empty() {
        return Ending::new(Exit::Clean, "Nothing got worse");
    }
    Ending::new(Exit::Incomplete, &format!("Incomplete: nothing is newly denied, but {}", missing.join("; ")))
}

/// Checks that are unknown in both snapshots, so that they may have got worse.
fn unknown_in_both(old: &Report, new: &Report) -> usize {
    let is_unknown = |check: &&Check| check.verdict == VerdictWord::Unknown && check.exception.is_none();
    let before: BTreeSet<&str> = old.checks.iter().filter(is_unknown).map(|check| check.id.as_str()).collect();
    new.checks.iter().filter(is_unknown).filter(|check| before.contains(check.id.as_str())).count()
}
