//! The least grant that lets a kubelet identity pull.

mod after;
mod basis;
mod grant;
mod leftover;
#[cfg(feature = "live")]
mod vet;

pub(crate) use after::after;
#[cfg(feature = "live")]
pub(crate) use basis::fingerprints;
#[cfg(feature = "live")]
pub(crate) use grant::{Grant, Likeness, is_least, is_plain};
#[cfg(feature = "live")]
pub(crate) use leftover::still_gone;
pub(crate) use leftover::{leftovers, leftovers_unread};
#[cfg(feature = "live")]
pub(crate) use vet::vet;

use crate::facts::{RoleAssignment, table};
use crate::weigh::AksFacts;
use crate::weigh::index::RegistryEntry;
use grant::{ACR_PULL, Least, REPOSITORY_READER, Reach, change};
use jiff::Timestamp;
use pullaudit_core::{
    Change, Credential, Facts as _, FixPolicy, HeldBack, Mode, Principal, Proposal, Question, Read, Remedy,
    Verdict, judge,
};
use serde::Deserialize as _;
use std::collections::{BTreeMap, BTreeSet};

/// GUIDs of the roles that a repair grants, and no other.
pub(crate) const LEAST_ROLES: [&str; 2] = [ACR_PULL.guid, REPOSITORY_READER.guid];

/// One registry and one identity, with the places of the questions about them.
type Groups<'a> = BTreeMap<(String, String), Group<'a>>;

struct Group<'a> {
    registry: &'a RegistryEntry,
    principal: &'a Principal,
    questions: Vec<usize>,
}

/// One grant for each registry and identity; what a grant would not turn to allowed is held back.
pub(crate) fn propose(facts: &AksFacts, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
    let mut proposal = Proposal::default();
    let (groups, others) = group(facts, denied);
    if !others.is_empty() {
        let why = "no role assignment helps a login without a kubelet identity".to_owned();
        proposal.held_back.push(HeldBack::new(others, why));
    }
    for group in groups.values() {
        match grant(facts, group, denied, at, policy) {
            Ok((change, helped, left)) => {
                let changes = vec![change.id.clone()];
                proposal.remedies.push(Remedy { questions: helped, changes });
                proposal.changes.push(change);
                proposal.held_back.extend(left);
            }
            Err(held) => proposal.held_back.extend(held),
        }
    }
    proposal
}

fn group<'a>(facts: &'a AksFacts, denied: &[&'a Question]) -> (Groups<'a>, Vec<usize>) {
    let (mut groups, mut others) = (Groups::new(), Vec::new());
    for (number, question) in denied.iter().enumerate() {
        let registry = facts.registry(&crate::host::lookup(&question.image.registry));
        match (&question.by, registry) {
            (Credential::Principal(principal), Some(registry))
                if crate::cluster::principal(&principal.id).is_some() =>
            {
                let key = (registry.id.clone(), principal.id.to_ascii_lowercase());
                let group = || Group { registry, principal, questions: Vec::new() };
                groups.entry(key).or_insert_with(group).questions.push(number);
            }
            _ => others.push(number),
        }
    }
    (groups, others)
}

type Granted = (Change, Vec<usize>, Vec<HeldBack>);

