//! Every trap that the specification of Azure names, each with the wrong answer it would give.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_aks::facts::table;
use pullaudit_core::{Facts, Inventory, Lookalike, Read, Verdict};
use serde_json::{Value, json};
use support::*;

fn is(world: &World, wanted: &str) {
    assert_eq!(short(&world.verdict()), wanted, "{:?}", world.verdict());
}

#[test]
fn acr_pull_pulls_from_a_legacy_registry_and_not_from_an_abac_one() {
    is(&World::legacy().role(ACR_PULL), "allowed");
    is(&World::abac().role(ACR_PULL), "denied legacy-role-on-abac");
    is(&World::abac().role(READER), "allowed");
    is(&World::legacy().role(READER), "denied pull-not-granted");
}

#[test]
fn a_mode_that_was_not_told_is_not_taken_for_legacy() {
    let unknown = || World::with(json!({}));
    is(&unknown().role(ACR_PULL), "unknown legacy-role-on-abac");
    is(&unknown(), "denied pull-not-granted");
    let here = registry_id();
    let both = json!([assignment(OBJECT, ACR_PULL, &here), assignment(OBJECT, READER, &here)]);
    is(&unknown().granted(both), "allowed");
    is(
        &World::with(json!({ "roleAssignmentMode": "SomethingNew" })).role(ACR_PULL),
        "unknown legacy-role-on-abac",
    );
}

#[test]
fn a_role_is_known_by_the_last_part_of_its_id_in_any_form_and_case() {
    for id in [
        format!("/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"),
        format!("/subscriptions/x/providers/microsoft.authorization/RoleDefinitions/{}", ACR_PULL.to_uppercase()),
    ] {
        let mut grant = assignment(OBJECT, ACR_PULL, "/");
        grant["properties"]["roleDefinitionId"] = json!(id);
        is(&World::legacy().granted(json!([grant])), "allowed");
    }
}

#[test]
fn a_custom_role_counts_by_what_it_says() {
    let custom = |permissions: Value| World::legacy().custom(permissions);
    is(&custom(json!([{ "actions": ["*/read"] }])), "allowed");
    is(&custom(json!([{ "actions": ["*"], "notActions": [PULL] }])), "denied pull-not-granted");
    is(&custom(json!([{ "actions": ["*"], "notActions": [PULL] }, { "actions": [PULL] }])), "allowed");
    is(
        &custom(json!([{ "actions": ["Microsoft.ContainerRegistry/registries/*/read"] }])),
        "unknown role-wildcard-undecidable",
    );
    is(
        &custom(json!([{ "actions": ["Microsoft.ContainerRegistry/registries/delete"] }])),
        "denied pull-not-granted",
    );
    is(&custom(json!([])), "denied pull-not-granted");
}

#[test]
fn the_content_of_repositories_alone_may_not_be_enough() {
    let content = World::abac().custom(json!([{ "dataActions": [CONTENT] }]));
    is(&content, "unknown metadata-read-undecidable");
    is(&World::abac().custom(json!([{ "dataActions": [METADATA] }])), "denied pull-not-granted");
    is(&World::abac().custom(json!([{ "actions": ["*"] }])), "denied legacy-role-on-abac");
}

#[test]
fn a_condition_counts_for_its_repositories() {
    let under = |condition: &str| {
        let grant = with_condition(assignment(OBJECT, READER, &registry_id()), condition);
        World::abac().granted(json!([grant]))
    };
    is(&under(&on_repository("StringEqualsIgnoreCase 'team/app'")), "allowed");
    is(&under(&on_repository("StringEquals 'team/App'")), "denied repository-condition-unmet");
    is(&under(&on_repository("StringStartsWithIgnoreCase 'team/'")), "allowed");
    is(&under(&on_repository("StringStartsWithIgnoreCase 'other/'")), "denied repository-condition-unmet");
    is(&under(&on_repository("StringEquals @Principal[x:y]")), "unknown assignment-condition-undecidable");
    is(&under("nonsense"), "unknown assignment-condition-undecidable");
    let elsewhere =
        "(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[a:b] GuidEquals {x})";
    is(&under(elsewhere), "allowed");
}

