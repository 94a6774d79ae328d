//! From facts to claims: may this role pull that image?

pub(crate) mod addons;
pub(crate) mod arn;
mod controls;
mod existence;
mod foreign;
mod former;
mod index;
mod notices;
mod policy;
mod request;
mod rights;
pub(crate) mod tags;
mod texts;
mod trust;

use crate::codes::Finding;
use crate::facts::Role;
use crate::host::{self, EcrHost};
use crate::remedy;
use arn::RoleArn;
use index::{ImageState, Index, Presence, RegistryEntry, RegistryScope, RepositoryEntry, RoleEntry, RoleState};
use jiff::Timestamp;
use policy::Policy;
use policy::action::Acts;
use pullaudit_core::{
    Change, Claim, CoreFinding, Credential, Facts, FixPolicy, Inventory, Notice, Open, Principal, PrincipalKind,
    Proposal, Question, Section, SnapshotError,
};
use request::{Asker, Request, SERVICE_ACCOUNT_SESSION};
use rights::{Owner, Resource};
use std::borrow::Cow;
use texts::{Right, Texts};
use trust::TakingOn;
#[cfg(feature = "live")]
pub(crate) use trust::provider_of;

/// Facts about roles and registries of AWS, ready to be weighed.
pub struct EksFacts {
    index: Index,
    texts: Texts,
    /// As it was read: documents are changed by their text.
    section: Section,
}

impl EksFacts {
    /// Parses every stored document once. The error names the row that is not what its table promises;
    /// a policy that can't be read is no error but an open fact.
    pub fn open(section: &Section) -> Result<Self, SnapshotError> {
        let section = former::under_organizations(section.clone());
        Ok(Self { index: Index::open(&section)?, texts: Texts::new(), section })
    }

    /// What was read.
    pub(crate) fn section(&self) -> &Section {
        &self.section
    }

    /// A role that was read.
    pub(crate) fn role(&self, account: &str, name: &str) -> Option<&Role> {
        match &self.index.role(account, name)?.state {
            RoleState::Known(role) => Some(role),
            RoleState::Missing | RoleState::Open { .. } => None,
        }
    }

    /// True for the id of a role that was read, and so lives.
    pub(crate) fn is_live_role(&self, id: &str) -> bool {
        self.index.is_live_role(id)
    }

    /// True when the repository is another account's and nobody of ours can look into it.
    pub(crate) fn is_foreign(&self, host: &EcrHost<'_>, repository: &str) -> bool {
        let entry = self.index.repository(host.account, host.region, repository);
        entry.is_some_and(|entry| !entry.refusals.is_empty()) && !self.index.reads(host.account)
    }

    /// What a pull-through cache is yet to do for a pull; `None` where it holds the image, or no rule is known to cover it.
    pub(crate) fn first_pull(&self, host: &EcrHost<'_>, question: &Question) -> Option<FirstPull> {
        let name = question.image.repository.as_str();
        let registry = self.index.registry(host.account, host.region)?;
        if registry.rules.cover(name) != Ok(true) {
            return None;
        }
        let entry = self.index.repository(host.account, host.region, name)?;
        match (&entry.presence, entry.image(&version(question))) {
            (Presence::Missing, _) => Some(FirstPull::Creates),
            (_, Some(ImageState::Missing)) => Some(FirstPull::Imports),
            _ => None,
        }
    }

    /// The claim of a role; `None` where neither it nor the registry was read.
    fn of_role(
        &self,
        principal: &Principal,
        question: &Question,
        host: &EcrHost<'_>,
        at: Timestamp,
    ) -> Option<Claim> {
        let Some(role) = RoleArn::parse(&principal.id) else {
            let detail = "is not the ARN of a role, and ECR knows no other identities of nodes";
            return Some(Claim::no(Finding::ForeignPrincipal.code(), principal.id.as_str(), detail));
        };
        if role.partition != host.partition {
            let detail =
                format!("role {} is of {}, the registry of {}", role.name, role.partition, host.partition);
            return Some(Claim::no(Finding::OtherPartition.code(), principal.id.as_str(), detail));
        }
        let name = question.image.repository.as_str();
        let known_role = self.index.role(role.account, role.name);
        let known_repository = self.index.repository(host.account, host.region, name);
        let known_registry = self.index.registry(host.account, host.region);
        if known_role.is_none() && known_repository.is_none() && known_registry.is_none() {
            return None;
        }
        let (mut made_role, mut made_repository, mut made_registry) = (None, None, None);
        let entry = or_made(known_role, &mut made_role, || RoleEntry::not_collected(role.account, role.name));
        let repository = or_made(known_repository, &mut made_repository, || {
            RepositoryEntry::not_collected(host.account, host.region, name)
        });
        let registry = or_made(known_registry, &mut made_registry, || {
            RegistryEntry::not_collected(host.account, host.region)
        });
        let by_service_account = principal.kind == PrincipalKind::ServiceAccountRole;
        let session = role.session.or(by_service_account.then_some(SERVICE_ACCOUNT_SESSION));
        let asker = Asker { account: role.account, name: role.name, session, role: entry, bearer: None };
        let arn = match &repository.presence {
            Presence::There(arn) => Cow::Borrowed(&**arn),
            Presence::Missing | Presence::Open(..) => Cow::Owned(host.repository_arn(name)),
        };
        let weighing = Weighing {
            index: &self.index,
            texts: &self.texts,
            owner: owner(role.account, repository),
            role: entry,
            repository,
            registry,
            request: Request {
                asker: &asker,
                resource: Some(&arn),
                owner: host.account,
                owner_organization: &repository.organization,
                tags: &repository.tags,
                region: host.region,
                at,
            },
            version: &version(question),
            taking_on: by_service_account
                .then_some(TakingOn { role: principal.id.as_str(), token: principal.token.as_deref() }),
        };
        Some(weighing.claim())
    }
}

