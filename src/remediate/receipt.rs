//! The receipt: what a run wrote, noted before it was sent, and all that undo needs. It is one JSON document;
//! while a run writes, and after one that was killed, the lines of its journal follow it.

use super::files::{self, Sealed};
use super::journal::Note;
use super::seal::{OF_RECEIPT, Seal, seal};
use super::{Effect, Plan, PlannedQuestion, moment};
use crate::clouds::Clouds;
use crate::input;
use crate::report::{Incomplete, Tool, Unsettled, VerdictWord};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use pullaudit_core::{Applied, Change, LeftBehind, Mode, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/receipt/1";

/// A receipt (CONTRACT: "The plan, the receipt").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// `pullaudit/receipt/1`
    pub schema: String,
    /// Name of the plan.
    pub plan: String,
    /// Who wrote it.
    pub tool: Tool,
    /// When the run began to write, RFC 3339.
    pub created_at: String,
    /// Whether gaps are read as in `--strict` where it is verified and undone.
    pub strict: bool,
    /// When it ended; `null` where it was killed.
    pub finished_at: Option<String>,
    /// What was to be written, in order.
    pub changes: Vec<Entry>,
    /// What was asked again afterwards.
    pub questions: Vec<PlannedQuestion>,
    /// What hangs on each change, by its id.
    pub effects: BTreeMap<String, Effect>,
    /// Whether the plan knew all, as in the report of an audit.
    pub complete: bool,
    /// What the plan could not read.
    pub incomplete_because: Vec<Incomplete>,
    /// Unknown checks of the plan by what would resolve them.
    pub unsettled: Vec<Unsettled>,
    /// Digests of what stays as it is from the beginning, by which an edited receipt is known.
    pub seal: Seal,
}

/// One change of a receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The change as planned.
    #[serde(flatten)]
    pub change: Change,
    /// When it was about to be sent; `null` where it never was.
    pub sent_at: Option<String>,
    /// How it ended; `null` where the run was killed before it knew.
    pub outcome: Option<Outcome>,
    /// For people: what was done, or why not.
    pub detail: Option<String>,
    /// What of ours stands in the cloud.
    pub left_behind: Option<LeftBehind>,
    /// What the cloud's settings now say of the pulls that hang on it.
    pub listed: Option<VerdictWord>,
    /// When they said so.
    pub listed_at: Option<String>,
    /// Whether a pod that was refused has pulled; `null` where none was watched.
    pub effect: Option<Seen>,
    /// When it did.
    pub effect_at: Option<String>,
}

/// Whether a pod that was refused has pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Yes.
    Seen,
    /// Not in the time that was given.
    NotSeen,
}

impl Entry {
    /// Takes over how its write ended.
    pub fn ended(&mut self, applied: &Applied) {
        self.outcome = Some(applied.outcome);
        self.detail = Some(applied.detail.clone());
        self.left_behind = Some(applied.left_behind);
    }

    /// Whether something of ours stands in the cloud because of it, or may: then undo looks at it.
    pub fn may_stand(&self) -> bool {
        match (self.outcome, self.left_behind) {
            (Some(_), Some(left)) => left != LeftBehind::Nothing,
            (Some(outcome), None) => matches!(outcome, Outcome::Applied | Outcome::WaitingForOwner),
            (None, _) => self.sent_at.is_some(),
        }
    }
}

impl Receipt {
    /// Nothing is written yet.
    pub fn new(plan: &Plan, changes: &[&Change], now: Timestamp) -> serde_json::Result<Self> {
        let entry = |change: &&Change| Entry {
            change: (*change).clone(),
            sent_at: None,
            outcome: None,
            detail: None,
            left_behind: None,
            listed: None,
            listed_at: None,
            effect: None,
            effect_at: None,
        };
        let chosen = |ids: &[String]| ids.iter().any(|id| changes.iter().any(|change| &change.id == id));
        let mut receipt = Self {
            schema: SCHEMA.to_owned(),
            plan: plan.name(),
            tool: Tool { name: "pullaudit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            created_at: moment(now),
            strict: plan.strict,
            finished_at: None,
            changes: changes.iter().map(entry).collect(),
            questions: plan.questions.iter().filter(|one| chosen(&one.changes)).cloned().collect(),
            effects: plan.effects.clone(),
            complete: plan.complete,
            incomplete_because: plan.incomplete_because.clone(),
            unsettled: plan.unsettled.clone(),
            seal: Seal::new(),
        };
        receipt.seal = seal(&serde_json::to_value(&receipt)?, OF_RECEIPT);
        Ok(receipt)
    }

    /// How gaps are read.
    pub fn mode(&self) -> Mode {
        if self.strict { Mode::Strict } else { Mode::Default }
    }

    /// Reads a receipt, that of a killed run too; the message names the file and what is wrong in it.
    pub fn load(path: &Path, clouds: &Clouds) -> Result<Self> {
        let text = input::bytes(path, input::RECEIPT)
            .with_context(|| format!("can't read the receipt {}", path.display()))?;
        let not = || format!("{} is not a receipt: fix and apply write one, see --receipt-out", path.display());
        let mut values = serde_json::Deserializer::from_slice(&text).into_iter::<Value>();
        let document = values.next().unwrap_or_else(|| serde_json::from_slice(&text)).with_context(not)?;
        if document.get("schema").is_none() && document.get("changes").is_none() {
            bail!("{}", not());
        }
        files::schema(path, &document, SCHEMA)?;
        let next = "undo by hand what the receipt's commands show";
        let sealed = Sealed { path, fields: OF_RECEIPT, whole: false, next };
        let mut receipt: Self = sealed.open(&document)?;
        sealed.vet(receipt.changes.iter().map(|entry| &entry.change), clouds)?;
        sealed.check(&document)?;
        let end = values.byte_offset();
        let (document, journal) = text.split_at(end);
        let first = document.iter().filter(|byte| **byte == b'\n').count() + 1;
        for (number, line) in journal.split_inclusive(|byte| *byte == b'\n').enumerate() {
            // What it would note was not sent: a note returns once it is whole.
            let Some(line) = line.strip_suffix(b"\n") else { break };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let at = || format!("{}, line {}: no note of a write", path.display(), first + number);
            let note: Note = serde_json::from_slice(line).with_context(at)?;
            let entry = receipt.entry(&note.id).with_context(at)?;
            note.news.tell(entry);
        }
        Ok(receipt)
    }

    /// The change of that id.
    pub fn entry(&mut self, id: &str) -> Option<&mut Entry> {
        self.changes.iter_mut().find(|entry| entry.change.id == id)
    }
}
