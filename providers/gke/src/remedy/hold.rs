//! Why no grant is made, and the exact lines by which people do what pullaudit does not.

use crate::codes::Finding;
use pullaudit_core::{Change, Credential, PoolLines, Question, Read, Verdict};
use serde_json::Value;

/// Findings that say that a grant is missing.
const NOT_GRANTED: [Finding; 4] = [
    Finding::DownloadNotGranted,
    Finding::AccountRecreated,
    Finding::AccountReplaced,
    Finding::BindingConditionUnmet,
];

/// Why a question stays as it is after a grant, and what to do instead. A live pool's scopes and account can't be
/// changed, so those lines make a new one.
pub(super) fn why(
    then: &Verdict,
    now: &Verdict,
    question: &Question,
    member: &str,
    change: &Change,
) -> (String, Option<PoolLines>) {
    let because = match then {
        Verdict::Denied { because } => because,
        Verdict::Unknown { needing } => {
            let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
            return (format!("a grant would not be proved enough: {first}"), None);
        }
        Verdict::Allowed { .. } => return (String::new(), None),
    };
    let code = then.code();
    let first = because.iter().find(|one| one.code == code);
    let text = first.map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
    let account = match &question.by {
        Credential::Principal(principal) => principal.id.as_str(),
        _ => "ACCOUNT",
    };
    let (lines, on_pools) = (lines(code.name(), account, repository(change)), pool_lines(code.name(), account));
    if lines.is_empty() && on_pools.is_none() {
        return (format!("no grant would help: {text}"), None);
    }
    let grant = if is_missing(now) && code != Finding::AccountDeleted.code() {
        let edit = super::Edit { repository: repository(change).to_owned(), ..super::Edit::default() };
        let policy = change.before.clone().unwrap_or_default();
        let then = if lines.is_empty() { "" } else { "then " };
        format!("; {then}grant it: {}", super::command(&edit, member, "add", &policy))
    } else {
        String::new()
    };
    let lines = if lines.is_empty() { lines } else { format!("; {lines}") };
    (format!("no grant alone would help: {text}{lines}{grant}"), on_pools)
}

fn repository(change: &Change) -> &str {
    change.document.trim_end_matches(":iamPolicy")
}

/// True where the account lacks the grant besides.
fn is_missing(now: &Verdict) -> bool {
    let Verdict::Denied { because } = now else { return false };
    because.iter().any(|one| NOT_GRANTED.iter().any(|finding| finding.code() == one.code))
}

/// Why a policy that is not at hand can't be changed: what keeps the repository from being there, or the reading that is
/// missing.
pub(super) fn unwritable(
    repository: &str,
    verdicts: impl Iterator<Item = Verdict>,
    policy: Option<&Read<Value>>,
) -> String {
    for verdict in verdicts {
        let Verdict::Denied { because } = &verdict else { continue };
        let code = verdict.code();
        let lines = lines(code.name(), "", repository);
        let told = because.iter().find(|one| one.code == code).filter(|_| !lines.is_empty());
        if let Some(one) = told {
            return format!("no grant alone would help: {}: {}; {lines}", one.source, one.detail);
        }
    }
    match policy {
        Some(Read::Unread(open)) => format!("its policy can't be written without being read: {open}"),
        _ => "its policy was not read, so it can't be written".to_owned(),
    }
}

fn lines(code: &str, account: &str, repository: &str) -> String {
    let is = |finding: Finding| finding.code().name() == code;
    let own = crate::cluster::account_project(account).unwrap_or_default();
    let (project, location, name) = super::parts(repository);
    if is(Finding::AccountDisabled) {
        format!("gcloud iam service-accounts enable {account} --project {own}")
    } else if is(Finding::AccountDeleted) {
        "within 30 days of its deletion: gcloud iam service-accounts undelete UNIQUE_ID; later, with another account"
            .to_owned()
    } else if is(Finding::ApiDisabled) {
        format!("gcloud services enable artifactregistry.googleapis.com --project {project}")
    } else if is(Finding::RepositoryAbsent) {
        format!(
            "correct the image, or create it and push: gcloud artifacts repositories create {name} --repository-format \
             docker --project {project} --location {location}"
        )
    } else {
        String::new()
    }
}

/// The lines by which a pool gets other scopes or another account.
fn pool_lines(code: &str, account: &str) -> Option<PoolLines> {
    let is = |finding: Finding| finding.code().name() == code;
    let account = match code {
        _ if is(Finding::ScopeMissing) => account,
        _ if is(Finding::AccountDeleted) => "OTHER_ACCOUNT",
        _ => return None,
    };
    let place = "--cluster {cluster} --location {location} --project {scope}";
    let scopes = "https://www.googleapis.com/auth/cloud-platform";
    Some(PoolLines {
        pool: format!(
            "gcloud container node-pools create {{pool}}-2 {place} --service-account {account} --scopes {scopes}, then \
             kubectl drain --ignore-daemonsets -l cloud.google.com/gke-nodepool={{pool}} and gcloud container node-pools \
             delete {{pool}} {place}"
        ),
        new_nodes: format!(
            "gcloud container clusters update {{cluster}} --location {{location}} --project {{scope}} \
             --enable-autoprovisioning --autoprovisioning-service-account {account} --autoprovisioning-scopes {scopes} \
             (for pools that are made from then on)"
        ),
    })
}
