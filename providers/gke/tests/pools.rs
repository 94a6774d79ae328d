//! Which account pulls on which pool, with which scopes, and what a pod there tries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{
    Attempt, ClusterRecord, ClusterView, Credential, Discovered, ImageRef, Keyring, NodeView, Obstacle, Open,
    PodCredentials, Pool, Read,
};
use pullaudit_gke::cluster;
use pullaudit_gke::facts::{ClusterList, Project, cluster_table};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{IMAGE, LOGGING, NODES, PLATFORM, refused};

const COMPUTE: &str = "7-compute@developer.gserviceaccount.com";

fn project() -> Read<Project> {
    Read::Got(Project { name: "projects/7".to_owned(), project_id: "acme-run".to_owned(), ..Project::default() })
}

fn listed(
    clusters: Value,
    missing: &[&str],
    number: &Read<Project>,
) -> (Vec<Discovered>, Vec<pullaudit_core::Gap>) {
    let list: ClusterList =
        serde_json::from_value(json!({ "clusters": clusters, "missingZones": missing })).unwrap();
    cluster::discovered("acme-run", &list, number)
}

fn one(body: Value) -> Discovered {
    listed(json!([body]), &[], &project()).0.remove(0)
}

fn body(pools: Value) -> Value {
    json!({ "name": "prod", "location": "europe-west4", "endpoint": "10.0.0.1", "nodePools": pools,
            "workloadIdentityConfig": { "workloadPool": "acme-run.svc.id.goog" } })
}

fn unseen() -> Read<ClusterView> {
    Read::Unread(Open::undecidable("not asked"))
}

fn pools(body: Value) -> Vec<Pool> {
    cluster::pools(&one(body), &unseen()).0
}

fn account(pool: &Pool) -> &str {
    pool.identity.got().map_or("?", |who| who.id.as_str())
}

#[test]
fn default_and_absent_are_the_compute_account_of_the_clusters_project_by_number() {
    for config in [json!({ "serviceAccount": "default" }), json!({}), json!({ "serviceAccount": null })] {
        assert_eq!(account(&pools(body(json!([{ "name": "a", "config": config }])))[0]), COMPUTE);
    }
    assert_eq!(account(&pools(body(json!([{ "name": "a", "config": { "serviceAccount": NODES } }])))[0]), NODES);
}

#[test]
fn an_unread_project_leaves_only_the_default_account_unknown() {
    let unread =
        Read::Unread(Open::unread("project acme-run", "resourcemanager.projects.get", "x", Obstacle::Refused));
    let pools = |config: Value| {
        let found = listed(json!([body(json!([{ "name": "a", "config": config }]))]), &[], &unread).0.remove(0);
        cluster::pools(&found, &unseen()).0.remove(0)
    };
    assert_eq!(account(&pools(json!({ "serviceAccount": NODES }))), NODES);
    let open = pools(json!({})).identity.open().unwrap().to_string();
    assert!(open.contains("resourcemanager.projects.get"), "{open}");
}

#[test]
fn autopilot_and_auto_provisioning_defaults_are_a_pool_of_their_own() {
    let with = |autopilot: bool, nap: bool, defaults: Value| {
        let mut body =
            body(json!([{ "name": "old", "config": { "serviceAccount": NODES, "oauthScopes": [PLATFORM] } }]));
        body["autopilot"] = json!({ "enabled": autopilot });
        body["autoscaling"] =
            json!({ "enableNodeAutoprovisioning": nap, "autoprovisioningNodePoolDefaults": defaults });
        pools(body)
    };
    let defaults = json!({ "serviceAccount": "new@acme-run.iam.gserviceaccount.com", "oauthScopes": [LOGGING] });
    for (autopilot, nap) in [(true, false), (false, true), (true, true)] {
        let pools = with(autopilot, nap, defaults.clone());
        assert_eq!(pools.len(), 2);
        // The pool that exists keeps its account, whatever the default is now.
        assert_eq!((account(&pools[0]), account(&pools[1])), (NODES, "new@acme-run.iam.gserviceaccount.com"));
        assert_eq!(
            (pools[1].name.as_str(), pools[1].vantage.scopes.clone()),
            ("(new nodes)", Some(vec![LOGGING.to_owned()]))
        );
    }
    assert_eq!(with(false, false, defaults).len(), 1);
    // Without defaults the account is the default one, and the scopes are not known.
    let pools = with(true, false, json!(null));
    assert_eq!((account(&pools[1]), pools[1].vantage.scopes.clone()), (COMPUTE, None));
}

