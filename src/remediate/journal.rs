//! A receipt on disk. Its document is replaced whole and durably where a run begins and ends; between, each step of a
//! write is one line behind it, so that a note costs the same however many changes there are.

use super::moment;
use super::receipt::{Entry, Receipt};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use pullaudit_core::{Applied, Change, Journal, LeftBehind, Outcome};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many receipts of one plan may lie in a folder.
const MOST: u32 = 1000;

/// A line of the journal: what became of one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The change.
    pub id: String,
    /// What became of it.
    #[serde(flatten)]
    pub news: News,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum News {
    /// It is about to be sent.
    Sent {
        /// When, RFC 3339.
        sent_at: String,
    },
    /// It ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// For people.
        detail: String,
        /// What of ours stands in the cloud.
        left_behind: LeftBehind,
    },
}

impl News {
    /// Takes it over into the change's entry.
    pub fn tell(self, entry: &mut Entry) {
        match self {
            Self::Sent { sent_at } => entry.sent_at = Some(sent_at),
            Self::Ended { outcome, detail, left_behind } => entry.ended(&Applied { outcome, detail, left_behind }),
        }
    }
}

/// A receipt on disk.
#[derive(Debug)]
pub struct ReceiptFile {
    path: PathBuf,
    /// What stands in it.
    pub receipt: Receipt,
    /// Where lines are added; none before the first one.
    lines: Option<File>,
    /// Whether the last line may be half a one.
    torn: bool,
}

impl ReceiptFile {
    /// Makes the file. A file that is there is never replaced: without a name given, another is found.
    pub fn create(path: Option<&Path>, receipt: Receipt) -> Result<Self> {
        let mut file = Self { path: PathBuf::new(), receipt, lines: None, torn: false };
        if let Some(path) = path {
            path.clone_into(&mut file.path);
            file.make().with_context(|| format!("can't make the receipt {}", path.display()))?;
            return Ok(file);
        }
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

    /// Notes that a change is about to be sent; durable when it returns, with all notes before it.
    fn sending(&mut self, id: &str) -> io::Result<()> {
        self.note(id, News::Sent { sent_at: moment(Timestamp::now()) }, File::sync_data)
    }

    /// Notes how a change ended. It outlives this process at once, and the machine with the next note of a sending
    /// or the end of the run: without it, undo asks the cloud what stands there.
    pub fn ended(&mut self, id: &str, applied: &Applied) -> io::Result<()> {
        let Applied { outcome, detail, left_behind } = applied.clone();
        self.note(id, News::Ended { outcome, detail, left_behind }, |_| Ok(()))
    }

    fn note(&mut self, id: &str, news: News, settle: fn(&File) -> io::Result<()>) -> io::Result<()> {
        let line = serde_json::to_string(&Note { id: id.to_owned(), news: news.clone() })?;
        if let Some(entry) = self.receipt.entry(id) {
            news.tell(entry);
        }
        // Nothing may follow half a line: then the whole document is written instead.
        if !self.torn {
            if self.append(&line, settle).is_ok() {
                return Ok(());
            }
            self.torn = true;
        }
        self.save()
    }

    fn append(&mut self, line: &str, settle: fn(&File) -> io::Result<()>) -> io::Result<()> {
        let mut lines = match self.lines.take() {
            Some(lines) => lines,
            None => OpenOptions::new().append(true).open(&self.path)?,
        };
        lines.write_all(format!("{line}\n").as_bytes())?;
        settle(&lines)?;
        self.lines = Some(lines);
        Ok(())
    }

    /// Changes one entry, for good: the whole document is written.
    pub fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Entry)) -> io::Result<()> {
        if let Some(entry) = self.receipt.entry(id) {
            edit(entry);
        }
        self.save()
    }

    /// Changes every entry, for good and at once.
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

    fn save(&mut self) -> io::Result<()> {
        // The lines are in the document from now on, and another file has its name.
        self.lines = None;
        self.written()?.persist(&self.path).map_err(|error| error.error)?;
        self.torn = false;
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

/// A receipt that several writes note in.
pub struct Shared<'a> {
    path: PathBuf,
    file: Mutex<&'a mut ReceiptFile>,
}

impl<'a> Shared<'a> {
    /// Shares it for as long as it is borrowed.
    pub fn new(file: &'a mut ReceiptFile) -> Self {
        Self { path: file.path.clone(), file: Mutex::new(file) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// See [`ReceiptFile::ended`].
    pub fn ended(&self, id: &str, applied: &Applied) -> io::Result<()> {
        // A receipt is whole between two notes, whoever panicked.
        self.file.lock().unwrap_or_else(PoisonError::into_inner).ended(id, applied)
    }
}

impl Journal for Shared<'_> {
    fn about_to_write(&self, change: &Change) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).sending(&change.id)
    }
}
