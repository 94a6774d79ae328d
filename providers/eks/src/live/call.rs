//! The one gate through which every call to AWS goes: it bounds, counts and classifies.

use super::attempts::{Attempts, with_last};
use super::operation::Operation;
use super::renewal::Renewal;
use super::trouble::Trouble;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::future::BoxFuture;
use pullaudit_core::{Calls, Read, Text};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Sends operations, never more of one service at once than the user allows.
pub(crate) struct Caller {
    calls: Arc<Calls>,
    ec2: Semaphore,
    eks: Semaphore,
    ecr: Semaphore,
    iam: Semaphore,
    organizations: Semaphore,
    sts: Semaphore,
}

impl Caller {
    pub(crate) fn new(calls: Arc<Calls>, concurrency: usize) -> Self {
        let bound = || Semaphore::new(concurrency.max(1));
        Self {
            calls,
            ec2: bound(),
            eks: bound(),
            ecr: bound(),
            iam: bound(),
            organizations: bound(),
            sts: bound(),
        }
    }

    /// Sends one operation (for a list: one page) of an SDK client when it is its turn.
    ///
    /// Boxed because the SDK's futures are many kilobytes, and all that waits would carry them.
    pub(crate) fn ask<'a, T, E>(
        &'a self,
        operation: &'static Operation,
        sent: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Trouble>>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + 'static,
    {
        Box::pin(async move {
            // Nobody closes these semaphores, so there is no error to look at.
            let _turn = self.bound(operation.service).acquire().await.ok();
            self.calls.operation(operation.service);
            let (answer, last) = with_last(sent).await;
            let answer = answer.map_err(|error| Trouble::of(operation, &error, last));
            if let Err(trouble) = &answer {
                tracing::debug!(service = operation.service, operation = operation.name, %trouble, "no answer");
            }
            answer
        })
    }

    /// Watches what a client of that service puts on the wire.
    pub(crate) fn attempts(&self, service: &'static str, renewal: &Arc<Renewal>) -> Attempts {
        Attempts::new(service, Arc::clone(&self.calls), Arc::clone(renewal))
    }

    fn bound(&self, service: &str) -> &Semaphore {
        match service {
            "ec2" => &self.ec2,
            "eks" => &self.eks,
            "ecr" => &self.ecr,
            "iam" => &self.iam,
            "organizations" => &self.organizations,
            _ => &self.sts,
        }
    }
}

/// What an answer is as a reading. An error code in `absent` says that there is none; `reading` and
/// `scope` word what is missing otherwise.
pub(crate) fn read<T>(
    answer: Result<T, Trouble>,
    absent: &[&str],
    reading: impl Into<Text>,
    scope: impl Into<Text>,
) -> Read<T> {
    match answer {
        Ok(value) => Read::Got(value),
        Err(trouble) if trouble.is(absent) => Read::Absent,
        Err(trouble) => Read::Unread(trouble.open(reading, scope)),
    }
}
