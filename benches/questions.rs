//! A million questions of a snapshot, one a line: wall time, memory, and that ten times the questions take ten times as
//! long and no more memory. It prints a table, and ends with 1 where a floor is missed.
//!
//! ```text
//! cargo bench --bench questions
//! ```
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "shared/measure.rs"]
mod measure;

use measure::{line, run};
use pullaudit_core::{Read, Section, Snapshot};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const ROLES: usize = 100;
const REPOSITORIES: usize = 250;
const TAGS: usize = 40;
const PULL_ONLY: &str = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";

/// Every tenth role may not pull.
fn snapshot() -> Snapshot {
    let document = |value: serde_json::Value| Read::Got(json!({ "text": value.to_string() }));
    let mut section = Section::default();
    let actions = ["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"];
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    section.put("policies", PULL_ONLY, document(json!({ "Version": "2012-10-17", "Statement": [statement] })));
    for role in 0..ROLES {
        let key = format!("{ACCOUNT}/node-{role}");
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/node-{role}");
        section.put("roles", &key, Read::Got(json!({ "arn": arn, "roleId": format!("AROA{role:017}") })));
        let attached = if role % 10 == 0 { json!([]) } else { json!([PULL_ONLY]) };
        section.put("attachedPolicies", &key, Read::Got(attached));
        section.put("inlinePolicyNames", &key, Read::Got(json!([])));
    }
    let registry = format!("{ACCOUNT}/{REGION}");
    section.put("registryPolicies", &registry, Read::Absent);
    section.put("accountSettings", &registry, Read::Got(json!({ "registryPolicyScope": "V2" })));
    section.put("pullThroughRules", &registry, Read::Got(json!([])));
    section.put("readers", ACCOUNT, Read::Got(json!({ "arn": format!("arn:aws:iam::{ACCOUNT}:role/reader") })));
    for repository in 0..REPOSITORIES {
        let key = format!("{registry}/team/app-{repository}");
        let arn = format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app-{repository}");
        section.put("repositories", &key, Read::Got(json!({ "arn": arn })));
        section.put("repositoryPolicies", &key, Read::Absent);
        for tag in 0..TAGS {
            section.put("images", format!("{key}:v{tag}"), Read::Got(json!({ "digest": "sha256:00" })));
        }
    }
    let mut snapshot = Snapshot::new("2026-11-30T00:00:00Z".parse().unwrap());
    snapshot.facts.insert("eks".to_owned(), section);
    snapshot
}

/// The first so many of all roles, repositories and tags.
fn lines(path: &Path, count: usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for number in 0..count {
        let (tag, rest) = (number % TAGS, number / TAGS);
        let (repository, role) = (rest % REPOSITORIES, rest / REPOSITORIES % ROLES);
        let image = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/app-{repository}:v{tag}");
        writeln!(file, "{image} arn:aws:iam::{ACCOUNT}:role/node-{role}").unwrap();
    }
    file.flush().unwrap();
}

fn main() {
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let facts = folder.path().join("facts.json");
    std::fs::write(&facts, snapshot().to_json().unwrap()).unwrap();
    let cost = |count: usize| {
        let asked = folder.path().join(format!("{count}.txt"));
        lines(&asked, count);
        let ask = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pullaudit"));
            command.args(["can-pull", "-", "-o", "json", "--from"]).arg(&facts).stdin(File::open(&asked).unwrap());
            run(&mut command, &[2])
        };
        let runs = [ask(), ask(), ask()];
        let wall = runs.iter().map(|run| run.wall.as_secs_f64()).fold(f64::INFINITY, f64::min);
        (wall, runs.iter().map(|run| run.memory).fold(0.0, f64::max))
    };
    let (few, few_memory) = cost(100_000);
    let (many, many_memory) = cost(1_000_000);
    let (none, _) = cost(100);
    println!("100,000 questions: {few:.2} s, {few_memory:.1} MB; 1,000,000: {many:.2} s, {many_memory:.1} MB");
    println!("{:.0} questions a second, parsing and printing included", 1e6 / (many - none));
    let held = [
        line("memory of a million questions", many_memory, 256.0, "MB"),
        line("a million beside ten times a hundred thousand", (many - none) / (10.0 * (few - none)), 1.2, "times"),
        line("memory of a million beside a hundred thousand", many_memory / few_memory, 1.1, "times"),
    ];
    std::process::exit(i32::from(held.contains(&false)));
}
