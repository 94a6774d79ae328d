//! One file a command; each reads top to bottom.

pub mod audit;
pub mod can_pull;
pub mod collect;
pub mod explain;
pub mod fix;
pub mod image;
