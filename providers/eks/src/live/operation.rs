//! Every operation that is ever sent to AWS, in one list: the rights that pullaudit needs and the
//! rights that it names when one is missing come from here.

/// An operation of an AWS service.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The service as calls are counted by: `ec2`, `eks`, `ecr`, `iam`, `organizations`, `sts`.
    pub service: &'static str,
    /// Its name in the service's API: `GetRepositoryPolicy`.
    pub name: &'static str,
    /// The IAM action that allows it: `ecr:GetRepositoryPolicy`.
    pub action: &'static str,
}

macro_rules! operations {
    ($($constant:ident = $service:literal $name:literal;)*) => {
        $(pub(crate) const $constant: &Operation =
            &Operation { service: $service, name: $name, action: concat!($service, ":", $name) };)*
        /// All of them. `permissions.json` holds a right for each.
        pub const OPERATIONS: &[&Operation] = &[$($constant),*];
    };
}

operations! {
    GET_CALLER_IDENTITY = "sts" "GetCallerIdentity";
    ASSUME_ROLE = "sts" "AssumeRole";
    LIST_CLUSTERS = "eks" "ListClusters";
    DESCRIBE_CLUSTER = "eks" "DescribeCluster";
    LIST_NODEGROUPS = "eks" "ListNodegroups";
    DESCRIBE_NODEGROUP = "eks" "DescribeNodegroup";
    LIST_FARGATE_PROFILES = "eks" "ListFargateProfiles";
    DESCRIBE_FARGATE_PROFILE = "eks" "DescribeFargateProfile";
    LIST_ACCESS_ENTRIES = "eks" "ListAccessEntries";
    DESCRIBE_ACCESS_ENTRY = "eks" "DescribeAccessEntry";
    DESCRIBE_INSTANCES = "ec2" "DescribeInstances";
    DESCRIBE_REGIONS = "ec2" "DescribeRegions";
    GET_ROLE = "iam" "GetRole";
    GET_OPEN_ID_CONNECT_PROVIDER = "iam" "GetOpenIDConnectProvider";
    GET_INSTANCE_PROFILE = "iam" "GetInstanceProfile";
    LIST_ATTACHED_ROLE_POLICIES = "iam" "ListAttachedRolePolicies";
    LIST_ROLE_POLICIES = "iam" "ListRolePolicies";
    GET_ROLE_POLICY = "iam" "GetRolePolicy";
    GET_ACCOUNT_AUTHORIZATION_DETAILS = "iam" "GetAccountAuthorizationDetails";
    GET_POLICY = "iam" "GetPolicy";
    GET_POLICY_VERSION = "iam" "GetPolicyVersion";
    DESCRIBE_REPOSITORIES = "ecr" "DescribeRepositories";
    GET_REPOSITORY_POLICY = "ecr" "GetRepositoryPolicy";
    DESCRIBE_IMAGES = "ecr" "DescribeImages";
    LIST_TAGS_FOR_RESOURCE = "ecr" "ListTagsForResource";
    GET_REGISTRY_POLICY = "ecr" "GetRegistryPolicy";
    GET_ACCOUNT_SETTING = "ecr" "GetAccountSetting";
    DESCRIBE_PULL_THROUGH_CACHE_RULES = "ecr" "DescribePullThroughCacheRules";
    DESCRIBE_ORGANIZATION = "organizations" "DescribeOrganization";
    LIST_PARENTS = "organizations" "ListParents";
    LIST_POLICIES_FOR_TARGET = "organizations" "ListPoliciesForTarget";
    DESCRIBE_POLICY = "organizations" "DescribePolicy";
    DESCRIBE_REPOSITORY_CREATION_TEMPLATES = "ecr" "DescribeRepositoryCreationTemplates";
    SIMULATE_PRINCIPAL_POLICY = "iam" "SimulatePrincipalPolicy";
    PUT_ROLE_POLICY = "iam" "PutRolePolicy";
    DELETE_ROLE_POLICY = "iam" "DeleteRolePolicy";
    ATTACH_ROLE_POLICY = "iam" "AttachRolePolicy";
    DETACH_ROLE_POLICY = "iam" "DetachRolePolicy";
    SET_REPOSITORY_POLICY = "ecr" "SetRepositoryPolicy";
    DELETE_REPOSITORY_POLICY = "ecr" "DeleteRepositoryPolicy";
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;
    use std::collections::BTreeSet;

    #[test]
    fn permissions_json_holds_a_right_for_each_operation_and_no_other() -> Result<(), serde_json::Error> {
        let rights: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../permissions.json"))?;
        let listed: BTreeSet<_> =
            rights.iter().map(|right| (right["action"].as_str(), right["operation"].as_str())).collect();
        let sent: BTreeSet<_> = OPERATIONS.iter().map(|sent| (Some(sent.action), Some(sent.name))).collect();
        assert_eq!(listed, sent);
        assert_eq!(rights.len(), OPERATIONS.len());
        Ok(())
    }
}
