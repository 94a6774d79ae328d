//! AKS from Azure's answers to the report, by the built program: who pulls, what is broken, what could not be
//! read, and what must never come out.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;
#[path = "azure_ablation/fleet.rs"]
mod fleet;
#[path = "azure_live/inside.rs"]
mod inside;
#[path = "azure_live/secrets.rs"]
mod secrets;
#[path = "servers/mod.rs"]
mod servers;

use azure::Place;
use azure_fake::{Fault, Grant, SUBSCRIPTION, Trouble, World, role};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn fleet_place() -> Place {
    Place::of(fleet::world(), &fleet::IMAGES)
}

fn report(place: &Place, more: &[&str]) -> Value {
    let ran = place.run("audit", &[&["-o", "json"], more].concat());
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error} {ran:?}"))
}

/// Verdict and code by cluster and image.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |check: &Value| {
        let cluster = text(&check["cluster"]).rsplit('/').next().unwrap_or_default().to_owned();
        (
            format!("{cluster} {}", text(&check["image"])),
            format!("{} {}", text(&check["verdict"]), text(&check["code"])),
        )
    };
    report["checks"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn each_kind_of_grant_and_of_registry_has_its_verdict() {
    let place = fleet_place();
    let report = report(&place, &[]);
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    insta::assert_json_snapshot!("fleet_verdicts", verdicts(&report));
    let notices: BTreeSet<&str> =
        report["notices"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(notices.contains("grant-left-behind"), "{notices:?}");
    assert!(place.fake.strangers().is_empty());
}

#[test]
fn no_call_is_made_twice() {
    let place = fleet_place();
    report(&place, &[]);
    let mut seen = BTreeSet::new();
    for one in place.fake.requests().into_iter().filter(|one| !one.path.contains("/oauth2/")) {
        let call = format!("{} {}?{}", one.method, one.path, one.query);
        assert!(seen.insert(call.clone()), "{call} is made twice");
    }
}

#[test]
fn collected_and_replayed_is_the_same() {
    let place = fleet_place();
    let live = report(&place, &[]);
    place.run("collect", &["-o", "facts.json"]);
    let ran = place.plain(&["audit", "--from", "facts.json", "-o", "json"]);
    let mut replayed: Value = serde_json::from_str(&ran.out).unwrap();
    // A snapshot does not tell which manifests its workloads are from, so a repair is not told them again.
    for incident in replayed["incidents"].as_array_mut().unwrap() {
        let fix = incident["fix"].as_str().unwrap().to_owned();
        if fix.starts_with("pullaudit fix") {
            incident["fix"] = format!("{fix} -f apps.yaml").into();
        }
    }
    for part in ["checks", "incidents", "notices", "clusters", "incompleteBecause"] {
        assert_eq!(live[part], replayed[part], "{part}");
    }
}

#[test]
fn a_subscription_that_can_t_be_listed_leaves_the_report_incomplete() {
    let place = fleet_place();
    let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService");
    place.fake.set_fault(Fault::on(&path, Trouble::Forbidden));
    let ran = place.run("audit", &[]);
    ran.ends(2).says("Microsoft.ContainerService/managedClusters/read");
    let report = report(&place, &[]);
    assert_eq!(report["complete"], false);
    assert!(report["incompleteBecause"].to_string().contains(SUBSCRIPTION), "{}", report["incompleteBecause"]);
}

#[test]
fn a_wrong_secret_ends_with_one_and_says_what_to_do() {
    let place = fleet_place();
    let arguments = ["audit", "--provider", "aks", "-f", "apps.yaml"];
    let output = place.command(&arguments).env("AZURE_CLIENT_SECRET", "MARKED-wrong").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Azure credentials") && !told.contains("MARKED"), "{told}");
}

/// One cloud answers and the other has no credentials: that is said, not passed over.
#[test]
fn a_cloud_without_credentials_is_a_gap_where_all_are_meant() {
    let place = Place::acme();
    let arguments = ["audit", "--all-clouds", "-f", "apps.yaml", "-o", "json", "--timeout", "5s"];
    let mut command = place.command(&arguments);
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_REGION", "eu-west-1");
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(output.status.code(), Some(2));
    assert!(report["incompleteBecause"].to_string().contains("eks"), "{}", report["incompleteBecause"]);
}

#[test]
fn what_is_given_to_the_wrong_id_is_a_notice() {
    let place = Place::of(World::acme(), &["acmeregistry.azurecr.io/shop/cart:1"]);
    place.fake.change(|world| {
        let client = world.clusters[0].identity().unwrap().client_id.clone();
        let plane = world.clusters[0].body()["identity"]["principalId"].as_str().unwrap().to_owned();
        for who in [client, plane] {
            world.grants.push(Grant::new(&world.registries[0].id(), role::ACR_PULL, &who));
        }
    });
    let report = report(&place, &[]);
    let codes: BTreeSet<&str> =
        report["notices"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["granted-to-client-id", "granted-to-control-plane"].into());
}
