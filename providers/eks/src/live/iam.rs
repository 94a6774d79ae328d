//! The policies of roles: their own, attached ones, and boundaries.

use super::accounts::{Account, Accounts};
use super::call::{Caller, read};
use super::details::{Details, FEW, details};
use super::document;
use super::ecr::optional;
use super::needs::{Needs, RoleName};
use super::operation::{
    GET_INSTANCE_PROFILE, GET_POLICY, GET_POLICY_VERSION, GET_ROLE, GET_ROLE_POLICY, LIST_ATTACHED_ROLE_POLICIES,
    LIST_ROLE_POLICIES, Operation,
};
use super::paging::pages;
use super::trouble::Trouble;
use crate::facts::{Document, Role, table};
use aws_sdk_iam::Client;
use futures_util::future::{join, join_all};
use pullaudit_core::{Read, Section};
use std::collections::{BTreeMap, BTreeSet};

/// IAM's word for "there is none", for roles and policies alike.
pub(crate) const NONE: &[&str] = &["NoSuchEntity", "NoSuchEntityException"];

/// Everything that a weighing of these roles looks at, in rows.
pub(crate) async fn collect(caller: &Caller, accounts: &Accounts, needs: &Needs) -> Section {
    let roles = &needs.roles;
    let mut section = Section::default();
    let mut clients: BTreeMap<&str, (&Account, Client)> = BTreeMap::new();
    for role in roles {
        match accounts.get(&role.account) {
            Some(account) => {
                clients.entry(account.id.as_str()).or_insert_with(|| (account, account.iam()));
            }
            None => closed(&mut section, accounts, role),
        }
    }
    let details = many(caller, &clients, roles).await;
    let read = join_all(roles.iter().filter_map(|role| {
        let (account, iam) = clients.get(role.account.as_str())?;
        let reading = Reading { caller, iam, scope: format!("account {}", account.id) };
        let details = details.get(role.account.as_str());
        Some(one_role(reading, role, details, needs.taken_on.contains(role)))
    }));
    // Each policy is read once, by the first account that names it: managed ones are shared by many.
    let mut policies: BTreeMap<String, &str> = BTreeMap::new();
    for (rows, found, role) in read.await {
        merge(&mut section, rows);
        for arn in found {
            policies.entry(arn).or_insert(&role.account);
        }
    }
    policies.retain(|arn, account| {
        let told = details.get(*account).and_then(|details| details.policy(arn));
        if let Some(document) = told {
            section.store(table::POLICIES, arn.as_str(), Read::Got(document.clone()));
        }
        told.is_none()
    });
    let documents = join_all(policies.into_iter().filter_map(|(arn, account)| {
        let (account, iam) = clients.get(account)?;
        let reading = Reading { caller, iam, scope: format!("account {}", account.id) };
        Some(async move { (reading.policy(&arn).await, arn) })
    }));
    for (document, arn) in documents.await {
        section.store(table::POLICIES, arn, document);
    }
    section
}

/// The lists of accounts of which many roles are asked.
async fn many<'a>(
    caller: &Caller,
    clients: &BTreeMap<&'a str, (&Account, Client)>,
    roles: &BTreeSet<RoleName>,
) -> BTreeMap<&'a str, Details> {
    let named = |account: &str| -> BTreeSet<&str> {
        roles.iter().filter(|role| role.account == account).map(|role| role.name.as_str()).collect()
    };
    let wanted =
        clients.iter().map(|(id, client)| (*id, client, named(id))).filter(|(.., names)| names.len() > FEW);
    let reading = wanted.map(|(id, (account, iam), names)| async move {
        let reading = Reading { caller, iam, scope: format!("account {}", account.id) };
        (id, details(&reading, &names).await)
    });
    join_all(reading).await.into_iter().collect()
}

/// One role's account under reading.
pub(crate) struct Reading<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) iam: &'a Client,
    pub(crate) scope: String,
}

