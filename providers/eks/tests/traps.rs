//! The traps of aws.md, one test each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Credential, Facts, Mode, Principal, PrincipalKind, Read, Verdict, judge};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};
use support::*;

fn may_pull(world: World) -> World {
    world.inline(&policy(json!([pull_all()])))
}

// --- the rotation trap

#[test]
fn a_dead_role_id_is_named_and_told_from_a_silent_policy() {
    for world in [World::one_account(), World::two_accounts()] {
        let own = if world.owner == OWN { token_only() } else { pull_all() };
        let world = world
            .inline(&policy(json!([own])))
            .repository_policy(&policy(json!([grant(json!({ "AWS": DEAD_ID }))])));
        expect(&world, "denied principal-recreated");
        let text = named(&world.verdict());
        assert!(text.contains("names AROA…X7Q, which is not role node (AROA…M2D)"), "{text}");
        assert!(text.contains("repository policy of ledger/api"), "{text}");
        assert!(text.contains("statement 1 \"Pull\""), "{text}");
    }
}

#[test]
fn the_role_s_own_id_is_the_role() {
    let world = World::two_accounts().repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ID }))])));
    expect(&may_pull(world), "allowed");
}

#[test]
fn the_id_of_another_living_role_is_not_called_dead() {
    let mut world =
        may_pull(World::two_accounts()).repository_policy(&policy(json!([grant(json!({ "AWS": DEAD_ID }))])));
    let arn = format!("arn:aws:iam::{OTHER}:role/ci");
    world.section.put(table::ROLES, format!("{OTHER}/ci"), Read::Got(json!({"arn": arn, "roleId": DEAD_ID})));
    expect(&world, "denied repository-policy-silent");
}

#[test]
fn an_id_can_not_be_compared_with_a_role_that_was_not_read() {
    let world = may_pull(World::two_accounts())
        .role_row(table::ROLES, refused("role"))
        .repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ID }))])));
    expect(&world, "unknown role-unread");
}

#[test]
fn a_condition_on_the_arn_survives_re_creation() {
    let mut statement = grant(json!("*"));
    statement["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": ROLE_ARN}});
    expect(&may_pull(World::two_accounts()).repository_policy(&policy(json!([statement]))), "allowed");
}

#[test]
fn a_deny_that_names_a_dead_id_denies_nobody() {
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": DEAD_ID}, "Action": "ecr:*"});
    expect(&may_pull(World::one_account()).repository_policy(&policy(json!([deny]))), "allowed");
}

// --- principals

#[test]
fn a_session_grant_is_one_node_s_only() {
    let session = |id: &str| format!("arn:aws:sts::{OWN}:assumed-role/node/{id}");
    let world = may_pull(World::two_accounts())
        .repository_policy(&policy(json!([grant(json!({ "AWS": session("i-0abc") }))])));
    expect(&world, "unknown session-only-grant");
    expect(&world.clone().by(&session("i-0abc")), "allowed");
    expect(&world.by(&session("i-0def")), "denied repository-policy-silent");
}

#[test]
fn wildcards_inside_a_principal_never_match() {
    for principal in [
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/eks/nod?",
        "arn:aws:iam::*:role/eks/node",
        "arn:aws:sts::111122223333:assumed-role/node/*",
        "AROA*",
    ] {
        let world = World::two_accounts().repository_policy(&policy(json!([grant(json!({ "AWS": principal }))])));
        expect(&may_pull(world), "denied repository-policy-silent");
    }
}

#[test]
fn a_role_arn_keeps_its_path_and_a_session_drops_it() {
    let granted = |principal: &str| {
        may_pull(World::two_accounts()).repository_policy(&policy(json!([grant(json!({ "AWS": principal }))])))
    };
    expect(&granted(ROLE_ARN), "allowed");
    expect(&granted("arn:aws:iam::111122223333:role/node"), "denied repository-policy-silent");
    // aws-auth names the role without its path; its name is enough to find it.
    expect(&granted(ROLE_ARN).by("arn:aws:iam::111122223333:role/node"), "allowed");
    expect(&granted("arn:aws:iam::111122223333:role/eks/NODE"), "unknown condition-undecidable");
}

