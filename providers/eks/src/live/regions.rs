//! The regions in which the clusters of an account are looked for.

use super::accounts::Account;
use super::call::Caller;
use super::operation::DESCRIBE_REGIONS;
use super::region;
use super::trouble::Trouble;
use crate::EksOptions;
use pullaudit_core::{Gap, Obstacle, Open};

/// The regions of an account, sorted, each once, and what keeps them from being all.
///
/// Those that the user names; all that are enabled where the run is about whole accounts; else the one that environment
/// or profile name.
pub(crate) async fn of(options: &EksOptions, caller: &Caller, account: &Account) -> (Vec<String>, Option<Gap>) {
    if !options.regions.is_empty() {
        let mut here: Vec<String> =
            options.regions.iter().filter(|name| region::partition(name) == account.partition).cloned().collect();
        here.sort();
        here.dedup();
        let gap = here.is_empty().then(|| of_other_partitions(options, account));
        return (here, gap);
    }
    if !options.all_regions {
        return (vec![account.home.clone()], None);
    }
    let client = account.ec2(&account.home);
    match caller.ask(DESCRIBE_REGIONS, client.describe_regions()).await {
        Ok(mut enabled) => {
            enabled.sort();
            enabled.dedup();
            (enabled, None)
        }
        Err(trouble) => (vec![account.home.clone()], Some(one_only(account, &trouble))),
    }
}

fn one_only(account: &Account, trouble: &Trouble) -> Gap {
    let scope = format!("account {}", account.id);
    Gap {
        open: trouble.open("enabled regions", scope.as_str()),
        message: format!(
            "of {scope} only region {} was searched: grant {}, or name the regions with --region",
            account.home, DESCRIBE_REGIONS.action
        ),
        scope,
    }
}

fn of_other_partitions(options: &EksOptions, account: &Account) -> Gap {
    let scope = format!("account {}", account.id);
    let why = format!("it is of partition {}, and none of {} is", account.partition, options.regions.join(", "));
    Gap {
        open: Open::unread("EKS clusters", "eks:ListClusters", scope.as_str(), Obstacle::Failed(why.into())),
        message: format!("no region of {scope} was searched: name one of its own with --region"),
        scope,
    }
}
