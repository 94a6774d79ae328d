//! Changes as lines of AWS's own tool.

use super::target::{POLICY_NAME, RepositoryArn, Target};
use pullaudit_core::{import_block, resource_name, shell_word};

/// The line of AWS's own tool that makes the document so.
pub(super) fn command(target: &Target, text: Option<&str>) -> String {
    let role = target.role_name().map(shell_word).unwrap_or_default();
    match (target, text) {
        (Target::Inline { .. }, Some(text)) => format!(
            "aws iam put-role-policy --role-name {role} --policy-name {POLICY_NAME} --policy-document {}",
            shell_word(text)
        ),
        (Target::Inline { .. }, None) => {
            format!("aws iam delete-role-policy --role-name {role} --policy-name {POLICY_NAME}")
        }
        (Target::Attachment { .. }, text) => format!(
            "aws iam {} --role-name {role} --policy-arn {}",
            if text.is_some() { "attach-role-policy" } else { "detach-role-policy" },
            target.policy_arn()
        ),
        (Target::Repository { arn }, text) => {
            let Some(RepositoryArn { region, account, name }) = RepositoryArn::parse(arn) else {
                return String::new();
            };
            let place =
                format!("--registry-id {account} --region {region} --repository-name {}", shell_word(name));
            match text {
                Some(text) => format!("aws ecr set-repository-policy {place} --policy-text {}", shell_word(text)),
                None => format!("aws ecr delete-repository-policy {place}"),
            }
        }
    }
}

/// The block by which Terraform takes the document over.
pub(super) fn import(target: &Target) -> String {
    let role = target.role_name().unwrap_or_default();
    let (kind, about, id) = match target {
        Target::Inline { .. } => ("aws_iam_role_policy", role, format!("{role}:{POLICY_NAME}")),
        Target::Attachment { .. } => {
            ("aws_iam_role_policy_attachment", role, format!("{role}/{}", target.policy_arn()))
        }
        Target::Repository { arn } => {
            let name = RepositoryArn::parse(arn).map(|arn| arn.name).unwrap_or_default();
            ("aws_ecr_repository_policy", name, name.to_owned())
        }
    };
    import_block(&format!("{kind}.{}", resource_name(about, &target.id())), &id)
}
