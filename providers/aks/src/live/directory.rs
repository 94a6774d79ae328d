//! Who is gone from the directory.

use super::Azure;
use super::operation::GET_DIRECTORY_OBJECTS;
use super::trouble::Trouble;
use crate::facts::{RoleAssignment, ServicePrincipal, table};
use crate::remedy::is_least;
use pullaudit_core::{Read, Section};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// So many ids are taken in one call.
///
/// Source: Microsoft Graph, "directoryObject: getByIds".
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Found {
    value: Vec<ServicePrincipal>,
}

/// Object ids that hold a least grant on a registry itself and that no question is about, in lower case.
pub(crate) fn strangers(holders: &[RoleAssignment], registry: &str, asked: &BTreeSet<String>) -> BTreeSet<String> {
    let here = |grant: &&RoleAssignment| grant.properties.scope.eq_ignore_ascii_case(registry) && is_least(grant);
    let ids = holders.iter().filter(here).map(|grant| grant.properties.principal_id.to_ascii_lowercase());
    ids.filter(|id| !asked.contains(id)).collect()
}

/// A row for each id: there, or gone.
pub(crate) async fn collect(azure: &Azure, ids: &BTreeSet<String>) -> Section {
    let mut section = Section::default();
    let all: Vec<&String> = ids.iter().collect();
    for some in all.chunks(MOST) {
        let known = ask(azure, some).await;
        for id in some {
            let reading = match &known {
                Ok(known) => known.get(*id).map_or(Read::Absent, |found| Read::Got(found.clone())),
                Err(trouble) => Read::Unread(trouble.open(format!("principal {id}"), "tenant")),
            };
            section.store(table::PRINCIPALS, id.as_str(), reading);
        }
    }
    section
}

/// Whether the directory knows an object of that id.
pub(crate) async fn knows(azure: &Azure, id: &String) -> Result<bool, Trouble> {
    Ok(!ask(azure, &[id]).await?.is_empty())
}

async fn ask(azure: &Azure, ids: &[&String]) -> Result<BTreeMap<String, ServicePrincipal>, Trouble> {
    let path = format!("/{}/directoryObjects/getByIds", GET_DIRECTORY_OBJECTS.version);
    let found: Found = azure.graph.query(GET_DIRECTORY_OBJECTS, &path, &json!({ "ids": ids })).await?;
    Ok(found.value.into_iter().map(|one| (one.id.to_ascii_lowercase(), one)).collect())
}
