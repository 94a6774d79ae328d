//! What refuses whoever was granted what: deny policies, access boundaries, download rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Mode, Obstacle, Open, Read, Verdict};
use pullaudit_gke::facts::table;
use serde_json::{Value, json};
use support::*;

fn all_readers(members: &[&str]) -> World {
    World::new().bound(json!([binding(READER, members)]))
}

#[test]
fn deny_beats_allow_for_the_account_and_for_everybody() {
    let account = format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{NODES}");
    for principal in [account.as_str(), "principalSet://goog/public:all"] {
        for at in ["projects/acme", "folders/5", "organizations/9"] {
            let world = World::new().reader().denied(at, deny("lock", json!([principal])));
            assert_eq!(world.says(), "denied deny-policy", "{principal} {at}");
        }
    }
    let other = deny("lock", json!(["principal://goog/subject/someone@acme.example"]));
    assert_eq!(World::new().reader().denied("folders/5", other).says(), "allowed");
    let group = deny("lock", json!(["principalSet://goog/group/nodes@acme.example"]));
    assert_eq!(World::new().reader().denied("folders/5", group).says(), "unknown deny-policy-undecidable");
    // Everybody is denied, so a public repository is closed too.
    let all = deny("lock", json!(["principalSet://goog/public:all"]));
    assert_eq!(all_readers(&["allUsers"]).by("").denied("folders/5", all).says(), "denied deny-policy");
}

#[test]
fn a_deny_policy_has_exceptions_and_conditions() {
    let account = format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{NODES}");
    let with = |field: &str, value: Value| {
        let mut body = deny("lock", json!(["principalSet://goog/public:all"]));
        body["rules"][0]["denyRule"][field] = value;
        World::new().reader().denied("organizations/9", body).says()
    };
    assert_eq!(with("exceptionPrincipals", json!([account])), "allowed");
    assert_eq!(with("exceptionPermissions", json!([DENIED])), "allowed");
    assert_eq!(
        with("exceptionPrincipals", json!(["principalSet://goog/group/a@b.example"])),
        "unknown deny-policy-undecidable"
    );
    assert_eq!(
        with("denialCondition", json!({ "expression": "resource.matchTag('9/env', 'prod')" })),
        "unknown deny-policy-undecidable"
    );
    assert_eq!(
        with("deniedPermissions", json!(["artifactregistry.googleapis.com/repositories.uploadArtifacts"])),
        "allowed"
    );
    assert_eq!(
        with("deniedPermissions", json!(["artifactregistry.googleapis.com/repositories.*"])),
        "denied deny-policy"
    );
    assert_eq!(with("deniedPermissions", json!(["storage.googleapis.com/objects.get"])), "allowed");
}

#[test]
fn deny_policies_that_were_not_read_are_assumed_at_the_organisation_only() {
    let unread = |at: &str| World::new().reader().put(table::DENY_LISTS, at, refused("denyPolicies"));
    let both = |world: &World| (short(&world.ask(IMAGE, Mode::Strict)), short(&world.ask(IMAGE, Mode::Default)));
    assert_eq!(both(&unread("organizations/9")), ("unknown deny-policy-unread".into(), "allowed".into()));
    for at in ["projects/acme", "folders/5"] {
        assert_eq!(both(&unread(at)), ("unknown deny-policy-unread".into(), "unknown deny-policy-unread".into()));
    }
    let Verdict::Allowed { assuming, .. } = unread("organizations/9").ask(IMAGE, Mode::Default) else { panic!() };
    assert_eq!(assuming.len(), 1);
}

#[test]
fn a_list_of_deny_policies_has_no_rules_so_each_is_read() {
    let world = World::new().reader().got(table::DENY_LISTS, "folders/5", json!([{ "name": "policies/x" }]));
    assert_eq!(world.says(), "unknown not-collected");
}

#[test]
fn a_list_of_the_organization_that_failed_is_unknown() {
    for obstacle in [Obstacle::Failed("HTTP 500".into()), Obstacle::Blocked("VPC Service Controls".into())] {
        let open = Open::unread("deny policies", "iam.denypolicies.list", "organizations/9", obstacle);
        let world = World::new().reader().put(table::DENY_LISTS, "organizations/9", Read::Unread(open));
        for mode in [Mode::Strict, Mode::Default] {
            assert_eq!(short(&world.ask(IMAGE, mode)), "unknown deny-policy-unread");
        }
    }
}

