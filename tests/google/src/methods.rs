//! The table of all that the fake answers to. What is not in it is a stranger.

use crate::answer::Outcome;
use crate::ask::Ask;
use crate::serve::State;
use crate::service::Service;
use crate::{artifacts, clusters, credentials, hierarchy, iam, usage};

/// One method of one service.
#[derive(Debug)]
pub struct Method {
    /// Its name in Google's discovery documents; the name that a [`crate::Fault`] takes.
    pub name: &'static str,
    /// Whose it is.
    pub service: Service,
    /// `GET` or `POST`.
    pub verb: &'static str,
    /// Its path, with a word in braces for each name.
    pub path: &'static str,
    /// The query parameters that it takes beside `alt` and `prettyPrint`.
    pub query: &'static [&'static str],
    /// The fields of its body, the inner ones behind dots; `None` where it takes no body.
    pub body: Option<&'static [&'static str]>,
    /// The permission that it needs; empty where it needs none.
    pub permission: &'static str,
    /// What the permission is needed on.
    pub resource: &'static str,
    /// A token needs one of these scopes.
    pub scopes: &'static [&'static str],
    pub(crate) handler: fn(&mut State, &Ask<'_>) -> Outcome,
}

const CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";
const CLOUD_READ: &str = "https://www.googleapis.com/auth/cloud-platform.read-only";
/// Scopes of a service that reads with `cloud-platform.read-only` too.
const READ: &[&str] = &[CLOUD, CLOUD_READ];
/// Scopes of what only `cloud-platform` does.
const WRITE: &[&str] = &[CLOUD];
const CONTAINER: &[&str] =
    &[CLOUD, "https://www.googleapis.com/auth/container", "https://www.googleapis.com/auth/container.read-only"];
/// Scopes of the credentials service.
const CREDENTIALS: &[&str] = &[CLOUD, "https://www.googleapis.com/auth/iam"];
const TEST: &[&str] = &["permissions"];
const OPTIONS: &[&str] = &["options.requestedPolicyVersion"];
const SET: &[&str] = &[
    "policy.version",
    "policy.etag",
    "policy.bindings.role",
    "policy.bindings.members",
    "policy.bindings.condition.title",
    "policy.bindings.condition.description",
    "policy.bindings.condition.expression",
    "policy.bindings.condition.location",
];

type Handler = fn(&mut State, &Ask<'_>) -> Outcome;

/// A row that reads.
const fn get(
    name: &'static str,
    service: Service,
    path: &'static str,
    query: &'static [&'static str],
    (permission, resource): (&'static str, &'static str),
    scopes: &'static [&'static str],
    handler: Handler,
) -> Method {
    Method { name, service, verb: "GET", path, query, body: None, permission, resource, scopes, handler }
}

/// A row with a body.
const fn post(
    name: &'static str,
    service: Service,
    path: &'static str,
    body: &'static [&'static str],
    (permission, resource): (&'static str, &'static str),
    scopes: &'static [&'static str],
    handler: Handler,
) -> Method {
    Method {
        name,
        service,
        verb: "POST",
        path,
        query: &[],
        body: Some(body),
        permission,
        resource,
        scopes,
        handler,
    }
}

const PAGED: &[&str] = &["pageSize", "pageToken"];
/// Of searches by a target.
const TARGETED: &[&str] = &["target", "pageSize", "pageToken"];
const PROJECT: &str = "projects/{project}";
const FOLDER: &str = "folders/{folder}";
const ORGANIZATION: &str = "organizations/{organization}";
const REPOSITORY: &str = "projects/{project}/locations/{location}/repositories/{repository}";

