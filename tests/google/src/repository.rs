//! Repositories of Artifact Registry.

use serde_json::{Value, json};

use crate::policy::Policy;

/// What a repository holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Its own images.
    Standard,
    /// A cache of another registry: `https://registry-1.docker.io`, or a repository's name.
    Remote {
        /// Where it reads.
        upstream: String,
        /// The secret version that holds its password.
        secret: Option<String>,
    },
    /// Others' images: the names of repositories, each with its priority.
    Virtual(Vec<(String, u32)>),
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The project's id.
    pub project: String,
    /// Its location.
    pub location: String,
    /// Its id.
    pub id: String,
    /// What it holds.
    pub mode: Mode,
    /// `DOCKER`, `NPM`, …
    pub format: String,
    /// Its policy.
    pub policy: Policy,
    /// `cleanupPolicies`.
    pub cleanup: Value,
    /// Download rules, as the service has them.
    pub rules: Vec<Value>,
    /// The answer has no `mode`, as of old repositories.
    pub without_mode: bool,
}

impl Repository {
    /// A standard repository of images, whose policy nobody set yet.
    pub fn new(project: &str, location: &str, id: &str) -> Self {
        Self {
            project: project.to_owned(),
            location: location.to_owned(),
            id: id.to_owned(),
            mode: Mode::Standard,
            format: "DOCKER".to_owned(),
            policy: Policy::new(),
            cleanup: json!({}),
            rules: Vec::new(),
            without_mode: false,
        }
    }

    /// Its full name.
    pub fn name(&self) -> String {
        format!("projects/{}/locations/{}/repositories/{}", self.project, self.location, self.id)
    }

    /// Makes it a cache of another registry or repository.
    pub fn remote(mut self, upstream: &str) -> Self {
        self.mode = Mode::Remote { upstream: upstream.to_owned(), secret: None };
        self
    }

    /// Makes it a virtual one over other repositories, the first before the second.
    pub fn over(mut self, upstreams: &[&str]) -> Self {
        let priorities = (1..).map(|step| 100 / step);
        let upstreams = upstreams.iter().map(|&name| name.to_owned()).zip(priorities).collect();
        self.mode = Mode::Virtual(upstreams);
        self
    }

    /// Sets its policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds a download rule: `ALLOW` or `DENY`, a package or all (`""`), an expression or none (`""`).
    pub fn rule(mut self, id: &str, action: &str, package: &str, expression: &str) -> Self {
        let name = format!("{}/rules/{id}", self.name());
        let mut rule = json!({ "name": name, "action": action, "operation": "DOWNLOAD" });
        if !package.is_empty() {
            rule["packageId"] = json!(package);
        }
        if !expression.is_empty() {
            rule["condition"] = json!({ "expression": expression });
        }
        self.rules.push(rule);
        self
    }

    /// Leaves `mode` out of the answer.
    pub fn without_mode(mut self) -> Self {
        self.without_mode = true;
        self
    }

    /// As the service answers.
    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "name": self.name(),
            "format": self.format,
            "description": "Images of Acme",
            "createTime": "2024-05-06T07:08:09.012345Z",
            "updateTime": "2024-05-06T07:08:09.012345Z",
            "sizeBytes": "1048576",
            "registryUri": format!("{}-docker.pkg.dev/{}/{}", self.location, self.project.replace(':', "/"), self.id),
            "satisfiesPzi": true,
        });
        let mode = match &self.mode {
            Mode::Standard => "STANDARD_REPOSITORY",
            Mode::Remote { upstream, secret } => {
                body["remoteRepositoryConfig"] = remote(upstream, secret.as_deref());
                "REMOTE_REPOSITORY"
            }
            Mode::Virtual(upstreams) => {
                let policies = upstreams.iter().enumerate().map(|(at, (name, priority))| {
                    json!({ "id": format!("upstream-{at}"), "repository": name, "priority": priority })
                });
                body["virtualRepositoryConfig"] = json!({ "upstreamPolicies": policies.collect::<Vec<_>>() });
                "VIRTUAL_REPOSITORY"
            }
        };
        if !self.without_mode {
            body["mode"] = json!(mode);
        }
        if self.cleanup.as_object().is_some_and(|policies| !policies.is_empty()) {
            body["cleanupPolicies"] = self.cleanup.clone();
        }
        body
    }
}

fn remote(upstream: &str, secret: Option<&str>) -> Value {
    let mut config = match upstream {
        "https://registry-1.docker.io" => json!({ "dockerRepository": { "publicRepository": "DOCKER_HUB" } }),
        _ if upstream.starts_with("projects/") => json!({ "commonRepository": { "uri": upstream } }),
        _ => json!({ "dockerRepository": { "customRepository": { "uri": upstream } } }),
    };
    if let Some(secret) = secret {
        let credentials = json!({ "username": "acme", "passwordSecretVersion": secret });
        config["upstreamCredentials"] = json!({ "usernamePasswordCredentials": credentials });
    }
    config
}
