//! Entra: what it says about itself, and tokens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use super::answer::{Answer, Call, Outcome};
use super::serve::State;

/// The application that stands for the API servers of all AKS clusters.
pub(crate) const AKS_SERVER: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";
const GRAPH_APPLICATION: &str = "00000003-0000-0000-c000-000000000000";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Resource Manager.
    ResourceManager,
    /// Microsoft Graph.
    Graph,
    /// The API server of a cluster.
    Aks,
}

/// A token that was given out.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    text: String,
    audience: Audience,
    /// As the caller wrote it.
    resource: String,
    tenant: String,
    until: Instant,
}

impl Token {
    /// As the client sends it.
    pub(crate) fn text(&self) -> String {
        self.text.clone()
    }

    /// Whether this is it, and it is good for the API server of a cluster.
    pub(crate) fn is_for_clusters(&self, text: &str) -> bool {
        self.text == text && self.audience == Audience::Aks && self.until > Instant::now()
    }
}

/// The audience that a resource names.
fn audience(state: &State, resource: &str) -> Option<Audience> {
    let resource = resource.trim_end_matches('/');
    let manager = [&*state.url, "https://management.azure.com", "https://management.core.windows.net"];
    let graph = [&*state.graph_url, "https://graph.microsoft.com", GRAPH_APPLICATION];
    match resource {
        AKS_SERVER => Some(Audience::Aks),
        _ if manager.contains(&resource) => Some(Audience::ResourceManager),
        _ if graph.contains(&resource) => Some(Audience::Graph),
        _ => None,
    }
}

/// The tenant of the call's token, if the token is good for this audience.
pub(crate) fn challenge(state: &State, call: &Call, wanted: Audience) -> Result<String, Answer> {
    let refuse = |code: &str, message: &str| {
        let authority = format!("{}/{}", state.url, state.world.tenants[0]);
        let challenge = format!("Bearer authorization_uri=\"{authority}\", error=\"invalid_token\"");
        Answer::error(401, code, message).header("www-authenticate", &challenge)
    };
    // Graph has one word for all of these.
    let code = |word| if wanted == Audience::Graph { "InvalidAuthenticationToken" } else { word };
    let Some(text) = &call.token else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(refuse(code("AuthenticationFailed"), message));
    };
    let Some(token) = state.tokens.iter().find(|token| token.text == *text) else {
        return Err(refuse("InvalidAuthenticationToken", "The access token is invalid."));
    };
    if token.audience != wanted {
        let message = format!(
            "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with \
             one of the allowed audiences.",
            token.resource
        );
        return Err(refuse(code("InvalidAuthenticationTokenAudience"), &message));
    }
    if token.until <= Instant::now() {
        return Err(refuse(
            code("ExpiredAuthenticationToken"),
            "The access token expiry UTC time is earlier than now.",
        ));
    }
    Ok(token.tenant.clone())
}

/// The answer to a call of Entra; `None` where the path is not one of its own.
pub(crate) fn answer(state: &mut State, call: &Call) -> Option<Outcome> {
    let parts = call.parts();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["common", "discovery", "instance"]) => Some(discovery(state, call)),
        ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => Some(configuration(state, tenant)),
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => Some(token(state, tenant, call)),
        _ => None,
    }
}

fn oauth(status: u16, error: &str, number: u32, message: &str) -> Answer {
    let description = format!("AADSTS{number}: {message}");
    Answer::with(status, json!({ "error": error, "error_description": description, "error_codes": [number] }))
}

fn discovery(state: &State, call: &Call) -> Outcome {
    if call.param("authorization_endpoint").is_none() || call.param("api-version").is_none() {
        return Err(oauth(400, "invalid_request", 900_144, "A parameter of instance discovery is missing."));
    }
    let host = state.url.trim_start_matches("https://");
    Ok(Answer::ok(json!({
        "api-version": "1.1",
        "tenant_discovery_endpoint": format!("{}/{}/v2.0/.well-known/openid-configuration", state.url, state.world.tenants[0]),
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    })))
}

