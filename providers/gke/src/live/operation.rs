//! What is asked of Google Cloud. One place, so that the rights that are printed can't fall behind.

/// One method of one API.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The API whose calls are counted together.
    pub service: &'static str,
    /// The method, as the discovery documents name it.
    pub name: &'static str,
    /// The permission that it takes.
    pub permission: &'static str,
}

macro_rules! operations {
    ($($name:ident = $service:literal $method:literal $permission:literal;)*) => {
        $(pub(crate) static $name: &Operation =
            &Operation { service: $service, name: $method, permission: $permission };)*
        /// All of them. `permissions.json` holds a right for each.
        pub static OPERATIONS: &[&Operation] = &[$($name),*];
    };
}

operations! {
    SEARCH_PROJECTS = "cloudresourcemanager" "projects.search" "resourcemanager.projects.get";
    GET_PROJECT = "cloudresourcemanager" "projects.get" "resourcemanager.projects.get";
    GET_ANCESTRY = "cloudresourcemanager" "projects.getAncestry" "resourcemanager.projects.get";
    GET_PROJECT_POLICY = "cloudresourcemanager" "projects.getIamPolicy" "resourcemanager.projects.getIamPolicy";
    GET_FOLDER_POLICY = "cloudresourcemanager" "folders.getIamPolicy" "resourcemanager.folders.getIamPolicy";
    GET_ORGANIZATION_POLICY = "cloudresourcemanager" "organizations.getIamPolicy"
        "resourcemanager.organizations.getIamPolicy";
    LIST_CLUSTERS = "container" "projects.locations.clusters.list" "container.clusters.list";
    GET_SERVICE = "serviceusage" "services.get" "serviceusage.services.get";
    GET_REPOSITORY = "artifactregistry" "projects.locations.repositories.get" "artifactregistry.repositories.get";
    GET_REPOSITORY_POLICY = "artifactregistry" "projects.locations.repositories.getIamPolicy"
        "artifactregistry.repositories.getIamPolicy";
    SET_REPOSITORY_POLICY = "artifactregistry" "projects.locations.repositories.setIamPolicy"
        "artifactregistry.repositories.setIamPolicy";
    // It tells the caller of their own rights, and takes none.
    TEST_REPOSITORY = "artifactregistry" "projects.locations.repositories.testIamPermissions" "";
    LIST_RULES = "artifactregistry" "projects.locations.repositories.rules.list" "artifactregistry.rules.list";
    GET_SETTINGS = "artifactregistry" "projects.getProjectSettings" "artifactregistry.projectsettings.get";
    GET_ACCOUNT = "iam" "projects.serviceAccounts.get" "iam.serviceAccounts.get";
    GET_ROLE = "iam" "roles.get" "iam.roles.get";
    LIST_DENY_POLICIES = "iam" "policies.listPolicies" "iam.denypolicies.list";
    GET_DENY_POLICY = "iam" "policies.get" "iam.denypolicies.get";
    SEARCH_PROJECT_BINDINGS = "iam" "projects.locations.policyBindings.searchTargetPolicyBindings"
        "resourcemanager.projects.searchPolicyBindings";
    // The same method by another right, which hangs on the target.
    SEARCH_POOL_BINDINGS = "iam" "projects.locations.policyBindings.searchTargetPolicyBindings"
        "iam.workloadIdentityPools.searchPolicyBindings";
    SEARCH_FOLDER_BINDINGS = "iam" "folders.locations.policyBindings.searchTargetPolicyBindings"
        "resourcemanager.folders.searchPolicyBindings";
    SEARCH_ORGANIZATION_BINDINGS = "iam" "organizations.locations.policyBindings.searchTargetPolicyBindings"
        "resourcemanager.organizations.searchPolicyBindings";
    GET_BOUNDARY = "iam" "organizations.locations.principalAccessBoundaryPolicies.get"
        "iam.principalaccessboundarypolicies.get";
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;
    use std::collections::BTreeSet;

    #[test]
    fn permissions_json_holds_a_right_for_each_operation_and_no_other() -> Result<(), serde_json::Error> {
        let rights: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../permissions.json"))?;
        let text = |right: &serde_json::Value, key: &str| right[key].as_str().unwrap_or_default().to_owned();
        let listed: BTreeSet<_> =
            rights.iter().map(|right| (text(right, "permission"), text(right, "operation"))).collect();
        let sent: BTreeSet<_> = OPERATIONS
            .iter()
            .filter(|sent| !sent.permission.is_empty())
            .map(|sent| (sent.permission.to_owned(), format!("{}.{}", sent.service, sent.name)))
            .collect();
        assert_eq!(listed, sent);
        Ok(())
    }
}
