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
    let scopes = [&select.provider, &select.account, &select.profile, &select.region];
    if !select.cluster.is_empty() {
        Meant::Named
    } else if select.all_clouds || scopes.iter().any(|scope| !scope.is_empty()) {
        Meant::Everything
    } else {
        access::current(contexts).map_or(Meant::Nothing, |context| Meant::Context(context.clone()))
    }
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
}
