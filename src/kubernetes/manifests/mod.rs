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
use super::template::{Accounts, containers, next_secrets};
use pullaudit_core::{ClusterId, PodGroup, Pool, Workload};
use std::fmt;

/// What a set of manifests holds.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The workloads, in the order in which they are written.
    pub workloads: Vec<ManifestWorkload>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A workload that need not run anywhere yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestWorkload {
    /// The workload, with no cluster and no pools.
    pub workload: Workload,
    /// Its pod template, which tells the pools of any cluster that it fits.
    pub template: PodTemplate,
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

/// One object that holds a template, as it was found.
struct Found {
    origin: String,
    kind: String,
    namespace: String,
    name: String,
    template: PodTemplate,
}

/// What the documents held, before service accounts are applied.
#[derive(Default)]
struct Collected {
    found: Vec<Found>,
    accounts: Accounts,
    problems: Vec<Problem>,
}

impl Collected {
    fn finish(self) -> Manifests {
        let accounts = self.accounts;
        let workloads = self.found.into_iter().map(|found| found.workload(&accounts)).collect();
        Manifests { workloads, problems: self.problems }
    }
}

impl Found {
    fn workload(self, accounts: &Accounts) -> ManifestWorkload {
        let spec = &self.template.spec;
        let account = accounts.get(&self.namespace, spec.account()).unwrap_or_default();
        let workload = Workload {
            cluster: None,
            next: PodGroup {
                pull_secrets: next_secrets(spec, &self.namespace, accounts),
                pools: Vec::new(),
                place_unknown: None,
            },
            containers: containers(spec),
            living: Vec::new(),
            service_account: spec.account().to_owned(),
            service_account_annotations: account.annotations,
            static_pod: false,
            every_pool: self.kind == "DaemonSet",
            pods: std::collections::BTreeMap::new(),
            pods_only: false,
            origin: Some(self.origin),
            namespace: self.namespace,
            kind: self.kind,
            name: self.name,
        };
        ManifestWorkload { workload, template: self.template }
    }
}

/// Reads the documents of one text; `file` is the name that problems and origins carry.
pub fn read_text(file: &str, text: &str) -> Manifests {
    on_a_deep_stack(|| {
        let mut collected = Collected::default();
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
