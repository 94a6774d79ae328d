//! What questions need read: the repositories that images name and the accounts that ask.

use crate::cluster::account_project;
use crate::host::{Place, place};
use pullaudit_core::{Credential, Question};
use std::collections::{BTreeMap, BTreeSet};

/// Each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Full ids of repositories; true where an image names one by a host of gcr.io.
    pub(crate) repositories: BTreeMap<String, bool>,
    /// E-mails of accounts whose own project is known.
    pub(crate) accounts: BTreeSet<String>,
    /// Ids of all who ask.
    pub(crate) askers: BTreeSet<String>,
}

impl Needs {
    pub(crate) fn of(questions: &[Question]) -> Self {
        let mut needs = Self::default();
        for question in questions {
            let Some(Place::Repository(location)) = place(&question.image) else { continue };
            *needs.repositories.entry(location.id()).or_default() |= location.transition;
            if let Credential::Principal(principal) = &question.by {
                let id = principal.id.to_ascii_lowercase();
                if account_project(&id).is_some() {
                    needs.accounts.insert(id);
                }
                needs.askers.insert(principal.id.clone());
            }
        }
        needs
    }
}

/// The project of a repository's full id.
pub(crate) fn project(repository: &str) -> &str {
    repository.split('/').nth(1).unwrap_or_default()
}
