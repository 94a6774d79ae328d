//! Answers without one of their fields: no verdict flips, and what became unknown names the answer that lacks it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Read, Verdict};
use pullaudit_gke::facts::table;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::*;

const CUSTOM: &str = "projects/acme/roles/puller";
const UPSTREAM: &str = "projects/other/locations/us/repositories/base";

/// Fields whose absence is an answer: the API leaves out what is empty, false or the first of its kind, so that nobody
/// can tell a lost one.
const LEFT_OUT: [(&str, &str, &str); 11] = [
    (table::REPOSITORY_POLICIES, "bindings", "a policy without bindings"),
    (table::POLICIES, "bindings", "a policy without bindings"),
    (table::DENY_POLICIES, "exceptionPrincipals", "a denial without exceptions"),
    (table::DENY_POLICIES, "denialCondition", "a denial that always holds"),
    (table::RULES, "packageId", "a rule for every package"),
    (table::ROLES, "includedPermissions", "a role without permissions"),
    (table::ROLES, "deleted", "false"),
    (table::ROLES, "stage", "ALPHA"),
    (table::ACCOUNTS, "disabled", "false"),
    (table::REPOSITORIES, "upstreamPolicies", "a virtual repository without upstreams"),
    (table::REPOSITORIES, "noCache", "a repository that keeps what it fetched"),
];

fn permission(table: &str, key: &str) -> &'static str {
    match (table, key.split('/').next()) {
        (table::PROJECTS | table::ANCESTRY, _) => "resourcemanager.projects.get",
        (table::SERVICES, _) => "serviceusage.services.get",
        (table::REPOSITORIES, _) => "artifactregistry.repositories.get",
        (table::REPOSITORY_POLICIES, _) => "artifactregistry.repositories.getIamPolicy",
        (table::RULES, _) => "artifactregistry.rules.list",
        (table::SETTINGS, _) => "artifactregistry.projectsettings.get",
        (table::POLICIES, Some("projects")) => "resourcemanager.projects.getIamPolicy",
        (table::POLICIES, Some("folders")) => "resourcemanager.folders.getIamPolicy",
        (table::POLICIES, _) => "resourcemanager.organizations.getIamPolicy",
        (table::DENY_LISTS, _) => "iam.denypolicies.list",
        (table::DENY_POLICIES, _) => "iam.denypolicies.get",
        (table::ROLES, _) => "iam.roles.get",
        (table::ACCOUNTS, _) => "iam.serviceAccounts.get",
        (table::BOUNDARY_LISTS, Some("projects")) => "resourcemanager.projects.searchPolicyBindings",
        (table::BOUNDARY_LISTS, _) => "resourcemanager.organizations.searchPolicyBindings",
        (table::BOUNDARY_POLICIES, _) => "iam.principalaccessboundarypolicies.get",
        other => panic!("{other:?}"),
    }
}

fn role(body: Value) -> World {
    let mut role = json!({ "name": CUSTOM, "title": "t", "includedPermissions": [DOWNLOAD], "stage": "GA" });
    role.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let grant = under(binding(CUSTOM, &[&member(NODES)]), "request.time < timestamp('2028-01-01T00:00:00Z')");
    World::new().above("folders/5", json!([grant])).got(table::ROLES, CUSTOM, role)
}

fn denying(rule: Value) -> World {
    let name = "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F9/denypolicies/lock";
    let mut deny_rule = json!({ "deniedPermissions": [DENIED] });
    deny_rule.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    World::new().reader().denied("organizations/9", json!({ "name": name, "rules": [{ "denyRule": deny_rule }] }))
}

fn repository(body: Value) -> World {
    let mut own = json!({ "name": REPOSITORY, "format": "DOCKER", "mode": "STANDARD_REPOSITORY" });
    own.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let grant = binding("roles/artifactregistry.serviceAgent", &[&member(AGENT)]);
    World::new()
        .reader()
        .got(table::REPOSITORIES, REPOSITORY, own)
        .got(table::SERVICES, "other", json!({ "name": "projects/8/services/x", "state": "ENABLED" }))
        .got(
            table::REPOSITORIES,
            UPSTREAM,
            json!({ "name": UPSTREAM, "format": "DOCKER", "mode": "STANDARD_REPOSITORY" }),
        )
        .got(table::REPOSITORY_POLICIES, UPSTREAM, policy(json!([grant])))
        .got(table::RULES, UPSTREAM, json!([]))
        .got(
            table::ANCESTRY,
            "other",
            json!({ "ancestor": [{ "resourceId": { "type": "project", "id": "other" } }] }),
        )
        .got(table::POLICIES, "projects/other", policy(json!([])))
        .got(table::DENY_LISTS, "projects/other", json!([]))
}

