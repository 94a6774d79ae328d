//! May an identity download from a repository? From what was read to a claim.

mod boundary;
mod condition;
mod deny;
mod grants;
mod home;
pub(crate) mod index;
mod member;
mod notices;
mod outcome;
mod reading;
mod repository;
pub(crate) mod roles;

pub use roles::PREDEFINED_AS_OF;

/// Whether the table of predefined roles tells what a role does.
#[cfg(feature = "live")]
pub(crate) fn knows_role(role: &str) -> bool {
    roles::predefined(role, Act::Download).is_some()
}

use crate::codes::Finding;
use crate::host::{self, Location, Place};
use crate::{cluster, remedy};
use grants::Asked;
use index::{Index, Row, get};
use jiff::Timestamp;
use member::Asker;
use pullaudit_core::{
    Change, Claim, Code, CoreFinding, Credential, Facts, FixPolicy, Gap, Inventory, Notice, Obstacle, Open,
    Principal, Proposal, Question, Section, need,
};
use roles::Act;

/// What every scope of OAuth begins with.
const SCOPES: &str = "https://www.googleapis.com/auth/";
/// Scopes whose tokens reach Artifact Registry.
///
/// Source: Google Cloud, Artifact Registry documentation, integration with Compute Engine.
const REACHING: [&str; 4] =
    ["cloud-platform", "devstorage.read_only", "devstorage.read_write", "devstorage.full_control"];
/// The API lists it, and whether a download takes it is not documented.
const PERHAPS: &str = "cloud-platform.read-only";

/// What was read about repositories, ready to be weighed.
#[derive(Debug)]
pub struct GkeFacts {
    /// As it was read, so that it can be opened again with a change in it.
    section: Section,
    pub(crate) index: Index,
}

impl GkeFacts {
    /// Lays the readings out. A row that is not what its table promises is a reading that failed.
    pub fn open(section: &Section) -> Self {
        Self { index: Index::open(section), section: section.clone() }
    }

    pub(crate) fn section(&self) -> &Section {
        &self.section
    }

    /// The project and all above it, as far as it was read, and what hides the rest.
    fn ancestors(&self, project: &str) -> (Vec<String>, Option<(Open, Code)>) {
        let own = || vec![format!("projects/{project}")];
        let what = format!("what project {project} lies in");
        let right = "resourcemanager.projects.get";
        match get(&self.index.ancestry, project, &what, right, &format!("project {project}")) {
            Row::Got(list) => (list.clone(), None),
            Row::Open(open, code) => (own(), Some((open, code))),
            Row::Absent => {
                let open = Open::undecidable(format!("{what}: the project was not found"));
                (own(), Some((open, Finding::PolicyUnread.code())))
            }
        }
    }
}

/// The project of a repository's full id.
pub(crate) fn project_of(repository: &str) -> &str {
    repository.split('/').nth(1).unwrap_or_default()
}

impl Facts for GkeFacts {
    fn weigh(&self, question: &Question, at: Timestamp) -> Option<Claim> {
        let image = &question.image;
        let place = host::place(image)?;
        let asker = match &question.by {
            // What a secret logs in as, and which identity an unread one is, nobody here knows.
            Credential::Secret(_) | Credential::Unidentified(_) => return None,
            Credential::Anonymous => Ok(Asker::Anonymous),
            Credential::Principal(principal) => asker(principal),
        };
        let location = match place {
            Place::Public => {
                let detail = "is open to everybody";
                return Some(Claim::yes(
                    CoreFinding::Allowed.code(),
                    format!("registry {}", image.registry),
                    detail,
                ));
            }
            Place::Incomplete => {
                let detail = "names no image: Artifact Registry wants project, repository and image";
                return Some(Claim::no(Finding::PathIncomplete.code(), image.name(), detail));
            }
            Place::Repository(location) => location,
        };
        let pull = Pull { facts: self, location: &location, id: location.id(), at };
        pull.claim(asker.as_ref(), question.from.scopes.as_deref())
    }

