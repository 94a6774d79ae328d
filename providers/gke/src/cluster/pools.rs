//! The pools of a cluster: its node pools, those with no node yet among them, and what makes new ones.

use super::classes::{Class, classes, shape};
use crate::codes::Finding;
use crate::facts::{Cluster, NodePool, Project, cluster_table};
use pullaudit_core::{
    ClusterRecord, ClusterView, Discovered, Gap, Lookalike, NodeView, Notice, Obstacle, Open, Pool, Principal,
    Read, Shape, Taint, Vantage,
};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// The label by which a node names its pool.
const POOL_LABEL: &str = "cloud.google.com/gke-nodepool";
/// The label of nodes that stream images.
const STREAMING_LABEL: &str = "cloud.google.com/gke-image-streaming";
/// The pool that stands for nodes of pools to come.
const NEW_NODES: &str = "(new nodes)";

/// The cluster's pools, each with its own account and scopes: a cluster can hold several. What new pools
/// get by themselves, with Autopilot or node auto-provisioning, is a pool `(new nodes)` of its own, since the
/// pools that exist keep what they were made with.
pub fn pools(found: &Discovered, view: &Read<ClusterView>) -> (Vec<Pool>, Vec<Gap>) {
    let cluster: Read<Cluster> = reading(found, cluster_table::CLUSTER, "container.clusters.list");
    let project: Read<Project> = reading(found, cluster_table::PROJECT, "resourcemanager.projects.get");
    let (cluster, mut gaps) = match cluster {
        Read::Got(cluster) => (Some(cluster), Vec::new()),
        Read::Absent => {
            (None, vec![gap(found, unread(found, "cluster", "container.clusters.list", Obstacle::NotAsked))])
        }
        Read::Unread(open) => (None, vec![gap(found, open)]),
    };
    let mut hidden_classes = None;
    let nodes: &[NodeView] = match view {
        Read::Got(ClusterView { nodes: Read::Got(nodes), .. }) => nodes,
        _ => &[],
    };
    let mut listing = Listing {
        found,
        project,
        federation: None,
        nodes: nodes.iter().collect(),
        made_by: BTreeMap::new(),
        pools: Vec::new(),
    };
    if let Some(cluster) = &cluster {
        listing.made_by = made_by(cluster, nodes);
        listing.federation = listing.federation_of(cluster);
        if cluster.node_pools.iter().any(|pool| pool.name.is_empty()) {
            let lost = Obstacle::Failed("the answer holds a node pool without a name".into());
            gaps.push(gap(found, unread(found, "cluster", "container.clusters.list", lost)));
        }
        cluster.node_pools.iter().filter(|pool| !pool.name.is_empty()).for_each(|pool| listing.add(pool));
        listing.add_new(cluster);
        match classes(view) {
            Ok(classes) => classes.into_iter().for_each(|class| listing.add_class(cluster, &class)),
            Err(open) => hidden_classes = Some(open),
        }
    }
    listing.add_unlisted(gaps.first().map(|gap| gap.open.clone()));
    let message = "compute classes may make nodes with another account";
    gaps.extend(hidden_classes.map(|open| Gap { message: message.to_owned(), ..gap(found, open) }));
    (listing.pools, gaps)
}

fn gap(found: &Discovered, open: Open) -> Gap {
    Gap { scope: found.cluster.id.0.clone(), open, message: "its pools are not known".to_owned() }
}

fn unread(found: &Discovered, what: &str, right: &str, obstacle: Obstacle) -> Open {
    let scope = format!("project {}", found.cluster.scope);
    Open::unread(format!("{what} of {}", found.cluster.name), right, scope, obstacle)
}

fn reading<T: DeserializeOwned>(found: &Discovered, table: &str, right: &str) -> Read<T> {
    match found.readings.get(table, "") {
        None => Read::Unread(unread(found, table, right, Obstacle::NotAsked)),
        Some(Read::Absent) => Read::Absent,
        Some(Read::Unread(why)) => Read::Unread(why.clone()),
        Some(Read::Got(value)) => T::deserialize(value).map_or_else(
            |error| Read::Unread(unread(found, table, right, Obstacle::Failed(error.to_string().into()))),
            Read::Got,
        ),
    }
}

/// Node to the pool of which it is a machine. A group names its machines after itself, with some letters at the end in
/// the place of `grp`.
///
/// Sources: kubernetes/cloud-provider-gcp, `spec.providerID`; kubernetes/autoscaler, `cloudprovider/gce`, whose tests hold
/// groups with their machines.
fn made_by(cluster: &Cluster, nodes: &[NodeView]) -> BTreeMap<String, String> {
    let of_node = |node: &NodeView| {
        let (place, machine) = node.provider_id.strip_prefix("gce://")?.rsplit_once('/')?;
        let (group, _) = machine.rsplit_once('-')?;
        let pool = cluster.node_pools.iter().find(|pool| {
            pool.instance_group_urls
                .iter()
                .any(|url| of_group(url).is_some_and(|known| known == (place.to_owned(), group)))
        })?;
        Some((node.name.clone(), pool.name.clone()))
    };
    nodes.iter().filter_map(of_node).collect()
}

