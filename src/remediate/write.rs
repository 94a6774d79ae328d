//! Carrying a plan out: whether we may, whether the world is still as planned, then the changes, each noted before
//! it is sent.

use super::journal::{ReceiptFile, Shared};
use super::told::InOrder;
use super::{Plan, PlannedQuestion};
use crate::clouds::Clouds;
use crate::interrupt::Interrupt;
use crate::report::VerdictWord;
use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use pullaudit_core::{
    Action, Applied, Change, Clusters, Discovered, LeftBehind, Obstacle, Open, Outcome, OwnRight, PrincipalKind,
    Read, Safety, Scope, Section,
};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::{Duration, Instant};

/// What carrying a plan out needs.
pub struct Carrier<'a> {
    /// The clouds.
    pub clouds: &'a Clouds,
    /// What to write.
    pub plan: &'a Plan,
    /// What was read for the plan, by cloud.
    pub known: &'a BTreeMap<String, Section>,
    /// How many documents are written at a time.
    pub side_by_side: usize,
    /// How long the proof may take.
    pub verify_timeout: Duration,
    /// Whether the user wants to end.
    pub interrupt: &'a Interrupt,
}

/// A cluster of the plan as its cloud tells it now, with the side that did.
pub type Found<'a> = (&'a dyn Clusters, Discovered);

impl<'a> Carrier<'a> {
    /// The caller's own rights to write, by change.
    pub async fn rights(&self) -> BTreeMap<String, OwnRight> {
        let mut rights = BTreeMap::new();
        for provider in self.clouds.iter() {
            let Some(writer) = &provider.writer else { continue };
            let own = |change: &&Change| change.provider == provider.name && change.safety > Safety::ShowOnly;
            let changes: Vec<&Change> = self.plan.changes.iter().filter(own).collect();
            if !changes.is_empty() {
                let ids = changes.iter().map(|change| change.id.clone());
                rights.extend(ids.zip(writer.preflight(&changes).await));
            }
        }
        rights
    }