#[test]
fn autopilot_without_node_pools_has_its_new_nodes() {
    let mut cluster = body(json!(null));
    cluster["autopilot"] = json!({ "enabled": true });
    assert_eq!(pools(cluster).len(), 1);
}

/// A view that shows these objects of a kind.
fn seen(objects: Read<Value>) -> Read<ClusterView> {
    let kept = |object: &Value| {
        let keep = cluster::COMPUTE_CLASSES.keep.iter();
        keep.filter_map(|field| Some(((*field).to_owned(), object.pointer(field)?.clone()))).collect()
    };
    let objects = objects.map(|list| list.as_array().unwrap().iter().map(kept).collect());
    Read::Got(ClusterView {
        nodes: Read::Got(Vec::new()),
        config_maps: BTreeMap::new(),
        objects: [(cluster::COMPUTE_CLASSES.key(), objects)].into(),
    })
}

#[test]
fn compute_classes_make_pools_without_auto_provisioning() {
    let class = |name: &str, spec: Value| json!({ "metadata": { "name": name }, "spec": spec });
    let classes = json!([
        class(
            "own",
            json!({ "nodePoolAutoCreation": { "enabled": true }, "nodePoolConfig": { "serviceAccount": NODES } })
        ),
        class("plain", json!({ "nodePoolAutoCreation": { "enabled": true } })),
        class("by-hand", json!({ "nodePoolConfig": { "serviceAccount": NODES } })),
    ]);
    let of = |scaling: Value| {
        let mut body = body(json!([]));
        body["autoscaling"] = scaling;
        let (pools, gaps) = cluster::pools(&one(body), &seen(Read::Got(classes.clone())));
        assert!(gaps.is_empty());
        pools.iter().map(|pool| (pool.name.clone(), account(pool).to_owned())).collect::<Vec<_>>()
    };
    let named = |name: &str, account: &str| (name.to_owned(), account.to_owned());
    let own = named("(new nodes of own)", NODES);
    assert_eq!(of(json!({})), [own.clone(), named("(new nodes of plain)", COMPUTE)]);
    // Where auto-provisioning makes pools for all, only what differs is one more.
    assert_eq!(of(json!({ "enableNodeAutoprovisioning": true })), [named("(new nodes)", COMPUTE), own]);
}

#[test]
fn unlisted_compute_classes_are_a_gap() {
    let found = one(body(json!([])));
    let (pools, gaps) = cluster::pools(&found, &seen(refused("computeclasses")));
    assert_eq!((pools.len(), gaps.len()), (0, 1));
    assert!(cluster::pools(&found, &seen(Read::Absent)).1.is_empty());
    assert!(cluster::pools(&found, &unseen()).1.is_empty());
}

#[test]
fn a_pool_without_config_has_no_account() {
    let all = pools(body(json!([{ "name": "a" }])));
    assert!(matches!(&all[0].identity, Read::Unread(_)), "{:?}", all[0].identity);
}

#[test]
fn a_pool_without_a_name_is_a_gap() {
    let found = one(body(json!([{ "name": "a", "config": {} }, { "config": {} }])));
    let (pools, gaps) = cluster::pools(&found, &unseen());
    assert_eq!(pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>(), ["a", "(unlisted)"]);
    assert!(gaps[0].open.to_string().contains("a node pool without a name"), "{gaps:?}");
}

