//! The look before a write and after it.

use super::super::basis;
use super::super::look::{Look, Shown, look, shown};
use super::super::target::Target;
use super::{DEAD, OTHER_ROLE, REPOSITORY, ROLE};
use crate::facts::Role;
use pullaudit_core::Change;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn repository() -> Target {
    Target::Repository { arn: REPOSITORY.to_owned() }
}

fn lambda() -> Value {
    json!({"Sid": "Lambda", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "ecr:BatchGetImage"})
}

fn pull(principal: Value) -> Value {
    json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": principal,
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

fn text(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// One statement of others, and ours beside it.
fn planned() -> (Target, Change, String, String) {
    let target = repository();
    let (before, after) = (text(json!([lambda()])), text(json!([lambda(), pull(json!({"AWS": ROLE}))])));
    let change = Change {
        before: Some(target.body(&before)),
        after: Some(target.body(&after)),
        rests_on: vec![basis::of_document(&target, Some(&before))],
        ..super::super::role::bare(&target)
    };
    (target, change, before, after)
}

#[test]
fn a_document_that_moved_is_never_written_over() {
    let (target, change, before, after) = planned();
    let at = |now: Option<&str>| look(&target, &change, now, &[basis::of_document(&target, now)]);
    assert_eq!(at(Some(&before)), Look::AsPlanned);
    let normalised = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&before).unwrap()).unwrap();
    assert_eq!(at(Some(&normalised)), Look::AsPlanned);
    assert_eq!(at(Some(&after)), Look::AlreadyThere);
    for now in [None, Some(text(json!([]))), Some(text(json!([lambda(), lambda(), pull(json!("*"))])))] {
        let Look::Moved(why) = at(now.as_deref()) else { panic!("{now:?}") };
        assert_eq!(why, format!("changed since the plan was made: repository policy of {REPOSITORY}; plan again"));
    }
    // A plan without prints, as an undo is, still rests on what it says stood there.
    let undo = Change { rests_on: Vec::new(), ..change };
    assert!(matches!(look(&target, &undo, None, &[]), Look::Moved(_)));
    assert_eq!(look(&target, &undo, Some(&before), &[]), Look::AsPlanned);
}

#[test]
fn another_role_of_the_name_is_another_world() {
    let role = |id: &str, boundary: Option<&str>| Role {
        arn: ROLE.to_owned(),
        role_id: id.to_owned(),
        boundary: boundary.map(str::to_owned),
        tags: BTreeMap::new(),
    };
    let target = Target::Inline { role: ROLE.to_owned() };
    let change = Change {
        after: Some(target.body(&text(json!([])))),
        rests_on: vec![basis::of_role(&role("AROALIVE", None)), basis::of_document(&target, None)],
        ..super::super::role::bare(&target)
    };
    let at =
        |role: &Role| look(&target, &change, None, &[basis::of_role(role), basis::of_document(&target, None)]);
    assert_eq!(at(&role("AROALIVE", None)), Look::AsPlanned);
    for moved in [role("AROAOTHER", None), role("AROALIVE", Some("arn:aws:iam::111122223333:policy/b"))] {
        assert_eq!(at(&moved), Look::Moved(format!("changed since the plan was made: role {ROLE}; plan again")));
    }
}

#[test]
fn reading_back_tells_what_became_of_a_write() {
    let (target, change, before, after) = planned();
    let new = json!({"Sid": "New", "Effect": "Deny", "Principal": "*", "Action": "ecr:Put*"});
    for (now, expected) in [
        (Some(after), Shown::AsSent),
        (Some(before), Shown::AsBefore),
        (Some(text(json!([lambda(), pull(json!({"AWS": DEAD}))]))), Shown::ById),
        (Some(text(json!([new, lambda(), pull(json!({"AWS": ROLE}))]))), Shown::WithOthers),
        (Some(text(json!([new]))), Shown::Overwritten),
        (Some(text(json!([lambda(), pull(json!({"AWS": [ROLE, OTHER_ROLE]}))]))), Shown::Overwritten),
        (None, Shown::Overwritten),
    ] {
        assert_eq!(shown(&target, &change, now.as_deref()), expected, "{now:?}");
    }
}
