//! The `pullaudit fix` line of an incident: it selects what the run selected, narrowed to one cluster.

use crate::cli::{Again, Judging, Reading, Select, Source};
use crate::kubernetes::access::ContextView;
use crate::patterns::ClusterPattern;
use crate::scope::{self, Meant};
use anyhow::Result;
use pullaudit_core::{Cluster, Snapshot};

/// What such a line repeats of a run.
#[derive(Clone, Debug, Default)]
pub struct FixLine {
    /// Scopes, workloads, images and the config, as flags.
    flags: String,
    patterns: Vec<ClusterPattern>,
    /// The cluster was found by its context, so that its short name may mean others as well.
    by_context: bool,
}

impl FixLine {
    /// What a run was told.
    pub fn of(
        source: &Source,
        select: &Select,
        judging: &Judging,
        reading: &Reading,
        contexts: &[ContextView],
    ) -> Result<Self> {
        let again = Again::default().images(source).scopes(select).judging(judging).reading(reading);
        let patterns = select.cluster.iter().map(|text| ClusterPattern::parse(text)).collect::<Result<_>>()?;
        let by_context = source.from.is_empty() && matches!(scope::meant(select, contexts), Meant::Context(_));
        Ok(Self { flags: again.text().to_owned(), patterns, by_context })
    }

    /// The line for one cluster; with consent where the changes need it.
    pub fn command(&self, snapshot: &Snapshot, cluster: &Cluster, consent: bool) -> String {
        let (id, name) = (cluster.id.0.as_str(), cluster.name.as_str());
        let clusters = snapshot.clusters.iter().map(|record| &record.cluster);
        let twins = clusters.filter(|one| one.name == cluster.name && one.provider == cluster.provider).count();
        let called = if twins == 1 && !self.by_context { name } else { id };
        let mut named: Vec<String> =
            self.patterns.iter().filter_map(|pattern| pattern.called(called, id, name)).collect();
        // A pattern of the whole cluster covers those of its pools.
        if named.is_empty() || named.iter().any(|text| text == called) {
            named = vec![called.to_owned()];
        }
        let provider = Again::default().value("--provider", &cluster.provider);
        let line = named.iter().fold(provider, |line, text| line.value("--cluster", text));
        let consent = if consent { " --consent broad" } else { "" };
        format!("pullaudit fix{}{}{consent}", line.text(), self.flags)
    }
}
