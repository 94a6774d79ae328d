//! Role assignments: which of them let the identity pull, and what to say where none does.

use super::condition::{Access, Condition};
use super::index::{ASSIGNMENT_RIGHT, Grant, Right, Role, Row};
use super::outcome::Outcome;
use super::rights::{Act, unsupported};
use super::{Mode, Pull};
use crate::codes::Finding;
use pullaudit_core::{Claim, Code, CoreFinding, Obstacle, Open, Text};

/// What must hold for a grant to be enough: one assignment that pulls and, in ABAC mode, one that reads
/// what stands beside the content.
pub(super) fn claims(pull: &Pull<'_>, mode: Mode) -> Vec<Claim> {
    let place = format!("role assignments of {} on {}", pull.who, pull.registry.registry.name);
    let grants = match pull.registry.grants.get(pull.object) {
        Some(Row::Got(grants)) => grants,
        Some(Row::Open(open, code)) => return vec![unread(*code, place, open.clone())],
        None => {
            let (open, code) = pull.registry.not_asked(&place, Right::Assignments);
            return vec![unread(code, place, open)];
        }
    };
    let mut ways: Vec<Claim> = grants.iter().filter_map(|grant| way(pull, grant, mode)).collect();
    if ways.is_empty() {
        ways.push(nothing(pull, mode, &place, grants.len()));
    }
    let mut claims = vec![Claim::Any(ways)];
    claims.extend((mode == Mode::Abac).then(|| metadata(pull, grants)).flatten());
    claims
}

fn unread(code: Code, place: String, open: Open) -> Claim {
    Claim::open(code, place, "must grant the pull", vec![open])
}

/// What one assignment says; `None` where it is about other things.
fn way(pull: &Pull<'_>, grant: &Grant, mode: Mode) -> Option<Claim> {
    let act = mode.acts().first().copied()?;
    let role = match pull.index.role(&grant.role) {
        Row::Got(role) => role,
        Row::Open(open, code) => {
            return Some(Claim::open(code, place(grant, &grant.role), "may grant the pull", vec![open]));
        }
    };
    let source = place(grant, &role.name);
    let by_role = role.permissions.cover(act, pull.repository);
    let by_condition = condition(grant, act, pull.repository);
    match (by_role, by_condition) {
        (Outcome::No, _) => {
            legacy_role(pull, role, mode).map(|detail| Claim::no(Finding::LegacyRoleOnAbac.code(), source, detail))
        }
        (_, Outcome::No) => {
            let detail = format!("its condition leaves {} out", pull.repository);
            Some(Claim::no(Finding::RepositoryConditionUnmet.code(), source, detail))
        }
        (Outcome::Yes, Outcome::Yes) => {
            let detail = format!("grants {} at {}", act.name(), grant.scope);
            Some(Claim::yes(CoreFinding::Allowed.code(), source, detail))
        }
        (Outcome::Open(why), by_condition) => {
            let mut opens = vec![Open::undecidable(why)];
            if let Outcome::Open(also) = by_condition {
                opens.push(undecided(pull, grant, also));
            }
            Some(Claim::open(Finding::RoleWildcard.code(), source, "may grant the pull", opens))
        }
        (Outcome::Yes, Outcome::Open(why)) => {
            let opens = vec![undecided(pull, grant, why)];
            Some(Claim::open(Finding::ConditionUndecidable.code(), source, "may grant the pull", opens))
        }
    }
}

/// Why the condition of an assignment decides nothing. What the answer lost is to be read again.
fn undecided(pull: &Pull<'_>, grant: &Grant, why: Text) -> Open {
    let Some(field) = grant.condition.as_ref().and_then(Condition::lost_field) else {
        return Open::undecidable(why);
    };
    let reading = format!("{field} of role assignment {} of {}", grant.name, pull.who);
    let obstacle = Obstacle::Failed("the answer does not hold it".into());
    Open::unread(reading, ASSIGNMENT_RIGHT, format!("subscription {}", pull.registry.subscription), obstacle)
}

fn place(grant: &Grant, role: &str) -> String {
    format!("role assignment {} ({role})", grant.name)
}

fn condition(grant: &Grant, act: Act, repository: &str) -> Outcome {
    match &grant.condition {
        None => Outcome::Yes,
        Some(_) if !act.is_data() => unsupported(),
        Some(condition) => condition.holds(&Access { action: act.name(), repository }),
    }
}

/// Why a role that pulled in the former mode does not in this one.
fn legacy_role(pull: &Pull<'_>, role: &Role, mode: Mode) -> Option<String> {
    (mode == Mode::Abac && role.permissions.cover(Act::Pull, pull.repository) == Outcome::Yes).then(|| {
        format!("{} does not pull from {}, which is in ABAC mode", role.name, pull.registry.registry.name)
    })
}

