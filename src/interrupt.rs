//! Ctrl-C while a cloud is written: what is in flight is finished, and nothing more is begun.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the user and the run tell each other.
#[derive(Debug, Default)]
pub struct Interrupt {
    writing: AtomicBool,
    asked: AtomicBool,
}

impl Interrupt {
    /// Says that a write may be in flight from now on, so that the run must not be dropped.
    pub fn begin(&self) {
        self.writing.store(true, Ordering::SeqCst);
    }

    /// Whether something was or may have been written.
    pub fn writing(&self) -> bool {
        self.writing.load(Ordering::SeqCst)
    }

    /// Asks the run to end. False where nothing is in flight, or where it was asked before: then it can be
    /// dropped, since the receipt on disk is right at every moment.
    pub fn ask(&self) -> bool {
        !self.asked.swap(true, Ordering::SeqCst) && self.writing()
    }

    /// Whether the run was asked to end.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits; false where the run was asked to end meanwhile.
    pub async fn sleep(&self, time: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(100);
        let mut left = time;
        while !left.is_zero() && !self.asked() {
            let step = left.min(STEP);
            tokio::time::sleep(step).await;
            left -= step;
        }
        !self.asked()
    }
}
