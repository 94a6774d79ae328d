//! The facts that questions need. One call is one row.

use super::Google;
use super::boundaries::boundaries;
use super::discover::google_project;
use super::needs::{Needs, project};
use super::operation::{
    GET_ACCOUNT, GET_ANCESTRY, GET_DENY_POLICY, GET_FOLDER_POLICY, GET_ORGANIZATION_POLICY, GET_PROJECT_POLICY,
    GET_REPOSITORY, GET_REPOSITORY_POLICY, GET_ROLE, GET_SERVICE, GET_SETTINGS, LIST_DENY_POLICIES, LIST_RULES,
};
use super::service::escaped;
use super::trouble::{Trouble, read};
use crate::cluster::account_project;
use crate::facts::{Ancestry, DenyPolicy, Policy, Repository, table};
use crate::host::repository_of;
use crate::weigh::knows_role;
use futures_util::future::{join, join_all, join3};
use pullaudit_core::{Read, Section};
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const REGISTRY_API: &str = "artifactregistry.googleapis.com";

/// All rows that these questions hang on.
pub(crate) async fn collect(google: &Google, needs: &Needs) -> Section {
    let (mut section, accounts) = join(repositories(google, needs), accounts(google, needs)).await;
    for (email, row) in needs.accounts.iter().zip(accounts) {
        section.put(table::ACCOUNTS, email, row);
    }
    above(google, &mut section).await;
    let read =
        join3(denies(google, &section), roles(google, needs, &section), boundaries(google, needs, &section));
    let (denies, roles, around) = read.await;
    for (table, key, row) in around {
        section.put(table, &key, row);
    }
    for (table, rows) in [(table::DENY_POLICIES, denies), (table::ROLES, roles)] {
        for (key, row) in rows {
            section.put(table, &key, row);
        }
    }
    section
}

pub(super) type Row = Read<Value>;

async fn accounts(google: &Google, needs: &Needs) -> Vec<Row> {
    join_all(needs.accounts.iter().map(|email| async move {
        // In its own project, since `projects/-` hides what is missing.
        let own = account_project(email).unwrap_or_default();
        let path = format!("/v1/projects/{}/serviceAccounts/{}", escaped(&own), escaped(email));
        read(
            google.iam.get(GET_ACCOUNT, &path).await,
            true,
            format!("service account {email}"),
            format!("project {own}"),
        )
    }))
    .await
}

/// The repositories and what stands behind virtual and remote ones, with their projects; a chain that leads
/// back is read once.
async fn repositories(google: &Google, needs: &Needs) -> Section {
    let mut section = Section::default();
    let (mut todo, mut projects) = (needs.repositories.clone(), BTreeSet::new());
    while !todo.is_empty() {
        let new: BTreeMap<&str, bool> = todo.iter().fold(BTreeMap::new(), |mut all, (id, transition)| {
            *all.entry(project(id)).or_default() |= transition;
            all
        });
        let new: Vec<(&str, bool)> = new.into_iter().filter(|(id, _)| !projects.contains(*id)).collect();
        let own = join_all(todo.keys().map(|id| repository(google, id)));
        let around = join_all(new.iter().map(|(id, transition)| of_project(google, id, *transition)));
        let (own, around) = join(own, around).await;
        projects.extend(new.iter().map(|(id, _)| (*id).to_owned()));
        for rows in own.into_iter().chain(around).flatten() {
            section.put(rows.0, &rows.1, rows.2);
        }
        todo = upstreams(&section, todo.keys())
            .into_iter()
            .filter(|id| section.get(table::REPOSITORIES, id).is_none())
            .map(|id| (id, false))
            .collect();
    }
    section
}

