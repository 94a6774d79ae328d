//! The one gate through which every call to Azure goes: it bounds, counts and classifies.

use super::bearer::Bearer;
use super::count::{Attempts, RETRY_AFTER, within};
use super::credentials::{Kept, retries};
use super::operation::Operation;
use super::trouble::Trouble;
use super::versions::Versions;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{
    ClientOptions, Context, HttpClient, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport,
    Url,
};
use pullaudit_core::{Calls, Read, Text};
use pullaudit_wire::retry_after;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// Resource Manager or Graph.
pub(crate) struct Service {
    base: Url,
    pipeline: Pipeline,
    /// Sends once: what becomes of a write is for its caller to judge.
    writing: Pipeline,
    calls: Arc<Calls>,
    turns: Semaphore,
    timeout: Duration,
    versions: Versions,
}

/// What every service is made with.
pub(crate) struct Means {
    pub(crate) wire: Arc<dyn HttpClient>,
    pub(crate) credential: Arc<Kept>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: usize,
}

/// One page of a list. A body without `value` is no page: an empty list would say that there is nothing.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(default, rename = "nextLink")]
    next: Option<String>,
}

impl Service {
    /// The service at that address, with tokens for `scope`.
    pub(crate) fn new(name: &'static str, base: Url, scope: &str, means: &Means) -> Self {
        Self {
            base,
            pipeline: pipeline(name, scope, means, retries(means.timeout)),
            writing: pipeline(name, scope, means, RetryOptions::none()),
            calls: Arc::clone(&means.calls),
            turns: Semaphore::new(means.concurrency.max(1)),
            timeout: means.timeout,
            versions: Versions::default(),
        }
    }

