//! The commands that write, and how they are told to.

use super::selecting::duration;
use super::{Judging, Reading, Select, Source};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// `pullaudit fix`
#[derive(Debug, Args)]
pub struct Fix {
    /// What to ask about.
    #[command(flatten)]
    pub source: Source,
    /// Which clusters.
    #[command(flatten)]
    pub select: Select,
    /// How to judge.
    #[command(flatten)]
    pub judging: Judging,
    /// How to read.
    #[command(flatten)]
    pub reading: Reading,
    /// Show the plan and write nothing.
    #[arg(long, help_heading = "Plan")]
    pub dry_run: bool,
    /// Where to save the plan.
    #[arg(long, value_name = "FILE", help_heading = "Plan")]
    pub plan_out: Option<PathBuf>,
    /// How to write.
    #[command(flatten)]
    pub writing: Writing,
    /// Output format: json is the plan of a dry run, else the receipt.
    #[arg(short, long, value_name = "FORMAT", default_value = "people", help_heading = "Plan")]
    pub output: PlanOutput,
}

/// `pullaudit apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// A plan that fix --plan-out saved.
    #[arg(value_name = "FILE")]
    pub plan: PathBuf,
    /// Where its clouds and clusters are.
    #[command(flatten)]
    pub select: Select,
    /// How to read.
    #[command(flatten)]
    pub reading: Reading,
    /// How to write.
    #[command(flatten)]
    pub writing: Writing,
    /// Output format: json is the receipt.
    #[arg(short, long, value_name = "FORMAT", default_value = "people", help_heading = "Plan")]
    pub output: PlanOutput,
}

/// `pullaudit undo`
#[derive(Debug, Args)]
pub struct Undo {
    /// A receipt that fix or apply wrote.
    #[arg(value_name = "FILE")]
    pub receipt: PathBuf,
    /// Show what would be taken back and what would break again, and write nothing.
    #[arg(long, help_heading = "Plan")]
    pub dry_run: bool,
    /// Where its clouds are.
    #[command(flatten)]
    pub select: Select,
    /// How to read.
    #[command(flatten)]
    pub reading: Reading,
    /// How to write.
    #[command(flatten)]
    pub writing: Writing,
    /// Output format: json is the plan of a dry run, else the receipt.
    #[arg(short, long, value_name = "FORMAT", default_value = "people", help_heading = "Plan")]
    pub output: PlanOutput,
}

/// How to write.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct Writing {
    /// Write without asking.
    #[arg(long)]
    pub yes: bool,
    /// Write also what is wider than needed, or shared (broad), or what serves nobody any more (prune).
    #[arg(long, value_name = "KIND")]
    pub consent: Vec<Consent>,
    /// Refuse a plan that writes more; 50, or what the config says.
    #[arg(long, value_name = "N")]
    pub max_changes: Option<usize>,
    /// Where to keep the receipt; a file that is there is never replaced.
    #[arg(long, value_name = "FILE")]
    pub receipt_out: Option<PathBuf>,
    /// How long to wait until the cloud lists what was written and a refused pod has pulled.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub verify_timeout: Duration,
}

/// What `--consent` agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Consent {
    /// Grants that are wider than what is needed, and documents that are shared with others.
    Broad,
    /// Taking away grants that serve nobody any more.
    Prune,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people.
    #[default]
    People,
    /// `pullaudit/plan/1`
    Json,
}
