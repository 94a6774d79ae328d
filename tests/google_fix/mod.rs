//! What the tests of GKE share: a cluster whose nodes lost their grant, and the program beside it.

#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]

use assert_cmd::Command;
use pullaudit_google_fake::{CLOUD_PLATFORM, Cluster, Fake, Policy, Pool, Repository, World};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) const READER: &str = "roles/artifactregistry.reader";
pub(crate) const NODES: &str = "gke-nodes@acme-prod.iam.gserviceaccount.com";
pub(crate) const MEMBER: &str = "serviceAccount:gke-nodes@acme-prod.iam.gserviceaccount.com";
pub(crate) const REPOSITORY: &str = "projects/acme-images/locations/europe-west4/repositories/shop";
pub(crate) const IMAGES: [&str; 2] = [
    "europe-west4-docker.pkg.dev/acme-images/shop/cart:1.4.2",
    "europe-west4-docker.pkg.dev/acme-images/shop/web:7.0.0",
];

/// A cluster in one project, under one organisation with another.
pub(crate) fn cluster() -> World {
    World::new()
        .organization("900100200300")
        .project("acme-prod", 100_200_300_400, "organizations/900100200300")
        .project("acme-images", 500_600_700_800, "organizations/900100200300")
        .account(NODES)
        .cluster(
            Cluster::new("acme-prod", "europe-west4", "shop-ew4")
                .pool(Pool::new("apps").account(NODES).scopes(&[CLOUD_PLATFORM])),
        )
}

/// The cluster, and its images in the other project; the grant is missing.
pub(crate) fn world() -> World {
    cluster().repository(
        Repository::new("acme-images", "europe-west4", "shop")
            .policy(Policy::new().bind("roles/artifactregistry.writer", "user:dev@acme.example")),
    )
}

pub(crate) struct Place {
    pub(crate) fake: Fake,
    pub(crate) folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text) || self.err.contains(text), "no {text:?} in\n{}\n{}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }
}

impl Place {
    pub(crate) fn of(world: World) -> Self {
        let place = Self { fake: Fake::start(world), folder: tempfile::tempdir().unwrap() };
        place.apps(&IMAGES.map(str::to_owned));
        place
    }

    /// Makes these the images of the manifest.
    pub(crate) fn apps(&self, images: &[String]) {
        let one = |(number, image): (usize, &String)| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{number}, namespace: shop}}\nspec:\n  template:\n    \
                 spec:\n      containers: [{{name: app, image: {image}}}]\n---\n"
            )
        };
        let text: String = images.iter().enumerate().map(one).collect();
        std::fs::write(self.folder.path().join("apps.yaml"), text).unwrap();
    }

    pub(crate) fn with_environment(&self, environment: Vec<(String, String)>, arguments: &[&str]) -> Ran {
        let mut command = Command::cargo_bin("pullaudit").unwrap();
        command.current_dir(self.folder.path()).args(arguments).envs(environment);
        command.env("KUBECONFIG", "/nonexistent").env("HOME", self.folder.path()).env("NO_COLOR", "1");
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn plain(&self, arguments: &[&str]) -> Ran {
        self.with_environment(self.fake.env(), arguments)
    }

    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Ran {
        let all = [&[command, "--provider", "gke", "-f", "apps.yaml", "--timeout", "5s"][..], more].concat();
        self.plain(&all)
    }

    pub(crate) fn fix(&self, more: &[&str]) -> Ran {
        self.run("fix", &[&["--yes", "--verify-timeout", "4s"][..], more].concat())
    }

    /// The oldest first: an undo writes one too.
    pub(crate) fn receipts(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let mut receipts: Vec<PathBuf> =
            files.filter(|path| path.to_str().unwrap().ends_with(".receipt.json")).collect();
        receipts.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
        receipts
    }

    pub(crate) fn undo_of(&self, receipt: &Path) -> Ran {
        self.plain(&["undo", receipt.to_str().unwrap(), "--yes", "--verify-timeout", "4s", "--timeout", "5s"])
    }

    pub(crate) fn undo(&self) -> Ran {
        self.undo_of(self.receipts().first().expect("a receipt"))
    }

    pub(crate) fn policy(&self) -> Policy {
        self.fake.change(|world| world.policy_of(REPOSITORY).unwrap().clone())
    }

    pub(crate) fn writes(&self) -> usize {
        self.fake.requests().iter().filter(|seen| seen.path.ends_with(":setIamPolicy")).count()
    }
}
