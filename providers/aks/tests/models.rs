//! Every field of Azure's own models is read, or is passed over for a reason: a field that a verdict hangs on can't be
//! missing unnoticed, and none of ours is misspelt.
//!
//! Source: the models of azure-mgmt-containerregistry 15.0, azure-mgmt-containerservice 41.2, azure-mgmt-authorization
//! 5.0.0b2 and Microsoft Graph v1.0, field by field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use pullaudit_aks::facts::{
    AgentPool, Bootstrap, CacheRuleProperties, DenyAssignmentProperties, ManagedClusterProperties, NetworkRuleSet,
    PasswordCredential, Permission, PrivateEndpointProperties, RegistryPolicies, RegistryProperties,
    RoleAssignmentProperties, RoleDefinitionProperties, ServicePrincipalProfile,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// It is read.
const READ: &str = "";
const SHOWN: &str = "who wrote it and when: nothing hangs on it";
const MACHINE: &str = "size, place or price of machines";
const LOGIN: &str = "how users of the cluster log in";
const ADDON: &str = "an add-on: it never pulls for a node";

type Model = &'static [(&'static str, &'static str)];

const REGISTRY: Model = &[
    ("loginServer", READ),
    ("creationDate", READ),
    ("networkRuleSet", READ),
    ("policies", READ),
    ("privateEndpointConnections", READ),
    ("publicNetworkAccess", READ),
    ("anonymousPullEnabled", READ),
    ("roleAssignmentMode", READ),
    ("regionalEndpointHostNames", READ),
    (
        "provisioningState",
        "a registry that is being changed serves pulls; Failed names the last change, not the registry",
    ),
    ("status", "deprecated: Azure writes null"),
    ("adminUserEnabled", "a user and a password, which only a pull secret would hold"),
    ("encryption", "a key that is lost makes the registry unusable, and no field tells"),
    ("dataEndpointEnabled", "where layers come from, once the registry let the pull in"),
    ("dataEndpointHostNames", "as above"),
    ("networkRuleBypassOptions", "for Azure's own services; nodes are none"),
    ("networkRuleBypassAllowedForTasks", "as above"),
    ("zoneRedundancy", "where it is stored"),
];

const POLICIES: Model = &[
    ("quarantinePolicy", READ),
    ("azureADAuthenticationAsArmPolicy", READ),
    ("trustPolicy", "signatures are checked by clients that want them; the kubelet does not"),
    ("retentionPolicy", "deletes manifests without a tag later on; whether one is there is content"),
    ("exportPolicy", "forbids export and import, not pulls"),
];

const NETWORK: Model = &[
    ("defaultAction", READ),
    (
        "ipRules",
        "the addresses from which nodes come are not read, so with Deny the pull is unknown whatever they say",
    ),
];

const END_POINT: Model = &[
    ("privateLinkServiceConnectionState", READ),
    ("privateEndpoint", "in which network it stands; whether nodes reach it is unknown"),
    ("provisioningState", "the connection's state decides"),
];

const CACHE_RULE: Model = &[
    ("credentialSetResourceId", READ),
    ("sourceRepository", READ),
    ("targetRepository", READ),
    ("creationDate", SHOWN),
    ("provisioningState", "whether the upstream answers is content"),
];

const ASSIGNMENT: Model = &[
    ("scope", READ),
    ("roleDefinitionId", READ),
    ("principalId", READ),
    ("principalType", READ),
    ("description", READ),
    ("condition", READ),
    ("conditionVersion", READ),
    ("delegatedManagedIdentityResourceId", READ),
    ("createdOn", SHOWN),
    ("updatedOn", SHOWN),
    ("createdBy", SHOWN),
    ("updatedBy", SHOWN),
];

const DEFINITION: Model = &[
    ("roleName", READ),
    ("type", READ),
    ("permissions", READ),
    ("description", SHOWN),
    ("assignableScopes", "where it may be assigned; an assignment that is there was allowed"),
    ("createdOn", SHOWN),
    ("updatedOn", SHOWN),
    ("createdBy", SHOWN),
    ("updatedBy", SHOWN),
];

