//! `-f` and `--image`: what is needed besides, or instead of, what runs.

use crate::cli::Source;
use crate::kubernetes::manifests::{self, ManifestWorkload};
use anyhow::Result;
use pullaudit_core::{Container, ContainerType, Gap, Open, PodGroup, Snapshot, Workload};
use std::collections::BTreeMap;

/// Images that count as needed although nothing runs them yet.
#[derive(Debug, Default)]
pub struct Needed {
    workloads: Vec<ManifestWorkload>,
    images: Vec<String>,
    problems: Vec<Gap>,
    /// Whether they take the place of the live workloads.
    pub instead: bool,
}

impl Needed {
    /// Nothing at all, not even what runs.
    pub fn nothing() -> Self {
        Self { instead: true, ..Self::default() }
    }

    /// Reads the manifests. A broken document is a gap of the report; the rest is taken.
    pub fn read(source: &Source) -> Result<Self> {
        let named = !source.files.is_empty() || !source.images.is_empty();
        let mut needed =
            Self { images: source.images.clone(), instead: named && !source.with_live, ..Self::default() };
        if !source.files.is_empty() {
            let found = manifests::read(&source.files)?;
            needed.workloads = found.workloads;
            needed.problems = found.problems.iter().map(gap).collect();
        }
        Ok(needed)
    }

    /// Puts them on every cluster of the snapshot: a manifest on the pools that its template fits, an
    /// image on every pool.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        if self.instead {
            snapshot.workloads.clear();
        }
        for record in &snapshot.clusters {
            let id = &record.cluster.id;
            snapshot.workloads.extend(self.workloads.iter().map(|workload| workload.on(id, &record.pools)));
            snapshot.workloads.extend(self.images.iter().map(|image| Workload {
                cluster: Some(id.clone()),
                namespace: String::new(),
                kind: "Image".to_owned(),
                name: image.clone(),
                containers: vec![Container {
                    name: "image".to_owned(),
                    kind: ContainerType::Container,
                    image: image.clone(),
                    never_pulled: false,
                }],
                next: PodGroup {
                    pull_secrets: Vec::new(),
                    pools: record.pools.iter().map(|pool| pool.name.clone()).collect(),
                    place_unknown: None,
                    images: Vec::new(),
                },
                living: Vec::new(),
                service_account: String::new(),
                service_account_annotations: BTreeMap::new(),
                service_account_unread: None,
                static_pod: false,
                every_pool: true,
                pods: BTreeMap::new(),
                pods_only: false,
                origin: Some("--image".to_owned()),
            }));
        }
        snapshot.gaps.extend(self.problems.iter().cloned());
        snapshot.gaps.sort();
        snapshot.gaps.dedup();
    }
}

fn gap(problem: &manifests::Problem) -> Gap {
    Gap {
        scope: format!("{}:{}", problem.file, problem.line),
        open: Open::undecidable(problem.to_string()),
        message: format!("document {} was left out: {}", problem.document, problem.message),
    }
}
