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
    let all: [(&str, &[&str]); 5] = [
        ("aks_audit", &["--provider", "aks"]),
        ("aks_fix", &["--provider", "aks", "--for", "fix", "--subscription", id]),
        ("eks_audit", &["--provider", "eks", "--for", "audit"]),
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
fn an_unknown_cloud_names_those_there_are() {
    let (code, _, err) = permissions(&["--provider", "gke"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("only aks, eks, kubernetes"), "{err}");
}
