//! Repairs of AWS at their limits: sizes and quotas, owner tools, pull-through caches, and what a plan rests on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Action, FixPolicy, Read, Safety};
use pullaudit_eks::facts::table;
use serde_json::json;
use support::repair::*;
use support::*;

#[test]
fn a_role_that_a_tool_owns_waits_for_consent_and_shows_what_the_tool_would_take() {
    for (tags, tool, snippet) in [
        (
            json!({"alpha.eksctl.io/cluster-name": "pay", "aws:cloudformation:stack-name": "x"}),
            "eksctl",
            "attachPolicy",
        ),
        (
            json!({"aws:cloudformation:stack-name": "nodes"}),
            "CloudFormation",
            "\"PolicyName\": \"pullaudit-pull\"",
        ),
        (json!({"ManagedBy": "Terraform"}), "Terraform", "resource \"aws_iam_role_policy\" \"pullaudit_pull\""),
        (json!({"terraform": "true"}), "Terraform", "jsonencode({ \"Version\""),
    ] {
        let world = World::one_account().tags(tags);
        let proposal = propose(&world);
        let (change, told) = (only(&proposal), notes(only(&proposal)));
        assert_eq!(change.safety, Safety::NeedsConsent);
        assert!(told.contains(&format!("owner tool: {tool} (tag ")) && told.contains(snippet), "{told}");
    }
    let nobodys = World::one_account().tags(json!({"team": "ledger", "terraform": "false"}));
    assert_eq!(only(&propose(&nobodys)).safety, Safety::Safe);
}

/// A role whose other inline policies leave about this much room.
fn with_room(world: World, room: usize) -> World {
    let filler = |length: usize| {
        policy(
            json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}", "x".repeat(length))}]),
        )
    };
    let taken = filler(0).to_string().len();
    let spaced = serde_json::to_string_pretty(&filler(10_240 - taken - room)).unwrap();
    world.inline_text(&spaced)
}

#[test]
fn an_inline_policy_that_would_be_too_large_is_held_back_with_its_wider_form() {
    // White space of the other policies does not count: 400 characters are enough for one repository.
    let (mut world, mut asked) = (World::one_account(), Vec::new());
    for number in 0..20 {
        let (next, question) = with_repository(world, &format!("ledger/service-{number:02}"));
        (world, asked) = (next, [asked, vec![question]].concat());
    }
    let fits = with_room(world.clone(), 600);
    assert_eq!(only(&propose_all(&fits, &asked[..1], FixPolicy::default())).safety, Safety::Safe);
    let tight = propose_all(&fits, &asked, FixPolicy::default());
    assert!(tight.changes.is_empty());
    let why = &tight.held_back[0].why;
    assert!(
        why.contains("600 of 10240 left: --consent broad writes all of 602401143452, ledger/* instead"),
        "{why}"
    );

    let wide = propose_all(&fits, &asked, BROAD);
    let change = only(&wide);
    assert_eq!(change.safety, Safety::NeedsConsent);
    assert!(written(change).to_string().contains(":repository/ledger/*\""));
    assert!(asked.iter().all(|question| turned(&fits, &wide.changes, question)));
    // With room, consent makes nothing wider.
    assert!(!written(only(&propose_all(&world, &asked, BROAD))).to_string().contains("ledger/*"));
}

#[test]
fn where_no_inline_policy_fits_the_managed_one_of_the_partition_is_attached() {
    let world = with_room(World::one_account(), 100);
    let why = held(&world);
    let arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";
    assert!(why.contains(&format!("--consent broad attaches {arn} instead")), "{why}");
    let proposal = propose_all(&world, &[world.question()], BROAD);
    let change = only(&proposal);
    assert_eq!((change.action, change.safety), (Action::Add, Safety::NeedsConsent));
    assert_eq!(change.after, Some(json!({"RoleName": ROLE, "PolicyArn": arn})));
    assert_eq!(change.command, format!("aws iam attach-role-policy --role-name node --policy-arn {arn}"));
    assert!(turned(&world, &proposal.changes, &world.question()));

    let many: Vec<String> = (0..10).map(|number| format!("arn:aws:iam::{OWN}:policy/p{number}")).collect();
    let mut full = world.role_row(table::ATTACHED, Read::Got(json!(many)));
    for arn in &many {
        full.section.put(table::POLICIES, arn, document(&policy(json!([token_only()]))));
    }
    let proposal = propose_all(&full, &[full.question()], BROAD);
    assert!(proposal.changes.is_empty());
    assert!(proposal.held_back[0].why.contains("10 managed policies"), "{:?}", proposal.held_back);
}