fn known_tenant(state: &State, tenant: &str) -> Result<(), Answer> {
    if state.world.tenants.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
        return Ok(());
    }
    Err(oauth(400, "invalid_request", 90_002, &format!("Tenant '{tenant}' not found.")))
}

fn configuration(state: &State, tenant: &str) -> Outcome {
    known_tenant(state, tenant)?;
    let base = format!("{}/{tenant}", state.url);
    Ok(Answer::ok(json!({
        "issuer": format!("{base}/v2.0"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
        "tenant_region_scope": "EU",
    })))
}

fn token(state: &mut State, tenant: &str, call: &Call) -> Outcome {
    known_tenant(state, tenant)?;
    let form: BTreeMap<_, _> = form_urlencoded::parse(&call.body).into_owned().collect();
    let field = |name: &str| {
        let missing = format!("The request body must contain the following parameter: '{name}'.");
        form.get(name).map(String::as_str).ok_or_else(|| oauth(400, "invalid_request", 900_144, &missing))
    };
    if field("grant_type")? != "client_credentials" {
        return Err(oauth(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type."));
    }
    let caller = &state.world.caller;
    let client = field("client_id")?;
    if client != caller.client_id {
        let message = format!("Application with identifier '{client}' was not found in the directory.");
        return Err(oauth(400, "unauthorized_client", 700_016, &message));
    }
    proof(state, &form)?;
    let scope = field("scope")?;
    let resource = scope.split(' ').find_map(|scope| scope.strip_suffix("/.default")).ok_or_else(|| {
        oauth(400, "invalid_scope", 70_011, &format!("The provided value for scope {scope} is not valid."))
    })?;
    let audience = audience(state, resource).ok_or_else(|| {
        let message = format!("The resource principal named {resource} was not found in the tenant.");
        oauth(400, "invalid_resource", 500_011, &message)
    })?;
    let seconds = state.world.caller.token_seconds;
    let text = minted(state, tenant, resource);
    state.tokens.push(Token {
        text: text.clone(),
        audience,
        resource: resource.to_owned(),
        tenant: tenant.to_owned(),
        until: Instant::now() + Duration::from_secs(seconds),
    });
    Ok(Answer::ok(json!({
        "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text,
    })))
}

/// A secret or the assertion of workload identity.
fn proof(state: &State, form: &BTreeMap<String, String>) -> Result<(), Answer> {
    let caller = &state.world.caller;
    if let Some(assertion) = form.get("client_assertion") {
        let good = caller.assertion.as_ref() == Some(assertion)
            && form.get("client_assertion_type").is_some_and(|kind| kind == ASSERTION_TYPE);
        let message = "Client assertion failed signature validation.";
        return if good { Ok(()) } else { Err(oauth(401, "invalid_client", 700_027, message)) };
    }
    match form.get("client_secret") {
        Some(secret) if *secret == caller.secret => Ok(()),
        Some(_) => Err(oauth(401, "invalid_client", 7_000_215, "Invalid client secret provided.")),
        None => {
            let message = "The request body must contain 'client_assertion' or 'client_secret'.";
            Err(oauth(401, "invalid_client", 7_000_218, message))
        }
    }
}

/// A token in the shape that clients read claims from. Nothing signs it: the fake knows its own.
fn minted(state: &State, tenant: &str, resource: &str) -> String {
    let part = |claims: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    let caller = &state.world.caller;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = json!({
        "aud": resource, "iss": format!("{}/{tenant}/v2.0", state.url), "tid": tenant, "ver": "1.0",
        "appid": caller.client_id, "oid": caller.object_id, "sub": caller.object_id, "idtyp": "app",
        "iat": now, "nbf": now, "exp": now + caller.token_seconds, "uti": format!("fake-{}", state.tokens.len()),
    });
    format!("{}.{}.ZmFrZQ", part(&json!({ "typ": "JWT", "alg": "RS256" })), part(&claims))
}