fn ruled(package: &str) -> World {
    let rule = json!({ "name": "r", "action": "DENY", "operation": "DOWNLOAD", "packageId": package });
    World::new().reader().got(table::RULES, REPOSITORY, json!([rule]))
}

/// Allowed and denied by every kind of answer.
fn worlds() -> Vec<(&'static str, World)> {
    let account = format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{NODES}");
    let everybody = "principalSet://goog/public:all";
    let former = format!("deleted:serviceAccount:{NODES}?uid=99");
    let virtual_one = json!({ "mode": "VIRTUAL_REPOSITORY",
        "virtualRepositoryConfig": { "upstreamPolicies": [{ "id": "u", "priority": 1, "repository": UPSTREAM }] } });
    let remote = json!({ "mode": "REMOTE_REPOSITORY",
        "remoteRepositoryConfig": { "commonRepository": { "uri": UPSTREAM }, "noCache": {} } });
    let docker = |upstream: Value| json!({ "mode": "REMOTE_REPOSITORY", "remoteRepositoryConfig": { "dockerRepository": upstream } });
    let disabled = json!({ "email": NODES, "uniqueId": UID, "disabled": true });
    let off = json!({ "name": "projects/42/services/x", "state": "DISABLED" });
    vec![
        ("a reader", World::new().reader()),
        ("nothing granted", World::new()),
        ("a custom role above, until a date", role(json!({}))),
        ("a deleted role", role(json!({ "deleted": true }))),
        ("a disabled role", role(json!({ "stage": "DISABLED" }))),
        ("a grant of a former account", World::new().bound(json!([binding(READER, &[&former])]))),
        ("a denial", denying(json!({ "deniedPrincipals": [account] }))),
        (
            "a denial with exceptions",
            denying(json!({ "deniedPrincipals": [everybody], "exceptionPrincipals": [account] })),
        ),
        ("a denial of others", denying(json!({ "deniedPrincipals": ["principal://goog/subject/a@b.example"] }))),
        (
            "a denial that is over",
            denying(json!({ "deniedPrincipals": [everybody],
                "denialCondition": { "title": "t", "expression": "request.time < timestamp('2020-01-01T00:00:00Z')" } })),
        ),
        ("a rule about another package", ruled("other")),
        ("a rule about this one", ruled("team/web")),
        ("a disabled account", World::new().reader().got(table::ACCOUNTS, NODES, disabled)),
        (
            "an API that is off",
            World::new()
                .got(table::SERVICES, "acme", off)
                .put(table::REPOSITORIES, REPOSITORY, refused("repository"))
                .put(table::REPOSITORY_POLICIES, REPOSITORY, refused("policy")),
        ),
        ("another format", repository(json!({ "format": "MAVEN" }))),
        ("a virtual repository", repository(virtual_one.clone())),
        (
            "a virtual repository without a grant",
            repository(virtual_one).got(table::REPOSITORY_POLICIES, UPSTREAM, policy(json!([]))),
        ),
        ("a remote repository", repository(remote.clone())),
        (
            "a remote repository without a grant",
            repository(remote).got(table::REPOSITORY_POLICIES, UPSTREAM, policy(json!([]))),
        ),
        ("a remote repository of Docker Hub", repository(docker(json!({ "publicRepository": "DOCKER_HUB" })))),
        (
            "a remote repository of another registry",
            repository(docker(json!({ "customRepository": { "uri": "https://registry.example" } }))),
        ),
        (
            "a boundary around the project",
            World::new()
                .reader()
                .bounded("organizations/9", &["//cloudresourcemanager.googleapis.com/projects/42"]),
        ),
    ]
}

/// Every object field of a body, as a JSON pointer.
fn fields(body: &Value, at: &str, found: &mut Vec<String>) {
    match body {
        Value::Object(entries) => {
            for (key, inner) in entries {
                let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                fields(inner, &path, found);
                found.push(path);
            }
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(number, inner)| fields(inner, &format!("{at}/{number}"), found));
        }
        _ => {}
    }
}

