use super::*;
use pullaudit_core::{ContainerType, PodState, Read, Shape};
use serde_json::{Value, json};

#[path = "living_tests.rs"]
mod living;

fn cluster() -> ClusterId {
    ClusterId("c".into())
}

fn pool(name: &str) -> Pool {
    Pool {
        cluster: cluster(),
        name: name.into(),
        identity: Read::Absent,
        shape: Shape { nodes: 1, ..Shape::default() },
        node_labels: BTreeMap::from([("pool".to_owned(), name.to_owned())]),
        nodes: [].into(),
        takes: Vec::new(),
        takes_unread: None,
        vantage: pullaudit_core::Vantage::default(),
        federation: None,
    }
}

fn node(name: &str, pool: &str) -> NodeView {
    NodeView {
        name: name.into(),
        labels: BTreeMap::from([("pool".to_owned(), pool.to_owned())]),
        ..NodeView::default()
    }
}

/// One namespace's objects, read as the live part reads them.
#[derive(Default)]
struct Shop {
    accounts: Vec<Value>,
    owners: Vec<Value>,
    objects: Vec<(&'static str, Value)>,
    pods: Vec<Value>,
    selector: Option<&'static str>,
    listed: Vec<&'static str>,
    nodes_unread: Option<Open>,
}

impl Shop {
    fn workloads(self) -> Vec<Workload> {
        let (id, pools) = (cluster(), [pool("blue"), pool("green")]);
        let nodes = match self.nodes_unread {
            Some(open) => Read::Unread(open),
            None => Read::Got(vec![node("n1", "blue"), node("n2", "green")]),
        };
        let mut roster = Roster::new(&id, &pools, &nodes, self.selector.map(|text| text.parse().unwrap()));
        for account in self.accounts {
            roster.accounts().add("shop", serde_json::from_value(account).unwrap());
        }
        for owner in self.owners {
            roster.add_owner("ReplicaSet", &serde_json::from_value(owner).unwrap());
        }
        for (kind, object) in self.objects {
            roster.add_object(kind, serde_json::from_value(object).unwrap());
        }
        for kind in self.listed {
            roster.listed(kind);
        }
        for pod in self.pods {
            roster.add_pod(&serde_json::from_value(pod).unwrap());
        }
        roster.finish()
    }
}

/// The node of a pod of Fargate does not say which profile made it; the pod does.
#[test]
fn a_pod_of_fargate_is_on_the_pool_of_the_profile_that_it_names() {
    let profile = |name: &str| Pool {
        takes: vec![pullaudit_core::PodSelector { namespace: "shop".into(), labels: BTreeMap::new() }],
        node_labels: BTreeMap::new(),
        ..pool(name)
    };
    let (id, pools) = (cluster(), [profile("first"), profile("second")]);
    let nodes = Read::Got(vec![node("fargate-1", "none"), node("fargate-2", "none")]);
    let mut roster = Roster::new(&id, &pools, &nodes, None);
    roster.accounts().add("shop", serde_json::from_value(json!({ "metadata": meta("default", None) })).unwrap());
    for (name, on, labels) in [
        ("named", "fargate-1", json!({ "eks.amazonaws.com/fargate-profile": "second" })),
        ("unnamed", "fargate-2", json!({})),
    ] {
        let mut made = pod(name, None, on, "x/app:1");
        made["metadata"]["labels"] = labels;
        roster.add_pod(&serde_json::from_value(made).unwrap());
    }
    let workloads = roster.finish();
    let pools_of = |name: &str| -> Vec<String> {
        let workload = workloads.iter().find(|workload| workload.name == name).unwrap();
        workload.pods.keys().cloned().collect()
    };
    assert_eq!(pools_of("named"), ["second"]);
    assert_ne!(pools_of("unnamed"), ["second"], "its node tells nothing, and it names none");
}

fn names(workloads: &[Workload]) -> Vec<String> {
    workloads.iter().map(|workload| format!("{} {}", workload.kind, workload.name)).collect()
}

fn meta(name: &str, owner: Option<(&str, &str, &str)>) -> Value {
    let owners = owner.map(|(version, kind, name)| {
        json!([{ "apiVersion": version, "kind": kind, "name": name, "controller": true, "uid": "u" }])
    });
    json!({ "name": name, "namespace": "shop", "ownerReferences": owners })
}

fn templated(name: &str, image: &str) -> Value {
    let template = json!({ "spec": { "containers": [{ "name": "app", "image": image }] } });
    json!({ "metadata": meta(name, None), "spec": { "template": template } })
}

fn pod(name: &str, owner: Option<(&str, &str, &str)>, node: &str, image: &str) -> Value {
    json!({
        "metadata": meta(name, owner),
        "spec": { "nodeName": node, "containers": [{ "name": "app", "image": image }] },
        "status": { "phase": "Running", "containerStatuses": [{ "name": "app", "state": { "running": {} } }] },
    })
}

const DEPLOYMENT: Option<(&str, &str, &str)> = Some(("apps/v1", "Deployment", "web"));
const REPLICA_SET: Option<(&str, &str, &str)> = Some(("apps/v1", "ReplicaSet", "web-1"));

#[test]
fn pods_replica_sets_and_their_deployment_are_one_workload() {
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT), meta("web-0", DEPLOYMENT)],
        objects: vec![("Deployment", templated("web", "a:1"))],
        pods: vec![pod("web-1-a", REPLICA_SET, "n1", "a:1"), pod("web-1-b", REPLICA_SET, "n2", "a:1")],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["Deployment web"]);
    let workload = &workloads[0];
    assert_eq!(workload.containers.len(), 1);
    assert_eq!(workload.next.pools, ["blue", "green"]);
    assert!(workload.living.is_empty());
    assert_eq!(workload.pods["blue"]["a:1"], PodState::Running);
    assert_eq!(workload.pods["green"]["a:1"], PodState::Running);
}

