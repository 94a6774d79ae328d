//! Whether something applies, when part of it may not be known.

use pullaudit_core::Open;

/// Three values, the third with what would settle it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It can't be told before this is settled.
    Open(Open),
}

impl Outcome {
    /// Open, with the reason as a sentence.
    pub(crate) fn undecidable(what: impl Into<pullaudit_core::Text>) -> Self {
        Self::Open(Open::undecidable(what))
    }

    /// Refused by one `No`. Of two reasons to leave it open the first in order is kept, so that the order of
    /// parts never shows.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Open(one), Self::Open(other)) => Self::Open(one.min(other)),
            (Self::Open(why), Self::Yes) | (Self::Yes, Self::Open(why)) => Self::Open(why),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Held by one `Yes`.
    pub(crate) fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// The opposite; what is open stays open.
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Open(why) => Self::Open(why),
        }
    }

    pub(crate) fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}
