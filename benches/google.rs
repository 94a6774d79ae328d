//! What a GKE audit costs, on the fake of Google Cloud: calls, time and memory beside their floors. It prints a table,
//! and ends with 1 where a floor is missed.
//!
//! ```text
//! cargo bench --bench google
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "shared/clusters.rs"]
mod clusters;
#[path = "google/fleet.rs"]
mod fleet;
#[path = "shared/measure.rs"]
mod measure;

fn main() {
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    std::process::exit(i32::from(!fleet::measured()));
}
