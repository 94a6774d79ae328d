//! Who can't sign in is denied whatever it is granted, and nothing is granted to it.

use super::azure::Place;
use super::azure_fake::{Cluster, Grant, Principal, Registry, SUBSCRIPTION, World, role};
use serde_json::Value;

const IMAGE: &str = "acmeregistry.azurecr.io/shop/cart:1";
const APPLICATION: &str = "a9910000-0000-4000-8000-000000000001";
const OBJECT: &str = "0b1ec700-0000-4000-8000-000000000001";

fn report(place: &Place, more: &[&str]) -> Value {
    let ran = place.run("audit", &[&["-o", "json"][..], more].concat());
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn verdict(place: &Place, more: &[&str]) -> (String, String) {
    let report = report(place, more);
    let text = |name: &str| report["checks"][0][name].as_str().unwrap().to_owned();
    (text("verdict"), text("code"))
}

fn is(place: &Place, wanted: (&str, &str)) {
    assert_eq!(verdict(place, &[]), (wanted.0.to_owned(), wanted.1.to_owned()));
}

/// The cluster's identity is gone from the directory.
fn deleted(granted: bool) -> Place {
    let place = Place::of(World::acme(), &[IMAGE]);
    let kubelet = place.kubelet();
    place.fake.change(|world| {
        world.directory.retain(|one| one.object_id != kubelet);
        if granted {
            world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &kubelet));
        }
    });
    place
}

#[test]
fn a_deleted_identity_is_denied_and_granted_nothing() {
    for granted in [true, false] {
        let place = deleted(granted);
        is(&place, ("denied", "identity-deleted"));
        place.fix(&[]).ends(2).says("the directory has no object of this id");
        assert_eq!(place.writes(), []);
        assert!(place.fake.strangers().is_empty());
    }
}

#[test]
fn a_saved_grant_is_stale_when_its_identity_is_deleted() {
    let place = Place::of(World::acme(), &[IMAGE]);
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2);
    let kubelet = place.kubelet();
    place.fake.change(|world| world.directory.retain(|one| one.object_id != kubelet));
    place.plain(&["apply", "plan.json", "--yes", "--verify-timeout", "2s"]).ends(1);
    assert_eq!(place.writes(), []);
}

#[test]
fn one_call_a_run_looks_identities_up() {
    let place = Place::of(World::acme(), &[IMAGE, "acmeregistry.azurecr.io/shop/web:1"]);
    place.fake.forget_requests();
    report(&place, &[]);
    let asked = place.fake.requests().into_iter().filter(|seen| seen.path.contains("getByIds"));
    assert_eq!(asked.count(), 1);
}

#[test]
fn without_the_right_an_identity_is_assumed_and_strictly_unknown() {
    let place = deleted(true);
    place.fake.change(|world| world.caller.graph = false);
    is(&place, ("allowed", "allowed"));
    let report = report(&place, &[]);
    assert!(report["checks"][0]["assuming"].to_string().contains("Directory.Read.All"), "{report}");
    assert_eq!(report["complete"], true);
    assert_eq!(verdict(&place, &["--strict"]), ("unknown".to_owned(), "identity-unverified".to_owned()));
}

fn application(principal: Principal) -> Place {
    let registry = Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry");
    let world = World::new()
        .subscription(SUBSCRIPTION)
        .cluster(Cluster::new(SUBSCRIPTION, "rg-acme", "acmeprod").service_principal(APPLICATION))
        .principal(principal)
        .grant(Grant::new(&registry.id(), role::ACR_PULL, OBJECT))
        .registry(registry);
    Place::of(world, &[IMAGE])
}

#[test]
fn an_application_that_cannot_sign_in_is_denied() {
    let service = || Principal::service(OBJECT, APPLICATION, "old");
    is(&application(service()), ("allowed", "allowed"));
    is(&application(service().disabled()), ("denied", "identity-disabled"));
    is(&application(service().secrets(&["2024-01-01T00:00:00Z"])), ("denied", "identity-secrets-ended"));
    let renewed = ["2024-01-01T00:00:00Z", "2099-01-01T00:00:00Z"];
    is(&application(service().secrets(&renewed)), ("allowed", "allowed"));
}

#[test]
fn a_grant_to_the_control_plane_is_named_as_the_cause() {
    let place = Place::of(World::acme(), &[IMAGE]);
    let plane = place.fake.change(|world| {
        let plane = world.clusters[0].body()["identity"]["principalId"].as_str().unwrap().to_owned();
        world.directory.push(Principal::service(&plane, "c0de0000-0000-4000-8000-000000000001", "plane"));
        world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &plane));
        plane
    });
    is(&place, ("denied", "pull-not-granted"));
    let report = report(&place, &[]).to_string();
    assert!(
        report.contains(&format!("held by {plane}, the identity of the control plane of acmeprod")),
        "{report}"
    );
}

#[test]
fn registries_that_could_not_be_listed_are_a_gap() {
    let second = "22222222-0000-4000-8000-000000000002";
    let place = Place::of(World::acme().subscription(second), &["elsewhere.azurecr.io/shop/cart:1"]);
    let scope = format!("/subscriptions/{second}");
    place.fake.change(|world| {
        let right = "Microsoft.ContainerRegistry/registries/read";
        world.caller = world.caller.clone().without_at(right, &scope);
    });
    let report = report(&place, &[]);
    let because = report["incompleteBecause"].to_string();
    assert!(because.contains(second) && because.contains("registries/read"), "{report}");
    assert_eq!(report["complete"], false);
}
