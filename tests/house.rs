//! Who may depend on whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};

fn metadata(arguments: &[&str]) -> Metadata {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    MetadataCommand::new().other_options([vec!["--locked".to_owned()], arguments].concat()).exec().unwrap()
}

/// Everything that a package of the workspace pulls in, development aside.
fn reaches(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let start = metadata.packages.iter().find(|package| package.name.as_str() == name).unwrap();
    let (mut seen, mut open) = (BTreeSet::new(), vec![&start.id]);
    while let Some(id) = open.pop() {
        let node = resolve.nodes.iter().find(|node| &node.id == id).unwrap();
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(names[&dependency.pkg].clone()) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen
}

fn providers(metadata: &Metadata) -> Vec<String> {
    let members = metadata.workspace_packages();
    // What tests run against lies elsewhere.
    let providers = members
        .iter()
        .filter(|package| package.manifest_path.components().any(|part| part.as_str() == "providers"));
    providers.map(|package| package.name.to_string()).filter(|name| name != "pullaudit-core").collect()
}

#[test]
fn core_knows_no_runtime_no_cluster_and_no_cloud() {
    let metadata = metadata(&["--all-features"]);
    for name in reaches(&metadata, "pullaudit-core") {
        let forbidden = name == "tokio"
            || name.starts_with("kube")
            || name.starts_with("aws-")
            || name.starts_with("pullaudit");
        assert!(!forbidden, "pullaudit-core depends on {name}");
    }
}

#[test]
fn a_provider_knows_neither_the_program_nor_another_provider() {
    let metadata = metadata(&["--all-features"]);
    let providers = providers(&metadata);
    assert!(!providers.is_empty());
    for provider in &providers {
        let reached = reaches(&metadata, provider);
        assert!(reached.contains("pullaudit-core"), "{provider} speaks the core's words");
        assert!(!reached.contains("pullaudit"), "{provider} depends on the program");
        assert!(
            !reached.iter().any(|name| name.starts_with("kube")),
            "{provider} depends on kube: src/kubernetes is its only user"
        );
        for other in providers.iter().filter(|other| *other != provider) {
            assert!(!reached.contains(other), "{provider} depends on {other}");
        }
    }
}

#[test]
fn without_live_there_is_no_sdk_and_no_kube() {
    let metadata = metadata(&["--no-default-features"]);
    for name in reaches(&metadata, "pullaudit") {
        let heavy =
            name.starts_with("kube") || name.starts_with("aws-") || name.starts_with("k8s-") || name == "hyper";
        assert!(!heavy, "a build without `live` contains {name}");
    }
}

/// What is really built, by name and version. `cargo metadata` also lists what weak features only name.
fn built() -> BTreeSet<(String, String)> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--all-features", "--target", "all", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let entries = tree.lines().filter_map(|line| line.split_once(" v"));
    entries.map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap().to_owned())).collect()
}

#[test]
fn one_http_stack_one_tls_stack_and_no_ec2_client() {
    let built = built();
    let versions = |wanted: &str| {
        built.iter().filter(|(name, _)| name == wanted).map(|(_, version)| version).collect::<Vec<_>>()
    };
    for forbidden in ["ring", "openssl", "openssl-sys", "native-tls", "reqwest", "aws-sdk-ec2"] {
        assert!(versions(forbidden).is_empty(), "{forbidden} is in the tree");
    }
    for once in ["hyper", "rustls", "aws-lc-rs"] {
        assert_eq!(versions(once).len(), 1, "{once}: {:?}", versions(once));
    }
}

/// The sources of the program and its crates, tests aside.
fn sources() -> Vec<(std::path::PathBuf, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut open, mut found) = (vec![root.join("src"), root.join("providers")], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.components().any(|part| part.as_os_str() == "tests");
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn every_core_finding_is_used() {
    let sources = sources();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for (_, text) in sources.iter().filter(|(path, _)| !path.ends_with("core/src/code.rs")) {
        let words = text.split("CoreFinding::").skip(1);
        asked.extend(words.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next()).map(kebab));
    }
    asked.remove("code");
    let rows: BTreeSet<String> = pullaudit_core::CORE_CODES.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(asked, rows);
}

/// `PullSecretBroken` as `pull-secret-broken`.
fn kebab(camel: &str) -> String {
    let mut out = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[test]
fn rooms_stay_small() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines: it is two rooms", path.display());
    }
}
