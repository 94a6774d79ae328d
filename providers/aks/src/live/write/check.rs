//! The look at the world right before a write.

use crate::facts::{DenyAssignment, Registry, RoleAssignment};
use crate::live::Azure;
use crate::live::operation::{GET_REGISTRY, LIST_DENY_ASSIGNMENTS, LIST_ROLE_ASSIGNMENTS};
use crate::live::service::query;
use crate::live::trouble::Trouble;
use crate::remedy::{Grant, Likeness, fingerprints, is_plain};
use futures_util::future::join3;
use pullaudit_core::{Applied, Change, Fingerprint, LeftBehind};

const AUTHORIZATION: &str = "/providers/Microsoft.Authorization";

/// How the change ends without being sent: the grant is there, or the world is another than the plan saw,
/// or nobody can tell. `None` where all is as planned.
///
/// `former` is the grant that the change replaces: it must stand there still.
pub(super) async fn moved(
    azure: &Azure,
    change: &Change,
    grant: &Grant,
    former: Option<&Grant>,
) -> Option<Applied> {
    let (grants, now) = match look(azure, grant).await {
        Ok(seen) => seen,
        Err(trouble) => {
            let why = format!("what it rests on can't be read again: {}", trouble.wanting());
            return Some(Applied::failed(why, LeftBehind::Nothing));
        }
    };
    let like = |wanted: Likeness| grants.iter().find(|one| grant.compare(one) == wanted);
    if let Some(same) = like(Likeness::Same) {
        return Some(Applied::already_there(format!("role assignment {} gives just that", same.name)));
    }
    let other = like(Likeness::OtherCondition);
    if former.is_some() && other.is_none() {
        return Some(Applied::stale("the role assignment that it changes is gone"));
    }
    let replaced = |one: &RoleAssignment| {
        former.is_some_and(|former| {
            is_plain(one) && former.compare(one) == Likeness::Same && one.name.eq_ignore_ascii_case(&grant.name)
        })
    };
    if let Some(other) = other.filter(|other| !replaced(other)) {
        let why = format!("role assignment {} gives the same role here under another condition", other.name);
        return Some(Applied::stale(why));
    }
    let other: Vec<&str> = differences(&change.rests_on, &now);
    if other.is_empty() {
        return None;
    }
    Some(Applied::stale(format!("changed since the plan was made: {}; plan again", other.join(", "))))
}

/// Readings of the plan that are others now.
fn differences<'a>(planned: &'a [Fingerprint], now: &[Fingerprint]) -> Vec<&'a str> {
    planned.iter().filter(|one| !now.contains(one)).map(|one| one.reading.as_str()).collect()
}

async fn look(azure: &Azure, grant: &Grant) -> Result<(Vec<RoleAssignment>, Vec<Fingerprint>), Trouble> {
    let (scope, object) = (&grant.scope, grant.object());
    let registry = query(GET_REGISTRY, "");
    let registry = azure.arm.get::<Registry>(GET_REGISTRY, scope, &registry);
    let path = format!("{scope}{AUTHORIZATION}/roleAssignments");
    let own = query(LIST_ROLE_ASSIGNMENTS, &format!("$filter=atScope()%20and%20assignedTo('{object}')"));
    let grants = azure.arm.list::<RoleAssignment>(LIST_ROLE_ASSIGNMENTS, &path, &own);
    let path = format!("{scope}{AUTHORIZATION}/denyAssignments");
    let here = query(LIST_DENY_ASSIGNMENTS, "$filter=atScope()");
    let denies = azure.arm.list::<DenyAssignment>(LIST_DENY_ASSIGNMENTS, &path, &here);
    let (registry, grants, denies) = join3(registry, grants, denies).await;
    let (registry, grants, denies) = (registry?, grants?, denies?);
    let now = fingerprints(&registry, &object, &grants, &denies);
    Ok((grants, now))
}
