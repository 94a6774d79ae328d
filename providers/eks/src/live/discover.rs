//! Which clusters there are.

use super::accounts::Account;
use super::call::Caller;
use super::operation::{LIST_CLUSTERS, Operation};
use super::paging::pages;
use super::trouble::{Kind, Trouble};
use super::{Live, cluster, credentials, regions};
use futures_util::future::join_all;
use pullaudit_core::{
    Cluster, ClusterId, DiscoverError, Discovered, Discovery, Gap, Obstacle, Open, Scope, Searched,
};
use std::collections::BTreeSet;

/// An account in a region.
struct Place<'a> {
    account: &'a Account,
    region: String,
    eks: aws_sdk_eks::Client,
}

/// The wanted clusters of every account and region that can be listed, with their readings.
pub(crate) async fn discover(live: &Live, scope: &Scope) -> Result<Discovery, DiscoverError> {
    let accounts = live.accounts(None).await?;
    let mut gaps = accounts.gaps.clone();
    let mut searched = Vec::new();
    let covered: Vec<&Account> = accounts.iter().filter(|account| scope.covers(&account.id)).collect();
    let regions = join_all(covered.iter().map(|account| regions::of(&live.options, &live.caller, account))).await;
    let mut places = Vec::new();
    for (account, (regions, gap)) in covered.into_iter().zip(regions) {
        gaps.extend(gap);
        let here: BTreeSet<String> = regions.iter().cloned().collect();
        let one = Searched {
            provider: "eks".to_owned(),
            scope: account.id.clone(),
            regions: here,
            ..Searched::default()
        };
        one.add(&mut searched);
        places.extend(regions.into_iter().map(|region| Place { eks: account.eks(&region), account, region }));
    }
    if places.is_empty() && gaps.is_empty() {
        gaps.push(nowhere(accounts.iter()));
    }
    let listed = join_all(places.iter().map(|place| names(&live.caller, place))).await;

    let mut wanted = Vec::new();
    let mut first_trouble = None;
    let mut any = places.is_empty();
    for (place, outcome) in places.iter().zip(listed) {
        match outcome {
            Ok(names) => {
                any = true;
                let here = names.into_iter().map(|name| (place, place.arn(&name), name));
                wanted.extend(here.filter(|(_, arn, name)| scope.wants(arn, name)));
            }
            Err(trouble) => {
                gaps.push(place.gap(&trouble));
                first_trouble.get_or_insert(trouble);
            }
        }
    }
    if let (false, Some(trouble)) = (any, first_trouble) {
        return Err(nothing_listed(live, trouble));
    }

    let read = join_all(wanted.into_iter().map(|(place, arn, name)| found(live, place, arn, name))).await;
    let mut clusters: Vec<Discovered> = read.into_iter().flatten().collect();
    clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    gaps.sort();
    Ok(Discovery { clusters, gaps, searched })
}

impl Place<'_> {
    fn arn(&self, name: &str) -> String {
        format!("arn:{}:eks:{}:{}:cluster/{name}", self.account.partition, self.region, self.account.id)
    }

    fn gap(&self, trouble: &Trouble) -> Gap {
        let scope = format!("account {}, region {}", self.account.id, self.region);
        let open =
            trouble.open(format!("EKS clusters of {}", self.region), format!("account {}", self.account.id));
        Gap { message: format!("clusters of {scope} are not in this report"), scope, open }
    }
}

async fn names(caller: &Caller, place: &Place<'_>) -> Result<Vec<String>, Trouble> {
    pages(LIST_CLUSTERS, |token| {
        let sent = place.eks.list_clusters().set_next_token(token).send();
        async move {
            caller.ask(LIST_CLUSTERS, sent).await.map(|page| (page.clusters.unwrap_or_default(), page.next_token))
        }
    })
    .await
}

/// The cluster, unless it vanished since it was listed.
async fn found(live: &Live, place: &Place<'_>, arn: String, name: String) -> Option<Discovered> {
    let (endpoint, readings) = cluster::read(&live.caller, &place.eks, &name, &place.account.id).await?;
    let cluster = Cluster {
        id: ClusterId(arn),
        provider: "eks".to_owned(),
        name,
        location: place.region.clone(),
        scope: place.account.id.clone(),
        endpoint,
    };
    Some(Discovered { cluster, readings })
}

/// Where no account that credentials belong to is asked for.
fn nowhere<'a>(accounts: impl Iterator<Item = &'a Account>) -> Gap {
    let known: Vec<&str> = accounts.map(|account| account.id.as_str()).collect();
    let why = format!("the credentials belong to account {}, which is not asked for", known.join(", "));
    let open =
        Open::unread("EKS clusters", LIST_CLUSTERS.action, "the accounts asked for", Obstacle::Failed(why.into()));
    Gap {
        scope: "EKS".to_owned(),
        open,
        message:
            "no account was searched for EKS clusters: give a profile of one that is meant with --profile, or a \
                  role there under `scopes.accounts`"
                .to_owned(),
    }
}

fn nothing_listed(live: &Live, trouble: Trouble) -> DiscoverError {
    let Operation { service, name, .. } = LIST_CLUSTERS;
    match trouble.kind {
        Kind::Credentials => {
            credentials::unusable(live.options.profiles.first().map(String::as_str), trouble.detail)
        }
        Kind::Refused | Kind::Policy | Kind::Closed | Kind::Failed => {
            DiscoverError::Failed { what: format!("EKS clusters ({service} {name})"), detail: trouble.detail }
        }
    }
}
