//! `setIamPolicy`: what is refused, and what is made of what is not.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome};
use crate::world::World;

/// So many principals fit into a policy, counted in each of its bindings.
const PRINCIPALS: usize = 1500;
/// So many of them may be groups.
const GROUPS: usize = 250;
const CONFLICT: &str =
    "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.";

/// What came of a set: the answer, and whether it was sent without an etag.
pub(crate) struct Done {
    /// As the service answers.
    pub(crate) outcome: Outcome,
    /// It wrote without an etag: whatever stood there is gone.
    pub(crate) unguarded: bool,
}

/// Sets the policy of a resource that is there.
pub(crate) fn set(world: &mut World, resource: &str, body: &Value) -> Done {
    let checked = check(world, resource, body);
    let unguarded = checked.is_ok() && body["policy"].get("etag").is_none();
    let outcome = checked.and_then(|fields| {
        let lag = world.write_lag;
        let policy = world.policy_of(resource).ok_or_else(Answer::not_found)?;
        policy.replace(fields, lag);
        Ok(Answer::ok(policy.written()))
    });
    Done { outcome, unguarded }
}

fn check(world: &mut World, resource: &str, body: &Value) -> Result<Map<String, Value>, Answer> {
    let sent = body["policy"].as_object().ok_or_else(|| Answer::invalid("The policy is missing.").stranger())?;
    let policy = world.policy_of(resource).ok_or_else(Answer::not_found)?.clone();
    if sent.get("etag").is_some_and(|etag| *etag != json!(policy.etag())) {
        return Err(Answer::error(409, "ABORTED", CONFLICT));
    }
    let version = match sent.get("version") {
        None => 0,
        Some(version) => version.as_u64().unwrap_or(u64::MAX),
    };
    if ![0, 1, 3].contains(&version) {
        return Err(Answer::invalid("Invalid policy version.").stranger());
    }
    let bindings = sent.get("bindings").and_then(Value::as_array).cloned().unwrap_or_default();
    let conditional = bindings.iter().any(|binding| binding.get("condition").is_some());
    // Without an etag a former version may overwrite conditions. With one it may not even take a plain binding.
    if version < 3 && (conditional || (policy.is_conditional() && sent.contains_key("etag"))) {
        return Err(Answer::invalid("A policy with conditional role bindings must be set at version 3."));
    }
    let old = (names(policy.bindings(), "role"), names(policy.bindings(), "members"));
    roles(world, &bindings, &old.0)?;
    members(world, &bindings, &old.1)?;
    let mut fields: Map<String, Value> = sent.clone();
    fields.remove("etag");
    fields.remove("version");
    fields.insert("bindings".to_owned(), Value::Array(merged(bindings)));
    // A field that was not sent is not kept: the policy is replaced whole.
    Ok(fields)
}

/// All texts under a key of bindings.
fn names(bindings: &[Value], key: &str) -> BTreeSet<String> {
    let values = bindings.iter().flat_map(|binding| match &binding[key] {
        Value::Array(list) => list.clone(),
        other => vec![other.clone()],
    });
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn roles(world: &World, bindings: &[Value], old: &BTreeSet<String>) -> Result<(), Answer> {
    for binding in bindings {
        let role = binding["role"].as_str().ok_or_else(|| Answer::invalid("Role name must be set.").stranger())?;
        let known = world.roles.iter().any(|known| known.name == role && !known.deleted);
        // What version 1 shows of a conditional binding is no role either.
        if !(known || old.contains(role)) {
            return Err(Answer::invalid(&format!("Role {role} is not supported for this resource.")));
        }
        if let Some(condition) = binding.get("condition") {
            let told = |key: &str| condition[key].as_str().is_some_and(|text| !text.is_empty());
            if !told("expression") || !told("title") {
                return Err(Answer::invalid("A condition needs a title and an expression."));
            }
        }
    }
    Ok(())
}

fn members(world: &World, bindings: &[Value], old: &BTreeSet<String>) -> Result<(), Answer> {
    let lists = bindings.iter().filter_map(|binding| binding["members"].as_array());
    let all: Vec<&Value> = lists.flatten().collect();
    if all.len() > PRINCIPALS {
        let message =
            format!("The number of principals in the policy is {}, larger than {PRINCIPALS}.", all.len());
        return Err(Answer::invalid(&message));
    }
    let groups = all.iter().filter(|member| member.as_str().is_some_and(|text| text.starts_with("group:")));
    if groups.count() > GROUPS {
        return Err(Answer::invalid(&format!("The policy has more than {GROUPS} groups.")));
    }
    for member in all {
        let text = member.as_str().ok_or_else(|| Answer::invalid("A member is not a text.").stranger())?;
        if !old.contains(text) {
            new_member(world, text)?;
        }
    }
    Ok(())
}

fn new_member(world: &World, text: &str) -> Result<(), Answer> {
    const BARE: &[&str] = &["allUsers", "allAuthenticatedUsers"];
    const KINDS: &[&str] = &[
        "user:",
        "group:",
        "domain:",
        "principal://",
        "principalSet://",
        "projectOwner:",
        "projectEditor:",
        "projectViewer:",
    ];
    if let Some(email) = text.strip_prefix("serviceAccount:") {
        let federated = email.contains(".svc.id.goog[");
        let home = world.home_of(email);
        return match home.filter(|_| world.account_at(email).is_none()) {
            Some(_) => Err(Answer::invalid(&format!("Service account {email} does not exist."))),
            None if federated || email.contains('@') => Ok(()),
            None => Err(Answer::invalid(&format!("Invalid service account ({email})."))),
        };
    }
    let known =
        BARE.contains(&text) || KINDS.iter().any(|kind| text.strip_prefix(kind).is_some_and(|id| !id.is_empty()));
    if known { Ok(()) } else { Err(Answer::invalid(&format!("Invalid member: {text}"))) }
}

/// Bindings of one role under one condition as one, no member twice, none without members.
fn merged(bindings: Vec<Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for binding in bindings {
        let rest = |binding: &Value| {
            let mut fields = binding.as_object().cloned().unwrap_or_default();
            fields.remove("members");
            Value::Object(fields)
        };
        let members = binding["members"].as_array().cloned().unwrap_or_default();
        let at = out.iter().position(|known| rest(known) == rest(&binding)).unwrap_or_else(|| {
            let mut fresh = binding.clone();
            fresh["members"] = json!([]);
            out.push(fresh);
            out.len() - 1
        });
        if let Some(list) = out[at]["members"].as_array_mut() {
            for member in members {
                if !list.contains(&member) {
                    list.push(member);
                }
            }
        }
    }
    out.retain(|binding| binding["members"].as_array().is_some_and(|list| !list.is_empty()));
    out
}
