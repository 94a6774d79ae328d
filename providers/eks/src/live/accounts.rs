//! The accounts that can be read, and the clients that read them.

use super::attempts::Attempts;
use super::call::Caller;
use super::credentials::{self, sign_in};
use super::ec2::Ec2;
use super::operation::{ASSUME_ROLE, GET_CALLER_IDENTITY, Operation};
use super::region;
use super::renewal::Renewal;
use super::trouble::{Kind, Trouble};
use crate::{AccountScope, EksOptions};
use aws_config::{Region, SdkConfig};
use futures_util::future::join_all;
use pullaudit_core::{DiscoverError, Gap, Obstacle, Open};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An account with a credential of ours that belongs to it.
pub(crate) struct Account {
    /// 12 digits.
    pub(crate) id: String,
    /// The caller's ARN there.
    pub(crate) arn: String,
    /// `aws`, `aws-cn`, …
    pub(crate) partition: String,
    /// The region that is called where a service or the user names none.
    pub(crate) home: String,
    pub(crate) config: SdkConfig,
    caller: Arc<Caller>,
    renewal: Arc<Renewal>,
}

/// All of them, with what could not be had.
pub(crate) struct Accounts {
    by_id: BTreeMap<String, Account>,
    base: String,
    /// Profiles that gave no credentials, accounts that nobody may read.
    pub(crate) gaps: Vec<Gap>,
    lost: BTreeMap<String, Open>,
    /// Accounts of the profiles that the user named, else that of the default chain.
    signed_in: BTreeSet<String>,
}

impl Accounts {
    /// Signs in with every profile (or the default chain) and assumes the configured roles. An error
    /// only when no credential works at all.
    pub(crate) async fn resolve(
        options: &EksOptions,
        caller: &Arc<Caller>,
        fallback: Option<&str>,
    ) -> Result<Self, DiscoverError> {
        let profiles: Vec<Option<&str>> = match options.profiles.as_slice() {
            [] => vec![None],
            named => named.iter().map(|name| Some(name.as_str())).collect(),
        };
        let signed = join_all(profiles.iter().map(|profile| own(options, caller, *profile, fallback))).await;
        let mut all = Self {
            by_id: BTreeMap::new(),
            base: String::new(),
            gaps: Vec::new(),
            lost: BTreeMap::new(),
            signed_in: BTreeSet::new(),
        };
        let mut first_error = None;
        for (profile, outcome) in profiles.iter().zip(signed) {
            match outcome {
                Ok(account) => {
                    all.signed_in.insert(account.id.clone());
                    all.add(account);
                }
                Err(error) => {
                    all.gaps.push(profile_gap(profile.unwrap_or("default"), &error));
                    first_error.get_or_insert(error);
                }
            }
        }
        if let (true, Some(error)) = (all.by_id.is_empty(), first_error) {
            return Err(error);
        }
        all.assume(options, caller).await;
        Ok(all)
    }

