//! The fake against Google's own discovery documents: each path, query, field and scope that it knows is there,
//! and each field that it answers with.

use std::collections::BTreeSet;

use pullaudit_google_fake::{
    AccessBoundary, CLOUD_PLATFORM, Cluster, DenyPolicy, Fake, Federation, METHODS, Method, Policy, Repository,
    Role, Service, World,
};
use serde_json::{Value, json};

use crate::client::{AR, CRM, Client, Reply};
use crate::clients::{installed, may_skip, skip};
use crate::recorded::recordings;

/// A discovery document, from the recordings or else from the library that carries them.
fn document(file: &str) -> Option<Value> {
    let mut places = vec![recordings().join("gcp/discovery")];
    let versions = std::fs::read_dir(installed().join("venv/lib")).into_iter().flatten().flatten();
    let carried = "site-packages/googleapiclient/discovery_cache/documents";
    places.extend(versions.map(|python| python.path().join(carried)));
    let text = places.iter().find_map(|place| std::fs::read(place.join(file)).ok())?;
    Some(serde_json::from_slice(&text).expect("a discovery document"))
}

/// The document of a method's service and version, and the method in it; `None`, told, where there is none.
fn described(method: &Method, test: &str) -> Option<(Value, Value)> {
    let version = method.path.split('/').next().unwrap();
    // Nobody's copy has IAM v3; its paths and fields are those of gcloud 528, `generated_clients/apis/iam/v3`.
    if (method.service, version) == (Service::Iam, "v3") {
        return None;
    }
    let file = format!("{}.{version}.json", method.service.host().split('.').next().unwrap());
    let Some(document) = document(&file) else {
        assert!(may_skip(), "{test} would be skipped for {}, and PULLAUDIT_NO_SKIP forbids it", method.name);
        skip(test, &format!("{}: no {file} (PULLAUDIT_RECORDINGS, scripts/servers)", method.name));
        return None;
    };
    let parts: Vec<&str> = method.name.split('.').skip(1).collect();
    let (last, resources) = parts.split_last().unwrap();
    let place = resources.iter().fold(&document, |at, part| &at["resources"][*part]);
    let found = place["methods"][*last].clone();
    assert!(found.is_object(), "{file} has no {}", method.name);
    Some((document, found))
}

/// Whether two paths mean the same: a word in braces fits every word, what follows the braces must be equal.
fn same(own: &str, theirs: &str) -> bool {
    let (own, theirs): (Vec<_>, Vec<_>) = (own.split('/').collect(), theirs.split('/').collect());
    own.len() == theirs.len()
        && own.iter().zip(theirs).all(|(own, theirs)| match theirs.strip_prefix('{') {
            None => *own == theirs,
            Some(place) => {
                let verb = place.split_once('}').unwrap().1;
                let own_verb = own.split_once('}').map_or("", |(_, verb)| verb);
                own_verb == verb
            }
        })
}

fn schema<'a>(document: &'a Value, of: &'a Value) -> &'a Value {
    match of["$ref"].as_str() {
        Some(name) => &document["schemas"][name],
        None => of,
    }
}

/// Whether a schema has a field, told by its path.
fn has(document: &Value, of: &Value, path: &str) -> bool {
    let mut at = schema(document, of);
    for field in path.split('.') {
        if at["type"] == "array" {
            at = schema(document, &at["items"]);
        }
        at = schema(document, &at["properties"][field]);
    }
    at.is_object()
}

#[test]
fn every_path_query_field_and_scope_is_in_the_documents() {
    for method in METHODS {
        let test = "every_path_query_field_and_scope_is_in_the_documents";
        let Some((document, found)) = described(method, test) else { continue };
        let name = method.name;
        let flat = found["flatPath"].as_str().or(found["path"].as_str()).unwrap();
        assert!(same(method.path, flat), "{name}: {} is not {flat}", method.path);
        assert_eq!(found["httpMethod"], method.verb, "{name}");
        for query in method.query {
            assert_eq!(found["parameters"][*query]["location"], "query", "{name}: {query}");
        }
        assert_eq!(method.body.is_some(), found["request"].is_object(), "{name}");
        for field in method.body.unwrap_or_default() {
            assert!(has(&document, &found["request"], field), "{name}: no field {field}");
        }
        let scopes = found["scopes"].as_array().unwrap();
        for scope in method.scopes {
            // The credentials service takes this one though its document does not list it; Google's own
            // libraries ask for it.
            let unlisted = method.service == Service::IamCredentials && scope.ends_with("/auth/iam");
            assert!(unlisted || scopes.contains(&json!(scope)), "{name}: {scope}");
        }
    }
}

