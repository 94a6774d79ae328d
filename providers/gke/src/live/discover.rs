//! Which clusters there are.

use super::Google;
use super::operation::{GET_PROJECT, LIST_CLUSTERS, SEARCH_PROJECTS};
use super::service::{escaped, is_page};
use super::tokens::rejected;
use super::trouble::{Kind, Trouble, read};
use crate::cluster;
use crate::facts::{ClusterList, Project};
use futures_util::future::join_all;
use pullaudit_core::{Cluster, DiscoverError, Discovery, Gap, Obstacle, Open, Read, Scope, Searched};
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeSet;

/// A project, by id, and by number where that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    id: String,
    number: Option<String>,
}

/// The wanted clusters of every project that can be listed, with their readings.
pub(crate) async fn discover(google: &Google, scope: &Scope) -> Result<Discovery, DiscoverError> {
    let mut found = Discovery::default();
    let places = projects(google, scope, &mut found.gaps).await?;
    let listed = join_all(places.iter().map(|place| clusters(google, place))).await;
    let mut troubles = Vec::new();
    for (place, outcome) in places.iter().zip(listed) {
        let number = place.number.clone().or_else(|| google.known(&place.id).as_ref().and_then(number));
        let searched = Searched {
            provider: "gke".to_owned(),
            scope: place.id.clone(),
            aliases: number.iter().cloned().collect(),
            ..Searched::default()
        };
        searched.add(&mut found.searched);
        match outcome {
            Ok((mut clusters, gaps)) => {
                clusters.retain(|one| wants(scope, &one.cluster, number.as_deref()));
                found.clusters.extend(clusters);
                found.gaps.extend(gaps);
            }
            Err(trouble) => {
                found.gaps.push(gap(&place.id, &trouble));
                troubles.push((&place.id, trouble));
            }
        }
    }
    if troubles.len() == places.len() {
        return Err(nothing_listed(&troubles));
    }
    found.clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    found.gaps.sort();
    Ok(found)
}

/// A cluster may be named by the number of its project.
fn wants(scope: &Scope, cluster: &Cluster, number: Option<&str>) -> bool {
    let id = cluster.id.0.as_str();
    let by_number = || {
        let rest = id.strip_prefix("projects/")?.split_once('/')?.1;
        Some(scope.wants(&format!("projects/{}/{rest}", number?), &cluster.name))
    };
    scope.wants(id, &cluster.name) || by_number().unwrap_or(false)
}

fn number(project: &Project) -> Option<String> {
    project.name.strip_prefix("projects/").map(str::to_owned)
}

/// Those that the user named, or all that are alive and that the credential sees; of them those that clusters are
/// wanted of.
async fn projects(google: &Google, scope: &Scope, gaps: &mut Vec<Gap>) -> Result<Vec<Place>, DiscoverError> {
    let named: BTreeSet<&String> = match google.options.projects.as_slice() {
        [] => scope.scopes().iter().collect(),
        some => some.iter().collect(),
    };
    let mut places: Vec<Place> = if named.is_empty() {
        seen(google, gaps).await?
    } else {
        join_all(named.into_iter().map(|name| place(google, name))).await
    };
    let all = places.iter().map(|place| place.id.clone()).collect::<Vec<_>>().join(", ");
    let mut covered = Vec::new();
    for mut place in places.drain(..) {
        let mut is_covered = covers(scope, &place);
        if !is_covered && place.number.is_none() && scope.scopes().iter().any(|name| is_number(name)) {
            place.number = google_project(google, &place.id).await.got().and_then(number);
            is_covered = covers(scope, &place);
        }
        if is_covered {
            covered.push(place);
        }
    }
    covered.sort();
    covered.dedup();
    if covered.is_empty() {
        let wanted = scope.scopes().iter().cloned().collect::<Vec<_>>().join(", ");
        let detail = format!("no project {wanted} among those in scope ({all}); pass --project {wanted}");
        return Err(DiscoverError::Failed { what: "GKE clusters".to_owned(), detail });
    }
    Ok(covered)
}

