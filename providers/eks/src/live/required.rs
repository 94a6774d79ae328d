//! What an answer always holds: without it, it is no answer, and not one that says "none".

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError};
use serde_json::{Map, Value};

/// By service and operation, the paths of what must be there. `[]` stands for each entry of a list, `?` for what may be
/// left out as a whole. What code reads one by one and refuses itself is not repeated here.
const REQUIRED: &[(&str, &str, &[&str])] = &[
    (
        "sts",
        "AssumeRole",
        &[
            "AssumeRoleResult.Credentials.AccessKeyId",
            "AssumeRoleResult.Credentials.SecretAccessKey",
            "AssumeRoleResult.Credentials.SessionToken",
            "AssumeRoleResult.Credentials.Expiration",
        ],
    ),
    (
        "iam",
        "GetRole",
        &[
            "GetRoleResult.Role.Arn",
            "GetRoleResult.Role.RoleId",
            "GetRoleResult.Role.AssumeRolePolicyDocument",
            "GetRoleResult.Role.PermissionsBoundary?.PermissionsBoundaryArn",
            "GetRoleResult.Role.Tags?.member[].Key",
            "GetRoleResult.Role.Tags?.member[].Value",
        ],
    ),
    (
        "iam",
        "ListAttachedRolePolicies",
        &[
            "ListAttachedRolePoliciesResult.IsTruncated",
            "ListAttachedRolePoliciesResult.AttachedPolicies",
            "ListAttachedRolePoliciesResult.AttachedPolicies.member[].PolicyArn",
        ],
    ),
    ("iam", "ListRolePolicies", &["ListRolePoliciesResult.IsTruncated", "ListRolePoliciesResult.PolicyNames"]),
    ("iam", "GetRolePolicy", &["GetRolePolicyResult.PolicyDocument"]),
    (
        "iam",
        "GetInstanceProfile",
        &[
            "GetInstanceProfileResult.InstanceProfile.Roles",
            "GetInstanceProfileResult.InstanceProfile.Roles.member[].Arn",
        ],
    ),
    ("iam", "GetOpenIDConnectProvider", &["GetOpenIDConnectProviderResult.ClientIDList"]),
    ("eks", "ListClusters", &["clusters"]),
    ("eks", "ListNodegroups", &["nodegroups"]),
    ("eks", "DescribeNodegroup", &["nodegroup.taints?[].key", "nodegroup.taints?[].effect"]),
    ("eks", "ListFargateProfiles", &["fargateProfileNames"]),
    ("eks", "DescribeFargateProfile", &["fargateProfile.selectors", "fargateProfile.selectors[].namespace"]),
    ("eks", "ListAccessEntries", &["accessEntries"]),
    (
        "ecr",
        "DescribePullThroughCacheRules",
        &["pullThroughCacheRules", "pullThroughCacheRules[].ecrRepositoryPrefix"],
    ),
    (
        "ecr",
        "DescribeRepositoryCreationTemplates",
        &[
            "repositoryCreationTemplates",
            "repositoryCreationTemplates[].prefix",
            "repositoryCreationTemplates[].appliedFor",
        ],
    ),
    ("ecr", "ListTagsForResource", &["tags", "tags[].Key", "tags[].Value"]),
    ("organizations", "DescribeOrganization", &["Organization.FeatureSet"]),
    ("organizations", "ListPoliciesForTarget", &["Policies", "Policies[].Id"]),
    ("ec2", "DescribeInstances", &["reservationSet", "reservationSet.item[].instancesSet"]),
];

/// Services whose answers are XML.
const XML: [&str; 3] = ["ec2", "iam", "sts"];

/// Why an answer is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    /// It ends before its end.
    #[error("the answer breaks off")]
    BreaksOff,
    /// Something is not there.
    #[error("the answer has no {0}")]
    Lacks(&'static str),
}

/// What is wrong with an answer to an operation.
pub(crate) fn defect(service: &str, operation: &str, body: &[u8]) -> Option<Defect> {
    if XML.contains(&service) && !is_whole(body) {
        return Some(Defect::BreaksOff);
    }
    let (_, _, paths) = REQUIRED.iter().find(|(of, name, _)| *of == service && *name == operation)?;
    let answer = if XML.contains(&service) { tree(body).ok()? } else { serde_json::from_slice(body).ok()? };
    paths.iter().find(|path| !holds(&answer, path)).map(|path| Defect::Lacks(path))
}

/// Whether an answer has what a path says.
fn holds(value: &Value, path: &str) -> bool {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let (step, each) = step.strip_suffix("[]").map_or((step, false), |step| (step, true));
    let (name, optional) = step.strip_suffix('?').map_or((step, false), |name| (name, true));
    let found = value.get(name).filter(|found| !found.is_null());
    let below = |one: &Value| rest.is_none_or(|rest| holds(one, rest));
    match found {
        None => optional || each,
        Some(Value::Array(all)) if each => all.iter().all(below),
        // An element with nothing in it stands for an empty list.
        Some(Value::String(text)) if text.is_empty() && rest.is_some_and(|rest| rest.contains("[]")) => true,
        Some(one) => below(one),
    }
}

