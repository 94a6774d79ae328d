//! Whether a comparison holds for a repository's name; every other attribute leaves it open.

use std::fmt;

use pullaudit_core::Text;

use super::super::outcome::Outcome;
use super::{REPOSITORY_NAME, wildcard};

/// An attribute as the condition spells it.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    /// `Request`, `Resource`, `Principal` and the like.
    pub(super) source: String,
    /// What stands in the brackets, if there are any.
    pub(super) name: Option<String>,
}

impl Attribute {
    /// Request and resource are alike: Microsoft's own texts use both for a pull, and a pull asks for
    /// the repository that it gets.
    pub(super) fn is_repository_name(&self) -> bool {
        ["request", "resource"].iter().any(|source| self.source.eq_ignore_ascii_case(source))
            && self.name.as_ref().is_some_and(|name| name.trim().eq_ignore_ascii_case(REPOSITORY_NAME))
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "@{}[{name}]", self.source),
            None => write!(f, "@{}", self.source),
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// Its value may or may not be known.
    Attribute(Attribute),
    /// A text; a bare word or number is kept as it is written.
    Value(String),
    /// The texts of a `{…}`, maybe none.
    Set(Vec<String>),
}

impl Operand {
    fn attribute(&self) -> Option<&Attribute> {
        match self {
            Self::Attribute(attribute) => Some(attribute),
            Self::Value(_) | Self::Set(_) => None,
        }
    }

    fn values(&self) -> &[String] {
        match self {
            Self::Attribute(_) => &[],
            Self::Value(value) => std::slice::from_ref(value),
            Self::Set(values) => values,
        }
    }
}

/// How many of the values on the right must compare.
///
/// The first half of a quantifier, `ForAnyOf` or `ForAllOf`, counts the values on the left. A
/// repository has one name, so it makes no difference and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// One is enough; none of an empty set is.
    AnyValues,
    /// Each must; those of an empty set do.
    AllValues,
}

impl Quantifier {
    /// The quantifier of that name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "foranyofanyvalues" | "forallofanyvalues" => Some(Self::AnyValues),
            "foranyofallvalues" | "forallofallvalues" => Some(Self::AllValues),
            _ => None,
        }
    }
}

/// What a comparison does with its two sides.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    /// Compares texts, which a name can be put to.
    Texts(TextOperator),
    /// Any other one.
    Other,
}

/// A string operator, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextOperator {
    relation: Relation,
    negated: bool,
    ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equals,
    StartsWith,
    Like,
}

impl Operator {
    /// The operator of that name, in any case. A name that is not known is an operator too, as a new
    /// one must not make the rest of a condition unreadable.
    pub(super) fn named(name: &str) -> Self {
        TextOperator::named(name).map_or(Self::Other, Self::Texts)
    }
}

impl TextOperator {
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("string")?;
        let (name, ignore_case) = name.strip_suffix("ignorecase").map_or((name, false), |name| (name, true));
        let (name, negated) = name.strip_prefix("not").map_or((name, false), |name| (name, true));
        let relation = match name {
            "equals" => Relation::Equals,
            "startswith" => Relation::StartsWith,
            "like" => Relation::Like,
            _ => return None,
        };
        Some(Self { relation, negated, ignore_case })
    }

    fn compares(self, name: &str, value: &str) -> bool {
        let related = match self.relation {
            Relation::Equals if self.ignore_case => name.eq_ignore_ascii_case(value),
            Relation::Equals => name == value,
            Relation::StartsWith => {
                let start = name.get(..value.len());
                start.is_some_and(|start| {
                    if self.ignore_case { start.eq_ignore_ascii_case(value) } else { start == value }
                })
            }
            Relation::Like => wildcard::like(value, name, self.ignore_case),
        };
        related != self.negated
    }

    fn is_prefix(self) -> bool {
        self.relation == Relation::StartsWith && !self.negated
    }
}

/// Two sides and what relates them.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// An attribute, nearly always.
    pub(super) left: Operand,
    /// As written, for a message.
    pub(super) spelling: String,
    /// None for a comparison with one value.
    pub(super) quantifier: Option<Quantifier>,
    /// What must relate the sides.
    pub(super) operator: Operator,
    /// Values, or another attribute.
    pub(super) right: Operand,
}

impl Comparison {
    /// Decided for string operators on the repository's name; open, with a reason, for the rest.
    pub(super) fn holds(&self, repository: &str) -> Outcome {
        self.decide(repository).map_or_else(Outcome::Open, Outcome::when)
    }

    fn decide(&self, repository: &str) -> Result<bool, Text> {
        let mut attributes = [&self.left, &self.right].into_iter().filter_map(Operand::attribute);
        if let Some(unknown) = attributes.find(|attribute| !attribute.is_repository_name()) {
            return Err(format!("the condition depends on {unknown}, which is not known").into());
        }
        let Operator::Texts(operator) = self.operator else {
            return Err(self.unclear("does not compare texts"));
        };
        if self.left.attribute().is_none() || self.right.attribute().is_some() {
            return Err(self.unclear("has no attribute on its left and values on its right"));
        }
        let compares = |value: &String| operator.compares(repository, value);
        match (self.quantifier, self.right.values()) {
            // Microsoft defines a quantifier by the operator's result for each pair and lists the
            // negated forms of Equals and Like under it, but not those of StartsWith.
            (Some(_), _) if operator.negated && operator.relation == Relation::StartsWith => {
                Err(self.unclear("is not described by Microsoft"))
            }
            (Some(Quantifier::AnyValues), values) => Ok(values.iter().any(compares)),
            (Some(Quantifier::AllValues), values) => Ok(values.iter().all(compares)),
            (None, [value]) => Ok(compares(value)),
            (None, _) => Err(self.unclear("compares with several values but does not say how many must match")),
        }
    }

    fn unclear(&self, why: &str) -> Text {
        format!("the condition uses {}, which {why}", self.spelling).into()
    }

    /// Values that a name may start with although they end within a folder's name.
    pub(super) fn open_prefixes(&self) -> impl Iterator<Item = &str> {
        let is_prefix = matches!(self.operator, Operator::Texts(operator) if operator.is_prefix());
        let on_name = self.left.attribute().is_some_and(Attribute::is_repository_name);
        let values = if is_prefix && on_name { self.right.values() } else { &[] };
        values.iter().map(String::as_str).filter(|value| !value.ends_with('/'))
    }
}
