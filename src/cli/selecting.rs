//! What a run is about, how it reads and how it judges: the flags that commands share.

use super::lists::item;
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::time::Duration;

/// Where images and facts come from.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What to ask about")]
pub struct Source {
    /// Manifests instead of the live workloads: files, directories, globs, or `-`.
    #[arg(short = 'f', long = "filename", value_name = "FILE", num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// An image instead of the live workloads, asked for every pool in scope.
    #[arg(long = "image", value_name = "REF")]
    pub images: Vec<String>,
    /// The live workloads besides -f and --image.
    #[arg(long)]
    pub with_live: bool,
    /// Facts from snapshots (globs, `-`) instead of the clouds; no network call is made.
    #[arg(long, value_name = "SNAPSHOT", num_args = 1..)]
    pub from: Vec<String>,
}

/// Which clusters, which workloads. Each list may be given in one argument, with commas.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Selecting")]
pub struct Select {
    /// Every cluster of this cloud that the credentials see: aks, eks, gke.
    #[arg(long, value_name = "CLOUD", value_delimiter = ',', value_parser = item)]
    pub provider: Vec<String>,
    /// Clusters by full id, name or glob, with `/POOL` for one pool.
    #[arg(long, value_name = "CLUSTER[/POOL]")]
    pub cluster: Vec<String>,
    /// Every cluster of every cloud.
    #[arg(long)]
    pub all_clouds: bool,
    /// The kubeconfig context; without any selection the current one is meant.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubeconfig files, merged as kubectl merges those of KUBECONFIG.
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub kubeconfig: Vec<PathBuf>,
    /// Only workloads of these namespaces.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',', value_parser = item)]
    pub namespace: Vec<String>,
    /// Workloads of every namespace (the default).
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Only workloads with these labels, with all of them where it is repeated.
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Vec<String>,
    /// AWS accounts, beside those of the config.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = account)]
    pub account: Vec<String>,
    /// AWS profiles, each the credentials of one account.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = item)]
    pub profile: Vec<String>,
    /// AWS regions to look for clusters in.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = item)]
    pub region: Vec<String>,
    /// Google Cloud projects to look for clusters in.
    #[arg(long, value_name = "PROJECT", value_delimiter = ',', value_parser = item)]
    pub project: Vec<String>,
    /// Azure subscriptions to look for clusters in.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = subscription)]
    pub subscription: Vec<String>,
    /// Warn, rather than fail, where a selector or an input matches nothing.
    #[arg(long)]
    pub allow_empty: bool,
    /// Which Azure; its end points can be overridden one by one in the environment.
    #[arg(long, value_name = "CLOUD")]
    pub azure_cloud: Option<AzureCloud>,
}

impl Select {
    /// The label selectors as one, which all must hold.
    pub fn labels(&self) -> Option<String> {
        (!self.selector.is_empty()).then(|| self.selector.join(","))
    }
}

/// Which Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AzureCloud {
    /// The public one.
    #[value(name = "AzureCloud")]
    Public,
    /// China's.
    #[value(name = "AzureChinaCloud")]
    China,
    /// That of the government of the United States.
    #[value(name = "AzureUSGovernment")]
    UsGovernment,
}

/// How to judge.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Judging")]
pub struct Judging {
    /// Assume nothing about guard rails that could not be read.
    #[arg(long)]
    pub strict: bool,
    /// Judge as if it were then (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
}

/// How to read.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    /// The config file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read pull secrets by name, for the hosts they cover and their defects.
    #[arg(long)]
    pub read_secrets: bool,
    /// Bound on one call, as 40s or 2m.
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = duration)]
    pub timeout: Duration,
    /// Calls in flight per service, and documents written at a time; 8, or what the config says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: Option<u16>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { config: None, read_secrets: false, timeout: Duration::from_secs(40), concurrency: None }
    }
}

pub(super) fn subscription(text: &str) -> Result<String, String> {
    let text = text.trim();
    match uuid::Uuid::try_parse(text) {
        Ok(id) if text.len() == 36 => Ok(id.hyphenated().to_string()),
        _ => Err("an Azure subscription is named by its id, a GUID: az account list".to_owned()),
    }
}

fn account(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an AWS account is 12 digits".to_owned())
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|_| "expected a duration such as 40s or 2m".to_owned())?;
    match Duration::try_from(parsed) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected more than nothing, such as 40s".to_owned()),
    }
}
