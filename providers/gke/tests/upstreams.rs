//! Repositories behind repositories, and the hosts of the former Container Registry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Read};
use pullaudit_gke::facts::table;
use serde_json::{Value, json};
use support::*;

const UPSTREAM: &str = "projects/other/locations/us/repositories/base";

/// The repository fetches from one in another project.
fn behind(config: Value) -> World {
    let mut body = json!({ "name": REPOSITORY, "format": "DOCKER" });
    body.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    World::new()
        .reader()
        .got(table::REPOSITORIES, REPOSITORY, body)
        .got(table::REPOSITORIES, UPSTREAM, json!({ "name": UPSTREAM, "format": "DOCKER" }))
        .got(table::REPOSITORY_POLICIES, UPSTREAM, json!({ "etag": "e" }))
        .got(table::RULES, UPSTREAM, json!([]))
        .got(table::SERVICES, "other", json!({ "name": "projects/8/services/x", "state": "ENABLED" }))
        .got(
            table::ANCESTRY,
            "other",
            json!({ "ancestor": [{ "resourceId": { "type": "project", "id": "other" } }] }),
        )
        .got(table::POLICIES, "projects/other", policy(json!([])))
        .got(table::DENY_LISTS, "projects/other", json!([]))
}

fn virtual_of(upstreams: &[&str]) -> Value {
    let policies: Vec<Value> =
        upstreams.iter().map(|one| json!({ "id": "u", "priority": 1, "repository": one })).collect();
    json!({ "mode": "VIRTUAL_REPOSITORY", "virtualRepositoryConfig": { "upstreamPolicies": policies } })
}

fn agent_reads(world: World) -> World {
    let grant = binding("roles/artifactregistry.serviceAgent", &[&member(AGENT)]);
    world.got(table::REPOSITORY_POLICIES, UPSTREAM, policy(json!([grant])))
}

#[test]
fn a_virtual_repository_needs_its_service_agent_on_the_upstream_and_not_the_node() {
    assert_eq!(behind(virtual_of(&[UPSTREAM])).says(), "denied upstream-not-granted");
    assert_eq!(agent_reads(behind(virtual_of(&[UPSTREAM]))).says(), "allowed");
    // Downloading is not reading through a virtual repository.
    let role = "roles/run.builder";
    let world = behind(virtual_of(&[UPSTREAM])).got(
        table::REPOSITORY_POLICIES,
        UPSTREAM,
        policy(json!([binding(role, &[&member(AGENT)])])),
    );
    assert_eq!(world.says(), "denied upstream-not-granted");
    // The node itself needs the virtual one.
    let world = agent_reads(behind(virtual_of(&[UPSTREAM]))).got(
        table::REPOSITORY_POLICIES,
        REPOSITORY,
        policy(json!([])),
    );
    assert_eq!(world.says(), "denied download-not-granted");
}

#[test]
fn of_several_upstreams_only_agreement_is_an_answer() {
    let second = "projects/acme/locations/us/repositories/second";
    let world = agent_reads(behind(virtual_of(&[UPSTREAM, second])))
        .got(table::REPOSITORIES, second, json!({ "name": second, "format": "DOCKER" }))
        .got(table::REPOSITORY_POLICIES, second, policy(json!([])))
        .got(table::RULES, second, json!([]));
    assert_eq!(world.says(), "unknown upstream-not-granted");
    let grant = binding("roles/artifactregistry.serviceAgent", &[&member(AGENT)]);
    assert_eq!(world.above("projects/acme", json!([grant])).says(), "allowed");
}

#[test]
fn an_upstream_of_the_same_project_is_never_denied_for_want_of_a_binding() {
    let second = "projects/acme/locations/us/repositories/second";
    let world = behind(virtual_of(&[second]))
        .got(table::REPOSITORIES, second, json!({ "name": second, "format": "DOCKER" }))
        .got(table::REPOSITORY_POLICIES, second, policy(json!([])))
        .got(table::RULES, second, json!([]));
    assert_eq!(world.says(), "unknown upstream-undecidable");
    assert_eq!(world.put(table::REPOSITORIES, second, Read::Absent).says(), "denied artifact-repository-missing");
}

