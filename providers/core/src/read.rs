//! The only way in which a fact is stored: got, absent, or unread with what would settle it.

use crate::{Obstacle, Open};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Read<T> {
    /// It was read.
    Got(T),
    /// The cloud said that there is none. Never used for "could not look".
    Absent,
    /// It could not be read, and this would settle it.
    Unread(Open),
}

impl<T> Read<T> {
    /// The value, where there is one.
    pub fn got(&self) -> Option<&T> {
        match self {
            Self::Got(value) => Some(value),
            Self::Absent | Self::Unread(_) => None,
        }
    }

    /// What is missing, where something is.
    pub fn open(&self) -> Option<&Open> {
        match self {
            Self::Unread(open) => Some(open),
            Self::Got(_) | Self::Absent => None,
        }
    }

    /// The same reading, borrowed.
    pub fn as_ref(&self) -> Read<&T> {
        match self {
            Self::Got(value) => Read::Got(value),
            Self::Absent => Read::Absent,
            Self::Unread(open) => Read::Unread(open.clone()),
        }
    }

    /// The same reading of something else.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Got(value) => Read::Got(f(value)),
            Self::Absent => Read::Absent,
            Self::Unread(open) => Read::Unread(open),
        }
    }
}

/// What a provider read, by table and key, one API answer a row. The program stores it, merges it and
/// takes rows away in tests without knowing what it means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Section {
    /// Table name to row key to reading.
    pub tables: BTreeMap<String, BTreeMap<String, Read<Value>>>,
}

impl Section {
    /// Stores one reading. A later one of the same key replaces it.
    pub fn put(&mut self, table: &str, key: impl Into<String>, reading: Read<Value>) {
        self.tables.entry(table.to_owned()).or_default().insert(key.into(), reading);
    }

    /// Stores one reading of a provider's own struct.
    pub fn store<T: Serialize>(&mut self, table: &str, key: impl Into<String>, reading: Read<T>) {
        let row = match reading {
            Read::Absent => Read::Absent,
            Read::Unread(open) => Read::Unread(open),
            Read::Got(value) => match serde_json::to_value(value) {
                Ok(value) => Read::Got(value),
                // Structs with string keys always become JSON.
                Err(error) => Read::Unread(Open::undecidable(format!("an answer that JSON cannot hold: {error}"))),
            },
        };
        self.put(table, key, row);
    }

    /// The reading under a key; `None` when nobody asked for it.
    pub fn get(&self, table: &str, key: &str) -> Option<&Read<Value>> {
        self.tables.get(table)?.get(key)
    }

    /// How many readings it holds.
    pub fn len(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// True when nothing was read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces one row by "refused", as an auditor without that right would have met it; false when
    /// there is no such row. The laws' tests take every row away in turn.
    pub fn ablate(&mut self, table: &str, key: &str, obstacle: Obstacle) -> bool {
        let Some(row) = self.tables.get_mut(table).and_then(|rows| rows.get_mut(key)) else { return false };
        *row = Read::Unread(Open::unread(format!("{table} {key}"), format!("read {table}"), "test", obstacle));
        true
    }
}
