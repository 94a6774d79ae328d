//! The only place that changes anything in AWS: our inline policy of a role, the attachment of the managed
//! policy that only pulls, and our statement in the policy of a repository, one document at a time.

mod place;
mod rights;

use super::Live;
use super::trouble::Trouble;
use crate::remedy::{Back, Look, Shown, Target, back, change_back, look, refuse, shown};
use place::{Place, Sent};
use pullaudit_core::{Applied, CannotUndo, Change, Journal, LeftBehind, Open, OwnRight};
use std::time::Duration;
use tokio::time::Instant;

/// A role that was just made may take a while to be known where principals are checked; a write gets so many
/// times the bound of one call.
const CALLS: u32 = 4;
/// The first wait; it doubles.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(15);

/// Whether the caller may write what each change writes, as far as IAM tells.
pub(crate) async fn preflight(live: &Live, changes: &[&Change]) -> Vec<OwnRight> {
    rights::preflight(live, changes).await
}

/// Writes one change into the world that it was planned for. Where nothing stands in the way it takes three
/// calls for a repository's policy, four for a role's: read, (the role,) write, read back.
pub(crate) async fn apply(live: &Live, change: &Change, journal: &mut dyn Journal) -> Applied {
    let not = |why: String| Applied::failed(why, LeftBehind::Nothing);
    let Some(target) = Target::of(change) else {
        return not(format!("{} is no document that pullaudit writes", change.document));
    };
    if let Some(why) = refuse(&target, change) {
        return not(format!("{why}, which pullaudit never plans: the plan was edited"));
    }
    let place = match Place::of(live, &target).await {
        Ok(place) => place,
        Err(open) => return not(open.to_string()),
    };
    let until = Instant::now() + live.options.timeout * CALLS;
    let (mut wait, mut noted) = (FIRST, false);
    loop {
        match place.seen(change).await {
            Err(open) => return not(format!("what it rests on can't be read again: {open}")),
            Ok((text, prints)) => match look(&target, change, text.as_deref(), &prints) {
                Look::AsPlanned => {}
                Look::AlreadyThere => return Applied::already_there("it says just that"),
                Look::Moved(why) => return Applied::stale(why),
            },
        }
        if !noted && let Err(error) = journal.about_to_write(change) {
            return not(format!("the receipt can't be written, so nothing was sent: {error}"));
        }
        noted = true;
        // Each sending has its own look before it: nobody else's write is ever written over by a repetition.
        match place.send(target.text(change.after.as_ref())).await {
            Sent::Done => return read_back(&place, change, None).await,
            Sent::Refused(trouble) => return not(wanting(&trouble)),
            Sent::Unanswered(trouble) => return read_back(&place, change, Some(&trouble)).await,
            Sent::Busy(trouble) if Instant::now() + wait >= until => return not(wanting(&trouble)),
            Sent::Busy(_) => {}
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// What became of a write. `lost` is why it got no answer, where it got none.
async fn read_back(place: &Place<'_>, change: &Change, lost: Option<&Trouble>) -> Applied {
    let said = |text: &str| match lost {
        None => text.to_owned(),
        Some(_) => format!("{text}; the answer was lost"),
    };
    let now = match (place.text().await, lost) {
        (Ok(now), _) => now,
        (Err(open), None) => return Applied::done(format!("written; it can't be read back: {open}")),
        (Err(_), Some(trouble)) => {
            let why = format!("{}; whether it took effect is not known: read {}", trouble.detail, change.document);
            return Applied::failed(why, LeftBehind::Unknown);
        }
    };
    match (shown(place.target, change, now.as_deref()), lost) {
        (Shown::AsSent, _) => Applied::done(said("written and read back")),
        (Shown::ById, _) => Applied::done(said("written and read back; AWS shows a role by its id")),
        (Shown::WithOthers, _) => {
            Applied::done(said("written; somebody else changed the document in the same moment"))
        }
        (Shown::AsBefore, Some(trouble)) => Applied::failed(trouble.detail.as_str(), LeftBehind::Nothing),
        // IAM shows a change after a while.
        (Shown::AsBefore, None) if place.is_eventual() => Applied::done("written; AWS does not show it yet"),
        (Shown::AsBefore | Shown::Overwritten, _) => {
            let why = "somebody wrote over it in the same moment: the document is neither as it was nor as sent";
            Applied::failed(why, LeftBehind::Unknown)
        }
    }
}

fn wanting(trouble: &Trouble) -> String {
    match trouble.missing_right() {
        Some(right) => format!("you lack {right}: {}", trouble.detail),
        None => trouble.detail.clone(),
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
        Back::Kept(difference) => Err(CannotUndo::Changed { document: document(), difference }),
    }
}
