//! Credentials that AWS says have expired, before they themselves say so.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the clients of one account and the source of their credentials tell each other.
#[derive(Debug, Default)]
pub(crate) struct Renewal(Mutex<Refused>);

#[derive(Debug, Default)]
struct Refused {
    /// The access key that was refused, to be replaced.
    stale: Option<String>,
    /// One that was refused and of which the source has no other.
    hopeless: Option<String>,
}

impl Renewal {
    /// Notes that a key was refused; true where another try may get another one.
    pub(crate) fn refuse(&self, key: &str) -> bool {
        let mut refused = self.refused();
        if refused.hopeless.as_deref() == Some(key) {
            return false;
        }
        refused.stale = Some(key.to_owned());
        true
    }

    /// True for a key that was refused and is to be replaced.
    pub(crate) fn is_stale(&self, key: &str) -> bool {
        self.refused().stale.as_deref() == Some(key)
    }

    /// Notes which key the source gave in its place.
    pub(crate) fn renewed(&self, key: &str) {
        let mut refused = self.refused();
        if refused.stale.as_deref() == Some(key) {
            refused.hopeless = refused.stale.take();
        }
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True for an attempt that was refused because its token has expired.
pub(crate) fn is_expired(context: &InterceptorContext) -> bool {
    const CODE: &[u8] = b"ExpiredToken";
    let answer = context.response().filter(|answer| (400..500).contains(&answer.status().as_u16()));
    answer.is_some_and(|answer| {
        let of_header = answer.headers().get("x-amzn-errortype").is_some_and(|code| code.contains("ExpiredToken"));
        let body = answer.body().bytes().unwrap_or_default();
        of_header || body.windows(CODE.len()).any(|part| part == CODE)
    })
}

/// The access key that signed a request.
pub(crate) fn key(request: &HttpRequest) -> Option<&str> {
    request.headers().get("authorization")?.split("Credential=").nth(1)?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::Renewal;

    #[test]
    fn a_refused_key_is_replaced_once() {
        let renewal = Renewal::default();
        assert!(renewal.refuse("A") && renewal.is_stale("A") && !renewal.is_stale("B"));
        // Another key came; a call that was under way with the former one is told to try again, too.
        renewal.renewed("B");
        assert!(renewal.refuse("A") && !renewal.is_stale("B"));
        // The source has no other: there is no use in trying again.
        assert!(renewal.refuse("B"));
        renewal.renewed("B");
        assert!(!renewal.is_stale("B") && !renewal.refuse("B"));
    }
}
