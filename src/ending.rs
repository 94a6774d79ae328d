//! How an audit ends: the exit code, and a last line that says what was found and why the code is what it is.

use crate::exit::{Exit, FailOn};
use crate::report::{Check, Report, VerdictWord, number, plural};
use pullaudit_core::Severity;
use std::collections::BTreeSet;

/// What decides how a run ends.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Which results fail the run.
    pub fail_on: FailOn,
    /// Denied checks below this do not fail the run.
    pub threshold: Severity,
    /// Ids of the checks that the baseline denied already; `None` without a baseline.
    pub known: Option<&'a BTreeSet<String>>,
}

/// The exit code of an audit with the sentence that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The code.
    pub exit: Exit,
    /// The last line for people.
    pub line: String,
}

/// The checks that count, by what they do to the exit code.
#[derive(Default)]
struct Counted {
    /// Denied, at or above the threshold, neither excepted nor known.
    failing: usize,
    /// Denied below the threshold.
    minor: usize,
    /// Denied in the baseline already.
    known: usize,
    /// Denied or unknown, and covered by an exception.
    excepted: usize,
    unknown: usize,
}

impl Counted {
    fn new(checks: &[Check], rules: Rules<'_>) -> Self {
        let mut counted = Self::default();
        for check in checks.iter().filter(|check| check.verdict != VerdictWord::Allowed) {
            let known = rules.known.is_some_and(|known| known.contains(&check.id));
            let number = match check.verdict {
                _ if check.exception.is_some() => &mut counted.excepted,
                VerdictWord::Unknown => &mut counted.unknown,
                _ if check.severity < rules.threshold => &mut counted.minor,
                _ if known => &mut counted.known,
                _ => &mut counted.failing,
            };
            *number += 1;
        }
        counted
    }

    /// All that is denied and not excepted.
    fn denied(&self) -> usize {
        self.failing + self.minor + self.known
    }
}

/// How this report ends under these rules.
pub fn of(report: &Report, rules: Rules<'_>) -> Ending {
    let counted = Counted::new(&report.checks, rules);
    let nothing = report.checks.is_empty();
    let fails = counted.failing + if rules.fail_on == FailOn::New { 0 } else { counted.known };
    let exit = match rules.fail_on {
        FailOn::Never => Exit::Clean,
        _ if fails > 0 => Exit::Drift,
        // A run that evaluated nothing has not done what it was started for, whatever fails it otherwise.
        _ if nothing && !report.complete => Exit::Incomplete,
        FailOn::Unknown if !report.complete => Exit::Incomplete,
        FailOn::Unknown | FailOn::Denied | FailOn::New => Exit::Clean,
    };
    let natural = match counted.denied() {
        1.. => Exit::Drift,
        0 if !report.complete => Exit::Incomplete,
        0 => Exit::Clean,
    };
    let (found, why) = (found(report, &counted), why(exit, natural, rules));
    Ending { exit, line: format!("{found}{why} (exit {})", exit.code()) }
}

/// What was found, whatever the exit code is.
fn found(report: &Report, counted: &Counted) -> String {
    let drift =
        |text: String| if report.complete { text } else { format!("{text}; {}", missing(report, counted)) };
    match counted.denied() {
        0 if report.checks.is_empty() && report.complete => "Nothing to check".to_owned(),
        0 if report.checks.is_empty() => match report.incomplete_because.first() {
            Some(first) => format!("Incomplete: no pull was evaluated: {}", first.message),
            None => "Incomplete: no pull was evaluated".to_owned(),
        },
        0 if !report.complete => {
            format!("Incomplete: no pull is known to be denied, but {}", missing(report, counted))
        }
        0 if counted.excepted > 0 => {
            format!("No drift found beyond {}", plural(counted.excepted, "excepted check"))
        }
        0 => "No drift found".to_owned(),
        some => {
            let known = match counted.known {
                0 => String::new(),
                known if known == some => " (known from the baseline)".to_owned(),
                known => format!(" ({} known from the baseline)", number(known)),
            };
            drift(format!("Drift found: {} denied{known}", plural(some, "pull")))
        }
    }
}

fn missing(report: &Report, counted: &Counted) -> String {
    let mut parts = Vec::new();
    if counted.unknown > 0 {
        let verb = if counted.unknown == 1 { "is" } else { "are" };
        parts.push(format!("{} {verb} unknown", plural(counted.unknown, "pull")));
    }
    match report.unread().count() {
        0 => {}
        1 => parts.push("1 scope or input was not read".to_owned()),
        some => parts.push(format!("{} scopes or inputs were not read", number(some))),
    }
    if parts.is_empty() { "not everything was read".to_owned() } else { parts.join(" and ") }
}

