//! Where a run may write: in the scopes that its flags and the config name. How a cluster was named plays no part.

use crate::cli::Select;
use crate::clouds::Clouds;
use crate::remediate::Plan;
use crate::settings::Settings;
use pullaudit_core::{Provider, Safety};
use std::collections::{BTreeMap, BTreeSet};

/// The scopes of each cloud in which a run may write; of a cloud that is not here, none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writable(BTreeMap<&'static str, Within>);

/// How much of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Within {
    /// Whatever the credentials may write.
    Credentials,
    /// These accounts, subscriptions or projects, in lower case.
    Scopes(BTreeSet<String>),
}

impl Writable {
    /// The scopes that the flags and the config name, with profiles and numbers resolved where a cloud is asked.
    pub async fn of(settings: &Settings, clouds: &Clouds, live: bool) -> Self {
        let mut all = BTreeMap::new();
        for provider in clouds.iter().filter(|provider| is_meant(provider.name, &settings.select)) {
            all.insert(provider.name, within(provider, settings, live).await);
        }
        Self(all)
    }

    /// Whether a change of this owner may be written.
    pub fn holds(&self, provider: &str, owner: &str) -> bool {
        match self.0.get(provider) {
            None => false,
            Some(Within::Credentials) => true,
            Some(Within::Scopes(scopes)) => scopes.contains(&owner.to_ascii_lowercase()),
        }
    }

    /// The plan with what lies outside shown only.
    pub fn limit(&self, mut plan: Plan) -> Plan {
        for change in &mut plan.changes {
            if !self.holds(&change.provider, &change.owner) {
                change.safety = Safety::ShowOnly;
            }
        }
        plan
    }
}

async fn within(provider: &Provider, settings: &Settings, live: bool) -> Within {
    let (mut named, profiles) = named(provider.name, settings);
    if named.is_empty() && !(profiles && live) {
        return Within::Credentials;
    }
    // The config adds to what the credentials belong to; flags name all there is.
    let own = is_unnamed(provider.name, &settings.select);
    if let (true, Some(writer)) = (live, &provider.writer) {
        named = writer.scopes(&named, own).await;
    }
    Within::Scopes(named.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

/// The scopes of a cloud that flags and the config name, and whether profiles name more.
fn named(cloud: &str, settings: &Settings) -> (Vec<String>, bool) {
    let (select, scopes) = (&settings.select, &settings.config.scopes);
    let both = |flags: &[String], config: &[String]| [flags, config].concat();
    match cloud {
        "eks" => {
            let accounts: Vec<String> = scopes.accounts.iter().map(|account| account.value.id.clone()).collect();
            (both(&select.account, &accounts), !select.profile.is_empty())
        }
        "aks" => (both(&select.subscription, &scopes.subscriptions), false),
        "gke" => (both(&select.project, &scopes.projects), false),
        _ => (Vec::new(), false),
    }
}

/// True where no flag names a scope of the cloud.
fn is_unnamed(cloud: &str, select: &Select) -> bool {
    match cloud {
        "eks" => select.account.is_empty() && select.profile.is_empty(),
        "aks" => select.subscription.is_empty(),
        "gke" => select.project.is_empty(),
        _ => true,
    }
}

/// Whether the run is about this cloud at all: a provider, or a scope of one cloud, says that nothing is written in
/// another.
fn is_meant(cloud: &str, select: &Select) -> bool {
    if !select.provider.is_empty() {
        return select.provider.iter().any(|name| name == cloud);
    }
    let aws = [&select.account, &select.profile, &select.region].iter().any(|scope| !scope.is_empty());
    let flags = [("eks", aws), ("aks", !select.subscription.is_empty()), ("gke", !select.project.is_empty())];
    select.all_clouds || flags.iter().all(|(_, given)| !given) || flags.contains(&(cloud, true))
}
