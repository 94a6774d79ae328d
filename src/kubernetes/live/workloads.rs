//! Reading the workloads of a cluster.

use super::connection::Client;
use super::customs::{Custom, Customs, DEFINITIONS, Missed, customs};
use super::list::{Cut, Listed, Listing, is_name, list};
use super::request::{Api, Failure};
use crate::kubernetes::key::Named;
use crate::kubernetes::kinds::{BETWEEN, DEFINITION, Kind, POD, REPLICA_SET, SERVICE_ACCOUNT, TOPS};
use crate::kubernetes::roster::Roster;
use crate::kubernetes::selector::LabelSelector;
use crate::kubernetes::slim::{Meta, Object, Pod, ServiceAccount};
use crate::kubernetes::template::account_unread;
use futures_util::StreamExt as _;
use kube::api::GetParams;
use kube::core::Request;
use pullaudit_core::{Calls, Cluster, Gap, NodeView, Open, Pool, PullSecret, Read, Workload};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Pods that ended need no image any more.
const LIVING: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Which workloads are wanted.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Of these namespaces; none mean all.
    pub namespaces: Vec<String>,
    /// Whose own labels match: those of a `Deployment`, not those of its pods. A pod without an owner, or
    /// with one that can't be listed, is chosen by its labels.
    pub labels: Option<LabelSelector>,
}

/// What was read of a cluster's workloads.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The workloads, by namespace, kind and name.
    pub workloads: Vec<Workload>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Stand-ins for pull secrets that a service account may give and that could not be looked up, by
    /// `CLUSTER/NAMESPACE/NAME` as a snapshot keeps them.
    pub secrets: BTreeMap<String, Read<PullSecret>>,
    /// Kinds whose pages are not of one moment.
    pub inconsistent: Vec<String>,
}

/// Any object, for its owners.
#[derive(Deserialize)]
pub(super) struct Owned {
    #[serde(default)]
    pub(super) metadata: Meta,
}

/// One list that came in.
enum Batch {
    Definitions(BTreeMap<Named, Custom>),
    Accounts(Vec<ServiceAccount>),
    Owners(Vec<Owned>),
    Objects(Vec<Object>),
}

/// A list as it came, with how it ended.
type Came<'a> = (Wanted<'a>, (Batch, Result<Listed, Cut>));

impl Batch {
    fn metas(&self) -> Box<dyn Iterator<Item = &Meta> + '_> {
        match self {
            Self::Definitions(_) | Self::Accounts(_) => Box::new(std::iter::empty()),
            Self::Owners(owned) => Box::new(owned.iter().map(|one| &one.metadata)),
            Self::Objects(objects) => Box::new(objects.iter().map(|one| &one.metadata)),
        }
    }
}

/// The definitions of custom kinds among what came; `None` where they could not be listed to the end.
fn defined(batches: &mut [Came<'_>]) -> Option<BTreeMap<Named, Custom>> {
    batches.iter_mut().find_map(|(_, (batch, read))| match batch {
        Batch::Definitions(defined) => read.is_ok().then(|| std::mem::take(defined)),
        Batch::Accounts(_) | Batch::Owners(_) | Batch::Objects(_) => None,
    })
}

/// A list that is to be read before the pods.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    kind: Kind<'a>,
    namespace: Option<&'a str>,
}

/// Reads every workload, each once. A kind that may not be listed is a gap; the others are still read.
/// `nodes` and `pools` tell where pods run and where templates fit.
pub async fn workloads(
    client: &Client<'_>,
    cluster: &Cluster,
    pools: &[Pool],
    nodes: &Read<Vec<NodeView>>,
    select: &Select,
    calls: &Calls,
    concurrency: usize,
) -> Observed {
    let reader = Reader { api: Api { client, calls }, cluster, select, concurrency: concurrency.max(1) };
    let mut observed = Observed::default();
    let mut roster = Roster::new(&cluster.id, pools, nodes, select.labels.clone());
    let mut batches = reader.batches().await;
    let mut customs = reader.customs(defined(&mut batches));
    for (wanted, (batch, _)) in &batches {
        batch.metas().for_each(|meta| roster.saw(wanted.kind.name, meta));
    }
    customs.read(&mut roster).await;
    let loose = reader.add_templates(&mut roster, &mut observed, batches);
    reader.read_loose(&mut roster, &mut observed, loose).await;
    for namespace in reader.namespaces() {
        let listing = Listing { fields: Some(LIVING), ..Listing::of(POD, namespace) };
        let each = |page: Vec<Pod>| page.iter().for_each(|pod| roster.add_pod(pod));
        let read = list(reader.api, listing, each).await;
        reader.note(&mut observed, Wanted { kind: POD, namespace }, read);
    }
    // Kinds that own nothing but pods are known only now.
    customs.read(&mut roster).await;
    reader.note_customs(&mut observed, &roster, customs);
    observed.workloads = roster.finish();
    reader.stand_in(&mut observed);
    observed.gaps.sort();
    observed
}

