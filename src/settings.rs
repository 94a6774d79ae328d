//! What the command line and the config say together.

use crate::cli::{self, Reading, Select};
use crate::config::Config;
use crate::kubernetes::access::ContextView;
#[cfg(feature = "live")]
use crate::kubernetes::live::Kubeconfigs;
#[cfg(feature = "live")]
use crate::kubernetes::pod;
use crate::kubernetes::pod::IN_CLUSTER;
use crate::kubernetes::selector::LabelSelector;
use crate::scope::{self, Meant};
use crate::usage::usage;
use pullaudit_aks::{AksOptions, AzureCloud};
use pullaudit_core::Calls;
use pullaudit_eks::{AccountScope, EksOptions};
use pullaudit_gke::GkeOptions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calls in flight per service where neither the command line nor the config says how many.
const CONCURRENCY: u16 = 8;

/// Everything that a run is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which clusters, which workloads.
    pub select: Select,
    /// How to read.
    pub reading: Reading,
    /// The config file.
    pub config: Config,
    /// Where calls are counted.
    pub calls: Arc<Calls>,
    /// The cluster that the config says is behind the context that is meant, and that context.
    pub behind: Option<(String, String)>,
    /// The kubeconfig's contexts; empty where no live cluster is asked.
    pub contexts: Vec<ContextView>,
    /// The kubeconfig files behind them.
    #[cfg(feature = "live")]
    pub kubeconfigs: Kubeconfigs,
}

impl Settings {
    /// Reads the config and, for a live run, the kubeconfig, and puts them beside the flags.
    pub fn new(select: Select, reading: Reading, live: bool) -> anyhow::Result<Self> {
        for labels in &select.selector {
            labels.parse::<LabelSelector>().map_err(|error| usage(error.to_string()))?;
        }
        let config = Config::load(reading.config.as_deref())?;
        let mut settings = Self { config, ..Self::without_config(select, reading) };
        if live {
            settings.load_contexts()?;
            settings.follow_context();
        }
        Ok(settings)
    }

    /// The flags alone, for commands that read no files.
    pub fn without_config(select: Select, reading: Reading) -> Self {
        let select = Select { cluster: cli::lists::split(&select.cluster), ..select };
        Self {
            select,
            reading,
            config: Config::default(),
            calls: Arc::default(),
            behind: None,
            contexts: Vec::new(),
            #[cfg(feature = "live")]
            kubeconfigs: Kubeconfigs::default(),
        }
    }

    #[cfg(feature = "live")]
    fn load_contexts(&mut self) -> anyhow::Result<()> {
        self.kubeconfigs = Kubeconfigs::load(&self.select.kubeconfig)?;
        // Inside a pod, the cluster around it is one more context: the current one where no kubeconfig says otherwise.
        let wanted = self.select.context.as_deref();
        let around = if wanted == Some(IN_CLUSTER) || self.kubeconfigs.is_empty() { pod::context() } else { None };
        self.contexts = match around {
            Some(around) if wanted.is_none_or(|wanted| wanted == IN_CLUSTER) => vec![around],
            _ => self.kubeconfigs.contexts(wanted)?,
        };
        Ok(())
    }

    /// Where the config says which cluster is behind the context that is meant, that cluster is meant.
    fn follow_context(&mut self) {
        let Meant::Context(context) = scope::meant(&self.select, &self.contexts) else { return };
        if let Some(cluster) = self.config.cluster_behind(&context.name) {
            self.select.cluster = vec![cluster.to_owned()];
            self.behind = Some((cluster.to_owned(), context.name));
        }
    }

    /// Says of an error how its cluster was named, where the config did.
    pub fn blame(&self, error: anyhow::Error) -> anyhow::Error {
        match &self.behind {
            Some((cluster, context)) if self.select.cluster[..] == [cluster.as_str()] => {
                error.context(format!("cluster {cluster} (context {context:?} in {})", self.config.name))
            }
            _ => error,
        }
    }

    /// Returns true if the cluster around this pod is meant, and the config does not say which one that is.
    pub fn means_pod(&self) -> bool {
        matches!(scope::meant(&self.select, &self.contexts), Meant::Context(context) if context.name == IN_CLUSTER)
    }

