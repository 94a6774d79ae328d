//! Where a run may write hangs on its scopes, and never on how a cluster was named.

use pullaudit::cli::{Reading, Select};
use pullaudit::clouds::Clouds;
use pullaudit::config::Config;
use pullaudit::kubernetes::access::ContextView;
use pullaudit::settings::Settings;
use pullaudit::writable::Writable;

const SUBSCRIPTION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const ELSEWHERE: [&str; 3] = ["22222222-aaaa-4bbb-8ccc-000000000002", "999988887777", "other-project"];
const OWN: [(&str, &str); 3] = [("aks", SUBSCRIPTION), ("eks", "111122223333"), ("gke", "acme-run")];

/// The ways to name a cluster of a cloud: name, full id in two spellings, glob, end with a pool, context.
fn names(cloud: &str) -> Vec<(&'static str, Select, Vec<ContextView>)> {
    let id = match cloud {
        "aks" => {
            "/subscriptions/22222222-AAAA-4bbb-8ccc-000000000002/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/prod"
        }
        "eks" => "arn:aws:eks:eu-west-1:999988887777:cluster/prod",
        _ => "projects/other-project/locations/europe-west4/clusters/prod",
    };
    let server = match cloud {
        "aks" => "https://prod-1a2b.hcp.westeurope.azmk8s.io:443",
        "eks" => "https://AB12.gr7.eu-west-1.eks.amazonaws.com",
        _ => "https://10.0.0.1",
    };
    let cluster = if cloud == "eks" { id } else { "gke_other-project_europe-west4_prod" };
    let context = ContextView {
        name: "here".to_owned(),
        cluster: cluster.to_owned(),
        server: server.to_owned(),
        namespace: String::new(),
        current: true,
    };
    let named = |text: &str| Select { cluster: vec![text.to_owned()], ..Select::default() };
    vec![
        ("name", named("prod"), Vec::new()),
        ("id", named(id), Vec::new()),
        ("glob", named("pr*"), Vec::new()),
        ("pool", named("prod/general"), Vec::new()),
        ("context", Select::default(), vec![context]),
    ]
}

fn writable(select: Select, contexts: Vec<ContextView>, config: &str) -> Writable {
    let mut settings = Settings::without_config(select, Reading::default());
    settings.contexts = contexts;
    settings.config = Config::parse(config, "c.yaml").unwrap();
    let clouds = Clouds::new(&settings).unwrap();
    futures_util::future::FutureExt::now_or_never(Writable::of(&settings, &clouds, false)).unwrap()
}

/// Which of the own scopes and of those elsewhere may be written, cloud by cloud.
fn holds(writable: &Writable) -> Vec<(bool, bool)> {
    let pairs = OWN.iter().zip(ELSEWHERE);
    pairs.map(|((cloud, own), other)| (writable.holds(cloud, own), writable.holds(cloud, other))).collect()
}

#[test]
fn without_scopes_credentials_decide_however_a_cluster_is_named() {
    for cloud in ["aks", "eks", "gke"] {
        for (how, select, contexts) in names(cloud) {
            let all = holds(&writable(select, contexts, ""));
            assert_eq!(all, [(true, true); 3], "{cloud} by {how}");
        }
    }
}

#[test]
fn scopes_of_the_config_decide_however_a_cluster_is_named() {
    let config = format!(
        "scopes: {{subscriptions: ['{SUBSCRIPTION}'], accounts: [{{id: '111122223333'}}], projects: [acme-run]}}"
    );
    for cloud in ["aks", "eks", "gke"] {
        for (how, select, contexts) in names(cloud) {
            let all = holds(&writable(select, contexts, &config));
            assert_eq!(all, [(true, false); 3], "{cloud} by {how}");
        }
    }
}

#[test]
fn flags_decide_and_leave_other_clouds_alone() {
    for (index, cloud) in ["aks", "eks", "gke"].into_iter().enumerate() {
        for (how, mut select, contexts) in names(cloud) {
            let own = vec![OWN[index].1.to_owned()];
            match cloud {
                "aks" => select.subscription = own,
                "eks" => select.account = own,
                _ => select.project = own,
            }
            let all = holds(&writable(select, contexts, ""));
            let mut expected = vec![(false, false); 3];
            expected[index] = (true, false);
            assert_eq!(all, expected, "{cloud} by {how}");
        }
    }
}

#[test]
fn a_provider_leaves_other_clouds_alone() {
    for (index, cloud) in ["aks", "eks", "gke"].into_iter().enumerate() {
        for (how, mut select, contexts) in names(cloud) {
            select.provider = vec![cloud.to_owned()];
            let mut expected = vec![(false, false); 3];
            expected[index] = (true, true);
            assert_eq!(holds(&writable(select, contexts, "")), expected, "{cloud} by {how}");
        }
    }
}

#[test]
fn spelling_of_a_scope_does_not_matter() {
    let select = Select { subscription: vec![SUBSCRIPTION.to_ascii_uppercase()], ..Select::default() };
    assert!(writable(select, Vec::new(), "").holds("aks", SUBSCRIPTION));
}
