//! Who asks, and whether a member of a binding or a principal of a denial is the one who asks.

use super::home;
use super::index::{Index, Row};
use super::outcome::Outcome;
use super::reading::unread;
use crate::cluster::FEDERATED;
use crate::facts::table;
use pullaudit_core::Obstacle;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A service account, by its e-mail in lower case.
    Account(String),
    /// An account of Google's that works for a project; nobody else reads or disables it.
    Agent(String),
    /// A service account of Kubernetes as itself: `principal://…`, and the cluster whose it is, where that is known:
    /// `container.googleapis.com/v1/projects/P/locations/L/clusters/C`.
    Federated(String, Option<String>),
    /// Nobody in particular.
    Anonymous,
}

/// Whether a member is the one who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// As far as that can be told.
    Is(Outcome),
    /// It is a deleted account of the same e-mail.
    Former,
}

impl Asker {
    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Account(id) | Self::Agent(id) | Self::Federated(id, _) => id,
            Self::Anonymous => "a request without a login",
        }
    }

    fn email(&self) -> Option<&str> {
        match self {
            Self::Account(email) | Self::Agent(email) => Some(email),
            Self::Federated(..) | Self::Anonymous => None,
        }
    }

    fn open(&self, what: &str) -> Outcome {
        Outcome::undecidable(format!("whether {} is in {what}: name the account itself instead", self.name()))
    }

    /// Whether a member of a binding is the one who asks. `project` is the repository's own.
    pub(crate) fn is_member(&self, member: &str, project: &str, index: &Index) -> Member {
        if let Some(deleted) = member.strip_prefix("deleted:") {
            return self.is_deleted(deleted, index);
        }
        Member::Is(match member {
            "allUsers" => Outcome::Yes,
            _ if *self == Self::Anonymous => Outcome::No,
            "allAuthenticatedUsers" => match self {
                Self::Federated(..) => self.open("allAuthenticatedUsers, which leaves out external identities"),
                _ => Outcome::Yes,
            },
            _ if member.contains("://") => self.is_principal(member, index),
            _ => self.is_plain(member, project),
        })
    }

    /// `serviceAccount:EMAIL?uid=N` and the like. A deleted group or user is nobody.
    fn is_deleted(&self, deleted: &str, index: &Index) -> Member {
        let (member, uid) = deleted.split_once("?uid=").unwrap_or((deleted, ""));
        let email = member
            .strip_prefix("serviceAccount:")
            .or_else(|| member.rsplit_once("/serviceAccounts/").map(|(_, email)| email));
        let same = matches!((email, self.email()), (Some(one), Some(own)) if one.eq_ignore_ascii_case(own));
        if !same {
            return Member::Is(Outcome::No);
        }
        let own = self.email().unwrap_or_default();
        match index.accounts.get(own) {
            Some(Row::Got(account)) if account.unique_id.is_empty() || uid.is_empty() => Member::Is(
                Outcome::undecidable(format!("which of the accounts of e-mail {own} the binding names")),
            ),
            // An account that was brought back is itself again.
            Some(Row::Got(account)) if account.unique_id == uid => Member::Is(Outcome::Yes),
            Some(Row::Got(_) | Row::Absent) => Member::Former,
            Some(Row::Open(why, _)) => Member::Is(Outcome::Open(why.clone())),
            None => Member::Is(Outcome::Open(unread(table::ACCOUNTS, own, Obstacle::NotAsked))),
        }
    }

    fn is_plain(&self, member: &str, project: &str) -> Outcome {
        let Some((kind, name)) = member.split_once(':') else {
            return self.open(&format!("member {member:?}, a form that pullaudit does not know"));
        };
        match kind {
            "serviceAccount" => self.is_account(name),
            "user" => Outcome::No,
            "group" => self.in_group(name),
            "domain" => self.open(&format!("domain {name}")),
            // Who holds a basic role on the repository's own project may download by that role already.
            "projectOwner" | "projectEditor" | "projectViewer" if name == project => Outcome::No,
            "projectOwner" | "projectEditor" | "projectViewer" => self.open(&format!("{kind} of project {name}")),
            _ => self.open(&format!("member {member:?}, a form that pullaudit does not know")),
        }
    }

    fn is_account(&self, name: &str) -> Outcome {
        match self {
            Self::Account(own) | Self::Agent(own) => Outcome::when(own.eq_ignore_ascii_case(name)),
            Self::Federated(own, _) => match kubernetes_account(name) {
                // The older form of the same identity; whether a download honours it is not documented.
                Some((pool, subject))
                    if own.ends_with(&format!("/workloadIdentityPools/{pool}/subject/{subject}")) =>
                {
                    self.open(&format!("{name:?}, the older form of its name"))
                }
                _ => Outcome::No,
            },
            Self::Anonymous => Outcome::No,
        }
    }

    /// Who is in a group, Cloud Identity tells in full only to those who see every membership, so that its "no" may be
    /// a "not that you see": nothing is read.
    fn in_group(&self, group: &str) -> Outcome {
        let what =
            format!("whether {} is in group {group}: pullaudit does not evaluate group memberships", self.name());
        Outcome::undecidable(format!("{what}; name the account itself instead"))
    }

    /// The forms of v2, which bindings take too.
    pub(crate) fn is_principal(&self, principal: &str, index: &Index) -> Outcome {
        if principal == "principalSet://goog/public:all" {
            return Outcome::Yes;
        }
        if *self == Self::Anonymous {
            return Outcome::No;
        }
        if let Some((_, email)) =
            principal.split_once("/serviceAccounts/").filter(|_| principal.starts_with(FEDERATED))
        {
            return Outcome::when(self.email().is_some_and(|own| own.eq_ignore_ascii_case(email)));
        }
        if let Some(group) = principal.strip_prefix("principalSet://goog/group/") {
            return self.in_group(group);
        }
        if principal.starts_with("principal://goog/subject/") {
            return Outcome::No;
        }
        if principal.starts_with("principal://") {
            return match self {
                Self::Federated(own, _) => is_same_federated(own, principal),
                // One identity of a pool is nobody else.
                _ if principal.contains("Pools/") => Outcome::No,
                _ => self.open(principal),
            };
        }
        if let Some(set) = principal.strip_prefix(home::SETS) {
            return home::in_set(self, set, index).unwrap_or_else(|| self.open(principal));
        }
        match principal.split_once("/workloadIdentityPools/") {
            Some((_, rest)) => self.in_pool(rest, principal),
            None if principal.contains("/workforcePools/") => Outcome::No,
            None => self.open(principal),
        }
    }

    /// `POOL/*`, `POOL/namespace/NS`, `POOL/kubernetes.cluster/URL`, `POOL/…`
    fn in_pool(&self, rest: &str, principal: &str) -> Outcome {
        let Self::Federated(own, cluster) = self else { return Outcome::No };
        let (pool, set) = rest.split_once('/').unwrap_or((rest, ""));
        let number =
            |id: &str| id.split_once("/projects/").map(|(_, rest)| rest.split('/').next().map(str::to_owned));
        let subject =
            own.split_once(&format!("/workloadIdentityPools/{pool}/subject/")).map(|(_, subject)| subject);
        let Some(subject) = subject.filter(|_| number(own) == number(principal)) else { return Outcome::No };
        match (set.split_once('/'), cluster) {
            (None, _) if set == "*" => Outcome::Yes,
            (Some(("namespace", namespace)), _) => Outcome::when(subject.starts_with(&format!("ns/{namespace}/"))),
            (Some(("kubernetes.cluster", url)), Some(cluster)) => {
                Outcome::when(url.strip_prefix("https://").unwrap_or(url) == cluster)
            }
            _ => self.open(principal),
        }
    }
}

/// `POOL[NS/NAME]`: the pool, and the subject that it means.
fn kubernetes_account(name: &str) -> Option<(&str, String)> {
    let (pool, rest) = name.split_once('[')?;
    let (namespace, account) = rest.strip_suffix(']')?.split_once('/')?;
    Some((pool, format!("ns/{namespace}/sa/{account}")))
}

/// The same account of Kubernetes has other names in its pool, by its uid, which is not read.
fn is_same_federated(own: &str, principal: &str) -> Outcome {
    let pool = own.split_once("/subject/").map_or(own, |(pool, _)| pool);
    match principal.strip_prefix(pool).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if !rest.starts_with("subject/") => {
            Outcome::undecidable(format!("whether {own} is {principal}, a name by another attribute"))
        }
        _ => Outcome::when(own == principal),
    }
}