/// `PROJECT/ZONE` and the name, without its end, of the group that such a URL leads to.
fn of_group(url: &str) -> Option<(String, &str)> {
    let mut parts = url.rsplit('/');
    let name = parts.next()?.strip_suffix("-grp")?;
    let (kind, zone, zones, project) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "instanceGroupManagers" && zones == "zones").then(|| (format!("{project}/{zone}"), name))
}

struct Listing<'a> {
    found: &'a Discovered,
    project: Read<Project>,
    federation: Option<String>,
    /// Nodes that no pool has claimed yet.
    nodes: Vec<&'a NodeView>,
    /// Node to the pool whose machines it is one of, as far as its place in the cloud tells.
    made_by: BTreeMap<String, String>,
    pools: Vec<Pool>,
}

impl<'a> Listing<'a> {
    fn number(&self) -> Option<&str> {
        let number = self.project.got()?.name.strip_prefix("projects/")?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
    }

    fn federation_of(&self, cluster: &Cluster) -> Option<String> {
        let pool = &cluster.workload_identity_config.workload_pool;
        let number = self.number().filter(|_| !pool.is_empty())?;
        let prefix = super::FEDERATED;
        Some(format!("{prefix}projects/{number}/locations/global/workloadIdentityPools/{pool}/subject/"))
    }

    /// The account itself; `default` and nothing mean the default account of Compute Engine in the project
    /// of the cluster, which is named by that project's number.
    fn identity(&self, account: &str) -> Read<Principal> {
        if !account.is_empty() && account != "default" {
            return match super::principal(account) {
                Some(principal) => Read::Got(principal),
                None => Read::Unread(Open::undecidable(format!(
                    "which account {account:?} is: it is no e-mail of one"
                ))),
            };
        }
        if let Some(number) = self.number() {
            let email = format!("{number}-compute@developer.gserviceaccount.com");
            return super::principal(&email).map_or(Read::Absent, Read::Got);
        }
        Read::Unread(match &self.project {
            Read::Unread(open) => open.clone(),
            Read::Got(_) | Read::Absent => {
                let obstacle = Obstacle::Failed("the answer tells no number".into());
                unread(self.found, "the number of the project", "resourcemanager.projects.get", obstacle)
            }
        })
    }

    fn add(&mut self, pool: &NodePool) {
        let labels: BTreeMap<String, String> = [(POOL_LABEL.to_owned(), pool.name.clone())].into();
        let config = pool.config.clone().unwrap_or_default();
        let windows = config.image_type.to_ascii_uppercase().starts_with("WINDOWS");
        let mut shape = Shape {
            os: (!config.image_type.is_empty()).then(|| if windows { "windows" } else { "linux" }.to_owned()),
            taints: config.taints.iter().map(taint).collect(),
            ..Shape::default()
        };
        for (name, value) in config.labels.iter().chain(&labels) {
            shape.labels.entry(name.clone()).or_default().insert(value.clone());
        }
        if config.gcfs_config.enabled {
            shape.labels.entry(STREAMING_LABEL.to_owned()).or_default().insert("true".to_owned());
        }
        let mine = self.claim(&pool.name, &labels);
        shape.add_living(&mine);
        let carries = |node: &&&NodeView| labels.iter().all(|(name, value)| node.labels.get(name) == Some(value));
        let unlabelled = mine.iter().filter(|node| !carries(node)).map(|node| node.name.clone()).collect();
        // An account that is absent is the default one; a whole part that is absent is an answer that was cut.
        let identity = match &pool.config {
            Some(config) => self.identity(&config.service_account),
            None => Read::Unread(unread(
                self.found,
                &format!("the config of node pool {}", pool.name),
                "container.clusters.list",
                Obstacle::Failed("the answer has no config".into()),
            )),
        };
        let scopes = pool.config.as_ref().map(|config| config.oauth_scopes.clone());
        self.push(&pool.name, identity, shape, labels.clone(), scopes);
        if let Some(pool) = self.pools.last_mut() {
            pool.nodes = unlabelled;
        }
    }

    fn add_new(&mut self, cluster: &Cluster) {
        let scaling = &cluster.autoscaling;
        if !cluster.autopilot.enabled && !scaling.enable_node_autoprovisioning {
            return;
        }
        let defaults = scaling.autoprovisioning_node_pool_defaults.clone().unwrap_or_default();
        let identity = self.identity(&defaults.service_account);
        self.push(NEW_NODES, identity, Shape::default(), BTreeMap::new(), defaults.oauth_scopes);
    }

