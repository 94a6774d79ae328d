//! The rights that pullaudit asks for: as people get them, and each one a permission that Google knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod recordings;

use pullaudit_core::{Calls, Purpose};
use pullaudit_gke::{Gke, GkeOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn permissions(purpose: Purpose, projects: &[&str]) -> pullaudit_core::Permissions {
    let options = GkeOptions {
        projects: Vec::new(),
        timeout: Duration::from_secs(1),
        concurrency: 1,
        service_account_identity: BTreeMap::new(),
        calls: Arc::new(Calls::default()),
    };
    let projects: Vec<String> = projects.iter().map(|project| (*project).to_owned()).collect();
    let extent = pullaudit_core::Extent { scopes: projects, ..pullaudit_core::Extent::default() };
    Gke::provider(options).permissions.unwrap()(purpose, &extent).unwrap()
}

fn included(text: &str) -> Vec<String> {
    let role: Value = serde_json::from_str(text).unwrap();
    role["includedPermissions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_role_of_an_audit_writes_nothing_and_that_of_a_fix_only_policies_of_repositories() {
    let audit = permissions(Purpose::Audit, &[]);
    assert!(included(&audit.document).iter().all(|right| {
        let verb = right.rsplit('.').next().unwrap();
        verb.starts_with("get") || verb.starts_with("search") || verb == "list"
    }));
    let fix = included(&permissions(Purpose::Fix, &[]).document);
    let more: Vec<&String> = fix.iter().filter(|right| !included(&audit.document).contains(right)).collect();
    assert_eq!(more, ["artifactregistry.repositories.setIamPolicy"]);
    insta::assert_snapshot!(format!("{}{}", audit.document, audit.notes.join("\n")));
}

#[test]
fn a_role_of_a_project_leaves_out_what_only_an_organisation_can_hold() {
    let of_project = permissions(Purpose::Audit, &["acme"]);
    let rights = included(&of_project.document);
    assert!(
        !rights.iter().any(|right| right.contains("folders") || right.contains("organizations")),
        "{rights:?}"
    );
    assert!(of_project.notes.iter().any(|note| note.contains("resourcemanager.folders.getIamPolicy")));
}

/// Each call of the list stands in the vendor's own description of its API, where that was recorded.
#[test]
fn every_operation_is_one_that_google_describes() {
    let Some(root) = recordings::root("every_operation_is_one_that_google_describes") else { return };
    let methods = |file: &str| {
        let document = recordings::json(&root, &format!("discovery/{file}"));
        let mut found = Vec::new();
        ids(&document["resources"], &mut found);
        found
    };
    let known: Vec<String> = [
        "artifactregistry.v1.json",
        "cloudresourcemanager.v3.json",
        "container.v1.json",
        "iam.v1.json",
        "iam.v2.json",
    ]
    .into_iter()
    .flat_map(methods)
    .collect();
    let list: Value = serde_json::from_str(include_str!("../permissions.json")).unwrap();
    for right in list.as_array().unwrap() {
        let operation = right["operation"].as_str().unwrap();
        // The descriptions of these were not recorded; the fake holds them to those that Google's library carries.
        let unrecorded = operation.starts_with("serviceusage.")
            || operation == "cloudresourcemanager.projects.getAncestry"
            || ["policyBindings.", "principalAccessBoundaryPolicies."].iter().any(|part| operation.contains(part));
        if !unrecorded {
            assert!(known.iter().any(|id| id == operation), "{operation}");
        }
    }
}

fn ids(resources: &Value, found: &mut Vec<String>) {
    for resource in resources.as_object().into_iter().flatten().map(|(_, resource)| resource) {
        let methods = resource["methods"].as_object().into_iter().flatten();
        found.extend(methods.filter_map(|(_, method)| method["id"].as_str().map(str::to_owned)));
        ids(&resource["resources"], found);
    }
}
