//! Which kubeconfig context leads to which cluster. Pure; the files are read in `live`.

use pullaudit_core::{Cluster, ClusterId};

/// A kubeconfig context, without its credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextView {
    /// Its name.
    pub name: String,
    /// The name of its cluster entry.
    pub cluster: String,
    /// The address in its cluster entry.
    pub server: String,
    /// Its namespace; empty when it sets none.
    pub namespace: String,
    /// True for the one that `--context` or `current-context` names.
    pub current: bool,
}

/// What a context says about the cluster behind it, by the naming of the tool that wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// `aks`, `eks` or `gke`.
    pub provider: &'static str,
    /// The cluster's short name.
    pub name: String,
    /// Its region or zone; empty where the context does not tell.
    pub location: String,
    /// Its account or project; empty where the context does not tell.
    pub scope: String,
}

/// The context that is in force, where there is one.
pub fn current(contexts: &[ContextView]) -> Option<&ContextView> {
    contexts.iter().find(|context| context.current)
}

/// The context that leads to a cluster: the configured one, else one with its end point, else one that is
/// named as the cloud's own tools name it and could not mean another of `all`, the clusters of this run. Of several,
/// the current one, else the first.
///
/// `None` when none does, also when `configured` names a context that does not exist: a context that was
/// asked for is never replaced by another.
pub fn context_for(
    cluster: &Cluster,
    all: &[&Cluster],
    contexts: &[ContextView],
    configured: Option<&str>,
) -> Option<String> {
    if let Some(configured) = configured {
        return contexts.iter().find(|context| context.name == configured).map(|context| context.name.clone());
    }
    let first = |matches: &dyn Fn(&ContextView) -> bool| {
        let matching = || contexts.iter().filter(|context| matches(context));
        matching()
            .find(|context| context.current)
            .or_else(|| matching().next())
            .map(|context| context.name.clone())
    };
    let alone = |context: &ContextView| {
        let meant = |other: &&&Cluster| same_end_point(other, context) || names(other, context);
        names(cluster, context) && all.iter().filter(meant).all(|other| other.id == cluster.id)
    };
    first(&|context| same_end_point(cluster, context)).or_else(|| first(&alone))
}

/// Those of the clusters that a context leads to: the one with its end point, else all that its names may mean.
pub fn led_to(context: &ContextView, clusters: &[&Cluster]) -> Vec<ClusterId> {
    let those = |fits: fn(&Cluster, &ContextView) -> bool| -> Vec<ClusterId> {
        clusters.iter().filter(|cluster| fits(cluster, context)).map(|cluster| cluster.id.clone()).collect()
    };
    let by_end_point = those(same_end_point);
    if by_end_point.is_empty() { those(names) } else { by_end_point }
}

fn same_end_point(cluster: &Cluster, context: &ContextView) -> bool {
    let end_point = cluster.endpoint.as_deref().and_then(normalised);
    end_point.is_some() && end_point == normalised(&context.server)
}

/// Scheme, host and port in one spelling; `None` for what is no address.
fn normalised(server: &str) -> Option<String> {
    let (scheme, rest) = server.trim().split_once("://").unwrap_or(("https", server.trim()));
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.trim_end_matches('/').to_ascii_lowercase();
    if rest.is_empty() {
        return None;
    }
    let (host, path) = rest.split_once('/').map_or((rest.as_str(), ""), |(host, path)| (host, path));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = match (has_port, scheme.as_str()) {
        (true, _) => "",
        (false, "http") => ":80",
        (false, _) => ":443",
    };
    Some(format!("{scheme}://{host}{port}/{path}"))
}

/// Ends of the addresses that clouds give to the API of a cluster.
const GIVEN: &[&str] = &[
    ".azmk8s.io",
    ".azmk8s.us",
    ".azk8s.cn",
    ".eks.amazonaws.com",
    ".eks.amazonaws.com.cn",
    ".eks.amazonaws.eu",
    ".api.aws",
    ".gke.goog",
];

/// Whether the address is one that a cloud gave to the API of another cluster. The private and the public name of one
/// begin alike; of an address of no cloud, as a tunnel has, nothing is known.
fn is_another(cluster: &Cluster, context: &ContextView) -> bool {
    fn host(server: &str) -> Option<String> {
        let server = normalised(server)?;
        let (_, rest) = server.split_once("://")?;
        rest.split([':', '/']).next().map(str::to_owned)
    }
    let first = |host: &str| host.split('.').next().unwrap_or_default().to_owned();
    let Some(server) = host(&context.server).filter(|host| GIVEN.iter().any(|end| host.ends_with(end))) else {
        return false;
    };
    cluster.endpoint.as_deref().and_then(host).is_some_and(|own| first(&own) != first(&server))
}

