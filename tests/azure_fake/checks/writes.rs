//! Making and deleting role assignments.

use serde_json::{Value, json};

use crate::azure_fake::client::{Client, Reply, assignment, rights};
use crate::azure_fake::{Caller, Fake, Lag, Principal, Registry, SUBSCRIPTION, TENANT, World, role};

const KUBELET: &str = "55555555-0000-4000-8000-000000000001";
const UNKNOWN: &str = "55555555-0000-4000-8000-000000000007";
const FIRST: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const SECOND: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const SERVICE: Option<&str> = Some("ServicePrincipal");

fn registry() -> String {
    Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").id()
}

fn world() -> World {
    World::acme().principal(Principal::service(KUBELET, "55555555-0000-4000-8000-000000000009", "kubelet"))
}

fn outcome(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

fn listed(client: &Client) -> usize {
    client.get(&rights(&registry(), "roleAssignments", "atScope()")).value().len()
}

#[test]
fn the_same_write_twice_is_no_error_and_another_name_is() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let made = client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE);
    assert_eq!(made.status, 201);
    assert_eq!(made.body["name"], FIRST);
    assert_eq!(made.body["properties"]["scope"], registry());
    assert_eq!(client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE).status, 200);
    let twin = client.put(&registry().to_uppercase(), SECOND, role::ACR_PULL, &KUBELET.to_uppercase(), SERVICE);
    assert_eq!(outcome(&twin), (409, "RoleAssignmentExists"));
    assert_eq!(twin.body["error"]["message"], "The role assignment already exists.");
    let other = client.put(&registry(), FIRST, role::ACR_PUSH, KUBELET, SERVICE);
    assert_eq!(outcome(&other), (400, "RoleAssignmentUpdateNotPermitted"));
    assert_eq!(client.put(&registry(), SECOND, role::ACR_PUSH, KUBELET, SERVICE).status, 201);
    assert_eq!(listed(&client), 2);
}

#[test]
fn a_principal_must_have_replicated_unless_its_type_is_told() {
    let slow = Principal::service(KUBELET, "55555555-0000-4000-8000-000000000009", "kubelet").lag(Lag::Calls(2));
    let fake = Fake::start(World::acme().principal(slow));
    let client = Client::new(&fake);
    let put = |guid: &str, principal: &str, kind| client.put(&registry(), guid, role::ACR_PULL, principal, kind);
    for _ in 0..2 {
        let refused = put(FIRST, KUBELET, None);
        assert_eq!(outcome(&refused), (400, "PrincipalNotFound"));
        let hex = KUBELET.replace('-', "");
        let message = format!("Principal {hex} does not exist in the directory {TENANT}.");
        assert_eq!(refused.body["error"]["message"], message);
    }
    let made = put(FIRST, KUBELET, None);
    assert_eq!((made.status, &made.body["properties"]["principalType"]), (201, &"ServicePrincipal".into()));
    assert_eq!(outcome(&put(SECOND, UNKNOWN, None)), (400, "PrincipalNotFound"));
    assert_eq!(put(SECOND, UNKNOWN, SERVICE).status, 201, "the useless grant of a client id");
    assert_eq!(outcome(&put(SECOND, KUBELET, Some("User"))), (400, "UnmatchedPrincipalType"));
}

#[test]
fn a_write_takes_its_right_where_it_is_made() {
    let fake = Fake::start(world().caller(Caller::new().without("Microsoft.Authorization/roleAssignments/write")));
    let client = Client::new(&fake);
    let refused = client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE);
    assert_eq!(outcome(&refused), (403, "AuthorizationFailed"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("perform action 'Microsoft.Authorization/roleAssignments/write'"), "{message}");
    assert!(!message.contains("ABAC"));
    let write = "Microsoft.Authorization/roleAssignments/write";
    fake.change(|world| world.caller = Caller::new().only(&[(write, &registry())]));
    assert_eq!(client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE).status, 201);
    let above = format!("/subscriptions/{SUBSCRIPTION}");
    assert_eq!(client.put(&above, SECOND, role::ACR_PULL, KUBELET, SERVICE).status, 403);
    let delete = client.send("DELETE", &assignment(&registry(), FIRST), "").unwrap();
    assert_eq!(outcome(&delete), (403, "AuthorizationFailed"), "deleting is a right of its own");
}

#[test]
fn a_delegated_administrator_assigns_some_roles_only() {
    let fake = Fake::start(world().caller(Caller::new().assignable(&[role::ACR_PULL])));
    let client = Client::new(&fake);
    let refused = client.put(&registry(), FIRST, role::ACR_PUSH, KUBELET, SERVICE);
    assert_eq!(outcome(&refused), (403, "AuthorizationFailed"));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("or an ABAC condition not fulfilled"));
    assert_eq!(client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE).status, 201);
}

