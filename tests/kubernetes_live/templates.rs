//! Custom kinds that hold a pod template, on a real API server.

use crate::fixture::{bind, count, find, names, observe, of, owned, pod, spec, through, without, workload};
use crate::servers;
use crate::servers::kubernetes::{ADMIN, AUDITOR, Kubernetes, NOBODY};
use crate::servers::need;
use crate::servers::proxy::Proxy;
use pullaudit::kubernetes::live::{Observed, Select};
use pullaudit::kubernetes::rights::cluster_role;
use serde_json::{Value, json};

const NS: &str = "shop";

/// Schemas as the projects write theirs: whole, with the template left open, and closed.
fn define(server: &Kubernetes) {
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let list = json!({ "type": "array", "items": open });
    let pod = json!({ "type": "object", "properties": { "containers": list, "imagePullSecrets": list } });
    let template = json!({ "type": "object", "properties": { "metadata": open, "spec": pod } });
    let with = |fields: Value| json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": fields } } });
    let reference =
        json!({ "type": "object", "properties": { "kind": { "type": "string" }, "name": { "type": "string" } } });
    let whole = with(json!({ "replicas": { "type": "integer" }, "template": template, "workloadRef": reference }));
    for (group, version, kind, plural, schema) in [
        ("argoproj.io", "v1alpha1", "Rollout", "rollouts", whole.clone()),
        ("serving.knative.dev", "v1", "Service", "services", whole.clone()),
        ("serving.knative.dev", "v1", "Configuration", "configurations", whole),
        ("serving.knative.dev", "v1", "Revision", "revisions", with(json!({ "containers": list }))),
        ("apps.kruise.io", "v1beta1", "StatefulSet", "statefulsets", with(json!({ "template": open }))),
        ("apps.kruise.io", "v1alpha1", "CloneSet", "clonesets", with(json!({ "template": open }))),
        ("apps.kruise.io", "v1alpha1", "DaemonSet", "daemonsets", with(json!({ "template": open }))),
        (
            "monitoring.coreos.com",
            "v1",
            "Prometheus",
            "prometheuses",
            with(json!({ "image": { "type": "string" } })),
        ),
        // A template too, and none of pods.
        ("bitnami.com", "v1alpha1", "SealedSecret", "sealedsecrets", with(json!({ "template": open }))),
        ("example.test", "v1", "Machine", "machines", open.clone()),
        ("example.test", "v1", "Robot", "robots", open.clone()),
    ] {
        server.define(group, version, kind, plural, "Namespaced", &schema);
    }
}

fn object(api: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name, "namespace": NS }, "spec": spec })
}

fn templated(api: &str, kind: &str, name: &str, image: &str) -> Value {
    object(api, kind, name, &json!({ "template": { "spec": spec(image) } }))
}

fn built_in(kind: &str, name: &str, image: &str) -> Value {
    without(workload("apps/v1", kind, NS, name, image), &["serviceName"])
}

