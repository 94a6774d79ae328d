//! The gate before a write: a plan may come from a file, so each change is looked at by itself.

use super::document;
use super::own::{foreign, is_role_id, only_reads};
use super::target::Target;
use crate::weigh::arn::RoleArn;
use pullaudit_core::{Action, Change};
use serde_json::Value;

/// Why a change must not be written, whoever made the plan: it does more than adding or taking away
/// statements of ours, or putting a role's ARN in the place of an id.
pub(crate) fn refuse(target: &Target, change: &Change) -> Option<String> {
    let read = |body: Option<&Value>| match target.text(body) {
        None if body.is_some() => Err("it does not hold what its document names".to_owned()),
        None => Ok(None),
        Some(text) => document::parse(text).map(Some),
    };
    if let Target::Attachment { .. } = target {
        let own = |body: &Option<Value>| body.as_ref().is_none_or(|body| *body == target.body(""));
        let one = change.before.is_some() != change.after.is_some();
        let fine = own(&change.before) && own(&change.after) && one;
        return (!fine).then(|| "it is no attachment of the policy that only pulls".to_owned());
    }
    let (before, after) = match (read(change.before.as_ref()), read(change.after.as_ref())) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(why), _) | (_, Err(why)) => return Some(why),
    };
    let fields = |document: &Option<Value>| {
        let mut rest = document.clone().unwrap_or_else(document::empty);
        rest["Statement"] = Value::Null;
        rest
    };
    let (empty, side) = (document::empty(), target.side());
    let before_list = foreign(side, before.as_ref().unwrap_or(&empty));
    let after_list = foreign(side, after.as_ref().unwrap_or(&empty));
    let same_list = before_list.len() == after_list.len()
        && before_list.iter().zip(&after_list).all(|(before, after)| {
            // Taking back puts the id where it was.
            same_but_for_ids(before, after) || (change.action == Action::Remove && same_but_for_ids(after, before))
        });
    let same_fields = before.is_none() || after.is_none() || fields(&before) == fields(&after);
    (!same_list || !same_fields).then(|| "it changes statements that are not pullaudit's own".to_owned())
}

/// True when two statements differ at most in ids of roles that became ARNs of roles, where that gives reading
/// and nothing else.
fn same_but_for_ids(before: &Value, after: &Value) -> bool {
    if before == after || !only_reads(before) {
        return before == after;
    }
    let (mut ids, mut arns) = (before.clone(), after.clone());
    let mark = |text: &str| {
        let arn = RoleArn::parse(text).is_some_and(|arn| arn.session.is_none() && !text.contains('*'));
        (is_role_id(text) || arn).then(|| "role".to_owned())
    };
    let kept = |statement: &Value| {
        let mut arns = Vec::new();
        let mut statement = statement["Principal"].clone();
        document::each_principal(&mut statement, &mut |text| {
            arns.extend((!is_role_id(text)).then(|| text.to_owned()));
            None
        });
        arns
    };
    let (had, has) = (kept(before), kept(after));
    for statement in [&mut ids, &mut arns] {
        if let Some(principal) = statement.get_mut("Principal") {
            document::each_principal(principal, &mut { mark });
        }
    }
    ids == arns && had.iter().all(|arn| has.contains(arn))
}
