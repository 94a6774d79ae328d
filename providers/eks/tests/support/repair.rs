//! Repairs of the small world.

use super::{OWN, REGION, ROLE, World};
use pullaudit_core::{Change, Facts, FixPolicy, Mode, Proposal, Question, Read, Verdict, judge};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};

pub(crate) const BROAD: FixPolicy = FixPolicy { broad: true, prune: false, mode: Mode::Default };
pub(crate) const PRUNE: FixPolicy = FixPolicy { broad: true, prune: true, mode: Mode::Default };
pub(crate) const ADDONS: &str = "arn:aws:ecr:eu-central-1:602401143452:repository/*";

pub(crate) fn facts(world: &World) -> EksFacts {
    EksFacts::open(&world.section).unwrap()
}

pub(crate) fn propose_all(world: &World, questions: &[Question], policy: FixPolicy) -> Proposal {
    facts(world).remedies(&questions.iter().collect::<Vec<_>>(), world.at, policy)
}

pub(crate) fn propose(world: &World) -> Proposal {
    propose_all(world, &[world.question()], FixPolicy::default())
}

#[track_caller]
pub(crate) fn only(proposal: &Proposal) -> &Change {
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:#?}") };
    change
}

#[track_caller]
pub(crate) fn held(world: &World) -> String {
    let proposal = propose(world);
    assert!(proposal.changes.is_empty() && proposal.remedies.is_empty(), "{proposal:#?}");
    let [held] = proposal.held_back.as_slice() else { panic!("{proposal:#?}") };
    assert_eq!(held.questions, [0]);
    held.why.clone()
}

pub(crate) fn turned(world: &World, changes: &[Change], question: &Question) -> bool {
    let then = facts(world).after(&changes.iter().collect::<Vec<_>>()).unwrap();
    matches!(judge(then.weigh(question, world.at).as_ref(), Mode::Default), Verdict::Allowed { .. })
}

/// The document that a change writes.
pub(crate) fn written(change: &Change) -> Value {
    let after = change.after.as_ref().unwrap();
    let text = after.get("PolicyDocument").or(after.get("policyText")).unwrap();
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

pub(crate) fn own_inline(world: World, document: &Value) -> World {
    let names = Read::Got(json!(["pullaudit-pull"]));
    let mut world = world.role_row(table::INLINE_NAMES, names);
    world.section.put(table::INLINE, format!("{OWN}/{ROLE}/pullaudit-pull"), super::document(document));
    world
}

pub(crate) fn notes(change: &Change) -> String {
    let lines: Vec<String> = change.notes.iter().map(|note| format!("{}: {}", note.label, note.text)).collect();
    lines.join("\n") + "\n"
}

/// The same question about a repository of that name, which exists.
pub(crate) fn with_repository(mut world: World, name: &str) -> (World, Question) {
    let key = format!("{}/{REGION}/{name}", world.owner);
    let arn = format!("arn:aws:ecr:{REGION}:{}:repository/{name}", world.owner);
    world.section.put(table::REPOSITORIES, &key, Read::Got(json!({ "arn": arn })));
    world.section.put(table::REPOSITORY_POLICIES, &key, Read::Absent);
    world.section.put(table::IMAGES, format!("{key}:v1"), Read::Got(json!({"digest": "sha256:11"})));
    let image = format!("{}.dkr.ecr.{REGION}.amazonaws.com/{name}:v1", world.owner);
    let question = world.clone().image(&image).question();
    (world, question)
}
