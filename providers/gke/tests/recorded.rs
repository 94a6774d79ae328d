//! Recorded answers of Google Cloud: they are read without loss of what matters, and the table of roles is what
//! was recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod recordings;
mod support;

use pullaudit_core::{Discovered, Read};
use pullaudit_gke::cluster;
use pullaudit_gke::facts::{
    Ancestry, ClusterList, DenyPolicy, Policy, Project, Repository, Role, Service, ServiceAccount, table,
};
use pullaudit_gke::remedy::{Edit, canonical};
use recordings::{json as recorded, logged, root};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::*;

/// What was read of a body says what the body says, in every one of these fields; nothing is made up.
fn same<T: DeserializeOwned + Serialize>(body: &Value, fields: &[&str]) {
    let ours =
        serde_json::to_value(T::deserialize(body).unwrap_or_else(|error| panic!("{error}: {body}"))).unwrap();
    for field in fields {
        let (raw, own) = (body.pointer(field), ours.pointer(field));
        let blank =
            |value: &Value| [json!(null), json!(""), json!([]), json!({}), json!(0), json!(false)].contains(value);
        match raw {
            Some(raw) => assert_eq!(own, Some(raw), "{field} of {body}"),
            None => assert!(own.is_none_or(blank), "{field} is made up: {own:?}"),
        }
    }
}

/// The bindings of a policy are all there, members, roles and conditions.
fn same_policy(body: &Value) {
    same::<Policy>(body, &["/etag", "/version"]);
    let ours = Policy::deserialize_value(body);
    let list = body["bindings"].as_array().cloned().unwrap_or_default();
    assert_eq!(ours.bindings.len(), list.len());
    for (own, raw) in ours.bindings.iter().zip(&list) {
        assert_eq!(json!(own.role), raw["role"]);
        assert_eq!(json!(own.members), raw["members"]);
        let expression = own.condition.as_ref().map(|condition| json!(condition.expression));
        assert_eq!(expression.as_ref(), raw.pointer("/condition/expression"));
    }
}

trait FromValue {
    fn deserialize_value(body: &Value) -> Self;
}
impl<T: DeserializeOwned> FromValue for T {
    fn deserialize_value(body: &Value) -> Self {
        serde_json::from_value(body.clone()).unwrap()
    }
}

fn discovered(list: &Value, project: &str) -> Vec<Discovered> {
    let list = ClusterList::deserialize_value(list);
    let number = Project { name: "projects/12340002".to_owned(), ..Project::default() };
    let (found, gaps) = cluster::discovered(project, &list, &Read::Got(number));
    assert_eq!((found.len(), gaps.len()), (list.clusters.len(), list.missing_zones.len()));
    found
}

fn unseen() -> Read<pullaudit_core::ClusterView> {
    Read::Unread(pullaudit_core::Open::undecidable("not asked"))
}

#[test]
fn the_recorded_fleet_has_the_accounts_and_scopes_that_it_had() {
    let Some(root) = root("the_recorded_fleet_has_the_accounts_and_scopes_that_it_had") else { return };
    let list = recorded(&root, "gcpdiag/gke1/container-clusters.json");
    let mut lines = Vec::new();
    for found in discovered(&list, "gcpdiag-gke1-aaaa") {
        let (pools, gaps) = cluster::pools(&found, &unseen());
        assert!(gaps.is_empty());
        for pool in pools {
            let account = pool.identity.got().map(|who| who.id.clone());
            let scopes = pool.vantage.scopes.map(|scopes| scopes.len());
            lines.push((found.cluster.name.clone(), pool.name, account.unwrap(), scopes.unwrap()));
        }
    }
    lines.sort();
    let compute = "12340002-compute@developer.gserviceaccount.com";
    let custom = |name: &str| format!("{name}@gcpdiag-gke1-aaaa.iam.gserviceaccount.com");
    let expected = [
        ("autopilot-gke1", "(new nodes)", compute.to_owned(), 6),
        ("autopilot-gke2", "(new nodes)", compute.to_owned(), 6),
        ("gke1", "default-pool", compute.to_owned(), 6),
        ("gke2", "default-pool", custom("gke2sa"), 1),
        ("gke2", "low-pod-per-node-pool", compute.to_owned(), 6),
        ("gke3", "default-pool", custom("gke3sa"), 1),
        ("gke4", "default-pool", compute.to_owned(), 6),
        ("gke6", "default-pool", compute.to_owned(), 6),
    ];
    let expected =
        expected.map(|(cluster, pool, account, scopes)| (cluster.to_owned(), pool.to_owned(), account, scopes));
    assert_eq!(lines, expected);
}

