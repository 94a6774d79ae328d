//! The stored readings, parsed once and laid out for weighing.

use super::bodies::{denies, grants, names_of_denies};
use super::condition::Condition;
use super::directory::Directory;
use super::network;
use super::rights::Permissions;
use crate::codes::Finding;
use crate::facts::{
    Application, CacheRule, CredentialSet, DenyAssignment, Registry, RoleAssignment, RoleDefinition,
    ServicePrincipal, Subscription, SystemRegistry, table,
};
use pullaudit_core::{Claim, Code, CoreFinding, Lookalike, Obstacle, Open, Read, Section, SnapshotError, Text};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};

/// Everything that a section holds about registries.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By every host that it answers for, in lower case.
    by_host: HashMap<String, usize>,
    pub(crate) registries: Vec<RegistryEntry>,
    definitions: HashMap<String, Row<Role>>,
    /// Lists of registries that could not be read; a registry that was not found may stand there.
    pub(crate) hidden: Vec<Open>,
    /// Whether any list was read.
    pub(crate) listed: bool,
    /// Object ids that were asked about: identities in use today.
    asked: BTreeSet<String>,
    /// Who there is.
    pub(crate) directory: Directory,
    /// Ids that are taken for an identity's, by its object id.
    lookalikes: HashMap<String, Vec<Lookalike>>,
    /// From where clusters get their system images, with the identity that pulls them.
    pub(crate) system: Vec<(String, SystemRegistry)>,
}

/// One reading as weighing sees it: never collected is a gap like any other, only under its own code.
///
/// Nothing that is read here can be absent while the registry is there: a list may be empty, and an assigned
/// role can't be deleted. What Azure did not find is hidden, or was gone by then, and settles nothing.
#[derive(Clone, Debug)]
pub(crate) enum Row<T> {
    Got(T),
    Open(Open, Code),
}

/// A role, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: Text,
    pub(crate) permissions: Permissions,
}

/// A role assignment, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) principal: String,
    pub(crate) is_service_principal: bool,
    pub(crate) scope: Text,
    /// GUID of the role, in lower case.
    pub(crate) role: String,
    pub(crate) condition: Option<Condition>,
    /// GUID of the assignment.
    pub(crate) name: Text,
}

/// A deny assignment, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Deny {
    pub(crate) body: DenyAssignment,
    pub(crate) permissions: Permissions,
    pub(crate) condition: Option<Condition>,
}

/// One registry.
#[derive(Debug)]
pub(crate) struct RegistryEntry {
    /// In lower case.
    pub(crate) id: String,
    pub(crate) subscription: String,
    pub(crate) registry: Registry,
    /// `registry acmeprod`
    pub(crate) place: Text,
    /// What its network says to every pull.
    pub(crate) network: Vec<Claim>,
    /// By object id.
    pub(crate) grants: HashMap<String, Row<Vec<Grant>>>,
    pub(crate) holders: Row<Vec<Grant>>,
    pub(crate) denies: Row<Vec<Deny>>,
    /// GUIDs of the deny assignments that are an identity's, by object id.
    pub(crate) denied: HashMap<String, Row<BTreeSet<String>>>,
    pub(crate) rules: Vec<CacheRule>,
    pub(crate) credential_sets: Vec<CredentialSet>,
    /// Rules and credential sets that could not be read.
    pub(crate) unread: Vec<Open>,
}

impl Index {
    /// `inside` as for [`Permissions::of`].
    pub(crate) fn open(section: &Section, inside: bool) -> Result<Self, SnapshotError> {
        check(section)?;
        let mut index = Self::default();
        if let Some(Read::Unread(open)) = section.get(table::SUBSCRIPTIONS, "") {
            index.hidden.push(open.clone());
        }
        for (key, reading) in rows(section, table::DEFINITIONS) {
            index.definitions.insert(key.to_ascii_lowercase(), definition(key, reading, inside));
        }
        index.directory = Directory::open(section);
        for (object, reading) in rows(section, table::LOOKALIKES) {
            let list = reading.got().and_then(|list| Vec::<Lookalike>::deserialize(list).ok());
            index.lookalikes.insert(object.to_ascii_lowercase(), list.unwrap_or_default());
        }
        for (object, reading) in rows(section, table::SYSTEM_REGISTRIES) {
            let list = reading.got().and_then(|list| Vec::<SystemRegistry>::deserialize(list).ok());
            index.system.extend(list.into_iter().flatten().map(|one| (object.to_ascii_lowercase(), one)));
        }
        for (subscription, reading) in rows(section, table::REGISTRIES) {
            match reading {
                Read::Unread(open) => index.hidden.push(open.clone()),
                Read::Absent => {}
                Read::Got(list) => {
                    index.listed = true;
                    let list = Vec::<Registry>::deserialize(list).unwrap_or_default();
                    for registry in list {
                        index.add(section, subscription, registry, inside);
                    }
                }
            }
        }
        for entry in &index.registries {
            index.asked.extend(entry.grants.keys().cloned());
        }
        Ok(index)
    }

