//! Ablation: take any one answer of an audit away, and each verdict stays or becomes unknown and names
//! the reading. One test a trouble, so that they run side by side, each through proxies of its own.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{CLUSTER, Fleet, OWN, environment, run};
use serde_json::Value;
use servers::ablation::{Audit, Check, Report, Verdict, ablate_some, became_unknown, compare};
use servers::aws::Keys;
use servers::kubernetes::ADMIN;
use servers::proxy::Trouble;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Bound on one call, of which an attempt gets half. A call that nobody broke must not run out of time only
/// because the machine is busy; where silence is the trouble, each one costs that long.
fn patience(trouble: Trouble) -> &'static str {
    if trouble == Trouble::TimeOut { "8s" } else { LONG }
}

const LONG: &str = "60s";

/// Threads that wait for silence side by side: it costs no time but the clock's.
const WAITING: usize = 12;

/// Without these nothing at all can be read, so the audit fails as a whole.
const WHOLE: [&str; 2] = ["sts:GetCallerIdentity", "eks:ListClusters"];

/// Adds the checks of a report by place, image and workload: an identity that could not be read would be
/// another, and a check's workloads are fewer where a list is missing.
fn add(audit: &mut Audit, mode: &str, report: &Value) {
    for check in report["checks"].as_array().unwrap() {
        let verdict = match check["verdict"].as_str().unwrap() {
            "allowed" => Verdict::Allowed,
            "denied" => Verdict::Denied,
            _ => Verdict::Unknown,
        };
        let needing: Vec<_> = check["needing"].as_array().unwrap().iter().map(ToString::to_string).collect();
        for workload in check["workloads"].as_array().unwrap() {
            let id = format!("{mode} {} {} for {}", check["pool"], check["image"], workload["name"]);
            audit.checks.insert(id, Check { verdict, needing: needing.clone() });
        }
    }
    audit.unread = report["incompleteBecause"].as_array().unwrap().iter().map(ToString::to_string).collect();
}

