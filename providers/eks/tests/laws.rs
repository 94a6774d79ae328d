//! Laws over random facts: what is not known never flips a verdict, and order never matters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use pullaudit_core::{Claim, Facts, Mode, Obstacle, Open, Read, Verdict, judge};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};
use std::cell::Cell;
use std::mem::discriminant;
use support::*;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/node/i-0abc";

fn actions() -> impl Strategy<Value = Value> {
    select(vec![
        json!("ecr:*"),
        json!("*"),
        json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
        json!(["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
        json!("ecr:BatchGetImage"),
        json!("ecr:GetDownload*"),
        json!("ecr:GetAuthorizationToken"),
        json!(["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]),
        json!("s3:*"),
    ])
}

fn resources() -> impl Strategy<Value = Value> {
    select(vec![
        json!("*"),
        json!("*"),
        json!("arn:aws:ecr:*:*:repository/ledger/*"),
        json!("arn:aws:ecr:*:*:repository/other/*"),
        json!("arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*"),
        json!("arn:aws:ecr:*:repository/ledger/api"),
    ])
}

fn principals() -> impl Strategy<Value = Value> {
    select(vec![
        json!("*"),
        json!({ "AWS": ROLE_ARN }),
        json!({ "AWS": ROLE_ID }),
        json!({ "AWS": DEAD_ID }),
        json!({ "AWS": OWN }),
        json!({ "AWS": [SESSION, "arn:aws:iam::999999999999:root"] }),
        json!({ "AWS": [ROLE_ARN, SESSION, OWN] }),
        json!({"Service": "x.amazonaws.com"}),
    ])
}

fn conditions() -> impl Strategy<Value = Option<Value>> {
    select(vec![
        None,
        None,
        None,
        Some(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}})),
        Some(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/eks/*"}})),
        Some(json!({"ArnNotLike": {"aws:PrincipalArn": ROLE_ARN}})),
        Some(json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/${aws:PrincipalTag/team}/*"}})),
        Some(json!({"StringEqualsIfExists": {"aws:PrincipalTag/team": "ledger"}})),
        Some(json!({"StringLike": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})),
        Some(json!({"StringNotEquals": {"ecr:ResourceTag/stage": "test"}})),
        Some(json!({"StringNotEquals": {"aws:ResourceAccount": OTHER, "aws:PrincipalAccount": OWN}})),
        Some(json!({"StringLike": {"aws:userid": format!("{ROLE_ID}:*")}})),
        Some(json!({"Null": {"aws:PrincipalTag/team": "true"}})),
    ])
}

fn statement(of_resource: bool) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![8 => Just("Allow"), 1 => Just("Deny")];
    (effect, actions(), resources(), principals(), conditions(), 0..12_u8).prop_map(
        move |(effect, action, resource, principal, condition, odd)| {
            let mut statement = json!({ "Effect": effect });
            statement[if odd == 0 { "NotAction" } else { "Action" }] = action;
            if of_resource {
                let inverted = odd == 1 && effect == "Deny";
                statement[if inverted { "NotPrincipal" } else { "Principal" }] = principal;
            } else {
                statement[if odd == 2 { "NotResource" } else { "Resource" }] = resource;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            if odd == 3 {
                statement["Unknown"] = json!(true);
            }
            statement
        },
    )
}

fn statements(of_resource: bool) -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(statement(of_resource), 0..4)
}

/// A statement of a trust policy.
fn trusts() -> impl Strategy<Value = Value> {
    let effect = prop_oneof![6 => Just("Allow"), 1 => Just("Deny")];
    let action =
        select(vec!["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithWebIdentity", "sts:*", "sts:AssumeRole"]);
    let principal = select(vec![
        json!({ "Federated": vouching(ISSUER) }),
        json!({ "Federated": [vouching(FORMER), vouching(ISSUER)] }),
        json!({ "Federated": vouching(FORMER) }),
        json!({ "AWS": OWN }),
        json!("*"),
    ]);
    let condition = select(vec![
        None,
        None,
        Some(
            json!({"StringEquals": {format!("{ISSUER}:sub"): SUBJECT, format!("{ISSUER}:aud"): "sts.amazonaws.com"}}),
        ),
        Some(json!({"StringLike": {format!("{ISSUER}:sub"): "system:serviceaccount:other:*"}})),
        Some(json!({"StringNotEquals": {format!("{FORMER}:sub"): SUBJECT}})),
        Some(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}})),
        Some(json!({"StringEquals": {"aws:PrincipalAccount": OWN}})),
    ]);
    (effect, action, principal, condition).prop_map(|(effect, action, principal, condition)| {
        let mut statement = json!({ "Effect": effect, "Action": action, "Principal": principal });
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

#[derive(Clone, Debug)]
struct Parts {
    own: Vec<Value>,
    attached: Option<Vec<Value>>,
    boundary: Option<Vec<Value>>,
    repository: Option<Vec<Value>>,
    registry: Option<(Vec<Value>, &'static str)>,
    rules: bool,
    gone: u8,
    session: bool,
    two_accounts: bool,
    /// Set where a service account takes the role on; whether its account knows the cluster's issuer.
    trust: Option<(Vec<Value>, bool)>,
    /// What a first pull through a cache gives a repository.
    template: Option<Vec<Value>>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let policies = (
        statements(false),
        proptest::option::of(statements(false)),
        proptest::option::weighted(0.3, statements(false)),
        proptest::option::of(statements(true)),
        proptest::option::weighted(0.2, (statements(true), select(vec!["V1", "V2"]))),
    );
    let rest = (any::<bool>(), 0..8_u8, any::<bool>(), any::<bool>(), any::<bool>());
    let trust = (proptest::collection::vec(trusts(), 1..3), proptest::bool::weighted(0.9));
    let more = (proptest::option::weighted(0.3, trust), proptest::option::weighted(0.5, statements(true)));
    (policies, rest, more).prop_map(
        |((mut own, attached, boundary, repository, registry), rest, (trust, template))| {
            let (rules, gone, session, two_accounts, base) = rest;
            if base {
                own.push(pull_all());
            } else {
                own.push(token_only());
            }
            Parts {
                own,
                attached,
                boundary,
                repository,
                registry,
                rules,
                gone,
                session,
                two_accounts,
                trust,
                template,
            }
        },
    )
}

fn build(parts: &Parts) -> World {
    let mut world = if parts.two_accounts { World::two_accounts() } else { World::one_account() };
    world = world.tags(json!({"team": "ledger"})).inline(&policy(json!(parts.own)));
    if let Some(attached) = &parts.attached {
        world = world.attached(&policy(json!(attached)));
    }
    if let Some(boundary) = &parts.boundary {
        world = world.boundary(&policy(json!(boundary)));
    }
    if let Some(repository) = &parts.repository {
        world = world.repository_policy(&policy(json!(repository)));
    }
    if let Some((registry, scope)) = &parts.registry {
        let with_resource: Vec<Value> = registry
            .iter()
            .cloned()
            .map(|mut statement| {
                statement["Resource"] = json!("*");
                statement
            })
            .collect();
        world = world.registry_policy(&policy(json!(with_resource)), scope);
    }
    if parts.rules {
        let rules = json!([{"prefix": "ledger", "upstream": "quay.io"}]);
        world = world.registry_row(table::PULL_THROUGH, Read::Got(rules));
    }
    if let Some(template) = &parts.template {
        let given = policy(json!(template)).to_string();
        let template = json!([{ "prefix": "ledger", "appliedFor": ["PULL_THROUGH_CACHE"], "policy": given }]);
        world = world.registry_row(table::TEMPLATES, Read::Got(template));
    }
    match parts.gone {
        0 => world = world.row(table::IMAGES, ":v1", Read::Absent),
        1 if parts.repository.is_none() => {
            world = world.row(table::IMAGES, ":v1", Read::Absent).row(table::REPOSITORIES, "", Read::Absent);
        }
        _ => {
            let tags = json!({"team": "ledger", "stage": if parts.rules { "test" } else { "live" }});
            world = world.row(table::REPOSITORY_TAGS, "", Read::Got(tags));
        }
    }
    match &parts.trust {
        Some((trust, known)) => {
            world = world.trusting(json!(trust));
            if !known {
                world.section.put(table::IDENTITY_PROVIDERS, vouching(ISSUER), Read::Absent);
            }
            world
        }
        None if parts.session => world.by(SESSION),
        None => world,
    }
}

fn rows(world: &World) -> Vec<(String, String)> {
    let tables = world.section.tables.iter();
    tables.flat_map(|(table, rows)| rows.keys().map(move |key| (table.clone(), key.clone()))).collect()
}

fn opens(claim: &Claim, found: &mut Vec<Open>) {
    match claim {
        Claim::Fact(fact) => {
            if let pullaudit_core::Holds::Open(opens) = &fact.holds {
                found.extend(opens.iter().cloned());
            }
        }
        Claim::All(parts) | Claim::Any(parts) => parts.iter().for_each(|part| opens(part, found)),
        Claim::OneOf { why, cases } => {
            found.push(why.clone());
            for case in cases {
                opens(case, found);
            }
        }
    }
}

fn names(verdict: &Verdict, reading: &str) -> bool {
    let Verdict::Unknown { needing } = verdict else { return false };
    needing.iter().any(|need| matches!(&need.open, Open::Unread { reading: found, .. } if **found == *reading))
}

/// A verdict that is not allowed names something.
fn says_why(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Allowed { .. } => true,
        Verdict::Denied { because } => !because.is_empty(),
        Verdict::Unknown { needing } => !needing.is_empty(),
    }
}

#[test]
fn taking_an_answer_away_never_flips_a_verdict() {
    let (cases, verdicts) = (Cell::new(0_u32), Cell::new([0_u32; 3]));
    proptest!(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() }, |(parts in parts())| {
        let world = build(&parts);
        let full = world.settled();
        prop_assert!(says_why(&full));
        let mut seen = verdicts.get();
        seen[match full { Verdict::Allowed { .. } => 0, Verdict::Denied { .. } => 1, Verdict::Unknown { .. } => 2 }] += 1;
        verdicts.set(seen);
        for (table, key) in rows(&world) {
            let mut less = world.clone();
            prop_assert!(less.section.ablate(&table, &key, Obstacle::Refused));
            let verdict = less.settled();
            let unknown = matches!(verdict, Verdict::Unknown { .. });
            let same = discriminant(&verdict) == discriminant(&full);
            prop_assert!(same || unknown, "{table} {key}: {} became {}\n{}", word(&full), word(&verdict), named(&verdict));
            if unknown && !same {
                let reading = format!("{table} {key}");
                prop_assert!(names(&verdict, &reading), "{reading} is not named: {}", named(&verdict));
            }
            cases.set(cases.get() + 1);
        }
    });
    let [allowed, denied, unknown] = verdicts.get();
    println!("{} ablations; {allowed} allowed, {denied} denied, {unknown} unknown", cases.get());
    assert!(allowed > 100 && denied > 100 && unknown > 100, "{:?}", verdicts.get());
}

#[test]
fn reading_more_never_unsettles_what_is_settled() {
    proptest!(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() },
        |(parts in parts(), keep in subsequence((0..17_usize).collect::<Vec<_>>(), 0..17))| {
        let world = build(&parts);
        let (mut less, mut lesser) = (world.clone(), world);
        for (index, (table, key)) in rows(&lesser).into_iter().enumerate() {
            if !keep.contains(&index) {
                lesser.section.ablate(&table, &key, Obstacle::Refused);
                if index % 2 == 0 {
                    less.section.ablate(&table, &key, Obstacle::Refused);
                }
            }
        }
        let (more, fewer) = (less.settled(), lesser.settled());
        let settled = !matches!(fewer, Verdict::Unknown { .. });
        prop_assert!(!settled || discriminant(&more) == discriminant(&fewer), "{} then {}", word(&fewer), word(&more));
    });
}

/// Another row of the same table settles an unread one; whatever it says, a verdict that was there stays.
#[test]
fn settling_a_row_with_another_value_never_flips() {
    proptest!(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() },
        |(one in parts(), other in parts(), table in select(vec![table::REPOSITORY_POLICIES, table::REPOSITORY_TAGS, table::INLINE, table::POLICIES,
            table::REGISTRY_POLICIES, table::ACCOUNT_SETTINGS, table::PULL_THROUGH, table::ROLES, table::IDENTITY_PROVIDERS, table::TRUST_POLICIES, table::TEMPLATES]))| {
        // A repository that does not exist has no policy: such an answer would be a contradiction, which is open.
        let no_repository = one.gone == 1 && one.repository.is_none();
        let repository = other.repository.clone().filter(|_| !no_repository);
        let other = build(&Parts { two_accounts: one.two_accounts, repository, ..other });
        let mut world = build(&one);
        for (_, key) in rows(&world).into_iter().filter(|(of, _)| of == table) {
            world.section.ablate(table, &key, Obstacle::Refused);
        }
        let before = world.settled();
        for (key, reading) in other.section.tables.get(table).into_iter().flatten() {
            world.section.put(table, key.clone(), reading.clone());
        }
        if !matches!(before, Verdict::Unknown { .. }) {
            let after = world.settled();
            prop_assert!(discriminant(&after) == discriminant(&before), "{table}: {} then {}", word(&before), word(&after));
        }
    });
}

#[test]
fn the_order_of_statements_never_matters() {
    proptest!(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() }, |(parts in parts())| {
        let name = |mut statements: Vec<Value>| {
            for (index, statement) in statements.iter_mut().enumerate() {
                statement["Sid"] = json!(format!("s{index}"));
            }
            statements
        };
        let named_parts = Parts {
            own: name(parts.own.clone()),
            repository: parts.repository.clone().map(name),
            boundary: parts.boundary.clone().map(name),
            ..parts
        };
        let turn = |mut statements: Vec<Value>| { statements.reverse(); statements };
        let turned = Parts {
            own: turn(named_parts.own.clone()),
            repository: named_parts.repository.clone().map(turn),
            boundary: named_parts.boundary.clone().map(turn),
            ..named_parts.clone()
        };
        let (one, other) = (build(&named_parts).verdict(), build(&turned).verdict());
        prop_assert_eq!(word(&one), word(&other));
    });
}

#[test]
fn a_default_audit_only_assumes_guard_rails_and_names_them() {
    proptest!(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() }, |(parts in parts())| {
        let world = build(&parts);
        let claim = world.claim();
        let (relaxed, strict) = (judge(claim.as_ref(), Mode::Default), judge(claim.as_ref(), Mode::Strict));
        if discriminant(&relaxed) == discriminant(&strict) {
            return Ok(());
        }
        let Verdict::Allowed { assuming, .. } = &relaxed else { panic!("{relaxed:?}") };
        let unknown = matches!(strict, Verdict::Unknown { .. });
        prop_assert!(unknown);
        prop_assert!(!assuming.is_empty() && assuming.iter().all(|need| need.open.is_assumable()));
        let mut found = Vec::new();
        opens(claim.as_ref().unwrap(), &mut found);
        let rails = |open: &Open| matches!(open, Open::Unread { permission, .. } if permission.starts_with("organizations:"));
        prop_assert!(found.iter().all(|open| open.is_assumable() == rails(open)));
    });
}

#[test]
fn whole_documents_of_noise_never_panic() {
    let noise = prop_oneof![
        any::<String>(),
        "[\\[\\]{}\",:a-zA-Z*?$ ]{0,60}",
        statement(true).prop_map(|statement| policy(json!([statement])).to_string().chars().take(90).collect()),
    ];
    proptest!(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }, |(text in noise, host in "[0-9a-z.:-]{0,40}")| {
        let world = World::one_account().inline_text(&text).row(table::REPOSITORY_POLICIES, "", support::text(&text));
        let facts = EksFacts::open(&world.section).unwrap();
        prop_assert!(says_why(&judge(facts.weigh(&world.question(), world.at).as_ref(), Mode::Strict)));
        let _ = pullaudit_eks::host::EcrHost::parse(&host);
        let _ = pullaudit_eks::cluster::principal(&host);
    });
}
