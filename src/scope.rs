//! Which clusters a run is about, before anything is read.

use crate::cli::Select;
use crate::kubernetes::access::{self, ContextView};
use std::collections::BTreeSet;

/// What the selection means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// Clusters by `--cluster`.
    Named,
    /// Every cluster that the credentials see in the scopes that are set.
    Everything,
    /// The cluster behind a kubeconfig context.
    Context(ContextView),
    /// Nothing is selected, and there is no context to go by.
    Nothing,
}

/// Bare commands mean the current context's cluster; a provider, a cloud scope or `--all-clouds` widens.
pub fn meant(select: &Select, contexts: &[ContextView]) -> Meant {
    let scopes = [
        &select.provider,
        &select.account,
        &select.profile,
        &select.region,
        &select.subscription,
        &select.project,
    ];
    if !select.cluster.is_empty() {
        Meant::Named
    } else if select.all_clouds || scopes.iter().any(|scope| !scope.is_empty()) {
        Meant::Everything
    } else {
        access::current(contexts).map_or(Meant::Nothing, |context| Meant::Context(context.clone()))
    }
}

/// Whether the selection can mean clusters of this cloud. A cloud scope means its own cloud only; a full id
/// or an end point tells its cloud; a bare name may stand in any.
pub fn may_mean(cloud: &str, select: &Select, meant: &Meant) -> bool {
    if !select.provider.is_empty() {
        return select.provider.iter().any(|name| name == cloud);
    }
    let aws = [&select.account, &select.profile, &select.region].iter().any(|scope| !scope.is_empty());
    let (azure, google) = (!select.subscription.is_empty(), !select.project.is_empty());
    let scoped = match cloud {
        "eks" => aws,
        "aks" => azure,
        "gke" => google,
        _ => false,
    };
    if !select.all_clouds && (aws || azure || google) {
        return scoped;
    }
    match meant {
        Meant::Named => select.cluster.iter().any(|text| cloud_of_id(text).is_none_or(|known| known == cloud)),
        Meant::Context(context) => cloud_of_context(context).is_none_or(|known| known == cloud),
        Meant::Everything | Meant::Nothing => true,
    }
}

/// True for a cloud whose clusters are listed region by region.
pub fn has_regions(cloud: &str) -> bool {
    cloud == "eks"
}

/// True where single clusters are meant: by context, or by names that are no patterns.
pub fn is_exact(select: &Select, meant: &Meant) -> bool {
    match meant {
        Meant::Context(_) => true,
        Meant::Named => !select.all_clouds && !select.cluster.iter().any(|text| text.contains(['*', '?', '['])),
        Meant::Everything | Meant::Nothing => false,
    }
}

fn cloud_of_id(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let clouds = [("arn:", "eks"), ("/subscriptions/", "aks"), ("projects/", "gke")];
    clouds.into_iter().find(|(start, _)| lower.starts_with(start)).map(|(_, cloud)| cloud)
}

fn cloud_of_context(context: &ContextView) -> Option<&'static str> {
    if let Some(hint) = access::hint(context) {
        return Some(hint.provider);
    }
    let host = context.server.split("://").nth(1)?.split(['/', ':']).next()?.to_ascii_lowercase();
    let azure = ["azmk8s.io", "azmk8s.us", "azk8s.cn"].iter().any(|zone| host.ends_with(&format!(".{zone}")));
    match (azure, host.contains(".eks.amazonaws.")) {
        (true, _) => Some("aks"),
        (_, true) => Some("eks"),
        _ => None,
    }
}

/// The accounts or subscriptions of a cloud that the selection itself names. Empty where clusters of any can
/// be meant.
pub fn within(cloud: &str, select: &Select, contexts: &[ContextView]) -> Vec<String> {
    match cloud {
        "eks" => accounts(select, contexts),
        "aks" => subscriptions(select),
        "gke" => projects(select),
        _ => Vec::new(),
    }
}

/// The projects that the selection itself names: by `--project`, in full ids of clusters.
pub fn projects(select: &Select) -> Vec<String> {
    if !select.project.is_empty() {
        return select.project.clone();
    }
    let google = select.cluster.iter().filter(|text| cloud_of_id(text).is_none_or(|cloud| cloud == "gke"));
    let of_id = |text: &String| {
        let id = text.strip_prefix("projects/")?.split('/').next()?;
        (!id.is_empty() && !id.contains(['*', '?', '['])).then(|| id.to_owned())
    };
    google.map(of_id).collect::<Option<BTreeSet<_>>>().unwrap_or_default().into_iter().collect()
}

