//! The least change of policies that lets a role pull.

mod after;
#[cfg(any(test, feature = "live"))]
mod back;
mod basis;
mod command;
mod document;
#[cfg(any(test, feature = "live"))]
mod gate;
#[cfg(any(test, feature = "live"))]
mod look;
mod own;
mod owner_tool;
mod repository;
mod role;
mod target;
#[cfg(test)]
mod tests;
#[cfg(feature = "live")]
mod vet;
#[cfg(any(test, feature = "live"))]
mod write;

pub(crate) use after::after;
#[cfg(feature = "live")]
pub(crate) use back::{Back, back, change_back};
#[cfg(feature = "live")]
pub(crate) use basis::{of_attached, of_document, of_role};
#[cfg(feature = "live")]
pub(crate) use look::role_by_id;
#[cfg(feature = "live")]
pub(crate) use target::{POLICY_NAME, RepositoryArn};
#[cfg(feature = "live")]
pub(crate) use vet::vet;
#[cfg(feature = "live")]
pub(crate) use write::{Document, Sent, write};

use crate::facts::Role;
use crate::host::EcrHost;
use crate::weigh::arn::RoleArn;
use crate::weigh::{EksFacts, FirstPull};
use after::Edit;
use jiff::Timestamp;
use own::{CREATE, IMPORT, PULL, Wanted};
use pullaudit_core::{
    Change, Credential, Facts as _, FixPolicy, HeldBack, Mode, Proposal, Question, Read, Remedy, Verdict, judge,
};
use std::collections::{BTreeMap, BTreeSet};
pub(crate) use target::Target;

/// A question that a policy may turn.
#[derive(Clone, Copy)]
struct Need<'a> {
    /// Its place in the list of questions.
    number: usize,
    question: &'a Question,
    host: EcrHost<'a>,
    role: &'a Role,
}

/// When and in which mode questions are evaluated where a change is proved.
#[derive(Clone, Copy)]
struct Proof {
    at: Timestamp,
    mode: Mode,
}

/// Which documents turn a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Role,
    Repository,
    Both,
}

/// A change with the questions that hang on it.
struct Planned {
    change: Change,
    numbers: BTreeSet<usize>,
}

/// Questions that a document can't be written for, and why.
type Failed = (BTreeSet<usize>, String);

/// One change for each document, each set the least for its questions; what none would turn is held back.
pub(crate) fn propose(facts: &EksFacts, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
    let proof = Proof { at, mode: policy.mode };
    let mut held: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut needs = Vec::new();
    for (number, question) in denied.iter().enumerate() {
        match Need::of(facts, number, question) {
            Ok(need) => needs.push(need),
            Err(why) => _ = held.entry(why).or_default().insert(number),
        }
    }
    let mut left = Vec::new();
    for (need, way) in needs.iter().zip(ways(facts, &needs, proof)) {
        match way {
            Ok(way) => left.push((*need, way)),
            Err(why) => _ = held.entry(why).or_default().insert(need.number),
        }
    }
    // What one document can't take is of no use in the others.
    let planned = loop {
        let (planned, mut failed) = build(facts, &left, proof, policy);
        if failed.is_empty() {
            failed = unproved(facts, &planned, &left, proof);
        }
        if failed.is_empty() {
            break planned;
        }
        let gone: BTreeSet<usize> = failed.iter().flat_map(|(numbers, _)| numbers).copied().collect();
        left.retain(|(need, _)| !gone.contains(&need.number));
        for (numbers, why) in failed {
            held.entry(why).or_default().extend(numbers);
        }
    };
    let held_back = held.into_iter().map(|(why, numbers)| HeldBack::new(numbers.into_iter().collect(), why));
    Proposal {
        remedies: remedies(&planned),
        changes: planned.into_iter().map(|planned| planned.change).collect(),
        held_back: held_back.collect(),
    }
}

/// Questions that need the same changes, together.
fn remedies(planned: &[Planned]) -> Vec<Remedy> {
    let mut of_number: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for one in planned {
        for number in &one.numbers {
            of_number.entry(*number).or_default().push(one.change.id.clone());
        }
    }
    let mut sets: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (number, changes) in of_number {
        sets.entry(changes).or_default().push(number);
    }
    let mut remedies: Vec<Remedy> =
        sets.into_iter().map(|(changes, questions)| Remedy { questions, changes }).collect();
    remedies.sort_by_key(|remedy| remedy.questions.first().copied());
    remedies
}

impl<'a> Need<'a> {
    fn of(facts: &'a EksFacts, number: usize, question: &'a Question) -> Result<Self, String> {
        let none = || "no policy helps a login that is no role of AWS".to_owned();
        let host = EcrHost::parse(question.image.registry.as_str()).ok_or_else(none)?;
        let Credential::Principal(principal) = &question.by else { return Err(none()) };
        let arn = RoleArn::parse(&principal.id).ok_or_else(none)?;
        let role = facts.role(arn.account, arn.name);
        let role =
            role.ok_or_else(|| format!("role {} ({}) does not exist or was not read", arn.name, arn.account))?;
        if [":role/aws-service-role/", ":role/aws-reserved/"].iter().any(|path| role.arn.contains(path)) {
            return Err(format!("role {} belongs to AWS, which alone changes its policies", role.arn));
        }
        Ok(Self { number, question, host, role })
    }

