//! A plan for people: what would be written, why it is the least, what it turns.

use super::text::{Paint, middle, plural};
use crate::remediate::{Effect, Plan};
use pullaudit_core::{Action, Change, Held, OwnRight, Safety};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Columns that a line may fill.
const WIDTH: usize = 115;

/// What is known of a plan beside what stands in it.
#[derive(Debug, Default)]
pub struct Around {
    /// Nothing will be written after it.
    pub dry: bool,
    /// The caller's own right to make each change, by its id.
    pub rights: BTreeMap<String, OwnRight>,
    /// Changes that are not written, each with the reason.
    pub left: Vec<(String, String)>,
    /// The plan changes nothing and holds nothing back: only what is not known is shown.
    pub empty: bool,
}

/// The plan in full.
pub fn plan(plan: &Plan, around: &Around, paint: Paint) -> String {
    let mut out = String::new();
    if around.empty {
        unknown(&mut out, plan, paint);
        return out;
    }
    let tail = if around.dry { "   nothing is written" } else { "" };
    let mode = if plan.strict { "   strict" } else { "" };
    let _ = writeln!(out, "plan {}   facts read {}{mode}{tail}\n", plan.name(), plan.created_at);
    for (number, change) in plan.changes.iter().enumerate() {
        entry(&mut out, number + 1, change, plan.effects.get(&change.id), paint);
    }
    for held in &plan.held_back {
        line(&mut out, &paint.unsure("! held back   "), 14, &format!("{}: {}", held.subject, held.why));
    }
    for (target, why) in &around.left {
        line(&mut out, &paint.unsure("! left out    "), 14, &format!("{target}: {why}"));
    }
    unknown(&mut out, plan, paint);
    for text in rights(plan, &around.rights) {
        line(&mut out, &paint.dim("your rights   "), 14, &text);
    }
    if !plan.held_back.is_empty() || !around.left.is_empty() || !around.rights.is_empty() || !plan.complete {
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

/// What the plan does not know: the checks, where they are, and what would resolve them; what was not read, and why.
fn unknown(out: &mut String, plan: &Plan, paint: Paint) {
    for one in &plan.unsettled {
        let short = |id: &String| id.rsplit('/').next().unwrap_or(id).to_owned();
        let clusters: Vec<String> = one.clusters.iter().map(short).collect();
        let place = if clusters.is_empty() { String::new() } else { format!(" on {}", clusters.join(", ")) };
        let mode = if plan.strict { ", strict" } else { "" };
        let checks = plural(one.checks.len(), "check");
        let text = format!("{checks}{place} ({}{mode}): {}", one.code, one.needs.join("; "));
        line(out, &paint.unsure("? unknown     "), 14, &text);
    }
    for one in plan.unread() {
        let needs = if one.permission.is_empty() { String::new() } else { format!("; needs {}", one.permission) };
        let text = format!("{}: {} ({}{needs})", one.scope, one.message, one.reading);
        line(out, &paint.unsure("? not read    "), 14, &text);
    }
}

/// Each right at each place once.
fn rights(plan: &Plan, rights: &BTreeMap<String, OwnRight>) -> Vec<String> {
    let own = plan.changes.iter().filter_map(|change| rights.get(&change.id));
    let told: BTreeSet<String> = own
        .map(|right| {
            let held = match &right.held {
                Held::Yes => "yes".to_owned(),
                Held::No => "no".to_owned(),
                Held::Open(open) => format!("not known ({open})"),
            };
            format!("{} on {}: {held}", right.right, right.place)
        })
        .collect();
    told.into_iter().collect()
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
    effects(out, change, effect, paint);
    let tool = change.command.split(' ').next().unwrap_or_default();
    let _ = writeln!(
        out,
        "     {}{}",
        paint.dim(&format!("{:<12}", format!("as {tool}"))),
        paint.command(&change.command)
    );
    if !change.import.is_empty() {
        let mut label = "terraform";
        for row in change.import.lines() {
            let _ = writeln!(out, "     {}{}", paint.dim(&format!("{label:<12}")), paint.command(row));
            label = "";
        }
    }
    out.push('\n');
}

fn effects(out: &mut String, change: &Change, effect: Option<&Effect>, paint: Paint) {
    let empty = Effect::default();
    let effect = effect.unwrap_or(&empty);
    let (repositories, pools) =
        (plural(effect.repositories.len(), "repository"), plural(effect.pools.len(), "pool"));
    if change.action == Action::Remove || effect.breaks {
        let breaks = match effect.repositories.len() {
            0 => "none of the pulls that it was made for".to_owned(),
            _ => format!("{repositories} allowed → denied on {pools}; {}", unblocks(effect)),
        };
        labelled(out, "breaks", &breaks, paint);
    } else if !effect.repositories.is_empty() {
        let turns = format!(
            "{repositories} denied → allowed on {pools}, none worse; proof: all was weighed again with it"
        );
        labelled(out, "turns", &turns, paint);
        labelled(out, "unblocks", &unblocks(effect), paint);
    }
}

fn unblocks(effect: &Effect) -> String {
    let namespaces: BTreeSet<&str> = effect.workloads.iter().filter_map(|name| name.split('/').next()).collect();
    format!("{} in {}", plural(effect.workloads.len(), "workload"), plural(namespaces.len(), "namespace"))
}

/// Words that are longer than a line are shortened: they stand whole in the command.
fn labelled(out: &mut String, label: &str, text: &str, paint: Paint) {
    let words: Vec<String> = text.split(' ').map(|word| short(word, WIDTH - 17)).collect();
    let text = &words.join(" ");
    line(out, &format!("     {}", paint.dim(&format!("{label:<12}"))), 17, text);
}

/// A path loses its head, as it is its end that people know it by; another word its middle.
fn short(word: &str, width: usize) -> String {
    if word.chars().count() <= width || !word.starts_with('/') {
        return middle(word, width);
    }
    let mut ends = word.match_indices('/').map(|(at, _)| &word[at..]);
    let end = ends.find(|end| end.chars().count() < width);
    end.map_or_else(|| middle(word, width), |end| format!("…{end}"))
}

/// A text behind a head of `indent` columns, broken at spaces, its further lines set in under the first.
pub fn line(out: &mut String, head: &str, indent: usize, text: &str) {
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
