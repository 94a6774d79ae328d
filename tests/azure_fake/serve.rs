//! The running fake: its thread, its record, its faults.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State as Extracted};
use axum::http::header;
use axum::response::Response;
use hyper::body::Frame;
use tokio::sync::oneshot;

use super::answer::{Answer, Call};
use super::entra::Token;
use super::fault::{Fault, Trouble, is_of_kind, paths, without};
use super::world::World;
use super::{entra, graph, resources, tls};

/// Everything behind the mutex.
pub(crate) struct State {
    /// What there is.
    pub(crate) world: World,
    /// `https://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// `https://localhost:PORT`: another name, so that tokens for Graph and for Resource Manager differ.
    pub(crate) graph_url: String,
    /// Tokens given out.
    pub(crate) tokens: Vec<Token>,
    log: Vec<Seen>,
    /// Bodies of success, by path.
    bodies: Vec<(String, serde_json::Value)>,
    faults: Vec<Fault>,
    latency: Duration,
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `GET`, …
    pub(crate) method: String,
    /// As it was sent, decoded.
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: String,
    /// `None` where no whole answer was sent, or not yet.
    pub(crate) status: Option<u16>,
    /// The fake does not know what was asked for.
    pub(crate) stranger: bool,
}

type Shared = Arc<Mutex<State>>;

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    // A test that panicked has told its own story already.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running fake. Dropping it ends it, requests in hand included.
pub(crate) struct Fake {
    shared: Shared,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Fake {
    /// Serves a world on a free port of 127.0.0.1.
    pub(crate) fn start(world: World) -> Self {
        let (config, ca) = tls::server();
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ca.pem"), ca).expect("the CA's file");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let port = listener.local_addr().expect("an address").port();
        let (url, graph_url) = (format!("https://127.0.0.1:{port}"), format!("https://localhost:{port}"));
        let (tokens, log, faults, bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let state = State { world, url, graph_url, tokens, log, bodies, faults, latency: Duration::ZERO };
        let shared = Arc::new(Mutex::new(state));
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("the listener");
                tokio::select! {
                    served = axum::serve(tls::Listener::new(listener, config), router) => served.expect("it serves"),
                    _ = stopped => {}
                }
            });
        });
        Self { shared, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Where Entra and Resource Manager are: `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        lock(&self.shared).url.clone()
    }

    /// Where Graph is: `https://localhost:PORT`.
    pub(crate) fn graph_url(&self) -> String {
        lock(&self.shared).graph_url.clone()
    }

    /// The file of the CA that clients must trust.
    pub(crate) fn ca_pem_path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn ends(&self) -> Vec<(String, String)> {
        let state = lock(&self.shared);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("AZURE_AUTHORITY_HOST", &state.url),
            pair("AZURE_RESOURCE_MANAGER_URL", &state.url),
            pair("MICROSOFT_GRAPH_URL", &state.graph_url),
            pair("SSL_CERT_FILE", &self.ca_pem_path().to_string_lossy()),
            pair("AZURE_TENANT_ID", &state.world.tenants[0]),
            pair("AZURE_CLIENT_ID", &state.world.caller.client_id),
        ]
    }

    /// The environment of a client that logs in with the caller's secret.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let secret = lock(&self.shared).world.caller.secret.clone();
        [self.ends(), vec![("AZURE_CLIENT_SECRET".to_owned(), secret)]].concat()
    }

    /// The environment of a client that logs in as a workload, with the caller's assertion.
    pub(crate) fn workload_env(&self) -> Vec<(String, String)> {
        let assertion = lock(&self.shared).world.caller.assertion.clone().expect("a caller with an assertion");
        let file = self.folder.path().join("assertion");
        std::fs::write(&file, assertion).expect("the assertion's file");
        let file = file.to_string_lossy().into_owned();
        [self.ends(), vec![("AZURE_FEDERATED_TOKEN_FILE".to_owned(), file)]].concat()
    }

    /// A function that knows the tokens that were given out for the API servers of clusters, and no others.
    pub(crate) fn cluster_tokens(&self) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |text| lock(&shared).tokens.iter().any(|token| token.is_for_clusters(text))
    }

    /// Every token that was given out.
    pub(crate) fn tokens(&self) -> Vec<String> {
        lock(&self.shared).tokens.iter().map(Token::text).collect()
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        lock(&self.shared).log.clone()
    }

    /// What was asked and is nothing that the fake knows. A client is wrong, or the fake is.
    pub(crate) fn strangers(&self) -> Vec<Seen> {
        self.requests().into_iter().filter(|seen| seen.stranger).collect()
    }

    /// Forgets what was asked and answered.
    pub(crate) fn forget_requests(&self) {
        let mut state = lock(&self.shared);
        state.log.clear();
        state.bodies.clear();
    }

    /// The paths of all fields of the answers to calls of a kind.
    pub(crate) fn fields(&self, kind: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (_, body) in lock(&self.shared).bodies.iter().filter(|(path, _)| is_of_kind(path, kind)) {
            paths(body, "", &mut found);
        }
        found
    }

    /// Adds a fault; of several that fit a call, the first one counts.
    pub(crate) fn set_fault(&self, fault: Fault) {
        lock(&self.shared).faults.push(fault);
    }

    /// Takes all faults away.
    pub(crate) fn clear_faults(&self) {
        lock(&self.shared).faults.clear();
    }

    /// Delays every answer.
    pub(crate) fn set_latency(&self, latency: Duration) {
        lock(&self.shared).latency = latency;
    }

    /// Takes a right from the caller, everywhere; the action may hold `*`.
    pub(crate) fn take_right(&self, action: &str) {
        self.change(|world| world.caller.taken.push(super::Right::new(action, "/")));
    }

    /// Gives back all rights that were taken.
    pub(crate) fn give_rights_back(&self) {
        self.change(|world| world.caller.taken.clear());
    }

    /// Reads or changes the world between two calls.
    pub(crate) fn change<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut lock(&self.shared).world)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn decoded(path: &str) -> String {
    // `form_urlencoded` would take `+`, `&` and `=` for its own.
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    Call {
        method: parts.method.to_string(),
        path: decoded(parts.uri.path()),
        query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        token: bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        body: to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec(),
    }
}

