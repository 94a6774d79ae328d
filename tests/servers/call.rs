//! A request, what it means, and an answer: the words the proxy and the clouds behind it share.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// A request as it arrived, whole.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path, still percent-encoded.
    pub(crate) path: String,
    /// Query, still percent-encoded; empty where there is none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// A header as text, empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What a request means. Two requests for the same thing have the same `key`, in this run and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) service: String,
    pub(crate) operation: String,
    /// The parameters that tell this call from others of its operation, without the page.
    pub(crate) detail: String,
    /// The page token it asks for; none for a first page.
    pub(crate) page: Option<String>,
    /// Which page that is, counted from 1. The proxy fills it in: a token may differ from run to run.
    pub(crate) number: usize,
}

impl Call {
    /// `service:operation detail`, the same for every page of a list.
    pub(crate) fn base(&self) -> String {
        format!("{}:{} {}", self.service, self.operation, self.detail).trim_end().to_owned()
    }

    /// The base and the page.
    pub(crate) fn key(&self) -> String {
        match &self.page {
            Some(_) => format!("{} page={}", self.base(), self.number),
            None => self.base(),
        }
    }
}

/// A way for a service to say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The caller has no right to this.
    Forbidden,
    /// The thing does not exist, in the service's own words.
    Absent,
    /// Too many requests.
    Throttled,
    /// The page token is too old.
    Expired,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the connection is lost after this body, which is then not the whole of it.
    pub(crate) cut: bool,
}

impl Answer {
    /// An answer with one content type and a body.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).expect("a content type"));
        Self { status: StatusCode::from_u16(status).expect("a status"), headers, body: body.into(), cut: false }
    }

    /// `200` and JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }
}

/// What the proxy must know of the services behind it.
pub(crate) trait Cloud: Send + Sync + 'static {
    /// What the request means; `None` makes it a stranger.
    fn classify(&self, seen: &Seen) -> Option<Call>;

    /// The service's own way to refuse this call.
    fn refusal(&self, call: &Call, refusal: Refusal) -> Answer;

    /// A list's answer made to say that more follows under `token`, its items kept or left out.
    /// `None` where the answer is no list.
    fn continued(&self, call: &Call, body: &[u8], token: &str, items: bool) -> Option<Vec<u8>>;

    /// Looks at a true answer before the client does (an `AssumeRole` tells whose the new keys are).
    fn learn(&self, _seen: &Seen, _call: &Call, _answer: &Answer) {}
}
