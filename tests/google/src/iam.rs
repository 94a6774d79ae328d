//! The methods of IAM, versions 1 and 2.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::ask::Ask;
use crate::page;
use crate::serve::State;
use crate::{DenyPolicy, World};

/// `serviceAccounts.get`: by e-mail or unique id. Behind `projects/-` what is not there was refused already.
pub(crate) fn account(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let found = state.world.account_at(ask.name("account"));
    let resource = ask.resource(state);
    let found = found.filter(|account| resource == format!("projects/{}", account.project));
    let missing = || {
        let message = format!("Unknown service account: {}.", ask.name("account"));
        Answer::error(404, "NOT_FOUND", &message)
    };
    Ok(Answer::ok(found.ok_or_else(missing)?.json()))
}

/// `roles.get` of predefined roles, of projects and of organisations. A deleted one says so.
pub(crate) fn role(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let at = match (ask.names.get("project"), ask.names.get("organization")) {
        (Some(_), _) => format!("{}/", ask.resource(state)),
        (_, Some(organization)) => format!("organizations/{organization}/"),
        _ => String::new(),
    };
    let name = format!("{at}roles/{}", ask.name("role"));
    let found = state.world.roles.iter().find(|role| role.name == name);
    let missing = || Answer::error(404, "NOT_FOUND", &format!("The role named {name} was not found."));
    Ok(Answer::ok(found.ok_or_else(missing)?.json()))
}

/// A deny policy; lists leave out its rules.
fn body(world: &World, deny: &DenyPolicy, rules: bool) -> Value {
    // Names hold the project's number.
    let point = match deny.point.strip_prefix("projects/").and_then(|id| world.project_at(id)) {
        Some(project) => format!("projects/{}", project.number),
        None => deny.point.clone(),
    };
    let point = format!("cloudresourcemanager.googleapis.com/{point}").replace('/', "%2F");
    let mut body = json!({
        "name": format!("policies/{point}/denypolicies/{}", deny.id),
        "uid": "0e1f2a3b-0000-4000-8000-000000000003",
        "kind": "DenyPolicy",
        "displayName": format!("Deny policy {}", deny.id),
        "etag": "MTc1NDU2NzA4OTAxMjM0NTY3ODk=",
        "createTime": "2025-01-02T03:04:05.678901Z",
        "updateTime": "2025-01-02T03:04:05.678901Z",
    });
    if rules {
        body["rules"] = json!(deny.rules);
    }
    body
}

/// `policies.listPolicies`.
pub(crate) fn deny_policies(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let (point, world) = (ask.resource(state), &state.world);
    let there = world.denies.iter().filter(|deny| deny.point == point);
    let found: Vec<Value> = there.map(|deny| body(world, deny, false)).collect();
    page::answer(ask, world.paging, "policies", &found)
}

/// `policies.get`.
pub(crate) fn deny_policy(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let (point, world) = (ask.resource(state), &state.world);
    let found = world.denies.iter().find(|deny| deny.point == point && deny.id == ask.name("policy"));
    Ok(Answer::ok(body(world, found.ok_or_else(Answer::not_found)?, true)))
}