/// The role's own rows, and the ARNs of the policies that it names. A role is always asked for itself: the account's list
/// was once reported to leave boundaries out.
async fn one_role<'a>(
    reading: Reading<'_>,
    role: &'a RoleName,
    details: Option<&Details>,
    taken_on: bool,
) -> (Section, BTreeSet<String>, &'a RoleName) {
    let mut section = Section::default();
    let key = role.key();
    let (detail, trust) = reading.role_and_trust(&role.name).await;
    // Who may take a node's role on is no matter of pulls.
    if taken_on {
        section.store(table::TRUST_POLICIES, key.as_str(), trust);
    }
    let mut policies: BTreeSet<String> = detail.got().and_then(|role| role.boundary.clone()).into_iter().collect();
    let told = detail.got().and_then(|read| details?.role(&role.name, &read.role_id));
    if let Some(told) = told {
        policies.extend(told.attached.iter().cloned());
        for (name, document) in &told.inline {
            section.store(table::INLINE, format!("{key}/{name}"), Read::Got(document.clone()));
        }
        section.store(table::ATTACHED, key.as_str(), Read::Got(told.attached.clone()));
        let names: Vec<&String> = told.inline.keys().collect();
        section.store(table::INLINE_NAMES, key.as_str(), Read::Got(names));
    } else if !matches!(detail, Read::Absent) {
        // A role that is certainly gone has no policies to ask for.
        let (attached, inline) = join(reading.attached(&role.name), reading.inline_names(&role.name)).await;
        policies.extend(attached.got().into_iter().flatten().cloned());
        let names = inline.got().cloned().unwrap_or_default();
        let documents = join_all(names.iter().map(|name| reading.inline(&role.name, name))).await;
        for (name, document) in names.iter().zip(documents) {
            section.store(table::INLINE, format!("{key}/{name}"), document);
        }
        section.store(table::ATTACHED, key.as_str(), attached);
        section.store(table::INLINE_NAMES, key.as_str(), inline);
    }
    section.store(table::ROLES, key, detail);
    (section, policies, role)
}

