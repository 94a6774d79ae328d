//! What a run that writes says while it does.

use crate::report::plural;
use jiff::Timestamp;
use pullaudit_core::{Applied, Change, Outcome};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Columns that a change may take in the line of its write, where others are to end in the same column.
const WIDEST: usize = 70;

/// A line of the run: when, what, how. A reader who went away must not stop a run that writes.
pub fn line(out: &mut dyn Write, what: &str, how: &str) {
    let now = Timestamp::now().strftime("%H:%M:%S");
    let _ = writeln!(out, "  {now}  {what:<9} {how}");
    let _ = out.flush();
}

/// Tells how changes ended, in the order of the plan, whichever ends first.
pub(super) struct InOrder<'a> {
    out: &'a mut dyn Write,
    width: usize,
    all: usize,
    /// How many were told.
    told: usize,
    /// Those that have ended and not been told.
    held: BTreeMap<usize, String>,
}

impl<'a> InOrder<'a> {
    /// Nothing has ended yet.
    pub(super) fn new(changes: &[&Change], out: &'a mut dyn Write) -> Self {
        let widest = changes.iter().map(|change| change.target.chars().count()).max().unwrap_or_default();
        Self { out, width: widest.min(WIDEST), all: changes.len(), told: 0, held: BTreeMap::new() }
    }

    /// The change at that place of the plan ended.
    pub(super) fn add(&mut self, place: usize, change: &Change, applied: &Applied, took: Duration) {
        let (target, took) = (&change.target, took.as_secs_f32());
        self.held.insert(place, format!("{target:<width$}   {}, {took:.1} s", said(applied), width = self.width));
        while let Some(text) = self.held.remove(&self.told) {
            self.tell(self.told, &text);
        }
    }

    /// Tells the rest: what ended behind one that was not begun. `stopped` where the user asked for that.
    pub(super) fn end(mut self, stopped: bool) {
        for (place, text) in std::mem::take(&mut self.held) {
            self.tell(place, &text);
        }
        if stopped && self.told < self.all {
            line(self.out, "stopped", &format!("{} not begun", plural(self.all - self.told, "change")));
        }
    }

    fn tell(&mut self, place: usize, text: &str) {
        self.told += 1;
        line(self.out, &format!("write {}", place + 1), text);
    }
}

fn said(applied: &Applied) -> String {
    match applied.outcome {
        Outcome::Applied => applied.detail.clone(),
        other => format!("{}: {}", other.as_str(), applied.detail),
    }
}