    /// The accounts, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.by_id.values()
    }

    /// The accounts of the named profiles, else that of the default chain.
    pub(crate) fn signed_in(&self) -> impl Iterator<Item = &String> {
        self.signed_in.iter()
    }

    /// The account, where a credential of ours belongs to it.
    pub(crate) fn get(&self, id: &str) -> Option<&Account> {
        self.by_id.get(id)
    }

    /// With whom an account's registry may be tried: a credential of its own, else ours, since a
    /// registry can be opened to other accounts.
    pub(crate) fn for_registry(&self, id: &str, partition: &str) -> Option<&Account> {
        self.get(id).or_else(|| self.get(&self.base).filter(|account| account.partition == partition))
    }

    /// Why an account that the config names is not read as it says.
    pub(crate) fn lost(&self, id: &str) -> Option<&Open> {
        self.lost.get(id)
    }

    /// What would settle a reading in an account that no credential of ours belongs to.
    pub(crate) fn closed(&self, id: &str, reading: String, operation: &Operation) -> Open {
        let refused = || Open::unread(reading, operation.action, format!("account {id}"), Obstacle::Refused);
        self.lost.get(id).cloned().unwrap_or_else(refused)
    }

    fn add(&mut self, account: Account) {
        if self.base.is_empty() {
            self.base.clone_from(&account.id);
        }
        // Two profiles of one account: the one named first reads it.
        self.by_id.entry(account.id.clone()).or_insert(account);
    }

    async fn assume(&mut self, options: &EksOptions, caller: &Arc<Caller>) {
        let Some(base) = self.by_id.get(&self.base) else { return };
        let named = |id: &str| !options.profiles.is_empty() && self.by_id.contains_key(id);
        let wanted: Vec<(&AccountScope, &str)> = options
            .accounts
            .iter()
            .filter(|scope| !named(&scope.id))
            .filter_map(|scope| Some((scope, scope.role.as_deref()?)))
            .collect();
        let assumed = join_all(wanted.iter().map(|(scope, role)| by_role(base, caller, &scope.id, role))).await;
        for ((scope, _), outcome) in wanted.into_iter().zip(assumed) {
            match outcome {
                Ok(account) => {
                    self.by_id.insert(account.id.clone(), account);
                }
                Err(open) => {
                    self.lost.insert(scope.id.clone(), open);
                }
            }
        }
        for scope in &options.accounts {
            if !self.by_id.contains_key(&scope.id) {
                let open = self.lost.entry(scope.id.clone()).or_insert_with(|| no_credential(&scope.id)).clone();
                self.gaps.push(account_gap(&scope.id, open));
            }
        }
    }
}

impl Account {
    fn attempts(&self, service: &'static str) -> Attempts {
        self.caller.attempts(service, &self.renewal)
    }

    pub(crate) fn eks(&self, region: &str) -> aws_sdk_eks::Client {
        let settings = aws_sdk_eks::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let attempts = self.attempts("eks");
        aws_sdk_eks::Client::from_conf(settings.interceptor(attempts.clone()).retry_classifier(attempts).build())
    }

    pub(crate) fn ec2(&self, region: &str) -> Ec2 {
        Ec2::new(&self.config, region, &self.attempts("ec2"))
    }

    pub(crate) fn ecr(&self, region: &str) -> aws_sdk_ecr::Client {
        let settings = aws_sdk_ecr::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let attempts = self.attempts("ecr");
        aws_sdk_ecr::Client::from_conf(settings.interceptor(attempts.clone()).retry_classifier(attempts).build())
    }

    /// Who assumes roles of other accounts.
    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        let attempts = self.attempts("sts");
        let settings = aws_sdk_sts::config::Builder::from(&self.config).interceptor(attempts.clone());
        aws_sdk_sts::Client::from_conf(settings.retry_classifier(attempts).build())
    }

    /// Organizations is one for a partition, as IAM is.
    pub(crate) fn organizations(&self) -> aws_sdk_organizations::Client {
        let region = Region::new(self.home.clone());
        let settings = aws_sdk_organizations::config::Builder::from(&self.config).region(region);
        let attempts = self.attempts("organizations");
        aws_sdk_organizations::Client::from_conf(
            settings.interceptor(attempts.clone()).retry_classifier(attempts).build(),
        )
    }

    /// IAM is one for a partition; the SDK finds it by any region there.
    pub(crate) fn iam(&self) -> aws_sdk_iam::Client {
        let settings = aws_sdk_iam::config::Builder::from(&self.config).region(Region::new(self.home.clone()));
        let attempts = self.attempts("iam");
        aws_sdk_iam::Client::from_conf(settings.interceptor(attempts.clone()).retry_classifier(attempts).build())
    }
}

