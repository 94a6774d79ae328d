//! Denied questions to a plan: what would be written, why it is the least, and the proof that it helps.
//! Pure: nothing is written here.

use super::{Effect, Place, Plan, PlannedHold, PlannedQuestion, PlannedRemedy};
use crate::assess::{self, Judged, Judging, Opened, word};
use crate::clouds::Clouds;
use crate::incomplete;
use crate::pipeline::Judgement;
use crate::questions::{self, Asking, Subject};
use crate::report::{Check, Report, State, VerdictWord};
use anyhow::Result;
use pullaudit_core::{
    Change, Credential, FixPolicy, Gap, Mode, PoolLines, Proposal, Question, Safety, Snapshot, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where a change may be written: by cloud and account, subscription or project.
pub type Writable<'a> = &'a dyn Fn(&str, &str) -> bool;

/// Plans the repair of every denied check that no exception covers. What the report does not know, the plan carries.
pub fn plan(
    snapshot: &Snapshot,
    clouds: &Clouds,
    judgement: &Judgement,
    judging: Judging,
    policy: FixPolicy,
    writable: Writable<'_>,
) -> Result<Plan> {
    let Judgement { report, asking, opened, judged } = judgement;
    let planning = Planning::new(snapshot, clouds, asking, judged, &report.checks);

    let mut plan = Plan::new(snapshot.taken_at);
    for (provider, denied) in planning.denied() {
        let Some(facts) = opened.of(provider) else { continue };
        let questions: Vec<&Question> = denied.keys().collect();
        let proposal = facts.remedies(&questions, judging.at, policy);
        let questions: Vec<Question> = questions.into_iter().cloned().collect();
        let then = opened.after(snapshot, clouds, &proposal.changes.iter().collect::<Vec<_>>());
        let after = then.map(|then| assess::judge_pulls(asking, &then, clouds, judging));
        let pulls: Vec<BTreeSet<usize>> = denied.into_values().collect();
        let asked = AskedOf { provider, questions: &questions, pulls: &pulls };
        planning.add(&mut plan, proposal, &asked, after.as_deref());
    }
    planning.hold_the_rest(&mut plan);
    let mut gaps = Vec::new();
    if policy.prune {
        planning.prune(&mut plan, opened, judging);
        let inventory = snapshot.inventory();
        let facts = clouds.iter().filter_map(|provider| opened.of(provider.name));
        gaps = facts.flat_map(|facts| facts.leftovers_unread(&inventory)).collect();
    }
    for change in &mut plan.changes {
        if !writable(&change.provider, &change.owner) {
            change.safety = Safety::ShowOnly;
        }
    }
    plan.strict = judging.mode == Mode::Strict;
    unknown(&mut plan, report, &gaps);
    Ok(plan)
}

/// What the report does not know, and what a removal could not be judged without.
fn unknown(plan: &mut Plan, report: &Report, gaps: &[Gap]) {
    plan.incomplete_because.clone_from(&report.incomplete_because);
    plan.incomplete_because.extend(gaps.iter().map(incomplete::missing));
    plan.unsettled.clone_from(&report.unsettled);
    plan.complete = report.complete && plan.incomplete_because.is_empty();
}

/// Ids of the checks for which a cloud proposes changes that it has proved by itself, with the least safety among those. What a plan also
/// looks at, the other logins of the pods and the rest of the fleet, is left to `fix`.
pub fn repairable(
    snapshot: &Snapshot,
    clouds: &Clouds,
    (asking, opened): (&Asking, &Opened),
    (judged, checks): (&[Judged], &[Check]),
    judging: Judging,
) -> BTreeMap<String, Safety> {
    let planning = Planning::new(snapshot, clouds, asking, judged, checks);
    let policy = FixPolicy { mode: judging.mode, ..FixPolicy::default() };
    let mut ids = BTreeMap::new();
    for (provider, denied) in planning.denied() {
        let Some(facts) = opened.of(provider) else { continue };
        let (questions, pulls): (Vec<Question>, Vec<BTreeSet<usize>>) = denied.into_iter().unzip();
        let proposal = facts.remedies(&questions.iter().collect::<Vec<_>>(), judging.at, policy);
        let safety = |id: &String| proposal.changes.iter().find(|change| &change.id == id).map(|one| one.safety);
        for remedy in &proposal.remedies {
            let least = remedy.changes.iter().filter_map(safety).min().unwrap_or(Safety::ShowOnly);
            ids.extend(planning.ids(&remedy.questions, &pulls).into_iter().map(|id| (id, least)));
        }
    }
    ids
}

/// A denied question of one credential, with the pulls that hang on it.
type Denied = BTreeMap<Question, BTreeSet<usize>>;

/// What one cloud was asked: its denied questions, and the pulls that hang on each.
struct AskedOf<'a> {
    provider: &'static str,
    questions: &'a [Question],
    pulls: &'a [BTreeSet<usize>],
}

