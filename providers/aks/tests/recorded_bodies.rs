//! Every recorded body of a kind that is read: what matters of it comes through, and nothing is made up.
//!
//! Every field of a recorded body either matters or is passed over on purpose; one that is in neither
//! list fails, so that a field that is written in another way than expected can't be lost in silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

#[path = "recorded_bodies/kinds.rs"]
mod kinds;
mod recordings;

use kinds::{KINDS, Kind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What stands at the ends of a body: words, numbers, and lists and maps without entries.
fn leaves<'a>(value: &'a Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, &'a Value)>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).collect(),
        Value::Array(entries) => entries.iter().enumerate().map(|(at, entry)| (at.to_string(), entry)).collect(),
        _ => Vec::new(),
    };
    if below.is_empty() {
        found.push((path.clone(), value));
    }
    for (name, one) in below {
        path.push(name);
        leaves(one, path, found);
        path.pop();
    }
}

fn all_leaves(value: &Value) -> Vec<(Vec<String>, &Value)> {
    let mut found = Vec::new();
    leaves(value, &mut Vec::new(), &mut found);
    found
}

/// The value at a path; its parts may hold slashes.
fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    let step = |value: &'a Value, part: &String| match value {
        Value::Array(entries) => entries.get(part.parse::<usize>().ok()?),
        _ => value.get(part),
    };
    path.iter().try_fold(value, step).unwrap_or(&Value::Null)
}

/// Unset, whichever way that is written.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().all(is_blank),
        Value::Array(entries) => entries.is_empty(),
        other => [Value::Null, json!(""), json!(false), json!(0)].contains(other),
    }
}

/// How a path lies to a pattern.
#[derive(PartialEq)]
enum Fit {
    Exact,
    /// It leads to what the pattern is about.
    Above,
    Below,
    No,
}

fn fit(path: &[String], pattern: &str) -> Fit {
    let parts: Vec<&str> = pattern.split('/').skip(1).collect();
    if path.iter().zip(&parts).any(|(own, part)| *part != "*" && own != part) {
        return Fit::No;
    }
    match path.len().cmp(&parts.len()) {
        std::cmp::Ordering::Less => Fit::Above,
        std::cmp::Ordering::Equal => Fit::Exact,
        std::cmp::Ordering::Greater => Fit::Below,
    }
}

/// The pattern of what matters that the leaf is one of. An unset field above one says that it is unset.
fn mattering(kind: &Kind, path: &[String], value: &Value) -> Option<&'static str> {
    let counts = |pattern: &&&str| match fit(path, pattern) {
        Fit::Exact => true,
        Fit::Above => is_blank(value),
        Fit::Below | Fit::No => false,
    };
    kind.matters.iter().find(counts).copied()
}

/// What is wrong with our reading of one body; notes the patterns that have a value there.
fn faults(kind: &Kind, raw: &Value, seen: &mut BTreeSet<&'static str>) -> Vec<String> {
    let ours = match (kind.reread)(raw) {
        Ok(ours) => ours,
        Err(error) => return vec![format!("can't be read: {error}")],
    };
    let mut faults = Vec::new();
    for (path, value) in all_leaves(raw) {
        let name = path.join("/");
        if let Some(pattern) = mattering(kind, &path, value) {
            let own = at(&ours, &path);
            if own != value && !(is_blank(own) && is_blank(value)) {
                faults.push(format!("/{name} is {value} and is read as {own}"));
            }
            if fit(&path, pattern) == Fit::Exact && !value.is_null() {
                seen.insert(pattern);
            }
        } else if !kind.passed.iter().any(|pattern| matches!(fit(&path, pattern), Fit::Exact | Fit::Below)) {
            faults.push(format!("/{name}: whether {value} matters is not said"));
        }
    }
    for (path, own) in all_leaves(&ours) {
        if !is_blank(own) && at(raw, &path) != own {
            faults.push(format!("/{} is made up: {own}", path.join("/")));
        }
    }
    faults
}

