//! Findings that are no verdict: what a report tells beside its checks.

use crate::assess::Opened;
use crate::clouds::Clouds;
use crate::questions::Asking;
use crate::report::{NoticeReport, plural};
use crate::secrets;
use jiff::Timestamp;
use pullaudit_core::{Conflict, CoreFinding, ImageRef, Inventory, Severity, Snapshot};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// All of them, in no order.
pub fn all(
    snapshot: &Snapshot,
    conflicts: &[Conflict],
    clouds: &Clouds,
    asking: &Asking,
    opened: &Opened,
    at: Timestamp,
) -> Vec<NoticeReport> {
    let inventory = Inventory { asked: Some(repositories(asking)), ..snapshot.inventory() };
    let mut notices: Vec<_> = opened.notices(at, &inventory).into_iter().map(notice).collect();
    notices.extend(of_clusters(snapshot, clouds).map(notice));
    notices.extend(conflicts.iter().map(conflict));
    notices.extend(not_judged(asking));
    notices.extend(never_pulled(snapshot, asking));
    notices.extend(pods_only(snapshot));
    notices.extend(secrets::notices(snapshot, at).into_iter().map(notice));
    notices
}

/// The repositories that are asked about: facts may hold more, of which a narrower run says nothing.
fn repositories(asking: &Asking) -> BTreeSet<ImageRef> {
    let mut seen = HashSet::new();
    let images = asking.pulls.iter().map(|pull| &pull.image);
    let new = images.filter(|image| seen.insert((&image.registry, &image.repository)));
    new.map(|image| ImageRef { tag: None, digest: None, implied_tag: false, ..image.clone() }).collect()
}

/// What each cluster's own cloud finds about it.
fn of_clusters<'a>(
    snapshot: &'a Snapshot,
    clouds: &'a Clouds,
) -> impl Iterator<Item = pullaudit_core::Notice> + 'a {
    snapshot.clusters.iter().flat_map(|record| {
        let side = clouds.get(&record.cluster.provider).and_then(|provider| provider.clusters.as_ref());
        side.map(|side| side.notices(record)).unwrap_or_default()
    })
}

fn notice(notice: pullaudit_core::Notice) -> NoticeReport {
    NoticeReport {
        code: notice.code.to_owned(),
        severity: notice.severity,
        subject: notice.subject,
        message: notice.message,
        images: None,
    }
}

fn conflict(conflict: &Conflict) -> NoticeReport {
    NoticeReport {
        code: CoreFinding::SnapshotsDisagree.code().name().to_owned(),
        severity: Severity::Low,
        subject: conflict.subject.clone(),
        message: format!(
            "taken from the newer snapshot of {}, not from that of {}",
            conflict.kept, conflict.dropped
        ),
        images: None,
    }
}

/// Containers that no right is needed for, by workload.
fn never_pulled(snapshot: &Snapshot, asking: &Asking) -> Vec<NoticeReport> {
    let code = CoreFinding::NeverPulled.code();
    let mut of_workload: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (number, name) in &asking.never_pulled {
        of_workload.entry(*number).or_default().push(name);
    }
    let one = |(number, names): (usize, Vec<&str>)| {
        let workload = &snapshot.workloads[number];
        NoticeReport {
            code: code.name().to_owned(),
            severity: code.severity(),
            subject: format!("{} {}/{}", workload.kind, workload.namespace, workload.name),
            message: format!(
                "{} not pulled (imagePullPolicy Never): {}",
                plural_is(names.len()),
                names.join(", ")
            ),
            images: Some(names.len()),
        }
    };
    of_workload.into_iter().map(one).collect()
}

/// Custom kinds whose objects are known by their pods alone, by cluster.
fn pods_only(snapshot: &Snapshot) -> Vec<NoticeReport> {
    let code = CoreFinding::PodsOnly.code();
    let mut of_kind: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for workload in snapshot.workloads.iter().filter(|workload| workload.pods_only) {
        let cluster = workload.cluster.as_ref().map_or("", |id| id.0.as_str());
        *of_kind.entry((cluster, &workload.kind)).or_default() += 1;
    }
    let one = |((cluster, kind), count): ((&str, &str), usize)| {
        let record = snapshot.clusters.iter().find(|record| record.cluster.id.0 == cluster);
        NoticeReport {
            code: code.name().to_owned(),
            severity: code.severity(),
            subject: format!("{kind} of {}", record.map_or(cluster, |record| record.cluster.name.as_str())),
            message: format!(
                "{}: no pod template was read, so what runs now is all that is judged",
                plural(count, "workload")
            ),
            images: None,
        }
    };
    of_kind.into_iter().map(one).collect()
}

fn plural_is(count: usize) -> String {
    format!("{} {}", plural(count, "container"), if count == 1 { "is" } else { "are" })
}

fn not_judged(asking: &Asking) -> Vec<NoticeReport> {
    let registries = asking.unowned.iter();
    registries
        .map(|(registry, images)| NoticeReport {
            code: "not-judged".to_owned(),
            severity: Severity::Info,
            subject: registry.clone(),
            message: format!("{} on {registry}, a registry that no provider owns", plural(images.len(), "image")),
            images: Some(images.len()),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_that_is_known_by_its_pods_alone_is_told_of_once_a_cluster() {
        let workload = |name: &str, kind: &str, pods_only: bool| {
            json!({ "cluster": "arn:shop", "namespace": "shop", "kind": kind, "name": name, "containers": [],
                "podsOnly": pods_only })
        };
        let cluster = json!({ "id": "arn:shop", "provider": "eks", "name": "shop", "location": "here", "scope": "1", "reachable": true, "pools": [] });
        let snapshot: Snapshot = serde_json::from_value(json!({
            "schema": "pullaudit/snapshot/1", "takenAt": "2026-11-30T00:00:00Z", "facts": {},
            "clusters": [cluster],
            "workloads": [workload("a", "Robot", true), workload("b", "Robot", true), workload("c", "Rollout", false)],
        }))
        .unwrap();
        let told: Vec<_> =
            pods_only(&snapshot).into_iter().map(|one| (one.code, one.subject, one.message)).collect();
        let message = "2 workloads: no pod template was read, so what runs now is all that is judged";
        assert_eq!(told, [("pods-only".to_owned(), "Robot of shop".to_owned(), message.to_owned())]);
    }
}
