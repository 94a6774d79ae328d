//! Sets of principals, and the names under which a Kubernetes service account stands in policies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{AccountToken, Credential, Facts as _, Mode, Read, judge};
use pullaudit_gke::facts::table;
use serde_json::json;
use support::*;

const SETS: &str = "principalSet://cloudresourcemanager.googleapis.com";

fn all_readers(members: &[&str]) -> World {
    World::new().bound(json!([binding(READER, members)]))
}

/// Under a denial of a set, in all three modes of not knowing.
fn under_denial(set: &str) -> World {
    World::new().reader().denied("organizations/9", deny("lock", json!([set])))
}

#[test]
fn a_service_account_of_kubernetes_pulls_as_itself() {
    let by = |members: &[&str]| all_readers(members).by(KSA).says();
    let pool = "//iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/acme-run.svc.id.goog";
    assert_eq!(by(&[KSA]), "allowed");
    assert_eq!(by(&[&format!("principalSet:{pool}/*")]), "allowed");
    assert_eq!(by(&[&format!("principalSet:{pool}/namespace/web")]), "allowed");
    assert_eq!(by(&[&format!("principalSet:{pool}/namespace/we")]), "denied download-not-granted");
    assert_eq!(
        by(&[&format!("principalSet:{}/*", pool.replace("projects/7/", "projects/8/"))]),
        "denied download-not-granted"
    );
    assert_eq!(by(&[&KSA.replace("sa/api", "sa/other")]), "denied download-not-granted");
    assert_eq!(by(&["serviceAccount:acme-run.svc.id.goog[web/api]"]), "unknown member-undecidable");
    // Its own token has the scope that it needs; the node's scopes do not matter.
    assert_eq!(all_readers(&[KSA]).by(KSA).scopes(&[LOGGING]).says(), "allowed");
}

#[test]
fn a_deny_by_uid_is_undecidable() {
    let by_uid = format!("principal://iam.googleapis.com/{POOL}/kubernetes.serviceaccount.uid/0a1b");
    let denied =
        |principal: &str| all_readers(&[KSA]).by(KSA).denied("folders/5", deny("lock", json!([principal]))).says();
    assert_eq!(denied(&by_uid), "unknown deny-policy-undecidable");
    assert_eq!(denied(&by_uid.replace("projects/7/", "projects/8/")), "allowed");
    assert_eq!(denied(&KSA.replace("sa/api", "sa/other")), "allowed");
    assert_eq!(denied(KSA), "denied deny-policy");
    assert_eq!(all_readers(&[&by_uid]).by(KSA).says(), "unknown member-undecidable");
    // A node is no Kubernetes account.
    assert_eq!(under_denial(&by_uid).says(), "allowed");
}

#[test]
fn decides_sets_of_accounts_by_project() {
    for (resource, inside) in [
        ("projects/7", true),
        ("projects/8", false),
        ("organizations/9", true),
        ("organizations/8", false),
        ("folders/5", false),
    ] {
        let set = format!("{SETS}/{resource}/type/ServiceAccount");
        let (granted, denied) = (all_readers(&[&set]).says(), under_denial(&set).says());
        let wanted =
            if inside { ("allowed", "denied deny-policy") } else { ("denied download-not-granted", "allowed") };
        assert_eq!((granted.as_str(), denied.as_str()), wanted, "{resource}");
        let agents = format!("{SETS}/{resource}/type/ServiceAgent");
        assert_eq!(under_denial(&agents).says(), "allowed", "a node is no agent");
        let kubernetes = all_readers(&[KSA]).by(KSA).denied("folders/5", deny("lock", json!([set])));
        assert_eq!(kubernetes.says(), "allowed", "a Kubernetes account is no service account");
    }
    let set = format!("{SETS}/projects/7/type/ServiceAccount");
    let unread = under_denial(&set).put(table::PROJECTS, "acme-run", refused("project"));
    assert_eq!(unread.says(), "unknown deny-policy-undecidable");
    let above = format!("{SETS}/organizations/9/type/ServiceAccount");
    assert!(under_denial(&above).without(table::ANCESTRY, "acme-run").says().starts_with("unknown"));
    let other = format!("{SETS}/organizations/9/type/Robot");
    assert_eq!(under_denial(&other).says(), "unknown deny-policy-undecidable");
}

#[test]
fn the_default_account_tells_its_project() {
    let compute = "77-compute@developer.gserviceaccount.com";
    let set = |number: u32| format!("{SETS}/projects/{number}/type/ServiceAccount");
    let says = |member: &str| {
        all_readers(&[member])
            .by(compute)
            .got(table::ACCOUNTS, compute, json!({ "email": compute, "uniqueId": "3" }))
            .got(
                table::ANCESTRY,
                "77",
                json!({ "ancestor": [{ "resourceId": { "type": "project", "id": "acme-77" } }] }),
            )
            .says()
    };
    assert_eq!((says(&set(77)), says(&set(78))), ("allowed".into(), "denied download-not-granted".into()));
}

#[test]
fn a_set_of_one_cluster_holds_its_accounts() {
    let own = "container.googleapis.com/v1/projects/acme-run/locations/us/clusters/shop";
    let says = |cluster: &str, known: bool| {
        let set = format!("principalSet://iam.googleapis.com/{POOL}/kubernetes.cluster/https://{cluster}");
        let world = all_readers(&[&set]).by(KSA);
        let mut question = world.question(IMAGE);
        let Credential::Principal(principal) = &mut question.by else { panic!() };
        let issuer = known.then(|| own.to_owned());
        principal.token = Some(Box::new(AccountToken { issuer, audience: None, subject: "s".to_owned() }));
        short(&judge(world.facts().weigh(&question, world.at).as_ref(), Mode::Strict))
    };
    assert_eq!(says(own, true), "allowed");
    assert_eq!(says(&own.replace("shop", "other"), true), "denied download-not-granted");
    assert_eq!(says(own, false), "unknown member-undecidable");
}

#[test]
fn finds_app_engine_accounts_of_domain_projects() {
    use pullaudit_gke::cluster::account_project;
    assert_eq!(account_project("proj.example.com@appspot.gserviceaccount.com").unwrap(), "example.com:proj");
    assert_eq!(account_project("proj@appspot.gserviceaccount.com").unwrap(), "proj");
}

#[test]
fn an_absent_account_is_denied_whatever_the_set() {
    let set = format!("{SETS}/projects/7/type/ServiceAccount");
    let world = all_readers(&[&set]).put(table::ACCOUNTS, NODES, Read::Absent);
    assert_eq!(world.says(), "denied account-deleted");
}
