//! What makes a wrong verdict easy with Artifact Registry, each trap by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Facts, Inventory, Lookalike, Mode, Obstacle, Read, Verdict};
use pullaudit_gke::facts::table;
use serde_json::{Value, json};
use support::*;

fn own() -> String {
    member(NODES)
}

fn all_readers(members: &[&str]) -> World {
    World::new().bound(json!([binding(READER, members)]))
}

#[test]
fn a_reader_on_the_repository_pulls_and_nobody_else_does() {
    assert_eq!(World::new().says(), "denied download-not-granted");
    assert_eq!(World::new().reader().says(), "allowed");
    assert_eq!(
        all_readers(&["serviceAccount:other@acme.iam.gserviceaccount.com"]).says(),
        "denied download-not-granted"
    );
}

#[test]
fn a_grant_on_project_folder_or_organisation_is_inherited() {
    for ancestor in ["projects/acme", "folders/5", "organizations/9"] {
        assert_eq!(
            World::new().above(ancestor, json!([binding("roles/viewer", &[&own()])])).says(),
            "allowed",
            "{ancestor}"
        );
    }
    // A folder that is not above it is nobody's.
    assert_eq!(
        World::new().above("folders/6", json!([binding(READER, &[&own()])])).says(),
        "denied download-not-granted"
    );
}

#[test]
fn editor_of_the_nodes_own_project_reaches_only_that_project() {
    let world = World::new().above("projects/acme-run", json!([binding("roles/editor", &[&own()])]));
    assert_eq!(world.says(), "denied download-not-granted");
}

#[test]
fn scope_and_permission_are_both_needed() {
    for scope in ["cloud-platform", "devstorage.read_only", "devstorage.read_write", "devstorage.full_control"] {
        let url = format!("https://www.googleapis.com/auth/{scope}");
        assert_eq!(World::new().reader().scopes(&[LOGGING, &url]).says(), "allowed", "{scope}");
        assert_eq!(World::new().scopes(&[&url]).says(), "denied download-not-granted", "{scope}");
    }
    assert_eq!(World::new().reader().scopes(&[LOGGING]).says(), "denied scope-missing");
    assert_eq!(World::new().reader().scopes(&[]).says(), "denied scope-missing");
    let narrow = "https://www.googleapis.com/auth/cloud-platform.read-only";
    assert_eq!(World::new().reader().scopes(&[narrow]).says(), "unknown scope-undecidable");
}

#[test]
fn an_identity_asked_without_a_node_has_no_scopes_to_miss() {
    let mut world = World::new().reader();
    world.scopes = None;
    assert_eq!(world.says(), "allowed");
}

#[test]
fn all_users_by_what_the_node_really_sends() {
    let public = || all_readers(&["allUsers"]);
    assert_eq!(public().says(), "allowed");
    // No scopes: no token, so the node comes as nobody.
    assert_eq!(public().scopes(&[]).says(), "allowed");
    // A token that does not reach is sent all the same; what comes back is not documented.
    assert_eq!(public().scopes(&[LOGGING]).says(), "unknown weak-token-undecidable");
    let disabled = json!({ "email": NODES, "uniqueId": UID, "disabled": true });
    assert_eq!(public().got(table::ACCOUNTS, NODES, disabled).says(), "unknown weak-token-undecidable");
    assert_eq!(public().by("").says(), "allowed");
}

#[test]
fn all_authenticated_users_are_not_everybody() {
    let world = || all_readers(&["allAuthenticatedUsers"]);
    assert_eq!(world().says(), "allowed");
    assert_eq!(world().by("").says(), "denied anonymous-refused");
    assert_eq!(world().scopes(&[]).says(), "denied scope-missing");
    assert_eq!(world().by(KSA).says(), "unknown member-undecidable");
}

#[test]
fn the_rotation_trap_a_binding_of_a_deleted_account_is_not_the_new_account_of_the_same_email() {
    let former = format!("deleted:serviceAccount:{NODES}?uid=99");
    assert_eq!(all_readers(&[&former]).says(), "denied account-recreated");
    // Undeleted: it is the same account again.
    assert_eq!(all_readers(&[&format!("deleted:serviceAccount:{NODES}?uid={UID}")]).says(), "allowed");
    let unread = all_readers(&[&former]).put(table::ACCOUNTS, NODES, refused("account"));
    assert_eq!(unread.says(), "unknown member-undecidable");
    // The new grant beside the dead one counts.
    assert_eq!(all_readers(&[&former, &own()]).says(), "allowed");
}