#[test]
fn what_only_pods_name_belongs_to_the_workload_too() {
    let mut old = pod("web-0-a", REPLICA_SET, "n1", "a:0");
    old["spec"]["ephemeralContainers"] = json!([{ "name": "debug", "image": "busybox" }]);
    old["spec"]["initContainers"] = json!([{ "name": "injected", "image": "mesh" }]);
    let workloads = Shop {
        owners: vec![meta("web-1", DEPLOYMENT)],
        objects: vec![("Deployment", templated("web", "a:1"))],
        pods: vec![old],
        ..Shop::default()
    }
    .workloads();
    let images: Vec<_> = workloads[0].containers.iter().map(|one| (one.kind, one.image.as_str())).collect();
    assert_eq!(
        images,
        [
            (ContainerType::Container, "a:1"),
            (ContainerType::Init, "mesh"),
            (ContainerType::Container, "a:0"),
            (ContainerType::Ephemeral, "busybox")
        ]
    );
}

#[test]
fn a_custom_kind_is_known_by_its_pods() {
    let rollout = Some(("argoproj.io/v1alpha1", "Rollout", "web"));
    let workloads = Shop {
        owners: vec![meta("web-1", rollout)],
        pods: vec![
            pod("web-1-a", REPLICA_SET, "n1", "a:1"),
            pod("set-a", Some(("apps.kruise.io/v1alpha1", "CloneSet", "set")), "n2", "b:1"),
            pod("volcano-a", Some(("batch.volcano.sh/v1alpha1", "Job", "train")), "n2", "c:1"),
        ],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["CloneSet set", "Job.batch.volcano.sh train", "Rollout web"]);
    assert_eq!(workloads[2].next.pools, ["blue", "green"], "its next pod is not bound to this one's node");
    assert_eq!(workloads[2].pods.keys().collect::<Vec<_>>(), ["blue"]);
}

