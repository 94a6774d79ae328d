//! The AWS emulator: started, seeded from a fixture, asked for its own decisions.
//!
//! What it is made to do right is in `aws/corrections.py`; what it still decides otherwise than AWS
//! documents is in `aws/GAPS.md`; the shape of a fixture in `aws/README.md`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::aws_calls::AwsCalls;
use super::call::{Answer as CallAnswer, Call, Seen};
use super::organization;
use super::process::Server;
use super::proxy::Proxy;
use super::upstream::Upstream;
use super::{Skipped, installed, scripts};

/// A running emulator. Accounts are apart from each other, so tests may share one and use accounts
/// of their own.
pub(crate) struct Aws {
    server: Server,
    seeded: Value,
}

/// One thing to ask the emulator: may this role pull this image?
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pair {
    /// ARN of the role, path included.
    pub(crate) role: String,
    /// Account that owns the registry.
    pub(crate) account: String,
    /// Region of the registry.
    pub(crate) region: String,
    /// Name of the repository.
    pub(crate) repository: String,
    /// Tag of an image that exists.
    pub(crate) tag: String,
    /// What the token says of itself by which the role is taken on; absent where it is assumed as a node's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bearer: Option<Value>,
}

impl Pair {
    /// A pair in us-east-1 and tag `1.0`, the fixture's defaults.
    pub(crate) fn new(role: &str, account: &str, repository: &str) -> Self {
        Self {
            role: role.into(),
            account: account.into(),
            region: "us-east-1".into(),
            repository: repository.into(),
            tag: "1.0".into(),
            bearer: None,
        }
    }
}

/// Whether one call was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// It answered.
    Ok,
    /// It was refused for want of permission.
    Denied,
}

/// What the emulator answered when the role itself made the three calls of a pull.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pull {
    /// `ecr:GetAuthorizationToken`.
    pub(crate) token: Answer,
    /// `ecr:BatchGetImage`.
    pub(crate) image: Answer,
    /// `ecr:GetDownloadUrlForLayer`.
    pub(crate) layer: Answer,
    /// The text of each refusal.
    pub(crate) texts: std::collections::BTreeMap<String, String>,
}

impl Pull {
    /// Whether the pull as a whole works.
    pub(crate) fn allowed(&self) -> bool {
        [self.token, self.image, self.layer].iter().all(|answer| *answer == Answer::Ok)
    }
}

/// The keys of a session of a role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Keys {
    /// `AWS_ACCESS_KEY_ID`.
    pub(crate) access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub(crate) secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub(crate) session_token: String,
}

impl Keys {
    /// The keys that make a caller the root of `account` in the emulator.
    pub(crate) fn root(account: &str) -> Self {
        Self { access_key_id: account.into(), secret_access_key: "test".into(), session_token: String::new() }
    }

    /// The environment of a program that uses these keys at this end point, in this region.
    pub(crate) fn environment(&self, endpoint: &str, region: &str) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("AWS_REGION", region.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        if !self.session_token.is_empty() {
            environment.push(("AWS_SESSION_TOKEN", self.session_token.clone()));
        }
        environment
    }
}

