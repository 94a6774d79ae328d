//! Pods that pull as a role of their service account: the whole program on the emulator of AWS and a real API server.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OWN, PULL_ONLY, REGION, command, document, environment, printed, verdicts, without};
use serde_json::{Value, json};
use servers::aws::Aws;
use servers::kubernetes::{ADMIN, Kubernetes};
use servers::need;
use servers::proxy::{Proxy, Trouble};

const ISSUER: &str = "oidc.eks.us-east-1.amazonaws.com/id/0A1B2C3D4E5F";
const FORMER: &str = "oidc.eks.us-east-1.amazonaws.com/id/9F8E7D6C5B4A";
const GET: &str = "GetOpenIDConnectProvider";
const PROVIDERS: &str = "iam:GetOpenIDConnectProvider";
const ROLES: &str = "iam:GetRole";

/// A trust policy as eksctl writes it.
fn trust(issuer: &str, account: &str) -> Value {
    document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": format!("arn:aws:iam::{OWN}:oidc-provider/{issuer}") },
        "Condition": { "StringEquals": {
            format!("{issuer}:sub"): format!("system:serviceaccount:shop:{account}"),
            format!("{issuer}:aud"): "sts.amazonaws.com" } } }]))
}

/// The cluster was made anew: one role trusts the new issuer, one still the former one, which nobody took away. The node
/// role may pull nothing.
fn accounts(kubernetes: &Kubernetes) -> Value {
    let policy = printed();
    json!({ "accounts": { OWN: {
        "roles": {
            "node": {},
            "pull-api": { "path": "/pods/", "trust": trust(ISSUER, "api"), "attached": [PULL_ONLY] },
            "pull-web": { "path": "/pods/", "trust": trust(FORMER, "web"), "attached": [PULL_ONLY] },
            "auditor": { "inline": { "read": policy } },
            "less-providers": { "inline": { "read": without(&policy, PROVIDERS) } },
            "less-roles": { "inline": { "read": without(&policy, ROLES) } } },
        "identityProviders": { ISSUER: ["sts.amazonaws.com"], FORMER: ["sts.amazonaws.com"] },
        "repositories": { REGION: { "team/api": {} } },
        "clusters": { REGION: { "shop": {
            "endpoint": kubernetes.endpoint(), "certificateAuthority": { "data": kubernetes.ca_data() },
            "identity": { "oidc": { "issuer": format!("https://{ISSUER}") } },
            "accessConfig": { "authenticationMode": "API" },
            "nodegroups": { "general": { "nodeRole": "node" } },
            "accessEntries": [{ "principalArn": "node", "type": "EC2_LINUX" }],
        } } },
    } } })
}

fn fill(kubernetes: &Kubernetes) {
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    kubernetes.namespace("shop");
    for name in ["api", "web", "plain"] {
        let role = format!("arn:aws:iam::{OWN}:role/pods/pull-{name}");
        let annotations =
            if name == "plain" { json!({}) } else { json!({ "eks.amazonaws.com/ecr-role-arn": role }) };
        let mut workload = live::workload("Deployment", name, &image);
        workload["spec"]["template"]["spec"]["serviceAccountName"] = json!(name);
        kubernetes.apply_all(&[
            json!({ "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": { "name": name, "namespace": "shop", "annotations": annotations } }),
            workload,
        ]);
    }
}

struct Ground<'a> {
    kubernetes: &'a Kubernetes,
    aws: &'a Aws,
    proxy: Proxy,
}

impl Ground<'_> {
    /// As a session of that role, whose signatures the emulator checks.
    fn report(&self, role: &str, configured: &str) -> Value {
        let keys = self.aws.assume(&format!("arn:aws:iam::{OWN}:role/{role}"));
        let config = self.kubernetes.kubeconfig(ADMIN, "arn:aws:eks:us-east-1:111122223333:cluster/shop", None);
        let mut environment = environment(&keys, &self.proxy, Some(&config));
        environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pullaudit.yaml"), configured).unwrap();
        let arguments = ["audit", "--provider", "eks", "-n", "shop", "-o", "json", "--all", "--timeout", "20s"];
        let output = command(&arguments, &environment).current_dir(folder.path()).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn told(&self, role: &str, configured: &str) -> Vec<String> {
        verdicts(&self.report(role, configured)).iter().map(|(place, said)| format!("{place}: {said}")).collect()
    }
}

const ON: &str = "clusters: {shop: {serviceAccountIdentity: true}}\n";

#[test]
fn a_role_is_taken_on_by_the_accounts_that_it_trusts() {
    let Some(kubernetes) = need(servers::kubernetes::start(), "trust") else { return };
    let Some(aws) = need(servers::aws::start(&accounts(&kubernetes)), "trust") else { return };
    fill(&kubernetes);
    let ground = Ground { kubernetes: &kubernetes, aws: &aws, proxy: aws.account() };
    let whole = [
        "api on general: allowed allowed",
        "plain on general: denied token-not-granted",
        "web on general: denied service-account-not-trusted",
    ];
    assert_eq!(ground.told("auditor", ON), whole);
    let asked = ground.proxy.calls().iter().filter(|one| one.call.operation == GET).count();
    assert_eq!(asked, 1, "one issuer, however many roles");

    // Where nobody says whether the nodes are set up for it, two who disagree settle nothing.
    assert!(ground.told("auditor", "{}\n")[0].starts_with("api on general: unknown"));

    for (role, trouble, right) in [
        ("less-providers", None, PROVIDERS),
        ("less-roles", None, ROLES),
        ("auditor", Some(Trouble::Garbage), PROVIDERS),
    ] {
        ground.proxy.reset();
        if let Some(trouble) = trouble {
            ground.proxy.fault(|call| call.operation == GET, trouble);
        }
        let report = ground.report(role, ON);
        let found = verdicts(&report);
        assert!(found["api on general"].starts_with("unknown"), "{role}: {found:?}");
        assert!(!found["web on general"].starts_with("allowed"), "{role}: {found:?}");
        assert!(report["checks"].to_string().contains(right), "{role}: {report:#}");
    }
}
