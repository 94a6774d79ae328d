//! What references images: the only user of kube.
//!
//! Everything that decides something is pure and compiles without clients; `live` reads and hands over,
//! page by page.

pub mod access;
mod customs;
mod entry;
pub mod fit;
pub mod key;
mod kinds;
mod labels;
#[cfg(feature = "live")]
pub mod live;
pub mod manifests;
pub mod pod;
pub mod rights;
pub mod roster;
pub mod selector;
pub mod slim;
mod status;
pub mod template;
