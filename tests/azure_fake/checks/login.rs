//! Entra and Graph.

use crate::azure_fake::client::{Client, login};
use crate::azure_fake::{Caller, Fake, Principal, TENANT, World};

const SUBSCRIPTIONS: &str = "/subscriptions?api-version=2022-12-01";
const AKS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";
const APP: &str = "44444444-0000-4000-8000-000000000001";
const OBJECT: &str = "44444444-0000-4000-8000-000000000002";
const USER: &str = "44444444-0000-4000-8000-000000000003";
const GROUP: &str = "44444444-0000-4000-8000-000000000004";

fn number(reply: &crate::azure_fake::client::Reply) -> i64 {
    reply.body["error_codes"][0].as_i64().unwrap_or_default()
}

#[test]
fn a_secret_an_application_a_tenant_and_a_resource_are_checked() {
    let fake = Fake::start(World::acme());
    let client = Client::anonymous(&fake);
    let caller = Caller::new();
    let with = |tenant: &str, id: &str, secret: &str, resource: &str| {
        client.login(tenant, &login(id, &[("client_secret", secret)], resource))
    };
    let good = with(TENANT, &caller.client_id, &caller.secret, &fake.url());
    assert_eq!(good.status, 200);
    assert_eq!(good.body["token_type"], "Bearer");
    let wrong = with(TENANT, &caller.client_id, "wrong", &fake.url());
    assert_eq!((wrong.status, number(&wrong)), (401, 7_000_215));
    let wrong = with(TENANT, APP, &caller.secret, &fake.url());
    assert_eq!((wrong.status, number(&wrong)), (400, 700_016));
    let wrong = with(APP, &caller.client_id, &caller.secret, &fake.url());
    assert_eq!((wrong.status, number(&wrong)), (400, 90_002));
    let wrong = with(TENANT, &caller.client_id, &caller.secret, "https://vault.azure.net");
    assert_eq!((wrong.status, number(&wrong)), (400, 500_011));
}

#[test]
fn a_workload_logs_in_with_its_assertion_only() {
    let fake = Fake::start(World::acme().caller(Caller::new().assertion("one.two.three")));
    let client = Client::anonymous(&fake);
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let with = |assertion: &str| {
        let form = login(&Caller::new().client_id, &[("client_assertion", assertion), kind], &fake.url());
        client.login(TENANT, &form).status
    };
    assert_eq!(with("one.two.three"), 200);
    assert_eq!(with("another"), 401);
    let env = fake.workload_env();
    let file = env.iter().find(|(name, _)| name == "AZURE_FEDERATED_TOKEN_FILE").unwrap();
    assert_eq!(std::fs::read_to_string(&file.1).unwrap(), "one.two.three");
    assert!(!env.iter().any(|(name, _)| name == "AZURE_CLIENT_SECRET"));
}

#[test]
fn a_token_opens_what_it_is_for_and_nothing_else() {
    let fake = Fake::start(World::acme().principal(Principal::service(OBJECT, APP, "acme-app")));
    let application = format!("/v1.0/servicePrincipals(appId='{APP}')");
    let manager = Client::new(&fake);
    assert_eq!(manager.get(SUBSCRIPTIONS).status, 200);
    let refused = manager.get(&application);
    assert_eq!((refused.status, refused.code()), (401, "InvalidAuthenticationToken"));
    let graph = Client::of(&fake, &fake.graph_url());
    assert_eq!(graph.get(&application).body["id"], OBJECT);
    let refused = graph.get(SUBSCRIPTIONS);
    assert_eq!((refused.status, refused.code()), (401, "InvalidAuthenticationTokenAudience"));
    assert_eq!(Client::of(&fake, AKS).get(SUBSCRIPTIONS).status, 401);
    let refused = Client::anonymous(&fake).get(SUBSCRIPTIONS);
    assert_eq!((refused.status, refused.code()), (401, "AuthenticationFailed"));
    assert!(refused.headers["www-authenticate"].to_str().unwrap().contains(TENANT));
    assert_eq!(Client::anonymous(&fake).with_token("invented").get(SUBSCRIPTIONS).status, 401);
}

