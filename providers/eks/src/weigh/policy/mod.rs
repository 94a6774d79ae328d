//! The policy language: a document's text to statements, and a statement's answer to a request.

pub(crate) mod action;
mod condition;
mod operator;
mod pattern;
pub(crate) mod principal;
mod statement;
mod tri;

pub(crate) use statement::{Denial, Grant, Statement};

use super::request::Request;
use crate::codes::Finding;
use action::Acts;
use pullaudit_core::{Code, Notice, Open, Text};
use serde_json::Value as Json;
use std::sync::Arc;

/// What kind of document it is: it decides which elements a statement must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a role, or its boundary: no principal, but resources.
    Identity,
    /// Of a repository: principals, and no resource but the repository.
    Repository,
    /// Of a registry: principals and resources.
    Registry,
    /// Of a role, about who may take it on: principals, and no resource but the role.
    Trust,
}

/// The statements of one or more documents that may matter to a pull.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) statements: Vec<Arc<Statement>>,
}

impl Policy {
    /// Reads a document. It never fails: what can't be read becomes a statement that may allow or deny.
    pub(crate) fn parse(text: &str, kind: Kind, place: &str) -> Self {
        match statements(text) {
            Ok((variables, list)) => {
                let read = |(index, statement): (usize, &Json)| {
                    Statement::parse(statement, kind, variables, &statement_place(place, index, statement))
                };
                let statements =
                    list.iter().enumerate().map(read).filter(Statement::may_matter).map(Arc::new).collect();
                Self { statements }
            }
            Err(fault) => Self::unreadable(
                Open::undecidable(format!("{place}: does not parse: {fault}")),
                Finding::PolicyMalformed.code(),
                place,
            ),
        }
    }

    /// A document that is not known: it may allow and it may deny.
    pub(crate) fn unreadable(open: Open, code: Code, place: &str) -> Self {
        Self { statements: vec![Arc::new(Statement::unreadable(open, code, place.into()))] }
    }

    /// What can't be read in it, as findings.
    pub(crate) fn malformed(&self) -> impl Iterator<Item = Notice> {
        self.statements.iter().filter_map(|statement| statement.malformed())
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.statements.extend(other.statements);
    }

    /// True when a statement speaks of one of these actions and not of all of them.
    pub(crate) fn splits(&self, acts: Acts) -> bool {
        self.statements.iter().any(|statement| statement.acts.splits(acts))
    }

    /// True when a statement grants, or refuses, one of these actions to whom and what it names.
    pub(crate) fn grants(&self, acts: Acts) -> bool {
        self.statements.iter().any(|statement| statement.is_allow() && statement.acts.touches(acts))
    }

    /// See [`Self::grants`].
    pub(crate) fn refuses(&self, acts: Acts) -> bool {
        self.statements.iter().any(|statement| statement.is_deny() && statement.acts.touches(acts))
    }

    /// True when some of it, or all, could not be read.
    pub(crate) fn is_open(&self) -> bool {
        self.statements.iter().any(|statement| !statement.is_allow() && !statement.is_deny())
    }

    /// True when a statement is known to allow all of these actions here, whoever asks.
    pub(crate) fn surely_allows(&self, acts: Acts, request: &Request<'_>) -> bool {
        self.statements.iter().any(|statement| {
            let mut allows = false;
            statement.allows(acts, request, |grant| allows |= matches!(grant, Grant::Yes(_)));
            allows
        })
    }

    pub(crate) fn touches(&self, acts: Acts) -> bool {
        self.statements.iter().any(|statement| statement.acts.touches(acts))
    }
}

impl Kind {
    /// True where a document is about what it hangs on, and so names no resource.
    fn is_of_one_resource(self) -> bool {
        matches!(self, Self::Repository | Self::Trust)
    }
}

/// Whether variables count, and the statements; or what is wrong with the document.
fn statements(text: &str) -> Result<(bool, Vec<Json>), String> {
    let document: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Json::Object(mut fields) = document else { return Err("it is not a JSON object".to_owned()) };
    if let Some(field) = fields.keys().find(|name| !matches!(name.as_str(), "Version" | "Id" | "Statement")) {
        return Err(format!("unknown field `{field}`"));
    }
    let variables = match fields.get("Version") {
        None => false,
        Some(Json::String(version)) if version == "2008-10-17" => false,
        Some(Json::String(version)) if version == "2012-10-17" => true,
        Some(other) => return Err(format!("unknown `Version` {other}")),
    };
    match fields.remove("Statement") {
        Some(Json::Array(list)) => Ok((variables, list)),
        Some(one @ Json::Object(_)) => Ok((variables, vec![one])),
        Some(_) => Err("`Statement` is neither an object nor a list".to_owned()),
        None => Err("`Statement` is missing".to_owned()),
    }
}

/// `repository policy of ledger/api, statement 2 "Pull"`
fn statement_place(place: &str, index: usize, statement: &Json) -> Text {
    let number = index + 1;
    match statement.get("Sid").and_then(Json::as_str).filter(|sid| !sid.is_empty()) {
        Some(sid) => format!("{place}, statement {number} \"{sid}\"").into(),
        None => format!("{place}, statement {number}").into(),
    }
}

/// One text or a list of texts; `None` when it is neither or the list is empty.
fn strings(value: &Json) -> Option<Vec<&str>> {
    match value {
        Json::String(text) => Some(vec![text]),
        Json::Array(list) if !list.is_empty() => list.iter().map(Json::as_str).collect(),
        _ => None,
    }
}
