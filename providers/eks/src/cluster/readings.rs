//! The readings of one cluster, typed.

use pullaudit_core::{Obstacle, Open, Read, Section};
use serde::de::DeserializeOwned;

/// One reading. A row that nobody read, or that is not what its table promises, is unread like one that
/// was refused.
pub(super) fn one<T: DeserializeOwned>(section: &Section, table: &str, key: &str, permission: &str) -> Read<T> {
    let unread = |obstacle: Obstacle| {
        let reading = if key.is_empty() { table.to_owned() } else { format!("{table} {key}") };
        Read::Unread(Open::unread(reading, permission, "the cluster", obstacle))
    };
    match section.get(table, key) {
        None => unread(Obstacle::NotAsked),
        Some(Read::Absent) => Read::Absent,
        Some(Read::Unread(open)) => Read::Unread(open.clone()),
        Some(Read::Got(value)) => match T::deserialize(value) {
            Ok(value) => Read::Got(value),
            Err(error) => unread(Obstacle::Failed(error.to_string().into())),
        },
    }
}
