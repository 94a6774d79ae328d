//! Which of the clusters that were found stands behind the context that is meant.

use crate::kubernetes::access::{ContextView, led_to};
use crate::kubernetes::pod::{self, IN_CLUSTER};
use pullaudit_core::{Cluster, Clusters, Discovered};

/// Keeps the clusters that a context leads to. The one around this pod is told by its certificate authority, which every
/// cluster has of its own; it is never guessed.
pub(super) async fn keep(side: &dyn Clusters, context: &ContextView, found: Vec<Discovered>) -> Vec<Discovered> {
    let clusters: Vec<&Cluster> = found.iter().map(|one| &one.cluster).collect();
    let led = led_to(context, &clusters);
    if !led.is_empty() || context.name != IN_CLUSTER {
        return found.into_iter().filter(|one| led.contains(&one.cluster.id)).collect();
    }
    let mut own = Vec::new();
    for one in found {
        if is_around(side, &one).await {
            own.push(one);
        }
    }
    own
}

/// Returns true if this pod runs in the cluster.
pub(super) async fn is_around(side: &dyn Clusters, cluster: &Discovered) -> bool {
    match pod::ca() {
        Some(ca) => has_authority(side, &ca, cluster).await,
        None => false,
    }
}

async fn has_authority(side: &dyn Clusters, ca: &str, cluster: &Discovered) -> bool {
    match side.access(cluster).await {
        Ok(access) => pod::shares_authority(&access.ca_pem, ca),
        Err(error) => {
            tracing::warn!("{}: cannot tell if this pod runs in it: {error}", cluster.cluster.name);
            false
        }
    }
}

/// What to do about a context that leads to no cluster.
pub(super) fn nowhere(context: &ContextView) -> String {
    let name = &context.name;
    if name == IN_CLUSTER {
        return format!(
            "cannot tell which cluster this pod runs in: no cluster that the credentials see has its certificate \
             authority; name the cluster with --cluster, or in pullaudit.yaml: clusters: {{NAME_OR_ID: {{context: \
             {IN_CLUSTER}}}}}"
        );
    }
    format!(
        "the context {name:?} leads to no cluster that the credentials see: name one with --cluster, or say in \
         pullaudit.yaml which cluster it is: clusters: {{NAME_OR_ID: {{context: {name:?}}}}}"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use pullaudit_core::{
        AccessError, ApiAccess, ClusterId, ClusterReading, ClusterView, DiscoverError, Discovery, Gap, ImageRef,
        Keyring, PodCredentials, Pool, Principal, Read, Scope, Section,
    };

    fn pem(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    /// Each cluster's authority is its name; of one that is called `shut` nothing may be read.
    struct Side;

    #[async_trait]
    impl Clusters for Side {
        async fn discover(&self, _: &Scope) -> Result<Discovery, DiscoverError> {
            Ok(Discovery::default())
        }
        async fn access(&self, cluster: &Discovered) -> Result<ApiAccess, AccessError> {
            match cluster.cluster.name.as_str() {
                "shut" => Err(AccessError::Failed("refused".to_owned())),
                name => Ok(ApiAccess { server: String::new(), ca_pem: pem(name), token: String::new() }),
            }
        }
        fn wants(&self) -> &[ClusterReading] {
            &[]
        }
        fn needs_view(&self, _: &Discovered) -> bool {
            false
        }
        fn pools(&self, _: &Discovered, _: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
            (Vec::new(), Vec::new())
        }
        fn keyring(&self, _: &Pool, _: &PodCredentials, _: &ImageRef) -> Keyring {
            Keyring::Attempts(Vec::new())
        }
        fn principal(&self, _: &str) -> Option<Principal> {
            None
        }
    }

    fn found(names: &[&str]) -> Vec<Discovered> {
        let one = |name: &&str| Discovered {
            cluster: Cluster {
                id: ClusterId(format!("clusters/{name}")),
                provider: "toy".to_owned(),
                name: (*name).to_owned(),
                location: String::new(),
                scope: String::new(),
                endpoint: Some(format!("https://{name}.example")),
            },
            readings: Section::default(),
        };
        names.iter().map(one).collect()
    }

    #[tokio::test]
    async fn a_pod_knows_its_cluster_by_its_authority() {
        for (ca, name, own) in [
            (pem("prod"), "prod", true),
            (pem("old") + &pem("prod"), "prod", true),
            // The only cluster that the credentials see need not be the one around the pod.
            (pem("prod"), "stage", false),
            (pem("prod"), "shut", false),
            (String::new(), "prod", false),
        ] {
            assert_eq!(has_authority(&Side, &ca, &found(&[name])[0]).await, own, "{name}");
        }
    }

    #[tokio::test]
    async fn another_context_leads_by_its_end_point() {
        let context = |name: &str, server: &str| ContextView {
            name: name.to_owned(),
            server: server.to_owned(),
            ..ContextView::default()
        };
        let kept = keep(&Side, &context("x", "https://stage.example"), found(&["stage", "prod"])).await;
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].cluster.name, "stage");
        assert!(keep(&Side, &context("x", "https://1.2.3.4"), found(&["stage"])).await.is_empty());
        let told = nowhere(&context(IN_CLUSTER, ""));
        assert!(told.contains("context: in-cluster") && told.contains("cannot tell which cluster"), "{told}");
    }
}
