//! The little of Microsoft Graph that is asked for: applications' service principals, and names for ids.

use serde_json::{Value, json};

use super::Principal;
use super::answer::{Answer, Call, Outcome};
use super::entra::{Audience, challenge};
use super::serve::State;
use super::world::World;

/// The answer to a call of Graph; `None` where the path is not one of its own.
pub(crate) fn answer(state: &State, call: &Call) -> Option<Outcome> {
    let parts = call.parts();
    let ["v1.0", rest @ ..] = parts.as_slice() else { return None };
    Some(asked(state, call, rest))
}

/// Refused for want of a right; Graph does not name it.
pub(crate) fn forbidden() -> Answer {
    Answer::error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

fn asked(state: &State, call: &Call, rest: &[&str]) -> Outcome {
    challenge(state, call, Audience::Graph)?;
    if !state.world.caller.graph {
        return Err(forbidden());
    }
    let unknown = || Answer::stranger(400, "BadRequest", "The fake's Graph knows no such path or query.");
    if let Some((name, _)) = call.query.iter().find(|(name, _)| name != "$select" && name != "$filter") {
        return Err(Answer::stranger(400, "BadRequest", &format!("The fake's Graph knows no '{name}'.")));
    }
    match (call.method.as_str(), rest) {
        ("GET", ["servicePrincipals"]) => filtered(&state.world, call).ok_or_else(unknown),
        ("GET", [one]) if one.starts_with("applications(") => {
            let app = one.strip_prefix("applications(appId='").and_then(|rest| rest.strip_suffix("')"));
            registered(&state.world, app.ok_or_else(unknown)?)
        }
        ("GET", [one]) => {
            let app = one.strip_prefix("servicePrincipals(appId='").and_then(|rest| rest.strip_suffix("')"));
            by_application(&state.world, app.ok_or_else(unknown)?)
        }
        ("POST", ["directoryObjects", "getByIds"]) => by_ids(&state.world, call),
        _ => Err(unknown()),
    }
}

/// Each type has fields of its own and not those of the others, not even as null: clients tell them apart by that.
fn body(principal: &Principal) -> Value {
    let (id, name) = (&principal.object_id, &principal.name);
    match principal.kind {
        "Group" => json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": name, "mail": null }),
        "User" => json!({
            "@odata.type": "#microsoft.graph.user", "id": id, "displayName": name, "mail": null,
            "userPrincipalName": format!("{name}@acme.example"),
        }),
        _ => json!({
            "@odata.type": "#microsoft.graph.servicePrincipal", "id": id, "displayName": name,
            "appId": principal.app_id, "servicePrincipalNames": [principal.app_id],
            "servicePrincipalType": if principal.secrets.is_some() { "Application" } else { "ManagedIdentity" },
            "accountEnabled": principal.enabled, "passwordCredentials": [], "keyCredentials": [],
        }),
    }
}

fn of_application<'a>(world: &'a World, app: &str) -> Option<&'a Principal> {
    world.directory.iter().find(|one| one.app_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(app)))
}

/// The registration of an application, where its secrets are made.
fn registered(world: &World, app: &str) -> Outcome {
    let message = format!(
        "Resource '{app}' does not exist or one of its queried reference-property objects are not present."
    );
    let missing = || Answer::error(404, "Request_ResourceNotFound", &message);
    let found = of_application(world, app).ok_or_else(missing)?;
    let ends = found.secrets.as_ref().ok_or_else(missing)?;
    let secrets: Vec<Value> = ends
        .iter()
        .map(|end| json!({ "displayName": "rbac", "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": end }))
        .collect();
    let id = &found.object_id;
    Ok(Answer::ok(json!({ "id": id, "appId": found.app_id, "passwordCredentials": secrets })))
}

fn by_application(world: &World, app: &str) -> Outcome {
    let message = format!(
        "Resource '{app}' does not exist or one of its queried reference-property objects are not present."
    );
    let found = of_application(world, app);
    found.map(|one| Answer::ok(body(one))).ok_or_else(|| Answer::error(404, "Request_ResourceNotFound", &message))
}

/// The two filters by which an application's service principal is looked for.
fn filtered(world: &World, call: &Call) -> Option<Answer> {
    let filter = call.param("$filter")?;
    let by_id = filter.strip_prefix("appId eq '").and_then(|rest| rest.strip_suffix('\''));
    let by_name =
        filter.strip_prefix("servicePrincipalNames/any(c:c eq '").and_then(|rest| rest.strip_suffix("')"));
    let found: Vec<_> = of_application(world, by_id.or(by_name)?).map(body).into_iter().collect();
    Some(Answer::ok(json!({ "value": found })))
}

fn by_ids(world: &World, call: &Call) -> Outcome {
    let bad = || Answer::error(400, "Request_BadRequest", "The request has no list of ids.");
    let asked: Value = serde_json::from_slice(&call.body).map_err(|_| bad())?;
    let ids = asked["ids"].as_array().ok_or_else(bad)?;
    let found = ids.iter().filter_map(Value::as_str).filter_map(|id| world.principal_by_id(id)).map(body);
    Ok(Answer::ok(json!({ "value": found.collect::<Vec<_>>() })))
}
