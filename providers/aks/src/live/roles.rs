//! What the roles say that grants name.

use super::Azure;
use super::needs::object_id;
use super::operation::GET_ROLE_DEFINITION;
use super::service::query;
use super::trouble::{Kind, Trouble};
use crate::facts::{RoleDefinition, table};
use futures_util::future::join_all;
use pullaudit_core::{Read, Section};
use std::collections::BTreeMap;

/// How Azure says that it has no such role where it was asked.
const GONE: &[&str] = &["RoleDefinitionDoesNotExist", "RoleDefinitionNotFound", "ResourceNotFound"];

const ROLES: &str = "/providers/Microsoft.Authorization/roleDefinitions";

/// Roles by GUID, in lower case, each with a subscription in which it can be granted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles(BTreeMap<String, Place>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    subscription: String,
    /// A grant names the role in the form of that subscription.
    named: bool,
}

impl Roles {
    /// Notes the role of a grant that counts in that subscription. Ids come in the form of the tenant or
    /// of a subscription; the GUID at their end is the role.
    pub(crate) fn add(&mut self, id: &str, subscription: &str) {
        let lower = id.to_ascii_lowercase();
        let Some(guid) = lower.rsplit('/').next().and_then(object_id) else { return };
        let named = lower.strip_prefix("/subscriptions/").and_then(|rest| rest.split('/').next());
        let place = Place { subscription: named.unwrap_or(subscription).to_owned(), named: named.is_some() };
        self.put(guid, place);
    }

    /// Takes over what another one noted.
    pub(crate) fn merge(&mut self, other: Self) {
        for (guid, place) in other.0 {
            self.put(guid, place);
        }
    }

    fn put(&mut self, guid: String, place: Place) {
        let known = self.0.entry(guid).or_insert_with(|| place.clone());
        if place.named && !known.named {
            *known = place;
        }
    }
}

/// The definition of each of these roles, read once.
pub(crate) async fn collect(azure: &Azure, roles: &Roles) -> Section {
    let read = join_all(roles.0.iter().map(|(guid, place)| definition(azure, guid, place))).await;
    let mut section = Section::default();
    for (guid, reading) in roles.0.keys().zip(read) {
        section.store(table::DEFINITIONS, guid.as_str(), reading);
    }
    section
}

/// The subscription is asked first: whoever reads a registry's role assignments reads roles there as a rule.
/// The tenant's form hides custom roles, and every role from those who hold no right at its root, but it may
/// show what was moved out of the subscription's sight.
///
/// A role that neither form has is unread, not absent: Azure deletes no role that is still assigned, and this
/// one was named by an assignment. What is not found is hidden.
///
/// Source: Microsoft Learn, "Azure custom roles" (find role assignments to delete a custom role) and
/// `Remove-AzRoleDefinition` (the delete fails where there are assignments).
async fn definition(azure: &Azure, guid: &str, place: &Place) -> Read<RoleDefinition> {
    let scope = format!("subscription {}", place.subscription);
    let reading = format!("role definition {guid}");
    let below = match get(azure, guid, &format!("/subscriptions/{}", place.subscription)).await {
        Ok(found) => return Read::Got(found),
        Err(trouble) => trouble,
    };
    let refused = below.kind == Kind::Refused;
    if !refused && !below.is(GONE) {
        return Read::Unread(below.open(reading, scope));
    }
    match get(azure, guid, "").await {
        Ok(found) => Read::Got(found),
        Err(above) if above.kind == Kind::Refused && !refused => Read::Unread(above.open(reading, "the tenant")),
        Err(_) => Read::Unread(below.open(reading, scope)),
    }
}

/// An answer about another role, or one without a body, is none.
async fn get(azure: &Azure, guid: &str, under: &str) -> Result<RoleDefinition, Trouble> {
    let path = format!("{under}{ROLES}/{guid}");
    let found: RoleDefinition = azure.arm.get(GET_ROLE_DEFINITION, &path, &query(GET_ROLE_DEFINITION, "")).await?;
    if found.name.eq_ignore_ascii_case(guid) {
        return Ok(found);
    }
    Err(Trouble::failed(GET_ROLE_DEFINITION, "the answer is about another role"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";

    #[test]
    fn both_forms_of_an_id_are_one_role() {
        let mut roles = Roles::default();
        roles.add(&format!("{ROLES}/{}", GUID.to_ascii_uppercase()), "ours");
        roles.add(&format!("/subscriptions/THEIRS{ROLES}/{GUID}"), "ours");
        roles.add(&format!("{ROLES}/{GUID}"), "ours");
        roles.add("/providers/Microsoft.Authorization/roleDefinitions/", "ours");
        let place = Place { subscription: "theirs".to_owned(), named: true };
        assert_eq!(roles.0, BTreeMap::from([(GUID.to_owned(), place)]));
    }
}
