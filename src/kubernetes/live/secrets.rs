//! Pull secrets, by name and only when they are asked for.

use super::connection::Client;
use super::list::{Cut, is_name};
use super::request::{Api, Failure};
use crate::kubernetes::kinds::SECRET;
use crate::kubernetes::template::account_unread;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::api::GetParams;
use kube::core::Request;
use pullaudit_core::{Calls, Cluster, LoginLasts, PullSecret, Read, Workload};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A secret, until it is reduced. It can't be printed.
#[derive(Deserialize)]
struct Secret {
    #[serde(default)]
    metadata: Metadata,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    data: Option<BTreeMap<String, ByteString>>,
}

/// When it was written, and nothing of by whom.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    managed_fields: Vec<Managed>,
}

#[derive(Deserialize)]
struct Managed {
    #[serde(default)]
    time: Option<Timestamp>,
}

/// Reads each pull secret that the workloads name, once and by its name; secrets are never listed. Only
/// hosts and defects outlive the reading. The keys are `CLUSTER/NAMESPACE/NAME`.
pub async fn secrets(
    client: &Client<'_>,
    cluster: &Cluster,
    workloads: &[Workload],
    calls: &Calls,
    concurrency: usize,
    lasts: &LoginLasts<'_>,
) -> BTreeMap<String, Read<PullSecret>> {
    let api = Api { client, calls };
    let reading = named(workloads).into_iter().map(|(namespace, name)| async move {
        (format!("{}/{namespace}/{name}", cluster.id), secret(api, cluster, (namespace, name), lasts).await)
    });
    futures_util::stream::iter(reading).buffer_unordered(concurrency.max(1)).collect().await
}

fn named<'a>(workloads: &'a [Workload]) -> BTreeSet<(&'a str, &'a str)> {
    let names = |workload: &'a Workload| {
        let lists = std::iter::once(&workload.next).chain(&workload.living);
        lists.flat_map(|group| &group.pull_secrets).map(|name| (workload.namespace.as_str(), name.as_str()))
    };
    workloads.iter().flat_map(names).filter(|(_, name)| account_unread(name).is_none()).collect()
}

async fn secret(
    api: Api<'_>,
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    lasts: &LoginLasts<'_>,
) -> Read<PullSecret> {
    let unread = |failure| {
        let cut = Cut { failure, pages: 0 };
        Read::Unread(SECRET.ungot(namespace, name, &cluster.name, cut.obstacle()))
    };
    if !is_name(name) || !is_name(namespace) {
        // The kubelet finds no secret of such a name either.
        return Read::Absent;
    }
    let request = match Request::new(SECRET.path(Some(namespace))).get(name, &GetParams::default()) {
        Ok(request) => request,
        Err(error) => return unread(Failure::Other(error.to_string())),
    };
    match api.get::<Secret>(&request).await {
        Ok(secret) => {
            let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
            let written = secret.metadata.managed_fields.iter().filter_map(|managed| managed.time).max();
            Read::Got(PullSecret { written, ..PullSecret::parse(&secret.kind, &data, lasts) })
        }
        Err(Failure::Absent) => Read::Absent,
        Err(failure) => unread(failure),
    }
}
