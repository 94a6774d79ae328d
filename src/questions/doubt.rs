//! Pods of which it is not known on which pool they are.

use pullaudit_core::{ClusterRecord, Keyring, Open, PodGroup, Pool, Workload};

/// Leaves open whether any credential is of use: where the places differ in more than who pulls, no one place
/// can be asked about, and only a refusal that holds everywhere is an answer.
pub(super) fn make_uncertain(keyring: &mut Keyring, why: &Open) {
    match keyring {
        Keyring::Attempts(attempts) => {
            for attempt in attempts {
                attempt.maybe.get_or_insert_with(|| why.clone());
            }
        }
        Keyring::Broken { .. } => {}
        Keyring::OneOf { cases, .. } => cases.iter_mut().for_each(|case| make_uncertain(case, why)),
    }
}

/// Pods that are on one of these pools, and what would tell which.
pub(super) struct Doubt<'a> {
    pub(super) why: &'a Open,
    pub(super) pools: Vec<&'a Pool>,
}

/// `None` where the pods are, or can be scheduled, on each pool of the group. What a pool takes for itself
/// is not known of pods yet to come; a `DaemonSet` or a pod on a node is never taken.
pub(super) fn doubt<'a>(record: &'a ClusterRecord, workload: &Workload, group: &'a PodGroup) -> Option<Doubt<'a>> {
    let to_come = std::ptr::from_ref(group) == &raw const workload.next;
    let takes =
        |pool: &&Pool| to_come && !workload.every_pool && workload.kind != "Pod" && pool.takes_unread.is_some();
    let taker = record.pools.iter().find(takes);
    let why = group.place_unknown.as_ref().or_else(|| taker?.takes_unread.as_ref())?;
    let own = |pool: &&Pool| group.pools.contains(&pool.name);
    Some(Doubt { why, pools: record.pools.iter().filter(|pool| own(pool) || takes(pool)).collect() })
}
