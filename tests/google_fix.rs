//! GKE through the program, on the fake of Google Cloud: a lost right is found, repaired, verified and taken back.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "google_fix/mod.rs"]
mod google;
#[path = "google_fix/killed.rs"]
mod killed;
#[path = "google_fix/prune.rs"]
mod prune;
#[path = "google_fix/scopes.rs"]
mod scopes;
#[path = "servers/mod.rs"]
mod servers;
#[path = "google_fix/strict.rs"]
mod strict;

use google::{MEMBER, NODES, Place, READER, world};
use pullaudit_google_fake::{Cluster, Fault, Federation, LOGGING_ONLY, Policy, Pool, Repository, Trouble, World};

#[test]
fn a_lost_right_is_found_repaired_verified_and_taken_back_and_foreign_bindings_stay() {
    let place = Place::of(world());
    let before = place.policy();
    place.run("audit", &[]).ends(2).says("shop-ew4");
    place
        .run("fix", &["--dry-run"])
        .ends(2)
        .says(READER)
        .says("gcloud artifacts repositories add-iam-policy-binding");
    assert_eq!(place.writes(), 0);

    place.fix(&[]).ends(0).says("1 applied");
    assert!(place.policy().holds(READER, MEMBER));
    assert!(place.policy().holds("roles/artifactregistry.writer", "user:dev@acme.example"));
    place.run("audit", &[]).ends(0);
    place.fix(&[]).ends(0).says("nothing to fix");
    assert_eq!(place.writes(), 1, "written once");

    place.undo().ends(0).says("2 repositories allowed → denied");
    assert_eq!(place.policy().bindings(), before.bindings());
    place.run("audit", &[]).ends(2);
    place.undo().ends(0);
    assert!(place.fake.strangers().is_empty(), "{:#?}", place.fake.strangers());
    assert!(place.fake.unguarded_writes().is_empty());
}

#[test]
fn an_edit_between_reading_and_writing_makes_the_round_anew_and_is_kept() {
    let place = Place::of(world());
    place.fake.set_fault(
        Fault::call("artifactregistry.projects.locations.repositories.setIamPolicy", Trouble::ConcurrentEdit)
            .times(1),
    );
    place.fix(&[]).ends(0).says("1 applied");
    assert!(place.policy().holds(READER, MEMBER));
    assert_eq!(place.writes(), 2);
    assert!(place.fake.unguarded_writes().is_empty());
}

#[test]
fn an_answer_that_is_lost_after_the_write_is_found_out_and_nothing_is_written_twice() {
    let place = Place::of(world());
    place.fake.set_fault(
        Fault::call("artifactregistry.projects.locations.repositories.setIamPolicy", Trouble::SilenceAfter)
            .times(1),
    );
    let all =
        ["fix", "--provider", "gke", "-f", "apps.yaml", "--timeout", "2s", "--yes", "--verify-timeout", "4s"];
    place.plain(&all).ends(0).says("1 applied");
    assert!(place.policy().holds(READER, MEMBER));
    assert_eq!(place.writes(), 1);
}

#[test]
fn a_missing_right_to_write_is_named_before_anything_is_written() {
    let place = Place::of(world());
    place.fake.take_right("artifactregistry.repositories.setIamPolicy");
    place.fix(&[]).ends(1).says("artifactregistry.repositories.setIamPolicy");
    assert_eq!(place.writes(), 0);
}

#[test]
fn scopes_that_do_not_reach_are_shown_and_never_written() {
    let cluster = Cluster::new("acme-prod", "europe-west4", "shop-ew4")
        .pool(Pool::new("apps").account(NODES).scopes(LOGGING_ONLY));
    let world = World::new()
        .organization("900100200300")
        .project("acme-prod", 100_200_300_400, "organizations/900100200300")
        .project("acme-images", 500_600_700_800, "organizations/900100200300")
        .account(NODES)
        .cluster(cluster)
        .repository(
            Repository::new("acme-images", "europe-west4", "shop").policy(Policy::new().bind(READER, MEMBER)),
        );
    let place = Place::of(world);
    let report = place.run("audit", &["-o", "json"]).ends(2).json();
    assert!(
        report["checks"].as_array().unwrap().iter().all(|check| check["code"] == "scope-missing"),
        "{report:#}"
    );
    place.fix(&[]).ends(2).says("gcloud container node-pools create");
    assert_eq!(place.writes(), 0);
}

#[test]
fn a_token_of_somebody_else_is_exchanged_for_one_of_google_s() {
    let place = Place::of(world().federation(Federation::direct()));
    for environment in [place.fake.federation_env(), place.fake.federation_url_env()] {
        let ran = place.with_environment(environment, &["audit", "--provider", "gke", "-f", "apps.yaml"]);
        ran.ends(2).says("shop-ew4");
    }
    assert!(place.fake.strangers().is_empty(), "{:#?}", place.fake.strangers());
}

#[test]
fn no_secret_comes_out_of_a_run_however_much_it_tells() {
    let place = Place::of(world());
    let ran = place.run("audit", &["-vvv"]);
    let collected = place.run("collect", &["-vvv", "-o", "facts.json"]);
    ran.ends(2);
    collected.ends(0);
    let facts = std::fs::read_to_string(place.folder.path().join("facts.json")).unwrap();
    for secret in place.fake.secrets() {
        for text in [&ran.out, &ran.err, &collected.out, &collected.err, &facts] {
            assert!(!text.contains(&secret), "a secret of {} characters is told", secret.len());
        }
    }
}

#[test]
fn a_caller_without_a_right_leaves_what_hangs_on_it_unknown() {
    let place = Place::of(world());
    place.fix(&[]).ends(0);
    place.fake.take_right("artifactregistry.repositories.getIamPolicy");
    let report = place.run("audit", &["-o", "json"]).ends(3).json();
    let needs = report["checks"].to_string();
    assert!(needs.contains("artifactregistry.repositories.getIamPolicy"), "{needs}");
    place.fake.give_rights_back();
    place.run("audit", &[]).ends(0);
}
