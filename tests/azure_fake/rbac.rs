//! Lists of role assignments, role definitions and deny assignments, and the caller's own rights.

use serde_json::{Value, json};

use super::answer::{Answer, Call, Outcome};
use super::filter::{self, Part};
use super::scope::{key, subscription_of};
use super::target::Target;
use super::world::World;
use super::{Deny, Grant, Role};

/// What stands before the id of a role in an answer about a scope: the subscription of that scope, even
/// where the assignment stands above it, as recorded.
pub(crate) fn prefix(world: &World, scope: &str) -> String {
    match subscription_of(scope) {
        Some(id) if !world.tenant_form => format!("/subscriptions/{id}"),
        _ => String::new(),
    }
}

/// Which of the assignments a list holds: those at and above a scope, those below too, and whose.
struct Wanted {
    below: bool,
    ids: Option<Vec<String>>,
}

fn wanted(world: &World, call: &Call) -> Result<Wanted, Answer> {
    let bad = || {
        let message = "The filter is not one of atScope(), assignedTo('ID'), principalId eq 'ID' and \
                       atScope() and assignedTo('ID').";
        Answer::stranger(400, "UnsupportedQuery", message)
    };
    let mut parts = filter::parse(call.param("$filter")).ok_or_else(bad)?;
    parts.sort_by_key(|part| *part != Part::AtScope);
    match parts.as_slice() {
        [] => Ok(Wanted { below: true, ids: None }),
        [Part::AtScope] => Ok(Wanted { below: false, ids: None }),
        [Part::Eq("principalId", id)] => Ok(Wanted { below: true, ids: Some(vec![id.to_lowercase()]) }),
        [Part::AssignedTo(id)] => Ok(Wanted { below: true, ids: Some(assigned(world, id)?) }),
        [Part::AtScope, Part::AssignedTo(id)] => Ok(Wanted { below: false, ids: Some(assigned(world, id)?) }),
        _ => Err(bad()),
    }
}

/// A principal and its groups. Azure takes users and service principals here, not groups.
fn assigned(world: &World, id: &str) -> Result<Vec<String>, Answer> {
    if world.principal_by_id(id).is_some_and(|principal| principal.kind == "Group") {
        let message = format!("assignedTo() takes a user or a service principal, not the group '{id}'.");
        return Err(Answer::stranger(400, "UnsupportedQuery", &message));
    }
    Ok(world.with_groups(id))
}

impl World {
    fn in_list(&self, scope: &str, at: &str, below: bool) -> bool {
        self.covers(scope, at) || (below && self.covers(at, scope))
    }
}

/// Role assignments.
pub(crate) fn assignments(
    world: &mut World,
    call: &Call,
    target: &Target,
    version: &str,
) -> Result<Vec<Value>, Answer> {
    let wanted = wanted(world, call)?;
    let prefix = prefix(world, &target.scope);
    let fits = |world: &World, grant: &Grant| {
        let own = |id: &String| id.eq_ignore_ascii_case(&grant.principal);
        wanted.ids.as_ref().is_none_or(|ids| ids.iter().any(own))
            && world.in_list(&grant.scope, &target.scope, wanted.below)
    };
    let chosen: Vec<bool> = world.grants.iter().map(|grant| fits(world, grant)).collect();
    let mut found = Vec::new();
    for (grant, _) in world.grants.iter_mut().zip(chosen).filter(|(_, chosen)| *chosen) {
        let gone = grant.deleted.as_mut().is_some_and(super::lag::Gate::look);
        if grant.visible.look() && !gone {
            found.push(grant.body(&prefix, version));
        }
    }
    Ok(found)
}

/// Deny assignments.
pub(crate) fn denies(world: &World, call: &Call, target: &Target, version: &str) -> Result<Vec<Value>, Answer> {
    let wanted = wanted(world, call)?;
    let fits = |deny: &&Deny| {
        wanted.ids.as_ref().is_none_or(|ids| deny.names(ids))
            && world.in_list(&deny.scope, &target.scope, wanted.below)
    };
    Ok(world.denies.iter().filter(fits).map(|deny| deny.body(version)).collect())
}

impl World {
    /// Whether a role can be assigned at a scope.
    pub(crate) fn assignable_at(&self, role: &Role, scope: &str) -> bool {
        role.scopes.iter().any(|above| self.covers(above, scope))
    }
}

/// Role definitions.
pub(crate) fn definitions(world: &World, call: &Call, target: &Target) -> Result<Vec<Value>, Answer> {
    let bad = || Answer::stranger(400, "UnsupportedQuery", "The filter is not one of role definitions.");
    let filter = filter::parse(call.param("$filter")).ok_or_else(bad)?;
    let known = |part: &Part| matches!(part, Part::AtScopeAndBelow | Part::Eq("roleName" | "type", _));
    if !filter.iter().all(known) {
        return Err(bad());
    }
    let below = filter.contains(&Part::AtScopeAndBelow);
    let fits = |role: &&Role| {
        let here = world.assignable_at(role, &target.scope)
            || (below && role.scopes.iter().any(|scope| world.covers(&target.scope, scope)));
        here && filter.iter().all(|part| match part {
            Part::Eq("roleName", name) => role.name.eq_ignore_ascii_case(name),
            Part::Eq("type", kind) => role.built_in == kind.eq_ignore_ascii_case("BuiltInRole"),
            _ => true,
        })
    };
    let prefix = prefix(world, &target.scope);
    Ok(world.roles.iter().filter(fits).map(|role| role.body(&prefix)).collect())
}

/// One role definition. A custom role answers below its own scopes and, unless the world hides it there, in the
/// tenant's form.
pub(crate) fn definition(world: &World, target: &Target) -> Outcome {
    let tenant = key(&target.scope) == "/";
    let here = |role: &&Role| {
        if tenant { role.built_in || !world.custom_roles_below } else { world.assignable_at(role, &target.scope) }
    };
    let named = world.roles.iter().filter(|role| role.guid.eq_ignore_ascii_case(&target.name));
    let body = named.filter(here).map(|role| role.body(&prefix(world, &target.scope))).next();
    body.map(Answer::ok).ok_or_else(|| unknown_role(&target.name))
}

/// There is no such role.
pub(crate) fn unknown_role(guid: &str) -> Answer {
    let message = format!("The specified role definition with ID '{guid}' does not exist.");
    Answer::error(404, "RoleDefinitionDoesNotExist", &message)
}

/// What the caller may do at a scope.
pub(crate) fn permissions(world: &World, target: &Target) -> Vec<Value> {
    let at = |rights: &[super::Right]| {
        let here = rights.iter().filter(|right| world.covers(&right.scope, &target.scope));
        here.map(|right| right.action.clone()).collect::<Vec<_>>()
    };
    let not = at(&world.caller.taken);
    let element = |action: String| json!({ "actions": [action], "notActions": not, "dataActions": [], "notDataActions": [] });
    at(&world.caller.allowed).into_iter().map(element).collect()
}
