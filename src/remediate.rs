//! Denied questions to a plan: what would be written, why it is the least, and the proof that it helps.
//! Pure: nothing is written here.

use crate::assess::{self, Judged, Judging, Opened, word};
use crate::clouds::Clouds;
use crate::config::Config;
use crate::exceptions;
use crate::questions::{self, Asking, Subject};
use crate::report::{Check, VerdictWord};
use anyhow::Result;
use pullaudit_core::{Change, Credential, Proposal, Question, Safety, Snapshot, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/plan/1";

/// Ids of plans live in this name space.
const PLANS: Uuid = Uuid::from_u128(0x3a9c_51d7_0e4f_5b62_8c1d_94f2_b6a0_77e3);

/// A plan (CONTRACT: `pullaudit/plan/1`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `pullaudit/plan/1`
    pub schema: String,
    /// When the facts were read, RFC 3339.
    pub created_at: String,
    /// What would be written.
    pub changes: Vec<Change>,
    /// Which checks which changes turn.
    pub remedies: Vec<PlannedRemedy>,
    /// Checks that no change of ours would help.
    pub held_back: Vec<PlannedHold>,
    /// What people want to know of each change, by its id.
    pub effects: BTreeMap<String, Effect>,
}

/// Checks and the changes that turn them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRemedy {
    /// Ids of checks.
    pub checks: Vec<String>,
    /// Ids of changes, all of which are needed.
    pub changes: Vec<String>,
}

/// Checks that stay denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHold {
    /// Ids of checks.
    pub checks: Vec<String>,
    /// What they are about, for people.
    pub subject: String,
    /// Why nothing is changed for them.
    pub why: String,
}

/// What a change turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Repositories whose pull turns from denied to allowed.
    pub repositories: BTreeSet<String>,
    /// Pools on which it does, as `CLUSTER/POOL`.
    pub pools: BTreeSet<String>,
    /// Workloads that need it, as `NAMESPACE/KIND/NAME`.
    pub workloads: BTreeSet<String>,
}

impl Plan {
    /// Six digits that name the plan: the same changes make the same name.
    pub fn name(&self) -> String {
        let ids: Vec<&str> = self.changes.iter().map(|change| change.id.as_str()).collect();
        Uuid::new_v5(&PLANS, ids.join("\n").as_bytes()).simple().to_string()[..6].to_owned()
    }

    /// True when nothing is to be done and nothing is held back.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.held_back.is_empty()
    }
}

/// Where a change may be written: by cloud and account, subscription or project.
pub type Writable<'a> = &'a dyn Fn(&str, &str) -> bool;

/// Plans the repair of every denied check that no exception covers.
pub fn plan(
    snapshot: &Snapshot,
    clouds: &Clouds,
    config: &Config,
    judging: Judging,
    writable: Writable<'_>,
) -> Result<Plan> {
    let asking = questions::ask(snapshot, clouds);
    let opened = Opened::new(snapshot, clouds)?;
    let judged = assess::judge_pulls(&asking, &opened, clouds, judging);
    let mut checks = assess::checks(snapshot, &asking, &judged, clouds);
    exceptions::apply(&mut checks, &config.exceptions, judging.at);
    let planning = Planning { clouds, asking: &asking, judged: &judged, checks: &checks };

    let mut plan = Plan {
        schema: SCHEMA.to_owned(),
        created_at: snapshot.taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        changes: Vec::new(),
        remedies: Vec::new(),
        held_back: Vec::new(),
        effects: BTreeMap::new(),
    };
    for (provider, denied) in planning.denied() {
        let Some(facts) = opened.of(provider) else { continue };
        let questions: Vec<&Question> = denied.keys().collect();
        let proposal = facts.remedies(&questions, judging.at);
        let then = opened.after(snapshot, clouds, &proposal.changes.iter().collect::<Vec<_>>());
        let after = then.map(|then| assess::judge_pulls(&asking, &then, clouds, judging));
        planning.add(&mut plan, proposal, &denied.into_values().collect::<Vec<_>>(), after.as_deref());
    }
    planning.hold_the_rest(&mut plan);
    for change in &mut plan.changes {
        if !writable(&change.provider, &change.owner) {
            change.safety = Safety::ShowOnly;
        }
    }
    Ok(plan)
}

/// A denied question of one credential, with the pulls that hang on it.
type Denied = BTreeMap<Question, BTreeSet<usize>>;

struct Planning<'a> {
    clouds: &'a Clouds,
    asking: &'a Asking,
    judged: &'a [Judged],
    checks: &'a [Check],
}

