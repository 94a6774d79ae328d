//! The parts of a condition, and the value of a whole one from those of its parts.

use super::super::outcome::Outcome;
use jiff::Timestamp;
use pullaudit_core::Text;

/// A condition or a part of it. Chains are flat, so that a long condition is no deeper than a short one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// `true` or `false`.
    Constant(bool),
    /// The opposite of its part.
    Not(Box<Expression>),
    /// Every part must hold.
    All(Vec<Expression>),
    /// One part is enough.
    Any(Vec<Expression>),
    /// `request.time` against a moment.
    Time(Relation, Timestamp),
    /// Anything else: what it asks for.
    Other(Text),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Relation {
    /// The same with its sides exchanged.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    fn compares(self, left: Timestamp, right: Timestamp) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::GreaterOrEqual => left >= right,
            Self::Greater => left > right,
        }
    }
}

impl Expression {
    /// Yes or no wherever the parts that can be decided settle it.
    pub(super) fn holds(&self, at: Timestamp) -> Outcome {
        match self {
            Self::Constant(value) => Outcome::when(*value),
            Self::Not(part) => part.holds(at).negate(),
            Self::All(parts) => parts.iter().fold(Outcome::Yes, |so_far, part| so_far.and(part.holds(at))),
            Self::Any(parts) => parts.iter().fold(Outcome::No, |so_far, part| so_far.or(part.holds(at))),
            Self::Time(relation, moment) => Outcome::when(relation.compares(at, *moment)),
            Self::Other(what) => {
                Outcome::undecidable(format!("the condition asks for {what}, which is not known before a pull"))
            }
        }
    }

    /// Every moment that it names.
    pub(super) fn moments(&self, found: &mut Vec<Timestamp>) {
        match self {
            Self::Time(_, moment) => found.push(*moment),
            Self::Not(part) => part.moments(found),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.moments(found)),
            Self::Constant(_) | Self::Other(_) => {}
        }
    }
}
