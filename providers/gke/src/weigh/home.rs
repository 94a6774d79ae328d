//! Where an asker lives: the project that owns it, and the folders and the organisation above. Sets of principals and
//! access boundaries go by that.

use super::index::{Index, Row};
use super::member::Asker;
use super::outcome::Outcome;
use super::reading::unread;
use crate::cluster;
use crate::facts::table;
use pullaudit_core::Obstacle;

/// What the sets of all accounts of one kind in a project, a folder or an organisation begin with.
///
/// Source: Google Cloud, IAM documentation, principal identifiers.
pub(super) const SETS: &str = "principalSet://cloudresourcemanager.googleapis.com/";

/// Whether the asker is in `{projects|folders|organizations}/N/type/{ServiceAccount|ServiceAgent}`; `None` for a set
/// of another form.
pub(super) fn in_set(asker: &Asker, set: &str, index: &Index) -> Option<Outcome> {
    let (resource, kind) = set.split_once("/type/")?;
    match (asker, kind) {
        (Asker::Federated(..) | Asker::Anonymous, "ServiceAccount" | "ServiceAgent")
        | (Asker::Account(_), "ServiceAgent") => Some(Outcome::No),
        (Asker::Account(_), "ServiceAccount") | (Asker::Agent(_), "ServiceAgent") => {
            lives_in(asker, resource, index)
        }
        // Whether Google's own agents count among the accounts is not documented.
        _ => None,
    }
}

/// Whether the project that owns the asker is, or lies in, a resource; `None` for a resource of another form.
fn lives_in(asker: &Asker, resource: &str, index: &Index) -> Option<Outcome> {
    let (kind, id) = resource.split_once('/')?;
    let home = project(asker, index)?;
    match kind {
        "projects" if id == home => Some(Outcome::Yes),
        "projects" if !digits(id) => None,
        "projects" if digits(&home) => Some(Outcome::No),
        "projects" => Some(match index.projects.get(&home) {
            Some(Row::Got(body)) => Outcome::when(body.name == resource),
            Some(Row::Open(open, _)) => Outcome::Open(open.clone()),
            Some(Row::Absent) | None => Outcome::Open(unread(table::PROJECTS, &home, Obstacle::NotAsked)),
        }),
        "folders" | "organizations" => Some(match index.ancestry.get(&home) {
            Some(Row::Got(above)) => Outcome::when(above.iter().any(|one| one == resource)),
            Some(Row::Open(open, _)) => Outcome::Open(open.clone()),
            Some(Row::Absent) | None => Outcome::Open(unread(table::ANCESTRY, &home, Obstacle::NotAsked)),
        }),
        _ => None,
    }
}

/// The project that owns an asker, by id or by number; `None` where its name tells none.
pub(super) fn project(asker: &Asker, index: &Index) -> Option<String> {
    match asker {
        Asker::Account(id) | Asker::Federated(id, _) => cluster::home(id),
        Asker::Agent(email) => {
            let number = email.strip_prefix("service-")?.split('@').next()?;
            let known = index.projects.iter().find(|(_, row)| match row {
                Row::Got(body) => body.name.strip_prefix("projects/") == Some(number),
                _ => false,
            });
            Some(known.map_or_else(|| number.to_owned(), |(id, _)| id.clone()))
        }
        Asker::Anonymous => None,
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
