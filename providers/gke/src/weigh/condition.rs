//! Whether the condition of a binding, a denial or a rule holds at a time.
//!
//! Conditions are written in the Common Expression Language. They are read into a tree and evaluated with
//! three values: what depends on the time of the request is decided, everything else is open, and opens the
//! whole only where the whole depends on it.

mod grammar;
#[cfg(test)]
mod tests;
mod tree;

use super::outcome::Outcome;
use jiff::{Timestamp, ToSpan};
use pullaudit_core::Text;
use tree::Expression;

/// How many days before the end of a grant it is told.
const NOTICE_HOURS: i64 = 30 * 24;

/// A condition that can be asked, also if its text could not be read.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// It was read.
    Tree(Expression),
    /// Nothing was decided, so that nothing is granted or refused on a guess.
    Unread(Text),
}

impl Condition {
    /// Never fails: a text that can't be read is a condition that stays open and says where it stopped making
    /// sense.
    pub(crate) fn parse(text: &str) -> Self {
        grammar::read(text).map_or_else(Self::Unread, Self::Tree)
    }

    /// Whether it holds for a request at that time.
    pub(crate) fn holds(&self, at: Timestamp) -> Outcome {
        match self {
            Self::Tree(tree) => tree.holds(at),
            Self::Unread(why) => Outcome::undecidable(why.clone()),
        }
    }

    /// When it stops to hold, where that is within 30 days of `at` and it holds until then.
    pub(crate) fn ends(&self, at: Timestamp) -> Option<Timestamp> {
        let Self::Tree(tree) = self else { return None };
        let last = at.checked_add(NOTICE_HOURS.hours()).ok()?;
        if tree.holds(at) != Outcome::Yes {
            return None;
        }
        let mut moments = Vec::new();
        tree.moments(&mut moments);
        moments.retain(|moment| (at..=last).contains(moment));
        moments.sort_unstable();
        let after = |moment: &Timestamp| moment.checked_add(1.nanosecond()).unwrap_or(*moment);
        moments.into_iter().find(|moment| tree.holds(after(moment)) != Outcome::Yes)
    }
}
