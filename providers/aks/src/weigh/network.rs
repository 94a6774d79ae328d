//! Whether a registry lets anybody in at all, before it looks at rights.

use crate::codes::Finding;
use crate::facts::Registry;
use pullaudit_core::{Claim, Code, Obstacle, Open, Text};

/// What the registry's network settings say to every pull; nothing where it is open to all.
pub(crate) fn claims(registry: &Registry, place: &Text) -> Vec<Claim> {
    let mut claims: Vec<Claim> = by_address(registry, place).into_iter().collect();
    claims.extend(quarantine(registry, place));
    claims
}

/// The one reason, of those that stand in the way, that comes first.
fn by_address(registry: &Registry, place: &Text) -> Option<Claim> {
    let settings = &registry.properties;
    let code = Finding::NetworkUndecidable.code();
    let undecided = |what: String| {
        Some(Claim::open(code, place.clone(), "must let the node's network in", vec![Open::undecidable(what)]))
    };
    let lacks = |setting: &str| lacking(registry, place, setting, code);
    let Some(access) = settings.public_network_access.as_deref() else {
        return lacks("publicNetworkAccess").or_else(|| rules(registry, place));
    };
    if access.eq_ignore_ascii_case("Enabled") {
        return rules(registry, place);
    }
    if !access.eq_ignore_ascii_case("Disabled") {
        return undecided(unknown(registry, "publicNetworkAccess", access));
    }
    let connections = settings.private_endpoint_connections.as_deref();
    let statuses: Vec<&str> = connections.unwrap_or_default().iter().map(status).collect();
    if statuses.iter().any(|status| status.eq_ignore_ascii_case("Approved")) {
        return undecided(format!(
            "whether the nodes reach the private end point of {}: zone privatelink.azurecr.io must be linked to their \
             network",
            registry.name
        ));
    }
    let cut = connections.is_none() || statuses.contains(&"");
    let open = if cut { lacks("privateEndpointConnections") } else { None };
    open.or_else(|| {
        let detail = "public network access is disabled and no private end point is approved";
        Some(Claim::no(Finding::RegistryNetworkClosed.code(), place.clone(), detail))
    })
}

fn status(connection: &crate::facts::PrivateEndpoint) -> &str {
    &connection.properties.private_link_service_connection_state.status
}

/// What the registry's rules say, where it has a public address.
fn rules(registry: &Registry, place: &Text) -> Option<Claim> {
    let code = Finding::NetworkUndecidable.code();
    let action = registry.properties.network_rule_set.as_ref().map(|rules| rules.default_action.as_str());
    // Only this tier has rules; where the answer does not tell the tier, it may be this one.
    let premium = registry.sku.name.is_empty() || registry.sku.name.eq_ignore_ascii_case("Premium");
    match action {
        Some("") => lacking(registry, place, "networkRuleSet.defaultAction", code),
        None if premium => lacking(registry, place, "networkRuleSet", code),
        Some(action) if action.eq_ignore_ascii_case("Deny") => {
            let what = format!(
                "whether {} lets the nodes' addresses in: it refuses all that its network rules or private end points \
                 do not name",
                registry.name
            );
            Some(Claim::open(code, place.clone(), "must let the node's network in", vec![Open::undecidable(what)]))
        }
        Some(action) if !action.eq_ignore_ascii_case("Allow") => {
            let what = unknown(registry, "networkRuleSet.defaultAction", action);
            Some(Claim::open(code, place.clone(), "must let the node's network in", vec![Open::undecidable(what)]))
        }
        Some(_) | None => None,
    }
}

/// What a word of a setting means that no specification lists.
fn unknown(registry: &Registry, setting: &str, word: &str) -> String {
    format!("what {setting}: {word:?} of {} means, which is not known to pullaudit", registry.name)
}

fn quarantine(registry: &Registry, place: &Text) -> Option<Claim> {
    let code = Finding::QuarantineUndecidable.code();
    let status = registry.properties.policies.as_ref().map_or("", |policies| &policies.quarantine_policy.status);
    if status.is_empty() {
        return lacking(registry, place, "policies.quarantinePolicy", code);
    }
    (!status.eq_ignore_ascii_case("disabled")).then(|| {
        let open = if status.eq_ignore_ascii_case("enabled") {
            format!("whether {} has released the image from quarantine", registry.name)
        } else {
            unknown(registry, "policies.quarantinePolicy.status", status)
        };
        Claim::open(code, place.clone(), "must have released the image", vec![Open::undecidable(open)])
    })
}

/// A setting that an answer lost. `None` for an answer that never was whole, such as a row of an older snapshot: there
/// the setting has its default.
pub(super) fn lacking(registry: &Registry, place: &Text, setting: &str, code: Code) -> Option<Claim> {
    registry.properties.creation_date.as_ref()?;
    let open = lost(registry, setting);
    Some(Claim::open(code, place.clone(), "must not refuse the pull", vec![open]))
}

/// Why a setting of a registry is not known, which its answer does not hold.
pub(super) fn lost(registry: &Registry, setting: &str) -> Open {
    let obstacle = Obstacle::Failed("the answer does not hold it".into());
    let reading = format!("{setting} of registry {}", registry.name);
    Open::unread(reading, "Microsoft.ContainerRegistry/registries/read", "its subscription", obstacle)
}