/// Why the code is another one than what was found asks for; empty where it is not.
fn why(exit: Exit, natural: Exit, rules: Rules<'_>) -> String {
    let flag = match rules.fail_on {
        _ if exit == natural => return String::new(),
        FailOn::Unknown => {
            return format!("; not failing for it (all below --severity-threshold {})", rules.threshold);
        }
        FailOn::Denied => "denied",
        FailOn::New => "new",
        FailOn::Never => "never",
    };
    format!("; not failing (--fail-on {flag})")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(id: &str, verdict: &str, severity: &str, exception: Option<&str>) -> serde_json::Value {
        json!({ "id": id, "provider": "eks", "registryProvider": null, "cluster": null, "pool": null, "identity": null,
            "image": "x", "registry": null, "repository": null, "tag": null, "digest": null, "verdict": verdict,
            "code": "x", "severity": severity, "message": "", "because": [], "needing": [], "assuming": [], "attempts": [],
            "workloads": [], "state": "running", "exception": exception })
    }

    fn report(checks: &[serde_json::Value], gaps: usize) -> Report {
        let gap =
            json!({ "scope": "eks", "reading": "r", "permission": "p", "message": "nothing of eks was read" });
        let open = checks.iter().any(|one| one["verdict"] == "unknown" && one["exception"].is_null());
        serde_json::from_value(json!({ "schema": "pullaudit/report/1", "tool": { "name": "p", "version": "1" },
            "generatedAt": "", "complete": gaps == 0 && !open, "incompleteBecause": vec![gap; gaps], "searched": [],
            "summary": serde_json::to_value(crate::report::Summary::default()).unwrap(),
            "clusters": [], "incidents": [], "unsettled": [], "checks": checks, "skipped": [], "notices": [] }))
        .unwrap()
    }

    fn ends(report: &Report, fail_on: FailOn, threshold: Severity, known: &[&str]) -> (u8, String) {
        let known: BTreeSet<String> = known.iter().map(|&id| id.to_owned()).collect();
        let ending = of(report, Rules { fail_on, threshold, known: Some(&known) });
        (ending.exit.code(), ending.line)
    }

    #[test]
    fn nothing_evaluated_is_never_clean_by_default() {
        let mut empty = report(&[], 0);
        empty.complete = false;
        let by = |fail_on| ends(&empty, fail_on, Severity::Low, &[]);
        assert_eq!(by(FailOn::Unknown), (3, "Incomplete: no pull was evaluated (exit 3)".to_owned()));
        assert_eq!(by(FailOn::Denied).0, 3);
        assert_eq!(by(FailOn::New).0, 3);
        let line = "Incomplete: no pull was evaluated; not failing (--fail-on never) (exit 0)";
        assert_eq!(by(FailOn::Never), (0, line.to_owned()));
    }

    #[test]
    fn last_line_tells_the_truth_under_every_flag() {
        let allowed = check("a", "allowed", "info", None);
        let denied = check("d", "denied", "high", None);
        let unknown = check("u", "unknown", "medium", None);
        let excepted = check("e", "denied", "high", Some("known"));
        let low = Severity::Low;
        let drift = report(&[allowed.clone(), denied.clone(), unknown.clone()], 1);
        let cases = [
            (
                &drift,
                FailOn::Unknown,
                low,
                &[][..],
                "Drift found: 1 pull denied; 1 pull is unknown and 1 scope or input was not read (exit 2)",
            ),
            (
                &drift,
                FailOn::Never,
                low,
                &[],
                "Drift found: 1 pull denied; 1 pull is unknown and 1 scope or input was not read; not failing \
                 (--fail-on never) (exit 0)",
            ),
            (
                &drift,
                FailOn::New,
                low,
                &["d"],
                "Drift found: 1 pull denied (known from the baseline); 1 pull is unknown and 1 scope or input was not \
                 read; not failing (--fail-on new) (exit 0)",
            ),
            (
                &drift,
                FailOn::Unknown,
                Severity::Critical,
                &[],
                "Drift found: 1 pull denied; 1 pull is unknown and 1 scope or input was not read; not failing for it \
                 (all below --severity-threshold critical) (exit 3)",
            ),
            (
                &report(std::slice::from_ref(&allowed), 1),
                FailOn::Unknown,
                low,
                &[],
                "Incomplete: no pull is known to be denied, but 1 scope or input was not read (exit 3)",
            ),
            (
                &report(&[allowed.clone(), unknown], 0),
                FailOn::Denied,
                low,
                &[],
                "Incomplete: no pull is known to be denied, but 1 pull is unknown; not failing (--fail-on denied) (exit 0)",
            ),
            (&report(std::slice::from_ref(&allowed), 0), FailOn::Unknown, low, &[], "No drift found (exit 0)"),
            (
                &report(&[allowed, excepted], 0),
                FailOn::Unknown,
                low,
                &[],
                "No drift found beyond 1 excepted check (exit 0)",
            ),
            (
                &report(&[denied], 0),
                FailOn::Unknown,
                low,
                &["d"],
                "Drift found: 1 pull denied (known from the baseline) (exit 2)",
            ),
        ];
        for (report, fail_on, threshold, known, line) in cases {
            let (code, told) = ends(report, fail_on, threshold, known);
            assert_eq!(told, line);
            assert!(told.ends_with(&format!("(exit {code})")));
        }
    }
}
