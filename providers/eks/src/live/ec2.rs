//! The one operation of EC2 that is ever sent, on the SDK's own machinery.
//!
//! EC2's client has more than six hundred operations and five times the source of IAM's (decision 0017).
//! Signing, retries, time-outs and connections are the SDK's; the form of one question and one answer is here.

use super::attempts::{Attempts, CutShort};
use super::region;
use aws_config::{Region, SdkConfig};
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_query::QueryWriter;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;

const OPERATION: &str = "DescribeInstances";
const VERSION: &str = "2016-11-15";

/// A client of EC2 in one region.
pub(crate) struct Ec2 {
    describe: Operation<Question, Page, Ec2Error>,
}

/// Which instances are asked about, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) ids: Vec<String>,
    pub(crate) token: Option<String>,
}

/// A page of an answer.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) instances: Vec<Described>,
    pub(crate) next_token: Option<String>,
}

/// What is used of an instance's description.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) id: String,
    /// `running`, `terminated`, …
    pub(crate) state: String,
    /// ARN of its instance profile.
    pub(crate) profile: Option<String>,
}

/// What EC2 answers in place of one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Ec2Error(ErrorMetadata);

impl ProvideErrorMetadata for Ec2Error {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Ec2 {
    /// With the credentials and settings of an account; `attempts` counts what goes over the wire.
    pub(crate) fn new(config: &SdkConfig, region: &str, attempts: Attempts) -> Self {
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
            .with_interceptor(attempts)
            .with_retry_classifier(AwsErrorCodeClassifier::<Ec2Error>::new())
            .with_retry_classifier(HttpStatusCodeClassifier::default())
            .with_retry_classifier(TransientErrorClassifier::<Ec2Error>::new())
            .with_retry_classifier(CutShort);
        if let Some(credentials) = config.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, credentials);
        }
        let plugin = StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(components);
        let mut operation = Operation::builder()
            .service_name("EC2")
            .operation_name(OPERATION)
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
        Self { describe: operation.serializer(|question| serialize(&question)).deserializer(deserialize).build() }
    }

    /// One page of the instances that exist of those that are asked about.
    pub(crate) async fn describe_instances(
        &self,
        question: Question,
    ) -> Result<Page, SdkError<Ec2Error, HttpResponse>> {
        self.describe.invoke(question).await
    }
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

fn serialize(question: &Question) -> Result<HttpRequest, BoxError> {
    let mut body = String::new();
    let mut writer = QueryWriter::new(&mut body, OPERATION, VERSION);
    let field = writer.prefix("Filter");
    let mut filters = field.start_list(true, None);
    let mut filter = filters.entry();
    filter.prefix("Name").string("instance-id");
    let mut values = filter.prefix("Value").start_list(true, None);
    for id in &question.ids {
        values.entry().string(id);
    }
    values.finish();
    filters.finish();
    if let Some(token) = &question.token {
        writer.prefix("NextToken").string(token);
    }
    writer.finish();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    Ok(request)
}

fn deserialize(response: &HttpResponse) -> Result<Page, OrchestratorError<Ec2Error>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return page(body).map_err(|error| OrchestratorError::response(error.into()));
    }
    Err(OrchestratorError::operation(Ec2Error(failure(body).unwrap_or_default())))
}

fn page(body: &[u8]) -> Result<Page, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    if !root.start_el().matches("DescribeInstancesResponse") {
        return Err(XmlDecodeError::custom("it is no DescribeInstancesResponse"));
    }
    let mut page = Page::default();
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "nextToken" => {
                let token = try_data(&mut tag)?;
                page.next_token = Some(token.into_owned()).filter(|token| !token.is_empty());
            }
            "reservationSet" => {
                while let Some(mut reservation) = tag.next_tag() {
                    while let Some(mut field) = reservation.next_tag() {
                        if field.start_el().matches("instancesSet") {
                            while let Some(mut item) = field.next_tag() {
                                page.instances.push(described(&mut item)?);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(page)
}

fn described(item: &mut ScopedDecoder<'_, '_>) -> Result<Described, XmlDecodeError> {
    let mut instance = Described::default();
    while let Some(mut field) = item.next_tag() {
        match field.start_el().local() {
            "instanceId" => instance.id = try_data(&mut field)?.into_owned(),
            "instanceState" => instance.state = within(&mut field, "name")?.unwrap_or_default(),
            "iamInstanceProfile" => instance.profile = within(&mut field, "arn")?,
            _ => {}
        }
    }
    if instance.id.is_empty() {
        return Err(XmlDecodeError::custom("an instance without its id"));
    }
    Ok(instance)
}

/// The text of one element in another.
fn within(outer: &mut ScopedDecoder<'_, '_>, name: &str) -> Result<Option<String>, XmlDecodeError> {
    let mut text = None;
    while let Some(mut field) = outer.next_tag() {
        if field.start_el().matches(name) {
            text = Some(try_data(&mut field)?.into_owned());
        }
    }
    Ok(text)
}

/// Code and message of an error, wherever in the document they stand.
fn failure(body: &[u8]) -> Result<ErrorMetadata, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut error = ErrorMetadata::builder();
    while let Some(element) = document.next_start_element() {
        let is = |name: &str| element.matches(name);
        let (code, message) = (is("Code"), is("Message"));
        if code || message {
            let text = try_data(&mut document.scoped_to(element))?.into_owned();
            error = if code { error.code(text) } else { error.message(text) };
        }
    }
    Ok(error.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_a_form_with_one_filter() {
        let question = Question { ids: vec!["i-1".to_owned(), "i-2".to_owned()], token: Some("a/b".to_owned()) };
        let request = serialize(&question).unwrap_or_else(|error| unreachable!("{error}"));
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        assert_eq!(
            body,
            "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=instance-id&Filter.1.Value.1=i-1\
             &Filter.1.Value.2=i-2&NextToken=a%2Fb"
        );
    }

    #[test]
    fn an_answer_is_read_for_its_instances_and_nothing_else() {
        let text = br#"<?xml version="1.0"?><DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <requestId>r</requestId><reservationSet><item><ownerId>1</ownerId><instancesSet>
            <item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>
              <blockDeviceMapping><item><ebs><instanceId>no</instanceId></ebs></item></blockDeviceMapping>
              <iamInstanceProfile><arn>arn:aws:iam::1:instance-profile/a/b&amp;c</arn><id>AIPA</id></iamInstanceProfile></item>
            <item><instanceId>i-2</instanceId></item></instancesSet></item>
            <item><instancesSet><item><instanceId>i-3</instanceId></item></instancesSet></item></reservationSet>
            <nextToken>more</nextToken></DescribeInstancesResponse>"#;
        let found = page(text).unwrap_or_else(|error| unreachable!("{error}"));
        let profile = Some("arn:aws:iam::1:instance-profile/a/b&c".to_owned());
        assert_eq!(found.instances[0], Described { id: "i-1".into(), state: "running".into(), profile });
        assert_eq!(found.instances.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2", "i-3"]);
        assert_eq!(found.next_token.as_deref(), Some("more"));
        assert!(page(b"<Other/>").is_err() && page(b"").is_err() && page(b"<a").is_err());
    }

    #[test]
    fn a_refusal_is_read_for_its_code() {
        let text =
            b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>\
            <RequestID>r</RequestID></Response>";
        let error = failure(text).unwrap_or_default();
        assert_eq!((error.code(), error.message()), (Some("UnauthorizedOperation"), Some("no")));
    }

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
