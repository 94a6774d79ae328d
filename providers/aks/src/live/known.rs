//! What listing clusters told of who pulls, kept for the readings about rights.

use crate::cluster;
use crate::facts::{ManagedCluster, ServicePrincipal, SystemRegistry, cluster_table};
use pullaudit_core::{Discovered, Lookalike, Read};
use serde::Deserialize as _;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Of one identity that pulls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Puller {
    /// What the directory said of it, where a cluster pulls as an application.
    pub(crate) application: Option<ServicePrincipal>,
    /// Ids that are taken for it.
    pub(crate) lookalikes: Vec<Lookalike>,
    /// From where its clusters get their system images.
    pub(crate) system: Vec<SystemRegistry>,
}

/// By object id.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<BTreeMap<String, Puller>>);

impl Known {
    /// Takes in what was found of a cluster.
    pub(crate) fn note(&self, found: &Discovered) {
        let Read::Got(principal) = cluster::puller(found) else { return };
        let body = found.readings.get(cluster_table::SERVICE_PRINCIPAL, "").and_then(Read::got);
        let application = body.and_then(|body| ServicePrincipal::deserialize(body).ok());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let puller = known.entry(principal.id.to_ascii_lowercase()).or_default();
        puller.application = application.or_else(|| puller.application.take());
        puller.lookalikes.extend(cluster::lookalikes(found));
        puller.lookalikes.sort();
        puller.lookalikes.dedup();
        let system = system_registry(found).filter(|system| !puller.system.contains(system));
        puller.system.extend(system);
    }

    /// What is known of an identity.
    pub(crate) fn of(&self, object: &str) -> Puller {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(object).cloned().unwrap_or_default()
    }
}

/// Where a network-isolated cluster gets its system images.
fn system_registry(found: &Discovered) -> Option<SystemRegistry> {
    let body = found.readings.get(cluster_table::CLUSTER, "").and_then(Read::got)?;
    let bootstrap = ManagedCluster::deserialize(body).ok()?.properties.bootstrap_profile;
    let registry = bootstrap.container_registry_id.filter(|id| !id.is_empty())?.to_ascii_lowercase();
    bootstrap
        .artifact_source
        .eq_ignore_ascii_case("Cache")
        .then(|| SystemRegistry { registry, cluster: found.cluster.name.clone() })
}
