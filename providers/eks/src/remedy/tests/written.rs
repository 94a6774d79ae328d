//! What may be written at all: a plan may come from a file, so a change is looked at by itself.

use super::super::document;
use super::super::gate::refuse;
use super::super::own::{Side, merge};
use super::super::target::Target;
use super::{DEAD, OTHER_ROLE, REPOSITORY, ROLE, documents, wanted};
use proptest::prelude::*;
use pullaudit_core::{Action, Change};
use serde_json::{Value, json};

fn change(target: &Target, before: Option<&Value>, after: Option<&Value>) -> Change {
    let body = |document: Option<&Value>| document.map(|document| target.body(&document.to_string()));
    Change { before: body(before), after: body(after), ..super::super::role::bare(target) }
}

fn targets() -> [(Target, Side); 2] {
    [
        (Target::Inline { role: ROLE.to_owned() }, Side::Role),
        (Target::Repository { arn: REPOSITORY.to_owned() }, Side::Repository),
    ]
}

#[test]
fn a_document_names_its_target_and_nothing_else_does() {
    let all =
        targets().into_iter().map(|(target, _)| target).chain([Target::Attachment { role: ROLE.to_owned() }]);
    for target in all {
        let found = Target::of(&change(&target, None, None));
        assert_eq!(found, Some(target));
    }
    for document in [
        "arn:aws:iam::111122223333:role/eks/node",
        "arn:aws:iam::111122223333:role/eks/node:other-policy",
        "arn:aws:iam::111122223333:user/node:pullaudit-pull",
        "arn:aws:iam::111122223333:role/eks/node/arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::111122223333:role/eks/node/arn:aws-cn:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
        "arn:aws:sts::111122223333:assumed-role/node/i-0:pullaudit-pull",
        "arn:aws:ecr:eu-central-1:444455556666:repository/*",
        "/subscriptions/x",
        "",
    ] {
        let named = Change { document: document.to_owned(), ..change(&targets()[0].0, None, None) };
        assert_eq!(Target::of(&named), None, "{document}");
    }
}

#[test]
fn a_change_that_gives_more_than_a_pull_or_touches_others_is_refused() {
    let (target, _) = targets()[1].clone();
    let ours = json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]});
    let theirs = json!({"Sid": "Deny", "Effect": "Deny", "Principal": {"AWS": [DEAD, "999999999999"]}, "Action": "ecr:Put*"});
    let of = |list: Value| json!({"Version": "2012-10-17", "Statement": list});
    let before = of(json!([theirs]));
    assert_eq!(refuse(&target, &change(&target, Some(&before), Some(&of(json!([theirs, ours]))))), None);
    let edited = |pointer: &str, value: Value| {
        let mut after = of(json!([theirs, ours]));
        *after.pointer_mut(pointer).unwrap() = value;
        after
    };
    for after in [
        edited("/Statement/0/Effect", json!("Allow")),
        edited("/Statement/0/Principal/AWS", json!(["999999999999"])),
        edited("/Statement/0/Principal/AWS", json!([DEAD, ROLE])),
        edited("/Statement/1/Action", json!("ecr:*")),
        edited("/Statement/1/Principal", json!("*")),
        edited("/Version", json!("2008-10-17")),
        of(json!([ours])),
        of(json!([ours, theirs, theirs])),
    ] {
        let told = refuse(&target, &change(&target, Some(&before), Some(&after)));
        assert_eq!(told.as_deref(), Some("it changes statements that are not pullaudit's own"), "{after}");
    }
    assert!(refuse(&target, &change(&target, Some(&before), None)).is_some());
}

#[test]
fn an_id_becomes_the_arn_of_a_role_only_where_that_gives_reading() {
    let (target, _) = targets()[1].clone();
    let of = |action: &str, principals: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": ["ecr:BatchGetImage", action]}]})
    };
    let told = |action: &str, before: Value, after: Value| {
        refuse(&target, &change(&target, Some(&of(action, before)), Some(&of(action, after))))
    };
    let (dead, mapped) = (json!([DEAD, OTHER_ROLE]), json!([ROLE, OTHER_ROLE]));
    assert_eq!(told("ecr:ListImages", dead.clone(), mapped.clone()), None);
    for push in ["ecr:PutImage", "ecr:*", "*"] {
        assert!(told(push, dead.clone(), mapped.clone()).is_some(), "{push}");
    }
    // The ARN of a role that became another is not that, nor is the way back, but for taking back.
    assert!(
        told("ecr:ListImages", json!([OTHER_ROLE, ROLE]), json!([OTHER_ROLE, "arn:aws:iam::111122223333:role/x"]))
            .is_some()
    );
    assert!(told("ecr:ListImages", mapped.clone(), dead.clone()).is_some());
    let (before, after) = (of("ecr:ListImages", mapped), of("ecr:ListImages", dead));
    let back = Change { action: Action::Remove, ..change(&target, Some(&before), Some(&after)) };
    assert_eq!(refuse(&target, &back), None);
}

#[test]
fn an_attachment_is_of_the_policy_that_only_pulls() {
    let target = Target::Attachment { role: ROLE.to_owned() };
    let fine = Change { after: Some(target.body("")), ..super::super::role::bare(&target) };
    assert_eq!(refuse(&target, &fine), None);
    let admin = json!({"RoleName": "node", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    assert!(refuse(&target, &Change { after: Some(admin), ..fine.clone() }).is_some());
    assert!(refuse(&target, &Change { after: None, ..fine }).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a plan makes is never refused, there and back.
    #[test]
    fn what_is_merged_may_be_written(
        roles in (documents(Side::Role), wanted(Side::Role)),
        repositories in (documents(Side::Repository), wanted(Side::Repository)), new in any::<bool>()
    ) {
        for (((target, side), (document, wanted)), new) in targets().into_iter().zip([roles, repositories]).zip([new, !new]) {
            let mut after = if new { document::empty() } else { document.clone() };
            merge(side, &mut after, &wanted);
            let before = (!new).then_some(&document);
            prop_assert_eq!(refuse(&target, &change(&target, before, Some(&after))), None);
            prop_assert_eq!(refuse(&target, &change(&target, Some(&after), before)), None);
        }
    }
}
