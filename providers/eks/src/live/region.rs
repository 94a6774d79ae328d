//! Regions and the partitions that they belong to.

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
    fn partitions_follow_the_region_names() {
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("eu-central-1"), "aws");
    }
}