#[test]
fn a_pool_with_no_node_is_there() {
    let pools = pools(body(json!([{ "name": "idle", "initialNodeCount": 0, "config": {} }])));
    assert_eq!((pools[0].name.as_str(), pools[0].shape.nodes), ("idle", 0));
    // A pool without scopes has none: that is known.
    assert_eq!(pools[0].vantage.scopes, Some(Vec::new()));
}

#[test]
fn zones_that_are_missing_make_the_list_incomplete() {
    let (found, gaps) = listed(json!([body(json!([]))]), &["europe-west4-a"], &project());
    assert_eq!((found.len(), gaps.len()), (1, 1));
    assert!(gaps[0].open.to_string().contains("europe-west4-a"), "{}", gaps[0].open);
}

#[test]
fn one_name_in_two_locations_is_two_clusters() {
    let at = |location: &str| json!({ "name": "prod", "location": location });
    let (found, _) = listed(json!([at("europe-west4"), at("europe-west4-a")]), &[], &project());
    let ids: Vec<&str> = found.iter().map(|one| one.cluster.id.0.as_str()).collect();
    assert_eq!(
        ids,
        [
            "projects/acme-run/locations/europe-west4-a/clusters/prod",
            "projects/acme-run/locations/europe-west4/clusters/prod",
        ]
        .map(str::to_owned)
        .iter()
        .map(String::as_str)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn a_cluster_that_can_not_be_read_is_a_gap_and_an_unread_one_has_a_pool_of_unknown_identity() {
    let (found, gaps) = listed(json!([{ "name": 3 }, {}]), &[], &project());
    assert_eq!((found.len(), gaps.len()), (0, 2));
    let mut found = one(body(json!([])));
    found.readings.put(cluster_table::CLUSTER, "", refused("cluster"));
    let (pools, gaps) = cluster::pools(&found, &unseen());
    assert_eq!((pools[0].name.as_str(), gaps.len()), ("(unlisted)", 1));
}

#[test]
fn nodes_are_claimed_by_the_label_of_their_pool_and_others_are_unlisted() {
    let node = |pool: &str| NodeView {
        labels: BTreeMap::from([("cloud.google.com/gke-nodepool".to_owned(), pool.to_owned())]),
        ..NodeView::default()
    };
    let view = ClusterView {
        nodes: Read::Got(vec![node("a"), node("a"), node("gone")]),
        config_maps: BTreeMap::new(),
        objects: BTreeMap::new(),
    };
    let taints = json!([{ "key": "k", "value": "v", "effect": "NO_SCHEDULE" }]);
    let found = one(body(json!([{ "name": "a", "config": { "taints": taints, "imageType": "COS_CONTAINERD" } }])));
    let (pools, _) = cluster::pools(&found, &Read::Got(view));
    assert_eq!((pools[0].shape.nodes, pools[0].shape.taints[0].effect.as_str()), (2, "NoSchedule"));
    assert_eq!((pools[1].name.as_str(), pools[1].shape.nodes), ("(unlisted)", 1));
}

#[test]
fn image_streaming_needs_one_right_more_and_says_so() {
    let found = one(body(
        json!([{ "name": "fast", "config": { "serviceAccount": NODES, "gcfsConfig": { "enabled": true } } }, { "name": "plain", "config": {} }]),
    ));
    let (pools, _) = cluster::pools(&found, &unseen());
    let record = ClusterRecord {
        cluster: found.cluster,
        reachable: true,
        context: None,
        pools,
        hidden: vec![],
        lookalikes: vec![],
    };
    let notices = cluster::notices(&record);
    assert_eq!((notices.len(), notices[0].code), (1, "image-streaming-right"));
    assert!(notices[0].message.contains("serviceusage.services.use") && notices[0].message.contains(NODES));
}

#[test]
fn the_agents_of_google_are_no_identity_of_the_nodes() {
    let ids: Vec<String> = cluster::lookalikes(&one(body(json!([])))).into_iter().map(|one| one.id).collect();
    assert!(ids.contains(&"service-7@container-engine-robot.iam.gserviceaccount.com".to_owned()), "{ids:?}");
}

/// Labels can be edited; where a machine stands in the cloud can not.
#[test]
fn a_machine_is_of_the_pool_whose_group_made_it_whatever_its_labels_say() {
    let url = |project: &str, name: &str| {
        format!(
            "https://www.googleapis.com/compute/v1/projects/{project}/zones/europe-west4-a/instanceGroupManagers/{name}"
        )
    };
    let pool = |name: &str| {
        json!({ "name": name, "config": { "serviceAccount": format!("{name}@acme-run.iam.gserviceaccount.com") },
            "instanceGroupUrls": [url("acme-run", &format!("gke-prod-{name}-1a2b3c4d-grp"))] })
    };
    let node = |name: &str, place: &str, label: Option<&str>| NodeView {
        name: name.to_owned(),
        provider_id: format!("gce://{place}"),
        labels: label
            .map(|pool| ("cloud.google.com/gke-nodepool".to_owned(), pool.to_owned()))
            .into_iter()
            .collect(),
        ..NodeView::default()
    };
    let nodes = vec![
        node("edited", "acme-run/europe-west4-a/gke-prod-a-1a2b3c4d-x1y2", Some("b")),
        node("bare", "acme-run/europe-west4-a/gke-prod-b-1a2b3c4d-x1y2", None),
        node("elsewhere", "other/europe-west4-a/gke-prod-a-1a2b3c4d-x1y2", Some("b")),
        node("zone", "acme-run/europe-west4-b/gke-prod-a-1a2b3c4d-x1y2", Some("b")),
        node("unplaced", "", Some("a")),
        node("nobody", "acme-run/europe-west4-a/gke-prod-c-1a2b3c4d-x1y2", None),
    ];
    let view = ClusterView { nodes: Read::Got(nodes), config_maps: BTreeMap::new(), objects: BTreeMap::new() };
    let (pools, _) = cluster::pools(&one(body(json!([pool("a"), pool("b")]))), &Read::Got(view));
    let told: Vec<(&str, u32, Vec<&str>)> = pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.shape.nodes, pool.nodes.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(told, [("a", 2, vec!["edited"]), ("b", 3, vec!["bare"]), ("(unlisted)", 1, vec![])]);
}

fn tried(pod: &PodCredentials, image: &str, configured: Option<bool>) -> Keyring {
    let pool =
        pools(body(json!([{ "name": "a", "config": { "serviceAccount": NODES, "oauthScopes": [PLATFORM] } }])))
            .remove(0);
    let configured = configured.map(|on| ("prod".to_owned(), on)).into_iter().collect();
    cluster::keyring(&pool, pod, &ImageRef::parse(image).unwrap(), &configured)
}

fn ids(keyring: &Keyring) -> Vec<String> {
    let name = |attempt: &Attempt| match &attempt.credential {
        Credential::Principal(who) => who.id.clone(),
        Credential::Anonymous => "anonymous".to_owned(),
        other => format!("{other:?}"),
    };
    match keyring {
        Keyring::Attempts(attempts) => attempts.iter().map(name).collect(),
        other => panic!("{other:?}"),
    }
}

fn annotated(value: &str) -> PodCredentials {
    PodCredentials {
        namespace: "web".to_owned(),
        service_account: "api".to_owned(),
        annotations: BTreeMap::from([("iam.gke.io/enable-wi-image-pull".to_owned(), value.to_owned())]),
        ..PodCredentials::default()
    }
}

#[test]
fn the_node_pulls_as_its_account_where_the_plugin_answers() {
    let pod = PodCredentials::default();
    assert_eq!(ids(&tried(&pod, IMAGE, None)), [NODES]);
    assert_eq!(ids(&tried(&pod, "gcr.io/acme/web", None)), [NODES]);
    // One label too deep for the plugin's pattern: the node comes as nobody.
    assert_eq!(ids(&tried(&pod, "us.docker.pkg.dev/acme/apps/web", None)), ["anonymous"]);
    assert_eq!(ids(&tried(&pod, "docker.io/library/redis", None)), ["anonymous"]);
}

#[test]
fn workload_identity_alone_changes_nothing_and_the_annotation_makes_two_cases() {
    let ksa = "principal://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/acme-run.svc.id.goog/subject/ns/web/sa/api";
    assert_eq!(ids(&tried(&annotated("false"), IMAGE, None)), [NODES]);
    let Keyring::OneOf { cases, .. } = tried(&annotated("true"), IMAGE, None) else { panic!() };
    assert_eq!((ids(&cases[0]), ids(&cases[1])), (vec![ksa.to_owned()], vec![NODES.to_owned()]));
    // Configured, there is no fallback to the node; not configured, the annotation is passed over.
    assert_eq!(ids(&tried(&annotated("true"), IMAGE, Some(true))), [ksa]);
    assert_eq!(ids(&tried(&annotated("true"), IMAGE, Some(false))), [NODES]);
    // Nobody could read what the account says.
    let open = Open::undecidable("annotations");
    let unread = PodCredentials { account_unread: Some(open.clone()), ..PodCredentials::default() };
    for configured in [None, Some(true)] {
        let Keyring::OneOf { why, cases } = tried(&unread, IMAGE, configured) else { panic!() };
        assert_eq!((why, ids(&cases[1])), (open.clone(), vec![NODES.to_owned()]));
        assert!(ids(&cases[0])[0].starts_with("Unidentified"), "{cases:?}");
    }
    assert_eq!(ids(&tried(&unread, IMAGE, Some(false))), [NODES]);
    assert_eq!(ids(&tried(&unread, "docker.io/library/redis", None)), ["anonymous"]);
    let mut fixed = annotated("true");
    fixed.static_pod = true;
    assert_eq!(ids(&tried(&fixed, IMAGE, Some(true))), [NODES]);
}

#[test]
fn scopes_that_are_not_known_leave_the_attempt_open() {
    let mut cluster = body(json!([]));
    cluster["autopilot"] = json!({ "enabled": true });
    let pool = pools(cluster).remove(0);
    let keyring =
        cluster::keyring(&pool, &PodCredentials::default(), &ImageRef::parse(IMAGE).unwrap(), &BTreeMap::new());
    let Keyring::Attempts(attempts) = keyring else { panic!() };
    assert!(attempts[0].maybe.as_ref().unwrap().to_string().contains("scopes"));
}

#[test]
fn identities_are_e_mails_of_service_accounts_and_federated_ones() {
    assert_eq!(cluster::principal(&NODES.to_uppercase()).unwrap().id, NODES);
    assert_eq!(cluster::principal(&format!("serviceAccount:{NODES}")).unwrap().id, NODES);
    for who in [
        "someone@acme.example",
        "7c1e0000-0000-4000-8000-0000000090ab",
        "prod",
        "a@evilgserviceaccount.com",
        "@x.iam.gserviceaccount.com",
    ] {
        assert_eq!(cluster::principal(who), None, "{who}");
    }
    let of = |email: &str| cluster::account_project(email);
    assert_eq!(of(NODES).as_deref(), Some("acme-run"));
    assert_eq!(of(COMPUTE).as_deref(), Some("7"));
    assert_eq!(of("a@web.example.com.iam.gserviceaccount.com").as_deref(), Some("example.com:web"));
    assert_eq!(of("service-7@gcp-sa-artifactregistry.iam.gserviceaccount.com"), None);
    assert_eq!(of("service-7@container-engine-robot.iam.gserviceaccount.com"), None);
    assert_eq!(of("service-web@acme-run.iam.gserviceaccount.com").as_deref(), Some("acme-run"));
}
