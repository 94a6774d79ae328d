//! The only place that changes anything in AWS: our inline policy of a role, the attachment of the managed
//! policy that only pulls, and our statement in the policy of a repository, one document at a time.

mod place;
mod rights;

use super::Live;
use crate::remedy::{Back, Document as _, Target, back, change_back, write};
use place::Place;
use pullaudit_core::{Applied, CannotUndo, Change, Journal, LeftBehind, NOT_UNDONE, Note, Open, OwnRight};

/// Whether the caller may write what each change writes, as far as IAM tells.
pub(crate) async fn preflight(live: &Live, changes: &[&Change]) -> Vec<OwnRight> {
    rights::preflight(live, changes).await
}

/// Writes one change into the world that it was planned for. Where nothing stands in the way it takes three
/// calls for a repository's policy, four for a role's: read, (the role,) write, read back.
pub(crate) async fn apply(live: &Live, change: &Change, journal: &dyn Journal) -> Applied {
    let Some(target) = Target::of(change) else {
        let why = format!("{} is no document that pullaudit writes", change.document);
        return Applied::failed(why, LeftBehind::Nothing);
    };
    match Place::of(live, &target).await {
        Ok(place) => write(&target, &place, change, journal).await,
        Err(open) => Applied::failed(open.to_string(), LeftBehind::Nothing),
    }
}

/// The change that takes another one back, after a look at what stands there.
pub(crate) async fn undo(live: &Live, change: &Change) -> Result<Option<Change>, CannotUndo> {
    let document = || change.document.clone();
    let Some(target) = Target::of(change) else {
        return Err(CannotUndo::Unsupported(format!("{}: is no document that pullaudit writes", change.target)));
    };
    let unread = |open: Open| CannotUndo::Unread { document: document(), open };
    let place = Place::of(live, &target).await.map_err(unread)?;
    let now = place.text().await.map_err(unread)?;
    let text = |body: &Option<serde_json::Value>| target.text(body.as_ref()).map(str::to_owned);
    let (before, after) = (text(&change.before), text(&change.after));
    match back(&target, before.as_deref(), after.as_deref(), now.as_deref()) {
        Back::Gone => Ok(None),
        Back::Write(then) => Ok(Some(change_back(change, &target, now.as_deref(), then.as_deref()))),
        Back::Partly(then, why) => {
            let mut change = change_back(change, &target, now.as_deref(), then.as_deref());
            change.notes.push(Note::new(NOT_UNDONE, why));
            Ok(Some(change))
        }
        Back::Lost(why) => Err(CannotUndo::Unsupported(format!("{}: {why}", change.target))),
        Back::Kept(difference) => Err(CannotUndo::Changed { document: document(), difference }),
    }
}
