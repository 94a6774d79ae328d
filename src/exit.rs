//! How a run ends.

/// The exit codes of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every question answered, nothing denied.
    Clean,
    /// An image that a workload needs is denied.
    Drift,
    /// Nothing denied, but an answer is unknown or a scope could not be read.
    Incomplete,
    /// A write failed or was stale, or a right to write is missing.
    Failed,
    /// The user ended it while something was written; the receipt is right.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Drift => 2,
            Self::Incomplete => 3,
            Self::Failed => FAILED,
            Self::Interrupted => INTERRUPTED,
        }
    }

    /// The last line for people.
    pub fn line(self) -> &'static str {
        match self {
            Self::Clean => "exit 0: every question answered, nothing denied",
            Self::Drift => "exit 2: drift",
            Self::Incomplete => "exit 3: incomplete",
            Self::Failed => "exit 1: not all of it could be done",
            Self::Interrupted => "exit 130: interrupted",
        }
    }
}

/// The program could not do its work.
pub const FAILED: u8 = 1;
/// Interrupted by the user, as shells count it.
pub const INTERRUPTED: u8 = 130;
/// Wrong usage.
pub const USAGE: u8 = 64;

/// Which results make a run exit non-zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Denied, and where nothing is denied, unknown.
    #[default]
    Unknown,
    /// Denied only.
    Denied,
    /// Only what the baseline did not deny already.
    New,
    /// Nothing.
    Never,
}