pub(super) type Rows = Vec<(&'static str, String, Row)>;

/// A reading of our own struct as a row.
pub(super) fn row<T: Serialize>(reading: Read<T>) -> Row {
    let mut section = Section::default();
    section.store("", "", reading);
    section.tables.remove("").and_then(|mut rows| rows.remove("")).unwrap_or(Read::Absent)
}

async fn repository(google: &Google, id: &str) -> Rows {
    let path = format!("/v1/{}", by_parts(id));
    let own = google.registry.get(GET_REPOSITORY, &path);
    let policy = format!("{path}:getIamPolicy?options.requestedPolicyVersion=3");
    let policy = google.registry.get(GET_REPOSITORY_POLICY, &policy);
    let rules = format!("{path}/rules?pageSize=1000");
    let rules = google.registry.list(LIST_RULES, &rules, "rules");
    let (own, policy, rules) = join3(own, policy, rules).await;
    let scope = format!("project {}", project(id));
    vec![
        (table::REPOSITORIES, id.to_owned(), read(own, true, format!("repository {id}"), scope.as_str())),
        (
            table::REPOSITORY_POLICIES,
            id.to_owned(),
            read(policy, false, format!("policy of repository {id}"), scope.as_str()),
        ),
        (
            table::RULES,
            id.to_owned(),
            read(rules.map(Value::Array), false, format!("download rules of repository {id}"), scope),
        ),
    ]
}

/// A path of names, each part escaped.
pub(super) fn by_parts(id: &str) -> String {
    id.split('/').map(escaped).collect::<Vec<_>>().join("/")
}

async fn of_project(google: &Google, id: &str, transition: bool) -> Rows {
    let own = escaped(id);
    let service = format!("/v1/projects/{own}/services/{REGISTRY_API}");
    let service = google.usage.get(GET_SERVICE, &service);
    let ancestry = format!("/v1/projects/{own}:getAncestry");
    let empty = json!({});
    let ancestry = google.manager.query(GET_ANCESTRY, &ancestry, &empty);
    let settings = async {
        let path = format!("/v1/projects/{own}/projectSettings");
        if transition { Some(google.registry.get(GET_SETTINGS, &path).await) } else { None }
    };
    let ((service, ancestry, settings), own) =
        join(join3(service, ancestry, settings), google_project(google, id)).await;
    let scope = format!("project {id}");
    let mut rows = vec![
        (table::PROJECTS, id.to_owned(), row(own)),
        (
            table::SERVICES,
            id.to_owned(),
            read(service, false, format!("Artifact Registry API of {scope}"), scope.as_str()),
        ),
        (table::ANCESTRY, id.to_owned(), read(ancestry, false, format!("what {scope} lies in"), scope.as_str())),
    ];
    if let Some(settings) = settings {
        rows.push((
            table::SETTINGS,
            id.to_owned(),
            read(settings, false, format!("settings of {scope}"), scope.as_str()),
        ));
    }
    rows
}

/// The repositories behind these.
fn upstreams<'a>(section: &Section, ids: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let mut next = BTreeSet::new();
    for id in ids {
        let body = section.get(table::REPOSITORIES, id).and_then(Read::got);
        let Some(body) = body.and_then(|body| Repository::deserialize(body).ok()) else { continue };
        let remote = &body.remote_repository_config;
        let addresses = [&remote.common_repository.uri, &remote.docker_repository.custom_repository.uri];
        let policies = body.virtual_repository_config.upstream_policies.iter();
        let behind = policies.map(|upstream| &upstream.repository).chain(addresses);
        next.extend(behind.filter_map(|address| repository_of(address)));
    }
    next
}

/// Policies of the projects, folders and organisations above, and the names of their deny policies.
async fn above(google: &Google, section: &mut Section) {
    let mut ancestors = BTreeSet::new();
    for (id, row) in section.tables.get(table::ANCESTRY).into_iter().flatten() {
        ancestors.insert(format!("projects/{id}"));
        let body = row.got().and_then(|body| Ancestry::deserialize(body).ok()).unwrap_or_default();
        for one in body.ancestor {
            match one.resource_id.kind.as_str() {
                "folder" => ancestors.insert(format!("folders/{}", one.resource_id.id)),
                "organization" => ancestors.insert(format!("organizations/{}", one.resource_id.id)),
                _ => false,
            };
        }
    }
    let read = join_all(ancestors.iter().map(|ancestor| of_ancestor(google, ancestor))).await;
    for (ancestor, (policy, denies)) in ancestors.iter().zip(read) {
        section.put(table::POLICIES, ancestor, policy);
        section.put(table::DENY_LISTS, ancestor, denies);
    }
}