    /// The clusters of the plan as their clouds tell them now. Where one can't be told, nothing is written.
    pub async fn clusters(&self, changes: &[&Change]) -> Result<Vec<Found<'a>>> {
        let mut wanted: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for place in self.questions(changes).flat_map(|question| &question.places) {
            let (ids, scopes) = wanted.entry(&place.provider).or_default();
            ids.insert(place.cluster.clone());
            scopes.insert(place.scope.clone());
        }
        let mut all = Vec::new();
        for (name, (ids, scopes)) in wanted {
            let side = self.clouds.get(name).and_then(|provider| provider.clusters.as_deref());
            let side = side.with_context(|| format!("the plan names a cloud {name:?} that is not known here"))?;
            let scope = Scope::new(move |id, _| ids.contains(id)).within(scopes);
            let told = "the clusters of the plan can't be read again, so nothing was written";
            let found = side.discover(&scope).await.context(told)?;
            all.extend(found.clusters.into_iter().map(|one| (side, one)));
        }
        Ok(all)
    }

    fn questions<'b>(&'b self, changes: &'b [&Change]) -> impl Iterator<Item = &'b PlannedQuestion> {
        let chosen = |id: &String| changes.iter().any(|change| &change.id == id);
        self.plan.questions.iter().filter(move |question| question.changes.iter().any(chosen))
    }

    /// Why a change must not be written: the identity is no longer the one that pulls there.
    fn moved(&self, change: &Change, clusters: &[Found<'_>]) -> Option<String> {
        if change.action == Action::Remove {
            return None;
        }
        // Who pulls there matters to what shall let them pull, not to what takes that back.
        let meant = |question: &&PlannedQuestion| question.expect == VerdictWord::Allowed;
        for question in self.questions(&[change]).filter(meant) {
            // Who pulls for a service account stands in its annotations, which the plan was made from.
            if question.by.kind == PrincipalKind::ServiceAccountRole {
                continue;
            }
            for place in &question.places {
                let here = |found: &&Found<'_>| found.1.cluster.id.0 == place.cluster;
                let Some((side, found)) = clusters.iter().find(here) else {
                    return Some(format!("cluster {} is gone, or can't be seen any more", place.cluster));
                };
                // Who pulls there can't be told without the cluster's own API; what is written looks at the role
                // itself again.
                if side.needs_view(found) {
                    continue;
                }
                let unseen = Open::unread("nodes", "list nodes", "", Obstacle::NotAsked);
                let (pools, _) = side.pools(found, &Read::Unread(unseen));
                let own = |id: &str| id.eq_ignore_ascii_case(&question.by.id);
                if !pools.iter().filter_map(|pool| pool.identity.got()).any(|identity| own(&identity.id)) {
                    let (who, name) = (&question.by.name, &found.cluster.name);
                    return Some(format!("{who} ({}) is no longer an identity of {name}", question.by.id));
                }
            }
        }
        None
    }

    /// Writes the changes of the receipt: those of one document one after the other, documents side by side. It
    /// begins nothing more where the user asks for it or the receipt can't be kept, and ends what it began.
    pub async fn write(
        &self,
        changes: &[&Change],
        clusters: &[Found<'_>],
        file: &mut ReceiptFile,
        out: &mut dyn Write,
    ) -> Result<()> {
        let mut documents: Vec<Vec<(usize, &Change)>> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, change) in changes.iter().enumerate() {
            let place = *places.entry(&change.document).or_insert(documents.len());
            match documents.get_mut(place) {
                Some(document) => document.push((number, change)),
                None => documents.push(vec![(number, change)]),
            }
        }
        let run = Run {
            carrier: self,
            clusters,
            journal: Shared::new(file),
            told: RefCell::new(InOrder::new(changes, out)),
            unkept: OnceCell::new(),
        };
        let writing = documents.into_iter().map(|document| run.document(document));
        stream::iter(writing).buffer_unordered(self.side_by_side.max(1)).collect::<()>().await;
        let Run { told, unkept, .. } = run;
        told.into_inner().end(self.interrupt.asked());
        unkept.into_inner().map_or(Ok(()), Err)
    }

    async fn apply(&self, change: &Change, clusters: &[Found<'_>], journal: &Shared<'_>) -> Applied {
        let writer = self.clouds.get(&change.provider).and_then(|provider| provider.writer.as_ref());
        let applied = match (self.moved(change, clusters), writer) {
            (Some(why), _) => Applied::stale(why),
            (None, Some(writer)) => writer.apply(change, journal).await,
            (None, None) => {
                let why = format!("pullaudit writes nothing in {}", change.provider);
                Applied::failed(why, LeftBehind::Nothing)
            }
        };
        self.waiting(change, applied)
    }

    /// What was written helps nobody before the owner of another document has done their half: that is what it
    /// waits for.
    fn waiting(&self, change: &Change, applied: Applied) -> Applied {
        let shown =
            |id: &String| self.plan.changes.iter().any(|one| one.id == *id && one.safety == Safety::ShowOnly);
        let changes = [change];
        let mut own = self.questions(&changes).peekable();
        let alone = own.peek().is_some() && own.all(|question| question.changes.iter().any(shown));
        match applied.outcome {
            Outcome::Applied if alone => Applied { outcome: Outcome::WaitingForOwner, ..applied },
            _ => applied,
        }
    }
}

/// Writing under way.
struct Run<'a, 'b> {
    carrier: &'a Carrier<'a>,
    clusters: &'a [Found<'a>],
    journal: Shared<'b>,
    told: RefCell<InOrder<'b>>,
    /// Why the receipt can't be kept; then nothing more is begun.
    unkept: OnceCell<anyhow::Error>,
}

impl Run<'_, '_> {
    /// Writes what the changes of one document say, in their order.
    async fn document(&self, changes: Vec<(usize, &Change)>) {
        for (number, change) in changes {
            if self.carrier.interrupt.asked() || self.unkept.get().is_some() {
                return;
            }
            let started = Instant::now();
            let applied = self.carrier.apply(change, self.clusters, &self.journal).await;
            if let Err(error) = self.journal.ended(&change.id, &applied) {
                let why = format!("{} ended as {}", change.target, applied.outcome.as_str());
                let why = format!("{why}, and the receipt {} can't be kept", self.journal.path().display());
                // The first one is told; nobody reads a second.
                let _ = self.unkept.set(anyhow::Error::new(error).context(why));
                return;
            }
            self.told.borrow_mut().add(number, change, &applied, started.elapsed());
        }
    }
}
