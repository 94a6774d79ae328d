//! How much a refusal matters: the same missing right is critical where a pod waits, and medium where
//! the pods can go elsewhere.

use crate::questions::Asking;
use crate::report::{Check, State, VerdictWord};
use pullaudit_core::{Severity, Snapshot};
use std::collections::HashMap;

/// Sets the severity of every denied check.
///
/// Critical: a pod fails now, or no pool that the workload fits can pull. High: a pod runs on that pool
/// (its next pull fails), or a `DaemonSet` must run there. Medium: other pools can pull. The worst of
/// the workloads counts.
pub fn settle(snapshot: &Snapshot, asking: &Asking, checks: &mut [Check]) {
    let open_way = ways_open(asking, checks);
    for (check, asked) in checks.iter_mut().zip(&asking.asked) {
        if check.verdict != VerdictWord::Denied {
            continue;
        }
        let worst = asked.uses.iter().map(|usage| {
            let way =
                (usage.workload, asked.image.as_ref().map_or_else(|| asked.written.clone(), ToString::to_string));
            if !open_way.get(&way).copied().unwrap_or(false) {
                Severity::Critical
            } else if snapshot.workloads[usage.workload].every_pool {
                Severity::High
            } else {
                Severity::Medium
            }
        });
        let base = match check.state {
            State::Failing => Severity::Critical,
            State::Running | State::FailsOnNextPull => Severity::High,
            State::NotRunning => Severity::Medium,
        };
        check.severity = worst.max().map_or(base, |worst| worst.max(base));
    }
}

/// For each workload and image, whether some pool that it fits is not denied.
fn ways_open(asking: &Asking, checks: &[Check]) -> HashMap<(usize, String), bool> {
    let mut ways = HashMap::new();
    for (check, asked) in checks.iter().zip(&asking.asked) {
        let image = asked.image.as_ref().map_or_else(|| asked.written.clone(), ToString::to_string);
        for usage in &asked.uses {
            let open = ways.entry((usage.workload, image.clone())).or_insert(false);
            *open |= check.verdict != VerdictWord::Denied;
        }
    }
    ways
}
