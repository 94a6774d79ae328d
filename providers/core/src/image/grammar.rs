//! The grammar of distribution/reference (`ParseNormalizedNamed`), and the kubelet's implied tag.

use super::fault::ReferenceFault;
use super::{ImageRef, Registry};

const DOCKER_HUB: &str = "docker.io";
/// The name that Docker Hub had first; it is still written and means the same.
const DOCKER_INDEX: &str = "index.docker.io";
const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// The order of the checks is upstream's, so that a reference with several faults is refused for the
/// same one.
pub(super) fn parse(input: &str) -> Result<ImageRef, ReferenceFault> {
    if is_image_id(input) {
        return Err(ReferenceFault::BareDigest);
    }
    let (host, rest) = split_host(input);
    let written = rest.split(':').next().unwrap_or(rest);
    if written.to_lowercase() != written {
        return Err(ReferenceFault::Uppercase);
    }
    let (name, digest) = split_off(rest, '@');
    let (path, tag) = split_off(name, ':');
    if !is_path(path) || !tag.is_none_or(is_tag) || !digest.is_none_or(is_digest) {
        return Err(ReferenceFault::InvalidFormat);
    }
    let repository = on_docker_hub(host, path);
    if repository_length(host, &repository)? > MAX_REPOSITORY {
        return Err(ReferenceFault::NameTooLong);
    }
    digest.map_or(Ok(()), check_digest)?;
    let implied_tag = tag.is_none() && digest.is_none();
    Ok(ImageRef {
        registry: Registry(host.to_owned()),
        repository,
        tag: if implied_tag { Some("latest".to_owned()) } else { tag.map(str::to_owned) },
        digest: digest.map(str::to_owned),
        implied_tag,
    })
}

/// 64 hexadecimal digits could be meant as an image id, so they name no repository.
fn is_image_id(input: &str) -> bool {
    input.len() == 64 && input.bytes().all(is_lower_hex)
}

/// What stands before the first slash is a host only if it can't be a part of a repository's path on
/// Docker Hub.
fn split_host(input: &str) -> (&str, &str) {
    match input.split_once('/') {
        Some((DOCKER_INDEX, rest)) => (DOCKER_HUB, rest),
        Some((first, rest)) if looks_like_host(first) => (first, rest),
        _ => (DOCKER_HUB, input),
    }
}

fn looks_like_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first
}

fn split_off(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Official images of Docker Hub are written without their namespace.
fn on_docker_hub(host: &str, path: &str) -> String {
    if host == DOCKER_HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() }
}

/// The length that upstream limits. A host with an underscore is no domain there but a part of the
/// path; the runtimes still dial it, so for us it stays the host.
fn repository_length(host: &str, repository: &str) -> Result<usize, ReferenceFault> {
    if is_domain(host) {
        Ok(repository.len())
    } else if is_path_component(host) {
        Ok(host.len() + 1 + repository.len())
    } else if is_path_component(&host.to_lowercase()) {
        Err(ReferenceFault::Uppercase)
    } else {
        Err(ReferenceFault::InvalidFormat)
    }
}

fn is_domain(host: &str) -> bool {
    if let Some((address, after)) = host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        let port = after.strip_prefix(':');
        return is_ipv6(address) && (after.is_empty() || port.is_some_and(is_port));
    }
    let (name, port) = split_off(host, ':');
    name.split('.').all(is_domain_component) && port.is_none_or(is_port)
}

/// As upstream: hexadecimal digits and colons in any arrangement, without a zone.
fn is_ipv6(address: &str) -> bool {
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_domain_component(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && ends(part).is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
}

fn is_path(path: &str) -> bool {
    path.split('/').all(is_path_component)
}

/// Letters and digits, with one of `.`, `_`, `__` or a run of dashes between them.
fn is_path_component(part: &str) -> bool {
    let separators = part.split(is_lower_alphanumeric).filter(|run| !run.is_empty());
    ends(part).is_some_and(|(first, last)| is_lower_alphanumeric(first) && is_lower_alphanumeric(last))
        && separators
            .into_iter()
            .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_lower_alphanumeric(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit()
}

fn ends(text: &str) -> Option<(char, char)> {
    Some((text.chars().next()?, text.chars().next_back()?))
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// The form of a digest: an algorithm, which may be one that nobody knows, and at least 32 digits.
fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.split(['-', '_', '+', '.']).all(is_algorithm_part)
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_algorithm_part(part: &str) -> bool {
    part.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A digest of the right form must also be one that a node can compute.
fn check_digest(digest: &str) -> Result<(), ReferenceFault> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceFault::InvalidFormat)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ if algorithm.bytes().any(|byte| byte.is_ascii_uppercase()) => return Err(ReferenceFault::DigestFormat),
        _ => return Err(ReferenceFault::DigestUnsupported),
    };
    if hex.len() != length {
        return Err(ReferenceFault::DigestLength);
    }
    if hex.bytes().all(is_lower_hex) { Ok(()) } else { Err(ReferenceFault::DigestFormat) }
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}
