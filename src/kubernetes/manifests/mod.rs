//! Workloads from manifests: `-f FILE|DIR|-`.
//!
//! A document that can't be read costs itself and nothing else: it becomes a [`Problem`] with file, line
//! and document number, and the rest is still taken.

mod document;
mod files;
mod kinds;
mod locate;

pub use files::{ManifestError, read};

use super::fit;
use super::slim::PodTemplate;
use super::template::{Account, Accounts, containers, next_secrets};
use pullaudit_core::{ClusterId, Open, PodGroup, Pool, Workload};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a set of manifests holds.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The workloads, in the order in which they are written.
    pub workloads: Vec<ManifestWorkload>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Named inputs that hold nothing, each as a sentence.
    pub empty: Vec<String>,
}

/// A workload that need not run anywhere yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestWorkload {
    /// The workload, with no cluster and no pools.
    pub workload: Workload,
    /// Its pod template, which tells the pools of any cluster that it fits.
    pub template: PodTemplate,
    /// The object's own labels, not those of its pods.
    pub labels: BTreeMap<String, String>,
}

impl ManifestWorkload {
    /// The workload as it would be on a cluster.
    pub fn on(&self, cluster: &ClusterId, pools: &[Pool]) -> Workload {
        let mut workload = self.workload.clone();
        workload.cluster = Some(cluster.clone());
        workload.next.pools = if workload.every_pool {
            fit::daemon_candidates(&self.template, pools)
        } else {
            fit::candidates(&self.template, &workload.namespace, pools)
        };
        workload
    }
}

/// A document, or a part of one, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as it was named; `-` for standard input.
    pub file: String,
    /// Which document of the file it is, from 1; empty ones are not counted.
    pub document: usize,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (document {}): {}", self.file, self.line, self.document, self.message)
    }
}

/// The namespace of documents that name none, where the command line names none either.
pub const DEFAULT_NAMESPACE: &str = "default";

/// One object that holds a template, as it was found.
struct Found {
    origin: String,
    kind: String,
    namespace: String,
    name: String,
    template: PodTemplate,
    labels: BTreeMap<String, String>,
    /// Kind and name of what manages it.
    owner: Option<(String, String)>,
}

/// What the documents held, before service accounts are applied.
#[derive(Default)]
struct Collected {
    /// The namespace of documents that name none.
    namespace: String,
    found: Vec<Found>,
    accounts: Accounts,
    problems: Vec<Problem>,
    /// See [`Manifests::empty`].
    empty: Vec<String>,
}

impl Collected {
    fn finish(self) -> Manifests {
        let mut accounts = self.accounts;
        accounts.others_stand_elsewhere();
        let workloads = without_owned(self.found).into_iter().map(|found| found.workload(&accounts)).collect();
        Manifests { workloads, problems: self.problems, empty: self.empty }
    }
}

/// What is saved from a cluster holds each workload several times: what another object of the set manages is made from
/// that one's template. A pod into which an image was injected still tells of that.
fn without_owned(found: Vec<Found>) -> Vec<Found> {
    let key = |one: &Found| (one.namespace.clone(), one.kind.clone(), one.name.clone());
    let images = |one: &Found| -> BTreeSet<String> {
        containers(&one.template.spec).into_iter().map(|container| container.image).collect()
    };
    let of: BTreeMap<_, _> = found.iter().map(|one| (key(one), images(one))).collect();
    let owned = |one: &Found| {
        let Some((kind, name)) = one.owner.clone() else { return false };
        let owner = of.get(&(one.namespace.clone(), kind, name));
        owner.is_some_and(|known| one.kind != "Pod" || images(one).is_subset(known))
    };
    found.into_iter().filter(|one| !owned(one)).collect()
}

impl Found {
    fn workload(self, accounts: &Accounts) -> ManifestWorkload {
        let spec = &self.template.spec;
        // The kubelet made it from a file of its node's, where no service account and no secret is of use.
        let static_pod = self.kind == "Pod" && self.template.metadata.annotations.mirror();
        let account =
            if static_pod { Some(Account::default()) } else { accounts.get(&self.namespace, spec.account()) };
        let unread = account.is_none().then(|| {
            let (namespace, name) = (&self.namespace, spec.account());
            Open::undecidable(format!(
                "what service account {namespace}/{name} says of who pulls: its manifest is not among the files, and no \
                 clusters.NAME.serviceAccountIdentity: false says that it does not matter"
            ))
        });
        let workload = Workload {
            cluster: None,
            next: PodGroup {
                pull_secrets: if static_pod { Vec::new() } else { next_secrets(spec, &self.namespace, accounts) },
                pools: Vec::new(),
                place_unknown: None,
                images: Vec::new(),
            },
            containers: containers(spec),
            living: Vec::new(),
            service_account: spec.account().to_owned(),
            service_account_annotations: account.unwrap_or_default().annotations,
            service_account_unread: unread,
            static_pod,
            every_pool: self.kind == "DaemonSet",
            pods: std::collections::BTreeMap::new(),
            pods_only: false,
            origin: Some(self.origin),
            namespace: self.namespace,
            kind: self.kind,
            name: self.name,
        };
        ManifestWorkload { workload, template: self.template, labels: self.labels }
    }
}

/// Reads the documents of one text; `file` is the name that problems and origins carry.
pub fn read_text(file: &str, text: &str) -> Manifests {
    on_a_deep_stack(|| {
        let mut collected = Collected { namespace: DEFAULT_NAMESPACE.to_owned(), ..Collected::default() };
        collected.add_text(file, text, true);
        collected.finish()
    })
}

/// Nested YAML is read by recursion, some 30 KB a level in a build without optimisation; a thread's usual
/// stack is too small for the deepest documents that are taken.
fn on_a_deep_stack<T: Send>(read: impl Fn() -> T + Sync) -> T {
    let deep = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, &read).ok()?;
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    // Without a thread to be had, the stack that there is must do.
    deep.unwrap_or_else(read)
}

const DEEP_STACK: usize = 32 << 20;
