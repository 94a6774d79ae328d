//! Workloads from manifests, good and broken.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

use proptest::prelude::*;
use pullaudit::kubernetes::manifests::{ManifestError, Manifests, read, read_text};
use pullaudit_core::{ClusterId, Pool, Read, Shape};
use std::fmt::Write as _;
use std::path::PathBuf;

fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n      - name: app\n        image: example.test/{name}:1\n"
    )
}

fn names(read: &Manifests) -> Vec<String> {
    read.workloads
        .iter()
        .map(|found| format!("{} {}/{}", found.workload.kind, found.workload.namespace, found.workload.name))
        .collect()
}

fn problems(read: &Manifests) -> Vec<String> {
    read.problems.iter().map(ToString::to_string).collect()
}

fn origins(read: &Manifests) -> Vec<&str> {
    read.workloads.iter().map(|found| found.workload.origin.as_deref().unwrap()).collect()
}

/// Kinds as their projects write them: a step, a runtime, a pull job, an operator's object.
#[test]
fn an_image_that_stands_in_no_pod_template_is_not_passed_over_in_silence() {
    let kinds = [
        ("tekton.dev/v1", "Task", "steps: [{name: build, image: x}]", "spec.steps[0].image"),
        (
            "serving.kserve.io/v1alpha1",
            "ServingRuntime",
            "containers: [{name: a}, {image: x}]",
            "spec.containers[1].image",
        ),
        ("apps.kruise.io/v1alpha1", "ImagePullJob", "image: x", "spec.image"),
        ("monitoring.coreos.com/v1", "Prometheus", "{nested: [[{image: x}]]}", "spec.nested[0][0].image"),
    ];
    let head =
        |version: &str, kind: &str| format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
    for (version, kind, spec, key) in kinds {
        let spec = spec.strip_prefix('{').map_or_else(|| format!("{{{spec}}}"), |rest| format!("{{{rest}"));
        let read = read_text("a.yaml", &format!("{}spec: {spec}\n", head(version, kind)));
        let expected = format!(
            "a.yaml:5 (document 1): {key}: an image that is not judged, as it stands in no pod template of a {kind}: ask \
             pullaudit can-pull about it"
        );
        assert_eq!(problems(&read), [expected]);
        assert!(read.workloads.is_empty());
    }
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    for (version, kind, spec) in [
        ("networking.k8s.io/v1", "Ingress", "{image: x}"),
        ("v1", "Service", "{image: x}"),
        ("example.test/v1", "Picture", "{image: {url: x}, icon: '', image2: x}"),
        ("example.test/v1", "Deep", &deep),
    ] {
        let read = read_text("a.yaml", &format!("{}spec: {spec}\n", head(version, kind)));
        assert_eq!(problems(&read), [""; 0], "{kind}");
    }
}

#[test]
fn every_kind_with_a_template_is_taken_and_the_others_are_passed_over() {
    let template = "{spec: {containers: [{name: c, image: x}]}}";
    let mut text = String::new();
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"]
    {
        write!(
            text,
            "---\nkind: {kind}\nmetadata: {{name: a, namespace: shop}}\nspec: {{template: {template}}}\n"
        )
        .unwrap();
    }
    write!(
        text,
        "---\nkind: CronJob\nmetadata: {{name: a}}\nspec: {{jobTemplate: {{spec: {{template: {template}}}}}}}\n"
    )
    .unwrap();
    write!(text, "---\nkind: PodTemplate\nmetadata: {{name: a}}\ntemplate: {template}\n").unwrap();
    text += "---\nkind: Pod\nmetadata: {generateName: once-}\nspec: {containers: [{name: c, image: x}]}\n";
    text += "---\nkind: ConfigMap\nmetadata: {name: a}\ndata: {containers: none}\n";
    text += "---\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {template: a text}\n";
    text += "---\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n";
    let read = read_text("all.yaml", &text);
    assert_eq!(problems(&read), [""; 0]);
    assert_eq!(
        names(&read),
        [
            "Deployment shop/a",
            "StatefulSet shop/a",
            "DaemonSet shop/a",
            "ReplicaSet shop/a",
            "ReplicationController shop/a",
            "Job shop/a",
            "Rollout shop/a",
            "CronJob default/a",
            "PodTemplate default/a",
            "Pod default/once-",
        ]
    );
    assert!(read.workloads.iter().all(|found| found.workload.containers.len() == 1));
    assert!(read.workloads[2].workload.every_pool);
    assert_eq!(read.workloads[1].workload.origin.as_deref(), Some("all.yaml:6"));
}