impl Reading<'_> {
    pub(crate) async fn role(&self, name: &str) -> Read<Role> {
        self.role_and_trust(name).await.0
    }

    /// The role, and who may take it on.
    async fn role_and_trust(&self, name: &str) -> (Read<Role>, Read<Document>) {
        let sent = self.iam.get_role().role_name(name).send();
        let answer = self.caller.ask(GET_ROLE, sent).await;
        let mut trust = None;
        let answer =
            answer.and_then(|answer| answer.role.ok_or_else(|| Trouble::failed(GET_ROLE, "the answer is empty")));
        let role = answer.map(|role| {
            trust = role.assume_role_policy_document().map(document::decode);
            Role {
                arn: role.arn().to_owned(),
                role_id: role.role_id().to_owned(),
                boundary: role
                    .permissions_boundary()
                    .and_then(|b| b.permissions_boundary_arn())
                    .map(str::to_owned),
                tags: role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
            }
        });
        let role = read(role, NONE, format!("role {name}"), self.scope.as_str());
        let trust = match (&role, trust) {
            (Read::Got(_), Some(text)) => Read::Got(Document { text, version: None }),
            (Read::Got(_), None) | (Read::Absent, _) => Read::Absent,
            (Read::Unread(open), _) => Read::Unread(open.clone()),
        };
        (role, trust)
    }

    /// The ARN of the role in an instance profile.
    pub(crate) async fn profile(&self, name: &str) -> Read<String> {
        let sent = self.iam.get_instance_profile().instance_profile_name(name).send();
        let answer = self.caller.ask(GET_INSTANCE_PROFILE, sent).await;
        let role = answer.map(|answer| {
            let roles = answer.instance_profile.map(|profile| profile.roles).unwrap_or_default();
            roles.into_iter().next().map(|role| role.arn)
        });
        optional(read(role, NONE, format!("instance profile {name}"), self.scope.as_str()))
    }

    pub(crate) async fn attached(&self, role: &str) -> Read<Vec<String>> {
        let answer = pages(LIST_ATTACHED_ROLE_POLICIES, |marker| {
            let sent = self.iam.list_attached_role_policies().role_name(role).set_marker(marker).send();
            async {
                let page = self.caller.ask(LIST_ATTACHED_ROLE_POLICIES, sent).await?;
                let next = next(LIST_ATTACHED_ROLE_POLICIES, page.is_truncated, page.marker)?;
                let policies = page.attached_policies.unwrap_or_default();
                Ok((policies.into_iter().filter_map(|policy| policy.policy_arn).collect(), next))
            }
        });
        read(answer.await, NONE, format!("policies attached to role {role}"), self.scope.as_str())
    }

    async fn inline_names(&self, role: &str) -> Read<Vec<String>> {
        let answer = pages(LIST_ROLE_POLICIES, |marker| {
            let sent = self.iam.list_role_policies().role_name(role).set_marker(marker).send();
            async {
                let page = self.caller.ask(LIST_ROLE_POLICIES, sent).await?;
                let next = next(LIST_ROLE_POLICIES, page.is_truncated, page.marker)?;
                Ok((page.policy_names, next))
            }
        });
        read(answer.await, NONE, format!("inline policies of role {role}"), self.scope.as_str())
    }

    pub(crate) async fn inline(&self, role: &str, name: &str) -> Read<Document> {
        let sent = self.iam.get_role_policy().role_name(role).policy_name(name).send();
        let answer = self.caller.ask(GET_ROLE_POLICY, sent).await;
        let answer =
            answer.map(|answer| Document { text: document::decode(&answer.policy_document), version: None });
        read(answer, NONE, format!("inline policy {name} of role {role}"), self.scope.as_str())
    }

    async fn policy(&self, arn: &str) -> Read<Document> {
        read(self.default_version(arn).await, NONE, format!("policy {arn}"), self.scope.as_str())
    }

    async fn default_version(&self, arn: &str) -> Result<Document, Trouble> {
        let answer = self.caller.ask(GET_POLICY, self.iam.get_policy().policy_arn(arn).send()).await?;
        let version = answer.policy.and_then(|policy| policy.default_version_id);
        let version = version.ok_or_else(|| Trouble::failed(GET_POLICY, "the answer names no default version"))?;
        let sent = self.iam.get_policy_version().policy_arn(arn).version_id(&version).send();
        let answer = self.caller.ask(GET_POLICY_VERSION, sent).await?;
        let text = answer.policy_version.and_then(|version| version.document);
        let text = text.ok_or_else(|| Trouble::failed(GET_POLICY_VERSION, "the answer holds no document"))?;
        Ok(Document { text: document::decode(&text), version: Some(version) })
    }
}

/// IAM says by a flag of its own whether the marker counts.
pub(crate) fn next(
    operation: &'static Operation,
    truncated: bool,
    marker: Option<String>,
) -> Result<Option<String>, Trouble> {
    match (truncated, marker) {
        (false, _) => Ok(None),
        (true, Some(marker)) if !marker.is_empty() => Ok(Some(marker)),
        (true, _) => Err(Trouble::failed(operation, "the answer is cut off and names no next page")),
    }
}

/// A role is never asked for across accounts: the API takes a bare name, and the caller's account may
/// have another role of that name.
fn closed(section: &mut Section, accounts: &Accounts, role: &RoleName) {
    let name = &role.name;
    let rows = [
        (table::ROLES, format!("role {name}"), GET_ROLE),
        (table::ATTACHED, format!("policies attached to role {name}"), LIST_ATTACHED_ROLE_POLICIES),
        (table::INLINE_NAMES, format!("inline policies of role {name}"), LIST_ROLE_POLICIES),
    ];
    for (table, reading, operation) in rows {
        section.put(table, role.key(), Read::Unread(accounts.closed(&role.account, reading, operation)));
    }
}

/// Adds rows that share tables with those there.
pub(crate) fn merge(section: &mut Section, other: Section) {
    for (table, rows) in other.tables {
        section.tables.entry(table).or_default().extend(rows);
    }
}
