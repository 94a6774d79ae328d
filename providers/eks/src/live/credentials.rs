//! Where credentials come from: AWS's own chain, a named profile, or a role that either may assume.

use super::accounts::Account;
use super::call::Caller;
use super::operation::ASSUME_ROLE;
use super::region;
use super::renewal::Renewal;
use super::trouble::{Trouble, credentials_detail};
use crate::EksOptions;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use pullaudit_core::DiscoverError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// Attempts of one operation where neither environment nor profile sets a number. The SDK's own 3 give
/// up too early against IAM, which throttles by account.
const ATTEMPTS: u32 = 5;
const SDK_ATTEMPTS: u32 = 3;

/// Credentials that live shorter than this are fetched anew.
const SPARE: Duration = Duration::from_mins(2);

/// The least time for a first sign-in: a `credential_process` may wait for a person.
const SIGN_IN: Duration = Duration::from_mins(1);

/// The session name under which roles are assumed, as `CloudTrail` will show it.
const SESSION: &str = "pullaudit";

/// The settings of the default chain or of a profile. `fallback` is the region where none is set.
pub(crate) async fn settings(
    options: &EksOptions,
    profile: Option<&str>,
    fallback: Option<&str>,
    renewal: &Arc<Renewal>,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts(options.timeout));
    if let Some(region) = region::preset(&options.regions) {
        // Asking the chain for a region may cost a second at an instance metadata service.
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(name) = profile {
        // A profile's own credentials are wanted even where the environment holds keys, which the
        // default chain would prefer.
        loader = loader.profile_name(name).no_credentials();
    }
    let plain = loader.load().await;
    let chain = plain.region().map(|region| region.as_ref().to_owned());
    let region =
        region::home(&options.regions, chain.as_deref()).or(fallback).map(|name| Region::new(name.to_owned()));
    let provider = match profile {
        Some(name) => Some(profile_provider(options, name, region.clone())),
        None => plain.credentials_provider(),
    };
    let mut settings = plain.to_builder().region(region).retry_config(retries(plain.retry_config()));
    let kept = |provider| SharedCredentialsProvider::new(Kept::new(provider, renewal));
    settings.set_credentials_provider(provider.map(kept));
    // The SDK's own cache would keep what AWS refused.
    settings.identity_cache(IdentityCache::no_cache()).build()
}

/// The same settings with the credentials of a role, assumed when they are first used.
pub(crate) fn assumed(base: &Account, caller: &Arc<Caller>, role: &str, renewal: &Arc<Renewal>) -> SdkConfig {
    let provider = AssumedRole { caller: Arc::clone(caller), sts: base.sts(), role: role.to_owned() };
    let kept = Kept::new(SharedCredentialsProvider::new(provider), renewal);
    base.config.to_builder().credentials_provider(SharedCredentialsProvider::new(kept)).build()
}

/// Fetches the credentials once, so that what is wrong with them is known before the first call.
pub(crate) async fn sign_in(config: &SdkConfig, patience: Duration) -> Result<Credentials, CredentialsError> {
    let patience = patience.max(SIGN_IN);
    let Some(provider) = config.credentials_provider() else {
        return Err(CredentialsError::not_loaded("no credential source"));
    };
    match tokio::time::timeout(patience, provider.provide_credentials()).await {
        Ok(answer) => answer,
        Err(_) => Err(CredentialsError::provider_timed_out(patience)),
    }
}

/// Why nobody could sign in, what was tried, and what to do about it.
pub(crate) fn unusable(profile: Option<&str>, detail: String) -> DiscoverError {
    let tried = match profile {
        Some(name) => format!("profile `{name}` of the AWS config and credentials files"),
        None => format!(
            "environment variables, profile `{}`, web identity token, container credentials, instance metadata",
            std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned())
        ),
    };
    let next = next_step(profile, &detail);
    DiscoverError::Credentials { cloud: "AWS", detail, tried, next }
}

