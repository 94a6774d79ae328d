//! The rights that pullaudit itself needs.

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

/// Makes the document, for these accounts, subscriptions or projects where the cloud's document names them.
pub type PermissionsOf = fn(Purpose, &[String]) -> Permissions;
