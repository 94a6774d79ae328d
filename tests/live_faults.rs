//! Bad input and lost connections on real servers: what is lost is named, the rest is still audited.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{OWN, run, shared as fleet, verdicts, without_times};
use pullaudit_core::Scope;
use pullaudit_eks::{Eks, EksOptions};
use serde_json::{Value, json};
use servers::aws::Keys;
use servers::call::Answer;
use servers::kubernetes::ADMIN;
use servers::proxy::Trouble;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    let arguments =
        ["audit", "--provider", "eks", "--region", "us-east-1", "-o", "json", "--timeout", "5s", "-n", "calm"];
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

/// Where the next test looks, from a process of its own: the end point of AWS is told by its environment.
#[tokio::test]
#[ignore = "the next test runs it"]
async fn discovers_in_every_region() {
    let options = EksOptions {
        profiles: Vec::new(),
        regions: Vec::new(),
        all_regions: true,
        accounts: Vec::new(),
        timeout: Duration::from_secs(20),
        concurrency: 4,
        service_account_identity: BTreeMap::new(),
        calls: Arc::default(),
    };
    let side = Eks::provider(options).clusters.unwrap();
    let found = side.discover(&Scope::all()).await.unwrap();
    let clusters: Vec<&str> = found.clusters.iter().map(|one| one.cluster.id.0.as_str()).collect();
    let gaps: Vec<String> = found.gaps.iter().map(|gap| format!("{}: {}", gap.message, gap.open)).collect();
    let searched: Vec<_> = found.searched.iter().map(|one| (&one.scope, &one.regions)).collect();
    println!("FOUND {}", json!({ "clusters": clusters, "gaps": gaps, "searched": searched }));
}