fn covers(scope: &Scope, place: &Place) -> bool {
    scope.covers(&place.id) || place.number.as_ref().is_some_and(|number| scope.covers(number))
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// A project as the user named it; by its id where it can be told.
async fn place(google: &Google, name: &str) -> Place {
    if !is_number(name) {
        return Place { id: name.to_owned(), number: None };
    }
    let id = match google_project(google, name).await {
        Read::Got(project) if !project.project_id.is_empty() => project.project_id,
        _ => name.to_owned(),
    };
    Place { id, number: Some(name.to_owned()) }
}

/// All that are alive and that the credential sees.
async fn seen(google: &Google, gaps: &mut Vec<Gap>) -> Result<Vec<Place>, DiscoverError> {
    let what = || "Google Cloud projects".to_owned();
    let found = google.manager.list(SEARCH_PROJECTS, "/v3/projects:search?pageSize=500", "projects").await;
    let found = found.map_err(|trouble| match trouble.kind {
        Kind::Credentials => rejected(&trouble.detail),
        _ => DiscoverError::Failed { what: what(), detail: trouble.detail },
    })?;
    let mut alive = Vec::new();
    for body in found {
        match Project::deserialize(&body) {
            Ok(project) if !project.project_id.is_empty() => {
                if project.state != "DELETE_REQUESTED" {
                    alive.push(project);
                }
            }
            _ => gaps.push(nameless()),
        }
    }
    if alive.is_empty() {
        let detail = "the identity that signed in sees none: name one by --project, or give it \
                      resourcemanager.projects.get on some (pullaudit permissions --provider gke prints all it needs)";
        return Err(DiscoverError::Failed { what: what(), detail: detail.to_owned() });
    }
    let places = alive.iter().map(|one| Place { id: one.project_id.clone(), number: number(one) }).collect();
    google.remember(alive);
    Ok(places)
}

fn nameless() -> Gap {
    let obstacle = Obstacle::Failed("it has no projectId".into());
    let open = Open::unread("a project of the list", SEARCH_PROJECTS.permission, "Google Cloud", obstacle);
    Gap {
        message: "its clusters are not in this report".to_owned(),
        scope: "Google Cloud projects".to_owned(),
        open,
    }
}

type Listed = (Vec<pullaudit_core::Discovered>, Vec<Gap>);

/// Clusters cannot be where their API is off. An API that is off in the project of the credentials tells nothing.
async fn clusters(google: &Google, place: &Place) -> Result<Listed, Trouble> {
    let path = format!("/v1/projects/{}/locations/-/clusters", escaped(&place.id));
    let body: Value = match google.container.get(LIST_CLUSTERS, &path).await {
        Ok(body) => body,
        Err(trouble) => {
            let Some(off) = trouble.api_off().map(|name| name.trim_start_matches("projects/").to_owned()) else {
                return Err(trouble);
            };
            let own = place.number.clone();
            let own = match own {
                None if off != place.id => google_project(google, &place.id).await.got().and_then(number),
                own => own,
            };
            return if off == place.id || Some(off) == own { Ok((Vec::new(), Vec::new())) } else { Err(trouble) };
        }
    };
    let list =
        if is_page(&body, &["clusters", "missingZones"]) { ClusterList::deserialize(&body).ok() } else { None };
    let Some(list) = list else {
        return Err(Trouble::failed(LIST_CLUSTERS, "the answer is no list of clusters"));
    };
    let number = if list.clusters.is_empty() { Read::Absent } else { google_project(google, &place.id).await };
    Ok(cluster::discovered(&place.id, &list, &number))
}

/// The project itself, which tells its number; asked once.
pub(crate) async fn google_project(google: &Google, project: &str) -> Read<Project> {
    if let Some(known) = google.known(project) {
        return Read::Got(known);
    }
    let path = format!("/v3/projects/{}", escaped(project));
    let answer: Result<Project, Trouble> = google.manager.get(GET_PROJECT, &path).await;
    if let Ok(found) = &answer {
        google.remember([found.clone()]);
        google.remember_as(project, found.clone());
    }
    // What is missing and what is hidden have the same answer.
    read(answer, false, format!("project {project}"), format!("project {project}"))
}

fn gap(project: &str, trouble: &Trouble) -> Gap {
    let scope = format!("project {project}");
    let open = trouble.open(format!("GKE clusters of {scope}"), scope.as_str());
    Gap { message: format!("clusters of {scope} are not in this report"), scope, open }
}

fn nothing_listed(troubles: &[(&String, Trouble)]) -> DiscoverError {
    let told = troubles.iter().find(|(_, trouble)| trouble.kind != Kind::Credentials).or(troubles.first());
    match told {
        Some((_, trouble)) if trouble.kind == Kind::Credentials => rejected(&trouble.detail),
        Some((project, trouble)) => DiscoverError::Failed {
            what: "GKE clusters".to_owned(),
            detail: format!("project {project}: {}", trouble.wanting()),
        },
        None => {
            DiscoverError::Failed { what: "GKE clusters".to_owned(), detail: "no project was asked".to_owned() }
        }
    }
}
