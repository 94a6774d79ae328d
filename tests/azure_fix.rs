//! `fix`, `apply` and `undo` on the fake of Azure: what is written, what is not, and what is left when
//! something goes wrong.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "azure_fix/answers.rs"]
mod answers;
#[path = "azure_fix/mod.rs"]
mod azure;
mod azure_fake;
#[path = "azure_fix/consent.rs"]
mod consent;
#[path = "azure_fix/edited.rs"]
mod edited;
#[path = "edited/mod.rs"]
mod edited_files;
#[path = "azure_fix/ending.rs"]
mod ending;
#[path = "azure_fix/identities.rs"]
mod identities;
#[path = "azure_fix/killed.rs"]
mod killed;
#[path = "azure_fix/loop_of_repair.rs"]
mod loop_of_repair;
#[path = "azure_fix/prompt.rs"]
mod prompt;
#[path = "azure_fix/prune.rs"]
mod prune;
#[path = "servers/mod.rs"]
mod servers;
#[path = "azure_fix/stale.rs"]
mod stale;
#[path = "azure_fix/undo.rs"]
mod undo;
