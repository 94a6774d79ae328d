//! The one thing that is ever asked: may this credential, from there, pull that image?

use crate::{Credential, ImageRef};
use serde::{Deserialize, Serialize};

/// What of the place matters to a pull. Two pools that differ in nothing here ask the same question.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vantage {
    /// OAuth scopes of the node, where the cloud has such a thing; none of them is an empty list. `None`
    /// where no node is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The network that the pull leaves from, where a registry's rules look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

impl Vantage {
    /// True where nothing of the place is known to matter.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// By whom, from where, which image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The credential that the kubelet would use.
    pub by: Credential,
    /// Where it pulls from.
    pub from: Vantage,
    /// What it pulls.
    pub image: ImageRef,
}
