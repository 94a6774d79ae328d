//! What went wrong with one call, in words that hold no secret.

use super::blocked::{self, Detail};
use super::operation::Operation;
use pullaudit_core::{Obstacle, Open, Read, Text};
use pullaudit_wire::scrub;
use serde::Deserialize;
use std::time::Duration;

const NO_ANSWER: &str = "not an answer of this service";

/// Which kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A right is missing.
    Refused,
    /// Something refused that no right cures: a perimeter, a project that is not there, an API that is off.
    Blocked,
    /// The credentials are absent, expired or wrong.
    Credentials,
    /// The service says that there is no such thing.
    NotFound,
    /// The service does not take the call as it is.
    Invalid,
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
    /// The project in which the API is off, `projects/NUMBER`; `None` where it is on.
    api_off: Option<String>,
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
        Self { operation, kind, detail: scrub(detail), api_off: None, wait: None }
    }

    /// An answer that is not one of success. A status without a body of Google's is the word of something
    /// between us and Google, and says nothing about rights or existence.
    pub(crate) fn answered(operation: &'static Operation, status: u16, body: &[u8]) -> Self {
        let said = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error);
        let said = said.filter(|said| !said.status.is_empty());
        let details = said.as_ref().map_or(&[][..], |said| &said.details);
        let message = said.as_ref().map_or("", |said| said.message.as_str());
        let off = details.iter().find(|detail| detail.reason == "SERVICE_DISABLED");
        let api_off = off.map(|detail| detail.consumer().to_owned());
        let api = format!("{}.googleapis.com", operation.service);
        let blocked = blocked::words(message, details, &api).filter(|_| matches!(status, 400 | 403 | 404));
        let kind = match (status, &said) {
            (401, _) => Kind::Credentials,
            (_, Some(_)) if blocked.is_some() => Kind::Blocked,
            (403, Some(_)) => Kind::Refused,
            (404, Some(said)) if said.status == "NOT_FOUND" => Kind::NotFound,
            (400, Some(_)) => Kind::Invalid,
            (409, Some(_)) => Kind::Conflict,
            (408 | 429 | 500..=599, _) => Kind::Passing,
            _ => Kind::Failed,
        };
        let detail = match (blocked, said) {
            (Some(words), _) => words,
            (None, None) => format!("HTTP {status}: {NO_ANSWER}"),
            (None, Some(Said { status, message, .. })) if message.is_empty() => status,
            (None, Some(Said { status, message, .. })) => format!("{status}: {message}"),
        };
        Self { api_off, ..Self::new(operation, kind, &detail) }
    }

    /// The same, with how long the service asks to wait.
    pub(crate) fn with_wait(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }

    /// `projects/NUMBER` of the project in which the API is off. It may be that of the credentials, which tells nothing
    /// of the project that was asked about.
    pub(crate) fn api_off(&self) -> Option<&str> {
        self.api_off.as_deref()
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
            Kind::Blocked => Obstacle::Blocked(self.detail.as_str().into()),
            Kind::Credentials => Obstacle::Blocked(blocked::credentials(&self.detail).into()),
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
        assert_eq!(answered(403, off).kind, Kind::Blocked);
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
        assert_eq!(answered(400, r#"{"error":{"status":"INVALID_ARGUMENT"}}"#).kind, Kind::Invalid);
        let stale = answered(409, r#"{"error":{"status":"ABORTED","message":"There were concurrent changes"}}"#);
        assert_eq!(
            (stale.kind, stale.wanting().as_str()),
            (Kind::Conflict, "ABORTED: There were concurrent changes")
        );
    }

    #[test]
    fn what_no_right_cures_has_its_own_words() {
        let of = |reason: &str, metadata: &str| {
            let info = format!(r#"{{"reason":"{reason}","metadata":{metadata}}}"#);
            let body = format!(
                r#"{{"error":{{"status":"PERMISSION_DENIED","message":"Request is prohibited","details":[{info}]}}}}"#
            );
            answered(403, &body).open("repository r", "project p").to_string()
        };
        for (reason, metadata, words) in [
            (
                "SECURITY_POLICY_VIOLATED",
                r#"{"uid":"abc"}"#,
                "VPC Service Controls refused the call (violation abc)",
            ),
            ("CONSUMER_INVALID", r#"{"consumer":"projects/7"}"#, "project 7 does not exist, is being deleted"),
            (
                "SERVICE_DISABLED",
                r#"{"service":"iam.googleapis.com","consumer":"projects/7"}"#,
                "gcloud services enable iam.googleapis.com --project 7",
            ),
            ("BILLING_DISABLED", r#"{"consumer":"projects/7"}"#, "billing is disabled for project 7"),
            ("USER_PROJECT_DENIED", r#"{"consumer":"projects/7"}"#, "may not use quota project 7"),
        ] {
            let text = of(reason, metadata);
            assert!(text.contains(words) && !text.contains("needs "), "{reason}: {text}");
        }
        let gone =
            answered(404, r#"{"error":{"status":"NOT_FOUND","message":"Project 'p' not found or deleted."}}"#);
        assert!(matches!(gone.open("r", "s"), Open::Unread { obstacle: Obstacle::Blocked(_), .. }));
        let ended = answered(401, r#"{"error":{"status":"UNAUTHENTICATED","message":"expired"}}"#);
        assert!(ended.open("r", "s").to_string().contains("sign in again"));
    }

    #[test]
    fn no_body_is_repeated() {
        let error = serde_json::from_str::<u32>(r#""SECRET""#).err();
        let detail = error.map(|error| Trouble::garbled(GET_ACCOUNT, &error).detail).unwrap_or_default();
        assert_eq!(detail, format!("{NO_ANSWER}: not of the expected shape at line 1, column 8"));
    }
}