/// One of each: at zero replicas, with pods, and with the API server's own kinds between.
fn fill(server: &Kubernetes) {
    server.namespace(NS);
    let (argo, knative) = ("argoproj.io/v1alpha1", "serving.knative.dev/v1");
    server.apply(&templated(argo, "Rollout", "asleep", "x/asleep:1"));
    server.apply(&built_in("Deployment", "referred", "x/referred:2"));
    let referring = json!({ "workloadRef": { "kind": "Deployment", "name": "referred" } });
    let referring = server.apply(&object(argo, "Rollout", "referring", &referring));
    let set = server.apply(&owned(built_in("ReplicaSet", "referring-1", "x/referred:2"), &referring));
    server.apply(&pod(NS, "referring-1-a", Some(&set), "n1", "x/referred:2"));

    let service = server.apply(&templated(knative, "Service", "web", "x/web:1"));
    let configuration = owned(templated(knative, "Configuration", "web", "x/web:1"), &service);
    let configuration = server.apply(&configuration);
    let revision = object(knative, "Revision", "web-1", &spec("x/web:1"));
    let revision = server.apply(&owned(revision, &configuration));
    let deployment = built_in("Deployment", "web-1-deployment", "x/web@sha256:1");
    let deployment = server.apply(&owned(deployment, &revision));
    let set = server.apply(&owned(built_in("ReplicaSet", "web-1-deployment-1", "x/web@sha256:1"), &deployment));
    server.apply(&pod(NS, "web-1-a", Some(&set), "n1", "x/web@sha256:1"));

    let advanced = server.apply(&templated("apps.kruise.io/v1beta1", "StatefulSet", "db", "x/advanced:1"));
    server.apply(&pod(NS, "db-0", Some(&advanced), "n2", "x/advanced:0"));
    server.apply(&workload("apps/v1", "StatefulSet", NS, "db", "x/plain:1"));

    let prometheus =
        server.apply(&object("monitoring.coreos.com/v1", "Prometheus", "main", &json!({ "image": "x/p:1" })));
    server.apply(&owned(workload("apps/v1", "StatefulSet", NS, "prometheus-main", "x/p:1"), &prometheus));

    let machine = server.apply(&templated("example.test/v1", "Machine", "open", "x/machine:2"));
    server.apply(&pod(NS, "machine-a", Some(&machine), "n1", "x/machine:1"));
    server.apply(&templated("example.test/v1", "Machine", "open-asleep", "x/machine:3"));
    let sealed = json!({ "template": { "type": "Opaque", "metadata": { "name": "s" } } });
    server.apply(&object("bitnami.com/v1alpha1", "SealedSecret", "s", &sealed));
    let robot = server.apply(&object("example.test/v1", "Robot", "r2", &json!({ "template": "none of pods" })));
    server.apply(&pod(NS, "robot-a", Some(&robot), "n1", "x/robot:1"));
}

fn read(server: &Kubernetes, proxy: &Proxy, user: &str, select: &Select) -> Observed {
    proxy.reset();
    server.block_on(async { observe(&through(server, proxy, user).await, select).await }).0
}

fn images(observed: &Observed, name: &str) -> Vec<String> {
    find(observed, name).containers.iter().map(|container| container.image.clone()).collect()
}

fn allow_all_but_definitions(server: &Kubernetes, user: &str) {
    let own = ["pods", "serviceaccounts", "podtemplates", "replicationcontrollers"];
    let customs = ["argoproj.io", "serving.knative.dev", "apps.kruise.io", "example.test"];
    let rules = json!([
        { "apiGroups": [""], "resources": own, "verbs": ["list"] },
        { "apiGroups": ["apps", "batch"], "resources": ["*"], "verbs": ["list", "get"] },
        { "apiGroups": customs, "resources": ["*"], "verbs": ["list"] },
    ]);
    bind(server, user, &rules);
}

/// Custom kinds that `permissions` prints.
fn printed_kinds() -> Vec<(String, Vec<String>)> {
    let role: Value = serde_saphyr::from_str(&cluster_role("any", false, &[])).unwrap();
    let rule = |rule: &Value| -> (String, Vec<String>) {
        (
            rule["apiGroups"][0].as_str().unwrap().to_owned(),
            serde_json::from_value(rule["resources"].clone()).unwrap(),
        )
    };
    let own = |group: &str| !group.contains('.') || group.ends_with(".k8s.io");
    role["rules"].as_array().unwrap().iter().map(rule).filter(|(group, _)| !own(group)).collect()
}

