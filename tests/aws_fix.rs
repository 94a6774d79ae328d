//! EKS and ECR through the program, on the emulator: a lost right is found, repaired, verified and taken back, and
//! the emulator, which enforces policies, says so too: the role's own pull is refused, let through, refused.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "aws_fix/edits.rs"]
mod edits;
#[path = "aws_fix/ground.rs"]
mod ground;
#[path = "aws_fix/killed.rs"]
mod killed;
#[path = "live/mod.rs"]
mod live;
#[path = "aws_fix/races.rs"]
mod races;
#[path = "servers/mod.rs"]
mod servers;
