//! Bad input and lost connections on real servers: what is lost is named, the rest is still audited.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OWN, run, shared as fleet, verdicts, without_times};
use serde_json::json;
use servers::aws::Keys;
use servers::call::Answer;
use servers::kubernetes::ADMIN;
use servers::proxy::Trouble;
use std::time::{Duration, Instant};

#[test]
fn short_pages_change_nothing() {
    let Some(fleet) = fleet("short_pages_change_nothing") else { return };
    let cluster = fleet.kubernetes.proxy();
    let place = fleet.place_behind(&Keys::root(OWN), Some(ADMIN), Some(&cluster));
    let whole = place.json(&[]);
    for proxy in [&place.proxy, &cluster] {
        proxy.reset();
        proxy.fault(
            |call| call.operation.starts_with("List") || call.operation.starts_with("list"),
            Trouble::ShortPage,
        );
    }
    let paged = place.json(&[]);
    assert!(paged["summary"]["apiCalls"]["iam"].as_u64() > whole["summary"]["apiCalls"]["iam"].as_u64());
    assert!(
        paged["summary"]["apiCalls"]["kubernetes"].as_u64() > whole["summary"]["apiCalls"]["kubernetes"].as_u64()
    );
    assert_eq!(without_times(paged), without_times(whole));
}

#[test]
fn documents_that_do_not_parse_are_unknown_and_never_a_panic() {
    let Some(fleet) = fleet("documents_that_do_not_parse") else { return };
    let account = "444455556666";
    let whole = live::pulls(&json!("*")).to_string();
    let odd = live::document(&json!([{ "Effect": "Deny", "Principal": "*", "Action": "ecr:*",
        "Condition": { "NumericMoonPhase": { "aws:Moon": "full" } } }]));
    fleet.aws.seed(&json!({ "accounts": { account: {
        "roles": { "node": { "attached": [live::PULL_ONLY] } },
        "repositories": { live::REGION: {
            "garbled": { "policy": "no policy at all" },
            "cut": { "policy": &whole[..whole.len() / 2] },
            "list": { "policy": "[1, null, {\"Effect\": 7}]" },
            "odd": { "policy": odd },
        } } } } }));
    let place = fleet.place(&Keys::root(account), None);
    for repository in ["garbled", "cut", "list", "odd"] {
        let image = format!("{account}.dkr.ecr.{}.amazonaws.com/{repository}:1.0", live::REGION);
        let who = format!("arn:aws:iam::{account}:role/node");
        let ran = run(&["can-pull", &image, "--as", &who, "-o", "json"], &place.environment);
        assert_eq!(ran.code, 3, "{repository}: {}{}", ran.out, ran.err);
        let check = ran.report();
        assert_eq!(check["verdict"], "unknown", "{repository}");
        assert!(check["needing"].to_string().contains(repository), "{repository}: {check:#}");
    }
}

#[test]
fn an_unreachable_cluster_costs_its_own_workloads_only() {
    let Some(fleet) = fleet("an_unreachable_cluster") else { return };
    let account = "333344445555";
    fleet.aws.seed(&json!({ "accounts": { account: {
        "roles": { "node": { "attached": [live::PULL_ONLY] } },
        "repositories": { "us-east-1": { "app": {} } },
        "clusters": { live::REGION: {
            "dark": { "accessConfig": { "authenticationMode": "API" }, "endpoint": "https://127.0.0.1:1", "certificateAuthority": { "data": fleet.kubernetes.ca_data() },
                "nodegroups": { "a": { "nodeRole": "node" } } },
            "lit": { "accessConfig": { "authenticationMode": "API" }, "endpoint": fleet.kubernetes.endpoint(),
                "certificateAuthority": { "data": fleet.kubernetes.ca_data() },
                "nodegroups": { "general": { "nodeRole": "node" } } } } } } } }));
    fleet.kubernetes.namespace("calm");
    let mut calm =
        live::workload("Deployment", "calm", &format!("{account}.dkr.ecr.us-east-1.amazonaws.com/app:1.0"));
    calm["metadata"]["namespace"] = json!("calm");
    calm["spec"]["template"]["spec"]["nodeSelector"] = json!({ "eks.amazonaws.com/nodegroup": "general" });
    fleet.kubernetes.apply(&calm);
    let place = fleet.place(&Keys::root(account), None);
    let kubeconfig =
        fleet.kubernetes.kubeconfig(ADMIN, &format!("arn:aws:eks:{}:{account}:cluster/lit", live::REGION), None);
    let mut environment = place.environment.clone();
    environment.retain(|(name, _)| *name != "KUBECONFIG");
    environment.push(("KUBECONFIG", kubeconfig.display().to_string()));
    let arguments = ["audit", "--provider", "eks", "-o", "json", "--timeout", "5s", "-n", "calm"];
    let ran = run(&arguments, &environment);
    let report = ran.report();
    let reachable = |name: &str| {
        let clusters = report["clusters"].as_array().unwrap();
        clusters.iter().find(|cluster| cluster["name"] == name).unwrap()["reachable"].clone()
    };
    assert_eq!((reachable("dark"), reachable("lit")), (json!(false), json!(true)), "{}", ran.err);
    assert!(report["incompleteBecause"].to_string().contains("cluster/dark"), "{report:#}");
    assert_eq!(verdicts(&report), [("calm on general".to_owned(), "allowed allowed".to_owned())].into());
    assert_eq!(ran.code, 3, "{}", ran.err);
}

#[test]
fn expired_credentials_end_with_1_and_say_what_was_tried() {
    let Some(fleet) = fleet("expired_credentials") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let expired = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                   <Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
    place.proxy.overlay(|_| true, Answer::new(403, "text/xml", expired));
    let ran = place.audit(&[]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("tried") && ran.err.contains("environment"), "{}", ran.err);
}

#[test]
fn a_paging_token_that_repeats_ends_the_list_and_is_named() {
    let Some(fleet) = fleet("a_paging_token_that_repeats") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    place.proxy.fault(|call| call.operation == "ListNodegroups", Trouble::CycleToken);
    let report = place.json(&[]);
    assert!(report.to_string().contains("paging token repeats"), "{report:#}");
    assert_eq!(report["complete"], false);
}

#[test]
fn an_interrupt_ends_the_run_within_a_second() {
    let Some(fleet) = fleet("an_interrupt_ends_the_run") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    place.proxy.fault(|_| true, Trouble::TimeOut);
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"))
        .args(["audit", "--config", &place.config])
        .env_clear()
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it waits for an answer that never comes");
    let signalled = Instant::now();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = child.wait().unwrap();
    assert!(signalled.elapsed() < Duration::from_secs(1), "took {:?}", signalled.elapsed());
    assert_eq!(ended.code(), Some(130));
}