    /// The bound on one call.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// One object.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
    ) -> Result<T, Trouble> {
        self.ask(operation, Method::Get, self.url(path, query)).await
    }

    /// What an action answers. Only actions that change nothing are ever sent.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
    ) -> Result<T, Trouble> {
        self.ask(operation, Method::Post, self.url(path, query)).await
    }

    /// What is answered to a question that has a body. Nothing is changed by one.
    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Trouble> {
        let mut request = Request::new(self.url(path, ""), Method::Post);
        request.insert_header("content-type", "application/json");
        request.set_body(body.to_string());
        self.exchange(operation, &self.pipeline, request).await?.parse(operation)
    }

    /// All pages of a list, sorted and without doubles, so that the order and the cut of pages never
    /// shows. A page without entries is followed like any other. A link to another host would be shown
    /// our token, and one that was followed before would never end: both are failures.
    pub(crate) async fn list<T: DeserializeOwned + Serialize>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
    ) -> Result<Vec<T>, Trouble> {
        let mut url = self.url(path, query);
        let (mut seen, mut all) = (BTreeSet::new(), BTreeMap::new());
        loop {
            seen.insert(url.to_string());
            let page: Page<T> = self.ask(operation, Method::Get, url).await?;
            for entry in page.value {
                let text = serde_json::to_string(&entry);
                all.insert(text.map_err(|error| Trouble::garbled(operation, &error))?, entry);
            }
            let Some(next) = page.next.filter(|next| !next.is_empty()) else {
                return Ok(all.into_values().collect());
            };
            url = self.next(operation, &next)?;
            if seen.contains(url.as_str()) {
                return Err(Trouble::failed(operation, "the link to the next page leads back to one before"));
            }
        }
    }

    fn next(&self, operation: &'static Operation, link: &str) -> Result<Url, Trouble> {
        let url = Url::parse(link)
            .map_err(|_| Trouble::failed(operation, "the link to the next page is not an address"))?;
        if url.origin() == self.base.origin() {
            return Ok(url);
        }
        let host = url.host_str().unwrap_or_default();
        Err(Trouble::failed(
            operation,
            format!("the next page is said to be on another host, {host}: not followed"),
        ))
    }

    fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    /// Sends one write, once, and gives back whatever was answered.
    pub(crate) async fn write(
        &self,
        operation: &'static Operation,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, Trouble> {
        let mut request = Request::new(self.url(path, &query(operation, "")), method);
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body.to_string());
        }
        let answer = self.exchange(operation, &self.writing, request).await;
        match &answer {
            Ok(answer) => tracing::debug!(operation = operation.name, status = answer.status, "written"),
            Err(trouble) => tracing::debug!(operation = operation.name, %trouble, "no answer"),
        }
        answer
    }

    /// Sends one operation (for a list: one page) when it is its turn.
    async fn ask<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        method: Method,
        url: Url,
    ) -> Result<T, Trouble> {
        let asked = || Request::new(self.versions.address(operation, &url), method);
        let mut answer = self.exchange(operation, &self.pipeline, asked()).await;
        if answer.as_ref().is_ok_and(|answer| self.versions.learn(operation, answer)) {
            answer = self.exchange(operation, &self.pipeline, asked()).await;
        }
        let answer = answer.and_then(|answer| answer.parse(operation));
        if let Err(trouble) = &answer {
            tracing::debug!(service = operation.service, operation = operation.name, %trouble, "no answer");
        }
        answer
    }

    async fn exchange(
        &self,
        operation: &'static Operation,
        pipeline: &Pipeline,
        mut request: Request,
    ) -> Result<Answer, Trouble> {
        // Nobody closes this semaphore, so there is no error to look at.
        let _turn = self.turns.acquire().await.ok();
        self.calls.operation(operation.service);
        request.insert_header("accept", "application/json");
        let context = Context::new();
        let options = PipelineSendOptions { skip_checks: true, ..Default::default() };
        // Boxed because the pipeline's future is large, and all that waits would carry it.
        let sent = Box::pin(pipeline.send(&context, &mut request, Some(options)));
        match within(self.timeout, sent).await {
            (Some(Ok(answer)), _) => Ok(Answer {
                status: u16::from(answer.status()),
                wait: wait(answer.headers()),
                body: answer.body().to_vec(),
            }),
            (Some(Err(error)), last) => Err(Trouble::of(operation, &error, last)),
            (None, last) => Err(Trouble::late(operation, last)),
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// How long to wait before asking again, where the service says so.
    pub(crate) wait: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a success; what else was answered is trouble.
    pub(crate) fn parse<T: DeserializeOwned>(&self, operation: &'static Operation) -> Result<T, Trouble> {
        if !(200..300).contains(&self.status) {
            return Err(self.trouble(operation));
        }
        serde_json::from_slice(&self.body).map_err(|error| Trouble::garbled(operation, &error))
    }

    /// An answer that is not one of success, in the service's words.
    pub(crate) fn trouble(&self, operation: &'static Operation) -> Trouble {
        Trouble::answered(operation, self.status, &self.body)
    }
}

fn wait(headers: &Headers) -> Option<Duration> {
    const DATE: HeaderName = HeaderName::from_static("date");
    retry_after(headers.get_optional_str(&RETRY_AFTER)?, headers.get_optional_str(&DATE), SystemTime::now())
}

fn pipeline(name: &'static str, scope: &str, means: &Means, retry: RetryOptions) -> Pipeline {
    let bearer = Bearer::new(Arc::clone(&means.credential), scope);
    let options = ClientOptions {
        transport: Some(Transport::new(Arc::clone(&means.wire))),
        retry,
        per_try_policies: vec![Arc::new(Attempts::new(name, Arc::clone(&means.calls)))],
        ..Default::default()
    };
    let version = option_env!("CARGO_PKG_VERSION");
    Pipeline::new(Some("pullaudit"), version, options, vec![], vec![Arc::new(bearer)], None)
}

/// `api-version=…` with more of the query behind it.
pub(crate) fn query(operation: &Operation, more: &str) -> String {
    let gap = if more.is_empty() { "" } else { "&" };
    format!("api-version={}{gap}{more}", operation.version)
}

/// What an answer is as a reading. An error code in `absent` says that there is none; `reading` and
/// `scope` word what is missing otherwise.
pub(crate) fn read<T>(
    answer: Result<T, Trouble>,
    absent: &[&str],
    reading: impl Into<Text>,
    scope: impl Into<Text>,
) -> Read<T> {
    match answer {
        Ok(value) => Read::Got(value),
        Err(trouble) if trouble.is(absent) => Read::Absent,
        Err(trouble) => Read::Unread(trouble.open(reading, scope)),
    }
}
