//! For which hosts the kubelets of a node's operating system ask the credential plugin. Every release asks it for
//! the first hosts of ECR; which of the others it knows, it has learned with time.
//!
//! Sources: awslabs/amazon-eks-ami pull requests 2082 (December 2024) and 2456 (October 2025) and issue 2592 (January
//! 2026: what the list holds then); bottlerocket-os/bottlerocket pull requests 4518 (the correction of release 1.41.0)
//! and 4689 (of release 1.51.0). Read 2026-11-29.

use crate::host;
use pullaudit_core::{ImageRef, Open, Registry, Shape};

/// What a node's kubelet does for a host of ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It asks the plugin.
    Yes,
    /// It does not, so the node's role is of no use there.
    No,
    /// Nobody knows.
    Open(Open),
}

/// Hosts that releases came to know at different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `A.dkr-ecr.R.on.aws`, and the like in China.
    DualStack,
    /// `A.dkr-ecr-fips.R.on.aws`
    DualStackFips,
    /// `A.dkr.ecr.R.amazonaws.eu`
    Europe,
}

/// A release of an operating system for nodes of EKS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    /// Its version.
    Bottlerocket((u32, u32)),
    /// Of the optimised image for Amazon Linux 2023, or of what it is built on, which is never newer: `YYYYMMDD`.
    AmazonLinux2023(u32),
}

/// Whether the kubelets of such nodes ask the plugin for an image, which must lie in a private registry of ECR.
pub fn asked(image: &ImageRef, shape: &Shape) -> Asked {
    if !host::plugin_answers(image) {
        return Asked::No;
    }
    let Some(kind) = kind(&image.registry) else { return Asked::Yes };
    let known: Vec<Option<bool>> =
        shape.systems.iter().map(|system| release(system).and_then(|release| knows(release, kind))).collect();
    match known.as_slice() {
        [] => {}
        all if all.iter().all(|one| *one == Some(true)) => return Asked::Yes,
        all if all.iter().all(|one| *one == Some(false)) => return Asked::No,
        _ => {}
    }
    let systems = shape.systems.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let systems = if systems.is_empty() { "their operating system is not known".to_owned() } else { systems };
    Asked::Open(Open::undecidable(format!(
        "whether the kubelets of these nodes ask their credential plugin for {} ({systems}): matchImages in the file of \
         their --image-credential-provider-config",
        image.registry
    )))
}

fn kind(registry: &Registry) -> Option<Kind> {
    let host = registry.as_str();
    if host.contains(".dkr-ecr-fips.") {
        Some(Kind::DualStackFips)
    } else if host.contains(".dkr-ecr.") {
        Some(Kind::DualStack)
    } else {
        host.ends_with(".amazonaws.eu").then_some(Kind::Europe)
    }
}

/// `None` where the table does not tell.
fn knows(release: Release, kind: Kind) -> Option<bool> {
    match (release, kind) {
        // Until then its pattern was one that no host has.
        (Release::Bottlerocket(version), Kind::DualStack) => Some(version >= (1, 41)),
        (Release::Bottlerocket(version), Kind::Europe) => Some(version >= (1, 51)),
        (Release::Bottlerocket(version), Kind::DualStackFips) => (version < (1, 51)).then_some(false),
        // A change is in every image from a while after it on; which one it came with first is not told.
        (Release::AmazonLinux2023(date), Kind::DualStack) => (date >= 20_250_601).then_some(true),
        (Release::AmazonLinux2023(date), Kind::DualStackFips | Kind::Europe) => {
            (date >= 20_260_201).then_some(true)
        }
    }
}

/// Reads what a node says (`status.nodeInfo.osImage`), or the type of a node group's image with its release. Auto Mode
/// and Fargate name other systems, or others' releases.
fn release(system: &str) -> Option<Release> {
    let words: Vec<&str> = system.split_whitespace().collect();
    let date = |text: &str| {
        let digits = text.rsplit(['.', '-']).next()?;
        if digits.len() == 8 { digits.parse::<u32>().ok() } else { None }
    };
    match words.as_slice() {
        ["Bottlerocket", "OS", version, variant] if variant.starts_with("(aws-k8s-") => bottlerocket(version),
        [kind, version] if kind.starts_with("BOTTLEROCKET_") => bottlerocket(version),
        ["Amazon", "Linux", version] if version.starts_with("2023.") => {
            date(version).map(Release::AmazonLinux2023)
        }
        [kind, version] if kind.starts_with("AL2023_") => date(version).map(Release::AmazonLinux2023),
        _ => None,
    }
}

