//! Pools, their roles, and the credentials that pods on them try.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

use pullaudit_core::{
    Cluster, ClusterId, ClusterReading, ClusterView, Discovered, Gap, NodeView, Obstacle, Open, Pool,
    PrincipalKind, Read, Section,
};
use pullaudit_eks::cluster;
use pullaudit_eks::facts::cluster_table as t;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[path = "pools/instances.rs"]
mod instances;
#[path = "pools/karpenter.rs"]
mod karpenter;
#[path = "pools/machines.rs"]
mod machines;

const ACCOUNT: &str = "111122223333";
const ID: &str = "arn:aws:eks:eu-central-1:111122223333:cluster/pay";

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn cluster_of(mode: Option<&str>) -> Discovered {
    let mut readings = Section::default();
    readings.put(t::CLUSTER, "", Read::Got(json!({ "authenticationMode": mode })));
    for table in [t::NODEGROUP_NAMES, t::FARGATE_NAMES, t::ACCESS_ENTRY_ARNS] {
        readings.put(table, "", Read::Got(json!([])));
    }
    let cluster = Cluster {
        id: ClusterId(ID.to_owned()),
        provider: "eks".to_owned(),
        name: "pay".to_owned(),
        location: "eu-central-1".to_owned(),
        scope: ACCOUNT.to_owned(),
        endpoint: None,
    };
    Discovered { cluster, readings }
}

fn with_groups(mut found: Discovered, groups: &[(&str, Read<Value>)]) -> Discovered {
    let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
    found.readings.put(t::NODEGROUP_NAMES, "", Read::Got(json!(names)));
    for (name, group) in groups {
        found.readings.put(t::NODEGROUPS, *name, group.clone());
    }
    found
}

fn with_profiles(mut found: Discovered, profiles: &[(&str, Read<Value>)]) -> Discovered {
    let names: Vec<&str> = profiles.iter().map(|(name, _)| *name).collect();
    found.readings.put(t::FARGATE_NAMES, "", Read::Got(json!(names)));
    for (name, profile) in profiles {
        found.readings.put(t::FARGATE, *name, profile.clone());
    }
    found
}

fn with_entries(mut found: Discovered, entries: &[(&str, &str)]) -> Discovered {
    let arns: Vec<String> = entries.iter().map(|(role, _)| arn(role)).collect();
    found.readings.put(t::ACCESS_ENTRY_ARNS, "", Read::Got(json!(arns)));
    for (role, kind) in entries {
        found.readings.put(t::ACCESS_ENTRIES, arn(role), Read::Got(json!({ "type": kind })));
    }
    found
}

fn group(role: &str) -> Read<Value> {
    Read::Got(json!({"nodeRole": arn(role), "amiType": "AL2023_ARM_64_STANDARD"}))
}

fn unread(what: &str) -> Open {
    Open::unread(what, format!("read {what}"), "x", Obstacle::Refused)
}

fn node(name: &str, labels: &[(&str, &str)]) -> NodeView {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    NodeView { name: name.to_owned(), labels, ..NodeView::default() }
}

fn view(nodes: Vec<NodeView>, map_roles: Option<&str>) -> Read<ClusterView> {
    let data = map_roles
        .map_or(Read::Absent, |text| Read::Got(BTreeMap::from([("mapRoles".to_owned(), text.to_owned())])));
    let config_maps = BTreeMap::from([("kube-system/aws-auth".to_owned(), data)]);
    Read::Got(ClusterView { nodes: Read::Got(nodes), config_maps, objects: BTreeMap::new() })
}

fn empty() -> Read<ClusterView> {
    view(Vec::new(), None)
}

fn no_view() -> Read<ClusterView> {
    Read::Unread(unread("cluster API"))
}

