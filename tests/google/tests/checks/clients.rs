//! The fake against Google's own clients: what they cannot read, no client could. Each sees what the other wrote.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pullaudit_google_fake::{
    CLOUD_PLATFORM, Cluster, DenyPolicy, Fake, Fault, Federation, Paging, Policy, Pool, Repository, Trouble, World,
};
use serde_json::{Value, json};

use crate::trap::Trap;

const SHOP: &str = "projects/acme-images/locations/europe-west1/repositories/shop";
const READER: &str = "roles/artifactregistry.reader";
const NODES: &str = "serviceAccount:nodes@acme-prod.iam.gserviceaccount.com";
const CALLER: &str = "pullaudit@acme-ops.iam.gserviceaccount.com";
const EXPIRY: &str = "request.time < timestamp(\"2027-01-01T00:00:00Z\")";
/// Set in CI: there, a test that would be skipped fails.
const NO_SKIP: &str = "PULLAUDIT_NO_SKIP";

/// Where `scripts/servers` puts Google's library.
pub(crate) fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp has a parent");
    target.join("servers/google")
}

/// Whether a test that would be skipped must fail.
pub(crate) fn may_skip() -> bool {
    std::env::var_os(NO_SKIP).is_none_or(|value| value == "0")
}

/// Says what is skipped, past the test harness's capture.
pub(crate) fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// A program with nothing but the fake to talk to.
struct Place {
    fake: Fake,
    trap: Trap,
    program: PathBuf,
}

impl Place {
    /// With Google's library; `None`, told, where it is not installed.
    fn with_library(world: World, test: &str) -> Option<Self> {
        let program = installed().join("venv/bin/python3");
        if !program.is_file() {
            assert!(may_skip(), "{test} would be skipped, and {NO_SKIP} forbids it");
            skip(test, "Google's library is not installed; scripts/servers installs it");
            return None;
        }
        Some(Self { fake: Fake::start(world), trap: Trap::start(), program })
    }

    /// With `gcloud`; `None`, told, where it is not installed.
    fn with_gcloud(world: World, test: &str) -> Option<Self> {
        let found = std::env::var_os("PATH")
            .and_then(|path| std::env::split_paths(&path).map(|at| at.join("gcloud")).find(|at| at.is_file()));
        if found.is_none() {
            skip(test, "gcloud is not installed, and nothing here installs it");
        }
        Some(Self { fake: Fake::start(world), trap: Trap::start(), program: found? })
    }