/// The grant, the questions that it turns, and those that it would not.
fn grant(
    facts: &AksFacts,
    group: &Group<'_>,
    denied: &[&Question],
    at: Timestamp,
    policy: FixPolicy,
) -> Result<Granted, Vec<HeldBack>> {
    let all = |why: String| vec![HeldBack::new(group.questions.clone(), why)];
    let mode = group.registry.registry.properties.role_assignment_mode.as_deref().unwrap_or_default();
    let role = match mode.to_ascii_lowercase().as_str() {
        "legacyregistrypermissions" => &ACR_PULL,
        "abacrepositorypermissions" => &REPOSITORY_READER,
        _ => {
            return Err(
                all("the registry's role assignment mode is not known, so neither is the role".to_owned()),
            );
        }
    };
    let mut standing = None;
    for assignment in in_the_way(facts, group, role) {
        let Some(names) = grant::ours(group, role, &assignment) else {
            return Err(all(format!(
                "role assignment {} already gives {} on {} under a condition that pullaudit did not write, and a second \
                 one is refused: add the repositories to it with az role assignment update",
                assignment.name, role.name, group.registry.registry.name
            )));
        };
        standing = Some(names);
    }
    let reach = |repositories| match role.data_actions {
        [] => Reach::Registry,
        _ if policy.broad => Reach::AllRepositories,
        _ => Reach::Repositories(repositories),
    };
    let wanted = names(denied, &group.questions);
    let wanted = match role.data_actions {
        [] => wanted,
        _ if policy.broad => wanted,
        _ => grant::fitting(role, &wanted, standing.as_ref()),
    };
    if wanted.is_empty() {
        return Err(all(TOO_LONG.to_owned()));
    }
    let named = |number: &usize| wanted.contains(denied[*number].image.repository.as_str());
    let (numbers, left): (Vec<usize>, Vec<usize>) = group.questions.iter().partition(|number| named(number));
    let whole = change(facts, group, role, reach(&wanted), standing.as_ref());
    let (helped, mut held) = prove(facts, &whole, &numbers, denied, (at, policy.mode));
    let narrow = !held.is_empty();
    if !left.is_empty() {
        held.push(HeldBack::new(left, TOO_LONG.to_owned()));
    }
    if helped.is_empty() {
        return Err(held);
    }
    let wanted = names(denied, &helped);
    let narrowed = || change(facts, group, role, reach(&wanted), standing.as_ref());
    let change = if narrow { narrowed() } else { whole };
    Ok((change, helped, held))
}

/// A second assignment of the role is refused, so that what does not fit into one condition fits nowhere.
const TOO_LONG: &str = "the condition that names the repositories would be longer than Azure takes (4 KB): --consent broad \
                        grants all repositories of the registry";

fn names<'a>(denied: &[&'a Question], numbers: &[usize]) -> BTreeSet<&'a str> {
    numbers.iter().map(|number| denied[*number].image.repository.as_str()).collect()
}

/// The grant under a condition that takes the place of another: Azure knows one assignment for a role, an
/// identity and a scope. Where one without a condition stands, it is something else that denies.
fn in_the_way(facts: &AksFacts, group: &Group<'_>, role: &Least) -> Vec<RoleAssignment> {
    let key = format!("{}|{}", group.registry.id, group.principal.id.to_ascii_lowercase());
    let rows = facts.section().get(table::ASSIGNMENTS, &key).and_then(Read::got);
    let mut all = rows.and_then(|rows| Vec::<RoleAssignment>::deserialize(rows).ok()).unwrap_or_default();
    all.retain(|one| {
        let about = &one.properties;
        about.condition.as_ref().is_some_and(|text| !text.is_empty())
            && about.scope.eq_ignore_ascii_case(&group.registry.id)
            && about.principal_id.eq_ignore_ascii_case(&group.principal.id)
            && about.role_definition_id.rsplit('/').next().is_some_and(|guid| guid.eq_ignore_ascii_case(role.guid))
    });
    all
}

/// Weighs the questions on the facts as they would be: those that it turns, and the reasons of the rest.
fn prove(
    facts: &AksFacts,
    change: &Change,
    numbers: &[usize],
    denied: &[&Question],
    (at, mode): (Timestamp, Mode),
) -> (Vec<usize>, Vec<HeldBack>) {
    let Some(then) = after(facts, &[change]) else { return (Vec::new(), Vec::new()) };
    let (mut helped, mut why): (Vec<usize>, BTreeMap<String, Vec<usize>>) = (Vec::new(), BTreeMap::new());
    for number in numbers {
        match judge(then.weigh(denied[*number], at).as_ref(), mode) {
            Verdict::Allowed { .. } => helped.push(*number),
            Verdict::Denied { because } => {
                let first =
                    because.first().map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
                why.entry(format!("no grant would help: {first}")).or_default().push(*number);
            }
            Verdict::Unknown { needing } => {
                let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
                why.entry(format!("a grant would not be proved enough: {first}")).or_default().push(*number);
            }
        }
    }
    (helped, why.into_iter().map(|(why, questions)| HeldBack::new(questions, why)).collect())
}
