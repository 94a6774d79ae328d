//! Pools that Karpenter and Auto Mode make nodes for, by what the cluster's own API holds.

use super::*;
use pullaudit_core::{ClusterRecord, CustomKind, Kept};

fn kind(plural: &str) -> CustomKind {
    let kinds = cluster::WANTS.iter().filter_map(|want| match want {
        ClusterReading::Objects(kind) => Some(*kind),
        ClusterReading::ConfigMap(..) => None,
    });
    kinds.into_iter().find(|kind| kind.plural == plural).unwrap()
}

/// What a reading keeps of these objects.
fn kept(plural: &str, objects: &[Value]) -> Read<Vec<Kept>> {
    let keep = |object: &Value| {
        let found = kind(plural).keep.iter().filter_map(|pointer| Some((*pointer, object.pointer(pointer)?)));
        found.map(|(pointer, value)| (pointer.to_owned(), value.clone())).collect()
    };
    Read::Got(objects.iter().map(keep).collect())
}

fn view_of(nodes: Vec<NodeView>, objects: &[(&str, Read<Vec<Kept>>)]) -> Read<ClusterView> {
    let mut view = view(nodes, None);
    if let Read::Got(view) = &mut view {
        view.objects = objects.iter().map(|(plural, read)| (kind(plural).key(), read.clone())).collect();
    }
    view
}

fn node_pool(name: &str, group: &str, class: &str) -> Value {
    let kind = if group == "eks.amazonaws.com" { "NodeClass" } else { "EC2NodeClass" };
    json!({ "metadata": { "name": name }, "spec": { "template": {
        "metadata": { "labels": { "team": "pay" } },
        "spec": {
            "nodeClassRef": { "group": group, "kind": kind, "name": class },
            "taints": [{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }],
            "requirements": [
                { "key": "kubernetes.io/arch", "operator": "In", "values": ["arm64", "amd64"] },
                { "key": "kubernetes.io/os", "operator": "In", "values": ["linux"] },
                { "key": "karpenter.k8s.aws/instance-cpu", "operator": "Gt", "values": ["3"] },
            ] } } } })
}

const KARPENTER: &str = "karpenter.k8s.aws";

fn by_role(name: &str, role: &str) -> Value {
    let status = json!({ "instanceProfile": format!("{role}_profile") });
    json!({ "metadata": { "name": name }, "spec": { "role": role }, "status": status })
}

fn of_pool(name: &str, pool: &str) -> NodeView {
    node(name, &[("karpenter.sh/nodepool", pool), ("kubernetes.io/hostname", name)])
}

#[test]
fn a_node_pool_without_a_node_pulls_as_the_role_of_its_class() {
    let objects = [
        ("nodepools", kept("nodepools", &[node_pool("spot", KARPENTER, "default")])),
        ("ec2nodeclasses", kept("ec2nodeclasses", &[by_role("other", "x"), by_role("default", "karpenter-pay")])),
    ];
    // The role joins by an entry, and is no pool of its own besides.
    let found = with_entries(cluster_of(Some("API")), &[("karpenter-pay", "EC2_LINUX")]);
    let (pools, gaps) = expect(&found, &view_of(vec![], &objects), &["karpenter/spot = karpenter-pay"]);
    assert_eq!(gaps, []);
    let shape = &pools[0].shape;
    assert_eq!((shape.os.as_deref(), shape.arch.len(), shape.nodes), (Some("linux"), 2, 0));
    assert_eq!(shape.taints[0].key, "gpu");
    assert!(shape.labels["team"].contains("pay"));
    assert!(shape.labels["karpenter.k8s.aws/instance-cpu"].is_empty(), "it may be any of many");
    assert_eq!(pools[0].node_labels["karpenter.sh/nodepool"], "spot");
    assert!(cluster::profiles(&view_of(vec![], &objects)).is_empty(), "nothing more has to be read");
    // Before a write, the same identity must be found without the cluster's API.
    let pathed = with_entries(cluster_of(Some("API")), &[("nodes/karpenter-pay", "EC2_LINUX")]);
    let (seen, _) = expect(&pathed, &view_of(vec![], &objects), &["karpenter/spot = nodes/karpenter-pay"]);
    let (unseen, _) = cluster::pools(&pathed, &no_view());
    assert_eq!(seen[0].identity.got().unwrap().id, unseen[0].identity.got().unwrap().id);
}

