//! Policies of an organization: aws.md c, rows 2 and 3 of the order of evaluation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Obstacle, Open, Read, Verdict, judge};
use pullaudit_eks::facts::{in_organization, table};
use serde_json::{Value, json};
use support::*;

const ORGANIZATION: &str = "o-acme";
const MANAGEMENT: &str = "999999999999";
const UNIT: &str = "ou-root-team";
const ROOT: &str = "r-root";
const SERVICE: &str = "p-FullAWSAccess";
const RESOURCE: &str = "p-RCPFullAWSAccess";

/// Both accounts in one organization, under one unit, with nothing limited.
fn organized(world: World) -> World {
    let mut world = world;
    let owner = world.owner.clone();
    for account in [OWN, owner.as_str()] {
        let row = json!({ "id": ORGANIZATION, "management": MANAGEMENT, "allFeatures": true });
        world.section.put(table::ORGANIZATIONS, account, Read::Got(row));
        world.section.put(table::PARENTS, at(account), Read::Got(json!(UNIT)));
    }
    world.section.put(table::PARENTS, at(UNIT), Read::Got(json!(ROOT)));
    for target in [OWN, owner.as_str(), UNIT, ROOT] {
        world.section.put(table::SERVICE_CONTROLS, at(target), Read::Got(json!([SERVICE])));
        world.section.put(table::RESOURCE_CONTROLS, at(target), Read::Got(json!([RESOURCE])));
    }
    world
}

fn at(target: &str) -> String {
    in_organization(ORGANIZATION, target)
}

/// A role that may pull, in the registry's account and in another one.
fn worlds() -> [World; 2] {
    let one = World::one_account().inline(&policy(json!([pull_all()])));
    let two = World::two_accounts()
        .inline(&policy(json!([pull_all()])))
        .repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ARN }))])));
    [organized(one), organized(two)]
}

/// Attaches a policy beside AWS's own, or in its place.
fn attach(mut world: World, table: &str, target: &str, statements: Value, beside: bool) -> World {
    let own = if table == table::SERVICE_CONTROLS { SERVICE } else { RESOURCE };
    let names = if beside { json!([own, "p-ours"]) } else { json!(["p-ours"]) };
    world.section.put(table, at(target), Read::Got(names));
    world.section.put(table::CONTROL_POLICIES, at("p-ours"), document(&policy(statements)));
    world
}

fn service(world: World, target: &str, statement: Value, beside: bool) -> World {
    attach(world, table::SERVICE_CONTROLS, target, json!([statement]), beside)
}

fn resource(world: World, statement: Value) -> World {
    let target = world.owner.clone();
    attach(world, table::RESOURCE_CONTROLS, &target, json!([statement]), true)
}

fn strict(world: &World) -> Verdict {
    judge(world.claim().as_ref(), Mode::Strict)
}

#[test]
fn an_organization_that_limits_nothing_leaves_nothing_to_assume() {
    for world in worlds() {
        let Verdict::Allowed { via, assuming } = strict(&world) else { panic!("{:?}", strict(&world)) };
        assert_eq!(assuming, []);
        assert!(!via.iter().any(|fact| fact.source.0.contains("control polic")), "{via:?}");
    }
}

#[test]
fn every_level_must_allow_and_its_refusal_names_it() {
    let elsewhere = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    for world in worlds() {
        for (target, named) in [(OWN, "account 111122223333"), (UNIT, "unit ou-root-team"), (ROOT, "root r-root")]
        {
            let world = service(world.clone(), target, elsewhere.clone(), false);
            expect(&world, "denied scp-denies");
            assert!(super_named(&world).contains(named), "{}", super_named(&world));
            let deny = json!({ "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*" });
            let world = service(world, target, deny, true);
            expect(&world, "denied scp-denies");
            assert!(
                super_named(&world).contains("service control policy p-ours, statement 1"),
                "{}",
                super_named(&world)
            );
        }
    }
}

fn super_named(world: &World) -> String {
    named(&world.verdict())
}

