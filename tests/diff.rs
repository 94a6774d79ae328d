//! `diff` from outside: what a rotation changed is named, and a run ends by whether something got worse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const BEFORE: &str = "examples/identity-rotation/before.snapshot.json";
const AFTER: &str = "examples/identity-rotation/fleet.snapshot.json";

fn diff(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::cargo_bin("pullaudit").unwrap().arg("diff").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json_of(old: &str, new: &str) -> (Option<i32>, Value) {
    let (code, out, err) = diff(&[old, new, "-o", "json"]);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}\n{err}")))
}

/// The snapshot with an edit, in a file of its own.
fn edited(path: &str, folder: &Path, edit: impl Fn(&mut Value)) -> String {
    let mut snapshot: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    edit(&mut snapshot);
    let file = folder.join(path.rsplit('/').next().unwrap());
    std::fs::write(&file, snapshot.to_string()).unwrap();
    file.display().to_string()
}

fn texts<'a>(list: &'a Value, key: &str) -> BTreeSet<&'a str> {
    list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn a_rotation_in_each_cloud_as_people_see_it() {
    let (code, out, err) = diff(&[BEFORE, AFTER]);
    assert_eq!((code, err.as_str()), (Some(2), ""));
    assert!(out.lines().all(|line| line.chars().count() <= 115), "{out}");
    insta::assert_snapshot!(out);
}

