//! What an AKS audit and a repair cost, on the fake of Azure: calls, time and memory beside their floors, and a
//! repair beside `az aks update --attach-acr`. It prints a table, and ends with 1 where a floor is missed.
//!
//! ```text
//! cargo bench --bench azure
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/azure_fake/mod.rs"]
mod azure_fake;
#[path = "shared/clusters.rs"]
mod clusters;
#[path = "azure/fleet.rs"]
mod fleet;
#[path = "shared/measure.rs"]
mod measure;
#[path = "azure/one.rs"]
mod one;

fn main() {
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let held = [fleet::measured(), one::measured()];
    std::process::exit(i32::from(!held.into_iter().all(|held| held)));
}
