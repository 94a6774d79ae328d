//! What is read from AWS, in structs of our own: the one meeting point of `live` (which fills the
//! tables) and the pure half (which reads them).
//!
//! Each row is one API answer, so that taking an answer away is taking a row away.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tables of the registry side, with the shape of their keys. `A` is a 12-digit account, `R` a region.
pub mod table {
    /// `A/ROLE` → [`super::Role`]; `iam:GetRole`. The path is not part of the key: names are unique in
    /// an account, and aws-auth drops paths.
    pub const ROLES: &str = "roles";
    /// `A/ROLE` → [`super::Document`]; `iam:GetRole`, too; kept where a service account takes the role on.
    pub const TRUST_POLICIES: &str = "trustPolicies";
    /// `A/ROLE` → list of policy ARNs; `iam:ListAttachedRolePolicies`.
    pub const ATTACHED: &str = "attachedPolicies";
    /// `A/ROLE` → list of names; `iam:ListRolePolicies`.
    pub const INLINE_NAMES: &str = "inlinePolicyNames";
    /// `A/ROLE/NAME` → [`super::Document`]; `iam:GetRolePolicy`.
    pub const INLINE: &str = "inlinePolicies";
    /// Policy ARN → [`super::Document`]; `iam:GetPolicy`, then `iam:GetPolicyVersion` of its default.
    pub const POLICIES: &str = "policies";
    /// `A/R/NAME` → [`super::Repository`]; `ecr:DescribeRepositories`.
    pub const REPOSITORIES: &str = "repositories";
    /// `A/R/NAME` → its tags, value by key; `ecr:ListTagsForResource`; read only where a policy asks for them.
    pub const REPOSITORY_TAGS: &str = "repositoryTags";
    /// `A/R/NAME` → [`super::Document`]; `ecr:GetRepositoryPolicy`; absent when there is none.
    pub const REPOSITORY_POLICIES: &str = "repositoryPolicies";
    /// `A/R/NAME:TAG` or `A/R/NAME@DIGEST` → [`super::Image`]; `ecr:DescribeImages`.
    pub const IMAGES: &str = "images";
    /// `A/R` → [`super::Document`]; `ecr:GetRegistryPolicy`; absent when there is none.
    pub const REGISTRY_POLICIES: &str = "registryPolicies";
    /// `A/R` → `{"registryPolicyScope": "V1" | "V2"}`; `ecr:GetAccountSetting`.
    pub const ACCOUNT_SETTINGS: &str = "accountSettings";
    /// `A/R` → list of [`super::PullThroughRule`]; `ecr:DescribePullThroughCacheRules`.
    pub const PULL_THROUGH: &str = "pullThroughRules";
    /// `A/R` → list of [`super::CreationTemplate`]; `ecr:DescribeRepositoryCreationTemplates`; read only where a rule
    /// covers a repository that is not there.
    pub const TEMPLATES: &str = "creationTemplates";
    /// `A` → [`super::Organization`]; `organizations:DescribeOrganization`; absent where the account is in none.
    pub const ORGANIZATIONS: &str = "organizations";
    /// `O/T` → id of the unit or root above it; `organizations:ListParents`. `O` is an organization, `T` an account, unit
    /// or root of it, see [`super::in_organization`].
    pub const PARENTS: &str = "organizationParents";
    /// `O/T` → list of ids; `organizations:ListPoliciesForTarget` of `SERVICE_CONTROL_POLICY`. Empty
    /// where such policies are off: where they are on, each target has one.
    pub const SERVICE_CONTROLS: &str = "serviceControlPolicies";
    /// The same of `RESOURCE_CONTROL_POLICY`.
    pub const RESOURCE_CONTROLS: &str = "resourceControlPolicies";
    /// `O/ID` of such a policy → [`super::Document`]; `organizations:DescribePolicy`; not read for [`super::ALLOW_ALL`].
    pub const CONTROL_POLICIES: &str = "controlPolicies";
    /// ARN of an identity provider → [`super::IdentityProvider`]; `iam:GetOpenIDConnectProvider`; absent when there is
    /// none. Only those of clusters whose service accounts take on a role of the account.
    pub const IDENTITY_PROVIDERS: &str = "identityProviders";
    /// `A` → [`super::Reader`]; `sts:GetCallerIdentity`. Absent when no credential of ours belongs to the account.
    pub const READERS: &str = "readers";
}

