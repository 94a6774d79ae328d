//! Reading custom objects that hold a pod template.
//!
//! Which kinds those are stands in their definitions. Whoever may not list definitions still gets the kinds that own
//! something: the server tells everybody how their objects are called, and a few of them tell what they hold.

use super::list::{Cut, Listing, first, kinds_of, list};
use super::request::Api;
use super::workloads::Owned;
use crate::kubernetes::key::Named;
use crate::kubernetes::kinds::{KNOWN_CUSTOM, Kind};
use crate::kubernetes::roster::Roster;
use crate::kubernetes::slim::{Definition, Holds, Meta, Object};
use futures_util::StreamExt as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Definitions are long; a page of them stays a few megabytes.
pub(super) const DEFINITIONS: u32 = 50;
/// How many objects of a kind are looked at for what it holds.
const SAMPLES: u32 = 5;

/// A custom kind whose objects stand in namespaces.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    pub(super) named: Named,
    version: String,
    plural: String,
    pub(super) holds: Holds,
}

impl Custom {
    /// Whether its objects are known to be workloads, looked at or not.
    pub(super) fn is_known(&self) -> bool {
        let known = KNOWN_CUSTOM.contains(&(self.named.group.as_str(), self.plural.as_str()));
        self.holds == Holds::Yes || self.holds == Holds::Likely && known
    }

    pub(super) fn kind(&self) -> Kind<'_> {
        let (name, group) = (self.named.kind.as_str(), self.named.group.as_str());
        Kind { name, group, version: &self.version, plural: &self.plural }
    }
}

/// An object of a custom kind. One that is of another form than a workload, at the place where those have a template,
/// is none.
struct Lenient {
    metadata: Meta,
    object: Option<Object>,
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let metadata = Meta::deserialize(&value["metadata"]).map_err(serde::de::Error::custom)?;
        Ok(Self { metadata, object: Object::deserialize(&value).ok() })
    }
}

impl Lenient {
    fn is_workload(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.holds_containers() || object.spec.workload_ref.is_some())
    }
}

/// A list that could not be read, of a kind.
pub(super) struct Missed {
    pub(super) custom: Custom,
    pub(super) namespace: Option<String>,
    pub(super) cut: Cut,
}

/// What was read of one kind.
#[derive(Default)]
struct KindRead {
    objects: Vec<Object>,
    /// A few of its objects, where none holds a template.
    samples: Vec<Meta>,
    missed: Vec<(Option<String>, Cut)>,
    inconsistent: bool,
}

/// The custom kinds of a cluster, each read once.
pub(super) struct Customs<'a> {
    pub(super) api: Api<'a>,
    pub(super) namespaces: Vec<Option<&'a str>>,
    pub(super) labels: Option<String>,
    pub(super) concurrency: usize,
    /// `None` where definitions can't be listed.
    pub(super) defined: Option<BTreeMap<Named, Custom>>,
    /// What the server lists, by group and version.
    pub(super) discovered: BTreeMap<(String, String), Vec<(String, String)>>,
    pub(super) done: BTreeSet<Named>,
    pub(super) missed: Vec<Missed>,
    pub(super) inconsistent: Vec<String>,
}

/// The namespaced kinds that a page of definitions defines.
pub(super) fn customs(page: Vec<Definition>) -> impl Iterator<Item = (Named, Custom)> {
    page.into_iter().filter_map(|definition| custom(&definition)).map(|one| (one.named.clone(), one))
}

fn custom(definition: &Definition) -> Option<Custom> {
    let spec = &definition.spec;
    // Where the pods of a cluster's own object land is for its controller to say.
    let version = spec.version().filter(|_| spec.scope == "Namespaced")?;
    Some(Custom {
        named: Named { group: spec.group.clone(), kind: spec.names.kind.clone() },
        version: version.name.clone(),
        plural: spec.names.plural.clone(),
        holds: version.schema.holds_template(),
    })
}

