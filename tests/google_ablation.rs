//! The law of ablation for GKE, by the code that holds EKS and AKS to it: take any one answer of Google Cloud away,
//! and each verdict stays as it was or becomes unknown and names what is missing.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "google_fix/mod.rs"]
mod google;
#[path = "servers/mod.rs"]
mod servers;

use google::{MEMBER, NODES, Place, READER};
use pullaudit_google_fake::{
    CLOUD_PLATFORM, Cluster, DenyPolicy, Fake, Fault, LOGGING_ONLY, Policy, Pool, Repository, Role,
    Trouble as Broken, World,
};
use serde_json::Value;
use servers::ablation::{Audit, Breakable, Check, Verdict, ablate_some};
use servers::proxy::Trouble;

/// The newtype carries a trait of ours to a fake of another crate.
struct Google<'a>(&'a Fake);

/// Without these nothing at all can be read, so the audit fails as a whole.
const WHOLE: [&str; 2] = ["oauth2.token", "cloudresourcemanager.projects.search"];

/// What is certainly not there is no missing answer: Google refuses what it hides, and says of these that there is
/// none only where there is none.
const TOLD: [&str; 2] =
    ["artifactregistry.projects.locations.repositories.get", "iam.projects.serviceAccounts.get"];

impl Breakable for Google<'_> {
    fn reset(&self) {
        self.0.clear_faults();
        self.0.forget_requests();
    }

    fn calls(&self) -> Vec<String> {
        let one = |seen: &pullaudit_google_fake::Seen| {
            format!("{} {} {}?{}", seen.name, seen.verb, seen.path, seen.query)
        };
        let mut calls: Vec<String> = self.0.requests().iter().map(one).collect();
        calls.sort();
        calls.dedup();
        calls
    }

    fn break_call(&self, call: &str, trouble: Trouble) {
        let mut parts = call.splitn(3, ' ');
        let (_, verb, rest) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (path, query) = rest.split_once('?').unwrap();
        let trouble = match trouble {
            Trouble::Forbidden => Broken::Forbidden,
            Trouble::Absent => Broken::NotFound,
            Trouble::Lost => Broken::Lost,
            Trouble::TimeOut => Broken::Silence,
            Trouble::Garbage => Broken::Garbage,
            other => panic!("{other:?} takes no answer away"),
        };
        self.0.set_fault(Fault::exactly(verb, path, query, trouble));
    }

    fn assert_no_strangers(&self) {
        assert!(self.0.strangers().is_empty(), "{:#?}", self.0.strangers());
    }
}

const OTHER: &str = "gke-batch@acme-prod.iam.gserviceaccount.com";
const CUSTOM: &str = "projects/acme-images/roles/puller";
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
        .deny(DenyPolicy::new(
            "projects/acme-images",
            "lock",
            &["principal://goog/subject/dev@acme.example"],
            &["artifactregistry.googleapis.com/repositories.downloadArtifacts"],
        ))
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

fn hold(trouble: Trouble) {
    let place = Place::of(fleet());
    let timeout = if trouble == Trouble::TimeOut { "1s" } else { "20s" };
    let wanted = |call: &str| trouble != Trouble::Absent || !TOLD.iter().any(|told| call.starts_with(told));
    let report = ablate_some(&[&Google(&place.fake)], &[trouble], wanted, || audit(&place, timeout));
    println!("{trouble:?}: {} calls, {} became unknown", report.calls.len(), report.unknown.len());
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.calls.len() > 15, "every call of the audit is taken away: {:#?}", report.calls);
    assert!(report.unknown.len() > 20, "and most of them cost a verdict");
    for verdict in [Verdict::Allowed, Verdict::Denied] {
        let there = |(id, check): (&String, &Check)| id.starts_with("default") && check.verdict == verdict;
        assert!(report.clean.checks.iter().any(there), "{verdict:?}: there is something to lose");
    }
    for (call, _, said) in &report.failed {
        assert!(WHOLE.iter().any(|whole| call.starts_with(whole)), "{call} took the whole audit with it: {said}");
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
