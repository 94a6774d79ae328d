//! Others who write at the same time, rights that are missing, answers that are lost.

use crate::ground::{BARE, FOREIGN, GENERAL, Ground};
use crate::live::{OTHER, OWN};
use crate::servers::proxy::Trouble;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The foreign policy with another statement of somebody else.
fn edited() -> String {
    let mut policy: Value = serde_json::from_str(FOREIGN).unwrap();
    let mut more = policy["Statement"][0].clone();
    more["Sid"] = "Another".into();
    policy["Statement"].as_array_mut().unwrap().push(more);
    policy.to_string()
}

#[test]
fn a_plan_is_not_written_over_what_others_wrote_since() {
    let name = "a_plan_is_not_written_over";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/moved") else { return };
    ground.plan(&["--consent", "broad"]).ends(2);
    ground.edit(&edited());
    ground.apply(&["--consent", "broad"]).ends(1).says("stale").says("ledger/moved");
    assert_eq!(ground.writes(), Vec::<String>::new());
    assert_eq!(ground.policy(), edited());
}

#[test]
fn an_edit_right_before_the_write_is_seen_and_kept() {
    let name = "an_edit_right_before_the_write";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/raced") else { return };
    let (edit, reads) = (ground.editor(&edited()), AtomicUsize::new(0));
    ground.place.proxy.guard(move |_, call| {
        // The first reading makes the plan, the second one is the look right before the write.
        let second = call.operation == "GetRepositoryPolicy" && reads.fetch_add(1, Ordering::SeqCst) == 1;
        if second {
            edit();
        }
        None
    });
    ground.fix(&["--consent", "broad"]).ends(1).says("stale");
    assert_eq!(ground.writes(), Vec::<String>::new());
    assert_eq!(ground.policy(), edited());
}

#[test]
fn undo_takes_our_statement_alone_where_others_wrote_since() {
    let name = "undo_takes_our_statement_alone";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/edited") else { return };
    ground.fix(&["--consent", "broad"]).ends(0);
    let mut policy: Value = serde_json::from_str(&ground.policy()).unwrap();
    let mut more = policy["Statement"][0].clone();
    more["Sid"] = "Another".into();
    policy["Statement"].as_array_mut().unwrap().insert(0, more.clone());
    ground.edit(&policy.to_string());
    ground.undo().ends(0);
    let left: Value = serde_json::from_str(&ground.policy()).unwrap();
    let sids: Vec<&str> =
        left["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].as_str().unwrap()).collect();
    assert_eq!(sids, ["Another", "LambdaECRImageRetrievalPolicy"]);
    ground.expect("denied");
}

#[test]
fn a_write_that_is_refused_leaves_nothing_and_names_the_right() {
    let name = "a_write_that_is_refused";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/refused") else { return };
    ground.place.proxy.fault(|call| call.operation == "SetRepositoryPolicy", Trouble::Forbidden);
    ground.fix(&["--consent", "broad"]).ends(1).says("ecr:SetRepositoryPolicy");
    assert_eq!(ground.writes(), ["SetRepositoryPolicy"], "a refusal is final");
    assert_eq!(ground.policy(), FOREIGN);
}

#[test]
fn an_answer_that_is_lost_after_the_write_is_found_out_and_nothing_is_written_twice() {
    let name = "an_answer_that_is_lost";
    let Some(ground) = Ground::new(name, GENERAL, "general", OTHER, "ledger/lost") else { return };
    ground.place.proxy.fault(|call| call.operation == "SetRepositoryPolicy", Trouble::Cut);
    ground.fix(&["--consent", "broad"]).ends(0).says("1 applied");
    assert_eq!(ground.writes(), ["SetRepositoryPolicy"]);
    ground.expect("allowed");
    ground.place.proxy.reset();
    ground.undo().ends(0);
    assert_eq!(ground.policy(), FOREIGN);
}

#[test]
fn a_caller_who_may_not_write_is_told_and_nothing_is_left_behind() {
    let name = "a_caller_who_may_not_write";
    let Some(ground) = Ground::new(name, BARE, BARE, OWN, "team/api") else { return };
    let ground = ground.with_role("auditor");
    // This one may not ask the simulator either, so that only the refusal tells.
    ground.fix(&[]).ends(1).says("not known").says("iam:PutRolePolicy").says("0 applied");
    assert_eq!(ground.writes(), ["PutRolePolicy"]);
    ground.expect("denied");
}
