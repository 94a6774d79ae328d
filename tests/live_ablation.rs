//! Ablation: take any one answer of an audit away, and each verdict stays or becomes unknown.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{CLUSTER, OWN, environment, run};
use serde_json::Value;
use servers::ablation::{Audit, Check, Verdict, ablate};
use servers::aws::Keys;
use servers::kubernetes::ADMIN;
use servers::need;
use servers::proxy::Trouble;

fn audit(report: &Value) -> Audit {
    let mut audit = Audit::default();
    for check in report["checks"].as_array().unwrap() {
        let verdict = match check["verdict"].as_str().unwrap() {
            "allowed" => Verdict::Allowed,
            "denied" => Verdict::Denied,
            _ => Verdict::Unknown,
        };
        let needing = check["needing"].as_array().unwrap().iter().map(ToString::to_string).collect();
        // By place and image: an identity that could not be read has another id.
        let id = format!("{} {}", check["pool"], check["image"]);
        audit.checks.insert(id, Check { verdict, needing });
    }
    audit.unread = report["incompleteBecause"].as_array().unwrap().iter().map(ToString::to_string).collect();
    audit
}

#[test]
fn ablation_of_every_call_never_flips_a_verdict() {
    let test = "ablation_of_every_call_never_flips_a_verdict";
    let Some(kubernetes) = need(servers::kubernetes::start(), test) else { return };
    let fleet = live::fleet(kubernetes.endpoint(), &kubernetes.ca_data());
    let Some(aws) = need(servers::aws::start(&fleet), test) else { return };
    kubernetes.namespace("shop");
    kubernetes.namespace("jobs");
    kubernetes.apply_all(&live::objects());

    let (cloud, cluster) = (live::proxy(&aws), kubernetes.proxy());
    let kubeconfig = kubernetes.kubeconfig(ADMIN, CLUSTER, Some(&cluster.endpoint()));
    let mut environment = environment(&Keys::root(OWN), &cloud, Some(&kubeconfig));
    // A call that is refused for good needs one attempt; the retries have tests of their own.
    environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let config = live::config(folder.path()).display().to_string();
    let arguments = ["audit", "--config", &config, "-o", "json", "--timeout", "2s"];
    // A time-out is told from a lost connection by its wording only, and would cost minutes here.
    let troubles = [Trouble::Forbidden, Trouble::Lost, Trouble::Garbage];
    let report = ablate(&[&cloud, &cluster], &troubles, || {
        let ran = run(&arguments, &environment);
        if ran.code == 1 { Err(ran.err) } else { Ok(audit(&ran.report())) }
    });
    // Where a list of pools or nodes is missing, workloads are also asked for on pools that they might
    // land on; such a check has no counterpart in the clean run, and is no verdict that moved.
    let moved: Vec<_> = report.violations.iter().filter(|one| !one.what.starts_with("is new")).collect();
    eprintln!("{} calls, {} runs, {} verdicts moved", report.calls.len(), report.runs, moved.len());
    assert!(moved.is_empty(), "{moved:#?}");
    assert!(report.calls.len() > 40, "every call of the audit: {:?}", report.calls);
    for (call, _, said) in &report.failed {
        let whole = ["sts:GetCallerIdentity", "eks:ListClusters"].iter().any(|name| call.starts_with(name));
        assert!(whole, "{call} took the whole audit with it: {said}");
    }
}
