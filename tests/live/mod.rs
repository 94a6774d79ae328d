//! One small fleet on real servers, and the program run against it.
#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use crate::servers::aws::{Aws, Keys};
use crate::servers::call::Answer;
use crate::servers::proxy::Proxy;
use assert_cmd::Command;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) const OWN: &str = "111122223333";
pub(crate) const OTHER: &str = "222233334444";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const CLUSTER: &str = "arn:aws:eks:us-east-1:111122223333:cluster/prod";
pub(crate) const PULL_ONLY: &str = "AmazonEC2ContainerRegistryPullOnly";

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }
}

/// The program with this environment and nothing of the machine's own.
pub(crate) fn command(arguments: &[&str], environment: &[(&'static str, String)]) -> Command {
    let mut command = Command::cargo_bin("pullaudit").unwrap();
    command.args(arguments).env_clear().env("HOME", "/nonexistent").env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

pub(crate) fn run(arguments: &[&str], environment: &[(&'static str, String)]) -> Ran {
    let output = command(arguments, environment).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A proxy that answers what the emulator lacks as an account without any such setting would.
pub(crate) fn proxy(aws: &Aws) -> Proxy {
    let proxy = aws.proxy();
    let none = json!({ "__type": "RegistryPolicyNotFoundException", "message": "Registry policy does not exist" });
    let none = Answer::new(400, "application/x-amz-json-1.1", none.to_string());
    proxy.overlay(|call| call.operation == "GetRegistryPolicy", none);
    let scope = json!({ "name": "REGISTRY_POLICY_SCOPE", "value": "V2" });
    proxy.overlay(|call| call.operation == "GetAccountSetting", Answer::json(&scope));
    let rules = json!({ "pullThroughCacheRules": [] });
    proxy.overlay(|call| call.operation == "DescribePullThroughCacheRules", Answer::json(&rules));
    proxy
}

pub(crate) fn environment(keys: &Keys, proxy: &Proxy, kubeconfig: Option<&Path>) -> Vec<(&'static str, String)> {
    let mut environment = keys.environment(&proxy.endpoint(), REGION);
    let kubeconfig =
        kubeconfig.map_or_else(|| "/nonexistent/config".to_owned(), |path| path.display().to_string());
    environment.push(("KUBECONFIG", kubeconfig));
    environment
}

/// A config file that reads the other account by its role.
pub(crate) fn config(folder: &Path) -> PathBuf {
    let path = folder.join("pullaudit.yaml");
    let role = format!("arn:aws:iam::{OTHER}:role/pullaudit");
    std::fs::write(&path, format!("scopes: {{accounts: [{{id: '{OTHER}', role: '{role}'}}]}}\n")).unwrap();
    path
}

pub(crate) fn document(statements: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A repository policy that lets these principals pull.
pub(crate) fn pulls(principal: &Value) -> Value {
    document(&json!([{ "Sid": "Pull", "Effect": "Allow", "Principal": principal,
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }]))
}

/// Two accounts after a node role was re-created.
pub(crate) fn fleet(endpoint: &str, ca: &str) -> Value {
    let reads = document(&json!([{ "Effect": "Allow", "Resource": "*", "Action": ["ecr:Describe*", "ecr:Get*",
        "eks:List*", "eks:Describe*", "iam:Get*", "iam:List*", "sts:*"] }]));
    let trust = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
    json!({ "accounts": {
        OWN: {
            "policies": { "silent": document(&json!([
                { "Effect": "Allow", "Action": ["s3:*", "ecr:GetAuthorizationToken"], "Resource": "*" }])) },
            "roles": {
                "general": { "recreate": true, "attached": [PULL_ONLY] },
                "batch": { "path": "/nodes/", "attached": [PULL_ONLY] },
                "capped": { "attached": [PULL_ONLY], "boundary": "silent" },
                "jobs": { "attached": [PULL_ONLY] },
                "auditor": { "inline": { "read": reads } },
                "stranger": {},
            },
            "repositories": { REGION: { "team/api": {}, "team/web": {} } },
            "clusters": { REGION: { "prod": {
                "endpoint": endpoint, "certificateAuthority": { "data": ca },
                "accessConfig": { "authenticationMode": "API_AND_CONFIG_MAP" },
                "nodegroups": {
                    "general": { "nodeRole": "general" }, "batch": { "nodeRole": "batch" },
                    "capped": { "nodeRole": "capped" } },
                "fargateProfiles": { "jobs": {
                    "podExecutionRoleArn": "jobs", "selectors": [{ "namespace": "jobs" }] } },
                "accessEntries": [
                    { "principalArn": "general", "type": "EC2_LINUX" },
                    { "principalArn": "batch", "type": "EC2_LINUX" },
                    { "principalArn": "capped", "type": "EC2_LINUX" },
                    { "principalArn": "auditor", "type": "STANDARD" }],
            } } },
        },
        OTHER: {
            "roles": { "pullaudit": { "trust": trust, "attached": ["AmazonEC2ContainerRegistryReadOnly"] } },
            "repositories": { REGION: { "ledger/api": { "policy": pulls(&json!({ "AWS": [
                format!("{{{{roleId:{OWN}/general@before}}}}"), format!("{{{{roleArn:{OWN}/batch}}}}")] })) } } },
        },
    } })
}

/// Nodes and workloads of the cluster `prod`.
pub(crate) fn objects() -> Vec<Value> {
    let own = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com");
    let node = |name: &str, group: &str| {
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": {
            "eks.amazonaws.com/nodegroup": group, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" } } })
    };
    let deployment = |name: &str, group: &str, image: &str| {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": "shop" },
            "spec": { "selector": { "matchLabels": { "app": name } }, "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "nodeSelector": { "eks.amazonaws.com/nodegroup": group },
                    "containers": [{ "name": "app", "image": image }] } } } })
    };
    let ledger = format!("{OTHER}.dkr.ecr.{REGION}.amazonaws.com/ledger/api:1.0");
    vec![
        node("n1", "general"),
        node("n2", "batch"),
        deployment("api", "batch", &format!("{own}/team/api:1.0")),
        deployment("web", "capped", &format!("{own}/team/web:1.0")),
        deployment("ledger", "general", &ledger),
        deployment("ledger-batch", "batch", &ledger),
        deployment("gone", "batch", &format!("{own}/team/api:9.9")),
        json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "nightly", "namespace": "jobs" },
            "spec": { "schedule": "0 2 * * *", "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "Never",
                "containers": [{ "name": "app", "image": format!("{own}/team/api:1.0") }] } } } } } }),
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "probe", "namespace": "shop" },
            "spec": { "nodeName": "n1", "containers": [{ "name": "app", "image": ledger }] },
            "status": { "phase": "Pending", "containerStatuses": [{ "name": "app", "image": ledger, "imageID": "",
                "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff",
                    "message": "Back-off pulling image" } } }] } }),
    ]
}
