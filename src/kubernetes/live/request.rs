//! One request: sent, repeated where that may help, counted, and its answer typed.

use super::SERVICE;
use super::connection::LoggedIn;
use super::describe::describe;
use http::StatusCode;
use http_body_util::BodyExt as _;
use kube::core::Status;
use pullaudit_core::Calls;
use pullaudit_wire::{Backoff, is_cut_json, retry_after};
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime};

/// How often a request goes out before it counts as failed.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// A server that asks for a longer pause is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Bytes of one answer: a page of 500 objects, each of which etcd bounds to 1.5 MB, has less.
const MOST: usize = 1 << 30;
const ENDLESS: &str = "the answer is larger than 1 GiB";

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// 403.
    Refused,
    /// 404 in the API's own words: there is no such object.
    Absent,
    /// 404 in other words: the API has no such path, or something else answered in its place.
    Nowhere,
    /// 410, with the token by which a list can go on.
    Expired(Option<String>),
    /// The server can't be talked to, or does not know the caller.
    Unreachable(String),
    /// It answered with something else.
    Other(String),
}

/// A cluster's API.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub(super) client: &'a dyn LoggedIn,
    pub(super) calls: &'a Calls,
}

impl Api<'_> {
    /// The answer as a type. Lost connections and busy servers are asked again.
    pub(super) async fn get<T: DeserializeOwned>(&self, request: &http::Request<Vec<u8>>) -> Result<T, Failure> {
        typed(&self.fetch(request, Vec::new()).await?)
    }

    /// The body of the answer, in a buffer that many answers share: pages of some megabytes each leave holes in the heap
    /// that the next one does not fit.
    pub(super) async fn fetch(
        &self,
        request: &http::Request<Vec<u8>>,
        mut buffer: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        self.calls.operation(SERVICE);
        let (mut attempt, mut renewed) = (1, false);
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            self.calls.attempt(SERVICE);
            let (client, number) = self.client.current();
            let (failure, wait) = match send(client, request, &mut buffer).await {
                Ok(()) => return Ok(buffer),
                Err(once) => once,
            };
            if failure.is_unauthorized() && !renewed && self.client.renew(number).await {
                tracing::debug!("the login was refused: trying a new one");
                renewed = true;
                continue;
            }
            let pause = backoff.pause(wait);
            if attempt == ATTEMPTS || !failure.may_pass() || pause > LONGEST_PAUSE {
                return Err(failure.into());
            }
            tracing::debug!(attempt, why = failure.told(), "asking again: {}", request.uri().path());
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

async fn send(
    client: kube::Client,
    request: &http::Request<Vec<u8>>,
    buffer: &mut Vec<u8>,
) -> Result<(), (Once, Option<Duration>)> {
    let lost = |error: &kube::Error| (Once::Lost(describe(error)), None);
    let request = request.clone().map(kube::client::Body::from);
    let response = client.send(request).await.map_err(|error| lost(&error))?;
    let status = response.status();
    let text = |name| response.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let told = text(http::header::RETRY_AFTER);
    let wait = told.and_then(|told| retry_after(told, text(http::header::DATE), SystemTime::now()));
    // Behind a proxy that counts no bytes only the text shows that a connection broke; elsewhere the client sees it.
    let counted = text(http::header::CONTENT_LENGTH).is_some();
    buffer.clear();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| lost(&error))?;
        buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if buffer.len() > MOST {
            return Err((Once::Endless, None));
        }
    }
    if !status.is_success() {
        return Err((Once::Status(status, serde_json::from_slice(buffer).ok()), wait));
    }
    if !counted && is_cut_json(buffer) {
        return Err((Once::Lost("the answer breaks off".to_owned()), None));
    }
    Ok(())
}

/// What came of one attempt.
enum Once {
    Lost(String),
    Endless,
    Status(StatusCode, Option<Box<Status>>),
}

impl Once {
    fn told(&self) -> String {
        match self {
            Self::Lost(why) => why.clone(),
            Self::Endless => ENDLESS.to_owned(),
            Self::Status(status, _) => status.to_string(),
        }
    }

    fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Status(StatusCode::UNAUTHORIZED, _))
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Endless => false,
            Self::Status(status, _) => matches!(status.as_u16(), 429 | 500 | 502..=504),
        }
    }
}

impl From<Once> for Failure {
    fn from(once: Once) -> Self {
        let (status, body) = match once {
            Once::Lost(detail) => return Self::Unreachable(detail),
            Once::Endless => return Self::Other(ENDLESS.to_owned()),
            Once::Status(status, body) => (status, body),
        };
        let message = body.as_ref().map(|body| body.message.clone()).unwrap_or_default();
        match status.as_u16() {
            401 => {
                Self::Unreachable("401: the API server does not accept these credentials; log in again".to_owned())
            }
            403 => Self::Refused,
            404 if body.as_ref().is_some_and(|body| body.reason == "NotFound" && body.details.is_some()) => {
                Self::Absent
            }
            404 => Self::Nowhere,
            410 => Self::Expired(body.and_then(|body| body.metadata?.continue_).filter(|token| !token.is_empty())),
            _ if message.is_empty() => Self::Other(status.to_string()),
            code => Self::Other(format!("{code}: {message}")),
        }
    }
}

/// The body is never part of the message: it may be a secret's.
pub(super) fn typed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let kind = if error.is_data() { "an object of another form than the API's" } else { "no JSON" };
        Failure::Other(format!("the server sent {kind} (line {}, column {})", error.line(), error.column()))
    })
}
