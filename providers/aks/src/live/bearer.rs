//! Authorizes requests. The SDK's own policy has nothing to replace a refused token with.

use super::credentials::Kept;
use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use std::sync::Arc;

/// Sends a request with a token, and once more with a new one where the token is no longer accepted. A refused token
/// changes nothing, so a write is sent again too.
#[derive(Debug)]
pub(crate) struct Bearer {
    credential: Arc<Kept>,
    scope: String,
}

impl Bearer {
    pub(crate) fn new(credential: Arc<Kept>, scope: &str) -> Self {
        Self { credential, scope: scope.to_owned() }
    }

    async fn once(
        &self,
        token: &str,
        context: &Context<'_>,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let Some((first, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(ErrorKind::Other, "nothing sends the request"));
        };
        request.insert_header(AUTHORIZATION, format!("Bearer {token}"));
        first.send(context, request, rest).await
    }
}

#[async_trait]
impl Policy for Bearer {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.url().scheme() != "https" {
            let why = "a token is never sent over a connection without TLS";
            return Err(azure_core::Error::with_message(ErrorKind::Other, why));
        }
        let scope = [self.scope.as_str()];
        let token = self.credential.get_token(&scope, None).await?;
        let answer = self.once(token.token.secret(), context, request, next).await?;
        if u16::from(answer.status()) != 401 || !self.credential.renew(&scope, token.token.secret()).await {
            return Ok(answer);
        }
        tracing::debug!(scope = self.scope, "the token was refused: trying a new one");
        let token = self.credential.get_token(&scope, None).await?;
        self.once(token.token.secret(), context, request, next).await
    }
}
