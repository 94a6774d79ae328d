//! Reading Azure: the only place that talks to it.
//!
//! One call is one row, all its pages together; a call that is refused is an unread row that names the
//! right. Only `write` changes anything in Azure.

mod access;
mod bearer;
mod cloud;
mod count;
mod credentials;
mod directory;
mod discover;
mod identity;
mod known;
mod kubeconfig;
mod needs;
mod operation;
mod registries;
mod rights;
mod roles;
mod service;
mod subscriptions;
#[cfg(test)]
mod tests;
mod trouble;
mod versions;
mod wire;
mod write;

pub use operation::{OPERATIONS, Operation};

use crate::AksOptions;
use azure_core::http::HttpClient;
use cloud::{Cloud, Environment};
use credentials::{Kept, SignIn};
use known::Known;
use needs::Needs;
use pullaudit_core::{
    AccessError, ApiAccess, Applied, CannotUndo, Change, CollectError, DiscoverError, Discovered, Discovery, Held,
    Journal, LeftBehind, Obstacle, Open, OwnRight, Question, Scope, Section,
};
use service::{Means, Service};
use std::sync::Arc;
use subscriptions::Subscriptions;
use tokio::sync::OnceCell;
use wire::AzureWire;

/// The clients of one run. Credentials are looked for once, at the first question.
pub struct Live {
    options: Arc<AksOptions>,
    environment: Box<Environment>,
    /// Another transport than the network's.
    wire: Option<Arc<dyn HttpClient>>,
    azure: OnceCell<Azure>,
}

/// Azure with a credential that works.
pub(crate) struct Azure {
    pub(crate) arm: Service,
    pub(crate) graph: Service,
    pub(crate) credential: Arc<Kept>,
    /// What a token for Microsoft Graph is for.
    pub(crate) graph_scope: String,
    pub(crate) subscriptions: Subscriptions,
    /// What listing clusters told of who pulls.
    pub(crate) known: Known,
}

impl Live {
    /// Nothing is read or connected yet.
    pub fn new(options: Arc<AksOptions>) -> Self {
        Self {
            options,
            environment: Box::new(|name| std::env::var(name).ok()),
            wire: None,
            azure: OnceCell::new(),
        }
    }

    /// The wanted clusters with what tells who pulls there. A subscription that can't be listed is a gap;
    /// it is an error when none could be.
    pub async fn discover(&self, scope: &Scope) -> Result<Discovery, DiscoverError> {
        discover::discover(self.azure().await?, scope).await
    }

    /// End point, CA and token of a cluster's API, as a user of the cluster would get them.
    pub async fn access(&self, found: &Discovered) -> Result<ApiAccess, AccessError> {
        access::access(self, found).await
    }

    /// The facts that these questions need. It sends nothing where they need none.
    pub async fn collect(&self, questions: &[Question]) -> Result<Section, CollectError> {
        let needs = Needs::of(questions);
        if needs.is_empty() {
            return Ok(Section::default());
        }
        let azure = self.azure().await?;
        let mut section = Section::default();
        let targets = registries::find(azure, &needs, &mut section).await?;
        rights::collect(azure, &targets, &mut section).await;
        directory::collect(azure, &targets, &mut section).await;
        Ok(section)
    }

    /// The rights that each change needs of the caller.
    pub async fn preflight(&self, changes: &[&Change]) -> Vec<OwnRight> {
        match self.azure().await {
            Ok(azure) => write::preflight(azure, changes).await,
            Err(error) => changes.iter().map(|change| unasked(change, &error)).collect(),
        }
    }

    /// Makes or deletes one role assignment.
    pub async fn apply(&self, change: &Change, journal: &dyn Journal) -> Applied {
        match self.azure().await {
            Ok(azure) => write::apply(azure, change, journal).await,
            Err(error) => Applied::failed(error.to_string(), LeftBehind::Nothing),
        }
    }

    /// The change that takes a grant back.
    pub async fn undo(&self, change: &Change) -> Result<Option<Change>, CannotUndo> {
        match self.azure().await {
            Ok(azure) => write::undo(azure, change).await,
            Err(error) => Err(CannotUndo::Unsupported(error.to_string())),
        }
    }

    /// Azure as the credential sees it, found out once.
    async fn azure(&self) -> Result<&Azure, DiscoverError> {
        self.azure.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Azure, DiscoverError> {
        let AksOptions { cloud, timeout, concurrency, calls, subscriptions, .. } = self.options.as_ref();
        let cloud = Cloud::of(*cloud, &self.environment)?;
        let wire: Arc<dyn HttpClient> = match &self.wire {
            Some(wire) => Arc::clone(wire),
            None => Arc::new(AzureWire::new(*timeout).map_err(|error| no_roots(&error))?),
        };
        let environment = self.environment.as_ref();
        let sign_in = SignIn { environment, cloud: &cloud, wire: &wire, calls, timeout: *timeout };
        let credential = Arc::new(sign_in.credential().await?);
        let means = Means {
            wire,
            credential: Arc::clone(&credential),
            calls: Arc::clone(calls),
            timeout: *timeout,
            concurrency: *concurrency,
        };
        Ok(Azure {
            arm: Service::new("arm", cloud.arm, &cloud.arm_scope, &means),
            graph: Service::new("graph", cloud.graph, &cloud.graph_scope, &means),
            credential,
            graph_scope: cloud.graph_scope,
            subscriptions: Subscriptions::new(subscriptions),
            known: Known::default(),
        })
    }
}

fn unasked(change: &Change, error: &DiscoverError) -> OwnRight {
    let obstacle = Obstacle::Failed(error.to_string().into());
    let open = Open::unread("your own rights", "Microsoft.Authorization/permissions/read", "", obstacle);
    OwnRight { right: String::new(), place: change.document.clone(), held: Held::Open(open) }
}

fn no_roots(error: &std::io::Error) -> DiscoverError {
    DiscoverError::Failed {
        what: "the trusted certificates of this machine".to_owned(),
        detail: format!("{error}; install its CA certificates, or set SSL_CERT_FILE to a PEM file with some"),
    }
}
