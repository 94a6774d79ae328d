//! Where a document lies, with the clients that read and write it.

use crate::live::Live;
use crate::live::call::Caller;
use crate::live::ecr::{NO_POLICY, NO_REPOSITORY};
use crate::live::iam::{NONE, Reading};
use crate::live::operation::{
    ATTACH_ROLE_POLICY, DELETE_REPOSITORY_POLICY, DELETE_ROLE_POLICY, DETACH_ROLE_POLICY, GET_REPOSITORY_POLICY,
    Operation, PUT_ROLE_POLICY, SET_REPOSITORY_POLICY,
};
use crate::live::trouble::Trouble;
use crate::remedy::{
    Document, POLICY_NAME, RepositoryArn, Sent, Target, of_attached, of_document, of_role, role_by_id,
};
use async_trait::async_trait;
use aws_smithy_types::retry::RetryConfig;
use pullaudit_core::{Change, Fingerprint, Obstacle, Open, Read};
use std::time::Duration;
use tokio::time::Instant;

/// Answers that nothing was done and that asking again may help.
const BUSY: &[&str] = &[
    "ConcurrentModification",
    "ConcurrentModificationException",
    "EntityTemporarilyUnmodifiable",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// A role that was just made may take a while to be known where principals are checked; a write gets so many
/// times the bound of one call.
const CALLS: u32 = 4;
/// The first wait; it doubles.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(15);

/// A document with the clients of the account that it lies in: each is made once, as it has connections of its own.
pub(super) struct Place<'a> {
    target: &'a Target,
    caller: &'a Caller,
    iam: aws_sdk_iam::Client,
    /// In the repository's region; of no use to a role.
    ecr: aws_sdk_ecr::Client,
    scope: String,
    until: Instant,
}

/// The operation that makes a document say `there`, or takes it away.
pub(super) fn operation(target: &Target, there: bool) -> &'static Operation {
    match (target, there) {
        (Target::Inline { .. }, true) => PUT_ROLE_POLICY,
        (Target::Inline { .. }, false) => DELETE_ROLE_POLICY,
        (Target::Attachment { .. }, true) => ATTACH_ROLE_POLICY,
        (Target::Attachment { .. }, false) => DETACH_ROLE_POLICY,
        (Target::Repository { .. }, true) => SET_REPOSITORY_POLICY,
        (Target::Repository { .. }, false) => DELETE_REPOSITORY_POLICY,
    }
}

impl<'a> Place<'a> {
    /// Only a credential of the document's own account writes there: IAM takes a bare name, and the caller's
    /// account may have another role of it.
    pub(super) async fn of(live: &'a Live, target: &'a Target) -> Result<Self, Open> {
        let region = match target {
            Target::Repository { arn } => RepositoryArn::parse(arn).map(|of| of.region),
            Target::Inline { .. } | Target::Attachment { .. } => None,
        };
        let (id, reading) = (target.account(), target.reading());
        let accounts = live.accounts(region).await.map_err(|error| {
            let why = Obstacle::Failed(error.to_string().lines().next().unwrap_or_default().into());
            Open::unread(reading.as_str(), operation(target, true).action, format!("account {id}"), why)
        })?;
        let account = accounts.get(id).ok_or_else(|| accounts.closed(id, reading, operation(target, true)))?;
        let until = Instant::now() + live.options.timeout * CALLS;
        let (iam, ecr) = (account.iam(), account.ecr(region.unwrap_or(&account.home)));
        Ok(Self { target, caller: &live.caller, iam, ecr, scope: format!("account {id}"), until })
    }

    fn role(&self) -> &str {
        self.target.role_name().unwrap_or_default()
    }

    fn reading(&self) -> Reading<'_> {
        Reading { caller: self.caller, iam: &self.iam, scope: self.scope.clone() }
    }

    async fn attached(&self) -> Result<Vec<String>, Open> {
        Ok(got(self.reading().attached(self.role()).await)?.unwrap_or_default())
    }

    async fn repository(&self, arn: &str) -> Result<Option<String>, Open> {
        let Some(of) = RepositoryArn::parse(arn) else { return Ok(None) };
        let sent = self.ecr.get_repository_policy().registry_id(of.account).repository_name(of.name).send();
        match self.caller.ask(GET_REPOSITORY_POLICY, sent).await {
            Ok(answer) => Ok(answer.policy_text),
            Err(trouble) if trouble.is(&[NO_POLICY]) => Ok(None),
            Err(trouble) => Err(trouble.open(self.target.reading(), self.scope.as_str())),
        }
    }

    async fn send_inline(&self, operation: &'static Operation, text: Option<&str>) -> Result<(), Trouble> {
        let (iam, once) = (&self.iam, once_iam());
        if let Some(text) = text {
            let sent = iam.put_role_policy().role_name(self.role()).policy_name(POLICY_NAME).policy_document(text);
            self.caller.ask(operation, sent.customize().config_override(once).send()).await.map(|_| ())
        } else {
            let sent = iam.delete_role_policy().role_name(self.role()).policy_name(POLICY_NAME);
            self.caller.ask(operation, sent.customize().config_override(once).send()).await.map(|_| ())
        }
    }

    async fn send_attachment(&self, operation: &'static Operation, there: bool) -> Result<(), Trouble> {
        let (iam, once, arn) = (&self.iam, once_iam(), self.target.policy_arn());
        if there {
            let sent = iam.attach_role_policy().role_name(self.role()).policy_arn(arn);
            self.caller.ask(operation, sent.customize().config_override(once).send()).await.map(|_| ())
        } else {
            let sent = iam.detach_role_policy().role_name(self.role()).policy_arn(arn);
            self.caller.ask(operation, sent.customize().config_override(once).send()).await.map(|_| ())
        }
    }

    /// `force` is never set: it would switch off ECR's guard against locking oneself out.
    async fn send_repository(
        &self,
        operation: &'static Operation,
        arn: &str,
        text: Option<&str>,
    ) -> Result<(), Trouble> {
        let Some(of) = RepositoryArn::parse(arn) else {
            return Err(Trouble::failed(operation, "the document is no repository"));
        };
        let once = aws_sdk_ecr::config::Config::builder().retry_config(RetryConfig::disabled());
        if let Some(text) = text {
            let sent = self.ecr.set_repository_policy().registry_id(of.account).repository_name(of.name);
            let sent = sent.policy_text(text).customize().config_override(once).send();
            self.caller.ask(operation, sent).await.map(|_| ())
        } else {
            let sent = self.ecr.delete_repository_policy().registry_id(of.account).repository_name(of.name);
            self.caller.ask(operation, sent.customize().config_override(once).send()).await.map(|_| ())
        }
    }
}

