//! Which changes of a plan are written, and whether the user says so.

use super::Plan;
use crate::report::plural;
use crate::usage::usage;
use anyhow::{Result, bail};
use pullaudit_core::{Action, Change, Held, OwnRight, Safety};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal as _, Write};

/// What the command line agrees to.
#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    /// `--consent broad`
    pub broad: bool,
    /// `--consent prune`
    pub prune: bool,
    /// `--yes`
    pub yes: bool,
    /// `--max-changes`
    pub max_changes: usize,
}

/// The changes that may be written, and why the others are not.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// In the order of the plan.
    pub write: Vec<&'a Change>,
    /// Left for an owner, or for more consent.
    pub left: Vec<(&'a Change, String)>,
    /// The caller has no right to write these.
    pub refused: Vec<(&'a Change, String)>,
}

/// Sorts a plan's changes by what the user agreed to and may do.
pub fn select<'a>(plan: &'a Plan, rights: &BTreeMap<String, OwnRight>, agreement: &Agreement) -> Selection<'a> {
    let mut selection = Selection::default();
    for change in &plan.changes {
        if let Some(why) = withheld(change, agreement) {
            selection.left.push((change, why));
        } else if let Some(right) = rights.get(&change.id).filter(|right| right.held == Held::No) {
            let why = format!("you lack {} on {}", right.right, right.place);
            selection.refused.push((change, why));
        } else {
            selection.write.push(change);
        }
    }
    selection
}

/// Why a change waits for somebody's word; `None` where it may be written.
pub fn withheld(change: &Change, agreement: &Agreement) -> Option<String> {
    match (change.safety, change.action) {
        (Safety::Safe, _) => None,
        (Safety::ShowOnly, _) => Some("it is its owner's to write".to_owned()),
        (Safety::NeedsConsent, Action::Remove) if agreement.prune => None,
        (Safety::NeedsConsent, Action::Remove) => Some("it needs --consent prune".to_owned()),
        (Safety::NeedsConsent, Action::Add | Action::Change) if agreement.broad => None,
        (Safety::NeedsConsent, Action::Add | Action::Change) => Some("it needs --consent broad".to_owned()),
    }
}

/// Refuses before anything is read, where nobody could be asked.
pub fn can_ask(agreement: &Agreement) -> Result<()> {
    if agreement.yes || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(usage("nobody can be asked here, as standard input is no terminal: add --yes to write, --dry-run to look"))
}

/// Refuses a plan that is larger than the user wants, whole.
pub fn within_bounds(selection: &Selection<'_>, agreement: &Agreement) -> Result<()> {
    let (count, most) = (selection.write.len(), agreement.max_changes);
    if count > most {
        bail!("the plan writes {}, more than --max-changes {most}: nothing was written", plural(count, "change"));
    }
    Ok(())
}

/// Asks on the terminal. `show` prints what `more` gives and asks again; everything but yes means no. It waits
/// on a thread of its own, so that an interrupt is heard meanwhile.
pub async fn ask(selection: &Selection<'_>, more: String) -> Result<bool> {
    let targets: BTreeSet<&str> = selection.write.iter().map(|change| where_to(change)).collect();
    let count = plural(selection.write.len(), "change");
    let targets = targets.into_iter().collect::<Vec<_>>().join(", ");
    let question = format!("Apply {count} to {targets}? [y/N/show] ");
    tokio::task::spawn_blocking(move || answer(&question, &more)).await?
}

fn answer(question: &str, more: &str) -> Result<bool> {
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let mut out = std::io::stderr().lock();
        out.write_all(question.as_bytes())?;
        out.flush()?;
        drop(out);
        let Some(line) = lines.next().transpose()? else { return Ok(false) };
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "s" | "show" => eprintln!("{more}"),
            _ => return Ok(false),
        }
    }
}

/// `acmeprod` of `/subscriptions/…/registries/acmeprod/providers/…`, `repository/base/nginx` of an ARN, or the
/// document itself.
fn where_to(change: &Change) -> &str {
    if change.document.starts_with("arn:") {
        return change.document.splitn(6, ':').nth(5).unwrap_or(&change.document);
    }
    let resource = change.document.split("/providers/Microsoft.Authorization/").next().unwrap_or(&change.document);
    resource.rsplit('/').next().unwrap_or(resource)
}
