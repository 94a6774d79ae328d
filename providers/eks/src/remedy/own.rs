//! The statements that are pullaudit's own: how they look, how they come into a document and out of it.

#[cfg(any(test, feature = "live"))]
use super::document::meaning;
use super::document::{statements, statements_mut};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The side that a document belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// An inline policy of a role: its statements name repositories.
    Role,
    /// The policy of a repository: its statements name roles.
    Repository,
}

/// One statement of ours: a `Sid` and the actions that go with it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// Its place among the others.
    place: u8,
    pub(super) sid: &'static str,
    pub(super) actions: &'static [&'static str],
}

/// The login, which no resource limits.
pub(super) const TOKEN: &Part = &Part { place: 0, sid: "PullauditToken", actions: &["ecr:GetAuthorizationToken"] };
/// What reads an image.
pub(super) const PULL: &Part =
    &Part { place: 1, sid: "PullauditPull", actions: &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] };
/// What a pull-through cache fetches with.
pub(super) const IMPORT: &Part =
    &Part { place: 2, sid: "PullauditImport", actions: &["ecr:BatchImportUpstreamImage"] };
/// What a pull-through cache makes a repository with.
pub(super) const CREATE: &Part = &Part { place: 3, sid: "PullauditCreate", actions: &["ecr:CreateRepository"] };

const PARTS: [&Part; 4] = [TOKEN, PULL, IMPORT, CREATE];

/// What our statements are to say: repositories or roles, by statement.
pub(super) type Wanted = BTreeMap<&'static Part, BTreeSet<String>>;

/// What a statement of ours names, where it is one: its `Sid` and its whole form must be.
pub(super) fn values(side: Side, part: &Part, statement: &Value) -> Option<Vec<String>> {
    let fields = statement.as_object()?;
    let named = match side {
        Side::Role => fields.get("Resource")?,
        Side::Repository => {
            let principal = fields.get("Principal")?.as_object()?;
            principal.get("AWS").filter(|_| principal.len() == 1)?
        }
    };
    let suffix = fields.get("Sid")?.as_str()?.strip_prefix(part.sid)?;
    let allows = fields.get("Effect")? == "Allow" && suffix.bytes().all(|byte| byte.is_ascii_digit());
    let actions: BTreeSet<String> = texts(fields.get("Action")?)?.into_iter().collect();
    let same = actions.iter().map(String::as_str).eq(part.actions.iter().copied());
    let values = texts(named)?;
    let known = values.iter().all(|value| is_ours(side, part, value));
    (fields.len() == 4 && allows && same && known).then_some(values)
}

/// Whether we would write such a value: nothing that reaches further than repositories or roles do.
fn is_ours(side: Side, part: &Part, value: &str) -> bool {
    let fields: Vec<&str> = value.splitn(6, ':').collect();
    match (side, fields.as_slice()) {
        (Side::Role, ["*"]) => part == TOKEN,
        (Side::Role, ["arn", _, "ecr", region, account, path]) => {
            let whole = !region.contains('*') && !account.contains('*');
            let pattern = path.strip_suffix('*').unwrap_or(path);
            part != TOKEN && whole && path.starts_with("repository/") && !pattern.contains(['*', '?', '$'])
        }
        (Side::Repository, ["arn", _, "iam", "", _, path]) => path.starts_with("role/") && !path.contains('*'),
        (Side::Repository, [id]) => is_role_id(id),
        _ => false,
    }
}

/// What a policy holds in place of a role's ARN once the role is gone, and at times while it lives.
pub(super) fn is_role_id(text: &str) -> bool {
    text.starts_with("AROA")
        && text.len() >= 16
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// What reads a repository and its images, and does nothing else.
const READS: [&str; 6] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:ListImages",
];

/// The actions that a statement names.
pub(super) fn actions(statement: &Value) -> Vec<&str> {
    match &statement["Action"] {
        Value::String(one) => vec![one],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// True for an Allow that gives reading and nothing else, whoever it names.
pub(super) fn only_reads(statement: &Value) -> bool {
    let actions = actions(statement);
    let known = actions.iter().all(|action| READS.contains(action));
    statement["Effect"] == "Allow" && !actions.is_empty() && known
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(list) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// True for a statement of ours.
pub(super) fn is_own(side: Side, statement: &Value) -> bool {
    PARTS.iter().any(|part| values(side, part, statement).is_some())
}

/// The statements of ours, in their order.
pub(super) fn own(side: Side, document: &Value) -> Vec<Value> {
    statements(document).iter().filter(|one| is_own(side, one)).cloned().collect()
}

/// The statements of others, in their order.
pub(super) fn foreign(side: Side, document: &Value) -> Vec<&Value> {
    statements(document).iter().filter(|one| !is_own(side, one)).collect()
}

/// The document with what is wanted in statements of ours. What they say already stays, all else is as it was,
/// and doing it twice is doing it once.
pub(super) fn merge(side: Side, document: &mut Value, wanted: &Wanted) {
    for (part, new) in wanted {
        let list = statements_mut(document);
        let at = list.iter().position(|one| values(side, part, one).is_some());
        let mut all = at.and_then(|at| values(side, part, &list[at])).unwrap_or_default();
        let more: Vec<String> = new.iter().filter(|value| !all.contains(value)).cloned().collect();
        if more.is_empty() {
            continue;
        }
        all.extend(more);
        if let Some(at) = at {
            set_values(side, &mut list[at], &all);
        } else {
            let sid = free_sid(part, list);
            list.push(statement(side, part, &sid, &all));
        }
    }
}

/// The document with our statements replaced by these, at the place of the first one, else at the end.
pub(super) fn replace(side: Side, document: &mut Value, new: Vec<Value>) {
    let list = statements_mut(document);
    let at = list.iter().position(|one| is_own(side, one));
    list.retain(|one| !is_own(side, one));
    let at = at.unwrap_or(list.len()).min(list.len());
    list.splice(at..at, new);
}

/// A `Sid` stands once in a document; somebody else's statement may have ours.
fn free_sid(part: &Part, list: &[Value]) -> String {
    let taken = |sid: &str| list.iter().any(|one| one["Sid"] == sid);
    let numbered = (2..).map(|number| format!("{}{number}", part.sid));
    std::iter::once(part.sid.to_owned()).chain(numbered).find(|sid| !taken(sid)).unwrap_or_default()
}

fn statement(side: Side, part: &Part, sid: &str, values: &[String]) -> Value {
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(sid));
    statement.insert("Effect".to_owned(), json!("Allow"));
    if side == Side::Repository {
        statement.insert("Principal".to_owned(), json!({ "AWS": one_or_more(values) }));
    }
    let actions: Vec<String> = part.actions.iter().map(|&action| action.to_owned()).collect();
    statement.insert("Action".to_owned(), one_or_more(&actions));
    if side == Side::Role {
        statement.insert("Resource".to_owned(), one_or_more(values));
    }
    Value::Object(statement)
}

fn set_values(side: Side, statement: &mut Value, values: &[String]) {
    match side {
        Side::Role => statement["Resource"] = one_or_more(values),
        Side::Repository => statement["Principal"]["AWS"] = one_or_more(values),
    }
}

/// As AWS writes it: a single value stands without a list.
fn one_or_more(values: &[String]) -> Value {
    match values {
        [one] => json!(one),
        more => json!(more),
    }
}

/// True when two lists of statements say the same.
#[cfg(any(test, feature = "live"))]
pub(super) fn same(one: &[Value], other: &[Value]) -> bool {
    meaning(&json!(one)) == meaning(&json!(other))
}
