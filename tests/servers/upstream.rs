//! The server behind the proxy, plain or over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::header;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::call::{Answer, Seen};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where the proxy sends what it lets through.
#[derive(Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Upstream {
    /// A server at `http://127.0.0.1:PORT`.
    pub(crate) fn http(endpoint: &str) -> Self {
        Self { address: address(endpoint, "http://"), tls: None }
    }

    /// A server at `https://127.0.0.1:PORT` whose certificate `ca` (PEM) signed.
    pub(crate) fn https(endpoint: &str, ca: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            roots.add(certificate.expect("a certificate")).expect("a root");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: address(endpoint, "https://"), tls: Some(Arc::new(config).into()) }
    }

    /// Sends the request on as it came, Host header included: a signature covers it.
    pub(crate) async fn send(&self, seen: &Seen) -> Result<Answer, Failure> {
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            None => exchange(stream, seen, true).await,
            // Such a server may compress, and a compressed list could not be changed on its way back.
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                exchange(tls.connect(name, stream).await?, seen, false).await
            }
        }
    }
}

fn address(endpoint: &str, scheme: &str) -> SocketAddr {
    let address = endpoint.strip_prefix(scheme).and_then(|rest| rest.trim_end_matches('/').parse().ok());
    address.unwrap_or_else(|| panic!("{endpoint} is no {scheme} address with a number and a port"))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    seen: &Seen,
    compressed: bool,
) -> Result<Answer, Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let task = tokio::spawn(connection);
    let target = if seen.query.is_empty() { seen.path.clone() } else { format!("{}?{}", seen.path, seen.query) };
    let mut request = hyper::Request::builder().method(seen.method.clone()).uri(target);
    for (name, value) in &seen.headers {
        let of_this_hop = name == header::CONNECTION || name == header::TRANSFER_ENCODING;
        if !of_this_hop && (compressed || name != header::ACCEPT_ENCODING) {
            request = request.header(name, value);
        }
    }
    let answer = sender.send_request(request.body(Full::new(seen.body.clone()))?).await?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    task.abort();
    Ok(Answer { status: head.status, headers: head.headers, body, cut: false })
}
