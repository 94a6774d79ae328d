//! Hosts of Artifact Registry, what an image's path names there, and which of the hosts the node's
//! credential plugin answers for.

use pullaudit_core::{ImageRef, Owner, Registry, UrlGlob};

/// The patterns for which the kubelet of a GKE node asks its plugin. One glob a label, so that
/// `LOCATION.docker.pkg.dev` is not among them.
///
/// Source: kubernetes/cloud-provider-gcp, `cmd/auth-provider-gcp`.
const PATTERNS: [&str; 4] = ["container.cloud.google.com", "gcr.io", "*.gcr.io", "*.pkg.dev"];

/// Hosts that everybody may pull from, whatever a node sends.
///
/// Source for `k8s.gcr.io`: Kubernetes blog, 2023-03-10, which sends it on to `registry.k8s.io`.
const PUBLIC: [&str; 4] = ["mirror.gcr.io", "registry.k8s.io", "gke.gcr.io", "k8s.gcr.io"];

/// The hosts of the former Container Registry: location and name of the repository that answers today.
///
/// Source: Google Cloud, Artifact Registry documentation, transition to gcr.io repositories.
const TRANSITION: [(&str, &str); 4] =
    [("gcr.io", "us"), ("us.gcr.io", "us"), ("eu.gcr.io", "europe"), ("asia.gcr.io", "asia")];

/// What an image's host and path name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A registry that is open to all.
    Public,
    /// A repository of Artifact Registry.
    Repository(Location),
    /// A host of Artifact Registry, and a path that is too short to name an image there.
    Incomplete,
}

/// One image in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Project id, with a colon where it is of a domain: `example.com:web`.
    pub(crate) project: String,
    /// Region or multi-region.
    pub(crate) region: String,
    /// Short name of the repository.
    pub(crate) repository: String,
    /// The image's name inside it.
    pub(crate) package: String,
    /// It is named by a host of the former Container Registry.
    pub(crate) transition: bool,
}

impl Location {
    /// `projects/P/locations/L/repositories/R`
    pub(crate) fn id(&self) -> String {
        format!("projects/{}/locations/{}/repositories/{}", self.project, self.region, self.repository)
    }
}

/// The pattern that covers a host, for which the kubelet asks the plugin. The case of letters counts here.
pub(crate) fn plugin_glob(registry: &Registry) -> Option<&'static str> {
    PATTERNS.into_iter().find(|pattern| UrlGlob::of_key(pattern).matches_host(registry))
}

