//! Hosts of Azure container registries, and which of them the kubelet's credential plugin answers for.

use pullaudit_core::{ImageRef, Open, Owner, Registry, Shape, UrlGlob};

/// The patterns that AKS gives the kubelet for its credential plugin: one label deep, so that the hosts of
/// a registry's regions are not among them.
///
/// Source: kubernetes-sigs/cloud-provider-azure, `examples/out-of-tree/credential-provider-config.yaml`.
const PATTERNS: [&str; 4] = ["*.azurecr.io", "*.azurecr.cn", "*.azurecr.de", "*.azurecr.us"];

/// The kubelet's pattern that covers a host, for which it asks the plugin; `None` when the plugin is not
/// asked. The case of letters counts here.
pub(crate) fn plugin_glob(registry: &Registry) -> Option<&'static str> {
    PATTERNS.into_iter().find(|pattern| UrlGlob::of_key(pattern).matches_host(registry))
}

/// The label of a node that names the image that it was made from.
///
/// Source: Microsoft Learn, "Node image upgrades in AKS".
pub(crate) const NODE_IMAGE: &str = "kubernetes.azure.com/node-image-version";

/// The day on which node images learned the hosts of a registry's regions: year, month, day.
///
/// Source: Azure/AgentBaker pull request 8994, kubernetes-sigs/cloud-provider-azure pull request 10720.
const REGIONS_SINCE: (u16, u8, u8) = (2026, 7, 21);

/// Whether the kubelet asks the node's plugin about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    Yes,
    No,
    /// It depends on what is not known of the nodes.
    Open(Open),
}

/// Whether nodes of that shape ask their plugin about the image. Hosts of a registry's regions are among the patterns
/// of younger node images only.
pub(crate) fn asks_plugin(image: &ImageRef, shape: &Shape) -> Asks {
    if plugin_glob(&image.registry).is_some() {
        return Asks::Yes;
    }
    if !is_regional(&image.registry) {
        return Asks::No;
    }
    let versions = shape.labels.get(NODE_IMAGE).into_iter().flatten();
    let known: Vec<Option<bool>> = versions.map(|version| knows_regions(version)).collect();
    match known.as_slice() {
        [first @ Some(knows), rest @ ..] if rest.iter().all(|other| other == first) => {
            if *knows {
                Asks::Yes
            } else {
                Asks::No
            }
        }
        _ => Asks::Open(Open::undecidable(format!(
            "whether the nodes' image knows the regional host {}: images from 2026-07-21 on do (az aks nodepool show \
             --query nodeImageVersion)",
            image.registry
        ))),
    }
}

/// `None` for a version whose day can't be read, and for one of the very day of the change.
fn knows_regions(version: &str) -> Option<bool> {
    if version.to_ascii_lowercase().contains("windows") {
        return None;
    }
    let mut parts = version.rsplit('-').next()?.split('.');
    let (first, second) = (parts.next()?, parts.next()?);
    // `202607.21.0`, and `2022.02.15` of former times.
    let (year, month, day) = match first.len() {
        6 => (first.get(..4)?, first.get(4..)?, second),
        4 => (first, second, parts.next()?),
        _ => return None,
    };
    let built: (u16, u8, u8) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    (built != REGIONS_SINCE).then_some(built > REGIONS_SINCE)
}

/// The host without its port, which is no part of a host's name.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The host by which a registry is looked for: in lower case, without its port.
pub(crate) fn lookup(registry: &Registry) -> String {
    without_port(&registry.lower()).to_owned()
}

/// The port that a reference names, where it is not the one at which Azure's registries answer.
pub(crate) fn odd_port(registry: &Registry) -> Option<&str> {
    let (_, port) = registry.as_str().rsplit_once(':')?;
    (port != "443").then_some(port)
}

/// `NAME.REGION.geo.azurecr.io`, without a port: with one, no pattern of any node covers it.
fn is_regional(registry: &Registry) -> bool {
    lookup(registry) == registry.lower() && owner(registry).is_some_and(|owner| owner.location.is_some())
}

/// The user of a token of Entra in the place of a password.
const TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// How many hours a login with a registry of Azure lasts: the token of `az acr login --expose-token`.
///
/// Source: kubernetes-sigs/cloud-provider-azure, `pkg/credentialprovider`.
pub(crate) fn login_lasts(host: &str, user: &str) -> Option<u16> {
    let ours =
        || PATTERNS.iter().any(|pattern| host.to_ascii_lowercase().ends_with(pattern.trim_start_matches('*')));
    (user == TOKEN_USER && ours()).then_some(3)
}

