//! HTTP, on the same hyper and rustls as everything else here.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// A dead address must leave time for another attempt.
const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests, through the proxy of the environment where it names one. Redirects are answers: a token must
/// not follow one.
pub(crate) struct Wire(Client<HttpsConnector<Route>, Full<Bytes>>);

/// What came back.
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// Seconds after which to ask again, where the service says so.
    pub(crate) wait: Option<u64>,
    /// The whole body.
    pub(crate) body: Bytes,
}

impl Wire {
    /// A client that trusts the roots of the system, or those of `SSL_CERT_FILE`.
    pub(crate) fn new(timeout: Duration) -> std::io::Result<Self> {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_connect_timeout(Some(CONNECT.min(timeout)));
        direct.set_nodelay(true);
        let route = Route { direct, proxies: Arc::new(Matcher::from_env()) };
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(route);
        Ok(Self(Client::builder(TokioExecutor::new()).build(https)))
    }

    /// Sends one request. The error is one line for people.
    pub(crate) async fn send(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self
            .0
            .request(request)
            .await
            .map_err(|error| format!("no connection to {host}: {}", super::trouble::chain(&error)))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| format!("the answer of {host} breaks off"))?;
        let wait = head.headers.get(http::header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
        Ok(Answer { status: head.status.as_u16(), wait, body: body.to_bytes() })
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;
type Stream = <HttpConnector as Service<http::Uri>>::Response;

/// Reaches a host, by a tunnel where a proxy stands between. Plain HTTP goes straight: only end points of the
/// machine itself speak it.
#[derive(Clone)]
pub(crate) struct Route {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Service<http::Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::<http::Uri>::poll_ready(&mut self.direct, context).map_err(Into::into)
    }

    fn call(&mut self, to: http::Uri) -> Self::Future {
        let proxy = self.proxies.intercept(&to).filter(|_| to.scheme_str() == Some("https"));
        let Some(proxy) = proxy else {
            let connecting = self.direct.call(to);
            return Box::pin(async move { connecting.await.map_err(Into::into) });
        };
        if proxy.uri().scheme_str() != Some("http") {
            let why = "the proxy of the environment is not an http:// one: no other kind is supported";
            return Box::pin(std::future::ready(Err(why.into())));
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        if let Some(login) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(login.clone());
        }
        let connecting = tunnel.call(to);
        Box::pin(async move { connecting.await.map_err(|error| format!("by the proxy: {error}").into()) })
    }
}