    fn add(&mut self, section: &Section, subscription: &str, registry: Registry, inside: bool) {
        let hosts =
            registry.properties.regional_endpoint_host_names.iter().chain([&registry.properties.login_server]);
        for host in hosts.filter(|host| !host.is_empty()) {
            self.by_host.insert(host.to_ascii_lowercase(), self.registries.len());
        }
        self.registries.push(RegistryEntry::open(section, subscription, registry, inside));
    }

    /// The registry behind a host, which is written in lower case.
    pub(crate) fn registry(&self, host: &str) -> Option<&RegistryEntry> {
        self.by_host.get(host).and_then(|at| self.registries.get(*at))
    }

    pub(crate) fn role(&self, guid: &str) -> Row<&Role> {
        match self.definitions.get(guid) {
            Some(Row::Got(role)) => Row::Got(role),
            Some(Row::Open(open, code)) => Row::Open(open.clone(), *code),
            None => not_collected(format!("role definition {guid}"), DEFINITION_RIGHT, "the tenant"),
        }
    }

    /// Ids that are taken for that of an identity.
    pub(crate) fn lookalikes(&self, object: &str) -> &[Lookalike] {
        self.lookalikes.get(object).map(Vec::as_slice).unwrap_or_default()
    }

    /// True for an identity that a question of this run was about.
    pub(crate) fn is_in_use(&self, object: &str) -> bool {
        self.asked.contains(object)
    }
}

const DEFINITION_RIGHT: &str = "Microsoft.Authorization/roleDefinitions/read";
pub(super) const ASSIGNMENT_RIGHT: &str = "Microsoft.Authorization/roleAssignments/read";
pub(super) const DENY_RIGHT: &str = "Microsoft.Authorization/denyAssignments/read";

/// A body without its name is not what was asked for, and an empty role must not become one that
/// grants nothing. Nor does a role that was not found: Azure deletes none that is assigned, so it is hidden.
fn definition(key: &str, reading: &Read<serde_json::Value>, inside: bool) -> Row<Role> {
    let code = Finding::DefinitionUnread.code();
    let failed = |why: &str| {
        let obstacle = Obstacle::Failed(why.into());
        Row::Open(Open::unread(format!("role definition {key}"), DEFINITION_RIGHT, "the tenant", obstacle), code)
    };
    match reading {
        Read::Absent => failed("it was not found, and an assigned role can't be deleted"),
        Read::Unread(open) => Row::Open(open.clone(), code),
        Read::Got(value) => match RoleDefinition::deserialize(value) {
            Ok(body) if body.name.eq_ignore_ascii_case(key) => {
                let name = body.properties.role_name.as_str().into();
                let permissions = body.properties.permissions.as_deref();
                match permissions.map(|permissions| Permissions::of(permissions, inside)) {
                    Some(Ok(permissions)) => Row::Got(Role { name, permissions }),
                    Some(Err(why)) => failed(&why),
                    None => failed("the answer holds no permissions"),
                }
            }
            _ => failed("the answer is about something else"),
        },
    }
}

impl RegistryEntry {
    fn open(section: &Section, subscription: &str, registry: Registry, inside: bool) -> Self {
        let id = registry.id.to_ascii_lowercase();
        let place: Text = format!("registry {}", registry.name).into();
        let about = |what: &str| format!("{what} of {}", registry.name);
        let scope = format!("subscription {subscription}");
        let of_grants = |reading: String| Asked {
            reading,
            right: ASSIGNMENT_RIGHT,
            scope: &scope,
            code: Finding::AssignmentsUnread.code(),
        };
        let of_denies = |reading: String| Asked {
            reading,
            right: DENY_RIGHT,
            scope: &scope,
            code: Finding::DenyUnread.code(),
        };
        let (held, denied) = (of_grants(about("role assignments")), of_denies(about("deny assignments")));
        let mut entry = Self {
            network: network::claims(&registry, &place),
            grants: HashMap::new(),
            holders: held.row(section, table::HOLDERS, &id, grants).unwrap_or_else(|| held.not_collected()),
            denies: denied
                .row(section, table::DENY, &id, |list| denies(list, inside))
                .unwrap_or_else(|| denied.not_collected()),
            denied: HashMap::new(),
            rules: list(section, table::CACHE_RULES, &id),
            credential_sets: list(section, table::CREDENTIAL_SETS, &id),
            unread: [table::CACHE_RULES, table::CREDENTIAL_SETS]
                .into_iter()
                .filter_map(|table| section.get(table, &id).and_then(Read::open).cloned())
                .collect(),
            place,
            subscription: subscription.to_owned(),
            registry,
            id,
        };
        let prefix = format!("{}|", entry.id);
        let of = |what: &str, object: &str| format!("{what} of {object} on {}", entry.registry.name);
        let mut own = Vec::new();
        for (key, object) in keys_under(section, table::ASSIGNMENTS, &prefix) {
            let found = of_grants(of("role assignments", object)).row(section, table::ASSIGNMENTS, key, grants);
            own.extend(found.map(|found| (object.to_owned(), found)));
        }
        let mut through_groups = Vec::new();
        for (key, object) in keys_under(section, table::DENY_ASSIGNED, &prefix) {
            let asked = of_denies(of("deny assignments", object));
            let found = asked.row(section, table::DENY_ASSIGNED, key, names_of_denies);
            through_groups.extend(found.map(|found| (object.to_owned(), found)));
        }
        entry.grants.extend(own);
        entry.denied.extend(through_groups);
        entry
    }

