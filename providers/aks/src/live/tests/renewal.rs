//! What becomes of a run whose token ends in the middle of it.

use super::{SUB, error, page};
use crate::live::Live;
use crate::{AksOptions, AzureCloud};
use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use pullaudit_core::{Calls, Scope};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Accepts the tokens from this number on; Entra's own say that they are good for an hour.
#[derive(Debug)]
struct Strict {
    first_good: u32,
    given: AtomicU32,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for Strict {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer =
            |status: u16, body: String| Ok(AsyncRawResponse::from_bytes(status.into(), Headers::new(), body));
        if request.url().path().ends_with("/oauth2/v2.0/token") {
            let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
            return answer(
                200,
                format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"t{number}"}}"#),
            );
        }
        let shown = request.headers().get_optional_str(&HeaderName::from_static("authorization"));
        let shown = shown.and_then(|shown| shown.strip_prefix("Bearer t")).unwrap().to_owned();
        self.seen.lock().unwrap().push(shown.clone());
        if shown.parse::<u32>().unwrap() < self.first_good {
            return answer(401, error("ExpiredAuthenticationToken"));
        }
        answer(200, page(""))
    }
}

async fn run(first_good: u32) -> (Result<(), String>, Arc<Strict>) {
    let strict = Arc::new(Strict { first_good, given: AtomicU32::new(0), seen: Mutex::default() });
    let wire: Arc<dyn HttpClient> = strict.clone();
    let options = AksOptions {
        subscriptions: vec![SUB.to_owned()],
        cloud: AzureCloud::Public,
        timeout: Duration::from_secs(2),
        concurrency: 1,
        arm_private_link: false,
        service_account_identity: BTreeMap::new(),
        calls: Arc::new(Calls::default()),
    };
    let live = Live {
        options: Arc::new(options),
        environment: Box::new(|name| {
            name.strip_prefix("AZURE_")
                .filter(|name| ["TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"].contains(name))
                .map(|_| "dddddddd-0000-4000-8000-000000000004".to_owned())
        }),
        wire: Some(wire),
        azure: OnceCell::new(),
    };
    let found = live.discover(&Scope::all()).await;
    (found.map(|_| ()).map_err(|error| error.to_string()), strict)
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let (found, strict) = run(2).await;
    assert_eq!(found, Ok(()));
    let seen = strict.seen.lock().unwrap().clone();
    assert_eq!(seen[..2], ["1".to_owned(), "2".to_owned()], "{seen:?}");
    assert!(seen[2..].iter().all(|token| token == "2"), "{seen:?}");
}

#[tokio::test]
async fn a_renewed_token_that_is_refused_ends_it() {
    let (found, strict) = run(9).await;
    assert!(found.unwrap_err().contains("ExpiredAuthenticationToken"));
    assert_eq!(strict.given.load(Ordering::SeqCst), 2);
}
