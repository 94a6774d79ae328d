//! One role assignment: read, made and deleted.

use serde_json::Value;
use uuid::Uuid;

use super::answer::{Answer, Call, Outcome};
use super::lag::Gate;
use super::rbac::{prefix, unknown_role};
use super::resources::forbidden;
use super::scope::{key, same, subscription_of};
use super::serve::State;
use super::target::Target;
use super::world::World;
use super::{Grant, Lag};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const KINDS: [&str; 5] = ["ServicePrincipal", "User", "Group", "ForeignGroup", "Device"];
const FIELDS: [&str; 7] = [
    "roleDefinitionId",
    "principalId",
    "principalType",
    "description",
    "condition",
    "conditionVersion",
    "delegatedManagedIdentityResourceId",
];

/// GET, PUT or DELETE of one role assignment.
pub(crate) fn assignment(state: &mut State, call: &Call, target: &Target, version: &str) -> Outcome {
    if Uuid::parse_str(&target.name).is_err() {
        let message = format!(
            "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
            target.name
        );
        return Err(Answer::error(400, "InvalidRoleAssignmentId", &message));
    }
    let world = &mut state.world;
    match call.method.as_str() {
        "PUT" => put(world, call, target, version),
        "DELETE" => Ok(delete(world, target, version)),
        _ => {
            let found =
                find(world, target).map(|index| world.grants[index].body(&prefix(world, &target.scope), version));
            let message = format!("The role assignment '{}' is not found.", target.name);
            found.map(Answer::ok).ok_or_else(|| Answer::error(404, "RoleAssignmentNotFound", &message))
        }
    }
}

fn live(grant: &Grant) -> bool {
    grant.deleted.is_none()
}

fn find(world: &World, target: &Target) -> Option<usize> {
    let here = |grant: &Grant| {
        live(grant) && grant.guid.eq_ignore_ascii_case(&target.name) && same(&grant.scope, &target.scope)
    };
    world.grants.iter().position(here)
}

fn delete(world: &mut World, target: &Target, version: &str) -> Answer {
    let Some(index) = find(world, target) else { return Answer::empty(204) };
    let body = world.grants[index].body(&prefix(world, &target.scope), version);
    if world.write_lag == Lag::None {
        world.grants.remove(index);
    } else {
        world.grants[index].deleted = Some(Gate::new(world.write_lag));
    }
    Answer::ok(body)
}

fn put(world: &mut World, call: &Call, target: &Target, version: &str) -> Outcome {
    let mut grant = wanted(world, call, target)?;
    let prefix = prefix(world, &target.scope);
    if let Some(old) = world.grants.iter_mut().find(|old| live(old) && old.guid.eq_ignore_ascii_case(&grant.guid))
    {
        if !old.same_triple(&grant) {
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return Err(Answer::error(400, "RoleAssignmentUpdateNotPermitted", message));
        }
        old.condition.clone_from(&grant.condition);
        old.description.clone_from(&grant.description);
        return Ok(Answer::ok(old.body(&prefix, version)));
    }
    if world.grants.iter().any(|old| live(old) && old.same_triple(&grant)) {
        return Err(Answer::error(409, "RoleAssignmentExists", "The role assignment already exists."));
    }
    if full(world, &target.scope) {
        let message = "No more role assignments can be created (code: RoleAssignmentLimitExceeded)";
        return Err(Answer::error(400, "RoleAssignmentLimitExceeded", message));
    }
    grant.visible = Gate::new(world.write_lag);
    let body = grant.body(&prefix, version);
    world.grants.push(grant);
    Ok(Answer::with(201, body))
}

/// A subscription holds so many, its groups and resources included.
fn full(world: &World, scope: &str) -> bool {
    let Some(subscription) = subscription_of(scope) else { return false };
    let inside = |grant: &&Grant| live(grant) && subscription_of(&grant.scope).as_ref() == Some(&subscription);
    world.grants.iter().filter(inside).count() >= world.assignment_limit
}

/// What the body asks for, checked.
fn wanted(world: &mut World, call: &Call, target: &Target) -> Result<Grant, Answer> {
    let bad = |message: &str| Answer::error(400, "InvalidRequestContent", message);
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| bad("The request content was invalid."))?;
    let properties = body["properties"].as_object().ok_or_else(|| bad("The request has no properties."))?;
    if let Some(name) = properties.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(bad(&format!("Could not find member '{name}' on object of type 'Properties'.")));
    }
    let text = |name: &str| properties.get(name).and_then(Value::as_str).map(str::to_owned);
    let role = role(world, &text("roleDefinitionId").unwrap_or_default(), target)?;
    let principal = text("principalId").filter(|id| Uuid::parse_str(id).is_ok());
    let principal = principal.ok_or_else(|| {
        Answer::error(400, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
    })?;
    let kind = kind(world, &principal, text("principalType"))?;
    if world.caller.assignable.as_ref().is_some_and(|roles| !roles.contains(&role)) {
        let scope = format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", target.scope, target.name);
        return Err(forbidden(world, WRITE, &scope, true));
    }
    let condition = text("condition");
    if condition.is_some() && text("conditionVersion").as_deref() != Some("2.0") {
        return Err(bad("A condition needs the conditionVersion 2.0."));
    }
    Ok(Grant {
        condition,
        description: text("description"),
        kind,
        ..Grant::new(&target.scope, &role, &principal).guid(&target.name.to_lowercase())
    })
}

/// The GUID of the role, if it can be assigned here.
fn role(world: &World, id: &str, target: &Target) -> Result<String, Answer> {
    let lower = key(id);
    let (above, guid) = lower.rsplit_once('/').unwrap_or_default();
    let own = subscription_of(&target.scope).map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    let place = above.strip_suffix("/providers/microsoft.authorization/roledefinitions");
    let found = world.roles.iter().find(|role| role.guid.eq_ignore_ascii_case(guid));
    match (found, place) {
        (Some(role), Some(place))
            if (place.is_empty() || place == own) && world.assignable_at(role, &target.scope) =>
        {
            Ok(role.guid.clone())
        }
        _ => Err(unknown_role(guid)),
    }
}

/// The type of the principal. Given, it skips the check that there is one, as in Azure.
fn kind(world: &mut World, id: &str, given: Option<String>) -> Result<String, Answer> {
    let tenant = world.tenants[0].clone();
    let found = world.directory.iter_mut().find(|one| one.object_id.eq_ignore_ascii_case(id));
    if let Some(given) = given {
        if !KINDS.contains(&given.as_str()) {
            return Err(Answer::error(
                400,
                "InvalidPrincipalType",
                &format!("'{given}' is no type of principal."),
            ));
        }
        return match found {
            Some(one) if one.kind != given => {
                let message = format!(
                    "The PrincipalId '{}' has type '{}', which is different from specified PrinciaplType '{given}'.",
                    id.replace('-', ""),
                    one.kind
                );
                Err(Answer::error(400, "UnmatchedPrincipalType", &message))
            }
            _ => Ok(given),
        };
    }
    let seen = found.and_then(|one| one.replicated.look().then(|| one.kind.to_owned()));
    seen.ok_or_else(|| {
        let hex = id.replace('-', "");
        let message = format!("Principal {hex} does not exist in the directory {tenant}.");
        Answer::error(400, "PrincipalNotFound", &message)
    })
}
