//! The rights that `permissions` prints are enough, and each of them is needed: taken away, its loss is
//! named, and no verdict flips.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;

use azure::Place;
use azure_fake::{
    Caller, Cluster, Deny, Grant, Identity, Principal, Puller, Registry, Role, SUBSCRIPTION, World, role,
};
use serde_json::Value;
use std::collections::BTreeMap;

const APPLICATION: &str = "a9910000-0000-4000-8000-000000000001";
const GRAPH: &str = "Application.Read.All";

/// A world in which every reading is made: a cluster of each kind, grants in two modes, a role of our own that
/// the tenant hides, a denial that names a group, a cache rule with a login.
fn world() -> World {
    let old = Cluster::new(SUBSCRIPTION, "rg-acme", "legacyprod");
    let old = Cluster { puller: Puller::Application(APPLICATION.to_owned()), ..old };
    let kubelet = Identity::named(SUBSCRIPTION, "MC_acmeprod", "acmeprod-agentpool").object_id;
    let first = Registry::new(SUBSCRIPTION, "rg-acme", "first")
        .cache_rule("hub", "docker.io/library/*", "hub/*", Some("hub"))
        .credential_set("hub", "docker.io", None);
    let second = Registry::new(SUBSCRIPTION, "rg-acme", "second").abac();
    let third = Registry::new(SUBSCRIPTION, "rg-acme", "third");
    let custom = "c0570000-0000-4000-8000-000000000001";
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let own = Role::custom(custom, "acme-puller", &scope).allows(
        &["Microsoft.ContainerRegistry/registries/pull/read"],
        &[],
        &[],
        &[],
    );
    let group = "97009000-0000-4000-8000-000000000001";
    let grant = Grant::new(&first.id(), role::ACR_PULL, &kubelet);
    let deny = Deny::new("lock", &second.id()).action("*/delete").principal(group, "Group");
    let mut world = World::new()
        .subscription(SUBSCRIPTION)
        .cluster(Cluster::new(SUBSCRIPTION, "rg-acme", "acmeprod"))
        .cluster(old)
        .principal(Principal::service("0b1ec700-0000-4000-8000-000000000001", APPLICATION, "legacy"))
        .principal(Principal::group(group, "people", &[]))
        .grant(grant)
        .role(own)
        .grant(Grant::new(&third.id(), custom, &kubelet))
        .custom_roles_below()
        .deny(deny);
    world.registries = vec![first, second, third];
    world
}

const IMAGES: [&str; 3] =
    ["first.azurecr.io/shop/cart:1", "second.azurecr.io/shop/web:1", "third.azurecr.io/shop/pay:1"];

/// The actions of the role that the program prints.
fn printed(place: &Place, purpose: &str) -> Vec<String> {
    let ran = place.plain(&["permissions", "--provider", "aks", "--for", purpose]);
    let role: Value = serde_json::from_str(&ran.ends(0).out).unwrap();
    role["Actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// A place whose caller may do what the printed role says, and nothing else.
fn least(purpose: &str) -> (Place, Vec<String>) {
    let place = Place::of(world(), &IMAGES);
    let actions = printed(&place, purpose);
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let rights: Vec<(&str, &str)> = actions.iter().map(|action| (action.as_str(), scope.as_str())).collect();
    place.fake.change(|world| world.caller = Caller::new().only(&rights));
    (place, actions)
}

fn report(place: &Place) -> Value {
    let ran = place.run("audit", &["-o", "json"]);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}\n{}", ran.err))
}

fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |check: &Value| (format!("{} {}", check["cluster"], check["image"]), text(&check["verdict"]));
    report["checks"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn an_audit_with_the_printed_rights_sees_what_one_with_all_rights_sees() {
    let all = Place::of(world(), &IMAGES);
    let (place, _) = least("audit");
    let (mut wanted, mut found) = (report(&all), report(&place));
    for report in [&mut wanted, &mut found] {
        report["generatedAt"] = Value::Null;
        report["factsAt"] = Value::Null;
        assert_eq!(report["complete"], true, "{}", report["incompleteBecause"]);
    }
    assert_eq!(found, wanted);
    assert!(verdicts(&found).values().any(|verdict| verdict == "allowed"));
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn each_right_of_an_audit_that_is_taken_away_is_named_and_no_verdict_flips() {
    let (place, actions) = least("audit");
    let clean = verdicts(&report(&place));
    // Used where no kubeconfig leads to a cluster whose workloads are read.
    let elsewhere = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action";
    // Azure shows everybody the subscriptions that they may see, and refuses nobody.
    let free = "Microsoft.Resources/subscriptions/read";
    for action in actions.iter().map(String::as_str).chain([GRAPH]).filter(|action| *action != elsewhere) {
        if action == GRAPH {
            place.fake.change(|world| world.caller.graph = false);
        } else {
            place.fake.take_right(action);
        }
        let ran = place.run("audit", &["-o", "json"]);
        let named = ran.out.contains(action) || ran.err.contains(action);
        let quiet = action == free;
        assert!(named || quiet, "{action} is not named:\n{}\n{}", ran.out, ran.err);
        if let Ok(report) = serde_json::from_str::<Value>(&ran.out) {
            for (check, verdict) in verdicts(&report) {
                let before = clean.get(&check);
                assert!(
                    verdict == "unknown" || before == Some(&verdict),
                    "{action}: {check}: {before:?} became {verdict}"
                );
            }
            assert!(quiet || ran.code == Some(2) || ran.code == Some(3), "{action}: {ran:?}");
        } else {
            assert_eq!(ran.code, Some(1), "{action}: {ran:?}");
        }
        place.fake.give_rights_back();
        place.fake.change(|world| world.caller.graph = true);
    }
}

#[test]
fn without_the_right_to_a_cluster_s_credentials_its_workloads_are_missing_and_that_is_said() {
    let action = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action";
    let place = Place::of(World::acme(), &[]);
    place.fake.take_right(action);
    place.plain(&["audit", "--provider", "aks", "--timeout", "5s"]).ends(3).says(action);
}

#[test]
fn a_fix_with_the_printed_rights_repairs_and_takes_back() {
    let (place, _) = least("fix");
    let before = place.grants();
    place.fix(&[]).ends(0);
    assert!(place.grants().len() > before.len());
    let path = place.receipts().remove(0);
    place.undo(&path).ends(0);
    assert_eq!(place.grants(), before);
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn each_right_of_a_fix_that_is_taken_away_is_named_before_anything_is_written() {
    let (place, actions) = least("fix");
    let audit = printed(&place, "audit");
    let only: Vec<&String> = actions.iter().filter(|action| !audit.contains(action)).collect();
    assert_eq!(only.len(), 3, "{only:?}");
    for action in only {
        let (place, _) = least("fix");
        let before = place.grants();
        place.fake.take_right(action);
        match action.rsplit('/').next().unwrap() {
            "write" => {
                place.fix(&[]).ends(1).says("you lack Microsoft.Authorization/roleAssignments/write");
                assert!(place.writes().is_empty() && place.grants() == before);
            }
            "delete" => {
                place.fix(&[]).ends(0);
                let (path, written) = (place.receipts().remove(0), place.writes().len());
                place.undo(&path).ends(1).says("you lack Microsoft.Authorization/roleAssignments/delete");
                assert_eq!(place.writes().len(), written);
            }
            _ => {
                place.fix(&[]).ends(0).says("not known");
                assert!(!place.writes().is_empty() && place.grants().len() > before.len());
            }
        }
    }
}
