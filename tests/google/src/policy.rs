//! IAM policies as they are read: versions, etags, lag.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::lag::{Gate, Lag};

/// The etag of a policy that nobody ever set.
const FRESH: &str = "ACAB";

/// What is read of a policy at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
struct Text {
    fields: Map<String, Value>,
    /// Nobody set it yet: 0.
    serial: u64,
}

/// The policy of one resource.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    now: Text,
    /// What is still read while a lag lasts.
    former: Option<(Gate, Text)>,
}

impl Policy {
    /// The policy of a fresh resource: it has nothing but an etag.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member to a role, without a condition.
    pub fn bind(mut self, role: &str, member: &str) -> Self {
        self.add(role, member);
        self
    }

    /// Adds a binding with a condition, told by its title and its expression.
    pub fn bind_if(mut self, role: &str, members: &[&str], title: &str, expression: &str) -> Self {
        let condition = json!({ "title": title, "expression": expression });
        self.bindings_mut().push(json!({ "role": role, "members": members, "condition": condition }));
        self.now.serial += 1;
        self
    }

    /// Adds a whole binding as it is, or any other field (see [`crate::World::future_field`]).
    pub fn with(mut self, field: &str, value: Value) -> Self {
        if field == "bindings" {
            self.bindings_mut().extend(value.as_array().cloned().unwrap_or_else(|| vec![value]));
        } else {
            self.now.fields.insert(field.to_owned(), value);
        }
        self.now.serial += 1;
        self
    }

    /// Adds a member to a role, without a condition; a new etag.
    pub fn add(&mut self, role: &str, member: &str) {
        let plain = |binding: &&mut Value| binding["role"] == role && binding.get("condition").is_none();
        match self.bindings_mut().iter_mut().find(plain) {
            Some(binding) => {
                if let Some(members) = binding["members"].as_array_mut() {
                    members.push(json!(member));
                }
            }
            None => self.bindings_mut().push(json!({ "role": role, "members": [member] })),
        }
        self.now.serial += 1;
    }

    /// Takes a member out of all bindings of a role; a new etag.
    pub fn remove(&mut self, role: &str, member: &str) {
        for binding in self.bindings_mut().iter_mut().filter(|binding| binding["role"] == role) {
            if let Some(members) = binding["members"].as_array_mut() {
                members.retain(|known| known != member);
            }
        }
        self.bindings_mut().retain(|binding| binding["members"].as_array().is_some_and(|list| !list.is_empty()));
        self.now.serial += 1;
    }

    /// Whether a member is in a binding of a role that has no condition.
    pub fn holds(&self, role: &str, member: &str) -> bool {
        self.bindings().iter().any(|binding| {
            let members = binding["members"].as_array();
            binding["role"] == role
                && binding.get("condition").is_none()
                && members.is_some_and(|list| list.iter().any(|known| known == member))
        })
    }

    /// Its bindings, in order.
    pub fn bindings(&self) -> &[Value] {
        self.now.fields.get("bindings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The etag of what is true now.
    pub fn etag(&self) -> String {
        self.now.etag()
    }

    fn bindings_mut(&mut self) -> &mut Vec<Value> {
        let slot = self.now.fields.entry("bindings").or_insert_with(|| json!([]));
        if !slot.is_array() {
            *slot = json!([]);
        }
        match slot {
            Value::Array(list) => list,
            _ => unreachable!("it was made a list"),
        }
    }

    /// All members of all bindings.
    pub(crate) fn members_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let bindings = self.now.fields.get_mut("bindings").and_then(Value::as_array_mut);
        let lists = bindings.into_iter().flatten().filter_map(|binding| binding["members"].as_array_mut());
        lists.flatten()
    }

    /// Whether a binding has a condition.
    pub(crate) fn is_conditional(&self) -> bool {
        self.now.is_conditional()
    }

    /// Puts another text in its place, which is read once the lag is over.
    pub(crate) fn replace(&mut self, fields: Map<String, Value>, lag: Lag) {
        let serial = self.now.serial + 1;
        let former = std::mem::replace(&mut self.now, Text { fields, serial });
        self.former = (lag != Lag::None).then(|| (Gate::new(lag), former));
    }

    /// What a reader gets who asked for a version.
    pub(crate) fn read(&mut self, version: u64) -> Value {
        if self.former.as_mut().is_some_and(|(gate, _)| gate.look()) {
            self.former = None;
        }
        self.former.as_ref().map_or(&self.now, |(_, text)| text).json(version)
    }

    /// What the one who set it gets, without lag.
    pub(crate) fn written(&self) -> Value {
        self.now.json(3)
    }
}

impl Text {
    fn etag(&self) -> String {
        if self.serial == 0 {
            return FRESH.to_owned();
        }
        let mut bytes = vec![7, 6];
        bytes.extend((self.serial + 0x0003_1415_9265).to_be_bytes().iter().skip(2));
        STANDARD.encode(bytes)
    }

    fn is_conditional(&self) -> bool {
        let bindings = self.fields.get("bindings").and_then(Value::as_array);
        bindings.is_some_and(|list| list.iter().any(|binding| binding.get("condition").is_some()))
    }

    fn json(&self, version: u64) -> Value {
        let mut body = self.fields.clone();
        let conditional = self.is_conditional();
        if conditional && version < 3 {
            for binding in body.get_mut("bindings").and_then(Value::as_array_mut).into_iter().flatten() {
                flatten(binding);
            }
        }
        if body.get("bindings").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            body.remove("bindings");
        }
        // A policy that was emptied keeps its version; one that nobody ever set has none.
        if self.serial > 0 {
            body.insert("version".to_owned(), json!(if conditional && version >= 3 { 3 } else { 1 }));
        }
        body.insert("etag".to_owned(), json!(self.etag()));
        Value::Object(body)
    }
}

/// A binding with a condition as version 1 shows it: a role that is none, and no condition.
fn flatten(binding: &mut Value) {
    let Some(condition) = binding.as_object_mut().and_then(|fields| fields.remove("condition")) else { return };
    // FNV-1a. Which hash the service takes is not told; a reader can only know the shape.
    let hash = condition
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let role = binding["role"].as_str().unwrap_or_default();
    binding["role"] = json!(format!("{role}_withcond_{hash:016x}{:04x}", hash & 0xffff));
}
