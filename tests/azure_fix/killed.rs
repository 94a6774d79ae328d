//! A run that is killed, interrupted, or not alone: what it leaves can be used.

use super::azure::{Place, json};
use super::azure_fake::{Fault, Grant, Registry, SUBSCRIPTION, Trouble, World, role};
use super::servers::contested::{Contested, contested_at_every_write};
use super::servers::killed::{Killable, Pace, Point, Which, ended_by_a_second_run, undone_after_a_kill};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const ASSIGNMENT: &str = "/roleAssignments/";

fn put(registry: &str, trouble: Trouble) -> Fault {
    Fault::on(&format!("/{registry}/providers/Microsoft.Authorization{ASSIGNMENT}"), trouble).method("PUT")
}

fn is_put(method: &str, path: &str, registry: &str) -> bool {
    method == "PUT" && path.contains(&format!("/{registry}/"))
}

impl Killable for Place {
    fn hold(&self, point: Point) {
        self.fake.set_fault(match point {
            Point::Look(which) => {
                Fault::on(&format!("/registries/{}", which.word()), Trouble::Silence).query("2025-11-01").after(1)
            }
            Point::Noted(which) => put(which.word(), Trouble::Silence),
            Point::Done(which) => put(which.word(), Trouble::SilenceAfter),
            Point::After => Fault::on("/roleDefinitions/", Trouble::Silence),
        });
    }

    fn is_held(&self, point: Point) -> bool {
        let there = |method: &str, path: &str| match point {
            Point::Look(which) => path.ends_with(&format!("/registries/{}", which.word())),
            Point::Noted(which) | Point::Done(which) => is_put(method, path, which.word()),
            Point::After => path.contains("/roleDefinitions/"),
        };
        self.fake.requests().iter().any(|seen| seen.status.is_none() && there(&seen.method, &seen.path))
    }

    fn mend(&self) {
        self.fake.clear_faults();
        self.fake.forget_requests();
    }

    fn start(&self, pace: Pace) -> Child {
        let arguments = ["fix", "--provider", "aks", "-f", "apps.yaml", "--yes", "--timeout", "60s"];
        let arguments = [&arguments[..], &["--concurrency", pace.concurrency()]].concat();
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
        command.current_dir(self.folder.path()).args(arguments).envs(self.fake.env());
        command.env("KUBECONFIG", "/nonexistent").stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    fn run(&self, command: &str, receipt: Option<&PathBuf>) -> i32 {
        let ran = match receipt {
            Some(receipt) => self.undo(receipt),
            None if command == "fix" => self.fix(&[]),
            None => Place::run(self, command, &[]),
        };
        ran.code.unwrap()
    }

    fn receipts(&self) -> Vec<PathBuf> {
        Place::receipts(self)
    }

    fn standing(&self) -> usize {
        self.grants().len()
    }

    fn state(&self) -> String {
        format!("{:?}", self.grants())
    }

    fn writes(&self) -> usize {
        Place::writes(self).iter().filter(|(_, status)| status.is_some()).count()
    }
}

/// Somebody else gives the same role to the same identity at the same place, under a name of their own.
impl Contested for Place {
    const OUTCOME: &'static str = "already-there";

    fn contest(&self, which: Which) {
        self.fake.set_fault(put(which.word(), Trouble::Slow(Duration::from_secs(1))));
    }

    fn meddle(&self, which: Which) {
        let until = Instant::now() + Duration::from_mins(1);
        while !Killable::is_held(self, Point::Noted(which)) {
            assert!(Instant::now() < until, "{which:?} is never sent");
            std::thread::sleep(Duration::from_millis(10));
        }
        let (who, scope) = (self.kubelet(), Registry::new(SUBSCRIPTION, "rg-acme", which.word()).id());
        self.fake.change(|world| world.grants.push(Grant::new(&scope, role::ACR_PULL, &who)));
    }

