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

/// The texts of checks that the redacted snapshot answers otherwise; none where all verdicts are the same.
pub(super) fn differing(
    original: &Snapshot,
    redacted: &Snapshot,
    words: &Words,
    clouds: &Clouds,
) -> Result<Vec<String>, SnapshotError> {
    let mut counts: BTreeMap<Answer, (i64, Vec<String>)> = BTreeMap::new();
    for (snapshot, sign) in [(original, 1), (redacted, -1)] {
        for strict in [false, true] {
            for check in checks(snapshot, clouds, strict)? {
                let texts = texts(&check);
                let answer =
                    answer(check, strict, |text| if sign > 0 { words.redact(text) } else { text.to_owned() });
                let (count, of) = counts.entry(answer).or_default();
                *count += sign;
                if sign > 0 {
                    *of = texts;
                }
            }
        }
    }
    Ok(counts.into_values().filter(|(count, _)| *count != 0).flat_map(|(_, texts)| texts).collect())
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
