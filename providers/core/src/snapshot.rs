//! All that an audit needs, in one file, with no secret in it.

use crate::{
    CallCount, Cluster, Gap, Inventory, Lookalike, Open, Pool, PullSecret, Read, Searched, Section, Workload,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/snapshot/1";
const FAMILY: &str = "pullaudit/snapshot/";
const NEWEST: u32 = 1;

/// A cluster with its pools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRecord {
    /// The cluster.
    #[serde(flatten)]
    pub cluster: Cluster,
    /// Whether its API answered; where it did not, pools and workloads are what the cloud alone tells.
    pub reachable: bool,
    /// The kubeconfig context by which its API was read, where one led there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Its pools.
    pub pools: Vec<Pool>,
    /// Readings whose absence may hide pools of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Open>,
    /// Ids that are taken for an identity of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<Lookalike>,
}

/// What was read, by whom it can be replayed: live, saved and replayed audits go through this one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `pullaudit/snapshot/1`
    pub schema: String,
    /// When reading began.
    pub taken_at: Timestamp,
    /// Where clusters were looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searched: Vec<Searched>,
    /// The clusters, by id.
    pub clusters: Vec<ClusterRecord>,
    /// The workloads, each once.
    pub workloads: Vec<Workload>,
    /// Hosts and defects of the pull secrets that were read, by `cluster/namespace/name`.
    #[serde(default)]
    pub secrets: BTreeMap<String, Read<PullSecret>>,
    /// The facts, a section a provider.
    pub facts: BTreeMap<String, Section>,
    /// What could not be read.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// Clouds of which every cluster that the credentials see is here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub whole: BTreeSet<String>,
    /// What was asked of the clouds to take it, by service.
    #[serde(default)]
    pub calls: BTreeMap<String, CallCount>,
}

/// Two snapshots that say different things of one subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// What they disagree about: `cluster ID`, `eks repositories ARN`.
    pub subject: String,
    /// When the one that was kept was taken.
    pub kept: Timestamp,
    /// When the one that was dropped was taken.
    pub dropped: Timestamp,
}

/// A snapshot can't be used. The message names what is wrong with the file; the caller adds its path.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not JSON, or cut off.
    #[error("not a whole JSON document (line {line}, column {column}): {detail}; take the snapshot again")]
    Damaged {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
        /// What the parser says.
        detail: String,
    },
    /// JSON, but not a snapshot.
    #[error("not a pullaudit snapshot: its `schema` is {found}, expected {SCHEMA}")]
    NotASnapshot {
        /// What stands there.
        found: String,
    },
    /// Written by a later pullaudit.
    #[error("written by a newer pullaudit (schema {found}, this one reads up to {SCHEMA}): update pullaudit")]
    Newer {
        /// Its schema.
        found: String,
    },
    /// The right schema, but a field is missing or of the wrong type.
    #[error("damaged at line {line}, column {column}: {detail}; take the snapshot again")]
    Malformed {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
        /// What is wrong there.
        detail: String,
    },
    /// It lists a cluster twice, so that it is open which one is meant.
    #[error("it lists {detail} twice; take the snapshot again")]
    Twice {
        /// What.
        detail: String,
    },
    /// A provider can't read its section.
    #[error("the {provider} facts under {key} are damaged: {detail}; take the snapshot again")]
    Section {
        /// The provider.
        provider: &'static str,
        /// Table and row.
        key: String,
        /// What is wrong there.
        detail: String,
    },
}