    pub(crate) fn deny_place(&self) -> String {
        format!("deny assignments of {}", self.registry.name)
    }

    /// Why nothing is known of a row that nobody asked for.
    pub(crate) fn not_asked(&self, what: &str, right: Right) -> (Open, Code) {
        let scope = format!("subscription {}", self.subscription);
        let permission = match right {
            Right::Assignments => ASSIGNMENT_RIGHT,
            Right::Denies => DENY_RIGHT,
        };
        (Open::unread(what.to_owned(), permission, scope, Obstacle::NotAsked), CoreFinding::NotCollected.code())
    }
}

/// Which right a reading needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right {
    Assignments,
    Denies,
}

fn not_collected<T>(what: String, right: &str, scope: &str) -> Row<T> {
    Row::Open(Open::unread(what, right, scope, Obstacle::NotAsked), CoreFinding::NotCollected.code())
}

/// A reading as it is worded where it is missing.
struct Asked<'a> {
    reading: String,
    right: &'a str,
    scope: &'a str,
    code: Code,
}

impl Asked<'_> {
    /// The row under a key; `None` where nobody asked for it. What was not found, and a body that can't be right, are
    /// readings that failed: an empty list would say that there is nothing.
    fn row<T: DeserializeOwned, U>(
        &self,
        section: &Section,
        table: &str,
        key: &str,
        make: impl FnOnce(T) -> Result<U, String>,
    ) -> Option<Row<U>> {
        let made = match section.get(table, key)? {
            Read::Absent => Err("it was not found; read it again".to_owned()),
            Read::Unread(open) => return Some(Row::Open(open.clone(), self.code)),
            Read::Got(value) => {
                T::deserialize(value).map_err(|_| "the answer is not readable".to_owned()).and_then(make)
            }
        };
        Some(made.map_or_else(|why| Row::Open(self.open(Obstacle::Failed(why.into())), self.code), Row::Got))
    }

    fn not_collected<T>(&self) -> Row<T> {
        Row::Open(self.open(Obstacle::NotAsked), CoreFinding::NotCollected.code())
    }

    fn open(&self, obstacle: Obstacle) -> Open {
        Open::unread(self.reading.clone(), self.right, self.scope, obstacle)
    }
}

fn list<T: DeserializeOwned>(section: &Section, table: &str, key: &str) -> Vec<T> {
    let got = section.get(table, key).and_then(Read::got);
    got.and_then(|value| Vec::<T>::deserialize(value).ok()).unwrap_or_default()
}

fn keys_under<'a>(section: &'a Section, table: &str, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    rows(section, table).filter_map(move |(key, _)| Some((key, key.strip_prefix(prefix)?)))
}

pub(super) fn rows<'a>(
    section: &'a Section,
    table: &str,
) -> impl Iterator<Item = (&'a str, &'a Read<serde_json::Value>)> {
    section.tables.get(table).into_iter().flatten().map(|(key, reading)| (key.as_str(), reading))
}

/// Every row is what its table promises, or the error that names the first that is not.
fn check(section: &Section) -> Result<(), SnapshotError> {
    check_rows::<Vec<Subscription>>(section, table::SUBSCRIPTIONS)?;
    check_rows::<Vec<Registry>>(section, table::REGISTRIES)?;
    check_rows::<Vec<RoleAssignment>>(section, table::ASSIGNMENTS)?;
    check_rows::<Vec<RoleAssignment>>(section, table::HOLDERS)?;
    check_rows::<RoleDefinition>(section, table::DEFINITIONS)?;
    check_rows::<ServicePrincipal>(section, table::PRINCIPALS)?;
    check_rows::<Application>(section, table::APPLICATIONS)?;
    check_rows::<Vec<Lookalike>>(section, table::LOOKALIKES)?;
    check_rows::<Vec<SystemRegistry>>(section, table::SYSTEM_REGISTRIES)?;
    check_rows::<Vec<DenyAssignment>>(section, table::DENY)?;
    check_rows::<Vec<DenyAssignment>>(section, table::DENY_ASSIGNED)?;
    check_rows::<Vec<CacheRule>>(section, table::CACHE_RULES)?;
    check_rows::<Vec<CredentialSet>>(section, table::CREDENTIAL_SETS)
}

fn check_rows<T: DeserializeOwned>(section: &Section, table: &str) -> Result<(), SnapshotError> {
    for (key, reading) in rows(section, table) {
        if let Read::Got(value) = reading {
            T::deserialize(value).map_err(|error| SnapshotError::Section {
                provider: "aks",
                key: format!("{table} {key}"),
                detail: error.to_string(),
            })?;
        }
    }
    Ok(())
}