#[test]
fn jobs_stand_under_their_cron_job_and_finished_ones_nowhere() {
    let job = |name: &str, owner, condition: Option<&str>| {
        let mut job = templated(name, "batch:1");
        job["metadata"] = meta(name, owner);
        job["status"] = json!({ "conditions": condition.map(|kind| json!([{ "type": kind, "status": "True" }])) });
        ("Job", job)
    };
    let cron = Some(("batch/v1", "CronJob", "settle"));
    let scaled = Some(("keda.sh/v1alpha1", "ScaledJob", "queue"));
    let template =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "app", "image": "batch:1" }] } } } });
    let cron_job = json!({ "metadata": meta("settle", None), "spec": { "jobTemplate": template } });
    let workloads = Shop {
        objects: vec![
            ("CronJob", cron_job),
            job("settle-1", cron, None),
            job("once", None, None),
            job("suspended", None, Some("Suspended")),
            job("done", None, Some("Complete")),
            job("broken", None, Some("Failed")),
            job("queue-1", scaled, None),
        ],
        pods: vec![pod("settle-1-a", Some(("batch/v1", "Job", "settle-1")), "n1", "batch:1")],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["CronJob settle", "Job once", "Job suspended", "ScaledJob queue"]);
    assert_eq!(workloads[0].pods.len(), 1);
}

#[test]
fn replica_sets_and_controllers_without_an_owner_are_workloads() {
    let mut owned = templated("old-revision", "x");
    owned["metadata"] = meta("old-revision", Some(("apps.openshift.io/v1", "DeploymentConfig", "legacy")));
    let workloads = Shop {
        objects: vec![
            ("ReplicaSet", templated("loose", "a")),
            ("ReplicationController", templated("ancient", "b")),
            ("ReplicationController", owned),
        ],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["ReplicaSet loose", "ReplicationController ancient"]);
}

#[test]
fn a_replica_set_made_after_the_list_is_known_by_its_name() {
    let workloads = Shop {
        objects: vec![("Deployment", templated("web", "a:1"))],
        pods: vec![
            pod("web-9-a", Some(("apps/v1", "ReplicaSet", "web-9")), "n1", "a:1"),
            pod("other-9-a", Some(("apps/v1", "ReplicaSet", "other-9")), "n1", "b:1"),
        ],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["Deployment web", "ReplicaSet other-9"]);
}

#[test]
fn a_static_pod_is_one_workload_over_its_nodes() {
    let mirror = |node: &str| {
        let mut pod = pod(&format!("proxy-{node}"), Some(("v1", "Node", node)), node, "proxy:1");
        pod["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" });
        pod["spec"]["imagePullSecrets"] = json!(null);
        pod
    };
    let workloads = Shop {
        accounts: vec![json!({ "metadata": { "name": "default" }, "imagePullSecrets": [{ "name": "s" }] })],
        pods: vec![mirror("n1"), mirror("n2"), pod("proxy", None, "n1", "other:1")],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(names(&workloads), ["Pod proxy", "Pod proxy"]);
    let fixed = workloads.iter().find(|workload| workload.static_pod).unwrap();
    assert_eq!(fixed.next.pools, ["blue", "green"]);
    assert!(fixed.next.pull_secrets.is_empty() && fixed.living.is_empty());
    assert_eq!(fixed.service_account, "");
}

#[test]
fn a_pod_of_its_own_keeps_its_list_and_its_place() {
    let mut own = pod("tool", None, "n2", "t:1");
    own["spec"]["imagePullSecrets"] = json!([{ "name": "own" }]);
    let mut pending = pod("pending", None, "", "t:1");
    pending["spec"]["nodeSelector"] = json!({ "kubernetes.io/os": "linux" });
    let annotations = json!({ "eks.amazonaws.com/ecr-role-arn": "role" });
    let workloads = Shop {
        accounts: vec![json!({ "metadata": { "name": "default", "annotations": annotations },
                               "imagePullSecrets": [{ "name": "new" }] })],
        pods: vec![own, pending],
        ..Shop::default()
    }
    .workloads();
    assert_eq!(workloads[1].name, "tool");
    assert_eq!(workloads[1].next.pull_secrets, ["own"]);
    assert_eq!(workloads[1].next.pools, ["green"]);
    assert_eq!(workloads[1].service_account_annotations["eks.amazonaws.com/ecr-role-arn"], "role");
    assert!(workloads[1].living.is_empty());
    assert_eq!(workloads[0].next.pools, ["blue", "green"]);
    assert!(workloads[0].pods.is_empty());
}