#[test]
fn a_broken_document_names_file_document_and_line_and_the_rest_is_read() {
    let text = format!(
        "{}---\nkind: Deployment\nmetadata:\n\tname: tabs\n---\n# nothing\n---\n{}",
        deployment("a"),
        deployment("b")
    );
    let read = read_text("deploy.yaml", &text);
    assert_eq!(names(&read), ["Deployment default/a", "Deployment default/b"]);
    assert_eq!(origins(&read), ["deploy.yaml:1", "deploy.yaml:18"]);
    let problems = problems(&read);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("deploy.yaml:14 (document 2): not YAML: "), "{}", problems[0]);
}

#[test]
fn a_wrong_type_names_its_key_and_line() {
    for (wrong, line, key) in [
        (
            "kind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n    spec:\n      containers:\n      - name: ok\n        image: x\n      - name: bad\n        image: 1.20\n",
            11,
            "spec.template.spec.containers[1].image: ",
        ),
        (
            "kind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n    spec:\n      containers: none\n",
            7,
            "spec.template.spec.containers: ",
        ),
        (
            "kind: Pod\nmetadata:\n  name: a\n  labels:\n    on: true\nspec: {containers: []}\n",
            5,
            "metadata.labels.on: ",
        ),
        (
            "kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec: {nodeSelector: [a]}\n",
            5,
            "items[0].spec.nodeSelector: invalid type",
        ),
        (
            "kind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: 3\n",
            4,
            "spec: a Deployment without a pod template",
        ),
        ("metadata:\n  name: a\n", 1, "no `kind`"),
        ("kind: 3\n", 1, "no `kind`"),
        ("just text\n", 1, "no `kind`"),
    ] {
        let read = read_text("f.yaml", wrong);
        let problems = problems(&read);
        assert_eq!(problems.len(), 1, "{wrong}");
        assert!(
            problems[0].starts_with(&format!("f.yaml:{line} (document 1): {key}")),
            "{}\n{wrong}",
            problems[0]
        );
    }
}

