//! A change from a file: what it shows must follow from what it writes.

use super::{Edit, change_id, commands, fingerprints, imports};
use crate::weigh::project_of;
use pullaudit_core::{Action, Change, Edited, Safety, Section};
use serde_json::Value;
use std::collections::BTreeSet;

/// Refuses a change of which a field says another thing than its body. One that undoes another rests on nothing.
pub(crate) fn vet(change: &Change) -> Result<(), Edited> {
    if !change.document.ends_with(":iamPolicy") {
        return Err(Edited::new("document", "it is no policy of a repository"));
    }
    let edit = Edit::of(change).filter(|edit| edit.add.is_empty() != edit.remove.is_empty());
    let edit = edit.ok_or_else(|| {
        Edited::new("after", "it changes more than members of the reader's binding, which pullaudit never plans")
    })?;
    let removes = change.action == Action::Remove && edit.add.is_empty();
    if change.action != Action::Change && !removes {
        return Err(Edited::new("action", "it does not fit what is there before and after"));
    }
    let undoes = change.rests_on.is_empty();
    let own = [change_id(&edit), change_id(&edit.back())];
    if change.id != own[0] && !(undoes && change.id == own[1]) {
        return Err(Edited::new("id", format!("it is not the id of that edit, which is {}", own[0])));
    }
    if change.owner != project_of(&edit.repository) {
        return Err(Edited::new("owner", "the repository lies in another project"));
    }
    let policy = change.before.as_ref().unwrap_or(&Value::Null);
    if change.command != commands(&edit, policy) {
        return Err(Edited::new("command", "it does something else than the change"));
    }
    if undoes {
        return Ok(());
    }
    if change.import != imports(&edit) {
        return Err(Edited::new("import", "it names another member"));
    }
    shown(change, &edit)?;
    rests(change, &edit)?;
    if edit.add.is_empty() && change.safety > Safety::NeedsConsent {
        return Err(Edited::new("safety", "the change needs consent"));
    }
    Ok(())
}

/// The notes and the target name the members, and the repository.
fn shown(change: &Change, edit: &Edit) -> Result<(), Edited> {
    let notes = |label: &str| -> BTreeSet<&str> {
        change.notes.iter().filter(|note| note.label == label).map(|note| note.text.as_str()).collect()
    };
    if notes("scope") != BTreeSet::from([edit.repository.as_str()]) {
        return Err(Edited::new("notes", "`scope` is another repository"));
    }
    let told = notes("member");
    let members = edit.add.iter().chain(&edit.remove);
    let named = |member: &String| {
        told.iter().any(|text| text.contains(member.trim_start_matches("deleted:serviceAccount:")))
    };
    if !members.clone().all(named) || (edit.remove.is_empty() && told.len() != edit.add.len()) {
        return Err(Edited::new("notes", "`member` is not that of the body"));
    }
    let short = |member: &String| {
        let name = member.trim_start_matches("deleted:serviceAccount:").trim_start_matches("serviceAccount:");
        change.target.contains(name)
    };
    let repository = edit.repository.rsplit('/').next().unwrap_or_default();
    if members.clone().all(short) && change.target.contains(repository) {
        Ok(())
    } else {
        Err(Edited::new("target", "it names somebody else, or another repository"))
    }
}

/// The readings that a change of this kind rests on, by name; what they said is compared with the world.
fn rests(change: &Change, edit: &Edit) -> Result<(), Edited> {
    let members = edit.remove.iter().map(|member| member.trim_start_matches("deleted:serviceAccount:"));
    let mut expected: Vec<String> = members.map(|member| format!("member {member}")).collect();
    if edit.remove.is_empty() {
        let prints = fingerprints(&Section::default(), &edit.repository, &edit.add);
        expected.extend(prints.into_iter().map(|one| one.reading));
    }
    match expected.iter().find(|name| !change.rests_on.iter().any(|one| one.reading == **name)) {
        Some(name) => Err(Edited::new("restsOn", format!("`{name}` is missing"))),
        None => Ok(()),
    }
}