/// Name and identity of each pool, on a line.
fn lines(pools: &[Pool]) -> Vec<String> {
    let identity = |pool: &Pool| match &pool.identity {
        Read::Got(principal) => principal.id.rsplit(":role/").next().unwrap().to_owned(),
        Read::Absent => "absent".to_owned(),
        Read::Unread(open) => format!("? {open}"),
    };
    pools.iter().map(|pool| format!("{} = {}", pool.name, identity(pool))).collect()
}

#[track_caller]
fn expect(found: &Discovered, view: &Read<ClusterView>, expected: &[&str]) -> (Vec<Pool>, Vec<Gap>) {
    let (pools, gaps) = cluster::pools(found, view);
    assert_eq!(lines(&pools), expected);
    let mut names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), pools.len(), "names are unique");
    (pools, gaps)
}

const AUTH: &str = "
- rolearn: arn:aws:iam::111122223333:role/blue
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: arn:aws:iam::111122223333:role/windows
  groups:
    - eks:kube-proxy-windows
- rolearn: arn:aws:iam::111122223333:role/fargate
  groups: [system:bootstrappers, system:nodes, system:node-proxier]
- rolearn: arn:aws:iam::111122223333:role/admin
  groups: [system:masters]
";

#[test]
fn the_config_map_is_wanted_unless_the_mode_is_api() {
    assert_eq!(cluster::WANTS[0], ClusterReading::ConfigMap("kube-system", "aws-auth"));
    assert!(!cluster::needs_view(&cluster_of(Some("API"))));
    for mode in [None, Some("CONFIG_MAP"), Some("API_AND_CONFIG_MAP"), Some("NEW")] {
        assert!(cluster::needs_view(&cluster_of(mode)), "{mode:?}");
    }
    let mut unread_cluster = cluster_of(Some("API"));
    unread_cluster.readings.put(t::CLUSTER, "", Read::Unread(unread("cluster")));
    assert!(cluster::needs_view(&unread_cluster));
}

