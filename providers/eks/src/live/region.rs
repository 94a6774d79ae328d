//! Regions and the partitions that they belong to.

use pullaudit_core::DiscoverError;

/// The partition of a region: the second field of every ARN there.
pub(crate) fn partition(region: &str) -> &'static str {
    const PREFIXES: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// True for what can be the name of a region: `eu-central-1`, `us-gov-west-1`. Which of them exist, AWS alone tells.
pub(crate) fn is_one(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    !middle.is_empty() && word(first) && middle.iter().all(word) && number
}

/// Says that there is no such region.
pub(crate) fn unknown(name: &str) -> DiscoverError {
    DiscoverError::Failed {
        what: "AWS region".to_owned(),
        detail: format!(
            "{name} is no region of AWS (expected a name such as eu-central-1): correct --region, `regions` of the \
             config, AWS_REGION or the profile"
        ),
    }
}

/// The region to call where the wanted ones alone tell: the first, when all are of one partition.
pub(crate) fn preset(wanted: &[String]) -> Option<&str> {
    let first = wanted.first()?;
    wanted.iter().all(|region| partition(region) == partition(first)).then_some(first)
}

/// The region whose STS and IAM answer for a credential: of the wanted ones the first in the partition
/// that its own region names.
pub(crate) fn home<'a>(wanted: &'a [String], chain: Option<&'a str>) -> Option<&'a str> {
    let alike = |region: &&String| chain.is_some_and(|chain| partition(chain) == partition(region));
    match wanted.iter().find(alike).or(wanted.first()) {
        Some(region) => Some(region),
        None => chain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_calls_home_in_its_own_partition() {
        let both = ["us-east-1".to_owned(), "cn-north-1".to_owned()];
        assert_eq!(preset(&both), None);
        assert_eq!(home(&both, Some("cn-northwest-1")), Some("cn-north-1"));
        assert_eq!(home(&both, None), Some("us-east-1"));
        assert_eq!(home(&[], Some("eu-west-1")), Some("eu-west-1"));
        assert_eq!(preset(&both[..1]), Some("us-east-1"));
    }

    #[test]
    fn a_name_that_no_region_can_have_is_told() {
        for name in ["eu-central-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "xx-new-22"] {
            assert!(is_one(name), "{name}");
        }
        for name in ["mars-1", "us-east-1a", "US-EAST-1", "us-east", "", "us--1", "eu_central_1", "eu-central-1 "]
        {
            assert!(!is_one(name), "{name}");
        }
        assert!(unknown("mars-1").to_string().contains("mars-1 is no region of AWS"));
    }

    #[test]
    fn partitions_follow_the_region_names() {
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("eu-central-1"), "aws");
    }
}
