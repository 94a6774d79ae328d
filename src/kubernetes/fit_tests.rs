use super::*;
use proptest::prelude::*;
use pullaudit_core::{ClusterId, Read, Shape};
use serde_json::{Value, json};

fn pool(name: &str, labels: &[(&str, &[&str])], nodes: u32) -> Pool {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let labels = labels.iter().map(|(key, of)| ((*key).to_owned(), values(of))).collect();
    Pool {
        cluster: ClusterId("c".into()),
        name: name.into(),
        identity: Read::Absent,
        shape: Shape { labels, nodes, ..Shape::default() },
        node_labels: BTreeMap::new(),
        nodes: [].into(),
        takes: Vec::new(),
        takes_unread: None,
        vantage: pullaudit_core::Vantage::default(),
        federation: None,
    }
}

fn tainted(effect: &str) -> Pool {
    let mut pool = pool("tainted", &[], 1);
    pool.shape.taints = vec![Taint { key: "team".into(), value: "ml".into(), effect: effect.into() }];
    pool
}

fn fargate(name: &str, namespace: &str, labels: &[(&str, &str)]) -> Pool {
    let mut pool = pool(name, &[], 0);
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    pool.takes = vec![PodSelector { namespace: namespace.into(), labels }];
    pool
}

fn template(spec: &Value) -> PodTemplate {
    serde_json::from_value(json!({ "metadata": { "labels": { "app": "web" } }, "spec": spec })).unwrap()
}

fn fit(spec: &Value, pools: &[Pool]) -> Vec<String> {
    candidates(&template(spec), "shop", pools)
}