#[test]
fn the_partition_of_the_role_decides_the_managed_policy() {
    let arn = "arn:aws-cn:iam::111122223333:role/node";
    let mut world = with_room(World::one_account(), 100)
        .role_row(table::ROLES, Read::Got(json!({"arn": arn, "roleId": ROLE_ID})))
        .by(arn)
        .image("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/ledger/api:v1");
    let (registry, key) = (format!("{OWN}/cn-north-1"), format!("{OWN}/cn-north-1/{REPOSITORY}"));
    for (table, row) in [(table::REGISTRY_POLICIES, Read::Absent), (table::PULL_THROUGH, Read::Got(json!([])))] {
        world.section.put(table, &registry, row);
    }
    world.section.put(table::ACCOUNT_SETTINGS, &registry, Read::Got(json!({"registryPolicyScope": "V2"})));
    let repository = "arn:aws-cn:ecr:cn-north-1:111122223333:repository/ledger/api";
    world.section.put(table::REPOSITORIES, &key, Read::Got(json!({ "arn": repository })));
    world.section.put(table::REPOSITORY_POLICIES, &key, Read::Absent);
    world.section.put(table::IMAGES, format!("{key}:v1"), Read::Got(json!({"digest": "sha256:11"})));
    let proposal = propose_all(&world, &[world.question()], BROAD);
    let policy = "arn:aws-cn:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";
    assert_eq!(only(&proposal).after.as_ref().unwrap()["PolicyArn"], policy);
}

#[test]
fn a_first_pull_gets_import_and_creation_where_they_lack() {
    let has = |world: &World, action: &str| written(only(&propose(world))).to_string().contains(action);
    let (import, create) = ("BatchImportUpstreamImage", "CreateRepository");
    let rule = |prefix: &str| Read::Got(json!([{"prefix": prefix, "upstream": "registry-1.docker.io"}]));
    let under = |prefix: &str| World::one_account().registry_row(table::PULL_THROUGH, rule(prefix));
    // The cache holds the image: nothing is to be imported.
    for world in [World::one_account(), under("ledger"), under("led")] {
        assert!(!has(&world, import) && !has(&world, create));
    }
    let first = under("ledger").row(table::IMAGES, ":v1", Read::Absent);
    assert!(has(&first, import) && !has(&first, create), "the repository exists already");
    let none = first.clone().row(table::REPOSITORIES, "", Read::Absent);
    let none = none.registry_row(table::TEMPLATES, Read::Got(json!([])));
    assert!(has(&none, import) && has(&none, create));
    // The right that is missing alone: what ReadOnly leaves out.
    let read_only = first.inline(&policy(json!([pull_all()])));
    expect(&read_only, "denied pull-through-denied");
    assert!(has(&read_only, import));
    let unread = World::one_account().registry_row(table::PULL_THROUGH, refused("rules"));
    assert!(!has(&unread, import));
}

#[test]
fn a_repository_policy_that_would_be_too_large_is_held_back_with_the_other_half() {
    let filler = json!({"Sid": "x", "Effect": "Allow", "Action": "ecr:DescribeImages",
        "Principal": {"AWS": format!("arn:aws:iam::999999999999:role/{}", "x".repeat(9_950))}});
    let world = World::two_accounts().repository_policy(&policy(json!([filler])));
    let why = held(&world);
    assert!(why.contains("and ECR takes 10240"), "{why}");
}

#[test]
fn one_document_is_one_change_whatever_number_of_questions_hang_on_it() {
    let (world, other) = with_repository(World::one_account(), "ledger/web");
    let proposal = propose_all(&world, &[world.question(), other], FixPolicy::default());
    assert_eq!(proposal.remedies[0].questions, [0, 1]);
    assert_eq!(only(&proposal).target, "let role node pull from 2 repositories");
    // The other account's image that only its owner could give does not keep the rest from being repaired.
    let foreign = world.clone().image("999999999999.dkr.ecr.eu-central-1.amazonaws.com/x:v1").question();
    let proposal = propose_all(&world, &[world.question(), foreign], FixPolicy::default());
    assert_eq!(
        (proposal.remedies[0].questions.as_slice(), proposal.held_back[0].questions.as_slice()),
        ([0].as_slice(), [1].as_slice())
    );
}

#[test]
fn what_a_change_rests_on_moves_with_the_role_and_the_document_and_with_nothing_else() {
    let prints = |world: &World| only(&propose(world)).rests_on.clone();
    let first = prints(&World::one_account());
    let recreated = json!({"arn": ROLE_ARN, "roleId": DEAD_ID});
    assert_ne!(first, prints(&World::one_account().role_row(table::ROLES, Read::Got(recreated))));
    assert_ne!(first, prints(&own_inline(World::one_account(), &policy(json!([token_only()])))));
    assert_eq!(first, prints(&World::one_account().tags(json!({"team": "ledger"}))));
    let lambda = grant(json!({"Service": "lambda.amazonaws.com"}));
    let shared = |text: &str| {
        let world = World::two_accounts().inline(&policy(json!([pull_all()])));
        prints(&world.row(table::REPOSITORY_POLICIES, "", support::text(text)))
    };
    let text = policy(json!([lambda]));
    let normalised = serde_json::to_string_pretty(&text).unwrap().replace("\" :", "\":");
    assert_eq!(shared(&text.to_string()), shared(&normalised));
}
