//! Undo: the former document where nobody else wrote since, else our own statement alone.

use super::super::back::{Back, back, change_back, same};
use super::super::document;
use super::super::gate::refuse;
use super::super::own::{Side, foreign, merge, own};
use super::super::target::Target;
use super::{DEAD, OTHER_ROLE, REPOSITORY, ROLE, documents, others, wanted};
use proptest::prelude::*;
use pullaudit_core::{Action, Change, Safety};
use serde_json::{Value, json};

fn repository() -> Target {
    Target::Repository { arn: REPOSITORY.to_owned() }
}

fn pull(principal: Value) -> Value {
    json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": principal,
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

fn text(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn lambda() -> Value {
    json!({"Sid": "Lambda", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "ecr:BatchGetImage"})
}

#[test]
fn the_former_text_comes_back_letter_by_letter_however_ecr_wrote_ours() {
    let before =
        "{ \"Version\" : \"2012-10-17\",\n \"Statement\" : [ ".to_owned() + &lambda().to_string() + " ] }";
    let after = text(&[lambda(), pull(json!({"AWS": ROLE}))]);
    let stored = serde_json::to_string_pretty(&json!({"Version": "2012-10-17",
        "Statement": [lambda(), pull(json!({"AWS": [ROLE]}))]}))
    .unwrap();
    assert_eq!(back(&repository(), Some(&before), Some(&after), Some(&stored)), Back::Write(Some(before)));
    assert_eq!(back(&repository(), None, Some(&after), Some(&stored)), Back::Write(None));
}

#[test]
fn an_id_that_became_an_arn_stays_and_the_rest_goes_back() {
    let named = |who: &str| json!({"Sid": "Pay", "Effect": "Allow", "Principal": {"AWS": who}, "Action": "ecr:BatchGetImage"});
    let (before, mapped) = (text(&[named(DEAD)]), named(ROLE));
    let alone = text(std::slice::from_ref(&mapped));
    let told = back(&repository(), Some(&before), Some(&alone), Some(&alone));
    assert!(matches!(&told, Back::Lost(why) if why.contains(DEAD)), "{told:?}");
    let both = text(&[mapped, pull(json!({"AWS": ROLE}))]);
    let told = back(&repository(), Some(&before), Some(&both), Some(&both));
    assert!(matches!(&told, Back::Partly(Some(then), why) if *then == alone && why.contains(DEAD)), "{told:?}");
    assert_eq!(back(&repository(), Some(&before), Some(&both), Some(&before)), Back::Gone);
}

#[test]
fn where_others_wrote_since_only_our_statement_goes() {
    let (ours, new) = (
        pull(json!({"AWS": ROLE})),
        json!({"Sid": "New", "Effect": "Deny", "Principal": "*", "Action": "ecr:Put*"}),
    );
    let (before, after) = (text(&[lambda()]), text(&[lambda(), ours.clone()]));
    let now = text(&[new.clone(), ours.clone()]);
    assert_eq!(
        back(&repository(), Some(&before), Some(&after), Some(&now)),
        Back::Write(Some(text(std::slice::from_ref(&new))))
    );
    // Theirs are gone and ours is all there is: a policy without a statement is none.
    let alone = text(std::slice::from_ref(&ours));
    assert_eq!(back(&repository(), Some(&before), Some(&after), Some(&alone)), Back::Write(None));
    let without = text(&[new]);
    assert_eq!(back(&repository(), Some(&before), Some(&after), Some(&without)), Back::Gone);
    assert_eq!(back(&repository(), Some(&before), Some(&after), None), Back::Gone);
}

#[test]
fn our_own_statement_that_others_changed_is_left_alone() {
    let (before, after) = (text(&[lambda()]), text(&[lambda(), pull(json!({"AWS": ROLE}))]));
    for principal in [json!({"AWS": [ROLE, OTHER_ROLE]}), json!({"AWS": DEAD})] {
        let now = text(&[lambda(), pull(principal)]);
        let told = back(&repository(), Some(&before), Some(&after), Some(&now));
        assert_eq!(told, Back::Kept("pullaudit's own statement in it was changed since".to_owned()));
    }
    assert!(matches!(back(&repository(), Some(&before), Some(&after), Some("{")), Back::Kept(_)));
}

#[test]
fn what_an_earlier_run_said_stays_said() {
    let (earlier, both) = (pull(json!({"AWS": ROLE})), pull(json!({"AWS": [ROLE, OTHER_ROLE]})));
    let (before, after) = (text(std::slice::from_ref(&earlier)), text(std::slice::from_ref(&both)));
    let now = text(&[both, lambda()]);
    assert_eq!(
        back(&repository(), Some(&before), Some(&after), Some(&now)),
        Back::Write(Some(text(&[earlier, lambda()])))
    );
    assert!(matches!(back(&repository(), Some(&before), Some(&after), None), Back::Kept(_)));
}

#[test]
fn an_attachment_is_there_or_not() {
    let target = Target::Attachment { role: ROLE.to_owned() };
    assert_eq!(back(&target, None, Some(""), Some("")), Back::Write(None));
    assert_eq!(back(&target, None, Some(""), None), Back::Gone);
    assert_eq!(back(&target, Some(""), None, None), Back::Write(Some(String::new())));
}

#[test]
fn taking_back_is_a_change_that_can_be_taken_back_itself() {
    let (before, after) = (text(&[lambda()]), text(&[lambda(), pull(json!({"AWS": ROLE}))]));
    let target = repository();
    let change = Change {
        action: Action::Change,
        before: Some(target.body(&before)),
        after: Some(target.body(&after)),
        target: "let node pull".to_owned(),
        ..super::super::role::bare(&target)
    };
    let taken = change_back(&change, &target, Some(&after), Some(&before));
    assert_eq!((taken.action, taken.safety, taken.document.as_str()), (Action::Remove, Safety::Safe, REPOSITORY));
    assert_eq!((&taken.before, &taken.after), (&change.after, &change.before));
    assert_eq!(refuse(&target, &taken), None);
    assert!(
        taken
            .command
            .starts_with("aws ecr set-repository-policy --registry-id 444455556666 --region eu-central-1")
    );
    let again = change_back(&taken, &target, Some(&before), Some(&after));
    assert_eq!((again.action, &again.after), (Action::Change, &change.after));
    let gone = change_back(&change, &target, Some(&after), None);
    assert!(gone.command.starts_with("aws ecr delete-repository-policy "));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Adding and taking back at once gives the former text; with edits of others in between, their statements
    /// stand as they left them and ours are as they were before.
    #[test]
    fn adding_and_taking_back_leaves_what_others_say(
        before in documents(Side::Repository), new in wanted(Side::Repository),
        theirs in proptest::collection::vec(others(Side::Repository), 0..3), at_front in any::<bool>()
    ) {
        let side = Side::Repository;
        let mut after = before.clone();
        merge(side, &mut after, &new);
        let (was, left) = (before.to_string(), after.to_string());
        let told = back(&repository(), Some(&was), Some(&left), Some(&left));
        if same(Some(&was), Some(&left)) {
            prop_assert_eq!(told, Back::Gone);
        } else {
            prop_assert_eq!(told, Back::Write(Some(was.clone())));
            let mut now = after.clone();
            for one in theirs {
                let list = document::statements_mut(&mut now);
                let at = if at_front { 0 } else { list.len() };
                list.insert(at, one);
            }
            let now_text = now.to_string();
            match back(&repository(), Some(&was), Some(&left), Some(&now_text)) {
                // They only said again what stood there.
                Back::Write(Some(then)) if same(Some(&left), Some(&now_text)) => prop_assert_eq!(then, was),
                Back::Write(Some(then)) => {
                    let then = document::parse(&then).unwrap();
                    prop_assert_eq!(json!(foreign(side, &then)), json!(foreign(side, &now)));
                    prop_assert_eq!(document::meaning(&json!(own(side, &then))), document::meaning(&json!(own(side, &before))));
                }
                Back::Write(None) => prop_assert!(foreign(side, &now).is_empty() && own(side, &before).is_empty()),
                Back::Gone => prop_assert!(same(Some(&was), Some(&now_text))),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
