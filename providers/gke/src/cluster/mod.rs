//! Pools of a GKE cluster with the service account that pulls for each, and the credentials that a pod there
//! tries.

mod classes;
mod listing;
mod pools;

pub use classes::COMPUTE_CLASSES;
pub use listing::discovered;
pub use pools::{lookalikes, notices, pools};

use crate::host;
use pullaudit_core::{
    AccountToken, Credential, ImageRef, Keyring, NodeKey, Open, PodCredentials, Pool, Principal, PrincipalKind,
    Read, keyring as kubelet, of_unread_account,
};
use std::collections::BTreeMap;

/// The annotation by which a service account says that its pods pull as itself, and the value that says so.
///
/// Source: kubernetes/cloud-provider-gcp, `pkg/gcpcredential`.
const PULLS_ITSELF: (&str, &str) = ("iam.gke.io/enable-wi-image-pull", "true");

/// What every service account's e-mail ends with.
const ACCOUNT_ZONE: &str = "gserviceaccount.com";

/// What the identities of pools of federated identities begin with.
pub(crate) const FEDERATED: &str = "principal://iam.googleapis.com/";

/// The identity behind the e-mail of a service account, or behind `principal://iam.googleapis.com/…`; `None` for
/// everything else.
pub fn principal(who: &str) -> Option<Principal> {
    if who.starts_with(FEDERATED) {
        let name = who.rsplit_once("/subject/").map_or(who, |(_, subject)| subject).to_owned();
        return Some(Principal::new(PrincipalKind::ServiceAccountRole, who, name));
    }
    let email = who.strip_prefix("serviceAccount:").unwrap_or(who).to_ascii_lowercase();
    let (name, domain) = email.split_once('@')?;
    let own = domain == ACCOUNT_ZONE || domain.ends_with(&format!(".{ACCOUNT_ZONE}"));
    let plain = !name.is_empty() && !email.contains(['/', ' ', '[', '?']);
    (own && plain).then(|| Principal::new(PrincipalKind::NodeServiceAccount, email.clone(), email.clone()))
}

/// The project that owns an account, by id or by number; `None` for accounts of Google's own, which nobody
/// else reads.
pub fn account_project(email: &str) -> Option<String> {
    let (name, domain) = email.split_once('@')?;
    if domain == "developer.gserviceaccount.com" {
        return name.strip_suffix("-compute").map(str::to_owned);
    }
    if domain == "appspot.gserviceaccount.com" {
        return Some(project_id(name));
    }
    let project = domain.strip_suffix(".iam.gserviceaccount.com")?;
    // The agents of Google's services live in projects of Google's.
    let numbered = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if project.starts_with("gcp-sa-") || name.strip_prefix("service-").is_some_and(numbered) {
        return None;
    }
    Some(project_id(project))
}

/// The project in which an asker lives, by id or by number: that of an account, or that whose pool of identities holds
/// a Kubernetes account; `None` for others.
pub(crate) fn home(id: &str) -> Option<String> {
    if !id.starts_with(FEDERATED) {
        return account_project(id);
    }
    let pool = id.split_once("/workloadIdentityPools/")?.1.split('/').next()?;
    pool.strip_suffix(".svc.id.goog").map(str::to_owned)
}

/// `web.example.com` in the e-mail of an account is project `example.com:web`.
fn project_id(written: &str) -> String {
    match written.split_once('.') {
        Some((id, domain)) => format!("{domain}:{id}"),
        None => written.to_owned(),
    }
}

/// The credentials that the kubelet of a pool tries for an image: pull secrets, then the pool's service
/// account where the node's patterns cover the host. Where the scopes of the nodes to come are not known,
/// that the account's token is of use stays open.
///
/// Pods of a service account that says so pull as its own federated identity, without falling back to the
/// node's, where the nodes are configured for it; `configured` settles that by cluster id or name, and without
/// it both are cases. A static pod has no service account.
pub fn keyring(
    pool: &Pool,
    pod: &PodCredentials,
    image: &ImageRef,
    configured: &BTreeMap<String, bool>,
) -> Keyring {
    let of_node = || kubelet(pod, &node_keys(pool, image), image);
    let (name, value) = PULLS_ITSELF;
    let itself = pod.annotations.get(name).is_some_and(|set| set == value) && !pod.static_pod;
    if host::plugin_glob(&image.registry).is_none() {
        return of_node();
    }
    let settled = pool.cluster.find_in(configured).copied();
    if !itself {
        if settled == Some(false) {
            return of_node();
        }
        return of_unread_account(pod, of_node(), |own| kubelet(pod, &[key(image, own, None)], image));
    }
    let of_account = || kubelet(pod, &[key(image, account(pool, pod), None)], image);
    match settled {
        Some(false) => of_node(),
        Some(true) => of_account(),
        None => Keyring::OneOf {
            why: Open::undecidable(format!(
                "whether nodes of {} pull as the pod's own service account: clusters.{}.serviceAccountIdentity in \
                 pullaudit.yaml",
                pool.cluster, pool.cluster
            )),
            cases: vec![of_account(), of_node()],
        },
    }
}

/// The federated identity of the pod's service account.
fn account(pool: &Pool, pod: &PodCredentials) -> Credential {
    let (namespace, name) = (&pod.namespace, &pod.service_account);
    match &pool.federation {
        Some(prefix) if !namespace.is_empty() && !name.is_empty() => {
            let id = format!("{prefix}ns/{namespace}/sa/{name}");
            let identity = Principal::new(PrincipalKind::ServiceAccountRole, id, format!("{namespace}/{name}"));
            // Clusters of one project share a pool of identities; a policy may tell them apart by who issues tokens.
            let token = AccountToken {
                issuer: Some(format!("container.googleapis.com/v1/{}", pool.cluster)),
                audience: None,
                subject: format!("system:serviceaccount:{namespace}:{name}"),
            };
            Credential::Principal(Principal { token: Some(Box::new(token)), ..identity })
        }
        _ => Credential::Unidentified(Open::undecidable(format!(
            "which federated identity service account {namespace}/{name} of {} has: its project's number, or its pool \
             of identities, is not known",
            pool.cluster
        ))),
    }
}

/// What the node's plugin answers for the image: nothing for a host that its patterns do not cover.
fn node_keys(pool: &Pool, image: &ImageRef) -> Vec<NodeKey> {
    let credential = match &pool.identity {
        Read::Got(principal) => Credential::Principal(principal.clone()),
        Read::Unread(open) => Credential::Unidentified(open.clone()),
        Read::Absent => return Vec::new(),
    };
    if host::plugin_glob(&image.registry).is_none() {
        return Vec::new();
    }
    let known = pool.vantage.scopes.is_some() || pool.identity.got().is_none();
    let maybe = (!known).then(|| {
        Open::undecidable(format!(
            "which OAuth scopes {} of {} get: the cluster names none for them",
            pool.name, pool.cluster
        ))
    });
    vec![key(image, credential, maybe)]
}

fn key(image: &ImageRef, credential: Credential, maybe: Option<Open>) -> NodeKey {
    NodeKey { key: image.registry.as_str().to_owned(), credential, maybe }
}
