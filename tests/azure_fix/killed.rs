//! A run that is killed, interrupted, or not alone: what it leaves can be used.

use super::azure::{Place, json};
use super::azure_fake::{Fault, Registry, SUBSCRIPTION, Trouble, World};
use super::servers::killed::{Killable, Point, Which, ended_by_a_second_run, undone_after_a_kill};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

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

    fn start(&self) -> Child {
        let arguments = ["fix", "--provider", "aks", "-f", "apps.yaml", "--yes", "--timeout", "60s"];
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

fn two_registries() -> Place {
    let registry = |name: &str| Registry::new(SUBSCRIPTION, "rg-acme", name);
    let mut world = World::acme();
    world.registries = vec![registry("first"), registry("second")];
    Place::of(world, &["first.azurecr.io/shop/cart:1", "second.azurecr.io/shop/web:1"])
}

#[test]
fn killed_at_any_write_boundary_undo_leaves_the_world_as_it_was() {
    undone_after_a_kill(two_registries);
}

#[test]
fn killed_at_any_write_boundary_a_second_fix_ends_the_work_and_writes_nothing_twice() {
    ended_by_a_second_run(two_registries);
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_the_write_in_flight_and_begins_no_other() {
    let place = two_registries();
    place.fake.set_fault(put("first", Trouble::Slow(Duration::from_secs(2))));
    let mut child = place.start();
    while !place.is_held(Point::Noted(Which::First)) {
        std::thread::sleep(Duration::from_millis(20));
    }
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
