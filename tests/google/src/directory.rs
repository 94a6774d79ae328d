//! Projects and what stands over them, service accounts, roles, deny policies.

use serde_json::{Value, json};

use crate::policy::Policy;

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: String,
    /// `folders/…`, `organizations/…`, or empty.
    pub parent: String,
    /// `ACTIVE` or `DELETE_REQUESTED`.
    pub state: String,
    /// Its policy.
    pub policy: Policy,
    /// Hosts of APIs that are not enabled.
    pub disabled: Vec<String>,
    /// `legacyRedirectionState`.
    pub redirection: String,
}

impl Project {
    /// An active project with all APIs enabled.
    pub fn new(id: &str, number: u64, parent: &str) -> Self {
        Self {
            id: id.to_owned(),
            number: number.to_string(),
            parent: parent.to_owned(),
            state: "ACTIVE".to_owned(),
            policy: Policy::new(),
            disabled: Vec::new(),
            redirection: "REDIRECTION_FROM_GCR_IO_DISABLED".to_owned(),
        }
    }

    /// As Resource Manager v3 answers.
    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "name": format!("projects/{}", self.number),
            "projectId": self.id,
            "displayName": self.id,
            "state": self.state,
            "createTime": "2024-02-03T04:05:06.789Z",
            "updateTime": "2024-02-03T04:05:06.789Z",
            "etag": "W/\"a7d2f10c6b5e4938\"",
        });
        if !self.parent.is_empty() {
            body["parent"] = json!(self.parent);
        }
        body
    }
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its number.
    pub id: String,
    /// `folders/…` or `organizations/…`.
    pub parent: String,
    /// Its policy.
    pub policy: Policy,
}

impl Folder {
    /// A folder.
    pub fn new(id: &str, parent: &str) -> Self {
        Self { id: id.to_owned(), parent: parent.to_owned(), policy: Policy::new() }
    }

    /// As Resource Manager v3 answers.
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": format!("folders/{}", self.id),
            "parent": self.parent,
            "displayName": format!("Folder {}", self.id),
            "state": "ACTIVE",
            "createTime": "2024-01-02T03:04:05.678Z",
            "updateTime": "2024-01-02T03:04:05.678Z",
            "etag": "W/\"b8e3a21d7c6f5049\"",
        })
    }
}

/// An organisation.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its number.
    pub id: String,
    /// Its policy.
    pub policy: Policy,
}

impl Organization {
    /// An organisation.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), policy: Policy::new() }
    }

    /// As Resource Manager v3 answers.
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": format!("organizations/{}", self.id),
            "displayName": "acme.example",
            "directoryCustomerId": "C0acme000",
            "state": "ACTIVE",
            "createTime": "2023-01-02T03:04:05.678Z",
            "updateTime": "2023-01-02T03:04:05.678Z",
            "etag": "W/\"c9f4b32e8d706150\"",
        })
    }
}

/// A service account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The project that it lives in.
    pub project: String,
    /// Its e-mail.
    pub email: String,
    /// What bindings really hold.
    pub unique_id: String,
    /// Its tokens are refused.
    pub disabled: bool,
}

impl Account {
    /// An account that works.
    pub(crate) fn new(project: &str, email: &str, unique_id: String) -> Self {
        Self { project: project.to_owned(), email: email.to_owned(), unique_id, disabled: false }
    }

    /// As IAM v1 answers: `disabled` only where it is true.
    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "name": format!("projects/{}/serviceAccounts/{}", self.project, self.email),
            "projectId": self.project,
            "uniqueId": self.unique_id,
            "email": self.email,
            "displayName": self.email.split('@').next(),
            "etag": "MDEwMjE5MjA=",
            "oauth2ClientId": self.unique_id,
        });
        if self.disabled {
            body["disabled"] = json!(true);
        }
        body
    }
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// `roles/…`, `projects/P/roles/…` or `organizations/O/roles/…`.
    pub name: String,
    /// What it holds.
    pub permissions: Vec<String>,
    /// It was deleted, and its bindings give nothing; it is purged later.
    pub deleted: bool,
    /// `GA`, `DISABLED`, …
    pub stage: String,
}

impl Role {
    /// A role with its permissions.
    pub fn new(name: &str, permissions: &[&str]) -> Self {
        let permissions = permissions.iter().map(|&one| one.to_owned()).collect();
        Self { name: name.to_owned(), permissions, deleted: false, stage: "GA".to_owned() }
    }

    /// Marks it as deleted.
    pub fn deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    /// Sets the stage of its launch.
    pub fn stage(mut self, stage: &str) -> Self {
        stage.clone_into(&mut self.stage);
        self
    }

