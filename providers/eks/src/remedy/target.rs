//! What a change of AWS writes to, read from the change alone: a plan may come from a file.

use super::document;
use super::own::{Side, own};
use crate::weigh::arn::RoleArn;
use pullaudit_core::Change;
use serde_json::{Value, json};

/// The one name under which pullaudit keeps an inline policy on a role.
pub(crate) const POLICY_NAME: &str = "pullaudit-pull";

/// The managed policy that pulls and does nothing else, in every partition.
const PULL_ONLY: &str = "iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";

/// A document of AWS, or a policy's place on a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// Our inline policy of a role, by the role's ARN.
    Inline {
        /// `arn:P:iam::A:role/PATH/NAME`
        role: String,
    },
    /// The `PullOnly` policy of AWS on a role.
    Attachment {
        /// `arn:P:iam::A:role/PATH/NAME`
        role: String,
    },
    /// The policy of a repository, by its ARN.
    Repository {
        /// `arn:P:ecr:R:A:repository/NAME`
        arn: String,
    },
}

/// What an ARN of a repository says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RepositoryArn<'a> {
    /// The registry's region.
    pub(crate) region: &'a str,
    /// The registry's account.
    pub(crate) account: &'a str,
    /// The name, with its slashes.
    pub(crate) name: &'a str,
}

impl<'a> RepositoryArn<'a> {
    /// `None` for all that is no ARN of one repository.
    pub(crate) fn parse(arn: &'a str) -> Option<Self> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, "ecr", region, account, path] = fields.as_slice() else { return None };
        let name = path.strip_prefix("repository/").filter(|name| !name.is_empty() && !name.contains('*'))?;
        Some(Self { region, account, name })
    }
}

impl Target {
    /// What a change's document names; `None` where it is none of ours.
    pub(crate) fn of(change: &Change) -> Option<Self> {
        let document = change.document.as_str();
        if RepositoryArn::parse(document).is_some() {
            return Some(Self::Repository { arn: document.to_owned() });
        }
        let (role, target): (&str, fn(String) -> Self) = match document.split_once("/arn:") {
            Some((role, policy)) if pull_only(role).is_some_and(|own| own == format!("arn:{policy}")) => {
                (role, |role| Self::Attachment { role })
            }
            Some(_) => return None,
            None => {
                let (role, name) = document.rsplit_once(':')?;
                (role, (name == POLICY_NAME).then_some(|role| Self::Inline { role })?)
            }
        };
        RoleArn::parse(role).filter(|arn| arn.session.is_none()).map(|_| target(role.to_owned()))
    }

    /// The full id of what is written. AWS has no ARN for what stands on a role: its end is the id that
    /// Terraform gives it.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Inline { role } => format!("{role}:{POLICY_NAME}"),
            Self::Attachment { role } => format!("{role}/{}", self.policy_arn()),
            Self::Repository { arn } => arn.clone(),
        }
    }

    /// What is read of it, for people.
    pub(crate) fn reading(&self) -> String {
        match self {
            Self::Inline { role } => format!("inline policy {POLICY_NAME} of {role}"),
            Self::Attachment { role } => format!("managed policies of {role}"),
            Self::Repository { arn } => format!("repository policy of {arn}"),
        }
    }

    /// The account that it lies in.
    pub(crate) fn account(&self) -> &str {
        match self {
            Self::Inline { role } | Self::Attachment { role } => {
                RoleArn::parse(role).map(|role| role.account).unwrap_or_default()
            }
            Self::Repository { arn } => RepositoryArn::parse(arn).map(|arn| arn.account).unwrap_or_default(),
        }
    }

    /// The role's name, where it is on a role.
    pub(crate) fn role_name(&self) -> Option<&str> {
        match self {
            Self::Inline { role } | Self::Attachment { role } => RoleArn::parse(role).map(|role| role.name),
            Self::Repository { .. } => None,
        }
    }

    /// The ARN of the managed policy that an attachment is of.
    pub(crate) fn policy_arn(&self) -> String {
        match self {
            Self::Inline { role } | Self::Attachment { role } => pull_only(role).unwrap_or_default(),
            Self::Repository { .. } => String::new(),
        }
    }

    /// Which side it belongs to.
    pub(super) fn side(&self) -> Side {
        match self {
            Self::Inline { .. } | Self::Attachment { .. } => Side::Role,
            Self::Repository { .. } => Side::Repository,
        }
    }

    /// What a change holds for this state of the document: the request of the AWS API that would make it, and
    /// so what `--cli-input-json` takes. `text` is the document's.
    pub(crate) fn body(&self, text: &str) -> Value {
        match self {
            Self::Inline { .. } => json!({
                "RoleName": self.role_name(), "PolicyName": POLICY_NAME, "PolicyDocument": text
            }),
            Self::Attachment { .. } => json!({ "RoleName": self.role_name(), "PolicyArn": self.policy_arn() }),
            Self::Repository { arn } => {
                let of = RepositoryArn::parse(arn);
                json!({
                    "registryId": of.map(|of| of.account), "repositoryName": of.map(|of| of.name), "policyText": text
                })
            }
        }
    }

    /// The document's text in such a body; for an attachment, whether it is there, as an empty text.
    pub(crate) fn text<'a>(&self, body: Option<&'a Value>) -> Option<&'a str> {
        let body = body?;
        match self {
            Self::Inline { .. } => body["PolicyDocument"].as_str(),
            Self::Attachment { .. } => body["PolicyArn"].as_str().map(|_| ""),
            Self::Repository { .. } => body["policyText"].as_str(),
        }
    }

    /// The statements of ours in a text.
    pub(super) fn own(&self, text: Option<&str>) -> Vec<Value> {
        let document = text.and_then(|text| document::parse(text).ok());
        document.map(|document| own(self.side(), &document)).unwrap_or_default()
    }
}

/// The `PullOnly` policy of the role's partition.
fn pull_only(role: &str) -> Option<String> {
    RoleArn::parse(role).map(|role| format!("arn:{}:{PULL_ONLY}", role.partition))
}
