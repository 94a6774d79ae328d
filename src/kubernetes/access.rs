//! Which kubeconfig context leads to which cluster. Pure; the files are read in `live`.

use pullaudit_core::Cluster;

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
/// named as the cloud's own tools name it. Of several, the current one, else the first.
///
/// `None` when none does, also when `configured` names a context that does not exist: a context that was
/// asked for is never replaced by another.
pub fn context_for(cluster: &Cluster, contexts: &[ContextView], configured: Option<&str>) -> Option<String> {
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
    first(&|context| same_end_point(cluster, context)).or_else(|| first(&|context| names(cluster, context)))
}

/// Whether a context leads to a cluster, as far as end point and names tell.
pub fn leads_to(context: &ContextView, cluster: &Cluster) -> bool {
    same_end_point(cluster, context) || names(cluster, context)
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

fn names(cluster: &Cluster, context: &ContextView) -> bool {
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
    use pullaudit_core::ClusterId;

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
        context_for(&eks(), contexts, None)
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
        assert!(leads_to(&context("x", "gke_p_europe-west1_c_d", ""), &gke));
        let aks = Cluster { provider: "aks".into(), name: "prod".into(), ..gke };
        assert!(leads_to(&context("prod", "prod", ""), &aks));
        assert!(leads_to(&context("prod-admin", "prod", ""), &aks));
        assert!(!leads_to(&context("production", "production", ""), &aks));
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
        assert_eq!(context_for(&eks(), &contexts, Some("alias")).as_deref(), Some("alias"));
        assert_eq!(context_for(&eks(), &contexts, Some("gone")), None);
    }

    #[test]
    fn the_current_context_says_which_cluster_it_means() {
        let contexts = [context("a", "x", ""), ContextView { current: true, ..context("alias", ARN, "") }];
        let hint = hint(current(&contexts).unwrap()).unwrap();
        assert_eq!((hint.provider, hint.name.as_str()), ("eks", "shop"));
        assert_eq!((hint.location.as_str(), hint.scope.as_str()), ("eu-west-1", "111122223333"));
    }
}
