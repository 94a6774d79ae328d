//! What is read from Azure: bodies of Resource Manager cut down to what decides a pull. The one meeting
//! point of `live` (which fills the tables) and the pure half (which reads them).
//!
//! Each row is one API answer, all its pages together, so that taking an answer away is taking a row
//! away. Field names are those of the API, so a recorded body reads as a row.

use serde::{Deserialize, Deserializer, Serialize};

/// Tables of the registry side, with the shape of their keys. `S` is a subscription id, `REGISTRY` the
/// ARM id of a registry and `OBJECT` an object id, all in lower case.
pub mod table {
    /// `""` → list of [`super::Subscription`]; `GET /subscriptions`, or the subscriptions that the user gave.
    pub const SUBSCRIPTIONS: &str = "subscriptions";
    /// `S` → list of [`super::Registry`]; `Microsoft.ContainerRegistry/registries/read`.
    pub const REGISTRIES: &str = "registries";
    /// `REGISTRY|OBJECT` → list of [`super::RoleAssignment`] at and above the registry that are the
    /// identity's, through groups too; `Microsoft.Authorization/roleAssignments/read`.
    pub const ASSIGNMENTS: &str = "roleAssignments";
    /// `REGISTRY` → list of [`super::RoleAssignment`] at and above the registry, whoever holds them;
    /// `Microsoft.Authorization/roleAssignments/read`.
    pub const HOLDERS: &str = "roleAssignmentsAtScope";
    /// GUID → [`super::RoleDefinition`]; `Microsoft.Authorization/roleDefinitions/read`; never absent, since a
    /// role that is assigned can't be deleted.
    pub const DEFINITIONS: &str = "roleDefinitions";
    /// `REGISTRY` → list of [`super::DenyAssignment`] at and above; `Microsoft.Authorization/denyAssignments/read`.
    pub const DENY: &str = "denyAssignments";
    /// `REGISTRY|OBJECT` → list of [`super::DenyAssignment`] that are the identity's, through groups
    /// too; read only where one of [`DENY`] names a group. Same right.
    pub const DENY_ASSIGNED: &str = "denyAssignmentsOfIdentity";
    /// `OBJECT` → [`super::ServicePrincipal`]; Microsoft Graph `Directory.Read.All`; read for the identities that
    /// pull and for holders of a least grant that no question is about; absent when the directory has none of
    /// that id.
    pub const PRINCIPALS: &str = "principals";
    /// Application id, in lower case → [`super::Application`]; Microsoft Graph `Application.Read.All`; read only
    /// where a cluster pulls as an application whose service principal holds no valid secret itself; absent when
    /// the directory has none of that id.
    pub const APPLICATIONS: &str = "applications";
    /// `OBJECT` → list of [`pullaudit_core::Lookalike`]: ids of the clusters that pull as the identity that are
    /// taken for it. Derived from the clusters' bodies, so it needs no right.
    pub const LOOKALIKES: &str = "lookalikes";
    /// `OBJECT` → list of [`super::SystemRegistry`]: registries from which network-isolated clusters that pull as the
    /// identity get their system images. Derived as above.
    pub const SYSTEM_REGISTRIES: &str = "systemRegistries";
    /// `REGISTRY` → list of [`super::CacheRule`]; `Microsoft.ContainerRegistry/registries/cacheRules/read`.
    pub const CACHE_RULES: &str = "cacheRules";
    /// `REGISTRY` → list of [`super::CredentialSet`]; read only where a cache rule names one;
    /// `Microsoft.ContainerRegistry/registries/credentialSets/read`.
    pub const CREDENTIAL_SETS: &str = "credentialSets";
}

/// Tables of one cluster, see [`pullaudit_core::Discovered::readings`].
pub mod cluster_table {
    /// `""` → [`super::ManagedCluster`]; `Microsoft.ContainerService/managedClusters/read`.
    pub const CLUSTER: &str = "cluster";
    /// `""` → [`super::ServicePrincipal`]; Microsoft Graph `Application.Read.All`; read only where the
    /// cluster pulls as a service principal; absent when the directory has none for the application.
    pub const SERVICE_PRINCIPAL: &str = "servicePrincipal";
}

