//! The kinds that are read, and what the right to read one is called.

#[cfg(feature = "live")]
use pullaudit_core::{Obstacle, Open};

/// A kind of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `Deployment`
    pub(crate) name: &'static str,
    /// `apps`; empty for the core group.
    pub(crate) group: &'static str,
    /// `deployments`
    pub(crate) plural: &'static str,
}

const fn kind(name: &'static str, group: &'static str, plural: &'static str) -> Kind {
    Kind { name, group, plural }
}

pub(crate) const NODE: Kind = kind("Node", "", "nodes");
pub(crate) const POD: Kind = kind("Pod", "", "pods");
pub(crate) const SECRET: Kind = kind("Secret", "", "secrets");
pub(crate) const CONFIG_MAP: Kind = kind("ConfigMap", "", "configmaps");
pub(crate) const SERVICE_ACCOUNT: Kind = kind("ServiceAccount", "", "serviceaccounts");
pub(crate) const REPLICA_SET: Kind = kind("ReplicaSet", "apps", "replicasets");

/// Kinds whose selected objects are workloads.
pub(crate) const TOPS: [Kind; 5] = [
    kind("Deployment", "apps", "deployments"),
    kind("StatefulSet", "apps", "statefulsets"),
    kind("DaemonSet", "apps", "daemonsets"),
    kind("CronJob", "batch", "cronjobs"),
    kind("PodTemplate", "", "podtemplates"),
];

/// Kinds that may stand between a pod and its workload, read whole.
pub(crate) const BETWEEN: [Kind; 2] =
    [kind("ReplicationController", "", "replicationcontrollers"), kind("Job", "batch", "jobs")];

#[cfg(feature = "live")]
impl Kind {
    /// The path of its group, where the API server lists the group's kinds.
    pub(crate) fn group_path(&self) -> String {
        if self.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", self.group) }
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
            None if self.plural == NODE.plural => self.plural.to_owned(),
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
