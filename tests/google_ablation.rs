//! The law of ablation for GKE, by the code that holds EKS and AKS to it: take any one answer of Google Cloud away,
//! and each verdict stays as it was or becomes unknown and names what is missing.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "google_ablation/breakable.rs"]
mod breakable;
#[path = "google_fix/mod.rs"]
mod google;
#[path = "servers/mod.rs"]
mod servers;

use breakable::Google;
use google::{MEMBER, NODES, Place, READER};
use pullaudit_google_fake::{
    AccessBoundary, CLOUD_PLATFORM, Caller, Cluster, DenyPolicy, Fault, LOGGING_ONLY, METHODS, Paging, Policy,
    Pool, Repository, Right, Role, Trouble as Broken, World,
};
use serde_json::Value;
use servers::ablation::{Audit, Breakable, Check, Report, Verdict, ablate_some};
use servers::proxy::Trouble;
use std::collections::BTreeMap;

/// Calls without which nothing at all can be read, so that the audit fails as a whole.
const NEEDED_BY_ALL: [&str; 3] =
    ["oauth2.token", "cloudresourcemanager.projects.search", "container.projects.locations.clusters.list"];

/// Rights that this fleet has no use for: none of its pods pulls as its own account, and no project of an account lies
/// in a folder. That an API is on is evident while it answers.
const NOT_USED: [&str; 3] = [
    "iam.workloadIdentityPools.searchPolicyBindings",
    "resourcemanager.folders.searchPolicyBindings",
    "serviceusage.services.get",
];

/// Calls whose 404 is an answer and no missing one, with the only code that may come of it: Google refuses what it
/// hides, and says of these that there is none only where there is none.
const ANSWERED_BY_404: [(&str, &str); 2] = [
    ("artifactregistry.projects.locations.repositories.get ", "artifact-repository-missing"),
    ("iam.projects.serviceAccounts.get ", "account-deleted"),
];

fn answered_by_404(call: &str) -> Option<&'static str> {
    ANSWERED_BY_404.iter().find(|(name, _)| call.starts_with(name)).map(|(_, code)| *code)
}

const OTHER: &str = "gke-batch@acme-prod.iam.gserviceaccount.com";
const CUSTOM: &str = "projects/acme-images/roles/puller";
const ORGANIZATION: &str = "organizations/900100200300";
const BOUND: &str = "//cloudresourcemanager.googleapis.com/organizations/900100200300";
/// Allowed, denied and unknown checks of the whole fleet.
const BEFORE: (usize, usize, usize) = (10, 12, 8);
const IMAGES: [&str; 5] = [
    "europe-west4-docker.pkg.dev/acme-images/shop/cart:1",
    "europe-west4-docker.pkg.dev/acme-images/own/tool:1",
    "europe-west4-docker.pkg.dev/acme-images/above/base:1",
    "europe-west4-docker.pkg.dev/acme-images/all/mix:1",
    "gcr.io/acme-images/former:1",
];

