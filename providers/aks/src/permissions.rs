//! The rights that pullaudit needs in Azure, as a custom role.

use crate::remedy::LEAST_ROLES;
use pullaudit_core::{DamagedRights, Extent, Permissions, Purpose, rights, shell_word};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

/// One right: an action of Azure's role based access, or an application permission of Microsoft Graph.
#[derive(Debug, Deserialize)]
struct Right {
    action: String,
    kind: String,
    #[serde(rename = "for")]
    purpose: String,
    #[serde(default)]
    needed: String,
}

/// The custom role as `az role definition create` takes it. Application permissions of Microsoft Graph are no
/// part of a role, so they are notes.
pub(crate) fn permissions(purpose: Purpose, extent: &Extent) -> Result<Permissions, DamagedRights> {
    let all: Vec<Right> = rights("aks", include_str!("../permissions.json"))?;
    let wanted = |right: &&Right| purpose == Purpose::Fix || right.purpose == "audit";
    let (actions, others): (Vec<&Right>, Vec<&Right>) =
        all.iter().filter(wanted).partition(|right| right.kind == "action");
    let actions: BTreeSet<&str> = actions.iter().map(|right| right.action.as_str()).collect();
    let mut scopes: Vec<String> = extent.scopes.iter().map(|id| format!("/subscriptions/{id}")).collect();
    if scopes.is_empty() {
        scopes.push("/subscriptions/SUBSCRIPTION".to_owned());
    }
    let what = match purpose {
        Purpose::Audit => "Reads what pullaudit needs to tell who may pull from which registry.",
        Purpose::Fix => "Reads what pullaudit needs, and writes and deletes role assignments.",
    };
    let name = format!("pullaudit-{}", purpose.as_str());
    let role = json!({
        "Name": name,
        "IsCustom": true,
        "Description": what,
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    });
    let mut notes = vec![format!(
        "az role definition create --role-definition @FILE, then for each subscription {}",
        assign(&name, purpose)
    )];
    if purpose == Purpose::Fix {
        notes.push(
            "that condition leaves it no right to grant or take any other role; an undo of what --consent prune took \
             away may need more than it allows"
                .to_owned(),
        );
    }
    notes.extend(
        others.iter().map(|right| format!("Microsoft Graph {} {}, {}", right.kind, right.action, right.needed)),
    );
    // One permission may allow several readings.
    notes.dedup();
    Ok(Permissions { document: format!("{role:#}\n"), notes })
}

/// The line that assigns the role. Whoever may write role assignments may make themselves an owner, so the
/// line of a fix holds a condition: only the roles that a repair grants, only to identities of software.
fn assign(name: &str, purpose: Purpose) -> String {
    let line =
        format!("az role assignment create --assignee WHO --role {name} --scope /subscriptions/SUBSCRIPTION");
    match purpose {
        Purpose::Audit => line,
        Purpose::Fix => format!("{line} --condition-version 2.0 --condition {}", shell_word(&only_least_roles())),
    }
}

/// Source: Microsoft Learn, "Examples to delegate Azure role assignment management with conditions".
fn only_least_roles() -> String {
    let prefix = "Microsoft.Authorization/roleAssignments";
    let roles = LEAST_ROLES.join(", ");
    let side = |verb: &str, attributes: &str| {
        format!(
            "((!(ActionMatches{{'{prefix}/{verb}'}})) OR (@{attributes}[{prefix}:RoleDefinitionId] \
             ForAnyOfAnyValues:GuidEquals {{{roles}}} AND @{attributes}[{prefix}:PrincipalType] \
             ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}))"
        )
    };
    format!("{} AND {}", side("write", "Request"), side("delete", "Resource"))
}
