//! What went wrong with one call, in words that hold no secret.

use super::blocked;
use super::operation::Operation;
use super::required::Defect;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pullaudit_core::{Obstacle, Open, Text};
use pullaudit_wire::scrub;
use std::error::Error;

/// Error codes by which AWS says that a right is missing.
const REFUSED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "NotAuthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

/// Error codes by which AWS says that the credentials themselves are no good.
const BAD_CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes whose messages repeat the request, and with it its security token and signature.
const SPILLS: &[&str] =
    &["IncompleteSignature", "InvalidSignatureException", "MissingAuthenticationToken", "SignatureDoesNotMatch"];

const NO_ANSWER: &str = "not an answer of this service";

/// What the SDK puts before a cause that says more.
const GENERIC: &str = "an error occurred while loading credentials: ";

/// Which kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A right is missing.
    Refused,
    /// A policy refuses that no right outweighs.
    Policy,
    /// The credentials are absent, expired or wrong.
    Credentials,
    /// The region is not enabled, or the account is suspended.
    Closed,
    /// Anything else.
    Failed,
}

/// A call that gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Trouble {
    operation: &'static Operation,
    code: String,
    /// AWS itself failed.
    server: bool,
    /// What kind of failure it is.
    pub(crate) kind: Kind,
    /// AWS's code and message, or why there was no answer.
    pub(crate) detail: String,
}

impl Trouble {
    /// Reads the SDK's error; `last` is how the last attempt on the wire ended.
    pub(crate) fn of<E>(
        operation: &'static Operation,
        error: &SdkError<E, HttpResponse>,
        last: Option<String>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                Self::answered(operation, answer.err().code(), answer.err().message(), status)
            }
            SdkError::TimeoutError(_) => {
                let last = last.map(|why| format!("; the last attempt: {why}")).unwrap_or_default();
                Self::failed(operation, format!("no answer in time{last}"))
            }
            SdkError::ResponseError(answer) => {
                let why = source::<Defect>(error).map_or_else(|| NO_ANSWER.to_owned(), ToString::to_string);
                Self::failed(operation, format!("HTTP {}: {why}", answer.raw().status().as_u16()))
            }
            other => match source::<CredentialsError>(other) {
                Some(credentials) => {
                    let detail = credentials_detail(credentials);
                    Self { operation, code: String::new(), server: false, kind: Kind::Credentials, detail }
                }
                None => Self::failed(operation, blocked::connection(&chain(other))),
            },
        }
    }

    /// A failure of our own finding: an answer that can't be right.
    pub(crate) fn failed(operation: &'static Operation, detail: impl Into<String>) -> Self {
        Self { operation, code: String::new(), server: false, kind: Kind::Failed, detail: scrub(&detail.into()) }
    }

    fn answered(operation: &'static Operation, code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        let code = code.unwrap_or_default();
        let kind = if BAD_CREDENTIALS.contains(&code) {
            Kind::Credentials
        } else if blocked::is_closed(code, message.unwrap_or_default()) {
            Kind::Closed
        } else if REFUSED.contains(&code) || matches!(status, 401 | 403) {
            if blocked::by_policy(message.unwrap_or_default()).is_some() { Kind::Policy } else { Kind::Refused }
        } else {
            Kind::Failed
        };
        let message = message.filter(|text| !text.is_empty() && !SPILLS.contains(&code));
        let detail = match (code, message) {
            ("", None) if status < 300 => format!("HTTP {status}: {NO_ANSWER}"),
            ("", None) => format!("HTTP {status}"),
            ("", Some(message)) => format!("HTTP {status}: {message}"),
            (code, None) => code.to_owned(),
            (code, Some(message)) => format!("{code}: {message}"),
        };
        Self { operation, code: code.to_owned(), server: status >= 500, kind, detail: scrub(&detail) }
    }

    /// A failure as AWS answers it.
    #[cfg(test)]
    pub(crate) fn coded(operation: &'static Operation, code: &str, message: &str) -> Self {
        Self::answered(operation, Some(code), Some(message), 400)
    }

    /// True when AWS answered with one of these codes.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    /// True when nothing was done: AWS said no, or the credentials were no good. Not where AWS itself failed or no
    /// answer came.
    pub(crate) fn is_refusal(&self) -> bool {
        self.kind != Kind::Failed || (!self.code.is_empty() && !self.server)
    }

    /// The right that is missing, where that is what AWS said.
    pub(crate) fn missing_right(&self) -> Option<&'static str> {
        (self.kind == Kind::Refused).then_some(self.operation.action)
    }

    /// The reading that is missing because of it.
    pub(crate) fn open(&self, reading: impl Into<Text>, scope: impl Into<Text>) -> Open {
        let obstacle = match self.kind {
            Kind::Refused => Obstacle::Refused,
            Kind::Policy => Obstacle::Blocked(blocked::policy_advice(&self.detail).into()),
            Kind::Credentials => Obstacle::Blocked(blocked::credentials_advice(&self.detail).into()),
            Kind::Closed => Obstacle::Blocked(blocked::closed_advice(&self.code, &self.detail).into()),
            Kind::Failed => Obstacle::Failed(self.detail.as_str().into()),
        };
        Open::unread(reading, self.operation.action, scope, obstacle)
    }

    /// The same of a policy of the organization: that one was refused, or blocked by such a policy, may be assumed.
    pub(crate) fn open_above(&self, reading: impl Into<Text>, scope: impl Into<Text>) -> Open {
        let by_policy = matches!(self.kind, Kind::Refused | Kind::Policy);
        match self.open(reading, scope) {
            Open::Unread { reading, permission, scope, obstacle, .. } => {
                Open::Unread { reading, permission, scope, assumable: by_policy, obstacle }
            }
            undecidable @ Open::Undecidable { .. } => undecidable,
        }
    }
}

