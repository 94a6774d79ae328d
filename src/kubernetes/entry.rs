//! One workload while it is being put together.

use super::key::Key;
use super::roster::own_secrets;
use super::slim::{Pod, PodTemplate};
use super::status::image_states;
use super::template::{Accounts, containers, next_secrets};
use pullaudit_core::{ClusterId, Container, Open, PodGroup, PodState, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one workload.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    template: Option<PodTemplate>,
    /// What further templates and pods name beyond it: injected and ephemeral containers, older revisions.
    beyond: Vec<Container>,
    groups: BTreeMap<Vec<String>, BTreeSet<String>>,
    /// By pull secrets, why the pool of a pod that has a node is not known.
    unplaced: BTreeMap<Vec<String>, Open>,
    pods: BTreeMap<String, BTreeMap<String, PodState>>,
    /// Of the youngest pod, which tells best what the next one gets where there is no template.
    youngest: Option<Youngest>,
    fits: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Youngest {
    created: String,
    pull_secrets: Vec<String>,
    account: String,
}

/// Where a pod was seen.
pub(crate) struct Seen {
    /// The pool of its node, once it has one.
    pub(crate) pool: Option<String>,
    /// Why its pool is not known although it has a node.
    pub(crate) unplaced: Option<Open>,
    /// The pools that one like it can land on, where its template does not tell.
    pub(crate) fits: Vec<String>,
}

impl Entry {
    pub(crate) fn has_template(&self) -> bool {
        self.template.is_some()
    }

    pub(crate) fn add_template(&mut self, template: PodTemplate) {
        match &self.template {
            None => self.template = Some(template),
            Some(_) => self.add_containers(containers(&template.spec)),
        }
    }

    pub(crate) fn add_pod(&mut self, pod: &Pod, seen: Seen) {
        self.add_containers(containers(&pod.spec));
        let pull_secrets = own_secrets(pod);
        let group = self.groups.entry(pull_secrets.clone()).or_default();
        match &seen.pool {
            Some(pool) => _ = group.insert(pool.clone()),
            None => group.extend(seen.fits.iter().cloned()),
        }
        if let Some(open) = seen.unplaced {
            self.unplaced.entry(pull_secrets.clone()).or_insert(open);
        }
        if let Some(pool) = seen.pool {
            let images = self.pods.entry(pool).or_default();
            for (image, state) in image_states(pod) {
                let known = images.entry(image.to_owned()).or_default();
                *known = state.max(*known);
            }
        }
        self.fits.extend(seen.fits);
        let account = pod.spec.account().to_owned();
        let pod = Youngest { created: pod.metadata.creation_timestamp.clone(), pull_secrets, account };
        if self.youngest.as_ref().is_none_or(|known| *known < pod) {
            self.youngest = Some(pod);
        }
    }

    fn add_containers(&mut self, found: Vec<Container>) {
        for container in found {
            if !self.beyond.contains(&container) {
                self.beyond.push(container);
            }
        }
    }

    pub(crate) fn finish(
        self,
        cluster: &ClusterId,
        name: Key,
        kind: String,
        accounts: &Accounts,
        pools_of: impl Fn(&PodTemplate, &Key) -> (Vec<String>, Option<Open>),
    ) -> Workload {
        let (next, service_account) = self.next(&name, accounts, pools_of);
        let annotations = accounts.get(&name.namespace, &service_account).unwrap_or_default().annotations;
        let pods_only = self.template.is_none() && !name.group.is_empty();
        let mut named = self.template.map(|template| containers(&template.spec)).unwrap_or_default();
        for container in self.beyond {
            if !named.contains(&container) {
                named.push(container);
            }
        }
        let unplaced = self.unplaced;
        let living: Vec<PodGroup> = self
            .groups
            .into_iter()
            .filter(|(pull_secrets, _)| *pull_secrets != next.pull_secrets)
            .map(|(pull_secrets, pools)| PodGroup {
                place_unknown: unplaced.get(&pull_secrets).cloned(),
                pull_secrets,
                pools: pools.into_iter().collect(),
            })
            .collect();
        let mut pods = self.pods;
        pods.retain(|_, images| !images.is_empty());
        Workload {
            cluster: Some(cluster.clone()),
            namespace: name.namespace,
            every_pool: name.kind == "DaemonSet",
            kind,
            name: name.name,
            containers: named,
            next,
            living,
            service_account,
            service_account_annotations: annotations,
            static_pod: name.static_pod,
            pods,
            pods_only,
            origin: None,
        }
    }

    /// What the next pod gets, and the service account that it runs as.
    fn next(
        &self,
        name: &Key,
        accounts: &Accounts,
        pools_of: impl Fn(&PodTemplate, &Key) -> (Vec<String>, Option<Open>),
    ) -> (PodGroup, String) {
        if let Some(template) = &self.template {
            let pull_secrets = next_secrets(&template.spec, &name.namespace, accounts);
            let (pools, place_unknown) = pools_of(template, name);
            return (PodGroup { pull_secrets, pools, place_unknown }, template.spec.account().to_owned());
        }
        // A pod of its own, static or not, comes back nowhere else than where it is.
        let stays = name.kind == "Pod";
        let on: Vec<String> =
            self.groups.values().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let fits: Vec<String> = self.fits.iter().cloned().collect();
        let pools = if stays { on } else { fits };
        let place_unknown = self.unplaced.values().next().filter(|_| stays).cloned();
        match &self.youngest {
            Some(_) if name.static_pod => {
                (PodGroup { pull_secrets: Vec::new(), pools, place_unknown }, String::new())
            }
            Some(pod) => {
                let pull_secrets = pod.pull_secrets.clone();
                (PodGroup { pull_secrets, pools, place_unknown }, pod.account.clone())
            }
            None => (PodGroup::default(), String::new()),
        }
    }
}
