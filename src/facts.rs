//! Where a snapshot comes from: files, or the clouds.

use crate::cli::{Select, Source};
use crate::clouds::Clouds;
use crate::needed::Needed;
use crate::patterns::ClusterPattern;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::usage::usage;
use crate::{selection, sources};
use anyhow::Result;
use pullaudit_core::{Conflict, Snapshot};

/// A snapshot, and what files disagreed about.
pub struct Found {
    /// The snapshot, narrowed to what was selected.
    pub snapshot: Snapshot,
    /// Empty for facts from the clouds.
    pub conflicts: Vec<Conflict>,
}

/// Gets the facts from where the user said.
pub async fn find(source: &Source, settings: &Settings, clouds: &Clouds, progress: &Progress) -> Result<Found> {
    check(source, &settings.select)?;
    let needed = Needed::read(source, &settings.select)?;
    let patterns = patterns(&settings.select)?;
    if source.from.is_empty() {
        let snapshot = live(settings, clouds, &needed, &patterns, progress).await?;
        return Ok(Found { snapshot, conflicts: Vec::new() });
    }
    let (mut snapshot, conflicts) = sources::load(&source.from)?;
    settings.config.must_be_one(snapshot.clusters.iter().map(|record| &record.cluster))?;
    if needed.instead {
        snapshot.workloads.clear();
    }
    let select = needed.live(&settings.select);
    selection::apply(&mut snapshot, &select, None, &patterns)?;
    needed.apply(&mut snapshot);
    Ok(Found { snapshot, conflicts })
}

/// Gets clusters and pools only, no workloads.
pub async fn clusters(
    from: &[String],
    settings: &Settings,
    clouds: &Clouds,
    progress: &Progress,
) -> Result<Snapshot> {
    let patterns = patterns(&settings.select)?;
    if from.is_empty() {
        return live(settings, clouds, &Needed::nothing(), &patterns, progress).await;
    }
    let (mut snapshot, _) = sources::load(from)?;
    settings.config.must_be_one(snapshot.clusters.iter().map(|record| &record.cluster))?;
    snapshot.workloads.clear();
    selection::clusters(&mut snapshot, &settings.select, None, &patterns)?;
    Ok(snapshot)
}

/// Gets the live clusters that these patterns name.
pub async fn named_clusters(
    patterns: &[ClusterPattern],
    settings: &Settings,
    clouds: &Clouds,
    progress: &Progress,
) -> Result<Snapshot> {
    live(settings, clouds, &Needed::nothing(), patterns, progress).await
}

/// The `--cluster` patterns.
pub fn patterns(select: &Select) -> Result<Vec<ClusterPattern>> {
    select.cluster.iter().map(|text| ClusterPattern::parse(text)).collect()
}

fn check(source: &Source, select: &Select) -> Result<()> {
    if source.with_live && source.files.is_empty() && source.images.is_empty() {
        return Err(usage("--with-live goes with -f or --image: live workloads are the default"));
    }
    if source.with_live && !source.from.is_empty() {
        return Err(usage("--with-live and --from exclude each other: a snapshot is not live"));
    }
    if !source.from.is_empty() && (select.context.is_some() || !select.kubeconfig.is_empty()) {
        return Err(usage("--context and --kubeconfig name a live cluster: use --cluster with --from"));
    }
    if !select.namespace.is_empty() && !source.images.is_empty() && source.files.is_empty() && !source.with_live {
        return Err(usage("-n selects workloads, and --image takes their place: leave one of them out"));
    }
    if !source.from.is_empty() && !select.profile.is_empty() {
        return Err(usage("--profile names live credentials: use --account with --from"));
    }
    if !select.selector.is_empty() && !source.from.is_empty() && source.files.is_empty() {
        return Err(usage("-l needs live workloads or manifests: a snapshot holds no labels"));
    }
    Ok(())
}

#[cfg(feature = "live")]
async fn live(
    settings: &Settings,
    clouds: &Clouds,
    needed: &Needed,
    patterns: &[ClusterPattern],
    progress: &Progress,
) -> Result<Snapshot> {
    let gathered = crate::gather::gather(settings, clouds, needed, patterns, progress).await;
    gathered.map_err(|error| settings.blame(error))
}

#[cfg(not(feature = "live"))]
#[allow(clippy::unused_async, reason = "the live build waits here")]
async fn live(_: &Settings, _: &Clouds, _: &Needed, _: &[ClusterPattern], _: &Progress) -> Result<Snapshot> {
    Err(pullaudit_core::DiscoverError::NotBuilt.into())
}
