//! Whether an identity can sign in at all: the directory has it, it is enabled, and a secret of it is valid.

use super::index::rows;
use crate::codes::Finding;
use crate::facts::{Application, PasswordCredential, ServicePrincipal, table};
use jiff::Timestamp;
use pullaudit_core::{Claim, Obstacle, Open, Read, Section};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

const PRINCIPAL_RIGHT: &str = "Directory.Read.All";
const APPLICATION_RIGHT: &str = "Application.Read.All";

/// What was read of the directory.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// By object id.
    principals: HashMap<String, Read<ServicePrincipal>>,
    /// By application id: those that pull for a cluster.
    applications: HashMap<String, Read<Application>>,
}

impl Directory {
    pub(crate) fn open(section: &Section) -> Self {
        Self { principals: table(section, table::PRINCIPALS), applications: table(section, table::APPLICATIONS) }
    }

    /// True where the directory has no object of that id any more.
    pub(crate) fn has_lost(&self, object: &str) -> bool {
        matches!(self.principals.get(object), Some(Read::Absent))
    }

    /// The application id of an identity, where it was read.
    pub(crate) fn application_of(&self, object: &str) -> Option<&str> {
        self.principals.get(object)?.got()?.app_id.as_deref()
    }

    /// Why it is not known whether the directory has an object.
    pub(crate) fn unread(&self, object: &str) -> Option<Open> {
        match self.principals.get(object) {
            None => Some(principal(object, Obstacle::NotAsked)),
            Some(Read::Unread(open)) => Some(open.clone()),
            Some(Read::Got(_) | Read::Absent) => None,
        }
    }

    /// Facts "it can sign in". Who may not read the directory is told so, but a default audit takes the identity that a
    /// cluster names for one that is there.
    pub(crate) fn claims(&self, object: &str, who: &str, at: Timestamp) -> Vec<Claim> {
        let place =
            || if who == object { format!("identity {object}") } else { format!("identity {who} ({object})") };
        let no = |finding: Finding, detail: String| vec![Claim::no(finding.code(), place(), detail)];
        let known = match self.principals.get(object) {
            Some(Read::Got(known)) => known,
            Some(Read::Absent) => {
                return no(Finding::IdentityDeleted, "the directory has no object of this id any more".to_owned());
            }
            Some(Read::Unread(_)) | None => {
                return self.unread(object).map(|open| assumed(&place(), &open)).into_iter().collect();
            }
        };
        match known.account_enabled {
            Some(true) => {}
            Some(false) => return no(Finding::IdentityDisabled, "its account is disabled".to_owned()),
            None => {
                let obstacle = Obstacle::NotAsked;
                let reading = format!("accountEnabled of {object}");
                return vec![assumed(&place(), &Open::unread(reading, PRINCIPAL_RIGHT, "the tenant", obstacle))];
            }
        }
        match self.secrets(known, at) {
            Secrets::Valid => Vec::new(),
            Secrets::Ended(why) => no(Finding::IdentitySecretsEnded, why),
            Secrets::Open(open) => vec![assumed(&place(), &open)],
        }
    }

    /// A cluster that pulls as an application signs in by one of its secrets, which stand at the application or at its
    /// service principal.
    fn secrets(&self, known: &ServicePrincipal, at: Timestamp) -> Secrets {
        let Some(id) = known.app_id.as_deref() else { return Secrets::Valid };
        let Some(application) = self.applications.get(&id.to_ascii_lowercase()) else { return Secrets::Valid };
        let of_principal = known.password_credentials.as_deref();
        let lacks = |what: &str| {
            let reading = format!("secrets of {what} {id}");
            Secrets::Open(Open::unread(reading, APPLICATION_RIGHT, "the tenant", Obstacle::NotAsked))
        };
        let of_application = match application {
            Read::Got(application) => application.password_credentials.as_deref(),
            Read::Absent if of_principal.is_some_and(|secrets| !secrets.is_empty()) => Some(&[] as &[_]),
            Read::Absent => {
                return if valid(of_principal.unwrap_or_default(), at) == Some(true) {
                    Secrets::Valid
                } else {
                    let why =
                        "it is registered in another tenant; sign in there to read until when they are valid";
                    let (reading, why) = (format!("secrets of application {id}"), Obstacle::Blocked(why.into()));
                    Secrets::Open(Open::unread(reading, APPLICATION_RIGHT, "its own tenant", why))
                };
            }
            Read::Unread(open) => {
                let valid = valid(of_principal.unwrap_or_default(), at) == Some(true);
                return if valid { Secrets::Valid } else { Secrets::Open(open.clone()) };
            }
        };
        let lists = [of_principal, of_application];
        let all: Vec<PasswordCredential> = lists.into_iter().flatten().flatten().cloned().collect();
        match (valid(&all, at), of_principal, of_application) {
            (Some(true), ..) => Secrets::Valid,
            (_, None, _) => lacks("the service principal of application"),
            (_, _, None) => lacks("application"),
            (None, ..) => {
                Secrets::Open(Open::undecidable(format!("until when the secrets of application {id} are valid")))
            }
            (Some(false), ..) => {
                Secrets::Ended(match all.iter().filter_map(|one| one.end_date_time.as_deref()).max() {
                    Some(last) => {
                        format!("none of the secrets of application {id} is valid; the last ended at {last}")
                    }
                    None => format!("application {id} has no secret"),
                })
            }
        }
    }
}

enum Secrets {
    Valid,
    Ended(String),
    Open(Open),
}

/// Whether one of them is valid; `None` where that hangs on one whose dates can't be read.
fn valid(secrets: &[PasswordCredential], at: Timestamp) -> Option<bool> {
    let time = |text: &Option<String>| text.as_deref().map(str::parse::<Timestamp>);
    let one = |secret: &PasswordCredential| match (time(&secret.start_date_time), time(&secret.end_date_time)) {
        (Some(Err(_)), _) | (_, Some(Err(_))) => None,
        (start, end) => {
            let begun = start.and_then(Result::ok).is_none_or(|start| start <= at);
            Some(begun && end.and_then(Result::ok).is_none_or(|end| end > at))
        }
    };
    let all: Vec<Option<bool>> = secrets.iter().map(one).collect();
    if all.contains(&Some(true)) { Some(true) } else { (!all.contains(&None)).then_some(false) }
}

/// A gap that a default audit reads as "it can sign in", see `docs/decisions`.
fn assumed(place: &str, open: &Open) -> Claim {
    let mut open = open.clone();
    if let Open::Unread { assumable, .. } = &mut open {
        *assumable = true;
    }
    Claim::open(Finding::IdentityUnverified.code(), place.to_owned(), "must be able to sign in", vec![open])
}

fn principal(object: &str, obstacle: Obstacle) -> Open {
    Open::unread(format!("principal {object}"), PRINCIPAL_RIGHT, "the tenant", obstacle)
}

fn table<T: DeserializeOwned>(section: &Section, name: &str) -> HashMap<String, Read<T>> {
    let one = |reading: &Read<serde_json::Value>| match reading {
        Read::Absent => Some(Read::Absent),
        Read::Unread(open) => Some(Read::Unread(open.clone())),
        Read::Got(value) => T::deserialize(value).ok().map(Read::Got),
    };
    rows(section, name).filter_map(|(key, reading)| Some((key.to_ascii_lowercase(), one(reading)?))).collect()
}