#[test]
fn other_kinds_of_principals_are_not_nodes() {
    for principal in [
        json!({"Service": "codebuild.amazonaws.com"}),
        json!({"Federated": "cognito-identity.amazonaws.com"}),
        json!({"AWS": "arn:aws:iam::111122223333:user/node"}),
        json!({"AWS": "AIDAEXAMPLEUSER00001"}),
        json!({"AWS": ["arn:aws:iam::999999999999:role/eks/node"]}),
    ] {
        let world = World::two_accounts().repository_policy(&policy(json!([grant(principal)])));
        expect(&may_pull(world), "denied repository-policy-silent");
    }
    let unknown = World::two_accounts().repository_policy(&policy(json!([grant(json!({"AWS": "node"}))])));
    expect(&may_pull(unknown), "unknown condition-undecidable");
    let no_principal = json!({"Effect": "Allow", "Action": "ecr:*"});
    expect(
        &may_pull(World::two_accounts()).repository_policy(&policy(json!([no_principal]))),
        "unknown policy-malformed",
    );
}

#[test]
fn deny_with_not_principal() {
    let root = format!("arn:aws:iam::{OWN}:root");
    let session = format!("arn:aws:sts::{OWN}:assumed-role/node/i-1");
    let deny = |principals: Value| {
        let statement = json!({"Effect": "Deny", "NotPrincipal": {"AWS": principals}, "Action": "ecr:*"});
        may_pull(World::one_account()).repository_policy(&policy(json!([statement])))
    };
    expect(&deny(json!("arn:aws:iam::999999999999:root")), "denied explicit-deny");
    expect(&deny(json!(ROLE_ARN)), "unknown condition-undecidable");
    expect(&deny(json!([ROLE_ARN, root])), "unknown condition-undecidable");
    expect(&deny(json!([ROLE_ARN, root, session])), "unknown condition-undecidable");
    expect(&deny(json!([ROLE_ARN, root, session])).by(&session), "allowed");
    expect(&deny(json!("*")), "allowed");
    // A boundary makes it deny whoever is listed.
    let bounded = deny(json!([ROLE_ARN, root, session])).by(&session).boundary(&policy(json!([pull_all()])));
    expect(&bounded, "denied explicit-deny");
    let everybody = deny(json!("*")).boundary(&policy(json!([pull_all()])));
    expect(&everybody, "unknown condition-undecidable");
    // A repository's policy holds no resource, and a registry's must.
    for resource in ["Resource", "NotResource"] {
        let mut named = grant(json!("*"));
        named[resource] = json!(format!("arn:aws:ecr:{REGION}:{OTHER}:repository/ledger/*"));
        let world = may_pull(World::two_accounts()).repository_policy(&policy(json!([named])));
        expect(&world, "unknown policy-malformed");
    }
    let bare = json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"});
    expect(
        &may_pull(World::one_account()).registry_policy(&policy(json!([bare])), "V2"),
        "unknown policy-malformed",
    );
    let allow = json!({"Effect": "Allow", "NotPrincipal": {"AWS": ROLE_ARN}, "Action": "ecr:*"});
    let world = may_pull(World::two_accounts()).repository_policy(&policy(json!([allow])));
    expect(&world, "unknown policy-malformed");
}

// --- boundaries

#[test]
fn a_boundary_caps_a_grant_to_the_role_and_not_one_to_everybody() {
    let bounded = |principal: Value| {
        World::one_account()
            .inline(&policy(json!([token_only()])))
            .boundary(&policy(json!([token_only()])))
            .repository_policy(&policy(json!([grant(principal)])))
    };
    expect(&bounded(json!({ "AWS": ROLE_ARN })), "denied boundary-denies");
    expect(&bounded(json!("*")), "allowed");
    let mut by_condition = grant(json!("*"));
    by_condition["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": ROLE_ARN}});
    expect(&bounded(json!("*")).repository_policy(&policy(json!([by_condition]))), "allowed");
}

#[test]
fn an_unread_boundary_is_not_taken_for_none() {
    let mut world = may_pull(World::one_account()).boundary(&policy(json!([pull_all()])));
    expect(&world, "allowed");
    world.section.put(table::POLICIES, BOUNDARY, refused("boundary"));
    expect(&world, "unknown boundary-unread");
}

// --- registry policy

#[test]
fn the_scope_of_a_registry_policy_decides_what_it_governs() {
    let deny = policy(json!([{"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage",
        "Resource": "arn:aws:ecr:*:*:repository/ledger/*"}]));
    let world = || may_pull(World::one_account());
    expect(&world().registry_policy(&deny, "V1"), "allowed");
    expect(&world().registry_policy(&deny, "V2"), "denied registry-policy-denies");
    let unread = world().registry_policy(&deny, "V2").registry_row(table::ACCOUNT_SETTINGS, refused("scope"));
    expect(&unread, "unknown registry-policy-denies");
    assert!(
        named(&unread.verdict()).contains("scope: needs read scope in account"),
        "{}",
        named(&unread.verdict())
    );
    // A refusal that both scopes share stays one.
    let mut silent = World::one_account().registry_policy(&deny, "V2");
    silent = silent.registry_row(table::ACCOUNT_SETTINGS, refused("scope"));
    assert!(word(&silent.verdict()).starts_with("denied"), "{}", word(&silent.verdict()));
    expect(&world().registry_policy(&deny, "V3"), "unknown registry-policy-denies");
}

