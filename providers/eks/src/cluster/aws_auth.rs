//! The aws-auth config map: roles that may join as nodes.

use crate::weigh::arn::RoleArn;
use pullaudit_core::{ClusterView, Obstacle, Open, Read};
use serde_json::{Map, Value};

pub(super) const NAMESPACE: &str = "kube-system";
pub(super) const NAME: &str = "aws-auth";
const KEY: &str = "mapRoles";

/// Groups that make a role a node's.
const OF_NODES: [&str; 2] = ["system:nodes", "eks:kube-proxy-windows"];
/// The group that EKS gives to pod execution roles; those are known from the Fargate profiles.
const OF_FARGATE: &str = "system:node-proxier";

/// The ARNs of node roles in the config map, without their paths, as they must be written there.
/// `Absent` when there is no config map.
///
/// Source: EKS user guide, "Grant IAM users access to Kubernetes with a ConfigMap".
pub(super) fn node_roles(view: &ClusterView) -> Read<Vec<String>> {
    match view.config_maps.get(&format!("{NAMESPACE}/{NAME}")) {
        None => Read::Unread(Open::unread(
            format!("config map {NAMESPACE}/{NAME}"),
            "get configmaps",
            NAMESPACE,
            Obstacle::NotAsked,
        )),
        Some(Read::Absent) => Read::Absent,
        Some(Read::Unread(open)) => Read::Unread(open.clone()),
        Some(Read::Got(data)) => match data.get(KEY).map_or(Ok(Vec::new()), |text| parse(text)) {
            Ok(roles) => Read::Got(roles),
            Err(fault) => Read::Unread(Open::undecidable(format!(
                "{KEY} of config map {NAMESPACE}/{NAME} does not parse: {fault}"
            ))),
        },
    }
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document: Value = serde_saphyr::from_str(text).map_err(|error| one_line(&error.to_string()))?;
    let lines = match document {
        Value::Null => return Ok(Vec::new()),
        Value::Array(lines) => lines,
        _ => return Err("it is not a list".to_owned()),
    };
    let mut roles = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let fields = line.as_object().ok_or_else(|| format!("line {} is not a mapping", index + 1))?;
        if !is_of_node(fields) {
            continue;
        }
        match field(fields, "rolearn").and_then(Value::as_str) {
            Some(arn) if RoleArn::parse(arn.trim()).is_some() => roles.push(arn.trim().to_owned()),
            Some(other) => return Err(format!("line {}: {other} is not the ARN of a role", index + 1)),
            None => return Err(format!("line {} names no role", index + 1)),
        }
    }
    Ok(roles)
}

fn is_of_node(fields: &Map<String, Value>) -> bool {
    let groups: Vec<&str> = field(fields, "groups")
        .and_then(Value::as_array)
        .map(|groups| groups.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    groups.iter().any(|group| OF_NODES.contains(group)) && !groups.contains(&OF_FARGATE)
}

/// The authenticator reads field names without case.
fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
