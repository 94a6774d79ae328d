//! The stored readings, parsed once and laid out for weighing.

use super::condition::Condition;
use super::outcome::Outcome;
use super::roles::{self, Act};
use crate::codes::Finding;
use crate::facts::{
    Ancestry, DenyPolicy, DenyRule, Expr, Membership, Policy, Project, ProjectSettings, Repository, Role, Rule,
    Service, ServiceAccount, table,
};
use pullaudit_core::{Code, CoreFinding, Obstacle, Open, Read, Section, SnapshotError, Text};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;

/// What a condition of version 1 looks like: it stands in the role's name, without its text.
///
/// Source: Google Cloud, IAM documentation, troubleshooting `withcond`.
const WITH_CONDITION: &str = "_withcond_";

/// One reading as weighing sees it: never collected is a gap like any other, only under its own code.
#[derive(Clone, Debug)]
pub(crate) enum Row<T> {
    Got(T),
    Absent,
    Open(Open, Code),
}

/// A binding, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Without what version 1 puts after it.
    pub(crate) role: String,
    pub(crate) members: Vec<String>,
    pub(crate) condition: Option<Condition>,
    /// For people: the condition's title, where it has one.
    pub(crate) title: String,
}

/// A rule of a deny policy, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Deny {
    pub(crate) body: DenyRule,
    pub(crate) condition: Option<Condition>,
}

type Table<T> = HashMap<String, Row<T>>;

/// Everything that a section holds.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) projects: Table<Project>,
    /// Keys of policies, from the project up.
    pub(crate) ancestry: Table<Vec<String>>,
    /// Whether the API is on.
    pub(crate) services: Table<bool>,
    pub(crate) repositories: Table<Repository>,
    pub(crate) repository_policies: Table<Vec<Grant>>,
    pub(crate) policies: Table<Vec<Grant>>,
    pub(crate) rules: Table<Vec<Rule>>,
    pub(crate) settings: Table<ProjectSettings>,
    pub(crate) deny_lists: Table<Vec<String>>,
    pub(crate) denies: Table<(String, Vec<Deny>)>,
    roles: Table<Role>,
    pub(crate) accounts: Table<ServiceAccount>,
    pub(crate) memberships: Table<Membership>,
    pub(crate) boundaries: Table<Vec<Value>>,
}

impl Index {
    /// Lays the readings out; an error names the row that is not what its table promises.
    pub(crate) fn open(section: &Section) -> Result<Self, SnapshotError> {
        let code = |finding: Finding| finding.code();
        let repository = code(Finding::RepositoryUnread);
        let policy = code(Finding::PolicyUnread);
        let deny = code(Finding::DenyUnread);
        let account = code(Finding::AccountUnread);
        let named = |value: &str, key: &str| value.eq_ignore_ascii_case(key);
        Ok(Self {
            projects: read(section, table::PROJECTS, repository, |_, body: Project| {
                body.name.starts_with("projects/").then_some(body)
            })?,
            ancestry: read(section, table::ANCESTRY, policy, ancestors)?,
            services: read(section, table::SERVICES, repository, |_, body: Service| match body.state.as_str() {
                "ENABLED" => Some(true),
                "DISABLED" => Some(false),
                _ => None,
            })?,
            // The answer may name the project by its number.
            repositories: read(section, table::REPOSITORIES, repository, |key: &str, body: Repository| {
                let short = |id: &str| id.rsplit('/').next().map(str::to_owned);
                (short(&body.name) == short(key)).then_some(body)
            })?,
            repository_policies: read(section, table::REPOSITORY_POLICIES, policy, |_, body| grants(body))?,
            policies: read(section, table::POLICIES, policy, |_, body| grants(body))?,
            rules: read(section, table::RULES, repository, |_, body| Some(body))?,
            settings: read(section, table::SETTINGS, code(Finding::LegacyHost), |_, body| Some(body))?,
            deny_lists: read(section, table::DENY_LISTS, deny, |_, list: Vec<DenyPolicy>| {
                let names: Vec<String> = list.into_iter().map(|one| one.name).collect();
                names.iter().all(|name| !name.is_empty()).then_some(names)
            })?,
            denies: read(section, table::DENY_POLICIES, deny, |key: &str, body: DenyPolicy| {
                named(&body.name, key).then(|| denies(body))
            })?,
            roles: read(section, table::ROLES, code(Finding::RoleUnread), |key: &str, body: Role| {
                named(&body.name, key).then_some(body)
            })?,
            accounts: read(section, table::ACCOUNTS, account, |key: &str, body: ServiceAccount| {
                named(&body.email, key).then_some(body)
            })?,
            memberships: read(section, table::MEMBERSHIPS, code(Finding::MemberUndecidable), |_, body| {
                Some(body)
            })?,
            boundaries: read(section, table::BOUNDARIES, code(Finding::BoundaryUnread), |_, body| Some(body))?,
        })
    }

