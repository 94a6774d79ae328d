//! Whether a repair works where it matters: a pod that was refused has pulled. Nothing is created for it.

use super::journal::ReceiptFile;
use super::moment;
use super::receipt::Seen;
use super::told::line;
use super::write::Found;
use super::{Effect, Place, PlannedQuestion};
use crate::gather::connect;
use crate::interrupt::Interrupt;
use crate::kubernetes::fit;
use crate::kubernetes::live::{self, Client, PodLook, PodName};
use crate::settings::Settings;
use anyhow::Result;
use jiff::Timestamp;
use pullaudit_core::{Cluster, ImageRef, Outcome, PodState};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::{Duration, Instant};

/// How often pods are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// A pod that waits, and the changes that it waits for.
type Waiting = BTreeMap<PodName, BTreeSet<String>>;

/// One cluster under watch.
struct Watched<'a> {
    name: String,
    client: Client<'a>,
    namespaces: BTreeSet<String>,
    /// By node.
    pools: BTreeMap<String, String>,
    questions: Vec<PlannedQuestion>,
    waiting: Waiting,
}

/// Watches the pods that are in back-off now, until one of each change has pulled, time runs out or the user
/// ends it. Where no pod waits, or no cluster can be read, it notes nothing.
pub async fn watch(
    settings: &Settings,
    clusters: &[Found<'_>],
    file: &mut ReceiptFile,
    until: Instant,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<()> {
    let all: Vec<&Cluster> = clusters.iter().map(|(_, found)| &found.cluster).collect();
    let mut watched = Vec::new();
    for found in clusters {
        match begin(settings, found, file, &all).await {
            Ok(Some(one)) => watched.push(one),
            Ok(None) => {}
            Err(why) => line(out, "effect", &format!("{}: not watched: {why}", found.1.cluster.name)),
        }
    }
    let mut open: BTreeSet<String> =
        watched.iter().flat_map(|one| one.waiting.values().flatten().cloned()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let pods: usize = watched.iter().map(|one| one.waiting.len()).sum();
    line(
        out,
        "effect",
        &format!("watching {} in back-off (no pod is created)", crate::report::plural(pods, "pod")),
    );
    while !open.is_empty() && Instant::now() < until && interrupt.sleep(EVERY).await {
        for one in &watched {
            let Ok(pods) = live::pods(&one.client, &settings.calls, &one.namespaces).await else { continue };
            for (pod, image, ids) in pulled(one, &pods) {
                for id in ids.iter().filter(|id| open.remove(*id)) {
                    let at = moment(Timestamp::now());
                    file.edit(id, |entry| (entry.effect, entry.effect_at) = (Some(Seen::Seen), Some(at)))?;
                    let told = format!("pod {}/{} of {} pulled {image}", pod.namespace, pod.name, one.name);
                    line(out, "effect", &told);
                }
            }
        }
    }
    for id in open {
        file.edit(&id, |entry| entry.effect = Some(Seen::NotSeen))?;
        line(out, "effect", "not seen yet: no watched pod has pulled; kubelets try again within 5 minutes");
    }
    Ok(())
}

/// The cluster's refused pods; `None` where the plan knew of none there.
async fn begin<'a>(
    settings: &'a Settings,
    (side, found): &'a Found<'_>,
    file: &ReceiptFile,
    all: &'a [&'a Cluster],
) -> Result<Option<Watched<'a>>, String> {
    let id = &found.cluster.id.0;
    let written = |question: &&PlannedQuestion| {
        let entries = file.receipt.changes.iter().filter(|entry| question.changes.contains(&entry.change.id));
        entries.into_iter().any(|entry| matches!(entry.outcome, Some(Outcome::Applied | Outcome::AlreadyThere)))
    };
    let here = |question: &&PlannedQuestion| question.places.iter().any(|place| &place.cluster == id);
    let questions: Vec<PlannedQuestion> =
        file.receipt.questions.iter().filter(written).filter(here).cloned().collect();
    let effects =
        questions.iter().flat_map(|question| &question.changes).filter_map(|id| file.receipt.effects.get(id));
    let namespaces: BTreeSet<String> = effects.flat_map(namespaces).collect();
    if namespaces.is_empty() {
        return Ok(None);
    }
    let client = connect(settings, *side, found, all).await?;
    let view = live::view(&client, &found.cluster, side.wants(), &settings.calls).await;
    let mut completed = found.clone();
    side.complete(&mut completed, &view).await;
    let (pools, _) = side.pools(&completed, &view);
    let nodes = view.got().and_then(|view| view.nodes.got()).into_iter().flatten();
    let pools =
        nodes.filter_map(|node| Some((node.name.clone(), fit::pool_of(node, &pools)?.name.clone()))).collect();
    let pods = live::pods(&client, &settings.calls, &namespaces).await?;
    let name = found.cluster.name.clone();
    let mut watched = Watched { name, client, namespaces, pools, questions, waiting: Waiting::new() };
    watched.waiting = waiting(&watched, id, &pods);
    Ok(Some(watched))
}

/// Namespaces of the workloads that had a pod in back-off when the plan was made.
fn namespaces(effect: &Effect) -> impl Iterator<Item = String> + '_ {
    effect.failing.iter().filter_map(|name| name.split('/').next()).map(str::to_owned)
}

/// Pods that wait for an image of the plan, on a pool that the plan is about.
fn waiting(watched: &Watched<'_>, cluster: &str, pods: &BTreeMap<PodName, PodLook>) -> Waiting {
    let mut waiting = Waiting::new();
    for (name, pod) in pods {
        let failing = pod.images.iter().filter(|(_, state)| **state == PodState::Failing);
        for (image, _) in failing {
            let about = |place: &Place| {
                place.cluster == cluster && watched.pools.get(&pod.node).is_none_or(|pool| *pool == place.pool)
            };
            let changes = watched.questions.iter().filter(|question| asks(question, image));
            let changes = changes.filter(|question| question.places.iter().any(about));
            let ids: BTreeSet<String> = changes.flat_map(|question| question.changes.iter().cloned()).collect();
            if !ids.is_empty() {
                waiting.entry(name.clone()).or_default().extend(ids);
            }
        }
    }
    waiting
}

fn asks(question: &PlannedQuestion, written: &str) -> bool {
    ImageRef::parse(written).is_ok_and(|image| image.to_string() == question.image)
}

/// Pods that waited and have pulled what they waited for.
fn pulled<'a>(
    watched: &'a Watched<'_>,
    pods: &'a BTreeMap<PodName, PodLook>,
) -> impl Iterator<Item = (&'a PodName, &'a str, &'a BTreeSet<String>)> {
    watched.waiting.iter().filter_map(|(name, ids)| {
        let pod = pods.get(name)?;
        let ours = |image: &str| watched.questions.iter().any(|question| asks(question, image));
        let running = |(_, state): &(&String, &PodState)| **state == PodState::Running;
        let (image, _) = pod.images.iter().filter(running).find(|(image, _)| ours(image))?;
        Some((name, image.as_str(), ids))
    })
}
