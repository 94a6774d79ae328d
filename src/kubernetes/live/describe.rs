//! Errors of kube for people, without what a credential plugin printed.

use kube::client::AuthError;
use std::error::Error;

/// The longest piece of a plugin's own message that is shown.
const LONGEST: usize = 300;

/// The error with its causes. What a credential plugin wrote to stdout is never part of it: that is where
/// tokens stand.
pub(super) fn describe(error: &kube::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(here) = cause {
        if let Some(auth) = here.downcast_ref::<AuthError>() {
            return explain(auth);
        }
        cause = here.source();
    }
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => chain(other),
    }
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(here) = cause {
        let more = here.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = here.source();
    }
    text
}

fn explain(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(cause) => {
            format!(
                "the credential plugin of this context can't be started: {cause}; is it installed and on PATH?"
            )
        }
        AuthError::AuthExecRun { cmd, out } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said: String = said.trim().lines().last().unwrap_or_default().chars().take(LONGEST).collect();
            let command = cmd.split_whitespace().next().unwrap_or(cmd).trim_matches('"');
            format!("the credential plugin {command} failed ({}): {said}", out.status)
        }
        AuthError::AuthExecParse(_) => {
            "the credential plugin of this context printed no ExecCredential".to_owned()
        }
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) | AuthError::ParseTokenKey(_) => {
            "the credentials of this context can't be sent: they hold characters that no header may".to_owned()
        }
        other => chain(other),
    }
}
