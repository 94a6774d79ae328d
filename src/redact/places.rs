//! Where a snapshot holds names. Every field is taken apart here, so that one that is added to a snapshot must be placed
//! before it compiles.

use pullaudit_core::{
    AccountToken, Cluster, ClusterId, ClusterRecord, Container, Gap, Lookalike, Obstacle, Open, PodGroup,
    PodSelector, Pool, Principal, PullSecret, Read, Searched, Section, Shape, Snapshot, Taint, Vantage, Workload,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Names, with words of a cloud's own language among them.
    Name,
    /// A name that others need only begin with.
    Prefix,
    /// A sentence of ours, in which names may stand.
    Sentence,
}

/// What is said of a failure in place of its detail, which may hold anything.
const FAILED: &str = "the detail is redacted";

type Visit<'v> = dyn FnMut(Place, &mut String) + 'v;

/// Hands over every text that may hold a name. Keys of labels, annotations, tags and conditions are no such place, nor are
/// kinds, regions, operating systems and times.
pub(super) fn visit(snapshot: &mut Snapshot, see: &mut Visit<'_>) {
    let Snapshot {
        schema: _,
        taken_at: _,
        searched,
        clusters,
        workloads,
        secrets,
        facts,
        gaps,
        whole: _,
        calls: _,
    } = snapshot;
    for Searched { provider: _, scope, aliases, regions: _, contexts } in searched {
        see(Place::Name, scope);
        *aliases = take(aliases).into_iter().map(|alias| seen(alias, see)).collect();
        *contexts = take(contexts).into_iter().map(|context| seen(context, see)).collect();
    }
    for record in &mut *clusters {
        of_cluster(record, see);
    }
    for workload in workloads {
        of_workload(workload, see);
    }
    keys(secrets, see, |secret, see| match secret {
        Read::Got(secret) => of_secret(secret, see),
        Read::Absent => {}
        Read::Unread(open) => of_open(open, see),
    });
    for section in facts.values_mut() {
        of_facts(section, see);
    }
    for Gap { scope, open, message } in gaps {
        see(Place::Name, scope);
        of_open(open, see);
        see(Place::Sentence, message);
    }
    clusters.sort_by(|one, other| one.cluster.id.cmp(&other.cluster.id));
}

fn of_cluster(record: &mut ClusterRecord, see: &mut Visit<'_>) {
    let ClusterRecord { cluster, reachable: _, context, pools, hidden, lookalikes } = record;
    for open in hidden {
        of_open(open, see);
    }
    *context = take(context).map(|context| seen(context, see));
    let Cluster { id: ClusterId(id), provider: _, name, location: _, scope, endpoint } = cluster;
    for text in [id, name, scope].into_iter().chain(endpoint) {
        see(Place::Name, text);
    }
    for pool in pools {
        of_pool(pool, see);
    }
    for Lookalike { id, code: _, what } in lookalikes {
        see(Place::Name, id);
        see(Place::Sentence, what);
    }
}

fn of_pool(pool: &mut Pool, see: &mut Visit<'_>) {
    // Names of nodes are not written.
    let Pool { cluster, name, identity, shape, node_labels, nodes: _, takes, takes_unread, vantage, federation } =
        pool;
    see(Place::Name, &mut cluster.0);
    see(Place::Name, name);
    match identity {
        Read::Got(Principal { kind: _, id, name, token }) => {
            for text in [id, name] {
                see(Place::Name, text);
            }
            if let Some(AccountToken { issuer, audience: _, subject }) = token.as_deref_mut() {
                for text in issuer.iter_mut().chain([subject]) {
                    see(Place::Name, text);
                }
            }
        }
        Read::Absent => {}
        Read::Unread(open) => of_open(open, see),
    }
    let Shape { labels, lacks: _, taints, os: _, arch: _, nodes: _, systems: _, observed: _ } = shape;
    for values in labels.values_mut() {
        *values = take(values).into_iter().map(|value| seen(value, see)).collect::<BTreeSet<_>>();
    }
    for Taint { key: _, value, effect: _ } in taints {
        see(Place::Name, value);
    }
    for value in node_labels.values_mut() {
        see(Place::Name, value);
    }
    for PodSelector { namespace, labels } in takes {
        see(Place::Name, namespace);
        for value in labels.values_mut() {
            see(Place::Name, value);
        }
    }
    for open in takes_unread.iter_mut() {
        of_open(open, see);
    }
    let Vantage { scopes: _, network } = vantage;
    for text in network.iter_mut().chain(federation) {
        see(Place::Name, text);
    }
}

