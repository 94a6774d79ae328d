//! Whether the condition of a role assignment holds for one action on one repository.
//!
//! Azure's access conditions (version 2.0) are read into a tree and evaluated with three values: a
//! part that can't be decided leaves the whole open only where the whole depends on it.

mod compare;
mod grammar;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod unread;
mod wildcard;

use pullaudit_core::Text;

use super::outcome::Outcome;
use tree::Expression;
pub(crate) use wildcard::covers;

/// The one attribute whose value an audit knows.
const REPOSITORY_NAME: &str = "Microsoft.ContainerRegistry/registries/repositories:name";

/// The only version of the language that Azure accepts today.
const VERSION: &str = "2.0";

/// A condition that can be asked about any access, also if its text could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Condition(Reading);

/// What reading the text came to.
#[derive(Clone, Debug)]
enum Reading {
    Tree(Expression),
    /// Nothing was decided, so that no access is granted or refused on a guess.
    Unread(Text),
    /// The answer lost this field, so that it is to be read again.
    Lost(&'static str),
}

/// One action or data action on one repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    /// The full name, such as `Microsoft.ContainerRegistry/registries/repositories/content/read`.
    pub(crate) action: &'a str,
    /// The repository's name without the registry's host, in lower case as registries keep it.
    pub(crate) repository: &'a str,
}

impl Condition {
    /// Never fails: a text that can't be read, or a version other than 2.0, is a condition that stays
    /// open for every access and says where the text stopped making sense.
    pub(crate) fn parse(text: &str, version: Option<&str>) -> Self {
        let tree = match version {
            Some(VERSION) => grammar::read(text),
            Some(other) => Err(format!("the condition has version {other:?}, only {VERSION} can be read").into()),
            None => return Self(Reading::Lost("conditionVersion")),
        };
        Self(match tree {
            Ok(tree) => Reading::Tree(tree),
            Err(why) => Reading::Unread(why),
        })
    }

    /// A condition whose text is not in the answer.
    pub(crate) fn lost() -> Self {
        Self(Reading::Lost("condition"))
    }

    /// The field of the condition that the answer lost.
    pub(crate) fn lost_field(&self) -> Option<&'static str> {
        if let Reading::Lost(field) = self.0 { Some(field) } else { None }
    }

    /// An action that the condition does not target is let through, as the text of a condition says
    /// so itself: `!(ActionMatches{…}) OR …`.
    pub(crate) fn holds(&self, access: &Access<'_>) -> Outcome {
        match &self.0 {
            Reading::Tree(tree) => tree.holds(access),
            Reading::Unread(why) => Outcome::Open(why.clone()),
            Reading::Lost(field) => {
                Outcome::Open(format!("a condition whose {field} is not in the answer").into())
            }
        }
    }

    /// Prefixes of repository names that match more than one folder, as they do not end in `/`:
    /// `team` is also the start of `teammates/…`. Those under a negation are left out, as they let
    /// nothing in.
    pub(crate) fn open_prefixes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        if let Reading::Tree(tree) = &self.0 {
            tree.open_prefixes(true, &mut found);
        }
        found
    }
}
