//! Policy documents as JSON that loses nothing: order, unknown fields and foreign statements stay as they stand.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use std::fmt;

/// A document, or why writing it back would lose something of it: it is no policy, a key stands twice, a
/// number has no exact form.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let Faithful(document) = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match document.get("Statement") {
        Some(Value::Array(list)) if list.iter().all(Value::is_object) => Ok(document),
        Some(Value::Object(_)) => Ok(document),
        _ => Err("`Statement` is neither an object nor a list of objects".to_owned()),
    }
}

/// A document without a statement, as a new policy starts.
pub(super) fn empty() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [] })
}

/// The statements, in order; AWS takes a single one without a list.
pub(super) fn statements(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(list)) => list,
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    }
}

/// The statements, to be changed; a single one becomes a list.
pub(super) fn statements_mut(document: &mut Value) -> &mut Vec<Value> {
    if !matches!(document.get("Statement"), Some(Value::Array(_))) {
        let one = document.get("Statement").filter(|one| one.is_object()).cloned();
        document["Statement"] = Value::Array(one.into_iter().collect());
    }
    match &mut document["Statement"] {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list above"),
    }
}

/// True when two documents say the same, however AWS writes them: the order of statements, of keys and of
/// values does not count, nor whether one value stands in a list, nor in which form an account is named.
#[cfg(any(test, feature = "live"))]
pub(crate) fn same_meaning(one: &Value, other: &Value) -> bool {
    meaning(one) == meaning(other)
}

/// A document's one form. Every list of a policy is a set.
pub(super) fn meaning(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut set: Vec<Value> = list.iter().map(meaning).collect();
            set.sort_by_cached_key(Value::to_string);
            set.dedup();
            if set.len() == 1 { set.remove(0) } else { Value::Array(set) }
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, Value)> = fields
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "Principal" | "NotPrincipal" => (key, of_principal(value)),
                    _ => (key, meaning(value)),
                })
                .collect();
            sorted.sort_by_key(|(key, _)| *key);
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        plain => plain.clone(),
    }
}

/// AWS keeps 12 digits as the root of their account.
fn of_principal(element: &Value) -> Value {
    let mut element = element.clone();
    let account = |text: &str| {
        let fields: Vec<&str> = text.split(':').collect();
        match fields.as_slice() {
            ["arn", _, "iam", "", account, "root"] => Some((*account).to_owned()),
            _ => None,
        }
    };
    each_principal(&mut element, &mut |text| account(text));
    meaning(&element)
}

/// Puts another principal in the place of each for which `other` has one.
pub(super) fn each_principal(element: &mut Value, other: &mut dyn FnMut(&str) -> Option<String>) {
    match element {
        Value::String(text) => {
            if let Some(new) = other(text) {
                *text = new;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| each_principal(one, other)),
        Value::Object(kinds) => {
            if let Some(aws) = kinds.get_mut("AWS") {
                each_principal(aws, other);
            }
        }
        _ => {}
    }
}

/// The text as it is sent: without white space, which counts in ECR and not in IAM.
pub(super) fn text(document: &Value) -> String {
    document.to_string()
}

/// How much of a quota a document takes. IAM counts characters without white space; its own message speaks of
/// bytes, so the larger of the two counts here.
///
/// Source: IAM user guide, "IAM and AWS STS quotas".
pub(super) fn size(text: &str) -> usize {
    parse(text).map_or_else(
        |_| text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count(),
        |document| self::text(&document).len(),
    )
}

/// JSON with a space after each comma and colon, so that a line of it can be broken.
pub(super) fn spaced(value: &Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    pretty.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

struct Faithful(Value);

impl<'de> Deserialize<'de> for Faithful {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format!("the number {value} can't be kept exactly")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Faithful(value)) = access.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let Faithful(value) = access.next_value()?;
            if fields.contains_key(&key) {
                return Err(de::Error::custom(format!("`{key}` stands twice")));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}
