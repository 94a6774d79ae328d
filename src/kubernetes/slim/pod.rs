//! Pods and pod templates.

use super::{Affinity, Meta, Toleration, slim};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

slim! {
    /// A pod.
    Pod {
        /// Its metadata.
        metadata: Meta,
        /// What it runs.
        spec: PodSpec,
        /// How it fares.
        status: PodStatus,
    }
}

slim! {
    /// What pods of a workload are made from.
    PodTemplate {
        /// Labels that the pods get.
        metadata: Meta,
        /// What they run.
        spec: PodSpec,
    }
}

slim! {
    /// What of a pod's spec names images, decides about credentials or about nodes.
    PodSpec {
        /// `spec.containers`
        containers: Vec<Container>,
        /// `spec.initContainers`
        init_containers: Vec<Container>,
        /// `spec.ephemeralContainers`
        ephemeral_containers: Vec<Container>,
        /// `spec.volumes`
        volumes: Vec<Volume>,
        /// `spec.imagePullSecrets`; an entry without a name counts as an entry.
        image_pull_secrets: Vec<LocalRef>,
        /// `spec.serviceAccountName`
        service_account_name: String,
        /// The older spelling of `serviceAccountName`.
        service_account: String,
        /// The node, once it is decided.
        node_name: String,
        /// Labels that the node must carry.
        node_selector: BTreeMap<String, String>,
        /// Affinities; only those to nodes are read.
        affinity: Affinity,
        /// Taints that it puts up with.
        tolerations: Vec<Toleration>,
        /// The operating system, where the template says.
        os: PodOs,
    }
}

impl PodSpec {
    /// The service account, with the name that an empty field means.
    pub fn account(&self) -> &str {
        [self.service_account_name.as_str(), self.service_account.as_str()]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or("default")
    }
}

slim! {
    /// A container of any of the three lists.
    Container {
        /// Its name.
        name: String,
        /// The image as written.
        image: String,
        /// `Always`, `IfNotPresent` or `Never`; empty in a manifest that leaves it out.
        image_pull_policy: String,
    }
}

slim! {
    /// A volume.
    Volume {
        /// Its name.
        name: String,
        /// Set where the volume is an image.
        image: Option<ImageVolume>,
    }
}

slim! {
    /// The image of a volume.
    ImageVolume {
        /// The image as written.
        reference: String,
        /// As of a container.
        pull_policy: String,
    }
}

slim! {
    /// The name of an object in the same namespace.
    LocalRef {
        /// The name; may be empty.
        name: String,
    }
}

slim! {
    /// `spec.os`
    PodOs {
        /// `linux` or `windows`; empty when the template does not say.
        name: String,
    }
}

slim! {
    /// What of a pod's status tells how its images fare.
    PodStatus {
        /// `Pending`, `Running`, …
        phase: String,
        /// Of `spec.containers`.
        container_statuses: Vec<ContainerStatus>,
        /// Of `spec.initContainers`.
        init_container_statuses: Vec<ContainerStatus>,
        /// Of `spec.ephemeralContainers`.
        ephemeral_container_statuses: Vec<ContainerStatus>,
    }
}

slim! {
    /// How one container fares.
    ContainerStatus {
        /// Its name.
        name: String,
        /// What the runtime resolved the image to; empty before the first start.
        #[serde(rename = "imageID")]
        image_id: String,
        /// What it does now.
        state: ContainerState,
    }
}

/// What a container does now.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits, and why.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<IgnoredAny>,
    /// It ended.
    pub terminated: Option<IgnoredAny>,
}

impl PartialEq for ContainerState {
    fn eq(&self, other: &Self) -> bool {
        self.waiting == other.waiting && self.started() == other.started()
    }
}

impl Eq for ContainerState {}

impl ContainerState {
    /// True once the container ran, so its image was there.
    pub fn started(&self) -> bool {
        self.running.is_some() || self.terminated.is_some()
    }
}

slim! {
    /// Why a container waits.
    Waiting {
        /// A word, or the raw text of an error.
        reason: String,
        /// The text for people.
        message: String,
    }
}
