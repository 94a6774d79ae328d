//! The law of ablation for AKS, by the code that holds EKS to it: take any one answer of Azure away, and each
//! verdict stays as it was or becomes unknown and names what is missing.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;
#[path = "azure_ablation/breakable.rs"]
mod breakable;
#[path = "azure_ablation/fields.rs"]
mod fields;
#[path = "azure_ablation/fleet.rs"]
mod fleet;
#[path = "servers/mod.rs"]
mod servers;

use azure::Place;
use breakable::right;
use serde_json::Value;
use servers::ablation::{Audit, Check, Report, Verdict, ablate_some};
use servers::proxy::Trouble;

/// Threads that each take a share of the calls away, on a fake of their own. Waiting, for an answer or between
/// attempts, costs no time but the clock's.
fn threads(trouble: Trouble) -> usize {
    match trouble {
        Trouble::Forbidden | Trouble::Absent | Trouble::Lost => 3,
        _ => 24,
    }
}

/// Allowed, denied and unknown checks of the whole fleet, in both ways of reading gaps.
const BEFORE: (usize, usize, usize) = (6, 20, 6);

/// Without these nothing at all can be read, so the audit fails as a whole.
const WHOLE: [&str; 2] = ["POST /99999999-0000-4000-8000-000000000001/oauth2/v2.0/token", "GET /subscriptions?"];

fn add(audit: &mut Audit, mode: &str, report: &Value) {
    for check in report["checks"].as_array().unwrap() {
        let verdict = match check["verdict"].as_str().unwrap() {
            "allowed" => Verdict::Allowed,
            "denied" => Verdict::Denied,
            _ => Verdict::Unknown,
        };
        let needing = check["needing"].as_array().unwrap().iter().map(ToString::to_string).collect();
        let cluster = check["cluster"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let id = format!("{mode} {cluster} {} {}", check["pool"], check["image"]);
        audit.checks.insert(id, Check { verdict, needing });
    }
    audit.unread = report["incompleteBecause"].as_array().unwrap().iter().map(ToString::to_string).collect();
}

/// Reads once and judges twice, with gaps read as they are by default and strictly.
fn audit(place: &Place, timeout: &str) -> Result<Audit, String> {
    let collected = place.run("collect", &["-o", "facts.json", "--timeout", timeout]);
    assert!(matches!(collected.code, Some(0 | 1 | 3)), "{collected:?}");
    if collected.code == Some(1) {
        return Err(collected.err);
    }
    let mut audit = Audit::default();
    for (mode, more) in [("default", None), ("strict", Some("--strict"))] {
        let arguments: Vec<&str> =
            ["audit", "--from", "facts.json", "-o", "json"].into_iter().chain(more).collect();
        let ran = place.plain(&arguments);
        add(&mut audit, mode, &serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error} {ran:?}")));
    }
    Ok(audit)
}

fn part(trouble: Trouble, own: usize) -> Report {
    let place = Place::of(fleet::world(), &fleet::IMAGES);
    let share = |call: &str| call.bytes().map(usize::from).sum::<usize>() % threads(trouble);
    let timeout = if trouble == Trouble::TimeOut { "2s" } else { "20s" };
    ablate_some(&[&place.fake], &[trouble], |call| share(call) == own, || audit(&place, timeout))
}

fn hold(trouble: Trouble) {
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads(trouble)).map(|own| scope.spawn(move || part(trouble, own))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let all = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
    println!(
        "{trouble:?}: {} calls, {} became unknown",
        all(|report| report.calls.len()),
        all(|report| report.unknown.len())
    );
    let broken: Vec<_> = reports.iter().flat_map(|report| &report.violations).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(all(|report| report.calls.len()) > 30, "every call of the audit is taken away");
    assert!(all(|report| report.unknown.len()) > 20, "and most of them cost a verdict");
    assert_eq!(reports[0].clean.counts(), BEFORE);
    for (mode, verdict) in ["default", "strict"]
        .into_iter()
        .flat_map(|mode| [Verdict::Allowed, Verdict::Denied, Verdict::Unknown].map(|verdict| (mode, verdict)))
    {
        let there = |(id, check): (&String, &Check)| id.starts_with(mode) && check.verdict == verdict;
        assert!(reports[0].clean.checks.iter().any(there), "{mode} {verdict:?}: there is something to lose");
    }
    for report in &reports {
        for (call, check, needing) in &report.unknown {
            assert!(
                needing.iter().any(|reading| reading.contains(right(call))),
                "{call}: {check} needs {needing:#?}"
            );
        }
        for (call, _, said) in &report.failed {
            assert!(
                WHOLE.iter().any(|whole| call.starts_with(whole)),
                "{call} took the whole audit with it: {said}"
            );
        }
    }
}

#[test]
fn ablation_of_every_call_of_azure_by_refusal() {
    hold(Trouble::Forbidden);
}

#[test]
fn ablation_of_every_call_of_azure_by_a_404_that_hides() {
    hold(Trouble::Absent);
}

#[test]
fn ablation_of_every_call_of_azure_by_a_stranger_s_404() {
    hold(Trouble::Lost);
}

#[test]
fn ablation_of_every_call_of_azure_by_silence() {
    hold(Trouble::TimeOut);
}

#[test]
fn ablation_of_every_call_of_azure_by_an_answer_that_breaks_off() {
    hold(Trouble::Garbage);
}

#[test]
fn ablation_of_every_call_of_azure_by_a_server_error() {
    hold(Trouble::Failed);
}

#[test]
fn ablation_of_every_call_of_azure_by_a_page_for_people() {
    hold(Trouble::Html);
}

#[test]
fn ablation_of_every_call_of_azure_by_half_a_body() {
    hold(Trouble::Cut);
}
