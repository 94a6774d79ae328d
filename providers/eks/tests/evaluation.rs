//! IAM's order of evaluation: the table of aws.md c, in one account and across two.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use support::*;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/node/i-0abc";

/// How the repository policy names the role, whether the role's own policy must agree, and whether a
/// boundary's silence limits the grant; asked by one session, so that all is known.
fn namings() -> Vec<(&'static str, Value, bool, bool)> {
    vec![
        ("role ARN", json!({ "AWS": ROLE_ARN }), false, true),
        ("role id", json!({ "AWS": [DEAD_ID, ROLE_ID] }), false, true),
        ("session ARN", json!({ "AWS": SESSION }), false, false),
        ("star", json!("*"), false, false),
        ("star of AWS", json!({"AWS": "*"}), false, false),
        ("account root", json!({ "AWS": format!("arn:aws:iam::{OWN}:root") }), true, false),
        ("12 digits", json!({ "AWS": OWN }), true, false),
        ("somebody else", json!({"AWS": "arn:aws:iam::999999999999:root"}), true, false),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    None,
    Covers,
    Silent,
}

#[test]
fn one_account_every_combination() {
    let mut cases = 0;
    for (name, principal, needs_identity, limited) in namings() {
        for identity in [false, true] {
            for bound in [Bound::None, Bound::Covers, Bound::Silent] {
                for denies in ["none", "identity", "boundary", "repository"] {
                    let allowed = expected(identity, bound, needs_identity, limited) && denies == "none";
                    if denies == "boundary" && bound == Bound::None {
                        continue;
                    }
                    let world = world(World::one_account(), &principal, identity, bound, denies);
                    let verdict = world.verdict();
                    let is = matches!(verdict, pullaudit_core::Verdict::Allowed { .. });
                    let case = format!("{name}, identity {identity}, boundary {bound:?}, deny {denies}");
                    assert_eq!(is, allowed, "{case}\n{}", named(&verdict));
                    assert!(!word(&verdict).starts_with("unknown"), "{case}: {}", word(&verdict));
                    if denies != "none" {
                        assert_eq!(word(&verdict), "denied explicit-deny", "{case}");
                    }
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 8 * 2 * (3 + 4 + 4));
}

fn expected(identity: bool, bound: Bound, needs_identity: bool, limited: bool) -> bool {
    let own = identity && bound != Bound::Silent;
    let resource = !needs_identity && (!limited || bound != Bound::Silent);
    own || resource
}

/// The token comes from the role's own policies always; a boundary that is silent on the repository
/// still covers the token, so that the repository alone decides.
fn world(world: World, principal: &Value, identity: bool, bound: Bound, denies: &str) -> World {
    let deny = json!({"Effect": "Deny", "Action": "ecr:Batch*", "Resource": "*"});
    let mut own = vec![if identity { pull_all() } else { token_only() }];
    if denies == "identity" {
        own.push(deny.clone());
    }
    let mut world = world.by(SESSION).inline(&policy(json!(own)));
    if bound != Bound::None {
        let mut limits = vec![if bound == Bound::Covers { pull_all() } else { token_only() }];
        if denies == "boundary" {
            limits.push(deny);
        }
        world = world.boundary(&policy(json!(limits)));
    }
    let mut statements = vec![grant(principal.clone())];
    if denies == "repository" {
        statements.push(json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}));
    }
    world.repository_policy(&policy(json!(statements)))
}

#[test]
fn two_accounts_need_both_sides() {
    for (name, principal, _, _) in namings() {
        for identity in [false, true] {
            for bound in [Bound::None, Bound::Covers, Bound::Silent] {
                for denies in ["none", "identity", "repository"] {
                    let granted = name != "somebody else";
                    let allowed = identity && bound != Bound::Silent && granted && denies == "none";
                    let world = world(World::two_accounts(), &principal, identity, bound, denies);
                    let verdict = world.verdict();
                    let is = matches!(verdict, pullaudit_core::Verdict::Allowed { .. });
                    let case = format!("{name}, identity {identity}, boundary {bound:?}, deny {denies}");
                    assert_eq!(is, allowed, "{case}\n{}", named(&verdict));
                    assert!(!word(&verdict).starts_with("unknown"), "{case}: {}", word(&verdict));
                }
            }
        }
    }
}

#[test]
fn a_missing_half_across_accounts_says_which() {
    let world = World::two_accounts().inline(&policy(json!([pull_all()])));
    expect(&world, "denied repository-policy-silent");
    let world = World::two_accounts()
        .inline(&policy(json!([token_only()])))
        .repository_policy(&policy(json!([grant(json!("*"))])));
    expect(&world, "denied identity-policy-silent");
}

#[test]
fn the_token_comes_from_the_roles_own_policies_only() {
    let everything = json!({"Effect": "Allow", "Principal": "*", "Action": "ecr:*"});
    expect(&World::one_account().repository_policy(&policy(json!([everything]))), "denied token-not-granted");
    let scoped =
        json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:eu-central-1:111122223333:*"});
    expect(&World::one_account().inline(&policy(json!([scoped]))), "denied token-not-granted");
    let bounded = World::one_account()
        .inline(&policy(json!([pull_all()])))
        .boundary(&policy(json!([{"Effect": "Allow", "Action": "ecr:Batch*", "Resource": "*"},
            {"Effect": "Allow", "Action": "ecr:GetDownload*", "Resource": "*"}])));
    expect(&bounded, "denied boundary-denies");
    let denied = World::one_account().inline(&policy(json!([pull_all(),
        {"Effect": "Deny", "Action": "ecr:*", "NotResource": "arn:aws:ecr:*:111122223333:repository/*"}])));
    expect(&denied, "denied explicit-deny");
}

#[test]
fn both_actions_of_a_pull_are_needed() {
    for action in ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] {
        let one = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        let world = World::one_account().inline(&policy(json!([token_only(), one])));
        expect(&world, "denied identity-policy-silent");
        // The other half may come from the other side.
        let other = if action == "ecr:BatchGetImage" { "ecr:GetDownloadUrlForLayer" } else { "ecr:BatchGetImage" };
        let half = json!({"Effect": "Allow", "Principal": {"AWS": ROLE_ARN}, "Action": other});
        expect(&world.repository_policy(&policy(json!([half]))), "allowed");
        let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        expect(&World::one_account().inline(&policy(json!([pull_all(), deny]))), "denied explicit-deny");
    }
    let unneeded = json!({"Effect": "Deny", "Action": "ecr:BatchCheckLayerAvailability", "Resource": "*"});
    expect(&World::one_account().inline(&policy(json!([pull_all(), unneeded]))), "allowed");
}

#[test]
fn a_role_that_is_gone_is_the_finding() {
    let gone = World::one_account().role_row(table::ROLES, pullaudit_core::Read::Absent);
    let gone = gone.role_row(table::ATTACHED, pullaudit_core::Read::Absent);
    let gone = gone.role_row(table::INLINE_NAMES, pullaudit_core::Read::Absent);
    let gone = gone.repository_policy(&policy(json!([grant(json!("*"))])));
    expect(&gone, "denied role-missing");
}

#[test]
fn an_absence_that_another_answer_contradicts_is_not_believed() {
    let hidden = World::one_account().inline(&policy(json!([pull_all()])));
    expect(&hidden.clone().role_row(table::ROLES, pullaudit_core::Read::Absent), "unknown role-unread");
    expect(
        &hidden.clone().row(table::REPOSITORIES, "", pullaudit_core::Read::Absent),
        "unknown repository-unread",
    );
    let mut listed = hidden;
    listed.section.put(table::INLINE, format!("{OWN}/{ROLE}/own"), pullaudit_core::Read::Absent);
    expect(&listed, "unknown policy-unread");
}

#[test]
fn guard_rails_of_the_organization_are_assumed_and_named() {
    let world = World::two_accounts()
        .inline(&policy(json!([pull_all()])))
        .repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ARN }))])));
    let pullaudit_core::Verdict::Allowed { assuming, .. } = world.verdict() else {
        panic!("{:?}", world.verdict())
    };
    let readings: Vec<String> = assuming.iter().map(|need| need.open.to_string()).collect();
    assert_eq!(readings.len(), 2, "{readings:?}");
    assert!(readings[0].contains(&format!("service control policies of account {OWN}")), "{readings:?}");
    assert!(readings[1].contains(&format!("resource control policies of account {OTHER}")), "{readings:?}");
    let strict = pullaudit_core::judge(world.claim().as_ref(), pullaudit_core::Mode::Strict);
    assert_eq!(word(&strict), "unknown scp-unread");
    assert_eq!(word(&world.settled()), "allowed");
}

