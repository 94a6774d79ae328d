use super::*;
use crate::kubernetes::slim::Pod;
use pullaudit_core::{ClusterId, NodeView, Pool, Read, Workload};
use serde_json::{Value, json};

fn named(group: &str, kind: &str) -> Named {
    Named { group: group.to_owned(), kind: kind.to_owned() }
}

fn object(name: &str, owner: Option<(&str, &str, &str)>, image: Option<&str>) -> Object {
    let owners = owner.map(
        |(version, kind, name)| json!([{ "apiVersion": version, "kind": kind, "name": name, "controller": true }]),
    );
    let template = image.map(|image| json!({ "spec": { "containers": [{ "name": "app", "image": image }] } }));
    let metadata =
        json!({ "name": name, "namespace": "shop", "labels": { "app": name }, "ownerReferences": owners });
    serde_json::from_value(json!({ "metadata": metadata, "spec": { "template": template } })).unwrap()
}

fn pod(name: &str, owner: (&str, &str, &str), image: &str) -> Pod {
    let owners = json!([{ "apiVersion": owner.0, "kind": owner.1, "name": owner.2, "controller": true }]);
    let spec: Value = json!({ "containers": [{ "name": "app", "image": image }] });
    let metadata = json!({ "name": name, "namespace": "shop", "ownerReferences": owners });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

fn workloads(selector: Option<&str>, fill: impl FnOnce(&mut Roster<'_>)) -> Vec<(String, Vec<String>, bool)> {
    let (id, pools, nodes) = (ClusterId("c".into()), Vec::<Pool>::new(), Read::Got(Vec::<NodeView>::new()));
    let mut roster = Roster::new(&id, &pools, &nodes, selector.map(|text| text.parse().unwrap()));
    fill(&mut roster);
    let told = |workload: Workload| {
        let images = workload.containers.into_iter().map(|container| container.image).collect();
        (format!("{} {}", workload.kind, workload.name), images, workload.pods_only)
    };
    roster.finish().into_iter().map(told).collect()
}

fn one(name: &str, images: &[&str], pods_only: bool) -> (String, Vec<String>, bool) {
    (name.to_owned(), images.iter().map(|&image| image.to_owned()).collect(), pods_only)
}

const APP: &str = "example.test/v1";

#[test]
fn what_a_custom_object_owns_is_part_of_it_where_it_holds_the_template() {
    let told = workloads(None, |roster| {
        roster.add_customs(vec![
            (named("example.test", "App"), object("with", None, Some("x/app:1"))),
            (named("example.test", "App"), object("without", None, None)),
        ]);
        roster.add_object("Deployment", object("made", Some((APP, "App", "with")), Some("x/app:1")));
        roster.add_object("Deployment", object("kept", Some((APP, "App", "without")), Some("x/kept:1")));
        roster.add_object("Job", object("run", Some((APP, "App", "with")), Some("x/run:1")));
        roster.add_owner("ReplicaSet", &object("made-1", Some(("apps/v1", "Deployment", "made")), None).metadata);
        roster.add_pod(&pod("made-1-a", ("apps/v1", "ReplicaSet", "made-1"), "x/injected:1"));
        // A replica set that was made after the list: by its name it is the deployment's.
        roster.add_pod(&pod("made-2-a", ("apps/v1", "ReplicaSet", "made-2"), "x/later:1"));
    });
    let whole = one("App with", &["x/app:1", "x/run:1", "x/injected:1"], false);
    assert_eq!(told[0], whole);
    assert_eq!(told[1], one("Deployment kept", &["x/kept:1"], false));
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn the_highest_object_with_a_template_counts_whatever_stands_between() {
    let told = workloads(None, |roster| {
        // The order in which the kinds are read does not matter.
        roster.add_custom_owner(
            &named("example.test", "Revision"),
            &object("r", Some((APP, "Configuration", "c")), None).metadata,
        );
        roster.add_customs(vec![
            (named("example.test", "Configuration"), object("c", Some((APP, "Service", "s")), Some("x/app:1"))),
            (named("example.test", "Service"), object("s", Some((APP, "Tenant", "t")), Some("x/app:1"))),
        ]);
        roster.add_object("Deployment", object("d", Some((APP, "Revision", "r")), Some("x/app@sha256:1")));
        roster.add_pod(&pod("p", (APP, "Revision", "r"), "x/app@sha256:1"));
    });
    assert_eq!(told, [one("Service s", &["x/app:1", "x/app@sha256:1"], false)]);
}

#[test]
fn owners_in_a_circle_end() {
    let told = workloads(None, |roster| {
        roster.add_customs(vec![
            (named("example.test", "App"), object("a", Some((APP, "App", "b")), Some("x/a:1"))),
            (named("example.test", "App"), object("b", Some((APP, "App", "a")), Some("x/b:1"))),
        ]);
        roster.add_owner("ReplicaSet", &object("r", Some(("apps/v1", "ReplicaSet", "r")), None).metadata);
        roster.add_pod(&pod("p", ("apps/v1", "ReplicaSet", "r"), "x/r:1"));
        roster.add_pod(&pod("q", (APP, "App", "a"), "x/a:1"));
    });
    assert!(told.iter().any(|(name, ..)| name == "ReplicaSet r"), "{told:?}");
    assert!(told.iter().any(|(name, ..)| name.starts_with("App ")), "never lost: {told:?}");
}

#[test]
fn kinds_of_one_name_are_told_apart() {
    let told = workloads(None, |roster| {
        roster.add_customs(vec![
            (named("apps.kruise.io", "StatefulSet"), object("db", None, Some("x/advanced:1"))),
            (named("example.test", "Unit"), object("u", None, Some("x/u:1"))),
            (named("other.test", "Unit"), object("u", None, Some("x/v:1"))),
            (named("other.test", "Unit"), object("w", None, Some("x/w:1"))),
        ]);
        roster.add_object("StatefulSet", object("db", None, Some("x/plain:1")));
    });
    let names: Vec<_> = told.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        ["StatefulSet db", "StatefulSet.apps.kruise.io db", "Unit.example.test u", "Unit.other.test u", "Unit w"]
    );
}

#[test]
fn a_selector_is_about_the_custom_object_and_takes_its_pods_along() {
    let told = workloads(Some("app=a"), |roster| {
        roster.add_customs(vec![
            (named("example.test", "App"), object("a", None, Some("x/a:1"))),
            (named("example.test", "App"), object("b", None, Some("x/b:1"))),
        ]);
        roster.listed_custom(named("example.test", "App"));
        roster.add_pod(&pod("p", (APP, "App", "a"), "x/a:0"));
        roster.add_pod(&pod("q", (APP, "App", "b"), "x/b:0"));
    });
    assert_eq!(told, [one("App a", &["x/a:1", "x/a:0"], false)]);
}

#[test]
fn a_kind_without_a_template_is_known_by_its_pods() {
    let told = workloads(None, |roster| {
        roster.add_customs(vec![(named("example.test", "Robot"), object("r", None, None))]);
        roster.add_pod(&pod("p", (APP, "Robot", "r"), "x/r:1"));
    });
    assert_eq!(told, [one("Robot r", &["x/r:1"], true)]);
}
