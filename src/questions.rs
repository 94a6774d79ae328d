//! Pools and workloads to keyrings, keyrings and images to distinct questions. Pure.
//!
//! A fleet has a hundred thousand pods and a few hundred questions. Everything after this room costs
//! by question.

mod doubt;

use crate::clouds::Clouds;
use crate::kubernetes::template::account_unread;
use doubt::{Doubt, doubt, make_uncertain};
use pullaudit_core::{
    ClusterRecord, Container, Credential, ImageRef, Keyring, Obstacle, Open, PodCredentials, PodGroup, Pool,
    Question, Read, SecretRef, Snapshot, Vantage, Workload,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is asked once, however many pools and workloads ask it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pull {
    /// The credentials that would be tried.
    pub keyring: Keyring,
    /// Where from.
    pub from: Vantage,
    /// What.
    pub image: ImageRef,
}

/// Why a check exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A pull, by index into [`Asking::pulls`].
    Pull(usize),
    /// The template fits no pool of its cluster.
    NoPoolFits,
    /// The reference does not parse; why.
    InvalidReference(String),
    /// No cloud owns the registry. An audit counts these; only a single question makes a check of one.
    NotJudged,
}

/// A workload's share in a check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Index into the snapshot's workloads.
    pub workload: usize,
    /// Its containers that name the image.
    pub containers: Vec<String>,
    /// The pull secrets of the group that asks.
    pub pull_secrets: Vec<String>,
}

/// One check to be: a place, an image, and who needs it there.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Index into the snapshot's clusters; `None` for a question about an identity alone.
    pub cluster: Option<usize>,
    /// The pool; `None` where no pool is meant.
    pub pool: Option<String>,
    /// The reference as written; of several ways to write it, the first in order.
    pub written: String,
    /// What it means.
    pub image: Option<ImageRef>,
    /// What is asked.
    pub subject: Subject,
    /// Who needs it.
    pub uses: Vec<Use>,
}

/// All that an audit asks.
#[derive(Debug, Default)]
pub struct Asking {
    /// The distinct questions.
    pub pulls: Vec<Pull>,
    /// The checks, in a stable order.
    pub asked: Vec<Asked>,
    /// Images on registries that nobody owns, by host in lower case.
    pub unowned: BTreeMap<String, BTreeSet<ImageRef>>,
    /// Containers whose kubelet asks no registry: index of the workload, name.
    pub never_pulled: BTreeSet<(usize, String)>,
    /// Workloads of which a pull could not be asked about, by index, with the reason.
    pub lost: BTreeSet<(usize, &'static str)>,
    /// How many distinct images were seen, the unowned ones included.
    pub images: usize,
}

impl Asking {
    /// The distinct questions that each registry's cloud is asked, by provider name.
    pub fn by_registry(&self, clouds: &Clouds) -> BTreeMap<&'static str, Vec<Question>> {
        let mut questions: BTreeMap<&'static str, BTreeSet<Question>> = BTreeMap::new();
        for pull in &self.pulls {
            let Some(owner) = clouds.owner(&pull.image.registry) else { continue };
            for by in credentials(&pull.keyring) {
                if matches!(by, Credential::Principal(_) | Credential::Anonymous) {
                    let question = Question { by, from: pull.from.clone(), image: pull.image.clone() };
                    questions.entry(owner.provider).or_default().insert(question);
                }
            }
        }
        questions.into_iter().map(|(provider, set)| (provider, set.into_iter().collect())).collect()
    }
}

/// Every credential that a keyring may try, in its order, each once.
pub fn credentials(keyring: &Keyring) -> Vec<Credential> {
    let mut all = Vec::new();
    let mut add = |credential: Credential| {
        if !all.contains(&credential) {
            all.push(credential);
        }
    };
    match keyring {
        Keyring::Attempts(attempts) => attempts.iter().for_each(|attempt| add(attempt.credential.clone())),
        Keyring::Broken { .. } => {}
        Keyring::OneOf { cases, .. } => cases.iter().flat_map(credentials).for_each(add),
    }
    all
}

/// Asks what the snapshot's workloads need on the pools that they fit.
pub fn ask(snapshot: &Snapshot, clouds: &Clouds) -> Asking {
    let index: HashMap<_, _> = snapshot.clusters.iter().enumerate().map(|(i, c)| (&c.cluster.id, i)).collect();
    let mut asker = Asker::new(snapshot, clouds);
    for (number, workload) in snapshot.workloads.iter().enumerate() {
        match workload.cluster.as_ref().and_then(|id| index.get(id)) {
            Some(&cluster) => asker.workload(number, workload, cluster),
            None => asker.lose(number, "the facts hold no cluster of this id"),
        }
    }
    asker.finish()
}

/// What makes two uses one check. Its order is the order of checks in a report.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    cluster: usize,
    pool: Option<String>,
    image: Option<ImageRef>,
    subject: Subject,
    /// Set only where the reference does not parse: spellings of one image are one check.
    unparsed: Option<String>,
}

