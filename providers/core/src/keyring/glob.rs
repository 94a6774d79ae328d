//! How the kubelet decides that a key, or a pattern of `matchImages`, covers an image.

use crate::{ImageRef, Registry};
use std::fmt;
use std::net::Ipv6Addr;

/// A host with globs, perhaps with a port and a path, as the kubelet matches it.
///
/// Each label of the host is a glob of its own, so `*.azurecr.io` never covers `a.b.azurecr.io`. `*` is
/// the only sign that works: the kubelet reads the text as a URL first, where `?` begins a query and
/// `[` an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlGlob {
    text: String,
    host: Host,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Host {
    labels: Vec<String>,
    port: String,
}

impl UrlGlob {
    /// The pattern as `matchImages` writes it, without a scheme. Total: a text that the kubelet can't
    /// read gives a pattern that covers nothing.
    pub fn parse(pattern: &str) -> Self {
        let (host, path) = split_url(pattern);
        Self { text: format!("{host}{path}"), host: Host::split(host), path: path.to_owned() }
    }

    /// The pattern that a key of a docker config stands for: its scheme, a lone slash and a leading
    /// `/v1/` or `/v2/` do not count.
    pub fn of_key(key: &str) -> Self {
        let (host, path) = split_url(without_scheme(key));
        // Only with the slash after it: `/v1` stays, and then covers next to nothing.
        let path = match path.get(..4) {
            Some("/v1/" | "/v2/") => &path[3..],
            _ => path,
        };
        let path = if path == "/" { "" } else { path };
        Self { text: format!("{host}{path}"), host: Host::split(host), path: path.to_owned() }
    }

    /// The pattern's text, normalised. Keys are tried in the reverse order of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True when the kubelet would use it for the image. Tag and digest play no part; the path is a
    /// plain prefix, so `reg/foo` covers `reg/foobar` and `reg/foo/` does not cover `reg/foo`.
    pub fn matches(&self, image: &ImageRef) -> bool {
        let path_covers = match self.path.strip_prefix('/') {
            Some(prefix) => image.repository.starts_with(prefix),
            None => true,
        };
        path_covers && self.matches_host(&image.registry)
    }

    /// True when the host and port are covered, whatever the path. The case of letters counts.
    pub fn matches_host(&self, registry: &Registry) -> bool {
        let image = Host::split(registry.as_str());
        self.host.port == image.port
            && self.host.labels.len() == image.labels.len()
            && self.host.labels.iter().zip(&image.labels).all(|(glob, label)| glob_matches(glob, label))
    }
}

impl fmt::Display for UrlGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Host {
    /// As Go's `net.SplitHostPort`: the brackets of an IPv6 address go only where a port follows.
    fn split(host: &str) -> Self {
        let (name, port) = match host.strip_prefix('[').and_then(|inner| inner.split_once("]:")) {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (address, port),
            _ if host.starts_with('[') => (host, ""),
            _ => match host.split_once(':') {
                // Several colons without brackets make a bad URL, which covers nothing, as "" does.
                Some((_, port)) if port.contains(':') => ("", ""),
                Some((name, port)) => (name, port),
                None => (host, ""),
            },
        };
        Self { labels: name.split('.').map(str::to_owned).collect(), port: port.to_owned() }
    }
}

/// The text without a scheme; the kubelet knows these two, in lower case.
pub(super) fn without_scheme(key: &str) -> &str {
    key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key)
}

/// Host and path of a URL without scheme: no fragment, no query, no user.
pub(super) fn split_url(text: &str) -> (&str, &str) {
    let text = text.split(['#', '?']).next().unwrap_or(text);
    let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    (host, path)
}

/// `*` stands for any run of characters. A label with a bracket covers nothing: in a host without port
/// the kubelet takes `[2001:db8::1]` for a set of characters, and any other bracket for a bad URL.
fn glob_matches(glob: &str, label: &str) -> bool {
    if glob.contains('[') {
        return false;
    }
    let mut parts = glob.split('*');
    let Some(rest) = parts.next().and_then(|first| label.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // Taking each middle part where it first occurs leaves the most for those after it.
    let rest = parts.try_fold(rest, |rest, part| rest.find(part).map(|at| &rest[at + part.len()..]));
    rest.is_some_and(|rest| rest.ends_with(last))
}