#[test]
fn a_deleted_assignment_comes_back_once() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE);
    let delete = || client.send("DELETE", &assignment(&registry(), FIRST), "").unwrap();
    let gone = delete();
    assert_eq!((gone.status, &gone.body["properties"]["principalId"]), (200, &KUBELET.into()));
    let again = delete();
    assert_eq!((again.status, again.body), (204, Value::Null));
    assert_eq!(client.get(&assignment(&registry(), FIRST)).status, 404);
    assert_eq!(listed(&client), 0);
    assert_eq!(client.put(&registry(), SECOND, role::ACR_PULL, KUBELET, SERVICE).status, 201);
}

#[test]
fn lists_see_a_write_and_a_deletion_late() {
    let fake = Fake::start(world().write_lag(Lag::Calls(2)));
    let client = Client::new(&fake);
    client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE);
    assert_eq!(client.get(&assignment(&registry(), FIRST)).status, 200);
    assert_eq!(client.put(&registry(), SECOND, role::ACR_PULL, KUBELET, SERVICE).status, 409);
    assert_eq!([listed(&client), listed(&client), listed(&client)], [0, 0, 1]);
    client.send("DELETE", &assignment(&registry(), FIRST), "").unwrap();
    assert_eq!(client.get(&assignment(&registry(), FIRST)).status, 404);
    assert_eq!([listed(&client), listed(&client), listed(&client)], [1, 1, 0]);
}

#[test]
fn a_subscription_holds_so_many() {
    let fake = Fake::start(world().assignment_limit(1));
    let client = Client::new(&fake);
    assert_eq!(client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE).status, 201);
    let full = client.put(&registry(), SECOND, role::ACR_PUSH, KUBELET, SERVICE);
    assert_eq!(outcome(&full), (400, "RoleAssignmentLimitExceeded"));
    assert_eq!(client.put(&registry(), FIRST, role::ACR_PULL, KUBELET, SERVICE).status, 200);
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let role_id = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role::ACR_PULL);
    let good = json!({ "roleDefinitionId": role_id, "principalId": KUBELET, "principalType": "ServicePrincipal" });
    let put = |guid: &str, name: &str, value: &str| {
        let mut properties = good.clone();
        properties[name] = json!(value);
        let body = json!({ "properties": properties }).to_string();
        let reply = client.send("PUT", &assignment(&registry(), guid), &body).unwrap();
        (reply.status, reply.code().to_owned())
    };
    let refused = |status, code: &str| (status, code.to_owned());
    let foreign = format!("/subscriptions/{TENANT}{role_id}");
    assert_eq!(put("no-guid", "description", "x"), refused(400, "InvalidRoleAssignmentId"));
    assert_eq!(put(FIRST, "roleDefinitionId", &foreign), refused(404, "RoleDefinitionDoesNotExist"));
    assert_eq!(put(FIRST, "roleDefinitionId", role::ACR_PULL), refused(404, "RoleDefinitionDoesNotExist"));
    assert_eq!(put(FIRST, "principalId", "kubelet"), refused(400, "InvalidPrincipalId"));
    assert_eq!(put(FIRST, "principalType", "Robot"), refused(400, "InvalidPrincipalType"));
    assert_eq!(put(FIRST, "principalName", "x"), refused(400, "InvalidRequestContent"));
    assert_eq!(put(FIRST, "condition", "x"), refused(400, "InvalidRequestContent"));
    assert_eq!(put(FIRST, "description", "x"), refused(201, ""));
}

#[test]
fn a_condition_is_kept_and_can_be_changed() {
    let fake = Fake::start(world());
    let client = Client::new(&fake);
    let put = |condition: &str| {
        let role_id = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role::REPOSITORY_READER);
        let body = json!({ "properties": {
            "roleDefinitionId": role_id, "principalId": KUBELET, "principalType": "ServicePrincipal",
            "condition": condition, "conditionVersion": "2.0",
        } });
        client.send("PUT", &assignment(&registry(), FIRST), &body.to_string()).unwrap().status
    };
    assert_eq!((put("one"), put("two")), (201, 200));
    let kept = client.get(&assignment(&registry(), FIRST)).body;
    assert_eq!(
        (&kept["properties"]["condition"], &kept["properties"]["conditionVersion"]),
        (&"two".into(), &"2.0".into())
    );
}