/// Grants on a repository, by a role of our own, at the folder, behind a virtual repository, and on a host of the
/// former registry; a denial about somebody else; a pool whose scopes do not reach.
fn fleet() -> World {
    let images = |id: &str| Repository::new("acme-images", "europe-west4", id);
    World::new()
        .organization("900100200300")
        .folder("700100200300", "organizations/900100200300")
        .project("acme-prod", 100_200_300_400, "organizations/900100200300")
        .project("acme-images", 500_600_700_800, "folders/700100200300")
        .account(NODES)
        .account(OTHER)
        .cluster(
            Cluster::new("acme-prod", "europe-west4", "shop-ew4")
                .pool(Pool::new("apps").account(NODES).scopes(&[CLOUD_PLATFORM]))
                .pool(Pool::new("batch").account(OTHER).scopes(&[CLOUD_PLATFORM]))
                .pool(Pool::new("logs").account(NODES).scopes(LOGGING_ONLY)),
        )
        .repository(images("shop").policy(Policy::new().bind(READER, MEMBER)))
        .role(Role::new(CUSTOM, &["artifactregistry.repositories.downloadArtifacts"]))
        .repository(images("own").policy(Policy::new().bind(CUSTOM, MEMBER)))
        .repository(images("above"))
        .policy(
            "folders/700100200300",
            Policy::new().bind("roles/browser", "user:dev@acme.example").bind_if(
                READER,
                &[&format!("serviceAccount:{OTHER}")],
                "until",
                "request.time < timestamp('2099-01-01T00:00:00Z')",
            ),
        )
        .repository(
            images("all")
                .over(&["projects/acme-images/locations/europe-west4/repositories/shop"])
                .policy(Policy::new().bind(READER, MEMBER)),
        )
        .repository(Repository::new("acme-images", "us", "gcr.io").policy(Policy::new().bind(READER, MEMBER)))
        .deny(lock("lock"))
        .deny(lock("second"))
        .boundary(AccessBoundary::new(ORGANIZATION, "own", &[BOUND]).bound_to(BOUND))
        .paging(Paging { size: 1, ..Paging::default() })
}

fn lock(name: &str) -> DenyPolicy {
    DenyPolicy::new(
        "projects/acme-images",
        name,
        &["principal://goog/subject/dev@acme.example"],
        &["artifactregistry.googleapis.com/repositories.downloadArtifacts"],
    )
}

fn add(audit: &mut Audit, mode: &str, report: &Value) {
    for check in report["checks"].as_array().unwrap() {
        let verdict = match check["verdict"].as_str().unwrap() {
            "allowed" => Verdict::Allowed,
            "denied" => Verdict::Denied,
            _ => Verdict::Unknown,
        };
        let needing = check["needing"].as_array().unwrap().iter().map(ToString::to_string).collect();
        audit.checks.insert(format!("{mode} {} {}", check["pool"], check["image"]), Check { verdict, needing });
    }
    audit.unread = report["incompleteBecause"].as_array().unwrap().iter().map(ToString::to_string).collect();
}

/// Reads once and judges twice, with gaps read as they are by default and strictly.
fn audit(place: &Place, timeout: &str) -> Result<Audit, String> {
    let images: Vec<&str> = IMAGES.iter().flat_map(|image| ["--image", image]).collect();
    let collect = ["collect", "--provider", "gke", "-o", "facts.json", "--timeout", timeout];
    let collected = place.plain(&[&collect[..], &images].concat());
    assert!(matches!(collected.code, Some(0 | 1 | 3)), "{collected:?}");
    if collected.code == Some(1) {
        return Err(collected.err);
    }
    let mut audit = Audit::default();
    for (mode, more) in [("default", None), ("strict", Some("--strict"))] {
        let arguments: Vec<&str> =
            ["audit", "--from", "facts.json", "-o", "json"].into_iter().chain(more).collect();
        add(&mut audit, mode, &place.plain(&arguments).json());
    }
    Ok(audit)
}

/// Threads that each take a share of the calls away, on a fake of their own: waiting, for an answer or between
/// attempts, costs no time but the clock's.
const THREADS: usize = 8;

fn part(trouble: Trouble, instead: Option<Broken>, own: usize) -> Report {
    let place = Place::of(fleet());
    let timeout = if trouble == Trouble::TimeOut { "2s" } else { "20s" };
    let wanted = |call: &str| {
        let share = call.bytes().map(usize::from).sum::<usize>() % THREADS == own;
        share && (trouble != Trouble::Absent || answered_by_404(call).is_none())
    };
    ablate_some(&[&Google(&place.fake, instead)], &[trouble], wanted, || audit(&place, timeout))
}

fn hold(trouble: Trouble) {
    hold_by(trouble, None);
}

