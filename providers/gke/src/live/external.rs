//! Workload identity federation: a token of somebody else's (a CI job's, another cloud's) for one of Google's.
//!
//! Sources: RFC 8693; Google Cloud, IAM documentation, "Configure workload identity federation" (the credential
//! configuration file), and AIP-4117.

use super::tokens::{SCOPE, TokenSource, bounded};
use async_trait::async_trait;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use pullaudit_core::Calls;
use pullaudit_wire::{Answer, Backoff, Bytes, Full, Renewals, Wire, chain};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// A token is renewed so long before its end.
const MARGIN: SignedDuration = SignedDuration::from_secs(120);
/// How often a token is asked for.
const ATTEMPTS: u32 = 4;
/// How long an impersonated token lasts.
const LIFETIME: i64 = 3600;

/// Exchanges the subject's token, and takes on a service account where the file says so.
pub(crate) struct External {
    audience: String,
    subject_type: String,
    token_url: String,
    impersonation: Option<String>,
    subject: Subject,
    wire: Arc<Wire>,
    calls: Arc<Calls>,
    kept: Mutex<Option<(String, Timestamp)>>,
    renewals: Renewals,
}

/// Where the subject's token comes from.
enum Subject {
    File { path: PathBuf, format: Format },
    Url { url: String, headers: BTreeMap<String, String>, format: Format },
}

/// How it is written there.
enum Format {
    Text,
    /// A JSON object; the field of this name.
    Json(String),
}

#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: String,
    expire_time: Timestamp,
}

impl External {
    /// Reads a credential configuration; the error says which key is at fault.
    pub(crate) fn parse(body: &Value, wire: &Arc<Wire>, calls: &Arc<Calls>) -> Result<Self, String> {
        let text = |key: &str| {
            let found = body[key].as_str().filter(|text| !text.is_empty());
            found.map(str::to_owned).ok_or_else(|| format!("{key} is missing"))
        };
        let token_url = address("token_url", text("token_url")?)?;
        let impersonation = match text("service_account_impersonation_url") {
            Ok(url) => Some(address("service_account_impersonation_url", url)?),
            Err(_) => None,
        };
        Ok(Self {
            audience: text("audience")?,
            subject_type: text("subject_token_type")?,
            token_url,
            impersonation,
            subject: Subject::parse(&body["credential_source"])?,
            wire: Arc::clone(wire),
            calls: Arc::clone(calls),
            kept: Mutex::new(None),
            renewals: Renewals::default(),
        })
    }

    async fn fresh(&self) -> Result<(String, Timestamp), String> {
        let subject = self.subject.token(&self.wire).await?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", EXCHANGE)
            .append_pair("audience", &self.audience)
            .append_pair("scope", SCOPE)
            .append_pair("requested_token_type", ACCESS_TOKEN)
            .append_pair("subject_token_type", &self.subject_type)
            .append_pair("subject_token", &subject)
            .finish();
        let exchanged: Exchanged = self
            .send(&self.token_url, "application/x-www-form-urlencoded", form, None, "the token exchange")
            .await?;
        let Some(url) = &self.impersonation else {
            let lasts = SignedDuration::from_secs(exchanged.expires_in.unwrap_or(LIFETIME));
            return Ok((exchanged.access_token, Timestamp::now() + lasts));
        };
        let body = json!({ "scope": [SCOPE], "lifetime": format!("{LIFETIME}s") }).to_string();
        let own = Some(exchanged.access_token.as_str());
        let taken: Impersonated =
            self.send(url, "application/json", body, own, "taking on the service account").await?;
        Ok((taken.access_token, taken.expire_time))
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        url: &str,
        kind: &str,
        body: String,
        bearer: Option<&str>,
        what: &str,
    ) -> Result<T, String> {
        self.calls.operation("sts");
        let mut request = Request::post(url).header(http::header::CONTENT_TYPE, kind);
        if let Some(bearer) = bearer {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|_| format!("{what}: the request can't be written as HTTP"))?;
        let counted = || self.calls.attempt("sts");
        let answer = patiently(&self.wire, &request, counted).await.map_err(|why| format!("{what}: {why}"))?;
        if !(200..300).contains(&answer.status()) {
            return Err(format!("{what} is refused: {}", said(answer.status(), &answer.body)));
        }
        // The body of a success holds a token, so nothing of it is repeated.
        serde_json::from_slice(&answer.body).map_err(|_| format!("{what} is answered without a token"))
    }
}

