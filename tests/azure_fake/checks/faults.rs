//! Faults, latency, the record, and the end.

use std::time::{Duration, Instant};

use crate::azure_fake::client::{Client, assignment, rights};
use crate::azure_fake::{Fake, Fault, Registry, SUBSCRIPTION, Trouble, World, role};

const SUBSCRIPTIONS: &str = "/subscriptions?api-version=2022-12-01";
const KUBELET: &str = "55555555-0000-4000-8000-000000000001";
const GUID: &str = "aaaaaaaa-0000-4000-8000-000000000001";

fn registry() -> String {
    Registry::new(SUBSCRIPTION, "rg-acme", "acmeregistry").id()
}

fn broken(fault: Fault) -> (Fake, Client) {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    fake.set_fault(fault);
    (fake, client)
}

#[test]
fn a_fault_meets_the_calls_it_names_and_as_often_as_it_says() {
    let fault = Fault::on("roleassignments", Trouble::ServerError).query("assignedTo('").method("GET");
    let (_fake, client) = broken(fault.after(2).times(2));
    let filter = format!("assignedTo('{KUBELET}')");
    let hit = || client.get(&rights(&registry(), "roleAssignments", &filter)).status;
    assert_eq!(client.get(&rights(&registry(), "roleAssignments", "atScope()")).status, 200);
    assert_eq!(client.get(&rights(&registry(), "denyAssignments", &filter)).status, 200);
    assert_eq!([hit(), hit(), hit(), hit(), hit()], [200, 200, 500, 500, 200]);
}

#[test]
fn refusals_have_the_words_of_the_service() {
    let (fake, client) = broken(Fault::on("/denyAssignments", Trouble::Forbidden));
    let refused = client.get(&rights(&registry(), "denyAssignments", ""));
    assert_eq!((refused.status, refused.code()), (403, "AuthorizationFailed"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("'Microsoft.Authorization/denyAssignments/read'"), "{message}");
    fake.clear_faults();
    assert_eq!(client.get(&rights(&registry(), "denyAssignments", "")).status, 200);
    fake.set_fault(Fault::on("/subscriptions", Trouble::Throttled(7)));
    let throttled = client.get(SUBSCRIPTIONS);
    assert_eq!((throttled.status, throttled.headers["retry-after"].to_str().unwrap()), (429, "7"));
    fake.clear_faults();
    fake.set_fault(Fault::on("acmeregistry", Trouble::NotFound));
    assert_eq!(client.get(&rights(&registry(), "denyAssignments", "")).code(), "ResourceNotFound");
    fake.set_fault(Fault::on("/v1.0/", Trouble::Forbidden));
    let graph = Client::of(&fake, &fake.graph_url());
    assert_eq!(graph.get("/v1.0/servicePrincipals(appId='x')").code(), "Authorization_RequestDenied");
}

#[test]
fn an_answer_can_break_off_or_be_nonsense() {
    let (fake, client) = broken(Fault::on("/subscriptions", Trouble::Cut).times(1));
    let error = client.send("GET", SUBSCRIPTIONS, "").unwrap_err();
    assert_ne!(error, "silence");
    assert_eq!(fake.requests().last().unwrap().status, None);
    fake.set_fault(Fault::on("/subscriptions", Trouble::Garbage).times(1));
    assert!(client.send("GET", SUBSCRIPTIONS, "").unwrap_err().contains("EOF"));
    assert_eq!(client.get(SUBSCRIPTIONS).status, 200);
}

#[test]
fn what_was_cut_off_has_happened_and_what_failed_has_not() {
    for (trouble, happened) in [
        (Trouble::Cut, true),
        (Trouble::SilenceAfter, true),
        (Trouble::ServerError, false),
        (Trouble::Unavailable(1), false),
        (Trouble::Throttled(1), false),
        (Trouble::Silence, false),
    ] {
        let (_fake, client) = broken(Fault::on("/roleAssignments/", trouble).method("PUT"));
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", role::ACR_PULL);
        let body = format!(
            "{{\"properties\": {{\"roleDefinitionId\": \"{role}\", \"principalId\": \"{KUBELET}\", \
             \"principalType\": \"ServicePrincipal\"}}}}"
        );
        let _ = client.send("PUT", &assignment(&registry(), GUID), &body);
        let status = client.get(&assignment(&registry(), GUID)).status;
        assert_eq!(status == 200, happened, "{trouble:?}");
    }
}

#[test]
fn silence_is_silence_and_holds_nobody_else_up() {
    let (fake, client) = broken(Fault::on("/subscriptions", Trouble::Silence).times(1));
    assert_eq!(client.send("GET", SUBSCRIPTIONS, "").unwrap_err(), "silence");
    assert_eq!(client.get(SUBSCRIPTIONS).status, 200);
    let statuses: Vec<_> = fake.requests().iter().rev().take(2).map(|seen| seen.status).collect();
    assert_eq!(statuses, [Some(200), None]);
}

#[test]
fn latency_delays_every_answer_and_calls_run_beside_each_other() {
    let (fake, client) = broken(Fault::on("/nothing", Trouble::ServerError));
    fake.set_latency(Duration::from_millis(300));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| client.get(SUBSCRIPTIONS));
        }
    });
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_millis(1100), "{took:?}");
    fake.set_latency(Duration::ZERO);
    fake.set_fault(Fault::on("/subscriptions", Trouble::Slow(Duration::from_millis(300))));
    let start = Instant::now();
    assert_eq!(client.get(SUBSCRIPTIONS).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn the_record_holds_what_was_asked() {
    let fake = Fake::start(World::acme());
    let client = Client::new(&fake);
    fake.forget_requests();
    client.get(&rights(&registry(), "denyAssignments", "atScope()"));
    let seen = fake.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].status), ("GET", Some(200)));
    assert!(seen[0].path.ends_with("/acmeregistry/providers/Microsoft.Authorization/denyAssignments"));
    assert_eq!(seen[0].query, "api-version=2022-04-01&$filter=atScope()");
}

#[test]
fn the_environment_names_the_fake_and_its_authority() {
    let fake = Fake::start(World::acme());
    let env: std::collections::BTreeMap<_, _> = fake.env().into_iter().collect();
    assert_eq!(env["AZURE_AUTHORITY_HOST"], fake.url());
    assert_eq!(env["AZURE_RESOURCE_MANAGER_URL"], fake.url());
    assert_eq!(env["MICROSOFT_GRAPH_URL"], fake.graph_url());
    assert!(std::fs::read_to_string(&env["SSL_CERT_FILE"]).unwrap().contains("BEGIN CERTIFICATE"));
    assert!(
        ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"].iter().all(|name| !env[*name].is_empty())
    );
}

#[test]
fn it_ends_when_it_is_dropped() {
    let (fake, client) = broken(Fault::on("/subscriptions", Trouble::Silence));
    let file = fake.ca_pem_path();
    let address = fake.url().trim_start_matches("https://").to_owned();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.send("GET", SUBSCRIPTIONS, ""));
        while fake.requests().last().is_none_or(|seen| seen.path != "/subscriptions") {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(fake);
        assert_ne!(waiting.join().unwrap().unwrap_err(), "silence", "a request in hand ends too");
    });
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!file.exists());
}
