//! Finding, reading and checking the file.

use super::{Config, Match};
use crate::exceptions::Exceptions;
use crate::input;
use crate::nearest::did_you_mean;
use anyhow::{Context, Result, anyhow, bail};
use globset::Glob;
use serde_saphyr::Location;
use std::fmt::Display;
use std::path::Path;

/// The files that are read where no `--config` is given.
const DEFAULTS: [&str; 2] = ["pullaudit.yaml", "pullaudit.yml"];
/// Bounds of `limits.inFlight`, as of `--concurrency`.
const IN_FLIGHT: std::ops::RangeInclusive<u16> = 1..=256;

impl Config {
    /// Reads the named file; where none is named, `pullaudit.yaml` or `pullaudit.yml` where one exists.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        match path {
            Some(path) => Self::read(path),
            None => Self::load_from(Path::new("")),
        }
    }

    /// The default file of a folder.
    pub(super) fn load_from(folder: &Path) -> Result<Self> {
        let [yaml, yml] = DEFAULTS.map(|name| folder.join(name));
        let there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        match (there(&yaml), there(&yml)) {
            (true, true) => bail!(
                "both {} and {} exist: remove one, or name the config with --config",
                yaml.display(),
                yml.display()
            ),
            (true, false) => Self::read(&yaml),
            (false, true) => Self::read(&yml),
            (false, false) => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let text = input::text(path, input::CONFIG)
            .with_context(|| format!("cannot read the config {}", path.display()))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses a config; `name` is what messages call the file.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        // A file of comments alone says nothing, as an empty one does.
        let says = |line: &str| !matches!(line.trim().as_bytes().first(), None | Some(b'#'));
        if !text.lines().any(says) {
            return Ok(Self { name: name.to_owned(), ..Self::default() });
        }
        let mut config: Self = serde_saphyr::from_str(text).map_err(|error| explain(name, &error))?;
        name.clone_into(&mut config.name);
        config.check()?;
        config.exceptions = Exceptions::compile(&config.written_exceptions, name)?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        for account in &self.scopes.accounts {
            let id = &account.value.id;
            if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                let what = format!("{id:?} is not an AWS account: write its 12 digits, in quotes");
                return Err(self.wrong(account.referenced, "scopes.accounts", what));
            }
        }
        for region in &self.scopes.regions {
            let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if region.value.is_empty() || !region.value.bytes().all(lower) {
                let what = format!("{:?} is not an AWS region, such as eu-west-1", region.value);
                return Err(self.wrong(region.referenced, "scopes.regions", what));
            }
        }
        if let Some(given) = self.limits.in_flight.as_ref().filter(|given| !IN_FLIGHT.contains(&given.value)) {
            let what = format!("{} is not in {} to {}", given.value, IN_FLIGHT.start(), IN_FLIGHT.end());
            return Err(self.wrong(given.referenced, "limits.inFlight", what));
        }
        for (host, registry) in &self.registries {
            if let Err(error) = Glob::new(&host.to_ascii_lowercase()) {
                let what = format!("is not a pattern of a host: {}", error.kind());
                return Err(self.wrong(registry.referenced, format!("registries.{host:?}"), what));
            }
        }
        for (index, exception) in self.written_exceptions.iter().enumerate() {
            if exception.matching.value == Match::default() {
                let what = "is empty and would cover every check: name an image, repository, code, cluster, pool, \
                            namespace, workload or identity";
                return Err(self.wrong(exception.matching.referenced, format!("exceptions[{index}].match"), what));
            }
        }
        self.check_contexts()
    }

    /// An error at a line of the file: `pullaudit.yaml:7: limits.inFlight: 0 is not in 1 to 256`.
    pub(super) fn wrong(&self, at: Location, key: impl Display, what: impl Display) -> anyhow::Error {
        anyhow!("{}:{}: {key}: {what}", self.name, at.line())
    }
}

/// The parser's sentence with file and line, and with the nearest known key where a key is unknown.
fn explain(name: &str, error: &serde_saphyr::Error) -> anyhow::Error {
    let place = error.location().map_or_else(|| name.to_owned(), |at| format!("{name}:{}", at.line()));
    let text = error.to_string();
    let unknown = text.split_once("unknown field `").and_then(|(_, rest)| rest.split_once("`, expected "));
    let Some((unknown, known)) = unknown else { return anyhow!("{place}: {}", sentence(&text)) };
    let known = known.lines().next().unwrap_or_default().trim_start_matches("one of ");
    let known: Vec<&str> = known.split([',', ' ', '`']).filter(|key| !key.is_empty()).collect();
    let hint = did_you_mean(unknown, known.iter().copied());
    anyhow!("{place}: unknown key {unknown:?}{hint}; known are {}", known.join(", "))
}

/// The first line, without the parser's own place.
fn sentence(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let place = first.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    place.map_or(first, |(_, text)| text)
}