#[test]
fn a_deleted_account_of_another_email_tells_that_the_identity_was_replaced() {
    let world = all_readers(&["deleted:serviceAccount:old@acme-run.iam.gserviceaccount.com?uid=5"]);
    let Verdict::Denied { because } = world.verdict() else { panic!() };
    assert_eq!(because[0].code.name(), "account-replaced");
    assert!(because[0].detail.contains("old@acme-run"), "{}", because[0].detail);
}

#[test]
fn a_disabled_or_deleted_account_pulls_nothing_whatever_it_was_granted() {
    let disabled = json!({ "email": NODES, "uniqueId": UID, "disabled": true });
    assert_eq!(World::new().reader().got(table::ACCOUNTS, NODES, disabled).says(), "denied account-disabled");
    assert_eq!(World::new().reader().put(table::ACCOUNTS, NODES, Read::Absent).says(), "denied account-deleted");
    assert_eq!(
        World::new().reader().put(table::ACCOUNTS, NODES, refused("x")).says(),
        "unknown service-account-unread"
    );
}

#[test]
fn conditions_on_time_are_decided_at_the_time_of_the_audit() {
    let until = |time: &str| {
        let grant = under(binding(READER, &[&own()]), &format!("request.time < timestamp(\"{time}\")"));
        World::new().above("projects/acme", json!([grant]))
    };
    assert_eq!(until("2027-06-01T00:00:00Z").says(), "allowed");
    assert_eq!(until("2027-06-01T00:00:00Z").at("2027-06-01T00:00:00Z").says(), "denied binding-condition-unmet");
    // An expired grant is no grant, and an audit as of before it ended says so.
    assert_eq!(until("2025-01-01T00:00:00Z").says(), "denied binding-condition-unmet");
    assert_eq!(until("2025-01-01T00:00:00Z").at("2024-12-31T00:00:00Z").says(), "allowed");
}

#[test]
fn an_expiry_within_thirty_days_is_a_notice() {
    let until = |time: &str| {
        let grant = under(binding(READER, &[&own()]), &format!("request.time < timestamp(\"{time}\")"));
        let world = World::new().bound(json!([grant]));
        let codes: Vec<_> =
            world.facts().notices(now(), &Inventory::default()).iter().map(|one| one.code).collect();
        codes
    };
    assert_eq!(until("2026-12-20T00:00:00Z"), ["grant-expires"]);
    assert!(until("2027-02-20T00:00:00Z").is_empty());
}

#[test]
fn conditions_on_the_name_or_tags_of_a_repository_are_never_ok() {
    for expression in [
        "resource.name.startsWith(\"projects/acme/locations/us/repositories/apps\")",
        "resource.matchTag('9/env', 'prod')",
        "resource.type == 'artifactregistry.googleapis.com/Repository'",
        "some.new(thing",
    ] {
        let grant = under(binding(READER, &[&own()]), expression);
        let world = World::new().bound(json!([grant]));
        assert_eq!(world.says(), "unknown binding-condition-undecidable", "{expression}");
    }
}

#[test]
fn a_policy_read_in_version_1_hides_its_conditions() {
    let grant = binding("roles/artifactregistry.reader_withcond_0123456789abcdef", &[&own()]);
    assert_eq!(World::new().bound(json!([grant])).says(), "unknown binding-condition-undecidable");
    let other = binding("roles/logging.logWriter_withcond_0123456789abcdef", &[&own()]);
    assert_eq!(World::new().bound(json!([other])).says(), "denied download-not-granted");
}

#[test]
fn roles_that_sound_right_and_do_not_pull_get_a_notice() {
    let held = json!([
        binding("roles/container.defaultNodeServiceAccount", &[&own()]),
        binding("roles/storage.objectViewer", &[&own()]),
        binding("roles/logging.logWriter", &[&own()]),
    ]);
    let world = World::new().above("projects/acme", held.clone());
    assert_eq!(world.says(), "denied download-not-granted");
    let notices = |world: &World| -> Vec<&str> {
        world.facts().notices(now(), &Inventory::default()).iter().map(|one| one.code).collect()
    };
    assert_eq!(notices(&world), ["role-does-not-pull", "role-does-not-pull"]);
    assert!(notices(&world.reader()).is_empty());
}

