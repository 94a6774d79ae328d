//! `pullaudit.yaml`. An unknown key is an error that names its line and the nearest known one.

mod clusters;
mod file;
#[cfg(test)]
mod tests;

use crate::exceptions::Exceptions;
use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The config file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// What messages call the file.
    #[serde(skip)]
    pub name: String,
    /// Settings of single clusters, by full id or name.
    #[serde(default)]
    pub clusters: BTreeMap<String, Spanned<ClusterConfig>>,
    /// What may be read, and with what.
    #[serde(default)]
    pub scopes: Scopes,
    /// Checks that are known and do not count, as written.
    #[serde(default, rename = "exceptions")]
    pub written_exceptions: Vec<Exception>,
    /// The same, ready to be matched.
    #[serde(skip)]
    pub exceptions: Exceptions,
    /// Registries, by host; `*` stands for any part.
    #[serde(default)]
    pub registries: BTreeMap<String, Spanned<RegistryConfig>>,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
}

/// Settings of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClusterConfig {
    /// Its kubeconfig context, where it can't be told by end point or name.
    pub context: Option<String>,
    /// Whether its nodes' credential provider uses service account tokens (KEP-4412).
    pub service_account_identity: Option<bool>,
}

/// What may be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scopes {
    /// AWS accounts.
    #[serde(default)]
    pub accounts: Vec<Spanned<Account>>,
    /// Azure subscriptions to look for clusters in, where the command line names none.
    #[serde(default)]
    pub subscriptions: Vec<String>,
    /// Google Cloud projects to look for clusters in.
    #[serde(default)]
    pub projects: Vec<String>,
    /// AWS regions to look for clusters in, where the command line names none.
    #[serde(default)]
    pub regions: Vec<Spanned<String>>,
    /// The Azure tenant is set up with a private link for Resource Manager: there registries honour wildcards
    /// inside a provider's name, as in `Microsoft.ContainerRegistry/*`.
    #[serde(default)]
    pub arm_private_link: bool,
}

/// One AWS account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Account {
    /// 12 digits, in quotes: YAML would drop a leading zero.
    pub id: String,
    /// The role to assume for it.
    pub role: Option<String>,
}

/// A registry that needs a word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RegistryConfig {
    /// Everybody may pull from it: it is not judged.
    #[serde(default)]
    pub public: bool,
}

/// Bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// Calls in flight per service, and documents written at a time, where `--concurrency` is not given.
    pub in_flight: Option<Spanned<u16>>,
    /// The most changes that one plan may write, where `--max-changes` is not given.
    pub max_changes: Option<usize>,
}

/// Checks that are known and do not count.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exception {
    /// Which checks: every field that is given must match; `*` stands for any part.
    #[serde(rename = "match")]
    pub matching: Spanned<Match>,
    /// Why they do not count.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it counts.
    pub expires: Option<Date>,
}

/// Which checks an exception covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Match {
    /// The reference. Without a tag it covers every tag, and a short form is normalised: `nginx` is
    /// `docker.io/library/nginx`.
    pub image: Option<Spanned<String>>,
    /// The repository, with or without its host.
    pub repository: Option<Spanned<String>>,
    /// Name or full id of the cluster.
    pub cluster: Option<Spanned<String>>,
    /// Name of the pool.
    pub pool: Option<Spanned<String>>,
    /// Namespace of every workload of the check.
    pub namespace: Option<Spanned<String>>,
    /// Every workload of the check: `api`, `deploy/api`, `Deployment/api` or one of these after `NAMESPACE/`.
    pub workload: Option<Spanned<String>>,
    /// The finding.
    pub code: Option<Spanned<String>>,
    /// Name or id of the identity that decides.
    pub identity: Option<Spanned<String>>,
}
