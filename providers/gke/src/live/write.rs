//! The only place that changes anything in Google Cloud: policies of repositories, read, edited and written back
//! with the etag that they were read with.

use super::Google;
use super::collect::collect;
use super::needs::Needs;
use super::operation::{GET_REPOSITORY_POLICY, SET_REPOSITORY_POLICY, TEST_REPOSITORY};
use super::service::escaped;
use super::trouble::{Kind, Trouble};
use crate::facts::table;
use crate::remedy::{Edit, command, deleted_emails, fingerprints, still_deleted};
use futures_util::future::join_all;
use pullaudit_core::{
    Action, Applied, CannotUndo, Change, Held, Journal, LeftBehind, OwnRight, Read, Safety, Section,
};
use pullaudit_wire::Backoff;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// What writing a repository's policy takes.
const RIGHTS: [&str; 2] =
    ["artifactregistry.repositories.getIamPolicy", "artifactregistry.repositories.setIamPolicy"];

/// A write gets so many times the bound of one call.
const CALLS: u32 = 4;
/// The first and the longest wait after another change came between, unless the service names one.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

fn path(repository: &str) -> String {
    let parts: Vec<String> = repository.split('/').map(escaped).collect();
    format!("/v1/{}", parts.join("/"))
}

/// Whether the caller may write the policy of each change; each repository is asked once.
pub(crate) async fn preflight(google: &Google, changes: &[&Change]) -> Vec<OwnRight> {
    let repositories: BTreeSet<&str> = changes.iter().map(|change| repository(change)).collect();
    let asked = join_all(repositories.iter().map(|repository| permissions(google, repository))).await;
    let own = changes.iter().map(|change| {
        let at = repositories.iter().position(|one| *one == repository(change));
        let held = match at.and_then(|at| asked.get(at)) {
            Some(Ok(held)) if RIGHTS.iter().all(|right| held.iter().any(|own| own == right)) => Held::Yes,
            Some(Ok(_)) | None => Held::No,
            Some(Err(trouble)) => Held::Open(trouble.open("your own permissions", repository(change))),
        };
        OwnRight { right: RIGHTS[1].to_owned(), place: format!("repository {}", repository(change)), held }
    });
    own.collect()
}

fn repository(change: &Change) -> &str {
    change.document.strip_suffix(":iamPolicy").unwrap_or(&change.document)
}

async fn permissions(google: &Google, repository: &str) -> Result<Vec<String>, Trouble> {
    /// What of it the caller holds.
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        permissions: Vec<String>,
    }
    let path = format!("{}:testIamPermissions", path(repository));
    let answer: Answer = google.registry.query(TEST_REPOSITORY, &path, &json!({ "permissions": RIGHTS })).await?;
    Ok(answer.permissions)
}

async fn policy(google: &Google, repository: &str) -> Result<Value, Trouble> {
    let path = format!("{}:getIamPolicy?options.requestedPolicyVersion=3", path(repository));
    google.registry.get(GET_REPOSITORY_POLICY, &path).await
}

/// Writes one change into the world that it was planned for. Where another write comes between, the whole round is
/// made again: read, look, edit, write.
pub(crate) async fn apply(google: &Google, change: &Change, journal: &dyn Journal) -> Applied {
    let Some(edit) = Edit::of(change) else {
        let why = "it changes more than members of the reader's binding, which pullaudit never plans: the plan was edited";
        return Applied::failed(why, LeftBehind::Nothing);
    };
    let until = Instant::now() + google.options.timeout * CALLS;
    let (mut backoff, mut noted) = (Backoff::new(WAITS.0, WAITS.1), false);
    loop {
        let now = match look(google, change, &edit).await {
            Ok(policy) => policy,
            Err(ended) => return ended,
        };
        if edit.stands(&now) {
            return if noted {
                Applied::done("written; the answer was lost")
            } else {
                Applied::already_there("the policy says so already")
            };
        }
        let body = match edit.request(&now) {
            Ok(body) => body,
            Err(why) => return Applied::failed(why.to_string(), LeftBehind::Nothing),
        };
        if let Err(error) = journal.about_to_write(change) {
            let why = format!("the receipt can't be written, so nothing was sent: {error}");
            return Applied::failed(why, LeftBehind::Nothing);
        }
        let path = format!("{}:setIamPolicy", path(&edit.repository));
        let trouble = match google.registry.write(SET_REPOSITORY_POLICY, &path, &body).await {
            Ok(written) if edit.stands(&written) => return Applied::done("written"),
            Ok(_) => return Applied::failed("the answer is not the policy that was sent", LeftBehind::Unknown),
            Err(trouble) => trouble,
        };
        let again = matches!(trouble.kind, Kind::Conflict | Kind::Passing);
        // A write whose answer was lost may have been done: the next look tells, and the etag keeps it from being
        // done twice.
        noted |= trouble.kind == Kind::Passing;
        let pause = backoff.pause(trouble.wait);
        if !again || Instant::now() + pause >= until {
            return ended(google, &edit, &trouble).await;
        }
        tokio::time::sleep(pause).await;
    }
}

