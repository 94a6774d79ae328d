//! The policy that `permissions --provider eks` prints is enough for an audit, and each of its rights is needed: taken
//! away, its loss is named and no verdict flips. The emulator enforces it.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{Fleet, OTHER, OWN, verdicts, without, without_times};
use serde_json::{Value, json};
use servers::aws::Keys;
use servers::kubernetes::{ADMIN, AUDITOR};
use std::collections::{BTreeMap, BTreeSet};

/// Rights whose loss this ground can't show: the identity of a caller is told to everybody; the emulator lacks three
/// calls, which the proxy answers for it (`live_ablation` refuses those); no cluster here has Karpenter
/// (`live_karpenter` has one), several roles for machines of its owner's own (`live_instances` has) or service accounts
/// with roles of their own (`live_trust` has), nobody here may look at an organization (`live_organizations` has one), and
/// one region is read.
const UNSEEN: [&str; 13] = [
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "sts:GetCallerIdentity",
    "ecr:GetRegistryPolicy",
    "ecr:GetAccountSetting",
    "ecr:DescribePullThroughCacheRules",
    "ecr:DescribeRepositoryCreationTemplates",
    "iam:GetInstanceProfile",
    "iam:GetOpenIDConnectProvider",
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
];

/// What the program prints, with what its note says to add for another account.
fn printed() -> Value {
    let mut policy = live::printed();
    let assume = json!({ "Effect": "Allow", "Action": ["sts:AssumeRole"],
        "Resource": format!("arn:aws:iam::{OTHER}:role/pullaudit") });
    policy["Statement"].as_array_mut().unwrap().push(assume);
    policy
}

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let listed = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    listed.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn name(action: &str) -> String {
    format!("less-{}", action.replace(':', "-"))
}

/// A role with all of the rights, and one for each that lacks it.
fn roles(fleet: &Fleet, policy: &Value) {
    let mut roles = serde_json::Map::new();
    // No role of the fleet has a policy of its own, which takes a right of its own to read, as do the tags it asks for.
    let silent = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "ecr:BatchGetImage",
        "Resource": "*", "Condition": { "StringEquals": { "aws:ResourceTag/stage": "retired" } } }] });
    roles.insert("general".to_owned(), json!({ "there": true, "inline": { "silent": silent } }));
    roles.insert("least".to_owned(), json!({ "inline": { "read": policy } }));
    for action in actions(policy) {
        roles.insert(name(&action), json!({ "inline": { "read": without(policy, &action) } }));
    }
    fleet.aws.seed(&json!({ "accounts": { OWN: { "roles": roles } } }));
}

#[test]
fn the_printed_policy_is_enough_and_each_right_of_it_is_needed() {
    let Some(fleet) = live::shared("the_printed_policy") else { return };
    let policy = printed();
    roles(fleet, &policy);
    let all = fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]);
    let clean = verdicts(&all);
    assert!(clean.values().any(|verdict| verdict.starts_with("allowed")));
    let least = fleet.place(&fleet.assume("least"), Some(AUDITOR)).json(&[]);
    assert_eq!(without_times(least), without_times(all));

    for action in actions(&policy).iter().filter(|action| !UNSEEN.contains(&action.as_str())) {
        let ran = fleet.place(&fleet.assume(&name(action)), Some(AUDITOR)).audit(&["-o", "json"]);
        assert!(
            ran.out.contains(action) || ran.err.contains(action),
            "{action} is not named:\n{}\n{}",
            ran.out,
            ran.err
        );
        let Ok(report) = serde_json::from_str::<Value>(&ran.out) else {
            assert_eq!(ran.code, 1, "{action}: {}", ran.err);
            continue;
        };
        assert!([2, 3].contains(&ran.code), "{action}: {}", ran.code);
        let found: BTreeMap<String, String> = verdicts(&report);
        for (check, verdict) in found.iter().filter(|(_, verdict)| !verdict.starts_with("unknown")) {
            let word = |text: &String| text.split(' ').next().unwrap().to_owned();
            assert_eq!(clean.get(check).map(word), Some(word(verdict)), "{action}: {check}");
        }
    }
}