    fn command(&self, env: Vec<(String, String)>) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(env);
        command.env("HOME", self.fake.key_file().parent().unwrap());
        for (name, value) in [("NO_PROXY", "127.0.0.1".to_owned()), ("HTTPS_PROXY", self.trap.url())] {
            command.env(name, &value).env(name.to_lowercase(), &value);
        }
        command.env("HTTP_PROXY", self.trap.url()).env("http_proxy", self.trap.url());
        command
    }

    /// The answers of Google's library to calls, one for one.
    fn calls(&self, env: Vec<(String, String)>, calls: &[Value]) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/google/call.py");
        let mut command = self.command(env);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let lines: Vec<String> = calls.iter().map(ToString::to_string).collect();
        child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let answers: Vec<Value> = told(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), calls.len(), "{output:?}");
        answers
    }

    /// The same, logged in by the caller's key.
    fn by_key(&self, calls: &[Value]) -> Vec<Value> {
        self.calls(self.fake.env(), calls)
    }

    /// What `gcloud` says on standard output.
    fn gcloud(&self, arguments: &[&str]) -> Result<String, String> {
        let env = self.fake.gcloud_env();
        let output = self.command(env).args(arguments).stdin(Stdio::null()).output().expect("gcloud");
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn gcloud_json(&self, arguments: &[&str]) -> Value {
        let out = self.gcloud(&[arguments, &["--format=json"]].concat()).unwrap();
        serde_json::from_str(&out).expect("JSON")
    }

    fn policy(&self) -> Policy {
        self.fake.change(|world| world.policy_of(SHOP).unwrap().clone())
    }

    /// Nothing was asked that the fake does not know, nobody else was asked, no etag was left out.
    fn knows_everything(&self) {
        assert!(self.fake.strangers().is_empty(), "{:#?}", self.fake.strangers());
        assert_eq!(self.trap.caught(), [""; 0]);
        assert!(self.fake.unguarded_writes().is_empty());
    }
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn call(service: &str, version: &str, method: &str, arguments: &Value) -> Value {
    json!({ "service": service, "version": version, "method": method, "arguments": arguments })
}

fn read_policy() -> Value {
    call(
        "artifactregistry",
        "v1",
        "projects.locations.repositories.getIamPolicy",
        &json!({ "resource": SHOP, "options_requestedPolicyVersion": 3 }),
    )
}

fn write_policy(policy: &Value) -> Value {
    call(
        "artifactregistry",
        "v1",
        "projects.locations.repositories.setIamPolicy",
        &json!({ "resource": SHOP, "body": { "policy": policy } }),
    )
}

#[test]
fn googles_library_lists_clusters_and_reads_and_writes_a_policy() {
    let test = "googles_library_lists_clusters_and_reads_and_writes_a_policy";
    let world = World::acme().policy(SHOP, Policy::new().bind_if(READER, &["allUsers"], "until 2027", EXPIRY));
    let Some(place) = Place::with_library(world, test) else { return };
    let parent = json!({ "parent": "projects/acme-prod/locations/-" });
    let answers =
        place.by_key(&[call("container", "v1", "projects.locations.clusters.list", &parent), read_policy()]);
    let pool = &answers[0]["ok"]["clusters"][0]["nodePools"][0];
    assert_eq!(pool["config"]["serviceAccount"], "nodes@acme-prod.iam.gserviceaccount.com", "{answers:#?}");
    let mut policy = answers[1]["ok"].clone();
    assert_eq!(policy["bindings"][0]["condition"]["expression"], EXPIRY, "{answers:#?}");
    policy["bindings"].as_array_mut().unwrap().push(json!({ "role": READER, "members": [NODES] }));
    // The second one sends a former etag.
    let answers = place.by_key(&[write_policy(&policy), write_policy(&policy), read_policy()]);
    assert_eq!(answers[1]["error"], 409, "{answers:#?}");
    assert!(place.policy().holds(READER, NODES));
    assert_eq!(answers[2]["ok"], answers[0]["ok"]);
    // What the fake's other side writes, the library sees.
    place.fake.change(|world| world.policy_of(SHOP).unwrap().add("roles/viewer", "user:a@acme.example"));
    let seen = place.by_key(&[read_policy()]);
    assert_eq!(seen[0]["ok"]["bindings"][2]["members"], json!(["user:a@acme.example"]));
    place.knows_everything();
}

#[test]
fn googles_library_reads_all_the_rest() {
    let permission = "artifactregistry.googleapis.com/repositories.downloadArtifacts";
    let world = World::acme()
        .repository(
            Repository::new("acme-images", "europe-west1", "all").over(&[SHOP]).rule("r", "DENY", "", "true"),
        )
        .deny(DenyPolicy::new("projects/acme-images", "no", &["principalSet://goog/public:all"], &[permission]))
        .paging(Paging { size: 1, empty_first: false });
    let Some(place) = Place::with_library(world, "googles_library_reads_all_the_rest") else { return };
    let options = json!({ "options": { "requestedPolicyVersion": 3 } });
    let test = json!({ "permissions": ["artifactregistry.repositories.setIamPolicy"] });
    let repositories = "projects/acme-images/locations/europe-west1";
    let point = "policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-images/denypolicies";
    let all = SHOP.replace("shop", "all");
    let crm =
        |version: &str, method: &str, arguments: Value| call("cloudresourcemanager", version, method, &arguments);
    let ar = |method: &str, arguments: Value| call("artifactregistry", "v1", method, &arguments);
    let calls = [
        ar("projects.locations.repositories.list", json!({ "parent": repositories })),
        ar("projects.locations.repositories.get", json!({ "name": all })),
        ar("projects.locations.repositories.rules.list", json!({ "parent": all })),
        ar("projects.locations.repositories.testIamPermissions", json!({ "resource": SHOP, "body": test })),
        ar("projects.getProjectSettings", json!({ "name": "projects/acme-images/projectSettings" })),
        crm("v3", "projects.search", json!({ "query": "state:ACTIVE" })),
        crm("v3", "projects.get", json!({ "name": "projects/acme-images" })),
        crm("v3", "projects.getIamPolicy", json!({ "resource": "projects/acme-images", "body": options })),
        crm("v3", "folders.getIamPolicy", json!({ "resource": "folders/800000000001", "body": options })),
        crm("v3", "organizations.get", json!({ "name": "organizations/900000000001" })),
        crm("v1", "projects.getAncestry", json!({ "projectId": "acme-images", "body": {} })),
        call("iam", "v2", "policies.listPolicies", &json!({ "parent": point })),
        call("iam", "v2", "policies.get", &json!({ "name": format!("{point}/no") })),
        call("iam", "v1", "roles.get", &json!({ "name": READER })),
        call(
            "iam",
            "v1",
            "projects.serviceAccounts.get",
            &json!({ "name": "projects/-/serviceAccounts/nodes@acme-prod.iam.gserviceaccount.com" }),
        ),
        call(
            "serviceusage",
            "v1",
            "services.batchGet",
            &json!({
                "parent": "projects/acme-images",
                "names": ["projects/acme-images/services/artifactregistry.googleapis.com"],
            }),
        ),
    ];
    let answers = place.by_key(&calls);
    for (call, answer) in calls.iter().zip(&answers) {
        assert!(answer["ok"].is_object(), "{call}: {answer}");
    }
    assert!(answers[0]["ok"]["nextPageToken"].is_string());
    assert_eq!(answers[1]["ok"]["virtualRepositoryConfig"]["upstreamPolicies"][0]["repository"], SHOP);
    assert_eq!(answers[12]["ok"]["rules"][0]["denyRule"]["deniedPermissions"], json!([permission]));
    assert_eq!(answers[15]["ok"]["services"][0]["state"], "ENABLED");
    place.knows_everything();
}

#[test]
fn googles_library_logs_in_by_federation_with_and_without_an_account() {
    let test = "googles_library_logs_in_by_federation_with_and_without_an_account";
    let Some(mut place) = Place::with_library(World::acme().federation(Federation::direct()), test) else {
        return;
    };
    for by_url in [false, true] {
        for impersonating in [false, true] {
            let federation = if impersonating { Federation::impersonating(CALLER) } else { Federation::direct() };
            place.fake = Fake::start(World::acme().federation(federation));
            let env = if by_url { place.fake.federation_url_env() } else { place.fake.federation_env() };
            let answers = place.calls(env, &[read_policy()]);
            assert!(answers[0]["ok"].is_object(), "{answers:#?}");
            place.knows_everything();
            let names: Vec<&str> = place.fake.requests().iter().map(|seen| seen.name).collect();
            assert_eq!(names.contains(&"ci.subjectToken"), by_url, "{names:?}");
            let taken = "iamcredentials.projects.serviceAccounts.generateAccessToken";
            assert_eq!(names.contains(&taken), impersonating, "{names:?}");
        }
    }
}

#[test]
fn gcloud_lists_clusters_and_reads_and_writes_a_policy() {
    let test = "gcloud_lists_clusters_and_reads_and_writes_a_policy";
    let world = World::acme()
        .cluster(Cluster::new("acme-prod", "us-east1-b", "small").pool(Pool::new("p").scopes(&[CLOUD_PLATFORM])));
    let Some(place) = Place::with_gcloud(world, test) else { return };
    let clusters = place.gcloud_json(&["container", "clusters", "list", "--project=acme-prod"]);
    let names: Vec<&str> = clusters.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["prod", "small"]);
    let table = place.gcloud(&["container", "clusters", "list", "--project=acme-prod"]).unwrap();
    assert!(table.lines().next().unwrap().starts_with("NAME"), "{table}");
    let at = ["shop", "--location=europe-west1", "--project=acme-images"];
    let repositories = |verb: &str, more: &[&str]| -> Vec<String> {
        let words = [&["artifacts", "repositories", verb], &at[..], more].concat();
        words.iter().map(|&word| word.to_owned()).collect()
    };
    let json = |words: Vec<String>| place.gcloud_json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(json(repositories("get-iam-policy", &[])).get("bindings").is_none());
    let (member, role) = (format!("--member={NODES}"), format!("--role={READER}"));
    let set = json(repositories("add-iam-policy-binding", &[&member, &role]));
    assert_eq!(set["bindings"], json!([{ "role": READER, "members": [NODES] }]));
    assert!(place.policy().holds(READER, NODES));
    // What the fake's other side writes, gcloud sees, and keeps when it writes itself.
    place.fake.change(|world| world.policy_of(SHOP).unwrap().add(READER, "allUsers"));
    assert_eq!(json(repositories("get-iam-policy", &[]))["bindings"][0]["members"], json!([NODES, "allUsers"]));
    json(repositories("remove-iam-policy-binding", &[&member, &role]));
    assert_eq!(place.policy().bindings(), [json!({ "role": READER, "members": ["allUsers"] })]);
    // Somebody else was faster: it says so, and does not try again.
    let set = "artifactregistry.projects.locations.repositories.setIamPolicy";
    place.fake.set_fault(Fault::call(set, Trouble::ConcurrentEdit).times(1));
    let add = repositories("add-iam-policy-binding", &[&member, &role]);
    let refused = place.gcloud(&add.iter().map(String::as_str).collect::<Vec<_>>()).unwrap_err();
    assert!(refused.contains("ABORTED: There were concurrent policy changes"), "{refused}");
    json(add);
    assert!(place.policy().holds(READER, NODES));
    assert!(place.policy().holds("roles/artifactregistry.writer", "user:colleague-1@acme.example"));
    place.knows_everything();
}

#[test]
fn gcloud_sees_no_condition_of_a_repository_and_cannot_write_beside_one() {
    let test = "gcloud_sees_no_condition_of_a_repository_and_cannot_write_beside_one";
    let conditional = Policy::new().bind_if(READER, &["allUsers"], "until 2027", EXPIRY);
    let Some(place) = Place::with_gcloud(World::acme().policy(SHOP, conditional), test) else { return };
    let at = ["shop", "--location=europe-west1", "--project=acme-images"];
    let read = place.gcloud_json(&[&["artifacts", "repositories", "get-iam-policy"], &at[..]].concat());
    let role = read["bindings"][0]["role"].as_str().unwrap();
    assert!(role.starts_with("roles/artifactregistry.reader_withcond_"), "it asks for no version: {read}");
    let (member, role) = (format!("--member={NODES}"), format!("--role={READER}"));
    let more = [member.as_str(), role.as_str(), "--condition=None"];
    let said = place.gcloud(&[&["artifacts", "repositories", "add-iam-policy-binding"], &at[..], &more].concat());
    assert!(said.unwrap_err().contains("INVALID_ARGUMENT"));
    assert_eq!(place.policy().bindings()[0]["condition"]["expression"], EXPIRY);
    place.knows_everything();
}
