//! A small client of the fake. It blocks.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use pullaudit_google_fake::{Fake, Service};
use serde_json::Value;
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body; null where there is none.
    pub(crate) body: Value,
}

impl Reply {
    /// `error.status`.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["status"].as_str().unwrap_or_default()
    }

    /// `error.message`.
    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// The reason of the machine's half of an error.
    pub(crate) fn reason(&self) -> &str {
        let details = self.body["error"]["details"].as_array();
        let mut reasons = details.into_iter().flatten().filter_map(|detail| detail["reason"].as_str());
        reasons.next().unwrap_or_default()
    }

    /// The entries of a list.
    pub(crate) fn list(&self, key: &str) -> Vec<Value> {
        self.body[key].as_array().cloned().unwrap_or_default()
    }
}

/// A client with a token.
pub(crate) struct Client<'a> {
    pub(crate) fake: &'a Fake,
    pub(crate) token: Option<String>,
    /// More headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) const AR: Service = Service::ArtifactRegistry;
pub(crate) const CRM: Service = Service::ResourceManager;

impl<'a> Client<'a> {
    /// A client with a token for everything.
    pub(crate) fn new(fake: &'a Fake) -> Self {
        Self { fake, token: Some(fake.token()), headers: Vec::new() }
    }

    /// A client with this token, or none.
    pub(crate) fn with(fake: &'a Fake, token: Option<&str>) -> Self {
        Self { fake, token: token.map(str::to_owned), headers: Vec::new() }
    }

    pub(crate) fn get(&self, service: Service, path: &str) -> Reply {
        self.send(service, "GET", path, None).expect("an answer")
    }

    pub(crate) fn post(&self, service: Service, path: &str, body: &Value) -> Reply {
        self.send(service, "POST", path, Some(("application/json", body.to_string()))).expect("an answer")
    }

    pub(crate) fn form(&self, service: Service, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send(service, "POST", path, Some(("application/x-www-form-urlencoded", form.finish())))
            .expect("an answer")
    }

    /// Any call; an error where no whole answer comes within two seconds.
    pub(crate) fn send(
        &self,
        service: Service,
        verb: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Reply, String> {
        let url = self.fake.url(service);
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let sent = tokio::time::timeout(Duration::from_secs(2), self.exchange(&url, verb, path, body));
                sent.await.map_err(|_| "silence".to_owned())?
            })
        };
        std::thread::scope(|scope| scope.spawn(run).join().expect("an exchange"))
    }

    async fn exchange(
        &self,
        url: &str,
        verb: &str,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Reply, String> {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(verb).uri(format!("/{path}")).header("host", host);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut bytes = String::new();
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind);
            bytes = body;
        }
        let request = request.body(Full::new(Bytes::from(bytes))).expect("a request");
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        let body = match body {
            Ok(body) => body,
            Err(_) if bytes.starts_with(b"<!DOCTYPE html>") => Value::Null,
            Err(error) => return Err(error.to_string()),
        };
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
