//! Roles with their policies.

use super::{Asked, Policies, Row, policy_place, row, rows};
use crate::codes::Finding;
use crate::facts::{Document, Role, table};
use crate::weigh::controls::{Controls, Membership, Side};
use crate::weigh::policy::action::Acts;
use crate::weigh::policy::{Kind, Policy};
use pullaudit_core::{Code, Open, Section, Text};
use std::collections::BTreeSet;

/// A role with all that limits it.
#[derive(Debug)]
pub(crate) struct RoleEntry {
    pub(crate) account: String,
    pub(crate) state: RoleState,
    /// `role karpenter-pay-euc1 (412…)`
    pub(crate) place: Text,
    /// Its own policies, inline and attached.
    pub(crate) identity: Policy,
    /// Where those stand, for saying that none of them allows.
    pub(crate) identity_place: Text,
    /// `None` when it has no boundary.
    pub(crate) boundary: Option<Policy>,
    pub(crate) boundary_place: Text,
    /// The service control policies above its account; none for a service-linked role, which they do not bind.
    pub(crate) service: Controls,
    /// The resource control policies there, which may reach what names no resource.
    pub(crate) resource: Controls,
    /// The organization of its account.
    pub(crate) organization: Membership,
    /// Who may take it on.
    pub(crate) trust: Policy,
    pub(crate) trust_place: Text,
    /// True when some statement tells the two actions of a pull apart.
    pub(crate) splits: bool,
    /// Its policies that grant an action of a pull, and whether each grants a push as well.
    pub(crate) pulls: Vec<(Text, bool)>,
    /// True when it is known to have no policy of its own at all.
    pub(crate) bare: bool,
}

/// What is known of the role itself.
#[derive(Debug)]
pub(crate) enum RoleState {
    Known(Role),
    Missing,
    Open { open: Open, code: Code },
}

/// Account and name of every role that any table speaks of.
pub(super) fn keys(section: &Section) -> BTreeSet<(&str, &str)> {
    [table::ROLES, table::ATTACHED, table::INLINE_NAMES]
        .into_iter()
        .flat_map(|table| rows(section, table))
        .filter_map(|(key, _)| key.split_once('/'))
        .collect()
}

impl RoleEntry {
    /// A role of which nothing was read.
    pub(crate) fn not_collected(account: &str, name: &str) -> Self {
        Self::open(&Section::default(), account, name, &Policies::new())
    }

    fn empty(section: &Section, account: &str, name: &str, state: RoleState) -> Self {
        // Source: Organizations user guide, "Tasks and entities not restricted by SCPs".
        let bound = !matches!(&state, RoleState::Known(role) if role.arn.contains(":role/aws-service-role/"));
        let above = |side| Controls::above(section, account, side);
        Self {
            account: account.to_owned(),
            state,
            place: format!("role {name} ({account})").into(),
            identity: Policy::default(),
            identity_place: format!("policies of role {name} ({account})").into(),
            boundary: None,
            boundary_place: format!("boundary of role {name} ({account})").into(),
            service: if bound { above(Side::Service) } else { Controls::default() },
            resource: above(Side::Resource),
            organization: Membership::of(section, account),
            trust: Policy::default(),
            trust_place: format!("trust policy of role {name} ({account})").into(),
            splits: false,
            pulls: Vec::new(),
            bare: false,
        }
    }

    pub(super) fn open(section: &Section, account: &str, name: &str, policies: &Policies) -> Self {
        let key = format!("{account}/{name}");
        let place = format!("role {name} ({account})");
        let asked =
            Asked { reading: &place, permission: "iam:GetRole", account, code: Finding::RoleUnread.code() };
        let mut read: Row<Role> = row(section, table::ROLES, &key, &asked);
        let attached = attached(section, account, name, &key);
        let inline = inline_names(section, account, name, &key);
        if matches!(read, Row::Absent) && (matches!(attached, Row::Got(_)) || matches!(inline, Row::Got(_))) {
            read = asked.contradicted("IAM said that it does not exist and listed its policies");
        }
        let state = match read {
            Row::Got(role) => RoleState::Known(role),
            Row::Absent => RoleState::Missing,
            Row::Open(open, code) => RoleState::Open { open, code },
        };
        let mut entry = Self::empty(section, account, name, state);
        let none = |row: &Row<Vec<String>>| matches!(row, Row::Got(names) if names.is_empty());
        entry.bare = none(&attached) && none(&inline);
        entry.add_attached(attached, section, policies);
        entry.add_inline(inline, section, name, &key);
        entry.add_boundary(section, policies);
        entry.add_trust(section, &key);
        entry.splits = entry.identity.splits(Acts::PULL)
            || entry.boundary.as_ref().is_some_and(|policy| policy.splits(Acts::PULL))
            || entry.service.splits(Acts::PULL);
        entry
    }

