//! Every operation that is ever sent to Azure, in one list: the rights that pullaudit needs and the
//! rights that it names when one is missing come from here.

/// An operation of Resource Manager or Microsoft Graph.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The service as calls are counted by: `arm` or `graph`.
    pub service: &'static str,
    /// Its name in Azure's REST reference: `Registries_List`.
    pub name: &'static str,
    /// The right that allows it: an Azure action, for Graph an application permission.
    pub action: &'static str,
    /// The `api-version` that it is asked in; for Graph the first part of the path.
    pub version: &'static str,
}

macro_rules! operations {
    ($($constant:ident = $service:literal $name:literal $action:literal $version:literal;)*) => {
        $(pub(crate) const $constant: &Operation =
            &Operation { service: $service, name: $name, action: $action, version: $version };)*
        /// All of them. `permissions.json` holds a right for each.
        pub const OPERATIONS: &[&Operation] = &[$($constant),*];
    };
}

operations! {
    LIST_SUBSCRIPTIONS = "arm" "Subscriptions_List" "Microsoft.Resources/subscriptions/read" "2022-12-01";
    LIST_CLUSTERS = "arm" "ManagedClusters_List" "Microsoft.ContainerService/managedClusters/read" "2025-10-01";
    LIST_USER_CREDENTIALS = "arm" "ManagedClusters_ListClusterUserCredentials"
        "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action" "2025-10-01";
    LIST_REGISTRIES = "arm" "Registries_List" "Microsoft.ContainerRegistry/registries/read" "2025-11-01";
    GET_REGISTRY = "arm" "Registries_Get" "Microsoft.ContainerRegistry/registries/read" "2025-11-01";
    LIST_CACHE_RULES = "arm" "CacheRules_List" "Microsoft.ContainerRegistry/registries/cacheRules/read" "2025-11-01";
    LIST_CREDENTIAL_SETS = "arm" "CredentialSets_List"
        "Microsoft.ContainerRegistry/registries/credentialSets/read" "2025-11-01";
    LIST_ROLE_ASSIGNMENTS = "arm" "RoleAssignments_ListForScope"
        "Microsoft.Authorization/roleAssignments/read" "2022-04-01";
    GET_ROLE_ASSIGNMENT = "arm" "RoleAssignments_Get" "Microsoft.Authorization/roleAssignments/read" "2022-04-01";
    PUT_ROLE_ASSIGNMENT = "arm" "RoleAssignments_Create" "Microsoft.Authorization/roleAssignments/write" "2022-04-01";
    DELETE_ROLE_ASSIGNMENT = "arm" "RoleAssignments_Delete"
        "Microsoft.Authorization/roleAssignments/delete" "2022-04-01";
    LIST_PERMISSIONS = "arm" "Permissions_ListForResource" "Microsoft.Authorization/permissions/read" "2022-04-01";
    GET_ROLE_DEFINITION = "arm" "RoleDefinitions_Get" "Microsoft.Authorization/roleDefinitions/read" "2022-04-01";
    LIST_DENY_ASSIGNMENTS = "arm" "DenyAssignments_ListForScope"
        "Microsoft.Authorization/denyAssignments/read" "2022-04-01";
    GET_DIRECTORY_OBJECTS = "graph" "directoryObject_GetByIds" "Directory.Read.All" "v1.0";
    GET_SERVICE_PRINCIPAL = "graph" "servicePrincipal_Get" "Application.Read.All" "v1.0";
    GET_APPLICATION = "graph" "application_Get" "Application.Read.All" "v1.0";
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;
    use std::collections::BTreeSet;

    #[test]
    fn permissions_json_holds_a_right_for_each_operation_and_no_other() -> Result<(), serde_json::Error> {
        let rights: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../permissions.json"))?;
        let text = |right: &serde_json::Value, key: &str| right[key].as_str().unwrap_or_default().to_owned();
        let listed: BTreeSet<_> = rights
            .iter()
            .map(|right| (text(right, "action"), text(right, "operation"), text(right, "kind") == "action"))
            .collect();
        let sent: BTreeSet<_> = OPERATIONS
            .iter()
            .map(|sent| (sent.action.to_owned(), sent.name.to_owned(), sent.service == "arm"))
            .collect();
        assert_eq!(listed, sent);
        assert_eq!(rights.len(), OPERATIONS.len());
        Ok(())
    }
}
