//! Pods that pull as a role of their service account: the whole program on the emulator of AWS and a real API server.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{Ground, OTHER, OWN, PULL_ONLY, REGION, command, document, environment, printed, verdicts, without};
use serde_json::{Value, json};
use servers::aws::{Keys, Pair};
use servers::kubernetes::{ADMIN, Kubernetes};
use servers::need;
use servers::proxy::Trouble;
use std::collections::BTreeMap;

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

fn told(ground: &Ground<'_>, role: &str, configured: &str) -> Vec<String> {
    verdicts(&ground.report(role, configured)).iter().map(|(place, said)| format!("{place}: {said}")).collect()
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
    assert_eq!(told(&ground, "auditor", ON), whole);
    let asked = ground.proxy.calls().iter().filter(|one| one.call.operation == GET).count();
    assert_eq!(asked, 1, "one issuer, however many roles");

    // Where nobody says whether the nodes are set up for it, two who disagree settle nothing.
    assert!(told(&ground, "auditor", "{}\n")[0].starts_with("api on general: unknown"));

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

/// Trust policies in every form that decides alone, for the account that `SELF` stands for.
fn trusts() -> Vec<Value> {
    let federated = |issuer: &str| json!({ "Federated": format!("arn:aws:iam::{OWN}:oidc-provider/{issuer}") });
    let both = json!({ "Federated": [federated(FORMER)["Federated"], federated(ISSUER)["Federated"]] });
    let (sub, aud) = (format!("{ISSUER}:sub"), format!("{ISSUER}:aud"));
    let allow = |principal: &Value, condition: Value| json!({ "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal, "Condition": condition });
    let own = federated(ISSUER);
    let usual = allow(&own, json!({ "StringEquals": { &sub: "SELF", &aud: "sts.amazonaws.com" } }));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut statement = usual.clone();
        change(&mut statement);
        statement
    };
    let deny = |condition: Value| json!({ "Effect": "Deny", "Action": "sts:*", "Principal": own, "Condition": condition });
    let one = |statement: Value| json!([statement]);
    vec![
        one(usual.clone()),
        one(allow(&own, json!({ "StringLike": { &sub: "system:serviceaccount:shop:*" } }))),
        one(allow(&own, json!({ "StringLike": { &sub: "system:serviceaccount:*:other" } }))),
        one(allow(&own, json!({ "StringEquals": { &sub: "system:serviceaccount:shop:other" } }))),
        one(allow(&own, json!({ "StringEquals": { &aud: "other" } }))),
        one(allow(&own, json!({}))),
        one(allow(&federated(FORMER), json!({}))),
        one(allow(&both, json!({}))),
        one(allow(&own, json!({ "StringEquals": { format!("{FORMER}:sub"): "SELF" } }))),
        one(allow(&own, json!({ "ForAnyValue:StringEquals": { &aud: ["other", "sts.amazonaws.com"] } }))),
        one(with(&|statement| statement["Action"] = json!("sts:*"))),
        one(with(&|statement| statement["Action"] = json!("sts:AssumeRole"))),
        one(with(&|statement| statement["Principal"] = json!({ "Service": "pods.eks.amazonaws.com" }))),
        json!([usual, deny(json!({ "StringEquals": { &sub: "SELF" } }))]),
        json!([usual, deny(json!({ "StringNotLike": { &sub: "system:serviceaccount:shop:*" } }))]),
    ]
}

/// Each trust policy with a role that may pull and with one that gets the token and no more, asked for a repository of
/// its own account and for one of another, which lets all of them in.
#[test]
fn agreement_with_what_the_emulator_enforces_of_trust() {
    let Some(kubernetes) = need(servers::kubernetes::start(), "agreement of trust") else { return };
    let token = document(&json!([{ "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" }]));
    let mut roles = serde_json::Map::new();
    for (number, statements) in trusts().iter().enumerate() {
        for (kind, may) in
            [("full", json!({ "attached": [PULL_ONLY] })), ("token", json!({ "inline": { "own": token } }))]
        {
            let name = format!("pull-t{number}-{kind}");
            let text =
                statements.to_string().replace("SELF", &format!("system:serviceaccount:shop:t{number}-{kind}"));
            let mut role = may;
            role["trust"] = document(&serde_json::from_str(&text).unwrap());
            role["path"] = json!("/pods/");
            roles.insert(name, role);
        }
    }
    let names: Vec<String> = roles.keys().cloned().collect();
    let named: Vec<String> = names.iter().map(|name| format!("{{{{roleArn:{OWN}/{name}}}}}")).collect();
    let mut fixture = accounts(&kubernetes);
    let all = fixture["accounts"][OWN]["roles"].as_object_mut().unwrap();
    all.extend(roles);
    let reader = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
    fixture["accounts"][OTHER] = json!({
        "roles": { "pullaudit": { "trust": reader, "attached": ["AmazonEC2ContainerRegistryReadOnly"] } },
        "repositories": { REGION: { "team/api": { "policy": live::pulls(&json!({ "AWS": named })) } } } });
    let Some(aws) = need(servers::aws::start(&fixture), "agreement of trust") else { return };

    let image = |account: &str| format!("{account}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    kubernetes.namespace("shop");
    let (mut pairs, mut places) = (Vec::new(), Vec::new());
    for role in &names {
        let name = role.trim_start_matches("pull-");
        let arn = format!("arn:aws:iam::{OWN}:role/pods/{role}");
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": "shop",
            "annotations": { "eks.amazonaws.com/ecr-role-arn": arn } } });
        kubernetes.apply_all(&[account]);
        for owner in [OWN, OTHER] {
            let workload_name = format!("{name}-{owner}");
            let mut workload = live::workload("Deployment", &workload_name, &image(owner));
            workload["spec"]["template"]["spec"]["serviceAccountName"] = json!(name);
            kubernetes.apply_all(&[workload]);
            let claims = json!({ "iss": format!("https://{ISSUER}"), "aud": "sts.amazonaws.com",
                "sub": format!("system:serviceaccount:shop:{name}") });
            pairs.push(Pair { bearer: Some(claims), ..Pair::new(&arn, owner, "team/api") });
            places.push(workload_name);
        }
    }
    let enforced = aws.ask(&pairs);
    let config = kubernetes.kubeconfig(ADMIN, "arn:aws:eks:us-east-1:111122223333:cluster/shop", None);
    let proxy = aws.account();
    let environment = environment(&Keys::root(OWN), &proxy, Some(&config));
    let folder = tempfile::tempdir().unwrap();
    let settings = live::config(folder.path());
    let scopes = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{scopes}{ON}")).unwrap();
    let settings = settings.display().to_string();
    let arguments = [
        "audit",
        "--provider",
        "eks",
        "--region",
        "us-east-1",
        "-n",
        "shop",
        "-o",
        "json",
        "--all",
        "--config",
        &settings,
    ];
    let output = command(&arguments, &environment).current_dir(folder.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)));
    let found: BTreeMap<String, String> = verdicts(&report);
    let mut tally = [0, 0];
    for ((place, pull), pair) in places.iter().zip(&enforced).zip(&pairs) {
        let said = found[&format!("{place} on general")].split(' ').next().unwrap();
        let expected = if pull.allowed() { "allowed" } else { "denied" };
        tally[usize::from(pull.allowed())] += 1;
        assert_eq!(
            said,
            expected,
            "{place} {:?}: {:?}\n{}",
            pair.bearer,
            pull,
            found[&format!("{place} on general")]
        );
    }
    assert!(tally[0] > 20 && tally[1] > 10, "{tally:?}");
    println!("{} pairs agree: {} denied, {} allowed", pairs.len(), tally[0], tally[1]);
}
