//! The actions that a pull needs, and the `Action` elements that cover them.

use super::pattern::{Language, Pattern, Resolved, glob, lower};
use std::convert::Infallible;

/// The actions that matter to a pull, or tell a puller from one who pushes, each a bit, in the order of [`Acts`]'
/// constants.
const NAMES: [&str; 7] = [
    "ecr:getauthorizationtoken",
    "ecr:batchgetimage",
    "ecr:getdownloadurlforlayer",
    "ecr:batchimportupstreamimage",
    "ecr:createrepository",
    "ecr:putimage",
    "sts:assumerolewithwebidentity",
];

/// A set of those actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acts(u8);

impl Acts {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(0b111_1111);
    pub(crate) const TOKEN: Self = Self(1);
    pub(crate) const BATCH_GET: Self = Self(1 << 1);
    pub(crate) const LAYER_URL: Self = Self(1 << 2);
    pub(crate) const IMPORT: Self = Self(1 << 3);
    pub(crate) const CREATE: Self = Self(1 << 4);
    /// What replaces images: no pull needs it.
    pub(crate) const PUSH: Self = Self(1 << 5);
    /// What a token of a service account needs of a role that it takes on.
    pub(crate) const ASSUME: Self = Self(1 << 6);
    /// What reads an image: both are needed.
    pub(crate) const PULL: Self = Self(Self::BATCH_GET.0 | Self::LAYER_URL.0);
    /// What a registry policy governs by its newer scope only.
    pub(crate) const SCOPED: Self = Self(Self::TOKEN.0 | Self::PULL.0);

    pub(crate) fn touches(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(crate) fn covers(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    pub(crate) fn splits(self, others: Self) -> bool {
        self.touches(others) && !self.covers(others)
    }

    fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// What an `Action` element covers of them, or what is wrong with it.
    ///
    /// Names are matched without case; `ecr:` never covers `ecr-public:`. Source: IAM user guide, "Action".
    pub(crate) fn of_action(values: &[&str]) -> Result<Self, String> {
        let mut acts = 0;
        for value in values {
            let service = value.split_once(':').map(|(service, _)| service);
            if *value != "*" && service.is_none_or(|service| service.is_empty() || service.contains(['*', '?'])) {
                return Err(format!("`{value}` is no action"));
            }
            let language = Language { wildcards: true, variables: false };
            let pattern: Pattern<()> = Pattern::compile(value, language, |_| ());
            if let Resolved::<Infallible>::Glob(bytes) = pattern.resolve(|()| super::pattern::Expansion::Absent) {
                let bytes = lower(&bytes);
                let covered = NAMES.iter().enumerate().filter(|(_, name)| glob(&bytes, name));
                acts |= covered.fold(0, |acts, (index, _)| acts | 1 << index);
            }
        }
        Ok(Self(acts))
    }

    /// What a `NotAction` element covers of them.
    pub(crate) fn of_not_action(values: &[&str]) -> Result<Self, String> {
        Self::of_action(values).map(|named| Self::ALL.without(named))
    }
}
