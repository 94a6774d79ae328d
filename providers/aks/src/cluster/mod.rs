//! Pools of an AKS cluster with the identity that pulls for each, and the credentials that a pod there
//! tries.

mod lookalikes;
mod pools;

pub use lookalikes::lookalikes;
#[cfg(feature = "live")]
pub(crate) use pools::{application_id, puller};
pub use pools::{notices, pools};

use crate::host::{self, Asks};
use pullaudit_core::{
    Credential, ImageRef, Keyring, NodeKey, Open, PodCredentials, Pool, Principal, PrincipalKind, Read,
    keyring as kubelet, of_unread_account, of_virtual_nodes,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The annotation by which a service account names the application that pulls for its pods.
///
/// Source: kubernetes-sigs/cloud-provider-azure, `pkg/credentialprovider`.
const CLIENT_ANNOTATION: &str = "kubernetes.azure.com/acr-client-id";

/// The key of the empty login that the plugin adds to its answer, so that the kubelet asks without one
/// after the identity was refused.
///
/// Source: as above.
const EMPTY_LOGIN: &str = "*.azurecr.*";

/// The identity behind an object id; `None` for everything that is no GUID.
pub fn principal(who: &str) -> Option<Principal> {
    let id = Uuid::try_parse(who).ok()?.hyphenated().to_string();
    (who.len() == id.len()).then(|| Principal::new(PrincipalKind::Kubelet, id.clone(), id))
}

/// The credentials that the kubelet of a pool tries for an image: pull secrets, then the kubelet identity
/// where the node's patterns cover the host, then a request without a login.
///
/// A service account that names an application pulls as that, without falling back to the kubelet
/// identity, where the nodes are configured for it; `configured` settles that by cluster id or name,
/// and without it both are cases. A static pod has no service account.
pub fn keyring(
    pool: &Pool,
    pod: &PodCredentials,
    image: &ImageRef,
    configured: &BTreeMap<String, bool>,
) -> Keyring {
    if let Some(unknown) = of_virtual_nodes(pool, image) {
        return unknown;
    }
    let unanswered = || kubelet(pod, &[], image);
    match host::asks_plugin(image, &pool.shape) {
        Asks::No => unanswered(),
        Asks::Yes => answered(pool, pod, image, configured),
        Asks::Open(why) => {
            Keyring::OneOf { why, cases: vec![answered(pool, pod, image, configured), unanswered()] }
        }
    }
}

/// The same where the kubelet asks the node's plugin.
fn answered(pool: &Pool, pod: &PodCredentials, image: &ImageRef, configured: &BTreeMap<String, bool>) -> Keyring {
    let of_node = || kubelet(pod, &node_keys(pool, image), image);
    let annotated = pod.annotations.get(CLIENT_ANNOTATION).filter(|client| !client.is_empty() && !pod.static_pod);
    let settled = pool.cluster.find_in(configured).copied();
    let of_own = |own: Credential| kubelet(pod, &with_empty_login(own, image), image);
    let Some(client) = annotated else {
        let unread = pod.account_unread.is_some();
        return match settled {
            Some(false) => of_node(),
            Some(true) if !unread && !pod.static_pod => of_own(Credential::Unidentified(without_annotation(pool))),
            Some(true) | None => of_unread_account(pod, of_node(), of_own),
        };
    };
    let of_account = || of_own(application(client));
    match settled {
        Some(false) => of_node(),
        Some(true) => of_account(),
        None => Keyring::OneOf {
            why: Open::undecidable(format!(
                "whether nodes of {} pull as the service account's application: clusters.{}.serviceAccountIdentity \
                 in pullaudit.yaml",
                pool.cluster, pool.cluster
            )),
            cases: vec![of_account(), of_node()],
        },
    }
}

/// Source: kubernetes-sigs/cloud-provider-azure, `pkg/credentialprovider`: a token without the annotation is an error,
/// unless identity bindings name an application for all.
fn without_annotation(pool: &Pool) -> Open {
    Open::undecidable(format!(
        "who pulls on {} for service accounts without {CLIENT_ANNOTATION}: its nodes' credential provider wants it, or \
         has a default (--ib-default-client-id), or passes such pods over (requiredServiceAccountAnnotationKeys)",
        pool.cluster
    ))
}

/// Grants name object ids; which one an application has in the registry's tenant only Microsoft Graph
/// tells, and pullaudit does not ask it for service accounts.
fn application(client: &str) -> Credential {
    Credential::Unidentified(Open::undecidable(format!(
        "which object id application {client} has: az ad sp show --id {client} --query id"
    )))
}

fn node_keys(pool: &Pool, image: &ImageRef) -> Vec<NodeKey> {
    match &pool.identity {
        Read::Got(principal) => with_empty_login(Credential::Principal(principal.clone()), image),
        Read::Unread(open) => with_empty_login(Credential::Unidentified(open.clone()), image),
        Read::Absent => Vec::new(),
    }
}

fn with_empty_login(credential: Credential, image: &ImageRef) -> Vec<NodeKey> {
    let host = image.registry.as_str().to_owned();
    vec![
        NodeKey { key: host, credential, maybe: None },
        NodeKey { key: EMPTY_LOGIN.to_owned(), credential: Credential::Anonymous, maybe: None },
    ]
}
