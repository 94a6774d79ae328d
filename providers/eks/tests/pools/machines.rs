//! Pools that living nodes show, and what tells their machines apart.

use super::*;

#[test]
fn nodes_that_only_their_labels_place() {
    let karpenter = || node("a", &[("karpenter.sh/nodepool", "default")]);
    let eksctl = || node("b", &[("alpha.eksctl.io/nodegroup-name", "old")]);
    let bare = || node("c", &[]);
    let one = with_entries(cluster_of(Some("API")), &[("blue", "EC2_LINUX")]);
    let nodes = view(vec![karpenter(), eksctl(), bare()], None);
    let (pools, _) = expect(&one, &nodes, &["karpenter/default = blue", "old = blue", "(unlisted) = blue"]);
    assert_eq!(pools[0].node_labels["karpenter.sh/nodepool"], "default");
    assert_eq!(pools[2].shape.nodes, 1);
    // With two roles that may join, nothing tells which of them a node has.
    let two =
        with_groups(with_entries(cluster_of(Some("API")), &[("red", "EC2_LINUX")]), &[("web", group("blue"))]);
    let (pools, _) = cluster::pools(&two, &view(vec![bare()], None));
    let text = lines(&pools);
    assert_eq!(text[..2], ["web = blue", "(self-managed red) = red"]);
    assert!(text[2].starts_with("(unlisted) = ? which role node c of pay has (one of blue, red)"), "{text:?}");
    // Auto Mode's machines and others elsewhere have entries of their own.
    let kinds =
        with_entries(cluster_of(Some("API")), &[("auto", "EC2"), ("edge", "HYBRID_LINUX"), ("blue", "EC2_LINUX")]);
    let of = |kind: &str, pool: &str| {
        node(pool, &[("karpenter.sh/nodepool", pool), ("eks.amazonaws.com/compute-type", kind)])
    };
    let nodes = view(vec![of("auto", "a"), of("hybrid", "h"), of("", "k")], None);
    expect(&kinds, &nodes, &["karpenter/a = auto", "karpenter/h = edge", "karpenter/k = blue"]);
}

#[test]
fn nodes_that_eks_does_not_manage_carry_none_of_its_labels() {
    let found =
        with_groups(with_entries(cluster_of(Some("API")), &[("red", "EC2_LINUX")]), &[("web", group("w"))]);
    let (pools, _) = cluster::pools(&found, &empty());
    let lacks = |name: &str| pools.iter().find(|pool| pool.name == name).map(|pool| &pool.shape.lacks);
    assert!(lacks("(self-managed red)").unwrap().contains("eks.amazonaws.com/nodegroup"));
    assert!(lacks("web").unwrap().is_empty());
}

#[test]
fn hybrid_and_auto_mode_s_nodes_carry_their_kind_and_no_node_group() {
    let entries = [("auto", "EC2"), ("edge", "HYBRID_LINUX"), ("red", "EC2_LINUX")];
    let (pools, _) = cluster::pools(&with_entries(cluster_of(Some("API")), &entries), &empty());
    let shape = |name: &str| &pools.iter().find(|pool| pool.name == name).unwrap().shape;
    for (pool, kind) in [("(self-managed auto)", "auto"), ("(self-managed edge)", "hybrid")] {
        let kinds = &shape(pool).labels["eks.amazonaws.com/compute-type"];
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [kind]);
        let lacks: Vec<&String> = shape(pool).lacks.iter().collect();
        assert_eq!(lacks, ["eks.amazonaws.com/nodegroup"], "{pool}");
    }
    assert!(shape("(self-managed red)").lacks.contains("eks.amazonaws.com/compute-type"));
}

/// They have no kubelet, so no role that only nodes have pulls there.
#[test]
fn virtual_nodes_are_a_pool_of_which_nothing_is_known() {
    let found = with_entries(cluster_of(Some("API")), &[("red", "EC2_LINUX")]);
    let (pools, _) = cluster::pools(&found, &view(vec![node("v", &[("type", "virtual-kubelet")])], None));
    let lines = lines(&pools);
    assert!(lines[0].starts_with("(virtual nodes) = ? how the virtual nodes of pay log in"), "{lines:?}");
    assert_eq!(lines[1..], ["(self-managed red) = red"]);
    assert_eq!(pools[0].shape.nodes, 1);
}

#[test]
fn a_pool_knows_the_releases_of_its_nodes_and_of_its_group() {
    let mut web = group("web");
    if let Read::Got(group) = &mut web {
        group["release"] = json!("1.33.0-20250704");
    }
    let found = with_groups(cluster_of(Some("API")), &[("web", web)]);
    let os_image = "Amazon Linux 2023.7.20250512".to_owned();
    let living = NodeView { os_image, ..node("a", &[("eks.amazonaws.com/nodegroup", "web")]) };
    let (pools, _) = cluster::pools(&found, &view(vec![living], None));
    let systems: Vec<&String> = pools[0].shape.systems.iter().collect();
    assert_eq!(systems, ["AL2023_ARM_64_STANDARD 1.33.0-20250704", "Amazon Linux 2023.7.20250512"]);
}

#[test]
fn a_fargate_profile_takes_pods_only_while_it_is_active() {
    let with_status = |status: &str| {
        let row = json!({"podExecutionRole": arn("pod"), "status": status,
            "selectors": [{"namespace": "pay-*"}]});
        cluster::pools(&with_profiles(cluster_of(Some("API")), &[("jobs", Read::Got(row))]), &empty()).0
    };
    let active = with_status("ACTIVE");
    assert!(active[0].takes_unread.is_none() && !active[0].takes.is_empty());
    assert!(with_status("CREATE_FAILED").is_empty());
    for status in ["CREATING", "DELETING", "DELETE_FAILED"] {
        let between = with_status(status);
        let open = between[0].takes_unread.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(open.contains("jobs") && open.contains(status), "{status}: {open}");
    }
}
