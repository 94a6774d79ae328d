//! The whole of `live` against answers of Azure that the tests make up: no network, no environment.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod collect;
mod discover;
mod lists;
mod recorded;
mod renewal;
mod sign_in;

use super::Live;
use crate::{AksOptions, AzureCloud};
use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use pullaudit_core::{CallCount, Calls};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;

pub(super) const SUB: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(super) const OTHER: &str = "bbbbbbbb-0000-4000-8000-000000000002";
pub(super) const TOKEN: &str = "marked-secret-token";
pub(super) const SECRET: &str = "marked-client-secret";

type Answers = dyn Fn(&str, usize) -> (u16, String) + Send + Sync;

/// Answers each request by its line, `GET https://…`, and how often it came before.
pub(super) struct Fake {
    answers: Box<Answers>,
    seen: Mutex<Vec<String>>,
    pub(super) hangs: bool,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    pub(super) fn new(answers: impl Fn(&str, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self { answers: Box::new(answers), seen: Mutex::default(), hangs: false }
    }

    /// Fixed answers by a part of the line, the first that fits. Anything else is a test's mistake.
    pub(super) fn table(rules: Vec<(&'static str, u16, String)>) -> Self {
        Self::new(move |line, _| {
            let rule = rules.iter().find(|(part, ..)| line.contains(part));
            rule.map_or_else(|| panic!("nobody answers {line}"), |(_, status, body)| (*status, body.clone()))
        })
    }

    /// What came, in order, without sign-ins.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().filter(|line| !line.contains("login.")).cloned().collect()
    }
}

#[async_trait]
impl HttpClient for Fake {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let line = format!("{} {}", request.method().as_ref(), request.url());
        let before = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(line.clone());
            seen.iter().filter(|known| **known == line).count() - 1
        };
        if line.contains("/oauth2/v2.0/token") && !line.contains("broken") {
            let body = format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{TOKEN}"}}"#);
            return Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body));
        }
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let bearer = format!("Bearer {TOKEN}");
        let shown = request.headers().get_optional_str(&HeaderName::from_static("authorization"));
        let signs_in = line.contains("login.") || line.contains("169.254.169.254");
        assert!(shown == Some(&bearer) || signs_in, "{line} without a token");
        let is_probe = request.headers().get_optional_str(&HeaderName::from_static("metadata")).is_none();
        if line.contains("169.254.169.254") && is_probe {
            return Ok(AsyncRawResponse::from_bytes(400.into(), Headers::new(), ""));
        }
        let (status, body) = (self.answers)(&line, before);
        let mut headers = Headers::new();
        if status == 429 {
            headers.insert(HeaderName::from_static("retry-after"), HeaderValue::from("0"));
        }
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

/// A run against the fake, signed in by a client secret.
pub(super) struct Run {
    pub(super) live: Live,
    pub(super) fake: Arc<Fake>,
    calls: Arc<Calls>,
}

impl Run {
    pub(super) fn new(fake: Fake) -> Self {
        Self::with(fake, &[], &[])
    }

    pub(super) fn given(fake: Fake, subscriptions: &[&str]) -> Self {
        Self::with(fake, subscriptions, &[])
    }

    pub(super) fn with(fake: Fake, subscriptions: &[&str], environment: &[(&str, &str)]) -> Self {
        let fake = Arc::new(fake);
        let calls = Arc::new(Calls::default());
        let options = AksOptions {
            subscriptions: subscriptions.iter().map(|id| (*id).to_owned()).collect(),
            cloud: AzureCloud::Public,
            timeout: Duration::from_secs(2),
            concurrency: 4,
            arm_private_link: false,
            service_account_identity: BTreeMap::new(),
            calls: Arc::clone(&calls),
        };
        let mut variables: BTreeMap<String, String> = [
            ("AZURE_TENANT_ID", "cccccccc-0000-4000-8000-000000000003"),
            ("AZURE_CLIENT_ID", "dddddddd-0000-4000-8000-000000000004"),
            ("AZURE_CLIENT_SECRET", SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let live = Live {
            options: Arc::new(options),
            environment: Box::new(move |name| variables.get(name).cloned()),
            wire: Some(fake.clone()),
            azure: OnceCell::new(),
        };
        Self { live, fake, calls }
    }

    pub(super) fn count(&self, service: &str) -> CallCount {
        self.calls.counts().get(service).copied().unwrap_or_default()
    }
}

/// A list of one page.
pub(super) fn page(entries: &str) -> String {
    format!(r#"{{"value":[{entries}]}}"#)
}

pub(super) fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"about {code}"}}}}"#)
}

pub(super) fn subscriptions(ids: &[&str]) -> String {
    let ids = ids.iter().map(|id| format!(r#"{{"subscriptionId":"{id}","tenantId":"t","state":"Enabled"}}"#));
    page(&ids.collect::<Vec<_>>().join(","))
}