#[test]
fn pools_of_old_without_account_are_the_default_account() {
    let Some(root) = root("pools_of_old_without_account_are_the_default_account") else { return };
    let file = "cloud-custodian/gke-cluster-query/get-v1-projects-cloud-custodian-locations---clusters_1.json";
    let all = discovered(&recorded(&root, file), "cloud-custodian");
    assert!(!all.is_empty());
    for found in all {
        for pool in cluster::pools(&found, &unseen()).0 {
            assert_eq!(pool.identity.got().unwrap().id, "12340002-compute@developer.gserviceaccount.com");
            assert_eq!(pool.vantage.scopes, Some(Vec::new()));
        }
    }
}

#[test]
fn recorded_bodies_are_read_without_loss() {
    let Some(root) = root("recorded_bodies_are_read_without_loss") else { return };
    let read = |file: &str| recorded(&root, file);
    let hierarchy = "cloud-custodian/project-hierarchy/post-v1-projects-hautomation-getAncestry_1.json";
    let kinds: Vec<String> = Ancestry::deserialize_value(&read(hierarchy))
        .ancestor
        .into_iter()
        .map(|one| one.resource_id.kind)
        .collect();
    assert_eq!(kinds, ["project", "folder", "folder", "organization"]);
    for file in ["gcpdiag/gke1/project.json", "gcpdiag/gcb1/project.json", "gcpdiag/gke4/project.json"] {
        same::<Project>(&read(file), &["/name", "/projectId", "/parent", "/state"]);
    }
    for file in ["gcpdiag/gke1/iam-service-accounts.json", "gcpdiag/gcb1/iam-service-accounts.json"] {
        for account in read(file)["accounts"].as_array().unwrap() {
            same::<ServiceAccount>(account, &["/email", "/uniqueId", "/disabled", "/projectId"]);
        }
    }
    for service in read("gcpdiag/gke1/services.json")["services"].as_array().unwrap() {
        same::<Service>(service, &["/name", "/state"]);
    }
    for file in ["gcpdiag/gke1/iam-roles-custom.json", "gcpdiag/gke1/iam-roles-get.json"] {
        for role in read(file)["roles"].as_array().unwrap() {
            same::<Role>(role, &["/name", "/title", "/includedPermissions", "/deleted"]);
        }
    }
    for file in [
        "gcpdiag/gke1/iam-policy.json",
        "gcpdiag/gcb1/iam-policy.json",
        "gcpdiag/gcb1/artifact-registry-policy.json",
        "cloud-custodian/folder-iam-policy/post-v2-folders-222222222222-getIamPolicy_1.json",
        "cloud-custodian/organization-iam-policy/post-v1-organizations-111111111111-getIamPolicy_1.json",
        "cloud-custodian/project-set-iam-policy/post-v1-projects-cloud-custodian-getIamPolicy_1.json",
    ] {
        same_policy(&read(file));
    }
    let list = "cloud-custodian/artifactregistry-repositories-query/get-v1-projects-cloud-custodian-locations-us-central1-repositories_1.json";
    for repository in read(list)["repositories"].as_array().unwrap() {
        same::<Repository>(repository, &["/name", "/format", "/mode"]);
    }
}

#[test]
fn logged_answers_are_read_without_loss() {
    let Some(root) = root("logged_answers_are_read_without_loss") else { return };
    let (mut policies, mut repositories, mut denies) = (0, 0, 0);
    for file in [
        "kcc/ar-repository-iam-set.http.log",
        "kcc/ar-repository-crud.http.log",
        "kcc/project-iam-conditions.http.log",
        "kcc/mockgcp-deny-policy-crud.http.log",
    ] {
        for (request, body) in logged(&root, file) {
            if request.contains("IamPolicy") {
                same_policy(&body);
                policies += 1;
            } else if body["rules"].is_array() {
                let ours = DenyPolicy::deserialize_value(&body);
                assert_eq!(
                    json!(ours.rules[0].deny_rule.denied_permissions),
                    body["rules"][0]["denyRule"]["deniedPermissions"]
                );
                assert_eq!(
                    json!(ours.rules[0].deny_rule.denied_principals),
                    body["rules"][0]["denyRule"]["deniedPrincipals"]
                );
                denies += 1;
            } else if body["name"].as_str().is_some_and(|name| name.contains("/repositories/")) {
                same::<Repository>(
                    &body,
                    &["/name", "/format", "/mode", "/virtualRepositoryConfig/upstreamPolicies"],
                );
                repositories += 1;
            }
        }
    }
    assert!(policies >= 8 && repositories >= 3 && denies >= 1, "{policies} {repositories} {denies}");
}

