//! What the fake writes of Azure's authorization is what the types that Azure generates from its specification hold.

use azure_mgmt_authorization::package_2022_04_01::models;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::azure_fake::client::Client;
use crate::azure_fake::{Deny, Fake, Grant, Registry, Role, SUBSCRIPTION, World, role};

const OBJECT: &str = "0b1ec700-0000-4000-8000-000000000001";
const CUSTOM: &str = "c0570000-0000-4000-8000-000000000001";

/// Names and values at the ends of a body; days as moments, and without what is unset.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(name, one)| leaves(one, &format!("{path}/{name}"), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, one)| leaves(one, &format!("{path}/{at}"), found));
        }
        Value::String(text) => {
            let moment = text.parse::<jiff::Timestamp>().map(|moment| moment.to_string());
            found.push((path.to_owned(), moment.unwrap_or_else(|_| text.clone())));
        }
        other => found.push((path.to_owned(), other.to_string())),
    }
}

fn told(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    leaves(value, "", &mut found);
    found.sort();
    found
}

fn holds<T: DeserializeOwned + Serialize>(body: &Value) {
    let theirs: T = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(told(&serde_json::to_value(theirs).unwrap()), told(body));
}

#[test]
fn bodies_of_authorization_are_those_of_the_specification() {
    let registry = Registry::new(SUBSCRIPTION, "rg-acme", "first");
    let custom = Role::custom(CUSTOM, "acme-puller", &format!("/subscriptions/{SUBSCRIPTION}")).allows(
        &["Microsoft.ContainerRegistry/registries/pull/read"],
        &["*/write"],
        &["Microsoft.ContainerRegistry/registries/repositories/content/read"],
        &[],
    );
    let deny = Deny::new("lock", &registry.id()).action("*/delete").everybody().except(OBJECT, "ServicePrincipal");
    let id = registry.id();
    let world = World::acme()
        .registry(registry)
        .role(custom)
        .grant(Grant::new(&id, role::ACR_PULL, OBJECT))
        .grant(Grant::new(&id, role::REPOSITORY_READER, OBJECT).condition("@Request[a:b] StringEquals 'c'"))
        .deny(deny);
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let list = |kind: &str| {
        let path =
            format!("{id}/providers/Microsoft.Authorization/{kind}?api-version=2022-04-01&$filter=atScope()");
        let reply = client.get(&path);
        assert!(!reply.value().is_empty(), "{kind}");
        reply.value().to_vec()
    };
    list("roleAssignments").iter().for_each(holds::<models::RoleAssignment>);
    list("denyAssignments").iter().for_each(holds::<models::DenyAssignment>);
    for guid in [role::ACR_PULL, CUSTOM] {
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01"
        );
        holds::<models::RoleDefinition>(&client.get(&path).body);
    }
}
