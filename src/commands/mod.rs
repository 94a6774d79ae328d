//! One file a command; each reads top to bottom.

pub mod apply;
pub mod audit;
pub mod can_pull;
pub mod carry;
pub mod collect;
pub mod diff;
pub mod explain;
pub mod fix;
pub mod image;
pub mod permissions;
pub mod undo;