struct Planning<'a> {
    snapshot: &'a Snapshot,
    clouds: &'a Clouds,
    asking: &'a Asking,
    judged: &'a [Judged],
    checks: &'a [Check],
    /// The checks of each pull.
    of_pull: Vec<Vec<usize>>,
}

impl<'a> Planning<'a> {
    fn new(
        snapshot: &'a Snapshot,
        clouds: &'a Clouds,
        asking: &'a Asking,
        judged: &'a [Judged],
        checks: &'a [Check],
    ) -> Self {
        let mut of_pull = vec![Vec::new(); asking.pulls.len()];
        for (number, asked) in asking.asked.iter().enumerate() {
            if let Subject::Pull(pull) = asked.subject {
                of_pull[pull].push(number);
            }
        }
        Self { snapshot, clouds, asking, judged, checks, of_pull }
    }

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
        self.of_pull[pull].iter().map(|number| &self.checks[*number])
    }

    fn ids(&self, questions: &[usize], pulls: &[BTreeSet<usize>]) -> Vec<String> {
        let pulls: BTreeSet<usize> = questions.iter().flat_map(|number| pulls[*number].iter().copied()).collect();
        let counting =
            pulls.into_iter().flat_map(|pull| self.checks_of(pull)).filter(|check| check.exception.is_none());
        counting.map(|check| check.id.clone()).collect()
    }

    /// Takes a proposal in, but for what weighing everything again does not bear out.
    fn add(&self, plan: &mut Plan, proposal: Proposal, asked: &AskedOf<'_>, after: Option<&[Judged]>) {
        let pulls = asked.pulls;
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
                plan.questions
                    .extend(good.iter().filter_map(|number| self.ask_again(asked, *number, &remedy.changes)));
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
            let mut why = held.why;
            for line in held.on_pools.iter().flat_map(|lines| self.lines(lines, &held.questions, pulls)) {
                why.push_str("; ");
                why.push_str(&line);
            }
            self.hold(plan, &held.questions, pulls, &why);
        }
    }

    /// What to do for each pool on which these questions are asked.
    fn lines(&self, lines: &PoolLines, questions: &[usize], pulls: &[BTreeSet<usize>]) -> BTreeSet<String> {
        let asking = questions.iter().flat_map(|number| &pulls[*number]).flat_map(|pull| self.checks_of(*pull));
        let places: BTreeSet<Place> = asking.filter_map(|check| self.place_of(check)).collect();
        let line = |place: &Place| {
            let mut records = self.snapshot.clusters.iter();
            let record = records.find(|record| record.cluster.id.0 == place.cluster)?;
            lines.fill(&place.pool, &record.cluster)
        };
        places.iter().filter_map(line).collect()
    }

    /// The question as a plan keeps it, to be asked again when its changes are written.
    fn ask_again(&self, asked: &AskedOf<'_>, number: usize, changes: &[String]) -> Option<PlannedQuestion> {
        let question = &asked.questions[number];
        let Credential::Principal(by) = &question.by else { return None };
        let checks = asked.pulls[number].iter().flat_map(|pull| self.checks_of(*pull));
        let places = checks.filter_map(|check| self.place_of(check));
        Some(PlannedQuestion {
            provider: asked.provider.to_owned(),
            by: by.clone(),
            from: question.from.clone(),
            image: question.image.to_string(),
            places: places.collect(),
            changes: changes.to_vec(),
            expect: VerdictWord::Allowed,
        })
    }

    fn place_of(&self, check: &Check) -> Option<Place> {
        let (cluster, pool) = (check.cluster.clone()?, check.pool.clone()?);
        let record = self.snapshot.clusters.iter().find(|record| record.cluster.id.0 == cluster)?;
        let (provider, scope) = (record.cluster.provider.clone(), record.cluster.scope.clone());
        Some(Place { provider, scope, cluster, pool })
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

    /// Adds what serves nobody any more, one by one, but for what some pull would be worse without.
    fn prune(&self, plan: &mut Plan, opened: &Opened, judging: Judging) {
        let inventory = self.snapshot.inventory();
        for provider in self.clouds.iter() {
            let Some(facts) = opened.of(provider.name) else { continue };
            for change in facts.leftovers(&inventory) {
                let all: Vec<&Change> = plan.changes.iter().chain([&change]).collect();
                let then = opened.after(self.snapshot, self.clouds, &all);
                let after = then
                    .map(|then| assess::judge_pulls(self.asking, &then, self.clouds, judging))
                    .unwrap_or_default();
                if after.len() == self.judged.len() && self.worse(&after) == 0 {
                    plan.changes.push(change);
                }
            }
        }
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
                let name = format!("{}/{}/{}", one.namespace, one.kind, one.name);
                if one.state == State::Failing {
                    effect.failing.insert(name.clone());
                }
                effect.workloads.insert(name);
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
