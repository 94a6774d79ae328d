//! Instances of EC2, for the profile from which a node has its role.

use super::accounts::Account;
use super::call::{Caller, read};
use super::ec2::Ec2;
use super::ec2_wire::{Described, Question};
use super::operation::DESCRIBE_INSTANCES;
use super::paging::pages;
use super::trouble::Trouble;
use crate::facts::{Instance, cluster_table};
use futures_util::future::join_all;
use pullaudit_core::{Discovered, Read};
use std::collections::{BTreeMap, BTreeSet};

/// Values of one filter that EC2 takes. A filter, because it passes over an instance that is gone, while a list of ids
/// fails for all of them.
///
/// Source: EC2 user guide, "List and filter your resources".
const AT_ONCE: usize = 200;

/// Stores which profile each of these instances has, and returns the names of those.
pub(crate) async fn collect(
    caller: &Caller,
    account: &Account,
    found: &mut Discovered,
    ids: &BTreeSet<String>,
) -> BTreeSet<String> {
    let client = account.ec2(&found.cluster.location);
    let ids: Vec<String> = ids.iter().cloned().collect();
    let answers = join_all(ids.chunks(AT_ONCE).map(|batch| describe(caller, &client, batch))).await;
    let mut profiles = BTreeSet::new();
    for (batch, answer) in ids.chunks(AT_ONCE).zip(answers) {
        let scope = format!("account {}", account.id);
        let known = read(answer, &[], format!("instance profiles of nodes of {}", found.cluster.name), scope);
        for id in batch {
            let row = match &known {
                Read::Got(known) => known.get(id).cloned().map_or(Read::Absent, Read::Got),
                Read::Absent => Read::Absent,
                Read::Unread(open) => Read::Unread(open.clone()),
            };
            profiles.extend(row.got().and_then(|instance: &Instance| instance.profile.clone()));
            found.readings.store(cluster_table::INSTANCES, id.as_str(), row);
        }
    }
    profiles
}

async fn describe(caller: &Caller, client: &Ec2, ids: &[String]) -> Result<BTreeMap<String, Instance>, Trouble> {
    let rows = pages(DESCRIBE_INSTANCES, |token| {
        let sent = client.describe_instances(Question { ids: ids.to_vec(), token });
        async {
            let page = caller.ask(DESCRIBE_INSTANCES, sent).await?;
            Ok((page.instances.into_iter().filter_map(row).collect(), page.next_token))
        }
    });
    Ok(rows.await?.into_iter().collect())
}

/// An instance that lives, by its id. One that has ended is told for a while, without what it had.
fn row(instance: Described) -> Option<(String, Instance)> {
    if matches!(instance.state.as_str(), "terminated" | "shutting-down") {
        return None;
    }
    let profile = instance.profile.map(|arn| arn.rsplit('/').next().unwrap_or(&arn).to_owned());
    Some((instance.id, Instance { profile }))
}
