//! What to change so that a denied pull is allowed, before anything is written.

use crate::{Cluster, Mode, shell_word};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How freely a change may be written; ordered by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Never written by pullaudit: it is shown, for its owner.
    ShowOnly,
    /// Written where the user says so with `--consent`.
    NeedsConsent,
    /// Adds the least right that pulls, to the one identity, on the narrowest scope.
    Safe,
}

/// What the user agrees to beside what is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixPolicy {
    /// Grants that are wider than the questions need.
    pub broad: bool,
    /// Taking away what serves nobody any more.
    pub prune: bool,
    /// How gaps are read where a change is proved.
    pub mode: Mode,
}

/// What is done to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It does not exist yet.
    Add,
    /// It exists, and is replaced by one that keeps all that is not ours.
    Change,
    /// It is taken away.
    Remove,
}

/// A reading that a change rests on, as it was. A plan whose readings are others now is stale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `TABLE KEY`, as the provider stores it.
    pub reading: String,
    /// Of its content: equal content has an equal digest.
    pub digest: String,
}

/// One change of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Stable: the same change has the same id in every plan.
    pub id: String,
    /// The cloud.
    pub provider: String,
    /// The account, subscription or project that it lies in.
    pub owner: String,
    /// The cloud's full id of what is written.
    pub document: String,
    /// What it is about, for people: `grant AcrPull on acmeprod.azurecr.io to aks-kubelet-b`.
    pub target: String,
    /// What is done.
    pub action: Action,
    /// What stands there now; `null` where nothing does.
    pub before: Option<Value>,
    /// What will stand there; `null` where nothing will.
    pub after: Option<Value>,
    /// How freely it may be written.
    pub safety: Safety,
    /// Why it is the least, label by label, for people.
    pub notes: Vec<Note>,
    /// What it rests on.
    pub rests_on: Vec<Fingerprint>,
    /// The same change as a line of the cloud's own tool.
    pub command: String,
    /// The line by which Terraform takes it over.
    pub import: String,
}

/// A labelled line about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// `role`, `principal`, `scope`.
    pub label: String,
    /// The line.
    pub text: String,
}

/// Label of a note in a change that undoes another: a part of that one that stays as it is, and why.
pub const NOT_UNDONE: &str = "not undone";

impl Note {
    /// A line under a label.
    pub fn new(label: &str, text: impl Into<String>) -> Self {
        Self { label: label.to_owned(), text: text.into() }
    }
}

/// What a cloud proposes for denied questions, which it names by their place in the list it was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// One change for each document.
    pub changes: Vec<Change>,
    /// Questions that a set of changes, and no smaller one, turns to allowed.
    pub remedies: Vec<Remedy>,
    /// Questions that no change of ours would help.
    pub held_back: Vec<HeldBack>,
}

/// The least set of changes for some questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The questions.
    pub questions: Vec<usize>,
    /// Ids of the changes, all of which are needed.
    pub changes: Vec<String>,
}

/// Why nothing is changed for some questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The questions.
    pub questions: Vec<usize>,
    /// Why, and what to do instead.
    pub why: String,
    /// What to do for each pool that asks; `None` where that is not about pools.
    pub on_pools: Option<PoolLines>,
}

impl HeldBack {
    /// What is to be done hangs on no pool.
    pub fn new(questions: Vec<usize>, why: String) -> Self {
        Self { questions, why, on_pools: None }
    }
}

/// Command lines about a pool, in which `{pool}`, `{cluster}`, `{location}` and `{scope}` (the cluster's account,
/// subscription or project) stand for its names: only who plans knows which pools ask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolLines {
    /// For a pool that is there.
    pub pool: String,
    /// For the pool `(new nodes)`, which stands for those that do not exist yet.
    pub new_nodes: String,
}

impl PoolLines {
    /// The line for one pool; `None` for one that no cloud knows by its name, as `(unlisted)`.
    pub fn fill(&self, pool: &str, cluster: &Cluster) -> Option<String> {
        let line = match pool {
            "(new nodes)" => &self.new_nodes,
            ours if ours.starts_with('(') => return None,
            _ => &self.pool,
        };
        let names = [
            ("{pool}", pool),
            ("{cluster}", cluster.name.as_str()),
            ("{location}", cluster.location.as_str()),
            ("{scope}", cluster.scope.as_str()),
        ];
        Some(names.into_iter().fold(line.clone(), |line, (name, value)| line.replace(name, &shell_word(value))))
    }
}
