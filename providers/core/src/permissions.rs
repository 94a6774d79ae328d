//! The rights that pullaudit itself needs.

use serde::de::DeserializeOwned;

/// What it is to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Read.
    Audit,
    /// Read, write, and take back.
    Fix,
}

impl Purpose {
    /// `audit` or `fix`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Fix => "fix",
        }
    }
}

/// The least rights, as a cloud's own tool takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// A whole document: an Azure role, an IAM policy.
    pub document: String,
    /// What no such document can give, for people.
    pub notes: Vec<String>,
}

/// Where the rights are wanted, as far as the user said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Subscriptions, accounts or projects.
    pub scopes: Vec<String>,
    /// Identities of other accounts that it takes on, by their full names.
    pub roles: Vec<String>,
}

/// The table of a cloud's rights, which is built in, can't be read: a defect of this build.
#[derive(Debug, thiserror::Error)]
#[error("the table of rights of {provider} that is built in can't be read: {detail}")]
pub struct DamagedRights {
    /// Whose table.
    pub provider: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// Reads a cloud's table of rights.
pub fn rights<R: DeserializeOwned>(provider: &'static str, table: &str) -> Result<Vec<R>, DamagedRights> {
    serde_json::from_str(table).map_err(|error| DamagedRights { provider, detail: error.to_string() })
}

/// Makes the document.
pub type PermissionsOf = fn(Purpose, &Extent) -> Result<Permissions, DamagedRights>;