    fn unique_id(&self, identity: &str) -> Option<String> {
        match self.index.accounts.get(&identity.to_ascii_lowercase())? {
            Row::Got(account) if !account.unique_id.is_empty() => Some(account.unique_id.clone()),
            _ => None,
        }
    }

    fn notices(&self, at: Timestamp, inventory: &Inventory) -> Vec<Notice> {
        notices::of(self, at, inventory)
    }

    fn remedies(&self, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
        remedy::propose(self, denied, at, policy)
    }

    fn leftovers(&self, inventory: &Inventory) -> Vec<Change> {
        remedy::leftovers(self, inventory)
    }

    fn leftovers_unread(&self, _: &Inventory) -> Vec<Gap> {
        remedy::leftovers_unread(self)
    }

    fn after(&self, changes: &[&Change]) -> Option<Box<dyn Facts>> {
        Some(Box::new(remedy::after(self, changes)?))
    }
}

/// Who asks; the id itself where Google knows no such one.
fn asker(identity: &Principal) -> Result<Asker, String> {
    let Some(principal) = cluster::principal(&identity.id) else { return Err(identity.id.clone()) };
    Ok(if identity.id.starts_with(cluster::FEDERATED) {
        let issuer = identity.token.as_ref().and_then(|token| token.issuer.clone());
        Asker::Federated(principal.id, issuer)
    } else if cluster::account_project(&principal.id).is_none() {
        Asker::Agent(principal.id)
    } else {
        Asker::Account(principal.id)
    })
}

/// One image, at one time.
struct Pull<'a> {
    facts: &'a GkeFacts,
    location: &'a Location,
    /// Of the repository.
    id: String,
    at: Timestamp,
}

