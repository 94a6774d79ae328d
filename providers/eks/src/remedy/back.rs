//! Taking a change back, decided from what stood there, what we left and what stands there now.

use super::command::command;
use super::document::{self, same_meaning};
use super::own::{self, is_role_id};
use super::target::Target;
use pullaudit_core::{Action, Change, Note, Safety};
use std::collections::BTreeSet;

/// What taking a change back comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// Nothing of it stands there.
    Gone,
    /// This is to stand there; `None` for nothing.
    Write(Option<String>),
    /// Only this can stand there: what stays as it is, and why.
    Partly(Option<String>, String),
    /// Nothing brings the former state back, and why.
    Lost(String),
    /// It is no longer what was left, and why.
    Kept(String),
}

/// Decides it. Where nobody else wrote since, the former text comes back as it was, letter by letter; else only
/// our own statements are put back or taken out of what stands there now, and where those were changed, nothing
/// is.
pub(crate) fn back(target: &Target, before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Back {
    match (same(now, after), same(now, before)) {
        (_, true) => return Back::Gone,
        _ if !role_ids(before).is_subset(&role_ids(after)) => return partly(target, before, after, now),
        (true, false) => return Back::Write(before.map(str::to_owned)),
        (false, false) => {}
    }
    own_back(target, before, after, now)
}

/// Only our own statements put back or taken out.
fn own_back(target: &Target, before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Back {
    let Some(text) = now else {
        return match (target.own(before).is_empty(), target.own(after).is_empty()) {
            (true, _) => Back::Gone,
            (false, _) => Back::Kept("somebody took the whole document away".to_owned()),
        };
    };
    let mut document = match document::parse(text) {
        Ok(document) => document,
        Err(why) => return Back::Kept(format!("it can't be read without loss: {why}")),
    };
    let (had, left, has) = (target.own(before), target.own(after), target.own(now));
    if own::same(&has, &had) {
        return Back::Gone;
    }
    if !own::same(&has, &left) {
        return Back::Kept("pullaudit's own statement in it was changed since".to_owned());
    }
    own::replace(target.side(), &mut document, had);
    // AWS takes no policy without a statement.
    let none = document::statements(&document).is_empty();
    Back::Write((!none).then(|| document::text(&document)))
}

/// Ids of deleted roles that became ARNs stay ARNs, since AWS takes no policy with such an id; the rest goes back.
fn partly(target: &Target, before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Back {
    let lost: Vec<String> = role_ids(before).difference(&role_ids(after)).cloned().collect();
    let lost = lost.join(", ");
    let why =
        format!("AWS takes no policy that names a deleted role by its id ({lost}), and no undo can bring it back");
    match own_back(target, before, after, now) {
        Back::Write(then) => Back::Partly(then, why),
        Back::Gone => Back::Lost(why),
        other => other,
    }
}

/// Ids of roles that the statements of a policy name as principals.
fn role_ids(text: Option<&str>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let document = text.and_then(|text| document::parse(text).ok()).unwrap_or_else(document::empty);
    for statement in document::statements(&document) {
        document::each_principal(&mut statement["Principal"].clone(), &mut |text| {
            ids.extend(is_role_id(text).then(|| text.to_owned()));
            None
        });
    }
    ids
}

/// True when two texts say the same; texts that are no documents only where they are the same letters.
pub(crate) fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let parsed = (document::parse(one), document::parse(other));
    one == other || matches!(&parsed, (Ok(one), Ok(other)) if same_meaning(one, other))
}

/// The change that takes this one back, with what is to stand there then. `now` is what stands there.
pub(crate) fn change_back(change: &Change, target: &Target, now: Option<&str>, then: Option<&str>) -> Change {
    let taking = change.action != Action::Remove;
    let about = ["role", "repository", "statement", "policy", "only"];
    Change {
        target: format!("take back: {}", change.target),
        action: match (taking, now.is_some()) {
            (true, _) => Action::Remove,
            (false, true) => Action::Change,
            (false, false) => Action::Add,
        },
        before: now.map(|text| target.body(text)),
        after: then.map(|text| target.body(text)),
        safety: Safety::Safe,
        notes: change
            .notes
            .iter()
            .filter(|note| about.contains(&note.label.as_str()))
            .cloned()
            .chain((taking && then.is_some()).then(|| Note::new("keeps", "the statements of others")))
            .collect(),
        rests_on: Vec::new(),
        command: command(target, then),
        import: String::new(),
        ..change.clone()
    }
}