fn truth(state: &mut State, call: &Call) -> Answer {
    let outcome = entra::answer(state, call).or_else(|| graph::answer(state, call));
    outcome.unwrap_or_else(|| resources::answer(state, call)).unwrap_or_else(|refusal| refusal)
}

fn begin(state: &mut State, call: &Call) -> (usize, Option<Trouble>, Duration) {
    state.log.push(Seen {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query_text(),
        status: None,
        stranger: false,
    });
    let trouble = state.faults.iter_mut().find_map(|fault| fault.meet(call));
    (state.log.len() - 1, trouble, state.latency)
}

async fn handle(Extracted(shared): Extracted<Shared>, request: Request) -> Response {
    let call = read(request).await;
    let (line, trouble, latency) = begin(&mut lock(&shared), &call);
    let late = if let Some(Trouble::Slow(late)) = trouble { late } else { Duration::ZERO };
    tokio::time::sleep(latency + late).await;
    if trouble == Some(Trouble::Silence) {
        return std::future::pending().await;
    }
    let answer = settle(&mut lock(&shared), &call, line, trouble);
    match trouble {
        Some(Trouble::SilenceAfter) => std::future::pending().await,
        Some(Trouble::Cut) => cut(&answer),
        Some(Trouble::Html) => respond(&answer, Body::from("<html><body>Please sign in</body></html>")),
        Some(Trouble::Garbage) => respond(&answer, Body::from("{\"value\": [{\"id\": \"/subscr")),
        _ => {
            let body = answer.body.as_ref().map(ToString::to_string).unwrap_or_default();
            respond(&answer, Body::from(body))
        }
    }
}

/// The true answer, or the one that the trouble puts in its place, and the end of the record's line.
fn settle(state: &mut State, call: &Call, line: usize, trouble: Option<Trouble>) -> Answer {
    let instead = trouble.and_then(|trouble| {
        let graph = call.path.starts_with("/v1.0/");
        let refusal = if graph { graph::forbidden() } else { resources::would_be_forbidden(&state.world, call) };
        trouble.answer(refusal)
    });
    let mut answer = instead.unwrap_or_else(|| truth(state, call));
    if let (Some(Trouble::Without(path)), Some(body)) = (trouble, &mut answer.body) {
        without(body, path);
    }
    if let Some(body) = answer.body.as_ref().filter(|_| answer.status == 200) {
        state.bodies.push((call.path.clone(), body.clone()));
    }
    let sent = !matches!(trouble, Some(Trouble::Cut | Trouble::SilenceAfter));
    // The record may have been forgotten meanwhile.
    if let Some(seen) = state.log.get_mut(line).filter(|seen| seen.path == call.path) {
        seen.status = sent.then_some(answer.status);
        seen.stranger = answer.stranger;
    }
    answer
}

fn respond(answer: &Answer, body: Body) -> Response {
    let mut response = Response::builder().status(answer.status).header("x-ms-request-id", "fake");
    if answer.body.is_some() {
        response = response.header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    }
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response.body(body).expect("a response")
}

/// Half of a body, then the end of the connection.
fn cut(answer: &Answer) -> Response {
    let whole = answer.body.as_ref().map(ToString::to_string).unwrap_or_default();
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
