//! One call on its way through the fake: read, recorded, troubled, answered.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State as Extracted};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use hyper::body::Frame;
use serde_json::Value;

use crate::answer::{Answer, Call, Content};
use crate::ask::{self, Ask};
use crate::fault::{Fault, Trouble};
use crate::key::Key;
use crate::service::Service;
use crate::token::Token;
use crate::world::World;
use crate::{credentials, route};

/// Everything behind the mutex.
pub(crate) struct State {
    /// What there is.
    pub(crate) world: World,
    /// Where each service is, with a `/` at the end.
    pub(crate) urls: BTreeMap<Service, String>,
    /// The caller's key.
    pub(crate) key: &'static Key,
    /// Tokens given out.
    pub(crate) tokens: Vec<Token>,
    /// Resources whose policy was set without an etag.
    pub(crate) unguarded: Vec<String>,
    /// What was asked.
    pub(crate) log: Vec<Seen>,
    /// What goes wrong.
    pub(crate) faults: Vec<Fault>,
    /// Before every answer.
    pub(crate) latency: Duration,
}

impl State {
    /// Where a service is.
    pub(crate) fn url(&self, service: Service) -> String {
        self.urls.get(&service).cloned().unwrap_or_default()
    }

    /// Gives out a token.
    pub(crate) fn give_token(&mut self, principal: &str, scopes: &[String]) -> String {
        let token = Token::new(self.tokens.len(), principal, scopes, self.world.token_life);
        let text = token.text.clone();
        self.tokens.push(token);
        text
    }
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whose door it came to.
    pub service: Service,
    /// The method's name; empty where the fake knows none.
    pub name: &'static str,
    /// `GET`, …
    pub verb: String,
    /// As it was sent, decoded.
    pub path: String,
    /// Decoded.
    pub query: String,
    /// The body, where it is JSON; forms and what is empty are null.
    pub body: Value,
    /// `None` where no whole answer was sent, or not yet.
    pub status: Option<u16>,
    /// The fake does not know what was asked for.
    pub stranger: bool,
}

/// What all doors share.
pub(crate) type Shared = Arc<Mutex<State>>;

/// The state, whatever became of another who held it.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    // A test that panicked has told its own story already.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `%` sequences decoded, once. `form_urlencoded` would take `+`, `&` and `=` for its own.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = segment.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn read(service: Service, request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let text = |headers: &HeaderMap, name: &str| -> Option<String> {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let bearer = text(&parts.headers, "authorization");
    let kind = text(&parts.headers, "content-type").unwrap_or_default();
    let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
    Call {
        service,
        verb: parts.method.to_string(),
        path: path.split('/').map(decoded).collect(),
        query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        token: bearer.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        quota_project: text(&parts.headers, "x-goog-user-project"),
        content_type: kind.split(';').next().unwrap_or_default().trim().to_lowercase(),
        body: to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec(),
    }
}

/// The name of what a call means; empty for a stranger.
fn name(call: &Call) -> &'static str {
    let way = credentials::way(call);
    way.or_else(|| route::find(call).map(|(method, _)| method.name)).unwrap_or_default()
}

fn begin(state: &mut State, call: &Call) -> (usize, Option<Trouble>, Duration) {
    let name = name(call);
    state.log.push(Seen {
        service: call.service,
        name,
        verb: call.verb.clone(),
        path: call.path_text(),
        query: call.query_text(),
        body: serde_json::from_slice(&call.body).unwrap_or_default(),
        status: None,
        stranger: false,
    });
    let trouble = state.faults.iter_mut().find_map(|fault| fault.meet(call, name));
    (state.log.len() - 1, trouble, state.latency)
}

/// Serves one call that came to a door.
pub(crate) async fn handle(
    Extracted((shared, service)): Extracted<(Shared, Service)>,
    request: Request,
) -> Response {
    let call = read(service, request).await;
    let (line, trouble, latency) = begin(&mut lock(&shared), &call);
    let late = if let Some(Trouble::Slow(late)) = trouble { late } else { Duration::ZERO };
    // The timer would take a millisecond for nothing.
    if !(latency + late).is_zero() {
        tokio::time::sleep(latency + late).await;
    }
    if trouble == Some(Trouble::Silence) {
        return std::future::pending().await;
    }
    let answer = settle(&mut lock(&shared), &call, line, trouble);
    match trouble {
        Some(Trouble::SilenceAfter) => std::future::pending().await,
        Some(Trouble::Cut) => cut(&answer),
        Some(Trouble::Garbage) => respond(&answer, Body::from("{\"bindings\": [{\"rol")),
        _ => respond(&answer, Body::from(answer.body.text())),
    }
}

/// The true answer, or the one that the trouble puts in its place, and the end of the record's line.
fn settle(state: &mut State, call: &Call, line: usize, trouble: Option<Trouble>) -> Answer {
    let answer = answer(state, call, trouble).unwrap_or_else(|refusal| refusal);
    let sent = !matches!(trouble, Some(Trouble::Cut | Trouble::SilenceAfter));
    // The record may have been forgotten meanwhile.
    if let Some(seen) = state.log.get_mut(line).filter(|seen| seen.path == call.path_text()) {
        seen.status = sent.then_some(answer.status);
        seen.stranger = answer.stranger;
    }
    answer
}

fn answer(state: &mut State, call: &Call, trouble: Option<Trouble>) -> Result<Answer, Answer> {
    if let Some(way) = credentials::way(call) {
        let refusal = || Answer::oauth("unauthorized_client", "Client is unauthorized.");
        let instead = trouble.and_then(|trouble| trouble.answer(refusal(), refusal()));
        return instead.map_or_else(|| credentials::answer(state, call, way), Ok);
    }
    let unknown = || Answer::page(404, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>").stranger();
    let (method, names) = route::find(call).ok_or_else(unknown)?;
    // What a client may never send is a stranger under every trouble.
    let body = ask::grammar(state, call, method)?;
    let who = ask::who(state, call, method)?;
    let (version_one, looping) = (trouble == Some(Trouble::VersionOne), trouble == Some(Trouble::LoopingPages));
    let ask = Ask { call, method, names, body, who, version_one, looping };
    if trouble == Some(Trouble::ConcurrentEdit) {
        let resource = ask.resource(state);
        state.world.edit(&resource);
    }
    let number = || {
        let project = ask::consumer(&ask, state);
        let project =
            project.and_then(|project| state.world.project_at(&project).map(|known| known.number.clone()));
        project.unwrap_or_default()
    };
    let instead = trouble
        .and_then(|trouble| trouble.answer(ask::forbidden(&ask, state), ask::disabled(method.service, &number())));
    instead.map_or_else(|| ask::answer(state, &ask), Ok)
}

#[allow(clippy::expect_used, reason = "its parts are the fake's own")]
fn respond(answer: &Answer, body: Body) -> Response {
    let kind = match answer.body {
        Content::Json(_) => "application/json; charset=UTF-8",
        Content::Html(_) => "text/html; charset=UTF-8",
    };
    let mut response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, kind);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response.body(body).expect("a response")
}

/// Half of a body, then the end of the connection.
fn cut(answer: &Answer) -> Response {
    let whole = answer.body.text();
    let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    respond(answer, Body::new(Half(Some(half))))
}

struct Half(Option<Bytes>);

impl HttpBody for Half {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.0.take() {
            Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            None => Poll::Ready(Some(Err(std::io::Error::other("cut")))),
        }
    }
}
