//! What can be wrong with a pull secret, told without any of its content.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something wrong with a pull secret. It never quotes a login; a `key` is the host that stands in the
/// secret, without the user or query that someone may have written into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SecretDefect {
    /// The document is no JSON. Fatal.
    NotJson,
    /// The document was encoded with base64 once more than Kubernetes does itself. Fatal.
    DocumentDoubleBase64,
    /// The document, or its `auths`, is not an object. Fatal.
    NotAnObject,
    /// An entry, or a field of it, has the wrong JSON type. Fatal.
    EntryType {
        /// The entry's key.
        key: String,
    },
    /// An entry's `auth` is not base64. Fatal.
    AuthNotBase64 {
        /// The entry's key.
        key: String,
    },
    /// An entry's `auth` was encoded with base64 twice. Fatal.
    AuthDoubleBase64 {
        /// The entry's key.
        key: String,
    },
    /// An entry's `auth` decodes to something other than `user:password`. Fatal.
    AuthNoColon {
        /// The entry's key.
        key: String,
    },
    /// The secret's type is none of a pull secret, so the kubelet skips it.
    OtherType {
        /// The type.
        secret_type: String,
    },
    /// The data key that the type promises is missing or empty, so the kubelet skips the secret.
    NoData {
        /// The data key.
        expected: String,
    },
    /// The document names no host.
    NoEntries,
    /// It names credential helpers, which a kubelet does not have, and no logins.
    OnlyHelpers,
    /// The hosts stand under `auths`, which a secret of type `kubernetes.io/dockercfg` must not have.
    Wrapped,
    /// An entry without a user: the kubelet asks without a login.
    EmptyLogin {
        /// The entry's key.
        key: String,
    },
    /// An entry with an identity token only, which the kubelet does not read: it asks without a login.
    IdentityTokenOnly {
        /// The entry's key.
        key: String,
    },
    /// A key that does not cover what it seems to.
    Key {
        /// The entry's key.
        key: String,
        /// Why not.
        fault: KeyFault,
    },
}

/// Why a key does not cover what it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFault {
    /// It ends in `/v1` or `/v2` without the slash that makes the kubelet drop it.
    VersionWithoutSlash,
    /// Its host has upper-case letters, which the kubelet does not fold.
    UpperCase,
    /// It has a tag or digest; the kubelet compares it with names that have none.
    Tag,
    /// Its host belongs to Docker Hub, but images of Docker Hub are looked up under other names.
    NotDockerHub,
    /// What stands in the place of the host is none, or has a port that is no number.
    NotAHost,
}

impl SecretDefect {
    /// True when the kubelet fails every image of a pod that names the secret, and asks nobody.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::NotJson
            | Self::DocumentDoubleBase64
            | Self::NotAnObject
            | Self::EntryType { .. }
            | Self::AuthNotBase64 { .. }
            | Self::AuthDoubleBase64 { .. }
            | Self::AuthNoColon { .. } => true,
            Self::OtherType { .. }
            | Self::NoData { .. }
            | Self::NoEntries
            | Self::OnlyHelpers
            | Self::Wrapped
            | Self::EmptyLogin { .. }
            | Self::IdentityTokenOnly { .. }
            | Self::Key { .. } => false,
        }
    }
}

/// What is wrong and what to do, in a sentence about the secret.
impl fmt::Display for SecretDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("its document is not JSON; write the secret anew"),
            Self::DocumentDoubleBase64 => f.write_str(
                "its document was encoded with base64 twice; put it under stringData, or encode it once under data",
            ),
            Self::NotAnObject => {
                f.write_str("its document, or auths in it, is not a JSON object; write the secret anew")
            }
            Self::EntryType { key } => {
                write!(f, "the entry of {key} is not an object of strings; write the secret anew")
            }
            Self::AuthNotBase64 { key } => {
                write!(f, "auth of {key} is not base64; it must be the base64 of user:password")
            }
            Self::AuthDoubleBase64 { key } => write!(f, "auth of {key} was encoded with base64 twice; encode it once"),
            Self::AuthNoColon { key } => {
                write!(f, "auth of {key} decodes to no user:password; encode both with a colon between them")
            }
            Self::OtherType { secret_type } => write!(
                f,
                "its type is {secret_type}, so the kubelet skips it; make it anew as kubernetes.io/dockerconfigjson"
            ),
            Self::NoData { expected } => {
                write!(f, "it has nothing under {expected}, so the kubelet skips it; put the document there")
            }
            Self::NoEntries => f.write_str("it names no host, so it covers no image; add an entry under auths"),
            Self::OnlyHelpers => f.write_str(
                "it names credential helpers only, which a kubelet does not have; add a login under auths",
            ),
            Self::Wrapped => f.write_str(
                "its hosts stand under auths, where the kubelet does not look in this type; make it anew as \
                 kubernetes.io/dockerconfigjson",
            ),
            Self::EmptyLogin { key } => {
                write!(f, "the entry of {key} has no user, so the kubelet asks without a login; add auth")
            }
            Self::IdentityTokenOnly { key } => write!(
                f,
                "the entry of {key} has an identity token only, which the kubelet does not read; add auth with user \
                 and password"
            ),
            Self::Key { key, fault } => write!(f, "the key {key} {fault}"),
        }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VersionWithoutSlash => {
                "ends in an API version without a slash, so it covers no image; end it in /"
            }
            Self::UpperCase => {
                "has upper-case letters in its host, which the kubelet does not fold; write it small"
            }
            Self::Tag => "has a tag or digest, so it covers no image; end it with the repository",
            Self::NotDockerHub => {
                "is not the name under which Docker Hub is looked up; write https://index.docker.io/v1/"
            }
            Self::NotAHost => {
                "begins with no host that the kubelet can read, so it covers no image; write HOST[:PORT]"
            }
        })
    }
}
