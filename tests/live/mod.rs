//! One small fleet on real servers, and the program run against it.
#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use crate::servers::aws::{Aws, Keys};
use crate::servers::kubernetes::{ADMIN, Kubernetes};
use crate::servers::proxy::Proxy;
use crate::servers::{self, Skipped, need};
use assert_cmd::Command;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) const OWN: &str = "111122223333";
pub(crate) const OTHER: &str = "222233334444";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const CLUSTER: &str = "arn:aws:eks:us-east-1:111122223333:cluster/prod";
pub(crate) const PULL_ONLY: &str = "AmazonEC2ContainerRegistryPullOnly";

/// The policy that pullaudit prints for itself, to audit EKS.
pub(crate) fn printed() -> Value {
    let ran = run(&["permissions", "--provider", "eks", "--for", "audit"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.report()
}

/// The same without one of its rights.
pub(crate) fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        statement["Action"].as_array_mut().unwrap().retain(|one| one != action);
    }
    statements.retain(|statement| !statement["Action"].as_array().unwrap().is_empty());
    policy
}

/// The servers that the tests of a binary share, with the fleet on them.
pub(crate) struct Fleet {
    pub(crate) aws: &'static Aws,
    pub(crate) kubernetes: &'static Kubernetes,
}

/// The fleet, made once.
pub(crate) fn shared(test: &str) -> Option<&'static Fleet> {
    static FLEET: OnceLock<Result<Fleet, Skipped>> = OnceLock::new();
    let made = FLEET.get_or_init(|| {
        let (aws, kubernetes) = (servers::aws::shared()?, servers::kubernetes::shared()?);
        aws.seed(&fleet(kubernetes.endpoint(), &kubernetes.ca_data()));
        for namespace in ["shop", "jobs", "private"] {
            kubernetes.namespace(namespace);
        }
        kubernetes.apply_all(&objects());
        kubernetes.apply_all(&secrets());
        Ok(Fleet { aws, kubernetes })
    });
    need(made.as_ref().map_err(Clone::clone), test)
}

/// The namespaces of the fleet that stay as they are; a test that adds objects takes another.
pub(crate) const WHERE: [&str; 4] = ["-n", "shop", "-n", "jobs"];

/// Everything that one run needs; the folder holds its config.
pub(crate) struct Place {
    pub(crate) proxy: Proxy,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) config: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Fleet {
    pub(crate) fn place(&self, keys: &Keys, user: Option<&str>) -> Place {
        self.place_behind(keys, user, None)
    }

    /// A place that reaches the API server through a proxy as well.
    pub(crate) fn place_behind(&self, keys: &Keys, user: Option<&str>, cluster: Option<&Proxy>) -> Place {
        let proxy = proxy(self.aws);
        let server = cluster.map(Proxy::endpoint);
        let kubeconfig: Option<PathBuf> =
            user.map(|user| self.kubernetes.kubeconfig(user, CLUSTER, server.as_deref()));
        let environment = environment(keys, &proxy, kubeconfig.as_deref());
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path()).display().to_string();
        Place { proxy, environment, config, folder }
    }

    pub(crate) fn assume(&self, role: &str) -> Keys {
        self.aws.assume(&format!("arn:aws:iam::{OWN}:role/{role}"))
    }
}

impl Place {
    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Ran {
        let arguments = [&[command, "--config", &self.config, "--timeout", "20s"], more].concat();
        let mut command = self::command(&arguments, &self.environment);
        ran(command.current_dir(self.folder.path()))
    }

    pub(crate) fn audit(&self, more: &[&str]) -> Ran {
        self.run("audit", &[&WHERE, more].concat())
    }

    pub(crate) fn json(&self, more: &[&str]) -> Value {
        self.audit(&[&["-o", "json"], more].concat()).report()
    }

    pub(crate) fn collect(&self, more: &[&str]) -> Value {
        self.run("collect", &[&["-o", "-"], &WHERE[..], more].concat()).report()
    }
}

/// Verdict and code by workload and pool.
pub(crate) fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut found = BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        for workload in check["workloads"].as_array().unwrap() {
            let place = format!("{} on {}", text(&workload["name"]), text(&check["pool"]));
            found.insert(place, format!("{} {}", text(&check["verdict"]), text(&check["code"])));
        }
    }
    found
}

/// A printed line without the path of the config, which each place has for itself.
pub(crate) fn without_config(line: &str) -> String {
    let Some((before, after)) = line.split_once(" --config ") else { return line.to_owned() };
    format!("{before}{}", after.find(' ').map_or("", |end| &after[end..]))
}

pub(crate) fn without_times(mut report: Value) -> Value {
    report["generatedAt"] = Value::Null;
    report["factsAt"] = Value::Null;
    // By which context a cluster was read is no fact of it.
    report["searched"] = Value::Null;
    for cluster in report["clusters"].as_array_mut().unwrap() {
        cluster["context"] = Value::Null;
    }
    // A printed repair repeats the selection, which runs with one result may have made in several ways.
    for incident in report["incidents"].as_array_mut().unwrap() {
        let is_fix = incident["fix"].as_str().unwrap().starts_with("pullaudit fix ");
        incident["fix"] = if is_fix { json!("pullaudit fix") } else { incident["fix"].take() };
    }
    report["summary"]["apiCalls"] = Value::Null;
    report
}

/// A cluster `shop` with its API server, and the emulator behind a proxy: what an audit of it reports.
pub(crate) struct Ground<'a> {
    pub(crate) kubernetes: &'a Kubernetes,
    pub(crate) aws: &'a Aws,
    pub(crate) proxy: Proxy,
}