/// What a pull-through cache does at the first pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPull {
    /// It creates the repository, and imports the image.
    Creates,
    /// It imports the image.
    Imports,
}

/// What was read, or in its place an entry that says that nothing was.
fn or_made<'a, T>(known: Option<&'a T>, made: &'a mut Option<T>, make: impl FnOnce() -> T) -> &'a T {
    match known {
        Some(known) => known,
        None => made.insert(make()),
    }
}

impl std::fmt::Debug for EksFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EksFacts").finish_non_exhaustive()
    }
}

impl Facts for EksFacts {
    fn weigh(&self, question: &Question, at: Timestamp) -> Option<Claim> {
        if host::is_public(&question.image.registry) {
            let known = matches!(question.by, Credential::Anonymous | Credential::Principal(_));
            return known.then(|| self.texts.public.clone());
        }
        let host = EcrHost::parse(question.image.registry.as_str())?;
        match &question.by {
            // What a secret logs in as, and which identity an unread one is, nobody here knows.
            Credential::Secret(_) | Credential::Unidentified(_) => None,
            Credential::Anonymous => Some(self.texts.anonymous.clone()),
            Credential::Principal(principal) => self.of_role(principal, question, &host, at),
        }
    }

    fn unique_id(&self, identity: &str) -> Option<String> {
        let arn = RoleArn::parse(identity)?;
        match &self.index.role(arn.account, arn.name)?.state {
            RoleState::Known(role) => Some(role.role_id.clone()),
            _ => None,
        }
    }

    fn notices(&self, _: Timestamp, inventory: &Inventory) -> Vec<Notice> {
        notices::of(&self.index, inventory)
    }

    fn remedies(&self, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
        remedy::propose(self, denied, at, policy)
    }

    fn after(&self, changes: &[&Change]) -> Option<Box<dyn Facts>> {
        Some(Box::new(remedy::after(self, changes)?))
    }
}

fn owner(account: &str, repository: &RepositoryEntry) -> Owner {
    if account == repository.account {
        Owner::Same
    } else if repository.addon {
        Owner::Aws
    } else {
        Owner::Other
    }
}

/// What names the image in its repository. A digest decides, whatever the tag beside it.
fn version(question: &Question) -> Cow<'_, str> {
    match (&question.image.digest, &question.image.tag) {
        (Some(digest), _) => format!("@{digest}").into(),
        (None, Some(tag)) => tag.as_str().into(),
        (None, None) => "latest".into(),
    }
}

/// One question with all that is known about it.
pub(crate) struct Weighing<'a> {
    index: &'a Index,
    texts: &'a Texts,
    owner: Owner,
    role: &'a RoleEntry,
    repository: &'a RepositoryEntry,
    registry: &'a RegistryEntry,
    request: Request<'a>,
    /// Tag, or digest with its `@`.
    version: &'a str,
    /// Set where a service account takes the role on.
    taking_on: Option<TakingOn<'a>>,
}