#[test]
fn rows_that_were_refused_are_unknown_with_their_reading() {
    let base = || World::one_account().inline(&policy(json!([pull_all()])));
    let cases = [
        (base().role_row(table::ROLES, refused("role")), "role-unread", "role"),
        (base().role_row(table::ATTACHED, refused("attached")), "policy-unread", "attached"),
        (base().row(table::REPOSITORY_POLICIES, "", refused("policy")), "repository-policy-unread", "policy"),
        (base().row(table::REPOSITORIES, "", refused("repository")), "repository-unread", "repository"),
        (base().row(table::IMAGES, ":v1", refused("image")), "image-unread", "image"),
        (base().registry_row(table::REGISTRY_POLICIES, refused("registry")), "registry-policy-unread", "registry"),
    ];
    for (world, code, reading) in cases {
        let verdict = world.verdict();
        assert_eq!(word(&verdict), format!("unknown {code}"));
        assert!(
            named(&verdict).contains(&format!("{reading}: needs read {reading} in account")),
            "{}",
            named(&verdict)
        );
    }
}

#[test]
fn rows_that_nobody_asked_for_are_unknown() {
    let mut world = World::one_account().inline(&policy(json!([pull_all()])));
    world.section.tables.remove(table::ROLES);
    expect(&world, "unknown not-collected");
    world.section = pullaudit_core::Section::default();
    assert_eq!(world.claim(), None);
}
