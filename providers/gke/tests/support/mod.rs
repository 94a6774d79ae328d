//! A small world of Google Cloud, built row by row.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use jiff::Timestamp;
use pullaudit_core::{
    Credential, Facts, ImageRef, Mode, Obstacle, Open, Question, Read, Section, Vantage, Verdict, judge,
};
use pullaudit_gke::cluster;
use pullaudit_gke::facts::table;
use pullaudit_gke::weigh::GkeFacts;
use serde_json::{Value, json};

pub const NODES: &str = "nodes@acme-run.iam.gserviceaccount.com";
pub const UID: &str = "101";
pub const REPOSITORY: &str = "projects/acme/locations/us/repositories/apps";
pub const IMAGE: &str = "us-docker.pkg.dev/acme/apps/team/web:1";
pub const READER: &str = "roles/artifactregistry.reader";
pub const DOWNLOAD: &str = "artifactregistry.repositories.downloadArtifacts";
pub const DENIED: &str = "artifactregistry.googleapis.com/repositories.downloadArtifacts";
pub const AGENT: &str = "service-42@gcp-sa-artifactregistry.iam.gserviceaccount.com";
pub const KSA: &str = "principal://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/acme-run.svc.id.goog/subject/ns/web/sa/api";
pub const POOL: &str = "projects/7/locations/global/workloadIdentityPools/acme-run.svc.id.goog";
pub const PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
pub const LOGGING: &str = "https://www.googleapis.com/auth/logging.write";

pub fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

pub fn member(email: &str) -> String {
    format!("serviceAccount:{email}")
}

pub fn binding(role: &str, members: &[&str]) -> Value {
    json!({ "role": role, "members": members })
}

pub fn under(mut binding: Value, expression: &str) -> Value {
    binding["condition"] = json!({ "title": "t", "expression": expression });
    binding
}

pub fn policy(bindings: Value) -> Value {
    json!({ "version": 1, "etag": "BwX=", "bindings": bindings })
}

pub fn deny(name: &str, principals: Value) -> Value {
    json!({ "name": name, "displayName": name, "rules": [
        { "denyRule": { "deniedPrincipals": principals, "deniedPermissions": [DENIED] } }
    ]})
}

pub fn refused(what: &str) -> Read<Value> {
    Read::Unread(Open::unread(what.to_owned(), format!("{what}.get"), "test", Obstacle::Refused))
}

/// One repository in project `acme` below a folder and an organisation; an account of another project asks.
/// Nothing is granted until a test does.
#[derive(Clone, Debug)]
pub struct World {
    pub section: Section,
    pub by: String,
    pub scopes: Option<Vec<String>>,
    pub at: Timestamp,
}

impl World {
    pub fn new() -> Self {
        let mut section = Section::default();
        let mut put = |table: &str, key: &str, value: Value| section.put(table, key, Read::Got(value));
        put(table::PROJECTS, "acme", json!({ "name": "projects/42", "projectId": "acme", "state": "ACTIVE" }));
        let above = |kind: &str, id: &str| json!({ "resourceId": { "type": kind, "id": id } });
        let chain = [above("project", "acme"), above("folder", "5"), above("organization", "9")];
        put(table::ANCESTRY, "acme", json!({ "ancestor": chain }));
        put(table::SERVICES, "acme", json!({ "name": "projects/42/services/x", "state": "ENABLED" }));
        put(
            table::REPOSITORIES,
            REPOSITORY,
            json!({ "name": REPOSITORY, "format": "DOCKER", "mode": "STANDARD_REPOSITORY" }),
        );
        put(table::REPOSITORY_POLICIES, REPOSITORY, json!({ "etag": "BwX=" }));
        put(table::RULES, REPOSITORY, json!([]));
        for ancestor in ["projects/acme", "folders/5", "organizations/9"] {
            put(table::POLICIES, ancestor, policy(json!([])));
            put(table::DENY_LISTS, ancestor, json!([]));
        }
        put(table::ACCOUNTS, NODES, json!({ "email": NODES, "uniqueId": UID, "projectId": "acme-run" }));
        put(
            table::PROJECTS,
            "acme-run",
            json!({ "name": "projects/7", "projectId": "acme-run", "state": "ACTIVE" }),
        );
        let chain = [above("project", "acme-run"), above("organization", "9")];
        put(table::ANCESTRY, "acme-run", json!({ "ancestor": chain }));
        for target in ["projects/acme-run", "organizations/9", POOL] {
            put(table::BOUNDARY_LISTS, target, json!([]));
        }
        Self { section, by: NODES.to_owned(), scopes: Some(vec![PLATFORM.to_owned()]), at: now() }
    }

