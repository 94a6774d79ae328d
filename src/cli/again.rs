//! A run's selection as flags once more, for the command lines that people copy.

use super::{Judging, Reading, Select, Source};
use clap::ValueEnum as _;
use pullaudit_core::shell_word;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Words of a command line, each with a space before it, quoted for a POSIX shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again(String);

impl Again {
    /// The words.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// With a flag that takes no value, where it is set.
    fn flag(mut self, name: &str, set: bool) -> Self {
        if set {
            let _ = write!(self.0, " {name}");
        }
        self
    }

    /// With a flag and its value.
    pub fn value(mut self, name: &str, value: &str) -> Self {
        // A value that looks like a flag is one where it stands alone.
        let joined = value.starts_with('-') && value != "-" && name.starts_with("--");
        let sign = if joined { '=' } else { ' ' };
        let _ = write!(self.0, " {name}{sign}{}", shell_word(value));
        self
    }

    fn values(self, name: &str, values: &[String]) -> Self {
        values.iter().fold(self, |again, value| again.value(name, value))
    }

    fn path(self, name: &str, path: Option<&Path>) -> Self {
        match path {
            Some(path) => self.value(name, &path.display().to_string()),
            None => self,
        }
    }

    fn paths(self, name: &str, paths: &[PathBuf]) -> Self {
        paths.iter().fold(self, |again, path| again.path(name, Some(path)))
    }

    /// With the clusters that are selected.
    pub fn clusters(self, select: &Select) -> Self {
        self.values("--provider", &select.provider)
            .values("--cluster", &select.cluster)
            .flag("--all-clouds", select.all_clouds)
    }

    /// With the scopes, the contexts and the workloads that are selected.
    pub fn scopes(self, select: &Select) -> Self {
        let cloud = select.azure_cloud.and_then(|cloud| cloud.to_possible_value());
        let cloud: Vec<String> = cloud.iter().map(|value| value.get_name().to_owned()).collect();
        let context: Vec<String> = select.context.iter().cloned().collect();
        self.values("--context", &context)
            .paths("--kubeconfig", &select.kubeconfig)
            .values("--subscription", &select.subscription)
            .values("--azure-cloud", &cloud)
            .values("--account", &select.account)
            .values("--profile", &select.profile)
            .values("--region", &select.region)
            .values("--project", &select.project)
            .values("--namespace", &select.namespace)
            .flag("--all-namespaces", select.all_namespaces)
            .values("--selector", &select.selector)
            .flag("--allow-empty", select.allow_empty)
    }

    /// With the images that are asked about; nothing where the live workloads are meant.
    pub fn images(self, source: &Source) -> Self {
        let files = source.files.iter().fold(self, |again, file| again.value("-f", &file.display().to_string()));
        files.values("--image", &source.images).flag("--with-live", source.with_live)
    }

    /// With what changes the answer beside the selection.
    pub fn judging(self, judging: &Judging) -> Self {
        let at: Vec<String> = judging.as_of.iter().map(ToString::to_string).collect();
        self.flag("--strict", judging.strict).values("--as-of", &at)
    }

    /// With what is read beside the clouds' default.
    pub fn reading(self, reading: &Reading) -> Self {
        self.path("--config", reading.config.as_deref()).flag("--read-secrets", reading.read_secrets)
    }
}
