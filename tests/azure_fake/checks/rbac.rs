//! Lists of role assignments, role definitions and deny assignments.

use serde_json::Value;

use crate::azure_fake::client::{Client, Reply, assignment, rights};
use crate::azure_fake::{Caller, Deny, Fake, Grant, Paging, Principal, Registry, Role, SUBSCRIPTION, World, role};

const KUBELET: &str = "55555555-0000-4000-8000-000000000001";
const OTHER: &str = "55555555-0000-4000-8000-000000000002";
const INNER: &str = "66666666-0000-4000-8000-000000000001";
const OUTER: &str = "66666666-0000-4000-8000-000000000002";
const MANAGEMENT: &str = "/providers/Microsoft.Management/managementGroups/acme";
const TOP: &str = "/providers/Microsoft.Management/managementGroups/top";

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

fn registry() -> String {
    Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").id()
}

/// One grant on each level, one beside, and groups in groups.
fn world() -> World {
    let group = format!("{}/resourceGroups/rg-acme", subscription());
    World::acme()
        .registry(Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistrytwo"))
        .management_group("beside", &[&format!("{}-old", subscription())])
        .grant(Grant::new("/providers/Microsoft.Management/managementGroups/beside", role::READER, KUBELET))
        .management_group("acme", &[&subscription()])
        .management_group("top", &[MANAGEMENT])
        .principal(Principal::service(KUBELET, "55555555-0000-4000-8000-000000000009", "kubelet"))
        .principal(Principal::group(INNER, "inner", &[KUBELET]))
        .principal(Principal::group(OUTER, "outer", &[INNER]))
        .grant(Grant::new("/", role::READER, OTHER).kind("User"))
        .grant(Grant::new(TOP, role::READER, KUBELET))
        .grant(Grant::new(&subscription(), role::ACR_PULL, OUTER).kind("Group"))
        .grant(Grant::new(&group.to_uppercase(), role::ACR_PUSH, KUBELET))
        .grant(Grant::new(&registry(), role::ACR_PULL, KUBELET).condition("some condition"))
        .grant(Grant::new(&format!("{}two", registry()), role::ACR_PULL, KUBELET))
}

fn scopes(reply: &Reply) -> Vec<String> {
    let depth = |one: &Value| one["properties"]["scope"].as_str().unwrap().to_lowercase();
    let short = |scope: String| match scope.as_str() {
        "/" => "root".to_owned(),
        scope => scope.rsplit('/').next().unwrap().to_owned(),
    };
    reply.value().iter().map(depth).map(short).collect()
}

fn list(client: &Client, scope: &str, filter: &str) -> Vec<String> {
    let reply = client.get(&rights(scope, "roleAssignments", filter));
    assert_eq!(reply.status, 200, "{reply:?}");
    scopes(&reply)
}

#[test]
fn grants_are_inherited_and_never_from_beside() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let own = subscription();
    let sub = own.rsplit('/').next().unwrap();
    assert_eq!(list(&client, &registry(), "atScope()"), ["root", "top", sub, "rg-acme", "acmeregistry"]);
    assert_eq!(list(&client, &own, "atScope()"), ["root", "top", sub]);
    assert_eq!(list(&client, MANAGEMENT, "atScope()"), ["root", "top"]);
    // Without a filter, what is below comes too; the other registry has a name that begins the same.
    assert_eq!(list(&client, &own, ""), ["root", "top", sub, "rg-acme", "acmeregistry", "acmeregistrytwo"]);
    assert_eq!(list(&client, &registry(), ""), ["root", "top", sub, "rg-acme", "acmeregistry"]);
}

#[test]
fn a_principal_is_found_alone_or_with_its_groups() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let own = subscription();
    let sub = own.rsplit('/').next().unwrap();
    let with = |filter: &str| list(&client, &registry(), &filter.replace("ID", &KUBELET.to_uppercase()));
    assert_eq!(with("principalId eq 'ID'"), ["top", "rg-acme", "acmeregistry"]);
    assert_eq!(with("assignedTo('ID')"), ["top", sub, "rg-acme", "acmeregistry"]);
    assert_eq!(with("atScope() and assignedTo('ID')"), ["top", sub, "rg-acme", "acmeregistry"]);
    let at = |filter: &str| list(&client, &own, &filter.replace("ID", KUBELET));
    assert_eq!(at("principalId eq 'ID'"), ["top", "rg-acme", "acmeregistry", "acmeregistrytwo"]);
    assert_eq!(at("assignedTo('ID')"), ["top", sub, "rg-acme", "acmeregistry", "acmeregistrytwo"]);
    assert_eq!(at("atScope() and assignedTo('ID')"), ["top", sub]);
}

