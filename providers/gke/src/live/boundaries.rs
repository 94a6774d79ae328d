//! Where askers live, and the principal access boundaries that are bound to everybody there.

use super::Google;
use super::collect::{Rows, by_parts, row};
use super::discover::google_project;
use super::needs::Needs;
use super::operation::{
    GET_ANCESTRY, GET_BOUNDARY, Operation, SEARCH_FOLDER_BINDINGS, SEARCH_ORGANIZATION_BINDINGS,
    SEARCH_POOL_BINDINGS, SEARCH_PROJECT_BINDINGS,
};
use super::service::escaped;
use super::trouble::{Kind, read};
use crate::cluster::{FEDERATED, home};
use crate::facts::{Ancestry, BoundaryBinding, Project, table};
use futures_util::future::{join, join_all};
use pullaudit_core::{Obstacle, Open, Read, Section};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What resources of Resource Manager are called as targets of bindings.
const MANAGED: &str = "//cloudresourcemanager.googleapis.com/";

/// The projects of all who ask, what lies above them, and the boundaries there. What was read before is not read again.
pub(super) async fn boundaries(google: &Google, needs: &Needs, section: &Section) -> Rows {
    let homes: BTreeSet<String> = needs.askers.iter().filter_map(|id| home(&id.to_ascii_lowercase())).collect();
    let new: Vec<&String> = homes.iter().filter(|id| section.get(table::ANCESTRY, id).is_none()).collect();
    let around = join_all(new.iter().map(|id| around(google, id))).await;
    let mut rows: Rows = around.into_iter().flatten().collect();
    let mut targets = BTreeMap::new();
    for id in &homes {
        let of = |table: &str| {
            let new = rows.iter().find(|(name, key, _)| *name == table && key == id).map(|(_, _, row)| row);
            new.or_else(|| section.get(table, id)).and_then(Read::got).cloned()
        };
        targets.extend(targets_of(id, of(table::ANCESTRY), of(table::PROJECTS)));
    }
    targets.extend(needs.askers.iter().filter_map(|id| pool(id)));
    let lists = join_all(targets.iter().map(|(target, name)| list(google, target, name.as_deref()))).await;
    let lists: Rows =
        targets.keys().zip(lists).map(|(target, row)| (table::BOUNDARY_LISTS, target.clone(), row)).collect();
    let names: BTreeSet<String> = lists.iter().flat_map(|(_, _, row)| policies(row)).collect();
    let bodies = join_all(names.iter().map(|name| boundary(google, name))).await;
    rows.extend(lists);
    rows.extend(names.into_iter().zip(bodies).map(|(name, body)| (table::BOUNDARY_POLICIES, name, body)));
    rows
}

async fn around(google: &Google, id: &str) -> Rows {
    let path = format!("/v1/projects/{}:getAncestry", escaped(id));
    let empty = json!({});
    let (ancestry, own) =
        join(google.manager.query(GET_ANCESTRY, &path, &empty), google_project(google, id)).await;
    let scope = format!("project {id}");
    vec![
        (table::ANCESTRY, id.to_owned(), read(ancestry, false, format!("what {scope} lies in"), scope)),
        (table::PROJECTS, id.to_owned(), row(own)),
    ]
}

/// A project and all above it, each with the name of its target; a project is named by its number, which may not be
/// known. Where there is no organisation there are no boundaries.
fn targets_of(id: &str, ancestry: Option<Value>, project: Option<Value>) -> Vec<(String, Option<String>)> {
    let above = ancestry.and_then(|body| Ancestry::deserialize(body).ok()).unwrap_or_default().ancestor;
    let above = above.into_iter().map(|one| one.resource_id).filter_map(|one| match one.kind.as_str() {
        "folder" => Some(format!("folders/{}", one.id)),
        "organization" => Some(format!("organizations/{}", one.id)),
        _ => None,
    });
    let above: Vec<String> = above.collect();
    if !above.iter().any(|one| one.starts_with("organizations/")) {
        return Vec::new();
    }
    let number = project.and_then(|body| Project::deserialize(body).ok()).map(|body| body.name);
    let number = number.filter(|name| name.starts_with("projects/"));
    let own = (format!("projects/{id}"), number.map(|name| format!("{MANAGED}{name}")));
    let above = above.into_iter().map(|one| (one.clone(), Some(format!("{MANAGED}{one}"))));
    above.chain([own]).collect()
}

/// The pool of identities that a Kubernetes account is in.
fn pool(id: &str) -> Option<(String, Option<String>)> {
    let (pool, _) = id.strip_prefix(FEDERATED)?.split_once("/subject/")?;
    Some((pool.to_owned(), Some(format!("//iam.googleapis.com/{pool}"))))
}

fn operation(target: &str) -> &'static Operation {
    match target.split('/').next() {
        _ if target.contains("/workloadIdentityPools/") => SEARCH_POOL_BINDINGS,
        Some("folders") => SEARCH_FOLDER_BINDINGS,
        Some("organizations") => SEARCH_ORGANIZATION_BINDINGS,
        _ => SEARCH_PROJECT_BINDINGS,
    }
}

async fn list(google: &Google, target: &str, name: Option<&str>) -> Read<Value> {
    let operation = operation(target);
    let reading = format!("principal access boundaries of {target}");
    let Some(name) = name else {
        let obstacle = Obstacle::Failed("the number of the project is not known".into());
        return Read::Unread(Open::unread(reading, operation.permission, target, obstacle));
    };
    let parent = target.split("/locations/").next().unwrap_or(target);
    let path = format!(
        "/v3/{}/locations/global/policyBindings:searchTargetPolicyBindings?target={}&pageSize=1000",
        by_parts(parent),
        escaped(name)
    );
    match google.iam.list(operation, &path, "policyBindings").await {
        // The search does not take such a target: it was not asked about it, as far as the answer goes.
        Err(trouble) if matches!(trouble.kind, Kind::NotFound | Kind::Invalid) => {
            Read::Unread(Open::unread(reading, operation.permission, target, Obstacle::NotAsked))
        }
        answer => read(answer.map(Value::Array), false, reading, target),
    }
}

/// The boundaries that a list names.
fn policies(row: &Read<Value>) -> Vec<String> {
    let list = row.got().and_then(|list| Vec::<BoundaryBinding>::deserialize(list).ok()).unwrap_or_default();
    let names = list.into_iter().map(|binding| binding.policy);
    names.filter(|name| name.contains("/principalAccessBoundaryPolicies/")).collect()
}

async fn boundary(google: &Google, name: &str) -> Read<Value> {
    let answer = google.iam.get(GET_BOUNDARY, &format!("/v3/{}", by_parts(name))).await;
    let scope = name.split("/locations/").next().unwrap_or(name).to_owned();
    read(answer, false, format!("principal access boundary policy {name}"), scope)
}
