//! A cluster with machines of its owner's own: the whole program on the emulator of AWS and a real API server.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{Ground, OWN, PULL_ONLY, REGION, printed, without};
use serde_json::{Value, json};
use servers::aws::Aws;
use servers::kubernetes::Kubernetes;
use servers::need;
use servers::proxy::Trouble;
use std::collections::BTreeMap;

const DESCRIBE: &str = "DescribeInstances";
const INSTANCES: &str = "ec2:DescribeInstances";
const PROFILES: &str = "iam:GetInstanceProfile";

/// Three roles may join, of which `red` lost the right to pull; nothing but their instances tells nodes apart.
fn accounts(kubernetes: &Kubernetes) -> Value {
    let policy = printed();
    let entry = |role: &str| json!({ "principalArn": role, "type": "EC2_LINUX" });
    json!({ "accounts": { OWN: {
        "roles": { "green": { "attached": [PULL_ONLY] }, "red": {}, "idle": { "attached": [PULL_ONLY] },
            "auditor": { "inline": { "read": policy } },
            "less-instances": { "inline": { "read": without(&policy, INSTANCES) } },
            "less-profiles": { "inline": { "read": without(&policy, PROFILES) } } },
        "instanceProfiles": { "green_profile": "green", "red_profile": "red" },
        "instances": { REGION: { "a": "green_profile", "b": "red_profile", "c": "green_profile" } },
        "repositories": { REGION: { "team/api": {} } },
        "clusters": { REGION: { "shop": {
            "endpoint": kubernetes.endpoint(), "certificateAuthority": { "data": kubernetes.ca_data() },
            "accessConfig": { "authenticationMode": "API" },
            "accessEntries": [entry("green"), entry("red"), entry("idle")],
        } } },
    } } })
}

/// A node on each instance, and a pod on each node.
fn fill(kubernetes: &Kubernetes, aws: &Aws) {
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    kubernetes.namespace("shop");
    let instances = aws.seeded()["accounts"][OWN]["instances"].as_object().unwrap();
    for (name, id) in instances {
        let provider = format!("aws:///{REGION}a/{}", id.as_str().unwrap());
        kubernetes.apply_all(&[
            json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name }, "spec": { "providerID": provider } }),
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("on-{name}"), "namespace": "shop" },
                "spec": { "nodeName": name, "containers": [{ "name": "app", "image": image }] } }),
        ]);
    }
}

/// How often instances were asked about.
fn calls(ground: &Ground<'_>) -> usize {
    ground.proxy.calls().iter().filter(|one| one.call.operation == DESCRIBE).count()
}

/// Workload and pool to who pulls there and the verdict.
fn told(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut told = BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        for workload in check["workloads"].as_array().unwrap() {
            let place = format!("{} on {}", text(&workload["name"]), text(&check["pool"]));
            told.insert(place, format!("{} {}", text(&check["identity"]["name"]), text(&check["verdict"])));
        }
    }
    told
}

fn lines(report: &Value) -> Vec<String> {
    told(report).iter().map(|(place, verdict)| format!("{place}: {verdict}")).collect()
}

#[test]
fn an_instance_tells_the_role_of_a_node_and_where_none_does_nothing_is_guessed() {
    let Some(kubernetes) = need(servers::kubernetes::start(), "instances") else { return };
    let Some(aws) = need(servers::aws::start(&accounts(&kubernetes)), "instances") else { return };
    fill(&kubernetes, &aws);
    let ground = Ground { kubernetes: &kubernetes, aws: &aws, proxy: aws.account() };
    let whole = ground.report("auditor", "{}\n");
    assert_eq!(
        lines(&whole),
        [
            "on-a on (self-managed green): green allowed",
            "on-b on (self-managed red): red denied",
            "on-c on (self-managed green): green allowed",
        ]
    );
    assert_eq!(whole["summary"]["apiCalls"]["ec2"], 1, "{:#}", whole["summary"]);
    assert_eq!(calls(&ground), 1);

    for (role, trouble, right) in [
        ("less-instances", None, INSTANCES),
        ("less-profiles", None, PROFILES),
        ("auditor", Some(Trouble::Garbage), INSTANCES),
        ("auditor", Some(Trouble::Cut), INSTANCES),
    ] {
        ground.proxy.reset();
        if let Some(trouble) = trouble {
            ground.proxy.fault(|call| call.operation == DESCRIBE, trouble);
        }
        let report = ground.report(role, "{}\n");
        for (place, said) in told(&report) {
            assert!(place.ends_with("(unlisted)") && said.ends_with("unknown"), "{role} {place}: {said}");
        }
        assert!(report["checks"].to_string().contains(right), "{role}: {report:#}");
    }
    // One refusal for want of time, then the answer.
    ground.proxy.reset();
    ground.proxy.fault(|call| call.operation == DESCRIBE, Trouble::Throttled(1));
    assert_eq!(lines(&ground.report("auditor", "{}\n")), lines(&whole));
}
