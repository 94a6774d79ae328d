//! Checks that are known and do not count; an expired exception no longer does, and says so.

use crate::config::{Exception, Match};
use crate::report::{Check, NoticeReport, VerdictWord};
use globset::Glob;
use jiff::{Timestamp, tz::TimeZone};
use pullaudit_core::{CoreFinding, Severity};

/// Marks the checks that an exception covers at that time, and returns a notice for each expired one.
/// An allowed check needs no exception and gets none.
pub fn apply(checks: &mut [Check], exceptions: &[Exception], at: Timestamp) -> Vec<NoticeReport> {
    let today = at.to_zoned(TimeZone::UTC).date();
    let mut notices = Vec::new();
    for exception in exceptions {
        if let Some(expired) = exception.expires.filter(|last| *last < today) {
            notices.push(NoticeReport {
                code: CoreFinding::ExceptionExpired.code().name().to_owned(),
                severity: Severity::Low,
                subject: format!("exception of {}", exception.owner),
                message: format!("expired on {expired}: {}", exception.reason),
                images: None,
            });
            continue;
        }
        let open = |check: &&mut Check| check.verdict != VerdictWord::Allowed && check.exception.is_none();
        for check in checks.iter_mut().filter(open).filter(|check| covers(&exception.matching, check)) {
            check.exception = Some(format!("{} ({})", exception.reason, exception.owner));
        }
    }
    notices
}

fn covers(wanted: &Match, check: &Check) -> bool {
    let image = match (&check.registry, &check.repository) {
        (Some(registry), Some(repository)) => {
            let tag = check.tag.as_ref().map_or_else(String::new, |tag| format!(":{tag}"));
            let digest = check.digest.as_ref().map_or_else(String::new, |digest| format!("@{digest}"));
            format!("{registry}/{repository}{tag}{digest}")
        }
        _ => check.image.clone(),
    };
    let identity = check.identity.as_ref().map(|identity| identity.id.as_str());
    matches(wanted.image.as_deref(), Some(&image))
        && matches(wanted.cluster.as_deref(), check.cluster.as_deref())
        && matches(wanted.pool.as_deref(), check.pool.as_deref())
        && matches(wanted.code.as_deref(), Some(&check.code))
        && matches(wanted.identity.as_deref(), identity)
}

/// A pattern that is not given matches everything; one that is given needs something to match.
fn matches(pattern: Option<&str>, text: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let Some(text) = text else { return false };
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(text))
}