fn names(cluster: &Cluster, context: &ContextView) -> bool {
    if is_another(cluster, context) {
        return false;
    }
    let entries = [context.cluster.as_str(), context.name.as_str()];
    if entries.contains(&cluster.id.0.as_str()) {
        return true;
    }
    if cluster.provider == "aks" {
        return entries.iter().any(|entry| entry.strip_suffix("-admin").unwrap_or(entry) == cluster.name);
    }
    hint(context).is_some_and(|hint| {
        hint.provider == cluster.provider
            && hint.name == cluster.name
            && hint.location == cluster.location
            && (hint.scope.is_empty() || hint.scope == cluster.scope)
    })
}

/// What the names in a context mean, as `aws eks update-kubeconfig`, `eksctl` and `gcloud` write them. The
/// names that `az` writes tell no more than a cluster's short name, which any context may have.
pub fn hint(context: &ContextView) -> Option<Hint> {
    [context.cluster.as_str(), context.name.as_str()].into_iter().find_map(hint_of)
}

fn hint_of(entry: &str) -> Option<Hint> {
    let hint = |provider, name: &str, location: &str, scope: &str| Hint {
        provider,
        name: name.to_owned(),
        location: location.to_owned(),
        scope: scope.to_owned(),
    };
    if entry.starts_with("arn:") {
        let parts: Vec<&str> = entry.splitn(6, ':').collect();
        let [_, _, "eks", region, account, resource] = parts[..] else { return None };
        return Some(hint("eks", resource.strip_prefix("cluster/")?, region, account));
    }
    if let Some(rest) = entry.strip_prefix("gke_") {
        let parts: Vec<&str> = rest.splitn(3, '_').collect();
        let [project, location, name] = parts[..] else { return None };
        return Some(hint("gke", name, location, project));
    }
    let host = entry.rsplit_once('@').map_or(entry, |(_, host)| host);
    let (name, region) = host.strip_suffix(".eksctl.io")?.rsplit_once('.')?;
    Some(hint("eks", name, region, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/shop";

    fn eks() -> Cluster {
        Cluster {
            id: ClusterId(ARN.into()),
            provider: "eks".into(),
            name: "shop".into(),
            location: "eu-west-1".into(),
            scope: "111122223333".into(),
            endpoint: Some("https://ABC.gr7.eu-west-1.eks.amazonaws.com".into()),
        }
    }

    fn context(name: &str, cluster: &str, server: &str) -> ContextView {
        ContextView { name: name.into(), cluster: cluster.into(), server: server.into(), ..ContextView::default() }
    }

    fn found(contexts: &[ContextView]) -> Option<String> {
        context_for(&eks(), &[&eks()], contexts, None)
    }

    #[test]
    fn an_end_point_matches_in_any_spelling() {
        for server in [
            "https://ABC.gr7.eu-west-1.eks.amazonaws.com",
            "https://abc.gr7.eu-west-1.eks.amazonaws.com/",
            "https://ABC.gr7.eu-west-1.eks.amazonaws.com:443",
        ] {
            assert_eq!(found(&[context("any", "thing", server)]).as_deref(), Some("any"), "{server}");
        }
        for server in ["", "https://", "https://DEF.gr7.eu-west-1.eks.amazonaws.com", "https://127.0.0.1:6443"] {
            assert_eq!(found(&[context("any", "thing", server)]), None, "{server}");
        }
    }

    #[test]
    fn names_match_as_each_tool_writes_them() {
        for (name, cluster) in [
            (ARN, ARN),
            ("alias", ARN),
            ("me@shop.eu-west-1.eksctl.io", "shop.eu-west-1.eksctl.io"),
            ("someone@example.com@shop.eu-west-1.eksctl.io", ""),
        ] {
            let contexts = [context(name, cluster, "https://localhost:1")];
            assert_eq!(found(&contexts).as_deref(), Some(name));
        }
        for name in [
            "shop",
            "me@shop.us-east-1.eksctl.io",
            "gke_p_eu-west-1_shop",
            "arn:aws:eks:x",
            "arn:aws:iam::1:role/shop",
        ] {
            assert_eq!(found(&[context(name, name, "")]), None, "{name}");
        }
        let gke = Cluster {
            id: ClusterId("projects/p/locations/europe-west1/clusters/c_d".into()),
            provider: "gke".into(),
            name: "c_d".into(),
            location: "europe-west1".into(),
            scope: "p".into(),
            endpoint: None,
        };
        let leads = |context: ContextView, cluster: &Cluster| !led_to(&context, &[cluster]).is_empty();
        assert!(leads(context("x", "gke_p_europe-west1_c_d", ""), &gke));
        let aks = Cluster { provider: "aks".into(), name: "prod".into(), ..gke };
        assert!(leads(context("prod", "prod", ""), &aks));
        assert!(leads(context("prod-admin", "prod", ""), &aks));
        assert!(!leads(context("production", "production", ""), &aks));
    }

    #[test]
    fn an_end_point_beats_a_name_and_the_current_context_beats_an_earlier_one() {
        let by_name = context("by-name", ARN, "https://localhost:1");
        let by_server = context("by-server", "x", "https://abc.gr7.eu-west-1.eks.amazonaws.com");
        let other = ContextView { name: "other".into(), current: true, ..by_server.clone() };
        assert_eq!(found(&[by_name.clone(), by_server.clone()]).as_deref(), Some("by-server"));
        assert_eq!(found(&[by_name, by_server, other]).as_deref(), Some("other"));
    }

    #[test]
    fn a_configured_context_is_never_replaced() {
        let contexts = [context("alias", ARN, "")];
        assert_eq!(context_for(&eks(), &[], &contexts, Some("alias")).as_deref(), Some("alias"));
        assert_eq!(context_for(&eks(), &[], &contexts, Some("gone")), None);
    }

    fn aks(subscription: &str, fqdn: &str) -> Cluster {
        Cluster {
            id: ClusterId(format!("/subscriptions/{subscription}/managedClusters/prod")),
            provider: "aks".into(),
            name: "prod".into(),
            location: "westeurope".into(),
            scope: subscription.into(),
            endpoint: Some(format!("https://{fqdn}")),
        }
    }

    /// Two clusters of one name are never read through one API.
    #[test]
    fn a_context_named_like_two_clusters_leads_to_the_one_with_its_address_or_to_none() {
        let one = aks("one", "prod-1a.hcp.westeurope.azmk8s.io");
        let two = aks("two", "prod-2b.hcp.westeurope.azmk8s.io");
        let all = [&one, &two];
        let found = |cluster: &Cluster, contexts: &[ContextView]| context_for(cluster, &all, contexts, None);
        let first = [context("prod", "prod", "https://prod-1a.hcp.westeurope.azmk8s.io:443")];
        assert_eq!(found(&one, &first).as_deref(), Some("prod"));
        assert_eq!(found(&two, &first), None);
        assert_eq!(led_to(&first[0], &all), std::slice::from_ref(&one.id));
        let tunnel = [context("prod", "prod", "https://localhost:8443")];
        assert_eq!((found(&one, &tunnel), found(&two, &tunnel)), (None, None));
        assert_eq!(led_to(&tunnel[0], &all).len(), 2, "which of them it means is not known");
        assert_eq!(context_for(&one, &[&one], &tunnel, None).as_deref(), Some("prod"));
        // A name of `eksctl` tells no account.
        let eksctl = [context("x", "shop.eu-west-1.eksctl.io", "https://localhost:1")];
        let mut twin = eks();
        (twin.id, twin.scope) = (ClusterId(ARN.replace("1111", "9999")), "999922223333".into());
        assert_eq!(context_for(&eks(), &[&eks(), &twin], &eksctl, None), None);
        assert_eq!(context_for(&eks(), &[&eks()], &eksctl, None).as_deref(), Some("x"));
    }

    #[test]
    fn a_name_with_the_address_of_another_cluster_is_no_name_of_this_one() {
        let one = aks("one", "prod-1a.hcp.westeurope.azmk8s.io");
        let leads = |server: &str| context_for(&one, &[&one], &[context("prod", "prod", server)], None).is_some();
        for own in [
            "https://prod-1a.0f.privatelink.westeurope.azmk8s.io:443",
            "https://10.0.0.1",
            // A load balancer in front of it is a tunnel like any other.
            "https://tunnel-1.elb.eu-west-1.amazonaws.com",
            "",
        ] {
            assert!(leads(own), "{own}");
        }
        for other in [
            "https://prod-2b.hcp.westeurope.azmk8s.io:443",
            "https://prod-2b.0f.privatelink.westeurope.azmk8s.io",
            "https://ABC.gr7.eu-west-1.eks.amazonaws.com",
            "https://gke-1.europe-west1.gke.goog",
        ] {
            assert!(!leads(other), "{other}");
        }
    }

    #[test]
    fn the_current_context_says_which_cluster_it_means() {
        let contexts = [context("a", "x", ""), ContextView { current: true, ..context("alias", ARN, "") }];
        let hint = hint(current(&contexts).unwrap()).unwrap();
        assert_eq!((hint.provider, hint.name.as_str()), ("eks", "shop"));
        assert_eq!((hint.location.as_str(), hint.scope.as_str()), ("eu-west-1", "111122223333"));
    }
}