#[test]
fn a_class_that_names_an_instance_profile_needs_its_role_read() {
    let class = json!({ "metadata": { "name": "default" }, "spec": { "instanceProfile": "nodes" } });
    let objects = [
        ("nodepools", kept("nodepools", &[node_pool("spot", KARPENTER, "default")])),
        ("ec2nodeclasses", kept("ec2nodeclasses", &[class])),
    ];
    let view = view_of(vec![of_pool("n", "spot")], &objects);
    assert_eq!(cluster::profiles(&view).into_iter().collect::<Vec<_>>(), ["nodes"]);
    let found = cluster_of(Some("API"));
    let told = |found: &Discovered| lines(&cluster::pools(found, &view).0).remove(0);
    assert!(told(&found).starts_with("karpenter/spot = ? instanceProfiles nodes of pay"), "{}", told(&found));
    let with = |reading: Read<Value>| {
        let mut found = found.clone();
        found.readings.put(t::INSTANCE_PROFILES, "nodes", reading);
        told(&found)
    };
    assert_eq!(with(Read::Got(json!(arn("eks/blue")))), "karpenter/spot = eks/blue");
    assert_eq!(with(Read::Absent), "karpenter/spot = absent");
    assert!(with(Read::Unread(unread("profile"))).contains("read profile"));
}

/// What one class gives now, a node of another pool may have been started with; and two profiles may hold one role.
#[test]
fn a_profile_is_former_where_its_own_pool_s_class_has_another_and_told_of_where_the_role_differs() {
    let claim = json!({ "metadata": { "name": "a", "annotations": {
            "karpenter.k8s.aws/instance-profile-name": "old_profile" } }, "status": { "nodeName": "a" } });
    let class = |name: &str, role: &str| {
        json!({ "metadata": { "name": name }, "spec": { "role": role },
            "status": { "instanceProfile": format!("{name}_profile") } })
    };
    let pools = [node_pool("spot", KARPENTER, "new"), node_pool("batch", KARPENTER, "old")];
    let objects = [
        ("nodepools", kept("nodepools", &pools)),
        ("ec2nodeclasses", kept("ec2nodeclasses", &[class("old", "blue"), class("new", "green")])),
        ("nodeclaims", kept("nodeclaims", &[claim])),
    ];
    let view = view_of(vec![of_pool("a", "spot")], &objects);
    assert_eq!(cluster::profiles(&view).into_iter().collect::<Vec<_>>(), ["old_profile"]);
    for (role, told) in [("blue", 1), ("green", 0)] {
        let mut found = cluster_of(Some("API"));
        found.readings.put(t::INSTANCE_PROFILES, "old_profile", Read::Got(json!(arn(role))));
        let (pools, _) = cluster::pools(&found, &view);
        let record = ClusterRecord {
            cluster: found.cluster.clone(),
            reachable: true,
            context: None,
            pools,
            hidden: vec![],
            lookalikes: vec![],
        };
        assert_eq!(cluster::notices(&record).len(), told, "{role}");
    }
}

/// The pool refers to another class by now; a node says by which it was made, and no claim tells more.
#[test]
fn a_node_that_another_class_made_pulls_as_that_one_s_role() {
    let objects = [
        ("nodepools", kept("nodepools", &[node_pool("spot", KARPENTER, "new")])),
        ("ec2nodeclasses", kept("ec2nodeclasses", &[by_role("old", "blue"), by_role("new", "green")])),
        ("nodeclaims", kept("nodeclaims", &[])),
    ];
    let made_by = |name: &str, class: &str| {
        let mut node = of_pool(name, "spot");
        node.labels.insert("karpenter.k8s.aws/ec2nodeclass".to_owned(), class.to_owned());
        node
    };
    let nodes = vec![made_by("a", "old"), made_by("b", "new"), made_by("c", "gone"), of_pool("d", "spot")];
    let (pools, _) = cluster::pools(&cluster_of(Some("API")), &view_of(nodes, &objects));
    let told = lines(&pools);
    assert_eq!(told[0], "karpenter/spot (node a, former class) = blue");
    assert!(
        told[1].starts_with("karpenter/spot (node c, former class) = ?") && told[1].contains("gone"),
        "{told:?}"
    );
    assert_eq!((told[2].as_str(), pools[2].shape.nodes), ("karpenter/spot = green", 2));
    // One that names a profile in a role's place has to be read.
    let by_profile = json!({ "metadata": { "name": "old" }, "spec": { "instanceProfile": "blue_profile" } });
    let classes = kept("ec2nodeclasses", &[by_profile, by_role("new", "green")]);
    let objects = [objects[0].clone(), ("ec2nodeclasses", classes), objects[2].clone()];
    let view = view_of(vec![made_by("a", "old")], &objects);
    assert_eq!(cluster::profiles(&view).into_iter().collect::<Vec<_>>(), ["blue_profile"]);
}

