//! The rights that pullaudit needs in AWS, as an IAM policy.

use pullaudit_core::{DamagedRights, Extent, Permissions, Purpose, rights};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One right.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Right {
    action: String,
    resource: String,
    #[serde(rename = "for")]
    purpose: String,
    /// The one managed policy that the right is for.
    #[serde(default)]
    only_policy: Option<String>,
}

/// What takes on a role of another account. It is never allowed on roles that nobody named: a wildcard there
/// is a way into every account that trusts this one.
const ASSUME: &str = "sts:AssumeRole";

/// The purpose of a right that saves calls and tells nothing more.
const LARGE: &str = "large accounts";

/// The policy, a statement for each resource.
pub(crate) fn permissions(purpose: Purpose, extent: &Extent) -> Result<Permissions, DamagedRights> {
    let all: Vec<Right> = rights("eks", include_str!("../permissions.json"))?;
    let mut by_resource: BTreeMap<(&str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for right in
        all.iter().filter(|right| right.purpose != LARGE && (purpose == Purpose::Fix || right.purpose == "audit"))
    {
        if right.action != ASSUME {
            by_resource.entry((&right.resource, right.only_policy.as_deref())).or_default().insert(&right.action);
        }
    }
    for role in &extent.roles {
        by_resource.entry((role, None)).or_default().insert(ASSUME);
    }
    let statement = |((resource, policy), actions): ((&str, Option<&str>), BTreeSet<&str>)| {
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
        if let Some(arn) = policy {
            statement["Condition"] = json!({ "ArnLike": { "iam:PolicyARN": arn } });
        }
        statement
    };
    let statements: Vec<Value> = by_resource.into_iter().map(statement).collect();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    let mut notes = vec!["put the partition and the account where * stands in an ARN to narrow it".to_owned()];
    notes.push(
        "where more than 30 roles of an account pull, iam:GetAccountAuthorizationDetails on * saves two calls a role; \
         without it each role is asked"
            .to_owned(),
    );
    if extent.roles.is_empty() {
        notes.push(
            "to read other accounts it needs sts:AssumeRole on one role in each: name them in scopes.accounts of the \
             config, and they stand here"
                .to_owned(),
        );
    }
    if purpose == Purpose::Fix {
        notes.push(
            "iam:PutRolePolicy can't be narrowed to one policy name: name the node roles as its resource, and give \
             ecr:SetRepositoryPolicy in the accounts of the registries"
                .to_owned(),
        );
    }
    Ok(Permissions { document: format!("{policy:#}\n"), notes })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn statements(purpose: Purpose) -> Vec<Value> {
        let policy: Value =
            serde_json::from_str(&permissions(purpose, &Extent::default()).unwrap().document).unwrap();
        policy["Statement"].as_array().unwrap().clone()
    }

    #[test]
    fn an_audit_writes_nothing_and_a_fix_only_what_it_takes_back_too() {
        let writes = |purpose: Purpose| -> BTreeSet<String> {
            let actions =
                statements(purpose).into_iter().flat_map(|one| one["Action"].as_array().unwrap().clone());
            let actions = actions.map(|action| action.as_str().unwrap().to_owned());
            let reads = ["Get", "List", "Describe", "AssumeRole", "Simulate"];
            actions.filter(|action| !reads.iter().any(|read| action.contains(read))).collect()
        };
        assert!(writes(Purpose::Audit).is_empty());
        let all = [
            "ecr:DeleteRepositoryPolicy",
            "ecr:SetRepositoryPolicy",
            "iam:AttachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePolicy",
        ];
        assert_eq!(writes(Purpose::Fix), all.map(str::to_owned).into());
    }

    #[test]
    fn a_policy_is_attached_only_where_it_is_the_one_that_pulls() {
        let attaching = |one: &Value| one["Action"].to_string().contains("AttachRolePolicy");
        let found: Vec<Value> = statements(Purpose::Fix).into_iter().filter(attaching).collect();
        let condition =
            json!({ "ArnLike": { "iam:PolicyARN": "arn:*:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly" } });
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0]["Action"], &found[0]["Condition"]),
            (&json!(["iam:AttachRolePolicy", "iam:DetachRolePolicy"]), &condition)
        );
    }
}
