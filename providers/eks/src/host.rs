//! Which hosts are registries of ECR, and what they say about the repository behind them.

use pullaudit_core::{ImageRef, Owner, Registry, UrlGlob};
use std::sync::LazyLock;

/// The kubelet's patterns for which it asks the credential plugin, as nodeadm writes them.
///
/// Source: awslabs/amazon-eks-ami, nodeadm `image-credential-provider.template.json`; an AMI of one's
/// own may have others.
pub const GLOBS: [&str; 13] = [
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr-ecr.*.on.amazonwebservices.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr-fips.*.on.aws",
    "*.dkr.ecr.*.c2s.ic.gov",
    "*.dkr.ecr.*.sc2s.sgov.gov",
    "*.dkr.ecr.*.cloud.adc-e.uk",
    "*.dkr.ecr.*.csp.hci.ic.gov",
    "*.dkr.ecr.*.amazonaws.eu",
    PUBLIC_HOST,
    PUBLIC_DUAL_STACK_HOST,
];

const PUBLIC_HOST: &str = "public.ecr.aws";
const PUBLIC_DUAL_STACK_HOST: &str = "ecr-public.aws.com";

/// Domain suffixes of the plugin's own pattern, with the partition that each belongs to.
///
/// Source: kubernetes/cloud-provider-aws, `cmd/ecr-credential-provider/main.go`.
const SUFFIXES: [(&str, &str); 9] = [
    ("amazonaws.com", "aws"),
    ("amazonaws.com.cn", "aws-cn"),
    ("amazonaws.eu", "aws-eusc"),
    ("on.aws", "aws"),
    ("on.amazonwebservices.com.cn", "aws-cn"),
    ("sc2s.sgov.gov", "aws-iso-b"),
    ("c2s.ic.gov", "aws-iso"),
    ("cloud.adc-e.uk", "aws-iso-e"),
    ("csp.hci.ic.gov", "aws-iso-f"),
];

static PATTERNS: LazyLock<Vec<(&'static str, UrlGlob)>> =
    LazyLock::new(|| GLOBS.iter().map(|glob| (*glob, UrlGlob::parse(glob))).collect());

/// What the host of a private registry says: whose it is and where.
///
/// FIPS and dual-stack hosts name the same repositories as the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcrHost<'a> {
    /// The registry's account, 12 digits.
    pub account: &'a str,
    /// The region, as written.
    pub region: &'a str,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'static str,
}

impl<'a> EcrHost<'a> {
    /// The account, region and partition that a host names; `None` when it is no private registry of
    /// ECR. The case of letters does not count, since DNS does not mind it, nor does the port of HTTPS.
    pub fn parse(host: &'a str) -> Option<Self> {
        let host = host.strip_suffix(":443").unwrap_or(host);
        let (account, rest) = host.split_at_checked(12)?;
        if !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let rest = strip_prefix(rest, ".dkr.ecr").or_else(|| strip_prefix(rest, ".dkr-ecr"))?;
        let rest = strip_prefix(rest, "-fips").unwrap_or(rest).strip_prefix('.')?;
        let (region, suffix) = rest.split_at(rest.bytes().position(|byte| byte == b'.')?);
        let suffix = &suffix[1..];
        let of_region = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !region.starts_with(|first: char| first.is_ascii_alphanumeric()) || !region.bytes().all(of_region) {
            return None;
        }
        let (_, partition) = SUFFIXES.iter().find(|(known, _)| known.eq_ignore_ascii_case(suffix))?;
        let gov = *partition == "aws" && strip_prefix(region, "us-gov-").is_some();
        Some(Self { account, region, partition: if gov { "aws-us-gov" } else { partition } })
    }

    /// The ARN of a repository of this registry, which is what policies name.
    pub fn repository_arn(&self, repository: &str) -> String {
        let Self { account, region, partition } = self;
        format!("arn:{partition}:ecr:{}:{account}:repository/{repository}", region.to_ascii_lowercase())
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// True for the hosts of ECR Public, where everybody may pull. The port of HTTPS does not count.
pub fn is_public(registry: &Registry) -> bool {
    let host = registry.as_str();
    let host = host.strip_suffix(":443").unwrap_or(host);
    [PUBLIC_HOST, PUBLIC_DUAL_STACK_HOST].iter().any(|public| public.eq_ignore_ascii_case(host))
}

/// The kubelet's pattern that covers a host, for which it asks the plugin; `None` when the plugin is
/// not asked. The case of letters and the port count here.
pub fn plugin_glob(registry: &Registry) -> Option<&'static str> {
    PATTERNS.iter().find(|(_, glob)| glob.matches_host(registry)).map(|(text, _)| *text)
}

/// True when the plugin is asked for the image and answers with a login: the kubelet's patterns cover
/// the host and so does the plugin's own.
pub fn plugin_answers(image: &ImageRef) -> bool {
    plugin_glob(&image.registry).is_some() && EcrHost::parse(image.registry.as_str()).is_some()
}

/// How many hours a login with a registry of ECR lasts: the token of `GetAuthorizationToken`, whose user is `AWS`.
///
/// Source: ECR API reference, `GetAuthorizationToken`.
pub(crate) fn login_lasts(host: &str, user: &str) -> Option<u16> {
    (user == "AWS" && EcrHost::parse(host).is_some()).then_some(12)
}

/// Who owns a registry host: its account and region, for private registries of ECR; AWS itself for ECR Public. `None` for
/// every other host.
pub fn owner(registry: &Registry) -> Option<Owner> {
    let plugin = plugin_glob(registry);
    if is_public(registry) {
        return Some(Owner { provider: "eks", scope: None, location: None, plugin });
    }
    let host = EcrHost::parse(registry.as_str())?;
    Some(Owner {
        provider: "eks",
        scope: Some(host.account.to_owned()),
        location: Some(host.region.to_ascii_lowercase()),
        plugin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_ecr_ends_and_other_logins_do_not() {
        let host = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";
        assert_eq!(login_lasts(host, "AWS"), Some(12));
        assert_eq!((login_lasts(host, "robot"), login_lasts("registry.example.com", "AWS")), (None, None));
    }
}