#[test]
fn filters_that_azure_does_not_document_are_refused() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    for filter in [
        "atScope",
        "assignedTo(55555555)",
        "atScope() or assignedTo('x')",
        "principalType eq 'User'",
        "atScope() and principalId eq 'x'",
        &format!("assignedTo('{INNER}')"),
    ] {
        let reply = client.get(&rights(&registry(), "roleAssignments", filter));
        assert_eq!(reply.status, 400, "{filter}");
    }
    assert_eq!(fake.strangers().len(), 6);
}

#[test]
fn versions_differ_in_what_they_tell() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let path = rights(&registry(), "roleAssignments", "atScope()");
    let condition = |version: &str| {
        let reply = client.get(&path.replace("2022-04-01", version));
        reply.value().last().unwrap()["properties"].clone()
    };
    assert_eq!(condition("2022-04-01")["condition"], "some condition");
    assert_eq!(condition("2022-04-01")["conditionVersion"], "2.0");
    assert_eq!(condition("2020-04-01-preview")["condition"], Value::Null);
    assert_eq!(condition("2015-07-01")["principalType"], Value::Null);
    assert_eq!(client.get(&path.replace("2022-04-01", "2031-01-01")).code(), "NoRegisteredProviderFound");
}

#[test]
fn a_role_is_named_in_the_form_of_where_it_was_asked_for() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let role_of = |scope: &str| {
        let reply = client.get(&rights(scope, "roleAssignments", "atScope()"));
        reply.value()[0]["properties"]["roleDefinitionId"].as_str().unwrap().to_owned()
    };
    let tail = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role::READER);
    assert_eq!(role_of(&registry()), format!("{}{tail}", subscription()));
    assert_eq!(role_of(TOP), tail);
    fake.change(|world| world.tenant_form = true);
    assert_eq!(role_of(&registry()), tail);
}

#[test]
fn one_assignment_is_found_at_its_own_scope() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let grant = Grant::new(&registry(), role::ACR_PULL, KUBELET);
    let found = client.get(&assignment(&registry(), &grant.guid));
    assert_eq!(found.body["properties"]["principalId"], KUBELET);
    let missing = client.get(&assignment(&subscription(), &grant.guid));
    assert_eq!((missing.status, missing.code()), (404, "RoleAssignmentNotFound"));
    assert_eq!(client.get(&assignment(&format!("{}x", registry()), &grant.guid)).code(), "ResourceNotFound");
}

#[test]
fn definitions_are_found_by_name_and_by_either_id() {
    const CUSTOM: &str = "88888888-0000-4000-8000-000000000001";
    let group = format!("{}/resourceGroups/rg-acme", subscription());
    let custom = Role::custom(CUSTOM, "Acme Puller", &group).allows(&["*"], &["*/write"], &[], &[]);
    let fake = Fake::start(world().role(custom));
    let client = Client::new(&fake);
    let by_name =
        |scope: &str, name: &str| client.get(&rights(scope, "roleDefinitions", &format!("roleName eq '{name}'")));
    assert_eq!(by_name(&registry(), "acrpull").names(), [role::ACR_PULL]);
    assert_eq!(by_name(&registry(), "Acme Puller").names(), [CUSTOM]);
    assert!(by_name(&subscription(), "Acme Puller").names().is_empty(), "it is assignable below only");
    let one = |place: &str, guid: &str| {
        client.get(&format!(
            "{place}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01"
        ))
    };
    let tail = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role::ACR_PULL);
    let found = one(&subscription(), role::ACR_PULL);
    assert_eq!(found.body["id"], format!("{}{tail}", subscription()));
    let permission = &found.body["properties"]["permissions"][0];
    assert_eq!(permission["actions"][0], "Microsoft.ContainerRegistry/registries/pull/read");
    assert_eq!(one("", &role::ACR_PULL.to_uppercase()).body["id"], tail);
    let permission = &one("", CUSTOM).body["properties"]["permissions"][0];
    assert_eq!(permission["notActions"][0], "*/write");
    let reader = by_name("", "Container Registry Repository Reader");
    assert_eq!(reader.names(), [role::REPOSITORY_READER]);
    let data = reader.value()[0]["properties"]["permissions"][0]["dataActions"].to_string();
    assert!(data.contains("repositories/content/read") && data.contains("repositories/metadata/read"), "{data}");
    let missing = one("", OTHER);
    assert_eq!((missing.status, missing.code()), (404, "RoleDefinitionDoesNotExist"));
    assert_eq!(client.get(&rights(&registry(), "roleDefinitions", "atScope()")).status, 400);
}

