//! What a cloud offers. By side, because a node of one cloud pulls from a registry of another: the
//! cluster's cloud says which credentials are tried, the registry's cloud weighs them.

use crate::{
    Change, Claim, Cluster, ClusterRecord, CodeRow, FixPolicy, Gap, HeldBack, ImageRef, Inventory, Keyring,
    Lookalike, PermissionsOf, PodCredentials, Pool, Principal, Proposal, Question, Read, Registry, Searched,
    Section, Severity, SnapshotError, Taint, Writer,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One cloud, as the program's register holds it.
pub struct Provider {
    /// `aks`, `eks`, `gke`: the word of `--provider`.
    pub name: &'static str,
    /// Its findings.
    pub codes: &'static [CodeRow],
    /// The side that runs nodes; a plain registry has none.
    pub clusters: Option<Box<dyn Clusters>>,
    /// The side that owns images.
    pub registries: Option<Box<dyn Registries>>,
    /// The side that writes; a cloud that plans no changes has none.
    pub writer: Option<Box<dyn Writer>>,
    /// The rights that it takes to be asked and written.
    pub permissions: Option<PermissionsOf>,
    /// Whether a word, in lower case, belongs to the cloud's own language: nobody's name, so that a redacted snapshot
    /// keeps it. A GUID is one word, and so is a number.
    pub own_word: fn(&str) -> bool,
    /// How many hours a login with a registry of the cloud lasts, by its host and its user; `None` for one that does not
    /// end by itself.
    pub login_lasts: fn(&str, &str) -> Option<u16>,
}

type Wanted = dyn Fn(&str, &str) -> bool + Send + Sync;

/// Which clusters are wanted; asked before anything is read about one.
pub struct Scope {
    wanted: Box<Wanted>,
    scopes: BTreeSet<String>,
}

impl Scope {
    /// Every cluster for which `wanted(full id, short name)` is true.
    pub fn new(wanted: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self { wanted: Box::new(wanted), scopes: BTreeSet::new() }
    }

    /// Every cluster that the credentials see.
    pub fn all() -> Self {
        Self::new(|_, _| true)
    }

    /// Of them, only those of these accounts, subscriptions or projects; naming none changes nothing.
    pub fn within(mut self, scopes: impl IntoIterator<Item = String>) -> Self {
        self.scopes.extend(scopes);
        self
    }

    /// The accounts, subscriptions or projects that were named; empty where all can be wanted.
    pub fn scopes(&self) -> &BTreeSet<String> {
        &self.scopes
    }

    /// Whether clusters of this account, subscription or project can be wanted at all. No cloud tells such ids apart by
    /// the case of their letters.
    pub fn covers(&self, scope: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|wanted| wanted.eq_ignore_ascii_case(scope))
    }

    /// Whether this cluster is wanted.
    pub fn wants(&self, id: &str, name: &str) -> bool {
        (self.wanted)(id, name)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

/// A cluster with what its cloud said about it; `readings` is the provider's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovered {
    /// The cluster.
    pub cluster: Cluster,
    /// Node groups, profiles, entries: what [`Clusters::pools`] needs.
    pub readings: Section,
}

/// What listing clusters found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovery {
    /// The clusters, in the order of their ids.
    pub clusters: Vec<Discovered>,
    /// Scopes that could not be listed.
    pub gaps: Vec<Gap>,
    /// Scopes that were listed, or were tried.
    pub searched: Vec<Searched>,
}

/// How to talk to a cluster's API without a kubeconfig.
#[derive(Clone)]
pub struct ApiAccess {
    /// `https://…`
    pub server: String,
    /// The cluster's CA, PEM.
    pub ca_pem: String,
    /// A bearer token. It is never printed: [`fmt::Debug`] leaves it out.
    pub token: String,
}

impl fmt::Debug for ApiAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiAccess").field("server", &self.server).finish_non_exhaustive()
    }
}

