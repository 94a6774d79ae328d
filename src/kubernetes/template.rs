//! What a pod template says about images and pull secrets.

use super::slim::{Container as SlimContainer, LocalRef, PodSpec, SERVICE_ACCOUNT_ANNOTATIONS, ServiceAccount};
use pullaudit_core::{Container, ContainerType};
use std::collections::BTreeMap;

/// The pull policy by which a kubelet never asks a registry.
const NEVER: &str = "Never";

/// Everything in a pod's spec that names an image, in the order in which it is written.
pub fn containers(spec: &PodSpec) -> Vec<Container> {
    let lists = [
        (ContainerType::Init, &spec.init_containers),
        (ContainerType::Container, &spec.containers),
        (ContainerType::Ephemeral, &spec.ephemeral_containers),
    ];
    let named = lists.into_iter().flat_map(|(kind, list)| {
        let policy = |container: &SlimContainer| container.image_pull_policy == NEVER;
        list.iter()
            .map(move |container| (kind, container.name.clone(), container.image.clone(), policy(container)))
    });
    let volumes = spec.volumes.iter().filter_map(|volume| {
        let image = volume.image.as_ref()?;
        let never = image.pull_policy == NEVER;
        Some((ContainerType::ImageVolume, volume.name.clone(), image.reference.clone(), never))
    });
    named
        .chain(volumes)
        // An image volume may be left without a reference by a template that a controller fills in.
        .filter(|(_, _, image, _)| !image.is_empty())
        .map(|(kind, name, image, never_pulled)| Container { name, kind, image, never_pulled })
        .collect()
}

/// The names in a list of pull secrets. An entry without a name stands in the list all the same, so the
/// list is not empty, but it names nothing.
pub(crate) fn names(list: &[LocalRef]) -> Vec<String> {
    list.iter().filter(|entry| !entry.name.is_empty()).map(|entry| entry.name.clone()).collect()
}

/// What of a service account decides about pulls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The pull secrets that pods without a list of their own get.
    pub pull_secrets: Vec<String>,
    /// Its annotations that say who pulls.
    pub annotations: BTreeMap<String, String>,
}

impl From<ServiceAccount> for Account {
    fn from(account: ServiceAccount) -> Self {
        let mut annotations = account.metadata.annotations.0;
        annotations.retain(|key, _| SERVICE_ACCOUNT_ANNOTATIONS.contains(&key.as_str()));
        Self { pull_secrets: names(&account.image_pull_secrets), annotations }
    }
}

/// The service accounts of a cluster, or of a set of manifests.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    known: BTreeMap<(String, String), Account>,
    others: Others,
}

/// What is known of the service accounts that are not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
    /// They do not exist.
    #[default]
    None,
    /// They may say anything.
    Unread,
    /// So may they, but for the one that each namespace is made with, which says nothing.
    Elsewhere,
}

/// The service account of pods that name none.
const DEFAULT: &str = "default";

impl Accounts {
    /// Adds one; a later one of the same name replaces it.
    pub fn add(&mut self, namespace: &str, account: ServiceAccount) {
        self.known.insert((namespace.to_owned(), account.metadata.name.clone()), account.into());
    }

    /// Says that there are some that could not be read.
    pub fn not_all_read(&mut self) {
        self.others = Others::Unread;
    }

    /// Says that others stand elsewhere. The account of pods that name none is taken to be as Kubernetes makes it.
    pub fn others_stand_elsewhere(&mut self) {
        self.others = Others::Elsewhere;
    }

    /// The account that a pod names; `None` when there is no telling what it gives, and empty when it
    /// does not exist.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Account> {
        let known = self.known.get(&(namespace.to_owned(), name.to_owned()));
        let empty = match self.others {
            Others::None => true,
            Others::Unread => false,
            Others::Elsewhere => name == DEFAULT,
        };
        known.cloned().or_else(|| empty.then(Account::default))
    }
}

/// The name that stands for the pull secrets of a service account that could not be read. No secret can
/// be called so.
pub fn unread_account(name: &str) -> String {
    format!("{UNREAD_PREFIX}{name})")
}

/// The service account that such a name stands for.
pub fn account_unread(secret: &str) -> Option<&str> {
    secret.strip_prefix(UNREAD_PREFIX)?.strip_suffix(')')
}

const UNREAD_PREFIX: &str = "(service account ";

