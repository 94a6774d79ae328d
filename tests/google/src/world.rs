//! What there is in the fake's Google Cloud.

use std::time::Duration;

use crate::caller::{Caller, Federation};
use crate::cluster::{CLOUD_PLATFORM, Cluster, Pool};
use crate::directory::{AccessBoundary, Account, DenyPolicy, Folder, Organization, Project, Role, built_in};
use crate::lag::Lag;
use crate::page::Paging;
use crate::policy::Policy;
use crate::repository::Repository;

/// Everything the fake serves. Build it, hand it to [`crate::Fake::start`], and change it there later with
/// [`crate::Fake::change`].
#[derive(Debug, Clone)]
pub struct World {
    /// Projects.
    pub projects: Vec<Project>,
    /// Folders.
    pub folders: Vec<Folder>,
    /// Organisations.
    pub organizations: Vec<Organization>,
    /// Clusters, of all projects.
    pub clusters: Vec<Cluster>,
    /// Repositories, of all projects.
    pub repositories: Vec<Repository>,
    /// Service accounts that exist now.
    pub accounts: Vec<Account>,
    /// Roles; some predefined ones first.
    pub roles: Vec<Role>,
    /// Deny policies.
    pub denies: Vec<DenyPolicy>,
    /// Principal access boundaries; served, not obeyed.
    pub boundaries: Vec<AccessBoundary>,
    /// Who logs in.
    pub caller: Caller,
    /// How the caller comes in from a CI system outside Google, if it can.
    pub federation: Option<Federation>,
    /// Zones or regions that could not be asked, each with its project: their clusters are not listed, and
    /// the answer says so.
    pub missing_zones: Vec<(String, String)>,
    /// How lists are cut into pages.
    pub paging: Paging,
    /// How long a policy that was set is still read as it was before.
    pub write_lag: Lag,
    /// Names of fields that the services know although no document describes them yet.
    pub future_fields: Vec<String>,
    /// How long a token lives.
    pub token_life: Duration,
    /// What somebody else does to a policy when they edit it; the number of the edit comes with it.
    pub colleague: fn(&mut Policy, u64),
    /// So many policies were edited by somebody else ([`crate::Trouble::ConcurrentEdit`]).
    pub edits: u64,
    /// The last unique id that was given to an account.
    pub(crate) last_id: u64,
}

impl World {
    /// Some predefined roles and a caller who may do everything; nothing else.
    pub fn new() -> Self {
        Self {
            projects: Vec::new(),
            folders: Vec::new(),
            organizations: Vec::new(),
            clusters: Vec::new(),
            repositories: Vec::new(),
            accounts: Vec::new(),
            roles: built_in(),
            denies: Vec::new(),
            boundaries: Vec::new(),
            caller: Caller::new("pullaudit@acme-ops.iam.gserviceaccount.com"),
            federation: None,
            missing_zones: Vec::new(),
            paging: Paging::default(),
            write_lag: Lag::None,
            future_fields: Vec::new(),
            token_life: Duration::from_secs(3599),
            colleague: another_writer,
            edits: 0,
            last_id: 0,
        }
        .organization("900000000001")
        .project("acme-ops", 100_000_000_009, "organizations/900000000001")
        .account("pullaudit@acme-ops.iam.gserviceaccount.com")
    }

    /// The project `acme-prod` with the cluster `prod`, whose nodes are
    /// `nodes@acme-prod.iam.gserviceaccount.com`, and the project `acme-images` with the repository `shop`,
    /// in which they have no grant; both in a folder of an organisation.
    pub fn acme() -> Self {
        Self::new()
            .folder("800000000001", "organizations/900000000001")
            .project("acme-prod", 100_000_000_001, "folders/800000000001")
            .project("acme-images", 100_000_000_002, "folders/800000000001")
            .account("nodes@acme-prod.iam.gserviceaccount.com")
            .account("100000000001-compute@developer.gserviceaccount.com")
            .cluster(Cluster::new("acme-prod", "europe-west1", "prod").pool(
                Pool::new("main").account("nodes@acme-prod.iam.gserviceaccount.com").scopes(&[CLOUD_PLATFORM]),
            ))
            .repository(Repository::new("acme-images", "europe-west1", "shop"))
    }

