//! What a path of Resource Manager means, and which methods, API versions and queries it takes.

/// A kind of thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tenants of the caller.
    Tenants,
    /// Subscriptions of the caller.
    Subscriptions,
    /// One subscription.
    Subscription,
    /// Resources of all types.
    Resources,
    /// Clusters.
    Clusters,
    /// One cluster.
    Cluster,
    /// A kubeconfig.
    ClusterUser,
    /// Registries.
    Registries,
    /// One registry.
    Registry,
    /// Cache rules of a registry.
    CacheRules,
    /// Credential sets of a registry.
    CredentialSets,
    /// Role assignments.
    Assignments,
    /// One role assignment.
    Assignment,
    /// Role definitions.
    Definitions,
    /// One role definition.
    Definition,
    /// Deny assignments.
    Denies,
    /// The caller's own rights.
    Permissions,
}

/// What a path means.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Of which kind.
    pub(crate) kind: Kind,
    /// Where: a resource's own id, or the scope of a list.
    pub(crate) scope: String,
    /// The GUID of an assignment or a definition.
    pub(crate) name: String,
}

const RESOURCES: &[&str] = &[
    "2019-10-01",
    "2020-06-01",
    "2020-10-01",
    "2021-04-01",
    "2022-09-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
];
const SUBSCRIPTIONS: &[&str] =
    &["2016-06-01", "2019-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2022-12-01"];
const CLUSTERS: &[&str] = &[
    "2020-09-01",
    "2024-05-01",
    "2024-09-01",
    "2025-02-01",
    "2025-05-01",
    "2025-10-01",
    "2026-03-01",
    "2026-05-01",
    "2026-06-01",
];
const REGISTRIES: &[&str] = &[
    "2019-05-01",
    "2023-01-01-preview",
    "2023-07-01",
    "2023-11-01-preview",
    "2025-03-01-preview",
    "2025-04-01",
    "2025-11-01",
    "2026-09-01-preview",
];
const CACHES: &[&str] =
    &["2023-01-01-preview", "2023-07-01", "2023-11-01-preview", "2025-03-01-preview", "2025-04-01", "2025-11-01"];
const ASSIGNMENTS: &[&str] = &["2015-07-01", "2018-01-01-preview", "2020-04-01-preview", "2022-04-01"];
const DEFINITIONS: &[&str] =
    &["2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview", "2023-07-01-preview"];
const DENIES: &[&str] = &["2018-07-01-preview", "2022-04-01", "2024-07-01-preview"];
const PERMISSIONS: &[&str] = &["2015-07-01", "2018-07-01", "2022-04-01"];

impl Kind {
    /// The API versions that it answers to.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Tenants | Self::Subscriptions | Self::Subscription => SUBSCRIPTIONS,
            Self::Resources => RESOURCES,
            Self::Clusters | Self::Cluster | Self::ClusterUser => CLUSTERS,
            Self::Registries | Self::Registry => REGISTRIES,
            Self::CacheRules | Self::CredentialSets => CACHES,
            Self::Assignments | Self::Assignment => ASSIGNMENTS,
            Self::Definitions | Self::Definition => DEFINITIONS,
            Self::Denies => DENIES,
            Self::Permissions => PERMISSIONS,
        }
    }

    /// The query parameters that it takes beside `api-version` and the tokens of pages.
    pub(crate) fn queries(self) -> &'static [&'static str] {
        match self {
            Self::Resources => &["$filter", "$expand", "$top"],
            Self::Assignments | Self::Definitions | Self::Denies => &["$filter"],
            Self::ClusterUser => &["server-fqdn", "format"],
            _ => &[],
        }
    }

    /// The right that a method takes: `None` where there is no such method, empty where it takes none.
    pub(crate) fn action(self, method: &str) -> Option<&'static str> {
        match (self, method) {
            // These three show what the caller may see and refuse nobody.
            (Self::Tenants | Self::Subscriptions | Self::Resources, "GET") => Some(""),
            (Self::Subscription, "GET") => Some("Microsoft.Resources/subscriptions/read"),
            (Self::Clusters | Self::Cluster, "GET") => Some("Microsoft.ContainerService/managedClusters/read"),
            (Self::Cluster, "PUT") => Some("Microsoft.ContainerService/managedClusters/write"),
            (Self::ClusterUser, "POST") => {
                Some("Microsoft.ContainerService/managedClusters/listClusterUserCredential/action")
            }
            (Self::Registries | Self::Registry, "GET") => Some("Microsoft.ContainerRegistry/registries/read"),
            (Self::CacheRules, "GET") => Some("Microsoft.ContainerRegistry/registries/cacheRules/read"),
            (Self::CredentialSets, "GET") => Some("Microsoft.ContainerRegistry/registries/credentialSets/read"),
            (Self::Assignments | Self::Assignment, "GET") => Some("Microsoft.Authorization/roleAssignments/read"),
            (Self::Assignment, "PUT") => Some("Microsoft.Authorization/roleAssignments/write"),
            (Self::Assignment, "DELETE") => Some("Microsoft.Authorization/roleAssignments/delete"),
            (Self::Definitions | Self::Definition, "GET") => Some("Microsoft.Authorization/roleDefinitions/read"),
            (Self::Denies, "GET") => Some("Microsoft.Authorization/denyAssignments/read"),
            (Self::Permissions, "GET") => Some("Microsoft.Authorization/permissions/read"),
            _ => None,
        }
    }
}

