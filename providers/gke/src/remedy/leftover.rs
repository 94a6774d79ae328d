//! Members that are deleted accounts.

use super::Edit;
use crate::cluster;
use crate::facts::{Policy, ServiceAccount, table};
use crate::weigh::{GkeFacts, project_of};
#[cfg(feature = "live")]
use pullaudit_core::Section;
use pullaudit_core::{Action, Change, Fingerprint, Gap, Inventory, Note, Read, Safety};
use serde::Deserialize as _;
use std::collections::BTreeSet;

/// Deleted accounts in the unconditional binding of the reader's role on a repository itself. One whose unique
/// id a live account still has, and one of whose e-mail it is not known whether it lives, stay.
pub(crate) fn leftovers(facts: &GkeFacts, inventory: &Inventory) -> Vec<Change> {
    let rows = facts.section().tables.get(table::REPOSITORY_POLICIES).into_iter().flatten();
    rows.filter_map(|(repository, row)| {
        let policy = row.got()?;
        let body = Policy::deserialize(policy).ok().filter(|policy| !policy.etag.is_empty())?;
        let ours = body.bindings.iter().filter(|one| one.role == super::READER && one.condition.is_none());
        let members: BTreeSet<String> = ours
            .flat_map(|one| &one.members)
            .filter(|member| is_dead(facts, inventory, member))
            .cloned()
            .collect();
        let edit = Edit { repository: repository.clone(), remove: members, ..Edit::default() };
        (!edit.remove.is_empty()).then(|| removal(&edit, policy))
    })
    .collect()
}

/// Policies and accounts without which it can't be told which members are deleted accounts.
pub(crate) fn unread(facts: &GkeFacts) -> Vec<Gap> {
    let gap = |scope: &str, open: &pullaudit_core::Open| Gap {
        scope: scope.to_owned(),
        open: open.clone(),
        message: "bindings of deleted service accounts can't be told from others, so none of those is removed"
            .to_owned(),
    };
    let rows = facts.section().tables.get(table::REPOSITORY_POLICIES).into_iter().flatten();
    let mut gaps = Vec::new();
    for (repository, row) in rows {
        gaps.extend(row.open().map(|open| gap(repository, open)));
        let body = row.got().and_then(|policy| Policy::deserialize(policy).ok());
        for member in body.iter().flat_map(|policy| &policy.bindings).flat_map(|binding| &binding.members) {
            let Some((email, _)) = named(member) else { continue };
            let account = facts.section().get(table::ACCOUNTS, &email).and_then(Read::open);
            gaps.extend(account.map(|open| gap(&email, open)));
        }
    }
    gaps
}

fn is_dead(facts: &GkeFacts, inventory: &Inventory, member: &str) -> bool {
    let Some((email, uid)) = named(member) else { return false };
    let pulls = inventory.pullers.contains(&email);
    match facts.section().get(table::ACCOUNTS, &email) {
        Some(Read::Got(account)) => ServiceAccount::deserialize(account)
            .is_ok_and(|account| !account.unique_id.is_empty() && account.unique_id != uid),
        Some(Read::Absent) | None => !pulls,
        Some(Read::Unread(_)) => false,
    }
}

/// What the removal of a member rests on: it is a deleted account's.
fn deleted(name: &str) -> Fingerprint {
    Fingerprint { reading: format!("member {name}"), digest: "deleted".to_owned() }
}

/// What a removal rests on, as it is now: the members that are deleted accounts still. One that lives again is another
/// one's to judge.
#[cfg(feature = "live")]
pub(crate) fn still_deleted(section: &Section, members: &BTreeSet<String>) -> Vec<Fingerprint> {
    let is_dead = |member: &&String| {
        let Some((email, uid)) = named(member) else { return false };
        match section.get(table::ACCOUNTS, &email) {
            Some(Read::Got(account)) => ServiceAccount::deserialize(account)
                .is_ok_and(|account| !account.unique_id.is_empty() && account.unique_id != uid),
            Some(Read::Absent) | None => true,
            Some(Read::Unread(_)) => false,
        }
    };
    let dead = members.iter().filter(is_dead);
    dead.map(|member| deleted(member.trim_start_matches("deleted:serviceAccount:"))).collect()
}

/// The e-mails of deleted accounts that are of a project of their own.
#[cfg(feature = "live")]
pub(crate) fn deleted_emails(members: &BTreeSet<String>) -> BTreeSet<String> {
    let emails = members.iter().filter_map(|member| named(member)).map(|(email, _)| email);
    emails.filter(|email| cluster::account_project(email).is_some()).collect()
}

/// E-mail and unique id of `deleted:serviceAccount:EMAIL?uid=N`.
fn named(member: &str) -> Option<(String, &str)> {
    let (email, uid) = member.strip_prefix("deleted:serviceAccount:")?.split_once("?uid=")?;
    cluster::principal(email).filter(|_| !uid.is_empty()).map(|principal| (principal.id, uid))
}

fn removal(edit: &Edit, policy: &serde_json::Value) -> Change {
    let names: Vec<&str> =
        edit.remove.iter().map(|member| member.trim_start_matches("deleted:serviceAccount:")).collect();
    let short = edit.repository.rsplit('/').next().unwrap_or_default();
    Change {
        id: super::change_id(edit),
        provider: "gke".to_owned(),
        owner: project_of(&edit.repository).to_owned(),
        target: format!("take the right to download from {short} from {}, deleted", names.join(", ")),
        action: Action::Remove,
        before: Some(policy.clone()),
        after: Some(edit.apply(policy)),
        safety: Safety::NeedsConsent,
        notes: vec![
            Note::new("member", format!("{}: deleted, as IAM itself writes", names.join(", "))),
            Note::new("scope", edit.repository.as_str()),
        ],
        rests_on: names.iter().map(|name| deleted(name)).collect(),
        command: super::commands(edit, policy),
        import: String::new(),
        document: format!("{}:iamPolicy", edit.repository),
    }
}
