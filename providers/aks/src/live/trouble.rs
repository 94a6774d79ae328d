//! What went wrong with one call, in words that hold no secret.

use super::operation::Operation;
use azure_core::error::ErrorKind;
use pullaudit_core::{Obstacle, Open, Text};
use pullaudit_wire::scrub;
use serde::Deserialize;
use std::error::Error;

const NO_ANSWER: &str = "not an answer of this service";

/// What `azure_core` puts before a cause that says more.
const GENERIC: &[&str] = &[
    "non-transport error occurred",
    "retry policy expired",
    "failed to execute",
    "Multiple errors were encountered",
];

const UNREADABLE: &str = "the answer holds no token";

/// Which kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A right is missing.
    Refused,
    /// The credentials are absent, expired or wrong.
    Credentials,
    /// Something refused that no right cures.
    Blocked,
    /// Anything else.
    Failed,
}

/// A call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Trouble {
    operation: &'static Operation,
    code: String,
    /// What kind of failure it is.
    pub(crate) kind: Kind,
    /// Azure's code and message, or why there was no answer.
    pub(crate) detail: String,
}

/// Codes of refusals that no right cures, each with what to do about it.
///
/// Source: Microsoft Learn, "Common error codes" of Resource Manager.
const BLOCKED: &[(&str, &str)] = &[
    ("SubscriptionNotFound", "check its id, or sign in to its tenant (az login --tenant TENANT)"),
    ("InvalidSubscriptionId", "check its id"),
    ("DisabledSubscription", "its owner must enable it again in the Azure portal"),
    ("SubscriptionDisabled", "its owner must enable it again in the Azure portal"),
    ("ReadOnlyDisabledSubscription", "its owner must enable it again in the Azure portal"),
    ("InvalidAuthenticationTokenTenant", "sign in to the tenant of the subscription (az login --tenant TENANT)"),
    ("NoRegisteredProviderFound", NO_VERSION),
    ("InvalidApiVersionParameter", NO_VERSION),
    ("UnsupportedApiVersion", NO_VERSION),
];

const NO_VERSION: &str =
    "this cloud or region does not offer the API version that pullaudit asks for: update pullaudit";
const SIGN_IN: &str = "sign in again (az login), or renew the credentials in the environment";

/// How Resource Manager and Graph word an error; some resource providers leave the wrapper out.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Wrapped { error: Said },
    Bare(Said),
}

#[derive(Deserialize)]
struct Said {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

impl Trouble {
    /// Reads the pipeline's error: nothing usable came over the wire; `last` is how the last attempt ended.
    pub(crate) fn of(operation: &'static Operation, error: &azure_core::Error, last: Option<String>) -> Self {
        let (kind, detail) = match error.kind() {
            ErrorKind::Credential => (Kind::Credentials, no_token(error, last)),
            _ => (Kind::Failed, chain(error)),
        };
        Self { operation, code: String::new(), kind, detail }
    }

    /// Time ran out; `last` is how the last attempt on the wire ended.
    pub(crate) fn late(operation: &'static Operation, last: Option<String>) -> Self {
        let last = last.map(|why| format!("; the last attempt: {why}")).unwrap_or_default();
        Self::failed(operation, format!("no answer in time{last}"))
    }

    /// A failure of our own finding: an answer that can't be right.
    pub(crate) fn failed(operation: &'static Operation, detail: impl Into<String>) -> Self {
        Self { operation, code: String::new(), kind: Kind::Failed, detail: scrub(&detail.into()) }
    }

    /// An answer that is not one of success. A status without a code of Azure's is the word of
    /// something between us and Azure, and says nothing about rights.
    pub(crate) fn answered(operation: &'static Operation, status: u16, body: &[u8]) -> Self {
        let said = match serde_json::from_slice(body) {
            Ok(ErrorBody::Wrapped { error } | ErrorBody::Bare(error)) if !error.code.is_empty() => Some(error),
            _ => None,
        };
        let blocked = said.as_ref().is_some_and(|said| BLOCKED.iter().any(|(code, _)| *code == said.code));
        let kind = match (status, &said) {
            (500.., _) => Kind::Failed,
            _ if blocked => Kind::Blocked,
            (401, _) => Kind::Credentials,
            (403, Some(_)) => Kind::Refused,
            _ => Kind::Failed,
        };
        let (code, detail) = match said {
            None => (String::new(), format!("HTTP {status}: {NO_ANSWER}")),
            Some(Said { code, message }) => {
                let message = message.filter(|text| !text.is_empty()).map(|text| format!(": {text}"));
                let detail = format!("{code}{}", message.unwrap_or_default());
                (code, detail)
            }
        };
        Self { operation, code, kind, detail: scrub(&detail) }
    }

    /// An answer of success with a body of another shape. The parser's own words may repeat the body,
    /// so only the place is told.
    pub(crate) fn garbled(operation: &'static Operation, error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        let what = if error.is_data() { "not of the expected shape" } else { "not whole JSON" };
        Self::failed(operation, format!("{NO_ANSWER}: {what} at {place}"))
    }

    /// True when Azure answered with one of these codes.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    /// Why a write did not happen: the right that is missing, or what the service said.
    pub(crate) fn wanting(&self) -> String {
        match self.kind {
            Kind::Refused => format!("needs {}: {}", self.operation.action, self.detail),
            Kind::Blocked | Kind::Credentials => self.advice(),
            Kind::Failed => self.detail.clone(),
        }
    }

    /// What refused, and what to do about it.
    fn advice(&self) -> String {
        let advice = BLOCKED.iter().find(|(code, _)| *code == self.code).map_or(SIGN_IN, |(_, advice)| advice);
        format!("{}; {advice}", self.detail.trim_end_matches('.'))
    }

