//! How a repair ends: the exit code, and a last line that says what was found and why the code is what it is.

use super::Plan;
use crate::exit::Exit;
use crate::report::{number, plural};

/// The exit code of a run with the sentence that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The code.
    pub exit: Exit,
    /// The last line for people.
    pub line: String,
}

impl Ending {
    /// A code, and what explains it.
    pub fn new(exit: Exit, text: &str) -> Self {
        Self { exit, line: format!("{text} (exit {})", exit.code()) }
    }
}

/// What became of the changes that were to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Failed, stale, or not begun.
    pub failed: usize,
    /// Left out, as the caller has no right to write them.
    pub refused: usize,
    /// Left out for more consent, or for an owner.
    pub left: usize,
    /// Written, and of use only with another owner's change.
    pub waiting: usize,
    /// Written, and not yet listed by the cloud as planned.
    pub unlisted: usize,
    /// Whether the cloud's settings could not be read again, or do not say what was planned.
    pub unsettled: bool,
    /// Written, and no pod that waited for it has pulled.
    pub unseen: usize,
    /// The user ended the run.
    pub interrupted: bool,
}

/// What a plan does not know: unknown checks, and what was not read. `None` where it knows all.
pub fn missing(plan: &Plan) -> Option<String> {
    if plan.complete {
        return None;
    }
    let mut parts = Vec::new();
    match plan.unknown() {
        0 => {}
        1 => parts.push("1 check is unknown".to_owned()),
        some => parts.push(format!("{} are unknown", plural(some, "check"))),
    }
    match plan.unread().count() {
        0 if parts.is_empty() => parts.push("not everything was read".to_owned()),
        0 => {}
        1 => parts.push("1 scope or input was not read".to_owned()),
        some => parts.push(format!("{} scopes or inputs were not read", number(some))),
    }
    Some(parts.join(" and "))
}

/// A text with what the plan does not know.
fn with_missing(text: &str, plan: &Plan) -> String {
    missing(plan).map_or_else(|| text.to_owned(), |missing| format!("{text}; {missing}"))
}

/// How a run ends whose plan changes nothing.
pub fn nothing_to_write(plan: &Plan) -> Ending {
    match (plan.held_back.is_empty(), missing(plan)) {
        (false, _) => {
            Ending::new(Exit::Drift, &with_missing("Drift remains: no change by pullaudit would help", plan))
        }
        (true, Some(missing)) => {
            Ending::new(Exit::Incomplete, &format!("Incomplete: no pull is known to be denied, but {missing}"))
        }
        (true, None) => Ending::new(Exit::Clean, "Nothing to do"),
    }
}

/// How a run ends that wrote nothing although its plan changes something.
pub fn unwritten(plan: &Plan, dry: bool, refused: usize, writable: usize) -> Ending {
    let (exit, text) = match (dry, refused, writable) {
        (false, 1.., 0) => (Exit::Failed, "Nothing was written: you lack the right to write what is pending"),
        (_, _, 0) => (Exit::Drift, "Drift remains: nothing may be written as it was asked"),
        _ => (Exit::Drift, "Changes pending"),
    };
    Ending::new(exit, &with_missing(text, plan))
}

/// How a run ends that wrote.
pub fn written(plan: &Plan, outcomes: Outcomes) -> Ending {
    let changes = |count: usize| plural(count, "change");
    let (exit, text) = match outcomes {
        Outcomes { failed: 0, refused: refused @ 1.., .. } => {
            (Exit::Failed, format!("{} not written: you lack the right", changes(refused)))
        }
        Outcomes { failed: failed @ 1.., .. } => (Exit::Failed, format!("{} not applied", changes(failed))),
        Outcomes { interrupted: true, .. } => (Exit::Interrupted, "Interrupted".to_owned()),
        Outcomes { left: left @ 1.., .. } => (Exit::Drift, format!("Drift remains: {} left out", changes(left))),
        Outcomes { waiting: waiting @ 1.., .. } => {
            (Exit::Drift, format!("Drift remains: {} waits for another owner", changes(waiting)))
        }
        _ if !plan.held_back.is_empty() => (Exit::Drift, "Drift remains: something is held back".to_owned()),
        Outcomes { unsettled: true, unlisted, .. } => {
            (Exit::Incomplete, format!("{} applied, not yet listed", changes(unlisted)))
        }
        Outcomes { unseen: 1.., .. } => (Exit::Incomplete, "Applied and listed, effect not seen".to_owned()),
        _ if !plan.complete => (Exit::Incomplete, "Applied and verified, but incomplete".to_owned()),
        _ => (Exit::Clean, "Applied and verified".to_owned()),
    };
    Ending::new(exit, &with_missing(&text, plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remediate::PlannedHold;
    use crate::report::{Incomplete, Unsettled};
    use jiff::Timestamp;
    use pullaudit_core::Severity;

    fn plan(unknown: usize, unread: usize, held: usize) -> Plan {
        let mut plan = Plan::new(Timestamp::UNIX_EPOCH);
        let text = String::new;
        let (gap, hold) = (
            Incomplete { scope: text(), reading: text(), permission: text(), message: text(), resolves: None },
            PlannedHold { checks: Vec::new(), subject: text(), why: text() },
        );
        plan.complete = unknown + unread == 0;
        plan.incomplete_because = vec![gap; unread];
        plan.held_back = vec![hold; held];
        let checks = (0..unknown).map(|number| number.to_string()).collect();
        let (code, severity) = (text(), Severity::Low);
        plan.unsettled = vec![Unsettled { code, severity, clusters: Vec::new(), needs: Vec::new(), checks }];
        plan
    }

    #[test]
    fn what_is_unknown_is_never_clean() {
        let told = |plan: &Plan| nothing_to_write(plan).line;
        assert_eq!(told(&plan(0, 0, 0)), "Nothing to do (exit 0)");
        let line = "Incomplete: no pull is known to be denied, but 2 checks are unknown and 1 scope or input was not read \
                    (exit 3)";
        assert_eq!(told(&plan(2, 1, 0)), line);
        let line = "Drift remains: no change by pullaudit would help; 1 check is unknown (exit 2)";
        assert_eq!(told(&plan(1, 0, 1)), line);
        let written = |plan: &Plan| written(plan, Outcomes::default()).line;
        assert_eq!(written(&plan(0, 0, 0)), "Applied and verified (exit 0)");
        let line = "Applied and verified, but incomplete; 2 scopes or inputs were not read (exit 3)";
        assert_eq!(written(&plan(0, 2, 0)), line);
    }

    #[test]
    fn one_wins_over_two_and_two_over_three() {
        let exits = |outcomes: Outcomes, plan: &Plan| written(plan, outcomes).exit;
        let all = Outcomes { failed: 1, refused: 1, left: 1, waiting: 1, unsettled: true, unlisted: 1, ..none() };
        assert_eq!(exits(all, &plan(1, 1, 1)), Exit::Failed);
        assert_eq!(exits(Outcomes { refused: 1, left: 1, ..none() }, &plan(0, 0, 0)), Exit::Failed);
        assert_eq!(exits(Outcomes { left: 1, unsettled: true, ..none() }, &plan(1, 0, 0)), Exit::Drift);
        assert_eq!(exits(none(), &plan(1, 0, 1)), Exit::Drift);
        assert_eq!(exits(Outcomes { unseen: 1, ..none() }, &plan(0, 0, 0)), Exit::Incomplete);
    }

    fn none() -> Outcomes {
        Outcomes::default()
    }
}
