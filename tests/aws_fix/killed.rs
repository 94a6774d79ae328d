//! A repair of two repository policies that is killed, by the code that holds every cloud to it.

use crate::ground::{FOREIGN, GENERAL, Ground};
use crate::live::OTHER;
use crate::servers::contested::{Contested, contested_at_every_write};
use crate::servers::killed::{Killable, Pace, Point, Which, ended_by_a_second_run, undone_after_a_kill};
use crate::servers::proxy::Trouble;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two repositories under a name of the test's own.
struct Two {
    ground: Ground,
    /// The same world by way of a proxy that no fault is set on.
    aside: Ground,
    under: &'static str,
}

/// The repositories as they were, whatever an earlier point left.
fn two(under: &'static str) -> Option<Two> {
    let [first, second] = [Which::First, Which::Second].map(|which| format!("{under}/{}", which.word()));
    let ground = || Some(Ground::new(under, GENERAL, "general", OTHER, &first)?.and(&second));
    let (ground, aside) = (ground()?, ground()?);
    for repository in [&first, &second] {
        ground.edit_of(repository, FOREIGN);
    }
    Some(Two { ground, aside, under })
}

impl Two {
    fn name(&self, which: Which) -> String {
        format!("{}/{}", self.under, which.word())
    }

    fn policies(&self) -> [String; 2] {
        let names = [Which::First, Which::Second].map(|which| self.name(which));
        self.aside.policies_of([&names[0], &names[1]])
    }
}

impl Killable for Two {
    fn hold(&self, point: Point) {
        let (operation, which, after, trouble) = match point {
            // The first reading makes the plan.
            Point::Look(which) => ("GetRepositoryPolicy", which, 1, Trouble::TimeOut),
            Point::Noted(which) => ("SetRepositoryPolicy", which, 0, Trouble::TimeOut),
            Point::Done(which) => ("SetRepositoryPolicy", which, 0, Trouble::SilenceAfter),
            // The third reads back.
            Point::After => ("GetRepositoryPolicy", Which::First, 3, Trouble::TimeOut),
        };
        let (repository, met) = (self.name(which), AtomicUsize::new(0));
        let fits = move |call: &crate::servers::call::Call| {
            call.operation == operation
                && call.key().contains(&repository)
                && met.fetch_add(1, Ordering::SeqCst) >= after
        };
        self.ground.place.proxy.fault(fits, trouble);
    }

    fn is_held(&self, _: Point) -> bool {
        self.ground.place.proxy.is_held()
    }

    fn mend(&self) {
        self.ground.place.proxy.reset();
    }

    fn start(&self, pace: Pace) -> Child {
        let fixed =
            ["fix", "--config", &self.ground.place.config, "--timeout", "60s", "--yes", "--consent", "broad"];
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
        command
            .args(fixed)
            .args(["--concurrency", pace.concurrency()])
            .args(self.ground.what())
            .current_dir(self.ground.place.folder.path());
        command.env_clear().env("HOME", "/nonexistent").env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(self.ground.place.environment.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn run(&self, command: &str, receipt: Option<&PathBuf>) -> i32 {
        let ran = match receipt {
            Some(receipt) => {
                self.ground.place.run("undo", &[receipt.to_str().unwrap(), "--yes", "--verify-timeout", "10s"])
            }
            None if command == "fix" => {
                self.ground.run("fix", &["--yes", "--consent", "broad", "--verify-timeout", "10s"])
            }
            None => self.ground.run(command, &[]),
        };
        ran.code
    }

    fn receipts(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.ground.place.folder.path()).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.to_str().unwrap().ends_with(".receipt.json")).collect()
    }

    fn standing(&self) -> usize {
        self.policies().iter().filter(|policy| policy.contains("PullauditPull")).count()
    }

    fn state(&self) -> String {
        self.policies().concat()
    }

    fn writes(&self) -> usize {
        self.ground.answered_writes()
    }
}

/// Somebody else edits the policy right before our look at it: ECR compares nothing, so ours is not made.
impl Contested for Two {
    const OUTCOME: &'static str = "stale";

    fn contest(&self, which: Which) {
        let (repository, reads) = (self.name(which), AtomicUsize::new(0));
        let edit = self.ground.editor_of(&repository, &FOREIGN.replace("\"kept\"", "\"theirs\""));
        self.ground.place.proxy.guard(move |_, call| {
            // The first reading makes the plan, the second one is the look right before the write.
            let here = call.operation == "GetRepositoryPolicy" && call.key().contains(&repository);
            if here && reads.fetch_add(1, Ordering::SeqCst) == 1 {
                edit();
            }
            None
        });
    }

    fn theirs_stands(&self, which: Which) -> bool {
        self.policies()[usize::from(which == Which::Second)].contains("\"theirs\"")
    }
}

#[test]
fn what_others_write_in_the_same_moment_stands_at_every_write() {
    if two("contested").is_some() {
        contested_at_every_write(|| two("contested").unwrap());
    }
}

#[test]
fn killed_at_any_write_boundary_undo_leaves_the_world_as_it_was() {
    if two("undone").is_some() {
        undone_after_a_kill(|| two("undone").unwrap());
    }
}

#[test]
fn killed_at_any_write_boundary_a_second_fix_ends_the_work_and_writes_nothing_twice() {
    if two("ended").is_some() {
        ended_by_a_second_run(|| two("ended").unwrap());
    }
}
