//! Clusters and their node pools.

use serde_json::{Value, json};

/// The scope that permits everything that IAM permits.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The six scopes that `gcloud` gives to pools of the default account; pulls work with them.
pub const GKE_DEFAULT: &[&str] = &[
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
];
/// What the API gives to a pool that was made without scopes; no pull works with them.
pub const LOGGING_ONLY: &[&str] =
    &["https://www.googleapis.com/auth/logging.write", "https://www.googleapis.com/auth/monitoring"];

/// A node pool.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// `serviceAccount`: an e-mail, `default`, or absent.
    pub account: Option<String>,
    /// `oauthScopes`, or absent.
    pub scopes: Option<Vec<String>>,
    /// How many nodes.
    pub nodes: u32,
    /// More fields of `config`.
    pub config: Value,
}

impl Pool {
    /// A pool of three nodes with the default account and the scopes of `gcloud`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: Some("default".to_owned()),
            scopes: Some(owned(GKE_DEFAULT)),
            nodes: 3,
            config: json!({}),
        }
    }

    /// Sets its service account.
    pub fn account(mut self, email: &str) -> Self {
        self.account = Some(email.to_owned());
        self
    }

    /// Sets its scopes.
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scopes = Some(owned(scopes));
        self
    }

    /// Leaves out both, as old pools do.
    pub fn bare(mut self) -> Self {
        (self.account, self.scopes) = (None, None);
        self
    }

    /// Sets how many nodes it has.
    pub fn nodes(mut self, nodes: u32) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets a field of `config`, such as `gcfsConfig`.
    pub fn config(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    fn node_config(&self) -> Value {
        let mut config = json!({
            "machineType": "e2-standard-4",
            "diskSizeGb": 100,
            "diskType": "pd-balanced",
            "imageType": "COS_CONTAINERD",
            "metadata": { "disable-legacy-endpoints": "true" },
        });
        if let Some(account) = &self.account {
            config["serviceAccount"] = json!(account);
        }
        if let Some(scopes) = &self.scopes {
            config["oauthScopes"] = json!(scopes);
        }
        for (field, value) in self.config.as_object().into_iter().flatten() {
            config[field] = value.clone();
        }
        config
    }

    fn json(&self, link: &str) -> Value {
        json!({
            "name": self.name,
            "config": self.node_config(),
            "initialNodeCount": self.nodes,
            "selfLink": format!("{link}/nodePools/{}", self.name),
            "version": VERSION,
            "status": "RUNNING",
            "management": { "autoUpgrade": true, "autoRepair": true },
            "etag": "4f1b2c3d-0000-4000-8000-000000000002",
        })
    }
}

const VERSION: &str = "1.33.4-gke.1172000";

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The project's id.
    pub project: String,
    /// A region or a zone.
    pub location: String,
    /// Its name; another location of the same project may have it too.
    pub name: String,
    /// Its pools; `None` leaves out `nodePools`.
    pub pools: Option<Vec<Pool>>,
    /// What makes pools of its own: Autopilot, or node auto-provisioning.
    pub provisioning: Option<Provisioning>,
    /// The address of its API server, without `https://`.
    pub endpoint: String,
    /// The certificate of its CA, base64 of a PEM.
    pub ca: String,
    /// The DNS name of its control plane.
    pub dns_endpoint: Option<String>,
    /// More fields of the cluster.
    pub fields: Value,
    /// The whole answer, in the place of all the rest.
    pub recorded: Option<Value>,
}

/// What new pools get that the cluster makes by itself.
#[derive(Debug, Clone)]
pub struct Provisioning {
    /// All pools are of this kind.
    pub autopilot: bool,
    /// `serviceAccount`, or absent.
    pub account: Option<String>,
    /// `oauthScopes`, or absent.
    pub scopes: Option<Vec<String>>,
}

impl Cluster {
    /// A cluster without pools.
    pub fn new(project: &str, location: &str, name: &str) -> Self {
        Self {
            project: project.to_owned(),
            location: location.to_owned(),
            name: name.to_owned(),
            pools: Some(Vec::new()),
            provisioning: None,
            endpoint: "192.0.2.10".to_owned(),
            ca: "LS0tLS1GQUtFIENBLS0tLS0=".to_owned(),
            dns_endpoint: None,
            fields: json!({}),
            recorded: None,
        }
    }

