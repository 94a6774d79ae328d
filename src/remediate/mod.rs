//! From denied questions to a repaired cloud: the plan, consent, the writes with their receipt, the proof
//! that they hold, and the way back. Clouds are written through [`pullaudit_core::Writer`] only.

pub mod consent;
pub mod ending;
pub mod files;
pub mod journal;
pub mod judge;
mod plan;
pub mod receipt;
pub mod seal;
pub mod told;
pub mod undo;
mod verify;
pub mod write;

#[cfg(feature = "live")]
pub mod effect;

pub use plan::{Writable, plan, repairable};

use crate::report::{Incomplete, Unsettled, VerdictWord};
use jiff::Timestamp;
use pullaudit_core::{Change, Credential, ImageRef, Mode, Principal, Question, Vantage};
use seal::Seal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/plan/1";

/// Ids of plans live in this name space.
const PLANS: Uuid = Uuid::from_u128(0x3a9c_51d7_0e4f_5b62_8c1d_94f2_b6a0_77e3);

/// A plan (CONTRACT: `pullaudit/plan/1`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `pullaudit/plan/1`
    pub schema: String,
    /// When the facts were read, RFC 3339.
    pub created_at: String,
    /// Whether gaps were read as in `--strict`; what is verified later is evaluated alike.
    pub strict: bool,
    /// True when every scope could be read and every question has an answer.
    pub complete: bool,
    /// What could not be read, as in the report of an audit.
    pub incomplete_because: Vec<Incomplete>,
    /// Unknown checks by what would resolve them, as in the report of an audit.
    pub unsettled: Vec<Unsettled>,
    /// What would be written.
    pub changes: Vec<Change>,
    /// Which checks which changes turn.
    pub remedies: Vec<PlannedRemedy>,
    /// Checks that no change of ours would help.
    pub held_back: Vec<PlannedHold>,
    /// What people want to know of each change, by its id.
    pub effects: BTreeMap<String, Effect>,
    /// What is asked again once the changes are written.
    pub questions: Vec<PlannedQuestion>,
    /// Digests of the fields, by which an edited plan is known.
    pub seal: Seal,
}

/// Checks and the changes that turn them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRemedy {
    /// Ids of checks.
    pub checks: Vec<String>,
    /// Ids of changes, all of which are needed.
    pub changes: Vec<String>,
}

/// Checks that stay denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHold {
    /// Ids of checks.
    pub checks: Vec<String>,
    /// What they are about, for people.
    pub subject: String,
    /// Why nothing is changed for them.
    pub why: String,
}

/// What a change turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Repositories whose pull turns.
    pub repositories: BTreeSet<String>,
    /// Pools on which it does, as `CLUSTER/POOL`.
    pub pools: BTreeSet<String>,
    /// Workloads that need it, as `NAMESPACE/KIND/NAME`.
    pub workloads: BTreeSet<String>,
    /// Those of them that have a pod in back-off.
    #[serde(default)]
    pub failing: BTreeSet<String>,
    /// Whether they turn from allowed, as a change does that takes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub breaks: bool,
}

/// One question of one identity that changes turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedQuestion {
    /// The cloud that owns the registry.
    pub provider: String,
    /// Who pulls.
    pub by: Principal,
    /// From where.
    #[serde(default)]
    pub from: Vantage,
    /// What, as a whole reference.
    pub image: String,
    /// Where it is asked.
    pub places: BTreeSet<Place>,
    /// Ids of the changes that turn it.
    pub changes: Vec<String>,
    /// What the cloud's settings will say then.
    pub expect: VerdictWord,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The cloud that runs it.
    pub provider: String,
    /// The account, subscription or project of its cluster.
    pub scope: String,
    /// Full id of the cluster.
    pub cluster: String,
    /// Name of the pool.
    pub pool: String,
}

impl Place {
    /// `CLUSTER/POOL`, by the short name of the cluster.
    pub fn short(&self) -> String {
        let cluster = self.cluster.rsplit('/').next().unwrap_or(&self.cluster);
        format!("{cluster}/{}", self.pool)
    }
}

impl PlannedQuestion {
    /// The question itself; `None` where the file names no image.
    pub fn question(&self) -> Option<Question> {
        let image = ImageRef::parse(&self.image).ok()?;
        Some(Question { by: Credential::Principal(self.by.clone()), from: self.from.clone(), image })
    }

    /// `HOST/REPOSITORY`, or what stands for an image.
    pub fn repository(&self) -> String {
        let parsed = ImageRef::parse(&self.image);
        parsed.map_or_else(|_| self.image.clone(), |image| format!("{}/{}", image.registry, image.repository))
    }
}

impl Plan {
    /// A plan that does nothing, from facts of that time.
    pub fn new(taken_at: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            created_at: moment(taken_at),
            strict: false,
            complete: true,
            incomplete_because: Vec::new(),
            unsettled: Vec::new(),
            changes: Vec::new(),
            remedies: Vec::new(),
            held_back: Vec::new(),
            effects: BTreeMap::new(),
            questions: Vec::new(),
            seal: Seal::new(),
        }
    }

    /// How gaps are read.
    pub fn mode(&self) -> Mode {
        if self.strict { Mode::Strict } else { Mode::Default }
    }

    /// The plan with the digests of its fields as they are now.
    pub fn sealed(mut self) -> serde_json::Result<Self> {
        self.seal = seal::seal(&serde_json::to_value(&self)?, seal::OF_PLAN);
        Ok(self)
    }

    /// The scopes, clusters and inputs that are missing as a whole.
    pub fn unread(&self) -> impl Iterator<Item = &Incomplete> {
        self.incomplete_because.iter().filter(|one| one.resolves.is_none())
    }

    /// How many checks are unknown.
    pub fn unknown(&self) -> usize {
        self.unsettled.iter().map(|one| one.checks.len()).sum()
    }

    /// Six digits that name the plan: the same changes make the same name.
    pub fn name(&self) -> String {
        let ids: Vec<String> =
            self.changes.iter().map(|change| format!("{:?} {}", change.action, change.id)).collect();
        Uuid::new_v5(&PLANS, ids.join("\n").as_bytes()).simple().to_string()[..6].to_owned()
    }

    /// True when nothing is to be done and nothing is held back.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.held_back.is_empty()
    }
}

/// A time as files hold it.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
