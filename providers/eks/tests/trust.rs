//! Roles that service accounts take on: aws.md a, "A pull identity need not be a node's".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{AccountToken, Mode, Obstacle, Open, Read, Verdict, judge};
use pullaudit_eks::facts::{in_organization, table};
use serde_json::{Value, json};
use support::*;

const UNTRUSTED: &str = "denied service-account-not-trusted";
const OPEN: &str = "unknown service-account-trust";

/// A role that may pull and that only a service account takes on, as its trust policy says.
fn trusting(world: World, statements: Value) -> World {
    world.inline(&policy(json!([pull_all()]))).trusting(statements)
}

fn with(change: impl FnOnce(&mut Value)) -> World {
    let mut statement = usual_trust();
    change(&mut statement);
    trusting(World::one_account(), json!([statement]))
}

#[test]
fn a_role_that_trusts_the_account_s_token_pulls_and_one_that_does_not_is_refused() {
    expect(&trusting(World::one_account(), json!([usual_trust()])), "allowed");
    for (what, change) in [
        (
            "another namespace",
            json!({"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:other:api"}}),
        ),
        (
            "no wildcard without Like",
            json!({"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:ledger:*"}}),
        ),
        ("another audience", json!({"StringEquals": {format!("{ISSUER}:aud"): "other"}})),
        ("keys of the former issuer", json!({"StringEquals": {format!("{FORMER}:sub"): SUBJECT}})),
    ] {
        let world = with(|statement| statement["Condition"] = change);
        assert_eq!(word(&world.verdict()), "denied condition-unmet", "{what}");
    }
    for condition in [
        json!({"StringLike": {format!("{ISSUER}:sub"): "system:serviceaccount:ledger:*"}}),
        json!({"StringEquals": {format!("{}:SUB", ISSUER.to_uppercase()): SUBJECT}}),
        json!({"StringEquals": {"sts:RoleSessionName": "ecr-credential-provider"}}),
        json!({"Null": {format!("{FORMER}:sub"): "true"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
    ] {
        expect(&with(|statement| statement["Condition"] = condition), "allowed");
    }
}

#[test]
fn only_the_provider_of_the_cluster_s_issuer_in_the_role_s_account_vouches() {
    for principal in [
        json!({"Federated": vouching(FORMER)}),
        json!({"Federated": format!("arn:aws:iam::{OTHER}:oidc-provider/{ISSUER}")}),
        json!({"Federated": "cognito-identity.amazonaws.com"}),
        json!({"Service": "pods.eks.amazonaws.com"}),
        json!({"AWS": OWN}),
        json!({"AWS": ROLE_ARN}),
    ] {
        let world = with(|statement| statement["Principal"] = principal.clone());
        assert_eq!(word(&world.verdict()), UNTRUSTED, "{principal}");
        let told = named(&world.verdict());
        assert!(told.contains("trust policy of role node (111122223333)") && told.contains(SUBJECT), "{told}");
    }
    let both = json!({"AWS": OWN, "Federated": [vouching(FORMER), vouching(ISSUER)]});
    expect(&with(|statement| statement["Principal"] = both), "allowed");
    let everybody = with(|statement| statement["Principal"] = json!("*"));
    assert!(matches!(everybody.verdict(), Verdict::Unknown { .. }), "{:?}", everybody.verdict());
    let pattern = with(|statement| statement["Principal"] = json!({ "Federated": "*" }));
    assert!(matches!(pattern.verdict(), Verdict::Unknown { .. }), "{:?}", pattern.verdict());
    expect(&with(|statement| statement["Action"] = json!("sts:AssumeRole")), UNTRUSTED);
    expect(&with(|statement| statement["Action"] = json!("sts:*")), "allowed");
}

#[test]
fn what_denies_the_token_is_named() {
    let mut deny = usual_trust();
    deny["Effect"] = json!("Deny");
    expect(&trusting(World::one_account(), json!([usual_trust(), deny])), UNTRUSTED);
    deny["Principal"] = json!("*");
    expect(&trusting(World::one_account(), json!([usual_trust(), deny])), UNTRUSTED);
    deny["Condition"] = json!({"StringNotLike": {format!("{ISSUER}:sub"): "system:serviceaccount:ledger:*"}});
    expect(&trusting(World::one_account(), json!([usual_trust(), deny])), "allowed");
    // A Deny of everybody from elsewhere: who comes with a token has such keys or has not.
    deny["Condition"] = json!({"StringNotEquals": {"aws:PrincipalAccount": OWN}});
    assert!(matches!(
        trusting(World::one_account(), json!([usual_trust(), deny])).verdict(),
        Verdict::Unknown { .. }
    ));
}

#[test]
fn the_role_s_own_policies_have_no_say_in_who_takes_it_on() {
    let deny = json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*"});
    let world = trusting(World::one_account(), json!([usual_trust()])).inline(&policy(json!([pull_all(), deny])));
    expect(&world, "allowed");
}

#[test]
fn policies_of_the_organization_reach_tokens_from_the_resource_s_side() {
    let at = |target: &str| in_organization("o-acme", target);
    let world = |condition: Value| {
        let mut world = trusting(World::one_account(), json!([usual_trust()]));
        let row = json!({ "id": "o-acme", "management": "999999999999", "allFeatures": true });
        world.section.put(table::ORGANIZATIONS, OWN, Read::Got(row));
        world.section.put(table::PARENTS, at(OWN), Read::Got(json!("r-root")));
        for target in [OWN, "r-root"] {
            world.section.put(table::SERVICE_CONTROLS, at(target), Read::Got(json!(["p-FullAWSAccess"])));
            world.section.put(
                table::RESOURCE_CONTROLS,
                at(target),
                Read::Got(json!(["p-RCPFullAWSAccess", "p-ours"])),
            );
        }
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity",
            "Resource": "*", "Condition": condition});
        world.section.put(table::CONTROL_POLICIES, at("p-ours"), document(&policy(json!([deny]))));
        world
    };
    expect(&world(json!({"StringLike": {format!("{ISSUER}:sub"): "system:*"}})), "denied rcp-denies");
    // Who comes with a token is no service of AWS, whether the request says so or has no such key.
    expect(&world(json!({"Bool": {"aws:PrincipalIsAWSService": "true"}})), "allowed");
    expect(&world(json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})), "denied rcp-denies");
    let unsure = world(json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}));
    assert!(matches!(unsure.verdict(), Verdict::Unknown { .. }), "{:?}", unsure.verdict());
    // Written for another issuer's tokens, it reaches none of the cluster's.
    let github = "token.actions.githubusercontent.com:sub";
    let theirs = json!({"StringNotLikeIfExists": {github: "repo:acme/*"}, "Null": {github: "false"}});
    expect(&world(theirs), "allowed");
}

