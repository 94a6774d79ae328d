//! What happens on the wire, below the SDK's retries.

use super::renewal::{self, Renewal};
use super::required::{defect, is_whole};
use super::trouble::chain;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, Error,
    FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::{Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use pullaudit_core::Calls;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

tokio::task_local! {
    /// How the last attempt of the operation under way ended, where it failed.
    static LAST: RefCell<Option<String>>;
    /// With which access key it was signed.
    static SIGNED: RefCell<Option<String>>;
}

/// Runs one operation, and says how its last failed attempt ended. When time runs out amid retries the
/// SDK's own error says nothing but that.
pub(crate) async fn with_last<T>(operation: impl Future<Output = T>) -> (T, Option<String>) {
    let watched = async {
        let answer = operation.await;
        (answer, LAST.with(RefCell::take))
    };
    SIGNED.scope(RefCell::new(None), LAST.scope(RefCell::new(None), watched)).await
}

/// Counts attempts, retries included, and notes why one failed.
#[derive(Clone)]
pub(crate) struct Attempts {
    service: &'static str,
    calls: Arc<Calls>,
    renewal: Arc<Renewal>,
}

impl Attempts {
    pub(crate) fn new(service: &'static str, calls: Arc<Calls>, renewal: Arc<Renewal>) -> Self {
        Self { service, calls, renewal }
    }
}

impl Attempts {
    /// Says that the key of the last attempt was refused; true where another try may get another one.
    fn may_renew(&self) -> bool {
        let key = SIGNED.try_with(|signed| signed.borrow().clone()).ok().flatten();
        key.is_some_and(|key| self.renewal.refuse(&key))
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.calls.attempt(self.service);
        let key = renewal::key(context.request()).map(str::to_owned);
        let _ = SIGNED.try_with(|signed| signed.replace(key));
        Ok(())
    }

    /// The SDK takes a field that an answer lacks for one that is not set, and a list that is not there for an empty one.
    /// An answer that lacks what such answers always have is therefore no answer.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let Some(body) = response.body().bytes().filter(|_| response.status().is_success()) else { return Ok(()) };
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        match defect(self.service, operation, body) {
            Some(defect) => Err(defect.into()),
            None => Ok(()),
        }
    }

    fn read_after_attempt(
        &self,
        attempt: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = attempt.output_or_error() else { return Ok(()) };
        let why = match (error.as_connector_error(), attempt.response()) {
            (Some(connector), _) => chain(connector),
            (None, Some(response)) => format!("HTTP {}", response.status().as_u16()),
            (None, None) => return Ok(()),
        };
        tracing::debug!(service = self.service, why, "the attempt failed");
        // Outside of an operation of ours (a role that is assumed by the SDK itself) nobody listens.
        let _ = LAST.try_with(|last| last.replace(Some(why)));
        Ok(())
    }
}

/// An answer that is none is asked for again, as one that breaks off on the wire is; and with other credentials, what was
/// refused because a token has expired.
impl ClassifyRetry for Attempts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let is_ours = |error: &OrchestratorError<Error>| error.is_interceptor_error();
        match context.output_or_error() {
            Some(Err(error)) if is_ours(error) || breaks_off(context) => RetryAction::transient_error(),
            Some(Err(_)) if renewal::is_expired(context) && self.may_renew() => RetryAction::client_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "answers that lack something"
    }
}

/// Whether an answer could not be read since it ends too early. The SDK sees that only where the connection says that it
/// broke, not where the text alone shows it.
fn breaks_off(context: &InterceptorContext) -> bool {
    let answer = context.response().filter(|answer| answer.status().is_success());
    answer.and_then(|answer| answer.body().bytes()).is_some_and(is_cut)
}

fn is_cut(body: &[u8]) -> bool {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => true,
        Some(b'<') => !is_whole(body),
        Some(_) => pullaudit_wire::is_cut_json(body),
    }
}

#[cfg(test)]
mod tests {
    use super::is_cut;

    #[test]
    fn documents_that_end_early_are_cut() {
        for cut in ["", "<a><b>", r#"{"clusters":["a"#, "[1,"] {
            assert!(is_cut(cut.as_bytes()), "{cut}");
        }
        for whole in ["<html><p></html>", r#"{"clusters":3}"#, "no", "{no}"] {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
    }
}