/// The elements of an XML document below its root, lists of those of one name; what has none below is an empty text.
fn tree(body: &[u8]) -> Result<Value, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    Ok(branch(&mut document.root_element()?))
}

fn branch(element: &mut ScopedDecoder<'_, '_>) -> Value {
    let mut fields = Map::new();
    while let Some(mut tag) = element.next_tag() {
        let name = tag.start_el().local().to_owned();
        let value = branch(&mut tag);
        match fields.get_mut(&name) {
            Some(Value::Array(all)) => all.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None => _ = fields.insert(name, value),
        }
    }
    if fields.is_empty() { Value::String(String::new()) } else { Value::Object(fields) }
}

/// Whether an XML document ends with the end of its root.
pub(super) fn is_whole(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_end();
    let root = text.split('<').filter(|part| !part.starts_with(['?', '!'])).nth(1).unwrap_or_default();
    let name = root.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    !name.is_empty()
        && (text.ends_with(&format!("</{name}>")) || text.ends_with("/>") && text.matches('<').count() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_that_breaks_off_is_not_whole() {
        let text = "<?xml version=\"1.0\"?>\n<GetRoleResponse xmlns=\"u\"><GetRoleResult><Role/></GetRoleResult></GetRoleResponse>\n";
        assert!(is_whole(text.as_bytes()));
        for end in 1..text.len() - 2 {
            assert!(!is_whole(&text.as_bytes()[..end]), "{}", &text[..end]);
        }
        assert!(!is_whole(b""));
        assert!(is_whole(b"<Empty/>"));
    }

    fn lacks(service: &str, operation: &str, body: &str) -> Option<String> {
        defect(service, operation, body.as_bytes()).map(|defect| defect.to_string())
    }

    #[test]
    fn a_list_that_is_missing_is_no_empty_list() {
        let names = |inside: &str| {
            let of = "ListRolePolicies";
            format!("<{of}Response><{of}Result>{inside}</{of}Result></{of}Response>")
        };
        let flag = "<IsTruncated>false</IsTruncated>";
        for whole in
            ["<PolicyNames/>", "<PolicyNames><member>a</member></PolicyNames>", "<PolicyNames>\n</PolicyNames>"]
        {
            assert_eq!(lacks("iam", "ListRolePolicies", &names(&format!("{whole}{flag}"))), None, "{whole}");
        }
        let missing = lacks("iam", "ListRolePolicies", &names(flag));
        assert_eq!(missing.as_deref(), Some("the answer has no ListRolePoliciesResult.PolicyNames"));
        assert!(lacks("iam", "ListRolePolicies", &names("<PolicyNames/>")).is_some());
        assert_eq!(lacks("ecr", "ListTagsForResource", "{\"tags\":[]}"), None);
        for broken in [json!({}), json!({"tags": null}), json!({"tags": [{"Key": "a"}]})] {
            assert!(lacks("ecr", "ListTagsForResource", &broken.to_string()).is_some(), "{broken}");
        }
    }

    #[test]
    fn each_entry_of_a_list_is_looked_at() {
        let attached = |members: &str| {
            let of = "ListAttachedRolePolicies";
            format!(
                "<{of}Response><{of}Result><AttachedPolicies>{members}</AttachedPolicies><IsTruncated>false</IsTruncated>\
                 </{of}Result></{of}Response>"
            )
        };
        let (whole, half) = (
            "<member><PolicyName>a</PolicyName><PolicyArn>arn</PolicyArn></member>",
            "<member><PolicyName>a</PolicyName></member>",
        );
        for (members, is_whole) in [
            (String::new(), true),
            (whole.repeat(2), true),
            (half.to_owned(), false),
            (format!("{whole}{half}"), false),
        ] {
            assert_eq!(
                lacks("iam", "ListAttachedRolePolicies", &attached(&members)).is_none(),
                is_whole,
                "{members}"
            );
        }
        let rules = json!({"pullThroughCacheRules": [{"ecrRepositoryPrefix": "a"}, {}]});
        assert!(lacks("ecr", "DescribePullThroughCacheRules", &rules.to_string()).is_some());
    }

    #[test]
    fn a_boundary_without_its_arn_is_no_boundary() {
        let role = |more: &str| {
            format!(
                "<GetRoleResponse><GetRoleResult><Role><Arn>a</Arn><RoleId>r</RoleId>\
                 <AssumeRolePolicyDocument>d</AssumeRolePolicyDocument>{more}</Role></GetRoleResult></GetRoleResponse>"
            )
        };
        let boundary = |inside: &str| format!("<PermissionsBoundary>{inside}</PermissionsBoundary>");
        assert_eq!(lacks("iam", "GetRole", &role("")), None);
        assert_eq!(lacks("iam", "GetRole", &role("<Tags/>")), None);
        let arn = "<PermissionsBoundaryArn>b</PermissionsBoundaryArn>";
        assert_eq!(lacks("iam", "GetRole", &role(&boundary(arn))), None);
        assert!(lacks("iam", "GetRole", &role(&boundary(""))).is_some());
        let kind = "<PermissionsBoundaryType>Policy</PermissionsBoundaryType>";
        assert!(lacks("iam", "GetRole", &role(&boundary(kind))).is_some());
    }
}
