//! One workload while it is being put together.

use super::key::Key;
use super::roster::own_secrets;
use super::slim::{Pod, PodTemplate};
use super::status::image_states;
use super::template::{Accounts, containers, next_secrets};
use pullaudit_core::{ClusterId, Container, Obstacle, Open, PodGroup, PodState, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one workload.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    template: Option<PodTemplate>,
    /// What further templates and pods name beyond it: injected and ephemeral containers, older revisions.
    beyond: Vec<Container>,
    /// By pull secrets.
    groups: BTreeMap<Vec<String>, Living>,
    /// By pull secrets, why the pool of a pod that has a node is not known.
    unplaced: BTreeMap<Vec<String>, Open>,
    pods: BTreeMap<String, BTreeMap<String, PodState>>,
    /// Of the youngest pod, which tells best what the next one gets where there is no template.
    youngest: Option<Youngest>,
    fits: BTreeSet<String>,
}

/// Pods that live and share their pull secrets.
#[derive(Debug, Default)]
struct Living {
    /// Where they are, or can land.
    pools: BTreeSet<String>,
    /// What they pull.
    images: BTreeSet<String>,
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
        if self.template.is_none() {
            self.template = Some(template);
            return;
        }
        self.add_containers(containers(&template.spec));
    }

    pub(crate) fn add_pod(&mut self, pod: &Pod, seen: Seen) {
        let named = containers(&pod.spec);
        let pull_secrets = own_secrets(pod);
        let group = self.groups.entry(pull_secrets.clone()).or_default();
        group.images.extend(named.iter().map(|container| container.image.clone()));
        match &seen.pool {
            Some(pool) => _ = group.pools.insert(pool.clone()),
            None => group.pools.extend(seen.fits.iter().cloned()),
        }
        self.add_containers(named);
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
        let account = accounts.get(&name.namespace, &service_account);
        let lost = account.is_none() && !name.static_pod && !service_account.is_empty();
        let unread = lost.then(|| account_open(&name.namespace, &service_account, cluster));
        let pods_only = self.template.is_none() && !name.group.is_empty();
        let mut named = self.template.map(|template| containers(&template.spec)).unwrap_or_default();
        for container in self.beyond {
            if !named.contains(&container) {
                named.push(container);
            }
        }
        let all = named.iter().map(|container| &container.image).collect::<BTreeSet<_>>().len();
        let living = living(self.groups, &self.unplaced, &next, all);
        let mut pods = self.pods;
        pods.retain(|_, images| !images.is_empty());
        Workload {
            cluster: Some(cluster.clone()),
            every_pool: name.kind == "DaemonSet",
            kind,
            namespace: name.namespace,
            name: name.name,
            containers: named,
            next,
            living,
            service_account_annotations: account.unwrap_or_default().annotations,
            service_account_unread: unread,
            service_account,
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
            return (
                PodGroup { pull_secrets, pools, place_unknown, images: Vec::new() },
                template.spec.account().to_owned(),
            );
        }
        // A pod of its own, static or not, comes back nowhere else than where it is.
        let stays = name.kind == "Pod";
        let on: Vec<String> = self
            .groups
            .values()
            .flat_map(|group| group.pools.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let fits: Vec<String> = self.fits.iter().cloned().collect();
        let pools = if stays { on } else { fits };
        let place_unknown = self.unplaced.values().next().filter(|_| stays).cloned();
        match &self.youngest {
            Some(_) if name.static_pod => {
                (PodGroup { pools, place_unknown, ..PodGroup::default() }, String::new())
            }
            Some(pod) => {
                let pull_secrets = pod.pull_secrets.clone();
                (PodGroup { pull_secrets, pools, place_unknown, images: Vec::new() }, pod.account.clone())
            }
            None => (PodGroup::default(), String::new()),
        }
    }
}

/// The groups of living pods that pull otherwise than the next one, each with its own of `all` images: with other secrets,
/// or where the next one can't land. Which of the images the next one has is not told by those: a webhook may give it
/// what they have.
fn living(
    groups: BTreeMap<Vec<String>, Living>,
    unplaced: &BTreeMap<Vec<String>, Open>,
    next: &PodGroup,
    all: usize,
) -> Vec<PodGroup> {
    let mut living = Vec::new();
    for (pull_secrets, Living { mut pools, images }) in groups {
        let place_unknown = unplaced.get(&pull_secrets).cloned();
        if pull_secrets == next.pull_secrets {
            let elsewhere = |pool: &String| !next.pools.contains(pool);
            if !pools.iter().any(elsewhere) {
                continue;
            }
            // Where nobody knows on which one they are, all of them count.
            if place_unknown.is_none() {
                pools.retain(elsewhere);
            }
        }
        living.push(PodGroup {
            place_unknown,
            pull_secrets,
            pools: pools.into_iter().collect(),
            images: if images.len() == all { Vec::new() } else { images.into_iter().collect() },
        });
    }
    living
}

/// What would tell what a service account says of pulls.
fn account_open(namespace: &str, name: &str, cluster: &ClusterId) -> Open {
    let reading = format!("annotations of service account {namespace}/{name}");
    Open::unread(reading, "list serviceaccounts", cluster.to_string(), Obstacle::Refused)
}
