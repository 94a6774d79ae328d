//! Writing a document that nobody can lock: look, note, send, read back. The calls themselves are behind
//! [`Document`], so that every way in which they can end is tested without a network.

use super::gate::refuse;
use super::look::{Look, Shown, look, shown};
use super::target::Target;
use async_trait::async_trait;
use pullaudit_core::{Applied, Change, Fingerprint, Journal, LeftBehind, Open};

/// How a sending ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was taken.
    Done,
    /// It was refused, and nothing was done.
    Refused(String),
    /// Nothing was done, and asking again may help.
    Busy(String),
    /// It may have taken effect.
    Unanswered(String),
}

/// A document where it lies.
#[async_trait]
pub(crate) trait Document: Send + Sync {
    /// Its text; `None` where there is none, an empty one for an attachment that is there.
    async fn text(&self) -> Result<Option<String>, Open>;

    /// The text with the prints of all that the change rests on.
    async fn seen(&self, change: &Change) -> Result<(Option<String>, Vec<Fingerprint>), Open>;

    /// Makes it say that, once: no repetition without a look before it.
    async fn send(&self, text: Option<&str>) -> Sent;

    /// Waits before the next sending, longer each time; false where time ran out.
    async fn pause(&self, times: u32) -> bool;

    /// True where a write shows only after a while.
    fn is_eventual(&self) -> bool;
}

/// Writes one change into the world that it was planned for. Where nothing stands in the way that is a look, a
/// sending and a reading back.
pub(crate) async fn write(
    target: &Target,
    document: &dyn Document,
    change: &Change,
    journal: &dyn Journal,
) -> Applied {
    let not = |why: String| Applied::failed(why, LeftBehind::Nothing);
    if let Some(why) = refuse(target, change) {
        return not(format!("{why}, which pullaudit never plans: the plan was edited"));
    }
    for times in 0.. {
        match document.seen(change).await {
            Err(open) => return not(format!("what it rests on can't be read again: {open}")),
            Ok((text, prints)) => match look(target, change, text.as_deref(), &prints) {
                Look::AsPlanned => {}
                Look::AlreadyThere => return Applied::already_there("it says just that"),
                Look::Moved(why) => return Applied::stale(why),
            },
        }
        if times == 0
            && let Err(error) = journal.about_to_write(change)
        {
            return not(format!("the receipt can't be written, so nothing was sent: {error}"));
        }
        match document.send(target.text(change.after.as_ref())).await {
            Sent::Done => return read_back(target, document, change, None).await,
            Sent::Refused(why) => return not(why),
            Sent::Unanswered(why) => return read_back(target, document, change, Some(why)).await,
            Sent::Busy(why) if !document.pause(times).await => return not(why),
            Sent::Busy(_) => {}
        }
    }
    not("it was busy for too long".to_owned())
}

/// What became of a write. `lost` is why it got no answer, where it got none.
async fn read_back(target: &Target, document: &dyn Document, change: &Change, lost: Option<String>) -> Applied {
    let now = match (document.text().await, &lost) {
        (Ok(now), _) => now,
        (Err(open), None) => return Applied::done(format!("written; it can't be read back: {open}")),
        (Err(_), Some(why)) => {
            let why = format!("{why}; whether it took effect is not known: look at {}", change.document);
            return Applied::failed(why, LeftBehind::Unknown);
        }
    };
    let done = |text: &str| match &lost {
        None => Applied::done(text),
        Some(_) => Applied::done(format!("{text}; the answer was lost")),
    };
    match (shown(target, change, now.as_deref()), &lost) {
        (Shown::AsSent, _) => done("written and read back"),
        (Shown::ById, _) => done("written and read back; AWS shows a role by its id"),
        (Shown::WithOthers, _) => done("written; somebody else changed the document in the same moment"),
        (Shown::AsBefore, Some(why)) => Applied::failed(why.as_str(), LeftBehind::Nothing),
        // IAM shows a change after a while.
        (Shown::AsBefore, None) if document.is_eventual() => Applied::done("written; AWS does not show it yet"),
        (Shown::AsBefore | Shown::Overwritten, _) => {
            let why = "somebody wrote over it in the same moment: the document is neither as it was nor as sent";
            Applied::failed(why, LeftBehind::Unknown)
        }
    }
}