#[test]
fn custom_kinds_with_a_template_are_workloads_each_once() {
    let Some(server) = need(servers::kubernetes::start(), "custom templates") else { return };
    let proxy = server.proxy();
    // A cluster without custom kinds costs the one call that says so.
    server.namespace("empty");
    read(&server, &proxy, AUDITOR, &of("empty"));
    assert_eq!(count(&proxy, "list customresourcedefinitions"), 1);
    let plain = proxy.calls().len();

    define(&server);
    fill(&server);
    let whole = read(&server, &proxy, ADMIN, &of(NS));
    assert_eq!(whole.gaps, []);
    let once = [
        "Deployment referred",
        "Machine open",
        "Machine open-asleep",
        "Robot r2",
        "Rollout asleep",
        "Service web",
        "StatefulSet db",
        "StatefulSet.apps.kruise.io db",
        "StatefulSet prometheus-main",
    ];
    assert_eq!(names(&whole.workloads), once);
    let pods_only: Vec<_> = whole.workloads.iter().filter(|one| one.pods_only).map(|one| &one.name).collect();
    assert_eq!(pods_only, ["r2"]);
    assert_eq!(images(&whole, "asleep"), ["x/asleep:1"], "at zero replicas its template is the only witness");
    assert_eq!(images(&whole, "web"), ["x/web:1", "x/web@sha256:1"], "with what its revisions run");
    assert_eq!(images(&whole, "open"), ["x/machine:2", "x/machine:1"]);
    // Definitions once, kinds with a template of pods once each, a look at those with a template of anything and at the
    // open kinds that own pods, the owners of revisions; nothing of kinds without room for a template.
    let customs: Vec<String> = proxy.calls().iter().map(|one| one.call.operation.clone()).collect();
    let custom = |plural: &str| customs.iter().filter(|one| **one == format!("list {plural}")).count();
    assert_eq!(
        ["rollouts", "services", "configurations", "revisions", "machines", "robots", "prometheuses"].map(custom),
        [1, 1, 1, 2, 2, 1, 0]
    );
    assert_eq!(custom("statefulsets"), 3, "the API server's, a look at the custom one, and that");
    assert_eq!(custom("sealedsecrets"), 1);
    assert_eq!(customs.len(), plain + 13, "{customs:?}");

    // With what `permissions` prints, the known kinds are read alike, and the others are gaps that name the right.
    let printed = read(&server, &proxy, AUDITOR, &of(NS));
    let gaps: Vec<_> = printed.gaps.iter().map(|gap| gap.open.to_string()).collect();
    let needs = |plural: &str| format!("{plural} in namespace shop: needs list {plural}.example.test in shop");
    assert_eq!(gaps, [needs("machines"), needs("robots")]);
    for (group, plurals) in printed_kinds() {
        for plural in plurals {
            let used = |call: &str| {
                call.starts_with(&format!("list {plural} ")) && call.contains(&format!("group={group} "))
            };
            assert!(
                proxy.calls().iter().any(|one| used(one.call.key().trim_start_matches("kubernetes:"))),
                "{plural}.{group}"
            );
        }
    }
    let without = |names: Vec<String>| -> Vec<String> {
        names.into_iter().filter(|name| name != "Machine open-asleep").collect()
    };
    assert_eq!(names(&printed.workloads), without(names(&whole.workloads)));

    // Without the right on definitions, what owns something is found all the same.
    allow_all_but_definitions(&server, NOBODY);
    let blind = read(&server, &proxy, NOBODY, &of(NS));
    let gaps: Vec<_> = blind.gaps.iter().map(|gap| format!("{}: {}", gap.open, gap.message)).collect();
    assert_eq!(
        gaps,
        [
            "customresourcedefinitions: needs list customresourcedefinitions.apiextensions.k8s.io in shop: custom kinds \
          that hold a pod template and own nothing now are missing"
        ]
    );
    assert_eq!(names(&blind.workloads), once);

    // The selector is that of the workload, and takes its pods along.
    let labelled = Select { labels: Some("team=pay".parse().unwrap()), ..of(NS) };
    assert_eq!(names(&read(&server, &proxy, ADMIN, &labelled).workloads), Vec::<String>::new());
}
