//! `-f` and `--image`: what is needed besides, or instead of, what runs.

use crate::cli::{Select, Source};
use crate::kubernetes::manifests::{self, ManifestWorkload};
use crate::kubernetes::selector::LabelSelector;
use crate::selection;
use anyhow::{Result, anyhow};
use pullaudit_core::{Container, ContainerType, Gap, Open, PodGroup, Snapshot, Workload};
use std::collections::{BTreeMap, BTreeSet};

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
    ///
    /// A single `-n` is the namespace of documents that name none, as for kubectl; of the others only those of the
    /// selected namespaces and labels are taken.
    pub fn read(source: &Source, select: &Select) -> Result<Self> {
        let named = !source.files.is_empty() || !source.images.is_empty();
        let mut needed =
            Self { images: source.images.clone(), instead: named && !source.with_live, ..Self::default() };
        if !source.files.is_empty() {
            let default = match select.namespace.as_slice() {
                [one] => one.as_str(),
                _ => manifests::DEFAULT_NAMESPACE,
            };
            let found = manifests::read(&source.files, default)?;
            needed.problems = found.problems.iter().map(gap).collect();
            needed.workloads = found.workloads;
            let empty = found.empty.first().filter(|_| !needed.workloads.is_empty() || !source.images.is_empty());
            selection::complain(empty.map(|why| anyhow!("{why}")), select)?;
            selection::complain(needed.select(source, select, &found.empty)?, select)?;
        }
        Ok(needed)
    }

    /// Keeps the workloads that are selected; returns what is wrong where none is left.
    fn select(&mut self, source: &Source, select: &Select, empty: &[String]) -> Result<Option<anyhow::Error>> {
        let files = source.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        if self.workloads.is_empty() {
            // What could not be read of the files ends the run as incomplete, with its place.
            let empty = self.problems.is_empty().then(|| match empty {
                [only] if source.files.len() == 1 => anyhow!("{only}"),
                _ => nothing_in(&files, source),
            });
            return Ok(empty);
        }
        let labels = select.labels().map(|text| text.parse::<LabelSelector>()).transpose()?;
        let known: BTreeSet<String> = self.workloads.iter().map(|one| one.workload.namespace.clone()).collect();
        self.workloads.retain(|one| {
            (select.namespace.is_empty() || select.namespace.contains(&one.workload.namespace))
                && labels.as_ref().is_none_or(|labels| labels.matches(&one.labels))
        });
        if let Some(lost) = select.namespace.iter().find(|name| !known.contains(*name)) {
            let near = selection::near(lost, known.iter().map(String::as_str));
            return Ok(Some(anyhow!("-n {lost}: no workload of {files} is in this namespace{near}")));
        }
        let lost = select.labels().filter(|_| self.workloads.is_empty());
        Ok(lost.map(|labels| anyhow!("-l {labels}: no workload of {files} has these labels")))
    }

    /// The selection of live workloads: by no namespace and no label where others take their place.
    pub fn live(&self, select: &Select) -> Select {
        if self.instead {
            Select { namespace: Vec::new(), selector: Vec::new(), ..select.clone() }
        } else {
            select.clone()
        }
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

fn nothing_in(files: &str, source: &Source) -> anyhow::Error {
    let is_overlay = |path: &std::path::PathBuf| {
        ["kustomization.yaml", "kustomization.yml", "Kustomization"]
            .iter()
            .any(|name| path.join(name).is_file() || path.ends_with(name))
    };
    let advice = match source.files.iter().find(|path| is_overlay(path)) {
        Some(path) => format!("; render it first: kubectl kustomize {} | pullaudit … -f -", path.display()),
        None => String::new(),
    };
    anyhow!("-f {files}: no workload with a pod template in it{advice}")
}

fn gap(problem: &manifests::Problem) -> Gap {
    Gap {
        scope: format!("{}:{}", problem.file, problem.line),
        open: Open::undecidable(problem.to_string()),
        message: format!("document {} was left out: {}", problem.document, problem.message),
    }
}
