//! A small world of Azure, built row by row.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use jiff::Timestamp;
use pullaudit_aks::facts::table;
use pullaudit_aks::weigh::AksFacts;
use pullaudit_core::{
    Credential, Facts, ImageRef, Mode, Obstacle, Open, Principal, PrincipalKind, Question, Read, Section, Vantage,
    Verdict, judge,
};
use serde_json::{Value, json};

pub const SUBSCRIPTION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
pub const OBJECT: &str = "7c1e0000-0000-4000-8000-0000000090ab";
pub const OLD_OBJECT: &str = "1f0d0000-0000-4000-8000-0000000022c4";
pub const CLIENT: &str = "c11e0000-0000-4000-8000-0000000090ab";
pub const ACR_PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
pub const READER: &str = "b93aa761-3e63-49ed-ac28-beffa264f7ac";
pub const CUSTOM: &str = "c0570000-0000-4000-8000-000000000001";
pub const PULL: &str = "Microsoft.ContainerRegistry/registries/pull/read";
pub const CONTENT: &str = "Microsoft.ContainerRegistry/registries/repositories/content/read";
pub const METADATA: &str = "Microsoft.ContainerRegistry/registries/repositories/metadata/read";

pub fn registry_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-acr/providers/Microsoft.ContainerRegistry/registries/acmeprod"
    )
}

pub fn key() -> String {
    registry_id().to_ascii_lowercase()
}

pub fn pair() -> String {
    format!("{}|{OBJECT}", key())
}

pub fn refused(what: &str) -> Read<Value> {
    Read::Unread(Open::unread(what.to_owned(), format!("{what}/read"), "subscription test", Obstacle::Refused))
}

pub fn assignment(principal: &str, role: &str, scope: &str) -> Value {
    json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/a-{role}"),
        "name": format!("a-{role}"),
        "properties": {
            "scope": scope,
            "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": principal,
            "principalType": "ServicePrincipal"
        }
    })
}

pub fn with_condition(mut assignment: Value, condition: &str) -> Value {
    assignment["properties"]["condition"] = json!(condition);
    assignment["properties"]["conditionVersion"] = json!("2.0");
    assignment
}

pub fn on_repository(comparison: &str) -> String {
    format!(
        "((!(ActionMatches{{'{CONTENT}'}}) AND !(ActionMatches{{'{METADATA}'}})) OR \
         (@Request[Microsoft.ContainerRegistry/registries/repositories:name] {comparison}))"
    )
}

pub fn definition(guid: &str, name: &str, permissions: Value) -> Value {
    json!({ "name": guid, "properties": { "roleName": name, "type": "CustomRole", "permissions": permissions } })
}

/// Elements with all of their lists, as Azure writes them.
pub fn whole(mut permissions: Value) -> Value {
    for element in permissions.as_array_mut().unwrap() {
        for list in ["actions", "notActions", "dataActions", "notDataActions"] {
            element.as_object_mut().unwrap().entry(list).or_insert(json!([]));
        }
    }
    permissions
}

pub fn deny(name: &str, scope: &str, principals: Value, actions: Value) -> Value {
    json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/denyAssignments/{name}"),
        "name": name,
        "properties": {
            "denyAssignmentName": name, "scope": scope, "principals": principals,
            "permissions": whole(json!([{ "actions": actions, "dataActions": actions }]))
        }
    })
}

/// A managed identity that may sign in, as Microsoft Graph writes it.
pub fn principal(object: &str) -> Value {
    json!({
        "id": object, "displayName": "aks-kubelet-b", "appId": CLIENT, "accountEnabled": true,
        "servicePrincipalType": "ManagedIdentity", "passwordCredentials": []
    })
}

/// One registry, one identity; without a grant until a test makes one.
#[derive(Clone, Debug)]
pub struct World(pub Section);

impl World {
    pub fn legacy() -> Self {
        Self::with(json!({ "roleAssignmentMode": "LegacyRegistryPermissions" }))
    }

    pub fn abac() -> Self {
        Self::with(json!({ "roleAssignmentMode": "AbacRepositoryPermissions" }))
    }

