//! Readings that only some accounts need: the list of many roles, in the place of three calls a role and with the same
//! answer, creation templates, where a pull-through cache has yet to make a repository, and tags of repositories, where a
//! policy asks for them.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OWN, PULL_ONLY, REGION, environment};
use serde_json::{Map, Value, json};
use servers::aws::Keys;
use servers::need;
use servers::proxy::{Proxy, Trouble};

const ROLES: usize = 36;

/// Roles with every kind of policy: attached ones of AWS and of the account, inline ones, a boundary, none.
fn accounts() -> Value {
    let pull = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": "*", "Action": [
        "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }] });
    let silent = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": "*", "Action": "s3:*" }] });
    let by_tag = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Resource": "*", "Action": "ecr:GetAuthorizationToken" },
        { "Effect": "Allow", "Resource": "*", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
          "Condition": { "StringEquals": { "aws:ResourceTag/team": "${aws:PrincipalTag/team}" } } }] });
    let role = |number: usize| match number % 7 {
        0 => json!({ "attached": [PULL_ONLY] }),
        1 => json!({ "attached": ["ours"] }),
        2 => json!({ "inline": { "p%d ä": pull } }),
        3 => json!({ "attached": [PULL_ONLY], "boundary": "silent" }),
        4 => json!({ "recreate": true, "attached": [PULL_ONLY, "ours"], "tags": { "team": "a" } }),
        5 => json!({ "attached": ["by-tag"], "tags": { "team": "a" } }),
        _ => json!({}),
    };
    let roles: Map<String, Value> = (0..ROLES).map(|number| (format!("node{number:02}"), role(number))).collect();
    json!({ "accounts": { OWN: { "policies": { "ours": pull, "silent": silent, "by-tag": by_tag }, "roles": roles,
        "repositories": { REGION: { "team/app": { "tags": { "team": "a" } }, "team/other": { "tags": { "team": "b" } } } } } } })
}

struct Asked {
    answers: Vec<Value>,
    calls: usize,
    lists: usize,
}

