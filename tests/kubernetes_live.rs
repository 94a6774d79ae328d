//! Reading workloads from a real kube-apiserver, and through a proxy that breaks what passes.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "servers/mod.rs"]
mod servers;

#[path = "kubernetes_live/access.rs"]
mod access;
#[path = "kubernetes_live/custom.rs"]
mod custom;
#[path = "kubernetes_live/faults.rs"]
mod faults;
#[path = "kubernetes_live/fixture.rs"]
mod fixture;
#[path = "kubernetes_live/templates.rs"]
mod templates;
#[path = "kubernetes_live/workloads.rs"]
mod workloads;
