//! What holds for a check although it is denied: what it needs not get back.

use crate::assess::Opened;
use crate::clouds::Clouds;
use crate::questions::{Asked, Asking, Pull, Subject};
use jiff::Timestamp;
use pullaudit_core::{Claim, Credential, Holds, Question, pull_claim};
use std::collections::BTreeSet;

/// What holds for each asked check, at its index: the facts of its question that do not refuse, also where
/// another one does.
pub fn standing(asking: &Asking, opened: &Opened, clouds: &Clouds, at: Timestamp) -> Vec<BTreeSet<Standing>> {
    let of = |pull: &Pull| {
        let owner = clouds.owner(&pull.image.registry).map_or("", |owner| owner.provider);
        let mut weigh = |by: &Credential| {
            let question = Question { by: by.clone(), from: pull.from.clone(), image: pull.image.clone() };
            opened.weigh(owner, &question, at)
        };
        let mut found = BTreeSet::new();
        holding(&pull_claim(&pull.keyring, &mut weigh), &mut found);
        found
    };
    let pulls: Vec<BTreeSet<Standing>> = asking.pulls.iter().map(of).collect();
    let one = |asked: &Asked| match &asked.subject {
        Subject::Pull(number) => pulls[*number].clone(),
        _ => BTreeSet::new(),
    };
    asking.asked.iter().map(one).collect()
}

/// A fact that holds: where it stands and what it says.
pub type Standing = (String, String);

fn holding(claim: &Claim, found: &mut BTreeSet<Standing>) {
    match claim {
        Claim::Fact(fact) => {
            if fact.holds == Holds::Yes {
                found.insert((fact.source.to_string(), fact.detail.to_string()));
            }
        }
        Claim::All(all) | Claim::Any(all) | Claim::OneOf { cases: all, .. } => {
            for claim in all {
                holding(claim, found);
            }
        }
    }
}
