//! The tags of repositories, which some policies ask for.

use crate::facts::table;
use pullaudit_core::{Obstacle, Open, Read, Section};
use serde::Deserialize as _;
use std::collections::BTreeMap;

/// The right that reads them.
pub(crate) const PERMISSION: &str = "ecr:ListTagsForResource";

/// What is known of a repository's tags.
#[derive(Clone, Debug)]
pub(crate) enum Tags {
    Known(BTreeMap<String, String>),
    Open(Open),
}

/// What a repository's tags say under one key.
pub(crate) enum Tag<'a> {
    Value(&'a str),
    Absent,
    Open(Open),
}

impl Tags {
    /// Of the repository `A/R/NAME`; those of one that AWS publishes nobody can read.
    pub(crate) fn of(section: &Section, account: &str, key: &str, published: bool) -> Self {
        let reading = || format!("tags of repository {}", key.splitn(3, '/').nth(2).unwrap_or(key));
        match section.get(table::REPOSITORY_TAGS, key) {
            Some(Read::Got(tags)) => BTreeMap::deserialize(tags).map_or_else(
                |error| Self::Open(Open::undecidable(format!("{}: {error}", reading()))),
                Self::Known,
            ),
            Some(Read::Unread(open)) => Self::Open(open.clone()),
            None if published => Self::Open(Open::undecidable(format!("{}, which is AWS's", reading()))),
            Some(Read::Absent) => Self::Open(Open::undecidable(format!("{}, which does not exist", reading()))),
            None => {
                let scope = format!("account {account}");
                Self::Open(Open::unread(reading(), PERMISSION, scope, Obstacle::NotAsked))
            }
        }
    }

    /// The value of a tag. Keys of conditions are compared without case, those of ECR's tags are not: two that differ by
    /// case alone leave it open which one counts.
    pub(crate) fn get(&self, tag: &str) -> Tag<'_> {
        let tags = match self {
            Self::Known(tags) => tags,
            Self::Open(open) => return Tag::Open(open.clone()),
        };
        let mut found = tags.iter().filter(|(key, _)| key.eq_ignore_ascii_case(tag));
        match (found.next(), found.next()) {
            (None, _) => Tag::Absent,
            (Some((_, value)), None) => Tag::Value(value),
            (Some((one, _)), Some((other, _))) => {
                Tag::Open(Open::undecidable(format!("which of the tags {one} and {other} a condition means")))
            }
        }
    }
}
