//! The values that exceptions look at. Each pattern looks at each distinct value once, however many checks hold it.

use super::Matching;
use super::pattern::{Image, ImagePattern, Pattern, full};
use crate::report::Check;
use pullaudit_core::Snapshot;
use std::collections::HashMap;
use std::hash::Hash;

/// The distinct values of one field, and the place among them of each check's own.
pub(super) struct Column<T> {
    distinct: Vec<T>,
    of: Vec<usize>,
}

impl<T: Hash + Eq + Copy> Column<T> {
    fn new(values: impl Iterator<Item = T>) -> Self {
        let (mut known, mut distinct) = (HashMap::new(), Vec::new());
        let place = |value: T| {
            *known.entry(value).or_insert_with(|| {
                distinct.push(value);
                distinct.len() - 1
            })
        };
        let of = values.map(place).collect();
        Self { distinct, of }
    }

    /// What a pattern says to each distinct value; `None` where the exception leaves the field out.
    fn look<P>(&self, pattern: Option<&P>, fits: impl Fn(&P, &T) -> bool) -> Option<Vec<bool>> {
        pattern.map(|pattern| self.distinct.iter().map(|value| fits(pattern, value)).collect())
    }

    fn fits(&self, looked: Option<&Vec<bool>>, index: usize) -> bool {
        looked
            .is_none_or(|looked| self.of.get(index).and_then(|place| looked.get(*place)).copied().unwrap_or(false))
    }
}

/// Id and name.
type Named<'a> = Option<(&'a str, &'a str)>;
/// Namespace, kind and name.
type Workload<'a> = (&'a str, &'a str, &'a str);

/// Every field of every check.
pub(super) struct Columns<'a> {
    image: Column<Image<'a>>,
    code: Column<&'a str>,
    cluster: Column<Named<'a>>,
    pool: Column<Option<&'a str>>,
    identity: Column<Named<'a>>,
    /// Of each check's workloads, one after the other.
    workload: Column<Workload<'a>>,
    /// Where the workloads of each check begin.
    first: Vec<usize>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(checks: &'a [Check], snapshot: &'a Snapshot) -> Self {
        let names: HashMap<&str, &str> = snapshot
            .clusters
            .iter()
            .map(|record| (record.cluster.id.0.as_str(), record.cluster.name.as_str()))
            .collect();
        let cluster = |check: &'a Check| {
            let id = check.cluster.as_deref()?;
            Some((id, names.get(id).copied().unwrap_or(id)))
        };
        let identity = |check: &'a Check| check.identity.as_ref().map(|one| (one.id.as_str(), one.name.as_str()));
        let workloads = checks.iter().flat_map(|check| &check.workloads);
        let mut next = 0;
        let first = checks.iter().map(|check| {
            next += check.workloads.len();
            next - check.workloads.len()
        });
        Self {
            first: first.collect(),
            image: Column::new(checks.iter().map(image)),
            code: Column::new(checks.iter().map(|check| check.code.as_str())),
            cluster: Column::new(checks.iter().map(cluster)),
            pool: Column::new(checks.iter().map(|check| check.pool.as_deref())),
            identity: Column::new(checks.iter().map(identity)),
            workload: Column::new(
                workloads.map(|one| (one.namespace.as_str(), one.kind.as_str(), one.name.as_str())),
            ),
        }
    }

    /// Looks at every distinct value with the patterns of one exception.
    pub(super) fn look(&self, wanted: &Matching) -> Looked<'_> {
        let named = |pattern: &Pattern, value: &Named<'_>| value.is_some_and(|(id, name)| pattern.names(id, name));
        let repository = |pattern: &Pattern, image: &Image<'_>| repository(pattern, image);
        let on_workload = |(): &(), value: &Workload<'_>| {
            wanted.namespace.as_ref().is_none_or(|pattern| pattern.is(value.0))
                && wanted.workload.as_ref().is_none_or(|pattern| workload(pattern, *value))
        };
        let looks_at_workloads = (wanted.namespace.is_some() || wanted.workload.is_some()).then_some(&());
        Looked {
            columns: self,
            image: self.image.look(wanted.image.as_ref(), ImagePattern::is),
            repository: self.image.look(wanted.repository.as_ref(), repository),
            code: self.code.look(wanted.code.as_ref(), |pattern, code| pattern.is(code)),
            cluster: self.cluster.look(wanted.cluster.as_ref(), named),
            pool: self.pool.look(wanted.pool.as_ref(), |pattern, pool| pool.is_some_and(|pool| pattern.is(pool))),
            identity: self.identity.look(wanted.identity.as_ref(), named),
            workload: self.workload.look(looks_at_workloads, on_workload),
        }
    }
}

/// What one exception says to each distinct value.
pub(super) struct Looked<'a> {
    columns: &'a Columns<'a>,
    image: Option<Vec<bool>>,
    repository: Option<Vec<bool>>,
    code: Option<Vec<bool>>,
    cluster: Option<Vec<bool>>,
    pool: Option<Vec<bool>>,
    identity: Option<Vec<bool>>,
    workload: Option<Vec<bool>>,
}

impl Looked<'_> {
    /// The parts of a check that the exception covers: its workloads, or the one part of a check that has none.
    pub(super) fn parts_of(&self, index: usize, check: &Check) -> impl Iterator<Item = usize> {
        let columns = self.columns;
        let whole = columns.code.fits(self.code.as_ref(), index)
            && columns.cluster.fits(self.cluster.as_ref(), index)
            && columns.pool.fits(self.pool.as_ref(), index)
            && columns.identity.fits(self.identity.as_ref(), index)
            && columns.image.fits(self.image.as_ref(), index)
            && columns.image.fits(self.repository.as_ref(), index);
        let first = columns.first.get(index).copied().unwrap_or_default();
        let alone = check.workloads.is_empty();
        let parts = if whole { check.workloads.len().max(1) } else { 0 };
        (0..parts).filter(move |part| match &self.workload {
            None => true,
            Some(_) if alone => false,
            looked => columns.workload.fits(looked.as_ref(), first + part),
        })
    }
}

fn image(check: &Check) -> Image<'_> {
    Image {
        written: &check.image,
        name: check.registry.as_deref().zip(check.repository.as_deref()),
        tag: check.tag.as_deref(),
        digest: check.digest.as_deref(),
    }
}

/// With or without its host; images of Docker Hub's own library in their short form, too.
fn repository(pattern: &Pattern, image: &Image<'_>) -> bool {
    let Some((registry, repository)) = image.name else { return false };
    let short = repository.strip_prefix("library/").filter(|_| registry == "docker.io");
    pattern.is(repository)
        || pattern.is(&full(registry, repository))
        || short.is_some_and(|short| pattern.is(short) || pattern.is(&full(registry, short)))
}

/// By its name, by kind and name, each with or without its namespace; the kind as kubectl writes it or in full.
fn workload(pattern: &Pattern, (namespace, kind, name): Workload<'_>) -> bool {
    let short = crate::incidents::short(kind, name);
    let long = format!("{kind}/{name}");
    let lower = format!("{}/{name}", kind.to_lowercase());
    let fits = |text: &str| pattern.is(text) || pattern.is(&format!("{namespace}/{text}"));
    [name, &short, &long, &lower].into_iter().any(fits)
}
