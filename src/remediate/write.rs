//! Carrying a plan out: whether we may, whether the world is still as planned, then one change after the
//! other, each noted before it is sent, and at last what the cloud says of it.

use super::judge::{Now, worst};
use super::receipt::{Entry, ReceiptFile};
use super::{Plan, PlannedQuestion, moment};
use crate::clouds::Clouds;
use crate::interrupt::Interrupt;
use crate::report::{VerdictWord, plural};
use anyhow::{Context, Result};
use jiff::Timestamp;
use pullaudit_core::{
    Action, Applied, Change, Clusters, Discovered, Obstacle, Open, Outcome, OwnRight, PrincipalKind, Read, Safety,
    Scope,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::{Duration, Instant};

/// How long to wait before the cloud is asked again whether a write is listed; it doubles up to the second.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// Columns that a change may take in the line of its write, where others are to end in the same column.
const WIDEST: usize = 70;

/// What carrying a plan out needs.
pub struct Carrier<'a> {
    /// The clouds.
    pub clouds: &'a Clouds,
    /// What to write.
    pub plan: &'a Plan,
    /// How long the proof may take.
    pub verify_timeout: Duration,
    /// Whether the user wants to end.
    pub interrupt: &'a Interrupt,
}

/// A cluster of the plan as its cloud tells it now, with the side that did.
pub type Found<'a> = (&'a dyn Clusters, Discovered);

impl<'a> Carrier<'a> {
    /// The caller's own rights to write, by change.
    pub async fn rights(&self) -> BTreeMap<String, OwnRight> {
        let mut rights = BTreeMap::new();
        for provider in self.clouds.iter() {
            let Some(writer) = &provider.writer else { continue };
            let own = |change: &&Change| change.provider == provider.name && change.safety > Safety::ShowOnly;
            let changes: Vec<&Change> = self.plan.changes.iter().filter(own).collect();
            if !changes.is_empty() {
                let ids = changes.iter().map(|change| change.id.clone());
                rights.extend(ids.zip(writer.preflight(&changes).await));
            }
        }
        rights
    }

