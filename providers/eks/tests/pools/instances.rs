//! Nodes whose role only the instance profile of their instance tells: aws.md a, "self-managed".

use super::*;

const RIGHT: &str = "ec2:DescribeInstances";

fn on(name: &str, instance: &str, labels: &[(&str, &str)]) -> NodeView {
    NodeView { provider_id: format!("aws:///eu-central-1a/{instance}"), ..node(name, labels) }
}

/// A cluster that lets nodes of a managed group and of two other roles join.
fn three_roles() -> Discovered {
    let entries = with_entries(cluster_of(Some("API")), &[("red", "EC2_LINUX"), ("green", "EC2_LINUX")]);
    with_groups(entries, &[("web", group("blue"))])
}

/// What EC2 and IAM say of instances, each with its profile and the role in it.
fn told(mut found: Discovered, instances: &[(&str, &str)]) -> Discovered {
    for (instance, role) in instances {
        let profile = format!("{role}-profile");
        found.readings.put(t::INSTANCES, *instance, Read::Got(json!({ "profile": profile })));
        found.readings.put(t::INSTANCE_PROFILES, profile, Read::Got(json!(arn(role))));
    }
    found
}

fn names(pool: &Pool) -> Vec<&str> {
    pool.nodes.iter().map(String::as_str).collect()
}

#[test]
fn an_instance_tells_the_role_of_a_node_that_no_list_ties_to_one() {
    let nodes = view(vec![on("a", "i-1", &[]), on("b", "i-2", &[]), on("c", "i-3", &[])], None);
    let unread = three_roles();
    assert_eq!(cluster::untold(&unread, &nodes).into_iter().collect::<Vec<_>>(), ["i-1", "i-2", "i-3"]);
    let (pools, _) = cluster::pools(&unread, &nodes);
    assert!(lines(&pools)[3].contains(RIGHT), "{:?}", lines(&pools));

    let found = told(three_roles(), &[("i-1", "red"), ("i-2", "blue"), ("i-3", "red")]);
    assert!(cluster::untold(&found, &nodes).is_empty());
    let pools =
        ["web = blue", "(self-managed green) = green", "(self-managed red) = red", "(self-managed blue) = blue"];
    let (pools, gaps) = expect(&found, &nodes, &pools);
    assert_eq!(gaps, []);
    assert_eq!(names(&pools[2]), ["a", "c"]);
    assert!(pools[2].shape.labels.is_empty() && pools[2].shape.nodes == 0, "others may come that look otherwise");
    assert_eq!(
        (names(&pools[3]), pools[3].shape.nodes),
        (vec!["b"], 1),
        "a group's role on a machine of one's own"
    );
    assert!(pools[1].nodes.is_empty() && pools[0].nodes.is_empty());
}

#[test]
fn a_role_of_another_account_with_the_same_name_is_another_pool() {
    let there = "arn:aws:iam::444455556666:role/red";
    let mut found = with_entries(cluster_of(Some("API")), &[("green", "EC2_LINUX")]);
    found.readings.put(t::ACCESS_ENTRY_ARNS, "", Read::Got(json!([arn("green"), there])));
    found.readings.put(t::ACCESS_ENTRIES, there, Read::Got(json!({ "type": "EC2_LINUX" })));
    let found = told(found, &[("i-1", "red")]);
    let expected =
        ["(self-managed green) = green", "(self-managed red) = red", "(self-managed 111122223333/red) = red"];
    let (pools, _) = expect(&found, &view(vec![on("a", "i-1", &[])], None), &expected);
    assert_eq!((names(&pools[2]), pools[1].nodes.len()), (vec!["a"], 0));
}

#[test]
fn nothing_is_asked_where_the_lists_tell() {
    let one = with_entries(cluster_of(Some("API")), &[("red", "EC2_LINUX")]);
    let nodes = view(vec![on("a", "i-1", &[])], None);
    assert!(cluster::untold(&one, &nodes).is_empty());
    expect(&one, &nodes, &["(self-managed red) = red", "(unlisted) = red"]);
    let managed = view(vec![on("a", "i-1", &[("eks.amazonaws.com/nodegroup", "web")])], None);
    assert!(cluster::untold(&three_roles(), &managed).is_empty());
    let elsewhere = NodeView { provider_id: "eks-hybrid:///eu-central-1/pay/mi-1".to_owned(), ..node("h", &[]) };
    assert!(cluster::untold(&three_roles(), &view(vec![elsewhere, node("x", &[])], None)).is_empty());
    assert!(cluster::untold(&three_roles(), &no_view()).is_empty());
}

