//! Answers of the EKS API, cut down to the structs of [`crate::facts`].

use crate::facts::{AccessEntry, ClusterDetail, FargateProfile, FargateSelector, Nodegroup, NodegroupTaint};
use aws_sdk_eks::types;
use std::collections::{BTreeMap, HashMap};

pub(crate) fn cluster(cluster: &types::Cluster) -> ClusterDetail {
    let auto = cluster.compute_config().filter(|compute| compute.enabled() == Some(true));
    ClusterDetail {
        endpoint: cluster.endpoint().map(str::to_owned),
        certificate_authority: cluster.certificate_authority().and_then(|ca| ca.data()).map(str::to_owned),
        authentication_mode: cluster
            .access_config()
            .and_then(|access| access.authentication_mode())
            .map(|mode| mode.as_str().to_owned()),
        issuer: cluster.identity().and_then(|known| known.oidc()?.issuer()).map(str::to_owned),
        status: cluster.status().map(|status| status.as_str().to_owned()),
        auto_mode_role: auto.and_then(|compute| compute.node_role_arn()).map(str::to_owned),
        auto_mode_pools: sorted(auto.map(|compute| compute.node_pools().to_vec()).unwrap_or_default()),
    }
}

/// `None` when the answer names no role.
pub(crate) fn nodegroup(group: &types::Nodegroup) -> Option<Nodegroup> {
    let health = group.health().map(types::NodegroupHealth::issues).unwrap_or_default();
    Some(Nodegroup {
        node_role: group.node_role()?.to_owned(),
        ami_type: group.ami_type().map(|kind| kind.as_str().to_owned()),
        release: group.release_version().map(str::to_owned),
        labels: ordered(group.labels()),
        taints: group.taints().iter().filter_map(taint).collect(),
        health: sorted(health.iter().filter_map(|issue| Some(issue.code()?.as_str().to_owned())).collect()),
    })
}

/// `None` when the answer names no role.
pub(crate) fn fargate(profile: &types::FargateProfile) -> Option<FargateProfile> {
    let selector = |selector: &types::FargateProfileSelector| {
        Some(FargateSelector { namespace: selector.namespace()?.to_owned(), labels: ordered(selector.labels()) })
    };
    Some(FargateProfile {
        pod_execution_role: profile.pod_execution_role_arn()?.to_owned(),
        selectors: profile.selectors().iter().filter_map(selector).collect(),
    })
}

/// `None` when the answer names no type.
pub(crate) fn entry(entry: &types::AccessEntry) -> Option<AccessEntry> {
    Some(AccessEntry { kind: entry.r#type()?.to_owned() })
}

fn taint(taint: &types::Taint) -> Option<NodegroupTaint> {
    Some(NodegroupTaint {
        key: taint.key()?.to_owned(),
        value: taint.value().unwrap_or_default().to_owned(),
        effect: taint.effect()?.as_str().to_owned(),
    })
}

fn ordered(map: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    map.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
