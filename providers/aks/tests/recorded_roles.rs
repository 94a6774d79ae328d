//! The recorded list of all built-in roles: how many pull in which mode.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod recordings;
mod support;

use pullaudit_aks::facts::table;
use pullaudit_core::{Read, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::*;

fn roles() -> Option<Vec<Value>> {
    let file = recordings::root().join("azure/rbac/builtin-roles-2026-08-22.json");
    let text = std::fs::read_to_string(file).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Names of the roles by the verdict that holding just this one gives.
fn by_verdict(roles: &[Value], mut world: impl FnMut() -> World) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for role in roles {
        let (guid, name) = (role["name"].as_str().unwrap(), role["roleName"].as_str().unwrap());
        let body = definition(guid, name, role["permissions"].clone());
        let guid = guid.to_lowercase();
        let verdict = world().put(table::DEFINITIONS, &guid, Read::Got(body)).role(&guid).verdict();
        let word = match verdict {
            Verdict::Allowed { .. } => "allowed",
            Verdict::Denied { .. } => "denied",
            Verdict::Unknown { .. } => "unknown",
        };
        found.entry(word).or_default().push(name.to_owned());
    }
    found
}

#[test]
fn the_recorded_built_in_roles_that_pull() {
    let Some(roles) = roles() else {
        println!("SKIPPED the_recorded_built_in_roles_that_pull: no recordings (PULLAUDIT_RECORDINGS)");
        return;
    };
    assert_eq!(roles.len(), 928);
    let legacy = by_verdict(&roles, World::legacy);
    assert_eq!(legacy["allowed"].len(), 23, "{:?}", legacy["allowed"]);
    assert_eq!(legacy["unknown"], ["Azure AI Administrator"]);
    let abac = by_verdict(&roles, World::abac);
    assert_eq!(abac["allowed"].len(), 6, "{:?}", abac["allowed"]);
    assert_eq!(abac.get("unknown"), None);
    assert_eq!(json!(legacy["denied"].len()), json!(928 - 24));
}
