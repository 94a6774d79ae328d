//! Checks that are known and do not count. Everything that an exception of the config names must match; an expired one
//! covers nothing, and one that covers nothing is a notice.

mod column;
mod pattern;
#[cfg(test)]
mod tests;
mod unused;

use crate::config::{Exception, Match};
use crate::nearest::did_you_mean;
use crate::report::{Check, NoticeReport, VerdictWord};
use anyhow::{Result, anyhow};
use column::Columns;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use pattern::{ImagePattern, Pattern};
use pullaudit_core::{CodeRow, CoreFinding, Severity, Snapshot};
use serde_saphyr::Spanned;
use unused::Use;

/// The exceptions of the config, compiled.
#[derive(Clone, Debug, Default)]
pub struct Exceptions(Vec<Compiled>);

#[derive(Clone, Debug)]
struct Compiled {
    /// `pullaudit.yaml:12`
    place: String,
    /// `exceptions[3].match.code` is at this line.
    code_place: String,
    owner: String,
    reason: String,
    expires: Option<Date>,
    matching: Matching,
}

#[derive(Clone, Debug)]
struct Matching {
    image: Option<ImagePattern>,
    repository: Option<Pattern>,
    code: Option<Pattern>,
    cluster: Option<Pattern>,
    pool: Option<Pattern>,
    identity: Option<Pattern>,
    namespace: Option<Pattern>,
    workload: Option<Pattern>,
}

impl Exceptions {
    /// Compiles every pattern once. A malformed one is an error that names file, line and key.
    pub fn compile(written: &[Exception], name: &str) -> Result<Self> {
        let each = written.iter().enumerate();
        each.map(|(index, exception)| Compiled::new(index, exception, name)).collect::<Result<_>>().map(Self)
    }

    /// An error for the first code that is not known, or whose glob fits no known one.
    pub fn check_codes<'a>(&self, known: impl Iterator<Item = &'a CodeRow> + Clone) -> Result<()> {
        for exception in &self.0 {
            let Some(code) = &exception.matching.code else { continue };
            let mut names = known.clone().map(|row| row.name);
            if !names.any(|name| code.is(name)) {
                let hint = did_you_mean(&code.text, known.map(|row| row.name));
                let what = if code.is_glob() { "no finding matches" } else { "unknown finding" };
                let place = &exception.code_place;
                return Err(anyhow!("{place}: {what} {:?}{hint}; pullaudit explain lists them", code.text));
            }
        }
        Ok(())
    }

    /// Marks the checks that exceptions cover at that time, and returns a notice for each exception that is expired or
    /// covers nothing. An allowed check needs no exception and gets none.
    pub fn apply(&self, checks: &mut [Check], snapshot: &Snapshot, at: Timestamp) -> Vec<NoticeReport> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let today = at.to_zoned(TimeZone::UTC).date();
        let (expired, current): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|exception| exception.expires.is_some_and(|last| last < today));
        let mut notices: Vec<NoticeReport> = expired.into_iter().map(Compiled::expired).collect();
        let columns = Columns::new(checks, snapshot);
        let mut covered: Vec<Vec<Option<usize>>> =
            checks.iter().map(|check| vec![None; check.workloads.len().max(1)]).collect();
        let mut uses = Vec::new();
        for (number, exception) in current.iter().enumerate() {
            let wanted = columns.look(&exception.matching);
            let mut used = Use::default();
            for (index, check) in checks.iter().enumerate() {
                let hits: Vec<usize> = wanted.parts_of(index, check).collect();
                used.count(check, hits.len());
                if check.verdict != VerdictWord::Allowed {
                    for part in hits {
                        covered[index][part].get_or_insert(number);
                    }
                }
            }
            uses.push(used);
        }
        for (check, parts) in checks.iter_mut().zip(&covered) {
            check.exception = text(parts, &current);
        }
        let told =
            current.iter().zip(&uses).filter_map(|(exception, used)| exception.unused(used, checks, snapshot));
        notices.extend(told);
        notices
    }
}

/// Why a check does not count: every part of it is covered by an exception; each is named once.
fn text(parts: &[Option<usize>], current: &[&Compiled]) -> Option<String> {
    let mut numbers: Vec<usize> = parts.iter().copied().collect::<Option<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    let texts = numbers.iter().filter_map(|number| current.get(*number));
    let mut texts: Vec<String> = texts.map(|one| format!("{} ({})", one.reason, one.owner)).collect();
    texts.dedup();
    Some(texts.join("; "))
}

impl Compiled {
    fn new(index: usize, written: &Exception, name: &str) -> Result<Self> {
        let matching = &written.matching;
        let Match { image, repository, cluster, pool, namespace, workload, code, identity } = &matching.value;
        let wrong =
            |key: &str, line: u64, what: String| anyhow!("{name}:{line}: exceptions[{index}].match.{key}: {what}");
        let pattern = |key: &str, given: &Option<Spanned<String>>| {
            let compile = |given: &Spanned<String>| {
                Pattern::new(&given.value).map_err(|what| wrong(key, given.referenced.line(), what))
            };
            given.as_ref().map(compile).transpose()
        };
        let image = image.as_ref().map(|given| {
            ImagePattern::new(&given.value).map_err(|what| wrong("image", given.referenced.line(), what))
        });
        let line = |given: &Option<Spanned<String>>| given.as_ref().map_or(0, |given| given.referenced.line());
        Ok(Self {
            place: format!("{name}:{}", matching.referenced.line()),
            code_place: format!("{name}:{}: exceptions[{index}].match.code", line(code)),
            owner: written.owner.clone(),
            reason: written.reason.clone(),
            expires: written.expires,
            matching: Matching {
                image: image.transpose()?,
                repository: pattern("repository", repository)?,
                code: pattern("code", code)?,
                cluster: pattern("cluster", cluster)?,
                pool: pattern("pool", pool)?,
                identity: pattern("identity", identity)?,
                namespace: pattern("namespace", namespace)?,
                workload: pattern("workload", workload)?,
            },
        })
    }

    fn subject(&self) -> String {
        format!("exception of {} ({})", self.owner, self.place)
    }

    fn expired(&self) -> NoticeReport {
        let expired = self.expires.map_or_else(String::new, |last| last.to_string());
        NoticeReport {
            code: CoreFinding::ExceptionExpired.code().name().to_owned(),
            severity: Severity::Low,
            subject: self.subject(),
            message: format!("expired on {expired}: {}", self.reason),
            images: None,
        }
    }
}