/// The pull secrets of the next pod: its template's list, else the one of its service account. Lists are
/// never merged, and a list of one nameless entry is a list.
pub fn next_secrets(spec: &PodSpec, namespace: &str, accounts: &Accounts) -> Vec<String> {
    if !spec.image_pull_secrets.is_empty() {
        return names(&spec.image_pull_secrets);
    }
    match accounts.get(namespace, spec.account()) {
        Some(account) => account.pull_secrets,
        None => vec![unread_account(spec.account())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(value: serde_json::Value) -> PodSpec {
        serde_json::from_value(value).unwrap()
    }

    fn accounts() -> Accounts {
        let mut accounts = Accounts::default();
        for (name, secrets) in [("default", json!([{ "name": "shared" }])), ("bare", json!(null))] {
            let account = json!({ "metadata": { "name": name }, "imagePullSecrets": secrets });
            accounts.add("shop", serde_json::from_value(account).unwrap());
        }
        accounts
    }

    #[test]
    fn every_place_that_names_an_image_is_found_once() {
        let found = containers(&spec(json!({
            "containers": [{ "name": "app", "image": "a" }, { "name": "unset" }],
            "initContainers": [{ "name": "prepare", "image": "i" }],
            "ephemeralContainers": [{ "name": "debug", "image": "e" }],
            "volumes": [{ "name": "model", "image": { "reference": "v" } }, { "name": "tmp", "emptyDir": {} },
                        { "name": "later", "image": {} }],
        })));
        let images: Vec<_> = found.iter().map(|container| (container.kind, container.image.as_str())).collect();
        assert_eq!(
            images,
            [
                (ContainerType::Init, "i"),
                (ContainerType::Container, "a"),
                (ContainerType::Ephemeral, "e"),
                (ContainerType::ImageVolume, "v")
            ]
        );
    }

    #[test]
    fn what_the_kubelet_never_pulls_is_told_apart() {
        let found = containers(&spec(json!({
            "containers": [{ "name": "baked", "image": "a", "imagePullPolicy": "Never" },
                           { "name": "app", "image": "b", "imagePullPolicy": "IfNotPresent" }, { "name": "c", "image": "c" }],
            "volumes": [{ "name": "model", "image": { "reference": "v", "pullPolicy": "Never" } }],
        })));
        let never: Vec<_> = found.iter().filter(|one| one.never_pulled).map(|one| one.name.as_str()).collect();
        assert_eq!(never, ["baked", "model"]);
    }

    #[test]
    fn a_list_of_the_template_wins_over_the_service_account() {
        let own = spec(json!({ "imagePullSecrets": [{ "name": "own" }] }));
        assert_eq!(next_secrets(&own, "shop", &accounts()), ["own"]);
        assert_eq!(next_secrets(&spec(json!({})), "shop", &accounts()), ["shared"]);
    }

    #[test]
    fn a_nameless_entry_is_a_list() {
        let nameless = spec(json!({ "imagePullSecrets": [{ "name": "" }] }));
        assert!(next_secrets(&nameless, "shop", &accounts()).is_empty());
        assert!(next_secrets(&spec(json!({ "imagePullSecrets": [{}] })), "shop", &accounts()).is_empty());
    }

    #[test]
    fn the_account_is_the_one_the_pod_names() {
        assert!(next_secrets(&spec(json!({ "serviceAccountName": "bare" })), "shop", &accounts()).is_empty());
        assert!(next_secrets(&spec(json!({ "serviceAccount": "bare" })), "shop", &accounts()).is_empty());
        assert!(next_secrets(&spec(json!({})), "elsewhere", &accounts()).is_empty());
    }

    #[test]
    fn an_account_that_could_not_be_read_leaves_a_name_that_says_so() {
        let mut some = accounts();
        some.not_all_read();
        assert_eq!(next_secrets(&spec(json!({})), "shop", &some), ["shared"]);
        let other = spec(json!({ "serviceAccountName": "other" }));
        assert_eq!(next_secrets(&other, "shop", &some), ["(service account other)"]);
        assert_eq!(next_secrets(&spec(json!({})), "elsewhere", &some), ["(service account default)"]);
        some.others_stand_elsewhere();
        assert_eq!(next_secrets(&other, "shop", &some), ["(service account other)"]);
        assert!(next_secrets(&spec(json!({})), "elsewhere", &some).is_empty());
    }
}