fn affinity(terms: &Value) -> Value {
    json!({ "affinity": { "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } } })
}

fn requires(key: &str, operator: &str, values: &[&str]) -> Value {
    affinity(&json!([{ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }]))
}

#[test]
fn a_template_that_asks_for_nothing_fits_every_pool() {
    let pools = [pool("a", &[], 0), pool("b", &[("x", &["1"])], 3)];
    assert_eq!(fit(&json!({}), &pools), ["a", "b"]);
}

#[test]
fn a_node_selector_is_met_by_one_value_of_a_pool() {
    let pools = [
        pool("a", &[("disk", &["ssd", "nvme"])], 3),
        pool("b", &[("disk", &["hdd"])], 1),
        pool("c", &[("x", &["y"])], 1),
    ];
    assert_eq!(fit(&json!({ "nodeSelector": { "disk": "nvme" } }), &pools), ["a"]);
    assert!(fit(&json!({ "nodeSelector": { "disk": "tape" } }), &pools).is_empty());
}

#[test]
fn each_operator_of_an_affinity_decides_as_the_scheduler() {
    let with = |values: &[&str]| [pool("p", &[("k", values)], 1)];
    let (v5, none) = (with(&["5"]), [pool("p", &[("other", &["x"])], 1)]);
    for (operator, values, on_five, on_none) in [
        ("In", vec!["5", "6"], true, false),
        ("In", vec!["6"], false, false),
        ("NotIn", vec!["6"], true, true),
        ("NotIn", vec!["5"], false, true),
        ("Exists", vec![], true, false),
        ("DoesNotExist", vec![], false, true),
        ("Gt", vec!["4"], true, false),
        ("Gt", vec!["5"], false, false),
        ("Lt", vec!["6"], true, false),
        ("Lt", vec!["x"], false, false),
        ("Lt", vec!["6", "7"], false, false),
    ] {
        let spec = requires("k", operator, &values);
        assert_eq!(!fit(&spec, &v5).is_empty(), on_five, "{operator} {values:?} on 5");
        assert_eq!(!fit(&spec, &none).is_empty(), on_none, "{operator} {values:?} without the label");
    }
}

#[test]
fn terms_are_alternatives_and_requirements_of_one_are_not() {
    let pools = [pool("a", &[("x", &["1"])], 1), pool("b", &[("x", &["2"]), ("y", &["1"])], 1)];
    let one = json!({ "key": "x", "operator": "In", "values": ["1"] });
    let two = json!({ "key": "x", "operator": "In", "values": ["2"] });
    let other = json!({ "key": "y", "operator": "Exists" });
    let either = affinity(&json!([{ "matchExpressions": [one] }, { "matchExpressions": [two, other] }]));
    assert_eq!(fit(&either, &pools), ["a", "b"]);
    assert!(fit(&affinity(&json!([{ "matchExpressions": [one, other] }])), &pools).is_empty());
    assert!(fit(&affinity(&json!([{}])), &pools).is_empty(), "an empty term selects nothing");
    assert!(fit(&affinity(&json!([])), &pools).is_empty(), "no term selects nothing");
}

#[test]
fn a_taint_keeps_out_what_does_not_tolerate_it() {
    for (effect, tolerations, fits) in [
        ("NoSchedule", json!([]), false),
        ("NoExecute", json!([]), false),
        ("PreferNoSchedule", json!([]), true),
        ("NoSchedule", json!([{ "key": "team", "value": "ml" }]), true),
        ("NoSchedule", json!([{ "key": "team", "operator": "Equal", "value": "web" }]), false),
        ("NoSchedule", json!([{ "key": "team", "operator": "Exists", "effect": "NoSchedule" }]), true),
        ("NoExecute", json!([{ "key": "team", "operator": "Exists", "effect": "NoSchedule" }]), false),
        ("NoSchedule", json!([{ "operator": "Exists" }]), true),
        ("NoSchedule", json!([{ "key": "other", "operator": "Exists" }]), false),
    ] {
        let found = fit(&json!({ "tolerations": tolerations }), &[tainted(effect)]);
        assert_eq!(!found.is_empty(), fits, "{effect} {tolerations}");
    }
}

#[test]
fn a_compute_class_takes_pods_that_select_it() {
    let key = "cloud.google.com/compute-class";
    let mut class = pool("(new nodes of own)", &[(key, &["own"])], 0);
    class.shape.taints = vec![Taint { key: key.into(), value: "own".into(), effect: "NoSchedule".into() }];
    let pools = [class];
    assert_eq!(fit(&json!({ "nodeSelector": { key: "own" } }), &pools), ["(new nodes of own)"]);
    assert!(fit(&json!({ "nodeSelector": { key: "other" } }), &pools).is_empty());
    assert!(fit(&json!({}), &pools).is_empty());
}

#[test]
fn os_and_architecture_decide_where_they_are_known() {
    let mut arm = pool("arm", &[], 0);
    arm.shape.os = Some("linux".into());
    arm.shape.arch = ["arm64".to_owned()].into();
    let pools = [arm, pool("unknown", &[], 0)];
    assert_eq!(fit(&json!({ "nodeSelector": { "kubernetes.io/arch": "amd64" } }), &pools), ["unknown"]);
    assert_eq!(fit(&json!({ "nodeSelector": { "kubernetes.io/arch": "arm64" } }), &pools), ["arm", "unknown"]);
    assert_eq!(fit(&json!({ "os": { "name": "windows" } }), &pools), ["unknown"]);
    assert_eq!(fit(&requires("beta.kubernetes.io/os", "In", &["linux"]), &pools), ["arm", "unknown"]);
}

#[test]
fn what_an_empty_pool_may_carry_does_not_exclude_it() {
    let known = |nodes| [pool("p", &[("team", &["ml"])], nodes)];
    for key in ["topology.kubernetes.io/zone", "node.kubernetes.io/instance-type", "kubernetes.io/hostname"] {
        let spec = json!({ "nodeSelector": { key: "x" } });
        assert_eq!(fit(&spec, &known(0)), ["p"], "{key}");
    }
    for key in
        ["cloud.google.com/gke-accelerator", "eks.amazonaws.com/capacityType", "kubernetes.azure.com/os-sku"]
    {
        let spec = json!({ "nodeSelector": { key: "x" } });
        assert_eq!(fit(&spec, &known(0)), ["p"], "{key}: what a cloud gives its nodes, no list of it tells");
        assert!(fit(&spec, &known(2)).is_empty(), "{key}: the nodes that live lack it");
    }
    assert!(fit(&json!({ "nodeSelector": { "topology.kubernetes.io/zone": "x" } }), &known(2)).is_empty());
    assert!(fit(&json!({ "nodeSelector": { "own": "x" } }), &known(0)).is_empty(), "its cloud lists such labels");
    assert_eq!(
        fit(&json!({ "nodeSelector": { "own": "x" } }), &[pool("p", &[], 0)]),
        ["p"],
        "nothing is known of it"
    );
}

#[test]
fn the_zone_of_living_nodes_is_not_that_of_nodes_to_come() {
    let mut seen = pool("p", &[("topology.kubernetes.io/zone", &["a"]), ("team", &["ml"])], 2);
    let zone = json!({ "nodeSelector": { "topology.kubernetes.io/zone": "b" } });
    assert!(fit(&zone, std::slice::from_ref(&seen)).is_empty(), "the cloud says which zones it is for");
    seen.shape.observed = ["topology.kubernetes.io/zone", "team"].map(str::to_owned).into();
    assert_eq!(fit(&zone, std::slice::from_ref(&seen)), ["p"]);
    assert_eq!(fit(&requires("topology.kubernetes.io/zone", "NotIn", &["a"]), std::slice::from_ref(&seen)), ["p"]);
    assert!(
        fit(&json!({ "nodeSelector": { "team": "other" } }), &[seen]).is_empty(),
        "no node gets that by itself"
    );
}

/// Karpenter makes the node that a pod asks for, unless its pool's requirements say otherwise.
#[test]
fn a_pool_of_karpenter_is_not_bounded_by_the_nodes_that_live() {
    let (cpu, kind) = ("karpenter.k8s.aws/instance-cpu", "node.kubernetes.io/instance-type");
    for nodes in [0, 2] {
        let mut pool =
            pool("spot", &[("karpenter.sh/nodepool", &["spot"]), (cpu, &["4"]), (kind, &["m5"])], nodes);
        pool.shape.observed = [kind.to_owned()].into();
        let fits = |spec: &Value| !fit(spec, std::slice::from_ref(&pool)).is_empty();
        assert!(!fits(&requires(cpu, "In", &["8"])), "a requirement of the pool");
        assert!(fits(&requires(kind, "In", &["m6"])));
        assert!(fits(&requires("karpenter.sh/capacity-type", "In", &["spot"])));
        assert!(fits(&requires("karpenter.k8s.aws/instance-gpu-count", "Gt", &["0"])));
        assert!(!fits(&requires("own", "In", &["x"])));
        assert!(!fits(&requires("karpenter.sh/nodepool", "In", &["other"])));
    }
}

/// A pool of another kind is no candidate for a pod that asks for one by what tells it.
#[test]
fn what_tells_a_kind_of_pools_is_not_given_to_others() {
    let group = pool("group", &[("eks.amazonaws.com/nodegroup", &["g"])], 0);
    let spot = pool("spot", &[("karpenter.sh/nodepool", &["spot"])], 2);
    let auto =
        pool("auto", &[("karpenter.sh/nodepool", &["general"]), ("eks.amazonaws.com/compute-type", &["auto"])], 0);
    let pools = [group, spot, auto];
    let fits = |key: &str, value: &str| fit(&json!({ "nodeSelector": { key: value } }), &pools);
    assert_eq!(fits("eks.amazonaws.com/nodegroup", "g"), ["group"]);
    assert_eq!(fits("eks.amazonaws.com/nodegroup", "other"), [""; 0]);
    assert_eq!(fits("eks.amazonaws.com/compute-type", "auto"), ["auto"]);
    assert_eq!(fits("eks.amazonaws.com/instance-family", "m7g"), ["auto"]);
    assert_eq!(fits("karpenter.k8s.aws/instance-family", "m7g"), ["spot", "auto"]);
    assert_eq!(fits("eks.amazonaws.com/capacityType", "SPOT"), ["group"]);
    // A label that Karpenter's pool lets pods choose, whatever its nodes have now.
    let mut open = pool("open", &[("karpenter.sh/nodepool", &["open"]), ("team", &[])], 1);
    open.shape.observed = ["team".to_owned()].into();
    assert_eq!(fit(&json!({ "nodeSelector": { "team": "a" } }), &[open]), ["open"]);
}

#[test]
fn a_taint_that_an_agent_takes_away_keeps_nobody_out() {
    let mut pool = pool("p", &[], 0);
    let taint = |key: &str| Taint { key: key.into(), value: "true".into(), effect: "NoExecute".into() };
    pool.shape.taints = vec![taint("node.cilium.io/agent-not-ready"), taint("node.kubernetes.io/not-ready")];
    assert_eq!(fit(&json!({}), std::slice::from_ref(&pool)), ["p"]);
    pool.shape.taints.push(taint("team"));
    assert!(fit(&json!({}), &[pool]).is_empty());
}

/// Every pool that it tolerates, and no other.
#[test]
fn a_daemon_set_runs_where_it_is_tolerated_and_selected() {
    let pools = [pool("plain", &[("team", &["ml"])], 1), tainted("NoSchedule"), fargate("web", "shop", &[])];
    let on = |spec: Value| daemon_candidates(&template(&spec), &pools);
    assert_eq!(on(json!({})), ["plain"]);
    assert_eq!(on(json!({ "tolerations": [{ "operator": "Exists" }] })), ["plain", "tainted"]);
    assert_eq!(
        on(json!({ "nodeSelector": { "team": "web" }, "tolerations": [{ "operator": "Exists" }] })),
        [""; 0]
    );
}

#[test]
fn a_pod_that_names_its_node_passes_the_scheduler_by_and_no_eviction() {
    for (effect, expected) in [("NoSchedule", vec!["tainted"]), ("NoExecute", vec![])] {
        let mut pool = tainted(effect);
        pool.shape.labels.insert("kubernetes.io/hostname".to_owned(), ["n1".to_owned()].into());
        assert_eq!(fit(&json!({ "nodeName": "n1" }), &[pool]), expected, "{effect}");
    }
}

#[test]
fn a_node_by_name_is_looked_for_by_host_name() {
    let pools = [
        pool("a", &[("kubernetes.io/hostname", &["n1"])], 1),
        pool("b", &[("kubernetes.io/hostname", &["n2"])], 1),
    ];
    let field = json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n2"] }] }]);
    assert_eq!(fit(&affinity(&field), &pools), ["b"]);
    assert_eq!(fit(&json!({ "nodeName": "n1" }), &pools), ["a"]);
}

/// A node group had the name `apps` first, so the profile stands behind its kind; the profile's own name still decides.
#[test]
fn a_profile_that_shares_its_name_with_a_pool_is_known_by_it() {
    let pools = [pool("apps", &[], 1), fargate("fargate/apps", "shop", &[]), fargate("batch", "shop", &[])];
    let labelled = |labels: Value| -> PodTemplate {
        serde_json::from_value(json!({ "metadata": { "labels": labels }, "spec": {} })).unwrap()
    };
    assert_eq!(candidates(&labelled(json!({})), "shop", &pools), ["fargate/apps"], "the first by name");
    for (named, expected) in [("apps", "fargate/apps"), ("batch", "batch")] {
        let labels = json!({ "eks.amazonaws.com/fargate-profile": named });
        assert_eq!(candidates(&labelled(labels.clone()), "shop", &pools), [expected]);
        let labels = labels
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
        assert_eq!(named_profile(&labels.collect(), &pools), Some(expected));
    }
}

#[test]
fn a_profile_takes_its_pods_and_no_other() {
    let pools = [
        pool("nodes", &[], 1),
        fargate("z-any", "sh*", &[]),
        fargate("web", "shop", &[("app", "w?b")]),
        fargate("other", "elsewhere", &[]),
    ];
    assert_eq!(fit(&json!({ "nodeSelector": { "no": "where" } }), &pools), ["web"], "the first by name");
    assert_eq!(candidates(&template(&json!({})), "default", &pools), ["nodes"]);
    assert_eq!(daemon_candidates(&template(&json!({})), &pools), ["nodes"]);
    let mut named = template(&json!({}));
    named.metadata.labels.insert(PROFILE_LABEL.into(), "z-any".into());
    assert_eq!(candidates(&named, "shop", &pools), ["z-any"]);
    named.metadata.labels.insert(PROFILE_LABEL.into(), "other".into());
    assert_eq!(candidates(&named, "shop", &pools), ["web"], "a profile that does not match takes nothing");
}

#[test]
fn a_node_belongs_to_the_pool_that_says_most_of_it() {
    let with = |name: &str, labels: &[(&str, &str)]| {
        let mut pool = pool(name, &[], 1);
        pool.node_labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        pool
    };
    let pools =
        [with("empty", &[]), with("a", &[("g", "1")]), with("b", &[("g", "1"), ("h", "2")]), with(UNLISTED, &[])];
    let node = |labels: &[(&str, &str)]| NodeView {
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..NodeView::default()
    };
    let named = |labels, pools| pool_of(&node(labels), pools).map(|pool| pool.name.as_str());
    assert_eq!(named(&[("g", "1")], &pools), Some("a"));
    assert_eq!(named(&[("g", "1"), ("h", "2")], &pools), Some("b"));
    assert_eq!(named(&[("g", "9")], &pools), Some(UNLISTED));
    assert_eq!(named(&[("g", "9")], &pools[..3]), None);
    let mut pools = pools;
    pools[0].nodes.insert("n".to_owned());
    let by_name = NodeView { name: "n".to_owned(), ..node(&[("g", "1"), ("h", "2")]) };
    assert_eq!(pool_of(&by_name, &pools).map(|pool| pool.name.as_str()), Some("empty"), "labels can be edited");
}

#[test]
fn globs_match_as_people_read_them() {
    for (pattern, text, matches) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("?", "", false),
        ("a?c", "abc", true),
        ("*-prod", "shop-prod", true),
        ("*a*b*", "xxaxxbxx", true),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
    }
}

/// Labels of one's own, of a cloud, of zones and of Karpenter, and one that makes a pool Karpenter's.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abc]",
        1 => Just("topology.kubernetes.io/zone".to_owned()),
        1 => Just("cloud.google.com/gke-accelerator".to_owned()),
        1 => Just("eks.amazonaws.com/capacityType".to_owned()),
        1 => Just("karpenter.k8s.aws/instance-cpu".to_owned()),
        1 => Just("karpenter.sh/nodepool".to_owned()),
    ]
}

