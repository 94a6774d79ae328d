//! Who logs in, and what they may do.

/// A permission at a scope, and at all that is under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    permission: String,
    scope: String,
}

impl Right {
    /// A permission, `*` at its end for all that begin so; at `projects/P`, `folders/F`, `organizations/O`, a
    /// repository's name, or everywhere (`""`).
    pub fn new(permission: &str, scope: &str) -> Self {
        Self { permission: permission.to_owned(), scope: scope.to_owned() }
    }

    /// Whether it gives a permission on a resource, told by its ancestors.
    pub(crate) fn gives(&self, permission: &str, chain: &[String]) -> bool {
        let named = match self.permission.strip_suffix('*') {
            Some(start) => permission.starts_with(start),
            None => self.permission == permission,
        };
        named && (self.scope.is_empty() || chain.contains(&self.scope))
    }
}

/// The service account as which the program logs in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its e-mail.
    pub email: String,
    /// What it may do. It is not read from policies: a test says it.
    pub rights: Vec<Right>,
    /// What it may not do, whatever its rights say.
    pub taken: Vec<Right>,
}

impl Caller {
    /// Somebody who may do everything everywhere.
    pub fn new(email: &str) -> Self {
        Self { email: email.to_owned(), rights: vec![Right::new("*", "")], taken: Vec::new() }
    }

    /// Somebody with these rights alone.
    pub fn with(email: &str, rights: &[Right]) -> Self {
        Self { rights: rights.to_vec(), ..Self::new(email) }
    }
}

/// A CI system outside Google whose tokens a workload identity pool takes.
#[derive(Debug, Clone)]
pub struct Federation {
    /// The provider's full resource name, with `//iam.googleapis.com/` before it.
    pub audience: String,
    /// The token that the CI system vouches with.
    pub subject_token: String,
    /// What secures the CI system's own door.
    pub request_token: String,
    /// The principal in the eyes of IAM.
    pub principal: String,
    /// What that principal may do itself.
    pub rights: Vec<Right>,
    /// The account that it takes the tokens of; `None` where it acts for itself.
    pub impersonates: Option<String>,
}

impl Federation {
    fn new(rights: Vec<Right>, impersonates: Option<String>) -> Self {
        let pool = "projects/100000000009/locations/global/workloadIdentityPools/ci";
        Self {
            audience: format!("//iam.googleapis.com/{pool}/providers/forge"),
            subject_token: "subject.token.of-ci".to_owned(),
            request_token: "request-token-of-ci".to_owned(),
            principal: format!("principal://iam.googleapis.com/{pool}/subject/repo:acme/shop"),
            rights,
            impersonates,
        }
    }

    /// A principal that may do everything itself.
    pub fn direct() -> Self {
        Self::new(vec![Right::new("*", "")], None)
    }

    /// A principal that may do nothing but take the tokens of a service account.
    pub fn impersonating(email: &str) -> Self {
        Self::new(vec![Right::new("iam.serviceAccounts.getAccessToken", "")], Some(email.to_owned()))
    }
}
