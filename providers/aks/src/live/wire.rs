//! HTTP for Azure's SDK, on the same hyper and rustls as everything else here.

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use azure_core::{Bytes, Error};
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

/// How an error begins where nothing answered.
pub(crate) const UNREACHED: &str = "no connection to";

/// Sends requests, through the proxy of the environment where it names one. Redirects are answers:
/// Azure sends none, and a token must not follow one.
pub(crate) struct Wire(Client<HttpsConnector<Route>, Full<Bytes>>);

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

    async fn send(&self, request: http::Request<Full<Bytes>>) -> Result<AsyncRawResponse, Error> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self.0.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
            Error::with_error(kind, error, format!("{UNREACHED} {host}"))
        })?;
        let (head, body) = answer.into_parts();
        // Read here, so that a body that breaks off counts as a failed attempt and is asked for again.
        let body = body.collect().await.map_err(|error| {
            Error::with_error(ErrorKind::Io, error, format!("the answer of {host} breaks off"))
        })?;
        Ok(AsyncRawResponse::from_bytes(head.status.as_u16().into(), headers(&head.headers), body.to_bytes()))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Error::with_message(ErrorKind::Other, "a request whose body is a stream is never sent"));
        };
        let mut sent = http::Request::builder().method(request.method().as_ref()).uri(request.url().as_str());
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        // The header or the URL at fault is not repeated: either may hold a token.
        let sent = sent
            .body(Full::new(body))
            .map_err(|_| Error::with_message(ErrorKind::Other, "the request can't be written as HTTP"))?;
        self.send(sent).await
    }
}

fn headers(map: &http::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        if let Ok(value) = value.to_str() {
            headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value.to_owned()));
        }
    }
    headers
}

type BoxError = Box<dyn StdError + Send + Sync>;
type Stream = <HttpConnector as Service<http::Uri>>::Response;

/// Reaches a host, by a tunnel where a proxy stands between. Plain HTTP goes straight: only the
/// identity end points of the machine itself speak it.
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use azure_core::http::{Method, Url};
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Answers one connection with these bytes, and gives back what came before.
    fn server(answer: &'static str) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        });
        (port, served)
    }

    async fn ask(method: Method, answer: &'static str) -> (azure_core::Result<(u16, String)>, String) {
        let (port, served) = server(answer);
        let mut request = Request::new(Url::parse(&format!("http://127.0.0.1:{port}/a?b=c")).unwrap(), method);
        request.insert_header("x-test", "1");
        let wire = Wire::new(Duration::from_secs(5)).unwrap();
        let answer = match wire.execute_request(&request).await {
            Ok(answer) => {
                let (status, _, body) = answer.deconstruct();
                Ok((u16::from(status), body.collect_string().await.unwrap()))
            }
            Err(error) => Err(error),
        };
        (answer, served.join().unwrap())
    }

    #[tokio::test]
    async fn requests_go_out_and_redirects_are_answers() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nok";
        let (answer, sent) = ask(Method::Post, moved).await;
        assert_eq!(answer.unwrap(), (302, "ok".to_owned()));
        assert!(sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.contains("x-test: 1\r\n"), "{sent}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error_that_is_asked_again() {
        let (answer, _) = ask(Method::Get, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"value\":").await;
        let error = answer.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io), "{error:?}");
        assert_eq!(error.to_string(), "the answer of 127.0.0.1 breaks off");
    }

    #[tokio::test]
    async fn https_goes_through_the_proxy_and_its_login_is_never_told() {
        let (port, served) = server("HTTP/1.1 407 No\r\n\r\n");
        let matcher =
            Matcher::builder().all(format!("http://me:marked-pw@127.0.0.1:{port}")).no("direct.example").build();
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        let mut route = Route { direct: direct.clone(), proxies: Arc::new(matcher) };
        let error = route.call("https://management.azure.com/".parse().unwrap()).await.err().unwrap();
        assert!(!error.to_string().contains("marked"), "{error}");
        let sent = served.join().unwrap();
        assert!(sent.starts_with("CONNECT management.azure.com:443 HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("Proxy-Authorization: Basic "), "{sent}");

        let matcher = Matcher::builder().all("socks5://127.0.0.1:1").build();
        let mut route = Route { direct, proxies: Arc::new(matcher) };
        let error = route.call("https://management.azure.com/".parse().unwrap()).await.err().unwrap();
        assert!(error.to_string().contains("no other kind"), "{error}");
    }
}
