//! What tells an edited plan or receipt from the one that was written: a digest of each of its fields, by the field's
//! name. It is no signature: it keeps edits and damage from being written, with the field named.

use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Digests of fields live in this name space.
const FIELDS: Uuid = Uuid::from_u128(0x84e0_5c1b_2d97_5f36_a3c8_19b7_f04d_62ea);

/// Digests by field: `questions`, `changes[0].after`.
pub type Seal = BTreeMap<String, String>;

/// The fields of a change as it was planned; a receipt adds others, which change while it is written.
const OF_CHANGE: [&str; 13] = [
    "id", "provider", "owner", "document", "target", "action", "before", "after", "safety", "notes", "restsOn",
    "command", "import",
];

/// The fields of a plan beside its changes.
pub const OF_PLAN: &[&str] = &[
    "schema",
    "createdAt",
    "strict",
    "complete",
    "incompleteBecause",
    "unsettled",
    "remedies",
    "heldBack",
    "effects",
    "questions",
];

/// The fields of a receipt, beside its changes, that stay as they are from its beginning.
pub const OF_RECEIPT: &[&str] = &["schema", "plan", "createdAt", "strict", "questions", "effects"];

/// A field that is not as it was written, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the change, from 1, with what the file says that it does; `None` for a field of the file itself.
    pub change: Option<(usize, String)>,
    /// The field.
    pub field: String,
    /// `was edited`, `is missing`, `was added`.
    pub how: &'static str,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((number, target)) = &self.change {
            write!(f, "change {number} ({target}): ")?;
        }
        write!(f, "field `{}` {}", self.field, self.how)
    }
}

/// The digests of a document's fields.
pub fn seal(document: &Value, fields: &[&str]) -> Seal {
    let mut seal = Seal::new();
    for field in fields {
        add(&mut seal, (*field).to_owned(), document.get(*field));
    }
    for (number, change) in changes(document).iter().enumerate() {
        for field in OF_CHANGE {
            add(&mut seal, path(number, field), change.get(field));
        }
    }
    seal
}

fn add(seal: &mut Seal, path: String, value: Option<&Value>) {
    let Some(mut value) = value.cloned() else { return };
    value.sort_all_objects();
    let digest = Uuid::new_v5(&FIELDS, format!("{path}\n{value}").as_bytes()).simple().to_string();
    seal.insert(path, digest[..16].to_owned());
}

fn path(number: usize, field: &str) -> String {
    format!("changes[{number}].{field}")
}

fn changes(document: &Value) -> &[Value] {
    document.get("changes").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The first field that is not as the seal in the document says; `whole` where no other field may stand there.
pub fn check(document: &Value, fields: &[&str], whole: bool) -> Result<(), Broken> {
    let Some(Value::Object(told)) = document.get("seal") else {
        return Err(Broken { change: None, field: "seal".to_owned(), how: "is missing" });
    };
    let here = seal(document, fields);
    let count = changes(document).len();
    let expected = (0..count).flat_map(|number| OF_CHANGE.map(|field| path(number, field)));
    let expected = fields.iter().map(|field| (*field).to_owned()).chain(expected);
    for name in expected {
        match (here.get(&name), told.get(&name).and_then(Value::as_str)) {
            (Some(here), Some(told)) if here == told => {}
            (Some(_), Some(_)) => return Err(broken(document, &name, "was edited")),
            (Some(_), None) => return Err(broken(document, &name, "was added")),
            (None, _) => return Err(broken(document, &name, "is missing")),
        }
    }
    if let Some(gone) = told.keys().find(|name| !here.contains_key(*name)) {
        let field = gone.split('.').next().unwrap_or(gone);
        return Err(Broken { change: None, field: field.to_owned(), how: "is missing" });
    }
    let known = |name: &String| fields.contains(&name.as_str()) || ["changes", "seal"].contains(&name.as_str());
    let added =
        document.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| whole && !known(name));
    if let Some(name) = added {
        return Err(broken(document, name, "was added"));
    }
    let own = |name: &&String| !OF_CHANGE.contains(&name.as_str());
    for (number, change) in changes(document).iter().enumerate().filter(|_| whole) {
        if let Some(name) = change.as_object().into_iter().flat_map(|fields| fields.keys()).find(own) {
            return Err(broken(document, &path(number, name), "was added"));
        }
    }
    Ok(())
}

fn broken(document: &Value, name: &str, how: &'static str) -> Broken {
    let of_change = name.strip_prefix("changes[").and_then(|rest| rest.split_once("]."));
    let change = of_change.and_then(|(number, _)| {
        let number: usize = number.parse().ok()?;
        let target = changes(document).get(number)?.get("target").and_then(Value::as_str).unwrap_or("no target");
        Some((number + 1, target.to_owned()))
    });
    Broken { change, field: of_change.map_or(name, |(_, field)| field).to_owned(), how }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sealed() -> Value {
        let fields: serde_json::Map<String, Value> =
            OF_CHANGE.iter().map(|name| ((*name).to_owned(), json!(format!("a {name}")))).collect();
        let mut document = json!({ "schema": "s", "questions": [{ "b": 1, "a": [] }], "changes": [fields] });
        document["seal"] = json!(seal(&document, &["schema", "questions"]));
        document
    }

    fn told(document: &Value) -> String {
        check(document, &["schema", "questions"], true)
            .map_or_else(|broken| broken.to_string(), |()| String::new())
    }

    #[test]
    fn other_spacing_and_order_are_no_edit() {
        let mut other = sealed();
        other.sort_all_objects();
        let text = serde_json::to_string_pretty(&other).unwrap_or_default();
        assert_eq!(told(&serde_json::from_str(&text).unwrap_or_default()), "");
    }

    #[test]
    fn each_edit_names_its_field() {
        type Edit = fn(&mut Value);
        let edits: [(&str, Edit); 8] = [
            ("change 1 (a target): field `after` was edited", |one| one["changes"][0]["after"] = json!(null)),
            ("field `questions` was edited", |one| one["questions"][0]["b"] = json!(2)),
            ("change 1 (a target): field `more` was added", |one| one["changes"][0]["more"] = json!(1)),
            ("field `more` was added", |one| one["more"] = json!(1)),
            ("field `schema` is missing", |one| _ = one.as_object_mut().and_then(|one| one.remove("schema"))),
            ("field `seal` is missing", |one| _ = one.as_object_mut().and_then(|one| one.remove("seal"))),
            ("field `changes[0]` is missing", |one| one["changes"] = json!([])),
            ("change 2 (a target): field `id` was added", |one| {
                let again = one["changes"][0].clone();
                one["changes"] = json!([again.clone(), again]);
            }),
        ];
        for (expected, edit) in edits {
            let mut document = sealed();
            edit(&mut document);
            assert_eq!(told(&document), expected);
        }
    }
}
