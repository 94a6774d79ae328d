//! What happens on the wire, below the SDK's retries.

use super::trouble::chain;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef, InterceptorContext,
};
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
}

/// Runs one operation, and says how its last failed attempt ended. When time runs out amid retries the
/// SDK's own error says nothing but that.
pub(crate) async fn with_last<T>(operation: impl Future<Output = T>) -> (T, Option<String>) {
    let watched = async {
        let answer = operation.await;
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

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.calls.attempt(self.service);
        Ok(())
    }

    /// The SDK reads XML that breaks off as if what is missing were not set, and a role without its
    /// boundary is another role. An answer of EC2, IAM or STS that does not end is therefore no answer.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !matches!(self.service, "ec2" | "iam" | "sts") {
            return Ok(());
        }
        match context.response().body().bytes() {
            Some(body) if !is_whole(body) => Err("the answer breaks off".into()),
            Some(_) | None => Ok(()),
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

/// Has an answer that breaks off asked for again. The SDK does so only where the connection says that it broke, not
/// where the text alone shows it.
#[derive(Debug)]
pub(crate) struct CutShort;

impl ClassifyRetry for CutShort {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = matches!(context.output_or_error(), Some(Err(_)));
        let answer = context.response().filter(|answer| failed && answer.status().is_success());
        match answer.and_then(|answer| answer.body().bytes()) {
            Some(body) if is_cut(body) => RetryAction::transient_error(),
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "CutShort"
    }
}

/// Whether a document that could not be read ends too early.
fn is_cut(body: &[u8]) -> bool {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => true,
        Some(b'<') => !is_whole(body),
        Some(_) => pullaudit_wire::is_cut_json(body),
    }
}

/// Whether an XML document ends with the end of its root.
fn is_whole(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_end();
    let root = text.split('<').filter(|part| !part.starts_with(['?', '!'])).nth(1).unwrap_or_default();
    let name = root.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    !name.is_empty()
        && (text.ends_with(&format!("</{name}>")) || text.ends_with("/>") && text.matches('<').count() <= 2)
}

#[cfg(test)]
mod tests {
    use super::{is_cut, is_whole};

    #[test]
    fn documents_that_end_early_are_cut() {
        for cut in ["", "<a><b>", r#"{"clusters":["a"#, "[1,"] {
            assert!(is_cut(cut.as_bytes()), "{cut}");
        }
        for whole in ["<html><p></html>", r#"{"clusters":3}"#, "no", "{no}"] {
            assert!(!is_cut(whole.as_bytes()), "{whole}");
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_not_whole() {
        let text = "<?xml version=\"1.0\"?>\n<GetRoleResponse xmlns=\"u\"><GetRoleResult><Role/></GetRoleResult></GetRoleResponse>\n";
        assert!(is_whole(text.as_bytes()));
        for end in 1..text.len() - 2 {
            assert!(!is_whole(&text.as_bytes()[..end]), "{}", &text[..end]);
        }
        assert!(!is_whole(b""));
        assert!(is_whole(b"<Empty/>"));
    }
}
