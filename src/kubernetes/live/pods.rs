//! How single pods fare with their images.

use super::connection::Client;
use super::list::{Listing, list};
use super::request::Api;
use crate::kubernetes::kinds::POD;
use crate::kubernetes::slim::Pod;
use crate::kubernetes::status::image_states;
use pullaudit_core::{Calls, PodState};
use std::collections::{BTreeMap, BTreeSet};

/// One pod, told apart from a later one of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodName {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// When it was made, as the API server writes it.
    pub created: String,
}

/// A pod with its node and how its images fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodLook {
    /// The node that it is on; empty while it waits for one.
    pub node: String,
    /// By image as written.
    pub images: BTreeMap<String, PodState>,
}

/// The living pods of these namespaces; an error says why they can't be listed.
pub async fn pods(
    client: &Client<'_>,
    calls: &Calls,
    namespaces: &BTreeSet<String>,
) -> Result<BTreeMap<PodName, PodLook>, String> {
    let mut all = BTreeMap::new();
    for namespace in namespaces {
        let listing = Listing::of(POD, Some(namespace));
        let each = |page: Vec<Pod>| all.extend(page.iter().map(|pod| (name(pod), look(pod))));
        let read = list(Api { client, calls }, listing, each).await;
        read.map_err(|cut| POD.unlisted(Some(namespace), "the cluster", cut.obstacle()).to_string())?;
    }
    Ok(all)
}

fn name(pod: &Pod) -> PodName {
    let meta = &pod.metadata;
    let (namespace, created) = (meta.namespace.clone(), meta.creation_timestamp.clone());
    PodName { namespace, name: meta.name.clone(), created }
}

fn look(pod: &Pod) -> PodLook {
    let images = image_states(pod).into_iter().map(|(image, state)| (image.to_owned(), state)).collect();
    PodLook { node: pod.spec.node_name.clone(), images }
}
