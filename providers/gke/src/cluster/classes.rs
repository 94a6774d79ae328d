//! Compute classes that make pools of their own, as the cluster's API shows them.
//!
//! Source: GKE documentation, "About custom compute classes": `cloud.google.com/v1`, `nodePoolAutoCreation` and
//! `nodePoolConfig`.

use pullaudit_core::{ClusterView, CustomKind, Kept, Open, Read, Shape, Taint};
use serde_json::Value;

const NAME: &str = "/metadata/name";
const CREATES: &str = "/spec/nodePoolAutoCreation/enabled";
const ACCOUNT: &str = "/spec/nodePoolConfig/serviceAccount";
/// The label and the taint of the nodes of a class.
const CLASS_LABEL: &str = "cloud.google.com/compute-class";

/// The kind, with what is kept of it.
pub const COMPUTE_CLASSES: CustomKind = CustomKind {
    name: "ComputeClass",
    group: "cloud.google.com",
    plural: "computeclasses",
    keep: &[NAME, CREATES, ACCOUNT],
};

/// A class for which GKE makes pools.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Its name.
    pub(super) name: String,
    /// The account of its nodes; `None` for that of auto-provisioning.
    pub(super) account: Option<String>,
}

/// The classes that make pools; none where nobody looked, and the reason where they could not be listed.
pub(super) fn classes(view: &Read<ClusterView>) -> Result<Vec<Class>, Open> {
    let Some(view) = view.got() else { return Ok(Vec::new()) };
    match view.objects.get(&COMPUTE_CLASSES.key()) {
        Some(Read::Got(objects)) => Ok(objects.iter().filter_map(class).collect()),
        Some(Read::Unread(open)) => Err(open.clone()),
        Some(Read::Absent) | None => Ok(Vec::new()),
    }
}

fn class(object: &Kept) -> Option<Class> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let creates = object.get(CREATES) == Some(&Value::Bool(true));
    let name = text(NAME).filter(|_| creates)?.to_owned();
    Some(Class { name, account: text(ACCOUNT).map(str::to_owned) })
}

/// What nodes of a class look like: labelled with it, and tainted, so that only pods that select it come.
pub(super) fn shape(class: &str) -> Shape {
    let mut shape = Shape::default();
    shape.labels.entry(CLASS_LABEL.to_owned()).or_default().insert(class.to_owned());
    shape.taints.push(Taint {
        key: CLASS_LABEL.to_owned(),
        value: class.to_owned(),
        effect: "NoSchedule".to_owned(),
    });
    shape
}