#[test]
fn a_prefix_without_its_slash_is_told() {
    let condition = on_repository("StringStartsWithIgnoreCase 'team'");
    let grant = with_condition(assignment(OBJECT, READER, &registry_id()), &condition);
    let world = World::abac().granted(json!([grant]));
    is(&world, "allowed");
    let notices = world.facts().notices(jiff::Timestamp::UNIX_EPOCH, &Inventory::default());
    assert_eq!(notices.iter().map(|notice| notice.code).collect::<Vec<_>>(), ["prefix-without-slash"]);
}

#[test]
fn only_a_grant_of_a_deleted_identity_tells_of_a_rotation() {
    let here = registry_id();
    let left = |principal: &str, scope: &str| {
        let holders = Read::Got(json!([assignment(principal, ACR_PULL, scope)]));
        World::legacy().put(table::HOLDERS, &key(), holders)
    };
    let deleted = |world: World| world.put(table::PRINCIPALS, OLD_OBJECT, Read::Absent);
    is(&deleted(left(OLD_OBJECT, &here)), "denied identity-rotated");
    is(&deleted(left(OLD_OBJECT, &here.to_uppercase())), "denied identity-rotated");
    is(&deleted(left(OLD_OBJECT, "/subscriptions/x")), "denied pull-not-granted");
    is(&left(OLD_OBJECT, &here), "denied pull-not-granted");
    let there = left(OLD_OBJECT, &here).put(table::PRINCIPALS, OLD_OBJECT, Read::Got(principal(OLD_OBJECT)));
    is(&there, "denied pull-not-granted");
    is(&left(OLD_OBJECT, &here).put(table::PRINCIPALS, OLD_OBJECT, refused("graph")), "denied pull-not-granted");
}