#[test]
fn a_listed_policy_is_never_assumed() {
    let name = "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F9/denypolicies/x";
    let listed = World::new().reader().got(table::DENY_LISTS, "organizations/9", json!([{ "name": name }]));
    let gone = json!({ "name": name, "rules": [], "deleteTime": "2026-01-01T00:00:00Z" });
    for world in [
        listed.clone(),
        listed.clone().put(table::DENY_POLICIES, name, refused("denypolicy")),
        listed.clone().put(table::DENY_POLICIES, name, Read::Absent),
        listed.clone().got(table::DENY_POLICIES, name, gone),
        listed.clone().got(table::DENY_POLICIES, name, json!({ "name": name })),
    ] {
        assert!(short(&world.ask(IMAGE, Mode::Default)).starts_with("unknown"), "{:?}", world.verdict());
    }
    assert_eq!(listed.got(table::DENY_POLICIES, name, json!({ "name": name, "rules": [] })).says(), "allowed");
}

#[test]
fn boundaries_that_nobody_binds_deny_nothing() {
    assert_eq!(World::new().reader().says(), "allowed");
    for target in ["projects/acme-run", "organizations/9"] {
        let refused_list = World::new().reader().put(table::BOUNDARY_LISTS, target, refused("bindings"));
        assert_eq!(refused_list.says(), "unknown access-boundary-unread");
        let Verdict::Allowed { assuming, .. } = refused_list.ask(IMAGE, Mode::Default) else { panic!() };
        assert_eq!(assuming[0].code.name(), "access-boundary-unread");
        let why = Obstacle::Failed("HTTP 500".into());
        let open = Open::unread("bindings", "search", target, why);
        let failed = World::new().reader().put(table::BOUNDARY_LISTS, target, Read::Unread(open));
        assert_eq!(short(&failed.ask(IMAGE, Mode::Default)), "unknown access-boundary-unread");
    }
    // What is bound to a pool of identities is about Kubernetes accounts only.
    let pool = World::new().bound(json!([binding(READER, &[KSA, &member(NODES)])]));
    let pool = pool.put(table::BOUNDARY_LISTS, POOL, refused("bindings"));
    assert_eq!((pool.says(), pool.by(KSA).says()), ("allowed".into(), "unknown access-boundary-unread".into()));
}

#[test]
fn without_an_organization_there_are_no_boundaries() {
    let alone = json!({ "ancestor": [{ "resourceId": { "type": "project", "id": "acme-run" } }] });
    let world = World::new().reader().got(table::ANCESTRY, "acme-run", alone);
    assert_eq!(world.without(table::BOUNDARY_LISTS, "organizations/9").says(), "allowed");
}

#[test]
fn a_boundary_lets_in_what_it_lists() {
    let bounded = |resources: &[&str]| World::new().reader().bounded("organizations/9", resources);
    for resource in ["organizations/9", "folders/5", "projects/42"] {
        let world = bounded(&[&format!("//cloudresourcemanager.googleapis.com/{resource}")]);
        assert_eq!(world.says(), "allowed", "{resource}");
    }
    for world in [
        bounded(&["//cloudresourcemanager.googleapis.com/projects/43"]),
        bounded(&[]),
        bounded(&["//cloudresourcemanager.googleapis.com/projects/42"]).put(
            table::BOUNDARY_POLICIES,
            "organizations/9/locations/global/principalAccessBoundaryPolicies/own",
            refused("boundary"),
        ),
    ] {
        assert_eq!(short(&world.ask(IMAGE, Mode::Default)), "unknown access-boundary-unread");
    }
}

#[test]
fn download_rules_deny_by_package_and_by_condition() {
    let ruled = |rules: Value| World::new().reader().got(table::RULES, REPOSITORY, rules).says();
    let rule = |action: &str, package: &str| json!({ "name": "r", "action": action, "operation": "DOWNLOAD", "packageId": package });
    assert_eq!(ruled(json!([rule("DENY", "")])), "denied download-rule");
    assert_eq!(ruled(json!([rule("DENY", "team%2Fweb")])), "denied download-rule");
    assert_eq!(ruled(json!([rule("DENY", "web")])), "allowed");
    assert_eq!(ruled(json!([rule("ALLOW", "")])), "allowed");
    assert_eq!(ruled(json!([rule("DENY", ""), rule("ALLOW", "team/web")])), "unknown download-rule-undecidable");
    let mut when = rule("DENY", "");
    when["condition"] = json!({ "expression": "pkg.version.id.startsWith('v1')" });
    assert_eq!(ruled(json!([when])), "unknown download-rule-undecidable");
}