/// Sends a request up to four times while the service is busy or the connection breaks. The caller bounds the time.
async fn patiently(wire: &Wire, request: &pullaudit_wire::Request, attempt: impl Fn()) -> Result<Answer, String> {
    let mut backoff = Backoff::new(Duration::from_millis(300), Duration::from_secs(10));
    for left in (0..ATTEMPTS).rev() {
        attempt();
        let sent = wire.send(request.clone()).await;
        let busy = sent.as_ref().map_or(true, |answer| matches!(answer.status(), 408 | 429 | 500..=599));
        if !busy || left == 0 {
            return sent.map_err(|why| chain(&why));
        }
        let told = sent.ok().and_then(|answer| answer.wait());
        tokio::time::sleep(backoff.pause(told)).await;
    }
    Err("never sent".to_owned())
}

/// Why, in the service's own words: OAuth's form, or that of Google's other APIs.
fn said(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words =
        body["error_description"].as_str().or(body["error"]["message"].as_str()).or(body["error"].as_str());
    words.map_or_else(|| format!("HTTP {status}"), |words| format!("HTTP {status}: {words}"))
}

fn address(key: &str, url: String) -> Result<String, String> {
    let whole = url.parse::<http::Uri>().ok().is_some_and(|uri| uri.host().is_some());
    if whole { Ok(url) } else { Err(format!("{key} is no address")) }
}

#[async_trait]
impl TokenSource for External {
    async fn token(&self) -> Result<String, String> {
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && *until > Timestamp::now() + MARGIN
        {
            return Ok(token.clone());
        }
        let (token, until) = self.fresh().await?;
        *kept = Some((token.clone(), until));
        Ok(token)
    }

    async fn renew(&self, refused: &str) -> bool {
        let mut kept = self.kept.lock().await;
        let current = kept.as_ref().is_some_and(|(token, _)| token == refused);
        if current && !self.renewals.begin() {
            return false;
        }
        if current {
            *kept = None;
        }
        true
    }
}

impl Subject {
    fn parse(source: &Value) -> Result<Self, String> {
        let format = match source["format"]["type"].as_str() {
            None | Some("text") => Format::Text,
            Some("json") => match source["format"]["subject_token_field_name"].as_str() {
                Some(field) => Format::Json(field.to_owned()),
                None => return Err("credential_source.format.subject_token_field_name is missing".to_owned()),
            },
            Some(other) => return Err(format!("credential_source.format.type {other:?} is not known")),
        };
        if let Some(path) = source["file"].as_str() {
            return Ok(Self::File { path: path.into(), format });
        }
        // AWS's form has a url as well, which gives no token.
        if source["environment_id"].is_string() {
            let why = "credential_source of AWS needs a signed request, which pullaudit does not make: give the \
                       subject's token by a file or a URL";
            return Err(why.to_owned());
        }
        if let Some(url) = source["url"].as_str() {
            let headers = serde_json::from_value(source["headers"].clone()).unwrap_or_default();
            return Ok(Self::Url { url: address("credential_source.url", url.to_owned())?, headers, format });
        }
        if source["executable"].is_object() {
            return Err("credential_source.executable would start a program, which pullaudit does not".to_owned());
        }
        Err("credential_source names neither a file nor a url".to_owned())
    }

    async fn token(&self, wire: &Wire) -> Result<String, String> {
        let (text, format) = match self {
            Self::File { path, format } => {
                // A pipe may keep its reader waiting.
                let (file, told) =
                    (path.clone(), |why: String| format!("the subject's token, {}: {why}", path.display()));
                let text = tokio::task::spawn_blocking(move || bounded(&file)).await;
                let text = text.map_err(|error| told(error.to_string()))?;
                (text.map_err(|error| told(error.to_string()))?, format)
            }
            Self::Url { url, headers, format } => {
                let mut request = Request::get(url);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let request = request.body(Full::default());
                let request = request.map_err(|_| "credential_source.headers can't be sent".to_owned())?;
                let answer = patiently(wire, &request, || ()).await;
                let answer = answer.map_err(|why| format!("the subject's token: {why}"))?;
                if answer.status() != 200 {
                    return Err(format!("the subject's token: HTTP {} of credential_source.url", answer.status()));
                }
                let text = String::from_utf8(answer.body.to_vec());
                (text.map_err(|_| "the subject's token is no text".to_owned())?, format)
            }
        };
        let token = match format {
            Format::Text => Some(text.trim().to_owned()),
            Format::Json(field) => {
                let body: Value = serde_json::from_str(&text).unwrap_or_default();
                body[field].as_str().map(str::to_owned)
            }
        };
        token.filter(|token| !token.is_empty()).ok_or_else(|| "the subject's token is empty".to_owned())
    }
}
