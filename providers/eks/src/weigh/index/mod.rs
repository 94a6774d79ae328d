//! The stored readings, parsed once and laid out for weighing.

mod registries;
mod roles;

pub(crate) use registries::{ImageState, Presence, RegistryEntry, RegistryScope, RepositoryEntry};
pub(crate) use roles::{RoleEntry, RoleState};

use super::policy::{Kind, Policy};
use crate::codes::Finding;
use crate::facts::{
    AccountSettings, CreationTemplate, Document, IdentityProvider, Image, Organization, PullThroughRule,
    Repository, Role, table,
};
use pullaudit_core::{Code, CoreFinding, Notice, Obstacle, Open, Read, Section, SnapshotError, Text};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that a section holds about registries and roles.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By name; few accounts have a role of the same name.
    roles: HashMap<String, Vec<RoleEntry>>,
    /// By name; few registries have a repository of the same name.
    repositories: HashMap<String, Vec<RepositoryEntry>>,
    /// Few, so that looking through them is the quickest.
    registries: Vec<RegistryEntry>,
    /// Accounts that a credential of ours belongs to.
    readers: Vec<String>,
    /// Accounts that the config names, and why they are not read as it says.
    lost: Vec<(String, Open)>,
    /// Unique ids of the roles that were read.
    role_ids: Vec<String>,
    /// Identity providers of IAM, by ARN.
    providers: BTreeMap<String, Row<IdentityProvider>>,
}

impl Index {
    pub(crate) fn open(section: &Section) -> Result<Self, SnapshotError> {
        let mut index = Self::default();
        check(section)?;
        let policies = policies(section);
        for (account, name) in roles::keys(section) {
            let entry = RoleEntry::open(section, account, name, &policies);
            if let RoleState::Known(role) = &entry.state {
                index.role_ids.push(role.role_id.clone());
            }
            index.roles.entry(name.to_owned()).or_default().push(entry);
        }
        index.registries = RegistryEntry::open_all(section);
        for entry in RepositoryEntry::open_all(section) {
            index.repositories.entry(entry.name.clone()).or_default().push(entry);
        }
        let arns = rows(section, table::IDENTITY_PROVIDERS).map(|(arn, _)| arn);
        index.providers = arns.map(|arn| (arn.to_owned(), provider(section, arn))).collect();
        for (account, reader) in rows(section, table::READERS) {
            match reader {
                Read::Got(_) => index.readers.push(account.to_owned()),
                Read::Absent => {}
                Read::Unread(open) => index.lost.push((account.to_owned(), open.clone())),
            }
        }
        Ok(index)
    }

    pub(crate) fn role(&self, account: &str, name: &str) -> Option<&RoleEntry> {
        self.roles.get(name)?.iter().find(|entry| entry.account == account)
    }

    pub(crate) fn repository(&self, account: &str, region: &str, name: &str) -> Option<&RepositoryEntry> {
        let same =
            |entry: &&RepositoryEntry| entry.account == account && entry.region.eq_ignore_ascii_case(region);
        self.repositories.get(name)?.iter().find(same)
    }

    pub(crate) fn registry(&self, account: &str, region: &str) -> Option<&RegistryEntry> {
        self.registries.iter().find(|entry| entry.account == account && entry.region.eq_ignore_ascii_case(region))
    }

    pub(crate) fn reads(&self, account: &str) -> bool {
        self.readers.iter().any(|reader| reader == account)
    }

    /// Why an account that the config names is not read as it says.
    pub(crate) fn lost(&self, account: &str) -> Option<&Open> {
        self.lost.iter().find(|(lost, _)| lost == account).map(|(_, open)| open)
    }

    /// An identity provider of IAM, by its ARN.
    pub(crate) fn provider(&self, arn: &str) -> Row<IdentityProvider> {
        self.providers.get(arn).cloned().unwrap_or_else(|| provider(&Section::default(), arn))
    }

    /// True for the id of a role that was read, and so lives.
    pub(crate) fn is_live_role(&self, id: &str) -> bool {
        self.role_ids.iter().any(|live| live == id)
    }

    /// Every document or statement that can't be read, once.
    pub(crate) fn malformed(
        &self,
        of_role: impl Fn(&RoleEntry) -> bool,
        of_repository: impl Fn(&RepositoryEntry) -> bool,
    ) -> Vec<Notice> {
        let of_roles = self.roles().filter(|role| of_role(role)).flat_map(|role| {
            let RoleEntry { identity, boundary, trust, .. } = role;
            std::iter::once(identity).chain(boundary).chain([trust])
        });
        let of_registries = self.registries.iter().map(|registry| &registry.policy);
        let of_repositories = self.repositories().filter(|repository| of_repository(repository));
        let policies = of_roles.chain(of_repositories.map(|repository| &repository.policy)).chain(of_registries);
        let faults: BTreeSet<Notice> = policies.flat_map(Policy::malformed).collect();
        faults.into_iter().collect()
    }

    pub(crate) fn roles(&self) -> impl Iterator<Item = &RoleEntry> {
        self.roles.values().flatten()
    }