    pub fn put(mut self, table: &str, key: &str, row: Read<Value>) -> Self {
        self.section.put(table, key, row);
        self
    }

    pub fn got(self, table: &str, key: &str, value: Value) -> Self {
        self.put(table, key, Read::Got(value))
    }

    pub fn without(mut self, table: &str, key: &str) -> Self {
        self.section.tables.get_mut(table).unwrap().remove(key);
        self
    }

    /// The repository's own bindings.
    pub fn bound(self, bindings: Value) -> Self {
        self.got(table::REPOSITORY_POLICIES, REPOSITORY, policy(bindings))
    }

    /// The bindings of an ancestor.
    pub fn above(self, ancestor: &str, bindings: Value) -> Self {
        self.got(table::POLICIES, ancestor, policy(bindings))
    }

    /// The reader's role on the repository.
    pub fn reader(self) -> Self {
        let own = member(NODES);
        self.bound(json!([binding(READER, &[&own])]))
    }

    /// One boundary, bound to everybody in a project, a folder or an organisation.
    pub fn bounded(self, target: &str, resources: &[&str]) -> Self {
        let name = "organizations/9/locations/global/principalAccessBoundaryPolicies/own";
        let rules = json!([{ "effect": "ALLOW", "resources": resources }]);
        let binding = json!({ "name": "b", "policyKind": "PRINCIPAL_ACCESS_BOUNDARY", "policy": name });
        self.got(table::BOUNDARY_LISTS, target, json!([binding])).got(
            table::BOUNDARY_POLICIES,
            name,
            json!({ "name": name, "details": { "rules": rules, "enforcementVersion": "3" } }),
        )
    }

    /// One deny policy at an ancestor.
    pub fn denied(self, ancestor: &str, body: Value) -> Self {
        let name = body["name"].as_str().unwrap().to_owned();
        self.got(table::DENY_LISTS, ancestor, json!([{ "name": name }])).got(table::DENY_POLICIES, &name, body)
    }

    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scopes = Some(scopes.iter().map(|scope| (*scope).to_owned()).collect());
        self
    }

    pub fn by(mut self, who: &str) -> Self {
        who.clone_into(&mut self.by);
        self
    }

    pub fn at(mut self, time: &str) -> Self {
        self.at = time.parse().unwrap();
        self
    }

    pub fn facts(&self) -> GkeFacts {
        GkeFacts::open(&self.section)
    }

    pub fn credential(&self) -> Credential {
        match self.by.as_str() {
            "" => Credential::Anonymous,
            who => Credential::Principal(identity(who)),
        }
    }

    pub fn question(&self, image: &str) -> Question {
        let from = Vantage { scopes: self.scopes.clone(), network: None };
        Question { by: self.credential(), from, image: ImageRef::parse(image).unwrap() }
    }

    pub fn ask(&self, image: &str, mode: Mode) -> Verdict {
        judge(self.facts().weigh(&self.question(image), self.at).as_ref(), mode)
    }

    pub fn verdict(&self) -> Verdict {
        self.ask(IMAGE, Mode::Strict)
    }

    pub fn says(&self) -> String {
        short(&self.verdict())
    }
}

pub fn identity(who: &str) -> pullaudit_core::Principal {
    cluster::principal(who)
        .unwrap_or_else(|| pullaudit_core::Principal::new(pullaudit_core::PrincipalKind::Kubelet, who, who))
}

/// `allowed`, or `denied` or `unknown` with its code.
pub fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed { .. } => "allowed".to_owned(),
        Verdict::Denied { .. } => format!("denied {}", verdict.code()),
        Verdict::Unknown { .. } => format!("unknown {}", verdict.code()),
    }
}
