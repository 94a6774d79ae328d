//! What is known, without watching the pull itself, about a request that a policy is asked about.

use super::controls::Membership;
use super::foreign;
use super::index::{RoleEntry, RoleState};
use super::tags::{Tag, Tags};
use crate::facts::Role;
use jiff::{SignedDuration, Timestamp};
use pullaudit_core::{Open, Text};
use std::borrow::Cow;

/// The session of a pull with a service account's role. Source: kubernetes/cloud-provider-aws,
/// `cmd/ecr-credential-provider/main.go`.
pub(crate) const SERVICE_ACCOUNT_SESSION: &str = "ecr-credential-provider";

/// The longest that credentials of a role live. Source: STS API reference, `AssumeRole`, `DurationSeconds`.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// Who asks: a role, or one session of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
    /// Set when the question is about one session, which for a node is its instance id.
    pub(crate) session: Option<&'a str>,
    pub(crate) role: &'a RoleEntry,
    /// Set when it is not the role that asks, but who wants to take it on.
    pub(crate) bearer: Option<&'a Bearer<'a>>,
}

/// Who comes with the token of a service account.
#[derive(Clone, Debug)]
pub(crate) struct Bearer<'a> {
    /// ARN of the identity provider of IAM that vouches for such tokens.
    pub(crate) provider: String,
    /// Who issued it: host and path.
    pub(crate) issuer: &'a str,
    pub(crate) audience: Option<&'a str>,
    pub(crate) subject: &'a str,
}

impl<'a> Asker<'a> {
    /// The role, or what would tell it.
    pub(crate) fn known(&self) -> Result<&'a Role, Open> {
        match &self.role.state {
            RoleState::Known(role) => Ok(role),
            RoleState::Missing => Err(Open::undecidable("the role does not exist")),
            RoleState::Open { open, .. } => Err(open.clone()),
        }
    }
}

/// One request: an action's resource, with what is known around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) asker: &'a Asker<'a>,
    /// The repository's ARN; `None` for actions that name no resource.
    pub(crate) resource: Option<&'a str>,
    /// The account of the registry.
    pub(crate) owner: &'a str,
    pub(crate) owner_organization: &'a Membership,
    /// The repository's.
    pub(crate) tags: &'a Tags,
    pub(crate) region: &'a str,
    pub(crate) at: Timestamp,
}

impl<'a> Request<'a> {
    /// What names no resource is taken to be about the caller's own account: AWS's resource perimeter
    /// (`aws-samples/data-perimeter-policy-examples`) makes no exception for `ecr:GetAuthorizationToken`.
    fn resource_account(&self) -> &'a str {
        if self.resource.is_some() { self.owner } else { self.asker.account }
    }

    fn resource_organization(&self) -> &'a Membership {
        if self.resource.is_some() { self.owner_organization } else { &self.asker.role.organization }
    }
}

/// A condition key, as far as pullaudit knows its value offline.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    PrincipalArn,
    PrincipalAccount,
    PrincipalTag(String),
    UserId,
    PrincipalOrganization,
    PrincipalOrganizationPaths,
    ResourceAccount,
    ResourceOrganization,
    ResourceOrganizationPaths,
    ResourceTag(String),
    RequestedRegion,
    Now,
    /// When the role's credentials were issued.
    Issued,
    /// The end points of ECR and of STS speak HTTPS only.
    SecureTransport,
    /// What a token says of itself, where a role is taken on with one.
    OfToken {
        /// Host and path of its issuer, in lower case.
        issuer: String,
        claim: String,
        /// What to say where nothing tells it.
        unknown: Text,
    },
    /// The name of the session, where a role is taken on.
    SessionName(Text),
    /// A role is no service of AWS, nor is who takes one on, and none calls for it.
    IsAwsService,
    /// The same in every pull by a role.
    Always(&'static str),
    /// Never there in a pull by a role.
    Never,
    /// Nothing offline tells it; says so.
    Unknown(Text),
}

