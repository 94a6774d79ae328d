//! A call that the table knows, and what is checked of it before it is answered.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::{Answer, Call, Outcome, error_info};
use crate::methods::Method;
use crate::serve::State;
use crate::service::Service;
use crate::token::Token;

/// A call with its method, its names and its body.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// As it came.
    pub(crate) call: &'a Call,
    /// Its row in the table.
    pub(crate) method: &'static Method,
    /// What stands in the places of the path.
    pub(crate) names: BTreeMap<&'static str, String>,
    /// The body; an empty object where the method takes none.
    pub(crate) body: Value,
    /// Who asks.
    pub(crate) who: String,
    /// Answer version 1 of a policy whatever was asked for.
    pub(crate) version_one: bool,
    /// Answer the first page for ever.
    pub(crate) looping: bool,
}

impl Ask<'_> {
    /// What stands in a place of the path; empty where the path has no such place.
    pub(crate) fn name(&self, place: &str) -> &str {
        self.names.get(place).map(String::as_str).unwrap_or_default()
    }

    /// The resource that the permission is needed on.
    pub(crate) fn resource(&self, state: &State) -> String {
        let mut resource = self.method.resource.to_owned();
        for (place, name) in &self.names {
            resource = resource.replace(&format!("{{{place}}}"), name);
        }
        if resource.starts_with("projects/-") {
            let owner = state.world.account_at(self.name("account")).map(|account| account.project.clone());
            resource = owner.map(|project| format!("projects/{project}")).unwrap_or_default();
        }
        state.world.canonical(&resource)
    }
}

