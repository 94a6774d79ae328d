//! The methods of Resource Manager, and `testIamPermissions` of all services.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::artifacts::version;
use crate::ask::Ask;
use crate::page;
use crate::serve::State;

/// `projects.get`, `folders.get`, `organizations.get`.
pub(crate) fn get(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let (world, resource) = (&state.world, ask.resource(state));
    let found = match resource.split_once('/') {
        Some(("projects", id)) => world.project_at(id).map(crate::Project::json),
        Some(("folders", id)) => world.folders.iter().find(|known| known.id == id).map(crate::Folder::json),
        Some((_, id)) => world.organizations.iter().find(|known| known.id == id).map(crate::Organization::json),
        None => None,
    };
    Ok(Answer::ok(found.ok_or_else(Answer::not_found)?))
}

/// `projects.search`: all that the caller may see. Of the query language only `state:ACTIVE` and `parent:…`.
pub(crate) fn search(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let query = ask.call.param("query").unwrap_or_default();
    let words: Vec<&str> = query.split(' ').filter(|word| !word.is_empty() && *word != "AND").collect();
    let strange = words.iter().find(|word| !word.starts_with("state:") && !word.starts_with("parent:"));
    if let Some(word) = strange {
        return Err(Answer::invalid(&format!("The fake does not know the query {word}.")).stranger());
    }
    let world = &state.world;
    let shown = world.projects.iter().filter(|project| {
        let resource = format!("projects/{}", project.id);
        let wanted = words.iter().all(|word| match word.split_once(':') {
            Some(("state", state)) => project.state == state,
            Some((_, parent)) => project.parent == parent,
            None => false,
        });
        wanted && world.allows(&ask.who, "resourcemanager.projects.get", &resource)
    });
    let found: Vec<Value> = shown.map(crate::Project::json).collect();
    page::answer(ask, world.paging, "projects", &found)
}

/// `getIamPolicy` of projects, folders and organisations: a POST with the version in its body.
pub(crate) fn get_policy(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let told = ask.body["options"].get("requestedPolicyVersion");
    let version = version(ask, told.map(|told| told.as_u64().unwrap_or(u64::MAX)))?;
    let resource = ask.resource(state);
    let policy = state.world.policy_of(&resource).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(policy.read(version)))
}

/// `projects.getAncestry` of the older version: the project first, the organisation last.
pub(crate) fn ancestry(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let chain = state.world.chain(&ask.resource(state)).ok_or_else(Answer::not_found)?;
    let ancestors: Vec<Value> = chain
        .iter()
        .filter_map(|at| at.split_once('/'))
        .map(|(kind, id)| json!({ "resourceId": { "type": kind.trim_end_matches('s'), "id": id } }))
        .collect();
    Ok(Answer::ok(json!({ "ancestor": ancestors })))
}

/// `testIamPermissions`: what of the list the caller holds. Whoever holds nothing there hears nothing of it.
pub(crate) fn test_permissions(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let Some(asked) = ask.body["permissions"].as_array().filter(|list| !list.is_empty()) else {
        return Err(Answer::invalid("At least one permission must be tested.").stranger());
    };
    let resource = ask.resource(state);
    let repository = resource.matches('/').count() > 1;
    let mut held = Vec::new();
    for permission in asked {
        let text = permission.as_str().unwrap_or_default();
        if text.is_empty() || text.contains('*') {
            return Err(Answer::invalid(&format!("Permission {permission} is not valid.")).stranger());
        }
        if state.world.allows(&ask.who, text, &resource) {
            held.push(text.to_owned());
        }
    }
    if repository && state.world.repository_at(&resource).is_none() && !held.is_empty() {
        return Err(Answer::not_found());
    }
    Ok(Answer::ok(if held.is_empty() { json!({}) } else { json!({ "permissions": held }) }))
}
