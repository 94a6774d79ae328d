//! GKE and Artifact Registry for pullaudit: which identity pulls on a GKE cluster, and what it may download
//! from a repository.
//!
//! The pure half ([`cluster`], [`weigh`], [`codes`]) talks to nobody; the `live` feature is for what does.

pub mod cluster;
pub mod codes;
pub mod facts;
pub mod host;
#[cfg(feature = "live")]
pub mod live;
mod permissions;
mod provider;
pub mod remedy;
pub mod weigh;
mod words;

pub use provider::{Gke, GkeOptions};
