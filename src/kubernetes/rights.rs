//! The rights that pullaudit needs in a cluster, as a `ClusterRole`.

use super::kinds::{
    BETWEEN, CONFIG_MAP, DEFINITION, KNOWN_CUSTOM, Kind, NODE, POD, REPLICA_SET, SECRET, SERVICE_ACCOUNT, TOPS,
};
use pullaudit_core::ClusterReading;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The `ClusterRole` of that name, as YAML. Pull secrets are read by name, and only where `secrets` says so:
/// whoever may get them may read every secret of the cluster. Config maps are read by name too, only those of
/// `wants`: others may hold what is nobody's business.
pub fn cluster_role(name: &str, secrets: bool, wants: &[ClusterReading]) -> String {
    let mut text = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:\n"
    );
    let listed = [NODE, POD, SERVICE_ACCOUNT, REPLICA_SET, DEFINITION];
    let listed = names(listed.into_iter().chain(TOPS).chain(BETWEEN)).chain(KNOWN_CUSTOM);
    // The bodies of few replica sets are read one by one.
    let got = names([REPLICA_SET].into_iter().chain(secrets.then_some(SECRET)));
    for (verb, kinds) in [("list", by_group(listed)), ("get", by_group(got))] {
        for (group, plurals) in kinds {
            let plurals = plurals.into_iter().collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "- apiGroups: [\"{group}\"]\n  resources: [{plurals}]\n  verbs: [{verb}]");
        }
    }
    let mut customs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut maps: BTreeSet<&str> = BTreeSet::new();
    for want in wants {
        match want {
            ClusterReading::ConfigMap(_, name) => _ = maps.insert(*name),
            ClusterReading::Objects(kind) => _ = customs.entry(kind.group).or_default().insert(kind.plural),
        }
    }
    for (group, plurals) in customs {
        let plurals = plurals.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "- apiGroups: [\"{group}\"]\n  resources: [{plurals}]\n  verbs: [list]");
    }
    if !maps.is_empty() {
        let (group, plural) = (CONFIG_MAP.group, CONFIG_MAP.plural);
        let maps = maps.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "- apiGroups: [\"{group}\"]\n  resources: [{plural}]\n  resourceNames: [{maps}]\n  verbs: [get]"
        );
    }
    text
}

fn names(kinds: impl Iterator<Item = Kind<'static>>) -> impl Iterator<Item = (&'static str, &'static str)> {
    kinds.map(|kind| (kind.group, kind.plural))
}

fn by_group<'a>(kinds: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (group, plural) in kinds {
        groups.entry(group).or_default().insert(plural);
    }
    groups
}
