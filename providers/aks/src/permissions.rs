//! The rights that pullaudit needs in Azure, as a custom role.

use pullaudit_core::{Permissions, Purpose};
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
pub(crate) fn permissions(purpose: Purpose, subscriptions: &[String]) -> Permissions {
    let all: Vec<Right> = serde_json::from_str(include_str!("../permissions.json")).unwrap_or_default();
    let wanted = |right: &&Right| purpose == Purpose::Fix || right.purpose == "audit";
    let (actions, others): (Vec<&Right>, Vec<&Right>) =
        all.iter().filter(wanted).partition(|right| right.kind == "action");
    let actions: BTreeSet<&str> = actions.iter().map(|right| right.action.as_str()).collect();
    let mut scopes: Vec<String> = subscriptions.iter().map(|id| format!("/subscriptions/{id}")).collect();
    if scopes.is_empty() {
        scopes.push("/subscriptions/SUBSCRIPTION".to_owned());
    }
    let what = match purpose {
        Purpose::Audit => "Reads what pullaudit needs to tell who may pull from which registry.",
        Purpose::Fix => "Reads what pullaudit needs, and writes and deletes role assignments.",
    };
    let role = json!({
        "Name": format!("pullaudit {}", purpose.as_str()),
        "IsCustom": true,
        "Description": what,
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    });
    let mut notes = vec![match purpose {
        Purpose::Audit => "az role definition create --role-definition @FILE, then assign it on each subscription".to_owned(),
        Purpose::Fix => {
            "az role definition create --role-definition @FILE; a condition on the assignment can narrow it to the roles \
             AcrPull and Container Registry Repository Reader"
                .to_owned()
        }
    }];
    notes.extend(
        others.iter().map(|right| format!("Microsoft Graph {} {}, {}", right.kind, right.action, right.needed)),
    );
    Permissions { document: serde_json::to_string_pretty(&role).unwrap_or_default() + "\n", notes }
}