/// The value of a condition key in a request.
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    /// A text that starts so; its end is known only when a node pulls.
    StartsWith(String),
    Time(Timestamp),
    /// Some time from the first to the second.
    Between(Timestamp, Timestamp),
    /// Another text than this one, or nothing.
    OtherThan(&'a str),
    Absent,
    /// This, or nothing.
    AbsentOr(&'a str),
    Open(Open),
}

impl Key {
    /// Reads a key's name; `place` is where it stands, for saying what can't be decided.
    ///
    /// Source: IAM user guide, "AWS global condition context keys".
    pub(crate) fn parse(name: &str, place: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let unknown = |why: &str| Self::Unknown(format!("{place}: {name} {why}").into());
        match lower.as_str() {
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:userid" => Self::UserId,
            "aws:resourceaccount" => Self::ResourceAccount,
            "aws:requestedregion" => Self::RequestedRegion,
            "aws:currenttime" | "aws:epochtime" => Self::Now,
            "aws:principaltype" => Self::Always("AssumedRole"),
            // Source: IAM user guide, "aws:ViaAWSService": false where the principal calls itself.
            "aws:principalisawsservice" | "aws:viaawsservice" => Self::IsAwsService,
            "aws:tokenissuetime" => Self::Issued,
            "aws:securetransport" => Self::SecureTransport,
            "sts:rolesessionname" => Self::SessionName(format!("{place}: {name} is no key of a pull").into()),
            // Source: service authorization reference, Amazon ECR: only what makes or tags a repository has keys of tags.
            "aws:username" | "aws:principalservicename" | "aws:principalservicenameslist" | "aws:tagkeys" => {
                Self::Never
            }
            "aws:sourcevpce"
            | "aws:sourcevpc"
            | "aws:sourcevpcarn"
            | "aws:sourceip"
            | "aws:vpcsourceip"
            | "aws:calledvia"
            | "aws:calledviafirst"
            | "aws:calledvialast"
            | "aws:sourcearn"
            | "aws:sourceaccount"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:multifactorauthpresent"
            | "aws:multifactorauthage"
            | "aws:useragent"
            | "aws:referer"
            | "aws:sourceidentity"
            | "aws:ec2instancesourcevpc"
            | "aws:ec2instancesourceprivateipv4"
            | "ec2:sourceinstancearn"
            | "ec2:roledelivery"
            | "ssm:sourceinstancearn"
            | "lambda:sourcefunctionarn" => unknown("is known only when a node pulls"),
            "aws:principalorgid" => Self::PrincipalOrganization,
            "aws:resourceorgid" => Self::ResourceOrganization,
            "aws:principalorgpaths" => Self::PrincipalOrganizationPaths,
            "aws:resourceorgpaths" => Self::ResourceOrganizationPaths,
            other if other.starts_with("aws:requesttag/") || foreign::is_of_another_service(other) => Self::Never,
            _ => {
                let unknown = unknown("is a condition key that pullaudit does not know");
                Self::of_tag(&lower).or_else(|| Self::of_token(&lower, &unknown)).unwrap_or(unknown)
            }
        }
    }

    /// True for a key that may hold several values, which only operators over sets compare.
    pub(crate) fn may_hold_several(&self) -> bool {
        matches!(self, Self::PrincipalOrganizationPaths | Self::ResourceOrganizationPaths)
    }

    /// Tags of a role are its session's too. A certificate's fields become tags of a hybrid node's session, so those are
    /// not known. ECR gives the tags of a repository under both names.
    fn of_tag(lower: &str) -> Option<Self> {
        let of_resource = |service: &str| lower.strip_prefix(service)?.strip_prefix("resourcetag/");
        if let Some(tag) = of_resource("aws:").or_else(|| of_resource("ecr:")) {
            return Some(Self::ResourceTag(tag.to_owned()));
        }
        let tag = lower.strip_prefix("aws:principaltag/")?;
        (!tag.starts_with("x509")).then(|| Self::PrincipalTag(tag.to_owned()))
    }

    /// `HOST/PATH:CLAIM`. Source: IAM user guide, "Available keys for AWS OIDC federation".
    fn of_token(lower: &str, unknown: &Self) -> Option<Self> {
        let (issuer, claim) = lower.rsplit_once(':').filter(|(issuer, _)| issuer.contains('.'))?;
        let Self::Unknown(unknown) = unknown else { return None };
        let (issuer, claim) = (issuer.to_owned(), claim.to_owned());
        (!issuer.contains(':')).then(|| Self::OfToken { issuer, claim, unknown: unknown.clone() })
    }

    /// The key's value in a request.
    pub(crate) fn value<'a>(&self, request: &Request<'a>) -> Value<'a> {
        if let Some(bearer) = request.asker.bearer {
            return self.taking_on(bearer, request);
        }
        let of_role = |value: &dyn Fn(&'a Role) -> Value<'a>| match request.asker.known() {
            Ok(role) => value(role),
            Err(open) => Value::Open(open),
        };
        let text = |text: &'a str| Value::Text(Cow::Borrowed(text));
        match self {
            Self::PrincipalArn => of_role(&|role| text(&role.arn)),
            Self::PrincipalAccount => text(request.asker.account),
            Self::PrincipalTag(tag) => of_role(&|role| {
                let found = role.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag));
                found.map_or(Value::Absent, |(_, value)| text(value))
            }),
            Self::UserId => of_role(&|role| match request.asker.session {
                Some(session) => Value::Text(Cow::Owned(format!("{}:{session}", role.role_id))),
                None => Value::StartsWith(format!("{}:", role.role_id)),
            }),
            Self::ResourceAccount => text(request.resource_account()),
            Self::PrincipalOrganization => organization(&request.asker.role.organization),
            Self::ResourceOrganization => {
                match (request.resource_organization(), &request.asker.role.organization) {
                    (Membership::OfAws, Membership::Of { id, .. }) => Value::OtherThan(id),
                    (other, _) => organization(other),
                }
            }
            // An account stands in one place, so that there is one value.
            Self::PrincipalOrganizationPaths => organization_path(&request.asker.role.organization),
            Self::ResourceOrganizationPaths => organization_path(request.resource_organization()),
            Self::ResourceTag(tag) if request.resource.is_some() => match request.tags.get(tag) {
                Tag::Value(value) => text(value),
                Tag::Absent => Value::Absent,
                Tag::Open(open) => Value::Open(open),
            },
            // What names no resource has no tags of one.
            Self::ResourceTag(_) | Self::Never => Value::Absent,
            Self::RequestedRegion => text(request.region),
            Self::Now => Value::Time(request.at),
            Self::Issued => {
                let earliest = request.at.checked_sub(LONGEST_SESSION).unwrap_or(Timestamp::MIN);
                Value::Between(earliest, request.at)
            }
            Self::SecureTransport => text("true"),
            Self::IsAwsService => text("false"),
            Self::Always(value) => Value::Text(Cow::Borrowed(value)),
            Self::OfToken { unknown: what, .. } | Self::SessionName(what) | Self::Unknown(what) => {
                Value::Open(Open::Undecidable { what: what.clone() })
            }
        }
    }

    /// The key's value where a role is taken on with a token: who asks is no principal of AWS yet, so little of what
    /// other requests have is there, or is told to be.
    fn taking_on<'a>(&self, bearer: &Bearer<'a>, request: &Request<'a>) -> Value<'a> {
        let text = |text: &'a str| Value::Text(Cow::Borrowed(text));
        match self {
            // A token says something of one issuer alone.
            Self::OfToken { issuer, .. } if !issuer.eq_ignore_ascii_case(bearer.issuer) => Value::Absent,
            Self::OfToken { claim, .. } if claim == "sub" => text(bearer.subject),
            Self::OfToken { claim, unknown, .. } => match bearer.audience.filter(|_| claim == "aud") {
                Some(audience) => text(audience),
                None => Value::Open(Open::Undecidable { what: unknown.clone() }),
            },
            Self::SessionName(_) => text(SERVICE_ACCOUNT_SESSION),
            Self::SecureTransport => text("true"),
            // Whether a request without AWS credentials has the key is not documented.
            Self::IsAwsService => Value::AbsentOr("false"),
            Self::Now => Value::Time(request.at),
            Self::ResourceAccount => text(request.owner),
            Self::ResourceOrganization => organization(request.owner_organization),
            Self::ResourceOrganizationPaths => organization_path(request.owner_organization),
            Self::Unknown(what) => Value::Open(Open::Undecidable { what: what.clone() }),
            _ => Value::Open(Open::undecidable(
                "what a request to take on a role says beside its token (a condition of its trust policy, or of a resource \
                 control policy, looks at that)",
            )),
        }
    }
}

/// An account in no organization has no such key.
fn organization(membership: &Membership) -> Value<'_> {
    match membership {
        Membership::Of { id, .. } => Value::Text(Cow::Borrowed(id)),
        Membership::None => Value::Absent,
        Membership::OfAws => Value::Open(of_aws()),
        Membership::Open(open) => Value::Open(open.clone()),
    }
}

fn of_aws() -> Open {
    Open::undecidable("the organization of an account of AWS itself")
}

fn organization_path(membership: &Membership) -> Value<'_> {
    match membership {
        Membership::Of { path: Ok(path), .. } => Value::Text(Cow::Borrowed(path)),
        Membership::Of { path: Err(open), .. } | Membership::Open(open) => Value::Open(open.clone()),
        Membership::OfAws => Value::Open(of_aws()),
        Membership::None => Value::Absent,
    }
}
