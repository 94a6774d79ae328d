//! Every single edit of a file that pullaudit wrote: each field removed, emptied, or replaced by a foreign value.

#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use serde_json::{Value, json};

/// An edited document, and the name of the field that was edited, as a message must have it.
pub(crate) struct Edit {
    pub(crate) field: String,
    /// The number of the change, from 1.
    pub(crate) change: Option<usize>,
    pub(crate) what: String,
    pub(crate) document: Value,
}

/// Edits of these fields of the document, and of every field of every change but `mutable` ones, at any depth.
pub(crate) fn edits(document: &Value, fields: &[&str], mutable: &[&str]) -> Vec<Edit> {
    let mut all = Vec::new();
    for field in fields {
        add(&mut all, document, &format!("/{field}"), field, None);
    }
    for (number, change) in document["changes"].as_array().unwrap().iter().enumerate() {
        for field in change.as_object().unwrap().keys().filter(|field| !mutable.contains(&field.as_str())) {
            add(&mut all, document, &format!("/changes/{number}/{field}"), field, Some(number + 1));
        }
    }
    all
}

fn add(all: &mut Vec<Edit>, document: &Value, root: &str, field: &str, change: Option<usize>) {
    let mut paths = Vec::new();
    leaves(document.pointer(root).unwrap(), root, &mut paths);
    for path in paths {
        // Deep inside, one other value of each part is enough.
        let deep = path[root.len()..].matches('/').count() > 1;
        for (how, value) in others(document.pointer(&path).unwrap()) {
            if deep && how != "replaced" {
                continue;
            }
            let mut edited = document.clone();
            match value {
                Some(value) if *edited.pointer(&path).unwrap() == value => continue,
                Some(value) => *edited.pointer_mut(&path).unwrap() = value,
                None => remove(&mut edited, &path),
            }
            let what = format!("{path} {how}");
            all.push(Edit { field: field.to_owned(), change, what, document: edited });
        }
    }
}

/// The value itself, and all that is in it.
fn leaves(value: &Value, path: &str, paths: &mut Vec<String>) {
    paths.push(path.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{path}/{name}"), paths);
            }
        }
        Value::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                leaves(value, &format!("{path}/{number}"), paths);
            }
        }
        _ => {}
    }
}

fn others(value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let mut all = vec![("removed", None)];
    match value {
        Value::String(text) => {
            all.push(("emptied", Some(json!(""))));
            all.push(("replaced", Some(json!(foreign(text)))));
        }
        Value::Array(_) => all.push(("emptied", Some(json!([])))),
        Value::Object(_) => all.push(("emptied", Some(json!({})))),
        Value::Bool(set) => all.push(("replaced", Some(json!(!set)))),
        Value::Number(_) => all.push(("replaced", Some(json!(7)))),
        Value::Null => all.push(("replaced", Some(json!({ "properties": {} })))),
    }
    all
}

/// Another value of the same look, so that no parser refuses it for its form.
fn foreign(text: &str) -> String {
    match text {
        "safe" => "needs-consent".to_owned(),
        "show-only" | "needs-consent" => "safe".to_owned(),
        "add" | "change" => "remove".to_owned(),
        "remove" => "add".to_owned(),
        "allowed" => "denied".to_owned(),
        "denied" => "allowed".to_owned(),
        text => {
            let at = text.rfind(|sign: char| sign.is_ascii_alphanumeric());
            let Some(at) = at else { return format!("{text}x") };
            let other = if text[at..].starts_with('7') { "8" } else { "7" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        }
    }
}

fn remove(document: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match parent {
        Value::Object(fields) => _ = fields.remove(&name),
        Value::Array(list) => _ = list.remove(name.parse().unwrap()),
        other => panic!("{other}"),
    }
}

/// Fields of a plan beside its changes.
pub(crate) const OF_PLAN: &[&str] = &[
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
    "seal",
];

/// Fields of a receipt that stay as they are once it is begun.
pub(crate) const OF_RECEIPT: &[&str] = &["schema", "plan", "createdAt", "strict", "questions", "effects"];

/// Fields of a receipt's changes that are noted while they are written.
pub(crate) const NOTED: &[&str] =
    &["sentAt", "outcome", "detail", "leftBehind", "listed", "listedAt", "effect", "effectAt"];

/// The same document with a seal that fits it: what an editor can make who knows how.
pub(crate) fn resealed(document: &Value, fields: &[&str]) -> Value {
    let mut document = document.clone();
    document["seal"] = serde_json::to_value(pullaudit::remediate::seal::seal(&document, fields)).unwrap();
    document
}
