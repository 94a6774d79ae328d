//! Deny policies: whom, what and when they deny. No grant overrides one.

use super::grants::Asked;
use super::index::{Deny, Row, get};
use super::outcome::Outcome;
use super::{GkeFacts, project_of};
use crate::codes::Finding;
use pullaudit_core::{Claim, Obstacle, Open};

/// The service of which deny policies name permissions.
const SERVICE: &str = "artifactregistry.googleapis.com/";

/// Facts "this does not refuse" about every deny policy above the repository that may be about the asker; a
/// rule that certainly is not about it makes none. What can't be read at the organisation is a guard rail that
/// may be assumed.
pub(super) fn claims(facts: &GkeFacts, asked: &Asked<'_>) -> Vec<Claim> {
    let project = project_of(asked.repository);
    let (ancestors, hidden) = facts.ancestors(project);
    let mut claims = Vec::new();
    if let Some((open, _)) = hidden {
        let place = format!("deny policies above project {project}");
        claims.push(Claim::open(Finding::DenyUnread.code(), place, "must not deny it", vec![open]));
    }
    for ancestor in &ancestors {
        let what = format!("deny policies of {ancestor}");
        let gap = |open: Open, code| {
            let open = if ancestor.starts_with("organizations/") { assumable(open) } else { open };
            Claim::open(code, what.clone(), "must not deny it", vec![open])
        };
        match get(&facts.index.deny_lists, ancestor, &what, "iam.denypolicies.list", ancestor) {
            Row::Absent => claims.push(gap(hidden_list(&what, ancestor), Finding::DenyUnread.code())),
            Row::Open(open, code) => claims.push(gap(open, code)),
            Row::Got(names) => {
                for name in names {
                    match get(&facts.index.denies, name, name, "iam.denypolicies.get", ancestor) {
                        Row::Absent => claims.push(gap(hidden_list(name, ancestor), Finding::DenyUnread.code())),
                        Row::Open(open, code) => claims.push(gap(open, code)),
                        Row::Got((title, rules)) => {
                            claims
                                .extend(rules.iter().filter_map(|rule| one(facts, asked, rule, ancestor, title)));
                        }
                    }
                }
            }
        }
    }
    claims
}

/// What was listed, or must be there, and was not found: it may be gone since, or hidden.
fn hidden_list(what: &str, ancestor: &str) -> Open {
    Open::unread(what, "iam.denypolicies.get", ancestor, Obstacle::Failed("it was not found".into()))
}

fn assumable(open: Open) -> Open {
    match open {
        Open::Unread { reading, permission, scope, obstacle, .. } => {
            Open::Unread { reading, permission, scope, assumable: true, obstacle }
        }
        other @ Open::Undecidable { .. } => other,
    }
}

fn one(facts: &GkeFacts, asked: &Asked<'_>, rule: &Deny, ancestor: &str, title: &str) -> Option<Claim> {
    let among = |list: &[String]| list.iter().fold(Outcome::No, |any, one| any.or(covers(one, asked)));
    let concerns = |list: &[String]| list.iter().fold(Outcome::No, |any, one| any.or(is_named(facts, asked, one)));
    let body = &rule.body;
    let denied = among(&body.denied_permissions)
        .and(among(&body.exception_permissions).negate())
        .and(concerns(&body.denied_principals))
        .and(concerns(&body.exception_principals).negate())
        .and(rule.condition.as_ref().map_or(Outcome::Yes, |condition| condition.holds(asked.at)));
    let place = format!("deny policy {title} at {ancestor}");
    let (who, permission) = (asked.asker.name(), asked.act.permission());
    match denied {
        Outcome::No => None,
        Outcome::Yes => {
            Some(Claim::no(Finding::DenyPolicy.code(), place, format!("denies {permission} to {who}")))
        }
        Outcome::Open(open) => {
            let detail = format!("may deny {permission} to {who}");
            Some(Claim::open(Finding::DenyUndecidable.code(), place, detail, vec![open]))
        }
    }
}

/// A deleted principal is nobody of today, but for the account that has its id still.
fn is_named(facts: &GkeFacts, asked: &Asked<'_>, principal: &str) -> Outcome {
    use super::member::Member;
    if principal.starts_with("deleted:") {
        return match asked.asker.is_member(principal, "", &facts.index) {
            Member::Is(outcome) => outcome,
            Member::Former => Outcome::No,
        };
    }
    asked.asker.is_principal(principal, &facts.index)
}

/// `SERVICE/RESOURCE.VERB`, either part of which may be `*`.
fn covers(permission: &str, asked: &Asked<'_>) -> Outcome {
    let Some(rest) = permission.strip_prefix(SERVICE) else { return Outcome::No };
    match rest.split_once('.') {
        Some((resource, verb)) if !resource.contains(['*', '.']) || resource == "*" => {
            let verb_known = !verb.contains('*') || verb == "*";
            let same =
                (resource == "*" || resource == "repositories") && (verb == "*" || verb == asked.act.verb());
            if verb_known { Outcome::when(same) } else { unknown(permission) }
        }
        _ => unknown(permission),
    }
}

fn unknown(permission: &str) -> Outcome {
    Outcome::undecidable(format!("what the deny policy means by {permission:?}"))
}
