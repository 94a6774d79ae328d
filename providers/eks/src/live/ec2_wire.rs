//! The form of the questions to EC2 and of its answers.

use super::ec2::Ec2Error;
use aws_smithy_query::QueryWriter;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

const VERSION: &str = "2016-11-15";

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

pub(crate) fn instances(question: &Question) -> Result<HttpRequest, BoxError> {
    let mut body = String::new();
    let mut writer = QueryWriter::new(&mut body, "DescribeInstances", VERSION);
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
    form(body)
}

/// Those that are not enabled are left out of the answer.
pub(crate) fn regions() -> Result<HttpRequest, BoxError> {
    let mut body = String::new();
    QueryWriter::new(&mut body, "DescribeRegions", VERSION).finish();
    form(body)
}

fn form(body: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    Ok(request)
}

/// Reads an answer, or the refusal in its place.
pub(crate) fn read<T>(
    response: &HttpResponse,
    form: fn(&[u8]) -> Result<T, XmlDecodeError>,
) -> Result<T, OrchestratorError<Ec2Error>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return form(body).map_err(|error| OrchestratorError::response(error.into()));
    }
    Err(OrchestratorError::operation(Ec2Error(failure(body).unwrap_or_default())))
}

pub(crate) fn page(body: &[u8]) -> Result<Page, XmlDecodeError> {
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

/// The names of the regions in an answer; one that says that it is not enabled is not among them.
pub(crate) fn enabled(body: &[u8]) -> Result<Vec<String>, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    if !root.start_el().matches("DescribeRegionsResponse") {
        return Err(XmlDecodeError::custom("it is no DescribeRegionsResponse"));
    }
    let mut names = Vec::new();
    while let Some(mut tag) = root.next_tag() {
        if !tag.start_el().matches("regionInfo") {
            continue;
        }
        while let Some(mut item) = tag.next_tag() {
            let (mut name, mut is_enabled) = (None, true);
            while let Some(mut field) = item.next_tag() {
                match field.start_el().local() {
                    "regionName" => name = Some(try_data(&mut field)?.into_owned()),
                    "optInStatus" => is_enabled = try_data(&mut field)? != "not-opted-in",
                    _ => {}
                }
            }
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| XmlDecodeError::custom("a region without its name"))?;
            names.extend(is_enabled.then_some(name));
        }
    }
    if names.is_empty() {
        return Err(XmlDecodeError::custom("it names no region"));
    }
    Ok(names)
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
        let request = instances(&question).unwrap_or_else(|error| unreachable!("{error}"));
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
    fn regions_that_are_not_enabled_are_left_out() {
        let item = |name: &str, status: &str| {
            format!("<item><regionName>{name}</regionName><regionEndpoint>x</regionEndpoint>{status}</item>")
        };
        let answer = |items: &str| {
            format!("<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>")
        };
        let opted = |status: &str| format!("<optInStatus>{status}</optInStatus>");
        let all = [
            item("us-east-1", &opted("opt-in-not-required")),
            item("af-south-1", &opted("not-opted-in")),
            item("eu-south-1", &opted("opted-in")),
        ];
        let found = enabled(answer(&all.concat()).as_bytes()).unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(found, ["us-east-1", "eu-south-1"]);
        for garbage in [&answer(""), &answer("<item></item>"), "<DescribeRegionsResponse/>", "<Other/>", ""] {
            assert!(enabled(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }
}
