//! Which clusters there are.

use super::Google;
use super::operation::{GET_PROJECT, LIST_CLUSTERS, SEARCH_PROJECTS};
use super::service::escaped;
use super::tokens::rejected;
use super::trouble::{Kind, Trouble, read};
use crate::cluster;
use crate::facts::{ClusterList, Project};
use futures_util::future::join_all;
use pullaudit_core::{DiscoverError, Discovery, Gap, Read, Scope};
use serde::Deserialize as _;

/// The wanted clusters of every project that can be listed, with their readings.
pub(crate) async fn discover(google: &Google, scope: &Scope) -> Result<Discovery, DiscoverError> {
    let projects: Vec<String> = projects(google).await?.into_iter().filter(|id| scope.covers(id)).collect();
    let listed = join_all(projects.iter().map(|project| clusters(google, project))).await;

    let mut found = Discovery::default();
    let mut troubles = Vec::new();
    let mut any = projects.is_empty();
    for (project, outcome) in projects.iter().zip(listed) {
        match outcome {
            Ok((mut clusters, gaps)) => {
                any = true;
                clusters
                    .retain(|one: &pullaudit_core::Discovered| scope.wants(&one.cluster.id.0, &one.cluster.name));
                found.clusters.extend(clusters);
                found.gaps.extend(gaps);
            }
            Err(trouble) => {
                found.gaps.push(gap(project, &trouble));
                troubles.push((project, trouble));
            }
        }
    }
    if !any {
        return Err(nothing_listed(&troubles));
    }
    found.clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    found.gaps.sort();
    Ok(found)
}

/// Those that the user named, or all that are alive and that the credential sees.
async fn projects(google: &Google) -> Result<Vec<String>, DiscoverError> {
    if !google.options.projects.is_empty() {
        return Ok(google.options.projects.clone());
    }
    let what = || "Google Cloud projects".to_owned();
    let found = google.manager.list(SEARCH_PROJECTS, "/v3/projects:search?pageSize=500", "projects").await;
    let found = found.map_err(|trouble| match trouble.kind {
        Kind::Credentials => rejected(&trouble.detail),
        _ => DiscoverError::Failed { what: what(), detail: trouble.detail },
    })?;
    let seen = found.iter().filter_map(|body| Project::deserialize(body).ok());
    let alive: Vec<Project> =
        seen.filter(|one| !one.project_id.is_empty() && matches!(one.state.as_str(), "ACTIVE" | "")).collect();
    if alive.is_empty() {
        let detail = "the identity that signed in sees none: name one by --project, or give it \
                      resourcemanager.projects.get on some (pullaudit permissions --provider gke prints all it needs)";
        return Err(DiscoverError::Failed { what: what(), detail: detail.to_owned() });
    }
    let ids = alive.iter().map(|one| one.project_id.clone()).collect();
    google.remember(alive);
    Ok(ids)
}

type Listed = (Vec<pullaudit_core::Discovered>, Vec<Gap>);

/// Clusters cannot be where their API is off.
async fn clusters(google: &Google, project: &str) -> Result<Listed, Trouble> {
    let path = format!("/v1/projects/{}/locations/-/clusters", escaped(project));
    let list: ClusterList = match google.container.get(LIST_CLUSTERS, &path).await {
        Ok(list) => list,
        Err(trouble) if trouble.is_api_off() => return Ok((Vec::new(), Vec::new())),
        Err(trouble) => return Err(trouble),
    };
    let number = if list.clusters.is_empty() { Read::Absent } else { google_project(google, project).await };
    Ok(cluster::discovered(project, &list, &number))
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