/// What the host itself tells of its owner; `None` for hosts that are no registry of Azure.
pub fn owner(registry: &Registry) -> Option<Owner> {
    let host = lookup(registry);
    let name = PATTERNS.iter().find_map(|pattern| host.strip_suffix(pattern.trim_start_matches('*')))?;
    let mut labels = name.split('.');
    if labels.clone().any(str::is_empty) {
        return None;
    }
    // `NAME.REGION.geo.azurecr.io`
    let location = match (labels.next(), labels.next(), labels.next(), labels.next()) {
        (Some(_), Some(region), Some("geo"), None) => Some(region.to_owned()),
        (Some(_), None, ..) => None,
        _ => return None,
    };
    Some(Owner { provider: "aks", scope: None, location, plugin: plugin_glob(registry) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn image(host: &str) -> ImageRef {
        ImageRef::parse(&format!("{host}/team/app:1")).unwrap()
    }

    #[test]
    fn the_plugin_answers_one_label_deep_in_every_cloud() {
        for host in ["acme.azurecr.io", "acme-h4sh.azurecr.io", "a.azurecr.cn", "a.azurecr.us", "a.azurecr.de"] {
            let image = image(host);
            assert_eq!(asks_plugin(&image, &Shape::default()), Asks::Yes, "{host}");
            assert!(owner(&image.registry).unwrap().plugin.is_some(), "{host}");
        }
        for host in [
            "azurecr.io",
            "acme.azurecr.io:443",
            "acme.weu.geo.azurecr.io:443",
            "acme.azurecr.io.evil.example",
            "xazurecr.io",
            "acme.AzureCR.io",
        ] {
            assert_eq!(asks_plugin(&image(host), &Shape::default()), Asks::No, "{host}");
        }
    }

    #[test]
    fn the_day_of_the_node_image_decides_about_regional_hosts() {
        let asks = |versions: &[&str]| {
            let mut shape = Shape::default();
            shape.labels.insert(NODE_IMAGE.to_owned(), versions.iter().map(|&one| one.to_owned()).collect());
            asks_plugin(&image("acme.westeurope.geo.azurecr.io"), &shape)
        };
        for version in ["AKSUbuntu-2204gen2containerd-202608.05.0", "AKSAzureLinux-V3gen2-202607.22.1"] {
            assert_eq!(asks(&[version]), Asks::Yes, "{version}");
        }
        for version in ["AKSUbuntu-2204gen2containerd-202607.20.0", "AKSUbuntu-1804gen2containerd-2022.02.15"] {
            assert_eq!(asks(&[version]), Asks::No, "{version}");
        }
        let (old, new) = ("AKSUbuntu-2204gen2containerd-202606.01.0", "AKSUbuntu-2204gen2containerd-202609.01.0");
        let windows = "AKSWindows-2022-containerd-20348.2762.260901";
        let of_the_day = "AKSUbuntu-2204gen2containerd-202607.21.0";
        for versions in [&[][..], &[old, new], &[windows], &[of_the_day], &["odd"], &["AKS-20260x.1.0"]] {
            assert!(matches!(asks(versions), Asks::Open(_)), "{versions:?}");
        }
    }

    #[test]
    fn a_host_with_a_port_is_azures_and_no_plugin_answers() {
        let registry = image("Acme.azurecr.io:443").registry;
        assert_eq!(owner(&registry).unwrap().plugin, None);
        assert_eq!((lookup(&registry).as_str(), odd_port(&registry)), ("acme.azurecr.io", None));
        assert_eq!(odd_port(&image("acme.azurecr.io:5000").registry), Some("5000"));
    }

    #[test]
    fn the_host_of_a_region_is_owned_but_no_plugin_answers() {
        let found = owner(&image("acme.westeurope.geo.azurecr.io").registry).unwrap();
        assert_eq!((found.location.as_deref(), found.plugin), (Some("westeurope"), None));
        for host in ["azurecr.io", "a.b.azurecr.io", "a.b.c.d.geo.azurecr.io", "docker.io"] {
            assert_eq!(owner(&image(host).registry), None, "{host}");
        }
    }

    #[test]
    fn a_token_of_entra_ends_and_other_logins_do_not() {
        assert_eq!(login_lasts("acme.AzureCR.io", TOKEN_USER), Some(3));
        assert_eq!((login_lasts("acme.azurecr.io", "pull"), login_lasts("ghcr.io", TOKEN_USER)), (None, None));
    }
}
