//! Registries, and how Resource Manager writes them.

use serde_json::{Value, json};

/// A rule by which a registry fetches from another one.
#[derive(Debug, Clone)]
pub(crate) struct CacheRule {
    /// Its name.
    pub(crate) name: String,
    /// `docker.io/library/*`.
    pub(crate) source: String,
    /// `cache/*`.
    pub(crate) target: String,
    /// Name of the credential set that it logs in with.
    pub(crate) credentials: Option<String>,
}

/// What a cache rule logs in with.
#[derive(Debug, Clone)]
pub(crate) struct CredentialSet {
    /// Its name.
    pub(crate) name: String,
    /// The upstream host.
    pub(crate) login_server: String,
    /// Why its last use failed, if it did.
    pub(crate) error: Option<String>,
}

/// A registry.
#[allow(clippy::struct_excessive_bools, reason = "Azure has a switch for each")]
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    /// Its subscription.
    pub(crate) subscription: String,
    /// Its resource group.
    pub(crate) group: String,
    /// Its name.
    pub(crate) name: String,
    /// Its region.
    pub(crate) location: String,
    /// The host that images name.
    pub(crate) login_server: String,
    /// It decides by repository.
    pub(crate) abac: bool,
    /// Everybody may pull.
    pub(crate) anonymous_pull: bool,
    /// Whether `publicNetworkAccess` is `Enabled`.
    pub(crate) public: bool,
    /// `Allow` or `Deny`.
    pub(crate) default_action: String,
    /// The status of each private end point.
    pub(crate) private_end_points: Vec<String>,
    /// Hides images that no scanner released.
    pub(crate) quarantine: bool,
    /// Whether tokens for Resource Manager log in.
    pub(crate) arm_tokens: bool,
    /// Cache rules.
    pub(crate) cache_rules: Vec<CacheRule>,
    /// Credential sets.
    pub(crate) credential_sets: Vec<CredentialSet>,
    /// More properties, over the ones that the fields make.
    pub(crate) extra: Vec<(String, Value)>,
}

impl Registry {
    /// A public registry of the older kind.
    pub(crate) fn new(subscription: &str, group: &str, name: &str) -> Self {
        Self {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            location: "westeurope".to_owned(),
            login_server: format!("{name}.azurecr.io"),
            abac: false,
            anonymous_pull: false,
            public: true,
            default_action: "Allow".to_owned(),
            private_end_points: Vec::new(),
            quarantine: false,
            arm_tokens: true,
            cache_rules: Vec::new(),
            credential_sets: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// Sets the host that images name, as with a domain name label.
    pub(crate) fn login_server(mut self, host: &str) -> Self {
        host.clone_into(&mut self.login_server);
        self
    }

    /// Lets it decide by repository.
    pub(crate) fn abac(mut self) -> Self {
        self.abac = true;
        self
    }

    /// Lets everybody pull.
    pub(crate) fn anonymous_pull(mut self) -> Self {
        self.anonymous_pull = true;
        self
    }

    /// Turns the public network off.
    pub(crate) fn not_public(mut self) -> Self {
        self.public = false;
        self
    }

    /// Refuses all addresses but those with a rule.
    pub(crate) fn default_deny(mut self) -> Self {
        "Deny".clone_into(&mut self.default_action);
        self
    }

    /// Adds a private end point with its status: `Approved`, `Pending`, …
    pub(crate) fn private_end_point(mut self, status: &str) -> Self {
        self.private_end_points.push(status.to_owned());
        self
    }

    /// Hides images that no scanner released.
    pub(crate) fn quarantine(mut self) -> Self {
        self.quarantine = true;
        self
    }

    /// Lets tokens for Resource Manager not log in.
    pub(crate) fn no_arm_tokens(mut self) -> Self {
        self.arm_tokens = false;
        self
    }

    /// Adds a cache rule, with the name of its credential set.
    pub(crate) fn cache_rule(mut self, name: &str, source: &str, target: &str, credentials: Option<&str>) -> Self {
        let (name, source, target) = (name.to_owned(), source.to_owned(), target.to_owned());
        self.cache_rules.push(CacheRule { name, source, target, credentials: credentials.map(str::to_owned) });
        self
    }

    /// Adds a credential set; with an error it is sick.
    pub(crate) fn credential_set(mut self, name: &str, login_server: &str, error: Option<&str>) -> Self {
        let (name, login_server) = (name.to_owned(), login_server.to_owned());
        self.credential_sets.push(CredentialSet { name, login_server, error: error.map(str::to_owned) });
        self
    }

    /// Sets a property that has no builder.
    pub(crate) fn property(mut self, name: &str, value: Value) -> Self {
        self.extra.push((name.to_owned(), value));
        self
    }

    /// Its ARM id.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerRegistry/registries/{}",
            self.subscription, self.group, self.name
        )
    }

