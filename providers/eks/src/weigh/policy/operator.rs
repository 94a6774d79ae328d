//! The operators of conditions.

use super::pattern::{glob, glob_arn_fields, glob_prefix, lower};
use crate::weigh::request::Value;
use jiff::{Timestamp, civil, tz::TimeZone};
use std::cmp::Ordering;

/// An operator with its prefix and suffix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    pub(crate) test: Test,
    /// `…Not…`: holds when no value matches.
    pub(crate) negated: bool,
    if_exists: bool,
    set: Set,
}

/// How one value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Text,
    TextIgnoringCase,
    Like,
    Number(Bound),
    Date(Bound),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
    Unknown,
}

/// Which orders of (value of the request, value of the policy) hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    None,
    Any,
    All,
}

impl Operator {
    /// Reads `ForAnyValue:StringLikeIfExists` and its kind. A name that is none becomes
    /// [`Test::Unknown`], which is never taken for false.
    pub(crate) fn parse(name: &str) -> Self {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Set::All, rest),
            Some(("ForAnyValue", rest)) => (Set::Any, rest),
            _ => (Set::None, name),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let (test, negated) = match base {
            "StringEquals" => (Test::Text, false),
            "StringNotEquals" => (Test::Text, true),
            "StringEqualsIgnoreCase" => (Test::TextIgnoringCase, false),
            "StringNotEqualsIgnoreCase" => (Test::TextIgnoringCase, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            "Bool" => (Test::Bool, false),
            "BinaryEquals" => (Test::Binary, false),
            "IpAddress" => (Test::Address, false),
            "NotIpAddress" => (Test::Address, true),
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            "Null" if !if_exists && set == Set::None => (Test::Null, false),
            _ => of_bounds(base),
        };
        Self { test, negated, if_exists, set }
    }

    pub(crate) fn takes_wildcards(self) -> bool {
        matches!(self.test, Test::Like | Test::Arn)
    }

    /// True for `ForAnyValue:…` and `ForAllValues:…`.
    pub(crate) fn is_over_sets(self) -> bool {
        self.set != Set::None
    }

    /// True for comparisons of dates and numbers with `Less` or `Greater`.
    pub(crate) fn is_of_order(self) -> bool {
        matches!(self.test, Test::Date(bound) | Test::Number(bound) if bound != Bound::Equal)
    }

    /// What it says of a key that the request lacks.
    pub(crate) fn of_absent(self) -> bool {
        self.if_exists || self.set == Set::All || (self.negated && self.set == Set::None)
    }

    /// Whether a value matches, before negation; `None` where the two can't be compared.
    pub(crate) fn compare(self, pattern: &[u8], value: &Value<'_>) -> Option<bool> {
        match (self.test, value) {
            (Test::Text | Test::Like | Test::Binary, Value::Text(text)) => Some(glob(pattern, text)),
            (Test::Text | Test::Like, Value::OtherThan(text)) => (pattern == text.as_bytes()).then_some(false),
            (Test::TextIgnoringCase, Value::Text(text)) => Some(glob(&lower(pattern), &text.to_ascii_lowercase())),
            (Test::Text | Test::Like, Value::StartsWith(prefix)) => glob_prefix(pattern, prefix),
            (Test::TextIgnoringCase, Value::StartsWith(prefix)) => {
                glob_prefix(&lower(pattern), &prefix.to_ascii_lowercase())
            }
            (Test::Arn, Value::Text(text)) => glob_arn_fields(pattern, text),
            (Test::Bool, Value::Text(text)) => {
                let pattern = std::str::from_utf8(pattern).ok()?;
                matches!(pattern.to_ascii_lowercase().as_str(), "true" | "false")
                    .then(|| pattern.eq_ignore_ascii_case(text))
            }
            (Test::Number(bound), value) => {
                let wanted: f64 = std::str::from_utf8(pattern).ok()?.trim().parse().ok()?;
                number(value)?.partial_cmp(&wanted).map(|order| bound.holds(order))
            }
            (Test::Date(bound), value) => {
                let wanted = date(std::str::from_utf8(pattern).ok()?)?;
                let found = match value {
                    Value::Time(at) => *at,
                    Value::Text(text) => date(text)?,
                    _ => return None,
                };
                Some(bound.holds(found.cmp(&wanted)))
            }
            _ => None,
        }
    }
}

fn of_bounds(base: &str) -> (Test, bool) {
    let (kind, bound): (fn(Bound) -> Test, &str) = match (base.strip_prefix("Numeric"), base.strip_prefix("Date"))
    {
        (Some(bound), _) => (Test::Number, bound),
        (_, Some(bound)) => (Test::Date, bound),
        _ => return (Test::Unknown, false),
    };
    match bound {
        "Equals" => (kind(Bound::Equal), false),
        "NotEquals" => (kind(Bound::Equal), true),
        "LessThan" => (kind(Bound::Less), false),
        "LessThanEquals" => (kind(Bound::LessOrEqual), false),
        "GreaterThan" => (kind(Bound::Greater), false),
        "GreaterThanEquals" => (kind(Bound::GreaterOrEqual), false),
        _ => (Test::Unknown, false),
    }
}

impl Bound {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Text(text) => text.trim().parse().ok(),
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double exactly")]
        Value::Time(at) => Some(at.as_second() as f64),
        Value::StartsWith(_)
        | Value::Between(..)
        | Value::OtherThan(_)
        | Value::Absent
        | Value::AbsentOr(_)
        | Value::Open(_) => None,
    }
}

/// A date as policies write it: ISO 8601 with or without a time, or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    let day = text.parse::<civil::Date>().ok().filter(|_| text.len() == 10)?;
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
