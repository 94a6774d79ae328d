//! The rights that pullaudit needs in AWS, as an IAM policy.

use pullaudit_core::{DamagedRights, Extent, Permissions, Purpose, rights};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One right.
#[derive(Debug, Deserialize)]
struct Right {
    action: String,
    resource: String,
    #[serde(rename = "for")]
    purpose: String,
}

/// What takes on a role of another account. It is never allowed on roles that nobody named: a wildcard there
/// is a way into every account that trusts this one.
const ASSUME: &str = "sts:AssumeRole";

/// The policy, a statement for each resource.
pub(crate) fn permissions(purpose: Purpose, extent: &Extent) -> Result<Permissions, DamagedRights> {
    let all: Vec<Right> = rights("eks", include_str!("../permissions.json"))?;
    let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for right in all.iter().filter(|right| purpose == Purpose::Fix || right.purpose == "audit") {
        if right.action != ASSUME {
            by_resource.entry(&right.resource).or_default().insert(&right.action);
        }
    }
    for role in &extent.roles {
        by_resource.entry(role).or_default().insert(ASSUME);
    }
    let statement = |(resource, actions): (&str, BTreeSet<&str>)| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let statements: Vec<Value> = by_resource.into_iter().map(statement).collect();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    let mut notes = vec!["put the partition and the account where * stands in an ARN to narrow it".to_owned()];
    if extent.roles.is_empty() {
        notes.push(
            "to read other accounts it needs sts:AssumeRole on one role in each: name them in scopes.accounts of the \
             config, and they stand here"
                .to_owned(),
        );
    }
    if purpose == Purpose::Fix {
        notes.push("pullaudit writes nothing in AWS yet: these are the rights of an audit".to_owned());
    }
    Ok(Permissions { document: format!("{policy:#}\n"), notes })
}