    #[cfg(not(feature = "live"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the live build reads files here")]
    fn load_contexts(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Maximum number of concurrent calls per service: the flag, else the config, else the default.
    pub fn concurrency(&self) -> usize {
        let configured = self.config.limits.in_flight.as_ref().map(|limit| limit.value);
        usize::from(self.reading.concurrency.or(configured).unwrap_or(CONCURRENCY))
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
        self.config.service_account_identity()
    }

    /// What EKS and ECR are told.
    pub fn eks(&self) -> EksOptions {
        let configured = self.config.scopes.accounts.iter();
        let mut accounts: Vec<AccountScope> = configured
            .map(|account| AccountScope { id: account.value.id.clone(), role: account.value.role.clone() })
            .collect();
        for id in &self.select.account {
            if !accounts.iter().any(|account| &account.id == id) {
                accounts.push(AccountScope { id: id.clone(), role: None });
            }
        }
        let mut regions = scope::regions(&self.select, &self.contexts);
        if regions.is_empty() {
            regions.extend(self.config.scopes.regions.iter().map(|region| region.value.clone()));
        }
        // Whoever asks for whole accounts asks for all of their regions; one cluster by its name is looked for at home.
        let all_regions = scope::meant(&self.select, &self.contexts) == scope::Meant::Everything;
        EksOptions {
            profiles: self.select.profile.clone(),
            regions,
            all_regions,
            accounts,
            timeout: self.reading.timeout,
            concurrency: self.concurrency(),
            service_account_identity: self.service_account_identity(),
            calls: Arc::clone(&self.calls),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings(config: &str, select: Select, concurrency: Option<u16>) -> Settings {
        let reading = Reading { concurrency, ..Reading::default() };
        let config = Config::parse(config, "pullaudit.yaml").unwrap();
        Settings { config, ..Settings::without_config(select, reading) }
    }

    #[test]
    fn the_flag_wins_over_the_config() {
        let concurrency = |config: &str, flag| settings(config, Select::default(), flag).concurrency();
        assert_eq!(concurrency("limits: {inFlight: 3}", Some(8)), 8);
        assert_eq!(concurrency("limits: {inFlight: 3}", None), 3);
        assert_eq!(concurrency("", None), 8);
        assert_eq!(settings("limits: {inFlight: 3}", Select::default(), Some(20)).eks().concurrency, 20);
    }

    #[test]
    fn whole_accounts_are_searched_in_every_region() {
        let regions = |config: &str, select: Select| {
            let eks = settings(config, select, None).eks();
            (eks.regions, eks.all_regions)
        };
        let wide = || Select { provider: vec!["eks".to_owned()], ..Select::default() };
        assert_eq!(regions("", wide()), (vec![], true));
        assert!(regions("", Select { all_clouds: true, ..Select::default() }).1);
        assert!(regions("", Select { profile: vec!["audit".to_owned()], ..Select::default() }).1);
        let here = ["eu-west-1".to_owned()];
        assert_eq!(regions("scopes: {regions: [eu-west-1]}", wide()).0, here, "the config narrows");
        let named = Select { region: here.to_vec(), ..wide() };
        assert_eq!(regions("scopes: {regions: [eu-north-1]}", named).0, here, "the flag wins");
        let one = Select { cluster: vec!["prod".to_owned()], ..Select::default() };
        assert!(!regions("", one).1, "a name is looked for in the region at hand");
    }

    #[cfg(feature = "live")]
    #[test]
    fn the_config_tells_which_cluster_a_context_is() {
        const CONFIG: &str = "clusters: {prod: {context: my-prod}, here: {context: in-cluster}}";
        let context = |name: &str| ContextView { name: name.to_owned(), current: true, ..ContextView::default() };
        let meant = |name: &str, select: Select| {
            let mut settings = settings(CONFIG, select, None);
            settings.contexts = vec![context(name)];
            settings.follow_context();
            (settings.select.cluster.clone(), settings.behind.clone())
        };
        let (cluster, behind) = meant("my-prod", Select::default());
        assert_eq!(cluster, ["prod"]);
        assert_eq!(behind.unwrap(), ("prod".to_owned(), "my-prod".to_owned()));
        assert_eq!(meant("in-cluster", Select::default()).0, ["here"]);
        assert!(meant("other", Select::default()).0.is_empty());
        let wide = Select { provider: vec!["eks".to_owned()], ..Select::default() };
        assert!(meant("my-prod", wide).0.is_empty(), "a selection of clouds is not about the context");
        let named = Select { cluster: vec!["stage".to_owned()], ..Select::default() };
        assert_eq!(meant("my-prod", named).0, ["stage"]);
    }

    #[cfg(feature = "live")]
    #[test]
    fn only_the_context_that_is_meant_leads_into_the_pod() {
        let with = |select: Select| {
            let mut settings = settings("", select, None);
            settings.contexts =
                vec![ContextView { name: IN_CLUSTER.to_owned(), current: true, ..ContextView::default() }];
            settings.means_pod()
        };
        assert!(with(Select::default()));
        let other = Select { cluster: vec!["other".to_owned()], ..Select::default() };
        assert!(!with(other), "another cluster is never read through this pod's own account");
    }
}
