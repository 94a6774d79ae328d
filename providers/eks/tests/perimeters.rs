//! Data perimeters as AWS publishes them: aws-samples/data-perimeter-policy-examples.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Read, judge};
use pullaudit_eks::facts::{in_organization, table};
use serde_json::{Value, json};
use support::*;

/// Both accounts in the organizations of these ids, with this policy at the root of the role's.
fn world(of_role: &str, of_registry: &str, deny: &Value) -> World {
    let mut world = World::two_accounts()
        .inline(&policy(json!([pull_all()])))
        .repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ARN }))])));
    for (account, organization) in [(OWN, of_role), (OTHER, of_registry)] {
        let at = |target: &str| in_organization(organization, target);
        let row = json!({ "id": organization, "management": "999999999999", "allFeatures": true });
        world.section.put(table::ORGANIZATIONS, account, Read::Got(row));
        world.section.put(table::PARENTS, at(account), Read::Got(json!("r-root")));
        for target in [account, "r-root"] {
            world.section.put(table::SERVICE_CONTROLS, at(target), Read::Got(json!(["p-FullAWSAccess"])));
            world.section.put(table::RESOURCE_CONTROLS, at(target), Read::Got(json!(["p-RCPFullAWSAccess"])));
        }
    }
    let at = |target: &str| in_organization(of_role, target);
    world.section.put(table::SERVICE_CONTROLS, at("r-root"), Read::Got(json!(["p-FullAWSAccess", "p-ours"])));
    world.section.put(table::CONTROL_POLICIES, at("p-ours"), document(&policy(json!([deny]))));
    world
}

fn strict(of_role: &str, of_registry: &str, condition: Value) -> String {
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition });
    word(&judge(world(of_role, of_registry, &deny).claim().as_ref(), Mode::Strict))
}

#[test]
fn a_perimeter_of_resources_spares_those_inside() {
    for condition in [
        json!({"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-acme", "aws:PrincipalTag/dp:exclude": "true"}}),
        json!({"StringNotEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}),
        json!({"StringNotEquals": {"aws:ResourceAccount": [OWN, OTHER]}}),
        json!({"ForAllValues:StringNotLike": {"aws:ResourceOrgPaths": "o-acme/*"}}),
    ] {
        assert_eq!(strict("o-acme", "o-acme", condition.clone()), "allowed", "{condition}");
    }
    let outside = json!({"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-acme"}});
    assert_eq!(strict("o-acme", "o-other", outside), "denied scp-denies");
    let other = json!({"StringNotEquals": {"aws:ResourceAccount": OTHER}});
    assert_eq!(strict("o-acme", "o-acme", other), "denied scp-denies", "the token is the caller's own");
}

#[test]
fn a_token_has_no_tags_of_a_resource() {
    let token = |condition: Value| {
        let deny = json!({ "Effect": "Deny", "Action": "ecr:GetAuthorizationToken", "Resource": "*",
            "Condition": condition });
        word(&judge(world("o-acme", "o-acme", &deny).claim().as_ref(), Mode::Strict))
    };
    for key in ["aws:ResourceTag/stage", "ecr:ResourceTag/stage"] {
        assert_eq!(token(json!({"StringEquals": {key: "retired"}})), "allowed", "{key}");
        assert_eq!(token(json!({"StringNotEquals": {key: "live"}})), "denied scp-denies", "{key}");
        assert_eq!(token(json!({"StringNotEqualsIfExists": {key: "live"}})), "denied scp-denies", "{key}");
        assert_eq!(token(json!({"Null": {key: "false"}})), "allowed", "{key}");
    }
}

/// What AWS writes for "revoke active sessions", and the perimeters of networks.
#[test]
fn sessions_revoked_long_ago_deny_nothing() {
    let revoked = |at: &str| strict("o-acme", "o-acme", json!({"DateLessThan": {"aws:TokenIssueTime": at}}));
    assert_eq!(revoked("2026-11-25T01:30:00.000Z"), "allowed");
    assert_eq!(revoked("2026-11-25T13:30:00.000Z"), "unknown condition-undecidable");
    let network = json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}, "BoolIfExists": {"aws:ViaAWSService": "true"}});
    assert_eq!(strict("o-acme", "o-acme", network), "allowed");
}

/// AWS's own registries are in no customer's organization: a perimeter that makes no exception for them breaks add-ons.
#[test]
fn a_perimeter_without_exception_denies_add_ons() {
    let published = "602401143452";
    let pull = |condition: Value| {
        let deny = json!({ "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*",
            "Condition": condition });
        let image = format!("{published}.dkr.ecr.{REGION}.amazonaws.com/eks/coredns:v1");
        let world = world("o-acme", "o-acme", &deny).image(&image);
        word(&judge(world.claim().as_ref(), Mode::Strict))
    };
    let outside = json!({"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-acme"}});
    assert_eq!(pull(outside.clone()), "denied scp-denies");
    assert_eq!(
        pull(json!({"StringNotEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}})),
        "denied scp-denies"
    );
    assert_eq!(pull(json!({"StringEquals": {"aws:ResourceOrgID": "o-acme"}})), "allowed");
    let mut spared = outside;
    spared["StringNotEqualsIfExists"]["aws:ResourceAccount"] = json!([published]);
    assert_eq!(pull(spared), "allowed");
    // Which organization AWS's is, nobody tells.
    for open in [
        json!({"StringNotEquals": {"aws:ResourceOrgID": ["o-acme", "o-aws"]}}),
        json!({"StringNotLike": {"aws:ResourceOrgID": "o-*"}}),
        json!({"Null": {"aws:ResourceOrgID": "false"}}),
    ] {
        assert_eq!(pull(open.clone()), "unknown condition-undecidable", "{open}");
    }
}
