//! The way to a host.

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// A dead address must leave time for another attempt.
const CONNECT: Duration = Duration::from_secs(10);

type BoxError = Box<dyn StdError + Send + Sync>;
type Stream = <HttpConnector as Service<http::Uri>>::Response;

/// Reaches a host, by a tunnel where a proxy stands between. Plain HTTP goes straight: only end points of the
/// machine itself speak it.
#[derive(Clone)]
pub(crate) struct Route {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Route {
    pub(crate) fn new(timeout: Duration) -> Self {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_connect_timeout(Some(CONNECT.min(timeout)));
        direct.set_nodelay(true);
        Self { direct, proxies: Arc::new(Matcher::from_env()) }
    }
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
pub(crate) mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Answers one connection with these bytes, and gives back what came before.
    pub(crate) fn server(answer: &'static str) -> (u16, JoinHandle<String>) {
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
