//! Sending a write until it is answered for good.

use crate::live::Azure;
use crate::live::operation::Operation;
use crate::live::trouble::Trouble;
use azure_core::http::Method;
use pullaudit_core::Change;
use pullaudit_wire::Backoff;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// A new identity may take minutes to be known where grants are checked; a write gets so many times the
/// bound of one call.
const CALLS: u32 = 4;
/// The first wait where the service names none.
const FIRST: Duration = Duration::from_millis(700);
/// No wait is longer, unless the service says so.
const LONGEST: Duration = Duration::from_secs(15);

/// How a write ended.
pub(super) enum Sent {
    /// It was taken. `certain` where no earlier sending of it can have taken effect.
    Done {
        /// The status of HTTP.
        status: u16,
        /// See above.
        certain: bool,
    },
    /// It was refused, and nothing was done.
    Refused(Trouble),
    /// Time ran out, and a sending of it may have taken effect.
    Unanswered(Trouble),
}

/// Sends a change's document, again where the service is busy, silent or does not know the identity yet.
/// The same document twice is one: Azure knows it by the name that we chose.
pub(super) async fn send(
    azure: &Azure,
    operation: &'static Operation,
    change: &Change,
    body: Option<&Value>,
) -> Sent {
    let until = Instant::now() + azure.arm.timeout() * CALLS;
    let method = if body.is_some() { Method::Put } else { Method::Delete };
    let (mut certain, mut backoff) = (true, Backoff::new(FIRST, LONGEST));
    loop {
        let answer = azure.arm.write(operation, method, &change.document, body).await;
        let (trouble, told) = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                return Sent::Done { status: answer.status, certain };
            }
            Ok(answer) => {
                let (trouble, busy) = (answer.trouble(operation), matches!(answer.status, 429 | 500..=599));
                // Only a refusal to listen says that nothing was done.
                certain &= answer.status < 500;
                if !busy && !trouble.is(&["PrincipalNotFound"]) {
                    return Sent::Refused(trouble);
                }
                (trouble, answer.wait)
            }
            Err(trouble) => {
                certain = false;
                (trouble, None)
            }
        };
        let pause = backoff.pause(told);
        if Instant::now() + pause >= until {
            return if certain { Sent::Refused(trouble) } else { Sent::Unanswered(trouble) };
        }
        tokio::time::sleep(pause).await;
    }
}