#[test]
fn a_template_that_names_its_node_lands_there_only() {
    let mut fixed = templated("web", "a:1");
    fixed["spec"]["template"]["spec"]["nodeName"] = json!("n2");
    let workloads = Shop { objects: vec![("Deployment", fixed)], ..Shop::default() }.workloads();
    assert_eq!(workloads[0].next.pools, ["green"]);
}

#[test]
fn a_daemon_set_must_run_on_every_pool() {
    let workloads = Shop { objects: vec![("DaemonSet", templated("agent", "a"))], ..Shop::default() }.workloads();
    assert!(workloads[0].every_pool);
    assert_eq!(workloads[0].next.pools, ["blue", "green"]);
}

#[test]
fn a_selector_looks_at_the_workload_and_takes_its_pods_along() {
    let labelled = |mut object: Value, labels: Value| {
        object["metadata"]["labels"] = labels;
        object
    };
    let objects = |listed: Vec<&'static str>| Shop {
        selector: Some("team=a"),
        listed,
        owners: vec![meta("web-1", DEPLOYMENT), meta("db-1", Some(("apps/v1", "Deployment", "db")))],
        objects: vec![
            ("Deployment", labelled(templated("web", "a:1"), json!({ "team": "a" }))),
            ("Job", labelled(templated("mine", "j"), json!({ "team": "a" }))),
            ("Job", templated("theirs", "j")),
        ],
        pods: vec![
            pod("web-1-a", REPLICA_SET, "n1", "a:1"),
            labelled(pod("db-1-a", Some(("apps/v1", "ReplicaSet", "db-1")), "n1", "d:1"), json!({ "team": "a" })),
            labelled(pod("alone", None, "n1", "x"), json!({ "team": "a" })),
            pod("stranger", None, "n1", "x"),
        ],
        ..Shop::default()
    };
    let workloads = objects(vec!["Deployment", "Job"]).workloads();
    assert_eq!(names(&workloads), ["Deployment web", "Job mine", "Pod alone"]);
    assert_eq!(workloads[0].pods.len(), 1, "its pods need not carry the label");
    let unlisted = objects(vec!["Job"]).workloads();
    assert_eq!(names(&unlisted), ["Deployment db", "Deployment web", "Job mine", "Pod alone"]);
}

#[test]
fn adding_everything_twice_changes_nothing() {
    let objects = |times: usize| Shop {
        owners: std::iter::repeat_n(meta("web-1", DEPLOYMENT), times).collect(),
        objects: std::iter::repeat_n(("Deployment", templated("web", "a:1")), times).collect(),
        pods: std::iter::repeat_n(pod("web-1-a", REPLICA_SET, "n1", "a:1"), times).collect(),
        ..Shop::default()
    };
    assert_eq!(objects(1).workloads(), objects(2).workloads());
}

#[test]
fn the_place_of_a_pod_is_unknown_where_its_node_is() {
    let pod = |name: &str, node: &str| {
        json!({ "metadata": meta(name, None),
            "spec": { "nodeName": node, "containers": [{ "name": "app", "image": "i" }] } })
    };
    let shop = |nodes_unread| Shop {
        pods: vec![pod("on", "n1"), pod("lost", "n9"), pod("waits", "")],
        nodes_unread,
        ..Shop::default()
    };
    let places = |workloads: Vec<Workload>| -> Vec<(String, usize, Option<String>)> {
        let place =
            |one: Workload| (one.name, one.next.pools.len(), one.next.place_unknown.map(|open| open.to_string()));
        workloads.into_iter().map(place).collect()
    };
    let unknown = "which pool the node n9 belongs to".to_owned();
    assert_eq!(
        places(shop(None).workloads()),
        [("lost".into(), 2, Some(unknown)), ("on".into(), 1, None), ("waits".into(), 2, None)]
    );
    let open = Open::unread("nodes", "list nodes", "c", pullaudit_core::Obstacle::Refused);
    let said = Some(open.to_string());
    assert_eq!(
        places(shop(Some(open)).workloads()),
        [("lost".into(), 2, said.clone()), ("on".into(), 2, said), ("waits".into(), 2, None)],
        "a pod without a node can land on each of them"
    );
}
