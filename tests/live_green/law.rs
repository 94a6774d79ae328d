//! The law: a run without an answer that it asked for is not green, and says what it lacks.

use super::servers::ablation::Breakable;
use super::servers::proxy::Trouble;
use assert_cmd::Command;
use std::collections::BTreeSet;
use std::path::Path;

/// One command, with what it reads from its standard input.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    arguments: Vec<String>,
    stdin: String,
}

impl Way {
    pub(crate) fn new(arguments: &[&str], stdin: &str) -> Self {
        Self { arguments: arguments.iter().map(|&one| one.to_owned()).collect(), stdin: stdin.to_owned() }
    }
}

/// Every command that asks a cloud, about an image by each of its sources.
pub(crate) fn ways(cluster: &str, image: &str) -> Vec<Way> {
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{template: {{spec: {{containers: [{{name: web, image: '{image}'}}]}}}}}}\n"
    );
    vec![
        Way::new(&["audit", "--image", image], ""),
        Way::new(&["audit", "-f", "-"], &manifest),
        Way::new(&["audit", "-f", "-", "-o", "json"], &manifest),
        Way::new(&["fix", "--image", image, "--dry-run"], ""),
        Way::new(&["fix", "-f", "-", "--yes"], &manifest),
        Way::new(&["fix", "--image", image, "--dry-run", "-o", "json"], ""),
        Way::new(&["collect", "--image", image, "-o", "facts.json"], ""),
        Way::new(&["can-pull", image, "--as", cluster], ""),
        Way::new(&["can-pull", "-"], &format!("{image} {cluster}\n")),
    ]
}

/// A cloud on which all pulls are allowed, and the program beside it.
pub(crate) struct Ground<'a> {
    pub(crate) breakables: Vec<&'a dyn Breakable>,
    pub(crate) folder: &'a Path,
    pub(crate) environment: Vec<(String, String)>,
    /// What every command is given.
    pub(crate) fixed: &'a [&'a str],
    /// Of a call: what a run that lacks it may name.
    pub(crate) named: &'a dyn Fn(&str) -> Vec<String>,
    /// One call of each right is taken away, where there are many and each takes long.
    pub(crate) once: bool,
    /// A command (any, where it is empty) and a part of a call (`\n` is its end): it is green without its answer, for this reason. Where
    /// that begins with `assumed`, verdicts say so.
    pub(crate) needless: &'a [(&'a str, &'a str, &'a str)],
}

struct Ended {
    code: Option<i32>,
    /// Both streams, without what breaks lines.
    said: String,
}

/// Commands whose output is about verdicts; the others write facts or changes.
fn shows_assumptions(way: &Way) -> bool {
    ["audit", "can-pull"].contains(&&*way.arguments[0])
}

/// What all commands together came to.
struct Tally {
    runs: usize,
    broken: Vec<String>,
    /// Which of the reasons was met.
    met: Vec<bool>,
}

impl Ground<'_> {
    /// Holds each command against the law.
    pub(crate) fn hold(&self, ways: &[Way]) {
        let mut tally = Tally { runs: 0, broken: Vec::new(), met: vec![false; self.needless.len()] };
        for way in ways {
            self.hold_one(way, &mut tally);
        }
        self.reset();
        println!("{} runs of {} commands", tally.runs, ways.len());
        assert!(tally.broken.is_empty(), "{} breaks of the law\n{}", tally.broken.len(), tally.broken.join("\n"));
        for (reason, met) in self.needless.iter().zip(tally.met) {
            assert!(met, "{reason:?} is never met");
        }
    }

    fn hold_one(&self, way: &Way, tally: &mut Tally) {
        self.reset();
        let clean = self.run(way);
        assert_eq!(clean.code, Some(0), "{:?}: {}", way.arguments, clean.said);
        let calls: Vec<String> = self.breakables.iter().flat_map(|one| one.calls()).collect();
        let mut rights = BTreeSet::new();
        let each: Vec<&String> =
            calls.iter().filter(|call| !self.once || rights.insert((self.named)(call))).collect();
        assert!(each.len() > 3, "{:?}: {calls:?}", way.arguments);
        for call in each {
            self.reset();
            self.take(call);
            tally.runs += 1;
            let ended = self.run(way);
            if ended.code == Some(0) {
                self.explain(way, call, &ended, tally);
            } else if !(self.named)(call).into_iter().any(|name| ended.said.contains(&name)) {
                tally.broken.push(format!("{:?} names nothing of {call}:\n{}", way.arguments, ended.said));
            }
        }
        self.reset();
        for call in &calls {
            self.take(call);
        }
        tally.runs += 1;
        let ended = self.run(way);
        if ended.code == Some(0) {
            tally.broken.push(format!("{:?} is green over nothing:\n{}", way.arguments, ended.said));
        }
    }

    /// A run that is green without a call needs a reason, and says where that is an assumption.
    fn explain(&self, way: &Way, call: &str, ended: &Ended, tally: &mut Tally) {
        let reason = self.needless.iter().position(|(command, part, _)| {
            format!("{call}\n").contains(part) && (command.is_empty() || way.arguments[0] == *command)
        });
        let Some(at) = reason else {
            return tally.broken.push(format!("{:?} is green without {call}", way.arguments));
        };
        tally.met[at] = true;
        let assumed = self.needless[at].2.starts_with("assumed");
        if assumed && shows_assumptions(way) && !ended.said.contains("assum") {
            tally.broken.push(format!("{:?} hides what it assumes without {call}", way.arguments));
        }
    }

    fn reset(&self) {
        for one in &self.breakables {
            one.reset();
        }
    }

    fn take(&self, call: &str) {
        for one in &self.breakables {
            one.break_call(call, Trouble::Forbidden);
        }
    }

    fn run(&self, way: &Way) -> Ended {
        let mut command = Command::cargo_bin("pullaudit").unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("KUBECONFIG", "/nonexistent").env("HOME", self.folder).env("NO_COLOR", "1");
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.current_dir(self.folder).args(&way.arguments).args(self.fixed).envs(environment);
        let output = command.write_stdin(way.stdin.clone()).output().unwrap();
        let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        Ended { code: output.status.code(), said: said.split_whitespace().collect::<Vec<_>>().join(" ") }
    }
}
