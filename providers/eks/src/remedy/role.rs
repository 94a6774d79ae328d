//! The role's side: one inline policy of our own name, or the managed policy that pulls and does nothing else.

use super::command::{command, import};
use super::document;
use super::own::{self, CREATE, IMPORT, PULL, Side, TOKEN, Wanted};
use super::target::{POLICY_NAME, Target};
use super::{Need, Proof, Way, basis, owner_tool, text_of, turned};
use crate::facts::table;
use crate::weigh::EksFacts;
use crate::weigh::addons;
use crate::weigh::arn::RoleArn;
use pullaudit_core::{Action, Change, FixPolicy, ImageRef, Note, Question, Read, Safety};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All inline policies of a role together. Source: IAM user guide, "IAM and AWS STS quotas".
const LARGEST: usize = 10_240;

/// Managed policies that a role has at most, unless its account's quota was raised. Source: as above.
const MOST_ATTACHED: usize = 10;

/// How much our inline policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The repositories, one by one.
    Exact,
    /// What lies under the first part of their names.
    Prefix,
    /// All repositories of their registries.
    Registry,
}

/// The inline policies as they would be if no document had a limit.
pub(super) fn unbounded(facts: &EksFacts, needs: &[&Need<'_>]) -> Vec<(Target, String)> {
    let mut groups: BTreeMap<&str, Vec<&Need<'_>>> = BTreeMap::new();
    for need in needs {
        groups.entry(&need.role.arn).or_default().push(need);
    }
    let edit = |group: &Vec<&Need<'_>>| {
        let policy = inline(facts, group, &BTreeSet::new(), Reach::Exact).ok()?;
        Some((Target::Inline { role: group.first()?.role.arn.clone() }, document::text(&policy)))
    };
    groups.values().filter_map(edit).collect()
}