#[test]
fn node_groups_with_their_shape() {
    let group = json!({"nodeRole": arn("eks/blue"), "amiType": "WINDOWS_CORE_2022_x86_64", "labels": {"tier": "web"},
        "taints": [{"key": "win", "value": "yes", "effect": "NO_SCHEDULE"}, {"key": "x", "effect": "PREFER_NO_SCHEDULE"},
            {"key": "y", "effect": "NO_EXECUTE"}]});
    let found = with_groups(cluster_of(Some("API")), &[("web", Read::Got(group))]);
    let nodes = vec![
        node("a", &[("eks.amazonaws.com/nodegroup", "web"), ("zone", "a")]),
        node("b", &[("eks.amazonaws.com/nodegroup", "web"), ("zone", "b")]),
    ];
    let (pools, gaps) = expect(&found, &view(nodes, None), &["web = eks/blue"]);
    assert_eq!(gaps, []);
    let shape = &pools[0].shape;
    assert_eq!((shape.os.as_deref(), shape.nodes), (Some("windows"), 2));
    assert_eq!(shape.arch.iter().collect::<Vec<_>>(), ["amd64"]);
    let effects: Vec<&str> = shape.taints.iter().map(|taint| taint.effect.as_str()).collect();
    assert_eq!(effects, ["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    assert_eq!(shape.labels["eks.amazonaws.com/nodegroup"].iter().collect::<Vec<_>>(), ["web"]);
    assert_eq!(shape.labels["tier"].iter().collect::<Vec<_>>(), ["web"]);
    assert_eq!(shape.labels["zone"].iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(pools[0].node_labels["eks.amazonaws.com/nodegroup"], "web");
}

#[test]
fn ami_types_tell_os_and_arch_where_they_can() {
    for (ami, os, arch) in [
        ("AL2023_x86_64_STANDARD", Some("linux"), Some("amd64")),
        ("AL2_ARM_64", Some("linux"), Some("arm64")),
        ("BOTTLEROCKET_ARM_64_NVIDIA", Some("linux"), Some("arm64")),
        ("WINDOWS_FULL_2019_x86_64", Some("windows"), Some("amd64")),
        ("CUSTOM", None, None),
    ] {
        let group = Read::Got(json!({"nodeRole": arn("r"), "amiType": ami}));
        let (pools, _) = cluster::pools(&with_groups(cluster_of(Some("API")), &[("g", group)]), &empty());
        assert_eq!(pools[0].shape.os.as_deref(), os, "{ami}");
        assert_eq!(pools[0].shape.arch.iter().next().map(String::as_str), arch, "{ami}");
    }
}

#[test]
fn fargate_profiles_take_pods() {
    let profile = |role: &str| {
        Read::Got(json!({"podExecutionRole": arn(role),
            "selectors": [{"namespace": "pay-*", "labels": {"run": "f*"}}]}))
    };
    let found = with_profiles(cluster_of(Some("API")), &[("jobs", profile("pod"))]);
    let fargate = node("fargate-1", &[("eks.amazonaws.com/compute-type", "fargate")]);
    let (pools, _) = expect(&found, &view(vec![fargate.clone()], None), &["jobs = pod"]);
    assert_eq!(pools[0].identity.got().unwrap().kind, PrincipalKind::PodExecutionRole);
    assert_eq!(pools[0].takes[0].namespace, "pay-*");
    assert_eq!(pools[0].takes[0].labels["run"], "f*");
    assert_eq!(pools[0].shape.nodes, 1);
    // Its place in the cloud tells it too.
    let unlabelled =
        NodeView { provider_id: "aws:///eu-central-1a/fargate-10.0.0.7".to_owned(), ..node("fargate-10", &[]) };
    let two = with_profiles(cluster_of(Some("API")), &[("jobs", profile("pod")), ("api", profile("pod"))]);
    expect(&two, &view(vec![unlabelled], None), &["api = pod", "jobs = pod"]);
    // Of two profiles no label tells which a node is of, and it is none that is unlisted.
    let found = with_profiles(cluster_of(Some("API")), &[("jobs", profile("pod")), ("api", profile("pod"))]);
    expect(&found, &view(vec![fargate], None), &["api = pod", "jobs = pod"]);
    // A name that a node group has too stays unique.
    let found =
        with_groups(with_profiles(cluster_of(Some("API")), &[("jobs", profile("pod"))]), &[("jobs", group("n"))]);
    expect(&found, &empty(), &["jobs = n", "fargate/jobs = pod"]);
}

#[test]
fn auto_mode_has_a_pool_for_each_that_is_on() {
    let mut found = cluster_of(Some("API"));
    let detail = json!({"authenticationMode": "API", "autoModeRole": arn("auto"), "autoModePools": ["system", "general-purpose"]});
    found.readings.put(t::CLUSTER, "", Read::Got(detail));
    let found = with_entries(found, &[("auto", "EC2")]);
    let nodes =
        vec![node("a", &[("karpenter.sh/nodepool", "system"), ("eks.amazonaws.com/compute-type", "auto")])];
    let (pools, _) = expect(&found, &view(nodes, None), &["general-purpose = auto", "system = auto"]);
    assert_eq!(pools[1].shape.nodes, 1);
    assert_eq!(pools[1].shape.taints[0].key, "CriticalAddonsOnly");
    assert_eq!(pools[1].node_labels["karpenter.sh/nodepool"], "system");
    assert_eq!(pools[1].shape.arch.len(), 2);
}

#[test]
fn access_entries_of_node_types_are_pools_and_people_are_not() {
    let found = with_entries(
        with_groups(cluster_of(Some("API")), &[("web", group("eks/blue"))]),
        &[
            ("eks/blue", "EC2_LINUX"),
            ("x/red", "EC2_LINUX"),
            ("win", "EC2_WINDOWS"),
            ("edge", "HYBRID_LINUX"),
            ("hyper", "HYPERPOD_LINUX"),
            ("admin", "STANDARD"),
            ("pod", "FARGATE_LINUX"),
        ],
    );
    let (pools, _) = expect(
        &found,
        &no_view(),
        &[
            "web = eks/blue",
            "(self-managed edge) = edge",
            "(self-managed hyper) = hyper",
            "(self-managed win) = win",
            "(self-managed red) = x/red",
        ],
    );
    assert_eq!(pools[3].shape.os.as_deref(), Some("windows"));
}

#[test]
fn the_authentication_mode_says_which_list_counts() {
    let entries = [("entry", "EC2_LINUX")];
    let blue = "(self-managed blue) = blue";
    let windows = "(self-managed windows) = windows";
    let entry = "(self-managed entry) = entry";
    let auth = view(Vec::new(), Some(AUTH));
    for mode in [None, Some("CONFIG_MAP")] {
        expect(&with_entries(cluster_of(mode), &entries), &auth, &[blue, windows]);
    }
    expect(&with_entries(cluster_of(Some("API")), &entries), &auth, &[entry]);
    expect(&with_entries(cluster_of(Some("API_AND_CONFIG_MAP")), &entries), &auth, &[blue, entry, windows]);
}

#[test]
fn aws_auth_drops_the_path_and_is_the_same_role() {
    let found = with_groups(cluster_of(None), &[("web", group("eks/prod/blue"))]);
    expect(&found, &view(Vec::new(), Some(AUTH)), &["web = eks/prod/blue", "(self-managed windows) = windows"]);
}

#[test]
fn aws_auth_in_every_form() {
    let json_form = r#"[{"rolearn":"arn:aws:iam::111122223333:role/blue","groups":["system:nodes"]}]"#;
    let other_case = "- roleARN: arn:aws:iam::111122223333:role/blue\n  Groups: [system:nodes]\n";
    for text in [json_form, other_case] {
        expect(&cluster_of(None), &view(Vec::new(), Some(text)), &["(self-managed blue) = blue"]);
    }
    for text in ["", "\n", "[]", "- rolearn: x\n  groups: [system:masters]", "- rolearn: x"] {
        expect(&cluster_of(None), &view(Vec::new(), Some(text)), &[]);
    }
    expect(&cluster_of(None), &view(Vec::new(), None), &[]);
    for text in [
        "{",
        "a: [",
        "just text",
        "{a: 1}",
        "- 1",
        "- groups: [system:nodes]",
        "- rolearn: me\n  groups: [system:nodes]",
    ] {
        let (pools, gaps) = cluster::pools(&cluster_of(None), &view(Vec::new(), Some(text)));
        assert_eq!(pools.len(), 1, "{text}");
        assert!(
            lines(&pools)[0]
                .starts_with("(unlisted) = ? mapRoles of config map kube-system/aws-auth does not parse"),
            "{text}"
        );
        assert_eq!(gaps.len(), 1, "{text}");
    }
}

#[test]
fn without_the_cluster_s_api_its_pools_are_one_that_is_unknown() {
    let found = with_groups(cluster_of(None), &[("web", group("blue"))]);
    let (_, gaps) =
        expect(&found, &no_view(), &["web = blue", "(unlisted) = ? cluster API: needs read cluster API in x"]);
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].scope, ID);
    // The cloud alone is enough where aws-auth does not count.
    expect(&with_groups(cluster_of(Some("API")), &[("web", group("blue"))]), &no_view(), &["web = blue"]);
}

#[test]
fn refused_readings_are_gaps_and_never_guessed() {
    for table in [t::NODEGROUP_NAMES, t::FARGATE_NAMES, t::ACCESS_ENTRY_ARNS, t::CLUSTER] {
        let mut found = cluster_of(Some("API"));
        found.readings.put(table, "", Read::Unread(unread("list")));
        let (pools, gaps) = cluster::pools(&found, &empty());
        assert_eq!(lines(&pools), ["(unlisted) = ? list: needs read list in x"], "{table}");
        assert_eq!(gaps.len(), 1, "{table}");
    }
    let found =
        with_groups(cluster_of(Some("API")), &[("web", Read::Unread(unread("group"))), ("gone", Read::Absent)]);
    expect(&found, &empty(), &["web = ? group: needs read group in x"]);
    let mut found = with_entries(cluster_of(Some("API")), &[("a", "EC2_LINUX")]);
    found.readings.put(t::ACCESS_ENTRIES, arn("a"), Read::Unread(unread("entry")));
    expect(&found, &empty(), &["(unlisted) = ? entry: needs read entry in x"]);
    let (pools, gaps) =
        cluster::pools(&Discovered { readings: Section::default(), ..cluster_of(None) }, &no_view());
    assert_eq!(pools.len(), 1);
    assert!(gaps.len() >= 4, "{gaps:?}");
    let broken = with_groups(
        cluster_of(Some("API")),
        &[("web", Read::Got(json!({"nodeRole": "blue"}))), ("x", Read::Got(json!(1)))],
    );
    let (pools, _) = cluster::pools(&broken, &empty());
    assert!(pools.iter().all(|pool| matches!(pool.identity, Read::Unread(_))), "{:?}", lines(&pools));
}

#[test]
fn a_role_that_may_be_an_unread_group_s_is_no_self_managed_pool() {
    let entries = [("blue", "EC2_LINUX"), ("edge", "HYBRID_LINUX")];
    let described =
        with_groups(with_entries(cluster_of(Some("API")), &entries), &[("web", Read::Unread(unread("group")))]);
    let unlisted = "(unlisted) = ? group: needs read group in x";
    let (_, gaps) = expect(
        &described,
        &empty(),
        &["web = ? group: needs read group in x", "(self-managed edge) = edge", unlisted],
    );
    assert_eq!(gaps.len(), 1);
    let mut listed = with_entries(cluster_of(Some("API")), &entries);
    listed.readings.put(t::NODEGROUP_NAMES, "", Read::Unread(unread("list")));
    expect(&listed, &empty(), &["(self-managed edge) = edge", "(unlisted) = ? list: needs read list in x"]);
    // Nor where the authentication mode, and with it whether aws-auth counts, is not known.
    let mut mode = cluster_of(None);
    mode.readings.put(t::CLUSTER, "", Read::Unread(unread("mode")));
    let (pools, _) = cluster::pools(&mode, &view(Vec::new(), Some(AUTH)));
    assert_eq!(lines(&pools), ["(unlisted) = ? mode: needs read mode in x"]);
}

#[test]
fn where_a_fargate_profile_is_unread_it_may_take_any_pod() {
    let takers = |found: &Discovered| -> Vec<String> {
        let (pools, _) = cluster::pools(found, &empty());
        pools.into_iter().filter(|pool| pool.takes_unread.is_some()).map(|pool| pool.name).collect()
    };
    let mut found = cluster_of(Some("API"));
    found.readings.put(t::FARGATE_NAMES, "", Read::Unread(unread("list")));
    assert_eq!(takers(&found), ["(unlisted)"]);
    found.readings.put(t::FARGATE_NAMES, "", Read::Got(serde_json::json!(["jobs"])));
    found.readings.put(t::FARGATE, "jobs", Read::Unread(unread("profile")));
    assert_eq!(takers(&found), ["jobs"]);
    found.readings.put(t::FARGATE_NAMES, "", Read::Got(serde_json::json!([])));
    assert!(takers(&found).is_empty());
}

#[test]
fn the_order_of_readings_does_not_show() {
    let entries = [("b", "EC2_LINUX"), ("a", "EC2_LINUX")];
    let turned = [("a", "EC2_LINUX"), ("b", "EC2_LINUX")];
    let groups = [("z", group("z")), ("y", group("y"))];
    let groups_turned = [("y", group("y")), ("z", group("z"))];
    let one = with_groups(with_entries(cluster_of(Some("API")), &entries), &groups);
    let other = with_groups(with_entries(cluster_of(Some("API")), &turned), &groups_turned);
    assert_eq!(cluster::pools(&one, &empty()), cluster::pools(&other, &empty()));
}
