//! Changes as lines of AWS's own tool.

use super::target::{POLICY_NAME, RepositoryArn, Target};

/// The line of AWS's own tool that makes the document so.
pub(super) fn command(target: &Target, text: Option<&str>) -> String {
    let role = target.role_name().map(quote).unwrap_or_default();
    match (target, text) {
        (Target::Inline { .. }, Some(text)) => format!(
            "aws iam put-role-policy --role-name {role} --policy-name {POLICY_NAME} --policy-document {}",
            quote(text)
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
            let place = format!("--registry-id {account} --region {region} --repository-name {}", quote(name));
            match text {
                Some(text) => format!("aws ecr set-repository-policy {place} --policy-text {}", quote(text)),
                None => format!("aws ecr delete-repository-policy {place}"),
            }
        }
    }
}

/// For a shell: as it is where no letter of it means anything there.
pub(super) fn quote(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=,@:".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