#[test]
fn nodes_of_one_name_with_two_roles_are_two_pools() {
    let label = [("alpha.eksctl.io/nodegroup-name", "old")];
    let nodes = view(vec![on("a", "i-1", &label), on("b", "i-2", &label)], None);
    let same = told(three_roles(), &[("i-1", "red"), ("i-2", "red")]);
    let (pools, _) = expect(&same, &nodes, &["web = blue", "old = red", "(self-managed green) = green"]);
    assert_eq!(pools[1].node_labels["alpha.eksctl.io/nodegroup-name"], "old");
    let two = told(three_roles(), &[("i-1", "red"), ("i-2", "green")]);
    let (pools, _) = expect(&two, &nodes, &["web = blue", "old (green) = green", "old (red) = red"]);
    assert_eq!((names(&pools[1]), names(&pools[2])), (vec!["b"], vec!["a"]));
    // Those that are not told keep the name.
    let mut half = told(three_roles(), &[("i-1", "red"), ("i-2", "green")]);
    half.readings.put(t::INSTANCES, "i-2", Read::Absent);
    let (pools, _) = cluster::pools(&half, &nodes);
    let text = lines(&pools);
    assert_eq!(text[1], "old (red) = red");
    assert!(text[2].starts_with("old = ? which role node b of pay has (one of blue, green, red)"), "{text:?}");
}

#[test]
fn an_instance_that_is_not_told_leaves_its_node_unlisted() {
    let nodes = view(vec![on("a", "i-1", &[]), on("b", "i-2", &[])], None);
    let found = |row: Read<Value>| {
        let mut found = told(three_roles(), &[("i-1", "red")]);
        found.readings.put(t::INSTANCES, "i-2", row);
        lines(&cluster::pools(&found, &nodes).0)
    };
    let refused = found(Read::Unread(unread(RIGHT)));
    assert_eq!(refused[2], "(self-managed red) = red");
    assert!(refused[3].starts_with("(unlisted) = ? ") && refused[3].contains(RIGHT), "{refused:?}");
    assert!(
        found(Read::Absent)[3]
            .contains("node b of pay has (one of blue, green, red): its spec.providerID names no instance"),
        "{:?}",
        found(Read::Absent)
    );
    // It joined as somebody all the same.
    let bare = found(Read::Got(json!({})));
    assert!(bare[3].starts_with("(unlisted) = ? with which credentials node b pulls"), "{bare:?}");
    assert_eq!(bare.len(), 4);
}

/// Taking an answer away never gives a node another role.
#[test]
fn no_answer_is_never_taken_for_another_role() {
    let nodes = view(vec![on("a", "i-1", &[]), on("b", "i-2", &[])], None);
    let whole = told(three_roles(), &[("i-1", "red"), ("i-2", "green")]);
    for (table, key) in [
        (t::INSTANCES, "i-1"),
        (t::INSTANCE_PROFILES, "red-profile"),
        (t::ACCESS_ENTRY_ARNS, ""),
        (t::NODEGROUP_NAMES, ""),
        (t::CLUSTER, ""),
    ] {
        for obstacle in [Obstacle::Refused, Obstacle::NotAsked] {
            let mut less = whole.clone();
            assert!(less.readings.ablate(table, key, obstacle));
            let (pools, _) = cluster::pools(&less, &nodes);
            let of = |node: &str| {
                let named = pools.iter().find(|pool| pool.nodes.contains(node));
                named.or_else(|| pools.iter().find(|pool| pool.name == "(unlisted)")).map(|pool| &pool.identity)
            };
            for (node, role) in [("a", "red"), ("b", "green")] {
                let identity = of(node).unwrap_or_else(|| panic!("{table} {key}: {node} is in no pool"));
                let right = identity.got().is_none_or(|found| found.id == arn(role));
                assert!(right, "{table} {key}: {node} is {identity:?}");
            }
        }
    }
}
