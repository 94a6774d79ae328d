//! The three-valued tree in which a provider answers a question.

use crate::Code;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Shared text: a claim over a million questions names the same few documents again and again.
pub type Text = Arc<str>;

/// Why a reading is missing; it decides what a person has to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The cloud or the cluster refused the reading: a right is missing.
    Refused,
    /// The reading failed for another reason (time-out, garbage, throttling): reading again may do.
    Failed(Text),
    /// Something that no permission cures refused the reading: a service perimeter, a subscription or project that is
    /// missing or disabled, an expired token, an api-version that the cloud does not have. The text says what refused and
    /// what to do about it, in a sentence of its own: `VPC Service Controls refused the call; run it from inside the
    /// perimeter`.
    Blocked(Text),
    /// Nobody asked: the snapshot, or the flags in force, left it out.
    NotAsked,
}

/// One thing that is not known, worded as what would settle it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Open {
    /// A reading that is missing.
    Unread {
        /// What was to be read, with its subject: `repository policy of ledger/api`.
        reading: Text,
        /// The right that reads it: `ecr:GetRepositoryPolicy`.
        permission: Text,
        /// Where the right is needed: an account, a subscription, a project, a cluster.
        scope: Text,
        /// True for guard rails that an auditor rarely may read and that would break far more than a
        /// pull. It counts only where the leaf could deny, see [`crate::judge`].
        assumable: bool,
        /// Why it is missing.
        obstacle: Obstacle,
    },
    /// No reading of ours settles it: the value exists only when a node pulls, or the language of the
    /// rule is not known to pullaudit.
    Undecidable {
        /// What can't be decided, and why.
        what: Text,
    },
}

impl Open {
    /// A refused or failed reading that may not be assumed.
    pub fn unread(
        reading: impl Into<Text>,
        permission: impl Into<Text>,
        scope: impl Into<Text>,
        obstacle: Obstacle,
    ) -> Self {
        Self::Unread {
            reading: reading.into(),
            permission: permission.into(),
            scope: scope.into(),
            assumable: false,
            obstacle,
        }
    }

    /// Something that no reading settles.
    pub fn undecidable(what: impl Into<Text>) -> Self {
        Self::Undecidable { what: what.into() }
    }

    /// True when a default audit may read "does not deny" into this gap: only where the reading was refused. A reading
    /// that failed may succeed when it is made again, so nothing is assumed of it.
    pub fn is_assumable(&self) -> bool {
        matches!(self, Self::Unread { assumable: true, obstacle, .. } if !matches!(obstacle, Obstacle::Failed(_)))
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecidable { what } => f.write_str(what),
            Self::Unread { reading, permission, scope, obstacle, .. } => match obstacle {
                Obstacle::Blocked(why) => write!(f, "{reading}: {why} (in {scope})"),
                Obstacle::Refused => write!(f, "{reading}: needs {permission} in {scope}"),
                Obstacle::Failed(why) => write!(f, "{reading}: {permission} in {scope} failed: {why}"),
                Obstacle::NotAsked => write!(f, "{reading}: not read ({permission} in {scope})"),
            },
        }
    }
}

/// Whether a fact holds. `Open` names what would settle it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holds {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It can't be said before these are settled. Shared: a guard rail stands in the claim of every pull under it.
    Open(Arc<[Open]>),
}

/// Where a piece of evidence stands, precise enough to open it: `repository policy of ledger/api, statement 2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(pub Text);

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<Text>> From<T> for Source {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// A leaf: one thing that was read, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Whether it holds.
    pub holds: Holds,
    /// Where it stands.
    pub source: Source,
    /// What it says, in a sentence without its source.
    pub detail: Text,
    /// The finding that it is when it refuses or stays open.
    pub code: Code,
}

/// What a provider answers to a question.
///
/// An empty `All` or `Any` says nothing, and is judged unknown rather than allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// A leaf.
    Fact(Fact),
    /// Holds when all hold; refused by one that does not.
    All(Vec<Claim>),
    /// Holds when one holds; refused when none does.
    Any(Vec<Claim>),
    /// Exactly one of the cases is the world, and `why` says what would tell which. Only agreement is
    /// an answer.
    OneOf {
        /// What would tell which case it is.
        why: Open,
        /// The cases.
        cases: Vec<Claim>,
    },
}

impl Claim {
    /// A fact that holds.
    pub fn yes(code: Code, source: impl Into<Source>, detail: impl Into<Text>) -> Self {
        Self::fact(Holds::Yes, code, source, detail)
    }

    /// A fact that does not hold.
    pub fn no(code: Code, source: impl Into<Source>, detail: impl Into<Text>) -> Self {
        Self::fact(Holds::No, code, source, detail)
    }

    /// A fact that `opens` would settle.
    pub fn open(code: Code, source: impl Into<Source>, detail: impl Into<Text>, opens: Vec<Open>) -> Self {
        Self::fact(Holds::Open(opens.into()), code, source, detail)
    }

    fn fact(holds: Holds, code: Code, source: impl Into<Source>, detail: impl Into<Text>) -> Self {
        Self::Fact(Fact { holds, source: source.into(), detail: detail.into(), code })
    }
}

/// Deny beats allow: every one of `denies` (each a fact "this does not refuse") must hold, and one of
/// `allows`.
pub fn need(denies: Vec<Claim>, allows: Vec<Claim>) -> Claim {
    let mut all = denies;
    all.push(Claim::Any(allows));
    Claim::All(all)
}
