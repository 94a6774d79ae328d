//! Which subscriptions there are.

use super::Azure;
use super::operation::LIST_SUBSCRIPTIONS;
use super::service::query;
use super::trouble::Trouble;
use crate::facts::{ManagingTenant, Subscription};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

/// The subscriptions that the user gave, and those that the credential sees.
pub(crate) struct Subscriptions {
    given: Vec<String>,
    seen: OnceCell<Vec<Subscription>>,
}

/// As Resource Manager lists them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    subscription_id: String,
    #[serde(default)]
    tenant_id: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    managed_by_tenants: Option<Vec<ManagingTenant>>,
}

impl Subscriptions {
    /// Those that the user gave; nothing is read yet.
    pub(crate) fn new(given: &[String]) -> Self {
        let mut given: Vec<String> = given.iter().map(|id| id.trim().to_ascii_lowercase()).collect();
        given.sort();
        given.dedup();
        Self { given, seen: OnceCell::new() }
    }

    /// Those that the user gave, in lower case; empty for all that the credential sees.
    pub(crate) fn given(&self) -> Vec<Subscription> {
        let given = |id: &String| Subscription { subscription_id: id.clone(), ..Subscription::default() };
        self.given.iter().map(given).collect()
    }

    /// Those that the credential sees, read once, with ids in lower case.
    pub(crate) async fn seen(&self, azure: &Azure) -> Result<&[Subscription], Trouble> {
        let seen = self.seen.get_or_try_init(async || {
            let query = query(LIST_SUBSCRIPTIONS, "");
            let listed: Vec<Listed> = azure.arm.list(LIST_SUBSCRIPTIONS, "/subscriptions", &query).await?;
            // What a deleted subscription held is gone, and lists there fail.
            let there = listed.into_iter().filter(|one| one.state.as_deref() != Some("Deleted"));
            let slim = |one: Listed| Subscription {
                subscription_id: one.subscription_id.to_ascii_lowercase(),
                tenant_id: one.tenant_id.unwrap_or_default(),
                managed_by_tenants: one.managed_by_tenants.unwrap_or_default(),
            };
            Ok(there.map(slim).collect::<Vec<_>>())
        });
        seen.await.map(Vec::as_slice)
    }
}

/// How Resource Manager says that a subscription holds nothing of a kind and never did: a provider can't
/// be unregistered while it has resources there.
pub(crate) const UNREGISTERED: &[&str] = &["MissingSubscriptionRegistration"];
