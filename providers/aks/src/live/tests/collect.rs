//! The facts that questions need, and no others.

use super::{Fake, OTHER, Run, SUB, error, page, subscriptions};
use crate::facts::table::*;
use pullaudit_core::{
    CollectError, Credential, DiscoverError, ImageRef, Obstacle, Open, Principal, PrincipalKind, Question, Read,
    Section, Vantage,
};
use std::collections::BTreeSet;

const OBJECT: &str = "3f9e1a22-0000-4000-8000-00000000000a";
const PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
const ROLES: &str = "/providers/Microsoft.Authorization/roleDefinitions";

fn asked(image: &str) -> Question {
    let id = OBJECT.to_ascii_uppercase();
    let by = Credential::Principal(Principal::new(PrincipalKind::Kubelet, id, "agentpool"));
    Question { by, from: Vantage::default(), image: ImageRef::parse(image).unwrap() }
}

fn id(subscription: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/RG/providers/Microsoft.ContainerRegistry/registries/{name}"
    )
}

fn registry(subscription: &str, name: &str) -> String {
    let hosts = format!(
        r#""loginServer":"{name}-H4sh.azurecr.io","regionalEndpointHostNames":["{name}.weu.geo.azurecr.io"]"#
    );
    format!(r#"{{"id":"{}","name":"{name}","properties":{{{hosts}}}}}"#, id(subscription, name))
}

fn grant(role: &str) -> String {
    format!(r#"{{"id":"g","name":"g","properties":{{"roleDefinitionId":"{role}","principalId":"{OBJECT}"}}}}"#)
}

fn deny(kind: &str) -> String {
    format!(r#"{{"name":"d","properties":{{"principals":[{{"id":"x","type":"{kind}"}}]}}}}"#)
}

/// One registry with everything; a test puts its own answers in front.
fn rules(own: Vec<(&'static str, u16, String)>) -> Fake {
    let role = format!("/subscriptions/{SUB}{ROLES}/{}", PULL.to_ascii_uppercase());
    let mut rules = own;
    rules.extend([
        ("/subscriptions?", 200, subscriptions(&[SUB, OTHER])),
        (
            "aaaaaaaa-0000-4000-8000-000000000001/providers/Microsoft.ContainerRegistry/registries?",
            200,
            page(&registry(SUB, "Acme")),
        ),
        (
            "bbbbbbbb-0000-4000-8000-000000000002/providers/Microsoft.ContainerRegistry/registries?",
            200,
            page(&registry(OTHER, "Far")),
        ),
        ("/roleAssignments?", 200, page(&grant(&role))),
        ("/denyAssignments?", 200, page(&deny("ServicePrincipal"))),
        ("/cacheRules?", 200, page("")),
        ("/roleDefinitions/", 200, format!(r#"{{"name":"{PULL}","properties":{{"roleName":"AcrPull"}}}}"#)),
        ("/getByIds", 200, page(&format!(r#"{{"id":"{OBJECT}","accountEnabled":true}}"#))),
    ]);
    Fake::table(rules)
}

fn keys(section: &Section) -> Vec<(&str, &str)> {
    let rows =
        section.tables.iter().flat_map(|(table, rows)| rows.keys().map(move |key| (table.as_str(), key.as_str())));
    rows.collect()
}

fn unread(section: &Section, table: &str, key: &str) -> Obstacle {
    match section.get(table, key).and_then(Read::open) {
        Some(Open::Unread { obstacle, .. }) => obstacle.clone(),
        other => panic!("{table} {key}: {other:?}"),
    }
}

#[tokio::test]
async fn every_table_is_filled_by_one_call_a_row() {
    let run = Run::new(rules(vec![]));
    let questions =
        ["acme-h4sh.azurecr.io/a:1", "ACME-h4sh.azurecr.io/b:2", "acme.weu.geo.azurecr.io/a:1"].map(asked);
    let section = run.live.collect(&questions).await.unwrap();
    let registry = id(SUB, "Acme").to_ascii_lowercase();
    let pair = format!("{registry}|{OBJECT}");
    let mut expected = vec![
        (CACHE_RULES, registry.as_str()),
        (DENY, &registry),
        (REGISTRIES, SUB),
        (REGISTRIES, OTHER),
        (ASSIGNMENTS, &pair),
        (HOLDERS, &registry),
        (DEFINITIONS, PULL),
        (PRINCIPALS, OBJECT),
        (SUBSCRIPTIONS, ""),
    ];
    expected.sort_unstable();
    assert_eq!(keys(&section), expected);

    let seen = run.fake.seen();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "{seen:?}");
    let arm = format!("GET https://management.azure.com{}", id(SUB, "Acme"));
    let authorization = format!("{arm}/providers/Microsoft.Authorization");
    for line in [
        format!("{authorization}/roleAssignments?api-version=2022-04-01&$filter=atScope()"),
        format!(
            "{authorization}/roleAssignments?api-version=2022-04-01&$filter=atScope()%20and%20assignedTo(%27{OBJECT}%27)"
        ),
        format!("{authorization}/denyAssignments?api-version=2022-04-01&$filter=atScope()"),
        format!("{arm}/cacheRules?api-version=2025-11-01"),
        format!("GET https://management.azure.com/subscriptions/{SUB}{ROLES}/{PULL}?api-version=2022-04-01"),
    ] {
        assert!(seen.contains(&line), "{line} not in {seen:#?}");
    }
    assert_eq!(run.count("arm").operations, 8);
    // The list of subscriptions is kept from one question to the next.
    run.live.collect(&questions[..1]).await.unwrap();
    assert_eq!(run.count("arm").operations, 15);
}

#[tokio::test]
async fn groups_and_credential_sets_are_asked_about_only_where_they_are_named() {
    let rule = r#"{"name":"r","properties":{"credentialSetResourceId":"/x/credentialSets/hub"}}"#;
    let own = vec![
        ("/denyAssignments?", 200, page(&deny("Group"))),
        ("/cacheRules?", 200, page(rule)),
        ("/credentialSets?api-version=2025-11-01", 200, page(r#"{"id":"/x/credentialSets/hub"}"#)),
    ];
    let run = Run::new(rules(own));
    let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
    let registry = id(SUB, "Acme").to_ascii_lowercase();
    assert!(section.get(DENY_ASSIGNED, &format!("{registry}|{OBJECT}")).is_some());
    assert_eq!(
        section.get(CREDENTIAL_SETS, &registry).and_then(Read::got).unwrap()[0]["id"],
        "/x/credentialSets/hub"
    );
}

#[tokio::test]
async fn other_subscriptions_are_listed_only_for_a_host_that_the_given_ones_have_not() {
    let given = [SUB.to_ascii_uppercase()];
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let run = Run::given(rules(vec![]), &given);
    let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
    assert_eq!(section.tables[REGISTRIES].len(), 1);
    assert_eq!(section.get(SUBSCRIPTIONS, "").and_then(Read::got).unwrap()[0]["subscriptionId"], SUB);
    assert!(run.fake.seen().iter().all(|line| !line.contains("/subscriptions?")));

    let run = Run::given(rules(vec![]), &given);
    let section = run.live.collect(&[asked("far-h4sh.azurecr.io/a:1")]).await.unwrap();
    assert_eq!(section.tables[REGISTRIES].len(), 2);
    let far = id(OTHER, "Far").to_ascii_lowercase();
    assert_eq!(section.tables[HOLDERS].keys().collect::<Vec<_>>(), [&far]);
    let all = section.get(SUBSCRIPTIONS, "").and_then(Read::got).unwrap();
    assert_eq!((all.as_array().unwrap().len(), &all[0]["tenantId"]), (2, &"t".into()));
}

#[tokio::test]
async fn what_is_refused_or_fails_is_an_unread_row_of_its_own() {
    let own = vec![
        ("/roleAssignments?api-version=2022-04-01&$filter=atScope()%20and", 403, error("AuthorizationFailed")),
        ("/denyAssignments?", 404, error("ResourceNotFound")),
        ("/cacheRules?", 200, r#"{"value":[{"name":"#.to_owned()),
        (
            "bbbbbbbb-0000-4000-8000-000000000002/providers/Microsoft.ContainerRegistry",
            404,
            error("SubscriptionNotFound"),
        ),
    ];
    let section = Run::new(rules(own)).live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
    let registry = id(SUB, "Acme").to_ascii_lowercase();
    assert_eq!(unread(&section, ASSIGNMENTS, &format!("{registry}|{OBJECT}")), Obstacle::Refused);
    for (table, key) in [(DENY, registry.as_str()), (CACHE_RULES, &registry), (REGISTRIES, OTHER)] {
        let obstacle = unread(&section, table, key);
        assert!(matches!(obstacle, Obstacle::Failed(_)) || (table, key) == (REGISTRIES, OTHER), "{table}");
    }
    assert!(matches!(unread(&section, REGISTRIES, OTHER), Obstacle::Blocked(_)));
    assert!(section.get(HOLDERS, &registry).and_then(Read::got).is_some());
    assert!(section.get(DEFINITIONS, PULL).and_then(Read::got).is_some());
}

#[tokio::test]
async fn a_role_that_is_assigned_is_read_in_either_form_or_unread_and_never_absent() {
    let tenant = "azure.com/providers/Microsoft.Authorization/roleDefinitions/";
    let under = "01/providers/Microsoft.Authorization/roleDefinitions/";
    let body = || format!(r#"{{"name":"{PULL}"}}"#);
    let gone = || error("RoleDefinitionDoesNotExist");
    let cases = [
        ((404, gone()), (404, gone()), "unread"),
        ((404, gone()), (404, error("ResourceNotFound")), "unread"),
        ((404, gone()), (200, body()), "got"),
        ((200, body()), (404, gone()), "got"),
        ((403, error("AuthorizationFailed")), (200, body()), "got"),
        ((403, error("AuthorizationFailed")), (404, gone()), "unread"),
        ((404, error("SubscriptionNotFound")), (200, body()), "unread"),
        ((200, r#"{"name":"other"}"#.to_owned()), (200, body()), "unread"),
        ((200, "{}".to_owned()), (200, body()), "unread"),
    ];
    for (first, second, expected) in cases {
        let told = format!("{first:?} {second:?}");
        let run = Run::new(rules(vec![(under, first.0, first.1), (tenant, second.0, second.1)]));
        let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
        let outcome = match section.get(DEFINITIONS, PULL).unwrap() {
            Read::Got(_) => "got",
            Read::Absent => "absent",
            Read::Unread(_) => "unread",
        };
        assert_eq!(outcome, expected, "{told}");
    }
}

#[tokio::test]
async fn nothing_is_sent_for_foreign_hosts_and_rejected_credentials_are_an_error() {
    let run = Run::new(Fake::table(vec![]));
    assert!(run.live.collect(&[asked("quay.io/a/b:1")]).await.unwrap().is_empty());
    assert_eq!(run.count("entra").operations, 0);

    for given in [vec![], vec![SUB]] {
        let run = Run::given(Fake::table(vec![("", 401, error("ExpiredAuthenticationToken"))]), &given);
        let error = run.live.collect(&[asked("acme.azurecr.io/a:1")]).await.unwrap_err();
        let CollectError::Discover(error) = error;
        assert!(matches!(error, DiscoverError::Credentials { .. }), "{error}");
    }
}

#[tokio::test]
async fn subscriptions_that_cannot_be_listed_are_an_unread_row() {
    let run = Run::given(rules(vec![("/subscriptions?", 403, error("AuthorizationFailed"))]), &[SUB]);
    let section = run.live.collect(&[asked("far-h4sh.azurecr.io/a:1")]).await.unwrap();
    assert_eq!(unread(&section, SUBSCRIPTIONS, ""), Obstacle::Refused);
    assert!(section.get(REGISTRIES, SUB).and_then(Read::got).is_some());
}

#[tokio::test]
async fn an_identity_is_gone_only_where_the_directory_is_the_registry_s() {
    let absent = || ("/getByIds", 200, page(""));
    let subscription = |more: &str| {
        page(&format!(
            r#"{{"subscriptionId":"{SUB}","tenantId":"t"{more}}},{{"subscriptionId":"{OTHER}","tenantId":"t"}}"#
        ))
    };
    let two =
        format!(r#"{{"subscriptionId":"{SUB}","tenantId":"t"}},{{"subscriptionId":"{OTHER}","tenantId":"u"}}"#);
    let managed = r#","managedByTenants":[{"tenantId":"m"}]"#;
    for (subscriptions, gone) in [(subscription(""), true), (subscription(managed), false), (page(&two), false)] {
        let run = Run::new(rules(vec![absent(), ("/subscriptions?", 200, subscriptions.clone())]));
        let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
        let row = section.get(PRINCIPALS, OBJECT).unwrap();
        assert_eq!(*row == Read::Absent, gone, "{subscriptions}");
        if !gone {
            assert!(matches!(unread(&section, PRINCIPALS, OBJECT), Obstacle::Blocked(_)));
        }
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_never_empty() {
    let cut = format!(r#"{{"value":[],"@odata.nextLink":"https://graph.microsoft.com/next?{OBJECT}"}}"#);
    let answers = [
        (403, error("Authorization_RequestDenied")),
        (401, error("InvalidAuthenticationToken")),
        (200, "{}".to_owned()),
        (200, "<html>".to_owned()),
        (200, page(r#"{"displayName":"x"}"#)),
        (200, cut),
    ];
    for (at, (status, body)) in answers.into_iter().enumerate() {
        let run = Run::new(rules(vec![("/getByIds", status, body)]));
        let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
        let obstacle = unread(&section, PRINCIPALS, OBJECT);
        let fits = match at {
            0 => obstacle == Obstacle::Refused,
            1 => matches!(obstacle, Obstacle::Blocked(_)),
            _ => matches!(obstacle, Obstacle::Failed(_)),
        };
        assert!(fits, "{at}: {obstacle:?}");
    }
}

#[tokio::test]
async fn another_api_version_is_taken_where_ours_is_not_there() {
    let lacking = r#"{"error":{"code":"NoRegisteredProviderFound","message":"No registered resource provider found for
        location 'chinaeast2' and API version '2025-11-01' for type 'registries'. The supported api-versions are
        '2019-05-01, 2023-07-01'. The supported locations are 'chinaeast2'."}}"#;
    let lacking = lacking.replace('\n', " ");
    let own = vec![
        ("registries?api-version=2025-11-01", 400, lacking.clone()),
        ("/cacheRules?api-version=2025-11-01", 400, lacking),
    ];
    let run = Run::new(rules(own));
    let section = run.live.collect(&[asked("acme-h4sh.azurecr.io/a:1")]).await.unwrap();
    let list = section.get(REGISTRIES, SUB).and_then(Read::got).unwrap();
    assert_eq!(list[0]["properties"]["roleAssignmentMode"], serde_json::Value::Null);
    let seen = run.fake.seen();
    assert!(seen.iter().any(|line| line.contains("/registries?api-version=2023-07-01")), "{seen:#?}");
    assert!(section.get(CACHE_RULES, &id(SUB, "Acme").to_ascii_lowercase()).and_then(Read::got).is_some());
}
