//! The clusters that the config names, and their contexts, in both directions.

use super::Config;
use anyhow::Result;
use pullaudit_core::{Cluster, ClusterId};
use std::collections::BTreeMap;

impl Config {
    /// The cluster that the config says is behind a context: its full id or its name, as written.
    pub fn cluster_behind(&self, context: &str) -> Option<&str> {
        self.clusters
            .iter()
            .find(|(_, cluster)| cluster.value.context.as_deref() == Some(context))
            .map(|(key, _)| key.as_str())
    }

    /// The context that the config names for a cluster, by its full id or its name.
    pub fn context_of(&self, cluster: &ClusterId) -> Option<&str> {
        let clusters = self.clusters.iter();
        let keyed: BTreeMap<String, &str> =
            clusters.filter_map(|(key, one)| Some((key.clone(), one.value.context.as_deref()?))).collect();
        cluster.find_in(&keyed).copied()
    }

    /// One context leads to one cluster.
    pub(super) fn check_contexts(&self) -> Result<()> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, cluster) in &self.clusters {
            let Some(context) = cluster.value.context.as_deref() else { continue };
            if let Some(other) = seen.insert(context, key) {
                let what = format!(
                    "the context {context:?} is also that of clusters.{other}: a context leads to one cluster"
                );
                return Err(self.wrong(cluster.referenced, format!("clusters.{key}.context"), what));
            }
        }
        Ok(())
    }

    /// An error where a name under `clusters` fits several of these clusters: its settings are meant for one.
    pub fn must_be_one<'a>(&self, clusters: impl IntoIterator<Item = &'a Cluster>) -> Result<()> {
        let clusters: BTreeMap<&ClusterId, &Cluster> =
            clusters.into_iter().map(|cluster| (&cluster.id, cluster)).collect();
        for (key, settings) in &self.clusters {
            let called: Vec<&str> =
                clusters.keys().filter(|id| id.is_called(key) && !id.is(key)).map(|id| id.0.as_str()).collect();
            if let [_, _, ..] = called[..] {
                let count = called.len();
                let what = format!("{count} clusters have this name: use full ids there: {}", called.join(", "));
                return Err(self.wrong(settings.referenced, format!("clusters.{key}"), what));
            }
        }
        Ok(())
    }

    /// Whether nodes pull as service accounts, by full id or name of their cluster.
    pub fn service_account_identity(&self) -> BTreeMap<String, bool> {
        let clusters = self.clusters.iter();
        clusters.filter_map(|(key, one)| Some((key.clone(), one.value.service_account_identity?))).collect()
    }
}
