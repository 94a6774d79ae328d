//! The whole repair, with no account at all: a fake of Azure or of Google Cloud on this machine, or an emulator of
//! AWS, and pullaudit run against it as a person would.
//!
//! ```text
//! cargo run --example sandbox            # Azure: drift, plan, repair, nothing left, and back
//! cargo run --example sandbox -- google  # the same on Google Cloud
//! cargo run --example sandbox -- aws     # the same on AWS; needs what scripts/servers installs
//! cargo run --example sandbox -- shell   # keeps the fake running, and prints how to point pullaudit at it
//! ```
//!
//! `shell` takes the name of a cloud too: `-- google shell`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod aws;
mod azure;
#[path = "../../tests/azure_fake/mod.rs"]
mod azure_fake;
mod google;
#[path = "../../tests/servers/mod.rs"]
mod servers;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Set for the runs of pullaudit itself: this program is both.
const AS_PULLAUDIT: &str = "SANDBOX_RUNS_PULLAUDIT";
/// Everything that a run needs besides what the fake gives.
const KEPT: [&str; 3] = ["PATH", "TERM", "NO_COLOR"];

/// Why, what is run, and how it ends.
type Step = (&'static str, &'static str, u8);

/// A cloud on this machine.
trait Ground {
    fn name(&self) -> &'static str;
    /// As pullaudit calls it.
    fn provider(&self) -> &'static str;
    /// What leads a program there.
    fn environment(&self) -> Vec<(String, String)>;
    /// The workloads.
    fn apps(&self) -> &'static str;
    fn steps(&self) -> &'static [Step];
    /// All that a repair could change.
    fn state(&self) -> String;
    /// Calls that it does not know.
    fn strangers(&self) -> Vec<String>;
}

fn main() -> ExitCode {
    if std::env::var_os(AS_PULLAUDIT).is_some() {
        return pullaudit::run::main();
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match chosen(&words).and_then(|(ground, shell)| if shell { hold(&*ground) } else { show(&*ground) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The cloud, and whether it is to be kept.
fn chosen(words: &[String]) -> Result<(Box<dyn Ground>, bool), Box<dyn Error>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (cloud, shell) = match words[..] {
        [] => ("azure", false),
        ["shell"] => ("azure", true),
        [cloud] => (cloud, false),
        [cloud, "shell"] => (cloud, true),
        _ => return Err("it takes azure, google or aws, and shell".into()),
    };
    let ground = match cloud {
        "azure" => azure::ground(),
        "google" => google::ground(),
        "aws" => aws::ground()?,
        other => return Err(format!("there is no sandbox of {other}: azure, google or aws").into()),
    };
    Ok((ground, shell))
}

/// Runs every step, each as a command of its own.
fn show(ground: &dyn Ground) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("apps.yaml"), ground.apps())?;
    let before = ground.state();
    for (why, line, expected) in ground.steps() {
        println!("# {why}\n$ pullaudit {line}");
        std::io::stdout().flush()?;
        let code = run(ground, folder.path(), line)?;
        println!();
        if code != Some(i32::from(*expected)) {
            return Err(format!("it ended with {code:?}, and {expected} was expected").into());
        }
    }
    match ground.strangers().first() {
        None if ground.state() != before => Err(format!("{} is not as it was", ground.name()).into()),
        None => Ok(()),
        Some(stranger) => Err(format!("{} does not know {stranger}", ground.name()).into()),
    }
}

fn run(ground: &dyn Ground, folder: &Path, line: &str) -> Result<Option<i32>, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(line.split(' ')).args(["--no-progress"]).current_dir(folder);
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
        .env(AS_PULLAUDIT, "1")
        .env("HOME", folder)
        .env("KUBECONFIG", "/nonexistent")
        .envs(ground.environment());
    Ok(command.status()?.code())
}

/// Keeps the fake until a line comes in, or an interrupt: its folder goes with it either way.
fn hold(ground: &dyn Ground) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let apps = folder.path().join("apps.yaml");
    std::fs::write(&apps, ground.apps())?;
    println!("# {} is here until you press Enter. In another terminal:", ground.name());
    println!("unset AZURE_FEDERATED_TOKEN_FILE");
    let alone = [("KUBECONFIG", "/nonexistent"), ("NO_PROXY", "127.0.0.1,localhost")];
    for (name, value) in
        alone.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().chain(ground.environment())
    {
        println!("export {name}='{value}'");
    }
    println!("pullaudit fix --provider {} -f '{}'", ground.provider(), apps.display());
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
