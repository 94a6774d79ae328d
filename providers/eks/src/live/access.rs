//! How to talk to a cluster's API with AWS credentials alone.

use super::Live;
use crate::facts::{ClusterDetail, cluster_table};
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_types::service_config::ServiceConfigKey;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pullaudit_core::{AccessError, ApiAccess, Discovered};
use std::error::Error;
use std::time::{Duration, SystemTime};

/// The header by which the signature is bound to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// How long the URL may be fetched; the token itself is good for 15 minutes in EKS.
const EXPIRES: Duration = Duration::from_mins(1);

/// End point and CA as `DescribeCluster` gave them, and a token: a signed URL of
/// `sts:GetCallerIdentity` that EKS fetches to see who we are. Nothing is sent here.
pub(crate) async fn access(live: &Live, found: &Discovered) -> Result<ApiAccess, AccessError> {
    let name = &found.cluster.name;
    let detail = detail(found).ok_or_else(|| failed(name, "its end point could not be read"))?;
    let (Some(server), Some(ca)) = (detail.endpoint, detail.certificate_authority) else {
        let status = detail.status.unwrap_or_else(|| "of unknown status".to_owned());
        return Err(failed(name, &format!("it has no end point yet (it is {status})")));
    };
    let ca_pem = BASE64_STANDARD.decode(ca.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let ca_pem = ca_pem.ok_or_else(|| failed(name, "its certificate authority is not base64 of PEM"))?;
    let accounts =
        live.accounts(Some(&found.cluster.location)).await.map_err(|error| failed(name, &error.to_string()))?;
    let account = accounts
        .get(&found.cluster.scope)
        .ok_or_else(|| failed(name, &format!("no credential belongs to account {}", found.cluster.scope)))?;
    let token = token(&account.config, &found.cluster.location, name, SystemTime::now()).await;
    // The error's own text may hold what was signed, so it is not repeated.
    let token = token.map_err(|_| failed(name, "a token could not be signed"))?;
    Ok(ApiAccess { server, ca_pem, token })
}

fn detail(found: &Discovered) -> Option<ClusterDetail> {
    let row = found.readings.get(cluster_table::CLUSTER, "")?.got()?;
    serde_json::from_value(row.clone()).ok()
}

fn failed(cluster: &str, why: &str) -> AccessError {
    AccessError::Failed(format!("the API of cluster {cluster}: {why}"))
}

type Unsigned = Box<dyn Error + Send + Sync>;

async fn token(config: &SdkConfig, region: &str, cluster: &str, at: SystemTime) -> Result<String, Unsigned> {
    let provider = config.credentials_provider().ok_or("no credential source")?;
    let credentials = provider.provide_credentials().await?;
    let endpoint = endpoint(config, region).await?;
    let url = presigned(&endpoint, region, cluster, credentials, at)?;
    Ok(format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url)))
}

/// The regional STS end point, or its override, as `aws eks get-token` takes it.
async fn endpoint(config: &SdkConfig, region: &str) -> Result<String, Unsigned> {
    let key =
        ServiceConfigKey::builder().service_id("STS").env("AWS_ENDPOINT_URL").profile("endpoint_url").build()?;
    let own = config.service_config().and_then(|settings| settings.load_config(key));
    let params = Params::builder()
        .region(region)
        .use_global_endpoint(false)
        .use_fips(config.use_fips().unwrap_or_default())
        .use_dual_stack(config.use_dual_stack().unwrap_or_default())
        .set_endpoint(own.or_else(|| config.endpoint_url().map(str::to_owned)))
        .build()?;
    Ok(DefaultResolver::new().resolve_endpoint(&params).await?.url().to_owned())
}

fn presigned(
    endpoint: &str,
    region: &str,
    cluster: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<String, Unsigned> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(at)
        .settings(settings)
        .build()?
        .into();
    let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15", endpoint.trim_end_matches('/'));
    let headers = std::iter::once((CLUSTER_HEADER, cluster));
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &signing)?.into_parts();
    let query = instructions.params().iter().map(|(name, value)| format!("&{name}={}", encoded(value)));
    Ok(url.clone() + &query.collect::<String>())
}

/// Percent-encoded as AWS signs it: all but RFC 3986's unreserved characters.
fn encoded(value: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_a_presigned_url_bound_to_the_cluster() -> Result<(), Unsigned> {
        let credentials =
            Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", Some("to+ken/=".into()), None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let url = presigned("https://sts.eu-west-1.amazonaws.com", "eu-west-1", "prod", credentials, at)?;
        let (base, query) = url.split_once('?').ok_or("no query")?;
        assert_eq!(base, "https://sts.eu-west-1.amazonaws.com/");
        for part in [
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Feu-west-1%2Fsts%2Faws4_request",
            "X-Amz-Date=20231114T221320Z",
            "X-Amz-Security-Token=to%2Bken%2F%3D",
        ] {
            assert!(query.split('&').any(|field| field == part), "{part} not in {query}");
        }
        Ok(())
    }
}
