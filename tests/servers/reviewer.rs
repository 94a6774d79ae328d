//! Answers the API server's question whose token this is, for the tokens that a client makes out of
//! AWS credentials (`k8s-aws-v1.` and a presigned `sts:GetCallerIdentity`), as EKS does: it sends the
//! presigned request to STS, here the emulator's, and looks the role up among the access entries.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::Seen;
use super::host::Hosted;
use super::upstream::Upstream;

/// One line of a cluster's access entries.
#[derive(Debug, Clone)]
pub(crate) struct Trusted {
    /// Name of the EKS cluster, which the token is bound to.
    pub(crate) cluster: String,
    /// Where its STS is: `http://127.0.0.1:PORT`.
    pub(crate) sts: String,
    /// ARN of the role, with or without its path.
    pub(crate) role: String,
    /// Who the caller then is in the cluster.
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

/// Tells who a token of another kind is, where it knows.
type Recognise = Arc<dyn Fn(&str) -> Option<(String, Vec<String>)> + Send + Sync>;

/// Whom the reviewer lets in.
#[derive(Clone, Default)]
struct Known {
    trusted: Arc<Mutex<Vec<Trusted>>>,
    others: Arc<Mutex<Vec<Recognise>>>,
}

/// The running reviewer.
pub(crate) struct Reviewer {
    known: Known,
    hosted: Hosted,
}

impl Reviewer {
    /// Starts it. It trusts nobody yet.
    pub(crate) fn start() -> Self {
        let known = Known::default();
        let router = Router::new().fallback(review).with_state(known.clone());
        Self { known, hosted: Hosted::start(router) }
    }

    /// Where the API server asks.
    pub(crate) fn endpoint(&self) -> String {
        self.hosted.endpoint()
    }

    /// Lets a role in.
    pub(crate) fn trust(&self, entry: Trusted) {
        self.known.trusted.lock().unwrap().push(entry);
    }

    /// Lets in whom somebody else knows: user and groups of a token.
    pub(crate) fn recognise(&self, who: impl Fn(&str) -> Option<(String, Vec<String>)> + Send + Sync + 'static) {
        self.known.others.lock().unwrap().push(Arc::new(who));
    }
}

async fn review(State(known): State<Known>, body: Bytes) -> axum::response::Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let entries = known.trusted.lock().unwrap().clone();
    let token = asked["spec"]["token"].as_str().unwrap_or_default();
    let found = match presigned(token) {
        Some((host, query)) => caller(&host, &query, &entries).await.map(|entry| (entry.user, entry.groups)),
        None => known.others.lock().unwrap().iter().find_map(|knows| knows(token)),
    };
    let status = match found {
        Some((user, groups)) => json!({
            "authenticated": true,
            "user": { "username": user, "uid": user, "groups": groups },
        }),
        None => json!({ "authenticated": false }),
    };
    let answer = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status });
    let mut response = axum::response::Response::new(answer.to_string().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Host and query of the presigned address inside a token, if it asks for nothing but the caller's identity.
fn presigned(token: &str) -> Option<(String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.")?).ok()?;
    let address = String::from_utf8(bytes).ok()?;
    let (_, rest) = address.split_once("://")?;
    let (host, path_and_query) = rest.split_once('/')?;
    let query = path_and_query.strip_prefix('?')?;
    let asks =
        form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("Action".into(), "GetCallerIdentity".into()));
    asks.then(|| (host.to_owned(), query.to_owned()))
}

/// The entry of whoever signed the request. Each cluster is tried, because its name is a signed header.
async fn caller(host: &str, query: &str, entries: &[Trusted]) -> Option<Trusted> {
    for entry in entries {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
        headers.insert("x-k8s-aws-id", HeaderValue::from_str(&entry.cluster).ok()?);
        let seen = Seen {
            method: Method::GET,
            path: "/".to_owned(),
            query: query.to_owned(),
            headers,
            body: Bytes::new(),
        };
        let answer = Upstream::http(&entry.sts).send(&seen).await.ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let arn = text.split("<Arn>").nth(1).and_then(|rest| rest.split('<').next());
        if answer.status.is_success() && arn.is_some_and(|arn| is_session_of(arn, &entry.role)) {
            return Some(entry.clone());
        }
    }
    None
}

/// Whether an assumed-role ARN is a session of this role: same account, same name, whatever the path.
fn is_session_of(arn: &str, role: &str) -> bool {
    let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
    let session_role = arn.split(":assumed-role/").nth(1).and_then(|rest| rest.split('/').next());
    account(arn) == account(role) && session_role == role.rsplit('/').next()
}