impl Ground<'_> {
    /// As a session of that role, whose signatures the emulator checks, with such a config.
    pub(crate) fn report(&self, role: &str, config: &str) -> Value {
        let keys = self.aws.assume(&format!("arn:aws:iam::{OWN}:role/{role}"));
        let kubeconfig =
            self.kubernetes.kubeconfig(ADMIN, "arn:aws:eks:us-east-1:111122223333:cluster/shop", None);
        let mut environment = environment(&keys, &self.proxy, Some(&kubeconfig));
        environment.push(("AWS_MAX_ATTEMPTS", "2".to_owned()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pullaudit.yaml"), config).unwrap();
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
            "--timeout",
            "20s",
        ];
        ran(command(&arguments, &environment).current_dir(folder.path())).report()
    }
}

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
    ran(&mut command(arguments, environment))
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A proxy that answers what the emulator lacks as an account without any such setting would.
pub(crate) fn proxy(aws: &Aws) -> Proxy {
    aws.account()
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

/// Two accounts after a node role was re-created. `auditor` may read all that an audit reads, `halfway`
/// only what EKS lists, `stranger` nothing.
pub(crate) fn fleet(endpoint: &str, ca: &str) -> Value {
    let reads = document(&json!([{ "Effect": "Allow", "Resource": "*", "Action": ["ecr:Describe*", "ecr:Get*",
        "eks:List*", "eks:Describe*", "iam:Get*", "iam:List*", "sts:*"] }]));
    let lists =
        document(&json!([{ "Effect": "Allow", "Resource": "*", "Action": ["eks:List*", "eks:Describe*"] }]));
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
                "halfway": { "inline": { "list": lists } },
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

/// Nodes and workloads of the cluster `prod`, and the config map that lets roles join.
pub(crate) fn objects() -> Vec<Value> {
    let own = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com");
    let (api, web) = (format!("{own}/team/api:1.0"), format!("{own}/team/web:1.0"));
    let ledger = format!("{OTHER}.dkr.ecr.{REGION}.amazonaws.com/ledger/api:1.0");
    let node = |name: &str, group: &str| {
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": {
            "eks.amazonaws.com/nodegroup": group, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" } } })
    };
    let pinned = |kind: &str, name: &str, group: &str, image: &str| {
        let mut made = workload(kind, name, image);
        made["spec"]["template"]["spec"]["nodeSelector"] = json!({ "eks.amazonaws.com/nodegroup": group });
        made
    };
    // Written without the role's path, as EKS wants it there.
    let line =
        format!("- rolearn: arn:aws:iam::{OWN}:role/batch\n  groups: [system:bootstrappers, system:nodes]\n");
    let mut through_account = pinned("Deployment", "through-account", "batch", &api);
    through_account["spec"]["template"]["spec"]["serviceAccountName"] = json!("puller");
    vec![
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "aws-auth", "namespace": "kube-system" },
            "data": { "mapRoles": line } }),
        node("n1", "general"),
        node("n2", "batch"),
        node("n3", "capped"),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "puller", "namespace": "shop" },
            "imagePullSecrets": [{ "name": "gone" }] }),
        pinned("Deployment", "api", "batch", &api),
        pinned("Deployment", "web", "capped", &web),
        pinned("Deployment", "ledger", "general", &ledger),
        pinned("Deployment", "ledger-batch", "batch", &ledger),
        pinned("Deployment", "gone", "batch", &format!("{own}/team/api:9.9")),
        pinned("Deployment", "cache", "batch", "docker.io/library/redis:7"),
        pinned("Deployment", "typo", "batch", &format!("{own}/Team/API:1.0")),
        through_account,
        pinned("StatefulSet", "store", "batch", &web),
        workload("DaemonSet", "agent", &api),
        json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "nightly", "namespace": "jobs" },
            "spec": { "schedule": "0 2 * * *", "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "Never", "containers": [{ "name": "app", "image": api }] } } } } } }),
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "probe", "namespace": "shop" },
            "spec": { "nodeName": "n1", "containers": [{ "name": "app", "image": ledger }] },
            "status": { "phase": "Pending", "containerStatuses": [{ "name": "app", "image": ledger, "imageID": "",
                "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff",
                    "message": "Back-off pulling image" } } }] } }),
    ]
}

/// A workload with a pod template, in the namespace `shop`.
pub(crate) fn workload(kind: &str, name: &str, image: &str) -> Value {
    let mut made = json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "namespace": "shop" },
        "spec": { "selector": { "matchLabels": { "app": name } }, "template": {
            "metadata": { "labels": { "app": name } },
            "spec": { "containers": [{ "name": "app", "image": image }] } } } });
    if kind == "StatefulSet" {
        made["spec"]["serviceName"] = json!(name);
    }
    made
}

/// What stands in every secret that is planted, and may come out nowhere.
pub(crate) const MARK: &str = "MARKED-do-not-print";

/// Pull secrets, a whole one and a broken one, and a pod that uses both and holds more.
fn secrets() -> Vec<Value> {
    let secret = |name: &str, config: &Value| {
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "private" },
            "type": "kubernetes.io/dockerconfigjson", "stringData": { ".dockerconfigjson": config.to_string() } })
    };
    let login = json!({ "auths": { "registry.example": { "username": "u", "password": format!("{MARK}-1") } } });
    let image = format!("{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/api:1.0");
    vec![
        secret("login", &login),
        secret("broken", &json!({ "auths": { "h": { "auth": format!("{MARK}-2") } } })),
        json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "p", "namespace": "private", "annotations": { "note": format!("{MARK}-3") } },
            "spec": { "imagePullSecrets": [{ "name": "login" }, { "name": "broken" }],
                "containers": [{ "name": "c", "image": image,
                    "env": [{ "name": "PASSWORD", "value": format!("{MARK}-4") }] }] } }),
    ]
}
