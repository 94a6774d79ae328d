//! Where credentials come from: what the environment is set up for, the machine, or whoever is logged in.

use super::cloud::{Cloud, Environment};
use super::count::{Attempts, within};
use super::identity::identity_of;
use super::trouble::{chain, no_token};
use super::wire::UNREACHED;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::http::{
    ClientOptions, ExponentialRetryOptions, HttpClient, Method, Request, RetryOptions, Transport, Url,
};
use azure_core::time::{Duration as Span, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use pullaudit_core::{Calls, DiscoverError};
use pullaudit_wire::Renewals;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Tokens that live shorter than this are fetched anew.
const SPARE: Span = Span::minutes(5);

/// The least time for a first sign-in: a command line tool may take its time.
const SIGN_IN: Duration = Duration::from_mins(1);

/// How long the metadata service of a virtual machine may take to be noticed. It is one hop away.
const NOTICE: Duration = Duration::from_secs(1);

const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

const LOG_IN: &str = "log in by: az login; without a person set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
                      AZURE_FEDERATED_TOKEN_FILE or AZURE_CLIENT_SECRET";

const NETWORK: &str = "check the network, HTTPS_PROXY and NO_PROXY; where something on the way opens TLS, set \
                       SSL_CERT_FILE to a PEM file with its CA";

/// What signing in needs.
pub(crate) struct SignIn<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) cloud: &'a Cloud,
    pub(crate) wire: &'a Arc<dyn HttpClient>,
    pub(crate) calls: &'a Arc<Calls>,
    pub(crate) timeout: Duration,
}

type Source = Result<Arc<dyn TokenCredential>, azure_core::Error>;

/// Makes a credential, again where its tokens are refused: each of the SDK's keeps its tokens for itself.
type Maker = Box<dyn Fn() -> Source + Send + Sync>;

fn maker<T: TokenCredential + 'static>(
    make: impl Fn() -> azure_core::Result<Arc<T>> + Send + Sync + 'static,
) -> Maker {
    Box::new(move || Ok(make()? as Arc<dyn TokenCredential>))
}

impl SignIn<'_> {
    /// The credential that gave a token for Resource Manager. A source that the environment is set up
    /// for is the only one that is tried: another identity than the one meant would see other things.
    pub(crate) async fn credential(&self) -> Result<Kept, DiscoverError> {
        let (name, made) = if let Some(file) = self.var("AZURE_FEDERATED_TOKEN_FILE") {
            ("workload identity (AZURE_FEDERATED_TOKEN_FILE)", self.workload(file))
        } else if let Some(secret) = self.var("AZURE_CLIENT_SECRET") {
            ("client secret (AZURE_CLIENT_SECRET)", self.secret(secret))
        } else if self.var("IDENTITY_ENDPOINT").and(self.var("IDENTITY_HEADER")).is_some() {
            ("managed identity (IDENTITY_ENDPOINT)", Ok(self.managed()))
        } else {
            return self.unconfigured().await;
        };
        let next = "check that variable, AZURE_CLIENT_ID and AZURE_TENANT_ID, or unset it to try the next source";
        let kept = self.first_token(made).await;
        let kept = kept.map_err(|detail| unusable(detail, name.to_owned(), next.to_owned()))?;
        Ok(self.told(kept, name).await)
    }

    /// Says who signed in, and how.
    async fn told(&self, kept: Kept, credential: &str) -> Kept {
        let token = kept.get_token(&[self.cloud.arm_scope.as_str()], None).await;
        let identity = token.ok().and_then(|token| identity_of(token.token.secret()));
        tracing::debug!(credential, identity = identity.unwrap_or_default(), "signed in to Azure");
        kept
    }

    async fn unconfigured(&self) -> Result<Kept, DiscoverError> {
        let mut tried = "workload identity and client secret (their variables are not set)".to_owned();
        let mut details = Vec::new();
        if self.var("AZURE_CLIENT_CERTIFICATE_PATH").is_some() {
            tried +=
                ", client certificate (AZURE_CLIENT_CERTIFICATE_PATH is set, but certificates are not supported)";
        }
        if self.on_azure().await {
            tried += ", managed identity (169.254.169.254)";
            match self.first_token(Ok(self.managed())).await {
                Ok(kept) => return Ok(self.told(kept, "managed identity").await),
                Err(detail) => details.push(format!("managed identity: {detail}")),
            }
        } else {
            tried += ", managed identity (nothing of Azure answers at 169.254.169.254)";
        }
        tried += ", az, azd";
        let cli = maker(|| AzureCliCredential::new(None));
        let developer = maker(|| AzureDeveloperCliCredential::new(None));
        for (name, make) in [("az", cli), ("azd", developer)] {
            match self.first_token(Ok(make)).await {
                Ok(kept) => return Ok(self.told(kept, name).await),
                Err(detail) => details.push(format!("{name}: {detail}")),
            }
        }
        Err(unusable(details.join("; "), tried, LOG_IN.to_owned()))
    }

    /// Fetches a token once, so that what is wrong with a source is known before the first call.
    async fn first_token(&self, make: azure_core::Result<Maker>) -> Result<Kept, String> {
        let made = make.and_then(|make| Ok((make()?, make)));
        let (source, make) = made.map_err(|error| chain(&error))?;
        let state = Mutex::new(State { source, tokens: HashMap::new() });
        let kept = Kept { make, calls: Arc::clone(self.calls), state, renewals: Renewals::default() };
        let patience = self.timeout.max(SIGN_IN);
        let scope = [self.cloud.arm_scope.as_str()];
        match within(patience, kept.get_token(&scope, None)).await {
            (Some(Ok(_)), _) => Ok(kept),
            (Some(Err(error)), last) => Err(no_token(&error, last)),
            (None, last) => {
                let last = last.map(|why| format!("; the last attempt: {why}")).unwrap_or_default();
                Err(format!("no token within {} s{last}", patience.as_secs()))
            }
        }
    }

    fn workload(&self, file: String) -> azure_core::Result<Maker> {
        let (client, tenant) = (self.needed("AZURE_CLIENT_ID")?, self.needed("AZURE_TENANT_ID")?);
        let client_options = self.client();
        Ok(maker(move || {
            WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options: client_options.clone() },
                client_id: Some(client.clone()),
                tenant_id: Some(tenant.clone()),
                token_file_path: Some(file.clone().into()),
            }))
        }))
    }

    fn secret(&self, secret: String) -> azure_core::Result<Maker> {
        let (tenant, client) = (self.needed("AZURE_TENANT_ID")?, self.needed("AZURE_CLIENT_ID")?);
        let client_options = self.client();
        Ok(maker(move || {
            let options = ClientSecretCredentialOptions { client_options: client_options.clone() };
            ClientSecretCredential::new(&tenant, client.clone(), Secret::new(secret.clone()), Some(options))
        }))
    }

    fn managed(&self) -> Maker {
        let (client, client_options) = (self.var("AZURE_CLIENT_ID"), self.client());
        maker(move || {
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                client_options: client_options.clone(),
            }))
        })
    }

    /// Other clouds have something at that address too, but only Azure's asks for a header.
    async fn on_azure(&self) -> bool {
        let Ok(url) = Url::parse(METADATA) else { return false };
        let request = Request::new(url, Method::Get);
        let asked = tokio::time::timeout(NOTICE, self.wire.execute_request(&request)).await;
        matches!(asked, Ok(Ok(answer)) if u16::from(answer.status()) == 400)
    }

    fn client(&self) -> ClientOptions {
        ClientOptions {
            transport: Some(Transport::new(Arc::clone(self.wire))),
            cloud: Some(Arc::new(self.cloud.authority.clone())),
            retry: retries(self.timeout),
            per_try_policies: vec![Arc::new(Attempts::new("entra", Arc::clone(self.calls)))],
            ..Default::default()
        }
    }

    fn needed(&self, variable: &'static str) -> Result<String, azure_core::Error> {
        let missing = || {
            let kind = azure_core::error::ErrorKind::Credential;
            azure_core::Error::with_message(kind, format!("{variable} is not set"))
        };
        self.var(variable).ok_or_else(missing)
    }

    fn var(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }
}

