//! EKS and ECR for pullaudit: which roles pull on an EKS cluster, and what a role may pull from ECR.
//!
//! The pure half ([`cluster`], [`weigh`], [`codes`], repairs) builds without an SDK; `live` is the only place
//! that talks to AWS.

pub mod cluster;
pub mod codes;
pub mod facts;
pub mod host;
#[cfg(feature = "live")]
pub mod live;
mod permissions;
pub mod plugin;
mod provider;
mod remedy;
pub mod weigh;
mod words;

pub use provider::{AccountScope, Eks, EksOptions};
