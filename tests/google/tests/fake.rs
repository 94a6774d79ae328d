//! The fake of Google Cloud itself: it answers, refuses, lags and breaks as the other tests rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "checks/client.rs"]
mod client;
#[path = "checks/clients.rs"]
mod clients;
#[path = "checks/discovery.rs"]
mod discovery;
#[path = "checks/faults.rs"]
mod faults;
#[path = "checks/laws.rs"]
mod laws;
#[path = "checks/login.rs"]
mod login;
#[path = "checks/policies.rs"]
mod policies;
#[path = "checks/reads.rs"]
mod reads;
#[path = "checks/recorded.rs"]
mod recorded;
#[path = "checks/strict.rs"]
mod strict;
#[allow(dead_code, reason = "others use the rest of it")]
#[path = "../../servers/trap.rs"]
mod trap;
