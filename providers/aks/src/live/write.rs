//! The only place that changes anything in Azure: it makes and deletes role assignments, one at a time.

mod check;
mod send;

use super::Azure;
use super::directory::{Presence, presence};
use super::operation::{DELETE_ROLE_ASSIGNMENT, GET_ROLE_ASSIGNMENT, LIST_PERMISSIONS, PUT_ROLE_ASSIGNMENT};
use super::service::query;
use super::trouble::Trouble;
use crate::facts::{Permission, RoleAssignment};
use crate::remedy::{Grant, Likeness, still_gone};
use crate::weigh::grants_action;
use futures_util::future::join_all;
use pullaudit_core::{Action, Applied, CannotUndo, Change, Held, Journal, LeftBehind, Note, OwnRight, Safety};
use send::{Sent, send};
use std::collections::BTreeSet;

/// How Azure says that there is no such assignment.
const GONE: &[&str] = &["RoleAssignmentNotFound", "ResourceNotFound"];

/// Where Azure lists what the caller may do.
const PERMISSIONS: &str = "/providers/Microsoft.Authorization/permissions";

/// Whether the caller may write at the scope of each change; each scope is asked once.
pub(crate) async fn preflight(azure: &Azure, changes: &[&Change]) -> Vec<OwnRight> {
    let wanted: Vec<(String, &'static str)> = changes.iter().map(|change| needed(change)).collect();
    let scopes: BTreeSet<&String> = wanted.iter().map(|(scope, _)| scope).collect();
    let asked = join_all(scopes.iter().map(|scope| permissions(azure, scope))).await;
    let own = wanted.iter().map(|(scope, right)| {
        let at = scopes.iter().position(|one| *one == scope).and_then(|at| asked.get(at));
        let held = match at {
            Some(Ok(permissions)) if grants_action(permissions, right) => Held::Yes,
            Some(Ok(_)) | None => Held::No,
            Some(Err(trouble)) => Held::Open(trouble.open("your own rights", place(scope))),
        };
        OwnRight { right: (*right).to_owned(), place: place(scope), held }
    });
    own.collect()
}

/// The scope of a change, and the right to make it there.
fn needed(change: &Change) -> (String, &'static str) {
    let operation = match change.action {
        Action::Remove => DELETE_ROLE_ASSIGNMENT,
        Action::Add | Action::Change => PUT_ROLE_ASSIGNMENT,
    };
    let scope = Grant::of(change).map_or_else(|| change.document.clone(), |grant| grant.scope);
    (scope, operation.action)
}

fn place(scope: &str) -> String {
    format!("registry {}", scope.rsplit('/').next().unwrap_or(scope))
}

async fn permissions(azure: &Azure, scope: &str) -> Result<Vec<Permission>, Trouble> {
    let path = format!("{scope}{PERMISSIONS}");
    azure.arm.list(LIST_PERMISSIONS, &path, &query(LIST_PERMISSIONS, "")).await
}

/// Writes one change into the world that it was planned for.
pub(crate) async fn apply(azure: &Azure, change: &Change, journal: &dyn Journal) -> Applied {
    let Some(grant) = Grant::of(change) else {
        return Applied::failed(format!("{} is no role assignment", change.document), LeftBehind::Nothing);
    };
    match change.action {
        Action::Add => add(azure, change, &grant, journal).await,
        Action::Remove => remove(azure, change, &grant, journal).await,
        Action::Change => replace(azure, change, &grant, journal).await,
    }
}

async fn add(azure: &Azure, change: &Change, grant: &Grant, journal: &dyn Journal) -> Applied {
    if !grant.is_least() {
        let why = "it gives more than a pull from a registry, which pullaudit never plans: the plan was edited";
        return Applied::failed(why, LeftBehind::Nothing);
    }
    if let Some(ended) = check::moved(azure, change, grant, None).await {
        return ended;
    }
    // Azure takes a grant to a principal that is gone. What is put back rests on nothing, and may be one.
    if !change.rests_on.is_empty()
        && matches!(presence(azure, &grant.object(), &grant.scope).await, Presence::Gone)
    {
        return Applied::stale("the identity is no longer in the directory");
    }
    if let Err(error) = journal.about_to_write(change) {
        return unnoted(&error);
    }
    match send(azure, PUT_ROLE_ASSIGNMENT, change, change.after.as_ref()).await {
        Sent::Done { status: 200, certain: true } => {
            Applied::already_there("somebody wrote the same assignment meanwhile")
        }
        Sent::Done { .. } => Applied::done("created"),
        Sent::Refused(trouble) if trouble.is(&["RoleAssignmentExists"]) => {
            Applied::already_there("Azure holds an assignment of that role, identity and scope under another name")
        }
        Sent::Refused(trouble) => Applied::failed(trouble.wanting(), LeftBehind::Nothing),
        Sent::Unanswered(trouble) => settle(azure, grant, change, &trouble).await,
    }
}

/// Puts another condition on a grant of ours; nothing else of one can be changed.
async fn replace(azure: &Azure, change: &Change, grant: &Grant, journal: &dyn Journal) -> Applied {
    let least =
        |former: &Grant| former.is_least() && former.compare(&grant.assignment) == Likeness::OtherCondition;
    let Some(former) = Grant::former(change).filter(|former| grant.is_least() && least(former)) else {
        let why = "it changes more than the condition of a pull, which pullaudit never plans: the plan was edited";
        return Applied::failed(why, LeftBehind::Nothing);
    };
    if let Some(ended) = check::moved(azure, change, grant, Some(&former)).await {
        return ended;
    }
    if let Err(error) = journal.about_to_write(change) {
        return unnoted(&error);
    }
    match send(azure, PUT_ROLE_ASSIGNMENT, change, change.after.as_ref()).await {
        // A 201 does not say that it was gone: Azure answers so to a PUT of what is there, too.
        Sent::Done { .. } => Applied::done("its condition is replaced"),
        Sent::Refused(trouble) => Applied::failed(trouble.wanting(), LeftBehind::Nothing),
        Sent::Unanswered(trouble) => settle(azure, grant, change, &trouble).await,
    }
}

async fn remove(azure: &Azure, change: &Change, grant: &Grant, journal: &dyn Journal) -> Applied {
    if !grant.is_least() {
        let why = "it is more than a pull from a registry, which pullaudit never takes away: the plan was edited";
        return Applied::failed(why, LeftBehind::Nothing);
    }
    if change.rests_on.contains(&still_gone(&grant.object())) {
        match presence(azure, &grant.object(), &grant.scope).await {
            Presence::Gone => {}
            Presence::There => return Applied::stale("the principal is in the directory again"),
            Presence::Unknown(why) => return Applied::failed(why, LeftBehind::Nothing),
        }
    }
    match standing(azure, grant, change).await {
        Ok(None) => return Applied::already_there("it is gone already"),
        Ok(Some(Likeness::Same)) => {}
        Ok(Some(_)) => return Applied::stale("the assignment is no longer what pullaudit wrote"),
        Err(trouble) => return Applied::failed(trouble.wanting(), LeftBehind::Nothing),
    }
    if let Err(error) = journal.about_to_write(change) {
        return unnoted(&error);
    }
    match send(azure, DELETE_ROLE_ASSIGNMENT, change, None).await {
        Sent::Done { status: 204, certain: true } => Applied::already_there("it is gone already"),
        Sent::Done { .. } => Applied::done("deleted"),
        Sent::Refused(trouble) if trouble.is(GONE) => Applied::already_there("it is gone already"),
        Sent::Refused(trouble) => Applied::failed(trouble.wanting(), LeftBehind::Nothing),
        Sent::Unanswered(trouble) => match standing(azure, grant, change).await {
            Ok(None) => Applied::done("deleted; the answer was lost"),
            Ok(Some(_)) => Applied::failed(trouble.detail, LeftBehind::Nothing),
            Err(_) => Applied::failed(unsettled(&trouble, change), LeftBehind::Unknown),
        },
    }
}

/// Nobody answered a write: what stands there now tells what became of it.
async fn settle(azure: &Azure, grant: &Grant, change: &Change, trouble: &Trouble) -> Applied {
    match standing(azure, grant, change).await {
        Ok(Some(Likeness::Same)) => Applied::done("written; the answer was lost"),
        Ok(_) => Applied::failed(trouble.detail.as_str(), LeftBehind::Nothing),
        Err(_) => Applied::failed(unsettled(trouble, change), LeftBehind::Unknown),
    }
}

fn unsettled(trouble: &Trouble, change: &Change) -> String {
    format!(
        "{}; whether it took effect is not known: az role assignment list --ids {}",
        trouble.detail, change.document
    )
}

fn unnoted(error: &std::io::Error) -> Applied {
    Applied::failed(format!("the receipt can't be written, so nothing was sent: {error}"), LeftBehind::Nothing)
}

/// How what stands under the change's own name is like its grant; `None` where nothing does.
async fn standing(azure: &Azure, grant: &Grant, change: &Change) -> Result<Option<Likeness>, Trouble> {
    Ok(found(azure, change).await?.map(|found| grant.compare(&found)))
}

/// What stands under the change's own name.
async fn found(azure: &Azure, change: &Change) -> Result<Option<RoleAssignment>, Trouble> {
    let operation = GET_ROLE_ASSIGNMENT;
    let found = azure.arm.get::<RoleAssignment>(operation, &change.document, &query(operation, "")).await;
    match found {
        Ok(found) => Ok(Some(found)),
        Err(trouble) if trouble.is(GONE) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

fn is_about_the_document(note: &Note) -> bool {
    ["principal", "scope", "id", "condition"].contains(&note.label.as_str())
}

/// The change that takes another one back, where what stands there is what that one left.
pub(crate) async fn undo(azure: &Azure, change: &Change) -> Result<Option<Change>, CannotUndo> {
    let Some(grant) = Grant::of(change) else {
        return Err(CannotUndo::Unsupported(format!("{}: is no grant", change.target)));
    };
    let changed = |difference: &str| {
        Err(CannotUndo::Changed { document: change.document.clone(), difference: difference.to_owned() })
    };
    let standing = found(azure, change).await.map_err(|trouble| CannotUndo::Unread {
        document: change.document.clone(),
        open: trouble.open("the assignment", place(&grant.scope)),
    })?;
    let is_former = match (&standing, Grant::former(change)) {
        (Some(found), Some(former)) => former.compare(found) == Likeness::Same,
        _ => false,
    };
    match (change.action, standing.map(|found| grant.compare(&found))) {
        (Action::Remove, None) | (Action::Add | Action::Change, Some(Likeness::Same)) => {
            Ok(Some(back(change, &grant)))
        }
        (Action::Remove, Some(Likeness::Same)) | (Action::Add, None) => Ok(None),
        (Action::Change, _) if is_former => Ok(None),
        (Action::Change, None) => changed("it is gone"),
        (_, Some(Likeness::OtherCondition)) => changed("its condition is another"),
        (_, _) => changed("it gives another role, or names somebody else"),
    }
}

fn back(change: &Change, grant: &Grant) -> Change {
    let removal = || format!("az role assignment delete --ids {}", change.document);
    let (action, command) = match change.action {
        Action::Add => (Action::Remove, removal()),
        Action::Remove => (Action::Add, grant.create_line().unwrap_or_default()),
        Action::Change => {
            let line = change.before.as_ref().and_then(|body| grant.update_line(change, body));
            (Action::Change, line.unwrap_or_default())
        }
    };
    Change {
        target: format!("take back: {}", change.target),
        action,
        before: change.after.clone(),
        after: change.before.clone(),
        safety: Safety::Safe,
        // Why it was the least, and how soon it would help, is said of the grant only.
        notes: change.notes.iter().filter(|note| is_about_the_document(note)).cloned().collect(),
        rests_on: Vec::new(),
        command,
        import: String::new(),
        ..change.clone()
    }
}
