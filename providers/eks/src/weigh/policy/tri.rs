//! Yes, no, or what would tell.

use pullaudit_core::Open;

/// Whether a part of a statement applies to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tri {
    Yes,
    No,
    /// These would tell.
    Open(Vec<Open>),
}

impl Tri {
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    pub(crate) fn open(open: Open) -> Self {
        Self::Open(vec![open])
    }

    /// Something that no reading settles.
    pub(crate) fn undecidable(what: String) -> Self {
        Self::open(Open::undecidable(what))
    }

    /// A known no wins over what is not known.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, other) => other,
            (this, Self::Yes) => this,
            (Self::Open(mut opens), Self::Open(more)) => {
                opens.extend(more);
                Self::Open(opens)
            }
        }
    }

    /// A known yes wins over what is not known.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, other) => other,
            (this, Self::No) => this,
            (Self::Open(mut opens), Self::Open(more)) => {
                opens.extend(more);
                Self::Open(opens)
            }
        }
    }

    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            open @ Self::Open(_) => open,
        }
    }

    /// All of them; stops at the first no.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for part in parts {
            all = all.and(part);
            if matches!(all, Self::No) {
                break;
            }
        }
        all
    }

    /// One of them; stops at the first yes.
    pub(crate) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::No;
        for part in parts {
            any = any.or(part);
            if matches!(any, Self::Yes) {
                break;
            }
        }
        any
    }
}
