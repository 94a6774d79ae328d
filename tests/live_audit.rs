//! The whole way of the data on real servers: a kube-apiserver joined to an EKS cluster of the emulator.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{CLUSTER, MARK, OTHER, OWN, WHERE, run, shared as fleet, verdicts, without_config, without_times};
use serde_json::{Value, json};
use servers::aws::Keys;
use servers::kubernetes::{ADMIN, AUDITOR, NOBODY};
use servers::proxy::{Proxy, Trouble};
use servers::reviewer::Trusted;
use std::collections::BTreeSet;
use std::time::Duration;

/// The emulator draws role ids by chance.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("AROA…");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "AROA…___" + part.get(3..).unwrap_or_default())
}

#[test]
fn an_admin_sees_what_is_broken_and_nothing_else() {
    let Some(fleet) = fleet("an_admin_sees_what_is_broken") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let ran = place.audit(&[]);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    let (first, rest) = ran.out.split_once('\n').unwrap();
    let (counts, _) = first.rsplit_once("   ").expect("how long it took stands last");
    let rest: Vec<String> = rest.lines().map(without_config).collect();
    insta::assert_snapshot!("live_people", format!("{counts}\n{}", without_ids(&rest.join("\n"))));

    let report = place.json(&[]);
    let expected = [
        ("agent on batch", "allowed allowed"),
        ("agent on capped", "denied boundary-denies"),
        ("agent on general", "allowed allowed"),
        ("api on batch", "allowed allowed"),
        ("gone on batch", "denied image-missing"),
        ("ledger on general", "denied principal-recreated"),
        ("ledger-batch on batch", "allowed allowed"),
        ("nightly on jobs", "allowed allowed"),
        ("probe on general", "denied principal-recreated"),
        ("store on batch", "allowed allowed"),
        ("through-account on batch", "allowed allowed"),
        ("typo on -", "denied invalid-reference"),
        ("web on capped", "denied boundary-denies"),
    ];
    let expected = expected.map(|(name, said)| (name.to_owned(), said.to_owned()));
    assert_eq!(verdicts(&report), expected.into());
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let yaml: Value = serde_saphyr::from_str(&place.audit(&["-o", "yaml"]).out).unwrap();
    assert_eq!(without_times(yaml), without_times(report));
}

#[test]
fn no_call_is_made_twice_and_retries_are_counted_apart() {
    const AT_ONCE: &str = "2";
    let Some(fleet) = fleet("no_call_is_made_twice") else { return };
    let cluster = fleet.kubernetes.proxy();
    let place = fleet.place_behind(&Keys::root(OWN), Some(ADMIN), Some(&cluster));
    // Answers that take a while show what is in flight together.
    for proxy in [&place.proxy, &cluster] {
        proxy.fault(|_| true, Trouble::Slow(Duration::from_millis(30)));
    }
    let clean = place.collect(&["--concurrency", AT_ONCE]);
    let services = ["ecr", "eks", "iam", "sts", "kubernetes"];
    let sent = |proxy: &Proxy, service: &str| {
        proxy.calls().iter().filter(|recorded| recorded.call.service == service).count() as u64
    };
    for service in services {
        let proxy = if service == "kubernetes" { &cluster } else { &place.proxy };
        let most = proxy.most_in_flight(service);
        assert!((1..=2).contains(&most), "{service}: {most} in flight");
        let counted = &clean["calls"][service];
        assert_eq!(counted["operations"], sent(proxy, service), "{service}");
        assert_eq!(counted["attempts"], counted["operations"], "{service}");
    }
    for proxy in [&place.proxy, &cluster] {
        proxy.assert_no_strangers();
        proxy.assert_no_call_twice();
        proxy.reset();
    }

    place.proxy.fault(|call| call.operation == "GetRole", Trouble::Throttled(3));
    let throttled = place.collect(&[]);
    let (before, after) = (&clean["calls"]["iam"], &throttled["calls"]["iam"]);
    assert_eq!(after["operations"], before["operations"]);
    assert_eq!(after["attempts"].as_u64(), before["attempts"].as_u64().map(|attempts| attempts + 3));
    assert_eq!(throttled["facts"], clean["facts"], "a retry changes no fact");
}

#[test]
fn a_snapshot_replayed_is_the_live_report() {
    let Some(fleet) = fleet("a_snapshot_replayed_is_the_live_report") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let file = place.folder.path().join("s.json").display().to_string();
    let collected = place.run("collect", &[&["-o", &file], &WHERE[..]].concat());
    assert_eq!(collected.code, 0, "{}", collected.err);
    let live = place.json(&[]);
    assert_eq!(live["clusters"][0]["context"], CLUSTER, "the context by which it was read");
    let live = without_times(live);
    let calls = place.proxy.calls().len();
    let replayed = run(&["audit", "--from", &file, "-o", "json"], &[]).report();
    assert_eq!(place.proxy.calls().len(), calls, "a replay asks nobody");
    assert_eq!(serde_json::to_string(&without_times(replayed)).unwrap(), serde_json::to_string(&live).unwrap());
}