impl Weighing<'_> {
    fn claim(&self) -> Claim {
        if matches!(self.role.state, RoleState::Missing) {
            return Claim::no(Finding::RoleMissing.code(), self.role.place.clone(), "does not exist");
        }
        if self.owner == Owner::Aws || self.is_foreign() {
            return self.under(&RegistryScope::V1);
        }
        match &self.registry.scope {
            RegistryScope::Open(why) if self.registry.policy.touches(Acts::SCOPED) => Claim::OneOf {
                why: why.clone(),
                cases: vec![self.under(&RegistryScope::V1), self.under(&RegistryScope::V2)],
            },
            // Its statements, if any, speak of nothing that the scope decides.
            RegistryScope::Open(_) => self.under(&RegistryScope::V1),
            scope => self.under(scope),
        }
    }

    /// The pull, in a registry whose policy has that scope.
    fn under(&self, scope: &RegistryScope) -> Claim {
        let mut all = Vec::with_capacity(8);
        if let RoleState::Open { open, code } = &self.role.state {
            all.push(Claim::open(*code, self.role.place.clone(), "may not exist", vec![open.clone()]));
        }
        if let Some(taking_on) = self.taking_on {
            self.trust(taking_on, &mut all);
        }
        all.extend(self.role.service.open.clone());
        let whole = matches!(scope, RegistryScope::V2);
        let registry = Resource { policy: &self.registry.policy, denies: Finding::RegistryPolicyDenies };
        self.token(whole.then_some(registry.policy), &mut all);
        match self.owner {
            Owner::Aws => {
                self.pull(&[], &mut all);
                all.push(self.texts.addon.clone());
            }
            Owner::Other if self.is_foreign() => {
                self.own_half(&mut all);
                all.push(self.foreign());
            }
            Owner::Same | Owner::Other => {
                all.extend(self.repository.controls.open.clone());
                self.there_or_made(registry, whole, &mut all);
            }
        }
        Claim::All(all)
    }

    /// What the registry's side says of the repository as it stands, or as a first pull through a cache makes it. Where
    /// nobody knows which of them it is, each is a case.
    fn there_or_made(&self, registry: Resource<'_>, whole: bool, all: &mut Vec<Claim>) {
        let with = |policy: &Policy, all: &mut Vec<Claim>| {
            let resources = [Resource { policy, denies: Finding::ExplicitDeny }, registry];
            self.pull(if whole { &resources } else { &resources[..1] }, all);
            self.existence(&resources, all);
        };
        if !self.may_be_created() {
            return with(&self.repository.policy, all);
        }
        let template = self.registry.template(&self.repository.name, &self.repository.policy_place);
        let Presence::Open(why, _) = &self.repository.presence else { return with(&template, all) };
        let case = |policy: &Policy| {
            let mut all = Vec::new();
            with(policy, &mut all);
            Claim::All(all)
        };
        all.push(Claim::OneOf { why: why.clone(), cases: vec![case(&self.repository.policy), case(&template)] });
    }

    fn pull(&self, resources: &[Resource<'_>], all: &mut Vec<Claim>) {
        if self.role.splits || self.repository.splits || self.registry.splits {
            self.right(Right::BatchGet, resources, all);
            self.right(Right::LayerUrl, resources, all);
        } else {
            self.right(Right::Pull, resources, all);
        }
    }

    /// The role's side alone, of a pull whose other side can't be read.
    fn own_half(&self, all: &mut Vec<Claim>) {
        Weighing { owner: Owner::Aws, ..*self }.pull(&[], all);
    }

    /// True when the registry is another account's and nobody of ours can look into it.
    fn is_foreign(&self) -> bool {
        self.owner == Owner::Other
            && !self.repository.refusals.is_empty()
            && !self.index.reads(&self.repository.account)
    }

    fn foreign(&self) -> Claim {
        let account = &self.repository.account;
        let detail = "lies in an account that no credential in use belongs to";
        let claim =
            |opens| Claim::open(CoreFinding::ForeignRegistry.code(), self.repository.place.clone(), detail, opens);
        if let Some(open) = self.index.lost(account) {
            return claim(vec![open.clone()]);
        }
        let add = format!(
            "account {account}: add it to pullaudit.yaml under scopes.accounts: \
             [{{id: \"{account}\", role: arn:aws:iam::{account}:role/…}}]"
        );
        let opens = self.repository.refusals.iter().map(|open| match open {
            Open::Unread { reading, permission, assumable, obstacle, .. } => Open::Unread {
                reading: reading.clone(),
                permission: permission.clone(),
                scope: add.as_str().into(),
                assumable: *assumable,
                obstacle: obstacle.clone(),
            },
            other @ Open::Undecidable { .. } => other.clone(),
        });
        claim(opens.collect())
    }

    /// True when the repository may not be there and a pull might create it.
    fn may_be_created(&self) -> bool {
        self.repository.may_be_missing
            && matches!(self.repository.presence, Presence::Missing | Presence::Open(..))
            && self.registry.rules.cover(&self.repository.name) != Ok(false)
    }
}
