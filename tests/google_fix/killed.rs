//! A repair of two repositories that is killed, by the code that holds every cloud to it.

use super::google::{MEMBER, Place, READER, cluster};
use super::servers::contested::{Contested, contested_at_every_write};
use super::servers::killed::{Killable, Pace, Point, Which, ended_by_a_second_run, undone_after_a_kill};
use pullaudit_google_fake::{Fault, Policy, Repository, Trouble};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const GET: &str = "artifactregistry.projects.locations.repositories.getIamPolicy";
const SET: &str = "artifactregistry.projects.locations.repositories.setIamPolicy";

fn path(which: Which) -> String {
    format!("projects/acme-images/locations/europe-west4/repositories/{}", which.word())
}

fn two_repositories() -> Place {
    let repository = |which: Which| {
        Repository::new("acme-images", "europe-west4", which.word())
            .policy(Policy::new().bind("roles/artifactregistry.writer", "user:dev@acme.example"))
    };
    let place = Place::of(cluster().repository(repository(Which::First)).repository(repository(Which::Second)));
    place.apps(&["first", "second"].map(|name| format!("europe-west4-docker.pkg.dev/acme-images/{name}/app:1")));
    place
}

impl Killable for Place {
    fn hold(&self, point: Point) {
        self.fake.set_fault(match point {
            // The first reading makes the plan.
            Point::Look(which) => Fault::call(GET, Trouble::Silence).path(&path(which)).after(1),
            Point::Noted(which) => Fault::call(SET, Trouble::Silence).path(&path(which)),
            Point::Done(which) => Fault::call(SET, Trouble::SilenceAfter).path(&path(which)),
            Point::After => Fault::call(GET, Trouble::Silence).path(&path(Which::First)).after(2),
        });
    }

    fn is_held(&self, point: Point) -> bool {
        let (name, which) = match point {
            Point::Look(which) => (GET, which),
            Point::Noted(which) | Point::Done(which) => (SET, which),
            Point::After => (GET, Which::First),
        };
        let held = |seen: &pullaudit_google_fake::Seen| {
            seen.status.is_none() && seen.name == name && seen.path.contains(&path(which))
        };
        self.fake.requests().iter().any(held)
    }

    fn mend(&self) {
        self.fake.clear_faults();
        self.fake.forget_requests();
    }

    fn start(&self, pace: Pace) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
        command.current_dir(self.folder.path()).envs(self.fake.env()).env("HOME", self.folder.path());
        command.args(["fix", "--provider", "gke", "-f", "apps.yaml", "--yes", "--timeout", "60s"]);
        command.args(["--concurrency", pace.concurrency()]);
        command.env("KUBECONFIG", "/nonexistent").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn run(&self, command: &str, receipt: Option<&PathBuf>) -> i32 {
        let ran = match receipt {
            Some(receipt) => self.undo_of(receipt),
            None if command == "fix" => self.fix(&[]),
            None => Place::run(self, command, &[]),
        };
        ran.code.unwrap()
    }

    fn receipts(&self) -> Vec<PathBuf> {
        Place::receipts(self)
    }

    fn standing(&self) -> usize {
        let holds = |which: &Which| {
            self.fake.change(|world| world.policy_of(&path(*which)).unwrap().holds(READER, MEMBER))
        };
        [Which::First, Which::Second].iter().filter(|which| holds(which)).count()
    }

    fn state(&self) -> String {
        let policy = |which: Which| {
            self.fake.change(|world| format!("{:?}", world.policy_of(&path(which)).unwrap().bindings()))
        };
        [Which::First, Which::Second].map(policy).concat()
    }

    fn writes(&self) -> usize {
        let written = |seen: &&pullaudit_google_fake::Seen| seen.name == SET && seen.status.is_some();
        self.fake.requests().iter().filter(written).count()
    }
}

/// Somebody else edits the policy between our reading and our writing: Google refuses, and the round is made again.
impl Contested for Place {
    const OUTCOME: &'static str = "applied";

    fn contest(&self, which: Which) {
        self.fake.set_fault(Fault::call(SET, Trouble::ConcurrentEdit).path(&path(which)).times(1));
    }

    fn theirs_stands(&self, which: Which) -> bool {
        self.fake.change(|world| {
            world
                .policy_of(&path(which))
                .unwrap()
                .holds("roles/artifactregistry.writer", "user:colleague-1@acme.example")
        })
    }
}

#[test]
fn what_others_write_in_the_same_moment_stands_at_every_write() {
    contested_at_every_write(two_repositories);
}

#[test]
fn killed_at_any_write_boundary_undo_leaves_the_world_as_it_was() {
    undone_after_a_kill(two_repositories);
}

#[test]
fn killed_at_any_write_boundary_a_second_fix_ends_the_work_and_writes_nothing_twice() {
    ended_by_a_second_run(two_repositories);
}
