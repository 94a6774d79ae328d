//! Facts of several files, and facts that lack what workloads name.

use super::{FLEET, Folder, healthy, never_green, run, strings};
use serde_json::{Value, json};

/// Snapshots of other things are not the same thing before and after.
#[test]
fn snapshots_with_nothing_in_common_are_not_compared() {
    let folder = Folder::new();
    let whole = folder.put("whole.json", &healthy().to_string());
    let ids = strings(&healthy()["clusters"], "id");
    let of = |number: usize| {
        let file = folder.path().join(format!("{number}.json")).display().to_string();
        let ended = run(&["collect", "--from", &whole, "--cluster", &ids[number], "-o", &file]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        file
    };
    let (one, other) = (of(0), of(1));
    let ended = never_green(&["diff", &one, &other], "no check in common");
    assert_eq!(ended.code, 3, "{}", ended.out);
    assert_eq!(run(&["diff", &one, &one]).code, 0);
}

/// A workload of a cluster that is meant is not dropped because the facts lack that cluster.
#[test]
fn a_selected_cluster_that_the_facts_lack_is_missed() {
    let folder = Folder::new();
    let mut fleet = healthy();
    let id = strings(&fleet["clusters"], "id").remove(0);
    let name = id.rsplit('/').next().unwrap().to_owned();
    let mut orphan = fleet["workloads"][0].clone();
    orphan["cluster"] = json!(id.replace("prod", "gone"));
    fleet["workloads"].as_array_mut().unwrap().push(orphan);
    let file = folder.put("fleet.json", &fleet.to_string());
    never_green(&["audit", "--from", &file], "gone");
    never_green(&["audit", "--from", &file, "--cluster", "*"], "gone");
    assert_eq!(run(&["audit", "--from", &file, "--cluster", &name]).code, 0, "another cluster is not meant");
}

/// Ids of Azure are the same in any case.
#[test]
fn azure_writes_one_id_in_many_ways() {
    let folder = Folder::new();
    let whole = std::fs::read_to_string(FLEET).unwrap();
    let low = folder.put(
        "low.json",
        &whole.replace(
            "/resourceGroups/rg-prod/providers/Microsoft.ContainerService",
            "/resourcegroups/RG-prod/providers/microsoft.containerservice",
        ),
    );
    let mixed = whole.replacen("\"cluster\": \"/subscriptions", "\"cluster\": \"/SUBSCRIPTIONS", 3);
    let mixed = folder.put("mixed.json", &mixed);
    let summary = |arguments: &[&str]| -> Value {
        let ended = run(&[arguments, &["-o", "json"]].concat());
        let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
        json!([report["summary"]["clusters"], report["summary"]["denied"], report["summary"]["workloads"]])
    };
    let expected = summary(&["audit", "--from", FLEET]);
    assert_eq!(summary(&["audit", "--from", &mixed]), expected);
    assert_eq!(summary(&["audit", "--from", FLEET, "--from", &low]), expected);
    let ended = run(&["diff", FLEET, &low]);
    assert!(ended.out.contains("NO VERDICT TURNED") && !ended.out.contains("gone"), "{}", ended.out);
}

/// Of two snapshots of one moment neither is newer, whatever their files are called.
#[test]
fn snapshots_of_one_moment_that_differ_decide_nothing() {
    let folder = Folder::new();
    let fleet = healthy();
    let mut other = fleet.clone();
    for (_, row) in other["facts"]["aks"]["registries"].as_object_mut().unwrap() {
        for registry in row["got"].as_array_mut().unwrap() {
            registry["properties"]["publicNetworkAccess"] = json!("Disabled");
        }
    }
    let (one, two) = (folder.put("1.json", &fleet.to_string()), folder.put("2.json", &other.to_string()));
    let (three, four) = (folder.put("3.json", &other.to_string()), folder.put("4.json", &fleet.to_string()));
    let code = |a: &str, b: &str| never_green(&["audit", "--from", a, "--from", b], "differently").code;
    assert_eq!((code(&one, &two), code(&three, &four)), (3, 3));
    let out = folder.path().join("out.json").display().to_string();
    let ended =
        never_green(&["collect", "--from", &one, "--from", &two, "-o", &out], "differently: aks registries");
    assert_eq!(ended.code, 3);
}