#[test]
fn a_cycle_of_virtual_repositories_ends() {
    assert_eq!(behind(virtual_of(&[REPOSITORY])).says(), "denied virtual-without-upstream");
    assert_eq!(behind(virtual_of(&[])).says(), "denied virtual-without-upstream");
    let mut back = json!({ "name": UPSTREAM, "format": "DOCKER" });
    back.as_object_mut().unwrap().extend(virtual_of(&[REPOSITORY]).as_object().unwrap().clone());
    let world = agent_reads(behind(virtual_of(&[UPSTREAM]))).got(table::REPOSITORIES, UPSTREAM, back);
    assert_eq!(world.says(), "denied virtual-without-upstream");
}

#[test]
fn a_remote_repository_that_may_have_the_image_cached_is_not_denied_by_its_upstream() {
    let config = |address: &str| json!({ "mode": "REMOTE_REPOSITORY", "remoteRepositoryConfig": { "commonRepository": { "uri": address } } });
    assert_eq!(behind(config(UPSTREAM)).says(), "unknown upstream-undecidable");
    assert_eq!(agent_reads(behind(config("https://us-docker.pkg.dev/other/base"))).says(), "allowed");
    assert_eq!(behind(config("https://registry-1.docker.io")).says(), "allowed");
    let mut direct = config(UPSTREAM);
    direct["remoteRepositoryConfig"]["noCache"] = json!({});
    assert_eq!(behind(direct).says(), "denied upstream-not-granted");
}

#[test]
fn denies_where_the_upstream_api_is_off() {
    let off = json!({ "name": "projects/8/services/artifactregistry.googleapis.com", "state": "DISABLED" });
    let world = agent_reads(behind(virtual_of(&[UPSTREAM]))).got(table::SERVICES, "other", off).put(
        table::REPOSITORIES,
        UPSTREAM,
        refused("repository"),
    );
    assert_eq!(world.says(), "denied registry-api-disabled");
}

#[test]
fn a_first_pull_through_is_allowed_by_rights() {
    let hub = json!({ "mode": "REMOTE_REPOSITORY",
        "remoteRepositoryConfig": { "dockerRepository": { "publicRepository": "DOCKER_HUB" } } });
    assert_eq!(behind(hub.clone()).says(), "allowed");
    let mut direct = hub;
    direct["remoteRepositoryConfig"]["noCache"] = json!({});
    assert_eq!(behind(direct).says(), "allowed");
}

#[test]
fn gcr_io_is_weighed_by_artifact_registry_and_storage_roles_no_longer_count() {
    let id = "projects/acme/locations/us/repositories/gcr.io";
    let gcr = |state: &str| {
        World::new()
            .got(table::REPOSITORIES, id, json!({ "name": id, "format": "DOCKER" }))
            .got(table::REPOSITORY_POLICIES, id, policy(json!([binding(READER, &[&member(NODES)])])))
            .got(table::RULES, id, json!([]))
            .got(
                table::SETTINGS,
                "acme",
                json!({ "legacyRedirectionState": format!("REDIRECTION_FROM_GCR_IO_{state}") }),
            )
    };
    let says = |world: World| short(&world.ask("gcr.io/acme/team/web:1", Mode::Strict));
    assert_eq!(says(gcr("ENABLED")), "allowed");
    assert_eq!(says(gcr("FINALIZED")), "allowed");
    assert_eq!(says(gcr("DISABLED")), "unknown gcr-host-undecidable");
    let silent = gcr("ENABLED").got(table::SETTINGS, "acme", json!({ "name": "projects/acme/projectSettings" }));
    assert_eq!(says(silent), "unknown gcr-host-undecidable");
    assert_eq!(
        says(gcr("ENABLED").put(table::REPOSITORIES, id, Read::Absent)),
        "denied artifact-repository-missing"
    );
    let storage = binding("roles/storage.objectViewer", &[&member(NODES)]);
    assert_eq!(
        says(gcr("ENABLED").got(table::REPOSITORY_POLICIES, id, policy(json!([storage])))),
        "denied download-not-granted"
    );
}

#[test]
fn a_mode_told_as_a_number_is_the_same_mode_and_an_unknown_one_is_undecidable() {
    let with = |mode: Value| {
        let mut config = virtual_of(&[UPSTREAM]);
        config["mode"] = mode;
        behind(config).says()
    };
    assert_eq!(with(json!(2)), "denied upstream-not-granted");
    assert_eq!(with(json!(1)), "allowed");
    // Without a mode, what feeds it says that it is no standard one.
    assert_eq!(with(json!(null)), "unknown artifact-repository-unread");
    assert_eq!(with(json!("NEW_REPOSITORY")), "unknown upstream-undecidable");
}