    /// The clusters of the plan as their clouds tell them now. Where one can't be told, nothing is written.
    pub async fn clusters(&self, changes: &[&Change]) -> Result<Vec<Found<'a>>> {
        let mut wanted: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for place in self.questions(changes).flat_map(|question| &question.places) {
            let (ids, scopes) = wanted.entry(&place.provider).or_default();
            ids.insert(place.cluster.clone());
            scopes.insert(place.scope.clone());
        }
        let mut all = Vec::new();
        for (name, (ids, scopes)) in wanted {
            let side = self.clouds.get(name).and_then(|provider| provider.clusters.as_deref());
            let side = side.with_context(|| format!("the plan names a cloud {name:?} that is not known here"))?;
            let scope = Scope::new(move |id, _| ids.contains(id)).within(scopes);
            let told = "the clusters of the plan can't be read again, so nothing was written";
            let found = side.discover(&scope).await.context(told)?;
            all.extend(found.clusters.into_iter().map(|one| (side, one)));
        }
        Ok(all)
    }

    fn questions<'b>(&'b self, changes: &'b [&Change]) -> impl Iterator<Item = &'b PlannedQuestion> {
        let chosen = |id: &String| changes.iter().any(|change| &change.id == id);
        self.plan.questions.iter().filter(move |question| question.changes.iter().any(chosen))
    }

    /// Why a change must not be written: the identity is no longer the one that pulls there.
    fn moved(&self, change: &Change, clusters: &[Found<'_>]) -> Option<String> {
        if change.action == Action::Remove {
            return None;
        }
        // Who pulls there matters to what shall let them pull, not to what takes that back.
        let meant = |question: &&PlannedQuestion| question.expect == VerdictWord::Allowed;
        for question in self.questions(&[change]).filter(meant) {
            // Who pulls for a service account stands in its annotations, which the plan was made from.
            if question.by.kind == PrincipalKind::ServiceAccountRole {
                continue;
            }
            for place in &question.places {
                let here = |found: &&Found<'_>| found.1.cluster.id.0 == place.cluster;
                let Some((side, found)) = clusters.iter().find(here) else {
                    return Some(format!("cluster {} is gone, or can't be seen any more", place.cluster));
                };
                // Who pulls there can't be told without the cluster's own API; what is written looks at the role
                // itself again.
                if side.needs_view(found) {
                    continue;
                }
                let unseen = Open::unread("nodes", "list nodes", "", Obstacle::NotAsked);
                let (pools, _) = side.pools(found, &Read::Unread(unseen));
                let own = |id: &str| id.eq_ignore_ascii_case(&question.by.id);
                if !pools.iter().filter_map(|pool| pool.identity.got()).any(|identity| own(&identity.id)) {
                    let (who, name) = (&question.by.name, &found.cluster.name);
                    return Some(format!("{who} ({}) is no longer an identity of {name}", question.by.id));
                }
            }
        }
        None
    }

    /// Writes the changes of the receipt, one after the other. It ends early where the user asks for it or
    /// the receipt can't be kept.
    pub async fn write(
        &self,
        changes: &[&Change],
        clusters: &[Found<'_>],
        file: &mut ReceiptFile,
        out: &mut dyn Write,
    ) -> Result<()> {
        let widest = changes.iter().map(|change| change.target.chars().count()).max().unwrap_or_default();
        for (number, change) in changes.iter().enumerate() {
            if self.interrupt.asked() {
                line(out, "stopped", &format!("{} not begun", plural(changes.len() - number, "change")));
                break;
            }
            let started = Instant::now();
            let writer = self.clouds.get(&change.provider).and_then(|provider| provider.writer.as_ref());
            let applied = match (self.moved(change, clusters), writer) {
                (Some(why), _) => Applied::stale(why),
                (None, Some(writer)) => writer.apply(change, file).await,
                (None, None) => {
                    let why = format!("pullaudit writes nothing in {}", change.provider);
                    Applied::failed(why, pullaudit_core::LeftBehind::Nothing)
                }
            };
            let applied = self.waiting(change, applied);
            let told = || format!("{} ended as {}", change.target, applied.outcome.as_str());
            let kept = file.note(&change.id, &applied);
            kept.with_context(|| format!("{}, and the receipt {} can't be kept", told(), file.path().display()))?;
            let (target, took) = (&change.target, started.elapsed().as_secs_f32());
            let text = format!("{target:<width$}   {}, {took:.1} s", said(&applied), width = widest.min(WIDEST));
            line(out, &format!("write {}", number + 1), &text);
        }
        Ok(())
    }

    /// What was written helps nobody before the owner of another document has done their half: that is what it
    /// waits for.
    fn waiting(&self, change: &Change, applied: Applied) -> Applied {
        let shown =
            |id: &String| self.plan.changes.iter().any(|one| one.id == *id && one.safety == Safety::ShowOnly);
        let changes = [change];
        let mut own = self.questions(&changes).peekable();
        let alone = own.peek().is_some() && own.all(|question| question.changes.iter().any(shown));
        match applied.outcome {
            Outcome::Applied if alone => Applied { outcome: Outcome::WaitingForOwner, ..applied },
            _ => applied,
        }
    }

    /// Asks the cloud until its settings say what the plan expects of every change that was written, or
    /// time runs out. Notes in the receipt what they say in the end; true where that is what was expected.
    pub async fn verify(&self, file: &mut ReceiptFile, until: Instant, out: &mut dyn Write) -> Result<bool> {
        let questions = file.receipt.questions.clone();
        let written = |entry: &&Entry| matches!(entry.outcome, Some(Outcome::Applied | Outcome::AlreadyThere));
        let done: Vec<String> =
            file.receipt.changes.iter().filter(written).map(|entry| entry.change.id.clone()).collect();
        let (mut wait, mut said) = (FIRST, false);
        let (verdicts, settled) = loop {
            let now = Timestamp::now();
            let verdicts = Now::read(self.clouds, &questions).await?.verdicts(&questions, now);
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

fn said(applied: &Applied) -> String {
    match applied.outcome {
        Outcome::Applied => applied.detail.clone(),
        other => format!("{}: {}", other.as_str(), applied.detail),
    }
}

/// A line of the run: when, what, how. A reader who went away must not stop a run that writes.
pub fn line(out: &mut dyn Write, what: &str, how: &str) {
    let now = Timestamp::now().strftime("%H:%M:%S");
    let _ = writeln!(out, "  {now}  {what:<9} {how}");
    let _ = out.flush();
}
