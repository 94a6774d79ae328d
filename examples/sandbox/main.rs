//! The whole repair, with no account at all: a fake of Azure on this machine, and pullaudit run against it
//! as a person would.
//!
//! ```text
//! cargo run --example sandbox            # drift, plan, repair, nothing left, and back
//! cargo run --example sandbox -- shell   # keeps the fake running, and prints how to point pullaudit at it
//! ```
//!
//! The cluster `prod-weu-1` was given a new kubelet identity; `AcrPull` on `acmeprod` is still held by the old
//! one. `acmevendor` has a deny assignment, which no grant overcomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../tests/azure_fake/mod.rs"]
mod azure_fake;

use azure_fake::{Cluster, Deny, Fake, Grant, Identity, Pool, Registry, World, role};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

const SUBSCRIPTION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const APPS: &str = include_str!("apps.yaml");
/// Set for the runs of pullaudit itself: this program is both.
const AS_PULLAUDIT: &str = "SANDBOX_RUNS_PULLAUDIT";
/// Everything that a run needs besides what the fake gives.
const KEPT: [&str; 3] = ["PATH", "TERM", "NO_COLOR"];

/// What is run, and how it ends.
const STEPS: [(&str, &str, u8); 8] = [
    ("What is broken?", "audit --provider aks -f apps.yaml", 2),
    ("What would repair it?", "fix --provider aks -f apps.yaml --dry-run", 2),
    ("Repair it.", "fix --provider aks -f apps.yaml --yes --receipt-out repair.receipt.json", 0),
    ("Is all well now?", "audit --provider aks -f apps.yaml", 0),
    ("A second run finds nothing to do.", "fix --provider aks -f apps.yaml --yes", 0),
    (
        "What no grant would repair is held back, with the reason.",
        "fix --provider aks --image acmevendor.azurecr.io/agent:3.1.4 --yes",
        2,
    ),
    ("Take it back.", "undo repair.receipt.json --yes", 0),
    ("It is as it was.", "audit --provider aks -f apps.yaml", 2),
];

fn main() -> ExitCode {
    if std::env::var_os(AS_PULLAUDIT).is_some() {
        return pullaudit::run::main();
    }
    let shell = std::env::args().nth(1).is_some_and(|word| word == "shell");
    match if shell { hold() } else { show() } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn world() -> World {
    let identity = |name: &str| Identity::named(SUBSCRIPTION, "MC_rg-prod_prod-weu-1", name);
    let cluster = Cluster::new(SUBSCRIPTION, "rg-prod", "prod-weu-1");
    let pools = vec![Pool::new("apps", 3), Pool::new("batch", 2)];
    let cluster = Cluster { pools, ..cluster.kubelet(identity("aks-kubelet-b")) };
    let registry = |name: &str| Registry::new(SUBSCRIPTION, "rg-acr", name);
    let (prod, base, vendor) = (registry("acmeprod"), registry("acmebase"), registry("acmevendor"));
    let former = Grant::new(&prod.id(), role::ACR_PULL, &identity("aks-kubelet-a").object_id);
    let kept = Grant::new(&base.id(), role::ACR_PULL, &identity("aks-kubelet-b").object_id);
    let locked = Deny::new("mrg-lock", &vendor.id()).action("Microsoft.ContainerRegistry/registries/pull/read");
    World::new()
        .subscription(SUBSCRIPTION)
        .cluster(cluster)
        .registry(prod)
        .registry(base)
        .registry(vendor)
        .deny(locked.everybody())
        .grant(former)
        .grant(kept)
}

/// Runs every step, each as a command of its own.
fn show() -> Result<(), Box<dyn Error>> {
    let (fake, folder) = (Fake::start(world()), tempfile::tempdir()?);
    std::fs::write(folder.path().join("apps.yaml"), APPS)?;
    let before = grants(&fake);
    for (why, line, expected) in STEPS {
        println!("# {why}\n$ pullaudit {line}");
        std::io::stdout().flush()?;
        let code = run(&fake, folder.path(), line)?;
        println!();
        if code != Some(i32::from(expected)) {
            return Err(format!("it ended with {code:?}, and {expected} was expected").into());
        }
    }
    match fake.strangers().first() {
        None if grants(&fake) != before => Err("the role assignments are not as they were".into()),
        None => Ok(()),
        Some(stranger) => Err(format!("the fake does not know {} {}", stranger.method, stranger.path).into()),
    }
}

/// Every role assignment, with all that it says.
fn grants(fake: &Fake) -> Vec<String> {
    fake.change(|world| world.grants.iter().map(|grant| format!("{grant:?}")).collect())
}

fn run(fake: &Fake, folder: &Path, line: &str) -> Result<Option<i32>, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(line.split(' ')).args(["--no-progress"]).current_dir(folder);
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env(AS_PULLAUDIT, "1").env("HOME", folder).env("KUBECONFIG", "/nonexistent").envs(fake.env());
    Ok(command.status()?.code())
}

/// Keeps the fake until a line comes in, or an interrupt: its folder goes with it either way.
fn hold() -> Result<(), Box<dyn Error>> {
    let (fake, folder) = (Fake::start(world()), tempfile::tempdir()?);
    let apps = folder.path().join("apps.yaml");
    std::fs::write(&apps, APPS)?;
    println!("# Azure is here until you press Enter. In another terminal:");
    println!("unset AZURE_FEDERATED_TOKEN_FILE");
    let alone = [("KUBECONFIG", "/nonexistent"), ("NO_PROXY", "127.0.0.1,localhost")];
    for (name, value) in
        alone.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().chain(fake.env())
    {
        println!("export {name}='{value}'");
    }
    println!("pullaudit fix --provider aks -f '{}'", apps.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            read = line => read.unwrap().map(drop),
        }
    })?;
    // The thread that waits for a line can't be stopped.
    runtime.shutdown_background();
    Ok(())
}
