//! What a rotated identity leaves behind is taken away only where the user says so, and can be put back.

use super::azure::Place;
use super::azure_fake::{Grant, Principal, World, role};

const DELETED: &str = "1f0d0000-0000-4000-8000-0000000022c4";
const ROBOT: &str = "40b00000-0000-4000-8000-000000000001";

/// The registry is held by a deleted identity, by a robot that lives, and by an owner that is deleted too.
fn rotated() -> Place {
    let place = Place::of(World::acme(), &["acmeregistry.azurecr.io/shop/cart:1"]);
    place.fake.change(|world| {
        let scope = world.registries[0].id();
        world.directory.push(Principal::service(ROBOT, "40b00000-0000-4000-8000-000000000002", "ci"));
        for (who, what) in [(DELETED, role::ACR_PULL), (ROBOT, role::ACR_PULL), (DELETED, role::OWNER)] {
            world.grants.push(Grant::new(&scope, what, who));
        }
    });
    place
}

fn holders(place: &Place) -> Vec<(String, String)> {
    place.grants().into_iter().map(|(role, principal, _, _)| (principal, role)).collect()
}

#[test]
fn only_the_least_grant_of_a_deleted_principal_is_taken_and_undo_puts_it_back() {
    let place = rotated();
    let before = place.grants();
    place.fix(&["--consent", "prune"]).ends(0).says("1 to add, 0 to change, 1 to remove").says("2 applied");
    let left = holders(&place);
    assert!(!left.contains(&(DELETED.to_owned(), role::ACR_PULL.to_owned())), "{left:?}");
    assert!(left.contains(&(DELETED.to_owned(), role::OWNER.to_owned())), "more than a pull is not ours to take");
    assert!(left.contains(&(ROBOT.to_owned(), role::ACR_PULL.to_owned())), "who lives keeps it");
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0).says("2 applied");
    assert_eq!(place.grants(), before);
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn without_consent_nothing_is_taken() {
    let place = rotated();
    place.fix(&[]).ends(0);
    assert_eq!(place.grants().len(), 4);
    assert!(!place.fake.requests().iter().any(|seen| seen.method == "DELETE"));
}

#[test]
fn where_the_directory_can_t_be_read_nothing_is_taken() {
    let place = rotated();
    place.fake.change(|world| world.caller.graph = false);
    let fixed = place.fix(&["--consent", "prune"]);
    fixed.ends(3).says("0 to remove").says("1 applied").says("Directory.Read.All");
    assert_eq!(place.grants().len(), 4);
    // The next run of the same world ends alike, and says why.
    place.fix(&["--consent", "prune"]).ends(3).says("nothing to fix").says("Directory.Read.All");
}

#[test]
fn a_principal_that_came_back_keeps_its_grant() {
    let place = rotated();
    place.run("fix", &["--dry-run", "--consent", "prune", "--plan-out", "plan.json"]).ends(2);
    place.fake.change(|world| {
        world.directory.push(Principal::service(DELETED, "1f0d0000-0000-4000-8000-000000000001", "back"));
    });
    let apply = ["apply", "plan.json", "--yes", "--consent", "prune", "--verify-timeout", "2s"];
    place.plain(&apply).ends(1).says("in the directory again").says("1 applied");
    assert!(holders(&place).contains(&(DELETED.to_owned(), role::ACR_PULL.to_owned())));
}

#[test]
fn a_saved_removal_still_needs_consent_and_an_edited_one_is_refused() {
    let place = rotated();
    place.run("fix", &["--dry-run", "--consent", "prune", "--plan-out", "plan.json"]).ends(2);
    place
        .plain(&["apply", "plan.json", "--yes", "--verify-timeout", "2s"])
        .ends(2)
        .says("it needs --consent prune");
    let owner = place.fake.change(|world| {
        let owner = world.grants.iter().find(|grant| grant.role == role::OWNER).unwrap();
        (owner.guid.clone(), owner.role.clone())
    });
    let path = place.folder.path().join("plan.json");
    let mut plan = super::azure::json(&path);
    let change = plan["changes"].as_array_mut().unwrap().iter_mut().find(|one| one["action"] == "remove").unwrap();
    let text =
        change.to_string().replace(change["id"].as_str().unwrap(), &owner.0).replace(role::ACR_PULL, &owner.1);
    *change = serde_json::from_str(&text).unwrap();
    std::fs::write(&path, plan.to_string()).unwrap();
    place
        .plain(&["apply", "plan.json", "--yes", "--consent", "prune"])
        .ends(1)
        .says("field `before`")
        .says("never takes away");
    assert!(holders(&place).contains(&(DELETED.to_owned(), role::OWNER.to_owned())));
}
