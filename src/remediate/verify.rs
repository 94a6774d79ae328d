//! The proof of what was written: what the clouds' settings say of it now.

use super::journal::ReceiptFile;
use super::judge::{Now, worst};
use super::receipt::Entry;
use super::told::line;
use super::write::Carrier;
use super::{PlannedQuestion, moment};
use crate::assess::Judging;
use crate::report::{VerdictWord, plural};
use anyhow::Result;
use jiff::Timestamp;
use pullaudit_core::Outcome;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long to wait before the cloud is asked again whether a write is listed; it doubles up to the second.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

impl Carrier<'_> {
    /// Asks the cloud until its settings say what the plan expects of every change that was written, or
    /// time runs out. Notes in the receipt what they say in the end; true where that is what was expected.
    pub async fn verify(&self, file: &mut ReceiptFile, until: Instant, out: &mut dyn Write) -> Result<bool> {
        let questions = file.receipt.questions.clone();
        let written = |entry: &&Entry| matches!(entry.outcome, Some(Outcome::Applied | Outcome::AlreadyThere));
        let done: Vec<String> =
            file.receipt.changes.iter().filter(written).map(|entry| entry.change.id.clone()).collect();
        let (mut wait, mut said) = (FIRST, false);
        let mut known = self.known.clone();
        let (verdicts, settled) = loop {
            let judging = Judging { at: Timestamp::now(), mode: self.plan.mode() };
            let now = Now::read(self.clouds, &questions, &mut known).await?;
            let verdicts = now.verdicts(&questions, judging);
            let open = |(question, verdict): (&PlannedQuestion, &VerdictWord)| {
                question.changes.iter().all(|id| done.contains(id)) && question.expect != *verdict
            };
            let settled = !questions.iter().zip(&verdicts).any(open);
            if settled || Instant::now() + wait >= until {
                break (verdicts, settled);
            }
            if !said {
                line(out, "listed", "not yet: Azure and others take up to 10 minutes; asking again");
                said = true;
            }
            if !self.interrupt.sleep(wait).await {
                break (verdicts, settled);
            }
            wait = (wait * 2).min(LONGEST);
        };
        note_listed(file, &questions, &verdicts)?;
        for text in listed(&questions, &verdicts, &done) {
            line(out, "listed", &text);
        }
        Ok(settled)
    }
}

fn note_listed(file: &mut ReceiptFile, questions: &[PlannedQuestion], verdicts: &[VerdictWord]) -> Result<()> {
    let at = moment(Timestamp::now());
    let of = |id: &String| {
        let own = questions.iter().zip(verdicts).filter(|(question, _)| question.changes.contains(id));
        worst(own.map(|(_, verdict)| *verdict))
    };
    file.edit_all(|entry| {
        entry.listed = of(&entry.change.id);
        entry.listed_at = entry.listed.map(|_| at.clone());
    })?;
    Ok(())
}

/// How many repositories have which verdict: the worst one of all who pull from them.
fn listed(questions: &[PlannedQuestion], verdicts: &[VerdictWord], ids: &[String]) -> Vec<String> {
    let mut by_repository: BTreeMap<String, Vec<VerdictWord>> = BTreeMap::new();
    let written = |question: &PlannedQuestion| question.changes.iter().all(|id| ids.contains(id));
    for (question, verdict) in questions.iter().zip(verdicts).filter(|(question, _)| written(question)) {
        by_repository.entry(question.repository()).or_default().push(*verdict);
    }
    let mut by_word: BTreeMap<VerdictWord, usize> = BTreeMap::new();
    for word in by_repository.values().filter_map(|verdicts| worst(verdicts.iter().copied())) {
        *by_word.entry(word).or_default() += 1;
    }
    let all: usize = by_word.values().sum();
    let one = |(word, count): (VerdictWord, usize)| {
        let are = if all == 1 { "is" } else { "are" };
        format!("{count} of {} {are} {} by what the cloud now lists", plural(all, "repository"), word.as_str())
    };
    by_word.into_iter().map(one).collect()
}