fn requirement() -> impl Strategy<Value = Value> {
    let operator =
        prop_oneof![Just("In"), Just("NotIn"), Just("Exists"), Just("DoesNotExist"), Just("Gt"), Just("Lt")];
    (key(), operator, proptest::collection::vec("[0-3]", 0..3))
        .prop_map(|(key, operator, values)| json!({ "key": key, "operator": operator, "values": values }))
}

fn any_pool() -> impl Strategy<Value = Pool> {
    let labels = proptest::collection::btree_map(key(), proptest::collection::btree_set("[0-3]", 0..3), 0..4);
    (labels, 0_u32..3, any::<bool>()).prop_map(|(labels, nodes, taint)| {
        let mut pool = if taint { tainted("NoSchedule") } else { pool("p", &[], 0) };
        pool.shape.observed = labels.keys().take(usize::from(taint)).cloned().collect();
        pool.shape.labels = labels;
        pool.shape.nodes = nodes;
        pool
    })
}

proptest! {
    #[test]
    fn asking_for_more_never_adds_a_pool(pool in any_pool(), first in requirement(), second in requirement()) {
        let pools = [pool];
        let one = fit(&affinity(&json!([{ "matchExpressions": [first] }])), &pools);
        let both = fit(&affinity(&json!([{ "matchExpressions": [first, second] }])), &pools);
        prop_assert!(both.is_empty() || !one.is_empty());
    }

    #[test]
    fn a_pool_is_none_for_a_pod_that_asks_for_a_label_it_lacks(value in "[a-z]{1,3}") {
        let mut pool = pool("a", &[], 0);
        let spec = json!({ "nodeSelector": { "eks.amazonaws.com/nodegroup": value } });
        prop_assert!(!fit(&spec, std::slice::from_ref(&pool)).is_empty());
        pool.shape.lacks.insert("eks.amazonaws.com/nodegroup".to_owned());
        prop_assert!(fit(&spec, &[pool]).is_empty());
    }

    #[test]
    fn another_alternative_never_takes_a_pool_away(pool in any_pool(), first in requirement(), second in requirement()) {
        let pools = [pool];
        let one = fit(&affinity(&json!([{ "matchExpressions": [first] }])), &pools);
        let either = fit(&affinity(&json!([{ "matchExpressions": [first] }, { "matchExpressions": [second] }])), &pools);
        prop_assert!(one.is_empty() || !either.is_empty());
    }

    #[test]
    fn tolerating_everything_never_takes_a_pool_away(pool in any_pool(), asked in requirement()) {
        let pools = [pool];
        let mut spec = affinity(&json!([{ "matchExpressions": [asked] }]));
        let strict = fit(&spec, &pools);
        spec["tolerations"] = json!([{ "operator": "Exists" }]);
        prop_assert!(strict.is_empty() || !fit(&spec, &pools).is_empty());
    }

    #[test]
    fn knowing_less_of_a_pool_never_takes_it_away(pool in any_pool(), asked in requirement()) {
        let spec = json!({ "tolerations": [{ "operator": "Exists" }],
                           "affinity": affinity(&json!([{ "matchExpressions": [asked] }]))["affinity"] });
        let mut blank = pool.clone();
        blank.shape = Shape::default();
        prop_assert!(fit(&spec, &[pool]).is_empty() || !fit(&spec, &[blank]).is_empty());
    }

    #[test]
    fn the_order_of_pools_decides_nothing_but_the_order(pools in proptest::collection::vec(any_pool(), 0..5), asked in requirement()) {
        let named: Vec<Pool> = pools.into_iter().enumerate().map(|(at, pool)| Pool { name: at.to_string(), ..pool }).collect();
        let reversed: Vec<Pool> = named.iter().rev().cloned().collect();
        let spec = affinity(&json!([{ "matchExpressions": [asked] }]));
        let mut back = fit(&spec, &reversed);
        back.reverse();
        prop_assert_eq!(fit(&spec, &named), back);
    }
}
