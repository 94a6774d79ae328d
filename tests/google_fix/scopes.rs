//! Where clusters are looked for: projects by id and by number, none at all, and what no right cures.

use super::google::{MEMBER, Place, READER, cluster, world};
use pullaudit_google_fake::{Fault, Policy, Repository, Trouble};

const NUMBER: &str = "100200300400";
const BY_NUMBER: &str = "projects/100200300400/locations/europe-west4/clusters/shop-ew4";
const BY_ID: &str = "projects/acme-prod/locations/europe-west4/clusters/shop-ew4";
const LIST: &str = "container.projects.locations.clusters.list";

fn allowed() -> Place {
    let policy = Policy::new().bind(READER, MEMBER);
    Place::of(cluster().repository(Repository::new("acme-images", "europe-west4", "shop").policy(policy)))
}

#[test]
fn project_ids_and_numbers_are_the_same() {
    let place = allowed();
    let of = |more: &[&str]| {
        let all = [&["audit", "-f", "apps.yaml", "-o", "json", "--timeout", "5s"][..], more].concat();
        let mut report = place.plain(&all).ends(0).json();
        let ids: Vec<String> =
            report["clusters"].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
        (ids, report["checks"].take())
    };
    let by_id = of(&["--project", "acme-prod"]);
    assert_eq!(by_id.0, [format!("{BY_ID:?}")]);
    assert_eq!(of(&["--project", NUMBER]), by_id);
    assert_eq!(of(&["--cluster", BY_ID]), by_id);
    assert_eq!(of(&["--cluster", BY_NUMBER]), by_id);
    assert!(place.fake.strangers().is_empty(), "{:#?}", place.fake.strangers());
}

#[test]
fn no_project_in_scope_is_no_silent_success() {
    let place = allowed();
    place.fake.change(|world| world.projects.iter_mut().for_each(|one| one.state = "DELETE_REQUESTED".to_owned()));
    place.run("audit", &[]).ends(1);
}

#[test]
fn an_api_off_elsewhere_hides_no_cluster() {
    // The API is off in the project of the credentials, not in the one that was asked about.
    let place = allowed();
    place.fake.set_fault(Fault::call(LIST, Trouble::DisabledElsewhere));
    let ran = place.plain(&["audit", "--project", "acme-prod", "-f", "apps.yaml", "--timeout", "5s"]);
    ran.ends(1).says("gcloud services enable container.googleapis.com");
}

#[test]
fn what_no_right_cures_has_its_own_words() {
    let place = Place::of(world());
    let policy = "artifactregistry.projects.locations.repositories.getIamPolicy";
    place.fake.set_fault(Fault::call(policy, Trouble::Perimeter));
    let report = place.run("audit", &["-o", "json"]).ends(3).json().to_string();
    assert!(report.contains("VPC Service Controls refused the call"), "{report}");
    assert!(report.contains("add an ingress rule"), "{report}");
    place.fake.clear_faults();
    place.fake.set_fault(Fault::call(LIST, Trouble::NoConsumer));
    place
        .run("audit", &["--project", "acme-prod"])
        .ends(1)
        .says("does not exist, is being deleted, or is not yours");
}
