//! Image references, read as the kubelet reads them.

mod fault;
mod grammar;

pub use fault::InvalidReference;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The host of a registry, with its port where one is written. Equal whatever the case of ASCII
/// letters, since DNS says so; the kubelet's credential lookup alone minds the case, and uses the text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registry(pub String);

impl Registry {
    /// The host as written, after normalisation: `docker.io` for everything of Docker Hub.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host in lower case, for tables of hosts.
    pub fn lower(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for Registry {}
impl PartialOrd for Registry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Registry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}
impl Hash for Registry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xff);
    }
}
impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an image reference names, in full. Two are equal when a node would pull the same: whether the
/// tag `latest` was written or implied makes no difference.
#[derive(Clone, Debug)]
pub struct ImageRef {
    /// The registry's host: `docker.io` where none was written.
    pub registry: Registry,
    /// The repository's whole path: `library/nginx`, `team/app`.
    pub repository: String,
    /// The tag; `latest` where neither tag nor digest was written, `None` where only a digest was.
    pub tag: Option<String>,
    /// The digest with its algorithm. Where there is one it decides what is pulled, whatever the tag.
    pub digest: Option<String>,
    /// True when `latest` was not written.
    pub implied_tag: bool,
}

impl ImageRef {
    /// What `input` names, or why the kubelet would answer `InvalidImageName`. Reads nothing else.
    pub fn parse(input: &str) -> Result<Self, InvalidReference> {
        grammar::parse(input).map_err(|kind| InvalidReference { input: input.to_owned(), kind })
    }

    /// The name without tag and digest, by which the kubelet looks for credentials: `docker.io/library/nginx`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    fn identity(&self) -> (&Registry, &str, Option<&str>, Option<&str>) {
        (&self.registry, &self.repository, self.tag.as_deref(), self.digest.as_deref())
    }
}

impl PartialEq for ImageRef {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}
impl Eq for ImageRef {}
impl PartialOrd for ImageRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ImageRef {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}
impl Hash for ImageRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// The canonical reference: `registry/repository[:tag][@digest]`.
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ImageRef {
    type Err = InvalidReference;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        Self::parse(input)
    }
}

impl Serialize for ImageRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