struct Reader<'a> {
    api: Api<'a>,
    cluster: &'a Cluster,
    select: &'a Select,
    concurrency: usize,
}

impl Reader<'_> {
    fn namespaces(&self) -> Vec<Option<&str>> {
        let unique: BTreeSet<&str> = self.select.namespaces.iter().map(String::as_str).collect();
        if unique.is_empty() { vec![None] } else { unique.into_iter().map(Some).collect() }
    }

    /// Everything of the API server's own kinds that must be known before pods are: what they inherit, their owners,
    /// their templates.
    async fn batches(&self) -> Vec<Came<'_>> {
        let kinds = [SERVICE_ACCOUNT, REPLICA_SET].into_iter().chain(BETWEEN).chain(TOPS);
        let namespaces = self.namespaces();
        let definitions = Wanted { kind: DEFINITION, namespace: None };
        let wanted = kinds.flat_map(|kind| namespaces.iter().map(move |&namespace| Wanted { kind, namespace }));
        let reading = std::iter::once(definitions).chain(wanted);
        let reading = reading.map(|wanted| async move { (wanted, self.batch(wanted).await) });
        futures_util::stream::iter(reading).buffered(self.concurrency).collect().await
    }

    /// Returns the replica sets that nothing owns, which are workloads themselves.
    fn add_templates(
        &self,
        roster: &mut Roster<'_>,
        observed: &mut Observed,
        batches: Vec<Came<'_>>,
    ) -> Vec<Meta> {
        let cut: BTreeSet<&str> =
            batches.iter().filter(|(_, (_, read))| read.is_err()).map(|(wanted, _)| wanted.kind.name).collect();
        let mut loose = Vec::new();
        for (wanted, (batch, read)) in batches {
            match batch {
                Batch::Definitions(_) => {}
                Batch::Accounts(accounts) => {
                    for account in accounts {
                        let namespace = account.metadata.namespace.clone();
                        roster.accounts().add(&namespace, account);
                    }
                    if read.is_err() {
                        roster.accounts().not_all_read();
                    }
                }
                Batch::Owners(owned) => {
                    for Owned { metadata } in owned {
                        roster.add_owner(wanted.kind.name, &metadata);
                        loose.extend(metadata.controller().is_none().then_some(metadata));
                    }
                }
                Batch::Objects(objects) => {
                    for object in objects {
                        roster.add_object(wanted.kind.name, object);
                    }
                }
            }
            if !cut.contains(wanted.kind.name) {
                roster.listed(wanted.kind.name);
            }
            self.note(observed, wanted, read);
        }
        loose
    }

    fn customs(&self, defined: Option<BTreeMap<Named, Custom>>) -> Customs<'_> {
        Customs {
            api: self.api,
            namespaces: self.namespaces(),
            labels: self.select.labels.as_ref().map(ToString::to_string),
            concurrency: self.concurrency,
            defined,
            discovered: BTreeMap::new(),
            done: BTreeSet::new(),
            missed: Vec::new(),
            inconsistent: Vec::new(),
        }
    }

    /// Notes the custom kinds that could not be read: those that hold a template, or may and own what is made from it.
    fn note_customs(&self, observed: &mut Observed, roster: &Roster<'_>, customs: Customs<'_>) {
        let told = |missed: &Missed| missed.custom.is_known() || roster.owns_alone(&missed.custom.named);
        for Missed { custom, namespace, cut } in customs.missed.into_iter().filter(told) {
            self.note(observed, Wanted { kind: custom.kind(), namespace: namespace.as_deref() }, Err(cut));
        }
        observed.inconsistent.extend(customs.inconsistent);
    }

    async fn batch(&self, wanted: Wanted<'_>) -> (Batch, Result<Listed, Cut>) {
        let Wanted { kind, namespace } = wanted;
        // The owner walk needs every object between, selected or not.
        let top = TOPS.contains(&kind);
        let labels = self.select.labels.as_ref().filter(|_| top).map(ToString::to_string);
        let listing =
            Listing { labels: labels.as_deref(), slim: kind == REPLICA_SET, ..Listing::of(kind, namespace) };
        if kind == DEFINITION {
            let mut all = BTreeMap::new();
            let listing = Listing { page: DEFINITIONS, ..listing };
            let read = list(self.api, listing, |page| all.extend(customs(page))).await;
            (Batch::Definitions(all), read)
        } else if kind == SERVICE_ACCOUNT {
            let mut all = Vec::new();
            let read = list(self.api, listing, |page| all.extend(page)).await;
            (Batch::Accounts(all), read)
        } else if kind == REPLICA_SET {
            let mut all = Vec::new();
            let read = list(self.api, listing, |page| all.extend(page)).await;
            (Batch::Owners(all), read)
        } else {
            let mut all = Vec::new();
            let read = list(self.api, listing, |page| all.extend(page)).await;
            (Batch::Objects(all), read)
        }
    }

    /// The bodies of replica sets without an owner: few, among ten times as many that have one.
    async fn read_loose(&self, roster: &mut Roster<'_>, observed: &mut Observed, loose: Vec<Meta>) {
        let labels = self.select.labels.as_ref();
        let wanted = loose.into_iter().filter(|meta| labels.is_none_or(|labels| labels.matches(&meta.labels)));
        let reading = wanted.map(|meta| async move { (self.body(&meta).await, meta) });
        let bodies: Vec<_> = futures_util::stream::iter(reading).buffered(self.concurrency).collect().await;
        for (body, meta) in bodies {
            match body {
                Ok(object) => roster.add_object(REPLICA_SET.name, object),
                Err(Failure::Absent) => {}
                Err(failure) => {
                    let obstacle = Cut { failure, pages: 0 }.obstacle();
                    let open = REPLICA_SET.ungot(&meta.namespace, &meta.name, &self.cluster.name, obstacle);
                    let message = format!("replicaset {}/{} is known by its pods only", meta.namespace, meta.name);
                    observed.gaps.push(Gap { scope: self.cluster.id.to_string(), open, message });
                }
            }
        }
    }

    async fn body(&self, meta: &Meta) -> Result<Object, Failure> {
        if !is_name(&meta.namespace) {
            return Err(Failure::Absent);
        }
        let request = Request::new(REPLICA_SET.path(Some(&meta.namespace)));
        let request = request.get(&meta.name, &GetParams::default());
        self.api.get(&request.map_err(|error| Failure::Other(error.to_string()))?).await
    }

    fn note(&self, observed: &mut Observed, wanted: Wanted<'_>, read: Result<Listed, Cut>) {
        match read {
            Ok(listed) => observed.inconsistent.extend(listed.inconsistent.then(|| wanted.kind.name.to_owned())),
            Err(cut) => {
                let open = wanted.kind.unlisted(wanted.namespace, &self.cluster.name, cut.obstacle());
                let message = consequence(wanted.kind, cut.pages > 0);
                observed.gaps.push(Gap { scope: self.cluster.id.to_string(), open, message });
            }
        }
    }

    /// Gives every stand-in for unread service accounts its reason, as an unread secret has one.
    fn stand_in(&self, observed: &mut Observed) {
        let lists = SERVICE_ACCOUNT.plural;
        let obstacle = observed.gaps.iter().find_map(|gap| match &gap.open {
            Open::Unread { reading, obstacle, .. } if reading.starts_with(lists) => Some(obstacle.clone()),
            _ => None,
        });
        let Some(obstacle) = obstacle else { return };
        for workload in &mut observed.workloads {
            if let Some(Open::Unread { reading, permission, scope, .. }) = &workload.service_account_unread {
                let open = Open::unread(reading.clone(), permission.clone(), scope.clone(), obstacle.clone());
                workload.service_account_unread = Some(open);
            }
            for name in &workload.next.pull_secrets {
                let Some(account) = account_unread(name) else { continue };
                let reading = format!("pull secrets of service account {}/{account}", workload.namespace);
                let right = SERVICE_ACCOUNT.right("list");
                let open = Open::unread(reading, right, self.cluster.name.as_str(), obstacle.clone());
                let key = format!("{}/{}/{name}", self.cluster.id, workload.namespace);
                observed.secrets.insert(key, Read::Unread(open));
            }
        }
    }
}

/// What a report lacks when a kind could not be listed.
fn consequence(kind: Kind<'_>, in_part: bool) -> String {
    let some = if in_part { "some " } else { "" };
    match kind.name {
        "CustomResourceDefinition" => {
            "custom kinds that hold a pod template and own nothing now are missing".to_owned()
        }
        "Pod" => format!("{some}pods without an owner, ephemeral containers and the state of pods are missing"),
        "ServiceAccount" => "pull secrets that pods inherit from their service account are not known".to_owned(),
        "ReplicaSet" => {
            format!("{some}pods stand under their replicaset, and replicasets without a pod are missing")
        }
        _ => format!("{some}{} without a pod are missing, the others are known by their pods only", kind.plural),
    }
}
