//! That a redacted snapshot gets the same verdicts.

use super::words::Words;
use crate::assess::{self, Judging, Opened};
use crate::clouds::Clouds;
use crate::questions;
use crate::report::{Check, Needing, VerdictWord};
use pullaudit_core::{Mode, Snapshot, SnapshotError};
use std::collections::BTreeMap;

/// What is asked and what is answered, with nothing but names that a redaction changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    strict: bool,
    cluster: Option<String>,
    pool: Option<String>,
    image: String,
    verdict: VerdictWord,
    code: String,
    /// Sorted: pull secrets are tried in the order of their keys, which are names.
    attempts: Vec<VerdictWord>,
}

/// What the redacted snapshot answers otherwise.
#[derive(Debug, Default)]
pub(super) struct Differing {
    /// Checks of the original that have another answer.
    pub(super) checks: usize,
    /// Every text by which they got their verdict.
    pub(super) texts: Vec<String>,
    /// The same of the redacted snapshot: what is not known there may be named there only.
    pub(super) redacted: Vec<String>,
}

impl Differing {
    /// Returns true where all verdicts are the same.
    pub(super) fn is_none(&self) -> bool {
        self.checks == 0 && self.redacted.is_empty()
    }
}

/// Compares the answers of both; a snapshot is redacted well where none differs.
pub(super) fn differing(
    original: &Snapshot,
    redacted: &Snapshot,
    words: &Words,
    clouds: &Clouds,
) -> Result<Differing, SnapshotError> {
    let mut counts: BTreeMap<Answer, (i64, Vec<String>)> = BTreeMap::new();
    for (snapshot, sign) in [(original, 1), (redacted, -1)] {
        for strict in [false, true] {
            for check in checks(snapshot, clouds, strict)? {
                let texts = texts(&check);
                let answer =
                    answer(check, strict, |text| if sign > 0 { words.redact(text) } else { text.to_owned() });
                let (count, of) = counts.entry(answer).or_default();
                *count += sign;
                of.extend(texts);
            }
        }
    }
    let (mut differing, mut by_mode) = (Differing::default(), [0, 0]);
    for (answer, (count, texts)) in counts {
        match usize::try_from(count) {
            Ok(0) => {}
            Ok(lost) => {
                by_mode[usize::from(answer.strict)] += lost;
                differing.texts.extend(texts);
            }
            Err(_) => differing.redacted.extend(texts),
        }
    }
    // A check is judged twice, by default and strict, and is one check.
    differing.checks = by_mode[0].max(by_mode[1]);
    Ok(differing)
}

fn checks(snapshot: &Snapshot, clouds: &Clouds, strict: bool) -> Result<Vec<Check>, SnapshotError> {
    let judging = Judging { at: snapshot.taken_at, mode: if strict { Mode::Strict } else { Mode::Default } };
    let asking = questions::ask(snapshot, clouds);
    let opened = Opened::new(snapshot, clouds)?;
    let judged = assess::judge_pulls(&asking, &opened, clouds, judging);
    Ok(assess::checks(snapshot, &asking, &judged, clouds))
}

fn answer(check: Check, strict: bool, name: impl Fn(&str) -> String) -> Answer {
    let mut attempts: Vec<_> = check.attempts.iter().map(|attempt| attempt.verdict).collect();
    attempts.sort();
    Answer {
        strict,
        cluster: check.cluster.as_deref().map(&name),
        pool: check.pool.as_deref().map(&name),
        image: name(&check.image),
        verdict: check.verdict,
        code: check.code,
        attempts,
    }
}

/// Every text by which a verdict may have been reached.
fn texts(check: &Check) -> Vec<String> {
    let identity = check.identity.iter().flat_map(|identity| [identity.id.clone(), identity.name.clone()]);
    let names = [check.cluster.clone(), check.pool.clone(), Some(check.image.clone())];
    let because = check.because.iter().flat_map(|one| [one.source.clone(), one.detail.clone()]);
    let missing = check.needing.iter().chain(&check.assuming).map(|need| match need {
        Needing::Reading { reading, .. } => reading.clone(),
        Needing::Undecidable { undecidable } => undecidable.clone(),
    });
    names.into_iter().flatten().chain(identity).chain(because).chain(missing).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::{Reading, Select};
    use crate::settings::Settings;

    #[test]
    fn counts_each_check_once() {
        let clouds = Clouds::new(&Settings::without_config(Select::default(), Reading::default())).unwrap();
        let text = include_str!("../../examples/identity-rotation/fleet.snapshot.json");
        let original = Snapshot::parse(text).unwrap();
        let mut other = original.clone();
        other.facts.remove("gke");
        let changed = |strict| {
            let checks = |snapshot| checks(snapshot, &clouds, strict).unwrap();
            let (before, after) = (checks(&original), checks(&other));
            let pairs = before.iter().zip(&after);
            pairs.filter(|(one, other)| (one.verdict, &one.code) != (other.verdict, &other.code)).count()
        };
        let expected = changed(false).max(changed(true));
        assert!(expected > 2);
        let words = Words::default();
        assert_eq!(differing(&original, &other, &words, &clouds).unwrap().checks, expected);
        assert!(differing(&original, &original, &words, &clouds).unwrap().is_none());
    }
}
