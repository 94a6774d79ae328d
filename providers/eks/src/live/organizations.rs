//! The place of accounts in their organization, and the policies above them.
//!
//! Everybody may ask which organization an account is in; what stands above it is told to the account that manages it and
//! to delegated ones alone. Where none of ours is such a one, one refused call an account is what that costs.

use super::accounts::{Account, Accounts};
use super::call::Caller;
use super::operation::{DESCRIBE_ORGANIZATION, DESCRIBE_POLICY, LIST_PARENTS, LIST_POLICIES_FOR_TARGET};
use super::paging::pages;
use super::trouble::Trouble;
use crate::facts::{ALLOW_ALL, Document, Organization, in_organization, table};
use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{OrganizationFeatureSet, PolicyType};
use futures_util::future::{join, join_all};
use pullaudit_core::{Open, Read, Section, Text};
use std::collections::{BTreeMap, BTreeSet};

/// The service's word for an account that is in no organization.
const NONE: &[&str] = &["AWSOrganizationsNotInUseException"];
/// And for one that is in another, or in none.
const NOT_HERE: &[&str] = &["ChildNotFoundException"];

/// What an answer is as a reading, of which it is known whether it may be assumed.
fn read<T>(answer: Result<T, Trouble>, absent: &[&str], reading: impl Into<Text>, scope: &str) -> Read<T> {
    match answer {
        Ok(value) => Read::Got(value),
        Err(trouble) if trouble.is(absent) => Read::Absent,
        Err(trouble) => Read::Unread(trouble.open_above(reading, scope)),
    }
}

/// Every table of a section that is read here.
pub(crate) const TABLES: [&str; 5] = [
    table::ORGANIZATIONS,
    table::PARENTS,
    table::SERVICE_CONTROLS,
    table::RESOURCE_CONTROLS,
    table::CONTROL_POLICIES,
];

/// What is known of the organizations of these accounts, in rows.
pub(crate) async fn collect(caller: &Caller, accounts: &Accounts, ids: &BTreeSet<&str>) -> Section {
    let mut section = Section::default();
    let own: Vec<&Account> = ids.iter().filter_map(|id| accounts.get(id)).collect();
    let viewers: Vec<Viewer<'_>> = own.iter().map(|account| Viewer::new(caller, account)).collect();
    let places = own.iter().zip(&viewers).map(|(account, viewer)| viewer.organization(&account.id));
    let places = join_all(places).await;
    let mut organizations: BTreeMap<String, (Organization, Vec<&Account>)> = BTreeMap::new();
    for (account, place) in own.iter().zip(places) {
        if let Read::Got(organization) = &place
            && organization.all_features
        {
            let known = organizations.entry(organization.id.clone()).or_insert((organization.clone(), Vec::new()));
            known.1.push(account);
        }
        section.store(table::ORGANIZATIONS, account.id.as_str(), place);
    }
    let others: BTreeSet<&str> = ids.iter().copied().filter(|id| accounts.get(id).is_none()).collect();
    for (organization, members) in organizations.into_values() {
        let mut viewers = members.clone();
        viewers.extend(accounts.get(&organization.management));
        viewers.sort_by_key(|account| account.id != organization.management);
        viewers.dedup_by_key(|account| account.id.clone());
        let bound = members.iter().map(|account| account.id.as_str()).filter(|id| *id != organization.management);
        let above = Above { organization: &organization, section: &mut section };
        above.read(caller, &viewers, bound.collect(), &others).await;
    }
    let untold: Vec<&str> =
        others.into_iter().filter(|id| section.get(table::ORGANIZATIONS, id).is_none()).collect();
    for id in untold {
        let open = accounts.closed(id, format!("organization of account {id}"), DESCRIBE_ORGANIZATION);
        section.put(table::ORGANIZATIONS, id, Read::Unread(open));
    }
    section
}

/// What stands above accounts of one organization.
struct Above<'a> {
    organization: &'a Organization,
    section: &'a mut Section,
}

