//! What is worth a word although no verdict hangs on it.

use super::grants::place;
use super::index::{Grant, Row};
use super::member::{Asker, Member};
use super::outcome::Outcome;
use super::roles::{self, Act};
use super::{GkeFacts, asker, project_of};
use crate::cluster;
use crate::codes::Finding;
use crate::host::{self, Place};
use jiff::Timestamp;
use pullaudit_core::{Inventory, Notice};
use std::collections::BTreeSet;

/// Every notice, once, in a fixed order.
pub(super) fn of(facts: &GkeFacts, at: Timestamp, inventory: &Inventory) -> Vec<Notice> {
    let known = facts.index.accounts.keys().filter_map(|email| cluster::principal(email));
    let askers: Vec<Asker> = known.filter_map(|principal| asker(&principal).ok()).collect();
    let mut found = BTreeSet::new();
    let asked = inventory.asked(|image| match host::place(image)? {
        Place::Repository(location) => Some(location.id()),
        Place::Public | Place::Incomplete => None,
    });
    let is_asked = |id: &String| asked.as_ref().is_none_or(|asked| asked.contains(id));
    for (id, row) in facts.index.repository_policies.iter().filter(|(id, _)| is_asked(id)) {
        let Row::Got(own) = row else { continue };
        let whole = policies(facts, id, own);
        for asker in &askers {
            found.extend(about(facts, id, &whole, asker, at));
        }
        for (place, grant) in whole.policies.iter().filter(|(place, _)| place.starts_with("policy of repository"))
        {
            found.extend(grant.members.iter().filter_map(|member| dead(member, grant, place)));
            found.extend(misplaced(facts, grant, place, inventory));
        }
    }
    found.into_iter().collect()
}

/// Every binding that may count for a repository, with its place.
struct Whole<'a> {
    policies: Vec<(String, &'a Grant)>,
    /// Every policy was read.
    complete: bool,
}

fn policies<'a>(facts: &'a GkeFacts, id: &str, own: &'a [Grant]) -> Whole<'a> {
    let short = id.rsplit('/').next().unwrap_or_default();
    let mut all: Vec<(String, &Grant)> =
        own.iter().map(|grant| (format!("policy of repository {short}"), grant)).collect();
    let (ancestors, hidden) = facts.ancestors(project_of(id));
    let mut complete = hidden.is_none();
    for ancestor in &ancestors {
        match facts.index.policies.get(ancestor) {
            Some(Row::Got(grants)) => all.extend(grants.iter().map(|grant| (place(ancestor), grant))),
            _ => complete = false,
        }
    }
    Whole { policies: all, complete }
}

fn notice(finding: Finding, subject: String, message: String) -> Notice {
    let code = finding.code();
    Notice { code: code.name(), severity: code.severity(), subject, message }
}

/// What one account's bindings say of a repository.
fn about(facts: &GkeFacts, id: &str, whole: &Whole<'_>, asker: &Asker, at: Timestamp) -> Vec<Notice> {
    let project = project_of(id);
    let names = |grant: &Grant| {
        let is = |member: &String| asker.is_member(member, project, &facts.index) == Member::Is(Outcome::Yes);
        grant.members.iter().any(is)
    };
    let held: Vec<&(String, &Grant)> = whole.policies.iter().filter(|(_, grant)| names(grant)).collect();
    let does = |grant: &Grant, act: Act| facts.index.role(&grant.role, act);
    let pulls: Vec<&&(String, &Grant)> =
        held.iter().filter(|(_, grant)| does(grant, Act::Download) == Outcome::Yes).collect();
    let mut found = Vec::new();
    for (place, grant) in pulls.iter().map(|one| (&one.0, one.1)) {
        if let Some(end) = grant.condition.as_ref().and_then(|condition| condition.ends(at)) {
            let message = format!("{} of {} in {place} ends at {end}", grant.role, asker.name());
            found.push(notice(Finding::GrantExpires, place.clone(), message));
        }
    }
    let certain = held.iter().all(|(_, grant)| !matches!(does(grant, Act::Download), Outcome::Open(_)));
    let wide = |grant: &Grant| does(grant, Act::Upload) == Outcome::Yes;
    if certain && !pulls.is_empty() && pulls.iter().all(|one| wide(one.1)) {
        let roles: BTreeSet<&str> = pulls.iter().map(|one| one.1.role.as_str()).collect();
        let roles = roles.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("{} downloads from {id} only by {roles}, which can also upload", asker.name());
        found.push(notice(Finding::PullsByWiderRole, asker.name().to_owned(), message));
    }
    if certain && whole.complete && pulls.is_empty() {
        let roles: BTreeSet<&str> =
            held.iter().map(|(_, grant)| grant.role.as_str()).filter(|role| roles::sounds_right(role)).collect();
        found.extend(roles.into_iter().map(|role| {
            let message = format!("{} holds {role}, which does not download from {id}", asker.name());
            notice(Finding::RoleDoesNotPull, asker.name().to_owned(), message)
        }));
    }
    found
}

fn dead(member: &str, grant: &Grant, place: &str) -> Option<Notice> {
    let name = member.strip_prefix("deleted:serviceAccount:")?;
    let message = format!("{} is held by deleted account {name}", grant.role);
    Some(notice(Finding::DeadMember, place.to_owned(), message))
}

fn misplaced<'a>(
    facts: &'a GkeFacts,
    grant: &'a Grant,
    place: &'a str,
    inventory: &'a Inventory,
) -> impl Iterator<Item = Notice> + 'a {
    let pulls = facts.index.role(&grant.role, Act::Download) == Outcome::Yes;
    let known = move |member: &'a String| {
        let email = member.strip_prefix("serviceAccount:")?.to_ascii_lowercase();
        let known = inventory.lookalikes.iter().find(|known| pulls && known.id == email)?;
        (known.code == Finding::GrantedToAgent.code().name() && !inventory.pullers.contains(&email)).then(|| {
            let message = format!("{} is held by {email}, {}, which pulls nothing", grant.role, known.what);
            notice(Finding::GrantedToAgent, place.to_owned(), message)
        })
    };
    grant.members.iter().filter_map(known)
}
