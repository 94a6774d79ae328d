//! Findings that are about no single pull.

use super::arn::RoleArn;
use super::index::{Index, RepositoryEntry, RoleEntry, RoleState};
use super::policy::action::Acts;
use crate::codes::Finding;
use crate::host::EcrHost;
use pullaudit_core::{Inventory, Notice};
use std::collections::BTreeSet;

/// What is wrong, or more than it need be, with the documents that were read and with the roles that pull.
pub(super) fn of(index: &Index, inventory: &Inventory) -> Vec<Notice> {
    // Lists of nodes leave out the path of a role.
    let pullers: BTreeSet<(&str, &str)> = inventory
        .pullers
        .iter()
        .filter_map(|id| RoleArn::parse(id))
        .map(|role| (role.account, role.name))
        .collect();
    let pulls = |role: &&RoleEntry| {
        let RoleState::Known(known) = &role.state else { return false };
        let arn = known.arn.to_ascii_lowercase();
        RoleArn::parse(&arn).is_some_and(|own| pullers.contains(&(own.account, own.name)))
    };
    let asked = inventory.asked(|image| {
        let host = EcrHost::parse(image.registry.as_str())?;
        Some((host.account.to_owned(), host.region.to_ascii_lowercase(), image.repository.clone()))
    });
    let is_asked = |entry: &RepositoryEntry| {
        let key = || (entry.account.clone(), entry.region.to_ascii_lowercase(), entry.name.clone());
        asked.as_ref().is_none_or(|asked| asked.contains(&key()))
    };
    let mut notices = index.malformed(|role| asked.is_none() || pulls(&role), is_asked);
    for role in index.roles().filter(pulls) {
        notices.extend(bare(role));
        notices.extend(more_than_pull(role));
    }
    notices.sort();
    notices
}

fn notice(finding: Finding, role: &RoleEntry, message: String) -> Notice {
    let code = finding.code();
    Notice { code: code.name(), severity: code.severity(), subject: role.place.to_string(), message }
}

fn bare(role: &RoleEntry) -> Option<Notice> {
    let message = "has no policy at all: what lets a node join and its network work is gone as well".to_owned();
    role.bare.then(|| notice(Finding::RoleWithoutPolicies, role, message))
}

/// Only where every policy could be read: an unread one may be the narrow one. A denied push is none.
fn more_than_pull(role: &RoleEntry) -> Option<Notice> {
    let wide = !role.pulls.is_empty() && role.pulls.iter().all(|(_, pushes)| *pushes);
    if !wide || role.identity.is_open() || role.identity.refuses(Acts::PUSH) {
        return None;
    }
    let names: Vec<&str> = role.pulls.iter().map(|(place, _)| &**place).collect();
    let message = format!("can pull by {} only, which can push as well", names.join(" and "));
    Some(notice(Finding::WiderThanPull, role, message))
}
