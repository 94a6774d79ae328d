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
    let file = folder.join(format!("{}.json", std::fs::read_dir(folder).unwrap().count()));
    std::fs::write(&file, snapshot.to_string()).unwrap();
    file.display().to_string()
}

/// The example without the workloads that it does not know about.
fn known(path: &str, folder: &Path) -> String {
    let unknown = ["notebook", "evaluate", "train", "serve"];
    edited(path, folder, |snapshot| {
        let workloads = snapshot["workloads"].as_array_mut().unwrap();
        workloads.retain(|one| !unknown.contains(&one["name"].as_str().unwrap()));
    })
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
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (known(BEFORE, folder.path()), known(AFTER, folder.path()));
    let (code, diff) = json_of(&after, &before);
    assert_eq!((code, &diff["worse"], &diff["better"]), (Some(0), &json!(0), &json!(14)));
    let (code, diff) = json_of(&after, &after);
    assert_eq!(code, Some(0));
    for list in ["scopes", "identities", "lostGrants", "verdicts"] {
        assert_eq!(diff[list], json!([]), "{list}");
    }
}

/// What is unknown in both may have got worse all the same.
#[test]
fn what_is_unknown_in_both_is_incomplete() {
    let (code, out, _) = diff(&[AFTER, AFTER]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.ends_with("but 3 checks are unknown in both (exit 3)\n"), "{out}");
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
    assert_eq!(texts(&diff["verdicts"], "direction"), BTreeSet::from(["unclear"]));
    assert_eq!((&diff["worse"], &diff["lostGrants"]), (&json!(0), &json!([])), "unread is not gone");
    let (_, out, _) = self::diff(&[AFTER, &unread]);
    assert!(out.contains("Incomplete: nothing is newly denied, but ") && out.ends_with(" (exit 3)\n"), "{out}");
    // The other way round it is an answer won, and from denied to unknown is not better.
    let (won, whole) = (known(&unread, folder.path()), known(AFTER, folder.path()));
    assert_eq!(json_of(&won, &whole).0, Some(0));
    let secret = edited(AFTER, folder.path(), |snapshot| with_secret(snapshot, "checkout"));
    let (code, diff) = json_of(AFTER, &secret);
    assert_eq!((code, &diff["better"], &diff["unclear"]), (Some(3), &json!(0), &json!(2)), "{diff:#}");
}

fn in_aks<'a>(snapshot: &'a mut Value, name: &'a str) -> impl Iterator<Item = &'a mut Value> {
    let workloads = snapshot["workloads"].as_array_mut().unwrap().iter_mut();
    workloads.filter(move |one| one["cluster"].as_str().unwrap().contains("prod-weu-1") && one["name"] == name)
}

fn with_secret(snapshot: &mut Value, name: &str) {
    in_aks(snapshot, name).for_each(|one| one["pullSecrets"] = json!(["regcred"]));
}

fn of_workload<'a>(diff: &'a Value, name: &str) -> Vec<&'a Value> {
    let turns = diff["verdicts"].as_array().unwrap().iter();
    turns.filter(|turn| texts(&turn["workloads"], "name").contains(name)).collect()
}

#[test]
fn a_workload_stays_itself_when_it_gains_or_loses_a_pull_secret() {
    let folder = tempfile::tempdir().unwrap();
    let before = edited(BEFORE, folder.path(), |snapshot| with_secret(snapshot, "search"));
    let after = edited(AFTER, folder.path(), |snapshot| with_secret(snapshot, "checkout"));
    let (code, diff) = json_of(&before, &after);
    assert_eq!(code, Some(2));
    // An unread secret may let it pull: unknown, and no longer allowed.
    let ways = |name: &str| -> BTreeSet<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        of_workload(&diff, name)
            .iter()
            .map(|one| (text(&one["direction"]), text(&one["old"]["verdict"])))
            .collect()
    };
    let was_allowed = |direction: &str| BTreeSet::from([(direction.to_owned(), "allowed".to_owned())]);
    assert_eq!((ways("checkout"), ways("search")), (was_allowed("unclear"), was_allowed("worse")));
    assert_eq!(texts(&diff["lostGrants"], "how"), BTreeSet::from(["identity-replaced"]));
    // Alone it ends with 3, not with 0.
    let alone = edited(AFTER, folder.path(), |snapshot| {
        with_secret(snapshot, "checkout");
        snapshot["workloads"].as_array_mut().unwrap().retain(|one| one["name"] == "checkout");
    });
    assert_eq!(json_of(BEFORE, &alone).0, Some(3));
}

