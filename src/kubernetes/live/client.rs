//! From kubeconfig files, a pod's own account or a cloud's answer to a client.

use super::connection::Client;
use super::describe::{chain, describe};
use crate::input::{self, InputError};
use crate::kubernetes::access::ContextView;
use k8s_openapi::ByteString;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use pullaudit_core::ApiAccess;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A client can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A kubeconfig file can't be used.
    #[error("kubeconfig {}: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such context.
    #[error("no kubeconfig context {wanted:?}; there are: {known}")]
    NoContext {
        /// The context that was asked for.
        wanted: String,
        /// Those that exist.
        known: String,
    },
    /// A context, or what a cloud gave, makes no client.
    #[error("{what}: {detail}")]
    Unusable {
        /// Which.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// The kubeconfig files in force, merged as kubectl merges them: the first file to say something wins.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfigs {
    merged: Kubeconfig,
}

impl Kubeconfigs {
    /// Reads `--kubeconfig` where it is given, else the files of KUBECONFIG, else `~/.kube/config`. As with
    /// kubectl, files that KUBECONFIG names or the home directory lacks are passed over; one that was
    /// named by the flag must exist.
    pub fn load(named: &[PathBuf]) -> Result<Self, ClientError> {
        if !named.is_empty() {
            return Self::merge(named.iter().map(PathBuf::as_path));
        }
        let named = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
        let home = std::env::home_dir().map(|home| home.join(".kube/config"));
        let paths: Vec<PathBuf> = match &named {
            Some(list) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => home.into_iter().collect(),
        };
        Self::merge(paths.iter().filter(|path| path.exists()).map(PathBuf::as_path))
    }

    /// Merges files in their order.
    pub fn merge<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Self, ClientError> {
        let mut merged = Kubeconfig::default();
        for path in paths {
            merged = merged.merge(read(path)?).map_err(|error| unusable_file(path, &error))?;
        }
        Ok(Self { merged })
    }

    /// True when no file named a context.
    pub fn is_empty(&self) -> bool {
        self.merged.contexts.is_empty()
    }

    /// The contexts, without their credentials. `context` (the flag) takes the place of the files'
    /// `current-context`; one that does not exist is an error that names those that do.
    pub fn contexts(&self, context: Option<&str>) -> Result<Vec<ContextView>, ClientError> {
        let current = context.or(self.merged.current_context.as_deref());
        let views: Vec<_> = self.merged.contexts.iter().map(|named| self.view(named, current)).collect();
        match context.filter(|wanted| !views.iter().any(|view| view.name == **wanted)) {
            Some(wanted) => Err(self.no_context(wanted)),
            None => Ok(views),
        }
    }

    fn view(&self, named: &kube::config::NamedContext, current: Option<&str>) -> ContextView {
        let context = named.context.clone().unwrap_or_default();
        let entry = self.merged.clusters.iter().find(|cluster| cluster.name == context.cluster);
        let server = entry.and_then(|entry| entry.cluster.as_ref()?.server.clone()).unwrap_or_default();
        ContextView {
            current: current == Some(named.name.as_str()),
            name: named.name.clone(),
            cluster: context.cluster,
            server,
            namespace: context.namespace.unwrap_or_default(),
        }
    }

    fn no_context(&self, wanted: &str) -> ClientError {
        let names: Vec<&str> = self.merged.contexts.iter().map(|context| context.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        ClientError::NoContext { wanted: wanted.to_owned(), known }
    }

    /// A client for a context. A credential plugin that the context names is run here.
    pub async fn client(&self, context: &str, timeout: Duration) -> Result<Client<'static>, ClientError> {
        if !self.merged.contexts.iter().any(|known| known.name == context) {
            return Err(self.no_context(context));
        }
        client_of(self.merged.clone(), context, timeout, &format!("kubeconfig context {context:?}")).await
    }
}

/// A client with what a cloud gave for a cluster.
pub async fn from_access(access: &ApiAccess, timeout: Duration) -> Result<Client<'static>, ClientError> {
    let ca = serde_json::to_value(ByteString(access.ca_pem.clone().into_bytes()));
    let config = json!({
        "clusters": [{ "name": "c", "cluster": {
            "server": access.server, "certificate-authority-data": ca.unwrap_or_default() } }],
        "users": [{ "name": "u", "user": { "token": access.token } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
    });
    let what = format!("API server {}", access.server);
    // The error of a type would quote the value, which may be the token.
    let config = serde_json::from_value(config).map_err(|_| ClientError::Unusable {
        what: what.clone(),
        detail: "its cloud gave no usable address, CA or token".to_owned(),
    })?;
    client_of(config, "c", timeout, &what).await
}

/// A client with the service account of the pod that pullaudit runs in; `None` outside of one.
pub async fn in_cluster(timeout: Duration) -> Result<Option<Client<'static>>, ClientError> {
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
        return Ok(None);
    }
    let what = "the service account of this pod";
    let config = Config::incluster().map_err(|error| unusable(what, chain(&error)))?;
    build(config, timeout, what).await.map(Some)
}

async fn client_of(
    kubeconfig: Kubeconfig,
    context: &str,
    timeout: Duration,
    what: &str,
) -> Result<Client<'static>, ClientError> {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    build(config.map_err(|error| unusable(what, explain(&error)))?, timeout, what).await
}

async fn build(mut config: Config, timeout: Duration, what: &str) -> Result<Client<'static>, ClientError> {
    config.connect_timeout = Some(timeout);
    config.read_timeout = Some(timeout);
    config.write_timeout = Some(timeout);
    // Else the time that a pooled connection sat idle counts against the next answer.
    config.reset_reader_on_write = true;
    // Retries are ours: kube's own wait for up to five minutes and can't be counted.
    config.default_retry = false;
    // Making a client runs the context's credential plugin, which blocks.
    let made = tokio::task::spawn_blocking(move || kube::Client::try_from(config)).await;
    match made {
        Ok(Ok(client)) => Ok(client.into()),
        Ok(Err(error)) => Err(unusable(what, describe(&error))),
        Err(error) => Err(unusable(what, error.to_string())),
    }
}

fn unusable(what: &str, detail: String) -> ClientError {
    ClientError::Unusable { what: what.to_owned(), detail }
}

fn read(path: &Path) -> Result<Kubeconfig, ClientError> {
    let refused = |error: InputError| ClientError::File { path: path.to_owned(), detail: error.to_string() };
    input::check(path, input::KUBECONFIG).map_err(refused)?;
    let read = if path.is_file() {
        Kubeconfig::read_from(path)
    } else {
        // A pipe can be read once only, and has no folder that its paths could be relative to.
        Kubeconfig::from_yaml(&input::text(path, input::KUBECONFIG).map_err(refused)?)
    };
    read.map_err(|error| unusable_file(path, &error))
}

fn unusable_file(path: &Path, error: &KubeconfigError) -> ClientError {
    ClientError::File { path: path.to_owned(), detail: explain(error) }
}

/// The error without lines of the file: those may hold keys and tokens.
fn explain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => {
            let place = error.location().map(|at| format!(" (line {}, column {})", at.line(), at.column()));
            format!("not a kubeconfig{}", place.unwrap_or_default())
        }
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        other => chain(other),
    }
}
