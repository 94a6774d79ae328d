//! The two sides of the cloud as the program sees them; each method is a line that names where its
//! work is done.

use crate::{cluster, codes, host, permissions, weigh, words};
use async_trait::async_trait;
use pullaudit_core::{
    AccessError, ApiAccess, Calls, ClusterReading, ClusterRecord, ClusterView, Clusters, CollectError,
    DiscoverError, Discovered, Discovery, Facts, Gap, ImageRef, Keyring, Lookalike, Notice, Owner, PodCredentials,
    Pool, Principal, Provider, Question, Read, Registries, Registry, Scope, Section, SnapshotError,
};
#[cfg(feature = "live")]
use pullaudit_core::{Applied, CannotUndo, Change, Edited, Journal, OwnRight, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a user can set about Google Cloud.
#[derive(Clone, Debug)]
pub struct GkeOptions {
    /// `--project`; empty for all that the credential sees.
    pub projects: Vec<String>,
    /// Bound on one call, its retries included.
    pub timeout: Duration,
    /// Calls in flight per service.
    pub concurrency: usize,
    /// Clusters for which the config settles whether pods may pull as their own service account, by cluster
    /// id or name.
    pub service_account_identity: BTreeMap<String, bool>,
    /// Where calls are counted.
    pub calls: Arc<Calls>,
}

/// GKE and Artifact Registry.
pub struct Gke {
    options: Arc<GkeOptions>,
    #[cfg(feature = "live")]
    live: crate::live::Live,
}

impl Gke {
    /// The cloud with these options. Nothing is read or connected before the first question.
    pub fn new(options: GkeOptions) -> Self {
        let options = Arc::new(options);
        Self {
            #[cfg(feature = "live")]
            live: crate::live::Live::new(Arc::clone(&options)),
            options,
        }
    }

    /// Both sides of it for the program's register.
    pub fn provider(options: GkeOptions) -> Provider {
        let gke = Arc::new(Self::new(options));
        Provider {
            name: "gke",
            codes: codes::CODES,
            clusters: Some(Box::new(Side(Arc::clone(&gke)))),
            registries: Some(Box::new(Side(Arc::clone(&gke)))),
            #[cfg(feature = "live")]
            writer: Some(Box::new(Side(gke))),
            #[cfg(not(feature = "live"))]
            writer: None,
            permissions: Some(permissions::permissions),
            own_word: words::own_word,
            // Its tokens last as long as whoever asks for one says.
            login_lasts: |_, _| None,
        }
    }
}

/// Both sides share one set of options.
struct Side(Arc<Gke>);

#[async_trait]
impl Clusters for Side {
    #[cfg(feature = "live")]
    async fn discover(&self, scope: &Scope) -> Result<Discovery, DiscoverError> {
        self.0.live.discover(scope).await
    }
    #[cfg(not(feature = "live"))]
    async fn discover(&self, _: &Scope) -> Result<Discovery, DiscoverError> {
        Err(DiscoverError::NotBuilt)
    }

    #[cfg(feature = "live")]
    async fn access(&self, cluster: &Discovered) -> Result<ApiAccess, AccessError> {
        self.0.live.access(cluster).await
    }
    #[cfg(not(feature = "live"))]
    async fn access(&self, _: &Discovered) -> Result<ApiAccess, AccessError> {
        Err(AccessError::NotBuilt)
    }

    fn wants(&self) -> &[ClusterReading] {
        &[ClusterReading::Objects(cluster::COMPUTE_CLASSES)]
    }

    /// The cloud's own API lists every pool, those of Autopilot too.
    fn needs_view(&self, _: &Discovered) -> bool {
        false
    }

    fn pools(&self, found: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
        cluster::pools(found, view)
    }

    fn lookalikes(&self, found: &Discovered) -> Vec<Lookalike> {
        cluster::lookalikes(found)
    }

    fn notices(&self, record: &ClusterRecord) -> Vec<Notice> {
        cluster::notices(record)
    }

    fn keyring(&self, pool: &Pool, pod: &PodCredentials, image: &ImageRef) -> Keyring {
        cluster::keyring(pool, pod, image, &self.0.options.service_account_identity)
    }

    fn principal(&self, who: &str) -> Option<Principal> {
        cluster::principal(who)
    }
}

#[async_trait]
impl Registries for Side {
    fn owner(&self, registry: &Registry) -> Option<Owner> {
        host::owner(registry)
    }

    #[cfg(feature = "live")]
    async fn collect(&self, questions: &[Question]) -> Result<Section, CollectError> {
        self.0.live.collect(questions).await
    }
    #[cfg(not(feature = "live"))]
    async fn collect(&self, _: &[Question]) -> Result<Section, CollectError> {
        Err(DiscoverError::NotBuilt.into())
    }

    fn open(&self, section: &Section) -> Result<Box<dyn Facts>, SnapshotError> {
        Ok(Box::new(weigh::GkeFacts::open(section)))
    }
}

#[cfg(feature = "live")]
#[async_trait]
impl Writer for Side {
    fn vet(&self, change: &Change) -> Result<(), Edited> {
        crate::remedy::vet(change)
    }

    async fn scopes(&self, named: &[String], _: bool) -> Vec<String> {
        self.0.live.scopes(named).await
    }

    async fn preflight(&self, changes: &[&Change]) -> Vec<OwnRight> {
        self.0.live.preflight(changes).await
    }

    async fn apply(&self, change: &Change, journal: &dyn Journal) -> Applied {
        self.0.live.apply(change, journal).await
    }

    async fn undo(&self, change: &Change) -> Result<Option<Change>, CannotUndo> {
        self.0.live.undo(change).await
    }
}