#[test]
fn a_release_is_no_new_need() {
    let folder = tempfile::tempdir().unwrap();
    let after = known(AFTER, folder.path());
    let bumped = |folder: &Path| {
        let text = std::fs::read_to_string(&after).unwrap().replace(":5.1.0\"", ":5.2.0\"");
        let file = folder.join("bumped.json");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let bumped = bumped(folder.path());
    let (code, diff) = json_of(&after, &bumped);
    assert_eq!((code, &diff["verdicts"]), (Some(0), &json!([])), "denied before, denied now");
    let (code, diff) = json_of(BEFORE, &bumped);
    assert_eq!((code, &diff["worse"]), (Some(2), &json!(14)));
    assert!(diff["verdicts"].as_array().unwrap().iter().all(|turn| turn["old"]["verdict"] == "allowed"));
    assert_eq!(texts(&diff["lostGrants"], "source").len(), 5);
}

#[test]
fn what_an_exception_covers_stops_nobody_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pullaudit.yaml");
    let excepted = "exceptions:\n  - match: { image: \"*acmeprod*/checkout*\" }\n    reason: is known\n    \
                    owner: web\n    expires: 2026-11-20\n";
    std::fs::write(&config, excepted).unwrap();
    let run = |old: &str, new: &str| {
        let (code, out, err) = diff(&[old, new, "-o", "json", "--config", config.to_str().unwrap()]);
        (code, serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{error}\n{err}")))
    };
    let early = edited(AFTER, folder.path(), |snapshot| snapshot["takenAt"] = json!("2026-11-18T00:00:00Z"));
    let (code, covered) = run(BEFORE, &early);
    assert_eq!((code, &covered["worse"]), (Some(2), &json!(12)));
    assert!(of_workload(&covered, "checkout").is_empty());
    let (code, ended) = run(&early, AFTER);
    assert_eq!((code, &ended["worse"], &ended["lostGrants"]), (Some(2), &json!(2), &json!([])));
    assert_eq!(of_workload(&ended, "checkout").len(), 2);
}

#[test]
fn what_could_not_be_read_this_time_is_neither_gone_nor_fine() {
    let folder = tempfile::tempdir().unwrap();
    let refused = edited(AFTER, folder.path(), |snapshot| {
        snapshot["clusters"].as_array_mut().unwrap().retain(|cluster| cluster["name"] != "shop-euc1");
        for workload in snapshot["workloads"].as_array_mut().unwrap() {
            workload["pools"].as_array_mut().unwrap().retain(|pool| pool != "spot");
        }
        let gone = |one: &Value| one["cluster"].as_str().unwrap().contains("shop-euc1");
        snapshot["workloads"].as_array_mut().unwrap().retain(|one| !gone(one));
        snapshot["gaps"] = json!([{ "scope": "111122223333 eu-central-1",
            "message": "clusters of 111122223333 eu-central-1 are not in this report",
            "open": { "unread": { "reading": "clusters", "scope": "s", "assumable": false,
                "permission": "eks:ListClusters", "obstacle": "refused" } } }]);
    });
    let (code, diff) = json_of(AFTER, &refused);
    assert_eq!((code, texts(&diff["scopes"], "presence")), (Some(3), BTreeSet::from(["unread"])));
    assert_eq!(texts(&diff["lostReadings"], "permission"), BTreeSet::from(["eks:ListClusters"]));
    assert_eq!(json_of(&refused, &refused).0, Some(3), "what could not be read is not nothing");
    let (_, out, _) = self::diff(&[AFTER, &refused]);
    assert!(
        out.contains("read before, not now: clusters of 111122223333 eu-central-1: needs eks:ListClusters"),
        "{out}"
    );
}

#[test]
fn pools_and_clusters_that_came_or_went_are_named_and_a_new_denial_counts() {
    let folder = tempfile::tempdir().unwrap();
    let less = edited(AFTER, folder.path(), |snapshot| {
        let clusters = snapshot["clusters"].as_array_mut().unwrap();
        clusters.retain(|cluster| cluster["name"] != "data-usw2");
        let aks = clusters.iter_mut().find(|cluster| cluster["name"] == "prod-weu-1").unwrap();
        aks["pools"].as_array_mut().unwrap().retain(|pool| pool["name"] != "spot");
        for workload in snapshot["workloads"].as_array_mut().unwrap() {
            workload["pools"].as_array_mut().unwrap().retain(|pool| pool != "spot");
        }
        let gone = |one: &Value| one["cluster"].as_str().unwrap().contains("data-usw2");
        snapshot["workloads"].as_array_mut().unwrap().retain(|one| !gone(one));
    });
    let (code, diff) = json_of(&less, AFTER);
    assert_eq!(code, Some(2), "etl is denied by its boundary, and is new");
    assert!(
        of_workload(&diff, "loader-us").iter().any(|turn| turn["old"].is_null() && turn["direction"] == "worse")
    );
    let scopes: Vec<(&Value, &Value)> =
        diff["scopes"].as_array().unwrap().iter().map(|one| (&one["pool"], &one["presence"])).collect();
    assert_eq!(scopes, [(&json!("spot"), &json!("new")), (&Value::Null, &json!("new"))]);
    assert!(diff["verdicts"].as_array().unwrap().iter().any(|turn| turn["old"].is_null()));
    let (code, diff) = json_of(AFTER, &less);
    assert_eq!((code, diff["scopes"][1]["presence"].as_str()), (Some(3), Some("gone")));
    let (known, less) = (known(AFTER, folder.path()), known(&less, folder.path()));
    assert_eq!(json_of(&known, &less).0, Some(0));
}

#[test]
fn one_cluster_alone_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (known(BEFORE, folder.path()), known(AFTER, folder.path()));
    let (code, out, _) = diff(&[&before, &after, "--cluster", "shop-euc1"]);
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
    let (code, _, err) = diff(&[AFTER, AFTER, "--cluster", "shop-euc1", "--cluster", "shop-euc2"]);
    assert_eq!(code, Some(1));
    assert!(
        err.contains("--cluster shop-euc2: no cluster or pool has this name (did you mean shop-euc1?)"),
        "{err}"
    );
    let (code, _, err) = diff(&[AFTER, AFTER, "-o", "wide"]);
    assert_eq!(code, Some(64));
    assert!(err.contains("people, json or yaml"), "{err}");
}

/// Each side without its clusters, without its workloads, and with a scope that could not be read.
#[test]
fn a_comparison_with_nothing_or_with_gaps_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let gap = json!({ "scope": "account 999988887777", "message": "not read", "open": { "unread": {
        "reading": "clusters", "permission": "eks:ListClusters", "scope": "account 999988887777", "assumable": false,
        "obstacle": "refused" } } });
    let empties = [
        edited(AFTER, folder.path(), |one| (one["clusters"], one["workloads"]) = (json!([]), json!([]))),
        edited(AFTER, folder.path(), |one| one["workloads"] = json!([])),
        edited(AFTER, folder.path(), |one| one["gaps"] = json!([gap])),
    ];
    for less in &empties {
        for (old, new) in [(AFTER, less.as_str()), (less, AFTER), (less, less)] {
            let (code, out, err) = diff(&[old, new]);
            assert!(matches!(code, Some(2 | 3)), "{old} {new}: {code:?}\n{out}{err}");
            assert!(code == Some(2) || out.contains("Incomplete: "), "{out}");
        }
    }
}
