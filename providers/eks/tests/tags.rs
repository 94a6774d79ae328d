//! Tags of repositories: aws.md c, "Known offline", with an extra read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::Read;
use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use support::*;

const UNMET: &str = "denied condition-unmet";
const OPEN: &str = "unknown condition-undecidable";

/// A role that gets the token anyway, and may pull where a condition holds.
fn when(condition: Value) -> World {
    let mut statement = pull_all();
    statement["Condition"] = condition;
    World::one_account().tags(json!({"team": "ledger"})).inline(&policy(json!([token_only(), statement])))
}

fn tagged(world: World, tags: Value) -> World {
    world.row(table::REPOSITORY_TAGS, "", Read::Got(tags))
}

#[test]
fn tags_of_the_repository_are_compared_under_both_names() {
    for (condition, expected) in [
        (json!({"StringEquals": {"aws:ResourceTag/team": "ledger"}}), "allowed"),
        (json!({"StringEquals": {"ecr:ResourceTag/Team": "ledger"}}), "allowed"),
        (json!({"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}), "allowed"),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "${ecr:ResourceTag/team}"}}), "allowed"),
        (json!({"StringEquals": {"aws:ResourceTag/team": "other"}}), UNMET),
        (json!({"StringEquals": {"aws:ResourceTag/none": "ledger"}}), UNMET),
        (json!({"StringNotEquals": {"aws:ResourceTag/none": "ledger"}}), "allowed"),
        (json!({"Null": {"aws:ResourceTag/team": "false"}}), "allowed"),
        // A tag of the request, which only whoever makes a repository gives.
        (json!({"StringEquals": {"aws:RequestTag/team": "ledger"}}), UNMET),
    ] {
        let world = tagged(when(condition.clone()), json!({"team": "ledger", "stage": "live"}));
        assert_eq!(word(&world.verdict()), expected, "{condition}");
    }
}

#[test]
fn an_owner_may_refuse_by_its_tags_too() {
    let mut deny = grant(json!("*"));
    deny["Effect"] = json!("Deny");
    deny["Condition"] = json!({"StringEquals": {"aws:ResourceTag/stage": "retired"}});
    let world = |stage: &str| {
        let world = World::one_account().inline(&policy(json!([pull_all()])));
        tagged(world.repository_policy(&policy(json!([deny]))), json!({"stage": stage}))
    };
    expect(&world("retired"), "denied explicit-deny");
    expect(&world("live"), "allowed");
}

#[test]
fn tags_that_are_not_known_leave_it_open_and_name_the_right() {
    let condition = || json!({"StringEquals": {"aws:ResourceTag/team": "ledger"}});
    for world in
        [when(condition()), when(condition()).row(table::REPOSITORY_TAGS, "", refused("ecr:ListTagsForResource"))]
    {
        expect(&world, OPEN);
        assert!(named(&world.verdict()).contains("ecr:ListTagsForResource"), "{}", named(&world.verdict()));
    }
    // Whatever they say, another statement allows it.
    let anyway = policy(json!([{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]));
    expect(&when(condition()).attached(&anyway), "allowed");
    // ECR tells keys apart by case, conditions do not.
    expect(&tagged(when(condition()), json!({"team": "ledger", "Team": "other"})), OPEN);
    // No reading tells the tags of what is not there, or is AWS's.
    let gone = when(condition()).row(table::REPOSITORY_TAGS, "", Read::Absent);
    assert!(named(&gone.verdict()).contains("which does not exist"), "{}", named(&gone.verdict()));
    let published = when(condition()).image("602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/pause:3.10");
    expect(&published, OPEN);
    assert!(!named(&published.verdict()).contains("ecr:ListTagsForResource"), "{}", named(&published.verdict()));
}

#[test]
fn a_token_is_for_no_repository_and_so_for_no_tag() {
    let mut all = pull_all();
    all["Condition"] = json!({"StringEquals": {"aws:ResourceTag/team": "ledger"}});
    let world = tagged(World::one_account().inline(&policy(json!([all]))), json!({"team": "ledger"}));
    expect(&world, UNMET);
}
