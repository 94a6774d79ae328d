//! Who can't sign in can't pull, whatever it is granted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use jiff::Timestamp;
use pullaudit_aks::facts::table;
use pullaudit_core::{Facts, FixPolicy, ImageRef, Inventory, Mode, Question, Read, Vantage, Verdict};
use serde_json::{Value, json};
use support::*;

const IMAGE: &str = "acmeprod.azurecr.io/team/app:1";

fn granted() -> World {
    World::legacy().role(ACR_PULL)
}

fn known(body: Value) -> World {
    granted().put(table::PRINCIPALS, OBJECT, Read::Got(body))
}

fn both(world: &World) -> [String; 2] {
    let now = "2026-12-01T00:00:00Z".parse().unwrap();
    [Mode::Default, Mode::Strict].map(|mode| short(&world.ask_at(identity(OBJECT), IMAGE, mode, now)))
}

#[test]
fn denies_a_deleted_identity_that_kept_its_grant() {
    let deleted = granted().put(table::PRINCIPALS, OBJECT, Read::Absent);
    assert_eq!(both(&deleted), ["denied identity-deleted", "denied identity-deleted"]);
    let without = World::legacy().put(table::PRINCIPALS, OBJECT, Read::Absent);
    assert_eq!(both(&without), ["denied identity-deleted", "denied identity-deleted"]);
}

#[test]
fn never_proposes_a_grant_to_an_identity_that_cannot_sign_in() {
    let mut disabled = principal(OBJECT);
    disabled["accountEnabled"] = json!(false);
    for reading in [Read::Absent, Read::Got(disabled)] {
        let world = World::legacy().put(table::PRINCIPALS, OBJECT, reading);
        let image = ImageRef::parse(IMAGE).unwrap();
        let question = Question { by: identity(OBJECT), from: Vantage::default(), image };
        let proposal = world.facts().remedies(&[&question], Timestamp::UNIX_EPOCH, FixPolicy::default());
        assert!(proposal.changes.is_empty() && proposal.remedies.is_empty(), "{proposal:?}");
        assert!(proposal.held_back[0].why.contains(OBJECT), "{:?}", proposal.held_back);
    }
}

#[test]
fn assumes_an_identity_only_where_the_directory_refused() {
    let refused = granted().put(table::PRINCIPALS, OBJECT, refused("Directory"));
    assert_eq!(both(&refused), ["allowed", "unknown identity-unverified"]);
    let Verdict::Allowed { assuming, .. } = refused.ask(identity(OBJECT), IMAGE, Mode::Default) else { panic!() };
    assert!(assuming[0].open.to_string().contains("Directory/read"), "{assuming:?}");
    let mut asked_no_more = granted();
    asked_no_more.0.tables.remove(table::PRINCIPALS);
    assert_eq!(both(&asked_no_more), ["allowed", "unknown identity-unverified"]);
    let mut failed = granted();
    assert!(failed.0.ablate(table::PRINCIPALS, OBJECT, pullaudit_core::Obstacle::Failed("HTTP 500".into())));
    assert_eq!(both(&failed), ["unknown identity-unverified"; 2]);
    // What is denied anyhow stays so.
    let denied = World::legacy().put(table::PRINCIPALS, OBJECT, support::refused("Directory"));
    assert_eq!(both(&denied), ["denied pull-not-granted"; 2]);
}

#[test]
fn denies_a_disabled_identity() {
    let mut body = principal(OBJECT);
    body["accountEnabled"] = json!(false);
    assert_eq!(both(&known(body.clone())), ["denied identity-disabled"; 2]);
    body.as_object_mut().unwrap().remove("accountEnabled");
    assert_eq!(both(&known(body)), ["allowed", "unknown identity-unverified"]);
}