fn of_workload(workload: &mut Workload, see: &mut Visit<'_>) {
    let Workload {
        cluster,
        namespace,
        kind: _,
        name,
        containers,
        next,
        living,
        service_account,
        service_account_annotations,
        service_account_unread,
        static_pod: _,
        every_pool: _,
        pods,
        pods_only: _,
        origin,
    } = workload;
    for id in cluster.iter_mut() {
        see(Place::Name, &mut id.0);
    }
    for text in [namespace, name, service_account].into_iter().chain(origin) {
        see(Place::Name, text);
    }
    for Container { name, kind: _, image, never_pulled: _ } in containers {
        for text in [name, image] {
            see(Place::Name, text);
        }
    }
    for PodGroup { pull_secrets, pools, place_unknown, images } in std::iter::once(next).chain(living) {
        for text in pull_secrets.iter_mut().chain(pools).chain(images) {
            see(Place::Name, text);
        }
        for open in place_unknown.iter_mut() {
            of_open(open, see);
        }
    }
    for open in service_account_unread.iter_mut() {
        of_open(open, see);
    }
    for value in service_account_annotations.values_mut() {
        see(Place::Name, value);
    }
    keys(pods, see, |images, see| keys(images, see, |_, _| {}));
}

fn of_secret(secret: &mut PullSecret, see: &mut Visit<'_>) {
    for entry in &mut secret.entries {
        see(Place::Prefix, &mut entry.key);
    }
    // Defects name keys of entries, in whatever fields; a type that the kubelet passes over may be anybody's word.
    let Ok(mut defects) = serde_json::to_value(&secret.defects) else { return };
    of_value(&mut defects, see, Place::Sentence);
    if let Ok(defects) = serde_json::from_value(defects) {
        secret.defects = defects;
    }
}

fn of_facts(section: &mut Section, see: &mut Visit<'_>) {
    for rows in section.tables.values_mut() {
        keys(rows, see, |row, see| match row {
            Read::Got(value) => of_value(value, see, Place::Name),
            Read::Absent => {}
            Read::Unread(open) => of_open(open, see),
        });
    }
}

fn of_value(value: &mut Value, see: &mut Visit<'_>, place: Place) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            // A document in a text: its escapes are no words.
            Ok(mut document @ (Value::Object(_) | Value::Array(_))) => {
                of_value(&mut document, see, place);
                *text = document.to_string();
            }
            _ => see(place, text),
        },
        Value::Array(items) => items.iter_mut().for_each(|item| of_value(item, see, place)),
        Value::Object(fields) => {
            // In the key of a condition on a token stands who issued it.
            let named = |key: String, see: &mut Visit<'_>| {
                let issued = key.split_once(':').is_some_and(|(issuer, _)| issuer.contains('.'));
                if issued { seen_at(Place::Name, key, see) } else { key }
            };
            *fields = take(fields)
                .into_iter()
                .map(|(key, mut inner)| {
                    of_value(&mut inner, see, place);
                    (named(key, see), inner)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of_open(open: &mut Open, see: &mut Visit<'_>) {
    let mut text =
        |place: Place, shared: &mut pullaudit_core::Text| *shared = seen_at(place, shared.to_string(), see).into();
    match open {
        Open::Unread { reading, permission: _, scope, assumable: _, obstacle } => {
            text(Place::Sentence, reading);
            text(Place::Name, scope);
            if let Obstacle::Failed(detail) | Obstacle::Blocked(detail) = obstacle {
                *detail = FAILED.into();
            }
        }
        Open::Undecidable { what } => text(Place::Sentence, what),
    }
}

fn keys<T>(map: &mut BTreeMap<String, T>, see: &mut Visit<'_>, mut inner: impl FnMut(&mut T, &mut Visit<'_>)) {
    *map = take(map)
        .into_iter()
        .map(|(key, mut value)| {
            inner(&mut value, see);
            (seen(key, see), value)
        })
        .collect();
}

fn seen(text: String, see: &mut Visit<'_>) -> String {
    seen_at(Place::Name, text, see)
}

fn seen_at(place: Place, mut text: String, see: &mut Visit<'_>) -> String {
    see(place, &mut text);
    text
}
