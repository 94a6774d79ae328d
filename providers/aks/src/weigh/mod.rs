//! May an identity pull from a container registry? From what was read to a claim.

mod bodies;
mod condition;
mod deny;
mod directory;
mod grants;
pub(crate) mod index;
mod network;
mod notices;
mod outcome;
mod rights;

use crate::codes::Finding;
use crate::{host, remedy};
use index::{Index, RegistryEntry};
use jiff::Timestamp;
use pullaudit_core::{
    Change, Claim, CoreFinding, Credential, Facts, FixPolicy, Gap, Inventory, Notice, Obstacle, Open, Proposal,
    Question, Section, SnapshotError,
};
use rights::Act;
#[cfg(feature = "live")]
pub(crate) use rights::grants_action;

/// What was read about registries, ready to be weighed.
#[derive(Debug)]
pub struct AksFacts {
    /// As it was read, so that it can be opened again with a change in it.
    section: Section,
    index: Index,
    /// The tenant is set up with a private link for Resource Manager.
    private_link: bool,
}

impl AksFacts {
    /// Lays the readings out; an error names the row that is not what its table promises.
    pub fn open(section: &Section) -> Result<Self, SnapshotError> {
        Self::of_tenant(section, false)
    }

    /// The same for a tenant that is set up with a private link for Resource Manager: there registries honour
    /// wildcards inside a provider's name.
    pub fn of_tenant(section: &Section, private_link: bool) -> Result<Self, SnapshotError> {
        Ok(Self { index: Index::open(section, private_link)?, section: section.clone(), private_link })
    }

    /// What was read of the directory.
    pub(crate) fn directory(&self) -> &directory::Directory {
        &self.index.directory
    }

    /// The registries that were read.
    pub(crate) fn registries(&self) -> &[RegistryEntry] {
        &self.index.registries
    }

    pub(crate) fn private_link(&self) -> bool {
        self.private_link
    }

    pub(crate) fn section(&self) -> &Section {
        &self.section
    }

    /// The registry that answers for a host, in lower case.
    pub(crate) fn registry(&self, host: &str) -> Option<&RegistryEntry> {
        self.index.registry(host)
    }

    /// The registry was not found: it may stand in a list that could not be read, or belong to somebody
    /// else.
    fn not_found(&self, host: &str) -> Claim {
        let place = format!("registry {host}");
        if !self.index.hidden.is_empty() {
            let code = Finding::RegistriesUnread.code();
            return Claim::open(code, place, "must be found", self.index.hidden.clone());
        }
        let (code, obstacle, scope) = if self.index.listed {
            let scope =
                "the subscription that holds it, or say in pullaudit.yaml under registries that it is public";
            (CoreFinding::ForeignRegistry, Obstacle::Refused, scope)
        } else {
            (CoreFinding::NotCollected, Obstacle::NotAsked, "its subscription")
        };
        let right = "Microsoft.ContainerRegistry/registries/read";
        let open = Open::unread(place.clone(), right, scope, obstacle);
        Claim::open(code.code(), place, "is in no subscription that was read", vec![open])
    }
}

impl Facts for AksFacts {
    fn weigh(&self, question: &Question, at: Timestamp) -> Option<Claim> {
        let host = host::lookup(&question.image.registry);
        host::owner(&question.image.registry)?;
        if let Credential::Principal(principal) = &question.by
            && crate::cluster::principal(&principal.id).is_none()
        {
            let detail = "is no object id, so no role assignment can name it";
            return Some(Claim::no(Finding::NotAnObjectId.code(), principal.id.as_str(), detail));
        }
        if let Some(port) = host::odd_port(&question.image.registry) {
            let what =
                format!("whether anything answers at port {port} of {host}: registries of Azure answer at 443");
            let open = vec![Open::undecidable(what)];
            return Some(Claim::open(Finding::NetworkUndecidable.code(), host, "must answer", open));
        }
        let registry = self.index.registry(&host);
        match &question.by {
            // What a secret logs in as, and which identity an unread one is, nobody here knows.
            Credential::Secret(_) | Credential::Unidentified(_) => None,
            Credential::Anonymous => Some(registry.map_or_else(|| self.not_found(&host), anonymous)),
            Credential::Principal(principal) => {
                let object = principal.id.to_ascii_lowercase();
                let pull = |registry| Pull {
                    index: &self.index,
                    registry,
                    object: &object,
                    who: &principal.name,
                    repository: &question.image.repository,
                    at,
                };
                Some(registry.map_or_else(|| self.not_found(&host), |registry| pull(registry).claim()))
            }
        }
    }