#[test]
fn a_role_that_nobody_knows_is_unknown_and_not_no() {
    let held = |role: &str| World::new().bound(json!([binding(role, &[&own()])]));
    assert_eq!(held("roles/brandnew.puller").says(), "unknown role-unread-gcp");
    assert_eq!(held("projects/acme/roles/puller").says(), "unknown role-unread-gcp");
    let role =
        |body: Value| held("projects/acme/roles/puller").got(table::ROLES, "projects/acme/roles/puller", body);
    let name = "projects/acme/roles/puller";
    assert_eq!(role(json!({ "name": name, "includedPermissions": [DOWNLOAD] })).says(), "allowed");
    assert_eq!(role(json!({ "name": name, "includedPermissions": ["x"] })).says(), "denied download-not-granted");
    // A deleted or disabled role grants nothing, though its binding stays; every other stage goes on granting.
    let with = |field: &str, value: Value| {
        let mut body = json!({ "name": name, "includedPermissions": [DOWNLOAD] });
        body[field] = value;
        role(body).says()
    };
    assert_eq!(with("deleted", json!(true)), "denied download-not-granted");
    for stage in [json!("DISABLED"), json!(5)] {
        assert_eq!(with("stage", stage), "denied download-not-granted");
    }
    for stage in ["ALPHA", "BETA", "GA", "DEPRECATED", "EAP"] {
        assert_eq!(with("stage", json!(stage)), "allowed", "{stage}");
    }
    // Not found may be hidden.
    let hidden = held(name).put(table::ROLES, name, Read::Absent);
    assert_eq!(hidden.says(), "unknown role-unread-gcp");
    // A role that was read counts before the table.
    let read = held(READER).got(table::ROLES, READER, json!({ "name": READER, "includedPermissions": [] }));
    assert_eq!(read.says(), "denied download-not-granted");
}

#[test]
fn groups_domains_and_sets_are_undecidable() {
    for member in [
        "group:pullers@acme.example",
        "domain:acme.example",
        "projectEditor:other",
        "principalSet://goog/group/pullers@acme.example",
        "iamThing:new",
    ] {
        assert_eq!(all_readers(&[member]).says(), "unknown member-undecidable", "{member}");
    }
    for nobody in [
        "user:someone@acme.example",
        "deleted:group:pullers@acme.example?uid=1",
        "projectEditor:acme",
        "principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/p/*",
        "principal://goog/subject/someone@acme.example",
        KSA,
    ] {
        assert_eq!(all_readers(&[nobody]).says(), "denied download-not-granted", "{nobody}");
    }
}

#[test]
fn an_api_that_is_off_stops_every_pull() {
    let off = json!({ "name": "projects/42/services/artifactregistry.googleapis.com", "state": "DISABLED" });
    assert_eq!(World::new().reader().got(table::SERVICES, "acme", off).says(), "denied registry-api-disabled");
}

#[test]
fn an_api_that_answers_is_on() {
    let refused_usage = || World::new().reader().put(table::SERVICES, "acme", refused("services"));
    assert_eq!(refused_usage().says(), "allowed");
    let silent = refused_usage().put(table::REPOSITORIES, REPOSITORY, refused("repository")).put(
        table::REPOSITORY_POLICIES,
        REPOSITORY,
        refused("policy"),
    );
    assert!(silent.says().starts_with("unknown"), "{}", silent.says());
}

#[test]
fn a_project_being_deleted_is_never_allowed() {
    let ending = json!({ "name": "projects/42", "projectId": "acme", "state": "DELETE_REQUESTED" });
    assert_eq!(
        World::new().reader().got(table::PROJECTS, "acme", ending).says(),
        "unknown artifact-repository-unread"
    );
}

