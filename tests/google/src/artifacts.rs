//! The methods of Artifact Registry.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::ask::Ask;
use crate::serve::State;
use crate::{page, set};

fn name(state: &State, ask: &Ask<'_>) -> Result<String, Answer> {
    let name = ask.resource(state);
    state.world.repository_at(&name).map(crate::Repository::name).ok_or_else(Answer::not_found)
}

/// `repositories.get`.
pub(crate) fn get(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let found = state.world.repository_at(&ask.resource(state)).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(found.json()))
}

/// `repositories.list`: of one location; the service knows no `-` here.
pub(crate) fn list(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let project = state.world.project_at(ask.name("project")).ok_or_else(Answer::not_found)?;
    if ask.name("location") == "-" {
        return Err(Answer::invalid("Invalid location.").stranger());
    }
    let there = state
        .world
        .repositories
        .iter()
        .filter(|repository| repository.project == project.id && repository.location == ask.name("location"));
    let found: Vec<Value> = there.map(crate::Repository::json).collect();
    page::answer(ask, state.world.paging, "repositories", &found)
}

/// The version of a policy that was asked for.
pub(crate) fn version(ask: &Ask<'_>, told: Option<u64>) -> Result<u64, Answer> {
    match told {
        Some(0 | 1 | 3) if ask.version_one => Ok(1),
        None => Ok(1),
        Some(version @ (0 | 1 | 3)) => Ok(version),
        Some(_) => Err(Answer::invalid("The requested policy version is not valid: 0, 1 or 3.").stranger()),
    }
}

/// `repositories.getIamPolicy`: a GET with the version in its query.
pub(crate) fn get_policy(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let told = ask.call.param("options.requestedPolicyVersion").map(|text| text.parse().unwrap_or(u64::MAX));
    let version = version(ask, told)?;
    let name = name(state, ask)?;
    let policy = state.world.policy_of(&name).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(policy.read(version)))
}

/// `repositories.setIamPolicy`: the whole policy, in the place of the former one.
pub(crate) fn set_policy(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let name = name(state, ask)?;
    let done = set::set(&mut state.world, &name, &ask.body);
    if done.unguarded {
        state.unguarded.push(name);
    }
    done.outcome
}

/// `repositories.rules.list`.
pub(crate) fn rules(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let found = state.world.repository_at(&ask.resource(state)).ok_or_else(Answer::not_found)?;
    page::answer(ask, state.world.paging, "rules", &found.rules)
}

/// `projects.getProjectSettings`.
pub(crate) fn settings(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let project = state.world.project_at(ask.name("project")).ok_or_else(Answer::not_found)?;
    let name = format!("projects/{}/projectSettings", project.id);
    Ok(Answer::ok(json!({ "name": name, "legacyRedirectionState": project.redirection })))
}
