//! The kubelet's lookup: which keys cover an image, and in which order their logins are tried.

use super::{Attempt, Credential, Keyring, NodeKey, PodCredentials, PullSecret, UrlGlob};
use crate::{ImageRef, Open, Read};
use std::cmp::Reverse;

/// The attempts of a pod for an image, on a node whose plugin (or config file) has the keys `node`.
///
/// Pull secrets come first, all their entries together in the reverse order of their keys, then the
/// node's keys likewise. A request without a login comes last, and only where nothing else matched.
/// A pull secret that can't be parsed breaks the lookup, wherever it stands; one that does not exist is
/// passed over; a static pod uses none.
///
/// An unread pull secret is tried first, perhaps, and what only a missing match would bring (the
/// request without a login, the fallback key of Docker Hub) is then uncertain too. The node's attempts
/// stay certain although the secret might also be broken and end the lookup: a broken secret shows in
/// the pod's status and is a finding of its own once secrets are read, and doubting every pull of a pod
/// that names a secret would leave nothing to say by default, when secrets are not read.
pub fn keyring(pod: &PodCredentials, node: &[NodeKey], image: &ImageRef) -> Keyring {
    let secrets = if pod.static_pod { &[] } else { pod.secrets.as_slice() };
    let named = secrets.iter().filter(|secret| !secret.name.is_empty());
    let mut of_secrets = Vec::new();
    let mut unread = Vec::new();
    for secret in named {
        match &secret.content {
            Read::Absent => {}
            Read::Unread(open) => unread.push((&secret.name, open)),
            Read::Got(content) => {
                if let Some(defect) = content.fatal() {
                    return Keyring::Broken { secret: secret.name.clone(), defect: defect.clone() };
                }
                of_secrets.extend(entries(&secret.name, content));
            }
        }
    }
    let of_node = node.iter().map(Candidate::of_node).collect();
    let doubt = unread.first().map(|(_, open)| *open);
    let mut found = Found { attempts: unread.into_iter().map(unread_attempt).collect(), doubt, certain: false };
    found.lookup(of_secrets, doubt, image);
    found.lookup(of_node, None, image);
    Keyring::Attempts(found.or_anonymous())
}

/// A key with its login, before it is known whether it covers the image.
struct Candidate<'a> {
    glob: UrlGlob,
    key: &'a str,
    credential: Credential,
    maybe: Option<&'a Open>,
}

impl<'a> Candidate<'a> {
    fn of_node(key: &'a NodeKey) -> Self {
        Self {
            glob: UrlGlob::of_key(&key.key),
            key: &key.key,
            credential: key.credential.clone(),
            maybe: key.maybe.as_ref(),
        }
    }

    fn attempt(self, doubt: Option<&Open>) -> Attempt {
        Attempt { credential: self.credential, key: self.key.to_owned(), maybe: self.maybe.or(doubt).cloned() }
    }
}

fn entries<'a>(name: &'a str, secret: &'a PullSecret) -> impl Iterator<Item = Candidate<'a>> {
    secret.entries.iter().map(|entry| Candidate {
        glob: UrlGlob::of_key(&entry.key),
        key: &entry.key,
        credential: if entry.empty_login { Credential::Anonymous } else { Credential::Secret(name.to_owned()) },
        maybe: None,
    })
}

fn unread_attempt((name, open): (&String, &Open)) -> Attempt {
    Attempt { credential: Credential::Secret(name.clone()), key: String::new(), maybe: Some(open.clone()) }
}

/// What the lookups have found so far.
struct Found<'a> {
    attempts: Vec<Attempt>,
    /// What would tell whether an uncertain match is one.
    doubt: Option<&'a Open>,
    /// True once something certainly matched.
    certain: bool,
}

impl<'a> Found<'a> {
    /// One lookup of the kubelet: the pod's secrets are one, the keys of the node another. `unread` is
    /// what hides further keys of the same lookup.
    fn lookup(&mut self, mut candidates: Vec<Candidate<'a>>, unread: Option<&'a Open>, image: &ImageRef) {
        // Stable: keys that are one after normalising keep the order of secrets. The kubelet shuffles
        // them where they stand in one secret.
        candidates.sort_by(|a, b| Reverse(a.glob.as_str()).cmp(&Reverse(b.glob.as_str())));
        let (direct, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.glob.matches(image));
        let covered = direct.iter().any(|candidate| candidate.maybe.is_none());
        // A direct match, even a bad one, hides the fallback; one that is not certain makes it doubtful.
        let doubt = direct.iter().find_map(|candidate| candidate.maybe).or(unread);
        self.take(direct, None);
        if !covered && falls_back_to_docker_hub(image) {
            let fallback =
                others.into_iter().filter(|candidate| candidate.glob.as_str() == DOCKER_HUB_KEY).collect();
            self.take(fallback, doubt);
        }
    }

    /// A match that is doubtful only because of another match is certain to leave nothing to the
    /// anonymous request: one of the two happens.
    fn take(&mut self, matches: Vec<Candidate<'a>>, doubt: Option<&Open>) {
        for candidate in matches {
            self.certain |= candidate.maybe.is_none();
            self.doubt = self.doubt.or(candidate.maybe);
            self.attempts.push(candidate.attempt(doubt));
        }
    }

    fn or_anonymous(mut self) -> Vec<Attempt> {
        if !self.certain {
            let maybe = self.doubt.cloned();
            self.attempts.push(Attempt { credential: Credential::Anonymous, key: String::new(), maybe });
        }
        self.attempts
    }
}

/// The key that `docker login` writes for Docker Hub, after normalising.
const DOCKER_HUB_KEY: &str = "index.docker.io";

/// As the kubelet decides it: Docker Hub, and any host without dot or port, such as `localhost`.
fn falls_back_to_docker_hub(image: &ImageRef) -> bool {
    let host = image.registry.as_str();
    host == "docker.io" || !host.contains(['.', ':'])
}
