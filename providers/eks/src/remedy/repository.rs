//! The owner's side: one statement of ours in the policy of a repository, which ECR only replaces whole.

use super::command::{command, import};
use super::document::{self, each_principal, spaced, statements, statements_mut};
use super::own::{self, PULL, Side, Wanted, is_role_id, only_reads};
use super::role::{bare, by_hand};
use super::target::{RepositoryArn, Target};
use super::{Need, basis, text_of};
use crate::facts::table;
use crate::weigh::EksFacts;
use crate::weigh::arn::short_id;
use pullaudit_core::{Action, Change, FixPolicy, Note, Safety};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Source: ECR API reference, `SetRepositoryPolicy`.
const LARGEST: usize = 10_240;

/// The policies as they would be if no document had a limit.
pub(super) fn unbounded(facts: &EksFacts, needs: &[&Need<'_>]) -> Vec<(Target, String)> {
    let mut groups: BTreeMap<String, Vec<&Need<'_>>> = BTreeMap::new();
    for need in needs.iter().filter(|need| need.has_other_half()) {
        groups.entry(need.resource()).or_default().push(need);
    }
    let edit = |(arn, group): (&String, &Vec<&Need<'_>>)| {
        let policy = merged(facts, arn, group, &mut Vec::new(), false).ok()?;
        Some((Target::Repository { arn: arn.clone() }, document::text(&policy)))
    };
    groups.iter().filter_map(edit).collect()
}

/// The change of a repository's policy that these questions need.
pub(super) fn change(facts: &EksFacts, needs: &[&Need<'_>], policy: FixPolicy) -> Result<Change, String> {
    let need = needs.first().ok_or("there is no question")?;
    let arn = need.resource();
    let mut notes = Vec::new();
    let merged = merged(facts, &arn, needs, &mut notes, policy.prune)?;
    let (text, before) = (document::text(&merged), standing(facts, &arn));
    if text.chars().count() > LARGEST {
        return Err(format!(
            "the policy of repository {} would have {} characters, and ECR takes {LARGEST}: its owner can name the \
             account instead of its roles",
            need.repository(),
            text.chars().count()
        ));
    }
    let roles: BTreeSet<&str> = needs.iter().map(|need| need.role_name()).collect();
    let who = match roles.len() {
        1 | 2 => roles.into_iter().collect::<Vec<_>>().join(" and "),
        many => format!("{many} roles"),
    };
    let (foreign, name) = (own::foreign(Side::Repository, &merged).len(), need.repository());
    let target = Target::Repository { arn };
    let mut all = vec![Note::new("repository", target.id())];
    for statement in own::own(Side::Repository, &merged) {
        all.push(Note::new("statement", spaced(&statement)));
    }
    if foreign > 0 {
        all.push(Note::new("kept", format!("statements of others, as they stand and in their order: {foreign}")));
    }
    all.extend(notes);
    all.push(Note::new(
        "no lock",
        "ECR replaces the whole policy, and takes no condition: it is read again right before and after; an edit of \
         others in the moment between would be lost. --force is never sent",
    ));
    Ok(Change {
        id: basis::id(&target.id(), statements(&merged)),
        target: format!("let {who} pull from {name} of {}", need.host.account),
        action: if before.is_some() { Action::Change } else { Action::Add },
        before: before.map(|text| target.body(text)),
        after: Some(target.body(&text)),
        safety: Safety::NeedsConsent,
        notes: all,
        rests_on: vec![basis::of_document(&target, before)],
        command: command(&target, Some(&text)),
        import: import(&target),
        ..bare(&target)
    })
}

/// Why the repository's policy can't be written without losing what stands in it.
pub(super) fn unkept(facts: &EksFacts, need: &Need<'_>) -> Option<String> {
    merged(facts, &need.resource(), &[need], &mut Vec::new(), false).err()
}

/// The text for the owner of a repository that nobody of ours may look into.
pub(super) fn hand_over(facts: &EksFacts, need: &Need<'_>) -> String {
    let mut policy = document::empty();
    let mut wanted = Wanted::new();
    need.add(facts, &need.role.arn, false, &mut wanted);
    own::merge(Side::Repository, &mut policy, &wanted);
    let list: Vec<String> = statements(&policy).iter().map(spaced).collect();
    format!(
        "waiting-for-owner: account {} owns {} and no credential in use belongs to it. Its owner adds to the repository's \
         policy: {} Our half: {}",
        need.host.account,
        need.resource(),
        list.join(", "),
        by_hand(facts, need)
    )
}

fn standing<'a>(facts: &'a EksFacts, arn: &str) -> Option<&'a str> {
    let of = RepositoryArn::parse(arn)?;
    text_of(facts, table::REPOSITORY_POLICIES, &format!("{}/{}/{}", of.account, of.region, of.name))
}