/// The account of the default chain or of a profile.
async fn own(
    options: &EksOptions,
    caller: &Arc<Caller>,
    profile: Option<&str>,
    fallback: Option<&str>,
) -> Result<Account, DiscoverError> {
    let renewal = Arc::default();
    let config = credentials::settings(options, profile, fallback, &renewal).await;
    if let Err(error) = sign_in(&config, options.timeout).await {
        return Err(credentials::unusable(profile, credentials::said(&error)));
    }
    let Some(home) = config.region() else { return Err(no_region(profile)) };
    if let Some(wrong) =
        options.regions.iter().map(String::as_str).chain([home.as_ref()]).find(|name| !region::is_one(name))
    {
        return Err(region::unknown(wrong));
    }
    identify(config, caller, renewal).await.map_err(|trouble| match trouble.kind {
        Kind::Credentials => credentials::unusable(profile, trouble.detail),
        Kind::Refused | Kind::Policy | Kind::Closed | Kind::Failed => DiscoverError::Failed {
            what: format!(
                "AWS identity of {}",
                profile.map_or("the default chain".to_owned(), |p| format!("profile `{p}`"))
            ),
            detail: trouble.detail,
        },
    })
}

/// The account that a role, assumed from `base`, belongs to.
async fn by_role(base: &Account, caller: &Arc<Caller>, id: &str, role: &str) -> Result<Account, Open> {
    let reading = format!("account {id} as {role}");
    let scope = format!("account {}", base.id);
    let renewal = Arc::default();
    let config = credentials::assumed(base, caller, role, &renewal);
    if let Err(error) = sign_in(&config, std::time::Duration::ZERO).await {
        let refused = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Trouble>());
        return Err(match refused {
            Some(trouble) => trouble.open(reading, scope),
            None => Trouble::failed(ASSUME_ROLE, credentials::said(&error)).open(reading, scope),
        });
    }
    let account = identify(config, caller, renewal)
        .await
        .map_err(|trouble| trouble.open(reading.as_str(), scope.as_str()))?;
    if account.id == id {
        return Ok(account);
    }
    let other = format!("the role belongs to account {}", account.id);
    Err(Trouble::failed(ASSUME_ROLE, other).open(reading, scope))
}

async fn identify(config: SdkConfig, caller: &Arc<Caller>, renewal: Arc<Renewal>) -> Result<Account, Trouble> {
    let attempts = caller.attempts("sts", &renewal);
    let settings = aws_sdk_sts::config::Builder::from(&config).interceptor(attempts.clone());
    let settings = settings.retry_classifier(attempts).build();
    let sts = aws_sdk_sts::Client::from_conf(settings);
    let answer = caller.ask(GET_CALLER_IDENTITY, sts.get_caller_identity().send()).await?;
    let (Some(id), Some(arn)) = (answer.account, answer.arn) else {
        return Err(Trouble::failed(GET_CALLER_IDENTITY, "the answer names no account"));
    };
    tracing::debug!(account = id, identity = arn, "signed in to AWS");
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    let home = config.region().map(|region| region.as_ref().to_owned()).unwrap_or_default();
    Ok(Account { id, arn, partition, home, config, caller: Arc::clone(caller), renewal })
}

fn no_region(profile: Option<&str>) -> DiscoverError {
    let place = profile.map_or("the default profile".to_owned(), |name| format!("profile `{name}`"));
    DiscoverError::Failed {
        what: "AWS region".to_owned(),
        detail: format!("none is set: give --region, or set AWS_REGION, or `region` in {place}"),
    }
}

fn no_credential(id: &str) -> Open {
    let reading = format!("account {id}");
    let why = "no credential belongs to it: give its entry under scopes.accounts a role, or a profile of it";
    let why = Obstacle::Failed(why.into());
    Open::unread(reading, ASSUME_ROLE.action, format!("account {id}"), why)
}

fn account_gap(id: &str, open: Open) -> Gap {
    let message = format!(
        "account {id} was not read: give a profile of it with --profile, or a role that you may assume there under `scopes.accounts`"
    );
    Gap { scope: format!("account {id}"), open, message }
}

fn profile_gap(name: &str, error: &DiscoverError) -> Gap {
    let scope = format!("profile {name}");
    let (why, next) = match error {
        DiscoverError::Credentials { detail, next, .. } => (detail.clone(), format!("; {next}")),
        other => (other.to_string(), String::new()),
    };
    let open = Open::unread(
        format!("credentials of {scope}"),
        GET_CALLER_IDENTITY.action,
        scope.clone(),
        Obstacle::Failed(why.into()),
    );
    Gap { message: format!("the account of {scope} was not read{next}"), scope, open }
}