#[test]
fn the_account_must_know_the_issuer_and_its_audience() {
    let world = |reading: Read<Value>| {
        let mut world = trusting(World::one_account(), json!([usual_trust()]));
        world.section.put(table::IDENTITY_PROVIDERS, vouching(ISSUER), reading);
        world
    };
    let gone = world(Read::Absent);
    expect(&gone, UNTRUSTED);
    assert!(named(&gone.verdict()).contains(&vouching(ISSUER)), "{}", named(&gone.verdict()));
    expect(&world(Read::Got(json!({"audiences": ["other"]}))), UNTRUSTED);
    expect(&world(Read::Got(json!({"audiences": []}))), UNTRUSTED);
    expect(&world(Read::Got(json!({"audiences": ["other", "sts.amazonaws.com"]}))), "allowed");
    let open = Open::unread("provider", "iam:GetOpenIDConnectProvider", "account", Obstacle::Refused);
    expect(&world(Read::Unread(open)), OPEN);
    let mut unasked = trusting(World::one_account(), json!([usual_trust()]));
    unasked.section.tables.remove(table::IDENTITY_PROVIDERS);
    assert!(named(&unasked.verdict()).contains("iam:GetOpenIDConnectProvider"), "{}", named(&unasked.verdict()));
}

#[test]
fn what_nobody_knows_of_the_token_is_open_and_what_is_known_still_refuses() {
    let by = |token: Option<AccountToken>, statements: Value| {
        let world = trusting(World::one_account(), statements);
        World { by: taken_on(ROLE_ARN, token), ..world }
    };
    let without_audience = || AccountToken { audience: None, ..token() };
    let world = by(Some(without_audience()), json!([usual_trust()]));
    assert!(matches!(world.verdict(), Verdict::Unknown { .. }));
    assert!(named(&world.verdict()).contains("serviceAccountIdentity"), "{}", named(&world.verdict()));
    let mut other = usual_trust();
    other["Condition"] = json!({"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:other:api"}});
    expect(&by(Some(without_audience()), json!([other])), "denied condition-unmet");
    expect(&by(Some(AccountToken { issuer: None, ..token() }), json!([usual_trust()])), OPEN);
    expect(&by(None, json!([usual_trust()])), OPEN);
    // A snapshot from before trust policies were kept.
    let mut older = trusting(World::one_account(), json!([usual_trust()]));
    older.section.tables.remove(table::TRUST_POLICIES);
    expect(&older, OPEN);
    assert!(named(&older.verdict()).contains("iam:GetRole"), "{}", named(&older.verdict()));
}

#[test]
fn an_annotation_must_name_the_role_with_its_path() {
    let mut world = trusting(World::one_account(), json!([usual_trust()]));
    world.by = taken_on("arn:aws:iam::111122223333:role/node", Some(token()));
    expect(&world, UNTRUSTED);
    assert!(named(&world.verdict()).contains(ROLE_ARN), "{}", named(&world.verdict()));
    world.by = taken_on("arn:aws:iam::111122223333:role/EKS/node", Some(token()));
    expect(&world, OPEN);
}

#[test]
fn both_accounts_must_agree_for_a_service_account_too() {
    let ours = grant(json!({ "AWS": ROLE_ARN }));
    let world = trusting(World::two_accounts(), json!([usual_trust()]));
    expect(&world, "denied repository-policy-silent");
    expect(&world.repository_policy(&policy(json!([ours]))), "allowed");
    let resource =
        trusting(World::two_accounts(), json!([usual_trust()])).repository_policy(&policy(json!([ours])));
    let Verdict::Unknown { needing } = judge(resource.claim().as_ref(), Mode::Strict) else { panic!() };
    let rcps = needing.iter().filter(|need| need.code.name() == "rcp-unread");
    assert_eq!(rcps.count(), 2, "of the role's account, and of the registry's");
}

#[test]
fn a_trust_policy_that_can_t_be_read_may_do_either() {
    let mut world = trusting(World::one_account(), json!([usual_trust()]));
    world.section.put(table::TRUST_POLICIES, format!("{OWN}/{ROLE}"), text("{"));
    expect(&world, "unknown policy-malformed");
    expect(&with(|statement| statement["Resource"] = json!(ROLE_ARN)), "unknown policy-malformed");
}
