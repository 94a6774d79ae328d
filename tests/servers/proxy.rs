//! A strict proxy: it knows every call a client may make, records it, and can answer it wrongly.
//!
//! It stands in front of any server. What a request *means*, and how that service words its own
//! errors, is a [`Cloud`]'s to say; everything else is the same for all clouds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;

use super::call::{Answer, Call, Cloud, Refusal, Seen};
use super::host::Hosted;
use super::rewrite;
use super::upstream::Upstream;

/// Page tokens that the proxy itself makes up.
const REST: &str = "proxy-rest";
const CYCLE: &str = "proxy-cycle";

/// Something that goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The service refuses for want of permission.
    Forbidden,
    /// The service says, in its own words, that the thing does not exist.
    Absent,
    /// A 404 that says nothing about the thing: some middle box's page, not the service's.
    Lost,
    /// The connection is accepted and never answered.
    TimeOut,
    /// The service does what it is asked, and nothing is ever answered.
    SilenceAfter,
    /// `200`, and the body breaks off in the middle.
    Garbage,
    /// The connection is lost in the middle of the body.
    Cut,
    /// The same, for the first so many requests.
    CutAtFirst(usize),
    /// `500`, from whatever stands in front of the service.
    Failed,
    /// `200` and a page for people, as a captive proxy answers.
    Html,
    /// The true answer without the field of this number, in the order in which they stand; whole where it has fewer.
    Lacks(usize),
    /// The service says that the page token is too old.
    Expired,
    /// The first so many requests are throttled, then it works.
    Throttled(usize),
    /// The true answer, late.
    Slow(Duration),
    /// A first page with nothing on it and a token; everything is on the second.
    ShortPage,
    /// Every page names the same next page.
    CycleToken,
}

type Guard = Box<dyn Fn(&Seen, &Call) -> Option<Answer> + Send + Sync>;
type Matches = Box<dyn Fn(&Call) -> bool + Send + Sync>;

struct Fault {
    when: Matches,
    what: Trouble,
    met: AtomicUsize,
}

/// One line of the record.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) call: Call,
    /// What the client got: a status, or none where it got nothing.
    pub(crate) status: Option<u16>,
    /// From the call's arrival to its answer; what waits in front of the server is in it.
    pub(crate) took: Duration,
}

#[derive(Default)]
struct Inside {
    calls: Vec<Recorded>,
    strangers: Vec<String>,
    held: Vec<String>,
    faults: Vec<Arc<Fault>>,
    overlays: Vec<(Matches, Answer)>,
    guards: Vec<Arc<Guard>>,
    rest: BTreeMap<String, Answer>,
    tokens: BTreeMap<String, Vec<String>>,
    in_flight: BTreeMap<String, (usize, usize)>,
    left_out: BTreeSet<String>,
}

struct Shared {
    cloud: Box<dyn Cloud>,
    upstream: Upstream,
    inside: Mutex<Inside>,
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // A test that panicked has told its own story already.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pages of a list are numbered in the order in which they are first asked for.
    fn page_number(&self, call: &Call) -> usize {
        let Some(token) = &call.page else { return 1 };
        let mut inside = self.inside();
        let tokens = inside.tokens.entry(call.base()).or_default();
        let known = tokens.iter().position(|known| known == token);
        known.unwrap_or_else(|| {
            tokens.push(token.clone());
            tokens.len() - 1
        }) + 2
    }
}

/// A running proxy. Dropping it stops it.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    hosted: Hosted,
}

