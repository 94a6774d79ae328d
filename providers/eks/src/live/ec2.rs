//! The two operations of EC2 that are ever sent, on the SDK's own machinery.
//!
//! EC2's client has more than six hundred operations and five times the source of IAM's (decision 0017).
//! Signing, retries, time-outs and connections are the SDK's; the form of questions and answers is in
//! [`super::ec2_wire`].

use super::attempts::Attempts;
use super::ec2_wire::{self, Page, Question};
use super::region;
use aws_config::{Region, SdkConfig};
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::{Operation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;

/// A client of EC2 in one region.
pub(crate) struct Ec2 {
    instances: Operation<Question, Page, Ec2Error>,
    regions: Operation<(), Vec<String>, Ec2Error>,
}

/// What EC2 answers in place of one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Ec2Error(pub(super) ErrorMetadata);

impl ProvideErrorMetadata for Ec2Error {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Ec2 {
    /// With the credentials and settings of an account; `attempts` counts what goes over the wire.
    pub(crate) fn new(config: &SdkConfig, region: &str, attempts: &Attempts) -> Self {
        let instances = operation(config, region, attempts, "DescribeInstances")
            .serializer(|question: Question| ec2_wire::instances(&question))
            .deserializer(|response| ec2_wire::read(response, ec2_wire::page));
        let regions = operation(config, region, attempts, "DescribeRegions")
            .serializer(|()| ec2_wire::regions())
            .deserializer(|response| ec2_wire::read(response, ec2_wire::enabled));
        Self { instances: instances.build(), regions: regions.build() }
    }

    /// One page of the instances that exist of those that are asked about.
    pub(crate) async fn describe_instances(
        &self,
        question: Question,
    ) -> Result<Page, SdkError<Ec2Error, HttpResponse>> {
        self.instances.invoke(question).await
    }

    /// The names of the regions that are enabled for the account.
    pub(crate) async fn describe_regions(&self) -> Result<Vec<String>, SdkError<Ec2Error, HttpResponse>> {
        self.regions.invoke(()).await
    }
}

/// An operation that lacks only the form of its question and of its answer.
fn operation(config: &SdkConfig, region: &str, attempts: &Attempts, name: &'static str) -> OperationBuilder {
    let mut settings = Layer::new("ec2");
    settings.store_put(SigningName::from_static("ec2"));
    settings.store_put(SigningRegion::from(Region::new(region.to_owned())));
    settings.store_put(SigV4OperationSigningConfig::default());
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    let mut components = RuntimeComponentsBuilder::new("ec2")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
        .with_identity_cache(config.identity_cache())
        .with_http_client(config.http_client())
        .with_interceptor(attempts.clone())
        .with_retry_classifier(attempts.clone())
        .with_retry_classifier(AwsErrorCodeClassifier::<Ec2Error>::new())
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<Ec2Error>::new());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    let plugin = StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(components);
    let mut operation = Operation::builder()
        .service_name("EC2")
        .operation_name(name)
        .endpoint_url(&endpoint(config, region))
        .standard_retry(config.retry_config().unwrap_or(&RetryConfig::standard()))
        .with_connection_poisoning()
        .runtime_plugin(plugin);
    if let Some(version) = config.behavior_version() {
        operation = operation.behavior_version(version);
    }
    if let Some(timeouts) = config.timeout_config() {
        operation = operation.timeout_config(timeouts.clone());
    }
    operation
}

/// Where EC2 answers: what environment or profile say, as for the SDK's own clients, else its public end point.
///
/// Source: AWS general reference, "Amazon EC2 endpoints and quotas".
fn endpoint(config: &SdkConfig, region: &str) -> String {
    let key =
        ServiceConfigKey::builder().service_id("EC2").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = key.ok().and_then(|key| config.service_config()?.load_config(key));
    if let Some(url) = own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        return url;
    }
    public_endpoint(region, config.use_fips() == Some(true), config.use_dual_stack() == Some(true))
}

fn public_endpoint(region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = region::partition(region);
    let suffix = match (partition, dual_stack) {
        ("aws" | "aws-us-gov", true) => "api.aws",
        ("aws-cn", true) => "api.amazonwebservices.com.cn",
        ("aws-cn", false) => "amazonaws.com.cn",
        ("aws-iso", _) => "c2s.ic.gov",
        ("aws-iso-b", _) => "sc2s.sgov.gov",
        ("aws-iso-e", _) => "cloud.adc-e.uk",
        ("aws-iso-f", _) => "csp.hci.ic.gov",
        ("aws-eusc", _) => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    // In GovCloud the plain name is the one that is held to FIPS 140.
    let name = if fips && partition != "aws-us-gov" { "ec2-fips" } else { "ec2" };
    format!("https://{name}.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_end_point() {
        for (region, fips, dual, url) in [
            ("eu-central-1", false, false, "https://ec2.eu-central-1.amazonaws.com"),
            ("us-east-1", true, false, "https://ec2-fips.us-east-1.amazonaws.com"),
            ("us-east-1", false, true, "https://ec2.us-east-1.api.aws"),
            ("us-gov-west-1", true, false, "https://ec2.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", false, false, "https://ec2.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", false, false, "https://ec2.us-iso-east-1.c2s.ic.gov"),
            ("eusc-de-east-1", false, false, "https://ec2.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(public_endpoint(region, fips, dual), url);
        }
    }
}