    /// As an API version writes it.
    pub(crate) fn body(&self, version: &str) -> Value {
        let switch = |on: bool| json!({ "status": if on { "enabled" } else { "disabled" } });
        let mut properties = json!({
            "loginServer": self.login_server,
            "creationDate": "2026-01-05T08:00:00.0000000Z",
            "provisioningState": "Succeeded",
            "adminUserEnabled": false,
            "networkRuleSet": { "defaultAction": self.default_action, "ipRules": [] },
            "policies": {
                "quarantinePolicy": switch(self.quarantine),
                "azureADAuthenticationAsArmPolicy": switch(self.arm_tokens),
            },
            "dataEndpointEnabled": false,
            "privateEndpointConnections": self.end_points(),
            "publicNetworkAccess": if self.public { "Enabled" } else { "Disabled" },
            "networkRuleBypassOptions": "AzureServices",
            "anonymousPullEnabled": self.anonymous_pull,
        });
        if tells_mode(version) {
            let mode = if self.abac { "AbacRepositoryPermissions" } else { "LegacyRegistryPermissions" };
            properties["roleAssignmentMode"] = json!(mode);
        }
        for (name, value) in &self.extra {
            properties[name] = value.clone();
        }
        json!({
            "id": self.id(), "name": self.name, "type": "Microsoft.ContainerRegistry/registries",
            "location": self.location, "sku": { "name": "Premium", "tier": "Premium" }, "tags": {},
            "properties": properties,
        })
    }

    fn end_points(&self) -> Value {
        let body = |(number, status): (usize, &String)| {
            json!({
                "id": format!("{}/privateEndpointConnections/end-point-{number}", self.id()),
                "name": format!("end-point-{number}"),
                "properties": {
                    "privateLinkServiceConnectionState": { "status": status },
                    "provisioningState": "Succeeded",
                },
            })
        };
        self.private_end_points.iter().enumerate().map(body).collect()
    }

    /// Its cache rules as Resource Manager writes them.
    pub(crate) fn cache_rule_bodies(&self) -> Vec<Value> {
        let id = self.id();
        let body = |rule: &CacheRule| {
            let set = rule.credentials.as_ref().map(|set| format!("{id}/credentialSets/{set}"));
            json!({
                "id": format!("{id}/cacheRules/{}", rule.name), "name": rule.name,
                "type": "Microsoft.ContainerRegistry/registries/cacheRules",
                "properties": {
                    "credentialSetResourceId": set, "sourceRepository": rule.source,
                    "targetRepository": rule.target, "provisioningState": "Succeeded",
                },
            })
        };
        self.cache_rules.iter().map(body).collect()
    }

    /// Its credential sets as Resource Manager writes them.
    pub(crate) fn credential_set_bodies(&self) -> Vec<Value> {
        let id = self.id();
        let body = |set: &CredentialSet| {
            let health = match &set.error {
                None => json!({ "status": "Healthy" }),
                Some(error) => json!({ "status": "Unhealthy", "errorCode": error, "errorMessage": "It failed." }),
            };
            json!({
                "id": format!("{id}/credentialSets/{}", set.name), "name": set.name,
                "type": "Microsoft.ContainerRegistry/registries/credentialSets",
                "properties": {
                    "loginServer": set.login_server, "provisioningState": "Succeeded",
                    "authCredentials": [{ "name": "Credential1", "credentialHealth": health }],
                },
            })
        };
        self.credential_sets.iter().map(body).collect()
    }
}

/// Whether an API version writes `roleAssignmentMode`: the stable one of 2025-04-01 does not, though
/// the preview before it does.
fn tells_mode(version: &str) -> bool {
    version >= if version.ends_with("-preview") { "2025-03-01-preview" } else { "2025-11-01" }
}