    /// The pools to come of a class. What auto-provisioning makes for it with the same account is there already.
    fn add_class(&mut self, cluster: &Cluster, class: &Class) {
        let scaling = &cluster.autoscaling;
        let is_there = cluster.autopilot.enabled || scaling.enable_node_autoprovisioning;
        if is_there && class.account.is_none() {
            return;
        }
        let defaults = scaling.autoprovisioning_node_pool_defaults.clone().unwrap_or_default();
        let identity = self.identity(class.account.as_ref().unwrap_or(&defaults.service_account));
        let name = format!("(new nodes of {})", class.name);
        self.push(&name, identity, shape(&class.name), BTreeMap::new(), defaults.oauth_scopes);
    }

    /// Nodes that no pool of the list claims, and what stands for all where there is no list.
    fn add_unlisted(&mut self, hidden: Option<Open>) {
        let living = std::mem::take(&mut self.nodes);
        if living.is_empty() && hidden.is_none() {
            return;
        }
        let what = format!("which account the nodes of {} outside its node pools have", self.found.cluster.name);
        let mut shape = Shape::default();
        shape.add_living(&living);
        let identity = Read::Unread(hidden.unwrap_or_else(|| Open::undecidable(what)));
        self.push("(unlisted)", identity, shape, BTreeMap::new(), None);
    }

    /// The nodes of a pool: those whose place in the cloud tells so; of the others, those that its labels claim, which
    /// anybody may edit.
    fn claim(&mut self, pool: &str, labels: &BTreeMap<String, String>) -> Vec<&'a NodeView> {
        let carries = |node: &NodeView| labels.iter().all(|(name, value)| node.labels.get(name) == Some(value));
        let made_by = &self.made_by;
        let of_pool =
            |node: &&NodeView| made_by.get(&node.name).map_or_else(|| carries(node), |made| made == pool);
        let (mine, others) = std::mem::take(&mut self.nodes).into_iter().partition(of_pool);
        self.nodes = others;
        mine
    }

    fn push(
        &mut self,
        name: &str,
        identity: Read<Principal>,
        shape: Shape,
        node_labels: BTreeMap<String, String>,
        scopes: Option<Vec<String>>,
    ) {
        let sorted = scopes.map(|mut scopes| {
            scopes.sort();
            scopes
        });
        self.pools.push(Pool {
            cluster: self.found.cluster.id.clone(),
            name: name.to_owned(),
            identity,
            shape,
            node_labels,
            nodes: BTreeSet::new(),
            takes: Vec::new(),
            takes_unread: None,
            vantage: Vantage { scopes: sorted, network: None },
            federation: self.federation.clone(),
        });
    }
}

/// The API writes effects in its own way.
fn taint(taint: &crate::facts::NodeTaint) -> Taint {
    let effect = match taint.effect.as_str() {
        "NO_SCHEDULE" => "NoSchedule",
        "NO_EXECUTE" => "NoExecute",
        "PREFER_NO_SCHEDULE" => "PreferNoSchedule",
        other => other,
    };
    Taint { key: taint.key.clone(), value: taint.value.clone(), effect: effect.to_owned() }
}

/// Google's own accounts that work for a cluster and pull nothing.
pub fn lookalikes(found: &Discovered) -> Vec<Lookalike> {
    let project: Read<Project> = reading(found, cluster_table::PROJECT, "");
    let number = project.got().and_then(|project| project.name.strip_prefix("projects/"));
    let Some(number) = number.filter(|number| !number.is_empty()) else { return Vec::new() };
    let name = &found.cluster.name;
    let one = |id: String, what: &str| Lookalike {
        id,
        code: Finding::GrantedToAgent.code().name().to_owned(),
        what: format!("{what} of the project of {name}"),
    };
    vec![
        one(
            format!("service-{number}@container-engine-robot.iam.gserviceaccount.com"),
            "the service agent of GKE",
        ),
        one(format!("{number}@cloudservices.gserviceaccount.com"), "the service agent of Google APIs"),
    ]
}

/// Pools that stream images need one right more than a pull; whether the account holds it is not read.
pub fn notices(record: &ClusterRecord) -> Vec<Notice> {
    let code = Finding::ImageStreaming.code();
    let streams = |pool: &&Pool| pool.shape.labels.get(STREAMING_LABEL).is_some_and(|set| set.contains("true"));
    let one = |pool: &Pool| Notice {
        code: code.name(),
        severity: code.severity(),
        subject: format!("{}/{}", record.cluster.name, pool.name),
        message: format!(
            "streams images: {} also needs serviceusage.services.use in {}, which is not looked up",
            pool.identity.got().map_or("its account", |principal| principal.id.as_str()),
            record.cluster.scope
        ),
    };
    record.pools.iter().filter(streams).map(one).collect()
}