    fn role_name(&self) -> &'a str {
        RoleArn::parse(&self.role.arn).map(|arn| arn.name).unwrap_or_default()
    }

    fn repository(&self) -> &'a str {
        &self.question.image.repository
    }

    /// The ARN that policies of roles name.
    fn resource(&self) -> String {
        self.host.repository_arn(self.repository())
    }

    /// True when the registry is another account's, so that its owner's half counts too; AWS's own half of its
    /// add-on registries can't be written.
    fn has_other_half(&self) -> bool {
        let own = RoleArn::parse(&self.role.arn).is_some_and(|arn| arn.account == self.host.account);
        !own && !facts_of_aws(&self.host)
    }

    /// What our statements must say of the repository, or of the role, for this question.
    fn add(&self, facts: &EksFacts, value: &str, with_create: bool, wanted: &mut Wanted) {
        wanted.entry(PULL).or_default().insert(value.to_owned());
        let first = facts.first_pull(&self.host, self.question);
        if first.is_some() {
            wanted.entry(IMPORT).or_default().insert(value.to_owned());
        }
        if first == Some(FirstPull::Creates) && with_create {
            wanted.entry(CREATE).or_default().insert(value.to_owned());
        }
    }
}

fn facts_of_aws(host: &EcrHost<'_>) -> bool {
    crate::weigh::addons::is_addon_registry(host.account, host.region)
}

/// The text of a document that was read.
fn text_of<'a>(facts: &'a EksFacts, table: &str, key: &str) -> Option<&'a str> {
    facts.section().get(table, key).and_then(Read::got)?["text"].as_str()
}

fn verdict(facts: &EksFacts, need: &Need<'_>, proof: Proof) -> Verdict {
    judge(facts.weigh(need.question, proof.at).as_ref(), proof.mode)
}

fn turned(facts: Option<&EksFacts>, need: &Need<'_>, proof: Proof) -> bool {
    facts.is_some_and(|facts| matches!(verdict(facts, need, proof), Verdict::Allowed { .. }))
}

/// The fewest documents that turn each question, found by weighing the facts with each half in place and with
/// both.
fn ways(facts: &EksFacts, needs: &[Need<'_>], proof: Proof) -> Vec<Result<Way, String>> {
    let all: Vec<&Need<'_>> = needs.iter().collect();
    let (own, others) = (role::unbounded(facts, &all), repository::unbounded(facts, &all));
    let weighed = |edits: &mut dyn Iterator<Item = &(Target, String)>| {
        let edits: Vec<Edit<'_>> = edits.map(|(target, text)| (target, Some(text.as_str()))).collect();
        after::with(facts, &edits)
    };
    let (with_own, with_others) = (weighed(&mut own.iter()), weighed(&mut others.iter()));
    let both = weighed(&mut own.iter().chain(&others));
    let way = |need: &Need<'_>| {
        if turned(with_own.as_ref(), need, proof) {
            return Ok(Way::Role);
        }
        if need.has_other_half() && turned(with_others.as_ref(), need, proof) {
            return Ok(Way::Repository);
        }
        if need.has_other_half() && turned(both.as_ref(), need, proof) {
            return Ok(Way::Both);
        }
        Err(why_not(facts, both.as_ref(), need, proof))
    };
    needs.iter().map(way).collect()
}

/// Why no change of ours turns a question.
fn why_not(facts: &EksFacts, then: Option<&EksFacts>, need: &Need<'_>, proof: Proof) -> String {
    let unkept = role::unkept(facts, need);
    if let Some(why) = unkept.or_else(|| repository::unkept(facts, need).filter(|_| need.has_other_half())) {
        return why;
    }
    match then.map(|then| verdict(then, need, proof)) {
        Some(Verdict::Denied { because }) => {
            let first = because.first().map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
            format!("no grant would help: {first}")
        }
        Some(Verdict::Unknown { .. }) if facts.is_foreign(&need.host, need.repository()) => {
            repository::hand_over(facts, need)
        }
        Some(Verdict::Unknown { needing }) => {
            let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
            format!("a grant would not be proved enough: {first}")
        }
        Some(Verdict::Allowed { .. }) | None => "no change of one document is enough".to_owned(),
    }
}

/// The change of each document that these questions need, and what can't be written.
fn build(
    facts: &EksFacts,
    left: &[(Need<'_>, Way)],
    proof: Proof,
    policy: FixPolicy,
) -> (Vec<Planned>, Vec<Failed>) {
    let (mut of_role, mut of_repository) = (BTreeMap::new(), BTreeMap::new());
    for (need, way) in left {
        if *way != Way::Repository {
            let group: &mut Vec<(&Need<'_>, Way)> = of_role.entry(need.role.arn.as_str()).or_default();
            group.push((need, *way));
        }
        if *way != Way::Role {
            let group: &mut Vec<&Need<'_>> = of_repository.entry(need.resource()).or_default();
            group.push(need);
        }
    }
    let (mut planned, mut failed) = (Vec::new(), Vec::new());
    let mut take = |numbers: BTreeSet<usize>, built: Result<Change, String>| match built {
        Ok(change) => planned.push(Planned { change, numbers }),
        Err(why) => failed.push((numbers, why)),
    };
    for group in of_role.values() {
        let numbers = group.iter().map(|(need, _)| need.number).collect();
        take(numbers, role::change(facts, group, proof, policy));
    }
    for group in of_repository.values() {
        let numbers = group.iter().map(|need| need.number).collect();
        take(numbers, repository::change(facts, group, policy));
    }
    (planned, failed)
}

/// What the changes as they will be written do not turn.
fn unproved(facts: &EksFacts, planned: &[Planned], left: &[(Need<'_>, Way)], proof: Proof) -> Vec<Failed> {
    if left.is_empty() {
        return Vec::new();
    }
    let changes: Vec<&Change> = planned.iter().map(|planned| &planned.change).collect();
    let then = after(facts, &changes);
    let open = left.iter().filter(|(need, _)| !turned(then.as_ref(), need, proof));
    open.map(|(need, _)| (BTreeSet::from([need.number]), why_not(facts, then.as_ref(), need, proof))).collect()
}
