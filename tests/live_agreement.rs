//! Agreement with enforcement: the verdict is what the emulator answers when the role really pulls.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OTHER, OWN, REGION, document, pulls};
use serde_json::{Value, json};
use servers::aws::{Aws, Keys, Pair};
use servers::need;

/// What the role's own policies say: a token and no more, a pull of everything, of some repositories, of
/// all that is not named, and a pull that another statement denies.
const IDENTITIES: [&str; 5] = ["token", "full", "scoped", "notaction", "denied"];
/// Which boundary it has.
const BOUNDARIES: [&str; 4] = ["none", "wide", "silent", "denies"];
/// What the repository's policy says.
const REPOSITORIES: [&str; 6] = ["silent", "role", "everyone", "root", "denied", "other"];

const ANYBODY: &str = "IAM user guide, reference_policies_elements_principal: a grant to everybody is not capped by \
                       the implicit deny of a boundary";

/// Where the emulator is known to decide otherwise (`servers/aws/GAPS.md`): what AWS decides instead, and
/// the rule that says so.
fn documented(identity: &str, boundary: &str, repository: &str, account: &str) -> Option<(bool, &'static str)> {
    let gap = account == OWN && boundary == "silent" && repository == "everyone" && identity != "denied";
    gap.then_some((true, ANYBODY))
}

fn allow(actions: &Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": "*" })
}

fn fixture() -> Value {
    let token = allow(&json!("ecr:GetAuthorizationToken"));
    let pull = allow(&json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]));
    let deny = json!({ "Effect": "Deny", "Action": "ecr:BatchGet*", "Resource": "*" });
    let mut some = pull.clone();
    some["Resource"] = json!("arn:aws:ecr:*:*:repository/ro?*");
    let rest = json!({ "Effect": "Allow", "NotAction": ["ecr:Delete*", "iam:*"], "Resource": "*" });
    let mut roles = serde_json::Map::new();
    for identity in IDENTITIES {
        for boundary in BOUNDARIES {
            let statements = match identity {
                "token" => json!([token]),
                "full" => json!([token, pull]),
                "scoped" => json!([token, some]),
                "notaction" => json!([rest]),
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
    let not_the_layer = json!({ "Effect": "Deny", "Action": "ecr:GetDownload*", "Resource": "*" });
    json!({ "accounts": {
        OWN: {
            "policies": {
                "wide": document(&json!([allow(&json!("*"))])),
                "silent": document(&json!([allow(&json!(["ecr:GetAuthorizationToken", "s3:*"]))])),
                "denies": document(&json!([allow(&json!("*")), not_the_layer])),
            },
            "roles": roles,
            "repositories": repositories,
        },
        OTHER: { "roles": { "pullaudit": reader() }, "repositories": repositories },
    } })
}

/// The role by which the registry's account is read.
fn reader() -> Value {
    let trust = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
    json!({ "trust": trust, "attached": ["AmazonEC2ContainerRegistryReadOnly"] })
}

/// What pullaudit says to each pair, in order.
fn asked(aws: &Aws, pairs: &[Pair]) -> Vec<Value> {
    let proxy = live::proxy(aws);
    let folder = tempfile::tempdir().unwrap();
    let config = live::config(folder.path()).display().to_string();
    let line = |pair: &Pair| {
        format!("{}.dkr.ecr.{REGION}.amazonaws.com/{}:1.0 {}", pair.account, pair.repository, pair.role)
    };
    let lines = pairs.iter().map(line).collect::<Vec<_>>().join("\n");
    let environment = live::environment(&Keys::root(OWN), &proxy, None);
    let mut command = live::command(&["can-pull", "-", "-o", "json", "--config", &config], &environment);
    let output = command.write_stdin(lines).output().unwrap();
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), pairs.len(), "{}", String::from_utf8_lossy(&output.stderr));
    proxy.assert_no_strangers();
    proxy.assert_no_call_twice();
    answers
}

fn word(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
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
    let answers = asked(&aws, &pairs);

    let (mut wrong, mut gaps, mut allowed) = (Vec::new(), 0, 0);
    for ((case, pull), answer) in cases.iter().zip(&enforced).zip(&answers) {
        let (identity, boundary, repository, account) = *case;
        let right = match documented(identity, boundary, repository, account) {
            None => pull.allowed(),
            Some((by_rule, rule)) => {
                assert_ne!(pull.allowed(), by_rule, "{case:?} is no gap any more: {rule}");
                gaps += 1;
                by_rule
            }
        };
        allowed += usize::from(right);
        if answer["verdict"] != word(right) {
            wrong.push(format!("{case:?}: {} ({}), right is {}", answer["verdict"], answer["code"], word(right)));
        }
    }
    println!("{} pairs, {allowed} allowed, {gaps} decided by the documentation", cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allowed > 40 && cases.len() - allowed > 40, "both answers are tried");
}

/// One repository whose policy is easily misread.
struct Trap {
    repository: &'static str,
    policy: Value,
    role: &'static str,
    /// The verdict that is right.
    right: &'static str,
    /// Where the emulator decides otherwise, or what no decision is to be had on: the rule that says so.
    rule: Option<&'static str>,
}

const BY_ID: &str = "IAM user guide, reference_policies_elements_principal: a role ARN is stored as the role's id";
const WILDCARD: &str = "IAM user guide, reference_policies_elements_principal: no wildcard matches part of an ARN";
const PATHS: &str = "IAM user guide, reference_identifiers: a role's path is part of its ARN";
const NOT_PRINCIPAL: &str =
    "IAM user guide, reference_policies_elements_notprincipal: it is about everybody who is not listed";