/// A world in which every field that the fake can answer with is used.
pub(crate) fn rich() -> World {
    let own = |id: &str| Repository::new("acme-images", "europe-west1", id);
    let policy =
        || Policy::new().bind("roles/viewer", "allUsers").bind_if("roles/viewer", &["allUsers"], "t", "true");
    let mut shop = own("shop").rule("r", "DENY", "web", "true").policy(policy());
    shop.cleanup = json!({ "old": { "id": "old", "action": "DELETE", "condition": { "olderThan": "86400s" } } });
    let mut world = World::acme()
        .cluster(
            Cluster::new("acme-prod", "us", "auto")
                .autopilot("default", &[CLOUD_PLATFORM])
                .dns_endpoint("gke-0.us.gke.goog"),
        )
        .missing_zone("acme-prod", "us-east1-b")
        .role(Role::new("projects/acme-images/roles/puller", &["artifactregistry.repositories.get"]).deleted())
        .role(Role::new("organizations/900000000001/roles/puller", &[]))
        .deny(DenyPolicy::new("projects/acme-images", "no", &["principalSet://goog/public:all"], &["x"]))
        .boundary(
            AccessBoundary::new("organizations/900000000001", "own", &[])
                .bound_to("//cloudresourcemanager.googleapis.com/organizations/900000000001"),
        )
        .policy("projects/acme-images", policy())
        .federation(Federation::direct())
        .paging(pullaudit_google_fake::Paging { size: 1, empty_first: false });
    world.repositories = vec![
        shop,
        own("hub").remote("https://registry-1.docker.io"),
        own("other").remote("https://registry.acme.example"),
        own("chain").remote("projects/acme-prod/locations/us/repositories/base"),
        own("all").over(&["projects/acme-images/locations/europe-west1/repositories/shop"]),
    ];
    if let pullaudit_google_fake::Mode::Remote { secret, .. } = &mut world.repositories[1].mode {
        *secret = Some("projects/acme-images/secrets/hub/versions/1".to_owned());
    }
    world.accounts.iter_mut().for_each(|account| account.disabled = account.email.starts_with("nodes@"));
    world
}

/// The first thing of an answer that its schema does not have.
fn unknown(document: &Value, of: &Value, value: &Value, path: &str) -> Option<String> {
    let of = schema(document, of);
    match value {
        Value::Array(items) => items.iter().find_map(|item| unknown(document, &of["items"], item, path)),
        Value::Object(fields) => fields.iter().find_map(|(field, inner)| {
            let path = format!("{path}.{field}");
            let known = &of["properties"][field];
            let known = if known.is_object() { known } else { &of["additionalProperties"] };
            if known.is_object() { unknown(document, known, inner, &path) } else { Some(path) }
        }),
        Value::String(text) => {
            let strange = of["enum"].as_array().is_some_and(|list| !list.contains(&json!(text)));
            (strange || of["type"] != "string").then(|| format!("{path} = {text}"))
        }
        Value::Bool(_) => (of["type"] != "boolean").then(|| path.to_owned()),
        Value::Number(_) => (of["type"] != "integer").then(|| path.to_owned()),
        Value::Null => Some(path.to_owned()),
    }
}

