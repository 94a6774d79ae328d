//! The Kubernetes API as the proxy sees it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, Cloud, Refusal, Seen};

/// Every call of the Kubernetes API, by verb and resource: `kubernetes:list pods`.
pub(crate) struct KubernetesCalls;

impl Cloud for KubernetesCalls {
    fn classify(&self, seen: &Seen) -> Option<Call> {
        let mut query: BTreeMap<String, String> =
            form_urlencoded::parse(seen.query.as_bytes()).into_owned().collect();
        let page = query.remove("continue");
        query.remove("limit");
        let parts: Vec<&str> = seen.path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["version" | "api" | "apis"] | ["api" | "apis", _] | ["apis", _, _] => {
                return Some(call("discover", format!("path={}", seen.path), None));
            }
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (resource, name) = rest.split_first()?;
        let verb = match (seen.method.as_str(), name.is_empty()) {
            ("GET", true) if query.get("watch").is_some_and(|watch| watch == "true" || watch == "1") => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", _) => "delete",
            _ => return None,
        };
        let mut detail = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                detail.push(format!("{name}={value}"));
            }
        };
        add("group", group);
        add("namespace", namespace.unwrap_or_default());
        add("name", &name.join("/"));
        if seen.header("accept").contains("PartialObjectMetadata") {
            add("only", "metadata");
        }
        for (name, value) in &query {
            add(name, value);
        }
        if group == "authorization.k8s.io" {
            // What is asked stands in the body alone.
            let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
            add("asks", &asked["spec"].to_string());
        }
        Some(call(&format!("{verb} {resource}"), detail.join(" "), page))
    }

    fn refusal(&self, call: &Call, refusal: Refusal) -> Answer {
        let (status, reason, message) = match refusal {
            Refusal::Forbidden => (403, "Forbidden", format!("User cannot {}", call.operation)),
            Refusal::Absent => (404, "NotFound", "the server could not find the requested resource".to_owned()),
            Refusal::Throttled => (429, "TooManyRequests", "too many requests, try again later".to_owned()),
            Refusal::Expired => (410, "Expired", "The provided continue parameter is too old".to_owned()),
        };
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": status,
        });
        Answer::new(status, "application/json", body.to_string())
    }

    fn continued(&self, _call: &Call, body: &[u8], token: &str, items: bool) -> Option<Vec<u8>> {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        let list = answer.get_mut("items")?.as_array_mut()?;
        if !items {
            list.clear();
        }
        answer.get_mut("metadata")?.as_object_mut()?.insert("continue".to_owned(), token.into());
        Some(answer.to_string().into_bytes())
    }
}

fn call(operation: &str, detail: String, page: Option<String>) -> Call {
    Call { service: "kubernetes".to_owned(), operation: operation.to_owned(), detail, page, number: 0 }
}
