//! `--strict` reads nothing into a gap: neither in the plan, nor in the proof after a write, nor in undo.

use super::google::{MEMBER, Place, READER, REPOSITORY, world};
use pullaudit_google_fake::{Fault, Trouble};
use serde_json::Value;

/// What an auditor of one project rarely may read: by default it is assumed not to deny.
fn take_the_organization_s_list(place: &Place) {
    place.fake.set_fault(
        Fault::call("iam.policies.listPolicies", Trouble::Forbidden).path("organizations/900100200300"),
    );
}

#[test]
fn a_strict_repair_is_not_proved_by_an_assumption() {
    let place = Place::of(world());
    take_the_organization_s_list(&place);
    let strict = place.fix(&["--strict"]);
    strict.ends(2).says("held back").says("strict");
    assert_eq!(place.writes(), 0);
    place.fix(&[]).ends(0).says("1 applied");
    assert!(place.policy().holds(READER, MEMBER));
}

#[test]
fn a_saved_plan_keeps_its_mode() {
    let place = Place::of(world());
    take_the_organization_s_list(&place);
    place.run("fix", &["--dry-run", "--strict", "--plan-out", "plan.json"]).ends(2);
    let saved = std::fs::read_to_string(place.folder.path().join("plan.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["strict"], true);
    place.plain(&["apply", "plan.json", "--yes", "--timeout", "5s"]).ends(2).says("strict");
    assert_eq!(place.writes(), 0);
}

#[test]
fn a_project_is_writable_by_its_number_however_a_cluster_is_named() {
    let id = "projects/acme-prod/locations/europe-west4/clusters/shop-ew4";
    for cluster in ["shop-ew4", id, "shop*"] {
        let place = Place::of(world());
        let scopes = ["--project", "acme-prod", "--project", "500600700800"];
        let run = [
            "fix",
            "--provider",
            "gke",
            "--cluster",
            cluster,
            "-f",
            "apps.yaml",
            "--yes",
            "--verify-timeout",
            "4s",
        ];
        place.plain(&[&run[..], &scopes].concat()).ends(0).says("1 applied");
        assert!(place.policy().holds(READER, MEMBER), "{cluster} in {REPOSITORY}");
    }
}

#[test]
fn a_project_outside_the_scopes_is_never_written_however_a_cluster_is_named() {
    let id = "projects/acme-prod/locations/europe-west4/clusters/shop-ew4";
    for cluster in ["shop-ew4", id, "shop*"] {
        let place = Place::of(world());
        let run = ["fix", "--cluster", cluster, "--project", "acme-prod", "-f", "apps.yaml", "--yes"];
        place.plain(&run).ends(2).says("its owner");
        assert_eq!(place.writes(), 0, "{cluster}");
        let run = [
            "fix",
            "--provider",
            "gke",
            "--cluster",
            cluster,
            "-f",
            "apps.yaml",
            "--yes",
            "--verify-timeout",
            "4s",
        ];
        place.plain(&run).ends(0).says("1 applied");
    }
}
