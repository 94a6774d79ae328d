//! Reading clusters. Nothing here decides what an object means.

mod client;
mod connection;
mod customs;
mod describe;
mod list;
mod pods;
mod request;
#[cfg(test)]
mod request_tests;
mod secrets;
mod view;
mod workloads;

pub use client::{ClientError, Kubeconfigs, from_access, in_cluster};
pub use connection::Client;
pub use pods::{PodLook, PodName, pods};
pub use secrets::secrets;
pub use view::view;
pub use workloads::{Observed, Select, workloads};

/// The service under which calls are counted.
const SERVICE: &str = "kubernetes";