/// The policy as it is now, where all that the change rests on is as it was planned for.
async fn look(google: &Google, change: &Change, edit: &Edit) -> Result<Value, Applied> {
    let unread =
        |why: String| Applied::failed(format!("what it rests on can't be read again: {why}"), LeftBehind::Nothing);
    if change.rests_on.is_empty() {
        return policy(google, &edit.repository).await.map_err(|trouble| unread(trouble.wanting()));
    }
    let section = world(google, edit).await;
    let now = match section.get(table::REPOSITORY_POLICIES, &edit.repository) {
        Some(Read::Got(policy)) => policy.clone(),
        Some(Read::Unread(open)) => return Err(unread(open.to_string())),
        _ => return Err(Applied::stale("the repository is gone")),
    };
    if edit.stands(&now) {
        return Ok(now);
    }
    let mut prints = fingerprints(&section, &edit.repository, &edit.add);
    prints.extend(still_deleted(&section, &edit.remove));
    let other: Vec<&str> =
        change.rests_on.iter().filter(|one| !prints.contains(one)).map(|one| one.reading.as_str()).collect();
    if other.is_empty() {
        return Ok(now);
    }
    Err(Applied::stale(format!("changed since the plan was made: {}; plan again", other.join(", "))))
}

/// What the plan read about the repository and the members.
async fn world(google: &Google, edit: &Edit) -> Section {
    let added = edit.add.iter().filter_map(|member| member.strip_prefix("serviceAccount:")).map(str::to_owned);
    let accounts = added.chain(deleted_emails(&edit.remove));
    let needs = Needs {
        repositories: [(edit.repository.clone(), false)].into(),
        accounts: accounts.collect(),
        askers: edit.add.iter().map(|member| member.trim_start_matches("serviceAccount:").to_owned()).collect(),
    };
    collect(google, &needs).await
}

/// What became of a write that was not taken.
async fn ended(google: &Google, edit: &Edit, trouble: &Trouble) -> Applied {
    if trouble.kind != Kind::Passing {
        return Applied::failed(trouble.wanting(), LeftBehind::Nothing);
    }
    match policy(google, &edit.repository).await {
        Ok(now) if edit.stands(&now) => Applied::done("written; the answer was lost"),
        Ok(_) => Applied::failed(trouble.detail.as_str(), LeftBehind::Nothing),
        Err(_) => {
            let why = format!(
                "{}; whether it took effect is not known: gcloud artifacts repositories get-iam-policy of {}",
                trouble.detail, edit.repository
            );
            Applied::failed(why, LeftBehind::Unknown)
        }
    }
}

/// The change that takes another one back: the former policy where nobody else changed it since, else only our own
/// members out.
pub(crate) async fn undo(google: &Google, change: &Change) -> Result<Option<Change>, CannotUndo> {
    let Some(edit) = Edit::of(change) else {
        return Err(CannotUndo::Unsupported(format!("{}: is no edit of a repository's policy", change.target)));
    };
    let now = policy(google, &edit.repository).await.map_err(|trouble| CannotUndo::Unread {
        document: change.document.clone(),
        open: trouble.open("the repository's policy", format!("repository {}", edit.repository)),
    })?;
    let back = edit.back();
    if back.stands(&now) {
        return Ok(None);
    }
    let (add, rest) = if back.add.is_empty() { ("remove", &back.remove) } else { ("add", &back.add) };
    let lines: Vec<String> = rest.iter().map(|member| command(&back, member, add, &now)).collect();
    Ok(Some(Change {
        target: format!("take back: {}", change.target),
        after: Some(back.apply(&now)),
        before: Some(now),
        action: Action::Change,
        safety: Safety::Safe,
        notes: change
            .notes
            .iter()
            .filter(|note| ["member", "scope"].contains(&note.label.as_str()))
            .cloned()
            .collect(),
        rests_on: Vec::new(),
        command: lines.join(" && "),
        import: String::new(),
        ..change.clone()
    }))
}
