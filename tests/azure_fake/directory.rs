//! Who there is: principals, groups with their members, and the caller with what they may do.

use super::cluster::Identity;
use super::lag::{Gate, Lag};
use super::world::World;

/// Somebody in the directory.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// What a role assignment names.
    pub(crate) object_id: String,
    /// `ServicePrincipal`, `User` or `Group`.
    pub(crate) kind: &'static str,
    /// The application id of a service principal; never what a role assignment names.
    pub(crate) app_id: Option<String>,
    /// What people call it.
    pub(crate) name: String,
    /// Object ids of who is in it, groups too.
    pub(crate) members: Vec<String>,
    /// Whether it may sign in.
    pub(crate) enabled: bool,
    /// Days on which the secrets of its application end; `None` for what has no application: managed identities.
    pub(crate) secrets: Option<Vec<String>>,
    /// Until it has reached the region that checks role assignments.
    pub(crate) replicated: Gate,
}

impl Principal {
    fn new(object_id: &str, kind: &'static str, name: &str) -> Self {
        let (object_id, name) = (object_id.to_owned(), name.to_owned());
        Self {
            object_id,
            kind,
            app_id: None,
            name,
            members: Vec::new(),
            enabled: true,
            secrets: None,
            replicated: Gate::new(Lag::None),
        }
    }

    /// The service principal of an application, or a managed identity.
    pub(crate) fn service(object_id: &str, app_id: &str, name: &str) -> Self {
        Self { app_id: Some(app_id.to_owned()), ..Self::new(object_id, "ServicePrincipal", name) }
            .secrets(&["2099-01-01T00:00:00Z"])
    }

    /// A user.
    pub(crate) fn user(object_id: &str, name: &str) -> Self {
        Self::new(object_id, "User", name)
    }

    /// A group of these object ids, which may be groups too.
    pub(crate) fn group(object_id: &str, name: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|&id| id.to_owned()).collect();
        Self { members, ..Self::new(object_id, "Group", name) }
    }

    /// What stands in the directory for a managed identity.
    pub(crate) fn of_identity(identity: &Identity) -> Self {
        let name = identity.resource_id.rsplit('/').next().unwrap_or_default();
        Self { secrets: None, ..Self::service(&identity.object_id, &identity.client_id, name) }
    }

    /// Registers its application, with secrets that end on these days.
    pub(crate) fn secrets(mut self, ends: &[&str]) -> Self {
        self.secrets = Some(ends.iter().map(|&end| end.to_owned()).collect());
        self
    }

    /// Blocks its sign-in.
    pub(crate) fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Lets role assignments find it only after a while.
    pub(crate) fn lag(mut self, lag: Lag) -> Self {
        self.replicated = Gate::new(lag);
        self
    }
}

impl World {
    /// A principal by object id.
    pub(crate) fn principal_by_id(&self, object_id: &str) -> Option<&Principal> {
        self.directory.iter().find(|principal| principal.object_id.eq_ignore_ascii_case(object_id))
    }

    /// An object id and those of all groups that it is in, however deep, in lower case.
    pub(crate) fn with_groups(&self, object_id: &str) -> Vec<String> {
        let mut found = vec![object_id.to_lowercase()];
        let mut next = 0;
        while let Some(id) = found.get(next).cloned() {
            next += 1;
            let holds = |group: &&Principal| group.members.iter().any(|member| member.eq_ignore_ascii_case(&id));
            for group in self.directory.iter().filter(holds) {
                let group = group.object_id.to_lowercase();
                if !found.contains(&group) {
                    found.push(group);
                }
            }
        }
        found
    }
}

/// An action at a scope and below; the action may hold `*`.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    /// As role definitions write it.
    pub(crate) action: String,
    /// Where.
    pub(crate) scope: String,
}

impl Right {
    /// An action at a scope.
    pub(crate) fn new(action: &str, scope: &str) -> Self {
        Self { action: action.to_owned(), scope: scope.to_owned() }
    }
}

/// Who logs in, and what they may do.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Application id.
    pub(crate) client_id: String,
    /// Object id.
    pub(crate) object_id: String,
    /// The client secret.
    pub(crate) secret: String,
    /// The only assertion that workload identity is let in with; `None` lets none in.
    pub(crate) assertion: Option<String>,
    /// What they may do.
    pub(crate) allowed: Vec<Right>,
    /// What they may not do although `allowed` holds it.
    pub(crate) taken: Vec<Right>,
    /// Whether Microsoft Graph answers them.
    pub(crate) graph: bool,
    /// GUIDs of the only roles that they may assign; `None` for all. Stands for the condition that
    /// a delegated administrator has on their own role.
    pub(crate) assignable: Option<Vec<String>>,
    /// Seconds for which their tokens are good.
    pub(crate) token_seconds: u64,
}

impl Caller {
    /// The service principal of the audit, who may do everything.
    pub(crate) fn new() -> Self {
        Self {
            client_id: "77777777-0000-4000-8000-000000000001".to_owned(),
            object_id: "77777777-0000-4000-8000-000000000002".to_owned(),
            secret: "acme-secret-of-the-audit".to_owned(),
            assertion: None,
            allowed: vec![Right::new("*", "/")],
            taken: Vec::new(),
            graph: true,
            assignable: None,
            token_seconds: 3599,
        }
    }

    /// They may do just this.
    pub(crate) fn only(mut self, rights: &[(&str, &str)]) -> Self {
        self.allowed = rights.iter().map(|(action, scope)| Right::new(action, scope)).collect();
        self
    }

    /// They may not do this, anywhere.
    pub(crate) fn without(self, action: &str) -> Self {
        self.without_at(action, "/")
    }

    /// They may not do this at a scope and below.
    pub(crate) fn without_at(mut self, action: &str, scope: &str) -> Self {
        self.taken.push(Right::new(action, scope));
        self
    }

    /// Microsoft Graph refuses them.
    pub(crate) fn without_graph(mut self) -> Self {
        self.graph = false;
        self
    }

    /// Workload identity: lets this assertion in.
    pub(crate) fn assertion(mut self, assertion: &str) -> Self {
        self.assertion = Some(assertion.to_owned());
        self
    }

    /// They may assign these roles only, by GUID.
    pub(crate) fn assignable(mut self, roles: &[&str]) -> Self {
        self.assignable = Some(roles.iter().map(|&role| role.to_owned()).collect());
        self
    }

    /// Lets their tokens grow old soon.
    pub(crate) fn token_seconds(mut self, seconds: u64) -> Self {
        self.token_seconds = seconds;
        self
    }
}

/// Whether an action pattern with `*` covers an action; case plays no part.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(tail) = action.strip_prefix(head) else { return false };
    (0..=tail.len()).filter_map(|start| tail.get(start..)).any(|tail| matches(rest, tail))
}

impl World {
    /// Whether the caller may do this there.
    pub(crate) fn may(&self, action: &str, scope: &str) -> bool {
        let holds = |right: &Right| matches(&right.action, action) && self.covers(&right.scope, scope);
        self.caller.allowed.iter().any(holds) && !self.caller.taken.iter().any(holds)
    }
}
