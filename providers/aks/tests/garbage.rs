//! A body that lost what every one of its kind holds is unread, and the reading is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_aks::facts::table;
use pullaudit_core::{Mode, Read, Verdict};
use serde_json::{Value, json};
use support::*;

fn role(guid: &str, actions: Value, data: Value, not: Value) -> Value {
    let element = json!({ "actions": actions, "notActions": not, "dataActions": data, "notDataActions": not });
    definition(guid, "acme-puller", json!([element]))
}

fn lock(more: Value) -> Value {
    let everybody = json!([{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }]);
    let mut lock = deny("lock", &format!("/subscriptions/{SUBSCRIPTION}"), everybody, json!([]));
    let all = json!({ "actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": [] });
    lock["properties"]["permissions"] = json!([all]);
    lock["properties"]["excludePrincipals"] = json!([]);
    lock["properties"]["doNotApplyToChildScopes"] = json!(false);
    lock["properties"]["isSystemProtected"] = json!(true);
    for (name, value) in more.as_object().unwrap() {
        lock["properties"][name] = value.clone();
    }
    lock
}

fn needs(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Unknown { needing } => {
            needing.iter().fold(String::new(), |text, need| format!("{text}{} ", need.open))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_role_or_a_denial_without_permissions_is_unread() {
    let mut role = role(ACR_PULL, json!([PULL]), json!([]), json!([]));
    role["properties"].as_object_mut().unwrap().remove("permissions");
    let world = World::legacy().role(ACR_PULL);
    let unread = world.clone().put(table::DEFINITIONS, ACR_PULL, Read::Got(role));
    assert_eq!(short(&unread.verdict()), "unknown role-definition-unread");
    assert!(needs(&unread.verdict()).contains("Microsoft.Authorization/roleDefinitions/read"));

    let mut lock = lock(json!({}));
    lock["properties"].as_object_mut().unwrap().remove("permissions");
    let unread = world.denied(json!([lock]));
    assert_eq!(short(&unread.verdict()), "unknown deny-assignments-unread");
    assert!(needs(&unread.verdict()).contains("Microsoft.Authorization/denyAssignments/read"));
}

#[test]
fn a_slim_row_of_an_older_snapshot_keeps_its_defaults() {
    let world = World::legacy().role(ACR_PULL);
    let image = "acmeprod.azurecr.io/team/app:1";
    assert_eq!(short(&world.ask(identity(OBJECT), image, Mode::Strict)), "allowed");
}

#[test]
fn a_word_that_no_specification_lists_decides_nothing() {
    for (setting, known, unknown) in [
        (
            json!({ "publicNetworkAccess": "Enabled" }),
            "allowed",
            json!({ "publicNetworkAccess": "SecuredByPerimeter" }),
        ),
        (
            json!({ "networkRuleSet": { "defaultAction": "Allow" } }),
            "allowed",
            json!({ "networkRuleSet": { "defaultAction": "Weird" } }),
        ),
        (
            json!({ "policies": { "quarantinePolicy": { "status": "disabled" } } }),
            "allowed",
            json!({ "policies": { "quarantinePolicy": { "status": "pending" } } }),
        ),
    ] {
        let with = |setting: &Value| {
            let mut all = json!({ "roleAssignmentMode": "LegacyRegistryPermissions" });
            all.as_object_mut().unwrap().extend(setting.as_object().unwrap().clone());
            short(&World::with(all).role(ACR_PULL).verdict())
        };
        assert_eq!(with(&setting), known, "{setting}");
        assert!(with(&unknown).starts_with("unknown "), "{unknown}: {}", with(&unknown));
    }
}