    /// Adds an organisation by its number.
    pub fn organization(mut self, id: &str) -> Self {
        self.organizations.push(Organization::new(id));
        self
    }

    /// Adds a folder by its number, under `folders/…` or `organizations/…`.
    pub fn folder(mut self, id: &str, parent: &str) -> Self {
        self.folders.push(Folder::new(id, parent));
        self
    }

    /// Adds a project with its number, under `folders/…` or `organizations/…`, or under nothing (`""`).
    pub fn project(mut self, id: &str, number: u64, parent: &str) -> Self {
        self.projects.push(Project::new(id, number, parent));
        self
    }

    /// Adds a cluster.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Adds a repository.
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repositories.push(repository);
        self
    }

    /// Adds a service account by its e-mail, in the project that the e-mail names.
    ///
    /// # Panics
    /// When the e-mail names no project that is there: a world that nobody meant.
    pub fn account(mut self, email: &str) -> Self {
        self.create_account(email);
        self
    }

    /// Adds a service account whose own project is told.
    pub fn account_of(mut self, project: &str, email: &str) -> Self {
        let id = self.next_id();
        self.accounts.push(Account::new(project, email, id));
        self
    }

    /// Adds a custom role, or one more predefined role.
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a deny policy.
    pub fn deny(mut self, deny: DenyPolicy) -> Self {
        self.denies.push(deny);
        self
    }

    /// Adds a principal access boundary.
    pub fn boundary(mut self, boundary: AccessBoundary) -> Self {
        self.boundaries.push(boundary);
        self
    }

    /// Sets the policy of a resource: `projects/P`, `folders/F`, `organizations/O` or a repository's name.
    ///
    /// # Panics
    /// When there is no such resource.
    #[allow(clippy::expect_used, reason = "a world that nobody meant")]
    pub fn policy(mut self, resource: &str, policy: Policy) -> Self {
        *self.policy_of(resource).expect("a resource that is there") = policy;
        self
    }

    /// Sets who logs in.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Lets the caller come in from a CI system outside Google.
    pub fn federation(mut self, federation: Federation) -> Self {
        self.federation = Some(federation);
        self
    }

    /// Disables an API (`artifactregistry.googleapis.com`) in a project.
    pub fn disable(mut self, project: &str, host: &str) -> Self {
        let found = self.projects.iter_mut().filter(|known| known.id == project);
        found.for_each(|known| known.disabled.push(host.to_owned()));
        self
    }

    /// Hides the clusters of a zone or region, which the answer then names as missing.
    pub fn missing_zone(mut self, project: &str, zone: &str) -> Self {
        self.missing_zones.push((project.to_owned(), zone.to_owned()));
        self
    }

    /// Cuts lists into pages.
    pub fn paging(mut self, paging: Paging) -> Self {
        self.paging = paging;
        self
    }

    /// Lets policies that were set appear late.
    pub fn write_lag(mut self, lag: Lag) -> Self {
        self.write_lag = lag;
        self
    }

    /// Lets the services know a field that no document describes, anywhere in a policy.
    pub fn future_field(mut self, name: &str) -> Self {
        self.future_fields.push(name.to_owned());
        self
    }

    /// Sets what somebody else does to a policy under [`crate::Trouble::ConcurrentEdit`]; without it they add a
    /// writer `user:colleague-N@acme.example`.
    pub fn colleague(mut self, edit: fn(&mut Policy, u64)) -> Self {
        self.colleague = edit;
        self
    }

    /// Sets how long tokens live.
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }
}

/// One more writer, under a name that no other edit has.
fn another_writer(policy: &mut Policy, edit: u64) {
    policy.add("roles/artifactregistry.writer", &format!("user:colleague-{edit}@acme.example"));
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
