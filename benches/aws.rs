//! What a complete audit of 20 clusters and what 100 edits of repository policies cost, on the emulator of AWS: calls
//! beside their floor, and time beside cloud-custodian reading half of it and doing the same edits. It prints a table, and
//! ends with 1 where a floor is missed.
//!
//! ```text
//! scripts/servers && benches/aws/install.sh && cargo bench --bench aws
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "aws/edits.rs"]
mod edits;
#[path = "aws/fleet.rs"]
mod fleet;
#[path = "shared/measure.rs"]
mod measure;
#[path = "../tests/servers/mod.rs"]
mod servers;

fn main() {
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let fleet = fleet::measured();
    std::process::exit(i32::from(!(edits::measured() && fleet)));
}