    /// Whether a role lets its holder do it. A deleted role grants nothing though its bindings stay; a role that
    /// was not found may only be hidden.
    pub(crate) fn role(&self, role: &str, act: Act) -> Outcome {
        match self.roles.get(role) {
            Some(Row::Got(body)) => {
                Outcome::when(!body.deleted && body.included_permissions.iter().any(|one| one == act.permission()))
            }
            Some(Row::Open(open, _)) => Outcome::Open(open.clone()),
            Some(Row::Absent) => Outcome::Open(Open::unread(
                format!("role {role}"),
                "iam.roles.get",
                owner_of_role(role),
                Obstacle::Failed("it was not found, or is hidden".into()),
            )),
            None => match roles::predefined(role, act) {
                Some(holds) => Outcome::when(holds),
                None => Outcome::Open(Open::unread(
                    format!("role {role}"),
                    "iam.roles.get",
                    owner_of_role(role),
                    Obstacle::NotAsked,
                )),
            },
        }
    }
}

fn owner_of_role(role: &str) -> String {
    match role.split_once("/roles/") {
        Some((owner, _)) => owner.to_owned(),
        None => "any project".to_owned(),
    }
}

/// The row of a key, or why nothing is known of it.
pub(crate) fn get<'a, T>(table: &'a Table<T>, key: &str, what: &str, right: &str, scope: &str) -> Row<&'a T> {
    match table.get(key) {
        Some(Row::Got(value)) => Row::Got(value),
        Some(Row::Absent) => Row::Absent,
        Some(Row::Open(open, code)) => Row::Open(open.clone(), *code),
        None => Row::Open(Open::unread(what, right, scope, Obstacle::NotAsked), CoreFinding::NotCollected.code()),
    }
}

fn read<T: DeserializeOwned, U>(
    section: &Section,
    table: &str,
    code: Code,
    make: impl Fn(&str, T) -> Option<U>,
) -> Result<Table<U>, SnapshotError> {
    let mut all = Table::new();
    for (key, reading) in section.tables.get(table).into_iter().flatten() {
        let row = match reading {
            Read::Absent => Row::Absent,
            Read::Unread(open) => Row::Open(open.clone(), code),
            Read::Got(value) => {
                let body = T::deserialize(value).map_err(|error| SnapshotError::Section {
                    provider: "gke",
                    key: format!("{table} {key}"),
                    detail: error.to_string(),
                })?;
                // A body about something else must not become one that grants or denies nothing.
                let other = || {
                    let what: Text =
                        format!("{table} {key}: the answer is about something else; read it again").into();
                    Row::Open(Open::undecidable(what), code)
                };
                make(key, body).map_or_else(other, Row::Got)
            }
        };
        all.insert(key.clone(), row);
    }
    Ok(all)
}

fn ancestors(key: &str, body: Ancestry) -> Option<Vec<String>> {
    let mut all = vec![format!("projects/{key}")];
    let mut list = body.ancestor.into_iter().map(|one| one.resource_id);
    list.next().filter(|first| first.kind == "project")?;
    for one in list {
        let kind = match one.kind.as_str() {
            "folder" => "folders",
            "organization" => "organizations",
            _ => return None,
        };
        all.push(format!("{kind}/{}", one.id));
    }
    Some(all)
}

/// Every policy has an etag, so an answer with nothing in it is none.
fn grants(policy: Policy) -> Option<Vec<Grant>> {
    if policy.etag.is_empty() && policy.bindings.is_empty() {
        return None;
    }
    let grant = |binding: crate::facts::Binding| {
        let (role, hidden) = match binding.role.split_once(WITH_CONDITION) {
            Some((role, _)) => (role.to_owned(), true),
            None => (binding.role, false),
        };
        let condition = condition(binding.condition.as_ref());
        let unread =
            || Condition::Unread("the policy was read in version 1, which leaves the condition out".into());
        Grant {
            role,
            members: binding.members,
            title: binding.condition.map(|expr| expr.title).unwrap_or_default(),
            condition: if hidden { Some(unread()) } else { condition },
        }
    };
    Some(policy.bindings.into_iter().map(grant).collect())
}

fn denies(policy: DenyPolicy) -> (String, Vec<Deny>) {
    let name = if policy.display_name.is_empty() { policy.name } else { policy.display_name };
    let deny = |rule: crate::facts::DenyPolicyRule| Deny {
        condition: condition(rule.deny_rule.denial_condition.as_ref()),
        body: rule.deny_rule,
    };
    (name, policy.rules.into_iter().map(deny).collect())
}

/// An empty text is no condition.
pub(crate) fn condition(expr: Option<&Expr>) -> Option<Condition> {
    expr.map(|expr| expr.expression.trim()).filter(|text| !text.is_empty()).map(Condition::parse)
}
