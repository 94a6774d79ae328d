//! A plan for people: what would be written, why it is the least, what it turns.

use super::text::{Paint, plural};
use crate::remediate::{Effect, Plan};
use pullaudit_core::{Action, Change, Safety};
use std::fmt::Write as _;

/// Columns that a line may fill.
const WIDTH: usize = 115;

/// The plan in full. `dry` says that nothing will be written after it.
pub fn plan(plan: &Plan, paint: Paint, dry: bool) -> String {
    let mut out = String::new();
    let tail = if dry { "   nothing is written" } else { "" };
    let _ = writeln!(out, "plan {}   facts read {}{tail}\n", plan.name(), plan.created_at);
    for (number, change) in plan.changes.iter().enumerate() {
        entry(&mut out, number + 1, change, plan.effects.get(&change.id), paint);
    }
    for held in &plan.held_back {
        line(&mut out, &paint.unsure("! held back   "), 14, &format!("{}: {}", held.subject, held.why));
    }
    if !plan.held_back.is_empty() {
        out.push('\n');
    }
    let count = |action: Action| plan.changes.iter().filter(|change| change.action == action).count();
    let _ = writeln!(
        out,
        "Plan: {} to add, {} to change, {} to remove, {} held back.",
        count(Action::Add),
        count(Action::Change),
        count(Action::Remove),
        plan.held_back.len()
    );
    out
}

fn entry(out: &mut String, number: usize, change: &Change, effect: Option<&Effect>, paint: Paint) {
    let (sign, safety) = match (change.action, change.safety) {
        (_, Safety::ShowOnly) => ("·", "shown only: its owner writes it"),
        (Action::Add, Safety::Safe) => ("+", "safe"),
        (Action::Add, Safety::NeedsConsent) => ("+", "needs consent"),
        (Action::Change, Safety::Safe) => ("~", "safe"),
        (Action::Change, Safety::NeedsConsent) => ("~", "needs consent"),
        (Action::Remove, Safety::Safe) => ("-", "safe"),
        (Action::Remove, Safety::NeedsConsent) => ("-", "needs consent"),
    };
    let head = format!("{sign} {number}  {}", change.target);
    let gap = WIDTH.saturating_sub(head.chars().count() + safety.chars().count()).max(2);
    let _ = writeln!(out, "{}{}{safety}", paint.good(&head), " ".repeat(gap));
    for note in &change.notes {
        labelled(out, &note.label, &note.text, paint);
    }
    if let Some(effect) = effect {
        let (repositories, pools) = (effect.repositories.len(), effect.pools.len());
        let turns = format!(
            "{} denied → allowed on {}, none worse; proof: all was weighed again with it",
            plural(repositories, "repository"),
            plural(pools, "pool")
        );
        labelled(out, "turns", &turns, paint);
        labelled(out, "unblocks", &unblocks(effect), paint);
    }
    let _ = writeln!(out, "     {}{}", paint.dim(&format!("{:<12}", "as az")), paint.command(&change.command));
    let _ = writeln!(out, "     {}{}", paint.dim(&format!("{:<12}", "terraform")), paint.command(&change.import));
    out.push('\n');
}

fn unblocks(effect: &Effect) -> String {
    let namespaces: std::collections::BTreeSet<&str> =
        effect.workloads.iter().filter_map(|name| name.split('/').next()).collect();
    format!("{} in {}", plural(effect.workloads.len(), "workload"), plural(namespaces.len(), "namespace"))
}

fn labelled(out: &mut String, label: &str, text: &str, paint: Paint) {
    line(out, &format!("     {}", paint.dim(&format!("{label:<12}"))), 17, text);
}

/// A text behind a head, broken at spaces, its further lines set in under the first.
fn line(out: &mut String, head: &str, indent: usize, text: &str) {
    out.push_str(head);
    let mut column = indent;
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{}", " ".repeat(indent));
            column = indent;
        } else if number > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}
