//! Deny assignments: whom, where and what they deny. No grant overrides one.

use super::condition::Access;
use super::index::{DENY_RIGHT, Deny, RegistryEntry, Right, Row};
use super::outcome::Outcome;
use super::rights::{Act, unsupported};
use crate::codes::Finding;
use pullaudit_core::{Claim, Obstacle, Open};

/// The principal that stands for everybody.
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Facts "this does not refuse" about every deny assignment at or above the registry that may be about the
/// identity; an assignment that certainly is not about it makes none.
pub(crate) fn claims(registry: &RegistryEntry, object: &str, acts: &[Act], repository: &str) -> Vec<Claim> {
    let denies = match &registry.denies {
        Row::Got(denies) => denies,
        Row::Open(open, code) => {
            let detail = "must not deny the pull";
            return vec![Claim::open(*code, registry.deny_place(), detail, vec![open.clone()])];
        }
    };
    denies.iter().filter_map(|deny| one(registry, deny, object, acts, repository)).collect()
}

fn one(registry: &RegistryEntry, deny: &Deny, object: &str, acts: &[Act], repository: &str) -> Option<Claim> {
    let about = &deny.body.properties;
    let audits =
        about.deny_assignment_effect.as_deref().is_some_and(|effect| effect.eq_ignore_ascii_case("audit"));
    let above = !about.scope.trim_end_matches('/').eq_ignore_ascii_case(&registry.id);
    if audits || (above && about.do_not_apply_to_child_scopes == Some(true)) {
        return None;
    }
    let denied = denies_act(deny, acts, repository);
    if denied == Outcome::No {
        return None;
    }
    let name = if about.deny_assignment_name.is_empty() { &deny.body.name } else { &about.deny_assignment_name };
    let place = if above {
        format!("deny assignment {name} at {}", about.scope)
    } else {
        format!("deny assignment {name} on {}", registry.registry.name)
    };
    let open = |opens| {
        let detail = "may deny the pull to this identity";
        Some(Claim::open(Finding::DenyUndecidable.code(), place.clone(), detail, opens))
    };
    match (concerns(registry, deny, object), denied) {
        (Concerns::No, _) | (_, Outcome::No) => None,
        (Concerns::Yes, _) if above && about.do_not_apply_to_child_scopes.is_none() && is_whole(deny) => {
            open(vec![lacking(registry, "doNotApplyToChildScopes", name)])
        }
        (Concerns::Yes, Outcome::Yes) => {
            let detail = format!("denies {}", acts.first().map_or("", |act| act.name()));
            Some(Claim::no(Finding::DenyAssignment.code(), place, detail))
        }
        (Concerns::Yes, Outcome::Open(why)) => open(vec![Open::undecidable(why)]),
        (Concerns::Open(why), Outcome::Open(also)) => open(vec![why, Open::undecidable(also)]),
        (Concerns::Open(why), Outcome::Yes) => open(vec![why]),
    }
}

/// The first act decides; denying only one of the others makes a pull doubtful.
fn denies_act(deny: &Deny, acts: &[Act], repository: &str) -> Outcome {
    let of = |act: Act| {
        let covered = deny.permissions.cover(act, repository);
        match &deny.condition {
            Some(_) if covered != Outcome::No && !act.is_data() => covered.and(unsupported()),
            Some(condition) if covered != Outcome::No => {
                covered.and(condition.holds(&Access { action: act.name(), repository }))
            }
            _ => covered,
        }
    };
    let mut acts = acts.iter().copied();
    let first = acts.next().map_or(Outcome::No, of);
    acts.fold(first, |so_far, act| match (so_far, of(act)) {
        (Outcome::No, Outcome::Yes) => {
            Outcome::Open(format!("whether a pull works although {} is denied", act.name()).into())
        }
        (Outcome::No, other) => other,
        (decided, _) => decided,
    })
}

enum Concerns {
    Yes,
    No,
    Open(Open),
}

/// Whether the deny assignment is about the identity: named, through a group, or as everybody, and not
/// excluded. Who is in an excluded group is not read.
fn concerns(registry: &RegistryEntry, deny: &Deny, object: &str) -> Concerns {
    let about = &deny.body.properties;
    let named = |list: &[crate::facts::DenyPrincipal]| list.iter().any(|who| who.id.eq_ignore_ascii_case(object));
    let excluded = about.exclude_principals.as_deref().unwrap_or_default();
    if named(excluded) {
        return Concerns::No;
    }
    let everybody = about.principals.iter().any(|who| who.id == EVERYBODY);
    let concerned = if everybody || named(&about.principals) {
        Concerns::Yes
    } else if about.principals.iter().all(|who| is_single(&who.kind)) {
        Concerns::No
    } else {
        through_group(registry, deny, object)
    };
    let excluded_group = excluded.iter().find(|who| !is_single(&who.kind));
    match (concerned, excluded_group) {
        (Concerns::No, _) => Concerns::No,
        _ if about.exclude_principals.is_none() && is_whole(deny) => {
            Concerns::Open(lacking(registry, "excludePrincipals", &deny.body.name))
        }
        (_, Some(group)) => Concerns::Open(Open::undecidable(format!(
            "whether {object} is in group {}, which the deny assignment leaves out",
            group.id
        ))),
        (concerned, None) => concerned,
    }
}

/// An answer that holds this field holds all of them; rows of older snapshots do not.
fn is_whole(deny: &Deny) -> bool {
    deny.body.properties.is_system_protected.is_some()
}

fn lacking(registry: &RegistryEntry, field: &str, deny: &str) -> Open {
    let reading = format!("{field} of deny assignment {deny} on {}", registry.registry.name);
    let obstacle = Obstacle::Failed("the answer does not hold it".into());
    Open::unread(reading, DENY_RIGHT, format!("subscription {}", registry.subscription), obstacle)
}

/// A principal that is nobody but itself.
fn is_single(kind: &str) -> bool {
    ["User", "ServicePrincipal", "SystemDefined"].iter().any(|single| single.eq_ignore_ascii_case(kind))
}

fn through_group(registry: &RegistryEntry, deny: &Deny, object: &str) -> Concerns {
    match registry.denied.get(object) {
        Some(Row::Got(names)) if names.contains(&deny.body.name.to_ascii_lowercase()) => Concerns::Yes,
        Some(Row::Got(_)) => Concerns::No,
        Some(Row::Open(open, _)) => Concerns::Open(open.clone()),
        None => {
            let what = format!("deny assignments of {object} on {}", registry.registry.name);
            Concerns::Open(registry.not_asked(&what, Right::Denies).0)
        }
    }
}
