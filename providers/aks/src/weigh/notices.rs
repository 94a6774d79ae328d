//! What is worth a word although no verdict hangs on it.

use super::Pull;
use super::index::{Grant, Index, RegistryEntry, Row};
use super::outcome::Outcome;
use super::rights::Act;
use crate::codes::Finding;
use crate::host;
use jiff::Timestamp;
use pullaudit_core::{Inventory, Mode, Notice, Verdict, judge};
use std::collections::BTreeSet;

/// Every notice, once, in a fixed order.
pub(super) fn of(index: &Index, inventory: &Inventory, at: Timestamp) -> Vec<Notice> {
    let mut found: BTreeSet<Notice> = system(index, at).collect();
    let asked = inventory.asked(|image| Some(host::lookup(&image.registry)));
    let is_asked = |registry: &&RegistryEntry| {
        let hosts = &registry.registry.properties;
        let mut names = hosts.regional_endpoint_host_names.iter().chain([&hosts.login_server]);
        asked.as_ref().is_none_or(|asked| names.any(|name| asked.contains(&name.to_ascii_lowercase())))
    };
    for registry in index.registries.iter().filter(is_asked) {
        found.extend(misplaced(index, registry, inventory));
        found.extend(registry.grants.iter().filter_map(|(object, row)| wide(index, registry, object, row)));
        for row in registry.grants.values() {
            if let Row::Got(grants) = row {
                found.extend(grants.iter().flat_map(|grant| prefixes(registry, grant)));
            }
        }
        found.extend(rules(registry));
        found.extend(registry.unread.iter().map(|open| {
            let subject = format!("registry {}", registry.registry.name);
            notice(Finding::CacheRulesUnread, subject, open.to_string())
        }));
    }
    found.into_iter().collect()
}

/// Network-isolated clusters whose identity may not pull system images, which no workload names.
fn system(index: &Index, at: Timestamp) -> impl Iterator<Item = Notice> + '_ {
    index.system.iter().filter_map(move |(object, system)| {
        let registry = index.registries.iter().find(|registry| registry.id == system.registry)?;
        let pull = Pull { index, registry, object, who: object, repository: SYSTEM_REPOSITORY, at };
        let Verdict::Denied { because } = judge(Some(&pull.claim()), Mode::Default) else { return None };
        let why = because.first().map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
        let name = &registry.registry.name;
        let message = format!("{object} may not pull system images from {name} ({why})");
        Some(notice(Finding::SystemImagesDenied, format!("cluster {}", system.cluster), message))
    })
}

/// Under which system images are cached there.
///
/// Source: MicrosoftDocs/azure-aks-docs, `articles/aks/network-isolated.md`.
const SYSTEM_REPOSITORY: &str = "aks-managed-repository/oss/kubernetes/pause";

fn notice(finding: Finding, subject: String, message: String) -> Notice {
    let code = finding.code();
    Notice { code: code.name(), severity: code.severity(), subject, message }
}

/// Grants to what never pulls, and to what no cluster pulls as any more.
fn misplaced(index: &Index, registry: &RegistryEntry, inventory: &Inventory) -> Vec<Notice> {
    let Row::Got(holders) = &registry.holders else { return Vec::new() };
    let name = &registry.registry.name;
    let one = |grant: &Grant| {
        let Row::Got(role) = index.role(&grant.role) else { return None };
        let does = |act: Act| role.permissions.cover(act, "") == Outcome::Yes;
        if !grant.is_service_principal || !(does(Act::Pull) || does(Act::Content)) {
            return None;
        }
        let subject = format!("role assignment {}", grant.name);
        let held = format!("{} on {name} is held by {}", role.name, grant.principal);
        if inventory.pullers.contains(&grant.principal) {
            return None;
        }
        if let Some(known) = inventory.lookalikes.iter().find(|known| known.id == grant.principal) {
            let finding = [Finding::GrantedToClientId, Finding::GrantedToControlPlane];
            let finding = finding.into_iter().find(|finding| finding.code().name() == known.code)?;
            return Some(notice(finding, subject, format!("{held}, {}", known.what)));
        }
        let narrow = !does(Act::Push) && !does(Act::ContentWrite);
        let here = grant.scope.eq_ignore_ascii_case(&registry.registry.id);
        let left = inventory.whole.contains("aks") && narrow && here && !index.is_in_use(&grant.principal);
        left.then(|| {
            let message = format!("{held}, which no AKS cluster that the credentials see pulls as");
            notice(Finding::GrantLeftBehind, subject, message)
        })
    };
    holders.iter().filter_map(one).collect()
}

/// An identity that pulls, but only by a role that can also push.
fn wide(index: &Index, registry: &RegistryEntry, object: &str, row: &Row<Vec<Grant>>) -> Option<Notice> {
    let Row::Got(grants) = row else { return None };
    let mode = registry.registry.properties.role_assignment_mode.as_deref()?;
    let (pull, push) = if mode.eq_ignore_ascii_case("AbacRepositoryPermissions") {
        (Act::Content, Act::ContentWrite)
    } else {
        (Act::Pull, Act::Push)
    };
    let mut names = BTreeSet::new();
    for grant in grants {
        let Row::Got(role) = index.role(&grant.role) else { return None };
        if role.permissions.cover(pull, "") != Outcome::Yes {
            continue;
        }
        if role.permissions.cover(push, "") != Outcome::Yes {
            return None;
        }
        names.insert(role.name.to_string());
    }
    let first = names.iter().next()?;
    let message = format!("{object} pulls from {} only by {first}, which can also push", registry.registry.name);
    Some(notice(Finding::MoreThanPull, object.to_owned(), message))
}

fn prefixes<'a>(registry: &'a RegistryEntry, grant: &'a Grant) -> impl Iterator<Item = Notice> + 'a {
    let open = grant.condition.iter().flat_map(|condition| condition.open_prefixes());
    open.map(|prefix| {
        let subject = format!("role assignment {}", grant.name);
        let message = format!(
            "its condition on {} names '{prefix}' without a slash at the end, which covers every repository that begins \
             so",
            registry.registry.name
        );
        notice(Finding::PrefixWithoutSlash, subject, message)
    })
}

fn rules(registry: &RegistryEntry) -> Vec<Notice> {
    let name = &registry.registry.name;
    let of = |rule: &crate::facts::CacheRule| {
        let subject = format!("cache rule {} of {name}", rule.name);
        let source = &rule.properties.source_repository;
        let Some(set) = rule.properties.credential_set_resource_id.as_deref().filter(|id| !id.is_empty()) else {
            let message = format!("fetches {source} without a login");
            return Some(notice(Finding::CacheRuleAnonymous, subject, message));
        };
        let set = registry.credential_sets.iter().find(|known| known.id.eq_ignore_ascii_case(set))?;
        let sick = set.properties.auth_credentials.iter().find(|credential| {
            let status = &credential.credential_health.status;
            !status.is_empty() && !status.eq_ignore_ascii_case("Healthy")
        })?;
        let why = sick.credential_health.error_code.as_deref().unwrap_or("no code given");
        let message = format!("fetches {source} with credential set {}, which is not healthy: {why}", set.name);
        Some(notice(Finding::CacheRuleSick, subject, message))
    };
    registry.rules.iter().filter_map(of).collect()
}