#[test]
fn denials_are_inherited_name_everybody_and_tell_their_effect_when_new() {
    let world = world()
        .deny(Deny::new("all", &subscription()).action("*").everybody().except(KUBELET, "ServicePrincipal"))
        .deny(Deny::new("group", &registry()).data_action("*").principal(OUTER, "Group").not_below())
        .deny(Deny::new("other", &registry()).action("*/write").principal(OTHER, "User").audit())
        .deny(Deny::new("beside", &format!("{}two", registry())).action("*").everybody());
    let fake = Fake::start(world);
    let client = Client::new(&fake);
    let get = |filter: &str| client.get(&rights(&registry(), "denyAssignments", filter));
    let names = |filter: &str| {
        let name = |one: &Value| one["properties"]["denyAssignmentName"].as_str().unwrap().to_owned();
        get(filter).value().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names("atScope()"), ["all", "group", "other"]);
    assert_eq!(names(&format!("assignedTo('{KUBELET}')")), ["all", "group"]);
    assert_eq!(names(&format!("principalId eq '{OTHER}'")), ["all", "other"]);
    let all = get("atScope()");
    let of = |index: usize| &all.value()[index]["properties"];
    assert_eq!(of(0)["principals"][0]["id"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(of(0)["principals"][0]["type"], "SystemDefined");
    assert_eq!(of(0)["excludePrincipals"][0]["id"], KUBELET);
    assert_eq!(
        (&of(1)["doNotApplyToChildScopes"], &of(0)["doNotApplyToChildScopes"]),
        (&true.into(), &false.into())
    );
    assert_eq!(of(2)["denyAssignmentEffect"], Value::Null);
    let new = client
        .get(&rights(&registry(), "denyAssignments", "atScope()").replace("2022-04-01", "2024-07-01-preview"));
    let effect = |index: usize| &new.value()[index]["properties"]["denyAssignmentEffect"];
    assert_eq!((effect(0), effect(2)), (&"enforced".into(), &"audit".into()));
}

#[test]
fn lists_of_rights_come_in_pages_too() {
    let fake = Fake::start(world().paging(Paging::recorded(2)));
    let client = Client::new(&fake);
    let first =
        client.get(&rights(&registry(), "roleAssignments", &format!("atScope() and assignedTo('{KUBELET}')")));
    assert_eq!(first.value().len(), 2);
    let second = client.get(first.body["nextLink"].as_str().unwrap());
    assert_eq!(scopes(&second), ["rg-acme", "acmeregistry"]);
    let third = client.get(second.body["nextLink"].as_str().unwrap());
    assert_eq!((third.value().len(), &third.body["nextLink"]), (0, &Value::Null));
}

#[test]
fn each_list_has_a_right_of_its_own() {
    for (kind, action) in [
        ("roleAssignments", "Microsoft.Authorization/roleAssignments/read"),
        ("roleDefinitions", "Microsoft.Authorization/roleDefinitions/read"),
        ("denyAssignments", "Microsoft.Authorization/denyAssignments/read"),
        ("permissions", "Microsoft.Authorization/permissions/read"),
    ] {
        let fake = Fake::start(world().caller(Caller::new().without(action)));
        let client = Client::new(&fake);
        for asked in ["roleAssignments", "roleDefinitions", "denyAssignments", "permissions"] {
            let status = client.get(&rights(&registry(), asked, "")).status;
            assert_eq!(status, if asked == kind { 403 } else { 200 }, "{asked} without {action}");
        }
    }
}

#[test]
fn the_callers_own_rights_are_told() {
    let caller = Caller::new()
        .only(&[("*/read", "/"), ("Microsoft.Authorization/*", &registry())])
        .without_at("Microsoft.Authorization/roleAssignments/delete", &subscription());
    let fake = Fake::start(world().caller(caller));
    let client = Client::new(&fake);
    let told = |scope: &str| client.get(&rights(scope, "permissions", "")).value().to_vec();
    let here = told(&registry());
    assert_eq!(here[1]["actions"][0], "Microsoft.Authorization/*");
    assert_eq!(here[1]["notActions"][0], "Microsoft.Authorization/roleAssignments/delete");
    assert_eq!(told(&subscription()).len(), 1);
}
