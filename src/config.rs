//! `pullaudit.yaml`. An unknown key is an error that names the nearest known one.

use crate::input;
use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The file that is read where no `--config` is given.
pub const DEFAULT: &str = "pullaudit.yaml";

/// The config file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Settings of single clusters, by full id or name.
    #[serde(default)]
    pub clusters: BTreeMap<String, ClusterConfig>,
    /// What may be read, and with what.
    #[serde(default)]
    pub scopes: Scopes,
    /// Checks that are known and do not count.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// Registries, by host; `*` stands for any part.
    #[serde(default)]
    pub registries: BTreeMap<String, RegistryConfig>,
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
    pub accounts: Vec<Account>,
    /// Azure subscriptions to look for clusters in, where the command line names none.
    #[serde(default)]
    pub subscriptions: Vec<String>,
    /// Google Cloud projects to look for clusters in.
    #[serde(default)]
    pub projects: Vec<String>,
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
    pub in_flight: Option<u16>,
    /// The most changes that one plan may write, where `--max-changes` is not given.
    pub max_changes: Option<usize>,
}

/// Checks that are known and do not count.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exception {
    /// Which checks: every field that is given must match; `*` stands for any part.
    #[serde(rename = "match")]
    pub matching: Match,
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
    /// The normalised reference.
    pub image: Option<String>,
    /// Full id of the cluster.
    pub cluster: Option<String>,
    /// Pool.
    pub pool: Option<String>,
    /// Finding.
    pub code: Option<String>,
    /// Identity's id.
    pub identity: Option<String>,
}

impl Config {
    /// Reads the named file, or `pullaudit.yaml` where it exists and none is named.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let (path, required) = path.map_or((Path::new(DEFAULT), false), |path| (path, true));
        match input::text(path, input::CONFIG) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(error) if error.is_missing() && !required => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("can't read the config {}", path.display())),
        }
    }

    /// Parses a config; `name` is what messages call the file.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Self = match serde_saphyr::from_str(text) {
            Ok(config) => config,
            Err(error) => bail!("{name}: {}", explain(&error.to_string())),
        };
        config.check(name)?;
        Ok(config)
    }

    fn check(&self, name: &str) -> Result<()> {
        for account in &self.scopes.accounts {
            if account.id.len() != 12 || !account.id.bytes().all(|byte| byte.is_ascii_digit()) {
                bail!(
                    "{name}: scopes.accounts: {:?} is no AWS account: write its 12 digits, in quotes",
                    account.id
                );
            }
        }
        for (index, exception) in self.exceptions.iter().enumerate() {
            if exception.matching == Match::default() {
                bail!(
                    "{name}: exceptions[{index}].match is empty and would cover every check: name an image, cluster, \
                       pool, code or identity"
                );
            }
        }
        Ok(())
    }
}

/// The parser's sentence, with the nearest known key where a key is unknown.
fn explain(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    let parts = first.split_once("unknown field `").and_then(|(_, rest)| rest.split_once("`, expected "));
    let Some((unknown, known)) = parts else { return error.to_owned() };
    let known = known.trim_start_matches("one of ").split([',', ' ', '`']).filter(|name| !name.is_empty());
    let nearest =
        known.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
    match nearest {
        Some(nearest) => format!("{error}\n  did you mean `{nearest}`?"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_and_its_line() {
        let text = "scopes:\n  acounts: []\n";
        let error = Config::parse(text, "pullaudit.yaml").unwrap_err().to_string();
        assert!(error.starts_with("pullaudit.yaml: "), "{error}");
        assert!(error.contains("did you mean `accounts`?"), "{error}");
        assert!(error.contains('2'), "names its line: {error}");
    }

    #[test]
    fn an_account_without_quotes_is_refused_with_the_way_out() {
        let error = Config::parse("scopes: {accounts: [{id: '1234'}]}", "c.yaml").unwrap_err().to_string();
        assert!(error.contains("12 digits, in quotes"), "{error}");
    }

    #[test]
    fn an_exception_that_covers_everything_is_refused() {
        let text = "exceptions: [{match: {}, reason: r, owner: o}]";
        assert!(Config::parse(text, "c.yaml").unwrap_err().to_string().contains("exceptions[0].match"));
    }

    #[test]
    fn a_full_config_is_read() {
        let text = "clusters: {prod: {context: p, serviceAccountIdentity: true}}\n\
                    scopes: {accounts: [{id: '111122223333', role: 'arn:aws:iam::111122223333:role/audit'}]}\n\
                    exceptions: [{match: {code: role-missing}, reason: r, owner: o, expires: 2026-12-31}]\n\
                    registries: {'444455556666.dkr.ecr.*': {public: true}}\nlimits: {inFlight: 4}\n";
        let config = Config::parse(text, "c.yaml").unwrap();
        assert_eq!(config.clusters["prod"].service_account_identity, Some(true));
        assert_eq!(config.exceptions[0].expires.unwrap().to_string(), "2026-12-31");
        assert!(config.registries["444455556666.dkr.ecr.*"].public);
    }
}
