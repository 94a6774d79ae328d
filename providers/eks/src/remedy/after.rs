//! The facts as they would be with changes in them.

use super::target::{POLICY_NAME, RepositoryArn, Target};
use crate::facts::table;
use crate::weigh::EksFacts;
use crate::weigh::arn::RoleArn;
use pullaudit_core::{Change, Read, Section};
use serde_json::{Value, json};

/// What is to stand in a document; `None` for nothing.
pub(super) type Edit<'a> = (&'a Target, Option<&'a str>);

/// The facts after these changes; `None` where a change is none of AWS's.
pub(crate) fn after(facts: &EksFacts, changes: &[&Change]) -> Option<EksFacts> {
    let targets: Vec<Target> = changes.iter().map(|change| Target::of(change)).collect::<Option<_>>()?;
    let texts = targets.iter().zip(changes).map(|(target, change)| target.text(change.after.as_ref()));
    with(facts, &targets.iter().zip(texts).collect::<Vec<_>>())
}

/// The facts with these documents. What was not read stays unread: what else stands there is not known.
pub(super) fn with(facts: &EksFacts, edits: &[Edit<'_>]) -> Option<EksFacts> {
    let mut section = facts.section().clone();
    for (target, text) in edits {
        match target {
            Target::Inline { role } => {
                let key = key(role)?;
                list(&mut section, table::INLINE_NAMES, &key, POLICY_NAME, text.is_some());
                document(&mut section, table::INLINE, &format!("{key}/{POLICY_NAME}"), *text);
            }
            Target::Attachment { role } => {
                let arn = target.policy_arn();
                list(&mut section, table::ATTACHED, &key(role)?, &arn, text.is_some());
                define(&mut section, &arn);
            }
            Target::Repository { arn } => {
                let of = RepositoryArn::parse(arn)?;
                let key = format!("{}/{}/{}", of.account, of.region, of.name);
                document(&mut section, table::REPOSITORY_POLICIES, &key, *text);
            }
        }
    }
    EksFacts::open(&section).ok()
}

fn key(role: &str) -> Option<String> {
    RoleArn::parse(role).map(|role| format!("{}/{}", role.account, role.name))
}

fn list(section: &mut Section, table: &str, key: &str, name: &str, there: bool) {
    let rows = section.tables.get_mut(table).and_then(|rows| rows.get_mut(key));
    if let Some(Read::Got(Value::Array(names))) = rows {
        names.retain(|one| one != name);
        if there {
            names.push(json!(name));
        }
    }
}

fn document(section: &mut Section, table: &str, key: &str, text: Option<&str>) {
    if !matches!(section.get(table, key), Some(Read::Unread(_))) {
        let row = text.map_or(Read::Absent, |text| Read::Got(json!({ "text": text })));
        section.put(table, key, row);
    }
}

/// The policy of AWS is the same in every account, so that one that no role has yet need not be read.
///
/// Source: AWS managed policy reference, `AmazonEC2ContainerRegistryPullOnly`, v1.
fn define(section: &mut Section, arn: &str) {
    if section.get(table::POLICIES, arn).is_none() {
        let actions = [
            "ecr:GetAuthorizationToken",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchImportUpstreamImage",
        ];
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let text = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        section.put(table::POLICIES, arn, Read::Got(json!({ "text": text, "version": "v1" })));
    }
}