/// How often a call is sent again; Retry-After counts, and all of it ends with the call's time.
pub(crate) fn retries(timeout: Duration) -> RetryOptions {
    RetryOptions::exponential(ExponentialRetryOptions {
        max_retries: 4,
        max_total_elapsed: Span::try_from(timeout).unwrap_or(Span::MAX),
        ..Default::default()
    })
}

/// Why nobody could sign in, what was tried, and what to do about it.
fn unusable(detail: String, tried: String, next: String) -> DiscoverError {
    let unreached = detail.contains(UNREACHED);
    let next = if unreached { NETWORK.to_owned() } else { next };
    DiscoverError::Credentials { cloud: "Azure", detail, tried, next }
}

/// Credentials that turned out no good when they were used.
pub(crate) fn rejected(detail: String) -> DiscoverError {
    let tried = "the identity that signed in".to_owned();
    unusable(detail, tried, "log in again (az login), in the tenant of the subscriptions".to_owned())
}

/// A credential whose tokens are kept until they are about to end: asking the command line tool for one
/// takes a second each time.
pub(crate) struct Kept {
    make: Maker,
    calls: Arc<Calls>,
    state: Mutex<State>,
    renewals: Renewals,
}

struct State {
    source: Arc<dyn TokenCredential>,
    tokens: HashMap<String, AccessToken>,
}

impl Kept {
    /// Drops a token that a service refused, so that the next one is another. False where that was tried a moment
    /// ago, so that another token does not help.
    pub(crate) async fn renew(&self, scopes: &[&str], refused: &str) -> bool {
        let mut state = self.state.lock().await;
        let kept = state.tokens.get(&scopes.join(" "));
        if kept.is_some_and(|kept| kept.token.secret() != refused) {
            return true;
        }
        if !self.renewals.begin() {
            return false;
        }
        let Ok(source) = (self.make)() else { return false };
        *state = State { source, tokens: HashMap::new() };
        true
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl TokenCredential for Kept {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut state = self.state.lock().await;
        let key = scopes.join(" ");
        let kept = state.tokens.get(&key);
        if let Some(token) = kept.filter(|token| token.expires_on > OffsetDateTime::now_utc() + SPARE) {
            return Ok(token.clone());
        }
        self.calls.operation("entra");
        let token = state.source.get_token(scopes, options).await?;
        state.tokens.insert(key, token.clone());
        Ok(token)
    }
}
