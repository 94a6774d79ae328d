//! Words that are nobody's name, beside those of each cloud's own language.

/// Of Kubernetes, of image references, and ours.
const WORDS: [&str; 74] = [
    "absent",
    "agent",
    "amd",
    "any",
    "api",
    "app",
    "apps",
    "arm",
    "authenticated",
    "cluster",
    "com",
    "config",
    "container",
    "containers",
    "control",
    "cri",
    "daemonset",
    "default",
    "deployment",
    "dev",
    "docker",
    "edu",
    "every",
    "false",
    "ghcr",
    "gpu",
    "group",
    "hcp",
    "helm",
    "http",
    "https",
    "hub",
    "image",
    "images",
    "index",
    "json",
    "kube",
    "kubernetes",
    "latest",
    "library",
    "linux",
    "list",
    "local",
    "localhost",
    "main",
    "managed",
    "manifest",
    "name",
    "namespace",
    "net",
    "new",
    "node",
    "nodes",
    "none",
    "null",
    "oci",
    "org",
    "pod",
    "pods",
    "pool",
    "pull",
    "pullaudit",
    "quay",
    "registry",
    "role",
    "self",
    "service",
    "sha",
    "system",
    "tar",
    "true",
    "unlisted",
    "windows",
    "xml",
];

/// Whether a word, in lower case, is one of them.
pub(super) fn is_common(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order() {
        assert!(WORDS.is_sorted() && is_common("sha") && !is_common("ledger"));
    }
}
