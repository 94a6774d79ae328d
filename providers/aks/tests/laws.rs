//! Laws over random facts: what is not known never flips a verdict, and order never matters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_aks::facts::table;
use pullaudit_core::{Mode, Obstacle, Read, Verdict};
use serde_json::{Value, json};
use std::mem::discriminant;
use support::*;

const GROUP: &str = "93000000-0000-4000-8000-000000000000";
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

fn actions() -> impl Strategy<Value = Value> {
    select(vec![
        json!([PULL]),
        json!(["*"]),
        json!(["*/read"]),
        json!(["Microsoft.ContainerRegistry/registries/*"]),
        json!([CONTENT, METADATA]),
        json!([CONTENT]),
        json!(["Microsoft.Compute/*"]),
        json!([]),
    ])
}

fn scopes() -> impl Strategy<Value = String> {
    select(vec!["/".to_owned(), format!("/subscriptions/{SUBSCRIPTION}"), registry_id()])
}

fn conditions() -> impl Strategy<Value = Option<String>> {
    select(vec![
        None,
        None,
        Some(on_repository("StringEqualsIgnoreCase 'team/app'")),
        Some(on_repository("StringStartsWith 'other/'")),
        Some(on_repository("StringEquals @Principal[a:b]")),
        Some("broken (".to_owned()),
    ])
}

fn permission() -> impl Strategy<Value = Value> {
    (actions(), actions(), actions(), any::<bool>()).prop_map(|(plane, data, taken, takes)| {
        let taken = if takes { taken } else { json!([]) };
        json!({ "actions": plane, "dataActions": data, "notActions": taken, "notDataActions": taken })
    })
}

fn grants() -> impl Strategy<Value = Vec<Value>> {
    let one =
        (select(vec![ACR_PULL, READER, CUSTOM]), scopes(), conditions()).prop_map(|(role, scope, condition)| {
            let grant = assignment(OBJECT, role, &scope);
            condition.map_or(grant.clone(), |condition| with_condition(grant, &condition))
        });
    proptest::collection::vec(one, 0..4)
}

fn denies() -> impl Strategy<Value = Vec<Value>> {
    let who = select(vec![
        json!([{ "id": OBJECT, "type": "ServicePrincipal" }]),
        json!([{ "id": GROUP, "type": "Group" }]),
        json!([{ "id": EVERYBODY, "type": "SystemDefined" }]),
        json!([{ "id": OLD_OBJECT, "type": "ServicePrincipal" }]),
    ]);
    let excluded = select(vec![json!([]), json!([]), json!([{ "id": GROUP, "type": "Group" }])]);
    let one = (who, excluded, scopes(), actions(), any::<bool>(), 0..100_u8).prop_map(
        |(who, excluded, scope, actions, child, name)| {
            let mut deny = deny(&format!("d{name}"), &scope, who, actions);
            deny["properties"]["doNotApplyToChildScopes"] = json!(child);
            deny["properties"]["excludePrincipals"] = excluded;
            deny
        },
    );
    proptest::collection::vec(one, 0..3)
}

#[derive(Clone, Debug)]
struct Parts {
    properties: Value,
    permissions: Vec<Value>,
    grants: Vec<Value>,
    denies: Vec<Value>,
    member: bool,
    hidden: bool,
}

fn parts() -> impl Strategy<Value = Parts> {
    let mode = select(vec![json!("LegacyRegistryPermissions"), json!("AbacRepositoryPermissions"), json!(null)]);
    let network = select(vec!["Enabled", "Enabled", "Enabled", "Disabled"]);
    let permissions = proptest::collection::vec(permission(), 0..3);
    (mode, network, permissions, grants(), denies(), any::<bool>(), proptest::bool::weighted(0.1)).prop_map(
        |(mode, network, permissions, grants, denies, member, hidden)| Parts {
            properties: json!({ "roleAssignmentMode": mode, "publicNetworkAccess": network }),
            permissions,
            grants,
            denies,
            member,
            hidden,
        },
    )
}

fn world(parts: &Parts) -> World {
    let custom = definition(CUSTOM, "acme-puller", json!(parts.permissions));
    let custom = if parts.hidden { Read::Absent } else { Read::Got(custom) };
    let of_identity: Vec<&Value> = parts.denies.iter().filter(|_| parts.member).collect();
    World::with(parts.properties.clone())
        .put(table::DEFINITIONS, CUSTOM, custom)
        .granted(json!(parts.grants))
        .denied(json!(parts.denies))
        .put(table::DENY_ASSIGNED, &pair(), Read::Got(json!(of_identity)))
}

/// How an answer goes missing.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Refused,
    /// What Azure hides from a caller it answers with a 404.
    NotFound,
    NotCollected,
}

fn same(one: &Verdict, other: &Verdict) -> bool {
    discriminant(one) == discriminant(other)
}

fn allowed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allowed { .. })
}

fn denied(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Denied { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Ablation: taking any one answer away leaves the verdict or makes it unknown, naming something.
    #[test]
    fn an_answer_that_is_missing_never_flips_a_verdict(parts in parts()) {
        let whole = world(&parts);
        let before = whole.verdict();
        for (table, key) in whole.0.tables.iter().flat_map(|(table, rows)| rows.keys().map(move |key| (table, key))) {
            for loss in [Loss::Refused, Loss::NotFound, Loss::NotCollected] {
                // Microsoft Graph hides nobody: whom it does not name is gone.
                if matches!(loss, Loss::NotFound) && table == table::PRINCIPALS {
                    continue;
                }
                let mut less = World(whole.0.clone());
                match loss {
                    Loss::Refused => prop_assert!(less.0.ablate(table, key, Obstacle::Refused)),
                    Loss::NotFound => less.0.put(table, key, Read::Absent),
                    Loss::NotCollected => { less.0.tables.get_mut(table).unwrap().remove(key); }
                }
                let after = less.verdict();
                match &after {
                    Verdict::Unknown { needing } => prop_assert!(!needing.is_empty()),
                    _ => prop_assert!(same(&before, &after), "{table} {key}: {before:?} became {after:?}"),
                }
            }
        }
    }

    #[test]
    fn the_order_of_answers_never_matters(parts in parts()) {
        let mut turned = parts.clone();
        turned.permissions.reverse();
        turned.grants.reverse();
        turned.denies.reverse();
        prop_assert_eq!(world(&parts).verdict(), world(&turned).verdict());
    }

    /// One more deny never allows, and one more grant never denies.
    #[test]
    fn denies_only_take_and_grants_only_give(parts in parts(), deny in denies(), grant in grants()) {
        let before = world(&parts).verdict();
        let mut more = parts.clone();
        more.denies.extend(deny);
        let after = world(&more).verdict();
        prop_assert!(!allowed(&after) || allowed(&before));
        let mut more = parts.clone();
        more.grants.extend(grant);
        let after = world(&more).verdict();
        prop_assert!(!denied(&after) || denied(&before));
    }

    #[test]
    fn a_default_audit_assumes_nothing_here(parts in parts()) {
        let world = world(&parts);
        let image = "acmeprod.azurecr.io/team/app:1";
        prop_assert_eq!(world.ask(identity(OBJECT), image, Mode::Default), world.ask(identity(OBJECT), image, Mode::Strict));
    }
}
