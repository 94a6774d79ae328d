//! A change from a file: what it shows must follow from what it writes.

use super::grant::{Grant, import, name_of};
use super::leftover::still_gone;
use pullaudit_core::{Action, Change, Edited, Safety};

/// Refuses a change of which a field says another thing than its body. One that undoes another rests on nothing, and may
/// put back a grant of a name that is not ours.
pub(crate) fn vet(change: &Change) -> Result<(), Edited> {
    let grant =
        Grant::of(change).ok_or_else(|| Edited::new("document", "it is no role assignment on a registry"))?;
    let bodies = (change.before.is_some(), change.after.is_some());
    let expected = match change.action {
        Action::Add => (false, true),
        Action::Remove => (true, false),
        Action::Change => (true, true),
    };
    if bodies != expected {
        return Err(Edited::new("action", "it does not fit what is there before and after"));
    }
    let body = if change.action == Action::Remove { "before" } else { "after" };
    let Some(least) = grant.least().filter(|_| grant.is_least()) else {
        let why = match change.action {
            Action::Remove => "it is more than a pull from a registry, which pullaudit never takes away",
            _ => "it gives more than a pull from a registry, which pullaudit never plans",
        };
        return Err(Edited::new(body, why));
    };
    let undoes = change.rests_on.is_empty();
    let own = name_of(&grant.scope, &grant.object(), least.guid);
    let named = grant.name == own || undoes || change.action == Action::Remove;
    if change.id != grant.name || !named {
        let why = format!("it is not the name of that scope, principal and role, which is {own}");
        return Err(Edited::new("id", why));
    }
    if !grant
        .scope
        .to_ascii_lowercase()
        .starts_with(&format!("/subscriptions/{}/", change.owner.to_ascii_lowercase()))
    {
        return Err(Edited::new("owner", "the document lies in another subscription"));
    }
    let command = match change.action {
        Action::Add => grant.create_line(),
        Action::Remove => Some(format!("az role assignment delete --ids {}", change.document)),
        Action::Change => change.after.as_ref().and_then(|body| grant.update_line(change, body)),
    };
    if command.as_ref() != Some(&change.command) {
        return Err(Edited::new("command", "it does something else than the change"));
    }
    if undoes {
        return Ok(());
    }
    if change.action != Action::Remove && change.import != import(&grant.name, &change.document) {
        return Err(Edited::new("import", "it names another assignment"));
    }
    shown(change, &grant, least.why)?;
    rests(change, &grant)?;
    let most = match (change.action, least.data_actions, grant.condition()) {
        (Action::Remove, ..) => Safety::NeedsConsent,
        (_, [], _) | (_, _, Some(_)) => Safety::Safe,
        (_, _, None) => Safety::NeedsConsent,
    };
    if change.safety > most { Err(Edited::new("safety", "the change needs consent")) } else { Ok(()) }
}

/// The notes and the target name who is granted what, and where.
fn shown(change: &Change, grant: &Grant, role: &str) -> Result<(), Edited> {
    let object = grant.object();
    let note =
        |label: &str| change.notes.iter().find(|note| note.label == label).map_or("", |note| note.text.as_str());
    let wrong = |label: &str| Edited::new("notes", format!("`{label}` is not that of the body"));
    if note("scope") != grant.scope {
        return Err(wrong("scope"));
    }
    if !note("principal").starts_with(&object) {
        return Err(wrong("principal"));
    }
    if change.action == Action::Remove {
        let meant = change.target.contains(&object);
        return if meant { Ok(()) } else { Err(Edited::new("target", "it names somebody else")) };
    }
    if note("role") != role {
        return Err(wrong("role"));
    }
    let name =
        note("principal").split_once(" (").and_then(|(_, rest)| rest.split_once("; ")).map(|(name, _)| name);
    let registry = grant.scope.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let meant = name.is_some_and(|name| change.target.contains(name)) && change.target.contains(&registry);
    if meant { Ok(()) } else { Err(Edited::new("target", "it names somebody else, or another registry")) }
}

/// The readings that a change of this kind rests on, by name; what they said is compared with the world.
fn rests(change: &Change, grant: &Grant) -> Result<(), Edited> {
    let object = grant.object();
    let registry = grant.scope.rsplit('/').next().unwrap_or_default();
    let expected = match change.action {
        Action::Remove => vec![still_gone(&object).reading],
        Action::Add | Action::Change => vec![
            format!("registry {registry}"),
            format!("role assignments of {object} on registry {registry}"),
            format!("deny assignments on registry {registry}"),
        ],
    };
    let missing =
        expected.iter().find(|name| !change.rests_on.iter().any(|one| one.reading.eq_ignore_ascii_case(name)));
    match missing {
        Some(name) => Err(Edited::new("restsOn", format!("`{name}` is missing"))),
        None => Ok(()),
    }
}
