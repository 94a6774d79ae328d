//! Reading and writing AWS: the only place that touches its SDK.
//!
//! One call is one row, or a part of one; a call that is refused is an unread row that names the right.
//! Only `write` changes anything in AWS.

mod access;
mod accounts;
mod attempts;
mod batch;
mod blocked;
mod call;
mod cluster;
mod credentials;
mod details;
mod discover;
mod document;
mod ec2;
mod ec2_wire;
mod ecr;
mod iam;
mod images;
mod instances;
mod needs;
mod operation;
mod organizations;
mod paging;
mod region;
mod regions;
mod renewal;
mod required;
mod shape;
mod tags;
mod trouble;
mod trust;
mod write;

pub use operation::{OPERATIONS, Operation};

use crate::EksOptions;
use crate::facts::{Reader, cluster_table, table};
use accounts::Accounts;
use call::Caller;
use futures_util::future::{join, join_all, join3};
use needs::Needs;
use pullaudit_core::{
    AccessError, ApiAccess, Applied, CannotUndo, Change, ClusterView, CollectError, DiscoverError, Discovered,
    Discovery, Journal, OwnRight, Question, Read, Scope, Section,
};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The clients of one run. Credentials are looked for once, at the first question.
pub struct Live {
    options: Arc<EksOptions>,
    caller: Arc<Caller>,
    accounts: OnceCell<Accounts>,
}

impl Live {
    /// Nothing is read or connected yet.
    pub fn new(options: Arc<EksOptions>) -> Self {
        let caller = Arc::new(Caller::new(Arc::clone(&options.calls), options.concurrency));
        Self { options, caller, accounts: OnceCell::new() }
    }

    /// The wanted clusters with what makes up their pools. A place that can't be listed is a gap; it is
    /// an error when none could be.
    pub async fn discover(&self, scope: &Scope) -> Result<Discovery, DiscoverError> {
        discover::discover(self, scope).await
    }

    /// End point, CA and token of a cluster's API. The token is good for 15 minutes.
    pub async fn access(&self, found: &Discovered) -> Result<ApiAccess, AccessError> {
        access::access(self, found).await
    }

    /// Reads the instance profiles that the cluster's own API names, and those of instances whose nodes' roles nothing
    /// else tells.
    pub async fn complete(&self, found: &mut Discovered, view: &Read<ClusterView>) {
        let mut names = crate::cluster::profiles(view);
        let instances = crate::cluster::untold(found, view);
        if names.is_empty() && instances.is_empty() {
            return;
        }
        let id = found.cluster.scope.clone();
        let account = self.accounts(None).await.ok().and_then(|accounts| accounts.get(&id));
        // Whoever describes a cluster has a credential of its account.
        let Some(account) = account else { return };
        if !instances.is_empty() {
            names.extend(instances::collect(&self.caller, account, found, &instances).await);
        }
        let iam = account.iam();
        let reading = iam::Reading { caller: &self.caller, iam: &iam, scope: format!("account {id}") };
        let roles = join_all(names.iter().map(|name| reading.profile(name))).await;
        for (name, role) in names.iter().zip(roles) {
            found.readings.store(cluster_table::INSTANCE_PROFILES, name, role);
        }
    }

    /// The facts that these questions need. It sends nothing where they need none.
    pub async fn collect(&self, questions: &[Question]) -> Result<Section, CollectError> {
        let needs = Needs::of(questions);
        if needs.is_empty() {
            return Ok(Section::default());
        }
        let accounts = self.accounts(needs.region.as_deref()).await?;
        let ids = needs.accounts();
        let organizations = organizations::collect(&self.caller, accounts, &ids);
        let (section, organizations) = join(self.read(&needs), organizations).await;
        let mut section = section?;
        iam::merge(&mut section, organizations);
        tags::collect(&self.caller, accounts, questions, &mut section).await;
        Ok(section)
    }

    /// The same, but for images that were asked about before and for organizations: no change of ours makes or deletes
    /// an image, or touches a policy of an organization.
    pub async fn collect_again(&self, questions: &[Question], before: &Section) -> Result<Section, CollectError> {
        let mut needs = Needs::of(questions);
        let known = needs.take_images(before);
        let mut section = self.read(&needs).await?;
        iam::merge(&mut section, known);
        for name in organizations::TABLES {
            if let Some(rows) = before.tables.get(name) {
                section.tables.insert(name.to_owned(), rows.clone());
            }
        }
        if !needs.is_empty() {
            let accounts = self.accounts(needs.region.as_deref()).await?;
            tags::collect(&self.caller, accounts, questions, &mut section).await;
        }
        Ok(section)
    }

    async fn read(&self, needs: &Needs) -> Result<Section, CollectError> {
        if needs.is_empty() {
            return Ok(Section::default());
        }
        let accounts = self.accounts(needs.region.as_deref()).await?;
        let registries =
            needs.registries.iter().map(|(name, wanted)| ecr::collect(&self.caller, accounts, name, wanted));
        let roles = iam::collect(&self.caller, accounts, needs);
        let providers = trust::collect(&self.caller, accounts, &needs.providers);
        let (mut section, providers, registries) = join3(roles, providers, join_all(registries)).await;
        for rows in registries.into_iter().chain([providers]) {
            iam::merge(&mut section, rows);
        }
        for id in needs.accounts() {
            let reader = match (accounts.get(id), accounts.lost(id)) {
                (Some(account), _) => Read::Got(Reader { arn: account.arn.clone() }),
                (None, Some(open)) => Read::Unread(open.clone()),
                (None, None) => Read::Absent,
            };
            section.store(table::READERS, id, reader);
        }
        Ok(section)
    }

    /// These accounts, and those of the named profiles; with `own`, that of the credentials where no profile is named.
    pub async fn scopes(&self, named: &[String], own: bool) -> Vec<String> {
        let mut all = named.to_vec();
        if (own || !self.options.profiles.is_empty())
            && let Ok(accounts) = self.accounts(None).await
        {
            all.extend(accounts.signed_in().cloned());
        }
        all
    }

    /// Whether the caller may write what each change writes. Writes nothing.
    pub async fn preflight(&self, changes: &[&Change]) -> Vec<OwnRight> {
        write::preflight(self, changes).await
    }

    /// Writes one change, where what it rests on is still as it was.
    pub async fn apply(&self, change: &Change, journal: &dyn Journal) -> Applied {
        write::apply(self, change, journal).await
    }

    /// The change that takes another one back; `None` where nothing of it stands there. Writes nothing.
    pub async fn undo(&self, change: &Change) -> Result<Option<Change>, CannotUndo> {
        write::undo(self, change).await
    }

    /// Who we are, found out once. `fallback` is the region to call where none is set.
    async fn accounts(&self, fallback: Option<&str>) -> Result<&Accounts, DiscoverError> {
        self.accounts.get_or_try_init(|| Accounts::resolve(&self.options, &self.caller, fallback)).await
    }
}