#[test]
fn what_matters_of_every_recorded_body_comes_through() {
    let Some(answers) = recordings::answers("what_matters_of_every_recorded_body_comes_through") else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut faulty = Vec::new();
    for answer in answers.iter().filter(|answer| answer.status < 400) {
        for raw in answer.entries() {
            let Some(kind) = kinds::of(raw) else { continue };
            *counts.entry(kind.name).or_default() += 1;
            let found = faults(kind, &kinds::lifted(raw), seen.entry(kind.name).or_default());
            faulty.extend(found.into_iter().map(|fault| format!("{}\n    {fault}", answer.place())));
        }
    }
    assert!(
        faulty.is_empty(),
        "{} faults, the first:\n{}",
        faulty.len(),
        faulty[..faulty.len().min(20)].join("\n")
    );
    for kind in KINDS {
        let count = counts.get(kind.name).copied().unwrap_or_default();
        println!("{}: {count} bodies", kind.name);
        assert!(count >= kind.recorded, "{}: {count} bodies, {} are recorded", kind.name, kind.recorded);
        let seen = &seen[kind.name];
        let unseen: Vec<&str> = kind.matters.iter().copied().filter(|pattern| !seen.contains(pattern)).collect();
        assert_eq!(unseen, kind.unrecorded, "{}: with a value in no recording", kind.name);
    }
}

/// Whoever adds a field has to say that it matters.
#[test]
fn every_field_that_is_held_is_among_those_that_matter() {
    for kind in KINDS {
        let held = (kind.held)();
        for (path, value) in all_leaves(&held) {
            assert!(mattering(kind, &path, value).is_some(), "{}: /{}", kind.name, path.join("/"));
        }
    }
}

/// A comparison that finds nothing would be worth nothing.
#[test]
fn a_lost_a_changed_an_unknown_and_an_invented_field_are_faults() {
    let kind = &KINDS[0];
    let raw = json!({
        "id": "a", "name": "n", "tags": { "x/y": "z" },
        "properties": {
            "identityProfile": { "kubeletidentity": { "objectId": "o" } },
            "agentPoolProfiles": [{ "name": "p", "count": 1, "nodeTaints": null, "nodeLabels": {} }]
        }
    });
    let found = |kind: &Kind, raw: &Value| faults(kind, raw, &mut BTreeSet::new());
    assert_eq!(found(kind, &raw), Vec::<String>::new());

    let mut unknown = raw.clone();
    unknown["properties"]["privateFqdn"] = json!("h");
    assert_eq!(found(kind, &unknown), [r#"/properties/privateFqdn: whether "h" matters is not said"#]);

    let wrong = |reread| Kind { reread, ..*kind };
    let lossy = wrong(|raw| {
        let mut ours = raw.clone();
        ours["properties"]["identityProfile"] = json!({});
        Ok(ours)
    });
    let lost = r#"/properties/identityProfile/kubeletidentity/objectId is "o" and is read as null"#;
    assert!(found(&lossy, &raw).contains(&lost.to_owned()));
    let changing = wrong(|raw| {
        let mut ours = raw.clone();
        ours["properties"]["agentPoolProfiles"][0]["count"] = json!(2);
        Ok(ours)
    });
    let changed = "/properties/agentPoolProfiles/0/count is 1 and is read as 2";
    assert!(found(&changing, &raw).contains(&changed.to_owned()));
    let inventive = wrong(|raw| {
        let mut ours = raw.clone();
        ours["properties"]["agentPoolProfiles"][0]["nodeTaints"] = json!(["k=v:NoSchedule"]);
        Ok(ours)
    });
    let invented = r#"/properties/agentPoolProfiles/0/nodeTaints/0 is made up: "k=v:NoSchedule""#;
    assert!(found(&inventive, &raw).contains(&invented.to_owned()));
    assert!(found(&wrong(|_| serde_json::from_str("")), &raw)[0].starts_with("can't be read"));
}