#[async_trait]
impl Document for Place<'_> {
    async fn text(&self) -> Result<Option<String>, Open> {
        match self.target {
            Target::Inline { .. } => {
                let document = self.reading().inline(self.role(), POLICY_NAME).await;
                got(document.map(|document| document.text))
            }
            Target::Attachment { .. } => {
                let arn = self.target.policy_arn();
                Ok(self.attached().await?.contains(&arn).then(String::new))
            }
            Target::Repository { arn } => self.repository(arn).await,
        }
    }

    async fn seen(&self, change: &Change) -> Result<(Option<String>, Vec<Fingerprint>), Open> {
        let mut prints = Vec::new();
        let text = match self.target {
            Target::Attachment { .. } => {
                let attached = self.attached().await?;
                prints.push(of_attached(self.target, &attached));
                attached.contains(&self.target.policy_arn()).then(String::new)
            }
            Target::Inline { .. } | Target::Repository { .. } => {
                let text = self.text().await?;
                prints.push(of_document(self.target, text.as_deref()));
                text
            }
        };
        if change.rests_on.iter().any(|print| print.reading.starts_with("role "))
            && let Some(role) = got(self.reading().role(self.role()).await)?
        {
            prints.push(of_role(&role));
        }
        Ok((text, prints))
    }

    async fn send(&self, text: Option<&str>) -> Sent {
        let operation = operation(self.target, text.is_some());
        let answer = match self.target {
            Target::Inline { .. } => self.send_inline(operation, text).await,
            Target::Attachment { .. } => self.send_attachment(operation, text.is_some()).await,
            Target::Repository { arn } => self.send_repository(operation, arn, text).await,
        };
        match answer {
            Ok(()) => Sent::Done,
            // What is to be taken away is gone already.
            Err(trouble) if text.is_none() && trouble.is(&[NONE, &[NO_POLICY, NO_REPOSITORY]].concat()) => {
                Sent::Done
            }
            Err(trouble) if is_new_principal(&trouble) => match text.and_then(role_by_id) {
                Some(id) => Sent::Refused(format!("{}: {}", dead(&id), trouble.detail)),
                None => Sent::Busy(wanting(&trouble)),
            },
            Err(trouble) if trouble.is(BUSY) => Sent::Busy(wanting(&trouble)),
            Err(trouble) if trouble.is_refusal() => Sent::Refused(wanting(&trouble)),
            Err(trouble) => Sent::Unanswered(trouble.detail),
        }
    }

    async fn pause(&self, times: u32) -> bool {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(times)).min(LONGEST);
        if Instant::now() + wait >= self.until {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    fn is_eventual(&self) -> bool {
        !matches!(self.target, Target::Repository { .. })
    }
}

fn once_iam() -> aws_sdk_iam::config::Builder {
    aws_sdk_iam::config::Config::builder().retry_config(RetryConfig::disabled())
}

fn wanting(trouble: &Trouble) -> String {
    match trouble.missing_right() {
        Some(right) => format!("you lack {right}: {}", trouble.detail),
        None => trouble.detail.clone(),
    }
}

/// A role that was made a moment ago is not known yet where a policy is saved.
fn is_new_principal(trouble: &Trouble) -> bool {
    trouble.is(&["InvalidParameterException", "MalformedPolicyDocument"])
        && ["Principal not found", "Invalid principal in policy"].iter().any(|text| trouble.detail.contains(text))
}

/// Waiting helps nothing then.
fn dead(id: &str) -> String {
    format!(
        "AWS takes no policy that names {id}, a role that is gone (fix --consent broad --consent prune takes it out, \
         and no undo can bring it back)"
    )
}

fn got<T>(read: Read<T>) -> Result<Option<T>, Open> {
    match read {
        Read::Got(value) => Ok(Some(value)),
        Read::Absent => Ok(None),
        Read::Unread(open) => Err(open),
    }
}
