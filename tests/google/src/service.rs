//! The services, each with a door of its own.

/// One of Google's services. Each has a port of its own, so that a call that goes to the wrong one is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// `container.googleapis.com`.
    Container,
    /// `artifactregistry.googleapis.com`.
    ArtifactRegistry,
    /// `cloudresourcemanager.googleapis.com`.
    ResourceManager,
    /// `iam.googleapis.com`.
    Iam,
    /// `serviceusage.googleapis.com`.
    ServiceUsage,
    /// `oauth2.googleapis.com`: tokens for the keys of service accounts.
    OAuth,
    /// `sts.googleapis.com`: tokens for the tokens of others.
    Sts,
    /// `iamcredentials.googleapis.com`: tokens of another account.
    IamCredentials,
    /// The CI system outside Google that hands out subject tokens over HTTP.
    Ci,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Container,
        Self::ArtifactRegistry,
        Self::ResourceManager,
        Self::Iam,
        Self::ServiceUsage,
        Self::OAuth,
        Self::Sts,
        Self::IamCredentials,
        Self::Ci,
    ];

    /// The real host; empty for the CI system.
    pub fn host(self) -> &'static str {
        match self {
            Self::Container => "container.googleapis.com",
            Self::ArtifactRegistry => "artifactregistry.googleapis.com",
            Self::ResourceManager => "cloudresourcemanager.googleapis.com",
            Self::Iam => "iam.googleapis.com",
            Self::ServiceUsage => "serviceusage.googleapis.com",
            Self::OAuth => "oauth2.googleapis.com",
            Self::Sts => "sts.googleapis.com",
            Self::IamCredentials => "iamcredentials.googleapis.com",
            Self::Ci => "",
        }
    }

    /// The end of `CLOUDSDK_API_ENDPOINT_OVERRIDES_…`; `None` for those that a credential file names.
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Self::Container => Some("CONTAINER"),
            Self::ArtifactRegistry => Some("ARTIFACTREGISTRY"),
            Self::ResourceManager => Some("CLOUDRESOURCEMANAGER"),
            Self::Iam => Some("IAM"),
            Self::ServiceUsage => Some("SERVICEUSAGE"),
            Self::OAuth | Self::Sts | Self::IamCredentials | Self::Ci => None,
        }
    }

    /// What people call it, in the words of an API that is not enabled.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Container => "Kubernetes Engine API",
            Self::ArtifactRegistry => "Artifact Registry API",
            Self::ResourceManager => "Cloud Resource Manager API",
            Self::Iam => "Identity and Access Management (IAM) API",
            Self::ServiceUsage => "Service Usage API",
            Self::IamCredentials => "IAM Service Account Credentials API",
            Self::OAuth | Self::Sts | Self::Ci => "",
        }
    }
}
