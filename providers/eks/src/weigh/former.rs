//! Rows of organizations as former snapshots hold them: keyed by the target alone.

use crate::facts::{Organization, in_organization, table};
use pullaudit_core::{Read, Section};
use serde::Deserialize as _;
use std::collections::{BTreeMap, BTreeSet};

const TABLES: [&str; 4] =
    [table::PARENTS, table::SERVICE_CONTROLS, table::RESOURCE_CONTROLS, table::CONTROL_POLICIES];

/// The section with each such row under the organization that it is of. A row that does not tell its organization is
/// left out where the section speaks of several: of two roots with one id, either could be meant.
pub(super) fn under_organizations(mut section: Section) -> Section {
    let former =
        |table: &&str| section.tables.get(*table).is_some_and(|rows| rows.keys().any(|key| is_former(key)));
    if !TABLES.iter().any(former) {
        return section;
    }
    let of_account = organizations(&section);
    let all: BTreeSet<&String> = of_account.values().collect();
    let sole = if all.len() == 1 { all.first().copied() } else { None };
    for table in TABLES {
        let Some(rows) = section.tables.get_mut(table) else { continue };
        for (id, row) in std::mem::take(rows) {
            if !is_former(&id) {
                rows.insert(id, row);
            } else if let Some(organization) = of_account.get(&id).or(sole) {
                rows.entry(in_organization(organization, &id)).or_insert(row);
            }
        }
    }
    section
}

fn is_former(key: &str) -> bool {
    !key.contains('/')
}

/// The organization of each account that is in one.
fn organizations(section: &Section) -> BTreeMap<String, String> {
    let rows = section.tables.get(table::ORGANIZATIONS).into_iter().flatten();
    let known = rows.filter_map(|(account, row)| match row {
        Read::Got(row) => Some((account.clone(), Organization::deserialize(row).ok()?.id)),
        Read::Absent | Read::Unread(_) => None,
    });
    known.collect()
}