#[test]
fn without_a_kubeconfig_the_clusters_api_is_reached_with_a_token_of_our_own() {
    let Some(fleet) = fleet("without_a_kubeconfig") else { return };
    let with = fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]);
    let role = format!("arn:aws:iam::{OWN}:role/auditor");
    let place = fleet.place(&fleet.assume("auditor"), None);
    // The API server remembers whom it refused, so another role tries first.
    let untrusted = fleet.place(&fleet.assume("halfway"), None).audit(&["--cluster", CLUSTER, "-o", "json"]);
    assert_eq!(untrusted.code, 3, "{}", untrusted.err);
    assert_eq!(untrusted.report()["clusters"][0]["reachable"], false);
    fleet.kubernetes.reviewer().trust(Trusted {
        cluster: "prod".to_owned(),
        sts: fleet.aws.endpoint().to_owned(),
        role,
        user: AUDITOR.to_owned(),
        groups: Vec::new(),
    });
    let report = place.json(&["--cluster", CLUSTER]);
    assert_eq!(without_times(report), without_times(with));
}

#[test]
fn a_read_only_auditor_without_secrets_sees_what_an_admin_sees() {
    let Some(fleet) = fleet("a_read_only_auditor_without_secrets") else { return };
    let admin = fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]);
    let place = fleet.place(&fleet.assume("auditor"), Some(AUDITOR));
    assert_eq!(without_times(place.json(&[])), without_times(admin));
    // A secret that it may not read is an attempt that stays open, beside the node's own.
    let report = place.json(&["--read-secrets"]);
    let through = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["workloads"].to_string().contains("through-account"));
    let attempts = &through.unwrap()["attempts"];
    assert_eq!(
        (attempts.as_array().unwrap().len(), &attempts[0]["verdict"]),
        (2, &json!("unknown")),
        "{attempts:#}"
    );
    assert_eq!(attempts[0]["identity"]["name"], "gone", "{attempts:#}");
}

#[test]
fn who_may_read_less_learns_what_is_missing_and_is_told_nothing_wrong() {
    let Some(fleet) = fleet("who_may_read_less") else { return };
    let all = verdicts(&fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]));
    // What must be said to be missing; nothing may be denied that the admin does not see denied.
    let nobody: &[&str] = &["list pods", "list deployments.apps", "list nodes", "get configmaps"];
    let halfway: &[&str] = &["iam:GetRole", "ecr:GetRepositoryPolicy", "account 111122223333", "sts:AssumeRole"];
    for (role, user, missing) in [
        (None, NOBODY, nobody),
        (Some("auditor"), NOBODY, nobody),
        (Some("halfway"), ADMIN, halfway),
        (Some("halfway"), NOBODY, nobody),
    ] {
        let place = fleet.place(&role.map_or_else(|| Keys::root(OWN), |role| fleet.assume(role)), Some(user));
        let ran = place.audit(&["-o", "json"]);
        let report = ran.report();
        for (workload, said) in verdicts(&report) {
            let same = all.get(&workload).is_some_and(|before| *before == said);
            // What no right decides stays: a reference that does not parse.
            assert!(same || said.starts_with("unknown"), "{role:?} {user}: {workload} became {said}");
        }
        assert_eq!(report["complete"], false);
        let named = format!("{} {}", report["incompleteBecause"], report["unsettled"]);
        for one in missing {
            assert!(named.contains(one), "{role:?} {user}: {one} is not named in {named}");
        }
        let denied = report["summary"]["denied"].as_u64().unwrap();
        assert_eq!(ran.code, if denied > 0 { 2 } else { 3 }, "{role:?} {user}: {}", ran.err);
    }
    // Who may not even list clusters has nothing to audit, and is told the one right to begin with.
    for user in [ADMIN, NOBODY] {
        let ran = fleet.place(&fleet.assume("stranger"), Some(user)).audit(&[]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert!(ran.err.contains("eks") && ran.err.contains("ListClusters"), "{}", ran.err);
    }
}

