//! The law of ablation, tried on a whole audit: take any one answer away, and each verdict stays as
//! it was or becomes unknown and names what is missing. It never flips.
//!
//! The audit and its answers are the caller's; this only breaks one call after the other and compares.

use std::collections::BTreeMap;
use std::fmt;

use super::proxy::{Proxy, Trouble};

/// The troubles in which an answer is missing rather than different, for any cloud. A cloud that
/// hides what one may not see behind its own "not found" adds [`Trouble::Absent`].
pub(crate) const TAKEN_AWAY: [Trouble; 4] =
    [Trouble::Forbidden, Trouble::Lost, Trouble::TimeOut, Trouble::Garbage];

/// The three words of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    Unknown,
}

/// One check of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) verdict: Verdict,
    /// The readings that would settle it, where it is unknown.
    pub(crate) needing: Vec<String>,
}

/// What one audit found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audit {
    /// Its checks, under an id that is the same in every run.
    pub(crate) checks: BTreeMap<String, Check>,
    /// What the report says could not be read at all, so that checks may be missing.
    pub(crate) unread: Vec<String>,
}

impl Audit {
    /// How many checks are allowed, denied and unknown.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |verdict| self.checks.values().filter(|check| check.verdict == verdict).count();
        (count(Verdict::Allowed), count(Verdict::Denied), count(Verdict::Unknown))
    }
}

/// A break of the law.
#[derive(Debug)]
pub(crate) struct Violation {
    /// The call that was taken away.
    pub(crate) call: String,
    pub(crate) trouble: Trouble,
    /// The check, and what became of it.
    pub(crate) check: String,
    pub(crate) what: String,
}

/// All runs together.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The audit with nothing taken away.
    pub(crate) clean: Audit,
    /// The calls it made, each of which was then taken away.
    pub(crate) calls: Vec<String>,
    /// How many broken audits ran.
    pub(crate) runs: usize,
    pub(crate) violations: Vec<Violation>,
    /// What became unknown: the call, the check, and the readings it then names.
    pub(crate) unknown: Vec<(String, String, Vec<String>)>,
    /// Audits that failed as a whole: the call, the trouble, what was said. Right only where nothing could be read.
    pub(crate) failed: Vec<(String, Trouble, String)>,
    /// Calls whose absence changed no check, under every trouble: either needless, or their loss is not noticed.
    pub(crate) indifferent: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} calls, {} runs, {} violations", self.calls.len(), self.runs, self.violations.len())?;
        for Violation { call, trouble, check, what } in &self.violations {
            writeln!(f, "  {trouble:?} on {call}\n    {check}: {what}")?;
        }
        for (call, trouble, said) in &self.failed {
            writeln!(f, "  failed as a whole: {trouble:?} on {call}: {said}")?;
        }
        Ok(())
    }
}

/// Something whose calls can be seen, and taken away one by one.
pub(crate) trait Breakable {
    /// Forgets all calls and mends what was broken.
    fn reset(&self);
    /// The calls since then, each once.
    fn calls(&self) -> Vec<String>;
    /// Lets each further call of that name meet the trouble.
    fn break_call(&self, call: &str, trouble: Trouble);
    /// Panics where something was asked for that nobody knows.
    fn assert_no_strangers(&self);
}

impl Breakable for Proxy {
    fn reset(&self) {
        Self::reset(self);
    }

    fn calls(&self) -> Vec<String> {
        self.counts().into_keys().collect()
    }

    fn break_call(&self, call: &str, trouble: Trouble) {
        let broken = call.to_owned();
        self.fault(move |made| made.key() == broken, trouble);
    }

    fn assert_no_strangers(&self) {
        Self::assert_no_strangers(self);
    }
}

/// Runs `audit` once clean and once for each of its calls and each trouble. The closure audits
/// through the proxies (a cloud's, a cluster's) in strict mode, with a short time-out; `Err` is an audit that failed as a whole.
pub(crate) fn ablate(
    proxies: &[&dyn Breakable],
    troubles: &[Trouble],
    audit: impl FnMut() -> Result<Audit, String>,
) -> Report {
    ablate_some(proxies, troubles, |_| true, audit)
}

/// [`ablate`] for those calls only whose keys are wanted, so that several threads may share the work.
pub(crate) fn ablate_some(
    proxies: &[&dyn Breakable],
    troubles: &[Trouble],
    wanted: impl Fn(&str) -> bool,
    mut audit: impl FnMut() -> Result<Audit, String>,
) -> Report {
    let reset = || proxies.iter().for_each(|proxy| proxy.reset());
    reset();
    let clean = audit().expect("the audit works while nothing is broken");
    for proxy in proxies {
        proxy.assert_no_strangers();
    }
    let calls = proxies.iter().flat_map(|proxy| proxy.calls()).filter(|call| wanted(call)).collect();
    let mut report = Report { clean, calls, ..Report::default() };
    for call in report.calls.clone() {
        let mut changed = false;
        for trouble in troubles {
            reset();
            for proxy in proxies {
                proxy.break_call(&call, *trouble);
            }
            report.runs += 1;
            match audit() {
                Ok(found) => {
                    changed |= found.checks != report.clean.checks;
                    let unknown = became_unknown(&report.clean, &found);
                    report
                        .unknown
                        .extend(unknown.map(|(id, check)| (call.clone(), id.clone(), check.needing.clone())));
                    let violations = compare(&report.clean, &found).into_iter();
                    report.violations.extend(violations.map(|(check, what)| Violation {
                        call: call.clone(),
                        trouble: *trouble,
                        check,
                        what,
                    }));
                }
                Err(said) => {
                    changed = true;
                    report.failed.push((call.clone(), *trouble, said));
                }
            }
        }
        if !changed {
            report.indifferent.push(call);
        }
    }
    reset();
    report
}

/// The checks that had a verdict, and have none any more.
pub(crate) fn became_unknown<'a>(
    clean: &'a Audit,
    broken: &'a Audit,
) -> impl Iterator<Item = (&'a String, &'a Check)> {
    let known = |id: &String| clean.checks.get(id).is_some_and(|before| before.verdict != Verdict::Unknown);
    broken.checks.iter().filter(move |(id, after)| after.verdict == Verdict::Unknown && known(id))
}

/// The checks that moved in a way the law forbids.
pub(crate) fn compare(clean: &Audit, broken: &Audit) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for (id, before) in &clean.checks {
        match broken.checks.get(id) {
            None if broken.unread.is_empty() => {
                wrong.push((id.clone(), "is gone, and the report names nothing unread".to_owned()));
            }
            Some(after) if after.verdict == Verdict::Unknown && after.needing.is_empty() => {
                wrong.push((id.clone(), "became unknown and does not say what it needs".to_owned()));
            }
            Some(after) if after.verdict != before.verdict && after.verdict != Verdict::Unknown => {
                wrong.push((id.clone(), format!("flipped from {:?} to {:?}", before.verdict, after.verdict)));
            }
            _ => {}
        }
    }
    for (id, after) in &broken.checks {
        if !clean.checks.contains_key(id) && after.verdict != Verdict::Unknown {
            wrong.push((id.clone(), format!("is new, and {:?}", after.verdict)));
        }
    }
    wrong
}