fn without(body: &Value, path: &str) -> Value {
    let (at, field) = path.rsplit_once('/').unwrap();
    let mut body = body.clone();
    body.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    body
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed { .. } => "allowed",
        Verdict::Denied { .. } => "denied",
        Verdict::Unknown { .. } => "unknown",
    }
}

#[test]
fn no_verdict_flips_for_want_of_a_field() {
    let (mut before, mut after) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    let mut used = vec![false; LEFT_OUT.len()];
    for (name, world) in worlds() {
        let clean = world.verdict();
        *before.entry(word(&clean)).or_default() += 1;
        for (table, key, body) in rows(&world) {
            let mut paths = Vec::new();
            fields(&body, "", &mut paths);
            for path in paths {
                let less = world.clone().got(&table, &key, without(&body, &path));
                for mode in [Mode::Strict, Mode::Default] {
                    let verdict = less.ask(IMAGE, mode);
                    *after.entry(word(&verdict)).or_default() += 1;
                    if word(&verdict) == word(&clean) {
                        continue;
                    }
                    let field = path.rsplit('/').next().unwrap();
                    if let Some(at) = LEFT_OUT.iter().position(|(of, left, _)| *of == table && *left == field) {
                        used[at] = true;
                        continue;
                    }
                    let Verdict::Unknown { needing } = &verdict else {
                        panic!(
                            "{name}: {} became {} without {path} of {table} {key}",
                            word(&clean),
                            word(&verdict)
                        );
                    };
                    let names = |text: &str| text.contains(permission(&table, &key)) || text.contains(&key);
                    let named = needing.iter().any(|need| names(&need.open.to_string()));
                    assert!(named, "{name}: {path} of {table} {key} is not named: {needing:?}");
                }
            }
        }
    }
    assert_eq!((before["allowed"], before["denied"], before.get("unknown")), (11, 11, None));
    assert!(after["unknown"] > 100, "{after:?}");
    for (entry, used) in LEFT_OUT.iter().zip(used) {
        assert!(used, "{entry:?} is never met");
    }
}

fn rows(world: &World) -> Vec<(String, String, Value)> {
    let tables = world.section.tables.iter();
    let rows = tables.flat_map(|(table, rows)| rows.iter().map(move |(key, row)| (table, key, row)));
    rows.filter_map(|(table, key, row)| Some((table.clone(), key.clone(), row.got()?.clone()))).collect()
}

#[test]
fn another_shape_is_a_failed_reading() {
    for (name, world) in worlds() {
        let clean = word(&world.verdict());
        for (table, key, _) in rows(&world) {
            for body in [json!(null), json!([]), json!("<html>"), json!(7), json!({}), json!([{}]), json!([[]])] {
                // An empty list is one, and an object without fields is not.
                let list = [table::RULES, table::DENY_LISTS, table::BOUNDARY_LISTS].contains(&table.as_str());
                if list && body == json!([]) {
                    continue;
                }
                let verdict = world.clone().put(&table, &key, Read::Got(body.clone())).verdict();
                assert!(
                    [clean, "unknown"].contains(&word(&verdict)),
                    "{name}: {clean} became {} with {body} for {table} {key}",
                    word(&verdict)
                );
            }
        }
    }
}

#[test]
fn a_word_that_no_specification_lists_decides_nothing() {
    let project = |state: &str| {
        let body = json!({ "name": "projects/42", "projectId": "acme", "state": state });
        World::new().reader().got(table::PROJECTS, "acme", body)
    };
    let rule = |operation: &str| {
        let rule = json!({ "name": "r", "action": "DENY", "operation": operation });
        World::new().reader().got(table::RULES, REPOSITORY, json!([rule]))
    };
    for (world, expected) in [
        (repository(json!({ "format": "MAVEN" })), "denied"),
        (repository(json!({ "format": "docker" })), "unknown"),
        (project("ACTIVE"), "allowed"),
        (project("DELETE_IN_PROGRESS"), "unknown"),
        (rule("DOWNLOAD"), "denied"),
        (rule("READ"), "unknown"),
    ] {
        assert_eq!(word(&world.verdict()), expected, "{:?}", world.verdict());
    }
}
