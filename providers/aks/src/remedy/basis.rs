//! What a grant rests on, so that a world that moved is seen before anything is written.

use crate::facts::{DenyAssignment, Registry, RoleAssignment, table};
use crate::weigh::index::RegistryEntry;
use pullaudit_core::{Fingerprint, Read, Section};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use uuid::Uuid;

/// Digests of readings live in this name space.
const DIGESTS: Uuid = Uuid::from_u128(0x9c42_7e11_0d5b_5f83_b1a7_3e60_c8d4_21f9);

/// The registry's own settings, the grants of the identity there, the denials that stand above. Equal
/// readings have equal digests, whatever order they came in.
pub(crate) fn fingerprints(
    registry: &Registry,
    object: &str,
    grants: &[RoleAssignment],
    denies: &[DenyAssignment],
) -> Vec<Fingerprint> {
    let name = &registry.name;
    vec![
        print(format!("registry {name}"), std::slice::from_ref(registry)),
        print(format!("role assignments of {object} on registry {name}"), grants),
        print(format!("deny assignments on registry {name}"), denies),
    ]
}

fn print<T: Serialize>(reading: String, rows: &[T]) -> Fingerprint {
    let mut rows: Vec<String> = rows.iter().filter_map(|row| serde_json::to_string(row).ok()).collect();
    rows.sort();
    let digest = Uuid::new_v5(&DIGESTS, rows.join("\n").as_bytes()).simple().to_string();
    Fingerprint { reading, digest }
}

/// The same, from the rows that the questions were weighed on.
pub(super) fn of_section(section: &Section, registry: &RegistryEntry, object: &str) -> Vec<Fingerprint> {
    let grants: Vec<RoleAssignment> = list(section, table::ASSIGNMENTS, &format!("{}|{object}", registry.id));
    let denies: Vec<DenyAssignment> = list(section, table::DENY, &registry.id);
    fingerprints(&registry.registry, object, &grants, &denies)
}

/// A row that was not read counts as empty: nothing is ever proved, and so planned, on one.
fn list<T: DeserializeOwned>(section: &Section, table: &str, key: &str) -> Vec<T> {
    let got = section.get(table, key).and_then(Read::got);
    got.and_then(|rows| Vec::<T>::deserialize(rows).ok()).unwrap_or_default()
}
