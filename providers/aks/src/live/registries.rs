//! Which registries stand behind the hosts that images name.

use super::Azure;
use super::credentials::rejected;
use super::discover::all_rejected;
use super::needs::Needs;
use super::operation::LIST_REGISTRIES;
use super::service::{query, read};
use super::subscriptions::UNREGISTERED;
use super::trouble::Trouble;
use crate::facts::{Registry, Subscription, table};
use futures_util::future::join_all;
use pullaudit_core::{CollectError, Read, Section};
use std::collections::{BTreeMap, BTreeSet};

/// A registry whose rights are read.
#[derive(Debug)]
pub(crate) struct Target {
    /// ARM id as Azure writes it.
    pub(crate) id: String,
    pub(crate) name: String,
    /// In lower case.
    pub(crate) subscription: String,
    /// Object ids of the identities that pull from it.
    pub(crate) objects: BTreeSet<String>,
}

impl Target {
    /// As tables are keyed.
    pub(crate) fn key(&self) -> String {
        self.id.to_ascii_lowercase()
    }

    /// Where a right is needed.
    pub(crate) fn scope(&self) -> String {
        format!("subscription {}", self.subscription)
    }
}

type Lists = BTreeMap<String, Result<Vec<Registry>, Trouble>>;

/// Lists registries until every host is found: in the subscriptions that the user gave first, then in all
/// that the credential sees. An error only where Azure takes the credentials for nothing.
pub(crate) async fn find(
    azure: &Azure,
    needs: &Needs,
    section: &mut Section,
) -> Result<Vec<Target>, CollectError> {
    let mut known = azure.subscriptions.given();
    let mut lists = list(azure, &known).await;
    let mut unseen = None;
    if known.is_empty()
        || needs.0.keys().any(|host| !lists.values().flatten().flatten().any(|one| answers(one, host)))
    {
        match azure.subscriptions.seen(azure).await {
            Ok(seen) => {
                let others: Vec<Subscription> =
                    seen.iter().filter(|one| !lists.contains_key(&one.subscription_id)).cloned().collect();
                lists.extend(list(azure, &others).await);
                known.retain(|one| !seen.iter().any(|seen| seen.subscription_id == one.subscription_id));
                known.extend_from_slice(seen);
                known.sort_by(|a, b| a.subscription_id.cmp(&b.subscription_id));
            }
            Err(trouble) => unseen = Some(trouble),
        }
    }
    let mut troubles = lists.values().filter_map(|list| list.as_ref().err()).chain(unseen.as_ref()).peekable();
    let nothing = !lists.values().any(Result::is_ok) && troubles.peek().is_some();
    if let Some(detail) = all_rejected(troubles).filter(|_| nothing) {
        return Err(rejected(detail).into());
    }
    let subscriptions = match unseen {
        None => Read::Got(known),
        Some(trouble) => Read::Unread(trouble.open("subscriptions", "tenant")),
    };
    section.store(table::SUBSCRIPTIONS, "", subscriptions);
    let targets = targets(&lists, needs, &system_registries(azure, needs));
    for (subscription, list) in lists {
        let scope = format!("subscription {subscription}");
        let reading = read(list, &[], format!("container registries of {scope}"), scope);
        section.store(table::REGISTRIES, subscription, reading);
    }
    Ok(targets)
}

async fn list(azure: &Azure, subscriptions: &[Subscription]) -> Lists {
    let lists = join_all(subscriptions.iter().map(|one| registries(azure, &one.subscription_id))).await;
    subscriptions.iter().map(|one| one.subscription_id.clone()).zip(lists).collect()
}

/// Registries cannot be where the whole kind of them is not registered.
async fn registries(azure: &Azure, subscription: &str) -> Result<Vec<Registry>, Trouble> {
    let path = format!("/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/registries");
    match azure.arm.list::<Registry>(LIST_REGISTRIES, &path, &query(LIST_REGISTRIES, "")).await {
        Ok(list) if list.iter().any(|one| one.id.is_empty()) => {
            Err(Trouble::failed(LIST_REGISTRIES, "the answer holds a registry without an id"))
        }
        Err(trouble) if trouble.is(UNREGISTERED) => Ok(Vec::new()),
        answer => answer,
    }
}

/// Whether images of that host, which is in lower case, are the registry's.
fn answers(registry: &Registry, host: &str) -> bool {
    let about = &registry.properties;
    let mut hosts = about.regional_endpoint_host_names.iter().chain([&about.login_server]);
    hosts.any(|own| own.eq_ignore_ascii_case(host))
}

/// Registries by ARM id, each with the identities whose clusters get their system images there.
type System = BTreeMap<String, BTreeSet<String>>;

fn system_registries(azure: &Azure, needs: &Needs) -> System {
    let mut found = System::new();
    for object in needs.0.values().flatten() {
        for system in azure.known.of(object).system {
            found.entry(system.registry).or_default().insert(object.clone());
        }
    }
    found
}

/// The registries that are asked about, each once, whichever of its hosts an image names.
fn targets(lists: &Lists, needs: &Needs, system: &System) -> Vec<Target> {
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    for (subscription, list) in lists {
        for registry in list.iter().flatten() {
            let asked: Vec<_> = needs.0.iter().filter(|(host, _)| answers(registry, host)).collect();
            let of_system = system.get(&registry.id.to_ascii_lowercase());
            if asked.is_empty() && of_system.is_none() {
                continue;
            }
            let target = targets.entry(registry.id.to_ascii_lowercase()).or_insert_with(|| Target {
                id: registry.id.clone(),
                name: registry.name.clone(),
                subscription: subscription.clone(),
                objects: BTreeSet::new(),
            });
            target.objects.extend(asked.into_iter().flat_map(|(_, objects)| objects.iter().cloned()));
            target.objects.extend(of_system.into_iter().flatten().cloned());
        }
    }
    targets.into_values().collect()
}
