//! Which credentials the kubelet would try for one pod on one pool, in its order.

mod claim;
mod defect;
mod glob;
mod lookup;
mod secret;

pub use claim::pull_claim;
pub use defect::SecretDefect;
pub use glob::UrlGlob;
pub use lookup::keyring;
pub use secret::{LoginLasts, PullSecret, SecretEntry};

use crate::fleet::is_virtual;
use crate::{ImageRef, Open, Pool, Principal, Read};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is shown to the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Credential {
    /// A cloud identity, through the node's credential plugin.
    Principal(Principal),
    /// The login of a pull secret, by the secret's name. Its content is never kept.
    Secret(String),
    /// A request without a login.
    Anonymous,
    /// The node's own identity, where the reading that names it is missing.
    Unidentified(Open),
}

/// One credential that the kubelet would try.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// What is shown to the registry.
    pub credential: Credential,
    /// The key under which it was found, as written there; empty for the anonymous attempt, and for a
    /// pull secret that was not read.
    pub key: String,
    /// `None` when it is certainly tried (should those before it fail); otherwise what would tell.
    pub maybe: Option<Open>,
}

/// The attempts of one pod on one pool for one image, in the kubelet's order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Keyring {
    /// Each is tried until one succeeds.
    Attempts(Vec<Attempt>),
    /// A pull secret can't be parsed, so the kubelet fails the pod and asks nobody.
    Broken {
        /// The secret's name.
        secret: String,
        /// What is wrong with it.
        defect: SecretDefect,
    },
    /// What is on the node's disk decides between these.
    OneOf {
        /// What would tell which.
        why: Open,
        /// The cases.
        cases: Vec<Keyring>,
    },
}

/// A pull secret as a pod names it.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretRef {
    /// Its name, in the pod's namespace.
    pub name: String,
    /// Its hosts and defects; `Absent` when the secret does not exist, which the kubelet passes over.
    pub content: Read<PullSecret>,
}

/// What of a pod decides about its credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodCredentials {
    /// The effective pull secrets, in the pod's order.
    pub secrets: Vec<SecretRef>,
    /// The pod's namespace.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// The service account's annotations.
    pub annotations: BTreeMap<String, String>,
    /// What would tell those, where nobody could read them.
    pub account_unread: Option<Open>,
    /// A static pod, which can use credentials of the node only.
    pub static_pod: bool,
}

/// What is tried on virtual nodes, where nobody knows; `None` for pools of others.
pub fn of_virtual_nodes(pool: &Pool, image: &ImageRef) -> Option<Keyring> {
    let open = pool.identity.open().filter(|_| is_virtual(pool))?;
    let (credential, key) = (Credential::Unidentified(open.clone()), image.registry.as_str().to_owned());
    Some(Keyring::Attempts(vec![Attempt { credential, key, maybe: None }]))
}

/// What is tried where nobody could read what the pod's service account says: as the node, or as whatever `own` makes of
/// an identity that is not known. A static pod has no service account.
pub fn of_unread_account(
    pod: &PodCredentials,
    of_node: Keyring,
    own: impl FnOnce(Credential) -> Keyring,
) -> Keyring {
    match pod.account_unread.as_ref().filter(|_| !pod.static_pod) {
        None => of_node,
        Some(open) => {
            let own = own(Credential::Unidentified(open.clone()));
            Keyring::OneOf { why: open.clone(), cases: vec![own, of_node] }
        }
    }
}

/// A key that the node's credential plugin (or its docker config file) would answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKey {
    /// The key of the answer: a host, a glob such as `*.azurecr.*`.
    pub key: String,
    /// What stands under it. [`Credential::Anonymous`] is an empty login.
    pub credential: Credential,
    /// `None` when the plugin certainly answers; otherwise what would tell.
    pub maybe: Option<Open>,
}
