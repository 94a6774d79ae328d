//! AWS as the proxy sees it: which call a request is, and how each service words its errors.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::call::{Answer, Call, Cloud, Refusal, Seen};
use super::rewrite;

/// Parameters that choose a page or its size, not a thing.
const PAGING: [&str; 6] = ["nextToken", "NextToken", "Marker", "maxResults", "MaxResults", "MaxItems"];
/// Parameters that may differ from run to run without asking for anything else.
const VOLATILE: [&str; 4] = ["Action", "Version", "RoleSessionName", "DurationSeconds"];
/// Services whose calls are for one region. For the others the signed region says nothing.
const REGIONAL: [&str; 3] = ["ec2", "ecr", "eks"];

/// The services an audit of EKS and ECR talks to: ec2, ecr, eks, iam, organizations, sts.
#[derive(Default)]
pub(crate) struct AwsCalls {
    /// Whose keys are whose, as `AssumeRole` told.
    owners: Mutex<BTreeMap<String, String>>,
}

impl Cloud for AwsCalls {
    fn classify(&self, seen: &Seen) -> Option<Call> {
        let Some(scope) = Scope::of(seen) else { return unsigned(seen) };
        let mut parameters = match scope.service {
            "ecr" | "organizations" => json_rpc(seen)?,
            "ec2" | "iam" | "sts" => form(seen)?,
            "eks" => rest(seen)?,
            _ => return None,
        };
        let page = ["nextToken", "NextToken", "Marker"].iter().find_map(|name| parameters.values.remove(*name));
        let mut detail = Vec::new();
        if let Some(owner) = self.owner(scope.key) {
            detail.push(format!("as={owner}"));
        }
        if REGIONAL.contains(&scope.service) {
            detail.push(format!("region={}", scope.region));
        }
        for (name, value) in parameters.values {
            if !PAGING.contains(&name.as_str()) && !VOLATILE.contains(&name.as_str()) {
                detail.push(format!("{name}={value}"));
            }
        }
        Some(Call {
            service: scope.service.to_owned(),
            operation: parameters.operation,
            detail: detail.join(" "),
            page,
            number: 0,
        })
    }

    fn refusal(&self, call: &Call, refusal: Refusal) -> Answer {
        match call.service.as_str() {
            "ec2" => ec2_error(refusal),
            "iam" | "sts" => xml_error(refusal),
            "eks" => rest_error(refusal),
            _ => json_rpc_error(refusal),
        }
    }

    fn continued(&self, call: &Call, body: &[u8], token: &str, items: bool) -> Option<Vec<u8>> {
        match call.service.as_str() {
            "iam" => rewrite::xml_list(body, token, items),
            "organizations" => rewrite::json_list(body, "NextToken", token, items),
            "ecr" | "eks" => rewrite::json_list(body, "nextToken", token, items),
            _ => None,
        }
    }

    fn learn(&self, seen: &Seen, call: &Call, answer: &Answer) {
        if call.operation != "AssumeRole" || !answer.status.is_success() {
            return;
        }
        let text = String::from_utf8_lossy(&answer.body);
        let key = text.split("<AccessKeyId>").nth(1).and_then(|rest| rest.split('<').next());
        let role = form(seen).and_then(|parameters| parameters.values.get("RoleArn").cloned());
        if let (Some(key), Some(role)) = (key, role) {
            self.owners.lock().unwrap().insert(key.to_owned(), role);
        }
    }
}

impl AwsCalls {
    /// Whose keys these are, where that tells two calls apart: the caller's own keys have no name.
    fn owner(&self, key: &str) -> Option<String> {
        if key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(key.to_owned());
        }
        self.owners.lock().unwrap().get(key).cloned()
    }
}

/// The credential scope of a signature.
struct Scope<'a> {
    key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn of(seen: &'a Seen) -> Option<Self> {
        let credential = seen.header("authorization").split("Credential=").nth(1)?;
        let mut parts = credential.split([',', ' ']).next()?.split('/');
        let (key, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { key, region, service })
    }
}

struct Parameters {
    operation: String,
    values: BTreeMap<String, String>,
}

/// The one call that carries a token instead of a signature.
fn unsigned(seen: &Seen) -> Option<Call> {
    let Parameters { operation, values } = form(seen)?;
    (operation == "AssumeRoleWithWebIdentity").then(|| Call {
        service: "sts".to_owned(),
        operation,
        detail: format!("RoleArn={}", values.get("RoleArn").map_or("", String::as_str)),
        page: None,
        number: 0,
    })
}

fn json_rpc(seen: &Seen) -> Option<Parameters> {
    let operation = seen.header("x-amz-target").rsplit_once('.')?.1.to_owned();
    let Ok(Value::Object(body)) = serde_json::from_slice(&seen.body) else { return None };
    let values = body.into_iter().map(|(name, value)| (name, text(&value))).collect();
    Some(Parameters { operation, values })
}

