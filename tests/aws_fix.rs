//! EKS through the program, on the emulator: a repository policy of another account that names a dead role is
//! repaired, verified and taken back, and statements of others stay.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{Fleet, OTHER, OWN, Place, REGION, Ran, WHERE, document, shared as fleet, verdicts};
use serde_json::{Value, json};
use servers::aws::Keys;
use servers::kubernetes::ADMIN;

/// A cluster of its own for repairs in one account: nobody gave its nodes a right to pull.
const BARE: &str = "bare";

/// The fleet with a role in the other account that may write its repositories' policies, and the bare cluster.
fn prepared(fleet: &Fleet) -> Place {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let allow = |actions: Value| document(&json!([{ "Effect": "Allow", "Resource": "*", "Action": actions }]));
        let trust = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
        let rights =
            allow(json!(["ecr:Describe*", "ecr:Get*", "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"]));
        fleet.aws.seed(&json!({ "accounts": {
            OTHER: { "roles": { "repairer": { "trust": trust, "inline": { "write": rights } } } },
            OWN: {
                "roles": { BARE: { "inline": { "nodes": allow(json!(["ec2:DescribeInstances"])) } } },
                "clusters": { REGION: { BARE: {
                    "accessConfig": { "authenticationMode": "API" },
                    "nodegroups": { "apps": { "nodeRole": BARE } },
                    "accessEntries": [{ "principalArn": BARE, "type": "EC2_LINUX" }],
                } } },
            },
        } }));
    });
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let config = std::fs::read_to_string(&place.config).unwrap().replace("role/pullaudit", "role/repairer");
    std::fs::write(&place.config, config).unwrap();
    place
}

fn fix(place: &Place, what: &[&str], more: &[&str]) -> Ran {
    let receipt = place.folder.path().join("fix.receipt.json").display().to_string();
    let out = ["--receipt-out", &receipt, "--verify-timeout", "10s"];
    place.run("fix", &[what, &out, more].concat())
}

fn undo(place: &Place) -> Ran {
    let receipt = place.folder.path().join("fix.receipt.json").display().to_string();
    place.run("undo", &[&receipt, "--yes", "--verify-timeout", "10s"])
}

/// The repository's policy as a snapshot tells it.
fn policy(place: &Place) -> Value {
    let facts = place.collect(&[]);
    let row = &facts["facts"]["eks"]["repositoryPolicies"][format!("{OTHER}/{REGION}/ledger/api")];
    let text = row["got"]["text"].as_str().unwrap_or_else(|| panic!("{row}"));
    serde_json::from_str(text).unwrap()
}

fn writes(place: &Place) -> Vec<String> {
    let name = |call: &str| ["Set", "Put", "Delete", "Attach", "Detach"].iter().any(|verb| call.starts_with(verb));
    let calls = place.proxy.calls().into_iter().map(|recorded| recorded.call.operation);
    calls.filter(|operation| name(operation)).collect()
}

#[test]
fn a_policy_of_another_account_is_repaired_verified_and_taken_back() {
    let Some(fleet) = fleet("a_policy_of_another_account_is_repaired") else { return };
    let place = prepared(fleet);
    let fix = |more: &[&str]| fix(&place, &[&WHERE[..], &["--cluster", "prod"]].concat(), more);
    let before = policy(&place);
    assert_eq!(verdicts(&place.json(&[]))["ledger on general"], "denied principal-recreated");

    let planned = fix(&["--dry-run"]);
    assert_eq!(planned.code, 2, "{}\n{}", planned.out, planned.err);
    assert!(planned.out.contains("PullauditPull") && planned.out.contains("needs consent"), "{}", planned.out);
    let alone = fix(&["--yes"]);
    assert_eq!(alone.code, 2, "{}\n{}", alone.out, alone.err);
    assert_eq!(writes(&place), Vec::<String>::new(), "nothing without consent");

    let fixed = fix(&["--yes", "--consent", "broad"]);
    assert!(fixed.out.contains("1 applied"), "{}\n{}", fixed.out, fixed.err);
    assert_eq!(writes(&place), ["SetRepositoryPolicy"]);
    let written = policy(&place);
    let (old, new) = (before["Statement"].as_array().unwrap(), written["Statement"].as_array().unwrap());
    assert_eq!(&new[..old.len()], &old[..], "statements of others stay, in their order");
    assert_eq!(new.last().unwrap()["Sid"], "PullauditPull");
    assert_eq!(verdicts(&place.json(&[]))["ledger on general"], "allowed allowed");

    let undone = undo(&place);
    assert_eq!(undone.code, 0, "{}\n{}", undone.out, undone.err);
    assert_eq!(policy(&place), before);
    assert_eq!(verdicts(&place.json(&[]))["ledger on general"], "denied principal-recreated");
    let again = undo(&place);
    assert_eq!(again.code, 0, "{}\n{}", again.out, again.err);
    assert_eq!(policy(&place), before);
}

#[test]
fn in_one_account_the_role_gets_a_policy_of_our_own_name_and_loses_it_again() {
    let Some(fleet) = fleet("in_one_account_the_role_gets_a_policy") else { return };
    let place = prepared(fleet);
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    let what = ["--cluster", BARE, "--image", &image];
    let state = || verdict(&place, &what);
    assert_eq!(state(), "denied");
    let dry = fix(&place, &what, &["--dry-run"]);
    assert_eq!(dry.code, 2, "{}\n{}", dry.out, dry.err);
    assert_eq!(writes(&place), Vec::<String>::new());

    let fixed = fix(&place, &what, &["--yes"]);
    assert_eq!(fixed.code, 0, "{}\n{}", fixed.out, fixed.err);
    assert_eq!(writes(&place), ["PutRolePolicy"]);
    assert_eq!(state(), "allowed");
    let again = place.run("fix", &[&what[..], &["--yes"]].concat());
    assert_eq!(again.code, 0, "{}\n{}", again.out, again.err);
    assert!(again.out.contains("nothing to fix"), "{}", again.out);

    let undone = undo(&place);
    assert_eq!(undone.code, 0, "{}\n{}", undone.out, undone.err);
    assert_eq!(writes(&place), ["PutRolePolicy", "DeleteRolePolicy"]);
    assert_eq!(state(), "denied");
}

#[test]
fn a_caller_who_may_not_write_is_told_and_nothing_is_left_behind() {
    let Some(fleet) = fleet("a_caller_who_may_not_write_is_told") else { return };
    prepared(fleet);
    let place = fleet.place(&fleet.assume("auditor"), Some(ADMIN));
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/web:1.0");
    let what = ["--cluster", BARE, "--image", &image];
    let fixed = fix(&place, &what, &["--yes"]);
    assert_eq!(fixed.code, 1, "{}\n{}", fixed.out, fixed.err);
    assert!((fixed.out + &fixed.err).contains("iam:PutRolePolicy"));
    assert_eq!(verdict(&place, &what), "denied");
}

fn verdict(place: &Place, what: &[&str]) -> String {
    let report = place.run("audit", &[what, &["-o", "json"]].concat()).report();
    let words: std::collections::BTreeSet<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["verdict"].as_str().unwrap()).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}
