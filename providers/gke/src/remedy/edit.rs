//! What is done to a repository's policy, by meaning: members in and out of one unconditional binding. It can be
//! done again to a policy that somebody else changed meanwhile, and every other byte of meaning stays.

use crate::facts::Policy;
use pullaudit_core::Change;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The least role that downloads and can be bound.
pub const READER: &str = "roles/artifactregistry.reader";

/// Principals that a policy may name, and groups among them.
///
/// Source: Google Cloud, discovery document of Artifact Registry, `Policy`.
const MOST: (usize, usize) = (1500, 250);

/// Members that go into the unconditional binding of [`READER`], and members that go out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Full id of the repository.
    pub repository: String,
    /// Members that are put in.
    pub add: BTreeSet<String>,
    /// Members that are taken out.
    pub remove: BTreeSet<String>,
}

/// A policy can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// Without its etag a write could wipe what others wrote.
    NoEtag,
    /// It would name more principals than a policy may.
    TooLarge,
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoEtag => {
                "the policy came without an etag, and without one a write could wipe what others wrote"
            }
            Self::TooLarge => {
                "the policy would name more than 1500 principals or 250 groups: grant through a group, or on \
                               the project"
            }
        })
    }
}

impl Edit {
    /// What a change does; `None` where it is no change of a repository's policy, or does anything beside.
    pub fn of(change: &Change) -> Option<Self> {
        let repository = change.document.strip_suffix(":iamPolicy")?.to_owned();
        let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
        let (was, is) = (readers(before), readers(after));
        let edit = Self {
            repository,
            add: is.difference(&was).cloned().collect(),
            remove: was.difference(&is).cloned().collect(),
        };
        (canonical(&edit.apply(before)) == canonical(after)).then_some(edit)
    }

    /// The edit that takes this one back.
    pub fn back(&self) -> Self {
        Self { repository: self.repository.clone(), add: self.remove.clone(), remove: self.add.clone() }
    }

    /// True where the policy is so already.
    pub fn stands(&self, policy: &Value) -> bool {
        let now = readers(policy);
        self.add.is_subset(&now) && self.remove.is_disjoint(&now)
    }

    /// The policy with the edit in it. A conditional binding is never touched, one that ends empty goes, and
    /// all that is not known here stays as it came.
    pub fn apply(&self, policy: &Value) -> Value {
        let mut policy = policy.clone();
        if !policy.is_object() {
            policy = Value::Object(Map::new());
        }
        let mut bindings = match policy.get_mut("bindings").map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        for binding in bindings.iter_mut().filter(|binding| is_ours(binding)) {
            if let Some(Value::Array(members)) = binding.get_mut("members") {
                members.retain(|member| !member.as_str().is_some_and(|name| self.remove.contains(name)));
            }
        }
        let known: BTreeSet<String> =
            bindings.iter().filter(|binding| is_ours(binding)).flat_map(members).collect();
        let missing: Vec<Value> = self.add.difference(&known).map(|member| json!(member)).collect();
        if !missing.is_empty() {
            match bindings.iter_mut().find(|binding| is_ours(binding)) {
                Some(binding) => match binding.get_mut("members") {
                    Some(Value::Array(list)) => list.extend(missing),
                    _ => binding["members"] = Value::Array(missing),
                },
                None => bindings.push(json!({ "role": READER, "members": missing })),
            }
        }
        let emptied = |binding: &Value| !self.remove.is_empty() && is_ours(binding) && members(binding).is_empty();
        bindings.retain(|binding| !emptied(binding));
        if bindings.is_empty() {
            // A policy without bindings is written without the field.
            if let Value::Object(fields) = &mut policy {
                fields.shift_remove("bindings");
            }
        } else {
            policy["bindings"] = Value::Array(bindings);
        }
        policy
    }

    /// What is sent: the policy as it was just read with the edit in it, in version 3, with the same etag.
    pub fn request(&self, policy: &Value) -> Result<Value, Unwritable> {
        writable(policy)?;
        let mut policy = self.apply(policy);
        fits(&policy)?;
        policy["version"] = json!(3);
        Ok(json!({ "policy": policy }))
    }

    /// What is sent to take a change back, after a look at the policy as it is now: the former document where
    /// nobody else changed it since, else only our own members out; `None` where they are out already.
    pub fn undo(change: &Change, now: &Value) -> Option<Result<Value, Unwritable>> {
        let edit = Self::of(change)?.back();
        if edit.stands(now) {
            return None;
        }
        let untouched = change.after.as_ref().is_some_and(|after| canonical(after) == canonical(now));
        let Some(former) = change.before.as_ref().filter(|_| untouched) else { return Some(edit.request(now)) };
        if let Err(why) = writable(now) {
            return Some(Err(why));
        }
        let mut policy = former.clone();
        policy["etag"] = now["etag"].clone();
        policy["version"] = json!(3);
        Some(Ok(json!({ "policy": policy })))
    }
}

/// A policy without an etag is never sent.
pub(super) fn writable(policy: &Value) -> Result<(), Unwritable> {
    let etag = policy.get("etag").and_then(Value::as_str);
    etag.is_some_and(|etag| !etag.is_empty()).then_some(()).ok_or(Unwritable::NoEtag)
}

/// Each time that a principal is named counts.
pub(super) fn fits(policy: &Value) -> Result<(), Unwritable> {
    let bindings = policy.get("bindings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let all: Vec<String> = bindings.iter().flat_map(members).collect();
    let groups = all.iter().filter(|member| member.starts_with("group:")).count();
    (all.len() <= MOST.0 && groups <= MOST.1).then_some(()).ok_or(Unwritable::TooLarge)
}

fn is_ours(binding: &Value) -> bool {
    binding["role"] == READER && binding.get("condition").is_none_or(Value::is_null)
}

fn members(binding: &Value) -> Vec<String> {
    let list = binding.get("members").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|member| member.as_str().map(str::to_owned)).collect()
}

fn readers(policy: &Value) -> BTreeSet<String> {
    let bindings = policy.get("bindings").and_then(Value::as_array).into_iter().flatten();
    bindings.filter(|binding| is_ours(binding)).flat_map(members).collect()
}

/// The policy's meaning: without etag and version, its bindings and members in order.
pub fn canonical(policy: &Value) -> Value {
    let mut policy = policy.clone();
    let Some(fields) = policy.as_object_mut() else { return policy };
    fields.shift_remove("etag");
    fields.shift_remove("version");
    if let Some(Value::Array(bindings)) = fields.get_mut("bindings") {
        for binding in bindings.iter_mut() {
            if let Some(Value::Array(members)) = binding.get_mut("members") {
                members.sort_by_key(Value::to_string);
                members.dedup();
            }
        }
        bindings.sort_by_key(Value::to_string);
    }
    fields.sort_keys();
    policy
}

/// True where a policy can be read as one.
pub(super) fn is_policy(policy: &Value) -> bool {
    Policy::deserialize(policy).is_ok()
}