const UNSUPPORTED: &str =
    "IAM user guide, reference_policies_elements_notprincipal: using it with Allow is not supported";
const ROLE_ARN: &str = "IAM user guide, reference_policies_condition-keys: for a session it is the role's ARN";

fn traps() -> Vec<Trap> {
    let one = |principal: &Value, condition: &Value| {
        let mut policy = pulls(principal);
        policy["Statement"][0]["Condition"] = condition.clone();
        policy
    };
    let arn = format!("arn:aws:iam::{OWN}:role/team/trap");
    let not = |effect: &str, role: &str| json!({ "Effect": effect, "Action": "ecr:*", "NotPrincipal": { "AWS": format!("{{{{roleArn:{OWN}/{role}}}}}") } });
    let mut all_but = pulls(&json!("*"));
    all_but["Statement"].as_array_mut().unwrap().push(not("Deny", "rotated"));
    let trap = |repository, policy, right, rule| Trap { repository, policy, role: "team/trap", right, rule };
    let anybody = json!("*");
    vec![
        trap("live-id", pulls(&json!({ "AWS": format!("{{{{roleId:{OWN}/trap}}}}") })), "allowed", Some(BY_ID)),
        Trap {
            repository: "dead-id",
            policy: pulls(&json!({ "AWS": format!("{{{{roleId:{OWN}/rotated@before}}}}") })),
            role: "rotated",
            right: "denied",
            rule: None,
        },
        trap("no-path", pulls(&json!({ "AWS": format!("arn:aws:iam::{OWN}:role/trap") })), "denied", Some(PATHS)),
        Trap {
            repository: "part",
            policy: pulls(&json!({ "AWS": format!("arn:aws:iam::{OWN}:role/rot*") })),
            role: "rotated",
            right: "denied",
            rule: None,
        },
        Trap {
            repository: "any-session",
            policy: pulls(&json!({ "AWS": format!("arn:aws:sts::{OWN}:assumed-role/rotated/*") })),
            role: "rotated",
            right: "denied",
            rule: Some(WILDCARD),
        },
        trap("with-path", pulls(&json!({ "AWS": arn })), "allowed", None),
        trap("digits", pulls(&json!({ "AWS": OWN })), "denied", None),
        trap("all-but", all_but, "denied", Some(NOT_PRINCIPAL)),
        trap("any-but", document(&json!([not("Allow", "rotated")])), "unknown", Some(UNSUPPORTED)),
        trap(
            "arn",
            one(&anybody, &json!({ "ArnEquals": { "aws:PrincipalArn": arn } })),
            "allowed",
            Some(ROLE_ARN),
        ),
        trap(
            "arn-of-other",
            one(&anybody, &json!({ "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::1:role/x" } })),
            "denied",
            None,
        ),
        trap("tag", one(&anybody, &json!({ "StringEquals": { "aws:PrincipalTag/team": "a" } })), "allowed", None),
        trap(
            "tag-of-other",
            one(&anybody, &json!({ "StringEquals": { "aws:PrincipalTag/team": "b" } })),
            "denied",
            None,
        ),
        trap(
            "account",
            one(&anybody, &json!({ "StringEquals": { "aws:PrincipalAccount": OWN } })),
            "allowed",
            None,
        ),
        trap(
            "region",
            one(&anybody, &json!({ "StringEquals": { "aws:RequestedRegion": REGION } })),
            "allowed",
            None,
        ),
        trap("never", one(&anybody, &json!({ "Null": { "aws:PrincipalArn": "true" } })), "denied", None),
    ]
}

#[test]
fn agreement_where_a_repository_policy_is_easily_misread() {
    let traps = traps();
    let repositories: serde_json::Map<String, Value> =
        traps.iter().map(|trap| (trap.repository.to_owned(), json!({ "policy": trap.policy }))).collect();
    let token = document(&json!([allow(&json!("ecr:GetAuthorizationToken"))]));
    let fixture = json!({ "accounts": { OWN: {
        "roles": {
            "trap": { "path": "/team/", "tags": { "team": "a" }, "inline": { "token": token } },
            "rotated": { "recreate": true, "inline": { "token": token } },
        },
        "repositories": { REGION: repositories } } } });
    let test = "agreement_where_a_repository_policy_is_easily_misread";
    let Some(aws) = need(servers::aws::start(&fixture), test) else { return };
    let pair = |trap: &Trap| Pair::new(&format!("arn:aws:iam::{OWN}:role/{}", trap.role), OWN, trap.repository);
    let pairs: Vec<Pair> = traps.iter().map(pair).collect();
    let (enforced, answers) = (aws.ask(&pairs), asked(&aws, &pairs));
    let mut wrong = Vec::new();
    for ((trap, pull), answer) in traps.iter().zip(&enforced).zip(&answers) {
        let name = trap.repository;
        // Each line says what AWS does; the emulator agrees, or a rule says why it is wrong.
        if (word(pull.allowed()) == trap.right) != trap.rule.is_none() {
            wrong.push(format!("{name}: the emulator says {}, by rule {:?}", word(pull.allowed()), trap.rule));
        }
        if answer["verdict"] != trap.right {
            wrong.push(format!("{name}: {} ({}), right is {}", answer["verdict"], answer["code"], trap.right));
        }
    }
    let gaps = traps.iter().filter(|trap| trap.rule.is_some()).count();
    println!("{} pairs, {gaps} decided by the documentation", traps.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
