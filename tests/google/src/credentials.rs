//! The ways to a token: the key of a service account, the token of a CI system, the token of another account.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::answer::{Answer, Call, Outcome};
use crate::ask::Ask;
use crate::serve::State;
use crate::service::Service;

const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const SUBJECTS: &[&str] = &["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];
/// Where Google itself gives out tokens.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";
/// An assertion lives no longer.
const LIFE: i64 = 3600;
/// So much may clocks differ.
const SKEW: i64 = 300;

/// The name of the way that a call goes, if it goes to a door that takes no token.
pub(crate) fn way(call: &Call) -> Option<&'static str> {
    let path = call.path_text();
    match (call.service, call.verb.as_str(), path.as_str()) {
        (Service::OAuth, "POST", "/token") => Some("oauth2.token"),
        (Service::Sts, "POST", "/v1/token") => Some("sts.token"),
        (Service::Ci, "GET", "/subject-token") => Some("ci.subjectToken"),
        _ => None,
    }
}

/// Answers a call that goes one of these ways.
pub(crate) fn answer(state: &mut State, call: &Call, way: &str) -> Outcome {
    if way == "ci.subjectToken" {
        return subject_token(state, call);
    }
    if call.content_type != "application/x-www-form-urlencoded" || !call.query.is_empty() {
        return Err(Answer::oauth("invalid_request", "A form is expected, and no query.").stranger());
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
    if way == "oauth2.token" { by_key(state, &form) } else { exchange(state, &form) }
}

/// A field of a form.
fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn only(form: &[(String, String)], known: &[&str]) -> Result<(), Answer> {
    match form.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => Err(Answer::oauth("invalid_request", &format!("Unknown field {key}.")).stranger()),
        None => Ok(()),
    }
}

fn scopes(text: &str) -> Result<Vec<String>, Answer> {
    let list: Vec<String> = text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let known = |scope: &String| scope.starts_with("https://www.googleapis.com/auth/") || scope == "openid";
    if list.is_empty() || !list.iter().all(known) {
        return Err(
            Answer::oauth("invalid_scope", "Invalid OAuth scope or ID token audience provided.").stranger()
        );
    }
    Ok(list)
}

fn bearer(state: &mut State, principal: &str, scopes: &[String]) -> Value {
    let life = state.world.token_life.as_secs();
    let text = state.give_token(principal, scopes);
    json!({ "access_token": text, "expires_in": life, "token_type": "Bearer" })
}

/// RFC 7523: an assertion that the caller's key signed.
fn by_key(state: &mut State, form: &[(String, String)]) -> Outcome {
    only(form, &["grant_type", "assertion"])?;
    if field(form, "grant_type") != JWT_GRANT {
        return Err(Answer::oauth("unsupported_grant_type", "Invalid grant_type.").stranger());
    }
    let wrong = |what: &str| Answer::oauth("invalid_grant", what).stranger();
    let claims = state.key.verify(field(form, "assertion")).map_err(wrong)?;
    let here = format!("{}token", state.url(Service::OAuth));
    // Google's own Python library names Google's end point, whatever `token_uri` says.
    if ![here.as_str(), GOOGLE].iter().any(|audience| claims["aud"] == *audience) {
        return Err(wrong("The audience of the assertion is not this token end point."));
    }
    let email = state.world.caller.email.clone();
    if claims["iss"] != email.as_str()
        || claims.get("sub").is_some_and(|sub| !sub.is_null() && *sub != email.as_str())
    {
        return Err(wrong("Invalid email or user id: not the owner of the key."));
    }
    let (from, till) = (claims["iat"].as_i64().unwrap_or(i64::MAX), claims["exp"].as_i64().unwrap_or(0));
    let now = Timestamp::now().as_second();
    if from > now + SKEW || till <= now || till.saturating_sub(from) > LIFE {
        return Err(wrong("Invalid JWT: it must be short-lived and in a reasonable timeframe."));
    }
    let scopes = scopes(claims["scope"].as_str().unwrap_or_default())?;
    let account = state.world.account_at(&email);
    if account.is_none_or(|account| account.disabled) {
        // Whoever deleted or disabled the account did so, not the client.
        return Err(Answer::oauth("invalid_grant", "Invalid grant: account not found"));
    }
    Ok(Answer::ok(bearer(state, &email, &scopes)))
}

