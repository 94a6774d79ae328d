//! A world that moved since the plan was made: nothing is written into it, and what moved is named.

use super::azure::{Place, Ran};
use super::azure_fake::{Cluster, Deny, Grant, Identity, Puller, SUBSCRIPTION, World, role};

/// Saves a plan, lets the world move, and applies it.
fn applied_after(place: &Place, moved: impl FnOnce(&mut World)) -> Ran {
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2);
    assert!(place.writes().is_empty(), "a dry run writes nothing");
    place.fake.change(moved);
    place.plain(&["apply", "plan.json", "--yes", "--verify-timeout", "2s", "--timeout", "5s"])
}

#[test]
fn a_saved_plan_is_applied_where_nothing_moved() {
    let place = Place::acme();
    applied_after(&place, |_| {}).ends(0).says("1 applied");
    assert_eq!(place.grants().len(), 1);
    place.run("audit", &[]).ends(0);
}

#[test]
fn each_reading_that_moved_is_named_and_nothing_is_written() {
    type Move = fn(&mut World);
    let moves: [(&str, Move); 4] = [
        ("registry acmeregistry", |world| world.registries[0].abac = true),
        ("role assignments of", |world| {
            let who = world.clusters[0].identity().unwrap().object_id.clone();
            let scope = format!("/subscriptions/{SUBSCRIPTION}");
            world.grants.push(Grant::new(&scope, role::CATALOG_LISTER, &who));
        }),
        ("deny assignments on registry acmeregistry", |world| {
            let scope = world.registries[0].id();
            world.denies.push(Deny::new("lock", &scope).action("*/delete").everybody());
        }),
        ("is no longer an identity of acmeprod", |world| {
            world.clusters[0].puller = Puller::Kubelet(Identity::named(SUBSCRIPTION, "MC_acmeprod", "rotated"));
        }),
    ];
    for (what, moved) in moves {
        let place = Place::acme();
        applied_after(&place, moved).ends(1).says("stale").says(what);
        assert!(place.writes().is_empty(), "{what}");
        assert_eq!(place.receipt()["changes"][0]["outcome"], "stale", "{what}");
    }
}

#[test]
fn a_cluster_that_is_gone_makes_the_plan_stale() {
    let place = Place::acme();
    applied_after(&place, |world| world.clusters.clear()).ends(1).says("is gone");
    assert!(place.writes().is_empty());
}

#[test]
fn changes_elsewhere_do_not_matter() {
    let place = Place::acme();
    applied_after(&place, |world| {
        let other = Cluster::new(SUBSCRIPTION, "rg-acme", "other");
        let who = other.identity().unwrap().object_id.clone();
        world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &who));
        world.clusters.push(other);
    })
    .ends(0);
}

#[test]
fn somebody_else_s_grant_of_the_same_is_success_and_not_ours_to_take_back() {
    let place = Place::acme();
    let ran = applied_after(&place, |world| {
        let who = world.clusters[0].identity().unwrap().object_id.clone();
        world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &who));
    });
    ran.ends(0).says("1 already there");
    assert!(place.writes().is_empty());
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0);
    assert_eq!(place.grants().len(), 1);
}

#[test]
fn a_plan_that_was_edited_to_give_more_is_refused() {
    let place = Place::acme();
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2);
    let path = place.folder.path().join("plan.json");
    let text = std::fs::read_to_string(&path).unwrap().replace(role::ACR_PULL, role::OWNER);
    std::fs::write(&path, text).unwrap();
    place.plain(&["apply", "plan.json", "--yes"]).ends(1).says("gives more than a pull");
    assert!(place.writes().is_empty());
    std::fs::write(&path, "{}").unwrap();
    place.plain(&["apply", "plan.json", "--yes"]).ends(1).says("plan.json is not a plan");
}