/// Each method once, some more often.
pub(crate) fn ask_everything(client: &Client<'_>) -> Vec<Reply> {
    let get = |service, path: &str| client.get(service, path);
    let post = |service, path: &str, body: Value| client.post(service, path, &body);
    let repositories = "v1/projects/acme-images/locations/europe-west1/repositories";
    let options = json!({ "options": { "requestedPolicyVersion": 3 } });
    let test = json!({ "permissions": ["resourcemanager.projects.get"] });
    let iam = Service::Iam;
    let mut replies = vec![
        get(Service::Container, "v1/projects/acme-prod/locations/-/clusters"),
        get(Service::Container, "v1/projects/acme-prod/locations/us/clusters/auto"),
        get(AR, repositories),
        get(AR, &format!("{repositories}/shop:getIamPolicy?options.requestedPolicyVersion=3")),
        post(AR, &format!("{repositories}/hub:setIamPolicy"), json!({ "policy": { "etag": "ACAB" } })),
        post(AR, &format!("{repositories}/shop:testIamPermissions"), test.clone()),
        get(AR, &format!("{repositories}/shop/rules")),
        get(AR, "v1/projects/acme-images/projectSettings"),
        get(CRM, "v3/projects:search"),
        get(CRM, "v3/projects/acme-images"),
        get(CRM, "v3/folders/800000000001"),
        get(CRM, "v3/organizations/900000000001"),
        post(CRM, "v1/projects/acme-images:getAncestry", json!({})),
        get(iam, "v1/projects/-/serviceAccounts/nodes@acme-prod.iam.gserviceaccount.com"),
        get(iam, "v1/roles/viewer"),
        get(iam, "v1/projects/acme-images/roles/puller"),
        get(iam, "v1/organizations/900000000001/roles/puller"),
        get(iam, "v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-images/denypolicies"),
        get(iam, "v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-images/denypolicies/no"),
        get(
            iam,
            "v3/projects/acme-images/locations/global/policyBindings:searchTargetPolicyBindings?target=%2F%2F\
             cloudresourcemanager.googleapis.com%2Fprojects%2F100000000002",
        ),
        get(
            iam,
            "v3/folders/800000000001/locations/global/policyBindings:searchTargetPolicyBindings?target=%2F%2F\
             cloudresourcemanager.googleapis.com%2Ffolders%2F800000000001",
        ),
        get(
            iam,
            "v3/organizations/900000000001/locations/global/policyBindings:searchTargetPolicyBindings?target=%2F%2F\
             cloudresourcemanager.googleapis.com%2Forganizations%2F900000000001",
        ),
        get(iam, "v3/organizations/900000000001/locations/global/principalAccessBoundaryPolicies/own"),
        get(Service::ServiceUsage, "v1/projects/acme-images/services/container.googleapis.com"),
        get(
            Service::ServiceUsage,
            "v1/projects/acme-images/services:batchGet?names=projects/acme-images/services/container.googleapis.com",
        ),
        post(
            Service::IamCredentials,
            "v1/projects/-/serviceAccounts/pullaudit@acme-ops.iam.gserviceaccount.com:generateAccessToken",
            json!({ "scope": [CLOUD_PLATFORM], "lifetime": "300s" }),
        ),
    ];
    for id in ["shop", "hub", "other", "chain", "all"] {
        replies.push(get(AR, &format!("{repositories}/{id}")));
    }
    for resource in ["projects/acme-images", "folders/800000000001", "organizations/900000000001"] {
        replies.push(post(CRM, &format!("v3/{resource}:getIamPolicy"), options.clone()));
        replies.push(post(CRM, &format!("v3/{resource}:testIamPermissions"), test.clone()));
    }
    replies
}

#[test]
fn every_field_of_every_answer_is_in_the_documents() {
    let fake = Fake::start(rich());
    let replies = ask_everything(&Client::new(&fake));
    let seen = fake.requests();
    assert_eq!(replies.len(), seen.len());
    let asked: BTreeSet<&str> = seen.iter().map(|seen| seen.name).collect();
    let all: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(asked, all, "each method is asked once");
    for (seen, reply) in seen.iter().zip(&replies) {
        assert_eq!(reply.status, 200, "{}: {reply:?}", seen.path);
        let method = METHODS.iter().find(|method| method.name == seen.name).unwrap();
        let test = "every_field_of_every_answer_is_in_the_documents";
        let Some((document, found)) = described(method, test) else { continue };
        let strange = unknown(&document, &found["response"], &reply.body, "");
        assert_eq!(strange, None, "{}: {}", seen.path, reply.body);
    }
}

#[test]
fn what_the_documents_do_not_have_is_found() {
    let Some(document) = document("artifactregistry.v1.json") else {
        skip("what_the_documents_do_not_have_is_found", "no documents");
        return;
    };
    let policy = json!({ "$ref": "Policy" });
    let strange = |value: Value| unknown(&document, &policy, &value, "");
    assert_eq!(strange(json!({ "bindings": [{ "role": "r", "members": ["m"] }] })), None);
    assert_eq!(strange(json!({ "bindings": [{ "rolle": "r" }] })).unwrap(), ".bindings.rolle");
    assert_eq!(strange(json!({ "version": "1" })).unwrap(), ".version = 1");
    let mode = unknown(&document, &json!({ "$ref": "Repository" }), &json!({ "mode": "STANDARD" }), "");
    assert_eq!(mode.unwrap(), ".mode = STANDARD");
    assert!(
        !has(&document, &policy, "bindings.condition.titel")
            && has(&document, &policy, "bindings.condition.title")
    );
    assert!(!same("v1/projects/{project}:get", "v1/projects/{projectsId}:set"));
}
