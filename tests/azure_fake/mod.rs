//! A strict fake of Azure Resource Manager, Entra and a little of Microsoft Graph, over TLS.
//!
//! Use it from an integration test with `mod azure_fake;`:
//!
//! ```ignore
//! let fake = Fake::start(World::acme());
//! Command::cargo_bin("pullaudit")?.envs(fake.env()).args(["audit", "--provider", "aks"]);
//! assert!(fake.strangers().is_empty());
//! ```
//!
//! What it does not know is an error, never an empty list: a path, a query, an API version or a token
//! for somebody else. It runs on a thread of its own, so a test may block, and ends when it is dropped.
#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]
#![allow(unused_imports, reason = "the same")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by a panic"
)]

mod answer;
pub(crate) mod client;
mod cluster;
mod directory;
mod entra;
mod fault;
mod filter;
mod grants;
mod graph;
mod lag;
mod page;
mod rbac;
mod registry;
mod resources;
mod roles;
mod scope;
mod serve;
mod target;
mod tls;
mod world;
mod write;

pub(crate) use cluster::{Cluster, Identity, Pool, Puller};
pub(crate) use directory::{Caller, Principal, Right};
pub(crate) use fault::{Fault, Trouble};
pub(crate) use grants::{Deny, Grant};
pub(crate) use lag::Lag;
pub(crate) use page::Paging;
pub(crate) use registry::{CacheRule, CredentialSet, Registry};
pub(crate) use roles::{Role, role};
pub(crate) use serve::{Fake, Seen};
pub(crate) use world::{SUBSCRIPTION, Subscription, TENANT, World};
