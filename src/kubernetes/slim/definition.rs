//! Definitions of custom kinds, for what their schemas say of pod templates.

use super::slim;
use serde::de::{Deserialize as _, Deserializer, IgnoredAny};

slim! {
    /// A `CustomResourceDefinition`.
    Definition {
        /// What it defines.
        spec: DefinitionSpec,
    }
}

slim! {
    /// `spec` of a definition.
    DefinitionSpec {
        /// Group of the kind.
        group: String,
        /// How its objects are called.
        names: DefinitionNames,
        /// `Namespaced` or `Cluster`.
        scope: String,
        /// Its versions.
        versions: Vec<DefinitionVersion>,
    }
}

slim! {
    /// `spec.names`
    DefinitionNames {
        /// `Rollout`
        kind: String,
        /// `rollouts`
        plural: String,
    }
}

slim! {
    /// One of `spec.versions`.
    DefinitionVersion {
        /// `v1alpha1`
        name: String,
        /// Whether the API server answers to it.
        served: bool,
        /// Whether objects are stored in it.
        storage: bool,
        /// What its objects look like.
        schema: Schema,
    }
}

slim! {
    /// `schema` of a version.
    Schema {
        /// The schema of an object.
        #[serde(rename = "openAPIV3Schema")]
        root: Level<ObjectLevel>,
    }
}

/// One level of a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, bound = "T: serde::de::DeserializeOwned + Default")]
pub struct Level<T> {
    /// Anything may stand there, listed or not.
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    pub open: Option<bool>,
    /// What the schema lists.
    pub properties: Option<T>,
}

/// Of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct ObjectLevel {
    spec: Option<Level<SpecLevel>>,
}

/// Of its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct SpecLevel {
    template: Option<Level<TemplateLevel>>,
}

/// Of a pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct TemplateLevel {
    spec: Option<Level<PodSpecLevel>>,
}

/// Of a pod's spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct PodSpecLevel {
    #[serde(deserialize_with = "present")]
    containers: bool,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

/// Whether objects of a kind hold a pod template at `spec.template`, as far as a schema tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The schema leaves no room for one.
    No,
    /// The schema leaves all of it open.
    Perhaps,
    /// It has a template and leaves open what one is of: of pods, or of a secret.
    Likely,
    /// The schema has a place for one.
    Yes,
}

impl<T> Level<T> {
    fn open(&self) -> bool {
        self.open == Some(true)
    }
}

impl Schema {
    /// What it says of `spec.template.spec.containers`. Schemas of pods are large, so definitions often leave them open
    /// (those of openkruise/kruise do).
    pub fn holds_template(&self) -> Holds {
        let open = |open: bool| if open { Holds::Perhaps } else { Holds::No };
        let Some(spec) = self.root.properties.as_ref().and_then(|root| root.spec.as_ref()) else {
            return open(self.root.open());
        };
        let Some(template) = spec.properties.as_ref().and_then(|spec| spec.template.as_ref()) else {
            return open(spec.open());
        };
        match template.properties.as_ref().and_then(|template| template.spec.as_ref()) {
            Some(pod) if pod.open() || pod.properties.as_ref().is_some_and(|pod| pod.containers) => Holds::Yes,
            None if template.open() => Holds::Likely,
            Some(_) | None => Holds::No,
        }
    }
}

impl DefinitionSpec {
    /// The version to read its objects in: the one they are stored in, else one that is served.
    pub fn version(&self) -> Option<&DefinitionVersion> {
        let served = || self.versions.iter().filter(|version| version.served);
        served().find(|version| version.storage).or_else(|| served().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn holds(schema: &Value) -> Holds {
        serde_json::from_value::<Schema>(json!({ "openAPIV3Schema": schema })).unwrap().holds_template()
    }

    fn object(spec: &Value) -> Value {
        json!({ "type": "object", "properties": { "spec": spec } })
    }

    fn template(template: &Value) -> Value {
        object(&json!({ "type": "object", "properties": { "template": template } }))
    }

    #[test]
    fn a_schema_tells_where_its_objects_hold_a_pod_template() {
        let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let pod = json!({ "properties": { "spec": { "properties": { "containers": { "type": "array" } } } } });
        let other = json!({ "properties": { "spec": { "properties": { "requirements": { "type": "array" } } } } });
        for (schema, expected) in [
            (template(&pod), Holds::Yes),
            (template(&open), Holds::Likely),
            (template(&json!({ "properties": { "spec": open } })), Holds::Yes),
            (template(&other), Holds::No),
            (template(&json!({ "type": "string" })), Holds::No),
            (object(&open), Holds::Perhaps),
            (open.clone(), Holds::Perhaps),
            (object(&json!({ "type": "object" })), Holds::No),
            (json!({ "type": "object" }), Holds::No),
            (Value::Null, Holds::No),
        ] {
            assert_eq!(holds(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn objects_are_read_in_the_version_that_is_stored_and_served() {
        let spec = |versions: Value| -> DefinitionSpec {
            serde_json::from_value(json!({ "versions": versions })).unwrap()
        };
        let one = |name: &str, served: bool, storage: bool| json!({ "name": name, "served": served, "storage": storage });
        let name = |versions: Value| spec(versions).version().map(|version| version.name.clone());
        assert_eq!(name(json!([one("v1alpha1", true, false), one("v1", true, true)])).as_deref(), Some("v1"));
        assert_eq!(name(json!([one("v1beta1", true, false), one("v1", false, true)])).as_deref(), Some("v1beta1"));
        assert_eq!(name(json!([one("v1", false, true)])), None);
    }
}
