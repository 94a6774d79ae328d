//! The language of Google Cloud, which is nobody's name.

use crate::weigh::roles;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Words of IAM, of Artifact Registry and of their ids.
const WORDS: [&str; 181] = [
    "access",
    "active",
    "admin",
    "africa",
    "allauthenticatedusers",
    "allow",
    "allusers",
    "and",
    "api",
    "apt",
    "artifactregistry",
    "asia",
    "attachment",
    "attribute",
    "australia",
    "autopilot",
    "boundary",
    "browser",
    "buckets",
    "central",
    "cloud",
    "cloudresourcemanager",
    "cluster",
    "clusters",
    "com",
    "complete",
    "compute",
    "container",
    "contains",
    "create",
    "createonpushrepoadmin",
    "createonpushwriter",
    "default",
    "defaultnodeserviceaccount",
    "delete",
    "deleted",
    "deny",
    "denypolicies",
    "denyrules",
    "dev",
    "developer",
    "disable",
    "disabled",
    "docker",
    "dockerimages",
    "domain",
    "download",
    "downloadartifact",
    "downloadartifacts",
    "duration",
    "east",
    "editor",
    "enabled",
    "endswith",
    "eu",
    "europe",
    "extract",
    "false",
    "files",
    "finalized",
    "folder",
    "folders",
    "format",
    "from",
    "gcp",
    "gcr",
    "generic",
    "get",
    "getattribute",
    "getfullyear",
    "getiampolicy",
    "gke",
    "global",
    "goog",
    "google",
    "googleapis",
    "group",
    "gserviceaccount",
    "has",
    "hastagkey",
    "http",
    "https",
    "iam",
    "in",
    "io",
    "k8s",
    "kfp",
    "kubernetes",
    "launcher",
    "legacy",
    "list",
    "location",
    "locations",
    "marketplace",
    "matches",
    "matchtag",
    "maven",
    "middle",
    "mirror",
    "modifiedgrantsbyrole",
    "multi",
    "name",
    "nodepool",
    "nodepools",
    "nodeserviceagent",
    "north",
    "northamerica",
    "northeast",
    "northwest",
    "npm",
    "objects",
    "objectviewer",
    "organization",
    "organizations",
    "owner",
    "packages",
    "partial",
    "pkg",
    "policies",
    "policybindings",
    "principal",
    "principalaccessboundarypolicies",
    "principals",
    "principalset",
    "project",
    "projecteditor",
    "projectowner",
    "projects",
    "projectviewer",
    "python",
    "read",
    "reader",
    "redirection",
    "registry",
    "release",
    "remote",
    "repoadmin",
    "repositories",
    "repository",
    "request",
    "requested",
    "resource",
    "role",
    "roles",
    "service",
    "serviceaccount",
    "serviceaccounts",
    "serviceagent",
    "services",
    "serviceusage",
    "setiampolicy",
    "south",
    "southamerica",
    "southeast",
    "southwest",
    "standard",
    "startswith",
    "state",
    "storage",
    "subject",
    "svc",
    "tags",
    "time",
    "timestamp",
    "true",
    "type",
    "uid",
    "update",
    "uploadartifacts",
    "us",
    "user",
    "v1",
    "versions",
    "viewer",
    "virtual",
    "west",
    "workloadidentitypool",
    "workloadidentitypools",
    "writer",
    "yum",
    "zones",
];

/// Words of the predefined roles that the tables know, in lower case.
static ROLES: LazyLock<BTreeSet<String>> = LazyLock::new(|| roles::names().flat_map(words_of).collect());

/// The words of a name; digits at the end of one are no part of it where names are taken apart.
fn words_of(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .flat_map(|word| [word.to_owned(), word.trim_end_matches(|sign: char| sign.is_ascii_digit()).to_owned()])
        .collect()
}

/// Whether a word is one of them, or of the name of a predefined role.
pub(crate) fn own_word(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok() || ROLES.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_every_known_role_is_kept() {
        let mut known = 0;
        for name in roles::names() {
            known += 1;
            for word in words_of(name) {
                assert!(own_word(&word), "{word} of {name}");
            }
        }
        assert!(known > 110, "{known}");
    }

    #[test]
    fn the_words_of_google_cloud_are_told_from_names() {
        assert!(WORDS.is_sorted());
        assert!(own_word("artifactregistry") && own_word("gserviceaccount") && !own_word("ledger"));
    }
}