/// What a credential source said. The output of a `credential_process` is left out: it may hold the
/// very keys.
pub(crate) fn credentials_detail(error: &CredentialsError) -> String {
    // Its own text says no more than that credentials could not be loaded.
    let text = causes(error.source().unwrap_or(error));
    let end = ["Stderr:", "could not parse response"].iter().filter_map(|mark| text.find(mark)).min();
    let shown = end.map_or(text.as_str(), |end| text[..end].trim_end_matches([' ', '.', ',']));
    // The chain lists all of its sources; those that are not set up say nothing.
    let telling = |line: &&str| !line.is_empty() && !line.contains("provider was not enabled");
    let lines: Vec<&str> = shown.lines().map(str::trim).filter(telling).collect();
    let text = lines.join("; ").replace(GENERIC, "");
    let cut = if end.is_some() { " (its output is not shown)" } else { "" };
    match text.trim_end_matches(". Attempted:").trim() {
        "" if cut.is_empty() => "none were found".to_owned(),
        text => scrub(&format!("{text}{cut}")),
    }
}

/// The error and its causes, as one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    scrub(&causes(error))
}

fn causes(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !parts.iter().any(|known| known.contains(&part)) {
            parts.push(part);
        }
        next = error.source();
    }
    parts.join(": ")
}

fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::operation::GET_ROLE;

    #[test]
    fn a_message_that_repeats_the_request_is_left_out() {
        let spilled = Some("The Canonical String … x-amz-security-token:SECRET");
        let trouble = Trouble::answered(GET_ROLE, Some("SignatureDoesNotMatch"), spilled, 403);
        assert_eq!(trouble.kind, Kind::Credentials);
        assert_eq!(trouble.detail, "SignatureDoesNotMatch");
    }

    #[test]
    fn the_status_decides_where_no_code_is_known() {
        assert_eq!(Trouble::answered(GET_ROLE, None, None, 403).kind, Kind::Refused);
        assert_eq!(Trouble::answered(GET_ROLE, None, None, 501).detail, "HTTP 501");
    }

    #[test]
    fn a_refusal_that_no_right_cures_is_blocked() {
        let denied = |message: &str| Trouble::answered(GET_ROLE, Some("AccessDenied"), Some(message), 403);
        let user = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:GetRole on resource: role b";
        for (why, kind) in [
            ("because no identity-based policy allows the iam:GetRole action", Kind::Refused),
            ("because no resource-based policy allows the iam:GetRole action", Kind::Refused),
            ("", Kind::Refused),
            ("with an explicit deny in a service control policy", Kind::Policy),
            ("with an explicit deny in a resource control policy", Kind::Policy),
            ("with an explicit deny in an identity-based policy", Kind::Policy),
            ("with an explicit deny in a VPC endpoint policy", Kind::Policy),
            ("because no service control policy allows the iam:GetRole action", Kind::Policy),
            ("because no permissions boundary allows the iam:GetRole action", Kind::Policy),
            ("because no session policy allows the iam:GetRole action", Kind::Policy),
        ] {
            assert_eq!(denied(&format!("{user} {why}")).kind, kind, "{why}");
        }
        for (code, kind) in [
            ("ExpiredToken", Kind::Credentials),
            ("UnrecognizedClientException", Kind::Credentials),
            ("OptInRequired", Kind::Closed),
            ("RegionDisabledException", Kind::Closed),
            ("AccountSuspendedException", Kind::Closed),
            ("ThrottlingException", Kind::Failed),
        ] {
            let trouble = Trouble::answered(GET_ROLE, Some(code), Some("said"), 400);
            assert_eq!(trouble.kind, kind, "{code}");
            let open = trouble.open("role b", "account 1");
            let blocked = matches!(&open, Open::Unread { obstacle: Obstacle::Blocked(_), .. });
            assert_eq!(blocked, kind != Kind::Failed, "{open}");
            assert!(!trouble.open_above("role b", "account 1").is_assumable(), "{code}");
        }
        let policy = denied(&format!("{user} with an explicit deny in a service control policy"));
        assert!(policy.open_above("x", "y").is_assumable());
        assert!(policy.open("x", "y").to_string().contains("its owner"), "{}", policy.open("x", "y"));
    }

    #[test]
    fn output_of_a_credential_process_is_not_repeated() {
        let said = CredentialsError::provider_error("process exited with code 1. Stderr: key AKIASECRET");
        let detail = credentials_detail(&said);
        assert_eq!(detail, "process exited with code 1 (its output is not shown)");
        let nobody =
            "no credentials found in chain. Attempted:\n  Environment: the credential provider was not enabled";
        assert_eq!(credentials_detail(&CredentialsError::not_loaded(nobody)), "no credentials found in chain");
    }
}