/// Whether each role may pull.
fn ask(proxy: &Proxy, roles: usize) -> Asked {
    let mut environment = environment(&Keys::root(OWN), proxy, None);
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let before = proxy.calls().len();
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/app:1.0");
    let lines: Vec<String> =
        (0..roles).map(|number| format!("{image} arn:aws:iam::{OWN}:role/node{number:02}")).collect();
    let folder = tempfile::tempdir().unwrap();
    let output = live::command(&["can-pull", "-", "-o", "json"], &environment)
        .current_dir(folder.path())
        .write_stdin(lines.join("\n"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let iam = proxy.calls().into_iter().skip(before).filter(|one| one.call.service == "iam");
    let names: Vec<String> = iam.map(|one| one.call.operation).collect();
    let lists = names.iter().filter(|name| *name == "GetAccountAuthorizationDetails").count();
    Asked { answers, calls: names.len(), lists }
}

#[test]
fn one_list_tells_of_many_roles_what_each_would_and_costs_a_third() {
    let Some(aws) = need(servers::aws::start(&accounts()), "many roles") else { return };
    let proxy = aws.account();
    let listed = ask(&proxy, ROLES);
    assert_eq!(listed.answers.len(), ROLES);
    // The list, each role for its boundary, and AWS's own policy.
    assert_eq!((listed.calls, listed.lists), (1 + ROLES + 2, 1));

    proxy.fault(|call| call.operation == "GetAccountAuthorizationDetails", Trouble::Forbidden);
    let each = ask(&proxy, ROLES);
    assert_eq!(each.answers, listed.answers, "what can't be listed is asked of each role");
    assert!(each.calls > 2 * listed.calls, "{} and {}", each.calls, listed.calls);
    let verdicts: Vec<&str> = each.answers.iter().take(7).map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["allowed", "allowed", "allowed", "denied", "allowed", "allowed", "denied"]);

    proxy.reset();
    let few = ask(&proxy, 30);
    assert_eq!(few.lists, 0, "few roles are asked one by one");
    // A list that breaks off tells nothing that could be taken for the whole.
    proxy.fault(|call| call.operation == "GetAccountAuthorizationDetails", Trouble::Garbage);
    assert_eq!(ask(&proxy, ROLES).answers, listed.answers);
}

/// A registry with a rule of a pull-through cache.
fn cache(aws: &servers::aws::Aws) -> Proxy {
    let proxy = aws.proxy();
    let json = |value: &Value| servers::call::Answer::json(value);
    let none = json!({ "__type": "RegistryPolicyNotFoundException", "message": "none" }).to_string();
    let none = servers::call::Answer::new(400, "application/x-amz-json-1.1", none);
    proxy.overlay(|call| call.operation == "GetRegistryPolicy", none);
    let scope = json!({ "name": "REGISTRY_POLICY_SCOPE", "value": "V2" });
    proxy.overlay(|call| call.operation == "GetAccountSetting", json(&scope));
    let rules = json!({ "pullThroughCacheRules": [
        { "ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io" }] });
    proxy.overlay(|call| call.operation == "DescribePullThroughCacheRules", json(&rules));
    let templates = json!({ "registryId": OWN, "repositoryCreationTemplates": [
        { "prefix": "hub", "appliedFor": ["PULL_THROUGH_CACHE"], "repositoryPolicy": "{\"Statement\":[]}" }] });
    proxy.overlay(|call| call.operation == "DescribeRepositoryCreationTemplates", json(&templates));
    proxy
}

/// What one question is answered, and how often an operation was called for it.
fn question(proxy: &Proxy, role: &str, repository: &str, operation: &str) -> (Value, usize) {
    let mut environment = environment(&Keys::root(OWN), proxy, None);
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let before = proxy.calls().len();
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/{repository}:1.0");
    let role = format!("arn:aws:iam::{OWN}:role/{role}");
    let arguments = ["can-pull", &image, "--as", &role, "-o", "json"];
    let output = live::command(&arguments, &environment).current_dir(folder.path()).output().unwrap();
    let calls = proxy.calls().into_iter().skip(before).filter(|one| one.call.operation == operation).count();
    (serde_json::from_slice(&output.stdout).unwrap(), calls)
}

#[test]
fn creation_templates_are_read_where_a_rule_covers_what_is_missing() {
    let Some(aws) = need(servers::aws::start(&accounts()), "creation templates") else { return };
    let ask = |repository: &str| {
        let (answer, calls) = question(&cache(&aws), "node01", repository, "DescribeRepositoryCreationTemplates");
        (answer["code"].as_str().unwrap().to_owned(), calls)
    };
    // The role may not import, and neither does the template let it.
    assert_eq!(ask("hub/library/redis"), ("pull-through-denied".to_owned(), 1));
    assert_eq!(ask("team/app").1, 0, "it is there");
    assert_eq!(ask("team/none").1, 0, "no rule covers it");
}

/// What the registry's policy says of pulls counts under the newer scope alone, and what either reads is used.
#[test]
fn the_policy_of_a_registry_and_its_scope_are_read_and_weighed() {
    let Some(aws) = need(servers::aws::start(&accounts()), "registry policy") else { return };
    let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Closed", "Effect": "Deny", "Principal": "*",
        "Action": "ecr:*", "Resource": "*" }] });
    let ask = |scope: &str| {
        let proxy = aws.proxy();
        let json = |value: &Value| servers::call::Answer::json(value);
        let policy = json!({ "registryId": OWN, "policyText": deny.to_string() });
        proxy.overlay(|call| call.operation == "GetRegistryPolicy", json(&policy));
        let scope = json!({ "name": "REGISTRY_POLICY_SCOPE", "value": scope });
        proxy.overlay(|call| call.operation == "GetAccountSetting", json(&scope));
        let none = json!({ "pullThroughCacheRules": [] });
        proxy.overlay(|call| call.operation == "DescribePullThroughCacheRules", json(&none));
        let (answer, calls) = question(&proxy, "node01", "team/app", "GetRegistryPolicy");
        (answer["code"].as_str().unwrap().to_owned(), calls)
    };
    assert_eq!(ask("V2"), ("registry-policy-denies".to_owned(), 1));
    assert_eq!(ask("V1"), ("allowed".to_owned(), 1));
}

#[test]
fn tags_of_a_repository_are_read_where_a_policy_asks_for_them() {
    const TAGS: &str = "ListTagsForResource";
    let Some(aws) = need(servers::aws::start(&accounts()), "tags of repositories") else { return };
    let proxy = aws.account();
    let ask = |role: &str, repository: &str| {
        let (answer, calls) = question(&proxy, role, repository, TAGS);
        (format!("{} {}", answer["verdict"].as_str().unwrap(), answer["code"].as_str().unwrap()), calls)
    };
    let said = |answer: &str, calls: usize| (answer.to_owned(), calls);
    assert_eq!(ask("node05", "team/app"), said("allowed allowed", 1));
    assert_eq!(ask("node05", "team/other"), said("denied condition-unmet", 1));
    assert_eq!(ask("node05", "team/none"), said("denied repository-missing", 0));
    assert_eq!(ask("node01", "team/other"), said("allowed allowed", 0), "no policy of it asks");
    proxy.fault(|call| call.operation == TAGS, Trouble::Forbidden);
    assert_eq!(ask("node05", "team/app").0, "unknown condition-undecidable");
    let (answer, _) = question(&proxy, "node05", "team/app", TAGS);
    assert!(answer["needing"].to_string().contains("ecr:ListTagsForResource"), "{answer:#}");
}
