//! The command line, as the contract has it.

mod again;
pub mod lists;
mod selecting;
mod writing;

pub use again::Again;
pub use selecting::{AzureCloud, Judging, Reading, Select, Source};
pub use writing::{Apply, Consent, Fix, PlanOutput, Undo, Writing};

use crate::exit::FailOn;
use clap::{Args, Parser, Subcommand, ValueEnum};
use pullaudit_core::Severity;
use selecting::subscription;
use std::path::PathBuf;

/// Finds node identities that lost the right to pull images, before the next pod start does.
#[derive(Debug, Parser)]
#[command(name = "pullaudit", version, propagate_version = false, arg_required_else_help = true)]
#[command(after_help = "exit codes: 0 clean, 1 could not work, 2 drift, 3 incomplete, 64 usage")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Name on stderr every call that failed or was made again; twice for what the libraries say.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Only errors on stderr.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// No progress on stderr.
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Weigh the rights of every pool's identity on every image that workloads need, and report drift
    Audit(Box<Audit>),
    /// Plan the least changes that let denied pulls work again, show them, ask, write them, and verify
    Fix(Box<Fix>),
    /// Write a saved plan, and refuse a stale one
    Apply(Box<Apply>),
    /// Take back what a receipt says was written, and nothing else
    Undo(Box<Undo>),
    /// Write all facts that an audit needs to a file; no secret is in it
    Collect(Box<Collect>),
    /// Ask one question: may WHO pull IMAGE? `can-pull -` reads `IMAGE WHO` lines
    CanPull(Box<CanPull>),
    /// Compare two snapshots: identities replaced, grants lost, verdicts turned
    Diff(Diff),
    /// Say what image references mean
    Image(Image),
    /// Print the least rights that pullaudit itself needs: an Azure role, an IAM policy, a role of Kubernetes
    Permissions(Permissions),
    /// Say what a finding means, how it comes about and how to fix it by hand
    Explain(Explain),
    /// Print a completion script
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man {
        /// The page of one command.
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
    /// Print the version
    Version,
}

/// `pullaudit audit`
#[derive(Debug, Args)]
pub struct Audit {
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
    /// Output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "people", help_heading = "Report")]
    pub output: Output,
    /// Every check, not only incidents.
    #[arg(long, help_heading = "Report")]
    pub all: bool,
    /// What makes the run end with another code than 0.
    #[arg(long, value_name = "WHAT", default_value = "unknown", help_heading = "Report")]
    pub fail_on: FailOn,
    /// Denied checks below this do not fail the run: info, low, medium, high, critical.
    #[arg(long, value_name = "LEVEL", default_value = "low", value_parser = severity, help_heading = "Report")]
    pub severity_threshold: Severity,
    /// A former `-o json` report, for `--fail-on new`.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub baseline: Option<PathBuf>,
}

/// `pullaudit collect`
#[derive(Debug, Args)]
pub struct Collect {
    /// Where to write the snapshot; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Put pseudonyms in the place of names, the same for a name in every snapshot. Every verdict stays as it is: both
    /// snapshots are judged. Keys of labels and tags stay, and words that a pattern looks into, which are told.
    #[arg(long)]
    pub redact: bool,
    /// What to ask about.
    #[command(flatten)]
    pub source: Source,
    /// Which clusters.
    #[command(flatten)]
    pub select: Select,
    /// How to read.
    #[command(flatten)]
    pub reading: Reading,
}

/// `pullaudit can-pull`
#[derive(Debug, Args)]
pub struct CanPull {
    /// The image, or `-` for `IMAGE WHO` pairs on standard input, one a line.
    pub image: String,
    /// A cluster, a cluster/pool, or an identity: role or session ARN.
    #[arg(long = "as", value_name = "WHO")]
    pub who: Option<String>,
    /// Facts from snapshots instead of the clouds.
    #[arg(long, value_name = "SNAPSHOT")]
    pub from: Vec<String>,
    /// Which clusters.
    #[command(flatten)]
    pub select: Select,
    /// How to judge.
    #[command(flatten)]
    pub judging: Judging,
    /// How to read.
    #[command(flatten)]
    pub reading: Reading,
    /// Output format: people or json.
    #[arg(short, long, value_name = "FORMAT", default_value = "people")]
    pub output: Output,
}

/// `pullaudit diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The earlier snapshot.
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The later snapshot.
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Clusters by full id, name or glob, with `/POOL` for one pool.
    #[arg(long, value_name = "CLUSTER[/POOL]")]
    pub cluster: Vec<String>,
    /// The config file, for its exceptions and public registries.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to judge: each at the time of its reading, or both at --as-of.
    #[command(flatten)]
    pub judging: Judging,
    /// Output format: people, json or yaml.
    #[arg(short, long, value_name = "FORMAT", default_value = "people")]
    pub output: Output,
}

/// `pullaudit image`
#[derive(Debug, Args)]
pub struct Image {
    /// The references; `-` reads one a line from standard input.
    #[arg(required = true, value_name = "REF")]
    pub references: Vec<String>,
    /// Output format: people or json.
    #[arg(short, long, value_name = "FORMAT", default_value = "people")]
    pub output: Output,
}

/// `pullaudit permissions`
#[derive(Debug, Args)]
pub struct Permissions {
    /// The cloud, or kubernetes for the cluster's own API.
    #[arg(long, value_name = "CLOUD")]
    pub provider: String,
    /// What it is to do with them.
    #[arg(long = "for", value_name = "PURPOSE", default_value = "audit")]
    pub purpose: Purpose,
    /// Azure subscriptions on which the role can be assigned.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = subscription)]
    pub subscription: Vec<String>,
    /// Google Cloud projects in which the role can be bound.
    #[arg(long, value_name = "PROJECT", value_delimiter = ',', value_parser = lists::item)]
    pub project: Vec<String>,
    /// With the right to read pull secrets, for --read-secrets.
    #[arg(long)]
    pub read_secrets: bool,
    /// The config, for its scopes (default pullaudit.yaml if present).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What rights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Reading.
    Audit,
    /// Reading, writing, and taking back.
    Fix,
}

/// `pullaudit explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// A finding, or with --from the id of a check; without it, every finding in a line.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// A `-o json` report that holds the check.
    #[arg(long, value_name = "REPORT")]
    pub from: Option<PathBuf>,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Incidents, for people.
    People,
    /// A table, one row a check.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let words = || all.map(Severity::as_str).join(", ");
    all.into_iter().find(|level| level.as_str() == text).ok_or_else(|| format!("expected one of {}", words()))
}
