//! Which clusters there are.

use super::Azure;
use super::credentials::rejected;
use super::needs::object_id;
use super::operation::{GET_SERVICE_PRINCIPAL, LIST_CLUSTERS};
use super::service::{query, read};
use super::subscriptions::UNREGISTERED;
use super::trouble::{Kind, Trouble};
use crate::cluster;
use crate::facts::{ManagedCluster, ServicePrincipal, Subscription, cluster_table};
use futures_util::future::join_all;
use pullaudit_core::{
    Cluster, ClusterId, DiscoverError, Discovered, Discovery, Gap, Read, Scope, Searched, Section,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked for of a service principal.
const SELECT: &str = "$select=id,displayName,appId,servicePrincipalType,accountEnabled,passwordCredentials";

/// The wanted clusters of every subscription that can be listed, with their readings.
pub(crate) async fn discover(azure: &Azure, scope: &Scope) -> Result<Discovery, DiscoverError> {
    let subscriptions = subscriptions(azure).await?;
    let ids = subscriptions.iter().map(|one| one.subscription_id.as_str());
    let places: Vec<&str> = ids.filter(|id| scope.covers(id)).collect();
    if places.is_empty() {
        let detail = "none of the wanted ones is visible to the identity that signed in: check their ids, give it Reader \
                      there, or log in to their tenant by az login --tenant TENANT";
        return Err(DiscoverError::Failed { what: "Azure subscriptions".to_owned(), detail: detail.to_owned() });
    }
    let listed = join_all(places.iter().map(|place| clusters(azure, place))).await;

    let (mut gaps, mut wanted, mut troubles) = (Vec::new(), Vec::new(), Vec::new());
    let mut any = false;
    let searched = places.iter().map(|place| searched(place)).collect();
    for (place, outcome) in places.into_iter().zip(listed) {
        match outcome {
            Ok(clusters) => {
                any = true;
                let here = clusters.into_iter().filter(|one| scope.wants(&one.id, &one.name));
                wanted.extend(here.map(|cluster| (place, cluster)));
            }
            Err(trouble) => {
                gaps.push(gap(place, &trouble));
                troubles.push((place, trouble));
            }
        }
    }
    if !any {
        return Err(nothing_listed(&troubles));
    }

    let applications: BTreeSet<String> = wanted.iter().filter_map(|(_, cluster)| application(cluster)).collect();
    let principals = join_all(applications.iter().map(|id| service_principal(azure, id))).await;
    let principals: BTreeMap<&String, Read<ServicePrincipal>> = applications.iter().zip(principals).collect();
    let mut clusters: Vec<Discovered> =
        wanted.into_iter().map(|(place, cluster)| found(place, cluster, &principals)).collect();
    clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    gaps.sort();
    for found in &clusters {
        azure.known.note(found);
    }
    Ok(Discovery { clusters, gaps, searched })
}

fn searched(subscription: &str) -> Searched {
    Searched { provider: "aks".to_owned(), scope: subscription.to_owned(), ..Searched::default() }
}

async fn subscriptions(azure: &Azure) -> Result<Vec<Subscription>, DiscoverError> {
    let given = azure.subscriptions.given();
    if !given.is_empty() {
        return Ok(given);
    }
    let what = || "Azure subscriptions".to_owned();
    match azure.subscriptions.seen(azure).await {
        Ok([]) => {
            let detail = "the identity that signed in sees none: give it Reader on those to audit, or log in to \
                          another tenant by az login --tenant TENANT";
            Err(DiscoverError::Failed { what: what(), detail: detail.to_owned() })
        }
        Ok(seen) => Ok(seen.to_vec()),
        Err(trouble) if trouble.kind == Kind::Credentials => Err(rejected(trouble.detail)),
        Err(trouble) => Err(DiscoverError::Failed { what: what(), detail: trouble.detail }),
    }
}

/// Clusters cannot be where the whole kind of them is not registered.
async fn clusters(azure: &Azure, subscription: &str) -> Result<Vec<ManagedCluster>, Trouble> {
    let path = format!("/subscriptions/{subscription}/providers/Microsoft.ContainerService/managedClusters");
    match azure.arm.list::<ManagedCluster>(LIST_CLUSTERS, &path, &query(LIST_CLUSTERS, "")).await {
        Ok(list) if list.iter().any(|one| one.id.is_empty()) => {
            Err(Trouble::failed(LIST_CLUSTERS, "the answer holds a cluster without an id"))
        }
        Err(trouble) if trouble.is(UNREGISTERED) => Ok(Vec::new()),
        answer => answer,
    }
}

/// The application that pulls for the cluster, where it is one and its id can be asked for.
fn application(cluster: &ManagedCluster) -> Option<String> {
    cluster::application_id(cluster).and_then(object_id)
}

async fn service_principal(azure: &Azure, application: &str) -> Read<ServicePrincipal> {
    let path = format!("/{}/servicePrincipals(appId='{application}')", GET_SERVICE_PRINCIPAL.version);
    let answer: Result<ServicePrincipal, Trouble> = azure.graph.get(GET_SERVICE_PRINCIPAL, &path, SELECT).await;
    let answer = match answer {
        Ok(found) if object_id(&found.id).is_none() => {
            Err(Trouble::failed(GET_SERVICE_PRINCIPAL, "the answer holds no object id"))
        }
        answer => answer,
    };
    read(
        answer,
        &["Request_ResourceNotFound"],
        format!("service principal of application {application}"),
        "tenant",
    )
}

fn found(
    subscription: &str,
    body: ManagedCluster,
    principals: &BTreeMap<&String, Read<ServicePrincipal>>,
) -> Discovered {
    let mut readings = Section::default();
    if let Some(principal) = application(&body).and_then(|id| principals.get(&id)) {
        readings.store(cluster_table::SERVICE_PRINCIPAL, "", principal.clone());
    }
    let cluster = Cluster {
        id: ClusterId(body.id.clone()),
        provider: "aks".to_owned(),
        name: body.name.clone(),
        location: body.location.clone(),
        scope: subscription.to_owned(),
        endpoint: endpoint(&body),
    };
    readings.store(cluster_table::CLUSTER, "", Read::Got(body));
    Discovered { cluster, readings }
}

fn endpoint(cluster: &ManagedCluster) -> Option<String> {
    let about = &cluster.properties;
    let inside = about.private_fqdn.as_ref().filter(|_| about.api_server_access_profile.enable_private_cluster);
    let host = about.fqdn.as_ref().filter(|host| !host.is_empty()).or(inside)?;
    (!host.is_empty()).then(|| format!("https://{host}"))
}

fn gap(subscription: &str, trouble: &Trouble) -> Gap {
    let scope = format!("subscription {subscription}");
    let open = trouble.open(format!("AKS clusters of {scope}"), scope.as_str());
    Gap { message: format!("clusters of {scope} are not in this report"), scope, open }
}

fn nothing_listed(troubles: &[(&str, Trouble)]) -> DiscoverError {
    if let Some(detail) = all_rejected(troubles.iter().map(|(_, trouble)| trouble)) {
        return rejected(detail);
    }
    let told = troubles.iter().find(|(_, trouble)| trouble.kind != Kind::Credentials);
    let detail = told.map(|(place, trouble)| format!("subscription {place}: {}", trouble.detail));
    DiscoverError::Failed { what: "AKS clusters".to_owned(), detail: detail.unwrap_or_default() }
}

/// What Azure said, where it rejected the credentials each time.
pub(crate) fn all_rejected<'a>(mut troubles: impl Iterator<Item = &'a Trouble>) -> Option<String> {
    let first = troubles.next().filter(|trouble| trouble.kind == Kind::Credentials)?;
    troubles.all(|trouble| trouble.kind == Kind::Credentials).then(|| first.detail.clone())
}