#[test]
fn a_grant_to_the_wrong_id_of_the_cluster_is_named_as_the_cause() {
    let plane = "c0de0000-0000-4000-8000-000000000001";
    let told = |principal: &str, world: World| {
        let holders = Read::Got(json!([assignment(principal, ACR_PULL, &registry_id())]));
        let world = world.put(table::HOLDERS, &key(), holders);
        is(&world, "denied pull-not-granted");
        match world.verdict() {
            Verdict::Denied { because } => because[0].detail.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let known = json!([{ "id": plane, "code": "granted-to-control-plane", "what": "the identity of the control plane of prod" }]);
    let of_plane = told(plane, World::legacy().put(table::LOOKALIKES, OBJECT, Read::Got(known)));
    assert!(
        of_plane.ends_with(&format!("held by {plane}, the identity of the control plane of prod")),
        "{of_plane}"
    );
    // Microsoft Graph tells the client id by itself.
    let of_client = told(CLIENT, World::legacy());
    assert!(of_client.ends_with(&format!("held by {CLIENT}, the client id of aks-kubelet-b")), "{of_client}");
}

#[test]
fn a_legacy_registry_supports_no_condition() {
    let under = |condition: &str| with_condition(assignment(OBJECT, ACR_PULL, &registry_id()), condition);
    for text in [on_repository("StringEqualsIgnoreCase 'team/app'"), "nonsense".to_owned()] {
        let world = World::legacy().granted(json!([under(&text)]));
        is(&world, "unknown assignment-condition-undecidable");
        let both = json!([under(&text), assignment(OBJECT, ACR_PULL, "/")]);
        is(&World::legacy().granted(both), "allowed");
    }
    let role =
        json!([{ "actions": [PULL], "condition": on_repository("StringEquals 'a'"), "conditionVersion": "2.0" }]);
    is(&World::legacy().custom(role), "unknown role-wildcard-undecidable");
    let mut lock = deny("d", "/", json!([{ "id": OBJECT, "type": "ServicePrincipal" }]), json!([PULL]));
    lock["properties"]["condition"] = json!(on_repository("StringEquals 'other'"));
    lock["properties"]["conditionVersion"] = json!("2.0");
    is(&World::legacy().role(ACR_PULL).denied(json!([lock])), "unknown deny-assignment-undecidable");
}

#[test]
fn a_first_pull_through_a_cache_rule_is_decided_by_rights() {
    let rule = json!([{ "name": "hub", "properties": { "sourceRepository": "docker.io/library/*", "targetRepository": "hub/*" } }]);
    let world = |world: World| world.put(table::CACHE_RULES, &key(), Read::Got(rule.clone()));
    let pulls = |world: &World| short(&world.pulls("acmeprod.azurecr.io/hub/nginx:1"));
    assert_eq!(pulls(&world(World::legacy().role(ACR_PULL))), "allowed");
    assert_eq!(pulls(&world(World::abac().role(READER))), "allowed");
    assert_eq!(pulls(&world(World::legacy())), "denied pull-not-granted");
}

#[test]
fn a_host_with_a_port_is_weighed_without_a_login() {
    let open = World::with(json!({ "anonymousPullEnabled": true }));
    let ask = |world: &World, image: &str| {
        short(&world.ask(pullaudit_core::Credential::Anonymous, image, pullaudit_core::Mode::Strict))
    };
    assert_eq!(ask(&open, "acmeprod.azurecr.io:443/team/app:1"), "allowed");
    assert_eq!(ask(&World::legacy(), "acmeprod.azurecr.io:443/team/app:1"), "denied anonymous-refused");
    assert_eq!(ask(&open, "acmeprod.azurecr.io:5000/team/app:1"), "unknown registry-network-undecidable");
}

#[test]
fn a_deny_assignment_beats_every_grant() {
    let world = |denies: Value| World::legacy().role(ACR_PULL).denied(denies);
    let me = json!([{ "id": OBJECT, "type": "ServicePrincipal" }]);
    let everybody = json!([{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }]);
    let above = format!("/subscriptions/{SUBSCRIPTION}");
    is(&world(json!([deny("d", &above, me.clone(), json!(["*"]))])), "denied deny-assignment");
    is(&world(json!([deny("d", &above, everybody.clone(), json!(["*/read"]))])), "denied deny-assignment");
    is(&world(json!([deny("d", &above, me.clone(), json!(["*/write"]))])), "allowed");
    let mut child = deny("d", &above, me.clone(), json!(["*"]));
    child["properties"]["doNotApplyToChildScopes"] = json!(true);
    is(&world(json!([child.clone()])), "allowed");
    child["properties"]["scope"] = json!(registry_id().to_lowercase());
    is(&world(json!([child])), "denied deny-assignment");
    let mut excluded = deny("d", &above, everybody.clone(), json!(["*"]));
    excluded["properties"]["excludePrincipals"] = me.clone();
    is(&world(json!([excluded.clone()])), "allowed");
    excluded["properties"]["excludePrincipals"] = json!([{ "id": "g", "type": "Group" }]);
    is(&world(json!([excluded])), "unknown deny-assignment-undecidable");
    let mut audit = deny("d", &above, everybody, json!(["*"]));
    audit["properties"]["denyAssignmentEffect"] = json!("audit");
    is(&world(json!([audit])), "allowed");
    let other = json!([{ "id": OLD_OBJECT, "type": "ServicePrincipal" }]);
    is(&world(json!([deny("d", &above, other, json!(["*"]))])), "allowed");
    let inside = deny("d", &above, me, json!(["Microsoft.ContainerRegistry/*"]));
    is(&world(json!([inside])), "unknown deny-assignment-undecidable");
}

#[test]
fn a_deny_assignment_on_a_group_counts_for_its_members() {
    let group = json!([{ "id": "93000000-0000-4000-8000-000000000000", "type": "Group" }]);
    let denies = json!([deny("d", "/", group, json!(["*"]))]);
    let world = || World::legacy().role(ACR_PULL).denied(denies.clone());
    is(&world(), "unknown deny-assignment-undecidable");
    is(&world().put(table::DENY_ASSIGNED, &pair(), Read::Got(json!([]))), "allowed");
    is(&world().put(table::DENY_ASSIGNED, &pair(), Read::Got(denies.clone())), "denied deny-assignment");
    let refused = world().put(table::DENY_ASSIGNED, &pair(), refused("deny"));
    is(&refused, "unknown deny-assignment-undecidable");
    assert!(
        matches!(refused.verdict(), Verdict::Unknown { needing } if needing[0].open.to_string().contains("deny/read"))
    );
}

#[test]
fn a_network_that_lets_nobody_in_denies_and_one_that_lets_some_in_is_open() {
    let closed = |status: Option<&str>| {
        let ends: Vec<Value> = status
            .into_iter()
            .map(|status| json!({ "properties": { "privateLinkServiceConnectionState": { "status": status } } }))
            .collect();
        let mode = "LegacyRegistryPermissions";
        World::with(json!({
            "roleAssignmentMode": mode, "publicNetworkAccess": "Disabled", "privateEndpointConnections": ends
        }))
        .role(ACR_PULL)
    };
    is(&closed(None), "denied registry-network-closed");
    is(&closed(Some("Pending")), "denied registry-network-closed");
    is(&closed(Some("Approved")), "unknown registry-network-undecidable");
    let rules = json!({ "roleAssignmentMode": "LegacyRegistryPermissions", "networkRuleSet": { "defaultAction": "Deny" } });
    is(&World::with(rules.clone()).role(ACR_PULL), "unknown registry-network-undecidable");
    is(&World::with(rules), "denied pull-not-granted");
}

#[test]
fn everybody_pulls_where_the_registry_says_so_but_not_past_its_network() {
    let open = json!({ "anonymousPullEnabled": true });
    assert_eq!(short(&World::with(open).anonymous()), "allowed");
    assert_eq!(short(&World::legacy().anonymous()), "denied anonymous-refused");
    let closed = json!({ "anonymousPullEnabled": true, "publicNetworkAccess": "Disabled" });
    assert_eq!(short(&World::with(closed).anonymous()), "denied registry-network-closed");
}

#[test]
fn an_image_in_quarantine_may_be_hidden() {
    let policies = json!({ "quarantinePolicy": { "status": "enabled" } });
    let world = World::with(json!({ "roleAssignmentMode": "LegacyRegistryPermissions", "policies": policies }));
    is(&world.role(ACR_PULL), "unknown quarantine-undecidable");
}

#[test]
fn a_registry_is_known_by_its_login_server_and_the_hosts_of_its_regions() {
    let world = World::with(json!({
        "loginServer": "Acme-H4sh.azurecr.io",
        "regionalEndpointHostNames": ["acmeprod.westeurope.geo.azurecr.io"],
        "roleAssignmentMode": "LegacyRegistryPermissions"
    }))
    .role(ACR_PULL);
    for host in ["acme-h4sh.azurecr.io", "acmeprod.westeurope.geo.azurecr.io"] {
        assert_eq!(short(&world.pulls(&format!("{host}/team/app:1"))), "allowed", "{host}");
    }
    assert_eq!(short(&world.pulls("acmeprod.azurecr.io/team/app:1")), "unknown foreign-registry");
}

#[test]
fn a_registry_that_was_not_found_is_foreign_only_where_every_list_was_read() {
    let image = "elsewhere.azurecr.io/team/app:1";
    assert_eq!(short(&World::legacy().pulls(image)), "unknown foreign-registry");
    let hidden = World::legacy().put(table::REGISTRIES, "other", refused("registries"));
    assert_eq!(short(&hidden.pulls(image)), "unknown registries-unread");
    assert_eq!(short(&World(pullaudit_core::Section::default()).pulls(image)), "unknown not-collected");
}

#[test]
fn an_empty_body_or_a_hidden_role_is_not_taken_for_a_role_without_rights() {
    let world = World::legacy().role(ACR_PULL);
    is(&world.put(table::DEFINITIONS, ACR_PULL, Read::Got(json!({}))), "unknown role-definition-unread");
    let hidden = World::legacy().role(ACR_PULL).put(table::DEFINITIONS, ACR_PULL, Read::Absent);
    is(&hidden, "unknown role-definition-unread");
}

#[test]
fn an_identity_of_another_cloud_is_none_of_azure() {
    let by = identity("arn:aws:iam::111122223333:role/node");
    let world = World::legacy();
    let verdict = world.ask(by, "acmeprod.azurecr.io/team/app:1", pullaudit_core::Mode::Strict);
    assert_eq!(short(&verdict), "denied not-an-object-id");
}

#[test]
fn a_right_to_push_and_the_logins_of_cache_rules_are_told() {
    let wide = World::legacy().custom(json!([{ "actions": ["*"] }]));
    let set = format!("{}/credentialSets/hub", registry_id());
    let rules = json!([
        { "name": "open", "properties": { "sourceRepository": "docker.io/library/*" } },
        { "name": "hub", "properties": { "sourceRepository": "docker.io/acme/*", "credentialSetResourceId": set } }
    ]);
    let health = json!({ "status": "Unhealthy", "errorCode": "KeyVaultAccess" });
    let sets = json!([{ "id": set.to_uppercase(), "name": "hub",
        "properties": { "authCredentials": [{ "name": "Credential1", "credentialHealth": health }] } }]);
    let world = wide.put(table::CACHE_RULES, &key(), Read::Got(rules)).put(
        table::CREDENTIAL_SETS,
        &key(),
        Read::Got(sets),
    );
    let notices = world.facts().notices(jiff::Timestamp::UNIX_EPOCH, &Inventory::default());
    let lines: Vec<String> =
        notices.iter().map(|one| format!("{}: {}: {}", one.code, one.subject, one.message)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn grants_to_what_never_pulls_and_to_what_is_gone_are_notices() {
    let plane = "c0de0000-0000-4000-8000-000000000001";
    let client = "c11e0000-0000-4000-8000-000000000001";
    let robot = "40b00000-0000-4000-8000-000000000001";
    let here = registry_id();
    let above = format!("/subscriptions/{SUBSCRIPTION}");
    let mut person = assignment("be4e0000-0000-4000-8000-000000000001", ACR_PULL, &here);
    person["properties"]["principalType"] = json!("User");
    let held = |principal: &str, scope: &str| assignment(principal, ACR_PULL, scope);
    let holders = json!([
        held(OBJECT, &here),
        held(plane, &here),
        held(client, &here),
        held(OLD_OBJECT, &here),
        held(robot, &above),
        person
    ]);
    let world = World::legacy().role(ACR_PULL).put(table::HOLDERS, &key(), Read::Got(holders));
    let lookalike = |id: &str, code: &str, what: &str| Lookalike {
        id: id.to_owned(),
        code: code.to_owned(),
        what: format!("{what} of prod-weu-1"),
    };
    let mut inventory = Inventory {
        pullers: [OBJECT.to_owned()].into(),
        lookalikes: vec![
            lookalike(plane, "granted-to-control-plane", "the identity of the control plane"),
            lookalike(client, "granted-to-client-id", "the client id of the kubelet identity"),
        ],
        ..Inventory::default()
    };
    let told = |inventory: &Inventory| -> Vec<String> {
        let notices = world.facts().notices(jiff::Timestamp::UNIX_EPOCH, inventory);
        notices.iter().map(|one| format!("{}: {}", one.code, one.message)).collect()
    };
    let wrong = [
        format!(
            "granted-to-client-id: AcrPull on acmeprod is held by {client}, the client id of the kubelet identity of prod-weu-1"
        ),
        format!(
            "granted-to-control-plane: AcrPull on acmeprod is held by {plane}, the identity of the control plane of prod-weu-1"
        ),
    ];
    assert_eq!(told(&inventory), wrong, "what another cluster may pull as is not called left behind");
    inventory.whole.insert("aks".to_owned());
    let left = format!(
        "grant-left-behind: AcrPull on acmeprod is held by {OLD_OBJECT}, which no AKS cluster that the credentials see pulls as"
    );
    assert_eq!(told(&inventory), [&[left][..], &wrong[..]].concat());
}