fn next_step(profile: Option<&str>, detail: &str) -> String {
    let flag = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
    let said = detail.to_ascii_lowercase();
    if said.contains("not defined") || said.contains("was not found") {
        "check the name: aws configure list-profiles".to_owned()
    } else if said.contains("sso") {
        format!("run: aws sso login{flag}")
    } else if said.contains("expired") {
        format!("get fresh ones, for SSO by: aws sso login{flag}")
    } else {
        format!("check them: aws sts get-caller-identity{flag}; for SSO first: aws sso login{flag}")
    }
}

/// What a source said, for [`unusable`].
pub(crate) fn said(error: &CredentialsError) -> String {
    credentials_detail(error)
}

fn profile_provider(options: &EksOptions, name: &str, region: Option<Region>) -> SharedCredentialsProvider {
    let settings =
        ProviderConfig::without_region().with_region(region).with_timeout_config(timeouts(options.timeout));
    let provider = ProfileFileCredentialsProvider::builder().profile_name(name).configure(&settings).build();
    SharedCredentialsProvider::new(provider)
}

/// The bound is on a whole operation; half of it on an attempt leaves time for a second one.
fn timeouts(bound: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_timeout(bound)
        .operation_attempt_timeout(bound / 2)
        .connect_timeout((bound / 2).min(Duration::from_secs(5)))
        .build()
}

/// The mode that environment or profile ask for, else `standard`: exponential, with a budget. `adaptive`
/// is not forced: it falls to one call in two seconds after a single early throttle, and a run as short
/// as ours ends before it has recovered.
fn retries(found: Option<&RetryConfig>) -> RetryConfig {
    let retries = found.cloned().unwrap_or_else(RetryConfig::standard);
    if retries.max_attempts() == SDK_ATTEMPTS { retries.with_max_attempts(ATTEMPTS) } else { retries }
}

/// Keeps what a source gave until it is about to expire, for every client and for cluster tokens, so
/// that no role is assumed and no process run twice.
struct Kept {
    source: SharedCredentialsProvider,
    slot: Mutex<Option<Credentials>>,
    renewal: Arc<Renewal>,
}

impl Kept {
    fn new(source: SharedCredentialsProvider, renewal: &Arc<Renewal>) -> Self {
        Self { source, slot: Mutex::new(None), renewal: Arc::clone(renewal) }
    }

    async fn credentials(&self) -> provider::Result {
        let mut slot = self.slot.lock().await;
        let soon = SystemTime::now() + SPARE;
        let lasting = |known: &&Credentials| {
            known.expiry().is_none_or(|expiry| expiry > soon) && !self.renewal.is_stale(known.access_key_id())
        };
        if let Some(known) = slot.as_ref().filter(lasting) {
            return Ok(known.clone());
        }
        let fresh = self.source.provide_credentials().await?;
        self.renewal.renewed(fresh.access_key_id());
        *slot = Some(fresh.clone());
        Ok(fresh)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The SDK has a provider for this too, but its calls could not be counted.
struct AssumedRole {
    caller: Arc<Caller>,
    sts: aws_sdk_sts::Client,
    role: String,
}

impl AssumedRole {
    async fn assume(&self) -> provider::Result {
        let sent = self.sts.assume_role().role_arn(&self.role).role_session_name(SESSION).send();
        let answer = self.caller.ask(ASSUME_ROLE, sent).await.map_err(CredentialsError::provider_error)?;
        let Some(got) = answer.credentials else {
            let empty = Trouble::failed(ASSUME_ROLE, "the answer holds no credentials");
            return Err(CredentialsError::provider_error(empty));
        };
        let expiry = SystemTime::try_from(got.expiration).ok();
        let token = Some(got.session_token);
        Ok(Credentials::new(got.access_key_id, got.secret_access_key, token, expiry, "pullaudit-assumed-role"))
    }
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumedRole").field("role", &self.role).finish_non_exhaustive()
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
