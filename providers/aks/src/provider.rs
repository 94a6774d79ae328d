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

/// Which Azure: each has directories, end points and registries of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AzureCloud {
    /// `AzureCloud`.
    #[default]
    Public,
    /// `AzureChinaCloud`.
    China,
    /// `AzureUSGovernment`.
    UsGovernment,
}

/// What a user can set about Azure.
#[derive(Clone, Debug)]
pub struct AksOptions {
    /// `--subscription`; empty for all that the credential sees.
    pub subscriptions: Vec<String>,
    /// `--azure-cloud`.
    pub cloud: AzureCloud,
    /// Bound on one call, its retries included.
    pub timeout: Duration,
    /// Calls in flight per service.
    pub concurrency: usize,
    /// Clusters for which the config settles whether service account identities are configured, by
    /// cluster id or name.
    pub service_account_identity: BTreeMap<String, bool>,
    /// Whether the tenant is set up with a private link for Resource Manager.
    pub arm_private_link: bool,
    /// Where calls are counted.
    pub calls: Arc<Calls>,
}

/// AKS and ACR.
pub struct Aks {
    options: Arc<AksOptions>,
    #[cfg(feature = "live")]
    live: crate::live::Live,
}

impl Aks {
    /// The cloud with these options. Nothing is read or connected before the first question.
    pub fn new(options: AksOptions) -> Self {
        let options = Arc::new(options);
        Self {
            #[cfg(feature = "live")]
            live: crate::live::Live::new(Arc::clone(&options)),
            options,
        }
    }

    /// Both sides of it for the program's register.
    pub fn provider(options: AksOptions) -> Provider {
        let aks = Arc::new(Self::new(options));
        Provider {
            name: "aks",
            codes: codes::CODES,
            clusters: Some(Box::new(Side(Arc::clone(&aks)))),
            registries: Some(Box::new(Side(Arc::clone(&aks)))),
            #[cfg(feature = "live")]
            writer: Some(Box::new(Side(aks))),
            #[cfg(not(feature = "live"))]
            writer: None,
            permissions: Some(permissions::permissions),
            own_word: words::own_word,
            login_lasts: host::login_lasts,
        }
    }
}

/// Both sides share one set of clients, and so one cache and one count.
struct Side(Arc<Aks>);

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
        &[]
    }

    /// The cloud's own API lists every pool; only nodes that Karpenter makes have pools of their own, and
    /// those pull as the same identity.
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
        Ok(Box::new(weigh::AksFacts::of_tenant(section, self.0.options.arm_private_link)?))
    }
}

#[cfg(feature = "live")]
#[async_trait]
impl Writer for Side {
    fn vet(&self, change: &Change) -> Result<(), Edited> {
        crate::remedy::vet(change)
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
