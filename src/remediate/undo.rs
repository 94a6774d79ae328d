//! Taking back what a receipt says was written, and nothing else.

use super::judge::Now;
use super::receipt::Receipt;
use super::{Effect, Place, Plan, PlannedQuestion};
use crate::assess::Judging;
use crate::clouds::Clouds;
use crate::report::VerdictWord;
use anyhow::Result;
use jiff::Timestamp;
use pullaudit_core::{Action, Change, NOT_UNDONE};
use std::collections::BTreeMap;

/// A plan that takes back, and what stays as it is.
#[derive(Debug)]
pub struct Undoing {
    /// The plan; its effects are what would break again.
    pub plan: Plan,
    /// Changes that are gone already, or were never made.
    pub gone: Vec<String>,
    /// Changes, or parts of one, that stay: they are no longer what was written, or nothing brings the former state back.
    pub kept: Vec<String>,
}

/// Looks at what stands of a receipt, and plans to take it away. Writes nothing.
pub async fn plan(receipt: &Receipt, clouds: &Clouds) -> Result<Undoing> {
    let mut undoing = Undoing { plan: Plan::new(Timestamp::now()), gone: Vec::new(), kept: Vec::new() };
    undoing.plan.strict = receipt.strict;
    for entry in &receipt.changes {
        let change = &entry.change;
        if !entry.may_stand() {
            undoing.gone.push(format!("{}: was not written by that run", change.target));
            continue;
        }
        let writer = clouds.get(&change.provider).and_then(|provider| provider.writer.as_ref());
        let Some(writer) = writer else {
            undoing.kept.push(format!("{}: pullaudit writes nothing in {}", change.target, change.provider));
            continue;
        };
        match writer.undo(change).await {
            Ok(Some(change)) => {
                let stays = change.notes.iter().filter(|note| note.label == NOT_UNDONE);
                undoing.kept.extend(stays.map(|note| format!("{}: {}", entry.change.target, note.text)));
                undoing.plan.changes.push(change);
            }
            Ok(None) => {
                let how = match change.action {
                    Action::Add => "is gone already",
                    Action::Change => "is as it was before already",
                    Action::Remove => "is there again already",
                };
                undoing.gone.push(format!("{}: {how}", change.target));
            }
            Err(error) => undoing.kept.push(error.to_string()),
        }
    }
    let own = |question: &&PlannedQuestion| {
        undoing.plan.changes.iter().any(|change| question.changes.contains(&change.id))
    };
    let mut questions: Vec<PlannedQuestion> = receipt.questions.iter().filter(own).cloned().collect();
    if !questions.is_empty() {
        let judging = Judging { at: Timestamp::now(), mode: receipt.mode() };
        let now = Now::read(clouds, &questions, &mut BTreeMap::new()).await?;
        let changes: Vec<&Change> = undoing.plan.changes.iter().collect();
        let before = now.verdicts(&questions, judging);
        let then = now.verdicts_after(&changes, &questions, judging);
        undoing.plan.effects = effects(receipt, &questions, &before, &then);
        for (question, then) in questions.iter_mut().zip(then) {
            question.expect = then;
        }
        undoing.plan.questions = questions;
    }
    undoing.plan = undoing.plan.sealed()?;
    Ok(undoing)
}

/// What each change would break again: repositories that are allowed now and would not be.
fn effects(
    receipt: &Receipt,
    questions: &[PlannedQuestion],
    before: &[VerdictWord],
    then: &[VerdictWord],
) -> BTreeMap<String, Effect> {
    let mut effects: BTreeMap<String, Effect> = BTreeMap::new();
    for ((question, before), then) in questions.iter().zip(before).zip(then) {
        if *before != VerdictWord::Allowed || *then == VerdictWord::Allowed {
            continue;
        }
        for id in &question.changes {
            let effect = effects.entry(id.clone()).or_default();
            effect.breaks = true;
            effect.repositories.insert(question.repository());
            effect.pools.extend(question.places.iter().map(Place::short));
            // Which of them pull this image the receipt does not tell: at most these.
            if let Some(former) = receipt.effects.get(id) {
                effect.workloads.extend(former.workloads.iter().cloned());
            }
        }
    }
    effects
}
