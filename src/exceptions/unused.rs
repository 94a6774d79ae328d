//! Exceptions that cover nothing, and why, as far as this run can tell.

use super::{Compiled, Pattern};
use crate::report::{Check, NoticeReport, VerdictWord, plural};
use pullaudit_core::{CoreFinding, Severity, Snapshot};

/// What an exception met.
#[derive(Debug, Default)]
pub(super) struct Use {
    /// Checks that are denied or unknown, of which it covers all workloads.
    covered: usize,
    /// The same, of which it covers some workloads only.
    partly: usize,
    /// Allowed checks.
    allowed: usize,
}

impl Use {
    pub(super) fn count(&mut self, check: &Check, parts: usize) {
        match (parts, check.verdict) {
            (0, _) => {}
            (_, VerdictWord::Allowed) => self.allowed += 1,
            (all, _) if all == check.workloads.len().max(1) => self.covered += 1,
            _ => self.partly += 1,
        }
    }
}

impl Compiled {
    /// The notice about an exception that covers no check, or only a part of some that count nevertheless.
    pub(super) fn unused(&self, used: &Use, checks: &[Check], snapshot: &Snapshot) -> Option<NoticeReport> {
        if used.covered > 0 || (used.partly > 0 && self.helps(checks)) {
            return None;
        }
        let (severity, message) = match (self.outside(snapshot), used.partly, used.allowed) {
            (_, 1.., _) => (
                Severity::Low,
                format!(
                    "matches only some workloads of {}, which still count: every workload of a check must be excepted",
                    plural(used.partly, "check")
                ),
            ),
            (_, 0, 1..) => (
                Severity::Low,
                format!("not needed in this run: every check that it matches is allowed ({})", used.allowed),
            ),
            (Some(outside), ..) => (Severity::Info, format!("cannot apply to this run, which has {outside}")),
            (None, ..) => (Severity::Low, "matches no check of this run".to_owned()),
        };
        Some(NoticeReport {
            code: CoreFinding::ExceptionUnused.code().name().to_owned(),
            severity,
            subject: self.subject(),
            message: format!("{message}: {}", self.reason),
            images: None,
        })
    }

    /// True where it covers a part of a check that other exceptions complete.
    fn helps(&self, checks: &[Check]) -> bool {
        let own = format!("{} ({})", self.reason, self.owner);
        checks
            .iter()
            .filter_map(|check| check.exception.as_deref())
            .any(|text| text.split("; ").any(|one| one == own))
    }

    /// What this run lacks altogether that the exception names.
    fn outside(&self, snapshot: &Snapshot) -> Option<String> {
        let matching = &self.matching;
        let clusters = || snapshot.clusters.iter();
        let lacks = |what: &str, pattern: Option<&Pattern>, any: bool| {
            pattern.filter(|_| !any).map(|pattern| format!("no {what} {:?}", pattern.text))
        };
        let cluster =
            |pattern: &Pattern| clusters().any(|record| pattern.names(&record.cluster.id.0, &record.cluster.name));
        let pool =
            |pattern: &Pattern| clusters().flat_map(|record| &record.pools).any(|pool| pattern.is(&pool.name));
        let namespace =
            |pattern: &Pattern| snapshot.workloads.iter().any(|workload| pattern.is(&workload.namespace));
        lacks("cluster", matching.cluster.as_ref(), matching.cluster.as_ref().is_some_and(cluster))
            .or_else(|| lacks("pool", matching.pool.as_ref(), matching.pool.as_ref().is_some_and(pool)))
            .or_else(|| {
                let any = matching.namespace.as_ref().is_some_and(namespace);
                lacks("workload in a namespace", matching.namespace.as_ref(), any)
            })
    }
}