/// An object of the cluster's API that a provider wants read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterReading {
    /// A config map, by namespace and name.
    ConfigMap(&'static str, &'static str),
    /// All objects of a custom kind; nothing where the cluster does not have it.
    Objects(CustomKind),
}

/// A custom kind without namespaces, in version `v1` of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomKind {
    /// `EC2NodeClass`
    pub name: &'static str,
    /// `karpenter.k8s.aws`
    pub group: &'static str,
    /// `ec2nodeclasses`
    pub plural: &'static str,
    /// JSON pointers of what is kept of each object; nothing else is.
    pub keep: &'static [&'static str],
}

impl CustomKind {
    /// `ec2nodeclasses.karpenter.k8s.aws`
    pub fn key(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// What was kept of an object, by JSON pointer; what it does not have is left out.
pub type Kept = BTreeMap<String, serde_json::Value>;

/// A node, cut down to what tells its pool and what fits on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints, without those that Kubernetes sets for a passing condition.
    pub taints: Vec<Taint>,
    /// `spec.providerID`.
    pub provider_id: String,
    /// Its operating system with the release: `status.nodeInfo.osImage`.
    pub os_image: String,
}

/// What was read from a cluster's API for its provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterView {
    /// The nodes.
    pub nodes: Read<Vec<NodeView>>,
    /// The data of the config maps that the provider wanted, by `namespace/name`.
    pub config_maps: BTreeMap<String, Read<BTreeMap<String, String>>>,
    /// The objects of the custom kinds that the provider wanted, by [`CustomKind::key`]. `Absent` where the cluster does
    /// not have the kind.
    pub objects: BTreeMap<String, Read<Vec<Kept>>>,
}

/// Who owns a registry host, as far as the host itself tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The provider.
    pub provider: &'static str,
    /// Account, subscription or project; `None` where the host does not tell.
    pub scope: Option<String>,
    /// Region or location; `None` where the host does not tell.
    pub location: Option<String>,
    /// The pattern by which the cloud's kubelet credential plugin answers for the host; `None` when
    /// none of its patterns covers it.
    pub plugin: Option<&'static str>,
}

/// A finding that is not a verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Notice {
    /// kebab-case name from a code table.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// The finding, in a sentence.
    pub message: String,
}

/// The side that runs nodes.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// Lists the wanted clusters with what makes up their pools. One refused reading becomes a gap or
    /// an unread row, not an error.
    async fn discover(&self, scope: &Scope) -> Result<Discovery, DiscoverError>;

    /// End point, CA and a fresh token for a cluster's API, made in process: no command line tool, no
    /// plugin binary.
    async fn access(&self, cluster: &Discovered) -> Result<ApiAccess, AccessError>;

    /// What [`Clusters::pools`] would like to see from inside a cluster.
    fn wants(&self) -> &[ClusterReading];

    /// True when the cloud's own API can't rule out pools that only the cluster's API shows.
    fn needs_view(&self, cluster: &Discovered) -> bool;

    /// Reads what the cluster's own API showed to be needed, and adds it to what was found. By default that is nothing.
    async fn complete(&self, _cluster: &mut Discovered, _view: &Read<ClusterView>) {}

    /// The pools with their identities, from all readings. Pure.
    fn pools(&self, cluster: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>);

    /// Ids that people take for an identity of the cluster when they grant a right. Pure.
    fn lookalikes(&self, _cluster: &Discovered) -> Vec<Lookalike> {
        Vec::new()
    }

    /// Findings about a cluster's own identities. Pure.
    fn notices(&self, _record: &ClusterRecord) -> Vec<Notice> {
        Vec::new()
    }

    /// The credentials that the kubelet of that pool would try for the image. Pure.
    fn keyring(&self, pool: &Pool, pod: &PodCredentials, image: &ImageRef) -> Keyring;

    /// Reads an identity as a person writes it (role or session ARN, object id, e-mail); `None` when
    /// it is not one of this cloud's. Pure.
    fn principal(&self, who: &str) -> Option<Principal>;
}

