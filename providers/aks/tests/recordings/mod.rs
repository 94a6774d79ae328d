//! The recorded answers of Azure, whatever tool recorded them. They are no part of the project: a test
//! that finds none says so and passes.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One recorded answer.
pub(crate) struct Answer {
    /// Its file, below the recordings of Azure.
    pub(crate) file: String,
    /// The request; both are empty where only a body is kept.
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) status: u16,
    /// As it came over the wire, but for what the recorder parsed.
    pub(crate) body: String,
    /// `Null` where the body is empty or no JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// For messages.
    pub(crate) fn place(&self) -> String {
        format!("{}: {} {} -> {}", self.file, self.method, self.url, self.status)
    }

    /// What it is about: the entries of a list, or the one object.
    pub(crate) fn entries(&self) -> Vec<&Value> {
        self.list().map_or_else(|| vec![&self.json], |list| list.iter().collect())
    }

    /// The entries, where it is a page of a list.
    pub(crate) fn list(&self) -> Option<&Vec<Value>> {
        self.json.get("value")?.as_array()
    }
}

/// Where recordings lie, if there are any.
pub(crate) fn root() -> PathBuf {
    std::env::var_os("PULLAUDIT_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"),
        PathBuf::from,
    )
}

/// All recorded answers, in the order of their files. `None`, told on standard output, where there are no
/// recordings.
pub(crate) fn answers(test: &str) -> Option<Vec<Answer>> {
    let root = root().join("azure");
    if !root.is_dir() {
        println!("SKIPPED {test}: no recordings (PULLAUDIT_RECORDINGS)");
        return None;
    }
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    Some(files.iter().flat_map(|path| read(&root, path)).collect())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn read(root: &Path, path: &Path) -> Vec<Answer> {
    let file = path.strip_prefix(root).unwrap().display().to_string();
    let text = || std::fs::read_to_string(path).unwrap();
    let value: Value = match path.extension().and_then(|kind| kind.to_str()) {
        Some("yaml") => serde_saphyr::from_str(&text()).unwrap_or_else(|error| panic!("{file}: {error}")),
        Some("json") => serde_json::from_str(&text()).unwrap_or_else(|error| panic!("{file}: {error}")),
        _ => return Vec::new(),
    };
    if let Some(interactions) = value.get("interactions") {
        return interactions.as_array().unwrap().iter().map(|one| interaction(&file, one)).collect();
    }
    if let Some(responses) = value.get("responses").and_then(Value::as_object) {
        let example = |(status, response): (&String, &Value)| {
            let body = response["body"].to_string();
            answer(&file, (String::new(), String::new()), status.parse().unwrap(), body)
        };
        return responses.iter().map(example).collect();
    }
    let body = if value.is_array() { serde_json::json!({ "value": value }) } else { value };
    vec![answer(&file, (String::new(), String::new()), 200, body.to_string())]
}

/// Of vcrpy (`uri`, `status.code`, and the body as text or as parsed data) or go-vcr (`url`, `code`, and
/// the body as text).
fn interaction(file: &str, one: &Value) -> Answer {
    let (request, response) = (&one["request"], &one["response"]);
    let word = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| request.get(*name)?.as_str());
        found.unwrap_or_else(|| panic!("{file}: a request without {names:?}")).to_owned()
    };
    let status = response["status"].get("code").or_else(|| response.get("code")).and_then(Value::as_u64);
    let status = status.and_then(|code| u16::try_from(code).ok());
    let body = match &response["body"] {
        Value::Object(parts) => parts.get("string").or_else(|| parts.get("data")).unwrap_or(&Value::Null),
        whole => whole,
    };
    let body = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        parsed => parsed.to_string(),
    };
    let status = status.unwrap_or_else(|| panic!("{file}: an answer without a status"));
    answer(file, (word(["method", "method"]), word(["uri", "url"])), status, body)
}

/// What looks like JSON has to be some: else a body that was recorded badly would be passed over.
fn answer(file: &str, (method, url): (String, String), status: u16, body: String) -> Answer {
    let json = match serde_json::from_str(&body) {
        Ok(json) => json,
        Err(error) if body.trim_start().starts_with(['{', '[']) => panic!("{file}: {error}: {body}"),
        Err(_) => Value::Null,
    };
    Answer { file: file.to_owned(), method, url, status, body, json }
}