/// All methods. Rows whose path ends in a verb of its own (`:getIamPolicy`) stand before those that it would
/// fit too.
pub static METHODS: &[Method] = &[
    get(
        "container.projects.locations.clusters.list",
        Service::Container,
        "v1/projects/{project}/locations/{location}/clusters",
        &[],
        ("container.clusters.list", PROJECT),
        CONTAINER,
        clusters::list,
    ),
    get(
        "container.projects.locations.clusters.get",
        Service::Container,
        "v1/projects/{project}/locations/{location}/clusters/{cluster}",
        &[],
        ("container.clusters.get", "projects/{project}/locations/{location}/clusters/{cluster}"),
        CONTAINER,
        clusters::get,
    ),
    get(
        "artifactregistry.projects.locations.repositories.getIamPolicy",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories/{repository}:getIamPolicy",
        OPTIONS,
        ("artifactregistry.repositories.getIamPolicy", REPOSITORY),
        READ,
        artifacts::get_policy,
    ),
    post(
        "artifactregistry.projects.locations.repositories.setIamPolicy",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories/{repository}:setIamPolicy",
        SET,
        ("artifactregistry.repositories.setIamPolicy", REPOSITORY),
        WRITE,
        artifacts::set_policy,
    ),
    post(
        "artifactregistry.projects.locations.repositories.testIamPermissions",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories/{repository}:testIamPermissions",
        TEST,
        ("", REPOSITORY),
        READ,
        hierarchy::test_permissions,
    ),
    get(
        "artifactregistry.projects.locations.repositories.rules.list",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories/{repository}/rules",
        PAGED,
        ("artifactregistry.rules.list", REPOSITORY),
        READ,
        artifacts::rules,
    ),
    get(
        "artifactregistry.projects.locations.repositories.list",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories",
        PAGED,
        ("artifactregistry.repositories.list", PROJECT),
        READ,
        artifacts::list,
    ),
    get(
        "artifactregistry.projects.locations.repositories.get",
        Service::ArtifactRegistry,
        "v1/projects/{project}/locations/{location}/repositories/{repository}",
        &[],
        ("artifactregistry.repositories.get", REPOSITORY),
        READ,
        artifacts::get,
    ),
    get(
        "artifactregistry.projects.getProjectSettings",
        Service::ArtifactRegistry,
        "v1/projects/{project}/projectSettings",
        &[],
        ("artifactregistry.projectsettings.get", PROJECT),
        READ,
        artifacts::settings,
    ),
    get(
        "cloudresourcemanager.projects.search",
        Service::ResourceManager,
        "v3/projects:search",
        &["query", "pageSize", "pageToken"],
        ("", ""),
        READ,
        hierarchy::search,
    ),
    post(
        "cloudresourcemanager.projects.getIamPolicy",
        Service::ResourceManager,
        "v3/projects/{project}:getIamPolicy",
        OPTIONS,
        ("resourcemanager.projects.getIamPolicy", PROJECT),
        READ,
        hierarchy::get_policy,
    ),
    post(
        "cloudresourcemanager.folders.getIamPolicy",
        Service::ResourceManager,
        "v3/folders/{folder}:getIamPolicy",
        OPTIONS,
        ("resourcemanager.folders.getIamPolicy", FOLDER),
        READ,
        hierarchy::get_policy,
    ),
    post(
        "cloudresourcemanager.organizations.getIamPolicy",
        Service::ResourceManager,
        "v3/organizations/{organization}:getIamPolicy",
        OPTIONS,
        ("resourcemanager.organizations.getIamPolicy", ORGANIZATION),
        READ,
        hierarchy::get_policy,
    ),
    post(
        "cloudresourcemanager.projects.testIamPermissions",
        Service::ResourceManager,
        "v3/projects/{project}:testIamPermissions",
        TEST,
        ("", PROJECT),
        READ,
        hierarchy::test_permissions,
    ),
    post(
        "cloudresourcemanager.folders.testIamPermissions",
        Service::ResourceManager,
        "v3/folders/{folder}:testIamPermissions",
        TEST,
        ("", FOLDER),
        WRITE,
        hierarchy::test_permissions,
    ),
    post(
        "cloudresourcemanager.organizations.testIamPermissions",
        Service::ResourceManager,
        "v3/organizations/{organization}:testIamPermissions",
        TEST,
        ("", ORGANIZATION),
        READ,
        hierarchy::test_permissions,
    ),
    // Of the older version: the only call that names a project's ancestors at once.
    post(
        "cloudresourcemanager.projects.getAncestry",
        Service::ResourceManager,
        "v1/projects/{project}:getAncestry",
        &[],
        ("resourcemanager.projects.get", PROJECT),
        READ,
        hierarchy::ancestry,
    ),
    get(
        "cloudresourcemanager.projects.get",
        Service::ResourceManager,
        "v3/projects/{project}",
        &[],
        ("resourcemanager.projects.get", PROJECT),
        READ,
        hierarchy::get,
    ),
    get(
        "cloudresourcemanager.folders.get",
        Service::ResourceManager,
        "v3/folders/{folder}",
        &[],
        ("resourcemanager.folders.get", FOLDER),
        READ,
        hierarchy::get,
    ),
    get(
        "cloudresourcemanager.organizations.get",
        Service::ResourceManager,
        "v3/organizations/{organization}",
        &[],
        ("resourcemanager.organizations.get", ORGANIZATION),
        READ,
        hierarchy::get,
    ),
    get(
        "iam.projects.serviceAccounts.get",
        Service::Iam,
        "v1/projects/{project}/serviceAccounts/{account}",
        &[],
        ("iam.serviceAccounts.get", PROJECT),
        WRITE,
        iam::account,
    ),
    get("iam.roles.get", Service::Iam, "v1/roles/{role}", &[], ("", ""), WRITE, iam::role),
    get(
        "iam.projects.roles.get",
        Service::Iam,
        "v1/projects/{project}/roles/{role}",
        &[],
        ("iam.roles.get", PROJECT),
        WRITE,
        iam::role,
    ),
    get(
        "iam.organizations.roles.get",
        Service::Iam,
        "v1/organizations/{organization}/roles/{role}",
        &[],
        ("iam.roles.get", ORGANIZATION),
        WRITE,
        iam::role,
    ),
    get(
        "iam.policies.listPolicies",
        Service::Iam,
        "v2/policies/{point}/{kind}",
        PAGED,
        ("iam.denypolicies.list", "{point}"),
        WRITE,
        iam::deny_policies,
    ),
    get(
        "iam.policies.get",
        Service::Iam,
        "v2/policies/{point}/{kind}/{policy}",
        &[],
        ("iam.denypolicies.get", "{point}"),
        WRITE,
        iam::deny_policy,
    ),
    // Of bindings to a pool of identities the right is another one, which the fake does not tell apart.
    get(
        "iam.projects.locations.policyBindings.searchTargetPolicyBindings",
        Service::Iam,
        "v3/projects/{project}/locations/{location}/policyBindings:searchTargetPolicyBindings",
        TARGETED,
        ("resourcemanager.projects.searchPolicyBindings", PROJECT),
        WRITE,
        iam::bindings,
    ),
    get(
        "iam.folders.locations.policyBindings.searchTargetPolicyBindings",
        Service::Iam,
        "v3/folders/{folder}/locations/{location}/policyBindings:searchTargetPolicyBindings",
        TARGETED,
        ("resourcemanager.folders.searchPolicyBindings", FOLDER),
        WRITE,
        iam::bindings,
    ),
    get(
        "iam.organizations.locations.policyBindings.searchTargetPolicyBindings",
        Service::Iam,
        "v3/organizations/{organization}/locations/{location}/policyBindings:searchTargetPolicyBindings",
        TARGETED,
        ("resourcemanager.organizations.searchPolicyBindings", ORGANIZATION),
        WRITE,
        iam::bindings,
    ),
    get(
        "iam.organizations.locations.principalAccessBoundaryPolicies.get",
        Service::Iam,
        "v3/organizations/{organization}/locations/{location}/principalAccessBoundaryPolicies/{boundary}",
        &[],
        ("iam.principalaccessboundarypolicies.get", ORGANIZATION),
        WRITE,
        iam::boundary,
    ),
    get(
        "serviceusage.services.batchGet",
        Service::ServiceUsage,
        "v1/projects/{project}/services:batchGet",
        &["names"],
        ("serviceusage.services.get", PROJECT),
        READ,
        usage::batch,
    ),
    get(
        "serviceusage.services.get",
        Service::ServiceUsage,
        "v1/projects/{project}/services/{service}",
        &[],
        ("serviceusage.services.get", PROJECT),
        READ,
        usage::get,
    ),
    post(
        "iamcredentials.projects.serviceAccounts.generateAccessToken",
        Service::IamCredentials,
        "v1/projects/{project}/serviceAccounts/{account}:generateAccessToken",
        &["scope", "lifetime", "delegates"],
        ("iam.serviceAccounts.getAccessToken", "projects/-/serviceAccounts/{account}"),
        CREDENTIALS,
        credentials::generate,
    ),
];
