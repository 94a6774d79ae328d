//! The report: one value, many renderings. Its fields are public (CONTRACT: `pullaudit/report/1`);
//! they may grow, never change.

mod diff;
mod mark;
mod people;
mod plan;
mod text;
mod wide;

use pullaudit_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use diff::diff;
pub use people::{People, people};
pub use plan::{Around, line, plan};
pub use text::{Paint, fit, middle, number, plural};
pub use wide::wide;

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/report/1";

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `pullaudit/report/1`
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// When it was made, RFC 3339.
    pub generated_at: String,
    /// True when every scope could be read and every question has an answer.
    pub complete: bool,
    /// What keeps it from being complete.
    pub incomplete_because: Vec<Incomplete>,
    /// When reading the facts began, RFC 3339.
    #[serde(default)]
    pub facts_at: String,
    /// Scopes in which clusters were looked for.
    #[serde(default)]
    pub searched: Vec<SearchedReport>,
    /// Counts.
    pub summary: Summary,
    /// The clusters with their pools.
    pub clusters: Vec<ClusterReport>,
    /// Denied checks by cause, the worst first.
    pub incidents: Vec<Incident>,
    /// Unknown checks by what would settle them, the most settling first.
    pub unsettled: Vec<Unsettled>,
    /// Every check.
    pub checks: Vec<Check>,
    /// Images that were left out of the checks, by registry.
    #[serde(default)]
    pub skipped: Vec<SkippedReport>,
    /// Findings that are not a verdict.
    pub notices: Vec<NoticeReport>,
}

impl Report {
    /// The scopes, clusters and inputs that are missing as a whole.
    pub fn unread(&self) -> impl Iterator<Item = &Incomplete> {
        self.incomplete_because.iter().filter(|one| one.resolves.is_none())
    }
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `pullaudit`
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A scope in which clusters were looked for, whether or not it held any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SearchedReport {
    /// The cloud.
    pub provider: String,
    /// The subscription, account or project.
    pub scope: String,
    /// The regions, where a search is made region by region.
    pub regions: Vec<String>,
    /// The kubeconfig contexts that were used.
    pub contexts: Vec<String>,
}

/// Images of one registry that no check is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SkippedReport {
    /// Host of the registry.
    pub registry: String,
    /// How many distinct images.
    pub images: usize,
    /// Why they are skipped.
    pub why: String,
}

/// One thing that keeps a report from being complete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Incomplete {
    /// Where.
    pub scope: String,
    /// What was to be read.
    pub reading: String,
    /// The right that reads it; empty where no right does.
    pub permission: String,
    /// What that means.
    pub message: String,
    /// How many unknown checks it would resolve; absent for a scope, a cluster or an input that is missing as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves: Option<usize>,
}

/// Counts. `allowed`, `denied` and `unknown` count checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Checks allowed.
    pub allowed: usize,
    /// Checks denied.
    pub denied: usize,
    /// Checks unknown.
    pub unknown: usize,
    /// Of the unknown, those on registries outside every scope.
    pub foreign: usize,
    /// Denied and unknown checks that an exception of the config covers; they are counted in `denied` or `unknown`
    /// as well.
    pub excepted: usize,
    /// Workloads seen.
    pub workloads: usize,
    /// Distinct images seen, those on unowned registries included.
    pub images: usize,
    /// Clusters seen.
    pub clusters: usize,
    /// Pools seen.
    pub pools: usize,
    /// Distinct questions.
    pub questions: usize,
    /// Distinct questions whose answer is denied, without the excepted ones.
    pub questions_denied: usize,
    /// Distinct questions whose answer is unknown, without the excepted ones.
    pub questions_unknown: usize,
    /// Distinct questions of which an exception covers every check.
    #[serde(default)]
    pub questions_excepted: usize,
    /// Calls to each service, retries not counted.
    pub api_calls: BTreeMap<String, u64>,
}

/// A cluster in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterReport {
    /// The cloud's full id.
    pub id: String,
    /// The provider.
    pub provider: String,
    /// The short name.
    pub name: String,
    /// Region or zone.
    pub location: String,
    /// Account, subscription or project.
    pub scope: String,
    /// Whether its API answered.
    pub reachable: bool,
    /// The kubeconfig context by which its API was read; `null` where none led there.
    #[serde(default)]
    pub context: Option<String>,
    /// Its pools.
    pub pools: Vec<PoolReport>,
}

/// A pool in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolReport {
    /// Its name.
    pub name: String,
    /// Who pulls; `null` where that is not known or nobody does.
    pub identity: Option<Identity>,
}

