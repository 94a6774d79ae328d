//! Each kind of document: drift, plan, applied, verified, second run clean, undone, each step enforced.

use crate::ground::{BARE, CROWDED, FOREIGN, GENERAL, Ground, HALVES};
use crate::live::{OTHER, OWN};
use serde_json::Value;

fn statements(policy: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(policy).unwrap();
    document["Statement"].as_array().unwrap().clone()
}

#[test]
fn a_repository_policy_of_another_account_is_repaired_enforced_and_given_back_letter_by_letter() {
    let name = "a_repository_policy_of_another_account";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/kept") else { return };
    ground.expect("denied");
    ground
        .plan(&[])
        .ends(2)
        .says("PullauditPull")
        .says("needs consent")
        .says("in the moment between would be lost");
    ground.fix(&[]).ends(2);
    assert_eq!(ground.writes(), Vec::<String>::new(), "nothing without consent");

    ground.place.proxy.reset();
    ground.fix(&["--consent", "broad"]).ends(0).says("1 applied");
    assert_eq!(ground.writes(), ["SetRepositoryPolicy"]);
    // For the plan, before the write, after it, and to judge again.
    assert_eq!(ground.count("GetRepositoryPolicy"), 4);
    assert_eq!(ground.count("DescribeImages"), 1, "no change of ours makes or deletes an image");
    let written = ground.policy();
    let [foreign, ours] = &statements(&written)[..] else { panic!("{written}") };
    assert_eq!(*foreign, statements(FOREIGN)[0]);
    assert_eq!(ours["Sid"], "PullauditPull");
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap()["Id"], "kept");
    ground.expect("allowed");
    ground.fix(&["--consent", "broad"]).ends(0).says("nothing to fix");

    // The second run wrote no receipt in the place of the first.
    ground.undo().ends(0);
    assert_eq!(ground.policy(), FOREIGN);
    ground.expect("denied");
    ground.undo().ends(0);
    assert_eq!(ground.policy(), FOREIGN);
}

#[test]
fn in_one_account_the_role_gets_a_policy_of_our_own_name_and_loses_it_again() {
    let name = "in_one_account_the_role_gets_a_policy";
    let Some(ground) = Ground::new(name, BARE, BARE, OWN, "team/bare") else { return };
    ground.expect("denied");
    ground.plan(&[]).ends(2);
    assert_eq!(ground.writes(), Vec::<String>::new());
    ground.fix(&[]).ends(0).says("1 applied");
    assert_eq!(ground.writes(), ["PutRolePolicy"]);
    ground.expect("allowed");
    ground.fix(&[]).ends(0).says("nothing to fix");
    ground.undo().ends(0);
    assert_eq!(ground.writes(), ["PutRolePolicy", "DeleteRolePolicy"]);
    ground.expect("denied");
}

#[test]
fn where_no_inline_policy_has_room_the_managed_one_is_attached_with_consent() {
    let name = "where_no_inline_policy_has_room";
    let Some(ground) = Ground::new(name, CROWDED, CROWDED, OWN, "team/crowded") else { return };
    ground.expect("denied");
    ground.fix(&[]).ends(2).says("--consent broad attaches");
    assert_eq!(ground.writes(), Vec::<String>::new());
    ground.fix(&["--consent", "broad"]).ends(0).says("1 applied");
    assert_eq!(ground.writes(), ["AttachRolePolicy"]);
    ground.expect("allowed");
    ground.undo().ends(0);
    assert_eq!(ground.writes(), ["AttachRolePolicy", "DetachRolePolicy"]);
    ground.expect("denied");
}

#[test]
fn where_both_halves_are_missing_both_are_written_or_none() {
    let name = "where_both_halves_are_missing";
    let Some(ground) = Ground::new(name, HALVES, HALVES, OTHER, "ledger/both") else { return };
    ground.expect("denied");
    ground.fix(&[]).ends(2);
    assert_eq!(ground.writes(), Vec::<String>::new(), "one alone would help nobody");
    ground.fix(&["--consent", "broad"]).ends(0).says("2 applied");
    ground.expect("allowed");
    ground.undo().ends(0);
    assert_eq!(ground.policy(), FOREIGN);
    ground.expect("denied");
}

#[test]
fn an_id_of_a_role_that_is_gone_must_go_before_ecr_takes_the_policy() {
    let name = "an_id_of_a_role_that_is_gone";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/dead") else { return };
    let before = ground.policy();
    ground.expect("denied");
    ground.plan(&[]).ends(2).says("dead id").says("ECR refuses the policy as long as");
    // Refused by ECR, said why, and nothing is left behind; nor is it asked again and again.
    ground.fix(&["--consent", "broad"]).ends(1).says("a role that is gone").says("--consent prune");
    assert_eq!(ground.writes(), ["SetRepositoryPolicy"]);
    assert_eq!(ground.policy(), before);

    ground
        .plan(&["--consent", "broad", "--consent", "prune"])
        .ends(2)
        .says("becomes arn:")
        .says("AWS takes no dead id");
    std::fs::remove_file(ground.file("fix.receipt.json")).unwrap();
    ground.fix(&["--consent", "broad", "--consent", "prune"]).ends(0).says("1 applied");
    let written = ground.policy();
    assert_eq!(statements(&written).len(), 1, "the statement that named the dead role names the living one");
    ground.expect("allowed");
    ground.undo().ends(1).says("no undo can bring it back");
    assert_eq!(ground.policy(), written);
}

#[test]
fn a_repository_that_nobody_of_ours_may_look_into_waits_for_its_owner() {
    let name = "a_repository_that_nobody_of_ours_may_look_into";
    let Some(ground) = Ground::new(name, BARE, BARE, "999988887777", "team/app") else { return };
    ground
        .fix(&["--consent", "broad"])
        .ends(2)
        .says("waiting-for-owner")
        .says("999988887777")
        .says("PullauditPull");
    assert_eq!(ground.writes(), Vec::<String>::new(), "our half alone is no proof");
}
