//! What the nodes of a pool look like, as far as the cloud's own lists tell.

use crate::facts::{Nodegroup, NodegroupTaint};
use pullaudit_core::{Shape, Taint};
use std::collections::BTreeSet;

/// The shape, with a label that its nodes carry.
pub(super) fn with_label(mut shape: Shape, name: &str, value: &str) -> Shape {
    shape.labels.entry(name.to_owned()).or_default().insert(value.to_owned());
    shape
}

/// What a managed node group's settings say of its nodes.
pub(super) fn shape_of_group(group: &Nodegroup) -> Shape {
    let ami = group.ami_type.as_deref().unwrap_or("CUSTOM");
    let os = match ami {
        "CUSTOM" => None,
        windows if windows.starts_with("WINDOWS") => Some("windows"),
        _ => Some("linux"),
    };
    let arch = if ami.contains("ARM_64") {
        Some("arm64")
    } else if ami.contains("x86_64") {
        Some("amd64")
    } else {
        None
    };
    let labels = group.labels.iter().map(|(name, value)| (name.clone(), BTreeSet::from([value.clone()])));
    Shape {
        labels: labels.collect(),
        lacks: BTreeSet::new(),
        taints: group.taints.iter().map(taint).collect(),
        os: os.map(str::to_owned),
        arch: arch.into_iter().map(str::to_owned).collect(),
        nodes: 0,
        systems: group.release.iter().map(|release| format!("{ami} {release}")).collect(),
        observed: BTreeSet::new(),
    }
}

/// A taint in Kubernetes' words. Source: EKS API reference, `Taint`.
fn taint(taint: &NodegroupTaint) -> Taint {
    let effect = match taint.effect.as_str() {
        "NO_SCHEDULE" => "NoSchedule",
        "NO_EXECUTE" => "NoExecute",
        "PREFER_NO_SCHEDULE" => "PreferNoSchedule",
        other => other,
    };
    Taint { key: taint.key.clone(), value: taint.value.clone(), effect: effect.to_owned() }
}