struct Asker<'a> {
    snapshot: &'a Snapshot,
    clouds: &'a Clouds,
    asking: Asking,
    /// Every parsed reference by what was written: a fleet writes the same few thousand lines.
    parsed: HashMap<&'a str, Result<ImageRef, String>>,
    pulls: HashMap<Pull, usize>,
    /// Pull by (cluster, pool, pod credentials, image as written).
    known: HashMap<(usize, usize, usize, &'a str), Option<usize>>,
    pods: HashMap<PodKey<'a>, usize>,
    credentials: Vec<PodCredentials>,
    places: BTreeMap<Place, Vec<(&'a str, Use)>>,
}

/// What of a workload decides about its credentials. The namespace counts only where secrets do, or where
/// its service account may pull as itself.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PodKey<'a> {
    cluster: usize,
    namespace: Option<&'a str>,
    account: Option<&'a str>,
    secrets: &'a [String],
    annotations: &'a BTreeMap<String, String>,
    static_pod: bool,
}

impl<'a> Asker<'a> {
    fn new(snapshot: &'a Snapshot, clouds: &'a Clouds) -> Self {
        Self {
            snapshot,
            clouds,
            asking: Asking::default(),
            parsed: HashMap::new(),
            pulls: HashMap::new(),
            known: HashMap::new(),
            pods: HashMap::new(),
            credentials: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    fn workload(&mut self, number: usize, workload: &'a Workload, cluster: usize) {
        let record = &self.snapshot.clusters[cluster];
        for group in std::iter::once(&workload.next).chain(&workload.living) {
            let pods = self.pod_credentials(workload, group, cluster);
            let doubt = doubt(record, workload, group);
            let mut fits_none = group.pools.is_empty();
            let theirs =
                |container: &&Container| group.images.is_empty() || group.images.contains(&container.image);
            for container in workload.containers.iter().filter(theirs) {
                if container.never_pulled {
                    self.asking.never_pulled.insert((number, container.name.clone()));
                    continue;
                }
                let usage = Use {
                    workload: number,
                    containers: vec![container.name.clone()],
                    pull_secrets: group.pull_secrets.clone(),
                };
                let written = container.image.as_str();
                let image = match self.parse(written) {
                    Ok(image) => image,
                    Err(why) => {
                        self.place(cluster, None, None, Subject::InvalidReference(why), written, usage);
                        continue;
                    }
                };
                if self.clouds.owner(&image.registry).is_none() {
                    self.asking.unowned.entry(image.registry.lower()).or_default().insert(image);
                } else if fits_none {
                    // One check a template: what matters is that it fits nowhere, not which image it is.
                    fits_none = false;
                    self.place(cluster, None, Some(image), Subject::NoPoolFits, written, usage);
                } else {
                    for name in &group.pools {
                        let Some(pool) = record.pools.iter().position(|pool| &pool.name == name) else {
                            self.lose(number, "the facts hold no pool of this name");
                            continue;
                        };
                        let subject = match &doubt {
                            Some(doubt) if !workload.pods.contains_key(name) => {
                                self.pull_somewhere(record, doubt, pods, &image)
                            }
                            _ => self.pull(cluster, pool, pods, written, &image),
                        };
                        let Some(subject) = subject else {
                            self.lose(number, "the cloud of this cluster is not known to this pullaudit");
                            continue;
                        };
                        self.place(
                            cluster,
                            Some(name),
                            Some(image.clone()),
                            Subject::Pull(subject),
                            written,
                            usage.clone(),
                        );
                    }
                }
            }
        }
    }

    fn lose(&mut self, workload: usize, why: &'static str) {
        self.asking.lost.insert((workload, why));
    }

    fn parse(&mut self, written: &'a str) -> Result<ImageRef, String> {
        self.parsed
            .entry(written)
            .or_insert_with(|| ImageRef::parse(written).map_err(|error| error.to_string()))
            .clone()
    }

    fn place(
        &mut self,
        cluster: usize,
        pool: Option<&String>,
        image: Option<ImageRef>,
        subject: Subject,
        written: &'a str,
        usage: Use,
    ) {
        let unparsed = image.is_none().then(|| written.to_owned());
        let place = Place { cluster, pool: pool.cloned(), image, subject, unparsed };
        let uses = self.places.entry(place).or_default();
        match uses.last_mut() {
            Some((_, last)) if last.workload == usage.workload && last.pull_secrets == usage.pull_secrets => {
                last.containers.extend(usage.containers);
            }
            _ => uses.push((written, usage)),
        }
    }

    fn pod_credentials(&mut self, workload: &'a Workload, group: &'a PodGroup, cluster: usize) -> usize {
        let unread = workload.service_account_unread.as_ref();
        let as_itself = !workload.service_account_annotations.is_empty() || unread.is_some();
        let key = PodKey {
            cluster,
            namespace: (as_itself || !group.pull_secrets.is_empty()).then_some(workload.namespace.as_str()),
            account: as_itself.then_some(workload.service_account.as_str()),
            secrets: &group.pull_secrets,
            annotations: &workload.service_account_annotations,
            static_pod: workload.static_pod,
        };
        if let Some(&known) = self.pods.get(&key) {
            return known;
        }
        let record = &self.snapshot.clusters[cluster];
        self.credentials.push(PodCredentials {
            secrets: group.pull_secrets.iter().map(|name| secret(self.snapshot, record, workload, name)).collect(),
            namespace: workload.namespace.clone(),
            service_account: workload.service_account.clone(),
            annotations: workload.service_account_annotations.clone(),
            account_unread: unread.cloned(),
            static_pod: workload.static_pod,
        });
        let number = self.credentials.len() - 1;
        self.pods.insert(key, number);
        number
    }

    fn pull(
        &mut self,
        cluster: usize,
        pool: usize,
        pods: usize,
        written: &'a str,
        image: &ImageRef,
    ) -> Option<usize> {
        let key = (cluster, pool, pods, written);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let record = &self.snapshot.clusters[cluster];
        let number = self.keyring(record, &record.pools[pool], pods, image).map(|keyring| {
            self.number(Pull { keyring, from: record.pools[pool].vantage.clone(), image: image.clone() })
        });
        self.known.insert(key, number);
        number
    }

    fn number(&mut self, pull: Pull) -> usize {
        *self.pulls.entry(pull).or_insert_with_key(|pull| {
            self.asking.pulls.push(pull.clone());
            self.asking.pulls.len() - 1
        })
    }

    /// The pull of pods that are on one of several pools, and nobody knows which: only agreement is an
    /// answer.
    fn pull_somewhere(
        &mut self,
        record: &ClusterRecord,
        doubt: &Doubt<'_>,
        pods: usize,
        image: &ImageRef,
    ) -> Option<usize> {
        let mut cases: Vec<Keyring> = Vec::new();
        let from = doubt.pools.first().map(|pool| pool.vantage.clone()).unwrap_or_default();
        let one_place = doubt.pools.iter().all(|pool| pool.vantage == from);
        for pool in &doubt.pools {
            let mut keyring = self.keyring(record, pool, pods, image)?;
            if !one_place {
                make_uncertain(&mut keyring, doubt.why);
            }
            if !cases.contains(&keyring) {
                cases.push(keyring);
            }
        }
        let keyring = match cases.len() {
            1 => cases.pop()?,
            _ => Keyring::OneOf { why: doubt.why.clone(), cases },
        };
        let from = if one_place { from } else { Vantage::default() };
        Some(self.number(Pull { keyring, from, image: image.clone() }))
    }

    fn keyring(&self, record: &ClusterRecord, pool: &Pool, pods: usize, image: &ImageRef) -> Option<Keyring> {
        let side = self.clouds.get(&record.cluster.provider)?.clusters.as_ref()?;
        Some(side.keyring(pool, &self.credentials[pods], image))
    }

    fn finish(self) -> Asking {
        let mut asking = self.asking;
        let parsed = self.parsed.values().flatten();
        asking.images = parsed.map(ToString::to_string).collect::<BTreeSet<_>>().len();
        asking.asked = self.places.into_iter().map(|(place, uses)| into_asked(place, uses)).collect();
        asking
    }
}

fn into_asked(place: Place, uses: Vec<(&str, Use)>) -> Asked {
    let written = uses.iter().map(|(written, _)| *written).min().unwrap_or_default().to_owned();
    Asked {
        cluster: Some(place.cluster),
        pool: place.pool,
        written,
        image: place.image,
        subject: place.subject,
        uses: uses.into_iter().map(|(_, usage)| usage).collect(),
    }
}

fn secret(snapshot: &Snapshot, record: &ClusterRecord, workload: &Workload, name: &str) -> SecretRef {
    if let Some(account) = account_unread(name) {
        let reading = format!("pull secrets of service account {}/{account}", workload.namespace);
        if workload.origin.is_some() {
            let open = Open::undecidable(format!("{reading}: its manifest is not among the files"));
            return SecretRef { name: name.to_owned(), content: Read::Unread(open) };
        }
        let open = Open::unread(reading, "list serviceaccounts", record.cluster.name.clone(), Obstacle::Refused);
        return SecretRef { name: name.to_owned(), content: Read::Unread(open) };
    }
    let key = format!("{}/{}/{name}", record.cluster.id, workload.namespace);
    let content = snapshot.secrets.get(&key).cloned().unwrap_or_else(|| {
        Read::Unread(Open::unread(
            format!("pull secret {}/{name}", workload.namespace),
            format!("get secrets/{name} in {} (and --read-secrets)", workload.namespace),
            record.cluster.name.clone(),
            Obstacle::NotAsked,
        ))
    });
    SecretRef { name: name.to_owned(), content }
}