#[test]
fn a_repository_that_does_not_exist_is_denied_and_a_hidden_one_is_not() {
    let missing = World::new().reader().put(table::REPOSITORIES, REPOSITORY, Read::Absent);
    assert_eq!(missing.says(), "denied artifact-repository-missing");
    let hidden = World::new().reader().put(table::REPOSITORIES, REPOSITORY, refused("repository"));
    assert_eq!(hidden.says(), "unknown artifact-repository-unread");
}

#[test]
fn a_project_of_which_nothing_can_be_read_is_somebody_elses() {
    let world = World::new()
        .put(table::REPOSITORIES, REPOSITORY, refused("repository"))
        .put(table::REPOSITORY_POLICIES, REPOSITORY, refused("policy"))
        .put(table::ANCESTRY, "acme", refused("project"))
        .put(table::SERVICES, "acme", refused("service"));
    assert_eq!(world.says(), "unknown foreign-registry");
}

#[test]
fn public_hosts_need_no_grant_and_short_paths_name_no_image() {
    let says = |image: &str| short(&World::new().ask(image, Mode::Strict));
    assert_eq!(says("mirror.gcr.io/library/redis:7"), "allowed");
    assert_eq!(says("registry.k8s.io/pause:3.10"), "allowed");
    assert_eq!(says("us-docker.pkg.dev/acme/apps:1"), "denied image-path-incomplete");
}

#[test]
fn an_identity_of_another_cloud_pulls_only_what_is_public() {
    let role = "arn:aws:iam::111122223333:role/nodes";
    assert_eq!(World::new().reader().by(role).says(), "denied not-a-google-identity");
    assert_eq!(all_readers(&["allUsers"]).by(role).says(), "allowed");
}

#[test]
fn nothing_collected_is_nothing_said() {
    let verdict = World::new().ask("us-docker.pkg.dev/elsewhere/apps/web:1", Mode::Strict);
    assert_eq!(short(&verdict), "unknown not-collected");
}

#[test]
fn an_answer_about_something_else_is_not_an_answer() {
    for (table, key) in [
        (table::REPOSITORIES, REPOSITORY),
        (table::REPOSITORY_POLICIES, REPOSITORY),
        (table::ACCOUNTS, NODES),
        (table::ANCESTRY, "acme"),
        (table::SERVICES, "acme"),
    ] {
        let world = World::new().reader().got(table, key, json!({}));
        assert!(matches!(world.verdict(), Verdict::Unknown { .. }), "{table}: {}", world.says());
    }
}

#[test]
fn editor_is_told_as_wider_than_needed_and_grants_to_agents_too() {
    let world = World::new().above("projects/acme", json!([binding("roles/editor", &[&own()])]));
    let codes: Vec<&str> =
        world.facts().notices(now(), &Inventory::default()).iter().map(|one| one.code).collect();
    assert_eq!(codes, ["pulls-by-wider-role"]);
    let robot = "service-7@container-engine-robot.iam.gserviceaccount.com";
    let lookalikes = vec![Lookalike {
        id: robot.into(),
        code: "granted-to-service-agent".into(),
        what: "the service agent of GKE".into(),
    }];
    let inventory = Inventory { lookalikes, ..Inventory::default() };
    let notices = all_readers(&[&member(robot)]).facts().notices(now(), &inventory);
    assert_eq!(notices[0].code, "granted-to-service-agent");
}

#[test]
fn what_people_read_about_a_denied_pull() {
    let former = format!("deleted:serviceAccount:{NODES}?uid=99");
    let expired = under(binding("roles/viewer", &[&own()]), "request.time < timestamp('2026-01-01T00:00:00Z')");
    let world = all_readers(&[&former]).above("projects/acme", json!([expired])).scopes(&[LOGGING]);
    let Verdict::Denied { because } = world.verdict() else { panic!() };
    let lines: Vec<String> =
        because.iter().map(|one| format!("{}: {}: {}", one.code, one.source, one.detail)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn obstacles_are_told_as_they_were() {
    let mut world = World::new().reader();
    assert!(world.section.ablate(table::REPOSITORY_POLICIES, REPOSITORY, Obstacle::Failed("timed out".into())));
    let Verdict::Unknown { needing } = world.verdict() else { panic!() };
    assert!(needing.iter().any(|need| need.open.to_string().contains("timed out")), "{needing:?}");
}
