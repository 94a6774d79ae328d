//! The methods of IAM, versions 1 to 3.

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

/// `policyBindings.searchTargetPolicyBindings`: what is bound directly to a target, which is the parent itself by its
/// number, or a pool of identities in it.
pub(crate) fn bindings(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let (parent, world) = (ask.resource(state), &state.world);
    let wrong = |what: &str| Err(Answer::invalid(what).stranger());
    let Some(target) = ask.call.param("target") else { return wrong("A target is required.") };
    let numbered = match parent.strip_prefix("projects/").and_then(|id| world.project_at(id)) {
        Some(project) => format!("projects/{}", project.number),
        None => parent,
    };
    let own = format!("//cloudresourcemanager.googleapis.com/{numbered}");
    let pool = format!("//iam.googleapis.com/{numbered}/locations/global/workloadIdentityPools/");
    if ask.name("location") != "global" || !(target == own || target.starts_with(&pool)) {
        return wrong("The target is not of this parent.");
    }
    let bound = world.boundaries.iter().filter(|boundary| boundary.targets.iter().any(|one| one == target));
    let found: Vec<Value> = bound
        .map(|boundary| {
            json!({
                "name": format!("{}/locations/global/policyBindings/{}", boundary.organization, boundary.id),
                "uid": "0e1f2a3b-0000-4000-8000-000000000004",
                "etag": "MTc1NDU2NzA4OTAxMjM0NTY3ODk=",
                "target": { "principalSet": target },
                "policyKind": "PRINCIPAL_ACCESS_BOUNDARY",
                "policy": boundary.name(),
                "policyUid": "0e1f2a3b-0000-4000-8000-000000000005",
                "createTime": "2025-01-02T03:04:05.678901Z",
                "updateTime": "2025-01-02T03:04:05.678901Z",
            })
        })
        .collect();
    page::answer(ask, world.paging, "policyBindings", &found)
}

/// `principalAccessBoundaryPolicies.get`.
pub(crate) fn boundary(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let organization = ask.resource(state);
    let mut all = state.world.boundaries.iter();
    let found = all.find(|boundary| boundary.organization == organization && boundary.id == ask.name("boundary"));
    let found = found.ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(json!({
        "name": found.name(),
        "uid": "0e1f2a3b-0000-4000-8000-000000000005",
        "etag": "MTc1NDU2NzA4OTAxMjM0NTY3ODk=",
        "displayName": found.id,
        "details": {
            "rules": [{ "description": "own", "resources": found.resources, "effect": "ALLOW" }],
            "enforcementVersion": "3",
        },
        "createTime": "2025-01-02T03:04:05.678901Z",
        "updateTime": "2025-01-02T03:04:05.678901Z",
    })))
}
