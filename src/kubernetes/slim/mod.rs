//! Kubernetes objects cut down to what an audit needs.
//!
//! A pod is some 8 KB as the API server sends it and some 200 bytes here: managed fields, environment,
//! probes and mounts are never built. A `null` reads as absent, as the API server reads it; any other
//! wrong type is an error.

mod definition;
mod object;
mod pod;
mod scheduling;

pub use definition::{
    Definition, DefinitionNames, DefinitionSpec, DefinitionVersion, Holds, Level, ObjectLevel, PodSpecLevel,
    Schema, SpecLevel, TemplateLevel,
};
pub use object::{
    Condition, ConfigMap, JobTemplate, Node, NodeSpec, Object, ObjectSpec, ObjectStatus, ServiceAccount,
};
pub use pod::{
    Container, ContainerState, ContainerStatus, ImageVolume, LocalRef, Pod, PodOs, PodSpec, PodStatus,
    PodTemplate, Volume, Waiting,
};
pub use scheduling::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, NodeTaint, Toleration,
};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Annotations of a service account that say who pulls; the others are dropped unread.
pub const SERVICE_ACCOUNT_ANNOTATIONS: [&str; 4] = [
    "eks.amazonaws.com/ecr-role-arn",
    "iam.gke.io/enable-wi-image-pull",
    "kubernetes.azure.com/acr-client-id",
    "kubernetes.azure.com/acr-tenant-id",
];

/// The annotation of a mirror pod: the kubelet runs it from a file on its node.
pub const MIRROR_ANNOTATION: &str = "kubernetes.io/config.mirror";

/// Declares a struct every field of which may be absent or null.
macro_rules! slim {
    ($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$note])* #[serde(deserialize_with = "crate::kubernetes::slim::nullable")] pub $field: $type,)*
        }
    };
}
pub(crate) use slim;

pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

slim! {
    /// What of an object's metadata an audit needs.
    Meta {
        /// Its name.
        name: String,
        /// The prefix that the API server completes when `name` is empty.
        generate_name: String,
        /// Its namespace; empty for objects without one.
        namespace: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// Those of its annotations that say who pulls.
        annotations: Annotations,
        /// Its owners.
        owner_references: Vec<OwnerRef>,
        /// RFC 3339, as the API server writes it.
        creation_timestamp: String,
    }
}

impl Meta {
    /// The owner that manages the object; an object has one at most.
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

impl OwnerRef {
    /// The group of its kind; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

slim! {
    /// An entry of `metadata.ownerReferences`.
    OwnerRef {
        /// Group and version.
        api_version: String,
        /// Kind.
        kind: String,
        /// Name, in the same namespace.
        name: String,
        /// True for the owner that manages the object.
        controller: bool,
    }
}

/// Annotations by key; only keys that say who pulls are kept, whatever stood in the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations(pub BTreeMap<String, String>);

impl Annotations {
    /// True for the mirror of a static pod.
    pub fn mirror(&self) -> bool {
        self.0.contains_key(MIRROR_ANNOTATION)
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Kept;
        impl<'de> Visitor<'de> for Kept {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == MIRROR_ANNOTATION || SERVICE_ACCOUNT_ANNOTATIONS.contains(&key.as_str()) {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations(kept))
            }
        }
        from.deserialize_map(Kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_reads_as_absent_at_every_place() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "p", "labels": null, "ownerReferences": null, "annotations": null },
            "spec": { "containers": null, "volumes": [{ "name": "v", "image": null }], "imagePullSecrets": null,
                      "affinity": null, "tolerations": null, "os": null, "nodeSelector": null },
            "status": null,
        }))
        .unwrap();
        assert_eq!(pod.metadata.name, "p");
        assert_eq!(pod.spec.volumes.len(), 1);
        assert!(pod.spec.containers.is_empty());
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        assert!(serde_json::from_value::<Pod>(json!({ "spec": { "containers": "one" } })).is_err());
        assert!(serde_json::from_value::<Pod>(json!({ "metadata": { "labels": { "a": 1 } } })).is_err());
    }

    #[test]
    fn only_annotations_that_say_who_pulls_are_kept() {
        let meta: Meta = serde_json::from_value(json!({ "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{…}", "odd": 3,
            "eks.amazonaws.com/ecr-role-arn": "arn:aws:iam::111122223333:role/puller",
        }}))
        .unwrap();
        assert_eq!(meta.annotations.0.len(), 1);
        assert!(!meta.annotations.mirror());
    }
}