/// The subscriptions that the selection itself names, in lower case: by `--subscription`, in full ids of
/// clusters.
pub fn subscriptions(select: &Select) -> Vec<String> {
    if !select.subscription.is_empty() {
        return select.subscription.iter().map(|id| id.to_ascii_lowercase()).collect();
    }
    let azure = select.cluster.iter().filter(|text| cloud_of_id(text).is_none_or(|cloud| cloud == "aks"));
    azure
        .map(|text| subscription_of_id(text))
        .collect::<Option<BTreeSet<_>>>()
        .unwrap_or_default()
        .into_iter()
        .collect()
}

/// `/subscriptions/S/resourceGroups/…`
fn subscription_of_id(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let id = lower.strip_prefix("/subscriptions/")?.split('/').next()?;
    (!id.is_empty() && !id.contains(['*', '?', '['])).then(|| id.to_owned())
}

/// The regions that the selection itself names: in cluster ARNs, in the current context. Empty where it
/// names none; then the region of the environment counts.
pub fn regions(select: &Select, contexts: &[ContextView]) -> Vec<String> {
    if !select.region.is_empty() {
        return select.region.clone();
    }
    let mut regions: BTreeSet<String> =
        select.cluster.iter().filter_map(|pattern| region_of_arn(pattern)).collect();
    if let Meant::Context(context) = meant(select, contexts) {
        let hint = access::hint(&context).filter(|hint| hint.provider == "eks").map(|hint| hint.location);
        regions.extend(hint.or_else(|| region_of_host(&context.server)));
    }
    regions.into_iter().collect()
}

/// The accounts that the selection itself names: by `--account`, in cluster ARNs, in the current context.
/// Empty where clusters of any account can be meant.
fn accounts(select: &Select, contexts: &[ContextView]) -> Vec<String> {
    if !select.account.is_empty() {
        return select.account.clone();
    }
    match meant(select, contexts) {
        // One pattern that is no full ARN can mean a cluster anywhere.
        Meant::Named => {
            select.cluster.iter().map(|pattern| account_of_arn(pattern)).collect::<Option<_>>().unwrap_or_default()
        }
        Meant::Context(context) => {
            let hint = access::hint(&context).filter(|hint| hint.provider == "eks" && !hint.scope.is_empty());
            hint.map(|hint| hint.scope).into_iter().collect()
        }
        Meant::Everything | Meant::Nothing => Vec::new(),
    }
}

fn account_of_arn(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let account = (parts.next() == Some("arn")).then(|| parts.nth(3)).flatten()?;
    account.bytes().all(|byte| byte.is_ascii_digit()).then(|| account.to_owned()).filter(|id| !id.is_empty())
}

