//! One spelling for each id of a cluster, where its cloud ignores case.

use crate::{ClusterId, ClusterRecord, Snapshot, is_caseless};
use std::collections::{BTreeMap, BTreeSet};

impl Snapshot {
    /// Writes each id of a cluster as `known` writes it, else as the first of this snapshot's own clusters does. Ids of
    /// a cloud that does not ignore case stay.
    pub fn respell(&mut self, known: &[ClusterRecord]) {
        let mut spelled: BTreeMap<String, String> = BTreeMap::new();
        for record in known.iter().chain(&self.clusters) {
            let id = &record.cluster.id.0;
            if is_caseless(id) {
                spelled.entry(id.to_ascii_lowercase()).or_insert_with(|| id.clone());
            }
        }
        let spell = |id: &mut String| {
            if let Some(known) = spelled.get(&id.to_ascii_lowercase()).filter(|_| is_caseless(id)) {
                id.clone_from(known);
            }
        };
        for record in &mut self.clusters {
            spell(&mut record.cluster.id.0);
            for pool in &mut record.pools {
                spell(&mut pool.cluster.0);
            }
        }
        for ClusterId(id) in self.workloads.iter_mut().filter_map(|workload| workload.cluster.as_mut()) {
            spell(id);
        }
        for gap in &mut self.gaps {
            spell(&mut gap.scope);
        }
        let secrets = std::mem::take(&mut self.secrets);
        self.secrets = secrets
            .into_iter()
            .map(|(key, secret)| {
                // `cluster/namespace/name`, and ids hold slashes themselves.
                let mut parts: Vec<String> = key.rsplitn(3, '/').map(str::to_owned).collect();
                if let [_, _, id] = parts.as_mut_slice() {
                    spell(id);
                }
                parts.reverse();
                (parts.join("/"), secret)
            })
            .collect();
    }

    /// A cluster that the snapshot lists twice.
    pub(crate) fn twice(&self) -> Option<String> {
        let mut clusters = BTreeSet::new();
        for record in &self.clusters {
            let id = &record.cluster.id;
            let key = if is_caseless(&id.0) { id.0.to_ascii_lowercase() } else { id.0.clone() };
            if !clusters.insert(key) {
                return Some(format!("cluster {id}"));
            }
        }
        None
    }
}