    /// A cluster that is answered word by word as `value` has it; its name and its place are taken from there.
    pub fn recorded(project: &str, value: Value) -> Self {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let cluster = Self::new(project, &text("location"), &text("name"));
        Self { recorded: Some(value), ..cluster }
    }

    /// Its full name.
    pub fn id(&self) -> String {
        format!("projects/{}/locations/{}/clusters/{}", self.project, self.location, self.name)
    }

    /// Adds a pool.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pools.get_or_insert_with(Vec::new).push(pool);
        self
    }

    /// Leaves out `nodePools`.
    pub fn without_pools(mut self) -> Self {
        self.pools = None;
        self
    }

    /// Makes it an Autopilot cluster whose new pools get this account and these scopes.
    pub fn autopilot(mut self, account: &str, scopes: &[&str]) -> Self {
        self.provisioning =
            Some(Provisioning { autopilot: true, account: Some(account.to_owned()), scopes: Some(owned(scopes)) });
        self
    }

    /// Lets it make pools with this account and these scopes.
    pub fn auto_provisioning(self, account: &str, scopes: &[&str]) -> Self {
        let mut cluster = self.autopilot(account, scopes);
        cluster.provisioning.iter_mut().for_each(|provisioning| provisioning.autopilot = false);
        cluster
    }

    /// Sets where its API server is and the base64 of the PEM of its CA.
    pub fn endpoint(mut self, endpoint: &str, ca: &str) -> Self {
        (self.endpoint, self.ca) = (endpoint.to_owned(), ca.to_owned());
        self
    }

    /// Sets the DNS name of its control plane.
    pub fn dns_endpoint(mut self, name: &str) -> Self {
        self.dns_endpoint = Some(name.to_owned());
        self
    }

    /// Sets another field.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.fields[field] = value;
        self
    }

    /// As the service answers.
    pub(crate) fn json(&self) -> Value {
        if let Some(value) = &self.recorded {
            return value.clone();
        }
        let link = format!("https://container.googleapis.com/v1/{}", self.id());
        let mut body = json!({
            "name": self.name,
            "location": self.location,
            "zone": self.location,
            "locations": [format!("{}-b", self.location)],
            "selfLink": link,
            "status": "RUNNING",
            "endpoint": self.endpoint,
            "masterAuth": { "clusterCaCertificate": self.ca },
            "currentMasterVersion": VERSION,
            "currentNodeVersion": VERSION,
            "initialClusterVersion": VERSION,
            "createTime": "2025-06-07T08:09:10+00:00",
            "network": "default",
            "subnetwork": "default",
            "workloadIdentityConfig": { "workloadPool": format!("{}.svc.id.goog", self.project) },
            "id": "5a2c3d4e00004000800000000000000100000000000040008000000000000001",
            "etag": "5a2c3d4e-0000-4000-8000-000000000001",
        });
        if let Some(pools) = &self.pools {
            body["nodePools"] = pools.iter().map(|pool| pool.json(&link)).collect();
            body["currentNodeCount"] = json!(pools.iter().map(|pool| pool.nodes).sum::<u32>());
            if let Some(first) = pools.first() {
                body["nodeConfig"] = first.node_config();
            }
        }
        if let Some(name) = &self.dns_endpoint {
            let dns = json!({ "endpoint": name, "allowExternalTraffic": true });
            body["controlPlaneEndpointsConfig"] = json!({ "dnsEndpointConfig": dns });
        }
        if let Some(provisioning) = &self.provisioning {
            body["autoscaling"] = provisioning.json();
            if provisioning.autopilot {
                body["autopilot"] = json!({ "enabled": true });
            }
        }
        for (field, value) in self.fields.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        body
    }
}

impl Provisioning {
    fn json(&self) -> Value {
        let mut defaults = json!({ "imageType": "COS_CONTAINERD" });
        if let Some(account) = &self.account {
            defaults["serviceAccount"] = json!(account);
        }
        if let Some(scopes) = &self.scopes {
            defaults["oauthScopes"] = json!(scopes);
        }
        json!({ "enableNodeAutoprovisioning": true, "autoprovisioningNodePoolDefaults": defaults })
    }
}
