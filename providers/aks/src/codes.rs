//! Findings about kubelet identities and rights on container registries.

pullaudit_core::code_table! {
    NotAnObjectId: "not-an-object-id", High, 86,
        "The identity is not an object id of a directory, so no role assignment of Azure can be about it.",
        "A node of another cloud pulls from an Azure container registry, or the identity is written by its name.",
        "Give the pods a pull secret for the registry (az acr token create makes a login), or name the identity by its \
         object id: az identity show --ids ID --query principalId";
    IdentityDeleted: "identity-deleted", Critical, 89,
        "The identity that pulls no longer exists in the directory. Its role assignments remain, but nobody can sign in \
         as it.",
        "The kubelet identity or the service principal was deleted, or deleted and created again under the same name: \
         the new one has another object ID.",
        "Assign an existing identity and grant it the pull: az aks update --name CLUSTER --resource-group GROUP \
         --assign-kubelet-identity IDENTITY_ID --attach-acr REGISTRY; for a service principal: az aks \
         update-credentials --reset-service-principal --service-principal ID --client-secret SECRET";
    IdentityDisabled: "identity-disabled", Critical, 88,
        "The identity that pulls is disabled in the directory, so it gets no token.",
        "Sign-in was blocked for the enterprise application (accountEnabled is false).",
        "az ad sp update --id OBJECT --set accountEnabled=true";
    IdentitySecretsEnded: "identity-secrets-ended", Critical, 87,
        "Every secret of the application that the cluster pulls as has expired.",
        "The secret of a service principal lasts one year by default, and nobody renewed it.",
        "az ad app credential reset --id APPLICATION, then az aks update-credentials --name CLUSTER --resource-group \
         GROUP --reset-service-principal --service-principal APPLICATION --client-secret SECRET";
    RegistryNetworkClosed: "registry-network-closed", High, 85,
        "The registry's public access is off and it has no approved private end point: nobody can reach it.",
        "Public network access was disabled before a private end point was made or approved, or the end point was \
         rejected or deleted.",
        "az acr private-endpoint-connection list --registry-name NAME shows the end points; approve one with az acr \
         private-endpoint-connection approve, or open the registry: az acr update --name NAME \
         --public-network-enabled true";
    DenyAssignment: "deny-assignment", High, 84,
        "A deny assignment at or above the registry denies the pull; no grant overrides it.",
        "Deployment stacks and managed applications make them, and since 2026 people can.",
        "az role deny-assignment list --scope SCOPE names it and its owner; only the stack or application that made it \
         can take it away or exclude the identity.";
    IdentityRotated: "identity-rotated", Critical, 82,
        "The identity may not pull, and a deleted one still may: the grant did not follow a new identity.",
        "The kubelet identity was replaced (az aks update --assign-kubelet-identity, a cluster created again, a move from \
         a service principal), and the role assignment names the old object ID.",
        "az aks update --name CLUSTER --resource-group GROUP --attach-acr REGISTRY, or az role assignment create \
         --assignee-object-id OBJECT --assignee-principal-type ServicePrincipal --role AcrPull --scope REGISTRY_ID; then \
         delete the old assignment: az role assignment delete --ids ID";
    LegacyRoleOnAbac: "legacy-role-on-abac", High, 78,
        "The identity has a role of the registry's former mode, which its present mode does not honour.",
        "The registry's role assignment mode was set to RBAC with ABAC repository permissions. AcrPull, AcrPush, \
         Contributor and Owner do not pull there.",
        "az role assignment create --assignee-object-id OBJECT --assignee-principal-type ServicePrincipal --role \
         'Container Registry Repository Reader' --scope REGISTRY_ID";
    RepositoryConditionUnmet: "repository-condition-unmet", High, 66,
        "A role assignment would allow the pull, but its condition leaves this repository out.",
        "The condition names other repositories, or compares case or a folder's name otherwise than meant.",
        "az role assignment list --assignee OBJECT --scope REGISTRY_ID --include-inherited shows the condition; az role \
         assignment update --role-assignment file.json puts the corrected one.";
    PullNotGranted: "pull-not-granted", High, 60,
        "No role assignment at or above the registry lets the identity pull.",
        "The registry was never attached to the cluster, the grant was deleted, or it was given to the cluster's \
         control plane or to an application's client id instead of the kubelet identity's object id.",
        "az aks update --name CLUSTER --resource-group GROUP --attach-acr REGISTRY, or az role assignment create \
         --assignee-object-id OBJECT --assignee-principal-type ServicePrincipal --role AcrPull --scope REGISTRY_ID";
    NetworkUndecidable: "registry-network-undecidable", Low, 50,
        "The registry lets in only some networks, and whether the node's is among them is not read.",
        "Public access is off with an approved private end point, or the registry's default is to refuse and its rules \
         name addresses. Which route a node takes depends on its network and private DNS zone.",
        "Try it from a node: az aks check-acr --name CLUSTER --resource-group GROUP --acr HOST. The zone \
         privatelink.azurecr.io must be linked to the node's network.";
    RoleWildcard: "role-wildcard-undecidable", Low, 49,
        "A role grants or withholds the pull by a wildcard inside Microsoft.ContainerRegistry, which registries \
         honour in some tenants only.",
        "A custom role says Microsoft.ContainerRegistry/registries/* or the like. Registries honour that only in tenants \
         that are set up with a private link for Resource Manager.",
        "Name the action in the role: Microsoft.ContainerRegistry/registries/pull/read, with az role definition update \
         --role-definition file.json; or say in pullaudit.yaml that the tenant has such a link: scopes: {armPrivateLink: \
         true}";
    ConditionUndecidable: "assignment-condition-undecidable", Low, 48,
        "A role assignment has a condition that can't be decided offline.",
        "It compares something other than the repository's name, or is written in a form that pullaudit does not know.",
        "az role assignment list --assignee OBJECT --scope REGISTRY_ID --include-inherited shows the condition.";
    MetadataNotGranted: "metadata-read-undecidable", Low, 47,
        "A role grants the content of repositories but not their metadata; whether that is enough for a pull is not \
         documented.",
        "A custom role has Microsoft.ContainerRegistry/registries/repositories/content/read only.",
        "Add Microsoft.ContainerRegistry/registries/repositories/metadata/read to its data actions: az role definition \
         update --role-definition file.json";
    QuarantineUndecidable: "quarantine-undecidable", Low, 46,
        "The registry hides images that no scanner has released, and whether this one is released is not read.",
        "Its quarantine policy is on.",
        "az acr manifest show-metadata REGISTRY/REPOSITORY:TAG tells the image's state; az \
         resource update --ids REGISTRY_ID --set properties.policies.quarantinePolicy.status=disabled turns it off.";
    ModeUndecidable: "registry-mode-unread", Low, 45,
        "The registry's role assignment mode is not known, and the identity's roles pull in one mode only.",
        "The answer came from an API version that does not tell, or a snapshot of an older version was read.",
        "az acr show --name NAME --query roleAssignmentMode";
    RegistriesUnread: "registries-unread", Medium, 44,
        "The registry was not found, and a subscription that may hold it could not be listed.",
        "pullaudit lacks Microsoft.ContainerRegistry/registries/read there, or the reading failed.",
        "Grant Reader on the subscription to the identity that pullaudit runs as.";
    AssignmentsUnread: "role-assignments-unread", Medium, 43,
        "The identity's role assignments on the registry could not be read.",
        "pullaudit lacks Microsoft.Authorization/roleAssignments/read there, or the reading failed.",
        "Grant Reader on the registry's subscription to the identity that pullaudit runs as.";
    DefinitionUnread: "role-definition-unread", Medium, 42,
        "A role that the identity holds could not be read, so what it allows is not known.",
        "pullaudit lacks Microsoft.Authorization/roleDefinitions/read, or the reading failed.",
        "Grant Reader on the registry's subscription to the identity that pullaudit runs as.";
    DenyUnread: "deny-assignments-unread", Medium, 41,
        "Deny assignments at or above the registry could not be read.",
        "pullaudit lacks Microsoft.Authorization/denyAssignments/read there, or the reading failed.",
        "Grant Reader on the registry's subscription to the identity that pullaudit runs as.";
    DenyUndecidable: "deny-assignment-undecidable", Low, 40,
        "A deny assignment may be about the identity or the pull, which its text alone does not tell.",
        "It excludes a group, has a condition that can't be decided, or names actions by a wildcard inside \
         Microsoft.ContainerRegistry.",
        "az role deny-assignment list --scope REGISTRY_ID shows it; its owner can tell whom it is meant for.";
    IdentityUnverified: "identity-unverified", Low, 39,
        "Whether the identity still exists and may sign in could not be read from the directory.",
        "pullaudit lacks Directory.Read.All or Application.Read.All of Microsoft Graph, the directory is another \
         tenant's, or the reading failed. Without --strict, an identity that could not be looked up counts as existing.",
        "Grant the application permission Directory.Read.All to the identity that pullaudit runs as, or check by hand: \
         az ad sp show --id OBJECT";
    MoreThanPull: "more-than-pull", Low, 12,
        "The identity's right to pull comes only from a role that can also push or change the registry.",
        "Contributor, Owner or AcrPush was given where AcrPull is enough: whoever takes a node over can replace images.",
        "Give AcrPull (Container Registry Repository Reader in ABAC mode) first, then take the wider role away: az role \
         assignment delete --ids ID";
    GrantedToClientId: "granted-to-client-id", Medium, 13,
        "A right to pull is given to an application's client id, which no login presents as its object id: it lets \
         nobody pull.",
        "az aks show prints clientId beside objectId, and a template that sets principalType skips Azure's check that the \
         principal exists.",
        "Grant the object id (pullaudit fix does), then take this one away: az role assignment delete --ids ID";
    SystemImagesDenied: "system-images-denied", High, 15,
        "The identity of a network-isolated cluster may not pull from the registry that its system images come from, so new \
         nodes do not start.",
        "The cluster's bootstrapProfile names a registry of your own, and the kubelet identity has no AcrPull there. No \
         workload names these images.",
        "az role assignment create --assignee-object-id OBJECT --assignee-principal-type ServicePrincipal --role AcrPull \
         --scope REGISTRY_ID";
    GrantedToControlPlane: "granted-to-control-plane", Low, 8,
        "A right to pull is given to the identity of a cluster's control plane, which pulls nothing.",
        "The cluster's identity was taken for its kubelet identity: az aks show --query identity names the one, \
         --query identityProfile.kubeletidentity the other.",
        "Grant the kubelet identity (pullaudit fix does), then take this one away: az role assignment delete --ids ID";
    GrantLeftBehind: "grant-left-behind", Info, 7,
        "A role that does nothing but pull is held on the registry by an identity that no cluster pulls as.",
        "The identity of a cluster was replaced or the cluster is gone, and its grant stayed; or something other than a \
         cluster pulls with it.",
        "Where nothing else uses it: az role assignment delete --ids ID";
    NodesNotRotated: "nodes-not-rotated", Medium, 14,
        "Nodes of the pool still carry the client id of another kubelet identity than the cluster's: they pull as that one.",
        "The kubelet identity was replaced, and nodes keep the former one until they are renewed. When it is deleted, they \
         pull nothing.",
        "az aks nodepool upgrade --cluster-name CLUSTER --resource-group GROUP --name POOL --node-image-only renews them; keep \
         the former identity and its grants until then.";
    PrefixWithoutSlash: "prefix-without-slash", Medium, 11,
        "A condition names a folder of repositories without its last slash, so that it covers every name that begins \
         like it.",
        "StringStartsWith 'backend' also covers backendsvc/….",
        "Put the slash: 'backend/', with az role assignment update --role-assignment file.json";
    CacheRuleAnonymous: "cache-rule-anonymous", Low, 10,
        "A cache rule fetches from its upstream without a login.",
        "It has no credential set, so that the upstream's limits for everybody count, and private images do not come.",
        "az acr credential-set create, then az acr cache update --registry REGISTRY --name RULE --cred-set SET";
    CacheRuleSick: "cache-rule-unhealthy", Medium, 9,
        "The login of a cache rule is not accepted or can't be read, so the first pull of an image through it fails.",
        "The secret expired or was rotated, or the registry's identity lost its right on the key vault.",
        "az acr credential-set show --registry REGISTRY --name SET --query authCredentials names the fault; correct the \
         secret in the key vault, or the identity's right to read it.";
    CacheRulesUnread: "cache-rules-unread", Info, 6,
        "A registry's cache rules or their logins could not be read, so nothing is said about their health.",
        "pullaudit lacks Microsoft.ContainerRegistry/registries/cacheRules/read or credentialSets/read there, or the reading \
         failed. No verdict hangs on them.",
        "Grant Reader on the registry's subscription to the identity that pullaudit runs as.";
}