    fn theirs_stands(&self, which: Which) -> bool {
        // Ours is gone when this is asked of a document that is ours.
        self.grants().iter().any(|(_, _, scope, _)| scope.ends_with(&format!("/{}", which.word())))
    }
}

#[test]
fn what_others_write_in_the_same_moment_stands_at_every_write() {
    contested_at_every_write(two_registries);
}

fn registries(names: &[&str]) -> Place {
    let mut world = World::acme();
    world.registries = names.iter().map(|name| Registry::new(SUBSCRIPTION, "rg-acme", name)).collect();
    let images: Vec<String> = names.iter().map(|name| format!("{name}.azurecr.io/shop/app:1")).collect();
    Place::of(world, &images.iter().map(String::as_str).collect::<Vec<_>>())
}

fn two_registries() -> Place {
    registries(&["first", "second"])
}

#[test]
fn killed_at_any_write_boundary_undo_leaves_the_world_as_it_was() {
    undone_after_a_kill(two_registries);
}

#[test]
fn killed_at_any_write_boundary_a_second_fix_ends_the_work_and_writes_nothing_twice() {
    ended_by_a_second_run(two_registries);
}

/// The code of a run that gets a SIGINT while those are in flight.
#[cfg(unix)]
fn interrupted(place: &Place, pace: Pace, in_flight: &[Which]) -> Option<i32> {
    let mut child = place.start(pace);
    let until = Instant::now() + Duration::from_mins(1);
    while !in_flight.iter().all(|which| place.is_held(Point::Noted(*which))) {
        assert!(Instant::now() < until, "{in_flight:?} are never in flight at once");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn documents_are_written_side_by_side_and_an_interrupt_finishes_all_in_flight() {
    let names = ["first", "second", "third"];
    let place = registries(&names);
    place.fake.set_fault(Fault::on(ASSIGNMENT, Trouble::Slow(Duration::from_secs(2))).method("PUT"));
    assert_eq!(interrupted(&place, Pace::Abreast, &[Which::First, Which::Second]), Some(130));
    assert_eq!(place.grants().len(), 3);
    let path = place.receipts().remove(0);
    let receipt = json(&path);
    assert!(receipt["changes"].as_array().unwrap().iter().all(|one| one["outcome"] == "applied"), "{receipt:#}");
    place.undo(&path).ends(0);
    assert!(place.grants().is_empty());
}

/// A run that was killed when one of two is written, and its receipt.
fn killed_between() -> (Place, PathBuf) {
    let place = two_registries();
    place.hold(Point::Noted(Which::Second));
    let mut child = place.start(Pace::Single);
    let until = Instant::now() + Duration::from_mins(1);
    while !place.is_held(Point::Noted(Which::Second)) {
        assert!(Instant::now() < until, "the second is never sent");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    place.mend();
    let receipt = place.receipts().remove(0);
    (place, receipt)
}

#[test]
fn a_note_that_was_cut_off_is_none() {
    for cut in [&b"{\"id\": \"half of \xc3"[..], &[0; 40], b"\n\n"] {
        let (place, receipt) = killed_between();
        let text = [&std::fs::read(&receipt).unwrap()[..], cut].concat();
        std::fs::write(&receipt, text).unwrap();
        place.undo(&receipt).ends(0);
        assert!(place.grants().is_empty());
    }
}

#[test]
fn a_damaged_note_is_named_and_nothing_is_taken_back_without_it() {
    let (place, receipt) = killed_between();
    let whole = std::fs::read_to_string(&receipt).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("{\"id\"")).unwrap();
    for damage in ["{\"id\": 3}", "{}", "{\"id\":\"nobody's\",\"sentAt\":\"2026-01-01T00:00:00Z\"}"] {
        let mut damaged = lines.clone();
        damaged[first] = damage;
        std::fs::write(&receipt, damaged.join("\n") + "\n").unwrap();
        let ran = place.undo(&receipt);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let told = format!("{}, line {}: no note of a write", receipt.display(), first + 1);
        assert!(ran.err.contains(&told), "{}", ran.err);
    }
    assert_eq!(place.grants().len(), 1);
    std::fs::write(&receipt, whole).unwrap();
    place.undo(&receipt).ends(0);
    assert!(place.grants().is_empty());
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_the_write_in_flight_and_begins_no_other() {
    let place = two_registries();
    place.fake.set_fault(put("first", Trouble::Slow(Duration::from_secs(2))));
    assert_eq!(interrupted(&place, Pace::Single, &[Which::First]), Some(130));
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