/// The side that owns images.
#[async_trait]
pub trait Registries: Send + Sync {
    /// Whether this cloud answers for the host. Pure.
    fn owner(&self, registry: &Registry) -> Option<Owner>;

    /// Reads the facts that these questions need, and no others. One refused reading is an unread row;
    /// an error means that nothing could be read.
    async fn collect(&self, questions: &[Question]) -> Result<Section, CollectError>;

    /// The same after a write: what no change of ours can alter may be taken from `before`, where it was read;
    /// all else is read anew. By default all is.
    async fn collect_again(&self, questions: &[Question], _before: &Section) -> Result<Section, CollectError> {
        self.collect(questions).await
    }

    /// Makes stored readings ready to be weighed. Pure.
    fn open(&self, section: &Section) -> Result<Box<dyn Facts>, SnapshotError>;
}

/// Facts that can be weighed. Pure: no network, no clock but `at`.
pub trait Facts: Send + Sync {
    /// What the facts say to a question, at a time; `None` when they say nothing.
    fn weigh(&self, question: &Question, at: Timestamp) -> Option<Claim>;

    /// The id that an identity of this cloud would not keep if it were made anew under the same name; `None`
    /// where such an id was not read, or the name itself would change.
    fn unique_id(&self, _identity: &str) -> Option<String> {
        None
    }

    /// Findings that are not about one question.
    fn notices(&self, at: Timestamp, inventory: &Inventory) -> Vec<Notice>;

    /// The least changes that turn these denied questions to allowed, each proved by weighing the facts as
    /// they would be. A cloud that plans none holds every question back.
    fn remedies(&self, denied: &[&Question], _at: Timestamp, _policy: FixPolicy) -> Proposal {
        let why =
            "pullaudit plans no changes for this cloud yet: explain CODE says how to do it by hand".to_owned();
        let held_back = vec![HeldBack::new((0..denied.len()).collect(), why)];
        Proposal { held_back, ..Proposal::default() }
    }

    /// Changes that take away what serves nobody any more. No verdict hangs on one. A cloud that plans none has
    /// none.
    fn leftovers(&self, _inventory: &Inventory) -> Vec<Change> {
        Vec::new()
    }

    /// Readings that are missing to tell whether something serves nobody any more: where there are some, an empty
    /// [`Facts::leftovers`] does not mean that nothing is left over. By default none is missing.
    fn leftovers_unread(&self, _inventory: &Inventory) -> Vec<Gap> {
        Vec::new()
    }

    /// The facts as they would be after these changes; `None` where this cloud plans none.
    fn after(&self, _changes: &[&Change]) -> Option<Box<dyn Facts>> {
        None
    }
}

/// Nothing could be discovered.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No usable credentials.
    #[error("no usable {cloud} credentials: {detail}\n  tried: {tried}\n  {next}")]
    Credentials {
        /// The cloud, for people.
        cloud: &'static str,
        /// What its chain said.
        detail: String,
        /// The sources of the chain, in its order.
        tried: String,
        /// What to do next.
        next: String,
    },
    /// The cloud could not be reached or answered nothing usable.
    #[error("{what}: {detail}")]
    Failed {
        /// What was asked.
        what: String,
        /// What came back.
        detail: String,
    },
    /// The program was built without cloud clients.
    #[error(
        "this pullaudit was built without its cloud clients (feature `live`): give it facts with --from SNAPSHOT"
    )]
    NotBuilt,
}

/// A cluster's API can't be talked to.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The cloud gave no end point or no token.
    #[error("{0}")]
    Failed(String),
    /// The program was built without cloud clients.
    #[error("this pullaudit was built without its cloud clients (feature `live`)")]
    NotBuilt,
}

/// No fact could be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// As for discovery.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
}