fn discovered(environment: &[(&'static str, String)]) -> Value {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "discovers_in_every_region", "--ignored", "--nocapture"]);
    let environment = environment.iter().map(|(name, value)| (name, value));
    let output = command.env_clear().env("HOME", "/nonexistent").envs(environment).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find_map(|line| line.split_once("FOUND "));
    let (_, found) = found.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(found).unwrap()
}

#[test]
fn every_enabled_region_is_searched_and_lost_ones_named() {
    let Some(fleet) = fleet("every_enabled_region") else { return };
    let account = "666677778888";
    let cluster = json!({ "accessConfig": { "authenticationMode": "API" } });
    fleet.aws.seed(&json!({ "accounts": { account: { "clusters": {
        live::REGION: { "near": cluster }, "eu-west-1": { "far": cluster } } } } }));
    let place = fleet.place(&Keys::root(account), None);
    let region = |name: &str, status: &str| {
        format!("<item><regionName>{name}</regionName><optInStatus>{status}</optInStatus></item>")
    };
    let regions = [
        region("eu-west-1", "opt-in-not-required"),
        region("us-east-1", "opt-in-not-required"),
        region("af-south-1", "not-opted-in"),
    ];
    let answer = format!(
        "<DescribeRegionsResponse><regionInfo>{}</regionInfo></DescribeRegionsResponse>",
        regions.concat()
    );
    let overlay = Answer::new(200, "text/xml", answer);
    place.proxy.overlay(|call| call.operation == "DescribeRegions", overlay);
    let all = discovered(&place.environment);
    let arn = |region: &str, name: &str| format!("arn:aws:eks:{region}:{account}:cluster/{name}");
    assert_eq!(all["clusters"], json!([arn("eu-west-1", "far"), arn("us-east-1", "near")]), "{all:#}");
    assert_eq!(all["searched"], json!([[account, ["eu-west-1", "us-east-1"]]]));
    assert_eq!(all["gaps"], json!([]));
    // One that can't be listed is named, and was searched.
    place.proxy.fault(
        |call| call.operation == "ListClusters" && call.detail.contains("region=eu-west-1"),
        Trouble::Forbidden,
    );
    let lost = discovered(&place.environment);
    assert_eq!(lost["clusters"], json!([arn("us-east-1", "near")]));
    assert_eq!(lost["searched"], all["searched"]);
    assert!(lost["gaps"].to_string().contains("eu-west-1"), "{lost:#}");
    // Where nobody tells which there are, the one at hand is searched, and that this is not all is said.
    for trouble in [Trouble::Forbidden, Trouble::Failed, Trouble::Html] {
        place.proxy.reset();
        place.proxy.fault(|call| call.operation == "DescribeRegions", trouble);
        let one = discovered(&place.environment);
        assert_eq!(one["searched"], json!([[account, ["us-east-1"]]]), "{trouble:?}");
        assert!(one["gaps"].to_string().contains("ec2:DescribeRegions"), "{trouble:?}: {one:#}");
    }
}

#[test]
fn a_region_that_cannot_be_is_an_error() {
    let Some(fleet) = fleet("a_region_that_cannot_be") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let ran = place.audit(&["--region", "mars-1"]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("mars-1 is no region of AWS"), "{}", ran.err);
}

/// Credentials that a source gives anew are used as soon as AWS says that the former ones have expired.
#[test]
fn credentials_that_expire_early_are_replaced() {
    let Some(fleet) = fleet("credentials_that_expire_early") else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let [first, second] = [fleet.assume("auditor"), fleet.assume("auditor")];
    for (name, keys) in [("0", &first), ("1", &second)] {
        let keys = json!({ "Version": 1, "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token });
        write(name, &keys.to_string());
    }
    // The first time it gives the first keys, and later always the second.
    write(
        "source.sh",
        "cd \"$(dirname \"$0\")\"; echo asked >> log; [ -e used ] && cat 1 || { touch used; cat 0; }\n",
    );
    let process = format!("/bin/sh {}", folder.path().join("source.sh").display());
    write("config", &format!("[profile p]\ncredential_process = {process}\nregion = {}\n", live::REGION));
    let place = fleet.place(&first, Some(ADMIN));
    let met = AtomicUsize::new(0);
    let key = first.access_key_id.clone();
    place.proxy.guard(move |seen, call| {
        let former = seen.header("authorization").contains(&key);
        (former && met.fetch_add(1, Ordering::SeqCst) >= 5).then(|| has_expired(&call.service))
    });
    let mut environment = place.environment.clone();
    environment.retain(|(name, _)| !name.starts_with("AWS_ACCESS") && !name.starts_with("AWS_S"));
    environment.push(("AWS_CONFIG_FILE", folder.path().join("config").display().to_string()));
    let arguments = [
        "audit",
        "--config",
        &place.config,
        "--profile",
        "p",
        "--cluster",
        live::CLUSTER,
        "-n",
        "shop",
        "-n",
        "jobs",
        "-o",
        "json",
    ];
    let report = run(&arguments, &environment).report();
    let plain = fleet.place(&second, Some(ADMIN)).json(&[]);
    assert_eq!(verdicts(&report), verdicts(&plain));
    assert_eq!(report["complete"], plain["complete"], "{:#}", report["incompleteBecause"]);
    let asked = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(asked.lines().count(), 2, "the source is asked once more");
}

fn has_expired(service: &str) -> Answer {
    let said = "The security token included in the request is expired";
    match service {
        "iam" | "sts" | "ec2" => {
            let error =
                format!("<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>{said}</Message></Error>");
            Answer::new(403, "text/xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
        }
        _ => {
            let error = json!({ "__type": "ExpiredTokenException", "message": said });
            Answer::new(400, "application/x-amz-json-1.1", error.to_string())
        }
    }
}

/// A body that ends early is asked for again, by the length that was promised and by what stands in it.
#[test]
fn an_answer_cut_short_is_asked_again() {
    let Some(fleet) = fleet("an_answer_cut_short") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let whole = place.json(&[]);
    place.proxy.reset();
    for service in ["iam", "ecr", "eks", "sts"] {
        place.proxy.fault(move |call| call.service == service, Trouble::CutAtFirst(1));
    }
    assert_eq!(verdicts(&place.json(&[])), verdicts(&whole));
}
