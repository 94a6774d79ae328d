//! Ids beside the kubelet identity's object id that grants are given to by mistake.
//!
//! Source: Azure/AKS issue 1428 (the control plane's identity), Azure/acr issue 695 (the client id).

use crate::codes::Finding;
use crate::facts::{ManagedCluster, cluster_table};
use pullaudit_core::{Discovered, Lookalike, Read};
use serde::Deserialize as _;

/// The client ids and the control plane's identities of a cluster; none where it could not be read.
pub fn lookalikes(found: &Discovered) -> Vec<Lookalike> {
    let body = found.readings.get(cluster_table::CLUSTER, "").and_then(Read::got);
    let Some(cluster) = body.and_then(|body| ManagedCluster::deserialize(body).ok()) else { return Vec::new() };
    let name = &found.cluster.name;
    let mut all = Vec::new();
    let mut add = |id: &str, finding: Finding, what: String| {
        if !id.is_empty() && !id.eq_ignore_ascii_case("msi") {
            let code = finding.code().name().to_owned();
            all.push(Lookalike { id: id.to_ascii_lowercase(), code, what });
        }
    };
    let about = &cluster.properties;
    let kubelet = about.identity_profile.get("kubeletidentity");
    if let Some(kubelet) = kubelet {
        let what = format!("the client id of the kubelet identity of {name}");
        add(&kubelet.client_id, Finding::GrantedToClientId, what);
    }
    let application = format!("the client id of the service principal of {name}");
    add(&about.service_principal_profile.client_id, Finding::GrantedToClientId, application);
    let plane = || format!("the identity of the control plane of {name}");
    add(cluster.identity.principal_id.as_deref().unwrap_or_default(), Finding::GrantedToControlPlane, plane());
    for assigned in cluster.identity.user_assigned_identities.values() {
        add(&assigned.principal_id, Finding::GrantedToControlPlane, plane());
        let what = format!("the client id of the control plane's identity of {name}");
        add(&assigned.client_id, Finding::GrantedToClientId, what);
    }
    // One identity may do both, and then it does pull.
    all.retain(|one| !kubelet.is_some_and(|kubelet| kubelet.object_id.eq_ignore_ascii_case(&one.id)));
    all.sort();
    all.dedup();
    all
}