#[test]
fn the_well_known_names_of_resource_manager_do_too() {
    let fake = Fake::start(World::acme());
    for resource in ["https://management.azure.com", "https://management.core.windows.net/"] {
        assert_eq!(Client::of(&fake, resource).get(SUBSCRIPTIONS).status, 200, "{resource}");
    }
}

#[test]
fn an_old_token_is_refused() {
    let fake = Fake::start(World::acme().caller(Caller::new().token_seconds(0)));
    let refused = Client::new(&fake).get(SUBSCRIPTIONS);
    assert_eq!((refused.status, refused.code()), (401, "ExpiredAuthenticationToken"));
}

#[test]
fn a_token_of_another_tenant_says_nothing_here() {
    const OTHER: &str = "99999999-0000-4000-8000-000000000002";
    const FOREIGN: &str = "22222222-0000-4000-8000-000000000001";
    let fake = Fake::start(World::acme().tenant(OTHER).subscription_of(FOREIGN, OTHER));
    let client = Client::new(&fake);
    let refused = client.get(&format!("/subscriptions/{FOREIGN}?api-version=2022-12-01"));
    assert_eq!((refused.status, refused.code()), (401, "InvalidAuthenticationTokenTenant"));
    assert_eq!(client.get(SUBSCRIPTIONS).value().len(), 1);
    let caller = Caller::new();
    let form = login(&caller.client_id, &[("client_secret", &caller.secret)], &fake.url());
    let token = client.login(OTHER, &form).body["access_token"].as_str().unwrap().to_owned();
    let client = Client::anonymous(&fake).with_token(&token);
    assert_eq!(client.get(SUBSCRIPTIONS).value()[0]["subscriptionId"], FOREIGN);
}

#[test]
fn entra_tells_where_its_ends_are() {
    let fake = Fake::start(World::acme());
    let client = Client::anonymous(&fake);
    let reply = client.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration"));
    assert_eq!(reply.body["token_endpoint"], format!("{}/{TENANT}/oauth2/v2.0/token", fake.url()));
    let reply = client.get("/common/discovery/instance?api-version=1.1&authorization_endpoint=https://x/");
    assert!(reply.body["tenant_discovery_endpoint"].as_str().unwrap().starts_with(&fake.url()));
    assert_eq!(client.get("/common/discovery/instance?api-version=1.1").status, 400);
}

#[test]
fn graph_finds_applications_names_ids_and_refuses() {
    let world = World::acme()
        .principal(Principal::service(OBJECT, APP, "acme-app"))
        .principal(Principal::user(USER, "ada"))
        .principal(Principal::group(GROUP, "pullers", &[]));
    let fake = Fake::start(world);
    let graph = Client::of(&fake, &fake.graph_url());
    // A client id is no object id, and the other way round.
    let missing = graph.get(&format!("/v1.0/servicePrincipals(appId='{OBJECT}')"));
    assert_eq!((missing.status, missing.code()), (404, "Request_ResourceNotFound"));
    assert_eq!(graph.get(&format!("/v1.0/servicePrincipals(appId=%27{APP}%27)?$select=id")).body["id"], OBJECT);
    let found = graph.get(&format!("/v1.0/servicePrincipals?$filter=appId eq '{APP}'"));
    assert_eq!(found.value()[0]["id"], OBJECT);
    let ids = format!("{{\"ids\": [\"{OBJECT}\", \"{APP}\", \"{USER}\", \"{GROUP}\"]}}");
    let named = graph.send("POST", "/v1.0/directoryObjects/getByIds", &ids).unwrap();
    let of = |name: &str| named.value().iter().map(|one| one.get(name)).collect::<Vec<_>>();
    assert_eq!(of("displayName"), [Some(&"acme-app".into()), Some(&"ada".into()), Some(&"pullers".into())]);
    assert_eq!(of("appId"), [Some(&APP.into()), None, None]);
    assert_eq!(of("userPrincipalName"), [None, Some(&"ada@acme.example".into()), None]);
    assert_eq!(graph.get("/v1.0/users").status, 400);
    assert_eq!(fake.strangers().len(), 1);
    fake.change(|world| world.caller.graph = false);
    let refused = graph.get(&format!("/v1.0/servicePrincipals(appId='{APP}')"));
    assert_eq!((refused.status, refused.code()), (403, "Authorization_RequestDenied"));
}