#[test]
fn a_registry_that_nobody_can_read_says_what_to_add() {
    let Some(fleet) = fleet("a_registry_that_nobody_can_read") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let arguments = [&["audit", "-o", "json"], &WHERE[..]].concat();
    let report = run(&arguments, &place.environment).report();
    assert_eq!(verdicts(&report)["ledger-batch on batch"], "unknown foreign-registry");
    let needs = report["unsettled"].to_string();
    let line = format!(
        "add it to pullaudit.yaml under scopes.accounts: [{{id: \\\"{OTHER}\\\", role: arn:aws:iam::{OTHER}:role/…}}]"
    );
    assert!(needs.contains(&line), "{needs}");
    assert_eq!(report["summary"]["foreign"], 2, "one check a pool");
    let read = place.json(&[]);
    assert_eq!(read["summary"]["foreign"], 0, "with the role that the config names it is read");
    assert_eq!(verdicts(&read)["ledger-batch on batch"], "allowed allowed");
    // A role that is named and can't be assumed is not told to be named.
    place.proxy.fault(|call| call.operation == "AssumeRole", Trouble::Forbidden);
    let refused = place.json(&[]);
    assert_eq!(verdicts(&refused)["ledger-batch on batch"], "unknown foreign-registry");
    let needs = refused["unsettled"].to_string();
    assert!(needs.contains("sts:AssumeRole") && !needs.contains("add it to pullaudit.yaml"), "{needs}");
}

#[test]
fn no_secret_comes_out_anywhere() {
    let Some(fleet) = fleet("no_secret_comes_out") else { return };
    let mut root = Keys::root(OWN);
    root.secret_access_key = format!("{MARK}-5");
    let session = fleet.assume("auditor");
    for (keys, user) in [(&root, ADMIN), (&session, AUDITOR)] {
        let place = fleet.place(keys, Some(user));
        // A refused signature and a token that is no good are repeated by some services.
        let planted = [
            "MARKED".to_owned(),
            servers::kubernetes::token(user),
            keys.secret_access_key.clone(),
            keys.session_token.clone(),
        ];
        let clean = |what: &str, text: &str| {
            for secret in planted.iter().filter(|secret| !secret.is_empty()) {
                assert!(!text.contains(secret.as_str()), "{what}: {secret} came out");
            }
        };
        let mut formats = BTreeSet::new();
        for format in ["people", "json", "yaml", "wide"] {
            for more in [&["-vv"][..], &["-vv", "--read-secrets"]] {
                let ran = place.run("audit", &[&["-o", format, "--all"], more].concat());
                assert!(ran.code != 1, "{}", ran.err);
                clean(format, &ran.out);
                clean("stderr", &ran.err);
                formats.insert(ran.out);
            }
        }
        assert!(formats.len() > 3, "they are different reports");
        let file = place.folder.path().join("s.json").display().to_string();
        let collected = place.run("collect", &["-o", &file, "--read-secrets", "-vv"]);
        let snapshot = std::fs::read_to_string(&file).unwrap();
        clean("the snapshot", &snapshot);
        clean("stderr", &collected.err);
        assert!(snapshot.contains("private/login"), "the secret is known by name");
        assert_eq!(snapshot.contains("registry.example"), user == ADMIN, "its host is kept, its login is not");

        place.proxy.fault(|call| call.service == "iam", Trouble::Forbidden);
        place.proxy.fault(|call| call.service == "ecr", Trouble::Garbage);
        let broken = place.run("audit", &["-o", "json", "--all", "-vv"]);
        clean("a broken report", &broken.out);
        clean("its stderr", &broken.err);
    }
}

#[test]
fn manifests_and_images_are_asked_of_the_live_pools() {
    let Some(fleet) = fleet("manifests_and_images_live") else { return };
    let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let image = format!("{OTHER}.dkr.ecr.us-east-1.amazonaws.com/ledger/api:1.0");
    let report = place.run("audit", &["-o", "json", "--image", &image]).report();
    let mut pools: Vec<String> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| format!("{} {}", check["pool"].as_str().unwrap(), check["verdict"].as_str().unwrap()))
        .collect();
    pools.sort();
    assert_eq!(pools, ["batch allowed", "capped denied", "general denied", "jobs denied"]);
    let manifest = place.folder.path().join("next.yaml");
    let of_files = |kinds: &[&str]| {
        let next = live::objects().into_iter().filter(|one| kinds.contains(&one["kind"].as_str().unwrap()));
        let next: Vec<String> = next.map(|one| one.to_string()).collect();
        std::fs::write(&manifest, next.join("\n---\n")).unwrap();
        // Not every namespace of the ground has an object of these kinds.
        verdicts(&place.json(&["-f", &manifest.display().to_string(), "--allow-empty"]))
    };
    let expected = verdicts(&place.json(&[]));
    let whole = of_files(&["Deployment", "ServiceAccount"]);
    assert_eq!(whole.len(), 7, "{whole:#?}");
    for (workload, said) in &whole {
        assert_eq!(said, &expected[workload], "{workload}");
    }
    // An account that is named and stands elsewhere may say that somebody else pulls.
    let mut half = of_files(&["Deployment"]);
    assert_eq!(half.remove("through-account on batch").as_deref(), Some("unknown identity-unread"));
    assert!(half.iter().all(|(workload, said)| whole[workload] == *said), "{half:#?}");
    let ran = run(
        &["can-pull", &image, "--as", "arn:aws:iam::111122223333:role/nodes/batch", "--config", &place.config],
        &place.environment,
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}