#[test]
fn a_registry_policy_can_be_the_other_half() {
    let allow = policy(json!([{"Effect": "Allow", "Principal": {"AWS": OWN},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Resource": format!("arn:aws:ecr:{REGION}:{OTHER}:repository/ledger/*")}]));
    expect(&may_pull(World::two_accounts()).registry_policy(&allow, "V2"), "allowed");
    expect(&may_pull(World::two_accounts()).registry_policy(&allow, "V1"), "denied repository-policy-silent");
    let elsewhere = policy(json!([{"Effect": "Allow", "Principal": "*", "Action": "ecr:*",
        "Resource": format!("arn:aws:ecr:{REGION}:{OTHER}:repository/other/*")}]));
    expect(&may_pull(World::two_accounts()).registry_policy(&elsewhere, "V2"), "denied repository-policy-silent");
}

#[test]
fn without_a_registry_policy_the_scope_does_not_matter() {
    let world = may_pull(World::one_account()).registry_row(table::ACCOUNT_SETTINGS, refused("scope"));
    expect(&world, "allowed");
}

#[test]
fn a_registry_policy_on_the_token_is_undecided() {
    let deny = policy(json!([{"Effect": "Deny", "Principal": "*", "Action": "ecr:GetAuth*", "Resource": "*"}]));
    expect(&may_pull(World::one_account()).registry_policy(&deny, "V2"), "unknown condition-undecidable");
    let world = may_pull(World::two_accounts())
        .registry_policy(&deny, "V2")
        .repository_policy(&policy(json!([grant(json!("*"))])));
    expect(&world, "allowed");
}

// --- what is there

#[test]
fn missing_repositories_and_images() {
    let world = || may_pull(World::one_account());
    let gone = world().row(table::IMAGES, ":v1", Read::Absent);
    expect(&gone, "denied image-missing");
    expect(&gone.row(table::REPOSITORIES, "", Read::Absent), "denied repository-missing");
    // A missing repository goes before a missing right.
    let nothing = World::one_account().row(table::IMAGES, ":v1", Read::Absent);
    expect(&nothing.row(table::REPOSITORIES, "", Read::Absent), "denied repository-missing");
}

#[test]
fn a_digest_decides_whatever_the_tag() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let world = may_pull(World::one_account());
    let image = format!("{}@{digest}", world.image);
    let world = world.image(&image);
    expect(&world, "unknown not-collected");
    let got = Read::Got(json!({ "digest": digest }));
    expect(&world.clone().row(table::IMAGES, &format!("@{digest}"), got), "allowed");
    expect(&world.row(table::IMAGES, &format!("@{digest}"), Read::Absent), "denied image-missing");
}

// --- a pull identity need not be a node's

#[test]
fn a_service_account_s_role_needs_a_trust_that_is_not_weighed() {
    let mut world = may_pull(World::one_account());
    let name = "node".to_owned();
    let kind = PrincipalKind::ServiceAccountRole;
    world.by = Credential::Principal(Principal::new(kind, ROLE_ARN, name));
    expect(&world, "unknown service-account-trust");
    // Its session has a known name.
    let session = format!("arn:aws:sts::{OWN}:assumed-role/node/ecr-credential-provider");
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": session}, "Action": "ecr:*"});
    expect(&world.clone().repository_policy(&policy(json!([deny]))), "denied explicit-deny");
    expect(&world.inline(&policy(json!([]))), "denied token-not-granted");
}

#[test]
fn service_linked_roles_have_no_service_control_policies() {
    let mut world = may_pull(World::one_account());
    let arn = format!("arn:aws:iam::{OWN}:role/aws-service-role/x.amazonaws.com/node");
    world.section.put(table::ROLES, format!("{OWN}/{ROLE}"), Read::Got(json!({"arn": arn, "roleId": ROLE_ID})));
    let Verdict::Allowed { assuming, .. } = world.verdict() else { panic!() };
    assert!(assuming.iter().all(|need| need.code.name() == "rcp-unread"), "{assuming:?}");
}

// --- bad input

#[test]
fn a_row_that_is_not_what_its_table_promises_names_itself() {
    let world = World::one_account().role_row(table::ROLES, Read::Got(json!({"arn": 1})));
    let error = EksFacts::open(&world.section).unwrap_err().to_string();
    assert!(error.contains("roles 111122223333/node"), "{error}");
}

#[test]
fn malformed_documents_are_notices_too() {
    let world = World::one_account().inline_text("{").repository_policy(&policy(json!([{"Effect": "Maybe"}])));
    let notices = EksFacts::open(&world.section).unwrap().notices(world.at, &pullaudit_core::Inventory::default());
    let subjects: Vec<&str> = notices.iter().map(|notice| notice.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "inline policy own of role node (111122223333)",
            "repository policy of ledger/api (111122223333 eu-central-1), statement 1",
        ]
    );
    assert!(notices.iter().all(|notice| notice.code == "policy-malformed"));
}

#[test]
fn a_missing_role_goes_before_everything_else_and_ranks_follow_the_brief() {
    let rank = |name: &str| {
        let row = pullaudit_eks::codes::CODES.iter().find(|row| row.name == name);
        row.unwrap_or_else(|| panic!("{name}")).rank
    };
    let order = [
        "role-missing",
        "repository-missing",
        "image-missing",
        "explicit-deny",
        "principal-recreated",
        "boundary-denies",
        "token-not-granted",
        "identity-policy-silent",
        "repository-policy-silent",
        "policy-malformed",
        "role-unread",
        "scp-unread",
    ];
    assert!(order.windows(2).all(|pair| rank(pair[0]) > rank(pair[1])));
    let mut names: Vec<&str> = pullaudit_eks::codes::CODES.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), pullaudit_eks::codes::CODES.len());
}

#[test]
fn default_and_strict_differ_by_the_guard_rails_only() {
    let world = may_pull(World::one_account());
    let claim = world.claim();
    assert!(matches!(judge(claim.as_ref(), Mode::Default), Verdict::Allowed { .. }));
    assert!(matches!(judge(claim.as_ref(), Mode::Strict), Verdict::Unknown { .. }));
}

/// A file may hold what no API would: it is read whole, and the last statement counts as the first does.
#[test]
fn ten_megabytes_of_statements_are_weighed() {
    let silent = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}", "x".repeat(900))});
    let mut statements = vec![silent; 10_000];
    statements.push(json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}));
    let large = policy(Value::Array(statements));
    assert!(large.to_string().len() > 9_500_000);
    expect(&World::one_account().inline(&large), "allowed");
    let cut = large.to_string();
    let world = World::one_account().inline_text(&cut[..cut.len() - 2]);
    assert!(word(&world.verdict()).starts_with("unknown"), "a document that is cut off may say anything");
}

// --- findings about roles that pull

fn notices(world: &World, pullers: &[&str]) -> Vec<String> {
    let pullers =
        pullers.iter().map(|role| format!("arn:aws:iam::{OWN}:role/{role}").to_ascii_lowercase()).collect();
    let inventory = pullaudit_core::Inventory { pullers, ..pullaudit_core::Inventory::default() };
    let notices = EksFacts::open(&world.section).unwrap().notices(world.at, &inventory);
    notices.into_iter().map(|notice| format!("{}: {} {}", notice.code, notice.subject, notice.message)).collect()
}

#[test]
fn a_role_that_lost_every_policy_is_told_of_where_it_pulls() {
    let world = World::one_account();
    let told = notices(&world, &["node"]);
    let [one] = told.as_slice() else { panic!("{told:?}") };
    assert!(one.starts_with("role-without-policies: role node (111122223333) has no policy at all"), "{one}");
    assert_eq!(notices(&world, &["other"]), Vec::<String>::new());
    // One that could not be listed is not empty.
    let unread = world.role_row(table::ATTACHED, refused("managed policies"));
    assert_eq!(notices(&unread, &["node"]), Vec::<String>::new());
}

#[test]
fn a_right_to_pull_that_only_comes_with_a_push_is_told_of() {
    let statement = |actions: Value| json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]);
    let wide =
        policy(statement(json!(["ecr:GetAuthorizationToken", "ecr:Batch*", "ecr:GetDownload*", "ecr:Put*"])));
    let world = World::one_account().inline(&wide);
    let told = notices(&world, &["node"]);
    let [one] = told.as_slice() else { panic!("{told:?}") };
    assert!(one.starts_with("wider-than-pull: role node (111122223333) can pull by inline policy"), "{one}");
    let narrow =
        policy(statement(json!(["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])));
    assert_eq!(notices(&World::one_account().inline(&narrow), &["node"]), Vec::<String>::new());
    let mut denied = statement(json!("ecr:*"));
    denied.as_array_mut().unwrap().push(json!({"Effect": "Deny", "Action": "ecr:PutImage", "Resource": "*"}));
    assert_eq!(notices(&World::one_account().inline(&policy(denied)), &["node"]), Vec::<String>::new());
}
