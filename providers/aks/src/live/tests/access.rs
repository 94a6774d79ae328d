//! The way to a cluster's API.

use super::{Fake, Run, SUB, TOKEN, error};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pullaudit_core::{Cluster, ClusterId, Discovered, Section};

const KEY: &str = "marked-client-key";

fn found() -> Discovered {
    let id = format!(
        "/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
    );
    let cluster = Cluster {
        id: ClusterId(id),
        provider: "aks".to_owned(),
        name: "prod".to_owned(),
        location: "westeurope".to_owned(),
        scope: SUB.to_owned(),
        endpoint: None,
    };
    Discovered { cluster, readings: Section::default() }
}

fn answer(user: &str) -> (u16, String) {
    let ca = BASE64_STANDARD.encode("-----BEGIN CERTIFICATE-----");
    let yaml = format!(
        "current-context: c\nclusters: [{{name: c, cluster: {{server: 'https://prod:443', \
         certificate-authority-data: {ca}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    );
    let value = BASE64_STANDARD.encode(yaml);
    (200, format!(r#"{{"kubeconfigs":[{{"name":"clusterUser","value":"{value}"}}]}}"#))
}

#[tokio::test]
async fn the_token_stands_in_the_kubeconfig_or_comes_from_entra() {
    let written = format!("token: t0ken, client-key-data: {KEY}");
    for (user, token) in [(written.as_str(), "t0ken"), ("exec: {command: kubelogin}", TOKEN)] {
        let (status, body) = answer(user);
        let run = Run::new(Fake::table(vec![("POST ", status, body)]));
        let access = run.live.access(&found()).await.unwrap();
        assert_eq!((access.server.as_str(), access.token.as_str()), ("https://prod:443", token));
        assert_eq!(access.ca_pem, "-----BEGIN CERTIFICATE-----");
        let id = found().cluster.id.0;
        let url = format!("https://management.azure.com{id}/listClusterUserCredential?api-version=2025-10-01");
        assert_eq!(run.fake.seen(), [format!("POST {url}")]);
    }
}

#[tokio::test]
async fn what_is_in_the_way_is_told_without_any_secret() {
    let certificate = answer(&format!("client-certificate-data: {KEY}, client-key-data: {KEY}"));
    let cases = [
        (certificate, "az aks get-credentials"),
        ((200, r#"{"kubeconfigs":[]}"#.to_owned()), "no kubeconfig"),
        ((200, format!(r#"{{"kubeconfigs":[{{"value":"{KEY}!"}}]}}"#)), "not base64"),
        ((200, format!(r#"{{"kubeconfigs":["{KEY}"]}}"#)), "not of the expected shape"),
        ((200, format!(r#"{{"kubeconfigs":[{{"value":"{}"}}]}}"#, BASE64_STANDARD.encode(KEY))), "kubeconfig"),
        ((403, error("AuthorizationFailed")), "listClusterUserCredential/action"),
        ((404, error("ResourceNotFound")), "ResourceNotFound"),
    ];
    for ((status, body), why) in cases {
        let run = Run::new(Fake::table(vec![("POST ", status, body)]));
        let error = run.live.access(&found()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.starts_with("the API of cluster prod: ") && text.contains(why), "{why}: {text}");
        assert!(!text.contains("marked-"), "{text}");
    }
}
