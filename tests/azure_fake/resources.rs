//! Resource Manager: who is let in, what is there, and the lists of resources.

use serde_json::{Value, json};

use super::answer::{Answer, Call, Outcome};
use super::entra::{Audience, challenge};
use super::filter::{self, Part};
use super::page::page;
use super::scope::{group_of, same, subscription_of};
use super::serve::State;
use super::target::{Kind, Target};
use super::world::World;
use super::{Cluster, Registry, rbac, write};

/// The answer to a call of Resource Manager.
pub(crate) fn answer(state: &mut State, call: &Call) -> Outcome {
    let tenant = challenge(state, call, Audience::ResourceManager)?;
    let target = Target::parse(&call.parts()).ok_or_else(|| {
        Answer::stranger(404, "InvalidResourceType", &format!("The fake knows no resource at '{}'.", call.path))
    })?;
    let version = version(&target, call)?;
    let action = target.kind.action(&call.method).ok_or_else(|| {
        Answer::stranger(405, "MethodNotAllowed", &format!("There is no {} of '{}'.", call.method, call.path))
    })?;
    queries(&target, call)?;
    tenancy(&state.world, &target.scope, &tenant)?;
    if !action.is_empty() && !state.world.may(action, &target.scope) {
        return Err(forbidden(&state.world, action, &over(&target), false));
    }
    exists(&state.world, &target.scope)?;
    let all = match target.kind {
        Kind::Cluster | Kind::ClusterUser | Kind::Registry | Kind::Subscription => {
            return one(&state.world, &target, version);
        }
        Kind::Assignment => return write::assignment(state, call, &target, version),
        Kind::Definition => return rbac::definition(&state.world, &target),
        Kind::Assignments => rbac::assignments(&mut state.world, call, &target, version)?,
        Kind::Definitions => rbac::definitions(&state.world, call, &target)?,
        Kind::Denies => rbac::denies(&state.world, call, &target, version)?,
        Kind::Permissions => rbac::permissions(&state.world, &target),
        _ => list(&state.world, call, &target, version, &tenant)?,
    };
    page(state.world.paging, &state.url, call, &all)
}

/// Refused for want of a right; `constrained` where a condition on the caller's own role refuses.
pub(crate) fn forbidden(world: &World, action: &str, scope: &str, constrained: bool) -> Answer {
    let or = if constrained { "or an ABAC condition not fulfilled " } else { "" };
    let (client, object) = (&world.caller.client_id, &world.caller.object_id);
    let message = format!(
        "The client '{client}' with object id '{object}' does not have authorization {or}to perform action \
         '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh \
         your credentials."
    );
    Answer::error(403, "AuthorizationFailed", &message)
}

/// What a call would be told if it were not allowed, for faults.
pub(crate) fn would_be_forbidden(world: &World, call: &Call) -> Answer {
    let target = Target::parse(&call.parts());
    let action = target.as_ref().and_then(|target| target.kind.action(&call.method)).unwrap_or_default();
    let scope = target.map(|target| over(&target)).unwrap_or_default();
    forbidden(world, action, &scope, false)
}

/// What a refusal says that it is about.
fn over(target: &Target) -> String {
    match target.kind {
        Kind::Assignment => {
            format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", target.scope, target.name)
        }
        _ => target.scope.clone(),
    }
}

fn version<'a>(target: &Target, call: &'a Call) -> Result<&'a str, Answer> {
    let Some(version) = call.param("api-version") else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Answer::stranger(400, "MissingApiVersionParameter", message));
    };
    let known = target.kind.versions();
    if known.contains(&version) {
        return Ok(version);
    }
    let (kind, known) = (target.kind, known.join(", "));
    let message = format!(
        "No registered resource provider found for API version '{version}' for type '{kind:?}'. The supported \
         api-versions are '{known}'."
    );
    Err(Answer::stranger(400, "NoRegisteredProviderFound", &message))
}

fn queries(target: &Target, call: &Call) -> Result<(), Answer> {
    let pages = ["api-version", "$skipToken", "skipToken"];
    let known =
        |name: &str| pages.iter().chain(target.kind.queries()).any(|known| known.eq_ignore_ascii_case(name));
    match call.query.iter().find(|(name, _)| !known(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("The fake knows no query parameter '{name}' of '{}'.", call.path);
            Err(Answer::stranger(400, "InvalidQueryParameter", &message))
        }
    }
}

/// A token of one tenant says nothing to the subscriptions of another.
fn tenancy(world: &World, scope: &str, tenant: &str) -> Result<(), Answer> {
    let Some(id) = subscription_of(scope) else { return Ok(()) };
    let Some(found) = world.subscriptions.iter().find(|one| one.id.eq_ignore_ascii_case(&id)) else {
        let message = format!("The subscription '{id}' could not be found.");
        return Err(Answer::error(404, "SubscriptionNotFound", &message));
    };
    if found.tenant == tenant {
        return Ok(());
    }
    let message = format!(
        "The access token is from the wrong issuer '{tenant}'. It must match the tenant '{}' associated with this \
         subscription.",
        found.tenant
    );
    Err(Answer::error(401, "InvalidAuthenticationTokenTenant", &message))
}

