//! Calls and answers, and the words in which Resource Manager refuses.

use serde_json::{Value, json};

/// A request, read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `GET`, …
    pub(crate) method: String,
    /// As it was sent, `%` sequences decoded.
    pub(crate) path: String,
    /// Decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    /// What follows `Bearer `; `None` without such a header.
    pub(crate) token: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// A query parameter; case plays no part in its name.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The parts of the path.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// The query as one text, decoded.
    pub(crate) fn query_text(&self) -> String {
        let pairs: Vec<_> = self.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join("&")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// JSON, if there is a body.
    pub(crate) body: Option<Value>,
    /// More headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The fake does not know what was asked for. No test means to get there.
    pub(crate) stranger: bool,
}

/// An answer, or the refusal that ended the way to it.
pub(crate) type Outcome = Result<Answer, Answer>;

impl Answer {
    /// A body with a status.
    pub(crate) fn with(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new(), stranger: false }
    }

    /// `200` with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    /// No body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: None, headers: Vec::new(), stranger: false }
    }

    /// An error in the shape of Resource Manager and of Graph.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::with(status, json!({ "error": { "code": code, "message": message } }))
    }

    /// An error that says that the fake does not know what was asked for.
    pub(crate) fn stranger(status: u16, code: &str, message: &str) -> Self {
        Self { stranger: true, ..Self::error(status, code, message) }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}
