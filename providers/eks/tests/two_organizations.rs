//! Two organizations whose roots and units have one id: aws.md, ids are unique to their organization only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Read, Section, Snapshot, Verdict, judge};
use pullaudit_eks::facts::{in_organization, table};
use serde_json::{Value, json};
use support::*;

const UNIT: &str = "ou-root-team";
const ROOT: &str = "r-root";

fn deny() -> Value {
    json!({ "Effect": "Deny", "Action": "ecr:*", "Principal": "*", "Resource": "*" })
}

fn deny_own() -> Value {
    json!({ "Effect": "Deny", "Action": "ecr:*", "Resource": "*" })
}

/// How a row of a target is keyed: as it is now, or as former snapshots hold it.
type Keyed = fn(&str, &str) -> String;

fn now(organization: &str, target: &str) -> String {
    in_organization(organization, target)
}

fn formerly(_: &str, target: &str) -> String {
    target.to_owned()
}

/// The rows of an account in an organization of its own, with these policies of the root beside AWS's.
fn organized(section: &mut Section, organization: &str, account: &str, keyed: Keyed, of_root: [Option<Value>; 2]) {
    let row = json!({ "id": organization, "management": "999999999999", "allFeatures": true });
    section.put(table::ORGANIZATIONS, account, Read::Got(row));
    section.put(table::PARENTS, keyed(organization, account), Read::Got(json!(UNIT)));
    section.put(table::PARENTS, keyed(organization, UNIT), Read::Got(json!(ROOT)));
    let sides = [
        (table::SERVICE_CONTROLS, "p-FullAWSAccess", "p-service"),
        (table::RESOURCE_CONTROLS, "p-RCPFullAWSAccess", "p-resource"),
    ];
    for ((lists, aws, ours), denial) in sides.into_iter().zip(of_root) {
        for target in [account, UNIT, ROOT] {
            section.put(lists, keyed(organization, target), Read::Got(json!([aws])));
        }
        if let Some(denial) = denial {
            section.put(lists, keyed(organization, ROOT), Read::Got(json!([aws, ours])));
            section.put(table::CONTROL_POLICIES, keyed(organization, ours), document(&policy(json!([denial]))));
        }
    }
}

/// A role of one account that may pull from another.
fn world() -> World {
    World::two_accounts()
        .inline(&policy(json!([pull_all()])))
        .repository_policy(&policy(json!([grant(json!({ "AWS": ROLE_ARN }))])))
}

fn strict(world: &World) -> Verdict {
    judge(world.claim().as_ref(), Mode::Strict)
}

/// The world with both halves merged from snapshots of their own, in both orders.
fn merged(keyed: Keyed, own: [Option<Value>; 2], other: [Option<Value>; 2]) -> Vec<World> {
    let half = |organization: &str, account: &str, of_root: &[Option<Value>; 2]| {
        let mut section = world().section;
        organized(&mut section, organization, account, keyed, of_root.clone());
        let mut snapshot = Snapshot::new("2026-11-25T14:00:00Z".parse().unwrap());
        snapshot.facts.insert("eks".to_owned(), section);
        snapshot
    };
    let halves = [half("o-acme", OWN, &own), half("o-other", OTHER, &other)];
    let [first, second] = halves.clone();
    let joined = [(first.clone(), second.clone()), (second, first)].map(|(mut one, two)| {
        one.merge(two);
        one.facts.remove("eks").unwrap()
    });
    joined.into_iter().map(|section| World { section, ..world() }).collect()
}

#[test]
fn one_root_id_in_two_organizations_is_two_roots() {
    for (own, other, expected) in [
        ([None, None], [None, None], "allowed"),
        ([Some(deny_own()), None], [None, None], "denied scp-denies"),
        ([None, None], [None, Some(deny())], "denied rcp-denies"),
        // Of the role's organization only service policies matter, of the registry's only resource policies.
        ([None, None], [Some(deny_own()), None], "allowed"),
    ] {
        let mut together = world();
        organized(&mut together.section, "o-acme", OWN, now, own.clone());
        organized(&mut together.section, "o-other", OTHER, now, other.clone());
        for world in std::iter::once(together).chain(merged(now, own, other)) {
            assert_eq!(word(&strict(&world)), expected, "{}", named(&strict(&world)));
        }
    }
}

#[test]
fn former_rows_of_one_organization_are_used() {
    for (of_root, expected) in [([None, None], "allowed"), ([Some(deny_own()), None], "denied scp-denies")] {
        let mut world = world();
        organized(&mut world.section, "o-acme", OTHER, formerly, [None, None]);
        organized(&mut world.section, "o-acme", OWN, formerly, of_root);
        assert_eq!(word(&strict(&world)), expected, "{}", named(&strict(&world)));
    }
}

#[test]
fn former_rows_are_never_used_across_organizations() {
    for own in [[None, None], [Some(deny_own()), None]] {
        for world in merged(formerly, own.clone(), [None, None]) {
            let verdict = strict(&world);
            assert!(word(&verdict).starts_with("unknown scp-unread"), "{}", named(&verdict));
            assert!(named(&verdict).contains("organizations:"), "{}", named(&verdict));
        }
    }
}
