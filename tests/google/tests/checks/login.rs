//! Ways to a token: a key, a CI system, another account.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pullaudit_google_fake::{CLOUD_PLATFORM, Caller, Fake, Federation, Right, Service, World};
use serde_json::{Value, json};

use crate::client::{AR, Client, Reply};

const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const CALLER: &str = "pullaudit@acme-ops.iam.gserviceaccount.com";
const SHOP: &str = "v1/projects/acme-images/locations/europe-west1/repositories/shop";

/// The credentials of an environment.
fn file(env: &[(String, String)]) -> Value {
    let (_, path) = env.iter().find(|(name, _)| name == "GOOGLE_APPLICATION_CREDENTIALS").unwrap();
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn pair(pem: &str) -> KeyPair {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn sign(key: &KeyPair, head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(fake: &Fake) -> Value {
    let token_uri = file(&fake.env())["token_uri"].clone();
    json!({ "iss": CALLER, "scope": CLOUD_PLATFORM, "aud": token_uri, "iat": now(), "exp": now() + 3600 })
}

fn ask(fake: &Fake, assertion: &str) -> Reply {
    Client::with(fake, None).form(Service::OAuth, "token", &[("grant_type", JWT_GRANT), ("assertion", assertion)])
}

#[test]
fn the_key_in_the_file_signs_for_a_token_that_the_services_take() {
    let fake = Fake::start(World::acme());
    let credentials = file(&fake.env());
    assert_eq!((&credentials["type"], &credentials["client_email"]), (&json!("service_account"), &json!(CALLER)));
    assert_eq!(credentials["project_id"], "acme-ops");
    let key = pair(credentials["private_key"].as_str().unwrap());
    let head = json!({ "alg": "RS256", "typ": "JWT", "kid": credentials["private_key_id"] });
    let reply = ask(&fake, &sign(&key, &head, &claims(&fake)));
    assert_eq!((reply.status, &reply.body["token_type"]), (200, &json!("Bearer")), "{reply:?}");
    assert_eq!(reply.body["expires_in"], 3599);
    let token = reply.body["access_token"].as_str().unwrap();
    assert_eq!(Client::with(&fake, Some(token)).get(AR, SHOP).status, 200);
    assert!(fake.strangers().is_empty());
    assert!(fake.secrets().contains(&token.to_owned()));
    assert!(credentials["private_key"].as_str().unwrap().contains(&fake.secrets()[1]));
    assert!(fake.cluster_tokens()(token) && !fake.cluster_tokens()("ya29.other"));
}

#[test]
fn an_assertion_is_refused_for_each_thing_that_is_wrong_with_it() {
    let fake = Fake::start(World::acme());
    let key = pair(file(&fake.env())["private_key"].as_str().unwrap());
    let stranger = KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let head = json!({ "alg": "RS256", "typ": "JWT" });
    let with = |field: &str, value: Value| {
        let mut claims = claims(&fake);
        claims[field] = value;
        sign(&key, &head, &claims)
    };
    let (good, other) = (sign(&key, &head, &claims(&fake)), sign(&key, &head, &json!({ "iss": "x" })));
    let (text, _) = good.rsplit_once('.').unwrap();
    let (_, foreign) = other.rsplit_once('.').unwrap();
    let all = [
        ("no JWT", "abc".to_owned()),
        ("another's signature", sign(&stranger, &head, &claims(&fake))),
        ("the signature of another text", format!("{text}.{foreign}")),
        ("no algorithm", sign(&key, &json!({ "alg": "none" }), &claims(&fake))),
        ("another key", sign(&key, &json!({ "alg": "RS256", "kid": "x" }), &claims(&fake))),
        ("another audience", with("aud", json!("https://oauth2.acme.example/token"))),
        ("another account", with("iss", json!("nodes@acme-prod.iam.gserviceaccount.com"))),
        ("somebody else's name", with("sub", json!("admin@acme.example"))),
        ("over", with("exp", json!(now() - 1))),
        ("too long", with("exp", json!(now() + 3700))),
        ("of tomorrow", with("iat", json!(now() + 3000))),
        ("no scope", with("scope", json!(""))),
        ("an odd scope", with("scope", json!("everything"))),
    ];
    for (what, assertion) in &all {
        let reply = ask(&fake, assertion);
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
        assert!(reply.body["error"].is_string(), "{what}");
    }
    assert_eq!(fake.strangers().len(), all.len());
    assert!(fake.strangers().iter().all(|seen| seen.name == "oauth2.token"));
    let google = with("aud", json!("https://oauth2.googleapis.com/token"));
    assert_eq!([ask(&fake, &good).status, ask(&fake, &google).status], [200, 200]);
}

#[test]
fn a_deleted_or_disabled_account_gets_no_token_and_its_tokens_are_refused() {
    let fake = Fake::start(World::acme());
    let key = pair(file(&fake.env())["private_key"].as_str().unwrap());
    let assertion = sign(&key, &json!({ "alg": "RS256" }), &claims(&fake));
    let client = Client::new(&fake);
    assert_eq!(client.get(AR, SHOP).status, 200);
    fake.change(|world| world.accounts.iter_mut().for_each(|account| account.disabled = true));
    assert_eq!(client.get(AR, SHOP).status, 401);
    assert_eq!(ask(&fake, &assertion).body["error"], "invalid_grant");
    fake.change(|world| world.accounts.clear());
    assert_eq!(ask(&fake, &assertion).body["error"], "invalid_grant");
    assert!(fake.strangers().is_empty(), "the client did nothing wrong");
}

#[test]
fn a_token_ends() {
    let fake = Fake::start(World::acme().token_life(Duration::from_millis(200)));
    let client = Client::new(&fake);
    assert_eq!(client.get(AR, SHOP).status, 200);
    std::thread::sleep(Duration::from_millis(250));
    let over = client.get(AR, SHOP);
    assert_eq!((over.status, over.reason()), (401, "ACCESS_TOKEN_EXPIRED"));
    assert!(fake.strangers().is_empty());
}

#[test]
fn tokens_of_nobody_and_of_too_few_scopes_are_refused_and_recorded() {
    let fake = Fake::start(World::acme());
    assert_eq!(Client::with(&fake, None).get(AR, SHOP).status, 401);
    assert_eq!(Client::with(&fake, Some("ya29.guessed")).get(AR, SHOP).status, 401);
    let weak = fake.token_for(&["https://www.googleapis.com/auth/container"]);
    let weak = Client::with(&fake, Some(&weak));
    let reply = weak.get(AR, SHOP);
    assert_eq!((reply.status, reply.reason()), (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"));
    assert_eq!(fake.strangers().len(), 3);
    let clusters = "v1/projects/acme-prod/locations/-/clusters";
    assert_eq!(weak.get(Service::Container, clusters).status, 200);
    let reading = fake.token_for(&["https://www.googleapis.com/auth/cloud-platform.read-only"]);
    let reading = Client::with(&fake, Some(&reading));
    assert_eq!(reading.get(AR, SHOP).status, 200);
    let set = reading.post(AR, &format!("{SHOP}:setIamPolicy"), &json!({ "policy": { "etag": "ACAB" } }));
    assert_eq!(set.status, 403);
}

fn exchange(fake: &Fake, credentials: &Value, subject: &str) -> Reply {
    let fields = [
        ("grant_type", EXCHANGE),
        ("audience", credentials["audience"].as_str().unwrap()),
        ("scope", CLOUD_PLATFORM),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", credentials["subject_token_type"].as_str().unwrap()),
        ("subject_token", subject),
    ];
    Client::with(fake, None).form(Service::Sts, "v1/token", &fields)
}

#[test]
fn a_ci_system_outside_google_comes_in_by_its_own_token() {
    let fake = Fake::start(World::acme().federation(Federation::direct()));
    let credentials = file(&fake.federation_env());
    assert_eq!(credentials["type"], "external_account");
    assert!(credentials.get("service_account_impersonation_url").is_none());
    assert!(credentials["token_url"].as_str().unwrap().starts_with(&fake.url(Service::Sts)));
    let subject = std::fs::read_to_string(credentials["credential_source"]["file"].as_str().unwrap()).unwrap();
    let reply = exchange(&fake, &credentials, &subject);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let token = reply.body["access_token"].as_str().unwrap();
    assert_eq!(Client::with(&fake, Some(token)).get(AR, SHOP).status, 200);
    assert!(fake.strangers().is_empty());
    assert_eq!(exchange(&fake, &credentials, "forged").body["error"], "invalid_grant");
    let mut elsewhere = credentials;
    elsewhere["audience"] =
        json!("//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/providers/y");
    assert_eq!(exchange(&fake, &elsewhere, &subject).body["error"], "invalid_target");
    assert_eq!(fake.strangers().len(), 2);
}

#[test]
fn the_ci_system_hands_its_token_out_over_http_to_its_own_jobs_alone() {
    let fake = Fake::start(World::acme().federation(Federation::direct()));
    let source = file(&fake.federation_url_env())["credential_source"].clone();
    let path = source["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let secret = source["headers"]["Authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap();
    let reply = Client::with(&fake, Some(secret)).get(Service::Ci, path);
    let field = source["format"]["subject_token_field_name"].as_str().unwrap();
    let credentials = file(&fake.federation_env());
    assert_eq!(exchange(&fake, &credentials, reply.body[field].as_str().unwrap()).status, 200);
    assert!(fake.strangers().is_empty());
    assert_eq!(Client::new(&fake).get(Service::Ci, path).status, 401);
}

#[test]
fn a_federated_principal_takes_the_token_of_an_account_where_it_may() {
    let caller = Caller::with(CALLER, &[Right::new("artifactregistry.*", "projects/acme-images")]);
    let fake = Fake::start(World::acme().caller(caller).federation(Federation::impersonating(CALLER)));
    let credentials = file(&fake.federation_env());
    let reply = exchange(&fake, &credentials, "subject.token.of-ci");
    let federated = Client::with(&fake, reply.body["access_token"].as_str());
    assert_eq!(federated.get(AR, SHOP).status, 403, "it may do nothing itself");
    let url = credentials["service_account_impersonation_url"].as_str().unwrap();
    let path = url.strip_prefix(&fake.url(Service::IamCredentials)).unwrap();
    let body = json!({ "scope": [CLOUD_PLATFORM], "lifetime": "3600s" });
    let reply = federated.post(Service::IamCredentials, path, &body);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body["expireTime"].as_str().unwrap().ends_with('Z'));
    let account = Client::with(&fake, reply.body["accessToken"].as_str());
    assert_eq!(account.get(AR, SHOP).status, 200);
    assert_eq!(account.get(Service::Container, "v1/projects/acme-prod/locations/-/clusters").status, 403);
    assert!(fake.strangers().is_empty());
    fake.change(|world| world.federation.as_mut().unwrap().rights.clear());
    let refused = federated.post(Service::IamCredentials, path, &body);
    assert_eq!((refused.status, refused.code()), (403, "PERMISSION_DENIED"));
}
