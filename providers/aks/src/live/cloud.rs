//! Where each Azure is, and what its tokens are for.

use crate::AzureCloud;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::http::Url;
use pullaudit_core::DiscoverError;

/// Reads an environment variable; `None` where it is not set or empty.
pub(crate) type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The addresses of one Azure. An address that the environment overrides keeps its audience: a token is
/// made for the cloud, not for the way there.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) arm: Url,
    pub(crate) arm_scope: String,
    pub(crate) graph: Url,
    pub(crate) graph_scope: String,
    pub(crate) authority: CloudConfiguration,
}

/// Resource Manager, Graph, login.
///
/// Source: Azure/azure-cli, `src/azure-cli-core/azure/cli/core/cloud.py`.
fn hosts(cloud: AzureCloud) -> [&'static str; 3] {
    match cloud {
        AzureCloud::Public => {
            ["https://management.azure.com", "https://graph.microsoft.com", "https://login.microsoftonline.com"]
        }
        AzureCloud::China => [
            "https://management.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
        ],
        AzureCloud::UsGovernment => [
            "https://management.usgovcloudapi.net",
            "https://graph.microsoft.us",
            "https://login.microsoftonline.us",
        ],
    }
}

impl Cloud {
    pub(crate) fn of(cloud: AzureCloud, environment: &Environment) -> Result<Self, DiscoverError> {
        let [arm, graph, login] = hosts(cloud);
        let mut authority = CustomConfiguration::default();
        authority.authority_host = address("AZURE_AUTHORITY_HOST", login, environment)?.into();
        Ok(Self {
            arm: address("AZURE_RESOURCE_MANAGER_URL", arm, environment)?,
            arm_scope: format!("{arm}/.default"),
            graph: address("MICROSOFT_GRAPH_URL", graph, environment)?,
            graph_scope: format!("{graph}/.default"),
            authority: authority.into(),
        })
    }
}

/// Tokens and client secrets go there, so it must be one that proves who it is.
fn address(variable: &str, default: &str, environment: &Environment) -> Result<Url, DiscoverError> {
    let named = environment(variable);
    match Url::parse(named.as_deref().unwrap_or(default)) {
        Ok(url) if url.scheme() == "https" && url.host().is_some() => Ok(url),
        _ => Err(DiscoverError::Failed {
            what: variable.to_owned(),
            detail: format!("not an https address; unset it, or set it to one like {default}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overridden_address_keeps_the_audience_of_its_cloud() -> Result<(), DiscoverError> {
        let overridden =
            |name: &str| (name == "AZURE_RESOURCE_MANAGER_URL").then(|| "https://localhost:8443/x".to_owned());
        let cloud = Cloud::of(AzureCloud::China, &overridden)?;
        assert_eq!(cloud.arm.as_str(), "https://localhost:8443/x");
        assert_eq!(cloud.arm_scope, "https://management.chinacloudapi.cn/.default");
        assert_eq!(cloud.graph.as_str(), "https://microsoftgraph.chinacloudapi.cn/");
        Ok(())
    }

    #[test]
    fn an_address_without_tls_is_refused() {
        for address in ["http://localhost", "localhost", ""] {
            let set = |_: &str| Some(address.to_owned());
            let error = Cloud::of(AzureCloud::Public, &set).map(|_| ()).err();
            assert!(matches!(error, Some(DiscoverError::Failed { .. })), "{address}");
        }
    }
}