fn form(seen: &Seen) -> Option<Parameters> {
    let values: BTreeMap<String, String> = form_urlencoded::parse(&seen.body).into_owned().collect();
    let operation = values.get("Action")?.clone();
    Some(Parameters { operation, values })
}

/// EKS is the one REST service here. Only what an audit reads has a name; a write would be a stranger.
fn rest(seen: &Seen) -> Option<Parameters> {
    let decoded: Vec<String> = seen.path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let (operation, names): (&str, &[(&str, &str)]) = match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["clusters"]) => ("ListClusters", &[]),
        ("GET", ["clusters", name]) => ("DescribeCluster", &[("cluster", name)]),
        ("GET", ["clusters", name, "node-groups"]) => ("ListNodegroups", &[("cluster", name)]),
        ("GET", ["clusters", name, "node-groups", group]) => {
            ("DescribeNodegroup", &[("cluster", name), ("nodegroup", group)])
        }
        ("GET", ["clusters", name, "fargate-profiles"]) => ("ListFargateProfiles", &[("cluster", name)]),
        ("GET", ["clusters", name, "fargate-profiles", profile]) => {
            ("DescribeFargateProfile", &[("cluster", name), ("profile", profile)])
        }
        ("GET", ["clusters", name, "access-entries"]) => ("ListAccessEntries", &[("cluster", name)]),
        // An ARN has slashes of its own, which some SDKs leave as they are.
        ("GET", ["clusters", name, "access-entries", arn @ ..]) if arn.last() != Some(&"access-policies") => {
            ("DescribeAccessEntry", &[("cluster", name), ("principal", &arn.join("/"))])
        }
        ("GET", ["clusters", name, "pod-identity-associations"]) => {
            ("ListPodIdentityAssociations", &[("cluster", name)])
        }
        ("GET", ["clusters", name, "pod-identity-associations", association]) => {
            ("DescribePodIdentityAssociation", &[("cluster", name), ("association", association)])
        }
        _ => return None,
    };
    let mut values: BTreeMap<String, String> =
        form_urlencoded::parse(seen.query.as_bytes()).into_owned().collect();
    values.extend(names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Some(Parameters { operation: operation.to_owned(), values })
}

fn decode(segment: &str) -> String {
    // As a form value without its one peculiarity: here a plus is a plus.
    let escaped = format!("x={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn json_rpc_error(refusal: Refusal) -> Answer {
    let (code, message) = match refusal {
        Refusal::Forbidden => ("AccessDeniedException", "User: the caller is not authorized to perform this"),
        Refusal::Absent => ("RepositoryNotFoundException", "The repository does not exist in the registry"),
        Refusal::Throttled => ("ThrottlingException", "Rate exceeded"),
        Refusal::Expired => ("InvalidParameterException", "Invalid parameter: nextToken"),
    };
    let body = json!({ "__type": code, "message": message }).to_string();
    Answer::new(400, "application/x-amz-json-1.1", body)
}

fn rest_error(refusal: Refusal) -> Answer {
    let (status, code, message) = match refusal {
        Refusal::Forbidden => (403, "AccessDeniedException", "User: the caller is not authorized to perform this"),
        Refusal::Absent => (404, "ResourceNotFoundException", "No cluster found for that name."),
        Refusal::Throttled => (429, "ThrottlingException", "Rate exceeded"),
        Refusal::Expired => (400, "InvalidParameterException", "Invalid nextToken"),
    };
    let mut answer = Answer::new(status, "application/json", json!({ "message": message }).to_string());
    answer.headers.insert("x-amzn-errortype", code.parse().expect("a header value"));
    answer
}

/// EC2 has a form of its own.
fn ec2_error(refusal: Refusal) -> Answer {
    let (status, code, message) = match refusal {
        Refusal::Forbidden => (403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
        Refusal::Absent => (400, "InvalidInstanceID.NotFound", "The instance ID does not exist"),
        Refusal::Throttled => (503, "RequestLimitExceeded", "Request limit exceeded."),
        Refusal::Expired => (400, "InvalidNextToken", "The token is not valid"),
    };
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>0</RequestID></Response>"
    );
    Answer::new(status, "text/xml", body)
}

fn xml_error(refusal: Refusal) -> Answer {
    let (status, code, message) = match refusal {
        Refusal::Forbidden => (403, "AccessDenied", "User: the caller is not authorized to perform this"),
        Refusal::Absent => (404, "NoSuchEntity", "The role cannot be found."),
        Refusal::Throttled => (400, "Throttling", "Rate exceeded"),
        Refusal::Expired => (400, "InvalidInput", "Invalid marker"),
    };
    let body = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    );
    Answer::new(status, "text/xml", body)
}