impl Above<'_> {
    fn key(&self, id: &str) -> String {
        in_organization(&self.organization.id, id)
    }

    async fn read(self, caller: &Caller, viewers: &[&Account], bound: BTreeSet<&str>, others: &BTreeSet<&str>) {
        let Some(probe) = bound.iter().chain(others).next() else { return };
        let (viewer, found) = match self.viewer(caller, viewers, probe).await {
            Ok(found) => found,
            Err(Some(open)) => return self.unseen(&bound, &open),
            Err(None) => return,
        };
        let rest: Vec<&str> = bound.iter().chain(others).copied().filter(|id| id != probe).collect();
        let parents = join_all(rest.iter().map(|id| viewer.parent(id))).await;
        let asked = std::iter::once(*probe).chain(rest);
        let parents = std::iter::once(found).chain(parents);
        let mut targets: BTreeSet<String> = BTreeSet::new();
        let mut rising: BTreeSet<String> = BTreeSet::new();
        for (id, parent) in asked.zip(parents) {
            if matches!(parent, Read::Absent) {
                if bound.contains(id) {
                    let why =
                        format!("what is above account {id}, which its organization does not know; read again");
                    self.section.put(table::PARENTS, self.key(id), Read::Unread(Open::undecidable(why)));
                }
                continue;
            }
            if others.contains(id) && matches!(parent, Read::Got(_)) {
                self.section.store(table::ORGANIZATIONS, id, Read::Got(self.organization.clone()));
            }
            targets.insert(id.to_owned());
            rising.extend(parent.got().cloned());
            self.section.store(table::PARENTS, self.key(id), parent);
        }
        while !rising.is_empty() {
            targets.extend(rising.iter().cloned());
            let units: Vec<String> = rising.iter().filter(|id| !id.starts_with("r-")).cloned().collect();
            let parents = join_all(units.iter().map(|id| viewer.parent(id))).await;
            rising = parents.iter().filter_map(Read::got).filter(|id| !targets.contains(*id)).cloned().collect();
            for (unit, parent) in units.into_iter().zip(parents) {
                self.section.store(table::PARENTS, self.key(&unit), parent);
            }
        }
        self.policies(&viewer, targets).await;
    }

    /// Who may look: the first of the accounts that is not refused, with its answer. The error is why nobody may: of
    /// several, one that failed, since that may work when it is tried again.
    async fn viewer<'v>(
        &self,
        caller: &'v Caller,
        viewers: &[&'v Account],
        probe: &str,
    ) -> Result<(Viewer<'v>, Read<String>), Option<Open>> {
        let mut why: Option<Open> = None;
        for account in viewers {
            let viewer = Viewer::new(caller, account);
            match viewer.parent(probe).await {
                Read::Unread(open) => why = Some(why.filter(|first| !first.is_assumable()).unwrap_or(open)),
                parent => return Ok((viewer, parent)),
            }
        }
        Err(why)
    }

    /// What is above these accounts and what is attached to them, where nobody may look.
    fn unseen(self, bound: &BTreeSet<&str>, open: &Open) {
        for id in bound {
            let key = self.key(id);
            self.section.put(table::PARENTS, key.as_str(), Read::Unread(open.clone()));
            for (table, what) in [
                (table::SERVICE_CONTROLS, "service control policies"),
                (table::RESOURCE_CONTROLS, "resource control policies"),
            ] {
                let open = lists(open, format!("{what} of account {id}"));
                self.section.put(table, key.as_str(), Read::Unread(open));
            }
        }
    }

    async fn policies(self, viewer: &Viewer<'_>, targets: BTreeSet<String>) {
        let lists = join_all(targets.iter().map(|target| {
            join(
                viewer.attached(target, PolicyType::ServiceControlPolicy),
                viewer.attached(target, PolicyType::ResourceControlPolicy),
            )
        }));
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (target, (service, resource)) in targets.iter().zip(lists.await) {
            for (table, list) in [(table::SERVICE_CONTROLS, service), (table::RESOURCE_CONTROLS, resource)] {
                names.extend(list.got().into_iter().flatten().cloned());
                self.section.store(table, self.key(target), list);
            }
        }
        names.retain(|name| !ALLOW_ALL.contains(&name.as_str()));
        let documents = join_all(names.iter().map(|name| viewer.policy(name))).await;
        for (name, document) in names.into_iter().zip(documents) {
            self.section.store(table::CONTROL_POLICIES, self.key(&name), document);
        }
    }
}

