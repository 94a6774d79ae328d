//! A run that is killed, interrupted, or not alone: what it leaves can be used.

use super::azure::{Place, json};
use super::azure_fake::{Fault, Registry, SUBSCRIPTION, Trouble, World};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Where a run of two writes can be cut: a fault that holds it there.
struct Boundary {
    name: &'static str,
    fault: fn() -> Fault,
    /// Whether the call that is held is there.
    reached: fn(&str, &str) -> bool,
    /// How many grants stand then.
    standing: usize,
}

const ASSIGNMENT: &str = "/roleAssignments/";

fn put(registry: &str, trouble: Trouble) -> Fault {
    Fault::on(&format!("/{registry}/providers/Microsoft.Authorization{ASSIGNMENT}"), trouble).method("PUT")
}

fn is_put(method: &str, path: &str, registry: &str) -> bool {
    method == "PUT" && path.contains(&format!("/{registry}/"))
}

/// Reads the registry alone, as right before a write.
fn look(registry: &str, path: &str) -> bool {
    path.ends_with(&format!("/registries/{registry}"))
}

fn boundaries() -> Vec<Boundary> {
    vec![
        Boundary {
            name: "before the first look",
            fault: || Fault::on("/registries/first", Trouble::Silence).query("2025-11-01").after(1),
            reached: |_, path| look("first", path),
            standing: 0,
        },
        Boundary {
            name: "the first write is noted and not done",
            fault: || put("first", Trouble::Silence),
            reached: |method, path| is_put(method, path, "first"),
            standing: 0,
        },
        Boundary {
            name: "the first write is done and not answered",
            fault: || put("first", Trouble::SilenceAfter),
            reached: |method, path| is_put(method, path, "first"),
            standing: 1,
        },
        Boundary {
            name: "between the writes",
            fault: || Fault::on("/registries/second", Trouble::Silence).query("2025-11-01").after(1),
            reached: |_, path| look("second", path),
            standing: 1,
        },
        Boundary {
            name: "the second write is noted and not done",
            fault: || put("second", Trouble::Silence),
            reached: |method, path| is_put(method, path, "second"),
            standing: 1,
        },
        Boundary {
            name: "the second write is done and not answered",
            fault: || put("second", Trouble::SilenceAfter),
            reached: |method, path| is_put(method, path, "second"),
            standing: 2,
        },
        Boundary {
            name: "after the last write",
            fault: || Fault::on("/roleDefinitions/", Trouble::Silence),
            reached: |_, path| path.contains("/roleDefinitions/"),
            standing: 2,
        },
    ]
}

fn two_registries() -> Place {
    let registry = |name: &str| Registry::new(SUBSCRIPTION, "rg-acme", name);
    let mut world = World::acme();
    world.registries = vec![registry("first"), registry("second")];
    Place::of(world, &["first.azurecr.io/shop/cart:1", "second.azurecr.io/shop/web:1"])
}

/// Starts a fix and waits until it is held at the boundary.
fn held(place: &Place, boundary: &Boundary) -> std::process::Child {
    place.fake.set_fault((boundary.fault)());
    let arguments = ["fix", "--provider", "aks", "-f", "apps.yaml", "--yes", "--timeout", "60s"];
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
    command.current_dir(place.folder.path()).args(arguments).envs(place.fake.env());
    command.env("KUBECONFIG", "/nonexistent").stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let there = || {
        place
            .fake
            .requests()
            .iter()
            .any(|seen| seen.status.is_none() && (boundary.reached)(&seen.method, &seen.path))
    };
    while !there() {
        assert!(Instant::now() < until, "{}: never reached; {:#?}", boundary.name, place.fake.requests());
        std::thread::sleep(Duration::from_millis(20));
    }
    // What takes effect has done so before its answer is withheld, but for the instant in which it is called.
    std::thread::sleep(Duration::from_millis(100));
    child
}

#[test]
fn killed_at_any_write_boundary_undo_leaves_the_world_as_it_was() {
    for boundary in boundaries() {
        let place = two_registries();
        let before = place.grants();
        let mut child = held(&place, &boundary);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(place.grants().len(), boundary.standing, "{}", boundary.name);
        place.fake.clear_faults();
        let path = place.receipts().remove(0);
        assert!(json(&path)["finishedAt"].is_null(), "{}", boundary.name);
        place.undo(&path).ends(0);
        assert_eq!(place.grants(), before, "{}", boundary.name);
        let parts = std::fs::read_dir(place.folder.path()).unwrap();
        let left = parts.filter(|part| part.as_ref().unwrap().path().to_string_lossy().ends_with(".part"));
        assert_eq!(left.count(), 0, "{}: a killed run leaves no half of a receipt", boundary.name);
    }
}

#[test]
fn killed_at_any_write_boundary_a_second_fix_ends_the_work_and_writes_nothing_twice() {
    for boundary in boundaries() {
        let place = two_registries();
        let mut child = held(&place, &boundary);
        child.kill().unwrap();
        child.wait().unwrap();
        place.fake.clear_faults();
        place.fake.forget_requests();
        place.fix(&[]).ends(0);
        assert_eq!(place.grants().len(), 2, "{}", boundary.name);
        assert_eq!(place.writes().len(), 2 - boundary.standing, "{}", boundary.name);
        place.run("audit", &[]).ends(0);
        for path in place.receipts() {
            place.undo(&path).ends(0);
        }
        assert!(place.grants().is_empty(), "{}: the two receipts together take all back", boundary.name);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_the_write_in_flight_and_begins_no_other() {
    let place = two_registries();
    let slow = || put("first", Trouble::Slow(Duration::from_secs(2)));
    let boundary = Boundary { name: "slow", fault: slow, reached: |m, p| is_put(m, p, "first"), standing: 0 };
    let mut child = held(&place, &boundary);
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(place.grants().len(), 1);
    let path = place.receipts().remove(0);
    let receipt = json(&path);
    let outcomes: Vec<_> =
        receipt["changes"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, [serde_json::json!("applied"), serde_json::Value::Null], "{receipt:#}");
    place.undo(&path).ends(0);
    assert!(place.grants().is_empty());
}

#[test]
fn of_two_runs_at_once_each_grant_is_written_by_one() {
    let place = two_registries();
    place.fake.set_latency(Duration::from_millis(30));
    let (one, two) = std::thread::scope(|scope| {
        let run = || place.fix(&["--verify-timeout", "10s"]);
        let (one, two) = (scope.spawn(run), scope.spawn(run));
        (one.join().unwrap(), two.join().unwrap())
    });
    for ran in [&one, &two] {
        assert!(matches!(ran.code, Some(0 | 1)), "{}\n{}", ran.out, ran.err);
    }
    assert_eq!(place.grants().len(), 2, "no write is lost and none is double");
    let created = place.writes().iter().filter(|(_, status)| *status == Some(201)).count();
    assert_eq!(created, 2);
    let outcomes = |path: &std::path::PathBuf| {
        let receipt = json(path);
        receipt["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = place.receipts().iter().flat_map(outcomes).collect();
    assert_eq!(all.iter().filter(|outcome| *outcome == "applied").count(), 2, "{all:?}");
    assert!(
        all.iter().all(|outcome| ["applied", "already-there", "stale"].contains(&outcome.as_str())),
        "{all:?}"
    );
}
