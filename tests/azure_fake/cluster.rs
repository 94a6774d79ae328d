//! Clusters, and how Resource Manager writes them.

use base64::Engine as _;
use serde_json::{Value, json};
use uuid::Uuid;

/// A user-assigned managed identity.
#[allow(
    clippy::struct_field_names,
    reason = "they are the API's names, and mixing them up is the classic mistake"
)]
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// ARM id.
    pub(crate) resource_id: String,
    /// Application id; never what a role assignment names.
    pub(crate) client_id: String,
    /// What a role assignment names.
    pub(crate) object_id: String,
}

impl Identity {
    /// An identity whose ids follow from its name, so that a test need not invent them.
    pub(crate) fn named(subscription: &str, group: &str, name: &str) -> Self {
        // Azure writes this id with a small g in resourcegroups.
        let resource_id = format!(
            "/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        );
        let id = |what: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{what} {resource_id}").as_bytes());
        let (client_id, object_id) = (id("client").to_string(), id("object").to_string());
        Self { resource_id, client_id, object_id }
    }
}

/// Who pulls.
#[derive(Debug, Clone)]
pub(crate) enum Puller {
    /// The kubelet identity.
    Kubelet(Identity),
    /// A service principal, by application id.
    Application(String),
}

/// A node pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// Its name.
    pub(crate) name: String,
    /// How many nodes it has.
    pub(crate) count: u32,
    /// `Linux` or `Windows`.
    pub(crate) os: String,
    /// `System` or `User`.
    pub(crate) mode: String,
    /// Labels of its nodes.
    pub(crate) labels: Vec<(String, String)>,
    /// Taints of its nodes, `KEY=VALUE:EFFECT`.
    pub(crate) taints: Vec<String>,
}

impl Pool {
    /// A pool of Linux nodes.
    pub(crate) fn new(name: &str, count: u32) -> Self {
        let (name, os, mode) = (name.to_owned(), "Linux".to_owned(), "User".to_owned());
        Self { name, count, os, mode, labels: Vec::new(), taints: Vec::new() }
    }

    /// Adds a label.
    pub(crate) fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a taint.
    pub(crate) fn taint(mut self, taint: &str) -> Self {
        self.taints.push(taint.to_owned());
        self
    }

    fn body(&self) -> Value {
        let labels: serde_json::Map<_, _> =
            self.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        json!({
            "name": self.name, "count": self.count, "osType": self.os, "mode": self.mode,
            "nodeLabels": labels, "nodeTaints": self.taints, "type": "VirtualMachineScaleSets",
            "provisioningState": "Succeeded", "powerState": { "code": "Running" },
        })
    }
}

/// A cluster.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// Its subscription.
    pub(crate) subscription: String,
    /// Its resource group.
    pub(crate) group: String,
    /// Its name.
    pub(crate) name: String,
    /// Its region.
    pub(crate) location: String,
    /// Who pulls.
    pub(crate) puller: Puller,
    /// Its API server is reached from its network only.
    pub(crate) private: bool,
    /// `Running` or `Stopped`.
    pub(crate) power: String,
    /// `Succeeded`, `Creating`, …; while it is created it has no kubelet identity.
    pub(crate) provisioning: String,
    /// Node pools.
    pub(crate) pools: Vec<Pool>,
    /// Where its kubeconfig points instead of its own host: a server of the test.
    pub(crate) api_server: Option<String>,
    /// The CA of that server, in PEM.
    pub(crate) api_server_ca: String,
    /// More properties, over the ones that the fields make.
    pub(crate) extra: Vec<(String, Value)>,
}

impl Cluster {
    /// A running cluster with a kubelet identity of its own and one pool.
    pub(crate) fn new(subscription: &str, group: &str, name: &str) -> Self {
        let kubelet = Identity::named(subscription, &format!("MC_{name}"), &format!("{name}-agentpool"));
        Self {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            location: "westeurope".to_owned(),
            puller: Puller::Kubelet(kubelet),
            private: false,
            power: "Running".to_owned(),
            provisioning: "Succeeded".to_owned(),
            pools: vec![Pool { mode: "System".to_owned(), ..Pool::new("system", 3) }],
            api_server: None,
            api_server_ca: String::new(),
            extra: Vec::new(),
        }
    }

    /// Sets its kubelet identity.
    pub(crate) fn kubelet(mut self, identity: Identity) -> Self {
        self.puller = Puller::Kubelet(identity);
        self
    }

    /// Lets it pull as a service principal, by application id.
    pub(crate) fn service_principal(mut self, app_id: &str) -> Self {
        self.puller = Puller::Application(app_id.to_owned());
        self
    }

