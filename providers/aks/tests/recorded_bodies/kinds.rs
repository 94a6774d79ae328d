//! What matters of each kind of body, and what is passed over on purpose.
//!
//! Paths are those of JSON, with `*` for any entry of a list or map.

use pullaudit_aks::facts::{
    CacheRule, CredentialSet, DenyAssignment, ManagedCluster, Registry, RoleAssignment, RoleDefinition,
    ServicePrincipal,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One kind of body.
pub(crate) struct Kind {
    /// `type` of Resource Manager, in lower case; the one kind of Graph has a name of its own.
    pub(crate) name: &'static str,
    /// What decides a verdict or is told with it: every one of these has to come through.
    pub(crate) matters: &'static [&'static str],
    /// Those that matter and have a value in no recording.
    pub(crate) unrecorded: &'static [&'static str],
    /// What is passed over with all below it.
    pub(crate) passed: &'static [&'static str],
    /// How many there are at least.
    pub(crate) recorded: usize,
    /// As our own code reads it, written again.
    pub(crate) reread: fn(&Value) -> Result<Value, serde_json::Error>,
    /// All that our own code holds, with nothing in it.
    pub(crate) held: fn() -> Value,
}

fn reread<T: DeserializeOwned + Serialize>(raw: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(raw.clone())?)
}

fn held<T: Default + Serialize>() -> Value {
    json!(T::default())
}

/// The kind of a body, if it is one that we read.
pub(crate) fn of(raw: &Value) -> Option<&'static Kind> {
    let name = match raw["type"].as_str() {
        Some(name) => name.to_ascii_lowercase(),
        None if raw["servicePrincipalType"].is_string() && raw["id"].is_string() => GRAPH.to_owned(),
        None => return None,
    };
    KINDS.iter().find(|kind| kind.name == name)
}

/// Lists of roles by tools write a role without `properties`, and its type under another name.
pub(crate) fn lifted(raw: &Value) -> Value {
    let mut raw = raw.clone();
    let Some(flat) = raw.as_object_mut().filter(|all| all.contains_key("roleName")) else { return raw };
    let mut body = serde_json::Map::new();
    for name in ["id", "name", "type"] {
        body.extend(flat.remove(name).map(|value| (name.to_owned(), value)));
    }
    let role_type = flat.remove("roleType").unwrap();
    flat.insert("type".to_owned(), role_type);
    body.insert("properties".to_owned(), json!(flat));
    Value::Object(body)
}

const GRAPH: &str = "graph/serviceprincipals";

