//! Objects that hold pod templates, and those that templates and pods depend on.

use super::{LocalRef, Meta, NodeTaint, PodTemplate, slim};
use std::collections::BTreeMap;

slim! {
    /// Any object that holds a pod template: the built-in kinds and custom ones of the same form.
    Object {
        /// Its metadata.
        metadata: Meta,
        /// Where most kinds hold the template.
        spec: ObjectSpec,
        /// Where a bare `PodTemplate` holds it.
        template: Option<PodTemplate>,
        /// How a job fares; not read for other kinds.
        status: ObjectStatus,
    }
}

slim! {
    /// The part of a spec that holds a template.
    ObjectSpec {
        /// `spec.template`
        template: Option<PodTemplate>,
        /// `spec.jobTemplate`
        job_template: Option<JobTemplate>,
        /// `spec.workloadRef` of an Argo `Rollout`: the workload whose template it takes in place of its own.
        workload_ref: Option<WorkloadRef>,
    }
}

slim! {
    /// `spec.workloadRef`
    WorkloadRef {
        /// `Deployment`, `ReplicaSet` or `PodTemplate`.
        kind: String,
        /// Its name, in the same namespace.
        name: String,
    }
}

slim! {
    /// `spec.jobTemplate` of a `CronJob`.
    JobTemplate {
        /// The job's spec.
        spec: JobTemplateSpec,
    }
}

slim! {
    /// `spec.jobTemplate.spec` of a `CronJob`.
    JobTemplateSpec {
        /// The pods' template.
        template: PodTemplate,
    }
}

slim! {
    /// `status` of a `Job`.
    ObjectStatus {
        /// Its conditions.
        conditions: Vec<Condition>,
    }
}

slim! {
    /// One condition.
    Condition {
        /// What it is about.
        #[serde(rename = "type")]
        kind: String,
        /// `True`, `False` or `Unknown`.
        status: String,
    }
}

impl Object {
    /// The pod template, wherever the kind holds it.
    pub fn into_template(self) -> Option<PodTemplate> {
        self.spec.template.or(self.template).or(self.spec.job_template.map(|job| job.spec.template))
    }

    /// True where `spec.template` is one for pods.
    pub fn holds_containers(&self) -> bool {
        self.spec.template.as_ref().is_some_and(|template| !template.spec.containers.is_empty())
    }

    /// True for a job that starts no more pods.
    pub fn finished(&self) -> bool {
        self.status.conditions.iter().any(|condition| {
            condition.status == "True" && matches!(condition.kind.as_str(), "Complete" | "Failed")
        })
    }
}

slim! {
    /// A node.
    Node {
        /// Its metadata.
        metadata: Meta,
        /// What of it is set.
        spec: NodeSpec,
        /// What runs on it.
        status: NodeStatus,
    }
}

slim! {
    /// `status` of a node.
    NodeStatus {
        /// What its kubelet says of it.
        node_info: NodeInfo,
    }
}

slim! {
    /// `status.nodeInfo`
    NodeInfo {
        /// Its operating system with the release.
        os_image: String,
    }
}

slim! {
    /// `spec` of a node.
    NodeSpec {
        /// How its cloud names the machine.
        #[serde(rename = "providerID")]
        provider_id: String,
        /// Its taints.
        taints: Vec<NodeTaint>,
    }
}

slim! {
    /// A service account.
    ServiceAccount {
        /// Its metadata.
        metadata: Meta,
        /// What pods without a list of their own get.
        image_pull_secrets: Vec<LocalRef>,
    }
}

slim! {
    /// A config map.
    ConfigMap {
        /// Its metadata.
        metadata: Meta,
        /// Its texts.
        data: BTreeMap<String, String>,
    }
}
