//! What Azure may answer to a write, and what is made of it.

use super::azure::Place;
use super::azure_fake::{Fault, Grant, Lag, Trouble, World, role};
use std::time::Duration;

const WRITE: &str = "/providers/Microsoft.Authorization/roleAssignments/";

fn on_put(trouble: Trouble) -> Fault {
    Fault::on(WRITE, trouble).method("PUT")
}

#[test]
fn a_busy_service_and_an_identity_not_yet_known_are_asked_again() {
    let troubles = [
        Trouble::Throttled(1),
        Trouble::Unavailable(1),
        Trouble::ServerError,
        Trouble::Refused(400, "PrincipalNotFound"),
    ];
    for trouble in troubles {
        let place = Place::acme();
        place.fake.set_fault(on_put(trouble).times(1));
        place.fix(&[]).ends(0);
        assert_eq!(place.receipt()["changes"][0]["outcome"], "applied", "{trouble:?}");
        assert_eq!(place.grants().len(), 1, "{trouble:?}");
        let puts = place.writes();
        assert_eq!(puts.len(), 2, "{trouble:?}: {puts:?}");
    }
}

#[test]
fn what_never_passes_ends_within_the_deadline_and_leaves_nothing() {
    let place = Place::acme();
    place.fake.set_fault(on_put(Trouble::Refused(400, "PrincipalNotFound")));
    let ran = place.fix(&["--timeout", "1s"]);
    ran.ends(1).says("PrincipalNotFound");
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["outcome"], &entry["leftBehind"]), (&"failed".into(), &"nothing".into()), "{entry}");
    assert!(place.grants().is_empty());
}

#[test]
fn a_refusal_ends_the_change_at_once_and_names_the_right() {
    let place = Place::acme();
    place.fake.set_fault(on_put(Trouble::Forbidden));
    place.fix(&[]).ends(1).says("Microsoft.Authorization/roleAssignments/write").says("1 failed");
    assert_eq!(place.writes(), [("PUT".to_owned(), Some(403))], "it is sent once");
    assert_eq!(place.receipt()["changes"][0]["leftBehind"], "nothing");
}

#[test]
fn a_delegated_administrator_who_may_not_assign_that_role_is_told_so() {
    let place = Place::acme();
    place.fake.change(|world| world.caller = world.caller.clone().assignable(&[role::ACR_PUSH]));
    place.fix(&[]).ends(1).says("ABAC condition");
    assert!(place.grants().is_empty());
}

#[test]
fn an_answer_that_is_lost_after_the_write_is_found_out() {
    for trouble in [Trouble::Cut, Trouble::Garbage, Trouble::SilenceAfter] {
        let place = Place::acme();
        place.fake.set_fault(on_put(trouble).times(1));
        place.fix(&["--timeout", "2s"]).ends(0);
        let entry = &place.receipt()["changes"][0];
        assert_eq!(
            (&entry["outcome"], &entry["leftBehind"]),
            (&"applied".into(), &"change".into()),
            "{trouble:?}: {entry}"
        );
        assert_eq!(place.grants().len(), 1, "{trouble:?}");
    }
}

#[test]
fn where_nobody_answers_any_more_the_receipt_says_that_it_is_not_known() {
    let place = Place::acme();
    place.fake.set_fault(on_put(Trouble::SilenceAfter));
    place.fake.set_fault(Fault::on(WRITE, Trouble::Silence).method("GET"));
    place.fix(&["--timeout", "1s"]).ends(1).says("whether it took effect is not known");
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["outcome"], &entry["leftBehind"]), (&"failed".into(), &"unknown".into()), "{entry}");
    place.fake.clear_faults();
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0).says("deleted");
    assert!(place.grants().is_empty(), "undo looks at what may have been left");
}

#[test]
fn a_grant_that_somebody_makes_in_the_same_moment_is_not_made_twice() {
    let place = Place::acme();
    place.fake.set_fault(on_put(Trouble::Slow(Duration::from_secs(2))));
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| place.fix(&[]));
        while !place.fake.requests().iter().any(|seen| seen.method == "PUT") {
            std::thread::sleep(Duration::from_millis(20));
        }
        let (scope_of, who) = (place.fake.change(|world| world.registries[0].id()), place.kubelet());
        place.fake.change(|world| world.grants.push(Grant::new(&scope_of, role::ACR_PULL, &who)));
        run.join().unwrap()
    });
    ran.ends(0).says("already-there");
    assert_eq!(place.writes(), [("PUT".to_owned(), Some(409))]);
    assert_eq!(place.grants().len(), 1);
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0).says("was not written by that run");
    assert_eq!(place.grants().len(), 1, "what somebody else made stays");
}

#[test]
fn a_grant_that_is_listed_late_is_waited_for_and_one_that_is_not_ends_with_three() {
    let images = ["acmeregistry.azurecr.io/shop/cart:1"];
    let place = Place::of(World::acme().write_lag(Lag::Calls(4)), &images);
    place.fix(&["--verify-timeout", "30s"]).ends(0).says("not yet");
    assert_eq!(place.receipt()["changes"][0]["listed"], "allowed");

    let place = Place::of(World::acme().write_lag(Lag::Time(Duration::from_mins(1))), &images);
    place.fix(&["--verify-timeout", "2s"]).ends(3).says("not yet listed");
    let entry = &place.receipt()["changes"][0];
    assert_eq!((&entry["outcome"], &entry["listed"]), (&"applied".into(), &"denied".into()), "{entry}");
}
