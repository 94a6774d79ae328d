//! Whether a registry lets anybody in at all, before it looks at rights.

use crate::codes::Finding;
use crate::facts::Registry;
use pullaudit_core::{Claim, Open, Text};

/// What the registry's network settings say to every pull; nothing where it is open to all.
pub(crate) fn claims(registry: &Registry, place: &Text) -> Vec<Claim> {
    let settings = &registry.properties;
    let closed =
        settings.public_network_access.as_deref().is_some_and(|access| access.eq_ignore_ascii_case("Disabled"));
    let approved = settings.private_endpoint_connections.iter().any(|connection| {
        connection.properties.private_link_service_connection_state.status.eq_ignore_ascii_case("Approved")
    });
    let refuses = settings.network_rule_set.default_action.eq_ignore_ascii_case("Deny");
    let undecided = |what: String| {
        let open = Open::undecidable(what);
        Claim::open(
            Finding::NetworkUndecidable.code(),
            place.clone(),
            "must let the node's network in",
            vec![open],
        )
    };
    let mut claims = Vec::new();
    if closed && !approved {
        let detail = "public network access is disabled and no private end point is approved";
        claims.push(Claim::no(Finding::RegistryNetworkClosed.code(), place.clone(), detail));
    } else if closed {
        claims.push(undecided(format!(
            "whether the nodes reach the private end point of {}: zone privatelink.azurecr.io must be linked to their \
             network",
            registry.name
        )));
    } else if refuses {
        claims.push(undecided(format!(
            "whether {} lets the nodes' addresses in: it refuses all that its network rules or private end points do \
             not name",
            registry.name
        )));
    }
    if settings.policies.quarantine_policy.status.eq_ignore_ascii_case("enabled") {
        let open = Open::undecidable(format!("whether {} has released the image from quarantine", registry.name));
        let code = Finding::QuarantineUndecidable.code();
        claims.push(Claim::open(code, place.clone(), "must have released the image", vec![open]));
    }
    claims
}
