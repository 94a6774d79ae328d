//! The fake of Azure itself: it answers, refuses, lags and breaks as the other tests rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod azure_fake;
#[path = "azure_fake/checks/conformance.rs"]
mod conformance;
#[path = "azure_fake/checks/faults.rs"]
mod faults;
#[path = "azure_fake/checks/login.rs"]
mod login;
#[path = "azure_fake/checks/rbac.rs"]
mod rbac;
#[path = "azure_fake/checks/resources.rs"]
mod resources;
#[path = "azure_fake/checks/writes.rs"]
mod writes;