/// Takes away every call in turn, by several threads with proxies of their own.
fn ablation(test: &str, trouble: Trouble) -> Option<Vec<Report>> {
    let fleet = live::shared(test)?;
    let threads = if trouble == Trouble::TimeOut { WAITING } else { 1 };
    let reports = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|own| {
                scope.spawn(move || {
                    let first = first_of_its_kind(trouble);
                    let share = |call: &str| call.bytes().map(usize::from).sum::<usize>() % threads == own;
                    part(fleet, trouble, |call| share(call) && first(call))
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    Some(reports)
}

/// Whether a call is the first of its operation in its account. What an operation does with a body that it cannot read
/// does not depend on what it was asked for, while a refusal may cost another reading each time.
fn first_of_its_kind(trouble: Trouble) -> impl Fn(&str) -> bool {
    let seen: RefCell<BTreeSet<String>> = RefCell::default();
    move |call| {
        let kind: Vec<&str> =
            call.split(' ').filter(|word| word.starts_with("as=") || !word.contains('=')).collect();
        trouble == Trouble::Forbidden || seen.borrow_mut().insert(kind.join(" "))
    }
}

/// Takes away each of the wanted calls. What was read is judged twice, since strict mode alone leaves
/// few verdicts: guard rails that nobody reads yet stand over every allowed pull.
fn part(fleet: &Fleet, trouble: Trouble, wanted: impl Fn(&str) -> bool) -> Report {
    let (cloud, cluster) = (live::proxy(fleet.aws), fleet.kubernetes.proxy());
    let kubeconfig = fleet.kubernetes.kubeconfig(ADMIN, CLUSTER, Some(&cluster.endpoint()));
    let mut environment = environment(&Keys::root(OWN), &cloud, Some(&kubeconfig));
    // A call that fails for good needs one attempt; the retries have tests of their own.
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    ablate_some(&[&cloud, &cluster], &[trouble], wanted, || audit(folder.path(), patience(trouble), &environment))
}

/// Holds the runs against the law.
fn hold(test: &str, trouble: Trouble) {
    let Some(reports) = ablation(test, trouble) else { return };
    let all = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
    let calls = all(|report| report.calls.len());
    let broken: Vec<_> = reports.iter().flat_map(|report| &report.violations).collect();
    println!(
        "{trouble:?}: {calls} calls, {} runs, {} checks, {} became unknown",
        all(|report| report.runs),
        reports[0].clean.checks.len(),
        all(|report| report.unknown.len()),
    );
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(
        calls > if trouble == Trouble::Forbidden { 60 } else { 20 },
        "every call of the audit is taken away, or one of each kind"
    );
    for report in &reports {
        is_worth_losing(&report.clean);
        for (call, check, needing) in &report.unknown {
            assert!(needing.iter().any(|reading| names(reading, call)), "{call}: {check} needs {needing:#?}");
        }
        for (call, _, said) in &report.failed {
            let whole = WHOLE.iter().any(|whole| call.starts_with(whole));
            assert!(whole, "{call} took the whole audit with it: {said}");
        }
    }
}

fn is_worth_losing(clean: &Audit) {
    for (mode, verdict) in [
        ("default", Verdict::Allowed),
        ("default", Verdict::Denied),
        ("strict", Verdict::Denied),
        ("strict", Verdict::Unknown),
    ] {
        let there = |(id, check): (&String, &Check)| id.starts_with(mode) && check.verdict == verdict;
        assert!(clean.checks.iter().any(there), "{mode} {verdict:?}: there is something to lose");
    }
}

/// Whether a reading names the right to make the call.
fn names(reading: &str, call: &str) -> bool {
    let operation = call.split(" as=").next().unwrap_or_default();
    let right =
        operation.strip_prefix("kubernetes:").map_or(operation, |verb| verb.split(' ').nth(1).unwrap_or_default());
    reading.contains(right) || reading.contains("reach its API server")
}

#[test]
fn ablation_of_every_call_by_refusal() {
    hold("ablation_of_every_call_by_refusal", Trouble::Forbidden);
}

#[test]
fn ablation_of_every_call_by_a_stranger_s_404() {
    hold("ablation_of_every_call_by_a_stranger_s_404", Trouble::Lost);
}

#[test]
fn ablation_of_every_call_by_silence() {
    hold("ablation_of_every_call_by_silence", Trouble::TimeOut);
}

#[test]
fn ablation_of_every_call_by_a_server_error() {
    hold("ablation_of_every_call_by_a_server_error", Trouble::Failed);
}

#[test]
fn ablation_of_every_call_by_a_page_for_people() {
    hold("ablation_of_every_call_by_a_page_for_people", Trouble::Html);
}

#[test]
fn ablation_of_every_call_by_an_answer_that_breaks_off() {
    hold("ablation_of_every_call_by_an_answer_that_breaks_off", Trouble::Garbage);
}

/// Fields that may be missing for a reason, so that their absence is an answer: what they are, and what it means.
const OPTIONAL: [(&str, &str); 6] = [
    ("GetRole", "PermissionsBoundary"),
    ("DescribeCluster", "cluster.accessConfig"),
    ("DescribeCluster", "cluster.computeConfig"),
    ("DescribeNodegroup", "nodegroup.labels"),
    ("DescribeNodegroup", "nodegroup.taints"),
    ("DescribeFargateProfile", "fargateProfile.selectors[].labels"),
];

/// The answer to one call of each operation of AWS, without each of its fields in turn.
#[test]
fn ablation_of_every_field_of_every_answer() {
    let Some(fleet) = live::shared("ablation_of_every_field_of_every_answer") else { return };
    let reports = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WAITING).map(|own| scope.spawn(move || fields(fleet, own))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut tried: Vec<String> = Vec::new();
    let mut broken: Vec<String> = Vec::new();
    for (fields, wrong) in reports {
        tried.extend(fields);
        broken.extend(wrong);
    }
    assert!(broken.is_empty(), "{broken:#?}");
    println!("{} fields were left out", tried.len());
    assert!(tried.len() > 100, "{tried:?}");
}

/// This thread's share: which fields were left out, and what the law forbids.
fn fields(fleet: &Fleet, own: usize) -> (Vec<String>, Vec<String>) {
    let cloud = live::proxy(fleet.aws);
    let kubeconfig = fleet.kubernetes.kubeconfig(ADMIN, CLUSTER, None);
    let mut environment = environment(&Keys::root(OWN), &cloud, Some(&kubeconfig));
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let clean = audit(folder.path(), LONG, &environment).expect("an audit of the whole works");
    let mut operations: BTreeMap<String, String> = BTreeMap::new();
    for call in cloud.counts().into_keys() {
        operations.entry(call.split(' ').next().unwrap_or_default().to_owned()).or_insert(call);
    }
    let share = |call: &str| call.bytes().map(usize::from).sum::<usize>() % WAITING;
    let (mut tried, mut broken) = (Vec::new(), Vec::new());
    for (operation, call) in operations.into_iter().filter(|(operation, _)| share(operation) == own) {
        for number in 0.. {
            cloud.reset();
            let wanted = call.clone();
            cloud.fault(move |made| made.key() == wanted, Trouble::Lacks(number));
            let found = audit(folder.path(), LONG, &environment);
            let Some(field) = cloud.left_out().into_iter().next() else { break };
            let name = operation.split(':').next_back().unwrap_or_default();
            let meant = OPTIONAL.iter().any(|(of, path)| *of == name && field.ends_with(path));
            // Without these nothing is read, which ends with 1.
            if let (Ok(found), false) = (found, meant) {
                let wrong = compare(&clean, &found).into_iter();
                broken.extend(wrong.map(|(check, what)| format!("{operation} without {field}: {check} {what}")));
                let unnamed = became_unknown(&clean, &found)
                    .filter(|(_, check)| !check.needing.iter().any(|reading| names(reading, &operation)));
                broken
                    .extend(unnamed.map(|(id, check)| {
                        format!("{operation} without {field}: {id} names {:?}", check.needing)
                    }));
            }
            tried.push(format!("{operation} {field}"));
        }
    }
    (tried, broken)
}

/// What a collection in this environment leads to, in both modes.
fn audit(folder: &Path, patience: &str, environment: &[(&'static str, String)]) -> Result<Audit, String> {
    let config = live::config(folder).display().to_string();
    let file = folder.join("facts.json").display().to_string();
    let arguments =
        ["collect", "-o", &file, "--config", &config, "--timeout", patience, "-n", "shop", "-n", "jobs"];
    let collected = run(&arguments, environment);
    assert!(matches!(collected.code, 0 | 1 | 3), "{}: {}", collected.code, collected.err);
    if collected.code == 1 {
        return Err(collected.err);
    }
    let mut audit = Audit::default();
    for (mode, more) in [("default", None), ("strict", Some("--strict"))] {
        let arguments: Vec<&str> = ["audit", "--from", &file, "-o", "json"].into_iter().chain(more).collect();
        add(&mut audit, mode, &run(&arguments, &[]).report());
    }
    Ok(audit)
}