impl Target {
    /// What a path means; `None` where the fake has nothing like it.
    pub(crate) fn parse(parts: &[&str]) -> Option<Self> {
        let lower: Vec<_> = parts.iter().map(|part| part.to_lowercase()).collect();
        let words: Vec<_> = lower.iter().map(String::as_str).collect();
        let scope = |length: usize| format!("/{}", parts[..length].join("/"));
        let at = |kind, length| Some(Self { kind, scope: scope(length), name: String::new() });
        match words[..] {
            ["tenants"] => return at(Kind::Tenants, 0),
            ["subscriptions"] => return at(Kind::Subscriptions, 0),
            ["subscriptions", _] => return at(Kind::Subscription, 2),
            ["subscriptions", _, "resources"] => return at(Kind::Resources, 2),
            ["subscriptions", _, "resourcegroups", _, "resources"] => return at(Kind::Resources, 4),
            _ => {}
        }
        let provider = words.iter().rposition(|word| *word == "providers")?;
        let in_list = provider == 2 || provider == 4;
        match words[provider + 1..] {
            ["microsoft.containerservice", "managedclusters"] if in_list => at(Kind::Clusters, provider),
            ["microsoft.containerregistry", "registries"] if in_list => at(Kind::Registries, provider),
            ["microsoft.containerservice", "managedclusters", _] if provider == 4 => at(Kind::Cluster, 8),
            ["microsoft.containerservice", "managedclusters", _, "listclusterusercredential"] if provider == 4 => {
                at(Kind::ClusterUser, 8)
            }
            ["microsoft.containerregistry", "registries", _] if provider == 4 => at(Kind::Registry, 8),
            ["microsoft.containerregistry", "registries", _, "cacherules"] if provider == 4 => {
                at(Kind::CacheRules, 8)
            }
            ["microsoft.containerregistry", "registries", _, "credentialsets"] if provider == 4 => {
                at(Kind::CredentialSets, 8)
            }
            ["microsoft.authorization", kind] => at(Self::of_rights(kind, false)?, provider),
            ["microsoft.authorization", kind, _] => {
                let kind = Self::of_rights(kind, true)?;
                Some(Self { kind, scope: scope(provider), name: parts[provider + 3].to_owned() })
            }
            _ => None,
        }
    }

    fn of_rights(kind: &str, one: bool) -> Option<Kind> {
        match (kind, one) {
            ("roleassignments", false) => Some(Kind::Assignments),
            ("roleassignments", true) => Some(Kind::Assignment),
            ("roledefinitions", false) => Some(Kind::Definitions),
            ("roledefinitions", true) => Some(Kind::Definition),
            ("denyassignments", false) => Some(Kind::Denies),
            ("permissions", false) => Some(Kind::Permissions),
            _ => None,
        }
    }
}
