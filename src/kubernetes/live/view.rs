//! What a cluster's provider wants to see from inside it.

use super::connection::Client;
use super::list::{Cut, Listing, groups, list};
use super::request::{Api, Failure};
use crate::kubernetes::fit::lasts;
use crate::kubernetes::kinds::{CONFIG_MAP, Kind, NODE};
use crate::kubernetes::slim::{ConfigMap, Node};
use kube::api::GetParams;
use kube::core::Request;
use pullaudit_core::{
    Calls, Cluster, ClusterReading, ClusterView, CustomKind, Kept, NodeView, Obstacle, Open, Read, Taint,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads the nodes and the wanted objects. A refused reading is an unread part of the view; the whole is
/// unread only when the API server can't be talked to.
pub async fn view(
    client: &Client<'_>,
    cluster: &Cluster,
    wants: &[ClusterReading],
    calls: &Calls,
) -> Read<ClusterView> {
    let api = Api { client, calls };
    let nodes = match nodes(api, cluster).await {
        Ok(nodes) => nodes,
        Err(unreachable) => return Read::Unread(unreachable),
    };
    let mut config_maps = BTreeMap::new();
    for want in wants {
        if let ClusterReading::ConfigMap(namespace, name) = want {
            config_maps.insert(format!("{namespace}/{name}"), config_map(api, cluster, namespace, name).await);
        }
    }
    let objects = objects(api, cluster, wants).await;
    Read::Got(ClusterView { nodes, config_maps, objects })
}

/// The wanted custom objects. A server that lists its groups is asked for those only that it has.
async fn objects(api: Api<'_>, cluster: &Cluster, wants: &[ClusterReading]) -> BTreeMap<String, Read<Vec<Kept>>> {
    let kinds: Vec<&CustomKind> = wants
        .iter()
        .filter_map(|want| match want {
            ClusterReading::Objects(kind) => Some(kind),
            ClusterReading::ConfigMap(..) => None,
        })
        .collect();
    let mut objects = BTreeMap::new();
    if kinds.is_empty() {
        return objects;
    }
    let groups = groups(api).await;
    for kind in kinds {
        let served = groups.as_ref().is_none_or(|groups| groups.contains(kind.group));
        let read = if served { kept(api, cluster, kind).await } else { Read::Absent };
        objects.insert(kind.key(), read);
    }
    objects
}

async fn kept(api: Api<'_>, cluster: &Cluster, custom: &CustomKind) -> Read<Vec<Kept>> {
    let kind = Kind { name: custom.name, group: custom.group, version: "v1", plural: custom.plural };
    let listing = Listing::of(kind, None);
    let keep = |object: &Value| -> Kept {
        let found =
            custom.keep.iter().filter_map(|pointer| Some(((*pointer).to_owned(), object.pointer(pointer)?)));
        found.map(|(pointer, value)| (pointer, value.clone())).collect()
    };
    let mut objects = BTreeMap::new();
    let name =
        |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = list(api, listing, |page: Vec<Value>| {
        objects.extend(page.iter().map(|object| (name(object), keep(object))));
    })
    .await;
    match read {
        Ok(_) => Read::Got(objects.into_values().collect()),
        Err(cut) => {
            Read::Unread(Open::unread(custom.key(), kind.right("list"), cluster.name.as_str(), cut.obstacle()))
        }
    }
}

async fn nodes(api: Api<'_>, cluster: &Cluster) -> Result<Read<Vec<NodeView>>, Open> {
    let mut nodes = BTreeMap::new();
    let listing = Listing::of(NODE, None);
    let read = list(api, listing, |page: Vec<Node>| {
        nodes.extend(page.into_iter().map(|node| (node.metadata.name.clone(), reduce(node))));
    })
    .await;
    match read {
        Ok(_) => Ok(Read::Got(nodes.into_values().collect())),
        Err(Cut { failure: Failure::Unreachable(detail), pages: 0 }) => {
            let reading = "the cluster's API".to_owned();
            Err(Open::unread(
                reading,
                "reach its API server",
                cluster.name.as_str(),
                Obstacle::Failed(detail.into()),
            ))
        }
        Err(cut) => Ok(Read::Unread(NODE.unlisted(None, &cluster.name, cut.obstacle()))),
    }
}

fn reduce(node: Node) -> NodeView {
    let taints = node.spec.taints.into_iter();
    let taints = taints.map(|taint| Taint { key: taint.key, value: taint.value, effect: taint.effect });
    NodeView {
        name: node.metadata.name,
        labels: node.metadata.labels,
        taints: taints.filter(lasts).collect(),
        provider_id: node.spec.provider_id,
        os_image: node.status.node_info.os_image,
    }
}

async fn config_map(
    api: Api<'_>,
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Read<BTreeMap<String, String>> {
    let unread = |obstacle| Read::Unread(CONFIG_MAP.ungot(namespace, name, &cluster.name, obstacle));
    let path = CONFIG_MAP.path(Some(namespace));
    let request = match Request::new(path).get(name, &GetParams::default()) {
        Ok(request) => request,
        Err(error) => return unread(Obstacle::Failed(error.to_string().into())),
    };
    match api.get::<ConfigMap>(&request).await {
        Ok(map) => Read::Got(map.data),
        Err(Failure::Absent) => Read::Absent,
        Err(failure) => unread(Cut { failure, pages: 0 }.obstacle()),
    }
}
