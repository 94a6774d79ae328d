//! From the answer of a listing to clusters, and to what it leaves out.

use crate::facts::{Cluster as Body, ClusterList, Project, cluster_table};
use pullaudit_core::{Cluster, ClusterId, Discovered, Gap, Obstacle, Open, Read, Section};
use serde::Deserialize as _;

/// The clusters of a project as its list tells them, and a gap for each zone that the answer says may be
/// missing. Two clusters of one name in two locations are two; one that can't be read as a cluster is a gap.
pub fn discovered(project: &str, list: &ClusterList, number: &Read<Project>) -> (Vec<Discovered>, Vec<Gap>) {
    let mut gaps: Vec<Gap> = list.missing_zones.iter().map(|zone| missing(project, zone)).collect();
    let mut clusters = Vec::new();
    for body in &list.clusters {
        match Body::deserialize(body) {
            Ok(cluster) if !cluster.name.is_empty() => {
                let location =
                    if cluster.location.is_empty() { cluster.zone.clone() } else { cluster.location.clone() };
                let project = own_project(&cluster.self_link, project);
                let id = format!("projects/{project}/locations/{location}/clusters/{}", cluster.name);
                let mut readings = Section::default();
                readings.put(cluster_table::CLUSTER, "", Read::Got(body.clone()));
                readings.store(cluster_table::PROJECT, "", number.clone());
                let endpoint = Some(cluster.endpoint).filter(|host| !host.is_empty());
                clusters.push(Discovered {
                    cluster: Cluster {
                        id: ClusterId(id),
                        provider: "gke".to_owned(),
                        name: cluster.name,
                        location,
                        scope: project.to_owned(),
                        endpoint: endpoint.map(|host| format!("https://{host}")),
                    },
                    readings,
                });
            }
            read => {
                let why = read.err().map_or_else(|| "it has no name".to_owned(), |error| error.to_string());
                gaps.push(gap(
                    project,
                    "a cluster of the list".to_owned(),
                    Obstacle::Failed(why.into()),
                    "it is left out",
                ));
            }
        }
    }
    clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    (clusters, gaps)
}

/// The id of a project that is known by its number only stands in the address of each of its clusters.
fn own_project<'a>(self_link: &'a str, project: &'a str) -> &'a str {
    let is_number = !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_digit());
    let linked = self_link.split_once("/projects/").and_then(|(_, rest)| rest.split('/').next());
    linked.filter(|id| is_number && !id.is_empty()).unwrap_or(project)
}

fn missing(project: &str, zone: &str) -> Gap {
    let obstacle = Obstacle::Failed("the list says that this zone may be missing".into());
    gap(project, format!("clusters in {zone}"), obstacle, "clusters of that zone may be missing from the report")
}

fn gap(project: &str, reading: String, obstacle: Obstacle, message: &str) -> Gap {
    let scope = format!("project {project}");
    let open = Open::unread(reading, "container.clusters.list", scope.clone(), obstacle);
    Gap { scope, open, message: message.to_owned() }
}