/// An account by which an organization is looked at.
struct Viewer<'a> {
    caller: &'a Caller,
    client: Client,
    scope: String,
}

impl<'a> Viewer<'a> {
    fn new(caller: &'a Caller, account: &Account) -> Self {
        Self { caller, client: account.organizations(), scope: format!("account {}", account.id) }
    }

    async fn organization(&self, account: &str) -> Read<Organization> {
        let sent = self.client.describe_organization().send();
        let answer = self.caller.ask(DESCRIBE_ORGANIZATION, sent).await.and_then(|answer| {
            let found = answer.organization.map(|found| (found.id, found.master_account_id, found.feature_set));
            let Some((Some(id), Some(management), features)) = found else {
                return Err(Trouble::failed(DESCRIBE_ORGANIZATION, "the answer names no organization"));
            };
            let all_features = features != Some(OrganizationFeatureSet::ConsolidatedBilling);
            Ok(Organization { id, management, all_features })
        });
        read(answer, NONE, format!("organization of account {account}"), self.scope.as_str())
    }

    /// The unit or root above an account or unit; absent where the organization has no such account.
    async fn parent(&self, child: &str) -> Read<String> {
        let sent = self.client.list_parents().child_id(child).send();
        let answer = self.caller.ask(LIST_PARENTS, sent).await.and_then(|answer| {
            let parent = answer.parents.unwrap_or_default().into_iter().next().and_then(|parent| parent.id);
            parent.ok_or_else(|| Trouble::failed(LIST_PARENTS, "the answer names no parent"))
        });
        read(answer, NOT_HERE, format!("what is above {child} in its organization"), self.scope.as_str())
    }

    async fn attached(&self, target: &str, kind: PolicyType) -> Read<Vec<String>> {
        let what = kind.as_str().to_ascii_lowercase().replace('_', " ").replace("policy", "policies");
        let answer = pages(LIST_POLICIES_FOR_TARGET, |token| {
            let request = self.client.list_policies_for_target().target_id(target).filter(kind.clone());
            let sent = request.set_next_token(token).send();
            async {
                let page = self.caller.ask(LIST_POLICIES_FOR_TARGET, sent).await?;
                let policies = page.policies.unwrap_or_default();
                Ok((policies.into_iter().filter_map(|policy| policy.id).collect(), page.next_token))
            }
        });
        read(answer.await, &[], format!("{what} of {target}"), self.scope.as_str())
    }

    async fn policy(&self, id: &str) -> Read<Document> {
        let answer = self.caller.ask(DESCRIBE_POLICY, self.client.describe_policy().policy_id(id).send()).await;
        let answer = answer.and_then(|answer| match answer.policy.and_then(|policy| policy.content) {
            Some(text) => Ok(Document { text, version: None }),
            None => Err(Trouble::failed(DESCRIBE_POLICY, "the answer holds no document")),
        });
        read(answer, &[], format!("policy {id} of the organization"), self.scope.as_str())
    }
}

/// A list that nobody was asked for, since what is above the account could not be read either.
fn lists(parent: &Open, reading: String) -> Open {
    match parent {
        Open::Unread { scope, assumable, obstacle, .. } => Open::Unread {
            reading: reading.into(),
            permission: LIST_POLICIES_FOR_TARGET.action.into(),
            scope: scope.clone(),
            assumable: *assumable,
            obstacle: obstacle.clone(),
        },
        undecidable @ Open::Undecidable { .. } => undecidable.clone(),
    }
}
