//! From bodies to what is asked. A body without what every one of its kind holds is none, and an error says what it
//! lacks: read as an empty one, it would say the opposite of what it said.

use super::index::{Deny, Grant};
use super::rights::{Permissions, condition};
use crate::facts::{DenyAssignment, RoleAssignment};
use std::collections::BTreeSet;

pub(super) fn grants(list: Vec<RoleAssignment>) -> Result<Vec<Grant>, String> {
    let grant = |assignment: RoleAssignment| {
        let about = assignment.properties;
        let role = about.role_definition_id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if role.is_empty() {
            return Err("the answer holds a role assignment without a role".to_owned());
        }
        Ok(Grant {
            principal: about.principal_id.to_ascii_lowercase(),
            is_service_principal: about.principal_type.eq_ignore_ascii_case("ServicePrincipal"),
            scope: about.scope.as_str().into(),
            role,
            condition: condition(about.condition.as_deref(), about.condition_version.as_deref()),
            name: assignment.name.as_str().into(),
        })
    };
    list.into_iter().map(grant).collect()
}

pub(super) fn denies(list: Vec<DenyAssignment>, inside: bool) -> Result<Vec<Deny>, String> {
    let deny = |body: DenyAssignment| {
        let about = &body.properties;
        let Some(permissions) = &about.permissions else {
            return Err("the answer holds a deny assignment without permissions".to_owned());
        };
        if about.principals.is_empty() || about.principals.iter().any(|who| who.id.is_empty()) {
            return Err("the answer holds a deny assignment without its principals".to_owned());
        }
        if about.scope.is_empty() || body.name.is_empty() {
            return Err("the answer holds a deny assignment without a scope or a name".to_owned());
        }
        Ok(Deny {
            permissions: Permissions::of(permissions, inside)?,
            condition: condition(about.condition.as_deref(), about.condition_version.as_deref()),
            body,
        })
    };
    list.into_iter().map(deny).collect()
}

/// Names tie this list to that of all deny assignments, so one without a name may be any of them.
pub(super) fn names_of_denies(list: Vec<DenyAssignment>) -> Result<BTreeSet<String>, String> {
    let name = |deny: DenyAssignment| {
        let name = deny.name.to_ascii_lowercase();
        if name.is_empty() {
            Err("the answer holds a deny assignment without a name".to_owned())
        } else {
            Ok(name)
        }
    };
    list.into_iter().map(name).collect()
}
