//! What a real kubelet tried, vector by vector.

#![allow(clippy::expect_used, clippy::panic)] // A test says so when it can't go on.

use base64::Engine as _;
use pullaudit_core::{
    Attempt, Credential, ImageRef, Keyring, NodeKey, PodCredentials, Principal, PrincipalKind, PullSecret, Read,
    SecretRef, UrlGlob, keyring,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Vectors of images that a node had already, so that no keyring was asked for. They are about pull
/// policies; no others are passed over.
const NO_KEYRING_ASKED: [&str; 2] = ["secret-badb64-cached", "kep2535-nosecret/2"];

/// The shared vectors, where they are: `PULLAUDIT_VECTORS`, else beside the workspace.
fn vectors(file: &str) -> Option<Value> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let path = std::env::var_os("PULLAUDIT_VECTORS").map_or_else(beside, PathBuf::from).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        }
        Err(error) => {
            eprintln!("SKIPPED {file}: {}: {error}; set PULLAUDIT_VECTORS to their directory", path.display());
            None
        }
    }
}

#[test]
fn shared_vectors_agree() {
    let Some(document) = vectors("keyring.json") else { return };
    let all = list(&document["vectors"]);
    let (asked, passed_over): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|vector| !text(&vector["pod"]).starts_with("runs (image present"));
    assert!(!asked.is_empty());
    if document["half"] == "visible" {
        let ids: Vec<&str> = passed_over.iter().map(|vector| text(&vector["id"])).collect();
        assert_eq!(ids, NO_KEYRING_ASKED);
    }
    let wrong: Vec<String> = asked.iter().filter_map(|vector| disagreement(vector).err()).collect();
    assert!(wrong.is_empty(), "{} of {} vectors disagree:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn disagreement(vector: &Value) -> Result<(), String> {
    let image = ImageRef::parse(text(&vector["image"])).expect("an image");
    let pod = pod(vector);
    let node = node_keys(&vector["plugin"], &pod, &image);
    let got = keyring(&pod, &node, &image);
    let broken = text(&vector["pod"]).starts_with("broken");
    let agrees = match &got {
        Keyring::Attempts(attempts) if !broken => {
            let may_stop_early = vector["pod"] == "pulls";
            ["attempts", "attempts_also"]
                .iter()
                .filter_map(|field| vector.get(field))
                .any(|expected| same_order(list(expected), attempts, may_stop_early, &pod, &node))
        }
        Keyring::Broken { .. } => broken,
        Keyring::Attempts(_) | Keyring::OneOf { .. } => false,
    };
    if agrees { Ok(()) } else { Err(format!("{}: {got:?}, the vector says {}", vector["id"], vector["attempts"])) }
}

fn pod(vector: &Value) -> PodCredentials {
    let account = &vector["serviceAccount"];
    let own = list(&vector["secrets"]);
    // An empty list lets the service account's in, as admission does.
    let secrets = if own.is_empty() { list(&account["imagePullSecrets"]) } else { own };
    let annotations = account["annotations"].as_object().into_iter().flatten();
    PodCredentials {
        secrets: secrets.iter().map(secret).collect(),
        namespace: "default".to_owned(),
        service_account: account["name"].as_str().unwrap_or("default").to_owned(),
        annotations: annotations.map(|(key, value)| (key.clone(), text(value).to_owned())).collect(),
        account_unread: None,
        static_pod: vector["static"] == true,
    }
}

fn secret(secret: &Value) -> SecretRef {
    let name = text(&secret["name"]).to_owned();
    if secret["problem"] == "missing" {
        return SecretRef { name, content: Read::Absent };
    }
    let document = match &secret["data"] {
        Value::String(literal) => literal.clone(),
        data => encode_auth(data).to_string(),
    };
    let data = BTreeMap::from([(text(&secret["key"]).to_owned(), document.into_bytes())]);
    SecretRef { name, content: Read::Got(PullSecret::parse(text(&secret["type"]), &data, &|_, _| None)) }
}

/// `auth` stands decoded in the vectors, `authRaw` as it is.
fn encode_auth(value: &Value) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let encoded = fields.iter().map(|(name, value)| match (name.as_str(), value) {
        ("auth", Value::String(login)) => {
            ("auth".to_owned(), base64::engine::general_purpose::STANDARD.encode(login).into())
        }
        ("authRaw", literal) => ("auth".to_owned(), literal.clone()),
        _ => (name.clone(), encode_auth(value)),
    });
    Value::Object(encoded.collect::<Map<_, _>>())
}

/// The keys that the imitated plugin answers with: none when it is not called, fails or answers empty.
fn node_keys(plugin: &Value, pod: &PodCredentials, image: &ImageRef) -> Vec<NodeKey> {
    let called = list(&plugin["matchImages"]).iter().any(|pattern| UrlGlob::parse(text(pattern)).matches(image));
    let required = list(&plugin["tokenAttributes"]["requiredServiceAccountAnnotationKeys"]);
    if !called || !required.iter().all(|key| pod.annotations.contains_key(text(key))) {
        return Vec::new();
    }
    let entries = plugin["entries"].as_object().into_iter().flatten();
    entries.map(|(key, user)| NodeKey { key: key.clone(), credential: login(text(user)), maybe: None }).collect()
}

fn login(user: &str) -> Credential {
    if user.is_empty() {
        return Credential::Anonymous;
    }
    Credential::Principal(Principal::new(PrincipalKind::NodeRole, user, user))
}

/// Whether the attempts come in the expected order; an inner list is any order.
fn same_order(
    expected: &[Value],
    attempts: &[Attempt],
    may_stop_early: bool,
    pod: &PodCredentials,
    node: &[NodeKey],
) -> bool {
    let mut rest = attempts;
    for step in expected {
        let group = step.as_array().map_or(std::slice::from_ref(step), Vec::as_slice);
        let Some((these, after)) = rest.split_at_checked(group.len()) else { return false };
        let is_there = |name: &Value| these.iter().any(|attempt| is_named(attempt, text(name), pod, node));
        if !group.iter().all(is_there) {
            return false;
        }
        rest = after;
    }
    rest.is_empty() || may_stop_early
}

/// Whether the vector's name means this attempt. An entry with an empty login is a request without a
/// login, under its key.
fn is_named(attempt: &Attempt, name: &str, pod: &PodCredentials, node: &[NodeKey]) -> bool {
    assert_eq!(attempt.maybe, None, "nothing is unread in the vectors");
    let key = &attempt.key;
    match &attempt.credential {
        Credential::Secret(secret) => name == format!("secret:{secret}[{key}]"),
        Credential::Principal(_) => name == format!("plugin[{key}]"),
        Credential::Anonymous if key.is_empty() => name == "anonymous",
        Credential::Anonymous => {
            let of_plugin = node.iter().any(|node| node.key == *key && name == format!("plugin[{key}]"));
            of_plugin || pod.secrets.iter().any(|secret| name == format!("secret:{}[{key}]", secret.name))
        }
        Credential::Unidentified(_) => false,
    }
}
