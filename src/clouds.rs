//! The register of clouds: one line each. The program knows them by the traits only.

use crate::nearest::nearest;
use crate::settings::Settings;
use crate::usage::usage;
use anyhow::{Context, Result};
use globset::{Glob, GlobSet, GlobSetBuilder};
use pullaudit_core::{CodeRow, Owner, Principal, Provider, Registry};

/// What else people call a provider.
const ALSO: &[(&str, &[&str])] = &[
    ("aks", &["azure", "acr", "az", "microsoft"]),
    ("eks", &["aws", "amazon", "ecr"]),
    ("gke", &["gcp", "google", "gcloud", "gar", "gcr"]),
    ("kubernetes", &["k8s", "kube", "cluster"]),
];

/// The error for a provider that is none of the known ones, with the one that is most likely meant.
pub fn unknown(name: &str, known: &[&str]) -> anyhow::Error {
    let lower = name.to_lowercase();
    let also = ALSO.iter().filter(|(word, also)| known.contains(word) && also.contains(&lower.as_str()));
    let meant = also.map(|(word, _)| *word).next().or_else(|| nearest(name, known.iter().copied()));
    let hint = meant.map_or_else(String::new, |word| format!("; did you mean {word}?"));
    let expected = match known {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => known.join(", "),
    };
    usage(format!("unknown provider {name:?} (expected {expected}{hint})"))
}

/// The clouds of this build.
pub struct Clouds {
    providers: Vec<Provider>,
    /// Hosts that the config calls public: nobody is asked about them.
    public: GlobSet,
}

impl Clouds {
    /// Every cloud, set up as the user asked. Nothing is read or connected yet.
    pub fn new(settings: &Settings) -> Result<Self> {
        let mut public = GlobSetBuilder::new();
        for (host, _) in settings.config.registries.iter().filter(|(_, registry)| registry.value.public) {
            let host = host.to_ascii_lowercase();
            public.add(Glob::new(&host).with_context(|| format!("registries: {host:?} is no pattern of a host"))?);
        }
        let providers = vec![
            pullaudit_aks::Aks::provider(settings.aks()),
            pullaudit_eks::Eks::provider(settings.eks()),
            pullaudit_gke::Gke::provider(settings.gke()),
        ];
        let clouds = Self { providers, public: public.build()? };
        settings.config.exceptions.check_codes(clouds.codes())?;
        match settings.select.provider.iter().find(|name| clouds.get(name).is_none()) {
            None => Ok(clouds),
            Some(name) => {
                let known: Vec<&str> = clouds.iter().map(|provider| provider.name).collect();
                Err(unknown(name, &known))
            }
        }
    }

    /// A register of other clouds, for tests and examples.
    pub fn of(providers: Vec<Provider>) -> Self {
        Self { providers, public: GlobSet::empty() }
    }

    /// Every cloud.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter()
    }

    /// The cloud of that name.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// Which cloud answers for a registry host; `None` for hosts that the config calls public, too.
    pub fn owner(&self, registry: &Registry) -> Option<Owner> {
        if self.public.is_match(registry.lower()) {
            return None;
        }
        self.providers
            .iter()
            .filter_map(|provider| provider.registries.as_ref())
            .find_map(|side| side.owner(registry))
    }

    /// How many hours a login lasts, by its host and its user, with whatever cloud the host belongs to.
    pub fn login_lasts(&self, host: &str, user: &str) -> Option<u16> {
        self.providers.iter().find_map(|provider| (provider.login_lasts)(host, user))
    }

    /// The identity that a person means, with the name of its cloud.
    pub fn principal(&self, who: &str) -> Option<(&'static str, Principal)> {
        self.providers.iter().find_map(|provider| {
            let principal = provider.clusters.as_ref()?.principal(who)?;
            Some((provider.name, principal))
        })
    }

    /// Every finding of every table, the core's first.
    pub fn codes(&self) -> impl Iterator<Item = &'static CodeRow> + Clone {
        pullaudit_core::CORE_CODES.iter().chain(self.providers.iter().flat_map(|provider| provider.codes.iter()))
    }
}