/// Whether some assignment also grants what a pull may need besides the content. Which one does not matter,
/// but where none does, nothing says that the content alone is enough.
fn metadata(pull: &Pull<'_>, grants: &[Grant]) -> Option<Claim> {
    let of = |grant: &Grant| match pull.index.role(&grant.role) {
        Row::Got(role) => role.permissions.cover(Act::Metadata, pull.repository).and(condition(
            grant,
            Act::Metadata,
            pull.repository,
        )),
        Row::Open(..) => {
            Outcome::Open(format!("whether role {} grants {}", grant.role, Act::Metadata.name()).into())
        }
    };
    match grants.iter().fold(Outcome::No, |any, grant| any.or(of(grant))) {
        Outcome::Yes => None,
        found => {
            let what = match found {
                Outcome::Open(why) => why,
                _ => format!("whether a pull works without {}", Act::Metadata.name()).into(),
            };
            let place = format!("role assignments of {} on {}", pull.who, pull.registry.registry.name);
            let code = Finding::MetadataNotGranted.code();
            Some(Claim::open(code, place, "must let the pull read metadata", vec![Open::undecidable(what)]))
        }
    }
}

/// Nothing grants the pull. Where somebody else holds it on the registry by whom it was meant to be this identity's,
/// that tells how it came about.
fn nothing(pull: &Pull<'_>, mode: Mode, place: &str, count: usize) -> Claim {
    let registry = &pull.registry.registry.name;
    if let Some((grant, known)) = mistaken(pull, mode) {
        let role = role_name(pull, grant);
        let detail =
            format!("no assignment grants the pull; {role} on {registry} is held by {}, {known}", grant.principal);
        return Claim::no(Finding::PullNotGranted.code(), place.to_owned(), detail);
    }
    if let Some(grant) = left_behind(pull, mode) {
        let role = role_name(pull, grant);
        let detail = format!(
            "no assignment grants the pull; {role} on {registry} is held by {}, a deleted principal",
            grant.principal
        );
        return Claim::no(Finding::IdentityRotated.code(), place.to_owned(), detail);
    }
    let detail = match count {
        0 => format!("{} has no role assignment at or above {registry}", pull.object),
        1 => format!("the one role assignment of {} at or above {registry} does not pull", pull.object),
        _ => format!("none of the {count} role assignments of {} at or above {registry} pulls", pull.object),
    };
    Claim::no(Finding::PullNotGranted.code(), place.to_owned(), detail)
}

/// A grant at or above the registry to an id that is taken for the identity's, with what that is.
fn mistaken<'a>(pull: &Pull<'a>, mode: Mode) -> Option<(&'a Grant, String)> {
    let of = |grant: &'a Grant| {
        let known = pull.index.lookalikes(pull.object).iter().find(|known| known.id == grant.principal);
        let client = pull.index.directory.application_of(pull.object);
        let named = known.map(|known| known.what.clone());
        let named = named.or_else(|| {
            let own = client.is_some_and(|client| client.eq_ignore_ascii_case(&grant.principal));
            own.then(|| format!("the client id of {}", pull.who))
        })?;
        Some((grant, named))
    };
    let Row::Got(holders) = &pull.registry.holders else { return None };
    let act = mode.acts().first().copied()?;
    let pulls = |grant: &&Grant| {
        let role = pull.index.role(&grant.role);
        matches!(role, Row::Got(role) if role.permissions.cover(act, pull.repository) == Outcome::Yes)
    };
    let mut found: Vec<(&Grant, String)> = holders.iter().filter(pulls).filter_map(of).collect();
    found.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    found.into_iter().next()
}

fn role_name(pull: &Pull<'_>, grant: &Grant) -> String {
    match pull.index.role(&grant.role) {
        Row::Got(role) => role.name.to_string(),
        Row::Open(..) => grant.role.clone(),
    }
}

/// A grant on the registry itself to a principal that the directory lost. One that nobody here pulls as may be a
/// pipeline's, and grants further up are for people as a rule.
fn left_behind<'a>(pull: &Pull<'a>, mode: Mode) -> Option<&'a Grant> {
    let Row::Got(holders) = &pull.registry.holders else { return None };
    let act = mode.acts().first().copied()?;
    let push = if mode == Mode::Abac { Act::ContentWrite } else { Act::Push };
    let only_pulls = |grant: &&Grant| match pull.index.role(&grant.role) {
        Row::Got(role) => {
            role.permissions.cover(act, pull.repository) == Outcome::Yes
                && role.permissions.cover(push, pull.repository) == Outcome::No
        }
        Row::Open(..) => false,
    };
    let mut here: Vec<&Grant> = holders
        .iter()
        .filter(|grant| grant.scope.eq_ignore_ascii_case(&pull.registry.id))
        .filter(|grant| grant.is_service_principal && pull.index.directory.has_lost(&grant.principal))
        .filter(only_pulls)
        .collect();
    here.sort_by(|a, b| a.name.cmp(&b.name));
    here.first().copied()
}
