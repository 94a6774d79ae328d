//! Clusters with what tells who pulls there.

use super::{Fake, OTHER, Run, SUB, error, page, subscriptions};
use crate::facts::cluster_table::{CLUSTER, SERVICE_PRINCIPAL};
use pullaudit_core::{DiscoverError, Discovered, Obstacle, Open, Read, Scope};

const APP: &str = "eeeeeeee-0000-4000-8000-000000000005";

fn cluster(name: &str, properties: &str) -> String {
    format!(
        r#"{{"id":"/subscriptions/{SUB}/resourcegroups/RG/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name":"{name}","location":"westeurope","sku":{{"name":"Base"}},"properties":{{{properties}}}}}"#
    )
}

fn kubelet(more: &str) -> String {
    let identity = r#""identityProfile":{"kubeletidentity":{"resourceId":"r","clientId":"c","objectId":"o"}}"#;
    format!(r#"{identity},"servicePrincipalProfile":{{"clientId":"{APP}"}}{more}"#)
}

fn graph(status: u16, body: &str) -> Vec<(&'static str, u16, String)> {
    let principal = format!(r#""servicePrincipalProfile":{{"clientId":"{}"}}"#, APP.to_ascii_uppercase());
    let clusters = [
        cluster("zeta", &principal),
        cluster("alpha", &kubelet(r#","fqdn":"alpha.hcp.westeurope.azmk8s.io""#)),
        cluster(
            "beta",
            &format!(
                r#"{principal},"privateFQDN":"b.privatelink","apiServerAccessProfile":{{"enablePrivateCluster":true}}"#
            ),
        ),
        cluster("made", r#""servicePrincipalProfile":{"clientId":"msi"},"provisioningState":"Creating""#),
    ];
    vec![
        ("/subscriptions?", 200, subscriptions(&[&SUB.to_ascii_uppercase(), OTHER])),
        ("aaaaaaaa-0000-4000-8000-000000000001/providers/", 200, page(&clusters.join(","))),
        ("bbbbbbbb-0000-4000-8000-000000000002/providers/", 403, error("AuthorizationFailed")),
        ("graph.microsoft.com", status, body.to_owned()),
    ]
}

fn names(found: &[Discovered]) -> Vec<&str> {
    found.iter().map(|one| one.cluster.name.as_str()).collect()
}

#[tokio::test]
async fn wanted_clusters_come_with_who_pulls_there_and_the_rest_is_a_gap() {
    let run = Run::new(Fake::table(graph(200, &format!(r#"{{"id":"{APP}","displayName":"prod-sp"}}"#))));
    let scope = Scope::new(|id, name| id.contains("/RG/") && name != "nobody");
    let found = run.live.discover(&scope).await.unwrap();
    assert_eq!(names(&found.clusters), ["alpha", "beta", "made", "zeta"]);
    let [alpha, beta, made, zeta] = found.clusters.as_slice() else { panic!() };
    assert_eq!(alpha.cluster.endpoint.as_deref(), Some("https://alpha.hcp.westeurope.azmk8s.io"));
    assert_eq!(beta.cluster.endpoint.as_deref(), Some("https://b.privatelink"));
    assert_eq!((made.cluster.endpoint.as_deref(), made.cluster.scope.as_str()), (None, SUB));
    let body = alpha.readings.get(CLUSTER, "").and_then(Read::got).unwrap();
    assert_eq!(body["properties"]["identityProfile"]["kubeletidentity"]["objectId"], "o");
    assert!(body.get("sku").is_none());
    for with_kubelet in [alpha, made] {
        assert_eq!(with_kubelet.readings.get(SERVICE_PRINCIPAL, ""), None);
    }
    for without in [beta, zeta] {
        let got = without.readings.get(SERVICE_PRINCIPAL, "").and_then(Read::got).unwrap();
        assert_eq!(got["displayName"], "prod-sp");
    }
    let asked: Vec<_> = run.fake.seen().into_iter().filter(|line| line.contains("graph")).collect();
    let url = "https://graph.microsoft.com/v1.0/servicePrincipals";
    assert_eq!(asked, [format!("GET {url}(appId=%27{APP}%27)?$select=id,displayName,appId,servicePrincipalType,accountEnabled,passwordCredentials").replace("%27", "'")]);

    let [gap] = found.gaps.as_slice() else { panic!("{:?}", found.gaps) };
    assert_eq!(gap.scope, format!("subscription {OTHER}"));
    let needs = "needs Microsoft.ContainerService/managedClusters/read in subscription bbbbbbbb";
    assert!(gap.open.to_string().contains(needs), "{}", gap.open);
}

#[tokio::test]
async fn an_application_without_a_principal_is_absent_and_a_refusal_is_not() {
    for (status, code, absent) in [
        (404, "Request_ResourceNotFound", true),
        (403, "Authorization_RequestDenied", false),
        (404, "Other", false),
    ] {
        let run = Run::new(Fake::table(graph(status, &error(code))));
        let found = run.live.discover(&Scope::new(|_, name| name == "zeta")).await.unwrap();
        let row = found.clusters[0].readings.get(SERVICE_PRINCIPAL, "").unwrap();
        assert_eq!(*row == Read::Absent, absent, "{code}");
        if let Some(Open::Unread { permission, scope, obstacle, .. }) = row.open() {
            assert_eq!((permission.as_ref(), scope.as_ref()), ("Application.Read.All", "tenant"));
            assert_eq!(*obstacle == Obstacle::Refused, status == 403);
        }
    }
}

#[tokio::test]
async fn only_subscriptions_that_are_meant_are_asked() {
    let run = Run::given(Fake::table(graph(200, "")), &[SUB, OTHER]);
    let scope = Scope::new(|_, name| name == "alpha").within([SUB.to_owned()]);
    let found = run.live.discover(&scope).await.unwrap();
    assert_eq!((names(&found.clusters), found.gaps.len()), (vec!["alpha"], 0));
    let path = format!("/subscriptions/{SUB}/providers/Microsoft.ContainerService/managedClusters");
    assert_eq!(run.fake.seen(), [format!("GET https://management.azure.com{path}?api-version=2025-10-01")]);
}

#[tokio::test]
async fn every_listed_subscription_was_searched_and_none_is_an_error() {
    let run = Run::new(Fake::table(graph(200, "")));
    let upper = Scope::new(|_, name| name == "alpha").within([SUB.to_ascii_uppercase()]);
    let found = run.live.discover(&upper).await.unwrap();
    let searched: Vec<_> = found.searched.iter().map(|one| (one.provider.as_str(), one.scope.as_str())).collect();
    assert_eq!((names(&found.clusters), searched), (vec!["alpha"], vec![("aks", SUB)]));

    let run = Run::new(Fake::table(graph(200, "")));
    let nowhere = Scope::all().within(["99999999-0000-4000-8000-000000000009".to_owned()]);
    let error = run.live.discover(&nowhere).await.unwrap_err().to_string();
    assert!(error.contains("none of the wanted ones is visible"), "{error}");
}

#[tokio::test]
async fn it_is_an_error_when_nothing_could_be_listed() {
    let run = Run::given(Fake::table(vec![("", 404, error("SubscriptionNotFound"))]), &[SUB]);
    let text = run.live.discover(&Scope::all()).await.unwrap_err().to_string();
    assert!(
        text.starts_with("AKS clusters: subscription aaaaaaaa") && text.contains("SubscriptionNotFound"),
        "{text}"
    );

    let run = Run::new(Fake::table(vec![("", 200, page(""))]));
    let error = run.live.discover(&Scope::all()).await.unwrap_err();
    assert!(matches!(&error, DiscoverError::Failed { detail, .. } if detail.contains("Reader")), "{error}");
}

#[tokio::test]
async fn a_subscription_that_never_had_a_cluster_has_none() {
    let run = Run::given(Fake::table(vec![("", 409, error("MissingSubscriptionRegistration"))]), &[SUB]);
    let found = run.live.discover(&Scope::all()).await.unwrap();
    assert!(found.clusters.is_empty() && found.gaps.is_empty());
}
