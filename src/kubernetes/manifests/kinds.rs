//! What each kind of object is to an audit.

use super::document::Document;
use super::locate::{self, Lines};
use super::{Collected, Found};
use crate::kubernetes::kinds::is_custom;
use crate::kubernetes::slim::{Meta, Object, Pod, PodTemplate, ServiceAccount};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Lists in lists are nobody's manifests; they stop being read here.
const DEEPEST_LIST: usize = 8;

/// Kinds of the API server's own groups that hold a pod template.
const TEMPLATED: [&str; 8] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

/// Phases of a pod that pulls nothing any more.
const ENDED: [&str; 2] = ["Succeeded", "Failed"];

/// What is said of an image that no pod template names; which identity pulls it, and when, is its controller's business.
const UNJUDGED: &str = "an image that is not judged, as it stands in no pod template of";

/// Nesting beyond which an image is not looked for.
const DEEPEST_IMAGE: usize = 16;

/// Where an object stands in its document.
#[derive(Clone)]
struct Place<'a> {
    document: Document<'a>,
    /// The lines of the document, read once and only when something is wrong in it.
    lines: &'a Lines<'a>,
    /// `items[3]` for an object of a list; empty otherwise.
    path: String,
}

impl Collected {
    pub(super) fn add_value(&mut self, document: Document<'_>, value: &Value, named: bool) {
        if value.is_null() {
            return;
        }
        let is_object = value.get("kind").is_some_and(Value::is_string);
        if !is_object && !value.is_array() && !named {
            return;
        }
        self.add_object(
            &Place { document, lines: &Lines::of(document.text), path: String::new() },
            value,
            None,
            0,
        );
    }

    fn add_object(&mut self, place: &Place<'_>, value: &Value, implied: Option<&str>, depth: usize) {
        let kind = match value.get("kind") {
            Some(Value::String(kind)) => kind.as_str(),
            None if implied.is_some() => implied.unwrap_or_default(),
            _ => return self.refuse(place, "kind", "no `kind`: not a Kubernetes object"),
        };
        if let (true, Some(Value::Array(items))) = (kind.ends_with("List"), value.get("items")) {
            if depth == DEEPEST_LIST {
                return self.refuse(place, "items", "lists within lists, deeper than pullaudit reads");
            }
            let implied = Some(kind.trim_end_matches("List")).filter(|kind| !kind.is_empty());
            for (index, item) in items.iter().enumerate() {
                let path = join(&place.path, &format!("items[{index}]"));
                self.add_object(&Place { path, ..place.clone() }, item, implied, depth + 1);
            }
            return;
        }
        self.add_kind(place, kind, value);
    }

    fn add_kind(&mut self, place: &Place<'_>, kind: &str, value: &Value) {
        match kind {
            "ServiceAccount" => {
                if let Some(account) = self.typed::<ServiceAccount>(place, value) {
                    let namespace = self.namespace_of(&account.metadata);
                    self.accounts.add(&namespace, account);
                }
            }
            "Pod" => {
                if let Some(pod) =
                    self.typed::<Pod>(place, value).filter(|pod| !ENDED.contains(&pod.status.phase.as_str()))
                {
                    let template = PodTemplate { metadata: pod.metadata.clone(), spec: pod.spec };
                    self.take(place, kind, &pod.metadata, template);
                }
            }
            _ if TEMPLATED.contains(&kind) || holds_containers(value) => {
                let Some(object) = self.typed::<Object>(place, value) else { return };
                if kind == "Job" && object.finished() {
                    return;
                }
                let metadata = object.metadata.clone();
                match object.into_template() {
                    Some(template) => self.take(place, kind, &metadata, template),
                    None => self.refuse(place, "spec", &format!("a {kind} without a pod template")),
                }
            }
            _ if is_of_custom_group(value) => {
                if let Some(key) = value.get("spec").and_then(|spec| image_in(spec, "spec", 0)) {
                    self.refuse(place, &key, &format!("{UNJUDGED} a {kind}: ask pullaudit can-pull about it"));
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, place: &Place<'_>, kind: &str, metadata: &Meta, template: PodTemplate) {
        let name = if metadata.name.is_empty() { &metadata.generate_name } else { &metadata.name };
        if name.is_empty() {
            self.refuse(place, "metadata", &format!("a {kind} without metadata.name"));
        }
        let spec = &template.spec;
        if spec.containers.is_empty() {
            self.refuse(place, "spec", &format!("{kind} {name}: its pod template has no containers"));
        }
        for container in spec.containers.iter().chain(&spec.init_containers).filter(|one| one.image.is_empty()) {
            self.refuse(place, "spec", &format!("{kind} {name}: container {:?} names no image", container.name));
        }
        self.found.push(Found {
            origin: place.document.origin(),
            kind: kind.to_owned(),
            namespace: self.namespace_of(metadata),
            name: name.clone(),
            template,
            labels: metadata.labels.clone(),
            owner: metadata.controller().map(|owner| (owner.kind.clone(), owner.name.clone())),
        });
    }

    /// The object as a type; a wrong type in it is a problem that names the key and its line.
    fn typed<T: DeserializeOwned>(&mut self, place: &Place<'_>, value: &Value) -> Option<T> {
        match T::deserialize(value) {
            Ok(typed) => Some(typed),
            Err(error) => {
                let key = locate::culprit::<T>(value);
                self.refuse(place, &key, &format!("{error}"));
                None
            }
        }
    }

    fn namespace_of(&self, metadata: &Meta) -> String {
        if metadata.namespace.is_empty() { self.namespace.clone() } else { metadata.namespace.clone() }
    }

    fn refuse(&mut self, place: &Place<'_>, key: &str, message: &str) {
        let key = join(&place.path, key);
        let line = place.lines.line(&key).unwrap_or(1);
        let message =
            if message.contains(key.as_str()) { message.to_owned() } else { format!("{key}: {message}") };
        self.problems.push(place.document.problem(line, message));
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() || key.is_empty() { format!("{path}{key}") } else { format!("{path}.{key}") }
}

/// A custom kind of the form that most have: `.spec.template.spec.containers`.
fn holds_containers(value: &Value) -> bool {
    value.pointer("/spec/template/spec/containers").is_some_and(Value::is_array)
}

fn is_of_custom_group(value: &Value) -> bool {
    let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    version.split_once('/').is_some_and(|(group, _)| is_custom(group) && !group.ends_with(".k8s.io"))
}

/// The first key called `image` with a text, where custom kinds name what they run: steps of a task, containers of a
/// serving runtime, the image of an operator's object.
fn image_in(value: &Value, path: &str, depth: usize) -> Option<String> {
    if depth == DEEPEST_IMAGE {
        return None;
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, inner)| {
            let path = join(path, key);
            let named = key == "image" && inner.as_str().is_some_and(|image| !image.is_empty());
            if named { Some(path) } else { image_in(inner, &path, depth + 1) }
        }),
        Value::Array(items) => {
            let mut numbered = items.iter().enumerate();
            numbered.find_map(|(index, item)| image_in(item, &format!("{path}[{index}]"), depth + 1))
        }
        _ => None,
    }
}
