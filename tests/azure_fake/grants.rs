//! Role assignments and deny assignments, and how Resource Manager writes them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::lag::{Gate, Lag};
use super::scope::same;

/// A role assignment.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Its GUID.
    pub(crate) guid: String,
    /// Where it holds, and below.
    pub(crate) scope: String,
    /// GUID of the role.
    pub(crate) role: String,
    /// Object id.
    pub(crate) principal: String,
    /// `ServicePrincipal`, `Group`, `User`; whatever was said when it was made.
    pub(crate) kind: String,
    /// On repositories.
    pub(crate) condition: Option<String>,
    /// Free text.
    pub(crate) description: Option<String>,
    /// Until it is seen in lists.
    pub(crate) visible: Gate,
    /// Set when it was deleted: until lists miss it.
    pub(crate) deleted: Option<Gate>,
}

impl Grant {
    /// A role at a scope for somebody.
    pub(crate) fn new(scope: &str, role: &str, principal: &str) -> Self {
        let guid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{scope} {role} {principal}").as_bytes());
        Self {
            guid: guid.to_string(),
            scope: scope.to_owned(),
            role: role.to_owned(),
            principal: principal.to_owned(),
            kind: "ServicePrincipal".to_owned(),
            condition: None,
            description: None,
            visible: Gate::new(Lag::None),
            deleted: None,
        }
    }

    /// Sets the type of the principal.
    pub(crate) fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// Sets the GUID.
    pub(crate) fn guid(mut self, guid: &str) -> Self {
        guid.clone_into(&mut self.guid);
        self
    }

    /// Sets the condition.
    pub(crate) fn condition(mut self, condition: &str) -> Self {
        self.condition = Some(condition.to_owned());
        self
    }

    /// Whether it is about the same role at the same scope for the same principal.
    pub(crate) fn same_triple(&self, other: &Self) -> bool {
        same(&self.scope, &other.scope)
            && self.role.eq_ignore_ascii_case(&other.role)
            && self.principal.eq_ignore_ascii_case(&other.principal)
    }

    /// As an API version writes it; `prefix` stands before the id of the role.
    pub(crate) fn body(&self, prefix: &str, version: &str) -> Value {
        let mut properties = json!({
            "roleDefinitionId": format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{}", self.role),
            "principalId": self.principal,
            "scope": self.scope,
            "createdOn": "2026-02-01T09:00:00.0000000Z",
            "updatedOn": "2026-02-01T09:00:00.0000000Z",
        });
        if version != "2015-07-01" {
            properties["principalType"] = json!(self.kind);
        }
        if version >= "2022-04-01" {
            properties["description"] = json!(self.description);
            properties["condition"] = json!(self.condition);
            properties["conditionVersion"] = json!(self.condition.as_ref().map(|_| "2.0"));
        }
        let above = if self.scope == "/" { "" } else { &self.scope };
        json!({
            "properties": properties,
            "id": format!("{above}/providers/Microsoft.Authorization/roleAssignments/{}", self.guid),
            "type": "Microsoft.Authorization/roleAssignments",
            "name": self.guid,
        })
    }
}

/// A deny assignment.
#[derive(Debug, Clone)]
pub(crate) struct Deny {
    /// What people call it.
    pub(crate) name: String,
    /// Where it holds.
    pub(crate) scope: String,
    /// Denied actions.
    pub(crate) actions: Vec<String>,
    /// Actions that are not denied.
    pub(crate) not_actions: Vec<String>,
    /// Denied data actions.
    pub(crate) data_actions: Vec<String>,
    /// Whom: object id and type.
    pub(crate) principals: Vec<(String, String)>,
    /// Whom not.
    pub(crate) excluded: Vec<(String, String)>,
    /// It holds at its scope only.
    pub(crate) not_below: bool,
    /// It only writes to the log; told by the API version that knows of it.
    pub(crate) audit: bool,
    /// On repositories.
    pub(crate) condition: Option<String>,
}

/// Stands for everybody in a deny assignment.
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

impl Deny {
    /// Denies nothing to nobody yet.
    pub(crate) fn new(name: &str, scope: &str) -> Self {
        Self {
            name: name.to_owned(),
            scope: scope.to_owned(),
            actions: Vec::new(),
            not_actions: Vec::new(),
            data_actions: Vec::new(),
            principals: Vec::new(),
            excluded: Vec::new(),
            not_below: false,
            audit: false,
            condition: None,
        }
    }

    /// Denies an action.
    pub(crate) fn action(mut self, action: &str) -> Self {
        self.actions.push(action.to_owned());
        self
    }

    /// Denies a data action.
    pub(crate) fn data_action(mut self, action: &str) -> Self {
        self.data_actions.push(action.to_owned());
        self
    }

    /// Denies it to somebody, with their type.
    pub(crate) fn principal(mut self, id: &str, kind: &str) -> Self {
        self.principals.push((id.to_owned(), kind.to_owned()));
        self
    }

    /// Denies it to everybody.
    pub(crate) fn everybody(self) -> Self {
        self.principal(EVERYBODY, "SystemDefined")
    }

    /// Spares somebody, with their type.
    pub(crate) fn except(mut self, id: &str, kind: &str) -> Self {
        self.excluded.push((id.to_owned(), kind.to_owned()));
        self
    }

    /// It holds at its scope only.
    pub(crate) fn not_below(mut self) -> Self {
        self.not_below = true;
        self
    }

    /// It only writes to the log.
    pub(crate) fn audit(mut self) -> Self {
        self.audit = true;
        self
    }

    /// Whether it names one of these, or everybody.
    pub(crate) fn names(&self, ids: &[String]) -> bool {
        self.principals.iter().any(|(id, _)| id == EVERYBODY || ids.iter().any(|one| one.eq_ignore_ascii_case(id)))
    }

    /// As an API version writes it.
    pub(crate) fn body(&self, version: &str) -> Value {
        let people = |list: &[(String, String)]| {
            list.iter().map(|(id, kind)| json!({ "id": id, "type": kind })).collect::<Vec<_>>()
        };
        let guid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {}", self.scope, self.name).as_bytes());
        let mut properties = json!({
            "denyAssignmentName": self.name, "description": "", "scope": self.scope,
            "permissions": [{
                "actions": self.actions, "notActions": self.not_actions,
                "dataActions": self.data_actions, "notDataActions": [],
            }],
            "doNotApplyToChildScopes": self.not_below, "isSystemProtected": true,
            "principals": people(&self.principals), "excludePrincipals": people(&self.excluded),
            "condition": self.condition, "conditionVersion": self.condition.as_ref().map(|_| "2.0"),
        });
        if version >= "2024-07-01-preview" {
            properties["denyAssignmentEffect"] = json!(if self.audit { "audit" } else { "enforced" });
        }
        let above = if self.scope == "/" { "" } else { &self.scope };
        json!({
            "properties": properties, "name": guid.to_string(),
            "id": format!("{above}/providers/Microsoft.Authorization/denyAssignments/{guid}"),
            "type": "Microsoft.Authorization/denyAssignments",
        })
    }
}