#[test]
fn json_stands_alone_in_streams_and_in_lists() {
    let pod =
        r#"{"kind": "Pod", "metadata": {"name": "NAME"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}"#;
    let one = |name: &str| pod.replace("NAME", name);
    let read = read_text("a.json", &one("a"));
    assert_eq!(names(&read), ["Pod default/a"]);
    let stream = format!("{}\n\n{}{}\n", one("a"), one("b"), one("c"));
    let read = read_text("-", &stream);
    assert_eq!(names(&read), ["Pod default/a", "Pod default/b", "Pod default/c"]);
    assert_eq!(origins(&read), ["-:1", "-:3", "-:3"]);
    let list =
        format!(r#"{{"kind": "List", "items": [{}, {{"kind": "List", "items": [{}]}}]}}"#, one("a"), one("b"));
    assert_eq!(names(&read_text("a.json", &list)), ["Pod default/a", "Pod default/b"]);
    let implied = r#"{"kind": "PodList", "items": [{"metadata": {"name": "x"}, "spec": {"containers": []}}]}"#;
    assert_eq!(names(&read_text("a.json", implied)), ["Pod default/x"]);
}

#[test]
fn a_broken_json_document_costs_itself_only() {
    let good =
        "{\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\": [{\"image\": \"x\"}]}}";
    let text = format!("{good}\n{{\"kind\": \"Pod\",\n  oops\n}}\n{good}\n");
    let read = read_text("a.json", &text);
    assert_eq!(names(&read), ["Pod default/a", "Pod default/a"]);
    let problems = problems(&read);
    assert!(problems[0].starts_with("a.json:3 (document 2): not JSON: "), "{problems:?}");
    let cut = read_text("a.json", &good[..good.len() - 2]);
    assert_eq!((cut.workloads.len(), cut.problems.len()), (0, 1));
}

#[test]
fn a_service_account_of_the_set_gives_its_secrets_and_annotations() {
    let account = "kind: ServiceAccount\nmetadata:\n  name: default\n  annotations: {eks.amazonaws.com/ecr-role-arn: role, other: x}\nimagePullSecrets: [{name: shared}]\n";
    let mut own = deployment("own");
    own.push_str("      imagePullSecrets: [{name: own}]\n");
    let text = format!("{}---\n{own}---\n{account}", deployment("inherits"));
    let read = read_text("f.yaml", &text);
    assert_eq!(read.workloads[0].workload.next.pull_secrets, ["shared"]);
    assert_eq!(read.workloads[1].workload.next.pull_secrets, ["own"]);
    let annotations = &read.workloads[0].workload.service_account_annotations;
    assert_eq!(annotations.keys().collect::<Vec<_>>(), ["eks.amazonaws.com/ecr-role-arn"]);
}

/// The account that a namespace is made with says nothing until somebody changes it; one that a chart names is made
/// somewhere, with whatever stands in it.
#[test]
fn a_service_account_that_stands_elsewhere_is_not_taken_for_one_that_says_nothing() {
    let mut named = deployment("named");
    named.push_str("      serviceAccountName: puller\n");
    let read = read_text("f.yaml", &format!("{named}---\n{}", deployment("plain")));
    let [named, plain] = [0, 1].map(|at| &read.workloads[at].workload);
    assert_eq!(named.next.pull_secrets, ["(service account puller)"]);
    assert!(named.service_account_unread.as_ref().unwrap().to_string().contains("not among the files"));
    assert_eq!((plain.next.pull_secrets.len(), plain.service_account_unread.is_none()), (0, true));
}

/// `kubectl get all -o yaml | pullaudit audit -f -`
#[test]
fn what_was_saved_from_a_cluster_holds_each_workload_once() {
    let owned = |kind: &str, name: &str, by: (&str, &str), more: &str| {
        let (owner, of) = by;
        let spec = if kind == "Pod" {
            "{containers: [{name: c, image: x}]}"
        } else {
            "{template: {spec: {containers: [{name: c, image: x}]}}}"
        };
        format!(
            "---\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop, ownerReferences: [{{kind: {owner}, name: {of}, \
             controller: true}}]}}\nspec: {spec}\n{more}"
        )
    };
    let text = [
        "kind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: c, image: x}]}}}\n".to_owned(),
        owned("ReplicaSet", "web-1", ("Deployment", "web"), ""),
        owned("Pod", "web-1-a", ("ReplicaSet", "web-1"), ""),
        owned("Pod", "web-1-b", ("ReplicaSet", "web-1"), "").replace("name: c, image: x", "name: c, image: injected"),
        owned("Pod", "other-1-a", ("ReplicaSet", "other-1"), ""),
        owned("Pod", "ended", ("Job", "gone"), "status: {phase: Succeeded}\n"),
        owned("Job", "done", ("CronJob", "elsewhere"), "status: {conditions: [{type: Complete, status: 'True'}]}\n"),
        "---\nkind: Pod\nmetadata: {name: proxy-n1, namespace: shop, annotations: {kubernetes.io/config.mirror: a}}\n\
         spec: {serviceAccountName: elsewhere, containers: [{name: c, image: x}]}\n".to_owned(),
    ];
    let read = read_text("f.yaml", &text.concat());
    assert_eq!(
        names(&read),
        ["Deployment shop/web", "Pod shop/web-1-b", "Pod shop/other-1-a", "Pod shop/proxy-n1"]
    );
    let mirror = &read.workloads[3].workload;
    assert!(mirror.static_pod && mirror.next.pull_secrets.is_empty() && mirror.service_account_unread.is_none());
}

#[test]
fn pools_are_those_of_the_cluster_that_is_asked() {
    let cluster = ClusterId("c".into());
    let pool = |name: &str, disk: &str| Pool {
        cluster: cluster.clone(),
        name: name.into(),
        identity: Read::Absent,
        shape: Shape {
            labels: [("disk".to_owned(), [disk.to_owned()].into())].into(),
            nodes: 1,
            ..Shape::default()
        },
        node_labels: [].into(),
        nodes: [].into(),
        takes: vec![],
        takes_unread: None,
        vantage: pullaudit_core::Vantage::default(),
        federation: None,
    };
    let mut text = deployment("a");
    text.push_str("      nodeSelector: {disk: ssd}\n");
    let read = read_text("f.yaml", &text);
    assert!(read.workloads[0].workload.cluster.is_none());
    let there = read.workloads[0].on(&cluster, &[pool("a", "hdd"), pool("b", "ssd")]);
    assert_eq!(there.next.pools, ["b"]);
    assert_eq!(there.cluster, Some(cluster));
}

#[test]
fn what_a_chart_leaves_behind_says_how_to_render_it() {
    let text = format!(
        "{}---\nkind: Deployment\nmetadata:\n  name: {{{{ .Release.Name }}}}\n  {{{{- if .Values.x }}}}\nspec: {{}}\n",
        deployment("a")
    );
    let read = read_text("t.yaml", &text);
    assert_eq!(names(&read), ["Deployment default/a"]);
    assert!(problems(&read)[0].contains("helm template"), "{:?}", problems(&read));
}

#[test]
fn oddities_of_yaml_are_read_or_refused_but_never_fatal() {
    for empty in
        ["", "\n\n", "---\n---\n", "# only a comment\n", "%YAML 1.2\n---\n", "---\n...\n", "\u{feff}", "null\n"]
    {
        let read = read_text("f.yaml", empty);
        assert_eq!((read.workloads.len(), read.problems.len()), (0, 0), "{empty:?}");
    }
    let anchors = "kind: Pod\nmetadata: &m {name: a}\nspec:\n  containers:\n  - &c {name: one, image: x}\n  - <<: *c\n    name: two\n";
    let read = read_text("f.yaml", anchors);
    assert_eq!(problems(&read), [""; 0]);
    let images: Vec<_> = read.workloads[0].workload.containers.iter().map(|one| one.image.as_str()).collect();
    assert_eq!(images, ["x", "x"]);
    for broken in [
        "kind: Pod\nkind: Pod\nspec: {}\n",
        "kind: Pod\nmetadata: *nobody\n",
        "kind: Pod\nspec: {containers: [\n",
        "kind: \"Pod\nspec: {}\n",
        "kind: Pod\nmetadata: {name: !!binary a}\n@\n",
    ] {
        let read = read_text("f.yaml", &format!("{broken}---\n{}", deployment("a")));
        assert_eq!(names(&read), ["Deployment default/a"], "{broken}");
        assert_eq!(read.problems.len(), 1, "{broken}: {:?}", problems(&read));
    }
    let read = read_text("f.json", "{\"kind\": \"Service\"}\u{1d4d1}\n{\"kind\": \"Service\"}");
    assert_eq!(read.problems.len(), 1, "what follows a document need not be ASCII");
    let crlf = deployment("a").replace('\n', "\r\n");
    assert_eq!(names(&read_text("f.yaml", &format!("{crlf}---\r\n{crlf}"))).len(), 2);
}

#[test]
fn hostile_documents_are_refused_in_bounded_time() {
    let deep = format!("kind: Pod\nspec: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read_text("f.yaml", &deep).problems.len(), 1);
    let deep = format!("{{\"kind\": \"Pod\", \"spec\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read_text("f.json", &deep).problems.len(), 1);
    let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (from, to) in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].map(|pair| pair.split_at(1)) {
        let many = format!("*{from},").repeat(10);
        writeln!(laughs, "{to}: &{to} [{many}]").unwrap();
    }
    assert_eq!(read_text("f.yaml", &format!("kind: Pod\n{laughs}")).problems.len(), 1);
    let mut nested = "kind: Pod".to_owned();
    for _ in 0..50 {
        nested = format!("kind: List\nitems:\n- {}", nested.replace('\n', "\n  "));
    }
    assert_eq!(read_text("f.yaml", &nested).problems.len(), 1);
}

#[test]
fn thousands_of_mistakes_in_one_document_are_each_named() {
    let item = "- kind: Pod\n  metadata: {name: a, labels: {on: true}}\n";
    let read = read_text("f.yaml", &format!("kind: List\nitems:\n{}", item.repeat(3_000)));
    assert_eq!(read.problems.len(), 3_000);
    assert_eq!(read.problems[2_999].line, 6_002);
}

#[test]
fn ten_megabytes_are_read_whole() {
    let line = format!("    {}\n", "x".repeat(100));
    let text = format!("kind: ConfigMap\ndata:\n  big: |\n{}---\n{}", line.repeat(100_000), deployment("a"));
    assert!(text.len() > 10_000_000);
    assert_eq!(names(&read_text("big.yaml", &text)), ["Deployment default/a"]);
    let many = format!("{}---\n", deployment("a")).repeat(3_000);
    assert_eq!(read_text("many.yaml", &many).workloads.len(), 3_000);
    let item = format!("- {}", deployment("a").trim_end().replace('\n', "\n  "));
    let items = vec![item; 3_000].join("\n");
    let read = read_text("list.yaml", &format!("kind: List\nitems:\n{items}\n"));
    assert_eq!((read.workloads.len(), read.problems.len()), (3_000, 0), "{:?}", problems(&read).first());
}

#[test]
fn directories_are_walked_and_odd_files_in_them_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    put("b/deep/x.yml", deployment("x").as_bytes());
    put("a.yaml", deployment("a").as_bytes());
    put("c.json", br#"{"kind": "Pod", "metadata": {"name": "c"}, "spec": {"containers": [{"image": "x"}]}}"#);
    put("values.yaml", b"image: {tag: 1}\n");
    put("notes.txt", b"kind: Pod");
    put("latin1.yaml", b"kind: Pod\nmetadata: {name: caf\xe9}\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("b/circle")).unwrap();
    let found = read(&[folder.path().to_owned()], "default").unwrap();
    assert_eq!(names(&found), ["Deployment default/a", "Deployment default/x", "Pod default/c"]);
    let problems = problems(&found);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].ends_with("latin1.yaml:2 (document 1): not UTF-8: save the file as UTF-8"),
        "{problems:?}"
    );
    let named = read(&[folder.path().join("values.yaml")], "default").unwrap();
    assert!(named.problems[0].message.contains("no `kind`"));
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_that_names_it() {
    let gone = PathBuf::from("no/such/file.yaml");
    let error = read(std::slice::from_ref(&gone), "default").unwrap_err();
    assert!(matches!(error, ManifestError::Unreadable { .. }));
    assert!(error.to_string().starts_with("-f no/such/file.yaml: "));
    let empty = tempfile::tempdir().unwrap();
    assert!(
        read(&[empty.path().to_owned()], "default").unwrap().empty[0]
            .ends_with("no *.yaml, *.yml or *.json in it")
    );
}

proptest! {
    #[test]
    fn no_text_is_fatal(text in "(---\n|kind: (Pod|List|CronJob)\n|items:\n|- |  |spec:|metadata: |\\{|\\}|\\[|\\]|\"|:|&a|\\*a|\t|\\PC|\n){0,60}") {
        let _ = read_text("f.yaml", &text);
        let _ = read_text("f.json", &text);
    }

    #[test]
    fn a_file_cut_anywhere_keeps_the_documents_before_the_cut(at in 0_usize..1000) {
        let whole = (0..5).map(|number| deployment(&format!("d{number}"))).collect::<Vec<_>>().join("---\n");
        let cut = at % whole.len();
        let complete = whole[..cut].matches("\n---\n").count();
        let read = read_text("f.yaml", &whole[..cut]);
        prop_assert!(read.workloads.len() >= complete);
    }

    #[test]
    fn a_broken_document_takes_no_other_with_it(place in 0_usize..6, broken in prop_oneof![
        Just("kind: [\n"), Just("a: b: c\n"), Just("\tx\n"), Just("kind: Pod\nspec: 3\n"), Just("{\n"), Just("\"\n"), Just("- a\nb\n"),
    ]) {
        let mut documents: Vec<String> = (0..5).map(|number| deployment(&format!("d{number}"))).collect();
        documents.insert(place, broken.to_owned());
        let read = read_text("f.yaml", &documents.join("---\n"));
        prop_assert_eq!(read.workloads.len(), 5);
        prop_assert_eq!(read.problems.len(), 1);
        prop_assert_eq!(read.problems[0].document, place + 1);
    }
}
