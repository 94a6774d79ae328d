//! What 100 edits of repository policies cost, on the emulator of AWS: calls beside their floor, and wall time beside
//! cloud-custodian's policy-modifying action doing the same edits. It prints a table, and ends with 1 where a
//! floor is missed.
//!
//! ```text
//! scripts/servers && benches/aws/install.sh && cargo bench --bench aws
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "aws/edits.rs"]
mod edits;
#[path = "shared/measure.rs"]
mod measure;
#[path = "../tests/servers/mod.rs"]
mod servers;

fn main() {
    // `cargo test --benches` runs this too, and must not take minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    std::process::exit(i32::from(!edits::measured()));
}
