//! What the clouds' settings say now of the questions of a plan.

use super::PlannedQuestion;
use crate::assess::Judging;
use crate::clouds::Clouds;
use crate::report::VerdictWord;
use anyhow::{Context, Result};
use pullaudit_core::{Change, Facts, Question, Section, judge};
use std::collections::BTreeMap;

/// Facts read for the questions of a plan, by cloud.
pub struct Now(BTreeMap<String, Box<dyn Facts>>);

impl Now {
    /// Reads what these questions need, and nothing else. What no change of ours can alter is taken from the sections
    /// that were `known`, which are then those that were read.
    pub async fn read(
        clouds: &Clouds,
        questions: &[PlannedQuestion],
        known: &mut BTreeMap<String, Section>,
    ) -> Result<Self> {
        let mut facts = BTreeMap::new();
        for (provider, questions) in by_provider(questions) {
            let side = clouds.get(&provider).and_then(|provider| provider.registries.as_ref());
            let side =
                side.with_context(|| format!("the file names a cloud {provider:?} that is not known here"))?;
            let before = known.remove(&provider).unwrap_or_default();
            let section = side.collect_again(&questions, &before).await?;
            facts.insert(provider.clone(), side.open(&section)?);
            known.insert(provider, section);
        }
        Ok(Self(facts))
    }

    /// The verdict of each question, in order.
    pub fn verdicts(&self, questions: &[PlannedQuestion], judging: Judging) -> Vec<VerdictWord> {
        verdicts(|provider| self.0.get(provider).map(AsRef::as_ref), questions, judging)
    }

    /// The same, as if the changes were made.
    pub fn verdicts_after(
        &self,
        changes: &[&Change],
        questions: &[PlannedQuestion],
        judging: Judging,
    ) -> Vec<VerdictWord> {
        let then: BTreeMap<&str, Box<dyn Facts>> = self
            .0
            .iter()
            .filter_map(|(provider, facts)| {
                let own: Vec<&Change> =
                    changes.iter().copied().filter(|change| &change.provider == provider).collect();
                Some((provider.as_str(), facts.after(&own)?))
            })
            .collect();
        verdicts(|provider| then.get(provider).map(AsRef::as_ref), questions, judging)
    }
}

fn verdicts<'a>(
    facts: impl Fn(&str) -> Option<&'a dyn Facts>,
    questions: &[PlannedQuestion],
    judging: Judging,
) -> Vec<VerdictWord> {
    let one = |planned: &PlannedQuestion| {
        let claim = planned.question().and_then(|question| facts(&planned.provider)?.weigh(&question, judging.at));
        crate::assess::word(&judge(claim.as_ref(), judging.mode))
    };
    questions.iter().map(one).collect()
}

fn by_provider(questions: &[PlannedQuestion]) -> BTreeMap<String, Vec<Question>> {
    let mut all: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for planned in questions {
        all.entry(planned.provider.clone()).or_default().extend(planned.question());
    }
    all
}

/// The verdict over all: denied where one is, else unknown where one is.
pub fn worst(verdicts: impl Iterator<Item = VerdictWord>) -> Option<VerdictWord> {
    verdicts.max_by_key(|verdict| match verdict {
        VerdictWord::Allowed => 0,
        VerdictWord::Unknown => 1,
        VerdictWord::Denied => 2,
    })
}