/// The class has a new role; nodes that live still have the former.
#[test]
fn nodes_that_were_started_with_another_profile_stand_apart() {
    let claim = |node: &str, profile: &str| {
        json!({ "metadata": { "name": node, "annotations": { "karpenter.k8s.aws/instance-profile-name": profile } },
            "status": { "nodeName": node } })
    };
    let objects = [
        ("nodepools", kept("nodepools", &[node_pool("spot", KARPENTER, "default")])),
        ("ec2nodeclasses", kept("ec2nodeclasses", &[by_role("default", "green")])),
        ("nodeclaims", kept("nodeclaims", &[claim("old", "blue_profile"), claim("new", "green_profile")])),
    ];
    let nodes = vec![of_pool("old", "spot"), of_pool("new", "spot"), of_pool("unclaimed", "spot")];
    let view = view_of(nodes, &objects);
    assert_eq!(cluster::profiles(&view).into_iter().collect::<Vec<_>>(), ["blue_profile"]);
    let mut found = cluster_of(Some("API"));
    found.readings.put(t::INSTANCE_PROFILES, "blue_profile", Read::Got(json!(arn("blue"))));
    let (pools, _) =
        expect(&found, &view, &["karpenter/spot (node old, former profile) = blue", "karpenter/spot = green"]);
    assert_eq!((pools[0].shape.nodes, pools[1].shape.nodes), (1, 2));
    assert_eq!(pools[0].node_labels["kubernetes.io/hostname"], "old");
    // Where no claim can be read, nobody knows what the nodes that live were started with.
    let objects = [objects[0].clone(), objects[1].clone(), ("nodeclaims", Read::Unread(unread("claims")))];
    let blind = view_of(vec![of_pool("old", "spot")], &objects);
    let (pools, gaps) = cluster::pools(&found, &blind);
    assert!(lines(&pools)[0].contains("read claims"), "{:?}", lines(&pools));
    assert!(gaps.iter().any(|gap| gap.message.contains("started with")), "{gaps:?}");
    expect(&found, &view_of(vec![], &objects), &["karpenter/spot = green"]);
}

#[test]
fn auto_mode_s_own_pools_come_first_and_a_class_of_one_s_own_names_its_role() {
    let mut found = cluster_of(Some("API"));
    let detail = json!({ "authenticationMode": "API", "autoModeRole": arn("auto"), "autoModePools": ["system"] });
    found.readings.put(t::CLUSTER, "", Read::Got(detail));
    let group = "eks.amazonaws.com";
    let pools = [node_pool("system", group, "default"), node_pool("gpu", group, "own")];
    let objects = [
        ("nodepools", kept("nodepools", &pools)),
        ("nodeclasses", kept("nodeclasses", &[by_role("own", "special")])),
    ];
    let (pools, _) = expect(&found, &view_of(vec![], &objects), &["system = auto", "karpenter/gpu = special"]);
    assert!(pools[1].shape.labels["eks.amazonaws.com/compute-type"].contains("auto"));
}

#[test]
fn what_does_not_tell_is_unknown_and_what_is_not_there_is_nothing() {
    let found = cluster_of(Some("API"));
    let role_of = |pool: Value, classes: Read<Vec<Kept>>| {
        let objects = [("nodepools", kept("nodepools", &[pool])), ("ec2nodeclasses", classes)];
        lines(&cluster::pools(&found, &view_of(vec![], &objects)).0).remove(0)
    };
    let none = || kept("ec2nodeclasses", &[]);
    for (pool, classes, told) in [
        (node_pool("a", KARPENTER, "gone"), none(), "its EC2NodeClass gone does not exist"),
        (node_pool("a", "karpenter.azure.com", "x"), none(), "a kind that pullaudit does not know"),
        (node_pool("a", KARPENTER, "x"), Read::Unread(unread("classes")), "read classes"),
        (
            node_pool("a", KARPENTER, "x"),
            kept("ec2nodeclasses", &[json!({ "metadata": { "name": "x" }, "spec": {} })]),
            "names neither a role nor an instance profile",
        ),
        (json!({ "metadata": { "name": "a" } }), none(), "a kind that pullaudit does not know"),
    ] {
        let line = role_of(pool, classes);
        assert!(line.starts_with("karpenter/a = ? ") && line.contains(told), "{line}");
    }
    // Refused: a gap, and what the other lists tell still holds.
    let entries = with_entries(cluster_of(Some("API")), &[("blue", "EC2_LINUX")]);
    let refused = view_of(vec![], &[("nodepools", Read::Unread(unread("pools")))]);
    let (_, gaps) = expect(&entries, &refused, &["(self-managed blue) = blue"]);
    assert!(gaps[0].message.contains("pools of Karpenter"), "{gaps:?}");
    let (_, gaps) =
        expect(&entries, &view_of(vec![], &[("nodepools", Read::Absent)]), &["(self-managed blue) = blue"]);
    assert_eq!(gaps, []);
}
