//! The two sides of the cloud as the program sees them; each method is a line that names where its
//! work is done.

use crate::{cluster, codes, host, permissions, weigh, words};
use async_trait::async_trait;
use pullaudit_core::{
    AccessError, ApiAccess, Calls, ClusterReading, ClusterRecord, ClusterView, Clusters, CollectError,
    DiscoverError, Discovered, Discovery, Facts, Gap, ImageRef, Keyring, Notice, Owner, PodCredentials, Pool,
    Principal, Provider, Question, Read, Registries, Registry, Scope, Section, SnapshotError,
};
#[cfg(feature = "live")]
use pullaudit_core::{Applied, CannotUndo, Change, Edited, Journal, OwnRight, Writer};
use std::sync::Arc;
use std::time::Duration;

/// An account that may be read, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountScope {
    /// 12 digits.
    pub id: String,
    /// ARN of the role to assume for it; `None` when a profile or the default credentials belong to it.
    pub role: Option<String>,
}

/// What a user can set about AWS.
#[derive(Clone, Debug)]
pub struct EksOptions {
    /// `--profile`, each the credentials of one account; empty for the default chain.
    pub profiles: Vec<String>,
    /// `--region`; empty for the region of the environment or profile.
    pub regions: Vec<String>,
    /// Looks for clusters in every enabled region of each account, where `regions` names none.
    pub all_regions: bool,
    /// `--account` and `scopes.accounts` of the config.
    pub accounts: Vec<AccountScope>,
    /// Bound on one call, its retries included.
    pub timeout: Duration,
    /// Calls in flight per service.
    pub concurrency: usize,
    /// Clusters for which the config settles whether service account identities are configured, by
    /// cluster id or name.
    pub service_account_identity: std::collections::BTreeMap<String, bool>,
    /// Where calls are counted.
    pub calls: Arc<Calls>,
}

/// EKS and ECR.
pub struct Eks {
    options: Arc<EksOptions>,
    #[cfg(feature = "live")]
    live: crate::live::Live,
}

impl Eks {
    /// The cloud with these options. Nothing is read or connected before the first question.
    pub fn new(options: EksOptions) -> Self {
        let options = Arc::new(options);
        Self {
            #[cfg(feature = "live")]
            live: crate::live::Live::new(Arc::clone(&options)),
            options,
        }
    }

    /// Both sides of it for the program's register.
    pub fn provider(options: EksOptions) -> Provider {
        let eks = Arc::new(Self::new(options));
        Provider {
            name: "eks",
            codes: codes::CODES,
            clusters: Some(Box::new(Side(Arc::clone(&eks)))),
            registries: Some(Box::new(Side(Arc::clone(&eks)))),
            #[cfg(feature = "live")]
            writer: Some(Box::new(Side(Arc::clone(&eks)))),
            #[cfg(not(feature = "live"))]
            writer: None,
            permissions: Some(permissions::permissions),
            own_word: words::own_word,
            login_lasts: host::login_lasts,
        }
    }
}

/// Both sides share one set of clients, and so one cache and one count.
struct Side(Arc<Eks>);

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
        cluster::WANTS
    }

    fn needs_view(&self, found: &Discovered) -> bool {
        cluster::needs_view(found)
    }

    #[cfg(feature = "live")]
    async fn complete(&self, found: &mut Discovered, view: &Read<ClusterView>) {
        self.0.live.complete(found, view).await;
    }

    fn pools(&self, found: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
        cluster::pools(found, view)
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
    #[cfg(feature = "live")]
    async fn collect_again(&self, questions: &[Question], before: &Section) -> Result<Section, CollectError> {
        self.0.live.collect_again(questions, before).await
    }
    #[cfg(not(feature = "live"))]
    async fn collect(&self, _: &[Question]) -> Result<Section, CollectError> {
        Err(DiscoverError::NotBuilt.into())
    }

    fn open(&self, section: &Section) -> Result<Box<dyn Facts>, SnapshotError> {
        Ok(Box::new(weigh::EksFacts::open(section)?))
    }
}

#[cfg(feature = "live")]
#[async_trait]
impl Writer for Side {
    fn vet(&self, change: &Change) -> Result<(), Edited> {
        crate::remedy::vet(change)
    }

    async fn scopes(&self, named: &[String], own: bool) -> Vec<String> {
        self.0.live.scopes(named, own).await
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
