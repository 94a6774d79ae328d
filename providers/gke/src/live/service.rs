//! The one gate through which every call to Google goes: it bounds, counts, repeats and classifies.

use super::operation::Operation;
use super::tokens::TokenSource;
use super::trouble::{Kind, Trouble};
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pullaudit_core::Calls;
use pullaudit_wire::{Answer, Backoff, Bytes, Failure, Full, Wire, chain};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The first and the longest wait before a call is made again, unless the service names one.
const WAITS: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(10));
/// A call is made so often at most.
const ATTEMPTS: u32 = 5;

/// One API.
pub(crate) struct Service {
    name: &'static str,
    base: String,
    wire: Arc<Wire>,
    tokens: Arc<dyn TokenSource>,
    calls: Arc<Calls>,
    turns: Semaphore,
    timeout: Duration,
}

/// What every service is made with.
pub(crate) struct Means {
    pub(crate) wire: Arc<Wire>,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
}

impl Service {
    pub(crate) fn new(name: &'static str, base: String, means: &Means) -> Self {
        Self {
            name,
            base,
            wire: Arc::clone(&means.wire),
            tokens: Arc::clone(&means.tokens),
            calls: Arc::clone(&means.calls),
            turns: Semaphore::new(means.concurrency.max(1)),
            timeout: means.timeout,
        }
    }

    /// One object.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        path: &str,
    ) -> Result<T, Trouble> {
        parse(operation, &self.ask(operation, &Method::GET, path, None, ATTEMPTS).await?)
    }

    /// What is answered to a question that has a body. Nothing is changed by one.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        path: &str,
        body: &Value,
    ) -> Result<T, Trouble> {
        parse(operation, &self.ask(operation, &Method::POST, path, Some(body), ATTEMPTS).await?)
    }

    /// Sends one write, once: what became of it is for its caller to judge.
    pub(crate) async fn write(
        &self,
        operation: &'static Operation,
        path: &str,
        body: &Value,
    ) -> Result<Value, Trouble> {
        let answer = self.ask(operation, &Method::POST, path, Some(body), 1).await?;
        // It was done; only what became of it is not told.
        parse(operation, &answer).map_err(|trouble| Trouble::passing(operation, trouble.detail))
    }

    /// All pages of a list under `field`, in their order. A token that was seen before would never end.
    pub(crate) async fn list(
        &self,
        operation: &'static Operation,
        path: &str,
        field: &str,
    ) -> Result<Vec<Value>, Trouble> {
        let (mut all, mut seen, mut token) = (Vec::new(), BTreeSet::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = if token.is_empty() {
                path.to_owned()
            } else {
                format!("{path}{sign}pageToken={}", escaped(&token))
            };
            let mut body: Value = self.get(operation, &page).await?;
            if !is_page(&body, &[field, "nextPageToken"]) {
                return Err(Trouble::failed(operation, format!("the answer is no page of {field}")));
            }
            match body[field].take() {
                Value::Array(entries) => all.extend(entries),
                Value::Null => {}
                _ => return Err(Trouble::failed(operation, format!("{field} of the answer is no list"))),
            }
            match body["nextPageToken"].as_str() {
                None | Some("") => return Ok(all),
                Some(next) if seen.insert(next.to_owned()) => next.clone_into(&mut token),
                Some(_) => return Err(Trouble::failed(operation, "the next page leads back to one before")),
            }
        }
    }

    async fn ask(
        &self,
        operation: &'static Operation,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        attempts: u32,
    ) -> Result<Bytes, Trouble> {
        // Nobody closes this semaphore, so there is no error to look at.
        let _turn = self.turns.acquire().await.ok();
        self.calls.operation(self.name);
        let last = Mutex::new(None);
        let asked = self.attempts(operation, (method, path, body), attempts, &last);
        let answer = match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(late(operation, &last)),
        };
        if let Err(trouble) = &answer {
            tracing::debug!(service = self.name, operation = operation.name, %trouble, "no answer");
        }
        answer
    }

    async fn attempts(
        &self,
        operation: &'static Operation,
        what: (&Method, &str, Option<&Value>),
        attempts: u32,
        last: &Mutex<Option<Trouble>>,
    ) -> Result<Bytes, Trouble> {
        let (until, mut backoff) = (Instant::now() + self.timeout, Backoff::new(WAITS.0, WAITS.1));
        for number in 1.. {
            let trouble = match self.authorized(operation, what).await {
                Ok(answer) if (200..300).contains(&answer.status()) => return Ok(answer.body),
                Ok(answer) => Trouble::answered(operation, answer.status(), &answer.body).with_wait(answer.wait()),
                Err(trouble) => trouble,
            };
            let pause = backoff.pause(trouble.wait);
            if trouble.kind != Kind::Passing || number >= attempts || Instant::now() + pause >= until {
                return Err(trouble);
            }
            tracing::debug!(service = self.name, operation = operation.name, number, ?pause, %trouble, "asking again");
            if let Ok(mut last) = last.lock() {
                *last = Some(trouble);
            }
            tokio::time::sleep(pause).await;
        }
        Err(Trouble::failed(operation, "never asked"))
    }

    /// Sends once, and once more where the token is no longer accepted. A refused token changes nothing, so a write
    /// is sent again too.
    async fn authorized(
        &self,
        operation: &'static Operation,
        what: (&Method, &str, Option<&Value>),
    ) -> Result<Answer, Trouble> {
        let token = || async { self.tokens.token().await.map_err(|why| Trouble::no_token(operation, why)) };
        let first = token().await?;
        let answer = self.once(operation, what, &first).await?;
        if answer.status() != 401 || !self.tokens.renew(&first).await {
            return Ok(answer);
        }
        tracing::debug!(
            service = self.name,
            operation = operation.name,
            "the token was refused: trying a new one"
        );
        self.once(operation, what, &token().await?).await
    }

    async fn once(
        &self,
        operation: &'static Operation,
        (method, path, body): (&Method, &str, Option<&Value>),
        token: &str,
    ) -> Result<Answer, Trouble> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
            .header(http::header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        // The header or the URL at fault is not repeated: either may hold a token.
        let request = request
            .body(Full::new(Bytes::from(text)))
            .map_err(|_| Trouble::failed(operation, "the request can't be written as HTTP"))?;
        self.calls.attempt(self.name);
        self.wire.send(request).await.map_err(|why| match &why {
            Failure::TooLarge { .. } => Trouble::failed(operation, chain(&why)),
            _ => Trouble::passing(operation, chain(&why)),
        })
    }
}

fn late(operation: &'static Operation, last: &Mutex<Option<Trouble>>) -> Trouble {
    let last = last.lock().ok().and_then(|mut last| last.take());
    let last = last.map(|trouble| format!("; the last attempt: {trouble}")).unwrap_or_default();
    Trouble::passing(operation, format!("no answer in time{last}"))
}

/// Every answer of Google's is an object; a struct would take an array for its fields.
fn parse<T: DeserializeOwned>(operation: &'static Operation, body: &Bytes) -> Result<T, Trouble> {
    let parsed = serde_json::from_slice(body).map_err(|error| Trouble::garbled(operation, &error))?;
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(parsed),
        _ => Err(Trouble::failed(operation, "the answer is no JSON object")),
    }
}

/// True of a page of a list: one that is empty holds nothing, and one of something else holds other fields.
pub(super) fn is_page(body: &Value, fields: &[&str]) -> bool {
    let known = |key: &String| fields.contains(&key.as_str());
    body.as_object().is_some_and(|body| body.is_empty() || body.keys().any(known))
}

/// What stands as it is in a part of a path and in a value of a query (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A part of a path or a value of a query.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}
