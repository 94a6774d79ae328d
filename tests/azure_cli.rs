//! The fake of Azure against Azure's own command line: what `az` can't read, no client could. And the other
//! way: `az` sees what pullaudit writes, pullaudit sees what `az` writes, and the line that a plan prints works.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_cli/az.rs"]
mod az;
#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;
#[path = "servers/mod.rs"]
mod servers;

use az::Az;
use azure::Place;
use azure_fake::{Grant, Paging, Registry, SUBSCRIPTION, World, role};
use serde_json::Value;

const IMAGE: &str = "acmeregistry.azurecr.io/shop/cart:1";

fn place(world: World) -> Place {
    Place::of(world.paging(Paging::recorded(2)), &[IMAGE])
}

/// What the tests of this file begin with: `None` where `az` is not installed.
fn begin<'a>(place: &'a Place, test: &str) -> Option<Az<'a>> {
    let az = servers::need(Az::installed(place), test)?;
    az.log_in();
    Some(az)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn az_reads_what_there_is() {
    let place = place(World::acme().registry(Registry::new(SUBSCRIPTION, "rg-acme", "tools").abac()));
    let Some(az) = begin(&place, "az_reads_what_there_is") else { return };
    let (scope, who) = (place.fake.change(|world| world.registries[0].id()), place.kubelet());
    place.fake.change(|world| {
        world.grants.push(Grant::new(&scope, role::ACR_PUSH, &who));
        world.grants.push(Grant::new(&format!("/subscriptions/{SUBSCRIPTION}"), role::READER, &who));
    });
    assert_eq!(az.json(&["account", "list", "--all"])[0]["id"], SUBSCRIPTION);
    assert_eq!(names(&az.json(&["aks", "list"])), ["acmeprod"]);
    let cluster = az.json(&["aks", "show", "-g", "rg-acme", "-n", "acmeprod"]);
    assert_eq!(cluster["identityProfile"]["kubeletidentity"]["objectId"], who.as_str());
    assert_eq!(names(&az.json(&["acr", "list"])), ["acmeregistry", "tools"]);
    let registry = az.json(&["acr", "show", "-n", "acmeregistry"]);
    assert_eq!(registry["loginServer"], "acmeregistry.azurecr.io");
    let list = ["role", "assignment", "list", "--scope", &scope, "--include-inherited"];
    let grants = az.json(&list);
    let mut roles: Vec<&str> =
        grants.as_array().unwrap().iter().map(|one| one["roleDefinitionName"].as_str().unwrap()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["AcrPush", "Reader"]);
    // People name an identity by its client id, which is no id of a role assignment: Graph tells the other one.
    let client = place.fake.change(|world| world.clusters[0].identity().unwrap().client_id.clone());
    let own = az.json(&["role", "assignment", "list", "--all", "--assignee", &client]);
    let own = own.as_array().unwrap();
    assert!(own.len() == 2 && own.iter().all(|one| one["principalId"] == *who), "{own:#?}");
    assert!(own.iter().all(|one| one["principalName"] == *client), "{own:#?}");
    let pull = az.json(&["role", "definition", "list", "--name", "AcrPull"]);
    assert_eq!(pull[0]["name"], role::ACR_PULL);
    az.knows_everything();
    // What that would have caught.
    assert_eq!(az.asks_elsewhere("https://elsewhere.invalid/"), ["CONNECT elsewhere.invalid:443 HTTP/1.0"]);
}

#[test]
fn pullaudit_sees_what_attach_acr_writes_and_detach_acr_takes() {
    let place = place(World::acme());
    let Some(az) = begin(&place, "pullaudit_sees_what_attach_acr_writes_and_detach_acr_takes") else { return };
    place.run("audit", &[]).ends(2);
    let update = ["aks", "update", "-g", "rg-acme", "-n", "acmeprod"];
    az.json(&[&update[..], &["--attach-acr", "acmeregistry"]].concat());
    place.run("audit", &[]).ends(0);
    place.fix(&[]).ends(0).says("nothing to fix");
    az.json(&[&update[..], &["--attach-acr", "acmeregistry"]].concat());
    assert_eq!(place.grants().len(), 1, "twice is once");
    // It puts the grant before and after the cluster, so it meets RoleAssignmentExists in a first run too.
    let puts = place.fake.requests().into_iter();
    let puts = puts.filter(|seen| seen.method == "PUT" && seen.path.contains("/roleAssignments/"));
    assert_eq!(puts.map(|seen| seen.status.unwrap()).collect::<Vec<_>>(), [201, 409, 409, 409]);
    az.json(&[&update[..], &["--detach-acr", "acmeregistry"]].concat());
    place.run("audit", &[]).ends(2);
    az.knows_everything();
}

#[test]
fn az_sees_what_pullaudit_writes() {
    let place = place(World::acme());
    let Some(az) = begin(&place, "az_sees_what_pullaudit_writes") else { return };
    place.fix(&[]).ends(0);
    let receipt = place.receipt();
    let scope = place.fake.change(|world| world.registries[0].id());
    let grants = az.json(&["role", "assignment", "list", "--scope", &scope]);
    assert_eq!(names(&grants), [receipt["changes"][0]["id"].as_str().unwrap()]);
    assert_eq!(grants[0]["roleDefinitionName"], "AcrPull");
    // attach-acr finds the grant, though its name is ours, and is content.
    az.json(&["aks", "update", "-g", "rg-acme", "-n", "acmeprod", "--attach-acr", "acmeregistry"]);
    assert_eq!(place.grants().len(), 1);
    az.knows_everything();
}

/// The line `as az` of a plan does what the plan would.
fn the_line_does_the_same(test: &str, place: &Place) {
    let Some(az) = begin(place, test) else { return };
    let plan: Value = serde_json::from_str(&place.run("fix", &["--dry-run", "-o", "json"]).ends(2).out).unwrap();
    let change = &plan["changes"][0];
    az.shell(change["command"].as_str().unwrap());
    let made = place.fake.change(|world| world.grants.clone());
    let [grant] = &made[..] else { panic!("{made:#?}") };
    assert_eq!(grant.guid, change["id"].as_str().unwrap());
    let properties = &change["after"]["properties"];
    assert_eq!(grant.condition.as_deref(), properties["condition"].as_str());
    assert!(properties["roleDefinitionId"].as_str().unwrap().ends_with(&grant.role));
    place.run("audit", &[]).ends(0);
    place.fix(&[]).ends(0).says("nothing to fix");
    az.knows_everything();
}

#[test]
fn the_line_of_a_plan_works() {
    the_line_does_the_same("the_line_of_a_plan_works", &place(World::acme()));
}

#[test]
fn the_line_of_a_plan_with_a_condition_works() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").abac()];
    the_line_does_the_same("the_line_of_a_plan_with_a_condition_works", &place(world));
}

#[test]
fn the_line_of_a_plan_that_opens_a_grant_works() {
    let mut world = World::acme();
    world.registries = vec![Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").abac()];
    let place = place(world);
    place.fix(&[]).ends(0);
    place.apps(&["acmeregistry.azurecr.io/shop/cart:1.4.2", "acmeregistry.azurecr.io/shop/new:1"]);
    the_line_does_the_same("the_line_of_a_plan_that_opens_a_grant_works", &place);
}