/// The same by a trouble of the fake's own.
fn hold_by(trouble: Trouble, instead: Option<Broken>) {
    let parts: Vec<Report> = std::thread::scope(|scope| {
        let run = |own| scope.spawn(move || part(trouble, instead, own));
        let runs: Vec<_> = (0..THREADS).map(run).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let mut report = Report { clean: parts[0].clean.clone(), ..Report::default() };
    for part in parts {
        report.calls.extend(part.calls);
        report.violations.extend(part.violations);
        report.unknown.extend(part.unknown);
        report.failed.extend(part.failed);
    }
    println!("{trouble:?} {instead:?}: {} calls, {} became unknown", report.calls.len(), report.unknown.len());
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.calls.len() > 15, "every call of the audit is taken away: {:#?}", report.calls);
    assert!(report.unknown.len() > 20, "and most of them cost a verdict");
    // So many are there to lose, in both ways of reading gaps.
    assert_eq!(report.clean.counts(), BEFORE);
    let pages = report.calls.iter().filter(|call| call.contains("pageToken=")).count();
    assert!(pages > 2, "later pages are taken away too: {:#?}", report.calls);
    report.unknown.iter().for_each(|(call, check, needing)| names_the_right(call, check, needing));
    for (call, _, said) in &report.failed {
        assert!(
            NEEDED_BY_ALL.iter().any(|needed| call.starts_with(needed)),
            "{call} took the whole audit with it: {said}"
        );
    }
}

/// What became unknown by a refusal names the right by which that very call is let through.
#[track_caller]
fn names_the_right(call: &str, check: &str, needing: &[String]) {
    let method = METHODS.iter().find(|method| call.split(' ').next() == Some(method.name)).unwrap();
    let named = needing.iter().any(|need| need.contains(&format!("\"{}\"", method.permission)));
    assert!(named, "{call} needs {}: {check} names {needing:#?}", method.permission);
}

#[test]
fn a_404_that_is_an_answer_makes_nothing_but_its_own_denial() {
    let place = Place::of(fleet());
    let google = Google(&place.fake, None);
    let codes = |report: &Value| -> BTreeMap<String, (String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let one = |check: &Value| {
            (format!("{} {}", check["pool"], check["image"]), (text(&check["verdict"]), text(&check["code"])))
        };
        report["checks"].as_array().unwrap().iter().map(one).collect()
    };
    let images: Vec<&str> = IMAGES.iter().flat_map(|image| ["--image", image]).collect();
    let audit = || {
        let all = [&["audit", "--provider", "gke", "-o", "json"][..], &images].concat();
        codes(&place.plain(&all).json())
    };
    google.reset();
    let clean = audit();
    let calls: Vec<String> = google.calls().into_iter().filter(|call| answered_by_404(call).is_some()).collect();
    assert!(calls.len() > 5, "{calls:#?}");
    for call in calls {
        google.reset();
        google.break_call(&call, Trouble::Absent);
        let (broken, own) = (audit(), answered_by_404(&call).unwrap());
        let turned: Vec<_> = broken.iter().filter(|(id, now)| clean[*id] != **now).collect();
        assert!(!turned.is_empty(), "{call}");
        for (check, (verdict, code)) in turned {
            let fine = verdict == "unknown" || (verdict.as_str(), code.as_str()) == ("denied", own);
            assert!(fine, "{call}: {check} is {verdict} {code}");
        }
    }
}

#[test]
fn ablation_of_every_call_of_google_cloud_by_refusal() {
    hold(Trouble::Forbidden);
}

#[test]
fn ablation_of_every_call_of_google_cloud_by_its_own_404() {
    hold(Trouble::Absent);
}

#[test]
fn ablation_of_every_call_of_google_cloud_by_a_stranger_s_404() {
    hold(Trouble::Lost);
}

#[test]
fn ablation_of_every_call_of_google_cloud_by_silence() {
    hold(Trouble::TimeOut);
}

#[test]
fn ablation_of_every_call_of_google_cloud_by_an_answer_that_breaks_off() {
    hold(Trouble::Garbage);
}

#[test]
fn error_500_flips_no_verdict() {
    hold_by(Trouble::Garbage, Some(Broken::ServerError));
}

#[test]
fn a_page_for_people_flips_no_verdict() {
    hold_by(Trouble::Garbage, Some(Broken::Page));
}

#[test]
fn half_a_body_flips_no_verdict() {
    hold_by(Trouble::Garbage, Some(Broken::Cut));
}

#[test]
fn a_perimeter_flips_no_verdict() {
    hold_by(Trouble::Garbage, Some(Broken::Perimeter));
}

/// The organisation's own deny policies are the only ones that may be assumed away, and only where their list was
/// refused.
#[test]
fn only_a_refused_list_is_assumed() {
    let organization = DenyPolicy { point: "organizations/900100200300".to_owned(), ..lock("own") };
    let place = Place::of(fleet().deny(organization));
    let codes = |fault: Fault| {
        place.fake.clear_faults();
        place.fake.set_fault(fault);
        let image = ["audit", "--provider", "gke", "-o", "json", "--timeout", "20s", "--image", IMAGES[0]];
        let report = place.plain(&image).json();
        let checks = report["checks"].as_array().unwrap().iter();
        let apps = checks.filter(|check| check["pool"] == "apps").map(|check| check["verdict"].as_str().unwrap());
        apps.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let (list, get) = ("iam.policies.listPolicies", "iam.policies.get");
    let at = |name: &str, trouble: Broken| Fault::call(name, trouble).path("organizations/900100200300");
    assert_eq!(codes(at(list, Broken::Forbidden)), "allowed");
    for trouble in [Broken::ServerError, Broken::Page, Broken::Cut, Broken::Garbage, Broken::Perimeter] {
        assert_eq!(codes(at(list, trouble)), "unknown", "{trouble:?}");
    }
    for trouble in [Broken::Forbidden, Broken::NotFound, Broken::ServerError, Broken::Page] {
        assert_eq!(codes(at(get, trouble)), "unknown", "{trouble:?}");
    }
}

#[test]
fn the_printed_role_is_enough_and_each_permission_of_it_is_needed() {
    let clean = audit(&Place::of(fleet()), "20s").unwrap();
    let place = Place::of(fleet());
    let role = place.plain(&["permissions", "--provider", "gke", "--for", "audit"]).ends(0).json();
    let permissions: Vec<&str> =
        role["includedPermissions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    place.fake.change(|world| {
        let rights: Vec<Right> = permissions.iter().map(|permission| Right::new(permission, "")).collect();
        world.caller = Caller::with(&world.caller.email, &rights);
    });
    let least = audit(&place, "20s").unwrap();
    assert_eq!((&least.checks, &least.unread), (&clean.checks, &clean.unread));
    for permission in permissions.into_iter().filter(|permission| !NOT_USED.contains(permission)) {
        // One boundary that lets a pull through decides, whatever else is bound: lists count where nothing is bound.
        let is_list = permission.ends_with(".searchPolicyBindings");
        let bound = if is_list { Vec::new() } else { fleet().boundaries };
        place.fake.change(|world| world.boundaries = bound);
        place.fake.take_right(permission);
        match audit(&place, "20s") {
            Err(said) => assert!(said.contains(permission), "{permission}: {said}"),
            Ok(less) => {
                let needing = less.checks.values().flat_map(|check| &check.needing);
                let named = needing.chain(&less.unread).any(|text| text.contains(&format!("\"{permission}\"")));
                assert!(named, "{permission} is not named: {less:#?}");
                for (id, check) in less.checks.iter().filter(|(_, check)| check.verdict != Verdict::Unknown) {
                    assert_eq!(
                        clean.checks.get(id).map(|one| &one.verdict),
                        Some(&check.verdict),
                        "{permission}: {id}"
                    );
                }
            }
        }
        place.fake.give_rights_back();
    }
}