/// `null` where a list is empty or a field unset, as Resource Manager often writes it.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Makes the slim bodies: every field may be absent or null, unknown ones are passed over.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(deserialize_with = "crate::facts::lenient")] pub $field: $type,)*
        }
    )*};
}

mod cluster;
mod directory;

pub use cluster::*;
pub use directory::*;

bodies! {
    /// A subscription.
    Subscription {
        /// Its id.
        subscription_id: String,
        /// Its tenant; empty where it was given by the user and not read.
        tenant_id: String,
        /// Other tenants that manage it (Azure Lighthouse).
        managed_by_tenants: Vec<ManagingTenant>,
    }
    /// A tenant that manages a subscription of another one.
    ManagingTenant {
        /// Its id.
        tenant_id: String,
    }
    /// A container registry.
    Registry {
        /// ARM id, in the case in which Azure writes it.
        id: String,
        /// Short name.
        name: String,
        /// Region.
        location: String,
        /// Its tier.
        sku: Sku,
        /// The rest.
        properties: RegistryProperties,
    }
    /// The tier of a registry.
    Sku {
        /// `Basic`, `Standard` or `Premium`.
        name: String,
    }
    /// The settings of a registry that decide a pull. A setting that is `None` was not in the answer.
    RegistryProperties {
        /// When it was made. Resource Manager writes it in every answer: with it, an answer holds all settings.
        creation_date: Option<String>,
        /// The host that images name; with a domain name label it is not `NAME.azurecr.io`.
        login_server: String,
        /// Hosts of its regions, where it has them.
        regional_endpoint_host_names: Vec<String>,
        /// `LegacyRegistryPermissions` or `AbacRepositoryPermissions`; `None` in answers of an API
        /// version that does not tell.
        role_assignment_mode: Option<String>,
        /// Everybody may pull.
        anonymous_pull_enabled: Option<bool>,
        /// `Enabled` or `Disabled`.
        public_network_access: Option<String>,
        /// Rules by address; only Premium registries have them.
        network_rule_set: Option<NetworkRuleSet>,
        /// Private end points, in every state.
        private_endpoint_connections: Option<Vec<PrivateEndpoint>>,
        /// Policies.
        policies: Option<RegistryPolicies>,
    }
    /// Rules by address.
    NetworkRuleSet {
        /// `Allow` or `Deny`; empty counts as allow.
        default_action: String,
    }
    /// A private end point.
    PrivateEndpoint {
        /// The rest.
        properties: PrivateEndpointProperties,
    }
    /// Of a private end point.
    PrivateEndpointProperties {
        /// Whether the owner of the registry let it in.
        private_link_service_connection_state: ConnectionState,
    }
    /// Whether a private end point is let in.
    ConnectionState {
        /// `Approved`, `Pending`, `Rejected`, `Disconnected`.
        status: String,
    }
    /// Policies of a registry.
    RegistryPolicies {
        /// Hides images that no scanner has released.
        quarantine_policy: Switch,
        /// Whether tokens for Resource Manager log in.
        #[serde(rename = "azureADAuthenticationAsArmPolicy")]
        azure_ad_authentication_as_arm_policy: Switch,
    }
    /// `enabled` or `disabled`.
    Switch {
        /// The word.
        status: String,
    }
    /// A grant.
    RoleAssignment {
        /// ARM id.
        id: String,
        /// Its GUID.
        name: String,
        /// The rest.
        properties: RoleAssignmentProperties,
    }
    /// Of a grant.
    RoleAssignmentProperties {
        /// Where it holds, and below.
        scope: String,
        /// ARM id of the role, in the form of the tenant or of a subscription; its last part is the GUID.
        role_definition_id: String,
        /// Object id.
        principal_id: String,
        /// `ServicePrincipal`, `Group`, `User`; frozen when the grant was made.
        principal_type: String,
        /// On repositories.
        condition: Option<String>,
        /// `2.0`.
        condition_version: Option<String>,
        /// A word of whoever wrote it.
        description: Option<String>,
        /// For grants across tenants.
        delegated_managed_identity_resource_id: Option<String>,
    }
    /// A role, as `GET …/roleDefinitions/GUID` writes it.
    RoleDefinition {
        /// Its GUID.
        name: String,
        /// The rest.
        properties: RoleDefinitionProperties,
    }
    /// Of a role.
    RoleDefinitionProperties {
        /// What people call it.
        role_name: String,
        /// `BuiltInRole` or `CustomRole`.
        #[serde(rename = "type")]
        role_type: String,
        /// What it allows: the sum of these. Every role has them: an answer without is none.
        permissions: Option<Vec<Permission>>,
    }
    /// One element of a role: what it allows less what it takes back from itself.
    Permission {
        /// Of the control plane, with `*`.
        actions: Option<Vec<String>>,
        /// Not of these.
        not_actions: Option<Vec<String>>,
        /// Of the data plane, with `*`.
        data_actions: Option<Vec<String>>,
        /// Not of these.
        not_data_actions: Option<Vec<String>>,
        /// Of the element itself.
        condition: Option<String>,
        /// `2.0`.
        condition_version: Option<String>,
    }
    /// A deny assignment.
    DenyAssignment {
        /// ARM id.
        id: String,
        /// Its GUID.
        name: String,
        /// The rest.
        properties: DenyAssignmentProperties,
    }
    /// Of a deny assignment.
    DenyAssignmentProperties {
        /// What people call it.
        deny_assignment_name: String,
        /// Where it holds.
        scope: String,
        /// It holds at its scope only, not below.
        do_not_apply_to_child_scopes: Option<bool>,
        /// What it denies. Every deny assignment says so: an answer without is none.
        permissions: Option<Vec<Permission>>,
        /// Whom; the zero GUID of type `SystemDefined` is everybody.
        principals: Vec<DenyPrincipal>,
        /// Whom not.
        exclude_principals: Option<Vec<DenyPrincipal>>,
        /// Azure made it. Resource Manager writes it in every answer: with it, an answer holds all fields.
        is_system_protected: Option<bool>,
        /// On repositories.
        condition: Option<String>,
        /// `2.0`.
        condition_version: Option<String>,
        /// `enforced` or `audit`; API versions before 2024-07-01-preview do not tell and know only the first.
        deny_assignment_effect: Option<String>,
    }
    /// Whom a deny assignment is about.
    DenyPrincipal {
        /// Object id.
        id: String,
        /// `User`, `Group`, `ServicePrincipal`, `SystemDefined`.
        #[serde(rename = "type")]
        kind: String,
    }
    /// A rule by which a registry fetches from another one.
    CacheRule {
        /// Its name.
        name: String,
        /// The rest.
        properties: CacheRuleProperties,
    }
    /// Of a cache rule.
    CacheRuleProperties {
        /// `docker.io/library/*`.
        source_repository: String,
        /// `cache/*`.
        target_repository: String,
        /// ARM id of what it logs in with; `None` for a login without credentials.
        credential_set_resource_id: Option<String>,
    }
    /// What a cache rule logs in with. The secret itself stands in a key vault and is never read.
    CredentialSet {
        /// ARM id.
        id: String,
        /// Its name.
        name: String,
        /// The rest.
        properties: CredentialSetProperties,
    }
    /// Of a credential set.
    CredentialSetProperties {
        /// The upstream host.
        login_server: String,
        /// Its credentials.
        auth_credentials: Vec<AuthCredential>,
    }
    /// One credential of a set.
    AuthCredential {
        /// `Credential1`.
        name: String,
        /// How its last use went.
        credential_health: CredentialHealth,
    }
    /// How the last use of a credential went.
    CredentialHealth {
        /// `Healthy` or `Unhealthy`.
        status: String,
        /// The upstream's or key vault's code.
        error_code: Option<String>,
    }
}
