//! Undo takes back what its receipt says was written, if it still is that, and nothing else.

use super::azure::Place;
use super::azure_fake::{Fault, Grant, Lag, Registry, SUBSCRIPTION, Trouble, World, role};
use std::time::Duration;

#[test]
fn what_others_hold_stays() {
    let place = Place::acme();
    let scope = place.fake.change(|world| world.registries[0].id());
    place.fake.change(|world| {
        world.grants.push(Grant::new(&scope, role::ACR_PUSH, "88888888-0000-4000-8000-000000000001"));
    });
    let before = place.grants();
    place.fix(&[]).ends(0);
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0);
    assert_eq!(place.grants(), before);
}

#[test]
fn a_grant_that_was_changed_since_is_left_as_it_is() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    place.fake.change(|world| world.grants[0].condition = Some("((!(ActionMatches{'a/b'})))".to_owned()));
    let before = place.grants();
    let path = place.receipts().remove(0);
    place.undo(&path).ends(1).says("its condition is another");
    assert_eq!(place.grants(), before);
}

#[test]
fn a_dry_run_shows_what_would_break_and_takes_nothing() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    let path = place.receipts().remove(0);
    let arguments = ["undo", path.to_str().unwrap(), "--dry-run"];
    place.plain(&arguments).ends(2).says("2 repositories allowed → denied").says("nothing is written");
    assert_eq!(place.grants().len(), 1);
}

#[test]
fn where_another_grant_holds_nothing_breaks() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    let (scope, who) = (place.fake.change(|world| world.registries[0].id()), place.kubelet());
    place.fake.change(|world| world.grants.push(Grant::new(&scope, role::READER, &who)));
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0).says("none of the pulls that it was made for");
    place.run("audit", &[]).ends(0);
}

#[test]
fn without_the_right_to_delete_nothing_is_tried() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    place.fake.take_right("Microsoft.Authorization/roleAssignments/delete");
    let path = place.receipts().remove(0);
    place.undo(&path).ends(1).says("Microsoft.Authorization/roleAssignments/delete");
    assert_eq!(place.writes().len(), 1, "only the fix wrote");
    assert_eq!(place.receipts().len(), 1);
}

#[test]
fn a_grant_that_can_t_be_read_is_not_taken_back() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    place.fake.set_fault(Fault::on("/roleAssignments/", Trouble::Forbidden).method("GET"));
    let path = place.receipts().remove(0);
    place.undo(&path).ends(1).says("Microsoft.Authorization/roleAssignments/read");
    assert_eq!(place.grants().len(), 1);
}

#[test]
fn the_condition_of_an_abac_registry_is_written_and_taken_back() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()];
    let place = Place::of(world, &["tools.azurecr.io/team/a:1", "tools.azurecr.io/team/b:1"]);
    place.fix(&[]).ends(0);
    let [(granted, _, _, Some(condition))] = &place.grants()[..] else { panic!("{:?}", place.grants()) };
    assert_eq!(granted, role::REPOSITORY_READER);
    for name in ["'team/a'", "'team/b'", "StringEqualsIgnoreCase"] {
        assert!(condition.contains(name), "{condition}");
    }
    place.run("audit", &[]).ends(0);
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0);
    assert!(place.grants().is_empty());
}

#[test]
fn a_grant_of_ours_is_opened_for_a_new_repository_and_closed_again() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()];
    let place = Place::of(world, &["tools.azurecr.io/team/a:1"]);
    place.fix(&[]).ends(0);
    let first = place.grants();
    place.apps(&["tools.azurecr.io/team/a:1", "tools.azurecr.io/team/b:1"]);
    place.fix(&["--dry-run"]).ends(2).says("~ 1").says("team/b, beside the 1 that it names already");
    place.fix(&["--receipt-out", "second.json"]).ends(0).says("1 applied");
    let [(_, _, _, Some(condition))] = &place.grants()[..] else { panic!("{:?}", place.grants()) };
    assert!(condition.contains("'team/a'") && condition.contains("'team/b'"), "{condition}");
    place.run("audit", &[]).ends(0);
    place.fix(&[]).ends(0).says("nothing to fix");
    place.undo(&place.folder.path().join("second.json")).ends(0).says("1 repository allowed → denied");
    assert_eq!(place.grants(), first);
    place.undo(&place.folder.path().join("second.json")).ends(0).says("is as it was before already");
    assert_eq!(place.grants(), first);
}

#[test]
fn a_grant_that_somebody_edited_or_deleted_meanwhile_is_not_opened() {
    let edits: [fn(&mut World); 2] = [
        |world| world.grants[0].condition = Some("((!(ActionMatches{'a/b'})))".to_owned()),
        |world| world.grants.clear(),
    ];
    for edit in edits {
        let mut world = World::acme();
        world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()];
        let place = Place::of(world, &["tools.azurecr.io/team/a:1"]);
        place.fix(&[]).ends(0);
        place.apps(&["tools.azurecr.io/team/a:1", "tools.azurecr.io/team/b:1"]);
        place.fix(&["--dry-run", "--plan-out", "plan.json"]).ends(2);
        place.fake.change(edit);
        let before = (place.grants(), place.writes().len());
        place.plain(&["apply", "plan.json", "--yes"]).ends(1).says("stale");
        assert_eq!((place.grants(), place.writes().len()), before);
    }
}

#[test]
fn what_is_still_listed_as_allowed_is_not_called_taken_back() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    place.fake.change(|world| world.write_lag = Lag::Time(Duration::from_mins(1)));
    let path = place.receipts().remove(0);
    let undone = place.plain(&["undo", path.to_str().unwrap(), "--yes", "--verify-timeout", "1s"]);
    undone.ends(3).says("2 of 2 repositories are allowed by what the cloud now lists");
    undone.says("1 change applied, not yet listed (exit 3)");
}