/// The change of a role's policies that its questions need.
pub(super) fn change(
    facts: &EksFacts,
    group: &[(&Need<'_>, Way)],
    proof: Proof,
    policy: FixPolicy,
) -> Result<Change, String> {
    let needs: Vec<&Need<'_>> = group.iter().map(|(need, _)| *need).collect();
    let first = needs.first().ok_or("there is no question")?;
    let addons = unreachable_addons(facts, &needs, proof);
    let (exact, room) = (inline(facts, &needs, &addons, Reach::Exact)?, room(facts, first));
    let mut change = if document::text(&exact).len() <= room {
        of_inline(facts, &needs, &exact, Reach::Exact)
    } else {
        broad(facts, &needs, &addons, (&exact, room), policy)?
    };
    // Where the other half is written only with consent, this one alone would help nobody.
    if group.iter().any(|(_, way)| *way == Way::Both) {
        change.safety = change.safety.min(Safety::NeedsConsent);
        change.notes.push(Note::new("together", "helps only with the repository policy of the registry's owner"));
    }
    if !addons.is_empty() {
        let list = addons.iter().cloned().collect::<Vec<_>>().join(", ");
        change
            .notes
            .push(Note::new("add-ons", format!("{list}: AWS's own images, which its nodes can't pull now")));
    }
    Ok(change)
}

/// The wider forms, which need consent: the narrowest one that fits.
fn broad(
    facts: &EksFacts,
    needs: &[&Need<'_>],
    addons: &BTreeSet<String>,
    (exact, room): (&Value, usize),
    policy: FixPolicy,
) -> Result<Change, String> {
    for reach in [Reach::Prefix, Reach::Registry] {
        let wider = inline(facts, needs, addons, reach)?;
        let size = document::text(&wider).len();
        if size <= room {
            let change = of_inline(facts, needs, &wider, reach);
            let names = repositories(&wider).into_iter().collect::<Vec<_>>().join(", ");
            let instead = format!("writes {names} instead, {size} characters");
            return agreed(needs, exact, room, policy, change, &instead);
        }
    }
    let first = needs.first().ok_or("there is no question")?;
    let target = Target::Attachment { role: first.role.arn.clone() };
    let attached = attached(facts, first);
    if attached.len() >= MOST_ATTACHED {
        return Err(format!(
            "the inline policies of role {} have no room left, and it has {} managed policies, of which IAM takes \
             {MOST_ATTACHED} unless the quota is raised: detach one, then attach {}",
            first.role_name(),
            attached.len(),
            target.policy_arn()
        ));
    }
    let instead = format!("attaches {} instead", target.policy_arn());
    agreed(needs, exact, room, policy, attachment(needs, &target, &attached), &instead)
}

fn agreed(
    needs: &[&Need<'_>],
    exact: &Value,
    room: usize,
    policy: FixPolicy,
    change: Change,
    instead: &str,
) -> Result<Change, String> {
    if policy.broad {
        return Ok(change);
    }
    let name = needs.first().map(|need| need.role_name()).unwrap_or_default();
    Err(format!(
        "an inline policy that names each repository would take {} characters, and role {name} has {room} of \
         {LARGEST} left: --consent broad {instead}",
        document::text(exact).len()
    ))
}

/// Our inline policy with what these questions need beside what it holds already.
fn inline(
    facts: &EksFacts,
    needs: &[&Need<'_>],
    addons: &BTreeSet<String>,
    reach: Reach,
) -> Result<Value, String> {
    let first = needs.first().ok_or("there is no question")?;
    let mut policy = match standing(facts, first) {
        Some(text) => document::parse(text).map_err(|why| {
            format!("inline policy {POLICY_NAME} of role {} can't be kept as it is: {why}", first.role_name())
        })?,
        None => document::empty(),
    };
    let mut wanted = Wanted::new();
    wanted.entry(TOKEN).or_default().insert("*".to_owned());
    for need in needs {
        need.add(facts, &need.resource(), true, &mut wanted);
    }
    wanted.entry(PULL).or_default().extend(addons.iter().cloned());
    if reach != Reach::Exact {
        for statement in own::own(Side::Role, &policy) {
            for part in [TOKEN, PULL, IMPORT, CREATE] {
                let values = own::values(Side::Role, part, &statement).unwrap_or_default();
                if !values.is_empty() {
                    wanted.entry(part).or_default().extend(values);
                }
            }
        }
        own::replace(Side::Role, &mut policy, Vec::new());
        for values in wanted.values_mut() {
            *values = values.iter().map(|arn| wider(arn, reach)).collect();
        }
    }
    own::merge(Side::Role, &mut policy, &wanted);
    Ok(policy)
}

/// `arn:…:repository/ledger/*` or `arn:…:repository/*` in the place of an ARN.
fn wider(arn: &str, reach: Reach) -> String {
    let Some((head, name)) = arn.split_once(":repository/") else { return arn.to_owned() };
    match (reach, name.split_once('/')) {
        (Reach::Registry, _) => format!("{head}:repository/*"),
        (Reach::Prefix, Some((first, _))) => format!("{head}:repository/{first}/*"),
        (Reach::Prefix, None) | (Reach::Exact, _) => arn.to_owned(),
    }
}

/// The whole registries of AWS that hold the add-ons of these regions, where the role can't pull from them: a
/// node without them does not start.
fn unreachable_addons(facts: &EksFacts, needs: &[&Need<'_>], proof: Proof) -> BTreeSet<String> {
    let mut regions = BTreeSet::new();
    let mut arns = BTreeSet::new();
    for need in needs.iter().filter(|need| regions.insert(need.host.region)) {
        let Some(account) = addons::account_of(need.host.region) else { continue };
        let Some(rest) = need.question.image.registry.as_str().get(12..) else { continue };
        let Ok(image) = ImageRef::parse(&format!("{account}{rest}/eks/pause:latest")) else { continue };
        let question = Question { image, ..need.question.clone() };
        let host = crate::host::EcrHost { account, ..need.host };
        let asked = Need { question: &question, host, ..**need };
        if !turned(Some(facts), &asked, proof) {
            arns.insert(host.repository_arn("*"));
        }
    }
    arns
}

fn key(need: &Need<'_>) -> String {
    RoleArn::parse(&need.role.arn).map(|arn| format!("{}/{}", arn.account, arn.name)).unwrap_or_default()
}

/// Our inline policy as it stands.
fn standing<'a>(facts: &'a EksFacts, need: &Need<'_>) -> Option<&'a str> {
    let names = list(facts, table::INLINE_NAMES, &key(need));
    let there = names.iter().any(|name| name == POLICY_NAME);
    text_of(facts, table::INLINE, &format!("{}/{POLICY_NAME}", key(need))).filter(|_| there)
}

fn list(facts: &EksFacts, table: &str, key: &str) -> Vec<String> {
    let rows = facts.section().get(table, key).and_then(Read::got).and_then(Value::as_array);
    rows.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn attached(facts: &EksFacts, need: &Need<'_>) -> Vec<String> {
    list(facts, table::ATTACHED, &key(need))
}

/// What the role's other inline policies leave of the quota.
fn room(facts: &EksFacts, need: &Need<'_>) -> usize {
    let key = key(need);
    let names = list(facts, table::INLINE_NAMES, &key);
    let others = names.iter().filter(|name| *name != POLICY_NAME);
    let texts = others.filter_map(|name| text_of(facts, table::INLINE, &format!("{key}/{name}")));
    LARGEST.saturating_sub(texts.map(document::size).sum())
}

/// The line that writes our half for one question.
pub(super) fn by_hand(facts: &EksFacts, need: &Need<'_>) -> String {
    let target = Target::Inline { role: need.role.arn.clone() };
    let policy = inline(facts, &[need], &BTreeSet::new(), Reach::Exact);
    policy.map_or_else(|why| why, |policy| command(&target, Some(&document::text(&policy))))
}

/// Why our inline policy can't be written without losing what stands in it.
pub(super) fn unkept(facts: &EksFacts, need: &Need<'_>) -> Option<String> {
    inline(facts, &[need], &BTreeSet::new(), Reach::Exact).err()
}

/// What our pull statement names, by the names of repositories.
pub(super) fn repositories(policy: &Value) -> BTreeSet<String> {
    let own = own::own(Side::Role, policy);
    let arns = own.iter().filter_map(|statement| own::values(Side::Role, PULL, statement)).flatten();
    let short = |arn: String| match arn.split_once(":repository/") {
        Some((head, "*")) => format!("all of {}", head.rsplit(':').next().unwrap_or_default()),
        Some((_, name)) => name.to_owned(),
        None => arn,
    };
    arns.map(short).collect()
}

fn of_inline(facts: &EksFacts, needs: &[&Need<'_>], policy: &Value, reach: Reach) -> Change {
    let need = needs[0];
    let target = Target::Inline { role: need.role.arn.clone() };
    let (name, before, text) = (need.role_name(), standing(facts, need), document::text(policy));
    let foreign = own::foreign(Side::Role, policy).len();
    let mut notes = vec![
        Note::new("role", need.role.arn.as_str()),
        Note::new("policy", format!("inline, {POLICY_NAME}: the login, and the actions of a pull where named")),
        Note::new("only", repositories(policy).into_iter().collect::<Vec<_>>().join(", ")),
        Note::new(
            "size",
            format!("{} of the {} characters that inline policies have left", text.len(), room(facts, need)),
        ),
    ];
    if foreign > 0 {
        notes.push(Note::new("kept", format!("statements of others in it, as they stand: {foreign}")));
    }
    let count = needs.iter().map(|need| need.resource()).collect::<BTreeSet<_>>().len();
    let repositories = if count == 1 { "repository" } else { "repositories" };
    let change = Change {
        id: basis::id(&target.id(), &target.own(Some(&text))),
        target: format!("let role {name} pull from {count} {repositories}"),
        action: if before.is_some() { Action::Change } else { Action::Add },
        before: before.map(|text| target.body(text)),
        after: Some(target.body(&text)),
        safety: if reach == Reach::Exact { Safety::Safe } else { Safety::NeedsConsent },
        notes,
        rests_on: vec![basis::of_role(need.role), basis::of_document(&target, before)],
        command: command(&target, Some(&text)),
        import: import(&target),
        ..bare(&target)
    };
    owned(change, need, &target, Some(policy))
}

fn attachment(needs: &[&Need<'_>], target: &Target, attached: &[String]) -> Change {
    let need = needs[0];
    let arn = target.policy_arn();
    let change = Change {
        id: basis::id(&target.id(), &[]),
        target: format!("let role {} pull from every repository", need.role_name()),
        after: Some(target.body("")),
        safety: Safety::NeedsConsent,
        notes: vec![
            Note::new("role", need.role.arn.as_str()),
            Note::new("policy", format!("{arn}: all repositories; an inline policy would be too large")),
        ],
        rests_on: vec![basis::of_role(need.role), basis::of_attached(target, attached)],
        command: command(target, Some("")),
        import: import(target),
        ..bare(target)
    };
    owned(change, need, target, None)
}

/// A change of which only the document is known.
pub(super) fn bare(target: &Target) -> Change {
    Change {
        id: String::new(),
        provider: "eks".to_owned(),
        owner: target.account().to_owned(),
        document: target.id(),
        target: String::new(),
        action: Action::Add,
        before: None,
        after: None,
        safety: Safety::NeedsConsent,
        notes: Vec::new(),
        rests_on: Vec::new(),
        command: String::new(),
        import: String::new(),
    }
}

/// The change of a role that another tool owns waits for consent, and says what that tool would take.
fn owned(mut change: Change, need: &Need<'_>, target: &Target, policy: Option<&Value>) -> Change {
    let notes = owner_tool::notes(need.role, target, policy);
    if !notes.is_empty() {
        change.safety = change.safety.min(Safety::NeedsConsent);
        change.notes.extend(notes);
    }
    // Source: IAM user guide, "Changes that I make are not always immediately visible"; back-off is the kubelet's.
    change
        .notes
        .push(Note::new("in effect", "soon, IAM says not when; pods in back-off try again within 5 minutes"));
    change
}
