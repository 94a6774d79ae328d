//! The whole loop: drift, plan, write, proof, nothing left to do, and back.

use super::azure::{Place, json};
use super::azure_fake::role;

#[test]
fn a_lost_grant_is_found_repaired_verified_and_taken_back() {
    let place = Place::acme();
    let before = place.grants();
    place.run("audit", &[]).ends(2);

    let fixed = place.fix(&[]);
    fixed.ends(0).says("1 applied").says("created");
    let [(granted, principal, scope, condition)] = &place.grants()[..] else { panic!("{:?}", place.grants()) };
    assert_eq!((granted.as_str(), principal, condition), (role::ACR_PULL, &place.kubelet(), &None));
    assert!(scope.ends_with("/registries/acmeregistry"), "{scope}");
    let receipt = place.receipt();
    assert_eq!(receipt["schema"], "pullaudit/receipt/1");
    let entry = &receipt["changes"][0];
    assert_eq!((&entry["outcome"], &entry["listed"]), (&"applied".into(), &"allowed".into()), "{entry}");
    assert!(entry["sentAt"].is_string() && receipt["finishedAt"].is_string(), "{receipt}");

    place.run("audit", &[]).ends(0);
    place.fix(&[]).ends(0).says("nothing to fix");
    assert_eq!(place.writes(), [("PUT".to_owned(), Some(201))], "written once");
    assert_eq!(place.receipts().len(), 1, "a run without writes leaves no receipt");

    let path = place.receipts().remove(0);
    let undone = place.undo(&path);
    undone.ends(0).says("2 repositories allowed → denied on 1 pool").says("deleted");
    assert_eq!(place.grants(), before);
    place.run("audit", &[]).ends(2);
    place.undo(&path).ends(0).says("is gone already");
    assert!(place.fake.strangers().is_empty(), "{:#?}", place.fake.strangers());
    assert_eq!(json(&path)["changes"][0]["outcome"], "applied", "a receipt is not rewritten");
}

#[test]
fn the_line_that_an_incident_shows_repairs_it() {
    let place = Place::acme();
    let report = place.run("audit", &["-o", "json", "--image", "acmeregistry.azurecr.io/shop/only:1"]);
    let report: serde_json::Value = serde_json::from_str(&report.ends(2).out).unwrap();
    let line = report["incidents"][0]["fix"].as_str().unwrap();
    assert!(line.ends_with(" -f apps.yaml --image acmeregistry.azurecr.io/shop/only:1"), "{line}");
    let words: Vec<&str> = line.split(' ').skip(1).chain(["--yes", "--verify-timeout", "4s"]).collect();
    place.plain(&words).ends(0).says("3 repositories denied → allowed");
}

#[test]
fn json_is_the_plan_of_a_dry_run_and_else_the_receipt() {
    let place = Place::acme();
    let plan = place.run("fix", &["--dry-run", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.ends(2).out).unwrap();
    let written = place.fix(&["-o", "json", "--receipt-out", "receipt.json"]);
    let shown: serde_json::Value = serde_json::from_str(&written.ends(0).out).unwrap();
    assert_eq!(shown, json(&place.folder.path().join("receipt.json")));
    assert_eq!((&plan["schema"], &shown["schema"]), (&"pullaudit/plan/1".into(), &"pullaudit/receipt/1".into()));
    assert_eq!(plan["changes"][0]["id"], shown["changes"][0]["id"]);
    let undone = place.plain(&["undo", "receipt.json", "--yes", "-o", "json", "--verify-timeout", "4s"]);
    let undone: serde_json::Value = serde_json::from_str(&undone.ends(0).out).unwrap();
    assert_eq!(
        (&undone["changes"][0]["action"], &undone["changes"][0]["outcome"]),
        (&"remove".into(), &"applied".into())
    );
}
