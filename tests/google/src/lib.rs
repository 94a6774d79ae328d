//! A strict fake of the parts of Google Cloud that pullaudit talks to, over plain HTTP on 127.0.0.1.
//!
//! ```no_run
//! use pullaudit_google_fake::{Fake, Fault, Trouble, World};
//!
//! let fake = Fake::start(World::acme());
//! fake.set_fault(Fault::call("artifactregistry.projects.locations.repositories.setIamPolicy", Trouble::ConcurrentEdit));
//! std::process::Command::new("pullaudit").envs(fake.env()).args(["audit", "--provider", "gke"]);
//! assert!(fake.strangers().is_empty());
//! assert!(fake.unguarded_writes().is_empty());
//! ```
//!
//! What it does not know is an error, never an empty list: a path, a verb, a query, a field of a body, a door
//! of another service, a token of somebody else or of too few scopes; [`Fake::strangers`] lists them. It runs on
//! a thread of its own, so a test may block, and ends when it is dropped.
//!
//! It serves container v1, Artifact Registry v1, Resource Manager v3 (and `getAncestry` of v1), IAM v1 to v3,
//! Service Usage v1, the token end points, and what workload identity federation needs. What is in no policy:
//! the caller's own rights, which a test says ([`Caller`]); deny policies are served, not obeyed.

mod answer;
mod artifacts;
mod ask;
mod caller;
mod cluster;
mod clusters;
mod credentials;
mod directory;
mod fake;
mod fault;
mod hierarchy;
mod iam;
mod key;
mod lag;
mod methods;
mod page;
mod policy;
mod reach;
mod repository;
mod route;
mod serve;
mod service;
mod set;
mod token;
mod usage;
mod world;

pub use caller::{Caller, Federation, Right};
pub use cluster::{CLOUD_PLATFORM, Cluster, GKE_DEFAULT, LOGGING_ONLY, Pool, Provisioning};
pub use directory::{AccessBoundary, Account, DenyPolicy, Folder, Organization, Project, Role};
pub use fake::Fake;
pub use fault::{Fault, Trouble};
pub use lag::Lag;
pub use methods::{METHODS, Method};
pub use page::Paging;
pub use policy::Policy;
pub use repository::{Mode, Repository};
pub use route::names;
pub use serve::Seen;
pub use service::Service;
pub use world::World;
