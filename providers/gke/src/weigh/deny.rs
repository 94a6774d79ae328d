//! Deny policies: whom, what and when they deny. No grant overrides one.

use super::grants::Asked;
use super::index::{Deny, Row, get};
use super::outcome::Outcome;
use super::reading::unread;
use super::{GkeFacts, project_of};
use crate::codes::Finding;
use crate::facts::table;
use pullaudit_core::{Claim, Obstacle, Open};

/// The service of which deny policies name permissions.
const SERVICE: &str = "artifactregistry.googleapis.com/";

/// Facts "this does not refuse" about every deny policy above the repository that may be about the asker; a
/// rule that certainly is not about it makes none. Only a list of the organisation that was refused may be assumed to
/// be empty: a policy that a list names is there.
pub(super) fn claims(facts: &GkeFacts, asked: &Asked<'_>) -> Vec<Claim> {
    let project = project_of(asked.repository);
    let (ancestors, hidden) = facts.ancestors(project);
    let mut claims = Vec::new();
    let unread_code = Finding::DenyUnread.code();
    let gap = |what: &str, open: Open, code| Claim::open(code, what, "must not deny it", vec![open]);
    if let Some((open, _)) = hidden {
        claims.push(gap(&format!("deny policies above project {project}"), open, unread_code));
    }
    for ancestor in &ancestors {
        let what = format!("deny policies of {ancestor}");
        match get(&facts.index.deny_lists, ancestor, &what, "iam.denypolicies.list", ancestor) {
            Row::Absent => claims.push(gap(&what, gone(table::DENY_LISTS, ancestor), unread_code)),
            Row::Open(open, code) => claims.push(gap(&what, assumable(open, ancestor), code)),
            Row::Got(names) => {
                for name in names {
                    match get(&facts.index.denies, name, name, "iam.denypolicies.get", ancestor) {
                        Row::Absent => claims.push(gap(&what, gone(table::DENY_POLICIES, name), unread_code)),
                        Row::Open(open, code) => claims.push(gap(&what, open, code)),
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
fn gone(table: &str, key: &str) -> Open {
    unread(table, key, Obstacle::Failed("it was not found".into()))
}

/// An auditor rarely may read what the organisation denies.
fn assumable(open: Open, ancestor: &str) -> Open {
    match open {
        Open::Unread { reading, permission, scope, obstacle: Obstacle::Refused, .. }
            if ancestor.starts_with("organizations/") =>
        {
            Open::Unread { reading, permission, scope, assumable: true, obstacle: Obstacle::Refused }
        }
        other => other,
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
