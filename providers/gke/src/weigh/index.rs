//! The stored readings, parsed once and laid out for weighing.

use super::condition::Condition;
use super::outcome::Outcome;
use super::reading::{lacking, unread};
use super::roles::{self, Act};
use crate::codes::Finding;
use crate::facts::{
    Ancestry, Boundary, BoundaryBinding, DenyPolicy, DenyRule, Expr, Policy, Project, ProjectSettings, Repository,
    Role, Rule, Service, ServiceAccount, table,
};
use pullaudit_core::{Code, CoreFinding, Obstacle, Open, Read, Section};
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
    pub(crate) boundary_lists: Table<Vec<BoundaryBinding>>,
    pub(crate) boundaries: Table<Boundary>,
}

impl Index {
    /// Lays the readings out. What is no answer of its table, in whole or in part, is a reading that failed.
    pub(crate) fn open(section: &Section) -> Self {
        let code = |finding: Finding| finding.code();
        let repository = code(Finding::RepositoryUnread);
        let policy = code(Finding::PolicyUnread);
        let deny = code(Finding::DenyUnread);
        let boundary = code(Finding::BoundaryUnread);
        let named = |value: &str, key: &str| value.eq_ignore_ascii_case(key);
        Self {
            projects: read(section, table::PROJECTS, repository, |_, body: Project| {
                body.name.starts_with("projects/").then_some(body)
            }),
            ancestry: read(section, table::ANCESTRY, policy, ancestors),
            services: read(section, table::SERVICES, repository, |_, body: Service| match body.state.as_str() {
                "ENABLED" => Some(true),
                "DISABLED" => Some(false),
                _ => None,
            }),
            // The answer may name the project by its number.
            repositories: read(section, table::REPOSITORIES, repository, |key: &str, body: Repository| {
                let short = |id: &str| id.rsplit('/').next().map(str::to_owned);
                (short(&body.name) == short(key)).then_some(body)
            }),
            repository_policies: read(section, table::REPOSITORY_POLICIES, policy, |_, body| Some(grants(body))),
            policies: read(section, table::POLICIES, policy, |_, body| Some(grants(body))),
            rules: read(section, table::RULES, repository, |_, body| Some(body)),
            settings: read(section, table::SETTINGS, code(Finding::LegacyHost), |_, body| Some(body)),
            deny_lists: read(section, table::DENY_LISTS, deny, |_, list: Vec<DenyPolicy>| {
                Some(list.into_iter().map(|one| one.name).collect())
            }),
            denies: read(section, table::DENY_POLICIES, deny, |key: &str, body: DenyPolicy| {
                (named(&body.name, key) && body.delete_time.is_empty()).then(|| denies(body))
            }),
            roles: read(section, table::ROLES, code(Finding::RoleUnread), |key: &str, body: Role| {
                named(&body.name, key).then_some(body)
            }),
            accounts: read(
                section,
                table::ACCOUNTS,
                code(Finding::AccountUnread),
                |key: &str, body: ServiceAccount| named(&body.email, key).then_some(body),
            ),
            boundary_lists: read(section, table::BOUNDARY_LISTS, boundary, |_, body| Some(body)),
            boundaries: read(section, table::BOUNDARY_POLICIES, boundary, |key: &str, body: Boundary| {
                named(&body.name, key).then_some(body)
            }),
        }
    }

    /// Whether a role lets its holder do it. A deleted or disabled role grants nothing though its bindings stay; a
    /// role that was not found may only be hidden.
    pub(crate) fn role(&self, role: &str, act: Act) -> Outcome {
        match self.roles.get(role) {
            Some(Row::Got(body)) => Outcome::when(
                grants_at_all(body) && body.included_permissions.iter().any(|one| one == act.permission()),
            ),
            Some(Row::Open(open, _)) => Outcome::Open(open.clone()),
            Some(Row::Absent) => {
                let obstacle = Obstacle::Failed("it was not found, or is hidden".into());
                Outcome::Open(unread(table::ROLES, role, obstacle))
            }
            None => match roles::predefined(role, act) {
                Some(holds) => Outcome::when(holds),
                None => Outcome::Open(unread(table::ROLES, role, Obstacle::NotAsked)),
            },
        }
    }
}

/// Of the stages of its launch only `DISABLED` takes a role's permissions away; the others go on granting.
///
/// Source: Google Cloud, discovery document of IAM, `Role.stage` and `Role.deleted`.
fn grants_at_all(role: &Role) -> bool {
    !role.deleted && role.stage != "DISABLED" && role.stage != DISABLED_STAGE
}

/// `DISABLED` where enums were asked for as numbers.
const DISABLED_STAGE: i64 = 5;

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
) -> Table<U> {
    let rows = section.tables.get(table).into_iter().flatten();
    let laid = rows.map(|(key, reading)| {
        let row = match reading {
            Read::Absent => Row::Absent,
            Read::Unread(open) => Row::Open(open.clone(), code),
            Read::Got(value) => match answer(table, key, value, &make) {
                Ok(body) => Row::Got(body),
                Err(why) => Row::Open(unread(table, key, Obstacle::Failed(why.into())), code),
            },
        };
        (key.clone(), row)
    });
    laid.collect()
}

/// What an answer says, or why it is none.
fn answer<T: DeserializeOwned, U>(
    table: &str,
    key: &str,
    value: &Value,
    make: impl Fn(&str, T) -> Option<U>,
) -> Result<U, String> {
    if let Some(field) = lacking(table, value) {
        return Err(format!("the answer has no {field}"));
    }
    // A struct takes an array for its fields in their order.
    if ![table::RULES, table::DENY_LISTS, table::BOUNDARY_LISTS].contains(&table) && !value.is_object() {
        return Err("the answer is no object".to_owned());
    }
    let body = T::deserialize(value).map_err(|error| format!("the answer is of another shape: {error}"))?;
    make(key, body).ok_or_else(|| "the answer is about something else".to_owned())
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

fn grants(policy: Policy) -> Vec<Grant> {
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
    policy.bindings.into_iter().map(grant).collect()
}

fn denies(policy: DenyPolicy) -> (String, Vec<Deny>) {
    let name = if policy.display_name.is_empty() { policy.name } else { policy.display_name };
    let deny = |rule: crate::facts::DenyPolicyRule| Deny {
        condition: condition(rule.deny_rule.denial_condition.as_ref()),
        body: rule.deny_rule,
    };
    (name, policy.rules.into_iter().map(deny).collect())
}

/// A condition that has no text stays open.
pub(crate) fn condition(expr: Option<&Expr>) -> Option<Condition> {
    expr.map(|expr| Condition::parse(expr.expression.trim()))
}
