//! Plans and receipts that were edited: nothing is written that is not shown, and nothing undone that is not ours.

use super::azure::{Place, Ran, json};
use super::azure_fake::{Registry, SUBSCRIPTION, World, role};
use super::edited_files::{NOTED, OF_PLAN, OF_RECEIPT, edits, resealed};
use pullaudit::remediate::seal;
use serde_json::{Value, json};
use std::path::Path;

const STRANGER: &str = "88888888-0000-4000-8000-000000000001";

fn save(path: &Path, document: &Value) {
    std::fs::write(path, document.to_string()).unwrap();
}

fn planned(place: &Place) -> (std::path::PathBuf, Value) {
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2);
    let path = place.folder.path().join("plan.json");
    let plan = json(&path);
    (path, plan)
}

fn apply(place: &Place) -> Ran {
    place.plain(&["apply", "plan.json", "--yes", "--consent", "broad", "--consent", "prune", "--timeout", "5s"])
}

#[test]
fn each_edited_field_of_a_plan_is_refused_by_name() {
    let place = Place::acme();
    let (path, plan) = planned(&place);
    let all = edits(&plan, OF_PLAN, &[]);
    assert!(all.len() > 100, "{}", all.len());
    for edit in all {
        save(&path, &edit.document);
        let ran = apply(&place);
        assert_eq!(ran.code, Some(1), "{}: {}\n{}", edit.what, ran.out, ran.err);
        let change = edit.change.map_or(String::new(), |number| format!("change {number}"));
        let named = ran.err.contains("plan.json: ") && ran.err.contains(&change);
        let field = edit.field == "seal" || ran.err.contains(&format!("`{}`", edit.field));
        // An edit of a body also changes what must follow from it.
        let follows = ["document", "before", "after", "action"].contains(&edit.field.as_str());
        assert!(named && (field || follows), "{}: {}", edit.what, ran.err);
        assert!(place.writes().is_empty(), "{}", edit.what);
    }
    save(&path, &plan);
    apply(&place).ends(0);
}

#[test]
fn an_edit_with_a_fitting_seal_writes_nothing_unshown() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("restsOn", |one| one["restsOn"] = json!([])),
        ("restsOn", |one| _ = one["restsOn"].as_array_mut().unwrap().pop()),
        ("id", |one| one["after"]["properties"]["principalId"] = json!(STRANGER)),
        ("id", |one| {
            one["after"]["properties"]["principalId"] = json!(STRANGER);
            one["restsOn"] = json!([{ "reading": "none", "digest": "none" }]);
        }),
        ("command", |one| one["command"] = json!("az role assignment create --role Owner")),
        ("notes", |one| one["notes"][1]["text"] = json!(format!("{STRANGER} (aks; object id, not client id)"))),
        ("target", |one| one["target"] = json!("grant AcrPull on other.azurecr.io to somebody")),
        ("owner", |one| one["owner"] = json!("00000000-0000-4000-8000-00000000ffff")),
        ("import", |one| one["import"] = json!("import {}")),
    ];
    let place = Place::acme();
    let (path, plan) = planned(&place);
    for (field, change) in changes {
        let mut edited = plan.clone();
        change(&mut edited["changes"][0]);
        save(&path, &resealed(&edited, seal::OF_PLAN));
        let told = format!("field `{field}`");
        apply(&place).ends(1).says("plan.json: change 1 (grant AcrPull").says(&told).says("nothing was written");
        assert!(place.writes().is_empty(), "{field}");
    }
}

#[test]
fn a_wide_grant_that_is_called_safe_is_refused() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()];
    let place = Place::of(world, &["tools.azurecr.io/team/a:1"]);
    place.run("fix", &["--dry-run", "--consent", "broad", "--plan-out", "plan.json"]).ends(2);
    let path = place.folder.path().join("plan.json");
    let mut plan = json(&path);
    assert_eq!(plan["changes"][0]["safety"], "needs-consent");
    plan["changes"][0]["safety"] = json!("safe");
    save(&path, &resealed(&plan, seal::OF_PLAN));
    place.plain(&["apply", "plan.json", "--yes"]).ends(1).says("field `safety`");
    assert!(place.writes().is_empty());
}

#[test]
fn each_edited_field_of_a_receipt_is_refused_by_name() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    let path = place.receipts().remove(0);
    let receipt = json(&path);
    let granted = place.grants();
    for edit in edits(&receipt, OF_RECEIPT, NOTED) {
        save(&path, &edit.document);
        let ran = place.plain(&["undo", path.to_str().unwrap(), "--yes", "--timeout", "5s"]);
        assert_eq!(ran.code, Some(1), "{}: {}\n{}", edit.what, ran.out, ran.err);
        let named = ran.err.contains(".receipt.json: ");
        let field = ran.err.contains(&format!("`{}`", edit.field));
        let follows = ["document", "before", "after", "action"].contains(&edit.field.as_str());
        assert!(named && (field || follows), "{}: {}", edit.what, ran.err);
        assert_eq!(place.grants(), granted, "{}", edit.what);
    }
    save(&path, &receipt);
    place.undo(&path).ends(0);
}

#[test]
fn a_receipt_never_takes_what_is_not_ours() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    let path = place.receipts().remove(0);
    // Somebody else's grant, of the same role at the same place.
    let scope = place.fake.change(|world| world.registries[0].id());
    let theirs = super::azure_fake::Grant::new(&scope, role::ACR_PULL, STRANGER);
    let guid = theirs.guid.clone();
    place.fake.change(|world| world.grants.push(theirs));
    let before = place.grants();
    let mut receipt = json(&path);
    let change = &mut receipt["changes"][0];
    let own = change["id"].as_str().unwrap().to_owned();
    let text = change.to_string().replace(&own, &guid).replace(&place.kubelet(), STRANGER);
    *change = serde_json::from_str(&text).unwrap();
    save(&path, &resealed(&receipt, seal::OF_RECEIPT));
    let ran = place.plain(&["undo", path.to_str().unwrap(), "--yes", "--timeout", "5s"]);
    ran.ends(1).says("change 1").says("field `id`");
    assert_eq!(place.grants(), before);
}
