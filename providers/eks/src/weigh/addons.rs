//! Registries of AWS itself, from which EKS nodes pull their add-ons.

/// Account and region of each registry that AWS publishes for EKS add-ons.
///
/// Source: EKS user guide, "View Amazon container image registries for Amazon EKS add-ons". For ap-east-2 it prints a
/// host of ap-east-1; its row is taken at its word.
const REGISTRIES: [(&str, &[&str]); 20] = [
    (
        "602401143452",
        &[
            "ap-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("877085696533", &["af-south-1"]),
    ("800184023465", &["ap-east-1"]),
    ("533267051163", &["ap-east-2"]),
    ("296578399912", &["ap-southeast-3"]),
    ("900889452093", &["ap-south-2"]),
    ("491585149902", &["ap-southeast-4"]),
    ("151610086707", &["ap-southeast-5"]),
    ("333609536671", &["ap-southeast-6"]),
    ("121268973566", &["ap-southeast-7"]),
    ("918309763551", &["cn-north-1"]),
    ("961992271922", &["cn-northwest-1"]),
    ("590381155156", &["eu-south-1"]),
    ("455263428931", &["eu-south-2"]),
    ("900612956339", &["eu-central-2"]),
    ("066635153087", &["il-central-1"]),
    ("730335286997", &["mx-central-1"]),
    ("558608220178", &["me-south-1"]),
    ("759879836304", &["me-central-1"]),
    ("761377655185", &["ca-west-1"]),
];

/// As above, for the partitions of governments and of Europe.
const APART: [(&str, &str); 3] =
    [("151742754352", "us-gov-east-1"), ("013241004608", "us-gov-west-1"), ("877088126301", "eusc-de-east-1")];

/// True for the account of a registry that AWS publishes, in any region.
pub(crate) fn is_addon_account(account: &str) -> bool {
    REGISTRIES.iter().any(|(owner, _)| *owner == account) || APART.iter().any(|(owner, _)| *owner == account)
}

/// True for a registry that AWS publishes: its policy can't be read, and lets every node's role in.
pub(crate) fn is_addon_registry(account: &str, region: &str) -> bool {
    let published = |known: &str| known.eq_ignore_ascii_case(region);
    REGISTRIES.iter().any(|(owner, regions)| *owner == account && regions.iter().any(|known| published(known)))
        || APART.iter().any(|(owner, known)| *owner == account && published(known))
}

/// The account of the registry that AWS publishes for a region.
pub(crate) fn account_of(region: &str) -> Option<&'static str> {
    let published = |known: &&str| known.eq_ignore_ascii_case(region);
    let of_all = REGISTRIES.iter().find(|(_, regions)| regions.iter().any(published));
    let apart = APART.iter().find(|(_, known)| published(known));
    of_all.map(|(owner, _)| *owner).or(apart.map(|(owner, _)| *owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: EKS user guide, "View Amazon container image registries for Amazon EKS add-ons".
    #[test]
    fn every_region_has_one_registry_of_aws_and_no_other_is_one() {
        for (region, account) in [
            ("us-east-1", "602401143452"),
            ("sa-east-1", "602401143452"),
            ("af-south-1", "877085696533"),
            ("ap-east-1", "800184023465"),
            ("cn-north-1", "918309763551"),
            ("cn-northwest-1", "961992271922"),
            ("eu-south-1", "590381155156"),
            ("me-south-1", "558608220178"),
            ("us-gov-east-1", "151742754352"),
            ("us-gov-west-1", "013241004608"),
        ] {
            assert_eq!(account_of(region), Some(account), "{region}");
            assert!(is_addon_registry(account, &region.to_uppercase()) && is_addon_account(account));
            assert!(!is_addon_registry(account, "xx-test-1"), "{account} publishes nothing there");
        }
        let mut regions: Vec<&str> = REGISTRIES.iter().flat_map(|(_, regions)| *regions).copied().collect();
        regions.extend(APART.iter().map(|(_, region)| *region));
        let all = regions.len();
        regions.sort_unstable();
        regions.dedup();
        assert_eq!((regions.len(), all), (39, 39), "each region once");
        let digits = |account: &str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        assert!(
            REGISTRIES.iter().map(|(owner, _)| *owner).chain(APART.iter().map(|(owner, _)| *owner)).all(digits)
        );
        assert_eq!(account_of("xx-test-1"), None);
    }
}
