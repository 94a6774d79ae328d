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
        status: profile.status().map(|status| status.as_str().to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Auto Mode that was switched off keeps what it was set to.
    #[test]
    fn a_cluster_is_cut_down_to_what_tells_its_identities() {
        let described = |enabled: bool| {
            let compute = types::ComputeConfigResponse::builder()
                .enabled(enabled)
                .node_pools("system")
                .node_pools("general-purpose")
                .node_role_arn("arn:aws:iam::111122223333:role/auto");
            let oidc = types::Oidc::builder().issuer("https://oidc.example/id/A").build();
            let access = types::AccessConfigResponse::builder()
                .authentication_mode(types::AuthenticationMode::ApiAndConfigMap);
            types::Cluster::builder()
                .endpoint("https://a.example")
                .status(types::ClusterStatus::Active)
                .compute_config(compute.build())
                .identity(types::Identity::builder().oidc(oidc).build())
                .access_config(access.build())
                .build()
        };
        let on = cluster(&described(true));
        assert_eq!(on.auto_mode_role.as_deref(), Some("arn:aws:iam::111122223333:role/auto"));
        assert_eq!(on.auto_mode_pools, ["general-purpose", "system"]);
        assert_eq!(on.issuer.as_deref(), Some("https://oidc.example/id/A"));
        assert_eq!(on.authentication_mode.as_deref(), Some("API_AND_CONFIG_MAP"));
        assert_eq!((on.endpoint.as_deref(), on.status.as_deref()), (Some("https://a.example"), Some("ACTIVE")));
        let off = cluster(&described(false));
        assert_eq!((off.auto_mode_role, off.auto_mode_pools.len()), (None, 0));
    }
}