#[test]
fn denies_an_application_whose_secrets_have_all_ended() {
    let secret = |end: &str| json!({ "endDateTime": end });
    let (ended, valid) = (secret("2026-11-30T00:00:00Z"), secret("2027-06-01T00:00:00Z"));
    let future = json!({ "startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z" });
    let world = |own: Value, registered: Read<Value>| {
        let mut body = principal(OBJECT);
        body["servicePrincipalType"] = json!("Application");
        body["passwordCredentials"] = own;
        known(body).put(table::APPLICATIONS, CLIENT, registered)
    };
    let registered = |secrets: Value| Read::Got(json!({ "appId": CLIENT, "passwordCredentials": secrets }));
    let denied = ["denied identity-secrets-ended"; 2];
    for (own, application) in [
        (json!([]), registered(json!([ended]))),
        (json!([ended]), registered(json!([]))),
        (json!([]), registered(json!([]))),
        (json!([ended]), registered(json!([ended, future]))),
        (json!([ended]), Read::Absent),
    ] {
        assert_eq!(both(&world(own.clone(), application)), denied, "{own}");
    }
    for (own, application) in [
        (json!([valid]), registered(json!([ended]))),
        (json!([ended]), registered(json!([ended, valid]))),
        (json!([]), registered(json!([{ "endDateTime": null }]))),
        (json!([valid]), refused("Application")),
    ] {
        assert_eq!(both(&world(own.clone(), application)), ["allowed"; 2], "{own}");
    }
    for (own, application) in [
        (json!([ended]), refused("Application")),
        (json!(null), registered(json!([ended]))),
        (json!([]), registered(json!(null))),
    ] {
        assert_eq!(both(&world(own.clone(), application)), ["allowed", "unknown identity-unverified"], "{own}");
    }
    let odd = registered(json!([secret("soon")]));
    assert_eq!(both(&world(json!([]), odd)), ["unknown identity-unverified"; 2]);
    assert_eq!(both(&world(json!([]), Read::Absent)), ["allowed", "unknown identity-unverified"]);
}

#[test]
fn says_which_readings_pruning_lacks() {
    let here = registry_id();
    let world = |holders: Read<Value>| World::legacy().put(table::HOLDERS, &key(), holders);
    let held = || Read::Got(json!([assignment(OLD_OBJECT, ACR_PULL, &here)]));
    let inventory = Inventory { pullers: [OBJECT.to_owned()].into(), ..Inventory::default() };
    let unread = |world: &World| -> Vec<String> {
        world.facts().leftovers_unread(&inventory).iter().map(|gap| gap.open.to_string()).collect()
    };
    let unasked = unread(&world(held()));
    assert!(unasked[0].contains("Directory.Read.All") && unasked.len() == 1, "{unasked:?}");
    let refused_directory = world(held()).put(table::PRINCIPALS, OLD_OBJECT, refused("Directory"));
    assert!(unread(&refused_directory)[0].contains("Directory/read"));
    assert_eq!(unread(&world(held()).put(table::PRINCIPALS, OLD_OBJECT, Read::Absent)), Vec::<String>::new());
    assert_eq!(unread(&world(Read::Got(json!([])))), Vec::<String>::new());
    assert!(unread(&world(refused("roleAssignments")))[0].contains("roleAssignments/read"));
}

#[test]
fn tells_of_system_images_that_an_isolated_cluster_cannot_pull() {
    let system = Read::Got(json!([{ "registry": key(), "cluster": "prod" }]));
    let told = |world: World| {
        let world = world.put(table::SYSTEM_REGISTRIES, OBJECT, system.clone());
        let notices = world.facts().notices(Timestamp::UNIX_EPOCH, &Inventory::default());
        notices
            .into_iter()
            .filter(|one| one.code == "system-images-denied")
            .map(|one| one.subject)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(World::legacy()), ["cluster prod"]);
    assert!(told(granted()).is_empty());
    assert_eq!(told(granted().put(table::PRINCIPALS, OBJECT, Read::Absent)), ["cluster prod"]);
}
