//! Refusals that no permission of IAM cures: their own words, and what to do about them.

use pullaudit_wire::scrub;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Google's machine-readable half of an error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Detail {
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Of an older kind of detail, which VPC Service Controls use.
    #[serde(default)]
    violations: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
struct Violation {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    description: String,
}

impl Detail {
    /// `projects/NUMBER` on whose behalf the call was made.
    pub(crate) fn consumer(&self) -> &str {
        self.metadata.get("consumer").map_or("", String::as_str)
    }

    fn project(&self) -> &str {
        let consumer = self.consumer();
        consumer.strip_prefix("projects/").unwrap_or(consumer)
    }

    fn of_project(&self) -> String {
        if self.project().is_empty() { String::new() } else { format!(" {}", self.project()) }
    }
}

/// What refused and what to do, where it is no missing right. `api` is the API that was called.
pub(crate) fn words(message: &str, details: &[Detail], api: &str) -> Option<String> {
    details.iter().find_map(|detail| of_detail(detail, api)).or_else(|| of_message(message))
}

fn of_detail(detail: &Detail, api: &str) -> Option<String> {
    let project = detail.of_project();
    let text = match detail.reason.as_str() {
        "SECURITY_POLICY_VIOLATED" => {
            let id = detail.metadata.get("uid").map_or("", String::as_str);
            perimeter(id)
        }
        "SERVICE_DISABLED" => {
            let service = detail.metadata.get("service").map_or(api, String::as_str);
            let flag = if project.is_empty() { String::new() } else { format!(" --project{project}") };
            format!("{service} is disabled in project{project}; run: gcloud services enable {service}{flag}")
        }
        "CONSUMER_INVALID" => format!(
            "project{project} does not exist, is being deleted, or is not yours; check its ID, or the quota project of \
             your credentials"
        ),
        "BILLING_DISABLED" => format!("billing is disabled for project{project}; link a billing account to it"),
        "USER_PROJECT_DENIED" => format!(
            "your credentials may not use quota project{project}; grant roles/serviceusage.serviceUsageConsumer on it, or \
             run: gcloud auth application-default set-quota-project PROJECT"
        ),
        _ => {
            let is_perimeter = |one: &&Violation| one.kind == "VPC_SERVICE_CONTROLS";
            return detail.violations.iter().find(is_perimeter).map(|one| perimeter(&one.description));
        }
    };
    Some(text)
}

fn perimeter(id: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(" (violation {})", scrub(id)) };
    format!(
        "VPC Service Controls refused the call{id}; run pullaudit from inside the perimeter, or add an ingress rule for its \
         identity"
    )
}

/// What has no machine-readable half everywhere.
fn of_message(message: &str) -> Option<String> {
    if message.contains("vpcServiceControlsUniqueIdentifier") {
        let id = message.rsplit("vpcServiceControlsUniqueIdentifier:").next().unwrap_or_default();
        return Some(perimeter(id.trim().trim_end_matches('.')));
    }
    let gone = ["not found or deleted", "has been deleted"].iter().any(|words| message.contains(words));
    (gone && message.to_ascii_lowercase().contains("project"))
        .then(|| "the project does not exist or was deleted; check its ID".to_owned())
}

/// The credentials were good enough to begin with, and are refused now.
pub(crate) fn credentials(detail: &str) -> String {
    format!(
        "the access token was rejected or has expired ({detail}); sign in again: gcloud auth application-default login"
    )
}