/// An emulator of one's own, seeded with `fixture`.
pub(crate) fn start(fixture: &Value) -> Result<Aws, Skipped> {
    let python = python()?;
    let mut command = Command::new(python);
    command.arg(scripts("aws").join("launch.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut aws = Aws { server: Server::start(&mut command), seeded: Value::Null };
    aws.seeded = aws.seed(fixture);
    Ok(aws)
}

/// The emulator that the tests of this binary share, empty at first: use [`Aws::seed`] with accounts
/// of the test's own.
pub(crate) fn shared() -> Result<&'static Aws, Skipped> {
    static SHARED: OnceLock<Result<Aws, Skipped>> = OnceLock::new();
    SHARED.get_or_init(|| start(&serde_json::json!({ "accounts": {} }))).as_ref().map_err(Clone::clone)
}

impl Aws {
    /// `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> &str {
        self.server.said("endpoint")
    }

    /// A new proxy in front of the emulator.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::start(Upstream::http(self.endpoint()), AwsCalls::default())
    }

    /// A proxy that answers what the emulator lacks as an account without any such setting would, and refuses
    /// what AWS refuses; who calls may not look at the organization, as most may not.
    pub(crate) fn account(&self) -> Proxy {
        let proxy = self.registries();
        proxy.guard(|_, call| organization::refused(call));
        proxy
    }

    /// The same without a word about the organization.
    pub(crate) fn registries(&self) -> Proxy {
        let proxy = self.proxy();
        let none =
            json!({ "__type": "RegistryPolicyNotFoundException", "message": "Registry policy does not exist" });
        let none = CallAnswer::new(400, "application/x-amz-json-1.1", none.to_string());
        proxy.overlay(|call| call.operation == "GetRegistryPolicy", none);
        let scope = json!({ "name": "REGISTRY_POLICY_SCOPE", "value": "V2" });
        proxy.overlay(|call| call.operation == "GetAccountSetting", CallAnswer::json(&scope));
        let rules = json!({ "pullThroughCacheRules": [] });
        proxy.overlay(|call| call.operation == "DescribePullThroughCacheRules", CallAnswer::json(&rules));
        proxy.guard(no_dead_principal);
        proxy
    }

    /// What [`start`]'s fixture became: ARNs, role ids, digests, in the fixture's own shape.
    pub(crate) fn seeded(&self) -> &Value {
        &self.seeded
    }

    /// Creates what another fixture declares and returns what came of it.
    pub(crate) fn seed(&self, fixture: &Value) -> Value {
        self.run("seed.py", fixture)
    }

    /// Makes the three calls of a pull as each pair's role, in order. A failure that is no refusal is a panic.
    pub(crate) fn ask(&self, pairs: &[Pair]) -> Vec<Pull> {
        ask(self.endpoint(), pairs)
    }

    /// Keys of a session of the role, as an EC2 node would have them.
    pub(crate) fn assume(&self, role: &str) -> Keys {
        let keys = self.run("ask.py", &serde_json::json!({ "assume": role }));
        serde_json::from_value(keys).expect("ask.py answers in this shape")
    }

    /// The bearer token with which a session of the role enters the EKS cluster, as `aws eks get-token` makes it.
    pub(crate) fn cluster_token(&self, role: &str, cluster: &str) -> String {
        let token = self.run("ask.py", &serde_json::json!({ "assume": role, "cluster": cluster }));
        serde_json::from_value(token).expect("ask.py answers in this shape")
    }

    /// The process id of the emulator.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn run(&self, script: &str, input: &Value) -> Value {
        run(script, self.endpoint(), input)
    }
}

/// ECR looks principals up when a policy is saved: it takes no id of a role, which is what it shows of a deleted one.
fn no_dead_principal(seen: &Seen, call: &Call) -> Option<CallAnswer> {
    let body: Value =
        (call.operation == "SetRepositoryPolicy").then(|| serde_json::from_slice(&seen.body).ok()).flatten()?;
    assert!(body["force"].is_null(), "force switches off ECR's guard against locking oneself out");
    let policy: Value = serde_json::from_str(body["policyText"].as_str()?).ok()?;
    let dead = |statement: &Value| statement["Principal"].to_string().contains("\"AROA");
    let message = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'";
    let refused = json!({ "__type": "InvalidParameterException", "message": message });
    let answer = || CallAnswer::new(400, "application/x-amz-json-1.1", refused.to_string());
    policy["Statement"].as_array()?.iter().any(dead).then(answer)
}

/// [`Aws::ask`] at another end point, a proxy's.
pub(crate) fn ask(endpoint: &str, pairs: &[Pair]) -> Vec<Pull> {
    let answers = run("ask.py", endpoint, &serde_json::to_value(pairs).unwrap());
    serde_json::from_value(answers).expect("ask.py answers in this shape")
}

fn run(script: &str, endpoint: &str, input: &Value) -> Value {
    let mut child = Command::new(python().expect("it was there when the emulator started"))
        .arg(scripts("aws").join(script))
        .arg(endpoint)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(input.to_string().as_bytes()).expect("the script reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("the script ends");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

fn python() -> Result<PathBuf, Skipped> {
    let folder = installed("aws");
    let python = folder.join("venv/bin/python");
    if folder.join("installed.txt").is_file() && python.is_file() {
        return Ok(python);
    }
    Err(Skipped { why: "the AWS emulator is not installed; scripts/servers installs it".into() })
}