    /// The reading that is missing because of it.
    pub(crate) fn open(&self, reading: impl Into<Text>, scope: impl Into<Text>) -> Open {
        let obstacle = match self.kind {
            Kind::Refused => Obstacle::Refused,
            Kind::Blocked | Kind::Credentials => Obstacle::Blocked(self.advice().into()),
            Kind::Failed => Obstacle::Failed(self.detail.as_str().into()),
        };
        Open::unread(reading, self.operation.action, scope, obstacle)
    }
}

/// Why there is no token: the source's words, or where it could not read the answer, those of `last`.
pub(crate) fn no_token(error: &azure_core::Error, last: Option<String>) -> String {
    let detail = chain(error);
    if detail == UNREADABLE { last.unwrap_or(detail) } else { detail }
}

/// The error and its causes, as one line. What could not be read as a token is not repeated.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let ours = error.downcast_ref::<azure_core::Error>();
        if ours.is_some_and(|error| matches!(error.kind(), ErrorKind::DataConversion)) {
            return UNREADABLE.to_owned();
        }
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        // `azure_identity` names the credential, which our own words do, and repeats the cause.
        let part = text.split_once(" authentication failed. ").map_or(text, |(_, cause)| cause).trim().to_owned();
        let said = part.is_empty() || parts.iter().any(|known| known.contains(&part));
        if !said && !GENERIC.iter().any(|generic| part.starts_with(generic)) {
            parts.push(part);
        }
        next = error.source();
    }
    scrub(&parts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::operation::{GET_ROLE_DEFINITION, LIST_REGISTRIES};

    fn answered(status: u16, body: &str) -> Trouble {
        Trouble::answered(LIST_REGISTRIES, status, body.as_bytes())
    }

    #[test]
    fn a_refusal_is_one_only_with_a_code_of_azures() {
        let refused =
            answered(403, r#"{"error":{"code":"AuthorizationFailed","message":"The client … does not"}}"#);
        assert_eq!(refused.kind, Kind::Refused);
        let open = refused.open("container registries of S", "subscription S");
        assert_eq!(
            open.to_string(),
            "container registries of S: needs Microsoft.ContainerRegistry/registries/read in subscription S"
        );
        assert_eq!(answered(403, "<html>blocked</html>").kind, Kind::Failed);
        assert_eq!(answered(403, "<html>blocked</html>").detail, format!("HTTP 403: {NO_ANSWER}"));
        assert_eq!(answered(403, r#"{"code":"X","message":null}"#).kind, Kind::Refused);
    }

    #[test]
    fn other_statuses_are_failures_and_401_is_the_credentials() {
        assert_eq!(answered(401, "").kind, Kind::Credentials);
        let gone = answered(
            404,
            r#"{"error":{"code":"SubscriptionNotFound","message":"The subscription 'S' could not be found."}}"#,
        );
        assert_eq!(gone.kind, Kind::Blocked);
        assert!(gone.is(&["SubscriptionNotFound"]));
        let told = gone.open("clusters", "subscription S").to_string();
        assert!(
            told.starts_with("clusters: SubscriptionNotFound: The subscription 'S' could not be found; check"),
            "{told}"
        );
        assert_eq!(answered(200, "{}").kind, Kind::Failed);
    }

    #[test]
    fn what_no_right_cures_is_blocked_with_its_own_advice() {
        for (status, code, advice) in [
            (401, "ExpiredAuthenticationToken", "sign in again"),
            (401, "InvalidAuthenticationTokenTenant", "az login --tenant"),
            (403, "DisabledSubscription", "enable it again"),
            (409, "ReadOnlyDisabledSubscription", "enable it again"),
            (404, "SubscriptionNotFound", "check its id"),
            (400, "NoRegisteredProviderFound", "API version"),
        ] {
            let trouble = answered(status, &format!(r#"{{"error":{{"code":"{code}","message":"Said."}}}}"#));
            let Open::Unread { obstacle: Obstacle::Blocked(why), .. } = trouble.open("r", "s") else {
                unreachable!("{code}: {trouble:?}")
            };
            assert!(why.starts_with(&format!("{code}: Said; ")) && why.contains(advice), "{why}");
            assert!(!trouble.open("r", "s").to_string().contains("needs"), "{code}");
        }
        assert_eq!(answered(503, r#"{"error":{"code":"SubscriptionNotFound"}}"#).kind, Kind::Failed);
    }

    #[test]
    fn what_could_not_be_parsed_is_not_repeated() {
        let error = serde_json::from_str::<u32>(r#""SECRET""#).err();
        let trouble = error.map(|error| Trouble::garbled(GET_ROLE_DEFINITION, &error));
        let detail = trouble.map(|trouble| trouble.detail).unwrap_or_default();
        assert_eq!(detail, format!("{NO_ANSWER}: not of the expected shape at line 1, column 8"));
        let inner = azure_core::Error::with_message(ErrorKind::DataConversion, "invalid type: SECRET");
        let outer = azure_core::Error::with_error(ErrorKind::Credential, inner, "AzureCliCredential: SECRET");
        assert_eq!(chain(&outer), "the answer holds no token");
    }

    #[test]
    fn causes_are_one_line_without_what_says_nothing() {
        let io = std::io::Error::other("connection refused");
        let sent = azure_core::Error::with_error(ErrorKind::Io, io, "no connection to x");
        let kept = sent.with_context("retry policy expired and the request will no longer be retried");
        assert_eq!(chain(&kept), "no connection to x: connection refused");
        let told = format!("ClientSecretCredential authentication failed. {kept}\nTo troubleshoot, visit x");
        let told = azure_core::Error::with_error(ErrorKind::Credential, kept, told);
        assert_eq!(chain(&told), "no connection to x: connection refused");
    }
}