/// The refusal in the words of the service.
pub(crate) fn forbidden(ask: &Ask<'_>, state: &State) -> Answer {
    let (permission, resource) = (ask.method.permission, ask.resource(state));
    let host = ask.method.service.host();
    if ask.method.service == Service::Container {
        let message = format!("Required \"{permission}\" permission(s) for \"{resource}\".");
        let request = json!({ "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "0xfa4e" });
        return Answer::detailed(403, "PERMISSION_DENIED", &message, &[request]);
    }
    let (message, metadata) = if ask.method.service == Service::Iam {
        (
            format!("Permission '{permission}' denied on resource (or it may not exist)."),
            json!({ "permission": permission }),
        )
    } else {
        (
            format!("Permission '{permission}' denied on resource '//{host}/{resource}' (or it may not exist)."),
            json!({ "permission": permission, "resource": resource }),
        )
    };
    Answer::detailed(403, "PERMISSION_DENIED", &message, &[error_info("IAM_PERMISSION_DENIED", host, &metadata)])
}

/// The refusal of an API that is not enabled.
pub(crate) fn disabled(service: Service, number: &str) -> Answer {
    let host = service.host();
    let link = format!("https://console.developers.google.com/apis/api/{host}/overview?project={number}");
    let message = format!(
        "{} has not been used in project {number} before or it is disabled. Enable it by visiting {link} then retry.",
        service.title()
    );
    let metadata = json!({ "service": host, "consumer": format!("projects/{number}") });
    let help = json!({ "@type": "type.googleapis.com/google.rpc.Help", "links": [
        { "description": "Google developers console API activation", "url": link } ] });
    let info = error_info("SERVICE_DISABLED", "googleapis.com", &metadata);
    Answer::detailed(403, "PERMISSION_DENIED", &message, &[help, info])
}

/// The project whose APIs must be enabled: the resource's own where the resource lives in one and the service
/// is one that serves resources, else the caller's.
pub(crate) fn consumer(ask: &Ask<'_>, state: &State) -> Option<String> {
    if let Some(quota) = &ask.call.quota_project {
        return Some(quota.clone());
    }
    match ask.method.service {
        Service::Container | Service::ArtifactRegistry => Some(ask.name("project").to_owned()),
        _ => state.world.account_at(&ask.who).map(|account| account.project.clone()),
    }
}

/// Everything between the path and the method's own work.
pub(crate) fn answer(state: &mut State, ask: &Ask<'_>) -> Outcome {
    if let Some(quota) = &ask.call.quota_project {
        let resource = state.world.canonical(&format!("projects/{quota}"));
        if !state.world.allows(&ask.who, "serviceusage.services.use", &resource) {
            let message = "Caller does not have required permission to use the project named for quota.";
            let metadata = json!({ "service": ask.method.service.host(), "consumer": resource });
            let info = error_info("USER_PROJECT_DENIED", "googleapis.com", &metadata);
            return Err(Answer::detailed(403, "PERMISSION_DENIED", message, &[info]));
        }
    }
    if let Some(project) = consumer(ask, state).and_then(|project| state.world.project_at(&project))
        && project.disabled.iter().any(|host| host == ask.method.service.host())
    {
        return Err(disabled(ask.method.service, &project.number));
    }
    if !ask.method.permission.is_empty() {
        let resource = ask.resource(state);
        if !state.world.allows(&ask.who, ask.method.permission, &resource) {
            return Err(forbidden(ask, state));
        }
    }
    (ask.method.handler)(state, ask)
}

/// Holds the query and the body against the table.
pub(crate) fn grammar(state: &State, call: &Call, method: &Method) -> Result<Value, Answer> {
    for (at, (key, value)) in call.query.iter().enumerate() {
        let system = matches!((key.as_str(), value.as_str()), ("alt", "json") | ("prettyPrint", "true" | "false"));
        let again = call.query[..at].iter().any(|(earlier, _)| earlier == key) && key != "names";
        if !(system || method.query.contains(&key.as_str())) || again {
            let message =
                format!("Invalid JSON payload received. Unknown name \"{key}\": Cannot bind query parameter.");
            return Err(Answer::invalid(&message).stranger());
        }
    }
    if method.body.is_none() || call.body.is_empty() {
        let empty = call.body.is_empty();
        return if empty { Ok(json!({})) } else { Err(Answer::invalid("No body is expected here.").stranger()) };
    }
    if call.content_type != "application/json" {
        return Err(Answer::invalid("The body is not declared to be JSON.").stranger());
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Answer::invalid(&format!("Invalid JSON payload received. {error}")).stranger())?;
    let fields = method.body.unwrap_or_default();
    match unknown_field(&body, "", fields, &state.world.future_fields) {
        Some(field) => {
            let message = format!("Invalid JSON payload received. Unknown name \"{field}\": Cannot find field.");
            Err(Answer::invalid(&message).stranger())
        }
        None if body.is_object() => Ok(body),
        None => Err(Answer::invalid("Invalid JSON payload received. An object is expected.").stranger()),
    }
}

/// The first field of a body that is not on the list; entries of arrays count as their array.
fn unknown_field(value: &Value, path: &str, known: &[&str], future: &[String]) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| unknown_field(item, path, known, future)),
        Value::Object(fields) => fields.iter().find_map(|(key, inner)| {
            if future.contains(key) {
                return None;
            }
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let branch = format!("{path}.");
            if known.iter().any(|field| field.starts_with(&branch)) {
                return unknown_field(inner, &path, known, future);
            }
            let leaf = known.contains(&path.as_str()) && !inner.is_object();
            if leaf { None } else { Some(path) }
        }),
        _ => None,
    }
}

/// Who asks: the token is one that was given out, is not over, and reaches this method.
pub(crate) fn who(state: &State, call: &Call, method: &Method) -> Result<String, Answer> {
    let text = call.token.as_deref().ok_or_else(|| crate::token::missing().stranger())?;
    let token = state.tokens.iter().find(|token| token.text == text);
    let token: &Token = token.ok_or_else(|| crate::token::unauthenticated().stranger())?;
    if token.is_over() {
        return Err(crate::token::expired());
    }
    if state.world.account_at(&token.principal).is_some_and(|account| account.disabled) {
        return Err(crate::token::unauthenticated());
    }
    if !token.scopes.iter().any(|scope| method.scopes.contains(&scope.as_str())) {
        return Err(crate::token::weak(method).stranger());
    }
    Ok(token.principal.clone())
}
