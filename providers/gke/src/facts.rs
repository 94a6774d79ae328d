//! What is read from Google Cloud: bodies of its APIs as they come. The one meeting point of `live` (which
//! fills the tables) and the pure half (which reads them).
//!
//! Each row is one API answer, all its pages together, stored as it came: a policy that is written back
//! must keep what pullaudit does not know. The structs here are what decides a pull; every field of them
//! may be absent or null, and unknown ones are passed over.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Tables of the registry side, with the shape of their keys. `P` is a project id (with a colon where it is
/// of a domain), `R` is `projects/P/locations/L/repositories/R`, and `A` an ancestor: `projects/P` (by id,
/// though the API may tell the number), `folders/N`, `organizations/N`.
pub mod table {
    /// `P` → [`super::Project`]; `resourcemanager.projects.get`. Never absent: a project that is missing and one
    /// that is hidden have the same answer.
    pub const PROJECTS: &str = "projects";
    /// `P` → [`super::Ancestry`]; `resourcemanager.projects.get`. Never absent, likewise.
    pub const ANCESTRY: &str = "ancestry";
    /// `P` → [`super::Service`], that of artifactregistry.googleapis.com; `serviceusage.services.get`.
    pub const SERVICES: &str = "services";
    /// `R` → [`super::Repository`]; `artifactregistry.repositories.get`; absent where it does not exist.
    /// Upstreams of virtual and remote repositories have rows of their own, in this and the next two.
    pub const REPOSITORIES: &str = "repositories";
    /// `R` → [`super::Policy`], read with version 3; `artifactregistry.repositories.getIamPolicy`.
    pub const REPOSITORY_POLICIES: &str = "repositoryPolicies";
    /// `R` → list of [`super::Rule`]; `artifactregistry.rules.list`.
    pub const RULES: &str = "rules";
    /// `P` → [`super::ProjectSettings`]; only for hosts of gcr.io; `artifactregistry.projectsettings.get`.
    pub const SETTINGS: &str = "projectSettings";
    /// `A` → [`super::Policy`], read with version 3; `resourcemanager.{projects,folders,organizations}.getIamPolicy`.
    pub const POLICIES: &str = "policies";
    /// `A` → list of [`super::DenyPolicy`], of which only the names are read; `iam.denypolicies.list`.
    pub const DENY_LISTS: &str = "denyPolicyLists";
    /// Name of a deny policy, as its list writes it → [`super::DenyPolicy`]; `iam.denypolicies.get`.
    pub const DENY_POLICIES: &str = "denyPolicies";
    /// Name of a role → [`super::Role`]; `iam.roles.get`; for roles that the asker, or what it may be a member of,
    /// holds and that [`crate::weigh::PREDEFINED_AS_OF`]'s table does not know. Never absent.
    pub const ROLES: &str = "roles";
    /// E-mail in lower case → [`super::ServiceAccount`]; `iam.serviceAccounts.get`, asked in the account's own
    /// project (`projects/-` hides a missing account); absent where it does not exist.
    pub const ACCOUNTS: &str = "serviceAccounts";
    /// `A`, of the project that owns an account and of all above it → list of [`super::BoundaryBinding`], those that
    /// bind principal access boundaries to everybody in there; `resourcemanager.*.searchPolicyBindings`.
    pub const BOUNDARY_LISTS: &str = "accessBoundaryBindings";
    /// Name of a principal access boundary policy that a binding names → [`super::Boundary`];
    /// `iam.principalaccessboundarypolicies.get`.
    pub const BOUNDARY_POLICIES: &str = "accessBoundaries";
}

/// Tables of one cluster, see [`pullaudit_core::Discovered::readings`].
pub mod cluster_table {
    /// `""` → [`super::Cluster`]; `container.clusters.list`.
    pub const CLUSTER: &str = "cluster";
    /// `""` → [`super::Project`] of the cluster; `resourcemanager.projects.get`.
    pub const PROJECT: &str = "project";
}

/// `null` where a list is empty or a field unset.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Makes the bodies: every field may be absent or null, unknown ones are passed over.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(deserialize_with = "lenient")] pub $field: $type,)*
        }
    )*};
}

