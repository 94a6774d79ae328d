//! AKS and ACR for pullaudit: which identity pulls on an AKS cluster, and what it may pull from a
//! container registry.
//!
//! The pure half ([`cluster`], [`weigh`], [`codes`]) builds without an SDK; `live` is the only place
//! that talks to Azure.

pub mod cluster;
pub mod codes;
pub mod facts;
pub mod host;
#[cfg(feature = "live")]
pub mod live;
mod permissions;
mod provider;
mod remedy;
pub mod weigh;
mod words;

pub use provider::{Aks, AksOptions, AzureCloud};
