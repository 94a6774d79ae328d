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

impl Ground<'_> {
    /// Holds each command against the law.
    pub(crate) fn hold(&self, ways: &[Way]) {
        let (mut runs, mut broken) = (0, Vec::new());
        let mut met = vec![false; self.needless.len()];
        for way in ways {
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
                runs += 1;
                let ended = self.run(way);
                if ended.code != Some(0) {
                    let named = (self.named)(call).into_iter().any(|name| ended.said.contains(&name));
                    if !named {
                        broken.push(format!("{:?} names nothing of {call}:\n{}", way.arguments, ended.said));
                    }
                    continue;
                }
                let reason = self.needless.iter().position(|(command, part, _)| {
                    format!("{call}\n").contains(part) && (command.is_empty() || way.arguments[0] == *command)
                });
                match reason {
                    Some(at) => {
                        met[at] = true;
                        let assumed = self.needless[at].2.starts_with("assumed");
                        if assumed && shows_assumptions(way) && !ended.said.contains("assum") {
                            broken.push(format!("{:?} hides what it assumes without {call}", way.arguments));
                        }
                    }
                    None => broken.push(format!("{:?} is green without {call}", way.arguments)),
                }
            }
            self.reset();
            calls.iter().for_each(|call| self.take(call));
            runs += 1;
            let ended = self.run(way);
            if ended.code == Some(0) {
                broken.push(format!("{:?} is green over nothing:\n{}", way.arguments, ended.said));
            }
        }
        self.reset();
        println!("{runs} runs of {} commands", ways.len());
        assert!(broken.is_empty(), "{} breaks of the law\n{}", broken.len(), broken.join("\n"));
        for (reason, met) in self.needless.iter().zip(met) {
            assert!(met, "{reason:?} is never met");
        }
    }

    fn reset(&self) {
        self.breakables.iter().for_each(|one| one.reset());
    }

    fn take(&self, call: &str) {
        self.breakables.iter().for_each(|one| one.break_call(call, Trouble::Forbidden));
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
