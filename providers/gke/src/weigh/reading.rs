//! Rows in the words of a report: what was to be read, by which permission and where, and what an answer must hold to
//! be one. A part that is missing must never become one that grants or denies nothing.

use crate::facts::table;
use pullaudit_core::{Obstacle, Open};
use serde_json::Value;

/// The row as a reading that is missing.
pub(crate) fn unread(table: &str, key: &str, obstacle: Obstacle) -> Open {
    let project = |key: &str| format!("project {key}");
    let of_repository = || project(super::project_of(key));
    let short = key.rsplit('/').next().unwrap_or_default();
    let (reading, permission, scope) = match table {
        table::PROJECTS => (project(key), "resourcemanager.projects.get", project(key)),
        table::ANCESTRY => (format!("what project {key} lies in"), "resourcemanager.projects.get", project(key)),
        table::SERVICES => {
            (format!("Artifact Registry API of project {key}"), "serviceusage.services.get", project(key))
        }
        table::REPOSITORIES => (format!("repository {key}"), "artifactregistry.repositories.get", of_repository()),
        table::REPOSITORY_POLICIES => (
            format!("policy of repository {short}"),
            "artifactregistry.repositories.getIamPolicy",
            of_repository(),
        ),
        table::RULES => {
            (format!("download rules of repository {key}"), "artifactregistry.rules.list", of_repository())
        }
        table::SETTINGS => {
            (format!("settings of project {key}"), "artifactregistry.projectsettings.get", project(key))
        }
        table::POLICIES => (super::grants::place(key), super::grants::right(key), key.to_owned()),
        table::DENY_LISTS => (format!("deny policies of {key}"), "iam.denypolicies.list", key.to_owned()),
        table::DENY_POLICIES => (format!("deny policy {key}"), "iam.denypolicies.get", attachment(key)),
        table::ROLES => (format!("role {key}"), "iam.roles.get", owner_of_role(key)),
        table::ACCOUNTS => (
            format!("service account {key}"),
            "iam.serviceAccounts.get",
            project(&crate::cluster::account_project(key).unwrap_or_default()),
        ),
        table::BOUNDARY_LISTS => {
            (format!("principal access boundaries of {key}"), search_right(key), key.to_owned())
        }
        table::BOUNDARY_POLICIES => (
            format!("principal access boundary policy {key}"),
            "iam.principalaccessboundarypolicies.get",
            key.split("/locations/").next().unwrap_or(key).to_owned(),
        ),
        other => (format!("{other} {key}"), "", String::new()),
    };
    Open::unread(reading, permission, scope, obstacle)
}

/// The permission that searches the bindings of a project, a folder or an organisation.
fn search_right(target: &str) -> &'static str {
    match target.split_once('/').map(|(kind, _)| kind) {
        _ if target.contains("/workloadIdentityPools/") => "iam.workloadIdentityPools.searchPolicyBindings",
        Some("projects") => "resourcemanager.projects.searchPolicyBindings",
        Some("folders") => "resourcemanager.folders.searchPolicyBindings",
        _ => "resourcemanager.organizations.searchPolicyBindings",
    }
}

/// `organizations/9` of `policies/cloudresourcemanager.googleapis.com%2Forganizations%2F9/denypolicies/ID`.
fn attachment(name: &str) -> String {
    let point = name.trim_start_matches("policies/").split('/').next().unwrap_or(name);
    let point = point.replace("%2F", "/").replace("%2f", "/");
    point.split_once('/').map_or_else(|| point.clone(), |(_, resource)| resource.to_owned())
}

pub(crate) fn owner_of_role(role: &str) -> String {
    match role.split_once("/roles/") {
        Some((owner, _)) => owner.to_owned(),
        None => "any project".to_owned(),
    }
}