    /// A registry with these properties.
    pub fn with(properties: Value) -> Self {
        let mut section = Section::default();
        section.put(table::SUBSCRIPTIONS, "", Read::Got(json!([{ "subscriptionId": SUBSCRIPTION }])));
        let mut all = json!({ "loginServer": "acmeprod.azurecr.io" });
        for (name, value) in properties.as_object().unwrap() {
            all[name] = value.clone();
        }
        let registry =
            json!({ "id": registry_id(), "name": "acmeprod", "location": "westeurope", "properties": all });
        section.put(table::REGISTRIES, SUBSCRIPTION, Read::Got(json!([registry])));
        section.put(table::ASSIGNMENTS, pair(), Read::Got(json!([])));
        section.put(table::HOLDERS, key(), Read::Got(json!([])));
        section.put(table::DENY, key(), Read::Got(json!([])));
        section.put(table::CACHE_RULES, key(), Read::Got(json!([])));
        let pulls = json!([{ "actions": [PULL], "notActions": [], "dataActions": [], "notDataActions": [] }]);
        section.put(table::DEFINITIONS, ACR_PULL, Read::Got(definition(ACR_PULL, "AcrPull", pulls)));
        let reads = whole(json!([{ "dataActions": [CONTENT, METADATA] }]));
        let reader = definition(READER, "Container Registry Repository Reader", reads);
        section.put(table::DEFINITIONS, READER, Read::Got(reader));
        section.put(table::PRINCIPALS, OBJECT, Read::Got(principal(OBJECT)));
        Self(section)
    }

    pub fn granted(mut self, assignments: Value) -> Self {
        self.0.put(table::ASSIGNMENTS, pair(), Read::Got(assignments));
        self
    }

    pub fn role(self, guid: &str) -> Self {
        let here = registry_id();
        self.granted(json!([assignment(OBJECT, guid, &here)]))
    }

    /// A role of one's own, held on the registry.
    pub fn custom(mut self, permissions: Value) -> Self {
        self.0.put(table::DEFINITIONS, CUSTOM, Read::Got(definition(CUSTOM, "acme-puller", whole(permissions))));
        self.role(CUSTOM)
    }

    pub fn denied(mut self, denies: Value) -> Self {
        self.0.put(table::DENY, key(), Read::Got(denies));
        self
    }

    pub fn put(mut self, table: &str, key: &str, row: Read<Value>) -> Self {
        self.0.put(table, key, row);
        self
    }

    pub fn facts(&self) -> AksFacts {
        AksFacts::open(&self.0).unwrap()
    }

    pub fn ask(&self, by: Credential, image: &str, mode: Mode) -> Verdict {
        self.ask_at(by, image, mode, Timestamp::UNIX_EPOCH)
    }

    pub fn ask_at(&self, by: Credential, image: &str, mode: Mode, at: Timestamp) -> Verdict {
        let image = ImageRef::parse(image).unwrap();
        let claim = self.facts().weigh(&Question { by, from: Vantage::default(), image }, at);
        judge(claim.as_ref(), mode)
    }

    /// May the identity pull `team/app` from the registry?
    pub fn verdict(&self) -> Verdict {
        self.pulls("acmeprod.azurecr.io/team/app:1")
    }

    pub fn pulls(&self, image: &str) -> Verdict {
        self.ask(identity(OBJECT), image, Mode::Strict)
    }

    pub fn anonymous(&self) -> Verdict {
        self.ask(Credential::Anonymous, "acmeprod.azurecr.io/team/app:1", Mode::Strict)
    }
}

pub fn identity(object: &str) -> Credential {
    Credential::Principal(Principal::new(PrincipalKind::Kubelet, object, "aks-kubelet-b"))
}

/// `allowed`, or `denied` or `unknown` with its code.
pub fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed { .. } => "allowed".to_owned(),
        Verdict::Denied { .. } => format!("denied {}", verdict.code()),
        Verdict::Unknown { .. } => format!("unknown {}", verdict.code()),
    }
}
