//! Calls and answers, and the words in which Google refuses.

use serde_json::{Map, Value, json};

use crate::service::Service;

/// A request, read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Whose door it came to.
    pub(crate) service: Service,
    /// `GET`, …
    pub(crate) verb: String,
    /// The segments of the path, each decoded on its own: a resource's name may hold `%2F`.
    pub(crate) path: Vec<String>,
    /// Decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    /// What follows `Bearer `; `None` without such a header.
    pub(crate) token: Option<String>,
    /// `x-goog-user-project`.
    pub(crate) quota_project: Option<String>,
    /// `content-type`, without its parameters.
    pub(crate) content_type: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// A query parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The query as one text, decoded.
    pub(crate) fn query_text(&self) -> String {
        let pairs: Vec<_> = self.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join("&")
    }

    /// The path as one text, decoded.
    pub(crate) fn path_text(&self) -> String {
        format!("/{}", self.path.join("/"))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// JSON, or text of something that is not Google.
    pub(crate) body: Content,
    /// More headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The fake does not know what was asked for. No client means to get there.
    pub(crate) stranger: bool,
}

/// A body.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// JSON.
    Json(Value),
    /// A page for people.
    Html(&'static str),
}

impl Content {
    /// What is sent.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Json(value) => value.to_string(),
            Self::Html(text) => (*text).to_owned(),
        }
    }
}

/// An answer, or the refusal that ended the way to it.
pub(crate) type Outcome = Result<Answer, Answer>;

impl Answer {
    /// A body with a status.
    pub(crate) fn with(status: u16, body: Value) -> Self {
        Self { status, body: Content::Json(body), headers: Vec::new(), stranger: false }
    }

    /// `200` with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    /// A page of something between us and Google: no JSON.
    pub(crate) fn page(status: u16, text: &'static str) -> Self {
        Self { body: Content::Html(text), ..Self::with(status, Value::Null) }
    }

    /// An error in Google's shape, with details.
    pub(crate) fn detailed(status: u16, code: &str, message: &str, details: &[Value]) -> Self {
        let mut error = Map::new();
        error.insert("code".to_owned(), json!(status));
        error.insert("message".to_owned(), json!(message));
        error.insert("status".to_owned(), json!(code));
        if !details.is_empty() {
            error.insert("details".to_owned(), json!(details));
        }
        Self::with(status, json!({ "error": error }))
    }

    /// An error in Google's shape.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::detailed(status, code, message, &[])
    }

    /// `400 INVALID_ARGUMENT` of something that is a fault of the caller's data, not of the client's grammar.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::error(400, "INVALID_ARGUMENT", message)
    }

    /// `404 NOT_FOUND` in the usual words.
    pub(crate) fn not_found() -> Self {
        Self::error(404, "NOT_FOUND", "Requested entity was not found.")
    }

    /// An error of the token end points (RFC 6749).
    pub(crate) fn oauth(error: &str, description: &str) -> Self {
        Self::with(400, json!({ "error": error, "error_description": description }))
    }

    /// Says that the fake does not know what was asked for.
    pub(crate) fn stranger(self) -> Self {
        Self { stranger: true, ..self }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The machine's half of an error.
pub(crate) fn error_info(reason: &str, domain: &str, metadata: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    })
}
