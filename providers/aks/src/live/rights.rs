//! Who may do what with a registry: grants, denials, and what it fetches for others.

use super::operation::{
    LIST_CACHE_RULES, LIST_CREDENTIAL_SETS, LIST_DENY_ASSIGNMENTS, LIST_ROLE_ASSIGNMENTS, Operation,
};
use super::registries::Target;
use super::roles::{self, Roles};
use super::service::{query, read};
use super::{Azure, directory};
use crate::facts::{CacheRule, CredentialSet, DenyAssignment, RoleAssignment, table};
use futures_util::future::{join, join_all, join3};
use pullaudit_core::{Read, Section};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use std::collections::BTreeSet;

const AUTHORIZATION: &str = "/providers/Microsoft.Authorization";

/// Fills every table of these registries, and the definition of each role that one of them names.
pub(crate) async fn collect(azure: &Azure, targets: &[Target], section: &mut Section) {
    let mut roles = Roles::default();
    for (rows, named) in join_all(targets.iter().map(|target| one_registry(azure, target))).await {
        merge(section, rows);
        roles.merge(named);
    }
    merge(section, roles::collect(azure, &roles).await);
}

/// The registry's rows, and the roles that they name.
async fn one_registry(azure: &Azure, target: &Target) -> (Section, Roles) {
    let reading = Reading { azure, target };
    let ((mut section, roles), denies, rules) = join3(reading.grants(), reading.denies(), reading.rules()).await;
    merge(&mut section, denies);
    merge(&mut section, rules);
    (section, roles)
}

/// One registry under reading.
struct Reading<'a> {
    azure: &'a Azure,
    target: &'a Target,
}

impl Reading<'_> {
    async fn grants(&self) -> (Section, Roles) {
        let about = |whose: &str| format!("role assignments{whose} on registry {}", self.target.name);
        let own = self.target.objects.iter().map(|object| {
            let reading = about(&format!(" of {object}"));
            self.list(LIST_ROLE_ASSIGNMENTS, "/roleAssignments", Some(object), reading)
        });
        let holders = self.list(LIST_ROLE_ASSIGNMENTS, "/roleAssignments", None, about(""));
        let (own, holders): (Vec<Read<Vec<RoleAssignment>>>, Read<Vec<RoleAssignment>>) =
            join(join_all(own), holders).await;

        let mut roles = Roles::default();
        for assignment in own.iter().chain([&holders]).filter_map(Read::got).flatten() {
            roles.add(&assignment.properties.role_definition_id, &self.target.subscription);
        }
        let mut section = Section::default();
        for (object, reading) in self.target.objects.iter().zip(own) {
            section.store(table::ASSIGNMENTS, self.pair(object), reading);
        }
        section.store(table::HOLDERS, self.target.key(), holders);
        (section, roles)
    }

    /// Whether a denial of a group concerns an identity is known to Azure alone.
    async fn denies(&self) -> Section {
        let about = |whose: &str| format!("deny assignments{whose} on registry {}", self.target.name);
        let all: Read<Vec<DenyAssignment>> =
            self.list(LIST_DENY_ASSIGNMENTS, "/denyAssignments", None, about("")).await;
        let mut section = Section::default();
        if all.got().into_iter().flatten().any(names_a_group) {
            let own = self.target.objects.iter().map(|object| {
                let reading = about(&format!(" of {object}"));
                self.list::<DenyAssignment>(LIST_DENY_ASSIGNMENTS, "/denyAssignments", Some(object), reading)
            });
            for (object, reading) in self.target.objects.iter().zip(join_all(own).await) {
                section.store(table::DENY_ASSIGNED, self.pair(object), reading);
            }
        }
        section.store(table::DENY, self.target.key(), all);
        section
    }

    async fn rules(&self) -> Section {
        let name = &self.target.name;
        let reading = format!("cache rules of registry {name}");
        let rules: Read<Vec<CacheRule>> = self.ask(LIST_CACHE_RULES, "/cacheRules", "", reading).await;
        let mut section = Section::default();
        let mut of_rules =
            rules.got().into_iter().flatten().map(|rule| &rule.properties.credential_set_resource_id);
        if of_rules.any(|set| set.as_ref().is_some_and(|id| !id.is_empty())) {
            let reading = format!("credential sets of registry {name}");
            let sets: Read<Vec<CredentialSet>> =
                self.ask(LIST_CREDENTIAL_SETS, "/credentialSets", "", reading).await;
            section.store(table::CREDENTIAL_SETS, self.target.key(), sets);
        }
        section.store(table::CACHE_RULES, self.target.key(), rules);
        section
    }

    /// Assignments at the registry and above: whoever they are about, or an identity's, through its
    /// groups too.
    async fn list<T: DeserializeOwned + Serialize>(
        &self,
        operation: &'static Operation,
        path: &str,
        object: Option<&String>,
        reading: String,
    ) -> Read<Vec<T>> {
        let whose = object.map(|object| format!("%20and%20assignedTo('{object}')")).unwrap_or_default();
        let filter = format!("$filter=atScope(){whose}");
        self.ask(operation, &format!("{AUTHORIZATION}{path}"), &filter, reading).await
    }

    async fn ask<T: DeserializeOwned + Serialize>(
        &self,
        operation: &'static Operation,
        path: &str,
        more: &str,
        reading: String,
    ) -> Read<Vec<T>> {
        let path = format!("{}{path}", self.target.id);
        let answer = self.azure.arm.list(operation, &path, &query(operation, more)).await;
        // No code of a list means that it is empty: where the registry itself is gone, nothing is known.
        read(answer, &[], reading, self.target.scope())
    }

    fn pair(&self, object: &str) -> String {
        format!("{}|{object}", self.target.key())
    }
}

fn names_a_group(deny: &DenyAssignment) -> bool {
    let about = &deny.properties;
    about
        .principals
        .iter()
        .chain(about.exclude_principals.iter().flatten())
        .any(|one| one.kind.eq_ignore_ascii_case("Group"))
}

/// Who holds a least grant on one of these registries although no question is about them.
pub(crate) fn strangers(targets: &[Target], section: &Section) -> BTreeSet<String> {
    let asked: BTreeSet<String> = targets.iter().flat_map(|target| target.objects.iter().cloned()).collect();
    let of = |target: &Target| {
        let rows = section.get(table::HOLDERS, &target.key()).and_then(Read::got);
        let holders = rows.and_then(|rows| Vec::<RoleAssignment>::deserialize(rows).ok()).unwrap_or_default();
        directory::strangers(&holders, &target.id, &asked)
    };
    targets.iter().flat_map(of).collect()
}

/// Adds rows that share tables with those there.
pub(crate) fn merge(section: &mut Section, other: Section) {
    for (table, rows) in other.tables {
        section.tables.entry(table).or_default().extend(rows);
    }
}