/// An identity in a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// `kubelet`, `nodeRole`, `podExecutionRole`, `nodeServiceAccount`, `serviceAccountRole`, `pullSecret`,
    /// `anonymous`.
    pub kind: String,
    /// Role ARN, object id, e-mail, secret name.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Denied checks with one cause, one identity, one registry, one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The finding.
    pub code: String,
    /// The worst of its checks.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Full id of the cluster; `null` for questions about an identity alone.
    pub cluster: Option<String>,
    /// Its pools that are hit.
    pub pools: Vec<String>,
    /// Who is refused.
    pub identity: Option<Identity>,
    /// Where.
    pub registry: Option<String>,
    /// Ids of its checks.
    pub checks: Vec<String>,
    /// The cause, in a sentence.
    pub why: String,
    /// What breaks, and when.
    pub breaks: String,
    /// What to run or read next.
    pub fix: String,
    /// True when one of its checks at least is new. Without a baseline it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
    /// Why its checks do not count, where exceptions of the config cover them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// Unknown checks that the same readings would settle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsettled {
    /// The finding.
    pub code: String,
    /// The worst of its checks.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Full ids of the clusters.
    pub clusters: Vec<String>,
    /// What would settle them, one line each: `grant ecr:GetRepositoryPolicy in 222233334444`.
    pub needs: Vec<String>,
    /// Ids of its checks.
    pub checks: Vec<String>,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Stable: `UUIDv5` of cluster, pool, normalised image and attempts.
    pub id: String,
    /// The cluster's provider; the identity's where there is no cluster.
    pub provider: String,
    /// The provider that owns the registry.
    pub registry_provider: Option<String>,
    /// Full id of the cluster.
    pub cluster: Option<String>,
    /// The pool.
    pub pool: Option<String>,
    /// The attempt that decides.
    pub identity: Option<Identity>,
    /// The reference as written.
    pub image: String,
    /// Normalised host.
    pub registry: Option<String>,
    /// Normalised repository.
    pub repository: Option<String>,
    /// Tag, `latest` where neither tag nor digest was written.
    pub tag: Option<String>,
    /// Digest.
    pub digest: Option<String>,
    /// `allowed`, `denied` or `unknown`.
    pub verdict: VerdictWord,
    /// The finding.
    pub code: String,
    /// How much it matters.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// The verdict in a sentence.
    pub message: String,
    /// The evidence.
    pub because: Vec<Because>,
    /// What is missing, when unknown.
    pub needing: Vec<Needing>,
    /// Guard rails that could not be read and are taken not to deny, when allowed.
    pub assuming: Vec<Needing>,
    /// Each credential in the kubelet's order with its own verdict; empty when there is one.
    pub attempts: Vec<AttemptReport>,
    /// Who needs it.
    pub workloads: Vec<WorkloadReport>,
    /// How its pods fare.
    pub state: State,
    /// Why it does not count, where an exception of the config covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// For a denied check: true when the baseline does not know it as denied. Without a baseline it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
}

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictWord {
    /// Nothing that was read refuses.
    Allowed,
    /// Something refuses.
    Denied,
    /// It can't be known from what was read.
    Unknown,
}

impl VerdictWord {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }
}

/// How the pods of a check fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A pod waits for this image on this pool now.
    Failing,
    /// Pods run on an earlier pull, and the next one is refused.
    FailsOnNextPull,
    /// Pods run.
    Running,
    /// No pod of it runs on this pool.
    NotRunning,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    /// `allow` or `deny`.
    pub effect: String,
    /// The finding.
    pub code: String,
    /// Where it stands.
    pub source: String,
    /// What it says.
    pub detail: String,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Needing {
    /// A reading.
    Reading {
        /// What was to be read.
        reading: String,
        /// The right that reads it.
        permission: String,
        /// Where that right is needed.
        scope: String,
        /// Why it is missing: `refused`, `not read`, or what failed.
        obstacle: String,
    },
    /// Nothing of ours settles it.
    Undecidable {
        /// What can't be decided.
        undecidable: String,
    },
}

/// One credential and what it would meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptReport {
    /// Who; `null` where the identity could not be read.
    pub identity: Option<Identity>,
    /// Its own verdict.
    pub verdict: VerdictWord,
}

/// A workload in a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadReport {
    /// Namespace.
    pub namespace: String,
    /// Kind of the top owner.
    pub kind: String,
    /// Name of the top owner.
    pub name: String,
    /// Containers that name the image.
    pub containers: Vec<String>,
    /// Names of the pull secrets.
    pub pull_secrets: Vec<String>,
    /// How its own pods fare.
    pub state: State,
    /// Where it was written, for manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// A finding that is not a verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NoticeReport {
    /// The finding.
    pub code: String,
    /// How much it matters.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// The finding, in a sentence.
    pub message: String,
    /// How many images it is about, where it is about images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
}
