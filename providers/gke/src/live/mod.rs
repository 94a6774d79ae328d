//! Reading Google Cloud: the only place that talks to it.
//!
//! One call is one row, all its pages together; a call that is refused is an unread row that names the
//! permission.

mod access;
mod blocked;
mod boundaries;
mod collect;
mod discover;
mod endpoint;
mod external;
mod needs;
mod operation;
mod service;
#[cfg(test)]
mod service_tests;
mod tokens;
mod trouble;
mod write;

pub use operation::{OPERATIONS, Operation};

use crate::facts::Project;
use crate::provider::GkeOptions;
use endpoint::{Environment, endpoints};
use needs::Needs;
use pullaudit_core::{
    AccessError, ApiAccess, Applied, CannotUndo, Change, CollectError, DiscoverError, Discovered, Discovery, Held,
    Journal, LeftBehind, Obstacle, Open, OwnRight, Question, Read, Scope, Section,
};
use pullaudit_wire::Wire;
use service::{Means, Service};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokens::TokenSource;
use tokio::sync::OnceCell;

/// The clients of one run. Credentials are looked for once, at the first question.
pub struct Live {
    options: Arc<GkeOptions>,
    environment: Box<Environment>,
    google: OnceCell<Google>,
}

/// Google Cloud with a credential that works.
pub(crate) struct Google {
    pub(crate) options: Arc<GkeOptions>,
    pub(crate) container: Service,
    pub(crate) registry: Service,
    pub(crate) manager: Service,
    pub(crate) iam: Service,
    pub(crate) usage: Service,
    pub(crate) tokens: Arc<dyn TokenSource>,
    /// Projects that were read, by id.
    projects: Mutex<BTreeMap<String, Project>>,
}

impl Google {
    /// Keeps what was read of projects.
    pub(crate) fn remember(&self, projects: impl IntoIterator<Item = Project>) {
        if let Ok(mut known) = self.projects.lock() {
            known.extend(projects.into_iter().map(|project| (project.project_id.clone(), project)));
        }
    }

    /// Keeps a project under the name by which it was asked for: its number, say.
    pub(crate) fn remember_as(&self, name: &str, project: Project) {
        if let Ok(mut known) = self.projects.lock() {
            known.insert(name.to_owned(), project);
        }
    }

    /// A project that was read before, by id or by a name that it was asked for by.
    pub(crate) fn known(&self, id: &str) -> Option<Project> {
        self.projects.lock().ok()?.get(id).cloned()
    }
}

impl Live {
    /// Nothing is read or connected yet.
    pub fn new(options: Arc<GkeOptions>) -> Self {
        Self { options, environment: Box::new(|name| std::env::var(name).ok()), google: OnceCell::new() }
    }

    /// The wanted clusters with what tells who pulls there. A project that can't be listed is a gap; it is an error
    /// when none could be.
    pub async fn discover(&self, scope: &Scope) -> Result<Discovery, DiscoverError> {
        discover::discover(self.google().await?, scope).await
    }

    /// End point, CA and token of a cluster's API.
    pub async fn access(&self, found: &Discovered) -> Result<ApiAccess, AccessError> {
        let google = self.google().await.map_err(|error| AccessError::Failed(error.to_string()))?;
        access::access(google, found).await
    }

    /// The facts that these questions need. It sends nothing where they need none.
    pub async fn collect(&self, questions: &[Question]) -> Result<Section, CollectError> {
        let needs = Needs::of(questions);
        if needs.repositories.is_empty() {
            return Ok(Section::default());
        }
        Ok(collect::collect(self.google().await?, &needs).await)
    }

    /// These projects by their ids: a number is resolved.
    pub async fn scopes(&self, named: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for name in named {
            let number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            let project = match self.google().await {
                Ok(google) if number => discover::google_project(google, name).await,
                _ => Read::Absent,
            };
            all.push(project.got().map_or_else(|| name.clone(), |project| project.project_id.clone()));
        }
        all
    }

    /// The rights that each change needs of the caller.
    pub async fn preflight(&self, changes: &[&Change]) -> Vec<OwnRight> {
        match self.google().await {
            Ok(google) => write::preflight(google, changes).await,
            Err(error) => changes.iter().map(|change| unasked(change, &error)).collect(),
        }
    }

    /// Edits one repository's policy.
    pub async fn apply(&self, change: &Change, journal: &dyn Journal) -> Applied {
        match self.google().await {
            Ok(google) => write::apply(google, change, journal).await,
            Err(error) => Applied::failed(error.to_string(), LeftBehind::Nothing),
        }
    }

    /// The change that takes an edit back.
    pub async fn undo(&self, change: &Change) -> Result<Option<Change>, CannotUndo> {
        match self.google().await {
            Ok(google) => write::undo(google, change).await,
            Err(error) => Err(CannotUndo::Unsupported(error.to_string())),
        }
    }

    async fn google(&self) -> Result<&Google, DiscoverError> {
        self.google.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Google, DiscoverError> {
        let GkeOptions { timeout, concurrency, calls, .. } = self.options.as_ref();
        let endpoints = endpoints(&self.environment)?;
        let wire = Arc::new(Wire::new(*timeout).map_err(|error| no_roots(&error))?);
        let tokens = tokens::source(&self.environment, &wire, calls, *timeout).await?;
        let means = Means {
            wire,
            tokens: Arc::clone(&tokens),
            calls: Arc::clone(calls),
            timeout: *timeout,
            concurrency: *concurrency,
        };
        let service = |name: &'static str| {
            let base = endpoints.iter().find(|(api, _)| *api == name).map(|(_, base)| base.clone());
            Service::new(name, base.unwrap_or_default(), &means)
        };
        Ok(Google {
            options: Arc::clone(&self.options),
            container: service("container"),
            registry: service("artifactregistry"),
            manager: service("cloudresourcemanager"),
            iam: service("iam"),
            usage: service("serviceusage"),
            tokens,
            projects: Mutex::default(),
        })
    }
}

fn unasked(change: &Change, error: &DiscoverError) -> OwnRight {
    let obstacle = Obstacle::Failed(error.to_string().into());
    let open = Open::unread("your own permissions", "", "", obstacle);
    OwnRight { right: String::new(), place: change.document.clone(), held: Held::Open(open) }
}

fn no_roots(error: &std::io::Error) -> DiscoverError {
    DiscoverError::Failed {
        what: "the trusted certificates of this machine".to_owned(),
        detail: format!("{error}; install its CA certificates, or set SSL_CERT_FILE to a PEM file with some"),
    }
}
