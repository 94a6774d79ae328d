//! A saved plan of three clouds, edited field by field: each edit is refused before any cloud is asked.

use super::edited_files::{OF_PLAN, edits, resealed};
use super::{EXAMPLE, pullaudit, text};
use pullaudit::remediate::seal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn planned(folder: &Path) -> (PathBuf, Value) {
    let path = folder.join("plan.json");
    let arguments = ["fix", "--dry-run", "--from", EXAMPLE, "--plan-out", path.to_str().unwrap()];
    assert_eq!(pullaudit(&arguments).output().unwrap().status.code(), Some(2));
    let plan = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    (path, plan)
}

/// What `apply` says of an edited plan, which it must refuse.
fn refused(path: &Path, document: &Value, what: &str) -> String {
    std::fs::write(path, document.to_string()).unwrap();
    let all = ["--yes", "--consent", "broad", "--consent", "prune", "--timeout", "1s"];
    let output = pullaudit(&[&["apply", path.to_str().unwrap()], &all[..]].concat()).output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {told}");
    assert!(told.contains("plan.json"), "{what}: {told}");
    assert_eq!(text(&output.stdout), "", "{what}: nothing is shown or written");
    told
}

#[test]
fn each_edited_field_of_three_clouds_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, plan) = planned(folder.path());
    let mut clouds: Vec<&str> =
        plan["changes"].as_array().unwrap().iter().map(|change| change["provider"].as_str().unwrap()).collect();
    clouds.dedup();
    assert_eq!(clouds, ["aks", "eks", "gke"]);
    for edit in edits(&plan, OF_PLAN, &[]) {
        let told = refused(&path, &edit.document, &edit.what);
        if let Some(number) = edit.change {
            assert!(told.contains(&format!("change {number} (")), "{}: {told}", edit.what);
        }
        // What follows from a body is no longer true where the body was edited.
        let follows = ["document", "before", "after", "action"].contains(&edit.field.as_str());
        let named = told.contains(&format!("`{}`", edit.field)) || (follows && told.contains("field `"));
        assert!(named || edit.field == "seal", "{}: {told}", edit.what);
    }
}

/// Edits by somebody who knows how a plan is sealed, by the number of the change.
#[test]
fn an_edit_with_a_fitting_seal_is_refused_too() {
    type Change = fn(&mut Value);
    let other = |one: &mut Value, from: &str, to: &str, field: &str| {
        let edited = one[field].to_string().replace(from, to);
        assert_ne!(edited, one[field].to_string(), "{field} has no {from}");
        one[field] = serde_json::from_str(&edited).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, plan) = planned(folder.path());
    let principals = [
        (1, "7c1e5a90-8d14-4c6b-a1a0-2f4b77d090ab", "88888888-0000-4000-8000-000000000001"),
        (2, "role/shop-workers", "role/intruder"),
        (6, "gke-nodes@acme-run", "intruder@acme-run"),
    ];
    for (number, from, to) in principals {
        for rests_on in [false, true] {
            let mut edited = plan.clone();
            let change = &mut edited["changes"][number - 1];
            other(change, from, to, "after");
            if rests_on {
                change["restsOn"] = json!([]);
            }
            let told = refused(&path, &resealed(&edited, seal::OF_PLAN), to);
            let field = if rests_on { "restsOn" } else { "`" };
            assert!(told.contains(&format!("change {number} (")) && told.contains(field), "{told}");
        }
    }
    let changes: [(usize, &str, Change); 10] = [
        (2, "safety", |one| one["safety"] = json!("safe")),
        (2, "command", |one| one["command"] = json!("aws ecr delete-repository --force")),
        (2, "notes", |one| one["notes"][1]["text"] = json!("{}")),
        (2, "owner", |one| one["owner"] = json!("111122223333")),
        (2, "restsOn", |one| one["restsOn"][0]["reading"] = json!("nothing")),
        (6, "id", |one| one["id"] = json!("00000000-0000-5000-8000-000000000000")),
        (6, "command", |one| one["command"] = json!("gcloud projects delete")),
        (6, "notes", |one| {
            one["notes"][1]["text"] = json!("serviceAccount:other@acme-run.iam.gserviceaccount.com");
        }),
        (6, "target", |one| one["target"] = json!("grant artifactregistry.reader on apps to nobody")),
        (6, "restsOn", |one| _ = one["restsOn"].as_array_mut().unwrap().remove(0)),
    ];
    for (number, field, change) in changes {
        let mut edited = plan.clone();
        change(&mut edited["changes"][number - 1]);
        let told = refused(&path, &resealed(&edited, seal::OF_PLAN), field);
        assert!(told.contains(&format!("change {number} (")), "{told}");
        assert!(told.contains(&format!("field `{field}`")), "{field}: {told}");
    }
}

#[test]
fn import_blocks_of_one_plan_have_distinct_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let (_, plan) = planned(folder.path());
    let imports: String =
        plan["changes"].as_array().unwrap().iter().map(|change| change["import"].as_str().unwrap()).collect();
    let mut addresses: Vec<&str> = imports.lines().filter_map(|line| line.strip_prefix("  to = ")).collect();
    assert_eq!(addresses.len(), 6, "{imports}");
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 6, "{imports}");
}
