//! What is read of a cluster.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

bodies! {
    /// A cluster.
    ManagedCluster {
        /// ARM id.
        id: String,
        /// Short name.
        name: String,
        /// Region.
        location: String,
        /// The control plane's identity, which never pulls.
        identity: ControlPlaneIdentity,
        /// The rest.
        properties: ManagedClusterProperties,
    }
    /// Who the control plane acts as.
    ControlPlaneIdentity {
        /// Object id of the system-assigned one.
        principal_id: Option<String>,
        /// User-assigned ones, by ARM id.
        user_assigned_identities: BTreeMap<String, AssignedIdentity>,
    }
    /// An identity that is assigned to a resource.
    AssignedIdentity {
        /// Its object id.
        principal_id: String,
        /// Its application id.
        client_id: String,
    }
    /// The settings of a cluster that tell who pulls.
    ManagedClusterProperties {
        /// `Succeeded`, `Creating`, `Updating`, …
        provisioning_state: String,
        /// Whether it runs.
        power_state: PowerState,
        /// Host of the API server.
        fqdn: Option<String>,
        /// Host of the API server inside its network.
        #[serde(rename = "privateFQDN")]
        private_fqdn: Option<String>,
        /// Where the API server can be reached from.
        api_server_access_profile: ApiServerAccess,
        /// Identities by what they are for; absent on clusters with a service principal and while a
        /// cluster is being created.
        identity_profile: BTreeMap<String, UserAssignedIdentity>,
        /// `msi`, or the application that pulls.
        service_principal_profile: ServicePrincipalProfile,
        /// Its node pools; `None` where the answer does not hold them.
        agent_pool_profiles: Option<Vec<AgentPool>>,
        /// Add-ons by name.
        addon_profiles: BTreeMap<String, Addon>,
        /// Node auto-provisioning.
        node_provisioning_profile: NodeProvisioning,
        /// Where system images come from.
        bootstrap_profile: Bootstrap,
        /// Group of the nodes' own resources.
        node_resource_group: Option<String>,
    }
    /// Whether a cluster runs.
    PowerState {
        /// `Running` or `Stopped`.
        code: String,
    }
    /// Where an API server can be reached from.
    ApiServerAccess {
        /// Only from its network.
        enable_private_cluster: bool,
    }
    /// A user-assigned identity.
    UserAssignedIdentity {
        /// ARM id, in any case.
        resource_id: String,
        /// Application id; never what a grant names.
        client_id: String,
        /// What a grant names.
        object_id: String,
    }
    /// The application of a cluster.
    ServicePrincipalProfile {
        /// `msi`, or an application id.
        client_id: String,
    }
    /// A node pool.
    AgentPool {
        /// Its name.
        name: String,
        /// How many nodes it has now.
        count: u32,
        /// `Linux` or `Windows`.
        os_type: String,
        /// Labels that its nodes get.
        node_labels: BTreeMap<String, String>,
        /// Taints that its nodes get, `KEY=VALUE:EFFECT`.
        node_taints: Vec<String>,
        /// `System`, `User`, …
        mode: String,
        /// The image that its nodes are made from: `AKSUbuntu-2204gen2containerd-202607.21.0`.
        node_image_version: Option<String>,
    }
    /// An add-on.
    Addon {
        /// Whether it is on.
        enabled: bool,
    }
    /// Node auto-provisioning.
    NodeProvisioning {
        /// `Auto` or `Manual`.
        mode: String,
    }
    /// A registry that stands in for MCR, and the cluster that it does so for.
    SystemRegistry {
        /// ARM id of the registry, in lower case.
        registry: String,
        /// Short name of the cluster.
        cluster: String,
    }
    /// Where system images come from.
    Bootstrap {
        /// `Cache` or `Direct`.
        artifact_source: String,
        /// ARM id of the registry that stands in for MCR.
        container_registry_id: Option<String>,
    }
}
