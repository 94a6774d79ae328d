//! Which readings a set of questions needs, and no others.

use crate::host;
use pullaudit_core::{Credential, Question};
use std::collections::{BTreeMap, BTreeSet};

/// Hosts of registries, in lower case, each with the object ids of the identities that pull from it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs(pub(crate) BTreeMap<String, BTreeSet<String>>);

impl Needs {
    /// Questions about hosts that are no registry of Azure need no reading. Identities of other clouds
    /// have no object id, so of their questions only the registry is read.
    pub(crate) fn of(questions: &[Question]) -> Self {
        let mut needs = Self::default();
        for question in questions {
            if host::owner(&question.image.registry).is_none() {
                continue;
            }
            let objects = needs.0.entry(host::lookup(&question.image.registry)).or_default();
            if let Credential::Principal(principal) = &question.by {
                objects.extend(object_id(&principal.id));
            }
        }
        needs
    }

    /// True where nothing of Azure is asked about.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The id in lower case, where it is one of a directory: it becomes a part of a filter, so nothing else
/// may pass.
pub(crate) fn object_id(text: &str) -> Option<String> {
    let hyphens = [8, 13, 18, 23];
    let fits = |(at, byte): (usize, u8)| {
        if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    (text.len() == 36 && text.bytes().enumerate().all(fits)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use pullaudit_core::{ImageRef, Principal, PrincipalKind, Vantage};

    const OBJECT: &str = "3F9E1A22-0000-4000-8000-00000000000A";

    fn asked(by: Credential, image: &str) -> Question {
        Question { by, from: Vantage::default(), image: ImageRef::parse(image).unwrap() }
    }

    fn principal(id: &str) -> Credential {
        let principal = Principal::new(PrincipalKind::Kubelet, id, "agentpool");
        Credential::Principal(principal)
    }

    #[test]
    fn a_host_is_asked_about_once_with_all_its_identities() {
        let needs = Needs::of(&[
            asked(principal(OBJECT), "Acme.azurecr.io/a:1"),
            asked(principal(OBJECT), "acme.azurecr.io/b:1"),
            asked(principal("arn:aws:iam::111122223333:role/node"), "acme.azurecr.io/b:1"),
            asked(Credential::Anonymous, "other.azurecr.io/b:1"),
            asked(principal(OBJECT), "docker.io/library/nginx:1"),
        ]);
        let hosts: Vec<_> = needs.0.iter().map(|(host, objects)| (host.as_str(), objects.len())).collect();
        assert_eq!(hosts, [("acme.azurecr.io", 1), ("other.azurecr.io", 0)]);
        assert!(needs.0["acme.azurecr.io"].contains(&OBJECT.to_ascii_lowercase()));
        assert!(Needs::of(&[asked(principal(OBJECT), "quay.io/a/b:1")]).is_empty());
    }

    #[test]
    fn only_a_whole_id_is_one() {
        for text in ["", "msi", "3f9e1a22-0000-4000-8000-00000000000", "3f9e1a22-0000-4000-8000-0000000000') or"] {
            assert_eq!(object_id(text), None, "{text}");
        }
    }
}
