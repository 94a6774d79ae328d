//! Role definitions: the built-in ones that matter to a pull, by their true GUIDs, and custom ones.

use serde_json::{Value, json};

/// GUIDs of built-in roles.
pub(crate) mod role {
    /// Pulls from registries of the older kind.
    pub(crate) const ACR_PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
    /// Pushes too.
    pub(crate) const ACR_PUSH: &str = "8311e382-0749-4cb8-b61a-304f252e45ec";
    /// Everything.
    pub(crate) const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    /// Everything but rights.
    pub(crate) const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    /// Reads everything.
    pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    /// Gives rights.
    pub(crate) const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
    /// Gives rights.
    pub(crate) const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";
    /// Pulls from registries with rights on repositories.
    pub(crate) const REPOSITORY_READER: &str = "b93aa761-3e63-49ed-ac28-beffa264f7ac";
    /// Pushes too.
    pub(crate) const REPOSITORY_WRITER: &str = "2a1e307c-b015-4ebd-883e-5b7698a07328";
    /// Lists what repositories there are, and does not pull.
    pub(crate) const CATALOG_LISTER: &str = "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7";
}

/// A role definition.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Its GUID.
    pub(crate) guid: String,
    /// What people call it.
    pub(crate) name: String,
    /// Whether Azure made it.
    pub(crate) built_in: bool,
    /// Where it can be assigned.
    pub(crate) scopes: Vec<String>,
    /// What it allows: `actions`, `notActions`, `dataActions`, `notDataActions` for each element.
    pub(crate) permissions: Vec<[Vec<String>; 4]>,
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

impl Role {
    /// A custom role that can be assigned at a scope and below.
    pub(crate) fn custom(guid: &str, name: &str, scope: &str) -> Self {
        let (guid, name) = (guid.to_owned(), name.to_owned());
        Self { guid, name, built_in: false, scopes: owned(&[scope]), permissions: Vec::new() }
    }

    /// Adds an element.
    pub(crate) fn allows(mut self, actions: &[&str], not: &[&str], data: &[&str], not_data: &[&str]) -> Self {
        self.permissions.push([owned(actions), owned(not), owned(data), owned(not_data)]);
        self
    }

    /// As Resource Manager writes it; `prefix` is empty or `/subscriptions/S`.
    pub(crate) fn body(&self, prefix: &str) -> Value {
        let element = |[actions, not, data, not_data]: &[Vec<String>; 4]| json!({ "actions": actions, "notActions": not, "dataActions": data, "notDataActions": not_data });
        json!({
            "id": format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{}", self.guid),
            "type": "Microsoft.Authorization/roleDefinitions",
            "name": self.guid,
            "properties": {
                "roleName": self.name,
                "type": if self.built_in { "BuiltInRole" } else { "CustomRole" },
                "description": format!("{} of the fake", self.name),
                "assignableScopes": self.scopes,
                "permissions": self.permissions.iter().map(element).collect::<Vec<_>>(),
            },
        })
    }
}

/// The built-in roles.
pub(crate) fn built_in() -> Vec<Role> {
    const READ: &str = "Microsoft.ContainerRegistry/registries/repositories/content/read";
    const WRITE: &str = "Microsoft.ContainerRegistry/registries/repositories/content/write";
    const META: &str = "Microsoft.ContainerRegistry/registries/repositories/metadata/read";
    const META_WRITE: &str = "Microsoft.ContainerRegistry/registries/repositories/metadata/write";
    const PULL: &str = "Microsoft.ContainerRegistry/registries/pull/read";
    const PUSH: &str = "Microsoft.ContainerRegistry/registries/push/write";
    // All that Contributor lacks, as of 2026-08.
    const NOT_RIGHTS: [&str; 11] = [
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
        "Microsoft.Blueprint/blueprintAssignments/write",
        "Microsoft.Blueprint/blueprintAssignments/delete",
        "Microsoft.Compute/galleries/share/action",
        "Microsoft.Purview/consents/write",
        "Microsoft.Purview/consents/delete",
        "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
        "Microsoft.Subscription/cancel/action",
        "Microsoft.Subscription/enable/action",
    ];
    let role = |guid: &str, name: &str, actions: &[&str], not: &[&str], data: &[&str]| Role {
        built_in: true,
        ..Role::custom(guid, name, "/").allows(actions, not, data, &[])
    };
    vec![
        role(role::ACR_PULL, "AcrPull", &[PULL], &[], &[]),
        role(role::ACR_PUSH, "AcrPush", &[PULL, PUSH], &[], &[]),
        role(role::OWNER, "Owner", &["*"], &[], &[]),
        role(role::CONTRIBUTOR, "Contributor", &["*"], &NOT_RIGHTS, &[]),
        role(role::READER, "Reader", &["*/read"], &[], &[]),
        role(
            role::USER_ACCESS_ADMINISTRATOR,
            "User Access Administrator",
            &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
            &[],
            &[],
        ),
        role(
            role::RBAC_ADMINISTRATOR,
            "Role Based Access Control Administrator",
            &[
                "Microsoft.Authorization/roleAssignments/write",
                "Microsoft.Authorization/roleAssignments/delete",
                "*/read",
                "Microsoft.Support/*",
            ],
            &[],
            &[],
        ),
        role(role::REPOSITORY_READER, "Container Registry Repository Reader", &[], &[], &[META, READ]),
        role(
            role::REPOSITORY_WRITER,
            "Container Registry Repository Writer",
            &[],
            &[],
            &[META, META_WRITE, READ, WRITE],
        ),
        role(
            role::CATALOG_LISTER,
            "Container Registry Repository Catalog Lister",
            &[],
            &[],
            &["Microsoft.ContainerRegistry/registries/catalog/read"],
        ),
    ]
}
