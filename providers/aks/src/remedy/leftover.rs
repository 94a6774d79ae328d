//! Grants of principals that the directory no longer has.

use super::grant::is_least;
use crate::facts::{RoleAssignment, table};
use crate::weigh::AksFacts;
use crate::weigh::index::{RegistryEntry, Row};
use pullaudit_core::{Action, Change, Fingerprint, Gap, Inventory, Note, Open, Read, Safety};
use serde::Deserialize as _;
use serde_json::json;

/// What a removal rests on: that the principal is still gone.
pub(crate) fn still_gone(object: &str) -> Fingerprint {
    Fingerprint { reading: format!("principal {object}"), digest: "gone".to_owned() }
}

/// The least grants on registries themselves that deleted principals hold. A grant of any other role, and one
/// further up, may be somebody's whom we do not know.
pub(crate) fn leftovers(facts: &AksFacts, inventory: &Inventory) -> Vec<Change> {
    let strangers = strangers(facts, inventory).into_iter();
    let gone = strangers.filter(|(_, _, object)| facts.directory().has_lost(object));
    gone.map(|(registry, grant, object)| removal(registry, &grant, &object)).collect()
}

/// Why it is not known whether such a grant serves anybody: lists of grants and principals that could not be read.
pub(crate) fn leftovers_unread(facts: &AksFacts, inventory: &Inventory) -> Vec<Gap> {
    let lists = facts.registries().iter().filter_map(|registry| {
        // A registry that nobody asked about was not looked at, and is none of this run.
        facts.section().get(table::HOLDERS, &registry.id)?;
        match &registry.holders {
            Row::Open(open, _) => Some(open.clone()),
            Row::Got(_) => None,
        }
    });
    let strangers = strangers(facts, inventory).into_iter();
    let mut open: Vec<Open> =
        lists.chain(strangers.filter_map(|(_, _, object)| facts.directory().unread(&object))).collect();
    open.sort();
    open.dedup();
    open.into_iter().map(gap).collect()
}

fn gap(open: Open) -> Gap {
    let scope = match &open {
        Open::Unread { scope, .. } => scope.to_string(),
        Open::Undecidable { .. } => String::new(),
    };
    let message =
        "grants of deleted principals cannot be told from others, so none of those is removed".to_owned();
    Gap { scope, open, message }
}

/// Least grants on registries themselves to whom no cluster pulls as. Registries that nobody asked about were not
/// looked at.
fn strangers<'a>(facts: &'a AksFacts, inventory: &Inventory) -> Vec<(&'a RegistryEntry, RoleAssignment, String)> {
    let mut found = Vec::new();
    for registry in facts.registries() {
        let rows = facts.section().get(table::HOLDERS, &registry.id).and_then(Read::got);
        let holders = rows.and_then(|rows| Vec::<RoleAssignment>::deserialize(rows).ok()).unwrap_or_default();
        let here = |grant: &RoleAssignment| grant.properties.scope.eq_ignore_ascii_case(&registry.registry.id);
        for grant in holders.into_iter().filter(here).filter(is_least) {
            let object = grant.properties.principal_id.to_ascii_lowercase();
            if !inventory.pullers.contains(&object) {
                found.push((registry, grant, object));
            }
        }
    }
    found
}

fn removal(registry: &RegistryEntry, grant: &RoleAssignment, object: &str) -> Change {
    let about = &grant.properties;
    let mut properties = json!({
        "roleDefinitionId": about.role_definition_id, "principalId": about.principal_id,
        "principalType": about.principal_type
    });
    if let Some(condition) = about.condition.as_ref().filter(|text| !text.is_empty()) {
        properties["condition"] = json!(condition);
        properties["conditionVersion"] = json!(about.condition_version);
    }
    let scope = &registry.registry.id;
    let document = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", grant.name);
    let host = &registry.registry.properties.login_server;
    Change {
        id: grant.name.clone(),
        provider: "aks".to_owned(),
        owner: registry.subscription.clone(),
        target: format!("take the pull on {host} from {object}, which is deleted"),
        action: Action::Remove,
        before: Some(json!({ "properties": properties })),
        after: None,
        safety: Safety::NeedsConsent,
        notes: vec![
            Note::new("principal", format!("{object}: the directory has none of that id")),
            Note::new("scope", scope.as_str()),
        ],
        rests_on: vec![still_gone(object)],
        command: format!("az role assignment delete --ids {document}"),
        import: String::new(),
        document,
    }
}
