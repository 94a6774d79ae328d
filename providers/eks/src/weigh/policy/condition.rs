//! The `Condition` element: operators over keys, each true, false or not known.

use super::operator::{Operator, Test};
use super::pattern::{Expansion, Language, Pattern, Resolved};
use super::tri::Tri;
use crate::weigh::request::{Key, Request, Value};
use pullaudit_core::{Open, Text};
use serde_json::Value as Json;

/// One key under one operator.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    operator: Operator,
    key: Key,
    /// As written, for saying which condition it is.
    pub(crate) name: Text,
    values: Vec<Pattern<Key>>,
    /// What to say where the operator or a value can't be read.
    doubt: Text,
}

impl Condition {
    /// Every condition of the element, or what is wrong with its form.
    pub(crate) fn parse_all(element: &Json, variables: bool, place: &str) -> Result<Vec<Self>, String> {
        let operators = element.as_object().ok_or("`Condition` is not an object")?;
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let keys = keys.as_object().ok_or_else(|| format!("`Condition.{operator}` is not an object"))?;
            for (key, values) in keys {
                conditions.push(Self::parse(operator, key, values, variables, place)?);
            }
        }
        Ok(conditions)
    }

    fn parse(operator: &str, key: &str, values: &Json, variables: bool, place: &str) -> Result<Self, String> {
        let read = Operator::parse(operator);
        let language = Language { wildcards: read.takes_wildcards(), variables };
        let texts = texts(values).ok_or_else(|| format!("`Condition.{operator}.{key}` holds no plain values"))?;
        let compile = |text: &String| Pattern::compile(text, language, |name| Key::parse(name, place));
        let why = if read.test == Test::Unknown {
            "is an operator that pullaudit does not know"
        } else {
            "can't be compared"
        };
        Ok(Self {
            values: texts.iter().map(compile).collect(),
            key: Key::parse(key, place),
            name: format!("{operator} {key}").into(),
            doubt: format!("{place}: {operator} {key} {why}").into(),
            operator: read,
        })
    }

    /// Whether it holds for a request. A key that the request lacks makes positive operators false and
    /// negated ones true. Source: IAM user guide, "Condition operators".
    pub(crate) fn holds(&self, request: &Request<'_>) -> Tri {
        let operator = &self.operator;
        if operator.test == Test::Unknown {
            return self.doubtful();
        }
        let value = self.key.value(request);
        if operator.test == Test::Null {
            return self.null(&value);
        }
        // What one of the other operators makes of several values is not documented.
        if self.key.may_hold_several() && !operator.is_over_sets() {
            return self.doubtful();
        }
        match value {
            Value::Open(open) => Tri::open(open),
            Value::Absent => Tri::of(operator.of_absent()),
            Value::Between(first, last) => {
                let at = |time| self.matches(&Value::Time(time), request);
                // A comparison changes its answer once at most between two ends, except that for equality.
                if operator.is_of_order() && at(first) == at(last) { at(first) } else { self.doubtful() }
            }
            Value::OtherThan(text) => {
                let there = self.matches(&Value::OtherThan(text), request);
                if there == Tri::of(operator.of_absent()) { there } else { self.doubtful() }
            }
            Value::AbsentOr(text) => {
                let there = self.matches(&Value::Text(text.into()), request);
                if there == Tri::of(operator.of_absent()) { there } else { self.doubtful() }
            }
            value => self.matches(&value, request),
        }
    }

    /// Whether it holds for a value that is there.
    fn matches(&self, value: &Value<'_>, request: &Request<'_>) -> Tri {
        let found = Tri::any(self.values.iter().map(|pattern| self.compare(pattern, value, request)));
        if self.operator.negated { found.negate() } else { found }
    }

    fn compare(&self, pattern: &Pattern<Key>, value: &Value<'_>, request: &Request<'_>) -> Tri {
        let resolved = pattern.resolve(|key| match key.value(request) {
            Value::Text(text) => Expansion::Text(text),
            Value::Absent => Expansion::Absent,
            Value::Open(open) => Expansion::Open(open),
            Value::StartsWith(_)
            | Value::Time(_)
            | Value::Between(..)
            | Value::OtherThan(_)
            | Value::AbsentOr(_) => Expansion::Open(Open::Undecidable { what: self.doubt.clone() }),
        });
        match resolved {
            Resolved::Glob(glob) => self.operator.compare(&glob, value).map_or_else(|| self.doubtful(), Tri::of),
            // Whether a negated operator then holds is not documented.
            Resolved::Never if self.operator.negated => self.doubtful(),
            Resolved::Never => Tri::No,
            // What is not known may also have no value; then a negated operator is as above.
            Resolved::Open(widest, open) => match self.operator.compare(&widest, value) {
                Some(false) if self.operator.takes_wildcards() && !self.operator.negated => Tri::No,
                _ => Tri::open(open),
            },
        }
    }

    fn null(&self, value: &Value<'_>) -> Tri {
        let absent = match value {
            Value::Open(open) => return Tri::open(open.clone()),
            Value::AbsentOr(_) | Value::OtherThan(_) => return self.doubtful(),
            Value::Absent => "true",
            Value::Text(_) | Value::StartsWith(_) | Value::Time(_) | Value::Between(..) => "false",
        };
        let wanted = self.values.iter().map(|pattern| match pattern.resolve(|_| Expansion::<Open>::Absent) {
            Resolved::Glob(text) => match text.to_ascii_lowercase().as_slice() {
                b"true" | b"false" => Tri::of(text.eq_ignore_ascii_case(absent.as_bytes())),
                _ => self.doubtful(),
            },
            Resolved::Never | Resolved::Open(..) => self.doubtful(),
        });
        Tri::any(wanted)
    }

    fn doubtful(&self) -> Tri {
        Tri::open(Open::Undecidable { what: self.doubt.clone() })
    }
}

/// One value or a list of them; numbers and booleans count as their text.
fn texts(values: &Json) -> Option<Vec<String>> {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    };
    match values {
        Json::Array(list) if !list.is_empty() => list.iter().map(text).collect(),
        Json::Array(_) => None,
        one => Some(vec![text(one)?]),
    }
}
