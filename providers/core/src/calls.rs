//! Counting what was asked of the clouds.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// What pullaudit asked for, each page counted.
    pub operations: u64,
    /// What went over the wire, retries included.
    pub attempts: u64,
}

/// A counter that every client of one run shares.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<String, CallCount>>);

impl Calls {
    /// Notes one operation of a service.
    pub fn operation(&self, service: &str) {
        self.add(service, |count| count.operations += 1);
    }

    /// Notes one attempt on the wire.
    pub fn attempt(&self, service: &str) {
        self.add(service, |count| count.attempts += 1);
    }

    /// The counts so far, by service.
    pub fn counts(&self) -> BTreeMap<String, CallCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, service: &str, change: impl FnOnce(&mut CallCount)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(service.to_owned()).or_default());
    }
}