/// The location behind a host of Artifact Registry itself: `LOCATION-docker.pkg.dev` or
/// `LOCATION.docker.pkg.dev`, which Google's own tool takes too.
fn location(host: &str) -> Option<&str> {
    let name = host.strip_suffix("-docker.pkg.dev").or_else(|| host.strip_suffix(".docker.pkg.dev"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// What the image names; `None` for hosts that are none of Google's.
pub(crate) fn place(image: &ImageRef) -> Option<Place> {
    let host = image.registry.lower();
    if PUBLIC.contains(&host.as_str()) {
        return Some(Place::Public);
    }
    let mut parts = image.repository.split('/');
    let former = TRANSITION.iter().find(|(name, _)| *name == host);
    let region = match former {
        Some((_, region)) => (*region).to_owned(),
        None => location(&host)?.to_owned(),
    };
    let named = || {
        let first = parts.next()?;
        // A project of a domain is two parts of the path, and one id with a colon.
        let project = if first.contains('.') { format!("{first}:{}", parts.next()?) } else { first.to_owned() };
        let repository = if former.is_some() { host.clone() } else { parts.next()?.to_owned() };
        let package = parts.collect::<Vec<_>>().join("/");
        (!package.is_empty()).then_some((project, repository, package))
    };
    Some(match named() {
        None => Place::Incomplete,
        Some((project, repository, package)) => {
            Place::Repository(Location { project, region, repository, package, transition: former.is_some() })
        }
    })
}

/// The repository that an address names: `https://us-docker.pkg.dev/P/R`, or its full id.
pub(crate) fn repository_of(address: &str) -> Option<String> {
    let text = address.trim_start_matches("https://").trim_end_matches('/');
    if text.starts_with("projects/") {
        return (text.split('/').count() == 6).then(|| text.to_owned());
    }
    let image = ImageRef::parse(&format!("{text}/any")).ok()?;
    match place(&image)? {
        Place::Repository(location) => Some(location.id()),
        Place::Public | Place::Incomplete => None,
    }
}

/// What the host itself tells of its owner; `None` for hosts that are none of Google's.
pub fn owner(registry: &Registry) -> Option<Owner> {
    let host = registry.lower();
    let former = TRANSITION.iter().find(|(name, _)| *name == host).map(|(_, location)| *location);
    let location = former.or_else(|| location(&host));
    if location.is_none() && !PUBLIC.contains(&host.as_str()) {
        return None;
    }
    Some(Owner {
        provider: "gke",
        scope: None,
        location: location.map(str::to_owned),
        plugin: plugin_glob(registry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(image: &str) -> Option<Place> {
        place(&ImageRef::parse(image).unwrap())
    }

    fn id(image: &str) -> (String, String) {
        match parse(image) {
            Some(Place::Repository(at)) => (at.id(), at.package),
            other => panic!("{image}: {other:?}"),
        }
    }

    #[test]
    fn an_image_names_project_location_and_repository() {
        for (image, repository, package) in [
            ("us-docker.pkg.dev/acme/apps/web:1", "projects/acme/locations/us/repositories/apps", "web"),
            (
                "europe-west4-docker.pkg.dev/acme/apps/team/web:1",
                "projects/acme/locations/europe-west4/repositories/apps",
                "team/web",
            ),
            ("asia.docker.pkg.dev/acme/apps/web", "projects/acme/locations/asia/repositories/apps", "web"),
        ] {
            assert_eq!(id(image), (repository.to_owned(), package.to_owned()));
        }
    }

    #[test]
    fn gcr_io_hosts_lie_where_the_transition_put_them() {
        for (host, repository) in [
            ("gcr.io", "projects/acme/locations/us/repositories/gcr.io"),
            ("us.gcr.io", "projects/acme/locations/us/repositories/us.gcr.io"),
            ("eu.gcr.io", "projects/acme/locations/europe/repositories/eu.gcr.io"),
            ("asia.gcr.io", "projects/acme/locations/asia/repositories/asia.gcr.io"),
        ] {
            assert_eq!(id(&format!("{host}/acme/team/web:1")), (repository.to_owned(), "team/web".to_owned()));
        }
    }

    #[test]
    fn a_domain_scoped_project_is_two_parts_of_the_path_and_one_id_with_a_colon() {
        let apps = "projects/example.com:web/locations/us/repositories/apps";
        assert_eq!(id("us-docker.pkg.dev/example.com/web/apps/api").0, apps);
        assert_eq!(
            id("gcr.io/example.com/web/api").0,
            "projects/example.com:web/locations/us/repositories/gcr.io"
        );
    }

    #[test]
    fn a_short_path_names_no_image() {
        for image in
            ["us-docker.pkg.dev/acme/apps", "us-docker.pkg.dev/acme", "gcr.io/acme", "gcr.io/example.com/web"]
        {
            assert_eq!(parse(image), Some(Place::Incomplete), "{image}");
        }
    }

    #[test]
    fn public_hosts_are_open_and_other_hosts_are_not_ours() {
        for image in
            ["mirror.gcr.io/library/redis", "registry.k8s.io/pause:3", "gke.gcr.io/agent", "k8s.gcr.io/pause:3"]
        {
            assert_eq!(parse(image), Some(Place::Public), "{image}");
        }
        for image in ["docker.io/library/redis", "acme-docker.pkg.dev.evil.example/a/b/c", "pkg.dev/a/b/c"] {
            assert!(parse(image).is_none(), "{image}");
        }
        assert!(owner(&Registry("us-python.pkg.dev".to_owned())).is_none());
    }

    #[test]
    fn no_plugin_answers_for_the_host_with_a_dot_nor_for_another_case() {
        let plugin = |host: &str| owner(&Registry(host.to_owned())).unwrap().plugin;
        assert_eq!(plugin("us-docker.pkg.dev"), Some("*.pkg.dev"));
        assert_eq!(plugin("eu.gcr.io"), Some("*.gcr.io"));
        assert_eq!(plugin("us.docker.pkg.dev"), None);
        assert_eq!(plugin("registry.k8s.io"), None);
        assert_eq!(plugin("us-docker.PKG.dev"), None);
    }

    #[test]
    fn an_address_of_an_upstream_names_its_repository() {
        let apps = "projects/acme/locations/us/repositories/apps";
        assert_eq!(repository_of("https://us-docker.pkg.dev/acme/apps").as_deref(), Some(apps));
        assert_eq!(repository_of(apps).as_deref(), Some(apps));
        assert_eq!(repository_of("https://registry-1.docker.io"), None);
    }
}