    /// As IAM v1 answers.
    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "name": self.name,
            "title": self.name.rsplit('/').next(),
            "includedPermissions": self.permissions,
            "stage": self.stage,
            "etag": "AA==",
        });
        if self.permissions.is_empty() {
            body.as_object_mut().map(|fields| fields.remove("includedPermissions"));
        }
        if self.deleted {
            body["deleted"] = json!(true);
        }
        body
    }
}

/// Predefined roles, with those of their permissions that matter for pulls. Not all that they hold.
pub(crate) fn built_in() -> Vec<Role> {
    const PULL: &str = "artifactregistry.repositories.downloadArtifacts";
    const PUSH: &str = "artifactregistry.repositories.uploadArtifacts";
    const SEE: &str = "artifactregistry.repositories.get";
    const LIST: &str = "artifactregistry.repositories.list";
    const READ_POLICY: &str = "artifactregistry.repositories.getIamPolicy";
    const SET_POLICY: &str = "artifactregistry.repositories.setIamPolicy";
    const VIRTUAL: &str = "artifactregistry.repositories.readViaVirtualRepository";
    vec![
        Role::new("roles/artifactregistry.reader", &[PULL, SEE, LIST]),
        Role::new("roles/artifactregistry.writer", &[PULL, PUSH, SEE, LIST]),
        Role::new("roles/artifactregistry.repoAdmin", &[PULL, PUSH, SEE, LIST]),
        Role::new("roles/artifactregistry.admin", &[PULL, PUSH, SEE, LIST, READ_POLICY, SET_POLICY]),
        Role::new("roles/artifactregistry.viewer", &[PULL, SEE, LIST]),
        Role::new("roles/artifactregistry.editor", &[PULL, PUSH, SEE, LIST]),
        Role::new("roles/artifactregistry.createOnPushWriter", &[PULL, PUSH, SEE, LIST]),
        Role::new("roles/artifactregistry.createOnPushRepoAdmin", &[PULL, PUSH, SEE, LIST]),
        Role::new("roles/artifactregistry.serviceAgent", &[PULL, SEE, VIRTUAL]),
        Role::new("roles/container.defaultNodeServiceAccount", &["logging.logEntries.create"]),
        Role::new("roles/container.nodeServiceAccount", &["storage.objects.get"]),
        Role::new("roles/storage.objectViewer", &["storage.objects.get", "storage.objects.list"]),
        Role::new("roles/viewer", &[PULL, SEE, LIST, READ_POLICY]),
        Role::new("roles/editor", &[PULL, PUSH, SEE, LIST, READ_POLICY]),
        Role::new("roles/owner", &[PULL, PUSH, SEE, LIST, READ_POLICY, SET_POLICY]),
    ]
}

/// A deny policy.
#[derive(Debug, Clone)]
pub struct DenyPolicy {
    /// `projects/P`, `folders/F` or `organizations/O`.
    pub point: String,
    /// Its id.
    pub id: String,
    /// `rules` as IAM v2 has them.
    pub rules: Vec<Value>,
}

impl DenyPolicy {
    /// A policy that denies permissions (`artifactregistry.googleapis.com/repositories.downloadArtifacts`) to
    /// principals (`principalSet://goog/public:all`).
    pub fn new(point: &str, id: &str, principals: &[&str], permissions: &[&str]) -> Self {
        let rule = json!({ "denyRule": { "deniedPrincipals": principals, "deniedPermissions": permissions } });
        Self::of_rules(point, id, vec![rule])
    }

    /// A policy with rules as they are.
    pub fn of_rules(point: &str, id: &str, rules: Vec<Value>) -> Self {
        Self { point: point.to_owned(), id: id.to_owned(), rules }
    }
}

/// A principal access boundary, and what it is bound to.
#[derive(Debug, Clone)]
pub struct AccessBoundary {
    /// `organizations/O`
    pub organization: String,
    /// Its id.
    pub id: String,
    /// `//cloudresourcemanager.googleapis.com/…` that the bound may reach.
    pub resources: Vec<String>,
    /// `//cloudresourcemanager.googleapis.com/…` to whose principals it is bound.
    pub targets: Vec<String>,
}

impl AccessBoundary {
    /// A boundary that is bound to nobody.
    pub fn new(organization: &str, id: &str, resources: &[&str]) -> Self {
        let resources = resources.iter().map(|&one| one.to_owned()).collect();
        Self { organization: organization.to_owned(), id: id.to_owned(), resources, targets: Vec::new() }
    }

    /// Binds it to all principals of a target.
    pub fn bound_to(mut self, target: &str) -> Self {
        self.targets.push(target.to_owned());
        self
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/locations/global/principalAccessBoundaryPolicies/{}", self.organization, self.id)
    }
}
