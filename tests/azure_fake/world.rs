//! What there is in the fake's Azure.

use super::cluster::Cluster;
use super::directory::{Caller, Principal};
use super::grants::{Deny, Grant};
use super::lag::Lag;
use super::page::Paging;
use super::registry::Registry;
use super::roles::{self, Role};
use super::scope::management_group;

/// The home tenant of every world.
pub(crate) const TENANT: &str = "99999999-0000-4000-8000-000000000001";
/// The subscription of [`World::acme`].
pub(crate) const SUBSCRIPTION: &str = "11111111-0000-4000-8000-000000000001";
/// So many role assignments fit into a subscription, its groups and resources included.
const ASSIGNMENT_LIMIT: usize = 4000;

/// A subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// Its id.
    pub(crate) id: String,
    /// Its tenant.
    pub(crate) tenant: String,
    /// What people call it.
    pub(crate) name: String,
    /// `Enabled`, `Disabled`, `Warned`, …
    pub(crate) state: String,
}

/// Everything the fake serves. Build it, hand it to [`super::Fake::start`], and change it there later
/// with [`super::Fake::change`].
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Known tenants; the first is the home of the caller.
    pub(crate) tenants: Vec<String>,
    /// Subscriptions of all tenants.
    pub(crate) subscriptions: Vec<Subscription>,
    /// Management groups by id, each with the ids of what stands right under it.
    pub(crate) management: Vec<(String, Vec<String>)>,
    /// Resource groups that hold nothing; the others are known by what they hold.
    pub(crate) resource_groups: Vec<String>,
    /// Clusters.
    pub(crate) clusters: Vec<Cluster>,
    /// Registries.
    pub(crate) registries: Vec<Registry>,
    /// Role definitions, built-in ones first.
    pub(crate) roles: Vec<Role>,
    /// Role assignments.
    pub(crate) grants: Vec<Grant>,
    /// Deny assignments.
    pub(crate) denies: Vec<Deny>,
    /// Users, groups, service principals and managed identities.
    pub(crate) directory: Vec<Principal>,
    /// Who logs in.
    pub(crate) caller: Caller,
    /// How lists are cut into pages.
    pub(crate) paging: Paging,
    /// How long a new or deleted role assignment is not seen in lists.
    pub(crate) write_lag: Lag,
    /// See [`ASSIGNMENT_LIMIT`].
    pub(crate) assignment_limit: usize,
    /// Custom roles answer below their own scopes only, not in the tenant's form.
    pub(crate) custom_roles_below: bool,
    /// Role assignments name their role as `/providers/…` instead of `/subscriptions/S/providers/…`.
    pub(crate) tenant_form: bool,
}

impl World {
    /// The home tenant, the built-in roles and a caller who may do everything; nothing else.
    pub(crate) fn new() -> Self {
        Self {
            tenants: vec![TENANT.to_owned()],
            subscriptions: Vec::new(),
            management: Vec::new(),
            resource_groups: Vec::new(),
            clusters: Vec::new(),
            registries: Vec::new(),
            roles: roles::built_in(),
            grants: Vec::new(),
            denies: Vec::new(),
            directory: Vec::new(),
            caller: Caller::new(),
            paging: Paging::default(),
            write_lag: Lag::None,
            assignment_limit: ASSIGNMENT_LIMIT,
            custom_roles_below: false,
            tenant_form: false,
        }
    }

    /// One subscription with the cluster `acmeprod` and the registry `acmeregistry`, in which the
    /// cluster has no grant.
    pub(crate) fn acme() -> Self {
        Self::new()
            .subscription(SUBSCRIPTION)
            .cluster(Cluster::new(SUBSCRIPTION, "rg-acme", "acmeprod"))
            .registry(Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry"))
    }

    /// Adds a tenant beside the home tenant.
    pub(crate) fn tenant(mut self, id: &str) -> Self {
        self.tenants.push(id.to_owned());
        self
    }

    /// Adds a subscription of the home tenant.
    pub(crate) fn subscription(self, id: &str) -> Self {
        self.subscription_of(id, TENANT)
    }

    /// Adds a subscription of a tenant.
    pub(crate) fn subscription_of(mut self, id: &str, tenant: &str) -> Self {
        let name = format!("Acme {}", self.subscriptions.len() + 1);
        self.subscriptions.push(Subscription {
            id: id.to_owned(),
            tenant: tenant.to_owned(),
            name,
            state: "Enabled".to_owned(),
        });
        self
    }

    /// Adds a management group by name, over subscriptions or other groups given by their scope.
    pub(crate) fn management_group(mut self, name: &str, children: &[&str]) -> Self {
        let children = children.iter().map(|&child| child.to_owned()).collect();
        self.management.push((management_group(name), children));
        self
    }

    /// Adds an empty resource group.
    pub(crate) fn resource_group(mut self, subscription: &str, name: &str) -> Self {
        self.resource_groups.push(format!("/subscriptions/{subscription}/resourceGroups/{name}"));
        self
    }

    /// Adds a cluster, and its kubelet identity to the directory.
    pub(crate) fn cluster(mut self, cluster: Cluster) -> Self {
        self.directory.extend(cluster.identity().map(Principal::of_identity));
        self.clusters.push(cluster);
        self
    }

    /// Adds a registry.
    pub(crate) fn registry(mut self, registry: Registry) -> Self {
        self.registries.push(registry);
        self
    }

    /// Adds a custom role.
    pub(crate) fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a role assignment.
    pub(crate) fn grant(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }

    /// Adds a deny assignment.
    pub(crate) fn deny(mut self, deny: Deny) -> Self {
        self.denies.push(deny);
        self
    }

    /// Adds somebody to the directory.
    pub(crate) fn principal(mut self, principal: Principal) -> Self {
        self.directory.push(principal);
        self
    }

    /// Sets who logs in.
    pub(crate) fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Cuts lists into pages.
    pub(crate) fn paging(mut self, paging: Paging) -> Self {
        self.paging = paging;
        self
    }

    /// Lets role assignments appear in lists, and vanish from them, late.
    pub(crate) fn write_lag(mut self, lag: Lag) -> Self {
        self.write_lag = lag;
        self
    }

    /// Sets how many role assignments fit into a subscription.
    pub(crate) fn assignment_limit(mut self, limit: usize) -> Self {
        self.assignment_limit = limit;
        self
    }

    /// Hides custom roles from those who ask in the tenant's form.
    pub(crate) fn custom_roles_below(mut self) -> Self {
        self.custom_roles_below = true;
        self
    }

    /// Lets role assignments name their role as `/providers/…`.
    pub(crate) fn tenant_form(mut self) -> Self {
        self.tenant_form = true;
        self
    }
}
