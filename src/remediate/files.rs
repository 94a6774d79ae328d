//! Plans and receipts from files: what was edited is refused, with the file, the change and the field named.

use super::{Plan, seal};
use crate::clouds::Clouds;
use crate::input;
use anyhow::{Context, Result, anyhow, bail};
use pullaudit_core::Change;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// A plan that `fix --plan-out` saved.
pub fn plan(path: &Path, clouds: &Clouds) -> Result<Plan> {
    let text =
        input::text(path, input::PLAN).with_context(|| format!("cannot read the plan {}", path.display()))?;
    let not = || format!("{} is not a plan: fix --plan-out FILE saves one", path.display());
    let document: Value = serde_json::from_str(&text).with_context(not)?;
    if document.get("schema").is_none() && document.get("changes").is_none() {
        bail!("{}", not());
    }
    schema(path, &document, super::SCHEMA)?;
    let sealed = Sealed { path, fields: seal::OF_PLAN, whole: true, next: "make a new plan with pullaudit fix" };
    let plan: Plan = sealed.open(&document)?;
    for (number, change) in plan.changes.iter().enumerate() {
        if change.rests_on.is_empty() {
            let why = "it is empty, so nothing tells whether the plan is stale";
            return Err(sealed.refused(number, change, "restsOn", why));
        }
    }
    sealed.vet(plan.changes.iter(), clouds)?;
    sealed.check(&document)?;
    Ok(plan)
}

/// Refuses another schema than this version's.
pub fn schema(path: &Path, document: &Value, known: &str) -> Result<()> {
    match document.get("schema") {
        Some(Value::String(schema)) if schema == known => Ok(()),
        Some(other) => bail!("{}: field `schema` is {other}, this pullaudit reads {known}", path.display()),
        None => bail!("{}: field `schema` is missing", path.display()),
    }
}

/// A file whose fields are sealed.
pub struct Sealed<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its sealed fields, beside those of its changes.
    pub fields: &'a [&'a str],
    /// Whether it holds nothing beside them.
    pub whole: bool,
    /// What to do instead.
    pub next: &'a str,
}

impl Sealed<'_> {
    /// The document as its type. Where it is none, the field that was edited is named.
    pub fn open<T: DeserializeOwned>(&self, document: &Value) -> Result<T> {
        serde_json::from_value(document.clone()).map_err(|error| match self.check(document) {
            Err(edited) => edited,
            Ok(()) => anyhow!("{}: {error}", self.path.display()),
        })
    }

    /// Refuses a document of which a field is not as it was written.
    pub fn check(&self, document: &Value) -> Result<()> {
        seal::check(document, self.fields, self.whole).map_err(|broken| {
            anyhow!(
                "{}: {broken} since pullaudit wrote the file; nothing was written; {}",
                self.path.display(),
                self.next
            )
        })
    }

    /// Refuses changes that show another thing than they would write.
    pub fn vet<'b>(&self, changes: impl Iterator<Item = &'b Change>, clouds: &Clouds) -> Result<()> {
        for (number, change) in changes.enumerate() {
            let Some(provider) = clouds.get(&change.provider) else {
                return Err(self.refused(number, change, "provider", "no such cloud is known here"));
            };
            if let Some(Err(edited)) = provider.writer.as_ref().map(|writer| writer.vet(change)) {
                return Err(self.refused(number, change, edited.field, &edited.why));
            }
        }
        Ok(())
    }

    fn refused(&self, number: usize, change: &Change, field: &str, why: &str) -> anyhow::Error {
        anyhow!(
            "{}: change {} ({}): field `{field}`: {why}: the file was edited; nothing was written; {}",
            self.path.display(),
            number + 1,
            change.target,
            self.next
        )
    }
}