/// Whether there is such a scope.
fn exists(world: &World, scope: &str) -> Result<(), Answer> {
    let mut resources = world.clusters.iter().map(Cluster::id).chain(world.registries.iter().map(Registry::id));
    let known = scope == "/"
        || world.subscriptions.iter().any(|one| same(&format!("/subscriptions/{}", one.id), scope))
        || world.management.iter().any(|(id, _)| same(id, scope));
    if known || resources.any(|id| same(&id, scope)) {
        return Ok(());
    }
    let Some(group) = group_of(scope) else {
        return Err(Answer::error(404, "ResourceNotFound", &format!("The scope '{scope}' was not found.")));
    };
    let here = world.ancestors(scope).into_iter().find(|id| id.matches('/').count() == 4).unwrap_or_default();
    let under = |id: &String| world.covers(&here, id);
    let mut held = world.clusters.iter().map(Cluster::id).chain(world.registries.iter().map(Registry::id));
    if !world.resource_groups.iter().any(under) && !held.any(|id| under(&id)) {
        let message = format!("Resource group '{group}' could not be found.");
        return Err(Answer::error(404, "ResourceGroupNotFound", &message));
    }
    if same(scope, &here) {
        return Ok(());
    }
    let parts: Vec<_> = scope.split('/').filter(|part| !part.is_empty()).collect();
    let name = parts[5..].join("/");
    let message = format!(
        "The Resource '{name}' under resource group '{group}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix"
    );
    Err(Answer::error(404, "ResourceNotFound", &message))
}

fn one(world: &World, target: &Target, version: &str) -> Outcome {
    let here = |id: &str| same(id, &target.scope);
    let cluster = || world.clusters.iter().find(|one| here(&one.id()));
    let body = match target.kind {
        // A PUT of a whole cluster changes nothing here: `az aks update` sends one beside its grant.
        Kind::Cluster => cluster().map(Cluster::body),
        Kind::ClusterUser => cluster().map(Cluster::kubeconfig),
        Kind::Registry => world.registries.iter().find(|one| here(&one.id())).map(|one| one.body(version)),
        _ => subscriptions(world, None).into_iter().find(|one| one["id"].as_str().is_some_and(here)),
    };
    // The scope exists, but it is of another kind.
    body.map(Answer::ok).ok_or_else(|| Answer::error(404, "ResourceNotFound", "The Resource was not found."))
}

fn list(world: &World, call: &Call, target: &Target, version: &str, tenant: &str) -> Result<Vec<Value>, Answer> {
    let here = |id: &str| world.covers(&target.scope, id);
    let registry = || world.registries.iter().find(|one| same(&one.id(), &target.scope));
    Ok(match target.kind {
        Kind::Tenants => {
            let body = |id: &String| json!({ "id": format!("/tenants/{id}"), "tenantId": id });
            world.tenants.iter().filter(|id| *id == tenant).map(body).collect()
        }
        Kind::Subscriptions => subscriptions(world, Some(tenant)),
        Kind::Clusters => world.clusters.iter().filter(|one| here(&one.id())).map(Cluster::body).collect(),
        Kind::Registries => {
            world.registries.iter().filter(|one| here(&one.id())).map(|one| one.body(version)).collect()
        }
        Kind::CacheRules => registry().map(Registry::cache_rule_bodies).unwrap_or_default(),
        Kind::CredentialSets => registry().map(Registry::credential_set_bodies).unwrap_or_default(),
        _ => resources(world, call, target)?,
    })
}

/// Those that the caller sees: a right anywhere inside is enough.
fn subscriptions(world: &World, tenant: Option<&str>) -> Vec<Value> {
    const READ: &str = "Microsoft.Resources/subscriptions/read";
    let sees = |scope: &str| {
        let inside = world.caller.allowed.iter().any(|right| world.covers(scope, &right.scope));
        let taken = world.caller.taken.iter().any(|right| right.action.eq_ignore_ascii_case(READ));
        world.may(READ, scope) || (inside && !taken)
    };
    let mut found = Vec::new();
    for one in world.subscriptions.iter().filter(|one| tenant.is_none_or(|tenant| one.tenant == tenant)) {
        let id = format!("/subscriptions/{}", one.id);
        if sees(&id) {
            found.push(json!({
                "id": id, "subscriptionId": one.id, "tenantId": one.tenant, "displayName": one.name,
                "state": one.state, "authorizationSource": "RoleBased", "managedByTenants": [],
                "subscriptionPolicies": {
                    "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
                    "spendingLimit": "Off",
                },
            }));
        }
    }
    found
}

/// Resources of all types, cut down to a few fields; those that the caller may not read are left out.
fn resources(world: &World, call: &Call, target: &Target) -> Result<Vec<Value>, Answer> {
    let bad = || Answer::stranger(400, "InvalidFilterInQueryString", "Invalid $filter in the query string.");
    let filter = filter::parse(call.param("$filter")).ok_or_else(bad)?;
    let allowed = |part: &Part| matches!(part, Part::Eq("resourceType" | "name", _));
    if !filter.iter().all(allowed) {
        return Err(bad());
    }
    let clusters = world.clusters.iter().map(Cluster::body);
    let all = clusters.chain(world.registries.iter().map(|one| one.body("2025-04-01")));
    let text = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let fits = |body: &Value| {
        filter.iter().all(|part| match part {
            Part::Eq("resourceType", wanted) => text(body, "type").eq_ignore_ascii_case(wanted),
            Part::Eq(_, wanted) => text(body, "name").eq_ignore_ascii_case(wanted),
            _ => false,
        })
    };
    let seen = |body: &Value| {
        let id = text(body, "id");
        world.covers(&target.scope, &id) && world.may(&format!("{}/read", text(body, "type")), &id)
    };
    let slim = |body: Value| {
        json!({ "id": body["id"], "name": body["name"], "type": body["type"],
        "location": body["location"], "sku": body["sku"], "tags": {} })
    };
    Ok(all.filter(|body| fits(body) && seen(body)).map(slim).collect())
}
