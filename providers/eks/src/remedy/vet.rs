//! A change from a file: what it shows must follow from what it writes.

use super::basis;
use super::command::{command, import};
use super::document::{self, spaced, statements};
use super::gate::refuse;
use super::own::{self, PULL, Side};
use super::role::repositories;
use super::target::{RepositoryArn, Target};
use crate::weigh::addons;
use pullaudit_core::{Action, Change, Edited, Safety, shell_split, shell_word};
use serde_json::Value;
use std::collections::BTreeSet;

/// Refuses a change of which a field says another thing than its body. One that undoes another rests on nothing.
pub(crate) fn vet(change: &Change) -> Result<(), Edited> {
    let target = Target::of(change).ok_or_else(|| Edited::new("document", "it is none that pullaudit writes"))?;
    if let Some(why) = refuse(&target, change) {
        return Err(Edited::new("after", format!("{why}, which pullaudit never plans")));
    }
    let undoes = change.rests_on.is_empty();
    let text = target.text(change.after.as_ref());
    if change.owner != target.account() {
        return Err(Edited::new("owner", "the document lies in another account"));
    }
    for (field, body) in [("before", &change.before), ("after", &change.after)] {
        let same = body
            .as_ref()
            .is_none_or(|body| target.text(Some(body)).is_some_and(|text| *body == target.body(text)));
        if !same {
            return Err(Edited::new(field, "it is the body of another document"));
        }
    }
    let line = command(&target, text);
    if change.command.strip_prefix(&line).is_none_or(|rest| !is_profile(rest)) {
        return Err(Edited::new("command", "it does something else than the change"));
    }
    if undoes {
        return Ok(());
    }
    let text = text.ok_or_else(|| Edited::new("after", "a repair always writes something"))?;
    let action = if change.before.is_some() { Action::Change } else { Action::Add };
    if change.action != action {
        return Err(Edited::new("action", "it does not fit what is there before and after"));
    }
    let parsed = document::parse(text).unwrap_or_else(|_| document::empty());
    let own = match target {
        Target::Inline { .. } => target.own(Some(text)),
        Target::Attachment { .. } => Vec::new(),
        Target::Repository { .. } => statements(&parsed).to_vec(),
    };
    let id = basis::id(&target.id(), &own);
    if change.id != id {
        return Err(Edited::new(
            "id",
            format!("it is not the id of that document with those statements, which is {id}"),
        ));
    }
    if change.import != import(&target) {
        return Err(Edited::new("import", "it names another document"));
    }
    shown(change, &target, &parsed)?;
    rests(change, &target)?;
    let most = if is_least(&target, &parsed) { Safety::Safe } else { Safety::NeedsConsent };
    if change.safety > most { Err(Edited::new("safety", "the change needs consent")) } else { Ok(()) }
}

/// True for nothing, and for the profile that a run named.
fn is_profile(rest: &str) -> bool {
    let Some(name) = rest.strip_prefix(" --profile ") else { return rest.is_empty() };
    shell_split(name).is_some_and(|words| words.len() == 1 && shell_word(&words[0]) == name)
}

/// Whether it needs no consent by itself: an inline policy of a role that names single repositories.
fn is_least(target: &Target, policy: &Value) -> bool {
    let wide = |arn: &String| {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let addons = fields.len() == 6 && addons::is_addon_registry(fields[4], fields[3]);
        arn.contains('*') && !addons
    };
    match target {
        Target::Inline { .. } => {
            let own = own::own(Side::Role, policy);
            !own.iter().filter_map(|one| own::values(Side::Role, PULL, one)).flatten().any(|arn| wide(&arn))
        }
        Target::Attachment { .. } | Target::Repository { .. } => false,
    }
}

/// The notes and the target name the document, and what of ours stands in it.
fn shown(change: &Change, target: &Target, policy: &Value) -> Result<(), Edited> {
    let notes = |label: &str| -> BTreeSet<&str> {
        change.notes.iter().filter(|note| note.label == label).map(|note| note.text.as_str()).collect()
    };
    let wrong = |label: &str| Edited::new("notes", format!("`{label}` is not that of the body"));
    let about = match target {
        Target::Inline { role } => {
            let only = repositories(policy).into_iter().collect::<Vec<_>>().join(", ");
            if notes("only") != BTreeSet::from([only.as_str()]) {
                return Err(wrong("only"));
            }
            (notes("role") == BTreeSet::from([role.as_str()])).then(|| target.role_name().unwrap_or_default())
        }
        Target::Attachment { role } => {
            (notes("role") == BTreeSet::from([role.as_str()])).then(|| target.role_name().unwrap_or_default())
        }
        Target::Repository { arn } => {
            let own: Vec<String> = own::own(Side::Repository, policy).iter().map(spaced).collect();
            if notes("statement") != own.iter().map(String::as_str).collect() {
                return Err(wrong("statement"));
            }
            let name = RepositoryArn::parse(arn).map(|arn| arn.name).unwrap_or_default();
            (notes("repository") == BTreeSet::from([arn.as_str()])).then_some(name)
        }
    };
    let label = if target.role_name().is_some() { "role" } else { "repository" };
    let about = about.ok_or_else(|| wrong(label))?;
    if change.target.contains(about) { Ok(()) } else { Err(Edited::new("target", "it names another document")) }
}

/// The readings that a change of this kind rests on, by name; what they said is compared with the world.
fn rests(change: &Change, target: &Target) -> Result<(), Edited> {
    let role = match target {
        Target::Inline { role } | Target::Attachment { role } => Some(format!("role {role}")),
        Target::Repository { .. } => None,
    };
    let expected = role.into_iter().chain([target.reading()]);
    match expected.into_iter().find(|name| !change.rests_on.iter().any(|one| one.reading == *name)) {
        Some(name) => Err(Edited::new("restsOn", format!("`{name}` is missing"))),
        None => Ok(()),
    }
}
