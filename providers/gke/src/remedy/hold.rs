//! Why no grant is made, and the exact lines by which people do what pullaudit does not.

use crate::codes::Finding;
use pullaudit_core::{Change, Credential, Question, Verdict};

/// Why a question stays as it is after a grant, and what to do instead. A live pool's scopes and account can't be
/// changed, so those lines make a new one.
pub(super) fn why(verdict: &Verdict, question: &Question, change: &Change) -> String {
    let because = match verdict {
        Verdict::Denied { because } => because,
        Verdict::Unknown { needing } => {
            let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
            return format!("a grant would not be proved enough: {first}");
        }
        Verdict::Allowed { .. } => return String::new(),
    };
    let code = verdict.code();
    let first = because.iter().find(|one| one.code == code);
    let text = first.map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
    let account = match &question.by {
        Credential::Principal(principal) => principal.id.as_str(),
        _ => "ACCOUNT",
    };
    let lines = lines(code.name(), account, change);
    if lines.is_empty() {
        return format!("no grant would help: {text}");
    }
    let grant =
        if grants_too(change, account) { format!("; then grant it: {}", change.command) } else { String::new() };
    format!("no grant alone would help: {text}; {lines}{grant}")
}

/// True where the account lacks the grant besides.
fn grants_too(change: &Change, account: &str) -> bool {
    super::Edit::of(change).is_some_and(|edit| edit.add.iter().any(|member| member.ends_with(account)))
}

fn lines(code: &str, account: &str, change: &Change) -> String {
    let is = |finding: Finding| finding.code().name() == code;
    let project = crate::cluster::account_project(account).unwrap_or_default();
    if is(Finding::ScopeMissing) {
        format!(
            "gcloud container node-pools create NEW_POOL --cluster CLUSTER --location LOCATION --service-account {account} \
             --scopes https://www.googleapis.com/auth/cloud-platform, then kubectl drain the nodes of the old pool and \
             gcloud container node-pools delete OLD_POOL --cluster CLUSTER --location LOCATION; for nodes of \
             auto-provisioning: gcloud container clusters update CLUSTER --location LOCATION --enable-autoprovisioning \
             --autoprovisioning-service-account {account} --autoprovisioning-scopes \
             https://www.googleapis.com/auth/cloud-platform (new pools only)"
        )
    } else if is(Finding::AccountDisabled) {
        format!("gcloud iam service-accounts enable {account} --project {project}")
    } else if is(Finding::AccountDeleted) {
        "within 30 days of its deletion: gcloud iam service-accounts undelete UNIQUE_ID; later: gcloud container \
             node-pools create NEW_POOL --cluster CLUSTER --location LOCATION --service-account OTHER_ACCOUNT --scopes \
             https://www.googleapis.com/auth/cloud-platform"
            .to_owned()
    } else if is(Finding::ApiDisabled) {
        format!("gcloud services enable artifactregistry.googleapis.com --project {}", change.owner)
    } else {
        String::new()
    }
}