/// Tables of one cluster, see [`pullaudit_core::Discovered::readings`].
pub mod cluster_table {
    /// `""` → [`super::ClusterDetail`]; `eks:DescribeCluster`.
    pub const CLUSTER: &str = "cluster";
    /// `""` → list of names; `eks:ListNodegroups`.
    pub const NODEGROUP_NAMES: &str = "nodegroupNames";
    /// Name → [`super::Nodegroup`]; `eks:DescribeNodegroup`.
    pub const NODEGROUPS: &str = "nodegroups";
    /// `""` → list of names; `eks:ListFargateProfiles`.
    pub const FARGATE_NAMES: &str = "fargateProfileNames";
    /// Name → [`super::FargateProfile`]; `eks:DescribeFargateProfile`.
    pub const FARGATE: &str = "fargateProfiles";
    /// `""` → list of principal ARNs; `eks:ListAccessEntries`.
    pub const ACCESS_ENTRY_ARNS: &str = "accessEntryArns";
    /// Principal ARN → [`super::AccessEntry`]; `eks:DescribeAccessEntry`.
    pub const ACCESS_ENTRIES: &str = "accessEntries";
    /// Id → [`super::Instance`]; `ec2:DescribeInstances`; absent where it is gone. Only those of nodes that no list ties to
    /// a role.
    pub const INSTANCES: &str = "instances";
    /// Name → ARN of its role, `Absent` where there is no such profile or none in it; `iam:GetInstanceProfile`. Only
    /// those that the cluster's own API or an instance names.
    pub const INSTANCE_PROFILES: &str = "instanceProfiles";
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its ARN, with its path.
    pub arn: String,
    /// Its unique id, `AROA…`: what a policy that names the role's ARN really holds.
    pub role_id: String,
    /// ARN of its permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// Its tags, for telling which tool owns it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// An identity provider of IAM for the tokens of one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityProvider {
    /// The audiences whose tokens it takes; IAM calls them client ids.
    pub audiences: Vec<String>,
}

/// A policy document, as text: a malformed one is a finding, and its reader must see what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// JSON, URL-decoded.
    pub text: String,
    /// The version that is in force, for managed policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Its ARN.
    pub arn: String,
}

/// An image of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// What the tag points at.
    pub digest: String,
    /// When it was pushed, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<String>,
    /// Media type of its manifest: of one image, or of an index over several platforms. Which platforms an index has,
    /// ECR tells only to who pulls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Media type of what it is, where ECR tells: `application/vnd.oci.image.config.v1+json` for an image,
    /// `application/vnd.cncf.helm.config.v1+json` for a chart, which no kubelet can run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// `ACTIVE`, `ARCHIVED`, `ACTIVATING`; absent where ECR does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// Settings of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSettings {
    /// `V1`: the registry policy governs replication and pull-through only; `V2`: every action.
    pub registry_policy_scope: String,
}

/// A pull-through cache rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PullThroughRule {
    /// First part of the names of its repositories; `ROOT` for all that no other rule covers.
    pub prefix: String,
    /// Host of the upstream registry.
    #[serde(default)]
    pub upstream: String,
    /// ARN of the role as which ECR reads it, where that takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The prefix of rules and templates that are for every repository that no other one is for.
pub(crate) const ROOT: &str = "ROOT";