fn region_of_arn(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let region = (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten()?;
    (!region.is_empty() && !region.contains(['*', '?', '['])).then(|| region.to_owned())
}

/// `https://ID.gr7.REGION.eks.amazonaws.com`
fn region_of_host(server: &str) -> Option<String> {
    let host = server.split("://").nth(1)?.split(['/', ':']).next()?;
    let labels: Vec<&str> = host.split('.').collect();
    let eks = labels.iter().position(|label| *label == "eks")?;
    host.contains(".amazonaws.")
        .then(|| labels.get(eks.checked_sub(1)?).map(|region| (*region).to_owned()))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(cluster: &str, server: &str) -> Vec<ContextView> {
        let (cluster, server) = (cluster.to_owned(), server.to_owned());
        vec![ContextView { name: "c".to_owned(), cluster, server, namespace: String::new(), current: true }]
    }

    #[test]
    fn bare_means_the_current_context_and_a_scope_widens() {
        let contexts = context("x", "https://1.2.3.4");
        assert_eq!(meant(&Select::default(), &contexts), Meant::Context(contexts[0].clone()));
        assert_eq!(meant(&Select::default(), &[]), Meant::Nothing);
        let wide = Select { provider: vec!["eks".to_owned()], ..Select::default() };
        assert_eq!(meant(&wide, &contexts), Meant::Everything);
        let named = Select { cluster: vec!["p*".to_owned()], ..wide };
        assert_eq!(meant(&named, &contexts), Meant::Named);
    }

    #[test]
    fn the_region_stands_in_the_arn_or_in_the_end_point() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        assert_eq!(regions(&Select::default(), &context(arn, "")), ["eu-west-1"]);
        let host = "https://AB12.gr7.us-east-2.eks.amazonaws.com";
        assert_eq!(regions(&Select::default(), &context("x", host)), ["us-east-2"]);
        let select = Select { cluster: vec![arn.to_owned(), "name".to_owned()], ..Select::default() };
        assert_eq!(regions(&select, &context("x", host)), ["eu-west-1"], "--cluster is not about the context");
        assert!(regions(&Select::default(), &context("x", "https://127.0.0.1:6443")).is_empty());
    }

    #[test]
    fn an_account_stands_in_every_arn_or_is_not_known() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        assert_eq!(accounts(&Select::default(), &context(arn, "")), ["111122223333"]);
        let select = |cluster: &[&str]| Select {
            cluster: cluster.iter().map(|&text| text.to_owned()).collect(),
            ..Select::default()
        };
        assert_eq!(accounts(&select(&[arn]), &[]), ["111122223333"]);
        assert!(accounts(&select(&[arn, "prod*"]), &[]).is_empty());
        assert!(accounts(&select(&["arn:aws:eks:*:*:cluster/prod"]), &[]).is_empty());
        let wide = Select { account: vec!["444455556666".to_owned()], ..select(&[arn]) };
        assert_eq!(accounts(&wide, &[]), ["444455556666"]);
    }

    #[test]
    fn a_subscription_stands_in_every_full_id_or_is_not_known() {
        let id = "/subscriptions/AAAA/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/prod";
        let select = |cluster: &[&str]| Select {
            cluster: cluster.iter().map(|&text| text.to_owned()).collect(),
            ..Select::default()
        };
        assert_eq!(within("aks", &select(&[id]), &[]), ["aaaa"]);
        assert!(within("aks", &select(&[id, "prod*"]), &[]).is_empty());
        assert!(within("aks", &select(&["/subscriptions/*/resourceGroups/g"]), &[]).is_empty());
        let wide = Select { subscription: vec!["BBBB".to_owned()], ..select(&[id]) };
        assert_eq!(within("aks", &wide, &[]), ["bbbb"]);
    }

    #[test]
    fn a_name_is_exact_and_a_pattern_or_a_scope_is_not() {
        let exact = |select: &Select| is_exact(select, &meant(select, &[]));
        let named = |text: &str| Select { cluster: vec![text.to_owned()], ..Select::default() };
        assert!(exact(&named("prod")));
        assert!(!exact(&named("prod-*")));
        assert!(!exact(&Select { all_clouds: true, ..named("prod") }));
        assert!(!exact(&Select { region: vec!["eu-west-1".to_owned()], ..Select::default() }));
    }

    #[test]
    fn a_cloud_is_meant_by_its_scopes_ids_and_end_points_and_by_bare_names() {
        let named = |text: &str| Select { cluster: vec![text.to_owned()], ..Select::default() };
        let both = |select: &Select, contexts: &[ContextView]| {
            let meant = meant(select, contexts);
            (may_mean("aks", select, &meant), may_mean("eks", select, &meant))
        };
        assert_eq!(both(&named("prod"), &[]), (true, true));
        assert_eq!(both(&named("arn:aws:eks:eu-west-1:1:cluster/x"), &[]), (false, true));
        assert_eq!(both(&named("/subscriptions/a/b"), &[]), (true, false));
        let here = |server: &str| both(&Select::default(), &context("prod", server));
        assert_eq!(here("https://prod-1a2b.hcp.westeurope.azmk8s.io:443"), (true, false));
        assert_eq!(here("https://AB12.gr7.us-east-2.eks.amazonaws.com"), (false, true));
        assert_eq!(here("https://127.0.0.1:6443"), (true, true));
        let region = Select { region: vec!["eu-west-1".to_owned()], ..Select::default() };
        assert_eq!(both(&region, &[]), (false, true));
        let subscription = Select { subscription: vec!["s".to_owned()], ..Select::default() };
        assert_eq!(both(&subscription, &[]), (true, false));
        let all = Select { all_clouds: true, ..region };
        assert_eq!(both(&all, &[]), (true, true));
    }
}
