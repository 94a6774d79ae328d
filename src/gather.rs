//! Reading: clusters, their pools and workloads, then the facts that their questions need.

mod behind;
mod cluster;

pub use cluster::connect;

use crate::clouds::Clouds;
use crate::needed::Needed;
use crate::patterns::ClusterPattern;
use crate::progress::Progress;
use crate::questions::{self, Asking};
use crate::scope::{self, Meant};
use crate::selection;
use crate::settings::Settings;
use crate::usage::usage;
use anyhow::{Result, bail};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use pullaudit_core::{Cluster, Clusters, Discovered, Gap, Obstacle, Open, Scope, Searched, Snapshot};

/// Clusters that are read at a time; within each, lists run side by side as well.
const CLUSTERS_AT_ONCE: usize = 8;

/// Reads all facts that an audit needs.
pub async fn gather(
    settings: &Settings,
    clouds: &Clouds,
    needed: &Needed,
    patterns: &[ClusterPattern],
    progress: &Progress,
) -> Result<Snapshot> {
    let meant = scope::meant(&settings.select, &settings.contexts);
    if meant == Meant::Nothing {
        return Err(usage(
            "no cluster is selected and there is no current kubeconfig context: name clusters with --cluster, or widen \
             with --provider, --subscription, --project, --region, --account, --profile or --all-clouds",
        ));
    }
    let mut snapshot = Snapshot::new(Timestamp::now());
    let found = find(settings, clouds, &meant, patterns, &mut snapshot, progress).await?;
    settings.config.must_be_one(found.iter().flat_map(|(_, found)| found).map(|one| &one.cluster))?;
    for (side, found) in found {
        read(settings, clouds, side, needed, found, &mut snapshot, progress).await?;
    }
    if let (Meant::Context(context), true) = (&meant, snapshot.clusters.is_empty()) {
        bail!("{}", behind::nowhere(context));
    }
    snapshot.clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    let select = needed.live(&settings.select);
    selection::apply(&mut snapshot, &select, Some(&settings.contexts), patterns)?;
    needed.apply(&mut snapshot);
    let asking = questions::ask(&snapshot, clouds);
    progress.say(format!("reading rights for {} questions", asking.pulls.len()));
    collect(clouds, &asking, &mut snapshot).await?;
    snapshot.calls = settings.calls.counts();
    snapshot.gaps.sort();
    snapshot.gaps.dedup();
    Ok(snapshot)
}

/// The clusters that are meant, by cloud. A cloud without credentials is an error where the user named it or
/// nothing else was found; else it is a gap, unless one cluster was meant and was found elsewhere.
async fn find<'a>(
    settings: &Settings,
    clouds: &'a Clouds,
    meant: &Meant,
    patterns: &[ClusterPattern],
    snapshot: &mut Snapshot,
    progress: &Progress,
) -> Result<Vec<(&'a dyn Clusters, Vec<Discovered>)>> {
    let (mut all, mut failed): (Vec<_>, Vec<(&str, anyhow::Error)>) = (Vec::new(), Vec::new());
    for provider in clouds.iter().filter(|provider| scope::may_mean(provider.name, &settings.select, meant)) {
        let Some(side) = provider.clusters.as_deref() else { continue };
        progress.say(format!("{}: listing clusters", provider.name));
        let within = scope::within(provider.name, &settings.select, &settings.contexts);
        let (whole, gaps) = (*meant == Meant::Everything && within.is_empty(), snapshot.gaps.len());
        let found = discover(side, meant, patterns, within, snapshot).await;
        if whole && found.is_ok() && snapshot.gaps.len() == gaps {
            snapshot.whole.insert(provider.name.to_owned());
        }
        match found {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                all.push((side, found));
                if matches!(meant, Meant::Context(_)) {
                    break;
                }
            }
            Err(error) => failed.push((provider.name, error)),
        }
    }
    let named = !settings.select.provider.is_empty();
    if !failed.is_empty() && (named || all.is_empty()) {
        let told: Vec<String> = failed.iter().map(|(_, error)| format!("{error:#}")).collect();
        bail!("{}", told.join("\n"));
    }
    if !scope::is_exact(&settings.select, meant) {
        snapshot.gaps.extend(failed.into_iter().map(|(cloud, error)| no_credentials(cloud, &error, "clusters")));
    }
    Ok(all)
}

fn no_credentials(cloud: &str, error: &anyhow::Error, what: &str) -> Gap {
    let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
    let obstacle = Obstacle::Failed(first.into());
    Gap {
        scope: cloud.to_owned(),
        open: Open::unread(format!("{what} of {cloud}"), "credentials", cloud.to_owned(), obstacle),
        message: format!("nothing of {cloud} was read"),
    }
}

