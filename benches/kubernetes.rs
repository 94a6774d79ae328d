//! What reading the workloads of a large cluster costs, on a real API server: wall time beside `kubectl get pods` and beside
//! a plain client that drains the same pages, and memory at two sizes. It prints a table, and ends with 1 where a floor is
//! missed. `PULLAUDIT_BENCH_PODS=100000` takes another size.
//!
//! ```text
//! scripts/servers && cargo bench --bench kubernetes
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "kubernetes/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "shared/measure.rs"]
mod measure;
#[path = "kubernetes/reader.rs"]
mod reader;
#[path = "../tests/servers/mod.rs"]
mod servers;

use fleet::Fleet;
use measure::{line, run, spread};
use servers::kubernetes::{ADMIN, Kubernetes, token};
use std::process::Command;

const RUNS: usize = 5;
const SMALL: usize = 5_000;
const PODS: usize = 20_000;

fn main() {
    if let Some(mode) = std::env::var_os(reader::MODE) {
        return reader::main(&mode.to_string_lossy());
    }
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    std::process::exit(i32::from(!measured()));
}

/// This program again, as a reader: what it takes is the reader's alone.
fn own(server: &Kubernetes, mode: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(reader::MODE, mode).env(reader::SERVER, server.endpoint()).env(reader::CA, server.ca());
    command.env(reader::TOKEN, token(ADMIN));
    command
}

/// The middle wall time of some runs, in seconds, and the most memory, in MB.
fn cost(make: impl Fn() -> Command) -> (f64, f64) {
    let costs: Vec<_> = (0..RUNS).map(|_| run(&mut make(), &[0])).collect();
    let (wall, _, _) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    (wall, costs.iter().map(|cost| cost.memory).fold(0.0, f64::max))
}

fn measured() -> bool {
    let server = match servers::kubernetes::start() {
        Ok(server) => server,
        Err(skipped) => {
            println!("SKIPPED the pods: {skipped}");
            return false;
        }
    };
    let pods = std::env::var("PULLAUDIT_BENCH_PODS").ok().and_then(|text| text.parse().ok()).unwrap_or(PODS);
    let fleet = Fleet::new(&server);
    fleet.grow(SMALL);
    let (_, small) = cost(|| own(&server, reader::WORKLOADS));
    fleet.grow(pods);
    let (wall, memory) = cost(|| own(&server, reader::WORKLOADS));
    let (drained, _) = cost(|| own(&server, reader::DRAIN));
    let config = server.kubeconfig(ADMIN, "bench", None);
    let kubectl = || {
        let mut command = Command::new("kubectl");
        command.args(["get", "pods", "-A", "-o", "json"]).env("KUBECONFIG", &config);
        command
    };
    let installed = Command::new("kubectl").args(["version", "--client"]).output().is_ok();
    println!("{pods} pods on {} nodes: {wall:.2} s, {memory:.1} MB; {SMALL} pods: {small:.1} MB", fleet::NODES);
    let mut held = line("wall beside draining the same pages", wall / drained, 1.3, "times");
    if installed {
        let (other, _) = cost(kubectl);
        println!("      drained: {drained:.2} s; kubectl get pods -A -o json: {other:.2} s");
        held &= line("wall beside kubectl get pods", wall / other, 0.25, "times");
    } else {
        println!("SKIPPED the comparison with kubectl: it is not on the PATH");
        held = false;
    }
    held &= line("memory", memory, 64.0, "MB");
    line("memory beside that of 5,000 pods", memory / small, 1.1, "times") && held
}
