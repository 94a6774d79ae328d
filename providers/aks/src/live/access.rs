//! How to talk to a cluster's API with Azure credentials alone.

use super::kubeconfig::{Kubeconfig, Login};
use super::operation::LIST_USER_CREDENTIALS;
use super::service::query;
use super::trouble::{Kind, Trouble, chain};
use super::{Azure, Live};
use azure_core::credentials::TokenCredential;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pullaudit_core::{AccessError, ApiAccess, Discovered};
use serde::Deserialize;

/// The API servers of all AKS clusters, as Entra knows them.
///
/// Source: MicrosoftDocs/azure-aks-docs, `articles/aks/kubelogin-authentication.md`.
const API_SERVERS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/// What Azure answers; each value is base64 of a kubeconfig, with keys in it.
#[derive(Deserialize)]
struct Credentials {
    kubeconfigs: Vec<Credential>,
}

#[derive(Deserialize)]
struct Credential {
    value: String,
}

/// End point and CA as the kubeconfig of a cluster's user names them, and the token that stands there or
/// that Entra makes for it.
pub(crate) async fn access(live: &Live, found: &Discovered) -> Result<ApiAccess, AccessError> {
    let name = &found.cluster.name;
    let azure = live.azure().await.map_err(|error| failed(name, &error.to_string()))?;
    let config = kubeconfig(azure, &found.cluster.id.0).await.map_err(|why| failed(name, &why))?;
    let ca_pem = text(&config.ca).ok_or_else(|| failed(name, "its certificate authority is not base64 of PEM"))?;
    let token = match config.login {
        Login::Token(token) => token,
        Login::Entra => entra(azure).await.map_err(|why| failed(name, &why))?,
        Login::Certificate => {
            let why = "its users log in by a client certificate, which pullaudit does not use; write a kubeconfig \
                       by az aks get-credentials and give it by --kubeconfig";
            return Err(failed(name, why));
        }
        Login::Nothing => return Err(failed(name, "its kubeconfig holds neither a token nor a way to get one")),
    };
    Ok(ApiAccess { server: config.server, ca_pem, token })
}

async fn kubeconfig(azure: &Azure, id: &str) -> Result<Kubeconfig, String> {
    let operation = LIST_USER_CREDENTIALS;
    let path = format!("{id}/listClusterUserCredential");
    let answer: Result<Credentials, Trouble> = azure.arm.post(operation, &path, &query(operation, "")).await;
    let credentials = answer.map_err(|trouble| match trouble.kind {
        Kind::Refused => {
            format!("needs {}, which Azure Kubernetes Service Cluster User Role holds", operation.action)
        }
        Kind::Blocked | Kind::Credentials | Kind::Failed => format!("{}: {}", operation.name, trouble.wanting()),
    })?;
    let first = credentials.kubeconfigs.first().ok_or("Azure has no kubeconfig for its users")?;
    let yaml = text(&first.value).ok_or("its kubeconfig is not base64 of text")?;
    Ok(Kubeconfig::parse(&yaml)?)
}

async fn entra(azure: &Azure) -> Result<String, String> {
    let token = azure.credential.get_token(&[API_SERVERS], None).await;
    let token = token.map_err(|error| format!("Entra gave no token for it: {}", chain(&error)))?;
    Ok(token.token.secret().to_owned())
}

fn text(base64: &str) -> Option<String> {
    BASE64_STANDARD.decode(base64.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

fn failed(cluster: &str, why: &str) -> AccessError {
    AccessError::Failed(format!("the API of cluster {cluster}: {why}"))
}