/// Reads the facts that these questions need, from the clouds that own the registries. A cloud that runs
/// none of the clusters and can't be read at all leaves its questions unknown and is a gap.
pub async fn collect(clouds: &Clouds, asking: &Asking, snapshot: &mut Snapshot) -> Result<()> {
    for (name, questions) in asking.by_registry(clouds) {
        let Some(side) = clouds.get(name).and_then(|provider| provider.registries.as_ref()) else { continue };
        match side.collect(&questions).await {
            Ok(section) => {
                snapshot.facts.insert(name.to_owned(), section);
            }
            Err(error) => {
                let error = anyhow::Error::new(error).context(format!("{name}: no rights could be read"));
                if snapshot.clusters.is_empty() || snapshot.clusters.iter().any(|one| one.cluster.provider == name)
                {
                    return Err(error);
                }
                snapshot.gaps.push(no_credentials(name, &error, "registries"));
            }
        }
    }
    Ok(())
}

/// The same, where a cloud that can't be read leaves its questions unknown whatever runs there.
pub async fn collect_what_can_be(clouds: &Clouds, asking: &Asking, snapshot: &mut Snapshot) {
    for (name, questions) in asking.by_registry(clouds) {
        let Some(side) = clouds.get(name).and_then(|provider| provider.registries.as_ref()) else { continue };
        match side.collect(&questions).await {
            Ok(section) => {
                snapshot.facts.insert(name.to_owned(), section);
            }
            Err(error) => snapshot.gaps.push(no_credentials(name, &error.into(), "registries")),
        }
    }
}

/// Lists the clusters that are meant. What can be told from ids and names is never described.
async fn discover(
    side: &dyn Clusters,
    meant: &Meant,
    patterns: &[ClusterPattern],
    accounts: Vec<String>,
    snapshot: &mut Snapshot,
) -> Result<Vec<Discovered>> {
    let scope = match meant {
        Meant::Named => {
            let patterns = patterns.to_vec();
            Scope::new(move |id, name| patterns.iter().any(|pattern| pattern.cluster(id, name)))
        }
        Meant::Context(context) => match crate::kubernetes::access::hint(context) {
            Some(hint) => Scope::new(move |_, name| name == hint.name),
            None => Scope::all(),
        },
        Meant::Everything | Meant::Nothing => Scope::all(),
    };
    let discovery = side.discover(&scope.within(accounts)).await?;
    snapshot.gaps.extend(discovery.gaps);
    for searched in discovery.searched {
        tracing::debug!(provider = searched.provider, scope = searched.scope, regions = ?searched.regions, "searched for clusters");
        searched.add(&mut snapshot.searched);
    }
    match meant {
        Meant::Context(context) => Ok(behind::keep(side, context, discovery.clusters).await),
        _ => Ok(discovery.clusters),
    }
}

async fn read(
    settings: &Settings,
    clouds: &Clouds,
    side: &dyn Clusters,
    needed: &Needed,
    found: Vec<Discovered>,
    snapshot: &mut Snapshot,
    progress: &Progress,
) -> Result<()> {
    let all = found.len();
    let clusters: Vec<&Cluster> = found.iter().map(|one| &one.cluster).collect();
    let reading = found.iter().map(|one| cluster::read(settings, clouds, side, needed, one, &clusters));
    let mut reading = futures_util::stream::iter(reading).buffer_unordered(CLUSTERS_AT_ONCE);
    let mut done = 0;
    progress.say(format!("reading {all} clusters"));
    while let Some(read) = reading.next().await {
        done += 1;
        progress.say(format!("reading clusters: {done} of {all}, {}", read.record.cluster.name));
        let cluster = &read.record.cluster;
        let (provider, scope) = (cluster.provider.clone(), cluster.scope.clone());
        let contexts = read.record.context.iter().cloned().collect();
        Searched { provider, scope, contexts, ..Searched::default() }.add(&mut snapshot.searched);
        snapshot.clusters.push(read.record);
        snapshot.workloads.extend(read.workloads);
        snapshot.secrets.extend(read.secrets);
        snapshot.gaps.extend(read.gaps);
    }
    snapshot.workloads.sort_by(|a, b| key(a).cmp(&key(b)));
    Ok(())
}

fn key(workload: &pullaudit_core::Workload) -> (&Option<pullaudit_core::ClusterId>, &str, &str, &str) {
    (&workload.cluster, &workload.namespace, &workload.kind, &workload.name)
}