/// Since 2025 an Allow of a service control policy may have conditions, resources, exceptions and wildcards.
#[test]
fn the_whole_language_is_read() {
    let all = |statement: Value| {
        let mut whole = json!({ "Effect": "Allow", "Resource": "*" });
        whole.as_object_mut().unwrap().extend(statement.as_object().unwrap().clone());
        whole
    };
    let cases = [
        (all(json!({ "Action": ["ecr:*"] })), "allowed"),
        (all(json!({ "Action": ["ecr:Get*", "ecr:*Image"] })), "allowed"),
        (all(json!({ "NotAction": ["s3:*"] })), "allowed"),
        (all(json!({ "NotAction": ["ecr:GetDownloadUrlForLayer"] })), "denied scp-denies"),
        (
            all(json!({ "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/ledger/*" })),
            "denied scp-denies",
        ),
        (
            all(json!({ "Action": "ecr:*", "Condition": { "StringEquals": { "aws:RequestedRegion": REGION } } })),
            "allowed",
        ),
        (
            all(
                json!({ "Action": "ecr:*", "Condition": { "StringEquals": { "aws:RequestedRegion": "us-east-1" } } }),
            ),
            "denied condition-unmet",
        ),
        (
            all(json!({ "Action": "*", "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } })),
            "unknown condition-undecidable",
        ),
    ];
    for world in worlds() {
        for (statement, expected) in &cases {
            let world = service(world.clone(), UNIT, statement.clone(), false);
            assert_eq!(word(&strict(&world)), *expected, "{statement}\n{}", named(&strict(&world)));
        }
    }
    // The token names no resource; the repository's two actions do.
    let split = json!([
        { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
        { "Effect": "Allow", "NotAction": "ecr:GetAuthorizationToken", "NotResource": "arn:aws:ecr:*:*:repository/secret/*" },
    ]);
    for world in worlds() {
        let world = attach(world, table::SERVICE_CONTROLS, ROOT, split.clone(), false);
        assert_eq!(word(&strict(&world)), "allowed", "{}", named(&strict(&world)));
    }
}

#[test]
fn a_region_that_the_organization_closes_is_denied_there_alone() {
    let deny = json!({ "Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["us-east-1"] } } });
    for world in worlds() {
        expect(&service(world.clone(), ROOT, deny.clone(), true), "denied scp-denies");
        let open = deny.to_string().replace("us-east-1", REGION);
        expect(&service(world, ROOT, serde_json::from_str(&open).unwrap(), true), "allowed");
    }
}

#[test]
fn whom_an_organization_does_not_bind() {
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    let denied =
        || service(organized(World::one_account().inline(&policy(json!([pull_all()])))), ROOT, deny.clone(), true);
    expect(&denied(), "denied scp-denies");
    let organization = |management: &str, features: bool| {
        Read::Got(json!({ "id": ORGANIZATION, "management": management, "allFeatures": features }))
    };
    for (row, why) in [
        (Read::Absent, "it is in no organization"),
        (organization(OWN, true), "it manages the organization"),
        (organization(MANAGEMENT, false), "the organization is for billing alone"),
    ] {
        let mut world = denied();
        world.section.put(table::ORGANIZATIONS, OWN, row);
        assert_eq!(word(&strict(&world)), "allowed", "{why}: {}", named(&strict(&world)));
    }
    let mut linked = denied();
    let arn = format!("arn:aws:iam::{OWN}:role/aws-service-role/eks.amazonaws.com/{ROLE}");
    linked.section.put(table::ROLES, format!("{OWN}/{ROLE}"), Read::Got(json!({ "arn": arn, "roleId": ROLE_ID })));
    assert_eq!(word(&strict(&linked)), "allowed", "a service-linked role");
}

/// An organization where policies of both kinds are off.
fn without_controls(mut world: World) -> World {
    for target in [OWN, world.owner.clone().as_str(), UNIT, ROOT] {
        world.section.put(table::SERVICE_CONTROLS, at(target), Read::Got(json!([])));
        world.section.put(table::RESOURCE_CONTROLS, at(target), Read::Got(json!([])));
    }
    world
}

#[test]
fn policies_that_are_off_bind_nobody_and_half_of_them_is_a_contradiction() {
    for world in worlds() {
        let off = |mut world: World, targets: &[&str]| {
            for target in targets {
                world.section.put(table::SERVICE_CONTROLS, at(target), Read::Got(json!([])));
                world.section.put(table::RESOURCE_CONTROLS, at(target), Read::Got(json!([])));
            }
            world
        };
        assert_eq!(word(&strict(&without_controls(world.clone()))), "allowed");
        assert_eq!(word(&strict(&off(world, &[UNIT]))), "unknown scp-unread");
    }
}

#[test]
fn a_perimeter_of_resources_is_held_against_the_organization_of_the_role() {
    let perimeter = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:Batch*", "Resource": "*",
        "Condition": { "StringNotEqualsIfExists": { "aws:PrincipalOrgID": ORGANIZATION },
                       "BoolIfExists": { "aws:PrincipalIsAWSService": "false" } } });
    for world in worlds() {
        let inside = resource(world.clone(), perimeter.clone());
        assert_eq!(word(&strict(&inside)), "allowed", "{}", named(&strict(&inside)));
        let other = json!({ "id": "o-other", "management": MANAGEMENT, "allFeatures": true });
        // An account is in one organization, as the role's and as the registry's.
        if world.owner != OWN {
            let mut outside = inside.clone();
            outside.section.put(table::ORGANIZATIONS, OWN, Read::Got(other));
            expect(&outside, "denied rcp-denies");
            assert!(super_named(&outside).contains("resource control policy p-ours"), "{}", super_named(&outside));
        }
        let mut unread = inside;
        unread.section.put(table::ORGANIZATIONS, OWN, refused("organization"));
        assert!(word(&strict(&unread)).starts_with("unknown"), "{}", word(&strict(&unread)));
    }
}

/// Where an account stands is `o-…/r-…/ou-…/`, with a slash at its end; only operators over sets compare it.
#[test]
fn where_an_account_stands_in_its_organization_is_a_condition_like_any_other() {
    let path = format!("{ORGANIZATION}/{ROOT}/{UNIT}/");
    let shared = |operator: &str, path: &str| {
        let mut statement = grant(json!("*"));
        statement["Condition"] = json!({ operator: { "aws:PrincipalOrgPaths": [path] } });
        let world = World::two_accounts().inline(&policy(json!([pull_all()])));
        organized(world.repository_policy(&policy(json!([statement]))))
    };
    for (operator, wanted, expected) in [
        ("ForAnyValue:StringEquals", path.as_str(), "allowed"),
        ("ForAnyValue:StringLike", "o-acme/r-root/*", "allowed"),
        ("ForAllValues:StringLike", "o-acme/*", "allowed"),
        ("ForAnyValue:StringEquals", "o-acme/r-root/ou-root-team", "denied condition-unmet"),
        ("ForAnyValue:StringLike", "o-acme/r-root/ou-root-other/*", "denied condition-unmet"),
        ("ForAnyValue:StringNotLike", "o-acme/*", "denied condition-unmet"),
        // What they make of several values is not documented.
        ("StringLike", "o-acme/*", "unknown condition-undecidable"),
    ] {
        assert_eq!(word(&strict(&shared(operator, wanted))), expected, "{operator} {wanted}");
    }
    let mut unread = shared("ForAnyValue:StringEquals", &path);
    unread.section.put(table::PARENTS, at(UNIT), refused("organizations:ListParents"));
    expect(&unread, "unknown condition-undecidable");
    assert!(super_named(&unread).contains("organizations:ListParents"), "{}", super_named(&unread));
    let mut outside = shared("ForAnyValue:StringEquals", &path);
    outside.section.put(table::ORGANIZATIONS, OWN, Read::Absent);
    expect(&outside, "denied condition-unmet");
    // Nobody reads what is above the account that manages it: its policies bind nothing there.
    let mut manager = shared("ForAnyValue:StringEquals", &path);
    let row = json!({ "id": ORGANIZATION, "management": OWN, "allFeatures": true });
    manager.section.put(table::ORGANIZATIONS, OWN, Read::Got(row));
    expect(&manager, "unknown condition-undecidable");

    let only = |wanted: &str| {
        let mut statement = pull_all();
        statement["Condition"] = json!({ "ForAnyValue:StringLike": { "aws:ResourceOrgPaths": wanted } });
        organized(World::one_account().inline(&policy(json!([token_only(), statement]))))
    };
    expect(&only("o-acme/r-root/*"), "allowed");
    expect(&only("o-acme/r-other/*"), "denied condition-unmet");
}

/// An Allow of a resource control policy gives nothing; and whether one reaches the token is not documented.
#[test]
fn a_resource_control_policy_only_denies_and_of_the_token_it_is_open() {
    let allow = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
    let nothing = organized(World::one_account());
    assert_eq!(
        word(&strict(&resource(nothing, allow))),
        word(&strict(&World::one_account())).replace("unknown scp-unread", "denied identity-policy-silent")
    );
    let [one, _] = worlds();
    let token =
        json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:GetAuthorizationToken", "Resource": "*" });
    assert_eq!(word(&resource(one, token).verdict()), "unknown condition-undecidable");
}

#[test]
fn a_level_that_cannot_be_read_is_assumed_and_what_is_known_still_counts() {
    let deny = json!({ "Effect": "Deny", "Action": "ecr:*", "Resource": "*" });
    for world in worlds() {
        for (table, target) in
            [(table::SERVICE_CONTROLS, UNIT), (table::PARENTS, OWN), (table::ORGANIZATIONS, OWN)]
        {
            let mut world = world.clone();
            let key = if table == table::ORGANIZATIONS { target.to_owned() } else { at(target) };
            world.section.put(table, key, refused("it"));
            let Verdict::Allowed { assuming, .. } = world.verdict() else {
                panic!("{table}: {:?}", world.verdict())
            };
            assert!(
                assuming.iter().all(|need| need.open.to_string().contains("it") && need.open.is_assumable()),
                "{assuming:?}"
            );
            assert!(word(&strict(&world)).starts_with("unknown"), "{table}");
        }
        let mut above = service(world.clone(), ROOT, deny.clone(), true);
        above.section.put(table::SERVICE_CONTROLS, at(UNIT), refused("it"));
        expect(&above, "denied scp-denies");
        // One that a list names is there: nothing is assumed of what it says.
        let mut document = service(world.clone(), UNIT, deny.clone(), true);
        document.section.put(table::CONTROL_POLICIES, at("p-ours"), refused("the document"));
        expect(&document, "unknown scp-unread");
        // Nor where another reading failed, whatever else was refused.
        let mut both = world;
        both.section.put(table::SERVICE_CONTROLS, at(OWN), refused("the list"));
        both.section.put(table::PARENTS, at(OWN), failed("what is above"));
        expect(&both, "unknown scp-unread");
        assert!(super_named(&both).contains("what is above"), "{}", super_named(&both));
    }
}

/// What a policy blocked is assumed as what was refused is; what an expired token did not read is not.
#[test]
fn what_a_policy_blocked_is_assumed_and_nothing_else() {
    for (assumable, expected) in [(true, "allowed"), (false, "unknown scp-unread")] {
        let [mut world, _] = worlds();
        let obstacle = Obstacle::Blocked("a policy, or a token".into());
        let Open::Unread { reading, permission, scope, obstacle, .. } = Open::unread("it", "p", "s", obstacle)
        else {
            panic!("an unread one")
        };
        let open = Open::Unread { reading, permission, scope, obstacle, assumable };
        world.section.put(table::SERVICE_CONTROLS, at(UNIT), Read::Unread(open));
        expect(&world, expected);
    }
}

/// Taking a row away never turns a strict answer into the opposite.
#[test]
fn the_law_of_ablation_holds_for_every_row_of_an_organization() {
    let deny = json!({ "Effect": "Deny", "Action": "ecr:*", "Resource": "*" });
    let perimeter = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-other" } } });
    let unit = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*",
        "Condition": { "ForAllValues:StringNotLike": { "aws:PrincipalOrgPaths": "o-acme/r-root/ou-root-team/*" } } });
    let mut tried = 0;
    for world in worlds() {
        for world in [
            world.clone(),
            service(world.clone(), UNIT, deny.clone(), true),
            resource(world.clone(), perimeter.clone()),
            resource(world.clone(), unit.clone()),
            without_controls(world.clone()),
        ] {
            let before = word(&strict(&world));
            let rows: Vec<(String, String)> = world
                .section
                .tables
                .iter()
                .flat_map(|(table, rows)| rows.keys().map(move |key| (table.clone(), key.clone())))
                .collect();
            for (table, key) in rows {
                for obstacle in [Obstacle::Refused, Obstacle::NotAsked] {
                    let mut ablated = world.clone();
                    assert!(ablated.section.ablate(&table, &key, obstacle));
                    let after = word(&strict(&ablated));
                    let kept = after == before
                        || after.starts_with("unknown")
                        || (before.starts_with("denied") && after.starts_with("denied"));
                    assert!(kept, "{table} {key}: {before} became {after}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
}
