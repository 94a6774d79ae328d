//! How to talk to a cluster's API: its end point, its CA, and the token that Google's own plugin would send.

use super::Google;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pullaudit_core::{AccessError, ApiAccess, Discovered, Read};
use serde_json::Value;

use crate::facts::cluster_table;

/// The end point by address with the cluster's own CA; where that is switched off, the one by name, whose
/// certificate is one that everybody trusts.
pub(crate) async fn access(google: &Google, found: &Discovered) -> Result<ApiAccess, AccessError> {
    let name = &found.cluster.name;
    let body = found.readings.get(cluster_table::CLUSTER, "").and_then(Read::got);
    let body = body.ok_or_else(|| failed(name, "what its cloud says of it was not read"))?;
    let (server, ca_pem) = endpoint(body).map_err(|why| failed(name, why))?;
    let token = google.tokens.token().await.map_err(|why| failed(name, &why))?;
    Ok(ApiAccess { server, ca_pem, token })
}

fn endpoint(body: &Value) -> Result<(String, String), &'static str> {
    let config = &body["controlPlaneEndpointsConfig"];
    let by_name = config["dnsEndpointConfig"]["endpoint"].as_str().filter(|host| !host.is_empty());
    let by_name = by_name.filter(|_| config["dnsEndpointConfig"]["allowExternalTraffic"] == true);
    let address = body["endpoint"].as_str().filter(|host| !host.is_empty());
    let address = address.filter(|_| config["ipEndpointsConfig"]["enabled"] != false);
    let ca = || {
        let ca = body["masterAuth"]["clusterCaCertificate"].as_str()?;
        let pem = BASE64_STANDARD.decode(ca.trim()).ok()?;
        String::from_utf8(pem).ok()
    };
    match (address, by_name) {
        (Some(address), _) => {
            let ca = ca().ok_or("its certificate authority is not base64 of PEM")?;
            Ok((format!("https://{address}"), ca))
        }
        (None, Some(host)) => Ok((format!("https://{host}"), String::new())),
        (None, None) => Err("it has no end point that can be reached from here: use a kubeconfig context"),
    }
}

fn failed(name: &str, why: &str) -> AccessError {
    AccessError::Failed(format!("{name}: {why}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_address_comes_first_and_the_name_where_the_address_is_off() {
        let ca = BASE64_STANDARD.encode("-----BEGIN CERTIFICATE-----");
        let mut body = json!({ "endpoint": "10.0.0.2", "masterAuth": { "clusterCaCertificate": ca },
            "controlPlaneEndpointsConfig": { "dnsEndpointConfig": { "endpoint": "gke-1.gke.goog", "allowExternalTraffic": true } } });
        assert_eq!(endpoint(&body).unwrap().0, "https://10.0.0.2");
        body["controlPlaneEndpointsConfig"]["ipEndpointsConfig"] = json!({ "enabled": false });
        assert_eq!(endpoint(&body).unwrap(), ("https://gke-1.gke.goog".to_owned(), String::new()));
        body["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] = json!(false);
        assert!(endpoint(&body).unwrap_err().contains("kubeconfig"));
        assert!(endpoint(&json!({ "endpoint": "10.0.0.2" })).unwrap_err().contains("certificate"));
    }
}