const PERMISSION: Model = &[
    ("actions", READ),
    ("notActions", READ),
    ("dataActions", READ),
    ("notDataActions", READ),
    ("condition", READ),
    ("conditionVersion", READ),
];

const DENY: Model = &[
    ("denyAssignmentName", READ),
    ("permissions", READ),
    ("scope", READ),
    ("doNotApplyToChildScopes", READ),
    ("principals", READ),
    ("excludePrincipals", READ),
    ("isSystemProtected", READ),
    ("denyAssignmentEffect", READ),
    ("condition", READ),
    ("conditionVersion", READ),
    ("description", SHOWN),
    ("createdOn", SHOWN),
    ("updatedOn", SHOWN),
    ("createdBy", SHOWN),
    ("updatedBy", SHOWN),
];

const CLUSTER: Model = &[
    ("provisioningState", READ),
    ("powerState", READ),
    ("fqdn", READ),
    ("privateFQDN", READ),
    ("agentPoolProfiles", READ),
    ("servicePrincipalProfile", READ),
    ("addonProfiles", READ),
    ("nodeResourceGroup", READ),
    ("apiServerAccessProfile", READ),
    ("identityProfile", READ),
    ("nodeProvisioningProfile", READ),
    ("bootstrapProfile", READ),
    ("status", "the error of the last change; pulls go on"),
    ("maxAgentPools", MACHINE),
    ("kubernetesVersion", "the credential plugin comes with the node image, whose version is read"),
    ("currentKubernetesVersion", "as above"),
    ("dnsPrefix", LOGIN),
    ("fqdnSubdomain", LOGIN),
    ("azurePortalFQDN", LOGIN),
    ("linuxProfile", LOGIN),
    ("windowsProfile", LOGIN),
    ("podIdentityProfile", "identities of pods for their own calls; the kubelet does not pull as them"),
    ("oidcIssuerProfile", "of service accounts; whether nodes pull as their identities is serviceAccountIdentity"),
    ("nodeResourceGroupProfile", "who may change the nodes' group"),
    ("enableRBAC", LOGIN),
    ("supportPlan", SHOWN),
    ("networkProfile", "routes of nodes: the path to a registry is not checked"),
    ("aadProfile", LOGIN),
    ("autoUpgradeProfile", MACHINE),
    ("upgradeSettings", MACHINE),
    ("autoScalerProfile", MACHINE),
    ("diskEncryptionSetID", MACHINE),
    ("privateLinkResources", LOGIN),
    ("disableLocalAccounts", LOGIN),
    ("httpProxyConfig", "routes of nodes: the path to a registry is not checked"),
    ("securityProfile", ADDON),
    ("storageProfile", ADDON),
    ("ingressProfile", ADDON),
    ("publicNetworkAccess", "of the API server, not of nodes"),
    ("workloadAutoScalerProfile", ADDON),
    ("azureMonitorProfile", ADDON),
    ("serviceMeshProfile", ADDON),
    ("resourceUID", SHOWN),
    ("metricsProfile", SHOWN),
    ("aiToolchainOperatorProfile", ADDON),
    ("hostedSystemProfile", "system pods that Azure runs on nodes of its own"),
];

