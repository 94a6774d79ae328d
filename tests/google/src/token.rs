//! Tokens that were given out, and the words for those that were not.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::answer::{Answer, error_info};
use crate::methods::Method;

/// A token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What is sent.
    pub(crate) text: String,
    /// Whose it is: an e-mail, or a federated principal.
    pub(crate) principal: String,
    /// What it reaches.
    pub(crate) scopes: Vec<String>,
    /// When it is over.
    pub(crate) till: Instant,
}

impl Token {
    /// The `number`th token.
    pub(crate) fn new(number: usize, principal: &str, scopes: &[String], life: Duration) -> Self {
        Self {
            // Real ones begin so; whoever looks for leaked tokens finds these.
            text: format!(
                "ya29.fake-{number:06}-{:08x}",
                0x9e37_79b9_usize.wrapping_mul(number + 1) & 0xffff_ffff
            ),
            principal: principal.to_owned(),
            scopes: scopes.to_vec(),
            till: Instant::now() + life,
        }
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.till
    }
}

fn refused(reason: &str, message: &str) -> Answer {
    let metadata = json!({ "service": "googleapis.com" });
    let info = error_info(reason, "googleapis.com", &metadata);
    Answer::detailed(401, "UNAUTHENTICATED", message, &[info])
        .header("www-authenticate", "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"")
}

/// A token that nobody gave out, or of an account that is disabled.
pub(crate) fn unauthenticated() -> Answer {
    refused("ACCESS_TOKEN_TYPE_UNSUPPORTED", "Request had invalid authentication credentials.")
}

/// A token whose time is over.
pub(crate) fn expired() -> Answer {
    refused("ACCESS_TOKEN_EXPIRED", "Request had invalid authentication credentials.")
}

/// No token at all.
pub(crate) fn missing() -> Answer {
    refused("CREDENTIALS_MISSING", "Request is missing required authentication credential.")
}

/// A token whose scopes do not reach the method.
pub(crate) fn weak(method: &Method) -> Answer {
    let metadata = json!({ "service": method.service.host(), "method": method.name });
    let info = error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", &metadata);
    let message = "Request had insufficient authentication scopes.";
    Answer::detailed(403, "PERMISSION_DENIED", message, &[info])
}