impl Pull<'_> {
    /// The repository serves the image, and the asker may download it or everybody may.
    fn claim(&self, asker: Result<&Asker, &String>, scopes: Option<&[String]>) -> Option<Claim> {
        if !self.was_collected() {
            return None;
        }
        if let Some(claim) = self.foreign() {
            return Some(claim);
        }
        let mut all = repository::exists(self.facts, self.location);
        all.extend(repository::rules(self.facts, &self.id, &self.location.package, self.at));
        all.push(match asker {
            Ok(Asker::Anonymous) => self.granted(&Asker::Anonymous),
            Ok(asker) => Claim::Any(self.ways(asker, scopes)),
            Err(id) => {
                let detail = "is no identity of Google's, so no policy can name it";
                let foreign = Claim::no(Finding::NotAGoogleIdentity.code(), id.as_str(), detail);
                Claim::Any(vec![foreign, self.granted(&Asker::Anonymous)])
            }
        });
        all.extend(repository::behind(self.facts, &self.id, &self.location.package, self.at, &[]));
        Some(Claim::All(all))
    }

    fn was_collected(&self) -> bool {
        let index = &self.facts.index;
        index.repositories.contains_key(&self.id)
            || index.repository_policies.contains_key(&self.id)
            || index.services.contains_key(&self.location.project)
    }

    /// Somebody else's project: nothing of it may be read.
    fn foreign(&self) -> Option<Claim> {
        let index = &self.facts.index;
        let refused = |open: &Open| matches!(open, Open::Unread { obstacle: Obstacle::Refused, .. });
        let Some(Row::Open(open, _)) = index.repositories.get(&self.id) else { return None };
        let shut = refused(open)
            && matches!(index.repository_policies.get(&self.id), Some(Row::Open(why, _)) if refused(why))
            && matches!(index.ancestry.get(&self.location.project), Some(Row::Open(why, _)) if refused(why))
            && !matches!(index.services.get(&self.location.project), Some(Row::Got(_)));
        shut.then(|| {
            let detail = "lies in a project of which nothing could be read";
            Claim::open(
                CoreFinding::ForeignRegistry.code(),
                format!("repository {}", self.id),
                detail,
                vec![open.clone()],
            )
        })
    }

    /// No deny policy refuses and a binding grants.
    fn granted(&self, asker: &Asker) -> Claim {
        let asked = Asked { asker, repository: &self.id, act: Act::Download, at: self.at };
        need(deny::claims(self.facts, &asked), vec![grants::claim(self.facts, &asked)])
    }

    /// The token of the identity counts; or none is sent and everybody may download.
    fn ways(&self, asker: &Asker, scopes: Option<&[String]>) -> Vec<Claim> {
        let (alive, order) = self.alive(asker);
        let mut own = alive;
        let reach = scopes.filter(|_| !matches!(asker, Asker::Federated(..))).map(reach);
        own.extend(reach.and_then(|reach| scope_claim(reach, scopes.unwrap_or_default())));
        own.extend(boundary::claim(self.facts, asker, &self.id));
        own.push(self.granted(asker));
        let mut ways = vec![Claim::All(own)];
        let sends = match (reach, order) {
            (Some(Reach::Nothing), _) => Sends::Nothing,
            (Some(Reach::Not | Reach::Perhaps), _) | (_, false) => Sends::AWeakToken,
            _ => return ways,
        };
        let open = Claim::open(
            Finding::WeakToken.code(),
            asker.name(),
            "must not send a token that is refused",
            vec![Open::undecidable(format!(
                "how Artifact Registry answers to the token that nodes of {} send",
                asker.name()
            ))],
        );
        let mut public = match sends {
            Sends::Nothing => Vec::new(),
            Sends::AWeakToken => vec![open],
        };
        public.push(self.granted(&Asker::Anonymous));
        ways.push(Claim::All(public));
        ways
    }

    /// What must hold of the account itself, and whether it certainly does.
    fn alive(&self, asker: &Asker) -> (Vec<Claim>, bool) {
        let Asker::Account(email) = asker else { return (Vec::new(), true) };
        let place = format!("service account {email}");
        let scope = format!("project {}", cluster::account_project(email).unwrap_or_default());
        let row = get(&self.facts.index.accounts, email, &place, "iam.serviceAccounts.get", &scope);
        let (claim, order) = match row {
            Row::Got(account) if account.disabled => {
                (Claim::no(Finding::AccountDisabled.code(), place, "is disabled: its tokens are refused"), false)
            }
            Row::Got(_) => (Claim::yes(CoreFinding::Allowed.code(), place, "exists and is enabled"), true),
            Row::Absent => (Claim::no(Finding::AccountDeleted.code(), place, "does not exist"), false),
            Row::Open(open, code) => (Claim::open(code, place, "must exist and be enabled", vec![open]), false),
        };
        (vec![claim], order)
    }
}

enum Sends {
    Nothing,
    AWeakToken,
}

/// How far the scopes of a node reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// To Artifact Registry.
    There,
    /// Perhaps.
    Perhaps,
    /// Elsewhere only.
    Not,
    /// There are none, so that the node has no token.
    Nothing,
}

fn reach(scopes: &[String]) -> Reach {
    let has = |wanted: &str| scopes.iter().any(|scope| scope.strip_prefix(SCOPES).unwrap_or(scope) == wanted);
    if scopes.is_empty() {
        Reach::Nothing
    } else if REACHING.iter().any(|scope| has(scope)) {
        Reach::There
    } else if has(PERHAPS) {
        Reach::Perhaps
    } else {
        Reach::Not
    }
}

fn scope_claim(reach: Reach, scopes: &[String]) -> Option<Claim> {
    let place = "OAuth scopes of the nodes";
    let names: Vec<&str> = scopes.iter().map(|scope| scope.rsplit('/').next().unwrap_or(scope)).collect();
    match reach {
        Reach::There => None,
        Reach::Perhaps => {
            let open = Open::undecidable(format!("whether scope {PERHAPS} is enough for a download"));
            Some(Claim::open(Finding::ScopeUndecidable.code(), place, "must reach Artifact Registry", vec![open]))
        }
        Reach::Nothing => Some(Claim::no(Finding::ScopeMissing.code(), place, "there are none")),
        Reach::Not => {
            let detail = format!("none of {} reaches Artifact Registry", names.join(", "));
            Some(Claim::no(Finding::ScopeMissing.code(), place, detail))
        }
    }
}
