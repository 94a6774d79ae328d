//! The parts of a condition, and the value of a whole one from those of its parts.

use super::super::outcome::Outcome;
use super::compare::{Attribute, Comparison};
use super::{Access, wildcard};

/// A condition or a part of it.
///
/// Chains are flat, so that a long condition is no deeper than a short one.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// The opposite of its part.
    Not(Box<Expression>),
    /// Every part must hold.
    All(Vec<Expression>),
    /// One part is enough.
    Any(Vec<Expression>),
    /// The action is one that the pattern covers.
    ActionMatches(String),
    /// The request is of a certain kind within its action, which nothing tells in advance.
    SubOperationMatches(String),
    /// The attribute has a value, or has none: which of both is asked makes no difference here.
    Presence(Attribute),
    /// An attribute against values.
    Comparison(Comparison),
}

impl Expression {
    /// Yes or no wherever the parts that can be decided settle it.
    pub(super) fn holds(&self, access: &Access<'_>) -> Outcome {
        match self {
            Self::Not(part) => part.holds(access).negate(),
            Self::All(parts) => parts.iter().fold(Outcome::Yes, |so_far, part| so_far.and(part.holds(access))),
            Self::Any(parts) => parts.iter().fold(Outcome::No, |so_far, part| so_far.or(part.holds(access))),
            Self::ActionMatches(pattern) => Outcome::when(wildcard::covers(pattern, access.action)),
            Self::SubOperationMatches(kind) => Outcome::Open(
                format!("the condition asks for the suboperation {kind:?}, which is not known").into(),
            ),
            Self::Presence(attribute) => {
                Outcome::Open(format!("the condition asks whether {attribute} exists, which is not known").into())
            }
            Self::Comparison(comparison) => comparison.holds(access.repository),
        }
    }

    /// Collects the prefixes that let more than one folder in; `admits` says whether this part holding
    /// helps the whole to hold.
    pub(super) fn open_prefixes<'a>(&'a self, admits: bool, found: &mut Vec<&'a str>) {
        match self {
            Self::Not(part) => part.open_prefixes(!admits, found),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.open_prefixes(admits, found);
                }
            }
            Self::Comparison(comparison) if admits => {
                for prefix in comparison.open_prefixes() {
                    // Reading and writing often have a block each, with the same prefixes.
                    if !found.contains(&prefix) {
                        found.push(prefix);
                    }
                }
            }
            Self::Comparison(_) | Self::ActionMatches(_) | Self::SubOperationMatches(_) | Self::Presence(_) => {}
        }
    }
}
