//! Things that are true before they can be seen.

use std::time::{Duration, Instant};

/// How long something stays out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It is seen at once.
    None,
    /// The first so many looks miss it. Tests that count looks do not depend on a clock.
    Calls(u32),
    /// It is missed for so long.
    Time(Duration),
}

/// A lag that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    lag: Lag,
    since: Instant,
    looks: u32,
}

impl Gate {
    /// Begins now.
    pub(crate) fn new(lag: Lag) -> Self {
        Self { lag, since: Instant::now(), looks: 0 }
    }

    /// One look: whether the lag is over.
    pub(crate) fn look(&mut self) -> bool {
        match self.lag {
            Lag::None => true,
            Lag::Calls(misses) => {
                self.looks = self.looks.saturating_add(1);
                self.looks > misses
            }
            Lag::Time(time) => self.since.elapsed() >= time,
        }
    }
}