const POOL: Model = &[
    ("name", READ),
    ("count", READ),
    ("osType", READ),
    ("mode", READ),
    ("nodeImageVersion", READ),
    ("nodeLabels", READ),
    ("nodeTaints", READ),
    ("eTag", SHOWN),
    ("tags", SHOWN),
    ("provisioningState", "nodes of a pool that failed to change pull as before"),
    ("powerState", "a stopped pool pulls as the same identity when it starts"),
    ("status", "the error of the last change"),
    ("type", "scale set or machines: both pull as the cluster's identity; whether it is attached is not read"),
    ("virtualMachinesProfile", "as above"),
    ("virtualMachineNodesStatus", "as above"),
    ("orchestratorVersion", "the credential plugin comes with the node image"),
    ("currentOrchestratorVersion", "as above"),
    ("kubeletConfig", "holds no setting of credential providers"),
    ("artifactStreamingProfile", "how layers are mounted, once the registry let the pull in"),
    ("workloadRuntime", "the runtime pulls with the kubelet's credentials"),
    ("networkProfile", "routes of nodes: the path to a registry is not checked"),
    ("vnetSubnetID", "as above"),
    ("podSubnetID", "as above"),
    ("podIPAllocationMode", "as above"),
    ("enableNodePublicIP", "as above"),
    ("nodePublicIPPrefixID", "as above"),
    ("localDNSProfile", "as above"),
    ("gatewayProfile", "as above"),
    ("vmSize", "the architecture of nodes that do not exist yet is not read"),
    ("osSKU", MACHINE),
    ("osDiskSizeGB", MACHINE),
    ("osDiskType", MACHINE),
    ("kubeletDiskType", MACHINE),
    ("messageOfTheDay", MACHINE),
    ("maxPods", MACHINE),
    ("maxCount", MACHINE),
    ("minCount", MACHINE),
    ("enableAutoScaling", MACHINE),
    ("scaleDownMode", MACHINE),
    ("upgradeSettings", MACHINE),
    ("availabilityZones", MACHINE),
    ("scaleSetPriority", MACHINE),
    ("scaleSetEvictionPolicy", MACHINE),
    ("spotMaxPrice", MACHINE),
    ("proximityPlacementGroupID", MACHINE),
    ("linuxOSConfig", MACHINE),
    ("enableEncryptionAtHost", MACHINE),
    ("enableUltraSSD", MACHINE),
    ("enableFIPS", MACHINE),
    ("gpuInstanceProfile", MACHINE),
    ("creationData", MACHINE),
    ("capacityReservationGroupID", MACHINE),
    ("hostGroupID", MACHINE),
    ("windowsProfile", MACHINE),
    ("securityProfile", MACHINE),
    ("gpuProfile", MACHINE),
];

const SECRET: Model = &[
    ("startDateTime", READ),
    ("endDateTime", READ),
    ("customKeyIdentifier", SHOWN),
    ("displayName", SHOWN),
    ("hint", SHOWN),
    ("keyId", SHOWN),
    ("secretText", "never in an answer to a reading, and never kept"),
];

#[test]
fn every_field_of_the_models_is_read_or_passed_over_for_a_reason() {
    holds::<RegistryProperties>(REGISTRY);
    holds::<RegistryPolicies>(POLICIES);
    holds::<NetworkRuleSet>(NETWORK);
    holds::<PrivateEndpointProperties>(END_POINT);
    holds::<CacheRuleProperties>(CACHE_RULE);
    holds::<RoleAssignmentProperties>(ASSIGNMENT);
    holds::<RoleDefinitionProperties>(DEFINITION);
    holds::<Permission>(PERMISSION);
    holds::<DenyAssignmentProperties>(DENY);
    holds::<ManagedClusterProperties>(CLUSTER);
    holds::<AgentPool>(POOL);
    holds::<ServicePrincipalProfile>(&[("clientId", READ), ("secret", "never in an answer")]);
    holds::<Bootstrap>(&[("artifactSource", READ), ("containerRegistryId", READ)]);
    holds::<PasswordCredential>(SECRET);
}

/// Our struct holds just the fields that are said to be read.
fn holds<T: Default + Serialize>(model: Model) {
    let ours = serde_json::to_value(T::default()).unwrap();
    let ours: BTreeSet<&str> = ours.as_object().unwrap().keys().map(String::as_str).collect();
    let read: BTreeSet<&str> = model.iter().filter(|(_, why)| *why == READ).map(|(name, _)| *name).collect();
    assert_eq!(ours, read);
    let names: BTreeSet<&str> = model.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), model.len(), "each field once");
}
