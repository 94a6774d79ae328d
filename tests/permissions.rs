//! `permissions` from outside: what it prints can be given to the cloud's own tool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::Value;

fn permissions(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("pullaudit").unwrap().arg("permissions").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn each_document_as_it_is_printed() {
    let id = "11111111-0000-4000-8000-000000000001";
    let all: [(&str, &[&str]); 8] = [
        ("aks_audit", &["--provider", "aks"]),
        ("aks_fix", &["--provider", "aks", "--for", "fix", "--subscription", id]),
        ("eks_audit", &["--provider", "eks", "--for", "audit"]),
        ("eks_fix", &["--provider", "eks", "--for", "fix"]),
        ("gke_audit", &["--provider", "gke", "--project", "acme-prod"]),
        ("gke_fix", &["--provider", "gke", "--for", "fix"]),
        ("kubernetes_audit", &["--provider", "kubernetes"]),
        ("kubernetes_fix", &["--provider", "kubernetes", "--for", "fix", "--read-secrets"]),
    ];
    for (name, arguments) in all {
        let (code, out, err) = permissions(arguments);
        assert_eq!(code, Some(0), "{err}");
        insta::assert_snapshot!(name, format!("{out}--- stderr\n{err}"));
    }
}

#[test]
fn documents_parse_and_a_fix_needs_more_than_an_audit() {
    let role = |purpose: &str| -> Vec<String> {
        let (_, out, _) = permissions(&["--provider", "aks", "--for", purpose]);
        let role: Value = serde_json::from_str(&out).unwrap();
        role["Actions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let (audit, fix) = (role("audit"), role("fix"));
    assert!(
        audit.iter().all(|action| fix.contains(action) && !action.contains("rite") && !action.contains('*')),
        "{audit:?}"
    );
    assert!(fix.contains(&"Microsoft.Authorization/roleAssignments/write".to_owned()));
    let (_, policy, _) = permissions(&["--provider", "eks"]);
    assert_eq!(serde_json::from_str::<Value>(&policy).unwrap()["Version"], "2012-10-17");
    let (_, role, _) = permissions(&["--provider", "kubernetes"]);
    let role: Value = serde_saphyr::from_str(&role).unwrap();
    assert_eq!(role["kind"], "ClusterRole");
    assert!(!role.to_string().contains("secrets"), "only where they are asked for");
}

#[test]
fn no_role_of_another_account_may_be_assumed_but_those_that_the_config_names() {
    let (_, policy, err) = permissions(&["--provider", "eks"]);
    assert!(!policy.contains("AssumeRole") && err.contains("scopes.accounts"), "{policy}{err}");
    let config = tempfile::NamedTempFile::new().unwrap();
    let role = "arn:aws:iam::444455556666:role/audit";
    let subscription = "11111111-0000-4000-8000-000000000001";
    let text = format!(
        "scopes:\n  accounts: [{{ id: '444455556666', role: '{role}' }}]\n  subscriptions: [{subscription}]\n"
    );
    std::fs::write(config.path(), text).unwrap();
    let path = config.path().to_str().unwrap();
    let (_, policy, _) = permissions(&["--provider", "eks", "--config", path]);
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let of = |statement: &&Value| statement["Action"].to_string().contains("sts:AssumeRole");
    let resources: Vec<&Value> =
        policy["Statement"].as_array().unwrap().iter().filter(of).map(|one| &one["Resource"]).collect();
    assert_eq!(resources, [role]);
    let (_, role, _) = permissions(&["--provider", "aks", "--config", path]);
    assert!(role.contains(&format!("/subscriptions/{subscription}")), "{role}");
}

#[test]
fn a_flag_that_would_change_nothing_is_refused_and_quiet_is_quiet() {
    for arguments in [
        ["--provider", "aks", "--read-secrets", "--for=audit"],
        ["--provider", "kubernetes", "--subscription", "11111111-0000-4000-8000-000000000001"],
    ] {
        let (code, out, err) = permissions(&arguments);
        assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
        assert!(err.contains("use it with --provider"), "{err}");
    }
    let (code, _, err) = permissions(&["--provider", "aks", "-q"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
}

#[test]
fn an_unknown_cloud_names_those_there_are() {
    let (code, _, err) = permissions(&["--provider", "oci"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("expected aks, eks, gke or kubernetes"), "{err}");
}
