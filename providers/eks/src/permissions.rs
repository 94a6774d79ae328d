//! The rights that pullaudit needs in AWS, as an IAM policy.

use pullaudit_core::{Permissions, Purpose};
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

/// The policy, a statement for each resource.
pub(crate) fn permissions(purpose: Purpose, _accounts: &[String]) -> Permissions {
    let all: Vec<Right> = serde_json::from_str(include_str!("../permissions.json")).unwrap_or_default();
    let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for right in all.iter().filter(|right| purpose == Purpose::Fix || right.purpose == "audit") {
        by_resource.entry(&right.resource).or_default().insert(&right.action);
    }
    let statement = |(resource, actions): (&str, BTreeSet<&str>)| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let statements: Vec<Value> = by_resource.into_iter().map(statement).collect();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    let mut notes = vec![
        "put the partition and the account where * stands in an ARN to narrow it; sts:AssumeRole is for the roles of other \
         accounts that the config names"
            .to_owned(),
    ];
    if purpose == Purpose::Fix {
        notes.push("pullaudit writes nothing in AWS yet: these are the rights of an audit".to_owned());
    }
    Permissions { document: serde_json::to_string_pretty(&policy).unwrap_or_default() + "\n", notes }
}