    /// Sets its region.
    pub(crate) fn location(mut self, location: &str) -> Self {
        location.clone_into(&mut self.location);
        self
    }

    /// Makes it private.
    pub(crate) fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Stops it.
    pub(crate) fn stopped(mut self) -> Self {
        "Stopped".clone_into(&mut self.power);
        self
    }

    /// It is still being created.
    pub(crate) fn creating(mut self) -> Self {
        "Creating".clone_into(&mut self.provisioning);
        self
    }

    /// Adds a node pool.
    pub(crate) fn pool(mut self, pool: Pool) -> Self {
        self.pools.push(pool);
        self
    }

    /// Points its kubeconfig at a server of the test.
    pub(crate) fn api_server(mut self, url: &str, ca_pem: &str) -> Self {
        self.api_server = Some(url.to_owned());
        ca_pem.clone_into(&mut self.api_server_ca);
        self
    }

    /// Sets a property that has no builder.
    pub(crate) fn property(mut self, name: &str, value: Value) -> Self {
        self.extra.push((name.to_owned(), value));
        self
    }

    /// Its kubelet identity, also while it does not show yet.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.puller {
            Puller::Kubelet(identity) => Some(identity),
            Puller::Application(_) => None,
        }
    }

    /// Its ARM id, with the small g that Azure writes here.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourcegroups/{}/providers/Microsoft.ContainerService/managedClusters/{}",
            self.subscription, self.group, self.name
        )
    }

    fn host(&self) -> String {
        format!("{}-dns-1a2b3c4d.hcp.{}.azmk8s.io", self.name, self.location)
    }

    /// As Resource Manager writes it.
    pub(crate) fn body(&self) -> Value {
        let mut properties = json!({
            "provisioningState": self.provisioning,
            "powerState": { "code": self.power },
            "kubernetesVersion": "1.34",
            "dnsPrefix": format!("{}-dns", self.name),
            "agentPoolProfiles": self.pools.iter().map(Pool::body).collect::<Vec<_>>(),
            "nodeResourceGroup": format!("MC_{}_{}_{}", self.group, self.name, self.location),
            "enableRBAC": true,
            "disableLocalAccounts": true,
            "aadProfile": { "managed": true, "enableAzureRBAC": true },
            "networkProfile": { "networkPlugin": "azure" },
            "addonProfiles": {},
        });
        if self.private {
            properties["privateFQDN"] = json!(format!("{}.privatelink", self.host()));
            properties["apiServerAccessProfile"] = json!({ "enablePrivateCluster": true });
        } else {
            properties["fqdn"] = json!(self.host());
        }
        match &self.puller {
            Puller::Application(app) => properties["servicePrincipalProfile"] = json!({ "clientId": app }),
            Puller::Kubelet(kubelet) => {
                properties["servicePrincipalProfile"] = json!({ "clientId": "msi" });
                if self.provisioning != "Creating" {
                    properties["identityProfile"] = json!({ "kubeletidentity": {
                        "resourceId": kubelet.resource_id,
                        "clientId": kubelet.client_id,
                        "objectId": kubelet.object_id,
                    } });
                }
            }
        }
        for (name, value) in &self.extra {
            properties[name] = value.clone();
        }
        let mut body = json!({
            "id": self.id(), "name": self.name, "type": "Microsoft.ContainerService/ManagedClusters",
            "location": self.location, "sku": { "name": "Base", "tier": "Standard" }, "properties": properties,
        });
        if let Puller::Kubelet(_) = &self.puller {
            // The control plane's, which is never the puller.
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("control plane {}", self.id()).as_bytes());
            body["identity"] = json!({ "type": "SystemAssigned", "principalId": id.to_string() });
        }
        body
    }

    /// The answer of `listClusterUserCredential`: a kubeconfig that calls kubelogin.
    pub(crate) fn kubeconfig(&self) -> Value {
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let server = self.api_server.clone().unwrap_or_else(|| format!("https://{}:443", self.host()));
        let user = format!("clusterUser_{}_{}", self.group, self.name);
        let args = ["get-token", "--environment", "AzurePublicCloud", "--server-id", super::entra::AKS_SERVER];
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": self.name,
            "clusters": [{ "name": self.name, "cluster": {
                "server": server, "certificate-authority-data": base64(&self.api_server_ca),
            } }],
            "contexts": [{ "name": self.name, "context": { "cluster": self.name, "user": user } }],
            "users": [{ "name": user, "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "args": args,
                "env": null, "provideClusterInfo": false,
            } } }],
        });
        json!({ "kubeconfigs": [{ "name": "clusterUser", "value": base64(&config.to_string()) }] })
    }
}
