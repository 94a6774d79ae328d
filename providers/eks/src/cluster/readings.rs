//! The readings of one cluster, typed.

use pullaudit_core::{Discovered, Obstacle, Open, Read};
use serde::de::DeserializeOwned;

/// One reading. A row that nobody read, or that is not what its table promises, is unread like one that
/// was refused.
pub(super) fn one<T: DeserializeOwned>(found: &Discovered, table: &str, key: &str, permission: &str) -> Read<T> {
    let unread = |obstacle: Obstacle| {
        let name = &found.cluster.name;
        let reading =
            if key.is_empty() { format!("{table} of {name}") } else { format!("{table} {key} of {name}") };
        Read::Unread(Open::unread(reading, permission, format!("account {}", found.cluster.scope), obstacle))
    };
    match found.readings.get(table, key) {
        None => unread(Obstacle::NotAsked),
        Some(Read::Absent) => Read::Absent,
        Some(Read::Unread(open)) => Read::Unread(open.clone()),
        Some(Read::Got(value)) => match T::deserialize(value) {
            Ok(value) => Read::Got(value),
            Err(error) => unread(Obstacle::Failed(error.to_string().into())),
        },
    }
}
