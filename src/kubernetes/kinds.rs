//! The kinds that are read, and what the right to read one is called.

#[cfg(feature = "live")]
use pullaudit_core::{Obstacle, Open};

/// A kind of the API server, its own or a custom one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind<'a> {
    /// `Deployment`
    pub(crate) name: &'a str,
    /// `apps`; empty for the core group.
    pub(crate) group: &'a str,
    /// `v1`
    pub(crate) version: &'a str,
    /// `deployments`
    pub(crate) plural: &'a str,
}

const fn kind(name: &'static str, group: &'static str, plural: &'static str) -> Kind<'static> {
    Kind { name, group, version: "v1", plural }
}

/// Whether a group is not the API server's own: those that workloads come from have no dot, and a group of
/// custom kinds must have one.
pub(crate) fn is_custom(group: &str) -> bool {
    group.contains('.')
}

pub(crate) const NODE: Kind<'static> = kind("Node", "", "nodes");
pub(crate) const POD: Kind<'static> = kind("Pod", "", "pods");
pub(crate) const SECRET: Kind<'static> = kind("Secret", "", "secrets");
pub(crate) const CONFIG_MAP: Kind<'static> = kind("ConfigMap", "", "configmaps");
pub(crate) const SERVICE_ACCOUNT: Kind<'static> = kind("ServiceAccount", "", "serviceaccounts");
pub(crate) const REPLICA_SET: Kind<'static> = kind("ReplicaSet", "apps", "replicasets");

/// Kinds whose selected objects are workloads.
pub(crate) const TOPS: [Kind<'static>; 5] = [
    kind("Deployment", "apps", "deployments"),
    kind("StatefulSet", "apps", "statefulsets"),
    kind("DaemonSet", "apps", "daemonsets"),
    kind("CronJob", "batch", "cronjobs"),
    kind("PodTemplate", "", "podtemplates"),
];

/// Kinds that may stand between a pod and its workload, read whole.
pub(crate) const BETWEEN: [Kind<'static>; 2] =
    [kind("ReplicationController", "", "replicationcontrollers"), kind("Job", "batch", "jobs")];

/// The definitions of custom kinds, whose schemas tell which of them hold a pod template.
pub(crate) const DEFINITION: Kind<'static> =
    kind("CustomResourceDefinition", "apiextensions.k8s.io", "customresourcedefinitions");

/// Group and plural of custom kinds that hold a pod template at `spec.template` or stand between one and its pods, for
/// the rights that are printed: which ones a cluster has is read from it.
///
/// Source: the API types of argoproj/argo-rollouts, knative/serving and openkruise/kruise.
pub(crate) const KNOWN_CUSTOM: [(&str, &str); 7] = [
    ("apps.kruise.io", "clonesets"),
    ("apps.kruise.io", "daemonsets"),
    ("apps.kruise.io", "statefulsets"),
    ("argoproj.io", "rollouts"),
    ("serving.knative.dev", "configurations"),
    ("serving.knative.dev", "revisions"),
    ("serving.knative.dev", "services"),
];

#[cfg(feature = "live")]
impl Kind<'_> {
    /// The path of its group, where the API server lists the group's kinds.
    pub(crate) fn group_path(&self) -> String {
        let Self { group, version, .. } = self;
        if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
    }

    /// The path of its objects.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let root = self.group_path();
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// The right to use a verb on it, as a `ClusterRole` and `kubectl auth can-i` spell it.
    pub(crate) fn right(&self, verb: &str) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        format!("{verb} {}{dot}{}", self.plural, self.group)
    }

    /// That its objects could not be listed.
    pub(crate) fn unlisted(&self, namespace: Option<&str>, cluster: &str, obstacle: Obstacle) -> Open {
        let reading = match namespace {
            Some(namespace) => format!("{} in namespace {namespace}", self.plural),
            None if [NODE.plural, DEFINITION.plural].contains(&self.plural) => self.plural.to_owned(),
            None => format!("{} in all namespaces", self.plural),
        };
        Open::unread(reading, self.right("list"), cluster, obstacle)
    }

    /// That one object could not be read.
    pub(crate) fn ungot(&self, namespace: &str, name: &str, cluster: &str, obstacle: Obstacle) -> Open {
        Open::unread(
            format!("{} {namespace}/{name}", self.name.to_lowercase()),
            self.right("get"),
            cluster,
            obstacle,
        )
    }
}
