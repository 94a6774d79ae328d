//! Sentences that every claim shares, made once.

use super::policy::action::Acts;
use crate::codes::Finding;
use pullaudit_core::{Claim, Code, CoreFinding, Text};

/// The rights that are weighed, each a set of actions that a policy must allow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    Token,
    /// Both actions that read an image, where no statement tells them apart.
    Pull,
    BatchGet,
    LayerUrl,
    Import,
    Create,
    Assume,
}

impl Right {
    const ALL: [Self; 7] =
        [Self::Token, Self::Pull, Self::BatchGet, Self::LayerUrl, Self::Import, Self::Create, Self::Assume];

    pub(crate) fn acts(self) -> Acts {
        match self {
            Self::Token => Acts::TOKEN,
            Self::Pull => Acts::PULL,
            Self::BatchGet => Acts::BATCH_GET,
            Self::LayerUrl => Acts::LAYER_URL,
            Self::Import => Acts::IMPORT,
            Self::Create => Acts::CREATE,
            Self::Assume => Acts::ASSUME,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Token => "ecr:GetAuthorizationToken",
            Self::Pull => "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer",
            Self::BatchGet => "ecr:BatchGetImage",
            Self::LayerUrl => "ecr:GetDownloadUrlForLayer",
            Self::Import => "ecr:BatchImportUpstreamImage",
            Self::Create => "ecr:CreateRepository",
            Self::Assume => "sts:AssumeRoleWithWebIdentity",
        }
    }

    /// The finding when no policy of the role allows it.
    pub(crate) fn silent(self) -> Finding {
        match self {
            Self::Token => Finding::TokenNotGranted,
            Self::Pull | Self::BatchGet | Self::LayerUrl => Finding::IdentityPolicySilent,
            Self::Import | Self::Create => Finding::PullThroughDenied,
            Self::Assume => Finding::ServiceAccountNotTrusted,
        }
    }
}

/// What is said of one right.
pub(crate) struct Said {
    pub(crate) allows: Text,
    pub(crate) may_allow: Text,
    pub(crate) denies: Text,
    pub(crate) may_deny: Text,
    /// No statement allows it.
    pub(crate) silent: Text,
    /// There is no policy that could.
    pub(crate) none: Text,
}

/// All sentences.
pub(crate) struct Texts {
    said: [Said; 7],
    pub(crate) allowed: Code,
    pub(crate) addon: Claim,
    pub(crate) anonymous: Claim,
    /// Of ECR Public. Source: ECR Public user guide, "Service quotas": without a login, one pull a second per address.
    pub(crate) public: Claim,
}

impl Texts {
    pub(crate) fn new() -> Self {
        let allowed = CoreFinding::Allowed.code();
        Self {
            said: Right::ALL.map(|right| {
                let name = right.name();
                Said {
                    allows: format!("allows {name}").into(),
                    may_allow: format!("may allow {name}").into(),
                    denies: format!("denies {name}").into(),
                    may_deny: format!("may deny {name}").into(),
                    silent: format!("no statement allows {name} here").into(),
                    none: format!("there is no policy, so nothing allows {name} here").into(),
                }
            }),
            allowed,
            addon: Claim::yes(
                allowed,
                "AWS-owned add-on registry",
                "AWS lets the roles of EKS nodes pull from it",
            ),
            anonymous: Claim::no(
                CoreFinding::AnonymousRefused.code(),
                "Amazon ECR",
                "a private registry of ECR refuses every request without a login",
            ),
            public: Claim::yes(
                allowed,
                "Amazon ECR Public",
                "lets everybody pull, without a login too, then at one pull a second per address",
            ),
        }
    }

    pub(crate) fn said(&self, right: Right) -> &Said {
        &self.said[right as usize]
    }
}