bodies! {
    /// A project.
    Project {
        /// `projects/NUMBER`
        name: String,
        /// Its id.
        project_id: String,
        /// `folders/N` or `organizations/N`.
        parent: String,
        /// `ACTIVE` or `DELETE_REQUESTED`.
        state: String,
    }
    /// The answer of `projects.getAncestry`: the project, its folders, its organisation, in this order.
    Ancestry {
        /// From the project up.
        ancestor: Vec<Ancestor>,
    }
    /// One of them.
    Ancestor {
        /// Which.
        resource_id: ResourceId,
    }
    /// `{"type": "folder", "id": "1234"}`
    ResourceId {
        /// `project`, `folder`, `organization`.
        #[serde(rename = "type")]
        kind: String,
        /// Id of a project, number of the others.
        id: String,
    }
    /// Whether an API is on.
    Service {
        /// `projects/NUMBER/services/artifactregistry.googleapis.com`
        name: String,
        /// `ENABLED` or `DISABLED`.
        state: String,
    }
    /// What became of gcr.io in a project.
    ProjectSettings {
        /// `REDIRECTION_FROM_GCR_IO_…`
        legacy_redirection_state: String,
    }
    /// A repository.
    Repository {
        /// Its full id.
        name: String,
        /// `DOCKER`, …; a number where enums were asked for as numbers.
        format: Value,
        /// `STANDARD_REPOSITORY`, `VIRTUAL_REPOSITORY`, `REMOTE_REPOSITORY`; absent for a standard one.
        mode: Value,
        /// Of a virtual one.
        virtual_repository_config: VirtualConfig,
        /// Of a remote one.
        remote_repository_config: RemoteConfig,
        /// What deletes versions by itself, by id.
        cleanup_policies: BTreeMap<String, Value>,
        /// Cleanup only pretends.
        cleanup_policy_dry_run: bool,
    }
    /// Where a virtual repository looks.
    VirtualConfig {
        /// The greatest priority first, in whatever order they stand.
        upstream_policies: Vec<UpstreamPolicy>,
    }
    /// One place.
    UpstreamPolicy {
        /// Given by the user.
        id: String,
        /// Greater ones first.
        priority: i64,
        /// Full id of a repository.
        repository: String,
    }
    /// Where a remote repository fetches from.
    RemoteConfig {
        /// Any upstream, another repository of Artifact Registry among them.
        common_repository: Address,
        /// A registry of images.
        docker_repository: DockerUpstream,
        /// Present where it keeps nothing that it fetched.
        no_cache: Option<Value>,
    }
    /// A registry of images.
    DockerUpstream {
        /// `DOCKER_HUB`
        public_repository: Value,
        /// Any other.
        custom_repository: Address,
    }
    /// An address.
    Address {
        /// `https://…`, or a repository's full id.
        uri: String,
    }
    /// A rule on downloads.
    Rule {
        /// Its full id.
        name: String,
        /// `ALLOW` or `DENY`.
        action: String,
        /// `DOWNLOAD`
        operation: String,
        /// Of one package only; empty for all.
        package_id: String,
        /// When it applies; absent for always.
        condition: Option<Expr>,
    }
    /// A condition.
    Expr {
        /// The text, in CEL.
        expression: String,
        /// What people call it.
        title: String,
    }
    /// A policy of grants.
    Policy {
        /// 1 or 3; answers without conditions say 1 whatever was asked for.
        version: i64,
        /// Stands for this state of it.
        etag: String,
        /// The grants.
        bindings: Vec<Binding>,
    }
    /// A role for some members.
    Binding {
        /// `roles/…`, `projects/P/roles/…`, `organizations/N/roles/…`
        role: String,
        /// `serviceAccount:…`, …
        members: Vec<String>,
        /// When it applies; absent for always.
        condition: Option<Expr>,
    }
    /// A policy of denials.
    DenyPolicy {
        /// `policies/ATTACHMENT/denypolicies/ID`
        name: String,
        /// What people call it.
        display_name: String,
        /// When it was deleted, where it was.
        delete_time: String,
        /// What it denies; absent in lists.
        rules: Vec<DenyPolicyRule>,
    }
    /// One of them.
    DenyPolicyRule {
        /// The only kind there is.
        deny_rule: DenyRule,
    }
    /// Whom, what, when.
    DenyRule {
        /// In the form of v2: `principal://…`, `principalSet://…`.
        denied_principals: Vec<String>,
        /// Not these.
        exception_principals: Vec<String>,
        /// `artifactregistry.googleapis.com/repositories.downloadArtifacts`, with `*`.
        denied_permissions: Vec<String>,
        /// Not these.
        exception_permissions: Vec<String>,
        /// When; absent for always.
        denial_condition: Option<Expr>,
    }
    /// A role.
    Role {
        /// Its name.
        name: String,
        /// What people call it.
        title: String,
        /// What it grants.
        included_permissions: Vec<String>,
        /// `GA`, `BETA`, …; `DISABLED` grants nothing.
        stage: Value,
        /// It grants nothing any more, though its bindings stay.
        deleted: bool,
    }
    /// A service account.
    ServiceAccount {
        /// Its e-mail.
        email: String,
        /// Its id for good: another account of the same e-mail has another one.
        unique_id: String,
        /// Nobody gets a token for it.
        disabled: bool,
        /// The project that owns it.
        project_id: String,
    }
    /// What binds a policy to everybody in a project, a folder or an organisation.
    BoundaryBinding {
        /// `PRINCIPAL_ACCESS_BOUNDARY`, or a kind of policy that is to come.
        policy_kind: String,
        /// Full name of the policy.
        policy: String,
        /// For whom of them it counts; absent for all.
        condition: Option<Expr>,
    }
    /// Which resources the bound may reach at all.
    Boundary {
        /// Its full name.
        name: String,
        /// What it says.
        details: BoundaryDetails,
    }
    /// What a boundary says.
    BoundaryDetails {
        /// Each opens some resources.
        rules: Vec<BoundaryRule>,
    }
    /// Resources that the bound may reach.
    BoundaryRule {
        /// `ALLOW`
        effect: String,
        /// `//cloudresourcemanager.googleapis.com/organizations/N`, folders and projects likewise.
        resources: Vec<String>,
    }
    /// The answer of `clusters.list`.
    ClusterList {
        /// The clusters, each with its pools; kept as they came.
        clusters: Vec<Value>,
        /// Clusters of these zones may be missing.
        missing_zones: Vec<String>,
    }
    /// A cluster.
    Cluster {
        /// Short name; one project may have it twice, in two locations.
        name: String,
        /// Region or zone.
        location: String,
        /// The same in answers of old.
        zone: String,
        /// Host of its API.
        endpoint: String,
        /// `RUNNING`, …
        status: String,
        /// `https://container.googleapis.com/v1/projects/P/…`
        self_link: String,
        /// Its pools; may be absent with Autopilot.
        node_pools: Vec<NodePool>,
        /// Whether Google makes the nodes.
        autopilot: Switch,
        /// What makes nodes by itself.
        autoscaling: ClusterAutoscaling,
        /// The pool of identities of its service accounts.
        workload_identity_config: WorkloadIdentity,
    }
    /// On or off.
    Switch {
        /// On.
        enabled: bool,
    }
    /// What makes nodes by itself.
    ClusterAutoscaling {
        /// Node auto-provisioning is on.
        enable_node_autoprovisioning: bool,
        /// What new pools get; pools that exist keep theirs.
        autoprovisioning_node_pool_defaults: Option<NodeDefaults>,
    }
    /// What new pools get.
    NodeDefaults {
        /// E-mail, or `default`.
        service_account: String,
        /// Absent where nobody set them.
        oauth_scopes: Option<Vec<String>>,
    }
    /// `P.svc.id.goog`
    WorkloadIdentity {
        /// The name.
        workload_pool: String,
    }
    /// A pool.
    NodePool {
        /// Its name.
        name: String,
        /// `RUNNING`, …
        status: String,
        /// Nodes in each zone when it was made.
        initial_node_count: u32,
        /// URLs of the groups that make its machines, one a zone.
        instance_group_urls: Vec<String>,
        /// How its nodes are; every pool has it.
        config: Option<NodeConfig>,
    }
    /// How nodes are.
    NodeConfig {
        /// E-mail; `default` or absent for the default account of Compute Engine.
        service_account: String,
        /// What tokens of the node reach; none where absent.
        oauth_scopes: Vec<String>,
        /// Labels that nodes get.
        labels: BTreeMap<String, String>,
        /// Taints that nodes get.
        taints: Vec<NodeTaint>,
        /// `COS_CONTAINERD`, `WINDOWS_LTSC_CONTAINERD`, …
        image_type: String,
        /// Image streaming.
        gcfs_config: Switch,
    }
    /// A taint.
    NodeTaint {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// `NO_SCHEDULE`, `PREFER_NO_SCHEDULE`, `NO_EXECUTE`
        effect: String,
    }
}