impl Proxy {
    /// A proxy in front of `upstream`.
    pub(crate) fn start(upstream: Upstream, cloud: impl Cloud) -> Self {
        let shared = Arc::new(Shared { cloud: Box::new(cloud), upstream, inside: Mutex::default() });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        Self { shared, hosted: Hosted::start(router) }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> String {
        self.hosted.endpoint()
    }

    /// From now on calls that match meet this trouble. The first fault that matches wins.
    pub(crate) fn fault(&self, when: impl Fn(&Call) -> bool + Send + Sync + 'static, what: Trouble) {
        let fault = Fault { when: Box::new(when), what, met: AtomicUsize::new(0) };
        self.shared.inside().faults.push(Arc::new(fault));
    }

    /// From now on calls that match get this answer, and the server never hears of them. Faults come first.
    pub(crate) fn overlay(&self, when: impl Fn(&Call) -> bool + Send + Sync + 'static, answer: Answer) {
        self.shared.inside().overlays.push((Box::new(when), answer));
    }

    /// A rule of the real service that the server behind lacks: where it has an answer, the server never hears of
    /// the call. Faults come first; rules stay.
    pub(crate) fn guard(&self, rule: impl Fn(&Seen, &Call) -> Option<Answer> + Send + Sync + 'static) {
        self.shared.inside().guards.push(Arc::new(Box::new(rule)));
    }

    /// Takes all faults out and forgets what was recorded. Overlays and rules stay.
    pub(crate) fn reset(&self) {
        let mut inside = self.shared.inside();
        let (overlays, guards) = (std::mem::take(&mut inside.overlays), std::mem::take(&mut inside.guards));
        *inside = Inside { overlays, guards, ..Inside::default() };
    }

    /// Every call so far, in the order in which they were answered.
    pub(crate) fn calls(&self) -> Vec<Recorded> {
        self.shared.inside().calls.clone()
    }

    /// How often each call was made, by key.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for recorded in self.calls() {
            *counts.entry(recorded.call.key()).or_insert(0) += 1;
        }
        counts
    }

    /// The most requests of a service that were in hand at one time.
    pub(crate) fn most_in_flight(&self, service: &str) -> usize {
        self.shared.inside().in_flight.get(service).map_or(0, |(_, most)| *most)
    }

    /// The fields that were left out of answers since the last reset.
    pub(crate) fn left_out(&self) -> BTreeSet<String> {
        self.shared.inside().left_out.clone()
    }

    /// Whether a call is kept waiting for ever, or was until the client gave up.
    pub(crate) fn is_held(&self) -> bool {
        !self.shared.inside().held.is_empty()
    }

    /// Requests that the proxy does not know.
    pub(crate) fn strangers(&self) -> Vec<String> {
        self.shared.inside().strangers.clone()
    }

    /// Fails when a request came that the cloud does not know.
    pub(crate) fn assert_no_strangers(&self) {
        let strangers = self.strangers();
        assert!(strangers.is_empty(), "requests the proxy does not know: {strangers:#?}");
    }

    /// Fails when one call was made twice.
    pub(crate) fn assert_no_call_twice(&self) {
        let twice: Vec<_> = self.counts().into_iter().filter(|(_, count)| *count > 1).collect();
        assert!(twice.is_empty(), "calls made more than once: {twice:#?}");
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let seen = Seen {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: to_bytes(body, usize::MAX).await.unwrap_or_default(),
    };
    let Some(mut call) = shared.cloud.classify(&seen) else {
        let stranger = format!("{} {}?{} {}", seen.method, seen.path, seen.query, seen.header("x-amz-target"));
        shared.inside().strangers.push(stranger.clone());
        return response(Answer::new(501, "text/plain", format!("the proxy does not know {stranger}")));
    };
    call.number = shared.page_number(&call);
    let mut guard = InFlight::enter(&shared, &call);
    let answer = answer(&shared, &seen, &call).await;
    guard.status = Some(answer.status.as_u16());
    drop(guard);
    response(answer)
}

/// Counts a call as in hand while it lives, and records it at its end, answered or given up.
struct InFlight<'a> {
    shared: &'a Shared,
    call: &'a Call,
    status: Option<u16>,
    since: Instant,
}

