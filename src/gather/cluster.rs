//! One cluster: its API, its pools, its workloads.

use super::behind::is_around;
use crate::clouds::Clouds;
use crate::kubernetes::access::context_for;
use crate::kubernetes::live::{self, Client};
use crate::kubernetes::pod::IN_CLUSTER;
use crate::kubernetes::selector::LabelSelector;
use crate::needed::Needed;
use crate::settings::Settings;
use futures_util::FutureExt as _;
use pullaudit_core::{
    Cluster, ClusterRecord, ClusterView, Clusters, Discovered, Gap, NodeView, Obstacle, Open, PullSecret, Read,
    Workload,
};
use std::collections::BTreeMap;

/// What was read of one cluster.
pub(super) struct ReadCluster {
    pub(super) record: ClusterRecord,
    pub(super) workloads: Vec<Workload>,
    pub(super) secrets: BTreeMap<String, Read<PullSecret>>,
    pub(super) gaps: Vec<Gap>,
}

/// Reads one cluster. One that can't be reached is a gap; its cloud's half still stands.
pub(super) async fn read(
    settings: &Settings,
    clouds: &Clouds,
    side: &dyn Clusters,
    needed: &Needed,
    found: &Discovered,
    all: &[&Cluster],
) -> ReadCluster {
    let cluster = &found.cluster;
    let mut gaps = Vec::new();
    let mut client = None;
    let mut view = not_asked(found);
    if !needed.instead || side.needs_view(found) {
        match connect(settings, side, found, all).await {
            Err(why) => view = Read::Unread(unreachable(found, why)),
            Ok(connected) => {
                view = live::view(&connected, cluster, side.wants(), &settings.calls).await;
                client = Some(connected).filter(|_| view.got().is_some());
            }
        }
        gaps.extend(view.open().map(|open| unreachable_gap(found, open)));
    }
    let mut completed = found.clone();
    side.complete(&mut completed, &view).await;
    let (pools, pool_gaps) = side.pools(&completed, &view);
    let hidden = pool_gaps.iter().map(|gap| gap.open.clone()).collect();
    gaps.extend(pool_gaps);
    let nodes = nodes(found, &view, &mut gaps);

    let mut workloads = Vec::new();
    let mut secrets = BTreeMap::new();
    if let (Some(client), false) = (&client, needed.instead) {
        let select = selection(settings);
        let concurrency = settings.concurrency();
        let observed =
            live::workloads(client, cluster, &pools, nodes, &select, &settings.calls, concurrency).await;
        secrets.extend(observed.secrets);
        gaps.extend(observed.gaps);
        // What is there all along is listed all the same; only what was made meanwhile may be missing, as
        // is what is made after any reading.
        for kind in observed.inconsistent {
            tracing::warn!("{}: the pages of {kind} are not of one moment", cluster.name);
        }
        if settings.reading.read_secrets {
            let lasts = |host: &str, user: &str| clouds.login_lasts(host, user);
            secrets.extend(
                live::secrets(client, cluster, &observed.workloads, &settings.calls, concurrency, &lasts).await,
            );
        }
        workloads = observed.workloads;
    }
    let reachable = client.is_some();
    let context = reachable.then(|| context_of(settings, cluster, all)).flatten();
    let lookalikes = side.lookalikes(found);
    let record = ClusterRecord { cluster: cluster.clone(), reachable, context, pools, hidden, lookalikes };
    ReadCluster { record, workloads, secrets, gaps }
}

fn selection(settings: &Settings) -> live::Select {
    let labels = settings.select.labels().and_then(|text| text.parse::<LabelSelector>().ok());
    live::Select { namespaces: settings.select.namespace.clone(), labels }
}

/// A client of the cluster's API: by a kubeconfig context where one leads there, else by what the cloud gives. `all` are
/// the clusters of the run, which may have names in common. It logs in again where its login ends.
pub async fn connect<'a>(
    settings: &'a Settings,
    side: &'a dyn Clusters,
    found: &'a Discovered,
    all: &'a [&'a Cluster],
) -> Result<Client<'a>, String> {
    let client = log_in(settings, side, found, all).await?;
    Ok(client.with_login(move || log_in(settings, side, found, all).boxed_local()))
}

/// The kubeconfig context by which a cluster is reached, where one leads there.
fn context_of(settings: &Settings, cluster: &Cluster, all: &[&Cluster]) -> Option<String> {
    let configured = settings.config.context_of(&cluster.id);
    // A context that was named for the one cluster of this run needs no likeness to it.
    let named = configured.or_else(|| settings.select.context.as_deref().filter(|_| all.len() == 1));
    context_for(cluster, all, &settings.contexts, named)
}

async fn log_in(
    settings: &Settings,
    side: &dyn Clusters,
    found: &Discovered,
    all: &[&Cluster],
) -> Result<Client<'static>, String> {
    let cluster = &found.cluster;
    let timeout = settings.reading.timeout;
    let configured = settings.config.context_of(&cluster.id);
    // A context that was named for the one cluster of this run needs no likeness to it.
    let named = configured.or_else(|| settings.select.context.as_deref().filter(|_| all.len() == 1));
    let named = if configured.is_none() && settings.means_pod() {
        is_around(side, found).await.then_some(IN_CLUSTER)
    } else {
        named
    };
    if named == Some(IN_CLUSTER) {
        let client = live::in_cluster(timeout).await.map_err(|error| error.to_string())?;
        return client.ok_or_else(|| "the config says in-cluster, but this is no pod".to_owned());
    }
    if let Some(context) = context_for(cluster, all, &settings.contexts, named) {
        tracing::debug!(cluster = cluster.name, context, "reading its API by the kubeconfig context");
        return settings.kubeconfigs.client(&context, timeout).await.map_err(|error| error.to_string());
    }
    if let Some(named) = configured {
        return Err(format!("the config names the context {named:?}, and no kubeconfig has it"));
    }
    tracing::debug!(cluster = cluster.name, "reading its API by the credentials of its cloud");
    let access = side.access(found).await.map_err(|error| error.to_string())?;
    live::from_access(&access, timeout).await.map_err(|error| error.to_string())
}

fn not_asked(found: &Discovered) -> Read<ClusterView> {
    let what = format!("the API of {}", found.cluster.name);
    Read::Unread(Open::unread(what, "list nodes", found.cluster.name.clone(), Obstacle::NotAsked))
}

fn unreachable(found: &Discovered, why: String) -> Open {
    let what = format!("the API of {}", found.cluster.name);
    Open::unread(what, "reach its API server", found.cluster.name.clone(), Obstacle::Failed(why.into()))
}

fn unreachable_gap(found: &Discovered, open: &Open) -> Gap {
    Gap {
        scope: found.cluster.id.0.clone(),
        open: open.clone(),
        message: format!("its workloads are missing from this report: {open}"),
    }
}

fn nodes<'a>(found: &Discovered, view: &'a Read<ClusterView>, gaps: &mut Vec<Gap>) -> &'a Read<Vec<NodeView>> {
    let Some(view) = view.got() else { return &Read::Absent };
    if let Some(open) = view.nodes.open() {
        let message = "which pools its pods run on is not known".to_owned();
        gaps.push(Gap { scope: found.cluster.id.0.clone(), open: open.clone(), message });
    }
    &view.nodes
}
