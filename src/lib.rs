//! pullaudit finds node identities that lost the right to pull images, before the next pod start does.
//!
//! Read first, then think: [`facts`] gets a snapshot (from the clouds or from files), [`questions`] asks
//! what its workloads need, [`assess`] judges, [`pipeline`] makes a [`report`] of it. Clouds are known by
//! the traits of `pullaudit-core` only; [`clouds`] is their register.

pub mod assess;
pub mod baseline;
pub mod cli;
pub mod clouds;
pub mod commands;
pub mod config;
pub mod diff;
pub mod ending;
pub mod exceptions;
pub mod exit;
pub mod facts;
pub mod fix_line;
#[cfg(feature = "live")]
pub mod gather;
pub mod incidents;
pub mod incomplete;
pub mod input;
pub mod interrupt;
pub mod kubernetes;
pub mod nearest;
pub mod needed;
pub mod notices;
pub mod patterns;
pub mod pipeline;
pub mod progress;
pub mod questions;
pub mod redact;
pub mod remediate;
pub mod report;
pub mod run;
pub mod scope;
pub mod secrets;
pub mod selection;
pub mod settings;
pub mod severity;
pub mod sources;
pub mod usage;
pub mod writable;
