//! What a look at a document says, right before a write and right after it.

use super::back::same;
use super::document::{self, each_principal, meaning, statements, statements_mut};
use super::own::{self, is_role_id};
use super::target::Target;
use crate::weigh::arn::RoleArn;
use pullaudit_core::{Change, Fingerprint};
use serde_json::Value;

/// Whether a change may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// All is as planned.
    AsPlanned,
    /// The document says just that already.
    AlreadyThere,
    /// The world is another than the plan saw, and how.
    Moved(String),
}

/// Decides it: the document must still say what the plan saw, and so must all else that the change rests on.
/// `text` is the document's, `now` are the prints of what was read again.
pub(crate) fn look(target: &Target, change: &Change, text: Option<&str>, now: &[Fingerprint]) -> Look {
    if same(text, target.text(change.after.as_ref())) {
        return Look::AlreadyThere;
    }
    let mut other: Vec<&str> =
        change.rests_on.iter().filter(|one| !now.contains(one)).map(|one| one.reading.as_str()).collect();
    let reading = target.reading();
    if !same(text, target.text(change.before.as_ref())) && !other.contains(&reading.as_str()) {
        other.push(&reading);
    }
    if other.is_empty() {
        return Look::AsPlanned;
    }
    Look::Moved(format!("changed since the plan was made: {}; plan again", other.join(", ")))
}

/// How a document that was just written shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it was sent.
    AsSent,
    /// As it was sent, with ids of roles in the place of their ARNs or the other way round.
    ById,
    /// Somebody wrote at the same time, and our statements stand.
    WithOthers,
    /// As it was before.
    AsBefore,
    /// As neither: somebody wrote over it.
    Overwritten,
}

/// Tells it from what stood there, what was sent and what stands there now.
pub(crate) fn shown(target: &Target, change: &Change, now: Option<&str>) -> Shown {
    let (before, after) = (target.text(change.before.as_ref()), target.text(change.after.as_ref()));
    if same(now, after) {
        return Shown::AsSent;
    }
    if same(now, before) {
        return Shown::AsBefore;
    }
    let marked = (after.and_then(roles_marked), now.and_then(roles_marked));
    if matches!(&marked, (Some(after), Some(now)) if after == now) {
        return Shown::ById;
    }
    if own::same(&target.own(now), &target.own(after)) { Shown::WithOthers } else { Shown::Overwritten }
}

/// A document in which roles are only counted, statement by statement.
fn roles_marked(text: &str) -> Option<Value> {
    let mut document = document::parse(text).ok()?;
    for principal in statements_mut(&mut document).iter_mut().filter_map(|one| one.get_mut("Principal")) {
        let mut count = 0;
        each_principal(principal, &mut |text| {
            let arn = RoleArn::parse(text).is_some_and(|arn| arn.session.is_none());
            (arn || is_role_id(text)).then(|| {
                count += 1;
                format!("role {count}")
            })
        });
    }
    Some(meaning(&document))
}

/// A role that a policy names by its id in the place of a principal: AWS shows a deleted role so, and takes no policy
/// back that names one. An id in a condition is just a text.
pub(crate) fn role_by_id(text: &str) -> Option<String> {
    let document = document::parse(text).ok()?;
    let mut found = None;
    for statement in statements(&document) {
        each_principal(&mut statement["Principal"].clone(), &mut |text| {
            found = found.take().or_else(|| is_role_id(text).then(|| text.to_owned()));
            None
        });
    }
    found
}