async fn of_ancestor(google: &Google, ancestor: &str) -> (Row, Row) {
    let operation = match ancestor.split('/').next() {
        Some("folders") => GET_FOLDER_POLICY,
        Some("organizations") => GET_ORGANIZATION_POLICY,
        _ => GET_PROJECT_POLICY,
    };
    let path = format!("/v3/{}:getIamPolicy", by_parts(ancestor));
    let body = json!({ "options": { "requestedPolicyVersion": 3 } });
    let policy = google.manager.query(operation, &path, &body);
    let attached = escaped(&format!("cloudresourcemanager.googleapis.com/{ancestor}"));
    let path = format!("/v2/policies/{attached}/denypolicies?pageSize=1000");
    let denies = google.iam.list(LIST_DENY_POLICIES, &path, "policies");
    let (policy, denies): (Result<Value, Trouble>, _) = join(policy, denies).await;
    (
        read(policy, false, format!("policy of {ancestor}"), ancestor),
        read(denies.map(Value::Array), false, format!("deny policies of {ancestor}"), ancestor),
    )
}

/// Lists leave the rules of deny policies out.
async fn denies(google: &Google, section: &Section) -> Vec<(String, Row)> {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (ancestor, row) in section.tables.get(table::DENY_LISTS).into_iter().flatten() {
        let list = row.got().and_then(|list| Vec::<DenyPolicy>::deserialize(list).ok()).unwrap_or_default();
        names.extend(list.into_iter().map(|policy| (policy.name, ancestor.as_str())));
    }
    join_all(names.into_iter().map(|(name, ancestor)| async move {
        // The attachment point stands in the name, escaped already.
        let answer = google.iam.get(GET_DENY_POLICY, &format!("/v2/{name}")).await;
        let row = read(answer, false, format!("deny policy {name}"), ancestor);
        (name, row)
    }))
    .await
}

/// Roles whose rights are not known and that somebody may hold who asks.
async fn roles(google: &Google, needs: &Needs, section: &Section) -> Vec<(String, Row)> {
    let mut names = BTreeSet::new();
    for table in [table::REPOSITORY_POLICIES, table::POLICIES] {
        for row in section.tables.get(table).into_iter().flatten().map(|(_, row)| row) {
            let policy = row.got().and_then(|body| Policy::deserialize(body).ok()).unwrap_or_default();
            for binding in policy.bindings {
                let open = !knows_role(&binding.role) && !binding.role.contains("_withcond_");
                if open && binding.members.iter().any(|member| concerns(member, needs)) {
                    names.insert(binding.role);
                }
            }
        }
    }
    join_all(names.into_iter().map(|name| async move {
        let answer = google.iam.get(GET_ROLE, &format!("/v1/{}", by_parts(&name))).await;
        let scope = name.rsplit_once("/roles/").map_or("Google Cloud", |(owner, _)| owner).to_owned();
        let row = read(answer, false, format!("role {name}"), scope);
        (name, row)
    }))
    .await
}

/// Whether a member may be one who asks: people never are, and an account is itself only. The agents that read
/// for virtual and remote repositories ask too.
fn concerns(member: &str, needs: &Needs) -> bool {
    let plain = member.strip_prefix("deleted:").unwrap_or(member);
    if plain.starts_with("user:") {
        return false;
    }
    let Some(account) = plain.strip_prefix("serviceAccount:") else { return true };
    let email = account.split('?').next().unwrap_or(account);
    email.contains("gcp-sa-artifactregistry")
        || email.contains(".svc.id.goog[")
        || needs.askers.iter().any(|asker| asker.eq_ignore_ascii_case(email))
}