/// The part that an answer lacks without which it says nothing. Parts that an API leaves out where they are empty,
/// zero or false are no such parts.
pub(crate) fn lacking(table: &str, body: &Value) -> Option<String> {
    match table {
        table::PROJECTS | table::ROLES => lacks(body, &["name"]),
        table::ANCESTRY => lacks(body, &["ancestor"]).or_else(|| {
            each(body, "ancestor", |one| {
                lacks(one, &["resourceId"]).or_else(|| lacks(&one["resourceId"], &["type", "id"]))
            })
        }),
        table::SERVICES => lacks(body, &["state"]),
        table::REPOSITORIES => repository(body),
        // Every policy has an etag, so an answer with nothing in it is none.
        table::REPOSITORY_POLICIES | table::POLICIES => {
            let bare = body.get("bindings").is_none();
            lacks(body, if bare { &["etag"] } else { &[] }).or_else(|| each(body, "bindings", binding))
        }
        table::RULES => entries(body, |rule| lacks(rule, &["action"]).or_else(|| expression(rule, "condition"))),
        table::SETTINGS => lacks(body, &["legacyRedirectionState"]),
        table::DENY_LISTS => entries(body, |policy| lacks(policy, &["name"])),
        table::DENY_POLICIES => lacks(body, &["name", "rules"]).or_else(|| each(body, "rules", deny_rule)),
        table::ACCOUNTS => lacks(body, &["email"]),
        table::BOUNDARY_LISTS => {
            entries(body, |binding| lacks(binding, &["policy"]).or_else(|| expression(binding, "condition")))
        }
        table::BOUNDARY_POLICIES => {
            lacks(body, &["name", "details"]).or_else(|| lacks(&body["details"], &["rules"]))
        }
        _ => None,
    }
}

/// A virtual or remote one without the part that feeds it is not one that nothing feeds, and a part that feeds needs
/// the mode that says what is done with it.
fn repository(body: &Value) -> Option<String> {
    let has = |field: &str| body.get(field).is_some_and(|part| !part.is_null());
    lacks(body, &["name", "format"])
        .or_else(|| match body["mode"].as_str() {
            Some("VIRTUAL_REPOSITORY") => lacks(body, &["virtualRepositoryConfig"]),
            Some("REMOTE_REPOSITORY") => {
                lacks(body, &["remoteRepositoryConfig"]).or_else(|| upstream(&body["remoteRepositoryConfig"]))
            }
            None if has("virtualRepositoryConfig") || has("remoteRepositoryConfig") => lacks(body, &["mode"]),
            _ => None,
        })
        .or_else(|| each(&body["virtualRepositoryConfig"], "upstreamPolicies", |one| lacks(one, &["repository"])))
}

/// A remote repository of images fetches from an address, or from a registry that has a name.
fn upstream(config: &Value) -> Option<String> {
    if config.get("commonRepository").is_some() {
        return each_of(&config["commonRepository"], "remoteRepositoryConfig.commonRepository", &["uri"]);
    }
    let docker = &config["dockerRepository"];
    if docker.get("customRepository").is_some() {
        return each_of(&docker["customRepository"], "remoteRepositoryConfig.customRepository", &["uri"]);
    }
    each_of(docker, "remoteRepositoryConfig.dockerRepository", &["publicRepository"])
}

fn each_of(body: &Value, place: &str, fields: &[&str]) -> Option<String> {
    lacks(body, fields).map(|field| format!("{place}.{field}"))
}

fn binding(binding: &Value) -> Option<String> {
    lacks(binding, &["role", "members"]).or_else(|| expression(binding, "condition"))
}

fn deny_rule(rule: &Value) -> Option<String> {
    let inner = &rule["denyRule"];
    lacks(rule, &["denyRule"])
        .or_else(|| lacks(inner, &["deniedPrincipals", "deniedPermissions"]))
        .or_else(|| expression(inner, "denialCondition"))
}

/// A condition without its text is not one that always holds.
fn expression(body: &Value, field: &str) -> Option<String> {
    let condition = body.get(field).filter(|condition| !condition.is_null())?;
    let text = condition["expression"].as_str().unwrap_or_default().trim();
    text.is_empty().then(|| format!("{field}.expression"))
}

fn lacks(body: &Value, fields: &[&str]) -> Option<String> {
    let empty = |field: &&&str| match body.get(field) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    fields.iter().find(empty).map(|field| (*field).to_owned())
}

fn each(body: &Value, field: &str, lacking: impl Fn(&Value) -> Option<String>) -> Option<String> {
    let found = entries(body.get(field)?, lacking)?;
    Some(format!("{field}.{found}"))
}

fn entries(list: &Value, lacking: impl Fn(&Value) -> Option<String>) -> Option<String> {
    list.as_array().into_iter().flatten().find_map(lacking)
}