impl Snapshot {
    /// An empty snapshot of this version.
    pub fn new(taken_at: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            taken_at,
            searched: Vec::new(),
            clusters: Vec::new(),
            workloads: Vec::new(),
            secrets: BTreeMap::new(),
            facts: BTreeMap::new(),
            gaps: Vec::new(),
            whole: BTreeSet::new(),
            calls: BTreeMap::new(),
        }
    }

    /// Reads a snapshot of this or an older version; says which of newer, damaged or "no snapshot" a
    /// file is otherwise.
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            schema: serde_json::Value,
        }
        let head: Head = match serde_json::from_str(text) {
            Ok(head) => head,
            Err(error) if error.is_data() => {
                return Err(SnapshotError::NotASnapshot { found: "missing".to_owned() });
            }
            Err(error) => return Err(damaged(&error)),
        };
        check_schema(&head.schema)?;
        let mut snapshot: Self = serde_json::from_str(text).map_err(|error| SnapshotError::Malformed {
            line: error.line(),
            column: error.column(),
            detail: plain(&error),
        })?;
        if let Some(detail) = snapshot.twice() {
            return Err(SnapshotError::Twice { detail });
        }
        snapshot.respell(&[]);
        Ok(snapshot)
    }

    /// Who is in it. A cloud with a gap, or with a pool whose identity is not known, is not whole.
    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory { whole: self.whole.clone(), ..Inventory::default() };
        for record in &self.clusters {
            inventory.lookalikes.extend(record.lookalikes.iter().cloned());
            for pool in &record.pools {
                match &pool.identity {
                    Read::Got(principal) => {
                        inventory.pullers.insert(principal.id.to_ascii_lowercase());
                    }
                    Read::Absent => {}
                    Read::Unread(_) => {
                        inventory.whole.remove(&record.cluster.provider);
                    }
                }
            }
        }
        inventory
    }

    /// The snapshot as a file holds it: JSON, one line break at the end, the same bytes for the same
    /// content.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Adds another snapshot. Where both speak of one cluster or one reading, a reading that was got
    /// beats one that was not, and of two that differ the newer is kept and the conflict returned. Where neither is
    /// newer, it is open which one holds.
    pub fn merge(&mut self, mut other: Self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        other.respell(&self.clusters);
        let times = (self.taken_at, other.taken_at);
        self.merge_clusters(other.clusters, &other.workloads, times, &mut conflicts);
        for (name, section) in other.facts {
            merge_section(self.facts.entry(name.clone()).or_default(), section, &name, times, &mut conflicts);
        }
        for (name, secret) in other.secrets {
            let subject = format!("pull secret {name}");
            merge_read(self.secrets.entry(name), secret, subject, times, &mut conflicts);
        }
        for searched in other.searched {
            searched.add(&mut self.searched);
        }
        self.whole.extend(other.whole);
        self.gaps.extend(other.gaps);
        self.gaps.sort();
        self.gaps.dedup();
        for (service, count) in other.calls {
            let sum = self.calls.entry(service).or_default();
            sum.operations += count.operations;
            sum.attempts += count.attempts;
        }
        self.taken_at = times.0.min(times.1);
        conflicts.sort();
        conflicts
    }

    /// A cluster comes with its workloads: of two that differ, both halves are taken from the newer.
    fn merge_clusters(
        &mut self,
        clusters: Vec<ClusterRecord>,
        workloads: &[Workload],
        (mine, theirs): (Timestamp, Timestamp),
        conflicts: &mut Vec<Conflict>,
    ) {
        let of = |id: &crate::ClusterId, all: &[Workload]| -> Vec<Workload> {
            all.iter().filter(|workload| workload.cluster.as_ref() == Some(id)).cloned().collect()
        };
        self.workloads.extend(workloads.iter().filter(|workload| workload.cluster.is_none()).cloned());
        for record in clusters {
            let id = record.cluster.id.clone();
            let Some(index) = self.clusters.iter().position(|known| known.cluster.id == id) else {
                self.workloads.extend(of(&id, workloads));
                self.clusters.push(record);
                continue;
            };
            let (ours, new) = (of(&id, &self.workloads), of(&id, workloads));
            if self.clusters[index] == record && ours == new {
                continue;
            }
            let (kept, dropped) = if theirs > mine { (theirs, mine) } else { (mine, theirs) };
            if kept == dropped {
                let open =
                    Open::undecidable(format!("what two snapshots of {kept} say differently: cluster {id}"));
                let message = "two snapshots of one moment differ in it".to_owned();
                self.gaps.push(Gap { scope: id.0.clone(), open, message });
            }
            conflicts.push(Conflict { subject: format!("cluster {id}"), kept, dropped });
            if theirs > mine {
                self.clusters[index] = record;
                self.workloads.retain(|workload| workload.cluster.as_ref() != Some(&id));
                self.workloads.extend(new);
            }
        }
        self.clusters.sort_by(|a, b| a.cluster.id.cmp(&b.cluster.id));
    }
}

fn check_schema(schema: &serde_json::Value) -> Result<(), SnapshotError> {
    let found = || match schema {
        serde_json::Value::Null => "missing".to_owned(),
        other => other.to_string(),
    };
    let number = schema.as_str().and_then(|name| name.strip_prefix(FAMILY)).and_then(|n| n.parse::<u32>().ok());
    match number {
        None | Some(0) => Err(SnapshotError::NotASnapshot { found: found() }),
        Some(number) if number > NEWEST => Err(SnapshotError::Newer { found: found() }),
        Some(_) => Ok(()),
    }
}

fn damaged(error: &serde_json::Error) -> SnapshotError {
    SnapshotError::Damaged { line: error.line(), column: error.column(), detail: plain(error) }
}

/// The parser's sentence without the position, which stands in the message already.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn merge_section(
    mine: &mut Section,
    theirs: Section,
    provider: &str,
    times: (Timestamp, Timestamp),
    conflicts: &mut Vec<Conflict>,
) {
    for (table, rows) in theirs.tables {
        let known = mine.tables.entry(table.clone()).or_default();
        for (key, reading) in rows {
            let subject = format!("{provider} {table} {key}");
            merge_read(known.entry(key), reading, subject, times, conflicts);
        }
    }
}

fn merge_read<K: Ord, T: PartialEq>(
    entry: std::collections::btree_map::Entry<'_, K, Read<T>>,
    theirs: Read<T>,
    subject: String,
    (mine_at, theirs_at): (Timestamp, Timestamp),
    conflicts: &mut Vec<Conflict>,
) {
    use std::collections::btree_map::Entry;
    let mut mine = match entry {
        Entry::Vacant(place) => {
            place.insert(theirs);
            return;
        }
        Entry::Occupied(mine) => mine,
    };
    match (mine.get(), &theirs) {
        (a, b) if a == b => {}
        (_, Read::Unread(_)) => {}
        (Read::Unread(_), _) => {
            mine.insert(theirs);
        }
        _ => {
            let newer = theirs_at > mine_at;
            let (kept, dropped) = if newer { (theirs_at, mine_at) } else { (mine_at, theirs_at) };
            if kept == dropped {
                // Neither is newer, and the order of files decides no verdict.
                let why = format!("what two snapshots of {kept} say differently: {subject}");
                mine.insert(Read::Unread(Open::undecidable(why)));
            } else if newer {
                mine.insert(theirs);
            }
            conflicts.push(Conflict { subject, kept, dropped });
        }
    }
}
