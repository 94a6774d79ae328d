//! Custom kinds that a provider wants read, on a real API server.

use crate::fixture::{cluster, through_within};
use crate::servers;
use crate::servers::kubernetes::{AUDITOR, NOBODY};
use crate::servers::need;
use pullaudit::kubernetes::live;
use pullaudit_core::{Calls, ClusterReading, ClusterView, Read};
use pullaudit_eks::cluster::WANTS;
use serde_json::json;
use std::time::Duration;

#[test]
fn custom_objects_are_read_where_the_cluster_has_their_kind() {
    let Some(server) = need(servers::kubernetes::start(), "custom kinds") else { return };
    let proxy = server.proxy();
    let view = |user: &'static str| -> ClusterView {
        let calls = Calls::default();
        proxy.reset();
        let read = server.block_on(async {
            let client = through_within(&server, &proxy, user, Duration::from_secs(5)).await;
            live::view(&client, &cluster(""), WANTS, &calls).await
        });
        let Read::Got(view) = read else { panic!("{read:?}") };
        view
    };
    let kinds = WANTS.iter().filter(|want| matches!(want, ClusterReading::Objects(_))).count();
    // Nothing is installed: the server's own list of groups is all that is asked for.
    for user in [AUDITOR, NOBODY] {
        let none = view(user);
        assert_eq!(none.objects.len(), kinds);
        assert!(none.objects.values().all(|read| *read == Read::Absent), "{:?}", none.objects);
        let custom = proxy.calls().iter().filter(|one| one.call.key().contains("karpenter")).count();
        assert_eq!(custom, 0);
    }

    for (group, kind, plural) in [
        ("karpenter.sh", "NodePool", "nodepools"),
        ("karpenter.sh", "NodeClaim", "nodeclaims"),
        ("karpenter.k8s.aws", "EC2NodeClass", "ec2nodeclasses"),
    ] {
        server.serve_kind(group, kind, plural);
    }
    server.apply(
        &json!({ "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": { "name": "default" },
        "spec": { "role": "karpenter-pay", "userData": "a secret of nobody's business" } }),
    );
    let seen = view(AUDITOR);
    let classes = seen.objects["ec2nodeclasses.karpenter.k8s.aws"].got().unwrap();
    assert_eq!(
        serde_json::to_value(classes).unwrap(),
        json!([{ "/metadata/name": "default", "/spec/role": "karpenter-pay" }])
    );
    assert_eq!(seen.objects["nodepools.karpenter.sh"], Read::Got(Vec::new()));
    assert_eq!(seen.objects["nodeclasses.eks.amazonaws.com"], Read::Absent);

    let refused = view(NOBODY);
    let open = refused.objects["nodepools.karpenter.sh"].open().unwrap();
    assert_eq!(open.to_string(), "nodepools.karpenter.sh: needs list nodepools.karpenter.sh in shop");
    assert_eq!(refused.objects["nodeclasses.eks.amazonaws.com"], Read::Absent);
}
