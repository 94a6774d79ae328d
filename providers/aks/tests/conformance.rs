//! Our own bodies of Azure's authorization hold what the types that Azure generates from its specification hold, and
//! what is written is what those would write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use azure_mgmt_authorization::package_2022_04_01::models;
use jiff::Timestamp;
use pullaudit_aks::facts::{DenyAssignment, RoleAssignment, RoleDefinition};
use pullaudit_core::{Facts, FixPolicy, ImageRef, Question, Vantage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::*;

/// A body without what is unset: the generated types leave out empty lists and write absent days as null.
fn set(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => Some(list.iter().map(|one| set(one).unwrap_or(json!({}))).collect()),
        Value::Object(fields) => {
            let fields: serde_json::Map<String, Value> =
                fields.iter().filter_map(|(name, field)| Some((name.clone(), set(field)?))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other.clone()),
    }
}

/// Our reading of a body, through the generated type and back: nothing is lost and nothing changes its name.
fn round_trip<Ours: DeserializeOwned + Serialize, Theirs: DeserializeOwned + Serialize>(body: &Value) {
    let ours: Ours = serde_json::from_value(body.clone()).unwrap();
    let ours = serde_json::to_value(ours).unwrap();
    let theirs: Theirs = serde_json::from_value(ours.clone()).unwrap();
    assert_eq!(set(&serde_json::to_value(theirs).unwrap()), set(&ours));
    let whole: Theirs = serde_json::from_value(body.clone()).unwrap();
    let whole = set(&serde_json::to_value(whole).unwrap()).unwrap();
    for (name, value) in set(&ours).unwrap()["properties"].as_object().unwrap() {
        assert_eq!(&whole["properties"][name], value, "{name}");
    }
}

#[test]
fn role_assignments_are_read_as_azure_specifies_them() {
    let mut full = with_condition(assignment(OBJECT, READER, &registry_id()), &on_repository("StringEquals 'a'"));
    full["type"] = json!("Microsoft.Authorization/roleAssignments");
    full["properties"]["description"] = json!("for the cluster");
    full["properties"]["delegatedManagedIdentityResourceId"] = json!("/subscriptions/s/x");
    full["properties"]["createdOn"] = json!("2026-02-01T09:00:00Z");
    for body in [full, assignment(OBJECT, ACR_PULL, "/")] {
        round_trip::<RoleAssignment, models::RoleAssignment>(&body);
    }
    for kind in ["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"] {
        let mut body = assignment(OBJECT, ACR_PULL, "/");
        body["properties"]["principalType"] = json!(kind);
        round_trip::<RoleAssignment, models::RoleAssignment>(&body);
    }
}

#[test]
fn role_definitions_are_read_as_azure_specifies_them() {
    let element = json!({
        "actions": ["*"], "notActions": [PULL], "dataActions": [CONTENT], "notDataActions": [METADATA]
    });
    round_trip::<RoleDefinition, models::RoleDefinition>(&definition(CUSTOM, "acme-puller", json!([element])));
}

#[test]
fn deny_assignments_are_read_as_azure_specifies_them() {
    let someone = json!([{ "id": OBJECT, "type": "ServicePrincipal" }]);
    let mut body = deny("lock", "/subscriptions/s", someone.clone(), json!(["*"]));
    let about = &mut body["properties"];
    about["permissions"][0]["notActions"] = json!([PULL]);
    about["permissions"][0]["condition"] = json!(on_repository("StringEquals 'a'"));
    about["permissions"][0]["conditionVersion"] = json!("2.0");
    about["excludePrincipals"] = someone;
    about["doNotApplyToChildScopes"] = json!(true);
    about["isSystemProtected"] = json!(false);
    about["condition"] = json!(on_repository("StringEquals 'a'"));
    about["conditionVersion"] = json!("2.0");
    round_trip::<DenyAssignment, models::DenyAssignment>(&body);
}

#[test]
fn what_is_written_is_what_the_generated_types_write() {
    for (world, names) in [(World::legacy(), &["team/app"][..]), (World::abac(), &["team/app", "team/web"])] {
        let ask = |name: &&str| Question {
            by: identity(OBJECT),
            from: Vantage::default(),
            image: ImageRef::parse(&format!("acmeprod.azurecr.io/{name}:1")).unwrap(),
        };
        let asked: Vec<Question> = names.iter().map(ask).collect();
        let asked: Vec<&Question> = asked.iter().collect();
        let proposal = world.facts().remedies(&asked, Timestamp::UNIX_EPOCH, FixPolicy::default());
        let body = proposal.changes[0].after.clone().unwrap();
        let about = &body["properties"];
        let text = |name: &str| about[name].as_str().map(str::to_owned);
        let mut properties =
            models::RoleAssignmentProperties::new(text("roleDefinitionId").unwrap(), text("principalId").unwrap());
        properties.principal_type = Some(models::role_assignment_properties::PrincipalType::ServicePrincipal);
        properties.condition = text("condition");
        properties.condition_version = text("conditionVersion");
        let generated = serde_json::to_value(models::RoleAssignmentCreateParameters::new(properties)).unwrap();
        assert_eq!(set(&generated), Some(body));
    }
}
