//! The facts as they would be with changes in them.

use super::grant::{ACR_PULL, Grant, REPOSITORY_READER};
use crate::facts::{RoleAssignment, table};
use crate::weigh::AksFacts;
use pullaudit_core::{Action, Change, Read, Section};
use serde_json::{Value, json};

/// The facts with these assignments added or taken away; `None` where a change is none of Azure's.
pub(crate) fn after(facts: &AksFacts, changes: &[&Change]) -> Option<AksFacts> {
    let mut section = facts.section().clone();
    for change in changes {
        let grant = Grant::of(change)?;
        let registry = grant.scope.to_ascii_lowercase();
        let rows = [(table::ASSIGNMENTS, format!("{registry}|{}", grant.object())), (table::HOLDERS, registry)];
        for (table, key) in rows {
            match change.action {
                Action::Add => insert(&mut section, table, &key, &grant.assignment),
                Action::Remove => remove(&mut section, table, &key, &grant.name),
                Action::Change => {
                    remove(&mut section, table, &key, &grant.name);
                    insert(&mut section, table, &key, &grant.assignment);
                }
            }
        }
        define(&mut section, &grant.assignment);
    }
    AksFacts::of_tenant(&section, facts.private_link()).ok()
}

/// An unread row stays unread: what else stands there is not known.
fn insert(section: &mut Section, table: &str, key: &str, assignment: &RoleAssignment) {
    let rows = section.tables.get_mut(table).and_then(|rows| rows.get_mut(key));
    if let Some(Read::Got(Value::Array(list))) = rows
        && let Ok(value) = serde_json::to_value(assignment)
    {
        list.push(value);
    }
}

fn remove(section: &mut Section, table: &str, key: &str, name: &str) {
    let rows = section.tables.get_mut(table).and_then(|rows| rows.get_mut(key));
    if let Some(Read::Got(Value::Array(list))) = rows {
        list.retain(|one| !one["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)));
    }
}

/// The built-in roles are the same in every tenant, so that one that nobody holds yet need not be read.
fn define(section: &mut Section, assignment: &RoleAssignment) {
    let id = assignment.properties.role_definition_id.to_ascii_lowercase();
    let Some(role) = [&ACR_PULL, &REPOSITORY_READER].into_iter().find(|role| id.ends_with(role.guid)) else {
        return;
    };
    if section.get(table::DEFINITIONS, role.guid).is_none() {
        let permissions = json!([{
            "actions": role.actions, "notActions": [], "dataActions": role.data_actions, "notDataActions": [],
        }]);
        let properties = json!({ "roleName": role.name, "type": "BuiltInRole", "permissions": permissions });
        section.put(
            table::DEFINITIONS,
            role.guid,
            Read::Got(json!({ "name": role.guid, "properties": properties })),
        );
    }
}
