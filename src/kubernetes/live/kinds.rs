//! The kinds that are read, and what the right to read one is called.

use pullaudit_core::{Obstacle, Open};

/// A kind of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// `Deployment`
    pub(super) name: &'static str,
    /// `apps`; empty for the core group.
    pub(super) group: &'static str,
    /// `deployments`
    pub(super) plural: &'static str,
}

const fn kind(name: &'static str, group: &'static str, plural: &'static str) -> Kind {
    Kind { name, group, plural }
}

pub(super) const NODE: Kind = kind("Node", "", "nodes");
pub(super) const POD: Kind = kind("Pod", "", "pods");
pub(super) const SECRET: Kind = kind("Secret", "", "secrets");
pub(super) const CONFIG_MAP: Kind = kind("ConfigMap", "", "configmaps");
pub(super) const SERVICE_ACCOUNT: Kind = kind("ServiceAccount", "", "serviceaccounts");
pub(super) const REPLICA_SET: Kind = kind("ReplicaSet", "apps", "replicasets");

/// Kinds whose selected objects are workloads.
pub(super) const TOPS: [Kind; 5] = [
    kind("Deployment", "apps", "deployments"),
    kind("StatefulSet", "apps", "statefulsets"),
    kind("DaemonSet", "apps", "daemonsets"),
    kind("CronJob", "batch", "cronjobs"),
    kind("PodTemplate", "", "podtemplates"),
];

/// Kinds that may stand between a pod and its workload, read whole.
pub(super) const BETWEEN: [Kind; 2] =
    [kind("ReplicationController", "", "replicationcontrollers"), kind("Job", "batch", "jobs")];

impl Kind {
    /// The path of its group, where the API server lists the group's kinds.
    pub(super) fn group_path(&self) -> String {
        if self.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", self.group) }
    }

    /// The path of its objects.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = self.group_path();
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// The right to use a verb on it, as a `ClusterRole` and `kubectl auth can-i` spell it.
    pub(super) fn right(&self, verb: &str) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        format!("{verb} {}{dot}{}", self.plural, self.group)
    }

    /// That its objects could not be listed.
    pub(super) fn unlisted(&self, namespace: Option<&str>, cluster: &str, obstacle: Obstacle) -> Open {
        let reading = match namespace {
            Some(namespace) => format!("{} in namespace {namespace}", self.plural),
            None if self.plural == NODE.plural => self.plural.to_owned(),
            None => format!("{} in all namespaces", self.plural),
        };
        Open::unread(reading, self.right("list"), cluster, obstacle)
    }

    /// That one object could not be read.
    pub(super) fn ungot(&self, namespace: &str, name: &str, cluster: &str, obstacle: Obstacle) -> Open {
        Open::unread(
            format!("{} {namespace}/{name}", self.name.to_lowercase()),
            self.right("get"),
            cluster,
            obstacle,
        )
    }
}
