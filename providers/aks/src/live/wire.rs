//! The wire as Azure's SDK wants to be given it.

use async_trait::async_trait;
use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use pullaudit_wire::{Failure, Full, Wire};
use std::time::Duration;

/// How an error begins where nothing answered.
pub(crate) const UNREACHED: &str = "no connection to";

/// Sends what the SDK asks for. Redirects are answers: Azure sends none.
#[derive(Debug)]
pub(crate) struct AzureWire(Wire);

impl AzureWire {
    /// As [`Wire::new`].
    pub(crate) fn new(timeout: Duration) -> std::io::Result<Self> {
        Ok(Self(Wire::new(timeout)?))
    }
}

#[async_trait]
impl HttpClient for AzureWire {
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
        let answer = self.0.send(sent).await.map_err(of_sdk)?;
        let headers = headers(&answer.head.headers);
        Ok(AsyncRawResponse::from_bytes(answer.status().into(), headers, answer.body))
    }
}

fn of_sdk(failure: Failure) -> Error {
    let kind = match &failure {
        Failure::Unreached { unsent: true, .. } => ErrorKind::Connection,
        // The SDK asks again after the others.
        Failure::TooLarge { .. } => ErrorKind::Other,
        _ => ErrorKind::Io,
    };
    let told = failure.to_string();
    match failure {
        Failure::Unreached { source, .. } => Error::with_error(kind, source, told),
        Failure::Broken { .. } | Failure::TooLarge { .. } => Error::with_message(kind, told),
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
