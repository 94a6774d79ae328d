//! Why no grant is made, and the exact lines by which people do what pullaudit does not.

use crate::codes::Finding;
use pullaudit_core::{Change, Credential, Question, Verdict};

/// Findings that say that a grant is missing.
const NOT_GRANTED: [Finding; 4] = [
    Finding::DownloadNotGranted,
    Finding::AccountRecreated,
    Finding::AccountReplaced,
    Finding::BindingConditionUnmet,
];

/// Why a question stays as it is after a grant, and what to do instead. A live pool's scopes and account can't be
/// changed, so those lines make a new one.
pub(super) fn why(then: &Verdict, now: &Verdict, question: &Question, member: &str, change: &Change) -> String {
    let because = match then {
        Verdict::Denied { because } => because,
        Verdict::Unknown { needing } => {
            let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
            return format!("a grant would not be proved enough: {first}");
        }
        Verdict::Allowed { .. } => return String::new(),
    };
    let code = then.code();
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
    let grant = if is_missing(now) && code != Finding::AccountDeleted.code() {
        let edit = super::Edit { repository: repository(change).to_owned(), ..super::Edit::default() };
        let policy = change.before.clone().unwrap_or_default();
        format!("; then grant it: {}", super::command(&edit, member, "add", &policy))
    } else {
        String::new()
    };
    format!("no grant alone would help: {text}; {lines}{grant}")
}

fn repository(change: &Change) -> &str {
    change.document.trim_end_matches(":iamPolicy")
}

/// True where the account lacks the grant besides.
fn is_missing(now: &Verdict) -> bool {
    let Verdict::Denied { because } = now else { return false };
    because.iter().any(|one| NOT_GRANTED.iter().any(|finding| finding.code() == one.code))
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