#[test]
fn a_grant_written_into_recorded_policies_keeps_every_other_byte_of_meaning() {
    let Some(root) = root("a_grant_written_into_recorded_policies_keeps_every_other_byte_of_meaning") else {
        return;
    };
    let mut seen = 0;
    for file in ["kcc/ar-repository-iam-set.http.log", "kcc/project-iam-conditions.http.log"] {
        for (request, body) in logged(&root, file).into_iter().filter(|(request, _)| request.contains("IamPolicy"))
        {
            let edit = Edit { repository: REPOSITORY.into(), add: [member(NODES)].into(), ..Edit::default() };
            let after = edit.apply(&body);
            assert!(edit.stands(&after) && !edit.stands(&body), "{request}");
            assert_eq!(canonical(&edit.back().apply(&after)), canonical(&body), "{request}");
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn the_recorded_accounts_without_a_right_to_pull_are_denied() {
    let Some(root) = root("the_recorded_accounts_without_a_right_to_pull_are_denied") else { return };
    let project = recorded(&root, "gcpdiag/gke1/iam-policy.json");
    let roles = recorded(&root, "gcpdiag/gke1/iam-roles-custom.json");
    let accounts = recorded(&root, "gcpdiag/gke1/iam-service-accounts.json");
    let verdict = |who: &str| {
        let mut world = World::new().got(table::POLICIES, "projects/acme", project.clone()).by(who);
        // A project of its own, in no organisation.
        for home in ["gcpdiag-gke1-aaaa", "12340002"] {
            let alone = json!({ "ancestor": [{ "resourceId": { "type": "project", "id": home } }] });
            world = world.got(table::ANCESTRY, home, alone);
        }
        for role in roles["roles"].as_array().unwrap() {
            world = world.got(table::ROLES, role["name"].as_str().unwrap(), role.clone());
        }
        for account in accounts["accounts"].as_array().unwrap() {
            world = world.got(table::ACCOUNTS, account["email"].as_str().unwrap(), account.clone());
        }
        world.says()
    };
    assert_eq!(verdict("gke2sa@gcpdiag-gke1-aaaa.iam.gserviceaccount.com"), "denied download-not-granted");
    assert_eq!(verdict("gke3sa@gcpdiag-gke1-aaaa.iam.gserviceaccount.com"), "denied download-not-granted");
    assert_eq!(verdict("12340002-compute@developer.gserviceaccount.com"), "allowed");
}

/// By each recorded role alone: allowed where it downloads, never denied where it does, never allowed where not.
#[test]
fn the_table_of_predefined_roles_is_what_was_recorded() {
    let Some(root) = root("the_table_of_predefined_roles_is_what_was_recorded") else { return };
    let all = recorded(&root, "roles/artifactregistry-permissions-2026-08.json");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (role, body) in all["roles"].as_object().unwrap() {
        let permissions = body[1].as_array().cloned().unwrap_or_default();
        let pulls = permissions.contains(&json!(DOWNLOAD));
        let says = World::new().bound(json!([binding(role, &[&member(NODES)])])).says();
        match says.as_str() {
            "allowed" => assert!(pulls, "{role}"),
            "denied download-not-granted" => assert!(!pulls, "{role}"),
            other => assert!(other == "unknown role-unread-gcp" && !pulls, "{role}: {other}"),
        }
        *counts.entry(says).or_default() += 1;
        // Read, every role is certain.
        let read = World::new().bound(json!([binding(role, &[&member(NODES)])])).got(
            table::ROLES,
            role,
            json!({ "name": role, "includedPermissions": permissions }),
        );
        assert_eq!(read.says() == "allowed", pulls, "{role}");
    }
    assert_eq!((counts["allowed"], counts["denied download-not-granted"]), (59, 55));
}
