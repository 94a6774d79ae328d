//! The recorded answers of Google Cloud. They are no part of the project: a test that finds none says so and
//! passes, unless skipping is forbidden.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use std::path::PathBuf;

/// Where recordings of Google Cloud lie; `None`, told on standard output, where there are none.
pub(crate) fn root(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PULLAUDIT_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"),
        PathBuf::from,
    );
    let root = root.join("gcp");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("PULLAUDIT_NO_SKIP").is_none(), "{test}: no recordings (PULLAUDIT_RECORDINGS)");
    println!("SKIPPED {test}: no recordings (PULLAUDIT_RECORDINGS)");
    None
}

/// A recorded JSON file; where it also keeps headers, its body.
pub(crate) fn json(root: &std::path::Path, file: &str) -> Value {
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    if value.get("headers").is_some() { value["body"].clone() } else { value }
}

/// Every JSON body in a log of requests and answers, with the first line of the request before it.
pub(crate) fn logged(root: &std::path::Path, file: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut found = Vec::new();
    for exchange in text.split("\n---\n") {
        let request = exchange.trim_start().lines().next().unwrap_or_default().to_owned();
        let Some((_, answer)) = exchange.split_once("\n200 OK\n") else { continue };
        if let Some(start) = answer.find("\n{") {
            let body = serde_json::from_str(&answer[start..])
                .unwrap_or_else(|error| panic!("{file}: {request}: {error}"));
            found.push((request, body));
        }
    }
    found
}
