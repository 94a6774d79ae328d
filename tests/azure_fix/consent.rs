//! Nothing is written that nobody agreed to, or that the caller may not write.

use super::azure::Place;
use super::azure_fake::{Deny, Registry, SUBSCRIPTION, World};

fn two() -> Place {
    let registry = |name: &str| Registry::new(SUBSCRIPTION, "rg-acme", name);
    let mut world = World::acme();
    world.registries = vec![registry("first"), registry("second")];
    Place::of(world, &["first.azurecr.io/shop/cart:1", "second.azurecr.io/shop/web:1"])
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_even_read() {
    let place = Place::acme();
    place.run("fix", &[]).ends(64).says("--yes");
    assert!(place.fake.requests().is_empty());
}

#[test]
fn a_plan_that_is_too_large_is_refused_whole() {
    let place = two();
    place.fix(&["--max-changes", "1"]).ends(1).says("2 changes, more than --max-changes 1");
    std::fs::write(place.folder.path().join("pullaudit.yaml"), "limits: {maxChanges: 1}\n").unwrap();
    place.fix(&[]).ends(1).says("more than --max-changes 1");
    assert!(place.writes().is_empty() && place.receipts().is_empty());
    place.fix(&["--max-changes", "2"]).ends(0);
}

#[test]
fn a_missing_right_is_told_before_anything_is_written() {
    let place = Place::acme();
    place.fake.take_right("Microsoft.Authorization/roleAssignments/write");
    place.fix(&[]).ends(1).says("you lack Microsoft.Authorization/roleAssignments/write on registry acmeregistry");
    assert!(place.writes().is_empty() && place.receipts().is_empty());
}

#[test]
fn what_may_be_written_is_written_beside_what_may_not() {
    let place = two();
    let second = place.fake.change(|world| world.registries[1].id());
    place.fake.change(|world| {
        world.caller = world.caller.clone().without_at("Microsoft.Authorization/roleAssignments/write", &second);
    });
    place.fix(&[]).ends(1).says("you lack").says("1 applied");
    assert_eq!(place.grants().len(), 1);
    assert_eq!(place.receipt()["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn rights_that_can_t_be_read_do_not_stop_a_fix() {
    let place = Place::acme();
    place.fake.take_right("Microsoft.Authorization/permissions/read");
    place.fix(&[]).ends(0).says("not known").says("1 applied");
}

#[test]
fn what_a_denial_stands_above_is_held_back_and_ends_with_two() {
    let place = two();
    place.fake.change(|world| {
        let scope = world.registries[1].id();
        world.denies.push(Deny::new("mrg-lock", &scope).action("*").everybody());
    });
    place.fix(&[]).ends(2).says("mrg-lock").says("1 applied");
    assert_eq!(place.grants().len(), 1);
}

#[test]
fn all_repositories_of_an_abac_registry_need_consent() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()];
    let place = Place::of(world, &["tools.azurecr.io/team/a:1"]);
    place.fix(&["--consent", "broad"]).ends(0).says("all repositories of the registry");
    let [(_, _, _, condition)] = &place.grants()[..] else { panic!("{:?}", place.grants()) };
    assert_eq!(*condition, None);
}

#[test]
fn outside_the_scopes_a_change_is_shown_and_not_written() {
    const OTHER: &str = "22222222-0000-4000-8000-000000000002";
    let mut world = World::acme().subscription(OTHER);
    world.registries = vec![Registry::new(OTHER, "rg-other", "away")];
    let place = Place::of(world, &["away.azurecr.io/team/a:1"]);
    place.fix(&["--subscription", SUBSCRIPTION]).ends(2).says("its owner's to write");
    assert!(place.writes().is_empty());
}

#[test]
fn a_receipt_is_never_replaced() {
    let place = Place::acme();
    std::fs::write(place.folder.path().join("mine.json"), "precious").unwrap();
    place.fix(&["--receipt-out", "mine.json"]).ends(1).says("can't make the receipt mine.json");
    assert_eq!(std::fs::read_to_string(place.folder.path().join("mine.json")).unwrap(), "precious");
    assert!(place.writes().is_empty(), "no write without a receipt");
    place.fix(&["--receipt-out", "new.json"]).ends(0);
    assert!(place.folder.path().join("new.json").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_who_goes_away_does_not_stop_the_writes() {
    let place = two();
    let arguments = ["fix", "--provider", "aks", "-f", "apps.yaml", "--yes", "--verify-timeout", "4s"];
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
    command
        .current_dir(place.folder.path())
        .args(arguments)
        .envs(place.fake.env())
        .env("KUBECONFIG", "/nonexistent");
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(matches!(child.wait().unwrap().code(), Some(0)));
    assert_eq!(place.grants().len(), 2);
}
