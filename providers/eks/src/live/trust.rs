//! The identity providers that vouch for service accounts of clusters.

use super::accounts::Accounts;
use super::call::{Caller, read};
use super::iam::NONE;
use super::operation::GET_OPEN_ID_CONNECT_PROVIDER;
use crate::facts::{IdentityProvider, table};
use futures_util::future::join_all;
use pullaudit_core::{Read, Section};
use std::collections::BTreeMap;

/// Reads identity providers, given by ARN with their accounts, into rows.
pub(crate) async fn collect(
    caller: &Caller,
    accounts: &Accounts,
    providers: &BTreeMap<String, String>,
) -> Section {
    let reading =
        providers.iter().map(|(arn, account)| async move { (arn, one(caller, accounts, arn, account).await) });
    let mut section = Section::default();
    for (arn, provider) in join_all(reading).await {
        section.store(table::IDENTITY_PROVIDERS, arn.as_str(), provider);
    }
    section
}

async fn one(caller: &Caller, accounts: &Accounts, arn: &str, account: &str) -> Read<IdentityProvider> {
    let what = format!("identity provider {arn}");
    let Some(known) = accounts.get(account) else {
        return Read::Unread(accounts.closed(account, what, GET_OPEN_ID_CONNECT_PROVIDER));
    };
    let sent = known.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
    let answer = caller.ask(GET_OPEN_ID_CONNECT_PROVIDER, sent).await;
    let provider = answer.map(|answer| IdentityProvider { audiences: answer.client_id_list.unwrap_or_default() });
    read(provider, NONE, what, format!("account {account}"))
}
