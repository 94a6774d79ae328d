//! Pools of an EKS cluster with the role that pulls for each, and the credentials that a pod there tries.

mod aws_auth;
mod instances;
mod karpenter;
mod nodes;
mod pools;
mod readings;
mod roles;
mod shapes;

pub use instances::untold;
pub use karpenter::profiles;
pub use pools::pools;

use crate::codes::Finding;
use crate::facts::{ClusterDetail, cluster_table};
use crate::host;
use crate::plugin::{self, Asked};
use crate::weigh::arn::RoleArn;
use pullaudit_core::{
    AccountToken, ClusterReading, ClusterRecord, Credential, Discovered, ImageRef, Keyring, NodeKey, Notice, Open,
    PodCredentials, Pool, Principal, PrincipalKind, Read, keyring as kubelet, of_unread_account, of_virtual_nodes,
};
use std::collections::BTreeMap;

/// What [`pools`] wants to see from inside a cluster: the config map that maps roles to nodes, and what Karpenter and
/// Auto Mode make nodes from.
pub const WANTS: &[ClusterReading] = &[
    ClusterReading::ConfigMap(aws_auth::NAMESPACE, aws_auth::NAME),
    ClusterReading::Objects(karpenter::POOLS),
    ClusterReading::Objects(karpenter::CLAIMS),
    ClusterReading::Objects(karpenter::CLASSES),
    ClusterReading::Objects(karpenter::AUTO_CLASSES),
];

/// The annotation by which a service account names the role that pulls for its pods.
///
/// Source: kubernetes/cloud-provider-aws, `cmd/ecr-credential-provider/main.go`.
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/ecr-role-arn";

/// For whom the kubelets ask for tokens of service accounts where they are set up for that
/// (`tokenAttributes.serviceAccountTokenAudience`).
const AUDIENCE: &str = "sts.amazonaws.com";

/// True when node roles may stand in the aws-auth config map, which only the cluster's API shows: in
/// every authentication mode but `API`, and where the mode is not known.
pub fn needs_view(found: &Discovered) -> bool {
    let detail: Read<ClusterDetail> = readings::one(found, cluster_table::CLUSTER, "", "eks:DescribeCluster");
    !matches!(detail.got().and_then(|detail| detail.authentication_mode.as_deref()), Some("API"))
}

/// What is to be told of a cluster's pools: nodes that run on a profile that their class no longer has.
pub fn notices(record: &ClusterRecord) -> Vec<Notice> {
    let code = Finding::FormerProfile.code();
    let now = |pool: &Pool| {
        let mut labels = pool.node_labels.clone();
        labels.remove(nodes::HOSTNAME);
        record.pools.iter().find(|one| one.node_labels == labels).map(|one| one.identity.clone())
    };
    // Another profile or class may hold the same role.
    let former = record.pools.iter().filter(|pool| {
        pool.node_labels.contains_key(nodes::HOSTNAME) && now(pool).as_ref() != Some(&pool.identity)
    });
    former
        .map(|pool| {
            let who = pool.identity.got().map_or("nobody that is known", |principal| principal.name.as_str());
            let message = format!("pulls as {who}, which is not what its node class names now");
            let subject = format!("{}/{}", record.cluster.name, pool.name);
            Notice { code: code.name(), severity: code.severity(), subject, message }
        })
        .collect()
}

/// The identity behind a role's ARN, or behind the ARN of one session of it, of any partition; `None`
/// for everything else.
pub fn principal(who: &str) -> Option<Principal> {
    principal_of(who, PrincipalKind::NodeRole)
}

fn principal_of(arn: &str, kind: PrincipalKind) -> Option<Principal> {
    let role = RoleArn::parse(arn)?;
    Some(Principal::new(kind, arn, role.name))
}

/// The credentials that the kubelet of a pool tries for an image: pull secrets, then the pool's role
/// where the node's patterns cover the host.
///
/// A service account with a role of its own pulls as that role, without falling back to the node's,
/// where the nodes are configured for it; `configured` settles that by cluster id or name, and without
/// it both are cases. A static pod has no service account.
pub fn keyring(
    pool: &Pool,
    pod: &PodCredentials,
    image: &ImageRef,
    configured: &BTreeMap<String, bool>,
) -> Keyring {
    if let Some(unknown) = of_virtual_nodes(pool, image) {
        return unknown;
    }
    let of_node = kubelet(pod, &node_keys(pool, image), image);
    let annotated = pod.annotations.get(ROLE_ANNOTATION).filter(|role| !role.is_empty() && !pod.static_pod);
    let maybe = match plugin::asked(image, &pool.shape) {
        Asked::Yes => None,
        Asked::Open(open) => Some(open),
        Asked::No => return of_node,
    };
    let settled = pool.cluster.find_in(configured).copied();
    let Some(role) = annotated else {
        if settled == Some(false) {
            return of_node;
        }
        return of_unread_account(pod, of_node, |own| kubelet(pod, &[key(image, own, maybe)], image));
    };
    let of_role = || {
        let token = token(pool, pod, settled == Some(true));
        kubelet(pod, &[key(image, taken_on(role, token), maybe.clone())], image)
    };
    match settled {
        Some(false) => of_node,
        Some(true) => of_role(),
        None => Keyring::OneOf {
            why: Open::undecidable(format!(
                "whether nodes of {} pull as the service account's role: clusters.{}.serviceAccountIdentity in \
                 pullaudit.yaml",
                pool.cluster, pool.cluster
            )),
            cases: vec![of_role(), of_node],
        },
    }
}

/// The token with which a pod's service account asks for its role.
fn token(pool: &Pool, pod: &PodCredentials, configured: bool) -> AccountToken {
    AccountToken {
        issuer: pool.federation.clone(),
        audience: configured.then(|| AUDIENCE.to_owned()),
        subject: format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
    }
}

fn taken_on(role: &str, token: AccountToken) -> Credential {
    let kind = PrincipalKind::ServiceAccountRole;
    let principal = principal_of(role, kind).unwrap_or_else(|| Principal::new(kind, role, role));
    Credential::Principal(Principal { token: Some(Box::new(token)), ..principal })
}

/// What the node's plugin answers for the image: nothing for a host that its patterns do not cover.
fn node_keys(pool: &Pool, image: &ImageRef) -> Vec<NodeKey> {
    let credential = match &pool.identity {
        Read::Got(principal) => Credential::Principal(principal.clone()),
        Read::Unread(open) => Credential::Unidentified(open.clone()),
        Read::Absent => return Vec::new(),
    };
    match plugin::asked(image, &pool.shape) {
        Asked::Yes => return vec![key(image, credential, None)],
        Asked::Open(open) => return vec![key(image, credential, Some(open))],
        Asked::No => {}
    }
    if host::plugin_glob(&image.registry).is_some() && host::is_public(&image.registry) {
        let what = "whether the role gets a token for ECR Public (ecr-public:GetAuthorizationToken); without one the \
                    kubelet asks without a login, which is enough there";
        return vec![key(image, credential, Some(Open::undecidable(what)))];
    }
    Vec::new()
}

fn key(image: &ImageRef, credential: Credential, maybe: Option<Open>) -> NodeKey {
    NodeKey { key: image.registry.as_str().to_owned(), credential, maybe }
}