/// The policy with our statement in it. Ids of roles that nobody knows are told; with `prune`, one that can only
/// be of the role in question becomes its ARN.
fn merged(
    facts: &EksFacts,
    arn: &str,
    needs: &[&Need<'_>],
    notes: &mut Vec<Note>,
    prune: bool,
) -> Result<Value, String> {
    let mut policy = match standing(facts, arn) {
        Some(text) => {
            document::parse(text).map_err(|why| format!("the policy of {arn} can't be kept as it is: {why}"))?
        }
        None => document::empty(),
    };
    let roles: BTreeSet<&str> = needs.iter().map(|need| need.role.arn.as_str()).collect();
    let dead = dead_ids(facts, &policy);
    let (role, id) = (single(roles.iter()).copied(), single(dead.iter()));
    let mut covered = false;
    match (role, id) {
        (Some(role), Some((id, place))) if prune && may_map(&policy, id) => {
            covered = map(&mut policy, id, role);
            let now = format!("{} of {place} becomes {role}", short_id(id));
            notes.push(Note::new("dead id", format!("{now}; no undo brings it back, as AWS takes no dead id")));
        }
        _ => {
            let now = role.filter(|_| id.is_some_and(|(id, _)| may_map(&policy, id)));
            notes.extend(dead.iter().map(|(id, place)| Note::new("dead id", dead_note(id, place, now))));
        }
    }
    if !covered {
        let mut wanted = Wanted::new();
        for need in needs {
            need.add(facts, &need.role.arn, false, &mut wanted);
        }
        own::merge(Side::Repository, &mut policy, &wanted);
    }
    Ok(policy)
}

/// The one of a list that has no other.
fn single<T>(mut list: impl Iterator<Item = T>) -> Option<T> {
    list.next().filter(|_| list.next().is_none())
}

fn dead_note(id: &str, place: &str, role: Option<&str>) -> String {
    let now = role.map_or_else(String::new, |role| {
        format!(" The live {role} stands in our own statement; --consent broad --consent prune writes it in the place of the id.")
    });
    format!(
        "{} of {place} is the id of no role that was read, and stays; if its role is gone, ECR refuses the policy as long as \
         it stands there.{now}",
        short_id(id)
    )
}

/// Ids of roles that are none of a role that was read, each with the statement that names it.
fn dead_ids(facts: &EksFacts, policy: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (index, statement) in statements(policy).iter().enumerate() {
        let place = match statement["Sid"].as_str() {
            Some(sid) => format!("statement {} \"{sid}\"", index + 1),
            None => format!("statement {}", index + 1),
        };
        each_principal(&mut statement["Principal"].clone(), &mut |text| {
            if is_role_id(text) && !facts.is_live_role(text) {
                found.insert(text.to_owned(), place.clone());
            }
            None
        });
    }
    found
}

/// Whether a role may stand in the place of an id: nowhere would it get more than reading.
fn may_map(policy: &Value, id: &str) -> bool {
    let mut with_id = statements(policy).iter().filter(|statement| names(statement, id));
    with_id.all(only_reads)
}

fn names(statement: &Value, id: &str) -> bool {
    let mut found = false;
    for element in ["Principal", "NotPrincipal"] {
        each_principal(&mut statement[element].clone(), &mut |text| {
            found |= text == id;
            None
        });
    }
    found
}

/// Puts a role's ARN in the place of an id. True where a statement that had it gives the whole pull without a
/// condition, so that none of our own is needed.
fn map(policy: &mut Value, id: &str, role: &str) -> bool {
    let mut covered = false;
    for statement in statements_mut(policy).iter_mut().filter(|statement| names(statement, id)) {
        if let Some(principal) = statement.get_mut("Principal") {
            each_principal(principal, &mut |text| (text == id).then(|| role.to_owned()));
        }
        let actions = own::actions(statement);
        let whole = PULL.actions.iter().all(|action| actions.contains(action));
        covered |= whole && statement.get("Condition").is_none();
    }
    covered
}