    pub(crate) fn repositories(&self) -> impl Iterator<Item = &RepositoryEntry> {
        self.repositories.values().flatten()
    }
}

/// One row as weighing sees it: never collected is a gap like any other, only under its own code.
#[derive(Clone, Debug)]
pub(crate) enum Row<T> {
    Got(T),
    Absent,
    Open(Open, Code),
}

/// What to say of a row that is not there.
pub(crate) struct Asked<'a> {
    pub(crate) reading: &'a str,
    pub(crate) permission: &'a str,
    pub(crate) account: &'a str,
    /// The finding when the reading was refused or failed.
    pub(crate) code: Code,
}

impl Asked<'_> {
    fn missing<T>(&self) -> Row<T> {
        let scope = format!("account {}", self.account);
        let open = Open::unread(self.reading, self.permission, scope, Obstacle::NotAsked);
        Row::Open(open, CoreFinding::NotCollected.code())
    }

    /// What other readings contradict: read in the middle of a change, or an answer that hides.
    fn contradicted<T>(&self, why: &str) -> Row<T> {
        Row::Open(Open::undecidable(format!("{}: {why}; read again", self.reading)), self.code)
    }
}

fn row<T: DeserializeOwned>(section: &Section, table: &str, key: &str, asked: &Asked<'_>) -> Row<T> {
    match section.get(table, key) {
        None => asked.missing(),
        Some(Read::Absent) => Row::Absent,
        Some(Read::Unread(open)) => Row::Open(open.clone(), asked.code),
        Some(Read::Got(value)) => {
            T::deserialize(value).map_or_else(|error| asked.contradicted(&error.to_string()), Row::Got)
        }
    }
}

fn provider(section: &Section, arn: &str) -> Row<IdentityProvider> {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let reading = format!("identity provider {arn}");
    let code = Finding::ServiceAccountTrust.code();
    let asked = Asked { reading: &reading, permission: "iam:GetOpenIDConnectProvider", account, code };
    row(section, table::IDENTITY_PROVIDERS, arn, &asked)
}

/// Every row is what its table promises, or the error that names the first that is not.
fn check(section: &Section) -> Result<(), SnapshotError> {
    check_rows::<Role>(section, table::ROLES)?;
    check_rows::<Vec<String>>(section, table::ATTACHED)?;
    check_rows::<Vec<String>>(section, table::INLINE_NAMES)?;
    for documents in [
        table::INLINE,
        table::POLICIES,
        table::REPOSITORY_POLICIES,
        table::REGISTRY_POLICIES,
        table::CONTROL_POLICIES,
        table::TRUST_POLICIES,
    ] {
        check_rows::<Document>(section, documents)?;
    }
    check_rows::<Vec<CreationTemplate>>(section, table::TEMPLATES)?;
    check_rows::<Organization>(section, table::ORGANIZATIONS)?;
    check_rows::<String>(section, table::PARENTS)?;
    check_rows::<Vec<String>>(section, table::SERVICE_CONTROLS)?;
    check_rows::<Vec<String>>(section, table::RESOURCE_CONTROLS)?;
    check_rows::<Repository>(section, table::REPOSITORIES)?;
    check_rows::<BTreeMap<String, String>>(section, table::REPOSITORY_TAGS)?;
    check_rows::<IdentityProvider>(section, table::IDENTITY_PROVIDERS)?;
    check_rows::<Image>(section, table::IMAGES)?;
    check_rows::<AccountSettings>(section, table::ACCOUNT_SETTINGS)?;
    check_rows::<Vec<PullThroughRule>>(section, table::PULL_THROUGH)
}

fn check_rows<T: DeserializeOwned>(section: &Section, table: &str) -> Result<(), SnapshotError> {
    for (key, reading) in rows(section, table) {
        if let Read::Got(value) = reading {
            T::deserialize(value).map_err(|error| SnapshotError::Section {
                provider: "eks",
                key: format!("{table} {key}"),
                detail: error.to_string(),
            })?;
        }
    }
    Ok(())
}

fn rows<'a>(section: &'a Section, table: &str) -> impl Iterator<Item = (&'a str, &'a Read<serde_json::Value>)> {
    section.tables.get(table).into_iter().flatten().map(|(key, reading)| (key.as_str(), reading))
}

/// Managed policies by ARN, each parsed once however many roles have it.
type Policies = HashMap<String, Policy>;

fn policies(section: &Section) -> Policies {
    let parse = |(arn, reading): (&str, &Read<serde_json::Value>)| {
        let document = Document::deserialize(reading.got()?).ok()?;
        Some((arn.to_owned(), Policy::parse(&document.text, Kind::Identity, &policy_place(arn))))
    };
    rows(section, table::POLICIES).filter_map(parse).collect()
}

/// `AWS policy AmazonEC2ContainerRegistryPullOnly`, or the ARN of a policy of one's own.
fn policy_place(arn: &str) -> Text {
    match arn.rsplit_once('/') {
        Some((head, name)) if head.contains("::aws:policy") => format!("AWS policy {name}").into(),
        _ => format!("policy {arn}").into(),
    }
}
