//! What the command line and the config say together.

use crate::cli::{self, Reading, Select};
use crate::config::Config;
use crate::kubernetes::access::ContextView;
#[cfg(feature = "live")]
use crate::kubernetes::live::Kubeconfigs;
use crate::kubernetes::selector::LabelSelector;
use crate::scope;
use crate::usage::usage;
use pullaudit_aks::{AksOptions, AzureCloud};
use pullaudit_core::Calls;
use pullaudit_eks::{AccountScope, EksOptions};
use pullaudit_gke::GkeOptions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a run is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which clusters, which workloads.
    pub select: Select,
    /// How to read.
    pub reading: Reading,
    /// The config file.
    pub config: Config,
    /// Whether to look for what serves nobody any more (`--consent prune`).
    pub prune: bool,
    /// Where calls are counted.
    pub calls: Arc<Calls>,
    /// The kubeconfig's contexts; empty where no live cluster is asked.
    pub contexts: Vec<ContextView>,
    /// The kubeconfig files behind them.
    #[cfg(feature = "live")]
    pub kubeconfigs: Kubeconfigs,
}

impl Settings {
    /// Reads the config and, for a live run, the kubeconfig, and puts them beside the flags.
    pub fn new(select: Select, reading: Reading, live: bool) -> anyhow::Result<Self> {
        if let Some(Err(error)) = select.selector.as_deref().map(str::parse::<LabelSelector>) {
            return Err(usage(error.to_string()));
        }
        let config = Config::load(reading.config.as_deref())?;
        let mut settings = Self { config, ..Self::without_config(select, reading) };
        if live {
            settings.load_contexts()?;
        }
        Ok(settings)
    }

    /// The flags alone, for commands that read no files.
    pub fn without_config(select: Select, reading: Reading) -> Self {
        Self {
            select,
            reading,
            config: Config::default(),
            prune: false,
            calls: Arc::default(),
            contexts: Vec::new(),
            #[cfg(feature = "live")]
            kubeconfigs: Kubeconfigs::default(),
        }
    }

    #[cfg(feature = "live")]
    fn load_contexts(&mut self) -> anyhow::Result<()> {
        self.kubeconfigs = Kubeconfigs::load(self.select.kubeconfig.as_deref())?;
        self.contexts = self.kubeconfigs.contexts(self.select.context.as_deref())?;
        Ok(())
    }

    #[cfg(not(feature = "live"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the live build reads files here")]
    fn load_contexts(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// What is in flight per service.
    pub fn concurrency(&self) -> usize {
        usize::from(self.config.limits.in_flight.unwrap_or(self.reading.concurrency))
    }

    /// What AKS and ACR are told.
    pub fn aks(&self) -> AksOptions {
        let mut subscriptions = scope::subscriptions(&self.select);
        if subscriptions.is_empty() {
            subscriptions = self.config.scopes.subscriptions.iter().map(|id| id.to_ascii_lowercase()).collect();
        }
        AksOptions {
            subscriptions,
            cloud: match self.select.azure_cloud {
                None | Some(cli::AzureCloud::Public) => AzureCloud::Public,
                Some(cli::AzureCloud::China) => AzureCloud::China,
                Some(cli::AzureCloud::UsGovernment) => AzureCloud::UsGovernment,
            },
            timeout: self.reading.timeout,
            concurrency: self.concurrency(),
            service_account_identity: self.service_account_identity(),
            arm_private_link: self.config.scopes.arm_private_link,
            prune: self.prune,
            calls: Arc::clone(&self.calls),
        }
    }

    /// What GKE and Artifact Registry are told.
    pub fn gke(&self) -> GkeOptions {
        let mut projects = scope::projects(&self.select);
        if projects.is_empty() {
            projects.clone_from(&self.config.scopes.projects);
        }
        GkeOptions {
            projects,
            timeout: self.reading.timeout,
            concurrency: self.concurrency(),
            service_account_identity: self.service_account_identity(),
            calls: Arc::clone(&self.calls),
        }
    }

    fn service_account_identity(&self) -> BTreeMap<String, bool> {
        let identities = self.config.clusters.iter();
        identities
            .filter_map(|(cluster, config)| Some((cluster.clone(), config.service_account_identity?)))
            .collect()
    }

    /// What EKS and ECR are told.
    pub fn eks(&self) -> EksOptions {
        let configured = self.config.scopes.accounts.iter();
        let mut accounts: Vec<AccountScope> = configured
            .map(|account| AccountScope { id: account.id.clone(), role: account.role.clone() })
            .collect();
        for id in &self.select.account {
            if !accounts.iter().any(|account| &account.id == id) {
                accounts.push(AccountScope { id: id.clone(), role: None });
            }
        }
        EksOptions {
            profiles: self.select.profile.clone(),
            regions: scope::regions(&self.select, &self.contexts),
            all_regions: false,
            accounts,
            timeout: self.reading.timeout,
            concurrency: self.concurrency(),
            service_account_identity: self.service_account_identity(),
            calls: Arc::clone(&self.calls),
        }
    }
}
