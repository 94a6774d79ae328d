//! What the file may say, and how its errors read.
#![allow(clippy::unwrap_used)]

use super::Config;
use pullaudit_core::{Cluster, ClusterId};

fn error(text: &str) -> String {
    Config::parse(text, "pullaudit.yaml").unwrap_err().to_string()
}

#[test]
fn unknown_keys_name_the_nearest_and_their_line() {
    for (text, line, unknown, meant) in [
        ("scopes:\n  acounts: []\n", 2, "acounts", "accounts"),
        ("# x\nexception: []\n", 2, "exception", "exceptions"),
        ("clusters:\n  a:\n    contex: x\n", 3, "contex", "context"),
        ("registries:\n  r:\n    Public: true\n", 3, "Public", "public"),
        ("limits:\n  inflight: 3\n", 2, "inflight", "inFlight"),
        ("scopes:\n  accounts:\n    - id: '111122223333'\n      rol: x\n", 4, "rol", "role"),
        (
            "exceptions:\n  - match: {code: x}\n    reason: r\n    owner: o\n    expire: 2026-01-01\n",
            5,
            "expire",
            "expires",
        ),
        ("exceptions:\n  - reason: r\n    owner: o\n    match:\n      names: x\n", 5, "names", "namespace"),
    ] {
        let told = error(text);
        let start = format!("pullaudit.yaml:{line}: unknown key \"{unknown}\" (did you mean {meant}?)");
        assert!(told.starts_with(&start), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn malformed_values_name_file_line_and_key() {
    for (text, start) in [
        ("scopes: {accounts: [{id: '1234'}]}", "pullaudit.yaml:1: scopes.accounts: \"1234\""),
        ("scopes:\n  regions: [eu-west-1, 'Mars 1']", "pullaudit.yaml:2: scopes.regions: \"Mars 1\""),
        ("limits:\n  inFlight: 0", "pullaudit.yaml:2: limits.inFlight: 0 is not in 1 to 256"),
        ("exceptions: [{match: {}, reason: r, owner: o}]", "pullaudit.yaml:1: exceptions[0].match: is empty"),
        (
            "exceptions:\n  - reason: r\n    owner: o\n    match:\n      cluster: a\n      image: 'reg.io/a['",
            "pullaudit.yaml:6: exceptions[0].match.image: \"reg.io/a[\" is not a pattern",
        ),
        (
            "exceptions:\n  - {reason: r, owner: o, match: {namespace: '{a'}}",
            "pullaudit.yaml:2: exceptions[0].match.namespace: \"{a\" is not a pattern",
        ),
        ("registries:\n  'a[': {public: true}", "pullaudit.yaml:2: registries.\"a[\": is not a pattern"),
        ("limits:\n  inFlight: many", "pullaudit.yaml:2: "),
        ("exceptions:\n  - match: {code: x}\n    owner: o\n", "pullaudit.yaml:3: missing field `reason`"),
        ("clusters:\n  a: {context: c}\n  b: {context: c}\n", "pullaudit.yaml:3: clusters.b.context: "),
    ] {
        let told = error(text);
        assert!(told.starts_with(start), "{told}");
    }
}

#[test]
fn reads_a_full_config() {
    let text = "clusters: {prod: {context: p, serviceAccountIdentity: true}}\n\
                scopes: {accounts: [{id: '111122223333', role: 'arn:aws:iam::111122223333:role/audit'}], regions: [eu-west-1]}\n\
                exceptions: [{match: {code: role-missing, workload: 'a*'}, reason: r, owner: o, expires: 2026-12-31}]\n\
                registries: {'444455556666.dkr.ecr.*': {public: true}}\nlimits: {inFlight: 4, maxChanges: 7}\n";
    let config = Config::parse(text, "c.yaml").unwrap();
    assert_eq!(config.service_account_identity().get("prod"), Some(&true));
    assert_eq!(config.scopes.regions[0].value, "eu-west-1");
    assert_eq!(config.limits.in_flight.unwrap().value, 4);
    assert!(config.registries["444455556666.dkr.ecr.*"].value.public);
    for nothing in ["", "\n \n", "# only a comment\n"] {
        assert!(Config::parse(nothing, "c.yaml").unwrap().clusters.is_empty());
    }
}

#[test]
fn either_spelling_of_the_file_is_read_and_both_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let load = || Config::load_from(folder.path());
    let write = |name: &str| std::fs::write(folder.path().join(name), "limits: {maxChanges: 7}\n").unwrap();
    assert_eq!(load().unwrap().limits.max_changes, None);
    write("pullaudit.yml");
    assert_eq!(load().unwrap().limits.max_changes, Some(7));
    write("pullaudit.yaml");
    let told = load().unwrap_err().to_string();
    assert!(told.contains("pullaudit.yaml") && told.contains("pullaudit.yml"), "{told}");
    std::fs::remove_file(folder.path().join("pullaudit.yml")).unwrap();
    assert_eq!(load().unwrap().limits.max_changes, Some(7));
}

fn cluster(id: &str) -> Cluster {
    let id = ClusterId(id.to_owned());
    Cluster {
        name: id.short().to_owned(),
        id,
        provider: "eks".into(),
        location: "here".into(),
        scope: "1".into(),
        endpoint: None,
    }
}

#[test]
fn contexts_are_found_in_both_directions() {
    let config = Config::parse("clusters: {prod: {context: my-prod}, stage: {}}", "c.yaml").unwrap();
    assert_eq!(config.cluster_behind("my-prod"), Some("prod"));
    assert_eq!(config.cluster_behind("other"), None);
    let prod = cluster("arn:aws:eks:eu-west-1:111122223333:cluster/prod");
    assert_eq!(config.context_of(&prod.id), Some("my-prod"));
    assert_eq!(config.context_of(&cluster("arn:aws:eks:eu-west-1:111122223333:cluster/stage").id), None);
}

#[test]
fn a_name_of_several_clusters_wants_full_ids() {
    let config = Config::parse("clusters:\n  prod: {serviceAccountIdentity: true}", "c.yaml").unwrap();
    let (one, two) = (cluster("arn:aws:eks:a:1:cluster/prod"), cluster("arn:aws:eks:b:1:cluster/prod"));
    assert!(config.must_be_one([&one, &one]).is_ok());
    let told = config.must_be_one([&one, &two]).unwrap_err().to_string();
    assert!(told.starts_with("c.yaml:2: clusters.prod: 2 clusters have this name: use full ids"), "{told}");
    assert!(told.contains(&one.id.0) && told.contains(&two.id.0), "{told}");
    // Azure compares names without case.
    let azure = "/subscriptions/a/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters";
    let (one, two) = (cluster(&format!("{azure}/Prod")), cluster(&format!("{azure}2/PROD")));
    assert!(config.must_be_one([&one, &two]).is_err());
}
