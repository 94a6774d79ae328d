//! HTTP for the clouds whose SDK brings none, or lets itself be given one: hyper and rustls, as everything else here.
//! Redirects are answers: a token must not follow one.

mod again;
mod route;
mod told;

pub use again::{Backoff, Renewals, retry_after};
pub use bytes::Bytes;
pub use http_body_util::Full;
pub use told::{chain, scrub};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use route::Route;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A request with its whole body.
pub type Request = http::Request<Full<Bytes>>;

/// Sends requests, through the proxy of the environment where it names one.
pub struct Wire {
    client: Client<HttpsConnector<Route>, Full<Bytes>>,
    most: usize,
}

/// Bytes of one answer. The largest that is known, a list of role assignments, has some megabytes a page.
const MOST: usize = 256 << 20;

/// What came back, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: http::response::Parts,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// How long to wait before asking again, where the service says so.
    pub fn wait(&self) -> Option<Duration> {
        let text = |name| self.head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        retry_after(text(http::header::RETRY_AFTER)?, text(http::header::DATE), SystemTime::now())
    }

    /// Returns true where a body of JSON ends before its value does. Behind a proxy that neither counts bytes nor
    /// chunks them, only the text shows that a connection broke.
    fn is_cut(&self) -> bool {
        let json = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let json = json.is_some_and(|first| matches!(first, b'{' | b'['));
        json && is_cut_json(&self.body)
    }
}

/// Returns true where a text of JSON ends before its value does; false for what is no JSON at all.
pub fn is_cut_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing was reached, or it did not speak HTTP.
    #[error("no connection to {host}")]
    Unreached {
        /// Whom.
        host: String,
        /// True where not even a connection was made, so that nothing was sent.
        unsent: bool,
        /// What the layers below say.
        source: Error,
    },
    /// Its body ends too early.
    #[error("the answer of {host} breaks off")]
    Broken {
        /// Whose.
        host: String,
    },
    /// Its body does not end.
    #[error("the answer of {host} is larger than {} MiB", most >> 20)]
    TooLarge {
        /// Whose.
        host: String,
        /// The most bytes that are read.
        most: usize,
    },
}

impl Wire {
    /// A client that trusts the roots of the system, or those of `SSL_CERT_FILE`, and gives up a connection that is
    /// not made within `timeout` or ten seconds.
    pub fn new(timeout: Duration) -> std::io::Result<Self> {
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(Route::new(timeout));
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https), most: MOST })
    }

    /// Sends one request, once.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(source) => return Err(Failure::Unreached { host, unsent: source.is_connect(), source }),
        };
        let (head, body) = answer.into_parts();
        // Read here, so that a body that breaks off counts as a failed attempt and is asked for again.
        let body = match Limited::new(body, self.most).collect().await {
            Ok(body) => body,
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Failure::TooLarge { host, most: self.most });
            }
            Err(_) => return Err(Failure::Broken { host }),
        };
        let answer = Answer { head, body: body.to_bytes() };
        if answer.is_cut() { Err(Failure::Broken { host }) } else { Ok(answer) }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::route::tests::server;

    async fn ask(method: http::Method, answer: &'static str) -> (Result<Answer, Failure>, String) {
        let (port, served) = server(answer);
        let request = http::Request::builder().method(method).uri(format!("http://127.0.0.1:{port}/a?b=c"));
        let request = request.header("x-test", "1").body(Full::default()).unwrap();
        let answer = Wire::new(Duration::from_secs(5)).unwrap().send(request).await;
        (answer, served.join().unwrap())
    }

    #[tokio::test]
    async fn requests_go_out_and_redirects_are_answers() {
        let moved =
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nok";
        let (answer, sent) = ask(http::Method::POST, moved).await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status(), answer.wait(), answer.body.as_ref()),
            (302, Some(Duration::from_secs(7)), &b"ok"[..])
        );
        assert!(sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.contains("x-test: 1\r\n"), "{sent}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error_that_is_asked_again() {
        let (answer, _) = ask(http::Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"value\":").await;
        assert_eq!(answer.unwrap_err().to_string(), "the answer of 127.0.0.1 breaks off");
    }

    #[tokio::test]
    async fn json_that_ends_early_breaks_off_without_a_length() {
        let (answer, _) = ask(http::Method::GET, "HTTP/1.0 200 OK\r\n\r\n {\"value\":[{\"a\":\"b").await;
        assert_eq!(answer.unwrap_err().to_string(), "the answer of 127.0.0.1 breaks off");
        for whole in
            ["HTTP/1.0 200 OK\r\n\r\n{\"value\":[]}\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.0 502 No\r\n\r\n{no}"]
        {
            ask(http::Method::GET, whole).await.0.unwrap();
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_given_up() {
        let (port, _served) = server("HTTP/1.0 200 OK\r\n\r\n0123456789");
        let mut wire = Wire::new(Duration::from_secs(5)).unwrap();
        wire.most = 9;
        let request = http::Request::get(format!("http://127.0.0.1:{port}/")).body(Full::default()).unwrap();
        let failure = wire.send(request).await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { most: 9, .. }), "{failure:?}");
    }

    #[tokio::test]
    async fn a_host_that_nobody_listens_at_is_told_as_not_sent() {
        let request = http::Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
        let failure = Wire::new(Duration::from_secs(5)).unwrap().send(request).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreached { unsent: true, .. }), "{failure:?}");
        assert!(chain(&failure).starts_with("no connection to 127.0.0.1: "), "{}", chain(&failure));
    }
}