/// RFC 8693: a token of the CI system for one of the federated principal.
fn exchange(state: &mut State, form: &[(String, String)]) -> Outcome {
    const FIELDS: &[&str] = &[
        "grant_type",
        "audience",
        "scope",
        "requested_token_type",
        "subject_token",
        "subject_token_type",
        "options",
    ];
    only(form, FIELDS)?;
    if field(form, "grant_type") != EXCHANGE {
        return Err(Answer::oauth("unsupported_grant_type", "Invalid grant_type.").stranger());
    }
    let Some(federation) = state.world.federation.clone() else {
        return Err(Answer::oauth("invalid_target", "There is no workload identity pool.").stranger());
    };
    if field(form, "audience") != federation.audience {
        let message = "The target service indicated by the \"audience\" parameters is invalid.";
        return Err(Answer::oauth("invalid_target", message).stranger());
    }
    if field(form, "requested_token_type") != ACCESS || !SUBJECTS.contains(&field(form, "subject_token_type")) {
        return Err(Answer::oauth("invalid_request", "Invalid type of token.").stranger());
    }
    if field(form, "subject_token") != federation.subject_token {
        return Err(Answer::oauth("invalid_grant", "The subject token is not valid.").stranger());
    }
    let scopes = scopes(field(form, "scope"))?;
    let mut body = bearer(state, &federation.principal, &scopes);
    body["issued_token_type"] = json!(ACCESS);
    Ok(Answer::ok(body))
}

/// What a CI system answers to a job that asks for its own token: JSON with a field for it.
fn subject_token(state: &State, call: &Call) -> Outcome {
    let refused = || Answer::with(401, json!({ "message": "unauthorized" })).stranger();
    let federation = state.world.federation.as_ref().ok_or_else(refused)?;
    if call.token.as_deref() != Some(federation.request_token.as_str()) || !call.query.is_empty() {
        return Err(refused());
    }
    Ok(Answer::ok(json!({ "value": federation.subject_token })))
}

/// `generateAccessToken`: a token of a service account for whoever may take it.
pub(crate) fn generate(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let list = ask.body["scope"].as_array().ok_or_else(|| Answer::invalid("Scope is required.").stranger())?;
    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let scopes = scopes(&words.join(" ")).map_err(|_| Answer::invalid("Invalid scope.").stranger())?;
    let life = match ask.body.get("lifetime") {
        None => LIFE,
        Some(text) => text
            .as_str()
            .and_then(|text| text.strip_suffix('s')?.parse().ok())
            .filter(|life| (1..=LIFE).contains(life))
            .ok_or_else(|| Answer::invalid("The lifetime is not valid.").stranger())?,
    };
    if ask.name("project") != "-" {
        return Err(Answer::invalid("The account must be named behind projects/-.").stranger());
    }
    let account = state.world.account_at(ask.name("account")).ok_or_else(Answer::not_found)?;
    if account.disabled {
        return Err(Answer::error(400, "FAILED_PRECONDITION", "The service account is disabled."));
    }
    let email = account.email.clone();
    let text = state.give_token(&email, &scopes);
    let life =
        SignedDuration::from_secs(life.min(i64::try_from(state.world.token_life.as_secs()).unwrap_or(LIFE)));
    let till = Timestamp::now().checked_add(life).unwrap_or(Timestamp::MAX);
    let till = till.round(jiff::Unit::Second).unwrap_or(till);
    Ok(Answer::ok(json!({ "accessToken": text, "expireTime": till.to_string() })))
}
