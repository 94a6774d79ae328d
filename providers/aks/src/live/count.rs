//! What happens on the wire, below the SDK's retries.

use super::trouble::chain;
use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, Context, Request, StatusCode};
use pullaudit_core::Calls;
use pullaudit_wire::scrub;
use serde::Deserialize;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

tokio::task_local! {
    /// How the last attempt of the operation under way ended, where it failed.
    static LAST: RefCell<Option<String>>;
}

pub(crate) const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

/// Runs one operation within `timeout`, `None` where time ran out, and says how its last attempt ended
/// where that failed. The SDK's own error says nothing of it amid retries.
pub(crate) async fn within<T>(
    timeout: Duration,
    operation: impl Future<Output = T>,
) -> (Option<T>, Option<String>) {
    let watched = async {
        let answer = tokio::time::timeout(timeout, operation).await.ok();
        (answer, LAST.with(RefCell::take))
    };
    LAST.scope(RefCell::new(None), watched).await
}

/// Counts attempts, retries included, and notes why one failed.
pub(crate) struct Attempts {
    service: &'static str,
    calls: Arc<Calls>,
}

impl Attempts {
    pub(crate) fn new(service: &'static str, calls: Arc<Calls>) -> Self {
        Self { service, calls }
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").field("service", &self.service).finish_non_exhaustive()
    }
}

#[async_trait]
impl Policy for Attempts {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let Some((first, rest)) = next.split_first() else {
            let why = "nothing sends the request";
            return Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Other, why));
        };
        self.calls.attempt(self.service);
        let answer = first.send(context, request, rest).await;
        let (answer, why) = match answer {
            Ok(answer) if answer.status().is_success() => (Ok(answer), None),
            Ok(answer) => {
                let (status, headers, body) = answer.deconstruct();
                let body = body.collect().await?;
                let why = described(&body).unwrap_or_else(|| plain(status, &headers));
                (Ok(AsyncRawResponse::from_bytes(status, headers, body)), Some(why))
            }
            Err(error) => {
                let why = chain(&error);
                (Err(error), Some(why))
            }
        };
        if let Some(why) = &why {
            tracing::debug!(service = self.service, why, "the attempt failed");
        }
        // Outside of an operation of ours nobody listens.
        let _ = LAST.try_with(|last| last.replace(why));
        answer
    }
}

fn plain(status: StatusCode, headers: &Headers) -> String {
    let wait = headers.get_optional_str(&RETRY_AFTER).map(|wait| format!(", to be asked again after {wait}"));
    format!("HTTP {}{}", u16::from(status), wait.unwrap_or_default())
}

/// Why Entra or a metadata service gives no token, in its own words. `azure_identity` 1.0 can't read
/// those that span lines, as all of Entra's do.
fn described(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error_description: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(scrub(&refusal.error_description)).filter(|text| !text.is_empty())
}