fn bottlerocket(version: &str) -> Option<Release> {
    let mut parts = version.split(['.', '-']);
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Release::Bottlerocket((major, minor)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked_by(host: &str, systems: &[&str]) -> Asked {
        let systems = systems.iter().map(|system| (*system).to_owned()).collect();
        let image = ImageRef::parse(&format!("{host}/app:1")).unwrap();
        asked(&image, &Shape { systems, ..Shape::default() })
    }

    const DUAL: &str = "111122223333.dkr-ecr.eu-central-1.on.aws";
    const CHINA: &str = "111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn";
    const FIPS: &str = "111122223333.dkr-ecr-fips.us-east-1.on.aws";
    const EUROPE: &str = "111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu";

    #[test]
    fn the_first_hosts_of_ecr_are_known_to_every_release() {
        for host in [
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com",
            "111122223333.dkr.ecr-fips.us-east-1.amazonaws.com",
            "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
        ] {
            for systems in [&[][..], &["Flatcar 1"], &["Bottlerocket OS 1.0.0 (aws-k8s-1.24)"]] {
                assert_eq!(asked_by(host, systems), Asked::Yes, "{host}");
            }
        }
        assert_eq!(asked_by("registry.example.com", &[]), Asked::No);
    }

    #[test]
    fn each_release_knows_the_hosts_of_its_time() {
        let bottlerocket = |version: &str| format!("Bottlerocket OS {version} (aws-k8s-1.33)");
        let told = |host: &str, system: &str| match asked_by(host, &[system]) {
            Asked::Yes => "yes",
            Asked::No => "no",
            Asked::Open(_) => "open",
        };
        for (host, system, expected) in [
            (DUAL, bottlerocket("1.40.3").as_str(), "no"),
            (DUAL, &bottlerocket("1.41.0"), "yes"),
            (CHINA, &bottlerocket("1.9.2"), "no"),
            (CHINA, &bottlerocket("2.0.0"), "yes"),
            (FIPS, &bottlerocket("1.41.0"), "no"),
            (FIPS, &bottlerocket("1.52.0"), "open"),
            (EUROPE, &bottlerocket("1.50.0"), "no"),
            (EUROPE, &bottlerocket("1.51.0"), "yes"),
            (DUAL, "BOTTLEROCKET_x86_64 1.40.0-6a5bd2b7", "no"),
            (DUAL, "BOTTLEROCKET_ARM_64 1.42.0-6a5bd2b7", "yes"),
            (DUAL, "Amazon Linux 2023.7.20250601", "yes"),
            (DUAL, "Amazon Linux 2023.6.20250211", "open"),
            (DUAL, "AL2023_x86_64_STANDARD 1.33.0-20250704", "yes"),
            (FIPS, "AL2023_x86_64_STANDARD 1.33.0-20250704", "open"),
            (FIPS, "Amazon Linux 2023.10.20260302", "yes"),
            (EUROPE, "Amazon Linux 2023.10.20260302", "yes"),
            (DUAL, "Amazon Linux 2", "open"),
            (DUAL, "Bottlerocket (EKS Auto, Standard) 2025.7.11 (aws-k8s-1.33-standard)", "open"),
            (DUAL, "Bottlerocket OS 1.52.0 (my-own)", "open"),
            (DUAL, "Ubuntu 24.04.2 LTS", "open"),
            (DUAL, "", "open"),
        ] {
            assert_eq!(told(host, system), expected, "{host} {system}");
        }
    }

    #[test]
    fn a_pool_of_several_releases_is_asked_where_all_are() {
        let [old, new] = ["1.40.0", "1.41.0"].map(|version| format!("Bottlerocket OS {version} (aws-k8s-1.33)"));
        let Asked::Open(open) = asked_by(DUAL, &[&old, &new]) else { panic!("some do and some do not") };
        assert!(open.to_string().contains("1.40.0") && open.to_string().contains("matchImages"), "{open}");
        assert_eq!(asked_by(DUAL, &[&new, "Amazon Linux 2023.7.20250601"]), Asked::Yes);
        assert!(matches!(asked_by(DUAL, &[]), Asked::Open(_)));
    }
}
