//! Agreement with enforcement: the verdict is what the emulator answers when the role really pulls.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OTHER, OWN, REGION, document, pulls};
use serde_json::{Value, json};
use servers::aws::{Keys, Pair};
use servers::need;

/// What the role's own policies say.
const IDENTITIES: [&str; 3] = ["token", "full", "denied"];
/// Which boundary it has.
const BOUNDARIES: [&str; 3] = ["none", "wide", "silent"];
/// What the repository's policy says.
const REPOSITORIES: [&str; 6] = ["silent", "role", "everyone", "root", "denied", "other"];

/// Where the emulator is known to decide otherwise, and what the IAM user guide decides instead
/// (`reference_policies_elements_principal`: a grant to everybody is not capped by a boundary's implicit deny).
fn documented(identity: &str, boundary: &str, repository: &str, account: &str) -> Option<bool> {
    let gap = account == OWN && boundary == "silent" && repository == "everyone" && identity != "denied";
    gap.then_some(true)
}

fn fixture() -> Value {
    let allow = |actions: Value| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    let token = allow(json!("ecr:GetAuthorizationToken"));
    let pull = allow(json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]));
    let deny = json!({ "Effect": "Deny", "Action": "ecr:BatchGet*", "Resource": "*" });
    let mut roles = serde_json::Map::new();
    for identity in IDENTITIES {
        for boundary in BOUNDARIES {
            let statements = match identity {
                "token" => json!([token]),
                "full" => json!([token, pull]),
                _ => json!([token, pull, deny]),
            };
            let mut role = json!({ "inline": { "own": document(&statements) } });
            if boundary != "none" {
                role["boundary"] = json!(boundary);
            }
            roles.insert(format!("{identity}-{boundary}"), role);
        }
    }
    let named: Vec<String> = roles.keys().map(|name| format!("{{{{roleArn:{OWN}/{name}}}}}")).collect();
    let deny_all = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:GetDownloadUrlForLayer" });
    let mut both = pulls(&json!({ "AWS": named.clone() }));
    both["Statement"].as_array_mut().unwrap().push(deny_all);
    let repositories = json!({ REGION: {
        "silent": {},
        "role": { "policy": pulls(&json!({ "AWS": named })) },
        "everyone": { "policy": pulls(&json!("*")) },
        "root": { "policy": pulls(&json!({ "AWS": format!("arn:aws:iam::{OWN}:root") })) },
        "denied": { "policy": both },
        "other": { "policy": pulls(&json!({ "AWS": "arn:aws:iam::999988887777:root" })) },
    } });
    let trust = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
    json!({ "accounts": {
        OWN: {
            "policies": {
                "wide": document(&json!([allow(json!("*"))])),
                "silent": document(&json!([allow(json!(["ecr:GetAuthorizationToken", "s3:*"]))])),
            },
            "roles": roles,
            "repositories": repositories,
        },
        OTHER: {
            "roles": { "pullaudit": { "trust": trust, "attached": ["AmazonEC2ContainerRegistryReadOnly"] } },
            "repositories": repositories,
        },
    } })
}

#[test]
fn agreement_with_what_the_emulator_enforces() {
    let Some(aws) = need(servers::aws::start(&fixture()), "agreement_with_what_the_emulator_enforces") else {
        return;
    };
    let mut cases = Vec::new();
    for account in [OWN, OTHER] {
        for identity in IDENTITIES {
            for boundary in BOUNDARIES {
                cases.extend(REPOSITORIES.map(|repository| (identity, boundary, repository, account)));
            }
        }
    }
    let role = |identity: &str, boundary: &str| format!("arn:aws:iam::{OWN}:role/{identity}-{boundary}");
    let pairs: Vec<Pair> = cases
        .iter()
        .map(|(identity, boundary, repository, account)| Pair::new(&role(identity, boundary), account, repository))
        .collect();
    let enforced = aws.ask(&pairs);

    let proxy = live::proxy(&aws);
    let folder = tempfile::tempdir().unwrap();
    let config = live::config(folder.path()).display().to_string();
    let line = |pair: &Pair| {
        format!("{}.dkr.ecr.{REGION}.amazonaws.com/{}:1.0 {}", pair.account, pair.repository, pair.role)
    };
    let lines = pairs.iter().map(line).collect::<Vec<_>>().join("\n");
    let environment = live::environment(&Keys::root(OWN), &proxy, None);
    let mut asked = live::command(&["can-pull", "-", "-o", "json", "--config", &config], &environment);
    let output = asked.write_stdin(lines).output().unwrap();
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), cases.len(), "{}", String::from_utf8_lossy(&output.stderr));

    let (mut wrong, mut gaps, mut allowed) = (Vec::new(), 0, 0);
    for ((case, pull), answer) in cases.iter().zip(&enforced).zip(&answers) {
        let (identity, boundary, repository, account) = *case;
        let by_documentation = documented(identity, boundary, repository, account);
        gaps += usize::from(by_documentation.is_some());
        let right = by_documentation.unwrap_or_else(|| pull.allowed());
        allowed += usize::from(right);
        let said = answer["verdict"].as_str().unwrap();
        if said != if right { "allowed" } else { "denied" } {
            wrong.push(format!("{case:?}: {said} ({}), right is {right}", answer["code"]));
        }
    }
    eprintln!("{} pairs, {allowed} allowed, {gaps} decided by the documentation", cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allowed > 20 && cases.len() - allowed > 20, "both answers are tried");
    proxy.assert_no_strangers();
    proxy.assert_no_call_twice();
}
