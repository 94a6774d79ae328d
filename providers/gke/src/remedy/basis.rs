//! What a grant rests on, so that a world that moved is seen before anything is written.

use super::edit::canonical;
use crate::facts::table;
use crate::weigh::project_of;
use pullaudit_core::{Fingerprint, Read, Section};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Digests of readings live in this name space.
const DIGESTS: Uuid = Uuid::from_u128(0x3f1c_55d0_9a7e_5b42_8d16_70ac_e92f_4b08);

/// The repository's own settings, the bindings of its policy that are about the members, their accounts, the
/// denials that stand above. Equal readings have equal digests, whatever order they came in; what others hold
/// in the same policy does not count, since it is kept as it is.
pub fn fingerprints(section: &Section, repository: &str, members: &BTreeSet<String>) -> Vec<Fingerprint> {
    let short = repository.rsplit('/').next().unwrap_or_default();
    let got = |table: &str, key: &str| section.get(table, key).and_then(Read::got).cloned().unwrap_or(Value::Null);
    let body = got(table::REPOSITORIES, repository);
    let settings: Vec<Value> = ["name", "format", "mode", "virtualRepositoryConfig", "remoteRepositoryConfig"]
        .into_iter()
        .map(|field| body.get(field).cloned().unwrap_or(Value::Null))
        .collect();
    let mut prints = vec![print(format!("repository {short}"), &settings)];
    let policy = canonical(&got(table::REPOSITORY_POLICIES, repository));
    for member in members {
        let email = member.strip_prefix("serviceAccount:").unwrap_or(member);
        let about: Vec<Value> = policy["bindings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|binding| {
                let names = binding["members"]
                    .as_array()?
                    .iter()
                    .filter(|one| one.as_str().is_some_and(|one| one.contains(email) || one.starts_with("all")));
                let names: Vec<&Value> = names.collect();
                (!names.is_empty()).then(|| json!([binding["role"], binding["condition"], names]))
            })
            .collect();
        prints.push(print(format!("bindings of {email} in the policy of repository {short}"), &about));
        if member.starts_with("serviceAccount:") {
            let account = got(table::ACCOUNTS, email);
            let state = [account["uniqueId"].clone(), account["disabled"].clone()];
            prints.push(print(format!("service account {email}"), &state));
        }
    }
    prints.push(print(format!("deny policies above repository {short}"), &denies(section, repository)));
    prints
}

/// Every deny policy of the project and above it that was read, in order of names.
fn denies(section: &Section, repository: &str) -> Vec<Value> {
    let project = project_of(repository);
    let ancestry = section.get(table::ANCESTRY, project).and_then(Read::got);
    let above = ancestry.and_then(|body| body["ancestor"].as_array()).into_iter().flatten();
    let keys = above.filter_map(|one| match one["resourceId"]["type"].as_str()? {
        "folder" => Some(format!("folders/{}", one["resourceId"]["id"].as_str()?)),
        "organization" => Some(format!("organizations/{}", one["resourceId"]["id"].as_str()?)),
        _ => None,
    });
    let mut names: Vec<String> = keys
        .chain([format!("projects/{project}")])
        .filter_map(|key| section.get(table::DENY_LISTS, &key)?.got()?.as_array().cloned())
        .flatten()
        .filter_map(|policy| policy["name"].as_str().map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| {
            let body = section.get(table::DENY_POLICIES, &name).and_then(Read::got);
            json!([name, body.and_then(|body| body.get("rules"))])
        })
        .collect()
}

/// A digest of each part, whatever the order of the parts and of the fields in them.
fn print(reading: String, parts: &[Value]) -> Fingerprint {
    let sorted = |part: &Value| {
        let mut part = part.clone();
        part.sort_all_objects();
        part.to_string()
    };
    let mut rows: Vec<String> = parts.iter().map(sorted).collect();
    rows.sort();
    let digest = Uuid::new_v5(&DIGESTS, rows.join("\n").as_bytes()).simple().to_string();
    Fingerprint { reading, digest }
}
