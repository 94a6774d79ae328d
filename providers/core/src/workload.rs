//! What references images.

use crate::{ClusterId, Open};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a pod names an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerType {
    /// `spec.containers`
    Container,
    /// `spec.initContainers`
    Init,
    /// `spec.ephemeralContainers`
    Ephemeral,
    /// `spec.volumes[].image`; the name is the volume's.
    ImageVolume,
}

/// One place of a pod that names an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Container {
    /// Container or volume name.
    pub name: String,
    /// Which list it stands in.
    #[serde(rename = "type")]
    pub kind: ContainerType,
    /// The reference as written.
    pub image: String,
    /// True where its `imagePullPolicy` is `Never`: the kubelet runs what the node holds, and asks no registry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_pulled: bool,
}

/// Whether pods of a workload are in trouble with an image, as their statuses say now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodState {
    /// No pod of it exists.
    #[default]
    NotRunning,
    /// Its pods run; that proves a past pull only.
    Running,
    /// A pod waits for an image.
    Failing,
}

/// Pods, or the pods to come, that share pull secrets and the pools they can land on.
///
/// A workload has one group for its next pod, and more only where living pods keep another list of
/// pull secrets (it is fixed when a pod is created), or are on a pool where the next one can't land.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodGroup {
    /// Names of the effective pull secrets, in the pod's order.
    #[serde(default)]
    pub pull_secrets: Vec<String>,
    /// Names of the pools that the pods fit, or run on where the group is of living pods.
    #[serde(default)]
    pub pools: Vec<String>,
    /// Why it is not known on which one of the pools the pods are; `None` where they are, or can be
    /// scheduled, on each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_unknown: Option<Open>,
    /// Which of the workload's images they pull, as written; empty where it is all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

/// One workload, under its top owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Its cluster; `None` for a manifest that is asked of every cluster in scope.
    pub cluster: Option<ClusterId>,
    /// Namespace.
    pub namespace: String,
    /// Kind of the top owner: `Deployment`, `CronJob`, `Pod`, …
    pub kind: String,
    /// Name of the top owner.
    pub name: String,
    /// What it pulls, in the order of the template.
    pub containers: Vec<Container>,
    /// What its next pod uses.
    #[serde(flatten)]
    pub next: PodGroup,
    /// Living pods that keep other pull secrets, or are where the next one can't land.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub living: Vec<PodGroup>,
    /// Service account of the pods.
    #[serde(default)]
    pub service_account: String,
    /// Annotations of that service account that say who pulls; no others are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_account_annotations: BTreeMap<String, String>,
    /// What would tell whether that service account says who pulls, where nobody could read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_unread: Option<Open>,
    /// A static pod: only credentials of the node apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub static_pod: bool,
    /// Must run on every pool it tolerates (`DaemonSet`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every_pool: bool,
    /// Pools that its pods run on now, with how they fare, by pool name and image as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pods: BTreeMap<String, BTreeMap<String, PodState>>,
    /// Its kind is a custom one, and no pod template of it could be read: what it pulls is known by its pods alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pods_only: bool,
    /// Where it was written, for manifests: `FILE:LINE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}
