//! The receipt: what a run wrote, noted before it was sent. It is one JSON document that is replaced whole
//! and made durable at each step, so that a run that is killed at any moment leaves one that can be used.

use super::{Effect, Plan, PlannedQuestion, moment};
use crate::report::{Tool, VerdictWord};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use pullaudit_core::{Applied, Change, Journal, LeftBehind, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The schema that this version writes.
pub const SCHEMA: &str = "pullaudit/receipt/1";

/// How many receipts of one plan may lie in a folder.
const MOST: u32 = 1000;

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
    /// When it ended; `null` where it was killed.
    pub finished_at: Option<String>,
    /// What was to be written, in order.
    pub changes: Vec<Entry>,
    /// What was asked again afterwards.
    pub questions: Vec<PlannedQuestion>,
    /// What hangs on each change, by its id.
    pub effects: BTreeMap<String, Effect>,
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
    pub fn new(plan: &Plan, changes: &[&Change], now: Timestamp) -> Self {
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
        Self {
            schema: SCHEMA.to_owned(),
            plan: plan.name(),
            tool: Tool { name: "pullaudit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            created_at: moment(now),
            finished_at: None,
            changes: changes.iter().map(entry).collect(),
            questions: plan.questions.iter().filter(|one| chosen(&one.changes)).cloned().collect(),
            effects: plan.effects.clone(),
        }
    }

    /// Reads a receipt; the message names the file and what is wrong in it.
    pub fn load(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("can't read the receipt {}", path.display()))?;
        let receipt: Self = serde_json::from_str(&text).with_context(|| {
            format!("{} is not a receipt: fix and apply write one, see --receipt-out", path.display())
        })?;
        if receipt.schema != SCHEMA {
            bail!("{}: its schema is {:?}, this pullaudit reads {SCHEMA}", path.display(), receipt.schema);
        }
        Ok(receipt)
    }
}

/// A receipt on disk.
#[derive(Debug)]
pub struct ReceiptFile {
    path: PathBuf,
    /// What stands in it.
    pub receipt: Receipt,
}

impl ReceiptFile {
    /// Makes the file. A file that is there is never replaced: without a name given, another is found.
    pub fn create(path: Option<&Path>, receipt: Receipt) -> Result<Self> {
        if let Some(path) = path {
            let file = Self { path: path.to_owned(), receipt };
            file.make().with_context(|| format!("can't make the receipt {}", path.display()))?;
            return Ok(file);
        }
        let mut file = Self { path: PathBuf::new(), receipt };
        for number in 1..MOST {
            let tail = if number == 1 { String::new() } else { format!("-{number}") };
            file.path = PathBuf::from(format!("pullaudit-{}{tail}.receipt.json", file.receipt.plan));
            match file.make() {
                Ok(()) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let told = format!("can't make the receipt {}", file.path.display());
                    return Err(
                        anyhow::Error::new(error).context(format!("{told}; name another by --receipt-out"))
                    );
                }
            }
        }
        bail!("{MOST} receipts of this plan lie here already: name one by --receipt-out")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes how a change ended.
    pub fn note(&mut self, id: &str, applied: &Applied) -> io::Result<()> {
        self.edit(id, |entry| {
            entry.outcome = Some(applied.outcome);
            entry.detail = Some(applied.detail.clone());
            entry.left_behind = Some(applied.left_behind);
        })
    }

    /// Changes one entry, for good.
    pub fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Entry)) -> io::Result<()> {
        if let Some(entry) = self.receipt.changes.iter_mut().find(|entry| entry.change.id == id) {
            edit(entry);
        }
        self.save()
    }

    /// Changes every entry, for good and at once: each saving writes the whole of it.
    pub fn edit_all(&mut self, edit: impl FnMut(&mut Entry)) -> io::Result<()> {
        self.receipt.changes.iter_mut().for_each(edit);
        self.save()
    }

    /// Notes that the run came to its end.
    pub fn finish(&mut self) -> io::Result<()> {
        self.receipt.finished_at = Some(moment(Timestamp::now()));
        self.save()
    }

    fn make(&self) -> io::Result<()> {
        self.written()?.persist_noclobber(&self.path).map_err(|error| error.error)?;
        self.settle()
    }

    fn save(&self) -> io::Result<()> {
        self.written()?.persist(&self.path).map_err(|error| error.error)?;
        self.settle()
    }

    fn written(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut file =
            tempfile::Builder::new().prefix(".pullaudit-").suffix(".part").tempfile_in(self.folder())?;
        file.write_all(serde_json::to_string_pretty(&self.receipt)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// The name of a file is durable with its folder only.
    fn settle(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(self.folder())?.sync_all() } else { Ok(()) }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

impl Journal for ReceiptFile {
    fn about_to_write(&mut self, change: &Change) -> io::Result<()> {
        self.edit(&change.id, |entry| entry.sent_at = Some(moment(Timestamp::now())))
    }
}