/// All kinds that are read.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "microsoft.containerservice/managedclusters",
        matters: &[
            "/id",
            "/name",
            "/location",
            "/identity/principalId",
            "/identity/userAssignedIdentities/*/principalId",
            "/identity/userAssignedIdentities/*/clientId",
            "/properties/provisioningState",
            "/properties/powerState/code",
            "/properties/fqdn",
            "/properties/privateFQDN",
            "/properties/apiServerAccessProfile/enablePrivateCluster",
            "/properties/identityProfile/*/resourceId",
            "/properties/identityProfile/*/clientId",
            "/properties/identityProfile/*/objectId",
            "/properties/servicePrincipalProfile/clientId",
            "/properties/agentPoolProfiles/*/name",
            "/properties/agentPoolProfiles/*/count",
            "/properties/agentPoolProfiles/*/osType",
            "/properties/agentPoolProfiles/*/mode",
            "/properties/agentPoolProfiles/*/nodeImageVersion",
            "/properties/agentPoolProfiles/*/nodeLabels/*",
            "/properties/agentPoolProfiles/*/nodeTaints/*",
            "/properties/addonProfiles/*/enabled",
            "/properties/nodeProvisioningProfile/mode",
            "/properties/bootstrapProfile/artifactSource",
            "/properties/bootstrapProfile/containerRegistryId",
            "/properties/nodeResourceGroup",
        ],
        unrecorded: &[
            "/properties/agentPoolProfiles/*/nodeLabels/*",
            "/properties/agentPoolProfiles/*/nodeTaints/*",
            "/properties/bootstrapProfile/artifactSource",
            "/properties/bootstrapProfile/containerRegistryId",
        ],
        passed: &[
            "/type",
            "/sku",
            "/tags",
            "/identity/type",
            "/identity/tenantId",
            // Of add-ons: they never pull for a node.
            "/properties/addonProfiles/*/identity",
            "/properties/addonProfiles/*/config",
            // A pool's machines and versions. Pools have no identity of their own.
            "/properties/agentPoolProfiles/*/currentOrchestratorVersion",
            "/properties/agentPoolProfiles/*/enableAutoScaling",
            "/properties/agentPoolProfiles/*/enableCustomCATrust",
            "/properties/agentPoolProfiles/*/enableEncryptionAtHost",
            "/properties/agentPoolProfiles/*/enableFIPS",
            "/properties/agentPoolProfiles/*/enableNodePublicIP",
            "/properties/agentPoolProfiles/*/enableUltraSSD",
            "/properties/agentPoolProfiles/*/kubeletDiskType",
            "/properties/agentPoolProfiles/*/maxPods",
            "/properties/agentPoolProfiles/*/networkProfile",
            "/properties/agentPoolProfiles/*/orchestratorVersion",
            "/properties/agentPoolProfiles/*/osDiskSizeGB",
            "/properties/agentPoolProfiles/*/osDiskType",
            "/properties/agentPoolProfiles/*/osSKU",
            "/properties/agentPoolProfiles/*/powerState",
            "/properties/agentPoolProfiles/*/provisioningState",
            "/properties/agentPoolProfiles/*/scaleDownMode",
            "/properties/agentPoolProfiles/*/securityProfile",
            "/properties/agentPoolProfiles/*/type",
            "/properties/agentPoolProfiles/*/upgradeSettings",
            "/properties/agentPoolProfiles/*/vmSize",
            "/properties/agentPoolProfiles/*/vnetSubnetID",
            "/properties/agentPoolProfiles/*/workloadRuntime",
            // How users log in is read from the kubeconfig that Azure hands out.
            "/properties/aadProfile",
            "/properties/disableLocalAccounts",
            "/properties/apiServerAccessProfile/enablePrivateClusterPublicFQDN",
            "/properties/apiServerAccessProfile/privateDNSZone",
            "/properties/autoUpgradeProfile",
            "/properties/azurePortalFQDN",
            "/properties/currentKubernetesVersion",
            "/properties/dnsPrefix",
            "/properties/enablePodSecurityPolicy",
            "/properties/enableRBAC",
            "/properties/kubernetesVersion",
            "/properties/linuxProfile",
            "/properties/maxAgentPools",
            "/properties/metricsProfile",
            "/properties/networkProfile",
            "/properties/oidcIssuerProfile",
            "/properties/privateLinkResources",
            "/properties/resourceUID",
            "/properties/securityProfile",
            "/properties/storageProfile",
            "/properties/supportPlan",
            "/properties/windowsProfile",
            "/properties/workloadAutoScalerProfile",
        ],
        recorded: 86,
        reread: reread::<ManagedCluster>,
        held: held::<ManagedCluster>,
    },
    Kind {
        name: "microsoft.containerregistry/registries",
        matters: &[
            "/id",
            "/name",
            "/location",
            "/sku/name",
            "/properties/creationDate",
            "/properties/loginServer",
            "/properties/regionalEndpointHostNames/*",
            "/properties/roleAssignmentMode",
            "/properties/anonymousPullEnabled",
            "/properties/publicNetworkAccess",
            "/properties/networkRuleSet/defaultAction",
            "/properties/privateEndpointConnections/*/properties/privateLinkServiceConnectionState/status",
            "/properties/policies/quarantinePolicy/status",
            "/properties/policies/azureADAuthenticationAsArmPolicy/status",
        ],
        unrecorded: &[
            "/properties/regionalEndpointHostNames/*",
            "/properties/privateEndpointConnections/*/properties/privateLinkServiceConnectionState/status",
        ],
        passed: &[
            "/type",
            "/sku/tier",
            "/tags",
            "/systemData",
            // A user's password, which matters only in pull secrets.
            "/properties/adminUserEnabled",
            "/properties/autoGeneratedDomainNameLabelScope",
            // Which addresses nodes come from is not known, so where the rest is refused the list settles
            // nothing.
            "/properties/networkRuleSet/ipRules",
            // Where layers come from, after the registry has let the pull in.
            "/properties/dataEndpointEnabled",
            "/properties/dataEndpointHostNames",
            "/properties/encryption",
            "/properties/metadataSearch",
            // Exceptions for Azure's own services; nodes are none.
            "/properties/networkRuleBypassAllowedForTasks",
            "/properties/networkRuleBypassOptions",
            "/properties/policies/exportPolicy",
            "/properties/policies/retentionPolicy",
            "/properties/policies/softDeletePolicy",
            "/properties/policies/trustPolicy",
            "/properties/provisioningState",
            "/properties/status",
            "/properties/zoneRedundancy",
        ],
        recorded: 419,
        reread: reread::<Registry>,
        held: held::<Registry>,
    },
    Kind {
        name: "microsoft.authorization/roleassignments",
        matters: &[
            "/id",
            "/name",
            "/properties/scope",
            "/properties/roleDefinitionId",
            "/properties/principalId",
            "/properties/principalType",
            "/properties/condition",
            "/properties/conditionVersion",
            "/properties/description",
            "/properties/delegatedManagedIdentityResourceId",
        ],
        unrecorded: &["/properties/delegatedManagedIdentityResourceId"],
        passed: &[
            "/type",
            "/properties/createdBy",
            "/properties/createdOn",
            "/properties/updatedBy",
            "/properties/updatedOn",
        ],
        recorded: 1269,
        reread: reread::<RoleAssignment>,
        held: held::<RoleAssignment>,
    },
    Kind {
        name: "microsoft.authorization/roledefinitions",
        matters: &[
            "/name",
            "/properties/roleName",
            "/properties/type",
            "/properties/permissions/*/actions/*",
            "/properties/permissions/*/notActions/*",
            "/properties/permissions/*/dataActions/*",
            "/properties/permissions/*/notDataActions/*",
            "/properties/permissions/*/condition",
            "/properties/permissions/*/conditionVersion",
        ],
        unrecorded: &[],
        passed: &[
            "/id",
            "/type",
            // Where it may be granted; a grant that is there was.
            "/properties/assignableScopes",
            "/properties/description",
            "/properties/createdBy",
            "/properties/createdOn",
            "/properties/updatedBy",
            "/properties/updatedOn",
        ],
        recorded: 1679,
        reread: reread::<RoleDefinition>,
        held: held::<RoleDefinition>,
    },
    Kind {
        name: "microsoft.authorization/denyassignments",
        matters: &[
            "/id",
            "/name",
            "/properties/denyAssignmentName",
            "/properties/scope",
            "/properties/doNotApplyToChildScopes",
            "/properties/permissions/*/actions/*",
            "/properties/permissions/*/notActions/*",
            "/properties/permissions/*/dataActions/*",
            "/properties/permissions/*/notDataActions/*",
            "/properties/permissions/*/condition",
            "/properties/permissions/*/conditionVersion",
            "/properties/principals/*/id",
            "/properties/principals/*/type",
            "/properties/excludePrincipals/*/id",
            "/properties/excludePrincipals/*/type",
            "/properties/condition",
            "/properties/conditionVersion",
            "/properties/denyAssignmentEffect",
            "/properties/isSystemProtected",
        ],
        unrecorded: &[
            "/properties/permissions/*/notActions/*",
            "/properties/permissions/*/notDataActions/*",
            "/properties/permissions/*/condition",
            "/properties/permissions/*/conditionVersion",
            "/properties/condition",
            "/properties/conditionVersion",
            "/properties/denyAssignmentEffect",
        ],
        passed: &["/type", "/properties/description"],
        recorded: 1,
        reread: reread::<DenyAssignment>,
        held: held::<DenyAssignment>,
    },
    Kind {
        name: "microsoft.containerregistry/registries/cacherules",
        matters: &[
            "/name",
            "/properties/sourceRepository",
            "/properties/targetRepository",
            "/properties/credentialSetResourceId",
        ],
        unrecorded: &[],
        passed: &["/id", "/type", "/systemData", "/properties/creationDate", "/properties/provisioningState"],
        recorded: 6,
        reread: reread::<CacheRule>,
        held: held::<CacheRule>,
    },
    Kind {
        name: "microsoft.containerregistry/registries/credentialsets",
        matters: &[
            "/id",
            "/name",
            "/properties/loginServer",
            "/properties/authCredentials/*/name",
            "/properties/authCredentials/*/credentialHealth/status",
            "/properties/authCredentials/*/credentialHealth/errorCode",
        ],
        unrecorded: &[],
        passed: &[
            "/type",
            "/identity",
            "/systemData",
            // Where the secrets stand is of no concern to a pull.
            "/properties/authCredentials/*/passwordSecretIdentifier",
            "/properties/authCredentials/*/usernameSecretIdentifier",
            "/properties/authCredentials/*/credentialHealth/errorMessage",
            "/properties/creationDate",
            "/properties/provisioningState",
        ],
        recorded: 7,
        reread: reread::<CredentialSet>,
        held: held::<CredentialSet>,
    },
    Kind {
        name: GRAPH,
        matters: &[
            "/id",
            "/displayName",
            "/appId",
            "/servicePrincipalType",
            "/accountEnabled",
            "/passwordCredentials/*/startDateTime",
            "/passwordCredentials/*/endDateTime",
        ],
        unrecorded: &["/passwordCredentials/*/startDateTime", "/passwordCredentials/*/endDateTime"],
        // No more than these is asked for.
        passed: &["/*"],
        recorded: 32,
        reread: reread::<ServicePrincipal>,
        held: held::<ServicePrincipal>,
    },
];
