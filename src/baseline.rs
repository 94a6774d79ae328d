//! A former report, and what is new since.

use crate::input;
use crate::report::{Report, VerdictWord};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// What of a former report counts; it may be of an earlier version that lacks other fields.
#[derive(Deserialize)]
struct Former {
    schema: String,
    checks: Vec<FormerCheck>,
}

#[derive(Deserialize)]
struct FormerCheck {
    id: String,
    verdict: VerdictWord,
    #[serde(default)]
    exception: Option<String>,
}

/// The ids of the checks that a report has as denied. One that an exception covered then is not known: when the exception
/// ends, it is new.
pub fn denied(path: &Path) -> Result<BTreeSet<String>> {
    let text = input::text(path, input::REPORT)
        .with_context(|| format!("cannot read the baseline {}", path.display()))?;
    let former: Former = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a report: write one with audit -o json", path.display()))?;
    if !former.schema.starts_with("pullaudit/report/") {
        bail!("{} is not a report but {:?}: write one with audit -o json", path.display(), former.schema);
    }
    let counts = |check: &FormerCheck| check.verdict == VerdictWord::Denied && check.exception.is_none();
    Ok(former.checks.into_iter().filter(counts).map(|check| check.id).collect())
}

/// Marks each denied check, and each incident, as new or known; what is new comes first.
pub fn mark(report: &mut Report, known: &BTreeSet<String>) {
    for check in report.checks.iter_mut().filter(|check| check.verdict == VerdictWord::Denied) {
        check.new = Some(!known.contains(&check.id));
    }
    for incident in &mut report.incidents {
        incident.new = Some(incident.checks.iter().any(|id| !known.contains(id)));
    }
    report.incidents.sort_by_key(|one| (one.exception.is_some(), one.new == Some(false)));
}
