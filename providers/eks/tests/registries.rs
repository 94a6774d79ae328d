//! Hosts of ECR, registries of AWS and of others: the traps of aws.md b.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Credential, Open, Read, Registry};
use pullaudit_eks::facts::table;
use pullaudit_eks::host::{self, EcrHost};
use serde_json::json;
use support::*;

fn may_pull(world: World) -> World {
    world.inline(&policy(json!([pull_all()])))
}

#[test]
fn every_host_of_ecr_is_read_and_maps_to_one_repository() {
    let cases = [
        ("111122223333.dkr.ecr.eu-central-1.amazonaws.com", "aws", true),
        ("111122223333.dkr.ecr-fips.us-east-1.amazonaws.com", "aws", true),
        ("111122223333.dkr-ecr.eu-central-1.on.aws", "aws", true),
        ("111122223333.dkr-ecr-fips.us-east-1.on.aws", "aws", true),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "aws-cn", true),
        ("111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "aws-cn", true),
        ("111122223333.dkr.ecr.us-gov-west-1.amazonaws.com", "aws-us-gov", true),
        ("111122223333.dkr-ecr.us-gov-west-1.on.aws", "aws-us-gov", true),
        ("111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu", "aws-eusc", true),
        ("111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov", "aws-iso", true),
        ("111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "aws-iso-b", true),
        ("111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-e", true),
        ("111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "aws-iso-f", true),
        // The registry is there, but the kubelet's patterns do not cover the host as written.
        ("111122223333.dkr.ecr.eu-central-1.amazonaws.com:443", "aws", false),
        ("111122223333.DKR.ECR.eu-central-1.amazonaws.com", "aws", false),
        ("111122223333.dkr.ecr.eu-central-1.AMAZONAWS.com", "aws", false),
        ("111122223333.dkr-ecr.eu-central-1.amazonaws.com", "aws", false),
    ];
    for (text, partition, covered) in cases {
        let parsed = EcrHost::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((parsed.account, parsed.partition), (OWN, partition), "{text}");
        let owner = host::owner(&Registry(text.to_owned())).unwrap();
        assert_eq!(owner.provider, "eks");
        assert_eq!(owner.scope.as_deref(), Some(OWN));
        assert_eq!(owner.plugin.is_some(), covered, "{text}: {owner:?}");
    }
    let fips = EcrHost::parse("111122223333.dkr-ecr-fips.us-east-1.on.aws").unwrap();
    assert_eq!(fips.repository_arn("a/b"), "arn:aws:ecr:us-east-1:111122223333:repository/a/b");
    for text in [
        "public.ecr.aws.evil.example",
        "docker.io",
        "11112222333.dkr.ecr.eu-central-1.amazonaws.com",
        "11112222333x.dkr.ecr.eu-central-1.amazonaws.com",
        "111122223333.dkr.ecr..amazonaws.com",
        "111122223333.dkr.ecr.-x.amazonaws.com",
        "111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        "x111122223333.dkr.ecr.eu-central-1.amazonaws.com",
        "111122223333.dkr.ecr.eu-central-1.amazonaws.com:5000",
        "111122223333.dkr_ecr.eu-central-1.amazonaws.com",
        "ééééééé.dkr.ecr",
        "",
    ] {
        assert_eq!(host::owner(&Registry(text.to_owned())), None, "{text}");
    }
}

#[test]
fn other_spellings_of_the_host_are_the_same_repository() {
    for host in [
        "111122223333.dkr-ecr.eu-central-1.on.aws",
        "111122223333.dkr.ecr-fips.eu-central-1.amazonaws.com",
        "111122223333.dkr.ecr.EU-central-1.amazonaws.com",
    ] {
        expect(&may_pull(World::one_account()).image(&format!("{host}/ledger/api:v1")), "allowed");
    }
}

#[test]
fn ecr_public_lets_everybody_pull() {
    for host in ["public.ecr.aws", "ecr-public.aws.com", "public.ecr.aws:443"] {
        let registry = Registry(host.to_owned());
        let owner = host::owner(&registry).unwrap_or_else(|| panic!("{host}"));
        assert_eq!((owner.provider, owner.scope, owner.location), ("eks", None, None), "{host}");
        // A role that may nothing there, and one that nobody read.
        let mut world = World::one_account().image(&format!("{host}/eks-distro/pause:3.9"));
        expect(&world, "allowed");
        assert!(named(&world.verdict()).contains("Amazon ECR Public"), "{}", named(&world.verdict()));
        world.section = pullaudit_core::Section::default();
        expect(&world, "allowed");
        world.by = Credential::Anonymous;
        expect(&world, "allowed");
        world.by = Credential::Secret("hub".to_owned());
        assert_eq!(world.claim(), None, "whether a stale login is refused nobody knows");
    }
}

#[test]
fn a_private_registry_refuses_requests_without_a_login() {
    let mut world = may_pull(World::one_account()).repository_policy(&policy(json!([grant(json!("*"))])));
    world.by = Credential::Anonymous;
    expect(&world, "denied anonymous-refused");
    world.by = Credential::Secret("hub".to_owned());
    assert_eq!(world.claim(), None);
    world.by = Credential::Unidentified(Open::undecidable("x"));
    assert_eq!(world.claim(), None);
}

#[test]
fn partitions_do_not_know_each_other() {
    let world =
        may_pull(World::one_account()).image("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/ledger/api:v1");
    expect(&world, "denied other-partition");
    let foreign = may_pull(World::one_account()).by("00000000-0000-0000-0000-000000000001");
    expect(&foreign, "denied foreign-principal");
}

// --- add-on registries

const ADDON: &str = "602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/pause:3.10";

#[test]
fn add_on_registries_are_the_identity_side_alone() {
    let world = may_pull(World::one_account()).image(ADDON);
    expect(&world, "allowed");
    assert!(named(&world.verdict()).contains("AWS-owned add-on registry"), "{}", named(&world.verdict()));
    expect(
        &World::one_account().inline(&policy(json!([token_only()]))).image(ADDON),
        "denied identity-policy-silent",
    );
    let closed = may_pull(World::one_account()).image(ADDON);
    let mut section = closed.section.clone();
    section.put(table::REPOSITORY_POLICIES, "602401143452/eu-central-1/eks/pause", refused("policy"));
    expect(&World { section, ..closed }, "allowed");
}

#[test]
fn a_policy_for_one_s_own_account_breaks_the_add_ons() {
    let own = json!([token_only(), {"Effect": "Allow", "Action": "ecr:*",
        "Resource": format!("arn:aws:ecr:*:{OWN}:repository/*")}]);
    let world = World::one_account().inline(&policy(own));
    expect(&world, "allowed");
    expect(&world.image(ADDON), "denied identity-policy-silent");
}

#[test]
fn a_pair_that_aws_does_not_publish_is_no_add_on_registry() {
    for image in [
        "602401143452.dkr.ecr.af-south-1.amazonaws.com/eks/pause:3.10",
        "877085696533.dkr.ecr.eu-central-1.amazonaws.com/eks/pause:3.10",
    ] {
        let world = may_pull(World::one_account()).image(image);
        assert!(word(&world.verdict()).starts_with("unknown"), "{image}");
    }
    for image in [
        "877085696533.dkr.ecr.af-south-1.amazonaws.com/eks/pause:3.10",
        "602401143452.dkr-ecr.us-west-2.on.aws/eks/pause:3.10",
    ] {
        expect(&may_pull(World::one_account()).image(image), "allowed");
    }
}

// --- foreign registries

#[test]
fn a_registry_that_nobody_of_ours_reads_says_what_to_add() {
    let foreign = may_pull(World::two_accounts())
        .row(table::REPOSITORY_POLICIES, "", refused("policy"))
        .row(table::REPOSITORIES, "", refused("repository"))
        .row(table::IMAGES, ":v1", refused("image"));
    let mut foreign = foreign.registry_row(table::REGISTRY_POLICIES, refused("registry"));
    foreign.section.put(table::READERS, OTHER, Read::Absent);
    expect(&foreign, "unknown foreign-registry");
    let text = named(&foreign.verdict());
    assert!(
        text.contains("scopes.accounts: [{id: \"444455556666\", role: arn:aws:iam::444455556666:role/…}]"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    // Our own half can refuse all the same.
    let silent = foreign.inline(&policy(json!([token_only()])));
    expect(&silent, "denied identity-policy-silent");
}

#[test]
fn an_archived_image_cannot_be_pulled() {
    for (status, expected) in [
        ("ACTIVE", "allowed"),
        ("ARCHIVED", "denied image-archived"),
        ("ACTIVATING", "denied image-archived"),
        ("FROZEN", "unknown image-unread"),
    ] {
        let row = json!({"digest": "sha256:11", "status": status});
        expect(&may_pull(World::one_account()).row(table::IMAGES, ":v1", Read::Got(row)), expected);
    }
}
