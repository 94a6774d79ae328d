//! What went wrong with one call, in words that hold no secret.

use super::operation::Operation;
use pullaudit_core::{Obstacle, Open, Read, Text};
use pullaudit_wire::scrub;
use serde::Deserialize;
use std::time::Duration;

const NO_ANSWER: &str = "not an answer of this service";

/// Refusals that are not about rights: the API is off, or the project can't be billed for a call.
const NOT_ABOUT_RIGHTS: &[&str] =
    &["SERVICE_DISABLED", "CONSUMER_INVALID", "BILLING_DISABLED", "USER_PROJECT_DENIED"];

/// Which kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A right is missing.
    Refused,
    /// The credentials are absent, expired or wrong.
    Credentials,
    /// The service says that there is no such thing.
    NotFound,
    /// Another change came between reading and writing.
    Conflict,
    /// Busy or broken: the same call may be answered later.
    Passing,
    /// Anything else.
    Failed,
}

/// A call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Trouble {
    operation: &'static Operation,
    /// What kind of failure it is.
    pub(crate) kind: Kind,
    /// Google's status and message, or why there was no answer.
    pub(crate) detail: String,
    /// The API is off in the project.
    api_off: bool,
    /// How long the service asks to wait.
    pub(crate) wait: Option<Duration>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Said,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    reason: String,
}

impl Trouble {
    /// A failure of our own finding, or of the network.
    pub(crate) fn failed(operation: &'static Operation, detail: impl AsRef<str>) -> Self {
        Self::new(operation, Kind::Failed, detail.as_ref())
    }

    /// A failure that may pass.
    pub(crate) fn passing(operation: &'static Operation, detail: impl AsRef<str>) -> Self {
        Self::new(operation, Kind::Passing, detail.as_ref())
    }

    /// There is no token.
    pub(crate) fn no_token(operation: &'static Operation, detail: impl AsRef<str>) -> Self {
        Self::new(operation, Kind::Credentials, detail.as_ref())
    }

    fn new(operation: &'static Operation, kind: Kind, detail: &str) -> Self {
        Self { operation, kind, detail: scrub(detail), api_off: false, wait: None }
    }

    /// An answer that is not one of success. A status without a body of Google's is the word of something
    /// between us and Google, and says nothing about rights or existence.
    pub(crate) fn answered(operation: &'static Operation, status: u16, body: &[u8]) -> Self {
        let said = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error);
        let said = said.filter(|said| !said.status.is_empty());
        let reasons = || said.iter().flat_map(|said| &said.details).map(|detail| detail.reason.as_str());
        let api_off = reasons().any(|reason| reason == "SERVICE_DISABLED");
        let kind = match (status, &said) {
            (401, _) => Kind::Credentials,
            (403, Some(_)) if !reasons().any(|reason| NOT_ABOUT_RIGHTS.contains(&reason)) => Kind::Refused,
            (404, Some(said)) if said.status == "NOT_FOUND" => Kind::NotFound,
            (409, Some(_)) => Kind::Conflict,
            (408 | 429 | 500..=599, _) => Kind::Passing,
            _ => Kind::Failed,
        };
        let detail = match said {
            None => format!("HTTP {status}: {NO_ANSWER}"),
            Some(Said { status, message, .. }) if message.is_empty() => status,
            Some(Said { status, message, .. }) => format!("{status}: {message}"),
        };
        Self { api_off, ..Self::new(operation, kind, &detail) }
    }

    /// The same, with how long the service asks to wait.
    pub(crate) fn to_wait(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }

    /// Whether the API is off in the project, so that nothing of it can be there.
    pub(crate) fn is_api_off(&self) -> bool {
        self.api_off
    }

    /// An answer of success with a body of another shape. The parser's own words may repeat the body, so only the
    /// place is told.
    pub(crate) fn garbled(operation: &'static Operation, error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        let what = if error.is_data() { "not of the expected shape" } else { "not whole JSON" };
        Self::failed(operation, format!("{NO_ANSWER}: {what} at {place}"))
    }

    /// Why a write did not happen: the right that is missing, or what the service said.
    pub(crate) fn wanting(&self) -> String {
        match self.kind {
            Kind::Refused => format!("needs {}: {}", self.operation.permission, self.detail),
            _ => self.detail.clone(),
        }
    }

    /// The reading that is missing because of it.
    pub(crate) fn open(&self, reading: impl Into<Text>, scope: impl Into<Text>) -> Open {
        let obstacle = match self.kind {
            Kind::Refused => Obstacle::Refused,
            _ => Obstacle::Failed(self.detail.as_str().into()),
        };
        Open::unread(reading, self.operation.permission, scope, obstacle)
    }
}

/// What an answer is as a reading. What is not found is absent only where `absent` says that the service hides
/// nothing so.
pub(crate) fn read<T>(
    answer: Result<T, Trouble>,
    absent: bool,
    reading: impl Into<Text>,
    scope: impl Into<Text>,
) -> Read<T> {
    match answer {
        Ok(value) => Read::Got(value),
        Err(trouble) if absent && trouble.kind == Kind::NotFound => Read::Absent,
        Err(trouble) => Read::Unread(trouble.open(reading, scope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::operation::{GET_ACCOUNT, GET_REPOSITORY};

    fn answered(status: u16, body: &str) -> Trouble {
        Trouble::answered(GET_REPOSITORY, status, body.as_bytes())
    }

    #[test]
    fn a_refusal_is_one_only_in_googles_words_and_about_rights() {
        let refused = r#"{"error":{"code":403,"message":"Permission 'x' denied","status":"PERMISSION_DENIED"}}"#;
        assert_eq!(answered(403, refused).kind, Kind::Refused);
        let off = r#"{"error":{"code":403,"message":"API off","status":"PERMISSION_DENIED","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}]}}"#;
        assert_eq!(answered(403, off).kind, Kind::Failed);
        assert_eq!(answered(403, "<html>blocked</html>").kind, Kind::Failed);
        assert_eq!(
            answered(403, refused).open("repository r", "project p").to_string(),
            "repository r: needs artifactregistry.repositories.get in project p"
        );
    }

    #[test]
    fn only_googles_own_404_says_that_there_is_none() {
        let gone = answered(404, r#"{"error":{"code":404,"message":"not found","status":"NOT_FOUND"}}"#);
        assert_eq!(read::<()>(Err(gone.clone()), true, "r", "s"), Read::Absent);
        assert!(matches!(read::<()>(Err(gone), false, "r", "s"), Read::Unread(_)));
        assert!(matches!(read::<()>(Err(answered(404, "nginx")), true, "r", "s"), Read::Unread(_)));
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for status in [408, 429, 500, 503] {
            assert_eq!(answered(status, "").kind, Kind::Passing, "{status}");
        }
        assert_eq!(answered(401, "{}").kind, Kind::Credentials);
        assert_eq!(answered(400, "{}").kind, Kind::Failed);
        let stale = answered(409, r#"{"error":{"status":"ABORTED","message":"There were concurrent changes"}}"#);
        assert_eq!(
            (stale.kind, stale.wanting().as_str()),
            (Kind::Conflict, "ABORTED: There were concurrent changes")
        );
    }

    #[test]
    fn no_body_is_repeated() {
        let error = serde_json::from_str::<u32>(r#""SECRET""#).err();
        let detail = error.map(|error| Trouble::garbled(GET_ACCOUNT, &error).detail).unwrap_or_default();
        assert_eq!(detail, format!("{NO_ANSWER}: not of the expected shape at line 1, column 8"));
    }
}