impl Customs<'_> {
    /// Reads the kinds that are known to hold a template or that own something so far, and adds what they hold. Said
    /// again, it reads only what was not known before.
    pub(super) async fn read(&mut self, roster: &mut Roster<'_>) {
        let mut objects = Vec::new();
        let mut without = Vec::new();
        loop {
            let wanted = self.wanted(roster).await;
            if wanted.is_empty() {
                break;
            }
            let reading = wanted.iter().map(|one| self.kind(one));
            let read: Vec<_> = futures_util::stream::iter(reading).buffered(self.concurrency).collect().await;
            for (one, read) in wanted.into_iter().zip(read) {
                // Owners of these may be of kinds that were not seen yet.
                let metas = read.objects.iter().map(|object| &object.metadata).chain(&read.samples);
                metas.for_each(|meta| roster.add_custom_owner(&one.named, meta));
                self.done.insert(one.named.clone());
                self.inconsistent.extend(read.inconsistent.then(|| one.named.kind.clone()));
                if !read.samples.is_empty() {
                    let owners = read.samples.iter().filter_map(owner).collect();
                    without.push((one, owners));
                    continue;
                }
                if read.missed.is_empty() {
                    roster.listed_custom(one.named.clone());
                }
                let missed = read.missed.into_iter();
                self.missed.extend(missed.map(|(namespace, cut)| Missed { custom: one.clone(), namespace, cut }));
                objects.extend(read.objects.into_iter().map(|object| (one.named.clone(), object)));
            }
        }
        self.read_between(roster, &objects, &without).await;
        roster.add_customs(objects);
    }

    /// Kinds that are to be read next.
    async fn wanted(&mut self, roster: &Roster<'_>) -> Vec<Custom> {
        let all = self.defined.iter().flat_map(BTreeMap::values);
        let mut wanted: Vec<Custom> = all.filter(|one| one.holds >= Holds::Likely).cloned().collect();
        for (named, version) in roster.customs_seen() {
            wanted.extend(self.resolve(&named, &version).await);
        }
        wanted.retain(|one| !self.done.contains(&one.named));
        wanted.sort_by(|one, other| one.named.cmp(&other.named));
        wanted.dedup_by(|one, other| one.named == other.named);
        wanted
    }

    /// The kind of an owner, where it may hold a template or may stand between one and its pods.
    async fn resolve(&mut self, named: &Named, version: &str) -> Option<Custom> {
        if self.done.contains(named) {
            return None;
        }
        if let Some(defined) = &self.defined {
            let one = defined.get(named)?;
            let beside =
                || defined.values().any(|other| other.holds == Holds::Yes && other.named.group == named.group);
            return (one.holds != Holds::No || beside()).then(|| one.clone());
        }
        let key = (named.group.clone(), version.to_owned());
        if !self.discovered.contains_key(&key) {
            let kinds = kinds_of(self.api, &named.group, version).await;
            self.discovered.insert(key.clone(), kinds);
        }
        let (plural, _) = self.discovered[&key].iter().find(|(_, kind)| *kind == named.kind)?;
        let (plural, version) = (plural.clone(), version.to_owned());
        Some(Custom { named: named.clone(), version, plural, holds: Holds::Perhaps })
    }

    /// The objects of a kind that holds templates, or a few of one that does not.
    async fn kind(&self, one: &Custom) -> KindRead {
        let mut read = KindRead::default();
        if one.holds != Holds::Yes && !self.probe(one, &mut read).await {
            return read;
        }
        for &namespace in &self.namespaces {
            let labels = self.labels.as_deref();
            let listing = Listing { labels, ..Listing::of(one.kind(), namespace) };
            let each = |page: Vec<Lenient>| read.objects.extend(page.into_iter().filter_map(|one| one.object));
            match list(self.api, listing, each).await {
                Ok(listed) => read.inconsistent |= listed.inconsistent,
                Err(cut) => read.missed.push((namespace.map(str::to_owned), cut)),
            }
        }
        read
    }

    /// Whether a few objects of a kind hold templates.
    async fn probe(&self, one: &Custom, read: &mut KindRead) -> bool {
        for &namespace in &self.namespaces {
            let listing = Listing { page: SAMPLES, ..Listing::of(one.kind(), namespace) };
            match first::<Lenient>(self.api, listing).await {
                Ok(samples) if samples.iter().any(Lenient::is_workload) => {
                    *read = KindRead::default();
                    return true;
                }
                Ok(samples) => read.samples.extend(samples.into_iter().map(|sample| sample.metadata)),
                // Whoever may not look at a kind without room for a template misses nothing.
                Err(_) if one.holds == Holds::No => {}
                Err(cut) => read.missed.push((namespace.map(str::to_owned), cut)),
            }
        }
        false
    }

    /// Reads who owns the objects of kinds without a template that lead up to one that has them.
    async fn read_between(
        &self,
        roster: &mut Roster<'_>,
        objects: &[(Named, Object)],
        without: &[(Custom, BTreeSet<Named>)],
    ) {
        let mut leads: BTreeSet<&Named> = objects.iter().map(|(kind, _)| kind).collect();
        let leading = |leads: &BTreeSet<&Named>| {
            let new = |(one, _): &&(Custom, BTreeSet<Named>)| !leads.contains(&one.named);
            without.iter().filter(new).find(|(_, owners)| owners.iter().any(|owner| leads.contains(owner)))
        };
        while let Some((one, _)) = leading(&leads) {
            leads.insert(&one.named);
            for &namespace in &self.namespaces {
                let listing = Listing { slim: true, ..Listing::of(one.kind(), namespace) };
                let each = |page: Vec<Owned>| {
                    for object in page {
                        roster.add_custom_owner(&one.named, &object.metadata);
                    }
                };
                // Without it, what such an object owns is told beside what owns it: twice, not wrongly.
                if let Err(cut) = list(self.api, listing, each).await {
                    tracing::debug!("{}: {:?}", one.plural, cut.failure);
                }
            }
        }
    }
}

fn owner(meta: &Meta) -> Option<Named> {
    let owner = meta.controller()?;
    Some(Named { group: owner.group().to_owned(), kind: owner.kind.clone() })
}
