//! What the tests of writing share: a cluster whose identity lost its grant, and the program beside it.

#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use super::azure_fake::{Fake, Grant, World};
use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A fake of Azure, a folder to run in, and the workloads as a manifest in it.
pub(crate) struct Place {
    pub(crate) fake: Fake,
    pub(crate) folder: tempfile::TempDir,
}

/// A deployment of that image.
pub(crate) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  template:\n    \
         spec:\n      containers: [{{name: app, image: {image}}}]\n---\n"
    )
}

impl Place {
    /// The world of `World::acme`, which has a cluster and a registry without a grant, and two images of it.
    pub(crate) fn acme() -> Self {
        let images = ["acmeregistry.azurecr.io/shop/cart:1.4.2", "acmeregistry.azurecr.io/shop/web:7.0.0"];
        Self::of(World::acme(), &images)
    }

    /// A world with these images.
    pub(crate) fn of(world: World, images: &[&str]) -> Self {
        let place = Self { fake: Fake::start(world), folder: tempfile::tempdir().unwrap() };
        place.apps(images);
        place
    }

    /// Makes these the images of the manifest.
    pub(crate) fn apps(&self, images: &[&str]) {
        let one = |(number, image): (usize, &&str)| deployment(&format!("app-{number}"), image);
        let text: String = images.iter().enumerate().map(one).collect();
        std::fs::write(self.folder.path().join("apps.yaml"), text).unwrap();
    }

    /// The program in the folder, with the fake's credentials.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("pullaudit").unwrap();
        command.current_dir(self.folder.path()).args(arguments).envs(self.fake.env());
        command.env("KUBECONFIG", "/nonexistent").env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command
    }

    /// Runs `pullaudit COMMAND` on the AKS clusters and the manifest, with more arguments.
    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Ran {
        let mut arguments = vec![command, "--provider", "aks", "-f", "apps.yaml"];
        arguments.extend(more);
        if !more.contains(&"--timeout") {
            arguments.extend(["--timeout", "5s"]);
        }
        Ran::of(self.command(&arguments).output().unwrap())
    }

    /// Runs it with just these arguments.
    pub(crate) fn plain(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// `fix --yes` with a quick verification.
    pub(crate) fn fix(&self, more: &[&str]) -> Ran {
        let mut arguments = vec!["--yes"];
        arguments.extend(more);
        if !more.contains(&"--verify-timeout") {
            arguments.extend(["--verify-timeout", "4s"]);
        }
        self.run("fix", &arguments)
    }

    /// `undo --yes RECEIPT`.
    pub(crate) fn undo(&self, receipt: &Path) -> Ran {
        let receipt = receipt.to_str().unwrap();
        self.plain(&["undo", receipt, "--yes", "--verify-timeout", "4s", "--timeout", "5s"])
    }

    /// The receipts in the folder, by name.
    pub(crate) fn receipts(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let receipt = |path: &PathBuf| path.to_str().unwrap().ends_with(".receipt.json");
        let mut found: Vec<PathBuf> = files.filter(receipt).collect();
        found.sort();
        found
    }

    /// The only receipt.
    pub(crate) fn receipt(&self) -> Value {
        let [path] = &self.receipts()[..] else { panic!("one receipt, found {:?}", self.receipts()) };
        json(path)
    }

    /// The role assignments that are alive, as role, principal, scope and condition.
    pub(crate) fn grants(&self) -> Vec<(String, String, String, Option<String>)> {
        let of = |grant: &Grant| {
            (grant.role.clone(), grant.principal.clone(), grant.scope.clone(), grant.condition.clone())
        };
        let mut grants: Vec<_> =
            self.fake.change(|world| world.grants.iter().filter(|one| one.deleted.is_none()).map(of).collect());
        grants.sort();
        grants
    }

    /// How often role assignments were written or deleted with success.
    pub(crate) fn writes(&self) -> Vec<(String, Option<u16>)> {
        let seen = self.fake.requests().into_iter().filter(|seen| seen.method == "PUT" || seen.method == "DELETE");
        seen.map(|seen| (seen.method, seen.status)).collect()
    }

    /// Who pulls in the cluster.
    pub(crate) fn kubelet(&self) -> String {
        self.fake.change(|world| world.clusters[0].identity().unwrap().object_id.clone())
    }
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// It ended so.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// It says so, on either stream, wherever its lines break.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (out, err) = (&self.out, &self.err);
        let said = words(out).contains(text) || words(err).contains(text);
        assert!(said, "{text:?} is not in\n{out}\n--- stderr\n{err}");
        self
    }
}