/// Whether a repository's name is under a prefix, [`ROOT`] apart.
pub(crate) fn is_under(repository: &str, prefix: &str) -> bool {
    repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a pull-through cache rule of that prefix covers a repository.
pub(crate) fn covers(prefix: &str, repository: &str) -> bool {
    prefix == ROOT || is_under(repository, prefix)
}

/// What a repository gets that ECR creates by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationTemplate {
    /// First part of the names of its repositories; `ROOT` for all that no other template is for.
    pub prefix: String,
    /// `PULL_THROUGH_CACHE`, `REPLICATION`, …
    #[serde(default)]
    pub applied_for: Vec<String>,
    /// The repository's policy, as JSON; `None` where it gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// What an account belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id, `o-…`.
    pub id: String,
    /// The account that manages it, which its policies do not bind.
    pub management: String,
    /// Policies can be attached; an organization for billing alone has none.
    pub all_features: bool,
}

/// The key of a fact about a target or a policy of an organization.
///
/// Source: Organizations API reference, `Root` and `OrganizationalUnit`: their ids are unique to their organization only.
pub fn in_organization(organization: &str, id: &str) -> String {
    format!("{organization}/{id}")
}

/// Policies of AWS itself that allow everything: nobody can change them.
///
/// Source: Organizations user guide, "`FullAWSAccess`" and "`RCPFullAWSAccess`".
pub const ALLOW_ALL: [&str; 2] = ["p-FullAWSAccess", "p-RCPFullAWSAccess"];

/// With what an account was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reader {
    /// The caller's ARN in that account.
    pub arn: String,
}

/// A cluster's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDetail {
    /// The API server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its CA, base64 of PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    /// `CONFIG_MAP`, `API` or `API_AND_CONFIG_MAP`; absent on clusters older than the setting, which
    /// behave as `CONFIG_MAP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_mode: Option<String>,
    /// Who issues the tokens of its service accounts, as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `CREATING`, `ACTIVE`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Node role of Auto Mode's built-in pools, where Auto Mode is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_mode_role: Option<String>,
    /// Names of Auto Mode's built-in pools that are on: `general-purpose`, `system`.
    #[serde(default)]
    pub auto_mode_pools: Vec<String>,
}

/// A managed node group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodegroup {
    /// ARN of its node role.
    pub node_role: String,
    /// `AL2023_x86_64_STANDARD`, `WINDOWS_CORE_2022_x86_64`, `CUSTOM`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami_type: Option<String>,
    /// Release of that image: `1.33.0-20250704` for Amazon Linux, `1.41.0-6a5bd2b7` for Bottlerocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Labels that its nodes get.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints that its nodes get, in the API's words (`NO_SCHEDULE`).
    #[serde(default)]
    pub taints: Vec<NodegroupTaint>,
    /// Codes of its health issues (`NodeCreationFailure`, …).
    #[serde(default)]
    pub health: Vec<String>,
}

/// A taint as the EKS API writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodegroupTaint {
    /// Key.
    pub key: String,
    /// Value.
    #[serde(default)]
    pub value: String,
    /// `NO_SCHEDULE`, `NO_EXECUTE`, `PREFER_NO_SCHEDULE`.
    pub effect: String,
}

/// A Fargate profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FargateProfile {
    /// ARN of its pod execution role.
    pub pod_execution_role: String,
    /// Which pods it takes.
    #[serde(default)]
    pub selectors: Vec<FargateSelector>,
    /// `ACTIVE`, `CREATING`, `CREATE_FAILED`, `DELETING`, `DELETE_FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// One selector of a Fargate profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateSelector {
    /// Namespace, `*` and `?` allowed.
    pub namespace: String,
    /// Labels, `*` and `?` allowed in values.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// An instance of EC2.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// Name of its instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// An access entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// `STANDARD`, `EC2_LINUX`, `EC2_WINDOWS`, `EC2`, `FARGATE_LINUX`, `HYBRID_LINUX`, `HYPERPOD_LINUX`.
    #[serde(rename = "type")]
    pub kind: String,
}
