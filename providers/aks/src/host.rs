//! Hosts of Azure container registries, and which of them the kubelet's credential plugin answers for.

use pullaudit_core::{ImageRef, Owner, Registry, UrlGlob};

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

/// True where the kubelet asks the node's plugin about the image.
pub(crate) fn plugin_answers(image: &ImageRef) -> bool {
    plugin_glob(&image.registry).is_some()
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
    let host = registry.lower();
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
            assert!(plugin_answers(&image), "{host}");
            assert!(owner(&image.registry).unwrap().plugin.is_some(), "{host}");
        }
        for host in [
            "azurecr.io",
            "acme.weu.geo.azurecr.io",
            "acme.azurecr.io.evil.example",
            "xazurecr.io",
            "acme.AzureCR.io",
        ] {
            assert!(!plugin_answers(&image(host)), "{host}");
        }
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
