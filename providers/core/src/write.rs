//! Writing a change: only into the world that it was planned for, and never without a note of it.

use crate::{Change, Open};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How writing a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was written by this run.
    Applied,
    /// The world was so already, by somebody else's hand or an earlier run's.
    AlreadyThere,
    /// What it rests on is no longer what the plan saw, so nothing was sent.
    Stale,
    /// It was refused or got no answer.
    Failed,
    /// Our half is written, and it needs another owner's half to help.
    WaitingForOwner,
}

impl Outcome {
    /// The word that receipts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AlreadyThere => "already-there",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::WaitingForOwner => "waiting-for-owner",
        }
    }
}

/// What of ours stands in the cloud after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftBehind {
    /// Nothing: the cloud is as it was.
    Nothing,
    /// The change, in full.
    Change,
    /// It was sent, no answer came, and the cloud could not be asked what became of it.
    Unknown,
}

/// What one write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How it ended.
    pub outcome: Outcome,
    /// For people: what was done, what is other than planned, or which right is missing.
    pub detail: String,
    /// What stands there now.
    pub left_behind: LeftBehind,
}

impl Applied {
    /// Written.
    pub fn done(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Applied, detail: detail.into(), left_behind: LeftBehind::Change }
    }

    /// Nothing had to be written.
    pub fn already_there(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::AlreadyThere, detail: detail.into(), left_behind: LeftBehind::Nothing }
    }

    /// Nothing was written, since the world moved.
    pub fn stale(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Stale, detail: detail.into(), left_behind: LeftBehind::Nothing }
    }

    /// It was not written.
    pub fn failed(detail: impl Into<String>, left_behind: LeftBehind) -> Self {
        Self { outcome: Outcome::Failed, detail: detail.into(), left_behind }
    }
}

/// Whether the caller holds a right of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Yes.
    Yes,
    /// No: the write would be refused.
    No,
    /// It could not be read.
    Open(Open),
}

/// A right that a change needs of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRight {
    /// The cloud's name of it: `Microsoft.Authorization/roleAssignments/write`.
    pub right: String,
    /// Where, for people.
    pub place: String,
    /// Whether it is there.
    pub held: Held,
}

/// Notes a write before it is sent, so that a run that is killed at any moment leaves a note of all that
/// it may have written. Changes of several documents are noted side by side.
pub trait Journal: Send + Sync {
    /// Returns when the note would survive the machine's end. An error means that nothing may be sent.
    fn about_to_write(&self, change: &Change) -> std::io::Result<()>;
}

/// A document is not what was written there, so it is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    /// Somebody changed it since.
    #[error("{document} is no longer what pullaudit wrote: {difference}; it is left as it is")]
    Changed {
        /// The cloud's full id of it.
        document: String,
        /// What is other now.
        difference: String,
    },
    /// It could not be read, so nobody knows what would be taken away.
    #[error("{document} can't be read: {open}")]
    Unread {
        /// The cloud's full id of it.
        document: String,
        /// What would settle it.
        open: Open,
    },
    /// No change of that kind can be taken back.
    #[error("{0}")]
    Unsupported(String),
}

/// A change from a file that differs from what pullaudit writes: it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Field of the change, as files name it.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl Edited {
    /// A field, and what is wrong with it.
    pub fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

/// The side that writes.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Refuses a change whose id, names, notes or command do not follow from what it would write. Pure: called for every
    /// change of a file before anything is read or shown.
    fn vet(&self, _change: &Change) -> Result<(), Edited> {
        Ok(())
    }

    /// The accounts, subscriptions or projects that these names and the cloud's own options (profiles) mean, as
    /// [`Change::owner`] names them; with `own`, also those that the credentials themselves belong to. A name that can't be
    /// resolved stays as it is.
    async fn scopes(&self, named: &[String], _own: bool) -> Vec<String> {
        named.to_vec()
    }

    /// The rights that each change needs of the caller, in the order of the changes. Writes nothing.
    async fn preflight(&self, changes: &[&Change]) -> Vec<OwnRight>;

    /// Writes one change: reads again what it rests on, notes it, sends it, and sends it again within a
    /// deadline where the cloud says so. Sending twice writes once. Changes of other documents may be under
    /// way; two of one document never are.
    async fn apply(&self, change: &Change, journal: &dyn Journal) -> Applied;

    /// The change that takes this one back, after a look at what stands there; `None` where it is gone
    /// already. It goes through the same gate as any other. Writes nothing.
    async fn undo(&self, change: &Change) -> Result<Option<Change>, CannotUndo>;
}