#[test]
fn the_identity_that_changed_the_grants_that_were_lost_and_the_workloads_that_will_fail_are_named() {
    let (code, diff) = json_of(BEFORE, AFTER);
    assert_eq!((code, &diff["schema"]), (Some(2), &json!("pullaudit/diff/1")));
    let replaced: Vec<(&Value, &Value, &Value)> = diff["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["pools"], &one["old"], &one["new"]))
        .collect();
    let [(pools, old, new), (general, dead, live), (apps, account, anew)] = replaced[..] else {
        panic!("{replaced:#?}")
    };
    assert_eq!((pools, general), (&json!(["apps", "spot", "system"]), &json!(["general"])));
    assert_eq!((&old["name"], &new["name"]), (&json!("aks-kubelet-a"), &json!("aks-kubelet-b")));
    // The role has its ARN again; only its unique id tells that it is another one.
    assert_eq!(dead["id"], live["id"]);
    assert_eq!(
        (&dead["uniqueId"], &live["uniqueId"]),
        (&json!("AROAEXAMPLEDEADPAYX7Q"), &json!("AROAEXAMPLELIVEPAYM2D"))
    );

    // So has the Google account its e-mail.
    assert_eq!((apps, &account["id"]), (&json!(["apps"]), &anew["id"]));
    assert_ne!(account["uniqueId"], anew["uniqueId"]);

    let sources = texts(&diff["lostGrants"], "source");
    assert_eq!(sources.len(), 5, "{sources:?}");
    assert!(sources.contains("role assignment a5510000-0000-4000-8000-000000000001 (AcrPull)"), "{sources:?}");
    assert!(!sources.iter().any(|source| source.contains("PullOnly")), "its policies let it pull as before");
    assert_eq!(texts(&diff["lostGrants"], "how"), BTreeSet::from(["identity-replaced"]));

    let turns = diff["verdicts"].as_array().unwrap();
    assert_eq!((turns.len(), &diff["worse"], &diff["better"]), (14, &json!(14), &json!(0)));
    let failing: BTreeSet<&str> = turns.iter().flat_map(|turn| texts(&turn["workloads"], "name")).collect();
    for name in ["cart", "checkout", "search", "settle", "ledger-api", "close-month", "loader"] {
        assert!(failing.contains(name), "{name} not in {failing:?}");
    }
    assert!(turns.iter().all(|turn| turn["old"]["verdict"] == "allowed" && turn["new"]["verdict"] == "denied"));
}

#[test]
fn what_got_better_ends_with_0_and_what_did_not_change_is_silent() {
    let (code, diff) = json_of(AFTER, BEFORE);
    assert_eq!((code, &diff["worse"], &diff["better"]), (Some(0), &json!(0), &json!(14)));
    let (code, diff) = json_of(AFTER, AFTER);
    assert_eq!(code, Some(0));
    for list in ["scopes", "identities", "lostGrants", "verdicts"] {
        assert_eq!(diff[list], json!([]), "{list}");
    }
}

#[test]
fn a_grant_that_is_gone_is_told_from_one_of_a_former_identity() {
    let folder = tempfile::tempdir().unwrap();
    let revoked = edited(AFTER, folder.path(), |snapshot| {
        for table in ["roleAssignments", "roleAssignmentsAtScope"] {
            for (key, row) in snapshot["facts"]["aks"][table].as_object_mut().unwrap() {
                if key.contains("acmetools") {
                    row["got"] = json!([]);
                }
            }
        }
    });
    let (code, diff) = json_of(AFTER, &revoked);
    assert_eq!((code, texts(&diff["lostGrants"], "how")), (Some(2), BTreeSet::from(["gone"])));
    assert_eq!(texts(&diff["lostGrants"], "source").len(), 1);
    assert_eq!(diff["identities"], json!([]));
}

#[test]
fn an_answer_that_is_lost_is_incomplete_and_no_drift() {
    let folder = tempfile::tempdir().unwrap();
    let open = json!({ "unread": { "unread": { "reading": "role assignments", "scope": "s", "assumable": false,
        "permission": "Microsoft.Authorization/roleAssignments/read", "obstacle": "refused" } } });
    let unread = edited(AFTER, folder.path(), |snapshot| {
        for (key, row) in snapshot["facts"]["aks"]["roleAssignments"].as_object_mut().unwrap() {
            if key.contains("acmetools") {
                *row = open.clone();
            }
        }
    });
    let (code, diff) = json_of(AFTER, &unread);
    assert_eq!(code, Some(3), "{diff:#}");
    assert_eq!(texts(&diff["verdicts"], "direction"), BTreeSet::from(["worse"]));
    let (_, out, _) = self::diff(&[AFTER, &unread]);
    assert!(out.ends_with("exit 3: nothing is newly denied, but an answer was lost\n"), "{out}");
}

#[test]
fn pools_and_clusters_that_came_or_went_are_named_and_a_new_denial_counts() {
    let folder = tempfile::tempdir().unwrap();
    let less = edited(AFTER, folder.path(), |snapshot| {
        let clusters = snapshot["clusters"].as_array_mut().unwrap();
        clusters.retain(|cluster| cluster["name"] != "data-usw2");
        let aks = clusters.iter_mut().find(|cluster| cluster["name"] == "prod-weu-1").unwrap();
        aks["pools"].as_array_mut().unwrap().retain(|pool| pool["name"] != "spot");
        let gone = |one: &Value| one["cluster"].as_str().unwrap().contains("data-usw2");
        snapshot["workloads"].as_array_mut().unwrap().retain(|one| !gone(one));
    });
    let (code, diff) = json_of(&less, AFTER);
    assert_eq!(code, Some(2), "etl is denied by its boundary, and is new");
    let scopes: Vec<(&Value, &Value)> =
        diff["scopes"].as_array().unwrap().iter().map(|one| (&one["pool"], &one["presence"])).collect();
    assert_eq!(scopes, [(&json!("spot"), &json!("new")), (&Value::Null, &json!("new"))]);
    assert!(diff["verdicts"].as_array().unwrap().iter().any(|turn| turn["old"].is_null()));
    let (code, diff) = json_of(AFTER, &less);
    assert_eq!((code, diff["scopes"][1]["presence"].as_str()), (Some(0), Some("gone")));
}

#[test]
fn one_cluster_alone_can_be_compared() {
    let (code, out, _) = diff(&[BEFORE, AFTER, "--cluster", "shop-euc1"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("NO VERDICT TURNED"), "{out}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let (code, _, err) = diff(&["nowhere.json", AFTER]);
    assert_eq!(code, Some(1));
    assert!(err.contains("nowhere.json"), "{err}");
    let (code, _, err) = diff(&["Cargo.toml", AFTER]);
    assert_eq!(code, Some(1));
    assert!(err.contains("Cargo.toml"), "{err}");
    assert_eq!(diff(&[AFTER]).0, Some(64));
    let (code, _, err) = diff(&[AFTER, AFTER, "-o", "wide"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("people, json or yaml"), "{err}");
}