    fn add_attached(&mut self, attached: Row<Vec<String>>, section: &Section, policies: &Policies) {
        match attached {
            Row::Got(arns) => {
                for arn in arns {
                    let policy = managed(section, &arn, &self.account, policies, Finding::PolicyUnread);
                    self.add(policy, policy_place(&arn));
                }
            }
            Row::Absent => {}
            Row::Open(open, code) => {
                let place = format!("managed policies of {}", self.place);
                self.identity.extend(Policy::unreadable(open, code, &place));
            }
        }
    }

    fn add(&mut self, policy: Policy, place: Text) {
        if policy.grants(Acts::PULL) {
            self.pulls.push((place, policy.grants(Acts::PUSH)));
        }
        self.identity.extend(policy);
    }

    fn add_inline(&mut self, names: Row<Vec<String>>, section: &Section, role: &str, key: &str) {
        match names {
            Row::Got(names) => {
                for name in names {
                    let place = format!("inline policy {name} of role {role} ({})", self.account);
                    let asked = Asked {
                        reading: &place,
                        permission: "iam:GetRolePolicy",
                        account: &self.account,
                        code: Finding::PolicyUnread.code(),
                    };
                    let document = row(section, table::INLINE, &format!("{key}/{name}"), &asked);
                    self.add(read_document(document, &asked), place.as_str().into());
                }
            }
            Row::Absent => {}
            Row::Open(open, code) => {
                let place = format!("inline policies of {}", self.place);
                self.identity.extend(Policy::unreadable(open, code, &place));
            }
        }
    }

    fn add_trust(&mut self, section: &Section, key: &str) {
        let code = Finding::ServiceAccountTrust.code();
        let asked = Asked { reading: &self.trust_place, permission: "iam:GetRole", account: &self.account, code };
        self.trust = match row::<Document>(section, table::TRUST_POLICIES, key, &asked) {
            Row::Got(document) => Policy::parse(&document.text, Kind::Trust, &self.trust_place),
            Row::Open(open, _) => Policy::unreadable(open, code, &self.trust_place),
            Row::Absent => Policy::default(),
        };
    }

    fn add_boundary(&mut self, section: &Section, policies: &Policies) {
        match &self.state {
            RoleState::Known(role) => {
                if let Some(arn) = &role.boundary {
                    self.boundary_place = policy_place(arn);
                    self.boundary = Some(managed(section, arn, &self.account, policies, Finding::BoundaryUnread));
                }
            }
            RoleState::Missing => {}
            RoleState::Open { open, code } => {
                self.boundary = Some(Policy::unreadable(open.clone(), *code, &self.boundary_place));
            }
        }
    }
}

fn attached(section: &Section, account: &str, name: &str, key: &str) -> Row<Vec<String>> {
    let reading = format!("managed policies of role {name} ({account})");
    let asked = Asked {
        reading: &reading,
        permission: "iam:ListAttachedRolePolicies",
        account,
        code: Finding::PolicyUnread.code(),
    };
    row(section, table::ATTACHED, key, &asked)
}

fn inline_names(section: &Section, account: &str, name: &str, key: &str) -> Row<Vec<String>> {
    let reading = format!("inline policies of role {name} ({account})");
    let asked = Asked {
        reading: &reading,
        permission: "iam:ListRolePolicies",
        account,
        code: Finding::PolicyUnread.code(),
    };
    row(section, table::INLINE_NAMES, key, &asked)
}

/// A managed policy that a role has: parsed already, or what keeps it from being known.
fn managed(section: &Section, arn: &str, account: &str, policies: &Policies, finding: Finding) -> Policy {
    if let Some(policy) = policies.get(arn) {
        return policy.clone();
    }
    let place = policy_place(arn);
    let asked = Asked { reading: &place, permission: "iam:GetPolicyVersion", account, code: finding.code() };
    let document = row(section, table::POLICIES, arn, &asked);
    read_document(document, &asked)
}

/// A listed document that is not there is a change in the middle of the reading, not an empty policy.
fn read_document(document: Row<Document>, asked: &Asked<'_>) -> Policy {
    let document = match document {
        Row::Absent => asked.contradicted("it was listed and then not found"),
        other => other,
    };
    match document {
        Row::Got(document) => Policy::parse(&document.text, Kind::Identity, asked.reading),
        Row::Open(open, code) => Policy::unreadable(open, code, asked.reading),
        Row::Absent => Policy::default(),
    }
}