impl<'a> InFlight<'a> {
    fn enter(shared: &'a Shared, call: &'a Call) -> Self {
        let mut inside = shared.inside();
        let (now, most) = inside.in_flight.entry(call.service.clone()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self { shared, call, status: None, since: Instant::now() }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut inside = self.shared.inside();
        if let Some((now, _)) = inside.in_flight.get_mut(&self.call.service) {
            *now = now.saturating_sub(1);
        }
        let (call, took) = (self.call.clone(), self.since.elapsed());
        inside.calls.push(Recorded { call, status: self.status, took });
    }
}

async fn answer(shared: &Shared, seen: &Seen, call: &Call) -> Answer {
    match trouble_with(shared, call) {
        Some(Trouble::Forbidden) => shared.cloud.refusal(call, Refusal::Forbidden),
        Some(Trouble::Absent) => shared.cloud.refusal(call, Refusal::Absent),
        Some(Trouble::Expired) => shared.cloud.refusal(call, Refusal::Expired),
        Some(Trouble::Throttled(_)) => shared.cloud.refusal(call, Refusal::Throttled),
        Some(Trouble::Lost) => Answer::new(404, "text/html", "<html><body>404 page not found</body></html>"),
        Some(what @ (Trouble::TimeOut | Trouble::SilenceAfter)) => {
            if what == Trouble::SilenceAfter {
                truth(shared, seen, call).await;
            }
            shared.inside().held.push(call.key());
            std::future::pending().await
        }
        Some(Trouble::Slow(delay)) => {
            tokio::time::sleep(delay).await;
            truth(shared, seen, call).await
        }
        Some(Trouble::Failed) => {
            Answer::new(500, "text/html", "<html><body>500 Internal Server Error</body></html>")
        }
        Some(Trouble::Html) => Answer::new(200, "text/html", "<html><body>Log in to the network</body></html>"),
        Some(what @ (Trouble::Garbage | Trouble::Cut | Trouble::CutAtFirst(_))) => {
            let mut answer = truth(shared, seen, call).await;
            answer.body.truncate(answer.body.len() / 2);
            answer.cut = what != Trouble::Garbage;
            answer
        }
        Some(Trouble::Lacks(field)) => {
            let mut answer = truth(shared, seen, call).await;
            if let Some((body, name)) = rewrite::without(&answer.body, field) {
                answer.body = body;
                shared.inside().left_out.insert(name);
            }
            answer
        }
        Some(Trouble::ShortPage) => short_page(shared, seen, call).await,
        Some(Trouble::CycleToken) => {
            let page = remembered(shared, seen, call).await;
            continued(shared, call, page, CYCLE, true)
        }
        None => truth(shared, seen, call).await,
    }
}

fn trouble_with(shared: &Shared, call: &Call) -> Option<Trouble> {
    let inside = shared.inside();
    let fault = inside.faults.iter().find(|fault| (fault.when)(call))?;
    let met = fault.met.fetch_add(1, Ordering::Relaxed);
    let over = matches!(fault.what, Trouble::Throttled(times) | Trouble::CutAtFirst(times) if met >= times);
    (!over).then_some(fault.what)
}

async fn short_page(shared: &Shared, seen: &Seen, call: &Call) -> Answer {
    let whole = remembered(shared, seen, call).await;
    if call.page.as_deref() == Some(REST) {
        return whole;
    }
    continued(shared, call, whole, REST, false)
}

/// The first page of a list. Later ones are answered from memory, since the client signed a token
/// that the server never gave.
async fn remembered(shared: &Shared, seen: &Seen, call: &Call) -> Answer {
    if call.page.is_some()
        && let Some(answer) = shared.inside().rest.get(&call.base())
    {
        return answer.clone();
    }
    let answer = truth(shared, seen, call).await;
    shared.inside().rest.insert(call.base(), answer.clone());
    answer
}

fn continued(shared: &Shared, call: &Call, mut answer: Answer, token: &str, items: bool) -> Answer {
    if let Some(body) = shared.cloud.continued(call, &answer.body, token, items) {
        answer.body = body;
    }
    answer
}

/// The overlay's answer, else the server's.
async fn truth(shared: &Shared, seen: &Seen, call: &Call) -> Answer {
    let guards = shared.inside().guards.clone();
    if let Some(answer) = guards.iter().find_map(|guard| guard(seen, call)) {
        return answer;
    }
    let overlay = shared.inside().overlays.iter().find(|(when, _)| when(call)).map(|(_, answer)| answer.clone());
    if let Some(answer) = overlay {
        return answer;
    }
    match shared.upstream.send(seen).await {
        Ok(answer) => {
            shared.cloud.learn(seen, call, &answer);
            answer
        }
        Err(error) => Answer::new(502, "text/plain", format!("the server behind the proxy: {error}")),
    }
}

fn response(answer: Answer) -> Response {
    let mut response = Response::new(if answer.cut {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        Body::from_stream(futures_util::stream::iter([Ok(Bytes::from(answer.body)), Err(lost)]))
    } else {
        Body::from(answer.body)
    });
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    // The body may be another one by now; the server counts it again.
    for counted in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        response.headers_mut().remove(counted);
    }
    response
}
