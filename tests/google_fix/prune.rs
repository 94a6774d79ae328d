//! Bindings of deleted accounts are taken away, and reasons why nothing is granted.

use super::google::{MEMBER, NODES, Place, READER, REPOSITORY, cluster, world};
use pullaudit_google_fake::{Fault, Policy, Repository, Trouble};
use serde_json::json;

const OLD: &str = "old@acme-prod.iam.gserviceaccount.com";

/// The nodes may pull, and a deleted account still stands beside them.
fn with_a_dead_member() -> Place {
    let policy = Policy::new().bind(READER, MEMBER).bind("roles/artifactregistry.writer", "user:dev@acme.example");
    let world =
        cluster().account(OLD).repository(Repository::new("acme-images", "europe-west4", "shop").policy(policy));
    let place = Place::of(world);
    place.fake.change(|world| {
        world.policy_of(REPOSITORY).unwrap().add(READER, &format!("serviceAccount:{OLD}"));
        world.delete_account(OLD);
    });
    place
}

fn dead(place: &Place) -> bool {
    json!(place.policy().bindings()).to_string().contains(&format!("deleted:serviceAccount:{OLD}"))
}

#[test]
fn prune_takes_a_deleted_account_away() {
    let place = with_a_dead_member();
    assert!(dead(&place));
    place.fix(&["--consent", "prune"]).ends(0).says("1 applied");
    assert!(!dead(&place) && place.policy().holds(READER, MEMBER));
    assert_eq!(place.writes(), 1);
    place.run("audit", &[]).ends(0);
    place.fix(&["--consent", "prune"]).ends(0);
    assert_eq!(place.writes(), 1, "written once");
    assert!(place.fake.unguarded_writes().is_empty());
}

#[test]
fn prune_of_a_revived_account_is_stale() {
    let place = with_a_dead_member();
    place.run("fix", &["--consent", "prune", "--dry-run", "--plan-out", "plan.json"]).ends(2);
    // Undeleted since: the same account, by its unique id.
    place.fake.change(|world| {
        let text = json!(world.policy_of(REPOSITORY).unwrap().bindings()).to_string();
        let uid = text.split("?uid=").nth(1).unwrap().split('"').next().unwrap().to_owned();
        world.create_account(OLD);
        world.accounts.iter_mut().filter(|one| one.email == OLD).for_each(|one| one.unique_id.clone_from(&uid));
    });
    place.plain(&["apply", "plan.json", "--yes", "--consent", "prune", "--timeout", "5s"]).ends(1).says("stale");
    assert!(dead(&place));
    assert_eq!(place.writes(), 0);
}

#[test]
fn a_missing_repository_is_the_reason() {
    let place = Place::of(cluster());
    place.fix(&[]).ends(2).says("does not exist").says("gcloud artifacts repositories create shop");
    let place = Place::of(world().disable("acme-images", "artifactregistry.googleapis.com"));
    let plan = place.run("fix", &["--dry-run", "-o", "json"]).ends(2).json();
    let why = plan["heldBack"].to_string();
    let line = "gcloud services enable artifactregistry.googleapis.com --project acme-images";
    assert!(why.contains(line), "{why}");
    assert_eq!(place.writes(), 0);
}

#[test]
fn a_write_honours_retry_after() {
    let place = Place::of(world());
    let set = "artifactregistry.projects.locations.repositories.setIamPolicy";
    place.fake.set_fault(Fault::call(set, Trouble::Throttled(2)).times(1));
    let began = std::time::Instant::now();
    place.fix(&[]).ends(0).says("1 applied");
    assert!(began.elapsed() >= std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(place.writes(), 2);
}

#[test]
fn dead_identities_are_never_granted_anything() {
    for disabled in [true, false] {
        let place = Place::of(world());
        place.fake.change(|world| {
            if disabled {
                world.accounts.iter_mut().filter(|one| one.email == NODES).for_each(|one| one.disabled = true);
            } else {
                world.delete_account(NODES);
            }
        });
        place.fix(&[]).ends(2);
        assert_eq!(place.writes(), 0, "disabled {disabled}");
    }
}
