//! Many roles of one account, from the list of all that it has.

use super::document;
use super::iam::{Reading, next};
use super::operation::GET_ACCOUNT_AUTHORIZATION_DETAILS;
use crate::facts::Document;
use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail};
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many roles of an account, each one's own three calls cost less, and a smaller right.
pub(crate) const FEW: usize = 30;
/// A page costs one call, and saves two for each role on it.
const SAVED: usize = 2;

/// What the list told.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// By name.
    roles: BTreeMap<String, RolePolicies>,
    /// The account's own managed policies, by ARN.
    policies: BTreeMap<String, Document>,
}

/// The policies of a role.
#[derive(Debug)]
pub(crate) struct RolePolicies {
    /// Its unique id, by which it is told from another role of its name.
    pub(crate) id: String,
    /// ARNs of what is attached.
    pub(crate) attached: Vec<String>,
    /// By name.
    pub(crate) inline: BTreeMap<String, Document>,
}

impl Details {
    /// A role of this name and id.
    pub(crate) fn role(&self, name: &str, id: &str) -> Option<&RolePolicies> {
        self.roles.get(name).filter(|role| role.id == id)
    }

    /// A policy of the account's own.
    pub(crate) fn policy(&self, arn: &str) -> Option<&Document> {
        self.policies.get(arn)
    }
}

/// Reads the list until it has told of these roles and of what is attached to them, or costs more than it saves. Nothing is
/// lost where it can't be read: what it does not tell is asked of each role.
pub(crate) async fn details(reading: &Reading<'_>, wanted: &BTreeSet<&str>) -> Details {
    let mut details = Details::default();
    let mut marker = None;
    for _ in 0..wanted.len() * SAVED {
        let request = reading.iam.get_account_authorization_details();
        let request = request.filter(EntityType::Role).filter(EntityType::LocalManagedPolicy);
        let sent = request.max_items(1000).set_marker(marker).send();
        let Ok(page) = reading.caller.ask(GET_ACCOUNT_AUTHORIZATION_DETAILS, sent).await else { return details };
        for role in page.role_detail_list.unwrap_or_default() {
            details.add_role(role, wanted);
        }
        details.policies.extend(page.policies.unwrap_or_default().into_iter().filter_map(default_version));
        match next(GET_ACCOUNT_AUTHORIZATION_DETAILS, page.is_truncated, page.marker) {
            Ok(Some(token)) if !details.is_whole(wanted) => marker = Some(token),
            // A page that names no next one has told what is on it all the same.
            Ok(_) | Err(_) => return details,
        }
    }
    details
}

impl Details {
    /// A policy that is dropped may be the one that denies: a role with anything left out is asked for itself.
    fn add_role(&mut self, role: RoleDetail, wanted: &BTreeSet<&str>) {
        let named = role.role_name.as_deref().is_some_and(|name| wanted.contains(name));
        if let Some((name, policies)) = Some(role).filter(|_| named).and_then(policies_of) {
            self.roles.insert(name, policies);
        }
    }

    /// Whether nothing more of it is of use: policies of AWS itself are not in it.
    fn is_whole(&self, wanted: &BTreeSet<&str>) -> bool {
        let told = |arn: &String| arn.contains("::aws:policy/") || self.policies.contains_key(arn);
        self.roles.len() == wanted.len() && self.roles.values().flat_map(|role| &role.attached).all(told)
    }
}

fn policies_of(role: RoleDetail) -> Option<(String, RolePolicies)> {
    let attached: Option<Vec<String>> =
        role.attached_managed_policies?.into_iter().map(|policy| policy.policy_arn).collect();
    let mut attached = attached?;
    attached.sort();
    let inline = role.role_policy_list?.into_iter().map(|policy| {
        let text = document::decode(&policy.policy_document?);
        Some((policy.policy_name?, Document { text, version: None }))
    });
    Some((role.role_name?, RolePolicies { id: role.role_id?, attached, inline: inline.collect::<Option<_>>()? }))
}

fn default_version(policy: ManagedPolicyDetail) -> Option<(String, Document)> {
    let versions = policy.policy_version_list.unwrap_or_default();
    let version = versions.into_iter().find(|version| version.is_default_version)?;
    let text = document::decode(&version.document?);
    Some((policy.arn?, Document { text, version: version.version_id }))
}
