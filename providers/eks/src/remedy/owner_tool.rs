//! Roles that another tool owns: what pullaudit writes there, that tool may take away again.

use super::document::spaced;
use super::target::{POLICY_NAME, Target};
use crate::facts::Role;
use crate::weigh::arn::RoleArn;
use pullaudit_core::Note;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Eksctl,
    CloudFormation,
    Terraform,
}

/// The tool that owns a role, the tag that says so and how to write the change there; empty where no tag names
/// one. `document` is the policy that is to be added; `None` for the managed one.
pub(super) fn notes(role: &Role, target: &Target, document: Option<&Value>) -> Vec<Note> {
    let Some((tool, key, value)) = owner(role) else { return Vec::new() };
    let name = match tool {
        Tool::Eksctl => "eksctl",
        Tool::CloudFormation => "CloudFormation",
        Tool::Terraform => "Terraform",
    };
    vec![
        Note::new("owner tool", format!("{name} (tag {key} = {value}): it may take the change away again")),
        Note::new("snippet", snippet(tool, role, target, document)),
    ]
}

/// eksctl makes its roles through `CloudFormation`, so its own tags count first. Terraform sets no tag by itself;
/// people do.
fn owner(role: &Role) -> Option<(Tool, &str, &str)> {
    let find = |tool: Tool, is: &dyn Fn(&str, &str) -> bool| {
        let found =
            role.tags.iter().find(|(key, value)| is(&key.to_ascii_lowercase(), &value.to_ascii_lowercase()));
        found.map(|(key, value)| (tool, key.as_str(), value.as_str()))
    };
    find(Tool::Eksctl, &|key, _| key.starts_with("alpha.eksctl.io/") || key.starts_with("eksctl.cluster.k8s.io/"))
        .or_else(|| find(Tool::CloudFormation, &|key, _| key.starts_with("aws:cloudformation:")))
        .or_else(|| {
            find(Tool::Terraform, &|key, value| {
                let no = ["false", "no", "0"].contains(&value);
                (key.contains("terraform") && !no) || value.contains("terraform")
            })
        })
}

fn snippet(tool: Tool, role: &Role, target: &Target, document: Option<&Value>) -> String {
    let name = RoleArn::parse(&role.arn).map(|role| role.name).unwrap_or_default();
    let arn = target.policy_arn();
    match (tool, document) {
        (Tool::Eksctl, Some(document)) => {
            format!("in the node group: {}", spaced(&json!({ "iam": { "attachPolicy": document } })))
        }
        (Tool::Eksctl, None) => {
            format!("in the node group: {}", spaced(&json!({ "iam": { "attachPolicyARNs": [arn] } })))
        }
        (Tool::CloudFormation, Some(document)) => {
            let policy = json!({ "PolicyName": POLICY_NAME, "PolicyDocument": document });
            format!("in Properties of the AWS::IAM::Role: {}", spaced(&json!({ "Policies": [policy] })))
        }
        (Tool::CloudFormation, None) => {
            let policies = json!({ "ManagedPolicyArns": [arn] });
            format!("in Properties of the AWS::IAM::Role: {}", spaced(&policies))
        }
        (Tool::Terraform, Some(document)) => format!(
            "resource \"aws_iam_role_policy\" \"pullaudit_pull\" {{\n  name = \"{POLICY_NAME}\"\n  role = \"{name}\"\n  \
             policy = jsonencode({})\n}}",
            hcl(document)
        ),
        (Tool::Terraform, None) => format!(
            "resource \"aws_iam_role_policy_attachment\" \"pullaudit_pull\" {{\n  role = \"{name}\"\n  policy_arn = \
             \"{arn}\"\n}}"
        ),
    }
}

/// JSON is HCL, but for its templates.
fn hcl(document: &Value) -> String {
    spaced(document).replace("${", "$${").replace("%{", "%%{")
}
