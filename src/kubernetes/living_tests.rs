//! Pods that live and pull otherwise than the next one will.

use super::*;

/// Secrets, pools and images of each group of living pods.
fn living(workload: &Workload) -> Vec<(String, String, String)> {
    let joined = |texts: &[String]| texts.join(",");
    let group = |group: &pullaudit_core::PodGroup| {
        (joined(&group.pull_secrets), joined(&group.pools), joined(&group.images))
    };
    workload.living.iter().map(group).collect()
}

fn text(parts: (&str, &str, &str)) -> (String, String, String) {
    (parts.0.to_owned(), parts.1.to_owned(), parts.2.to_owned())
}

#[test]
fn a_pod_made_before_its_account_got_a_secret_keeps_its_list() {
    let with = |name: &str, secrets: Value, node| {
        let mut pod = pod(name, REPLICA_SET, node, "a:1");
        pod["spec"]["imagePullSecrets"] = secrets;
        pod
    };
    let workloads = Shop {
        accounts: vec![json!({ "metadata": { "name": "default" }, "imagePullSecrets": [{ "name": "new" }] })],
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", templated("web", "a:1"))],
        pods: vec![
            with("before", json!(null), "n1"),
            with("after", json!([{ "name": "new" }]), "n2"),
            with("older", json!([{ "name": "old" }]), "n2"),
        ],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(workloads[0].next.pull_secrets, ["new"]);
    let living: Vec<_> =
        workloads[0].living.iter().map(|group| (group.pull_secrets.join(","), group.pools.join(","))).collect();
    assert_eq!(living, [(String::new(), "blue".to_owned()), ("old".to_owned(), "green".to_owned())]);
}

/// The template was pinned to another pool since, or the pool got a taint: its pods stay where they are, and pull there
/// again when they are restarted.
#[test]
fn pods_where_the_next_one_can_t_land_are_asked_about_where_they_are() {
    let mut pinned = templated("web", "a:1");
    pinned["spec"]["template"]["spec"]["nodeName"] = json!("n2");
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", pinned)],
        pods: vec![pod("web-1-a", REPLICA_SET, "n1", "a:1"), pod("web-1-b", REPLICA_SET, "n2", "a:1")],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(workloads[0].next.pools, ["green"]);
    assert_eq!(living(&workloads[0]), [text(("", "blue", ""))]);
}

/// A webhook gives pods an image and a secret for it, which no template has: the next one gets both, wherever it lands.
#[test]
fn what_is_injected_with_a_secret_of_its_own_is_asked_about_wherever_the_next_pod_lands() {
    let mut made = pod("web-1-a", REPLICA_SET, "n1", "a:1");
    made["spec"]["imagePullSecrets"] = json!([{ "name": "mesh" }]);
    made["spec"]["initContainers"] = json!([{ "name": "proxy", "image": "mesh" }]);
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", templated("web", "a:1"))],
        pods: vec![made],
        ..Shop::default()
    }
    .workloads();
    assert_eq!((workloads[0].containers.len(), workloads[0].next.images.len()), (2, 0));
    assert_eq!(workloads[0].next.pools, ["blue", "green"]);
}

#[test]
fn pods_of_which_nobody_knows_where_they_are_may_be_on_any_pool_that_they_fit() {
    let mut pinned = templated("web", "a:1");
    pinned["spec"]["template"]["spec"]["nodeName"] = json!("n2");
    let open = Open::undecidable("nodes");
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", pinned)],
        pods: vec![pod("web-1-a", REPLICA_SET, "n1", "a:1")],
        nodes_unread: Some(open.clone()),
        ..Shop::default()
    }
    .workloads();
    for group in &workloads[0].living {
        assert!(group.place_unknown.is_some() && group.pools.len() > 1, "{group:?}");
    }
}

/// Amid a roll-out: the new revision has another image and a secret for it.
#[test]
fn each_group_is_asked_about_its_own_images() {
    let mut next = templated("web", "new:1");
    next["spec"]["template"]["spec"]["imagePullSecrets"] = json!([{ "name": "ecr" }]);
    let mut young = pod("web-1-b", REPLICA_SET, "n2", "new:1");
    young["spec"]["imagePullSecrets"] = json!([{ "name": "ecr" }]);
    young["spec"]["initContainers"] = json!([{ "name": "injected", "image": "mesh" }]);
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT), meta("web-0", DEPLOYMENT)],
        objects: vec![("Deployment", next)],
        pods: vec![pod("web-0-a", REPLICA_SET, "n1", "old:1"), young],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(workloads[0].containers.len(), 3);
    assert!(workloads[0].next.images.is_empty(), "what is injected comes with the next one too");
    assert_eq!(living(&workloads[0]), [text(("", "blue", "old:1"))]);
}

#[test]
fn an_account_that_nobody_could_read_is_told_apart_from_one_that_says_nothing() {
    let workloads = |partial: bool| {
        let (id, pools, nodes) = (cluster(), [pool("blue")], Read::Got(vec![]));
        let mut roster = Roster::new(&id, &pools, &nodes, None);
        if partial {
            roster.accounts().not_all_read();
        }
        roster.add_object("Deployment", serde_json::from_value(templated("web", "a:1")).unwrap());
        roster.finish()
    };
    assert_eq!(workloads(false)[0].service_account_unread, None);
    let open = workloads(true)[0].service_account_unread.clone().unwrap();
    assert!(open.to_string().contains("service account shop/default"), "{open}");
}

/// Admission (`AlwaysPullImages`) writes another policy than the template's.
#[test]
fn an_image_that_its_template_never_pulls_and_its_pods_do_is_asked_about() {
    let mut never = templated("web", "a:1");
    never["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
    let mut made = pod("web-1-a", REPLICA_SET, "n1", "a:1");
    made["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", never)],
        pods: vec![made],
        ..Shop::default()
    }
    .workloads();
    let never: Vec<bool> = workloads[0].containers.iter().map(|container| container.never_pulled).collect();
    assert_eq!(never, [true, false]);
}