    fn notices(&self, at: Timestamp, inventory: &Inventory) -> Vec<Notice> {
        notices::of(&self.index, inventory, at)
    }

    fn remedies(&self, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
        remedy::propose(self, denied, at, policy)
    }

    fn leftovers(&self, inventory: &Inventory) -> Vec<Change> {
        remedy::leftovers(self, inventory)
    }

    fn leftovers_unread(&self, inventory: &Inventory) -> Vec<Gap> {
        remedy::leftovers_unread(self, inventory)
    }

    fn after(&self, changes: &[&Change]) -> Option<Box<dyn Facts>> {
        Some(Box::new(remedy::after(self, changes)?))
    }
}

fn anonymous(registry: &RegistryEntry) -> Claim {
    let mut all = registry.network.clone();
    let (place, code) = (registry.place.clone(), CoreFinding::AnonymousRefused.code());
    all.push(match registry.registry.properties.anonymous_pull_enabled {
        Some(true) => Claim::yes(CoreFinding::Allowed.code(), place, "lets everybody pull (anonymousPullEnabled)"),
        told => {
            let lost = network::lacking(&registry.registry, &place, "anonymousPullEnabled", code);
            lost.filter(|_| told.is_none())
                .unwrap_or_else(|| Claim::no(code, place, "does not let requests without a login pull"))
        }
    });
    Claim::All(all)
}

/// One identity, one registry, one repository.
struct Pull<'a> {
    index: &'a Index,
    registry: &'a RegistryEntry,
    object: &'a str,
    who: &'a str,
    repository: &'a str,
    at: Timestamp,
}

/// How a registry reads role assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Legacy,
    Abac,
}

impl Mode {
    /// What a pull does; the first decides.
    fn acts(self) -> &'static [Act] {
        match self {
            Self::Legacy => &[Act::Pull],
            Self::Abac => &[Act::Content, Act::Metadata],
        }
    }
}

impl Pull<'_> {
    fn claim(&self) -> Claim {
        let mode = self.registry.registry.properties.role_assignment_mode.as_deref();
        let name = &self.registry.registry.name;
        let of_mode = match mode {
            Some(mode) if mode.eq_ignore_ascii_case("LegacyRegistryPermissions") => self.under(Mode::Legacy),
            Some(mode) if mode.eq_ignore_ascii_case("AbacRepositoryPermissions") => self.under(Mode::Abac),
            Some(other) => self.one_of(Open::undecidable(format!(
                "in which mode {name} reads role assignments (its role assignment mode {other} is not known to \
                 pullaudit): az acr show --name {name} --query roleAssignmentMode"
            ))),
            None => self.one_of(network::lost(&self.registry.registry, "roleAssignmentMode")),
        };
        let mut all = self.registry.network.clone();
        all.extend(self.index.directory.claims(self.object, self.who, self.at));
        all.push(of_mode);
        Claim::All(all)
    }

    fn one_of(&self, why: Open) -> Claim {
        Claim::OneOf { why, cases: vec![self.under(Mode::Legacy), self.under(Mode::Abac)] }
    }

    fn under(&self, mode: Mode) -> Claim {
        let mut all = deny::claims(self.registry, self.object, mode.acts(), self.repository);
        all.extend(grants::claims(self, mode));
        Claim::All(all)
    }
}