impl Planning<'_> {
    /// Denied questions by the cloud that owns the registry; pulls of which every check is excepted are left
    /// out.
    fn denied(&self) -> BTreeMap<&'static str, Denied> {
        let mut all: BTreeMap<&'static str, Denied> = BTreeMap::new();
        for (number, pull) in self.asking.pulls.iter().enumerate() {
            let denied = matches!(self.judged[number].verdict, Verdict::Denied { .. });
            let counts = self.checks_of(number).any(|check| check.exception.is_none());
            let Some(owner) = self.clouds.owner(&pull.image.registry).filter(|_| denied && counts) else {
                continue;
            };
            for by in questions::credentials(&pull.keyring) {
                if matches!(by, Credential::Principal(_)) {
                    let question = Question { by, from: pull.from.clone(), image: pull.image.clone() };
                    all.entry(owner.provider).or_default().entry(question).or_default().insert(number);
                }
            }
        }
        all
    }

    fn checks_of(&self, pull: usize) -> impl Iterator<Item = &Check> {
        let asked = self.asking.asked.iter().zip(self.checks);
        asked.filter(move |(asked, _)| asked.subject == Subject::Pull(pull)).map(|(_, check)| check)
    }

    fn ids(&self, questions: &[usize], pulls: &[BTreeSet<usize>]) -> Vec<String> {
        let pulls: BTreeSet<usize> = questions.iter().flat_map(|number| pulls[*number].iter().copied()).collect();
        pulls.into_iter().flat_map(|pull| self.checks_of(pull)).map(|check| check.id.clone()).collect()
    }

    /// Takes a proposal in, but for what weighing everything again does not bear out.
    fn add(&self, plan: &mut Plan, proposal: Proposal, pulls: &[BTreeSet<usize>], after: Option<&[Judged]>) {
        let worse = after.map_or(0, |after| self.worse(after));
        let turns = |pull: &usize| {
            after.is_some_and(|after| word(&after[*pull].verdict) == VerdictWord::Allowed) && worse == 0
        };
        let mut kept = BTreeSet::new();
        for remedy in &proposal.remedies {
            let (good, bad): (Vec<usize>, Vec<usize>) =
                remedy.questions.iter().partition(|number| pulls[**number].iter().all(turns));
            if !good.is_empty() {
                let checks = self.ids(&good, pulls);
                for id in &remedy.changes {
                    kept.insert(id.clone());
                    self.note(plan.effects.entry(id.clone()).or_default(), &checks);
                }
                plan.remedies.push(PlannedRemedy { checks, changes: remedy.changes.clone() });
            }
            let why = match worse {
                0 => "the pull would still be denied, or not be known, by another of the pod's logins".to_owned(),
                _ => format!("the change would make {worse} other pulls worse"),
            };
            self.hold(plan, &bad, pulls, &why);
        }
        plan.changes.extend(proposal.changes.into_iter().filter(|change| kept.contains(&change.id)));
        for held in proposal.held_back {
            self.hold(plan, &held.questions, pulls, &held.why);
        }
    }

    /// Denied checks about which no cloud was asked: a reference that does not parse, a pod whose logins are
    /// none of a cloud's.
    fn hold_the_rest(&self, plan: &mut Plan) {
        let told: BTreeSet<&String> = plan
            .remedies
            .iter()
            .flat_map(|remedy| &remedy.checks)
            .chain(plan.held_back.iter().flat_map(|held| &held.checks))
            .collect();
        let denied = self.checks.iter().filter(|check| check.verdict == VerdictWord::Denied);
        let rest: Vec<&Check> =
            denied.filter(|check| check.exception.is_none() && !told.contains(&check.id)).collect();
        let mut by_code: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
        for check in rest {
            by_code.entry(&check.code).or_default().push(check);
        }
        let held = by_code.into_iter().map(|(code, checks)| {
            let images: BTreeSet<String> = checks.iter().map(|check| place(check)).collect();
            PlannedHold {
                checks: checks.iter().map(|check| check.id.clone()).collect(),
                subject: images.into_iter().collect::<Vec<_>>().join(", "),
                why: format!("no right of an identity decides here: pullaudit explain {code}"),
            }
        });
        let held: Vec<PlannedHold> = held.collect();
        plan.held_back.extend(held);
    }

    fn worse(&self, after: &[Judged]) -> usize {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Allowed { .. } => 2,
            Verdict::Unknown { .. } => 1,
            Verdict::Denied { .. } => 0,
        };
        self.judged.iter().zip(after).filter(|(now, then)| rank(&then.verdict) < rank(&now.verdict)).count()
    }

    fn hold(&self, plan: &mut Plan, questions: &[usize], pulls: &[BTreeSet<usize>], why: &str) {
        if questions.is_empty() {
            return;
        }
        let checks = self.ids(questions, pulls);
        let known = |check: &&Check| checks.contains(&check.id);
        let images: BTreeSet<String> = self.checks.iter().filter(known).map(place).collect();
        let subject = images.into_iter().collect::<Vec<_>>().join(", ");
        plan.held_back.push(PlannedHold { checks, subject, why: why.to_owned() });
    }

    fn note(&self, effect: &mut Effect, ids: &[String]) {
        for check in self.checks.iter().filter(|check| ids.contains(&check.id)) {
            effect.repositories.insert(place(check));
            let cluster = check.cluster.as_deref().and_then(|id| id.rsplit('/').next()).unwrap_or_default();
            effect.pools.insert(format!("{cluster}/{}", check.pool.as_deref().unwrap_or_default()));
            for one in &check.workloads {
                effect.workloads.insert(format!("{}/{}/{}", one.namespace, one.kind, one.name));
            }
        }
    }
}

fn place(check: &Check) -> String {
    match (&check.registry, &check.repository) {
        (Some(registry), Some(repository)) => format!("{registry}/{repository}"),
        _ => check.image.clone(),
    }
}
