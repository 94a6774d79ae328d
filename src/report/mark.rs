//! How checks and incidents count, where that is not as they stand.

use super::{Check, Incident};

impl Check {
    /// How it counts, where that is not as it stands: `excepted`, `new` or `known`.
    pub fn mark(&self) -> Option<&'static str> {
        match (&self.exception, self.new) {
            (Some(_), _) => Some("excepted"),
            (None, Some(true)) => Some("new"),
            (None, Some(false)) => Some("known"),
            (None, None) => None,
        }
    }
}

impl Incident {
    /// True when it counts as drift: no exception covers it, and the baseline, where there is one, does not know it.
    pub fn is_drift(&self) -> bool {
        self.exception.is_none() && self.new != Some(false)
    }
}
