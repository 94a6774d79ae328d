//! Every way in which a write can end, on a document in memory that others write to as well.

use super::super::back::{Back, back};
use super::super::basis;
use super::super::document::parse;
use super::super::own::{Side, foreign};
use super::super::target::Target;
use super::super::write::{Document, Sent, write};
use super::{REPOSITORY, ROLE};
use async_trait::async_trait;
use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_core::{Applied, Change, Fingerprint, Journal, LeftBehind, Obstacle, Open, Outcome};
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

fn theirs(name: &str) -> Value {
    json!({"Sid": name, "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "ecr:BatchGetImage"})
}

fn text(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn ours() -> Value {
    json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

fn target() -> Target {
    Target::Repository { arn: REPOSITORY.to_owned() }
}

fn change(before: Option<&str>, after: Option<&str>) -> Change {
    let target = target();
    Change {
        before: before.map(|text| target.body(text)),
        after: after.map(|text| target.body(text)),
        rests_on: vec![basis::of_document(&target, before)],
        ..super::super::role::bare(&target)
    }
}

/// What goes wrong at a sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Refused,
    Busy,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It gets lost on its way.
    RequestLost,
    /// Right after it, somebody adds a statement.
    AddedAfter,
    /// Right after it, somebody puts back what they had read before.
    OverwrittenAfter,
}

/// A document that notes what was done to it.
struct Memory {
    now: Mutex<Option<String>>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<u32>,
    /// A reading fails from this call on.
    blind_from: u32,
    /// Somebody adds a statement between the busy answer and the next look.
    meddled: bool,
}

impl Memory {
    fn new(now: Option<&str>, faults: &[Fault]) -> Self {
        Self {
            now: Mutex::new(now.map(str::to_owned)),
            faults: Mutex::new(faults.to_vec()),
            calls: Mutex::new(0),
            blind_from: u32::MAX,
            meddled: false,
        }
    }

    fn now(&self) -> Option<String> {
        self.now.lock().unwrap().clone()
    }

    fn call(&self) -> u32 {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        *calls
    }

    fn add(&self) {
        let mut now = self.now.lock().unwrap();
        let mut document = now.as_deref().map_or_else(|| parse(&text(&[])).unwrap(), |text| parse(text).unwrap());
        document["Statement"].as_array_mut().unwrap().push(theirs("New"));
        *now = Some(document.to_string());
    }
}

#[async_trait]
impl Document for Memory {
    async fn text(&self) -> Result<Option<String>, Open> {
        if self.call() >= self.blind_from {
            return Err(Open::unread("policy", "ecr:GetRepositoryPolicy", "account", Obstacle::Refused));
        }
        Ok(self.now())
    }

    async fn seen(&self, _: &Change) -> Result<(Option<String>, Vec<Fingerprint>), Open> {
        let text = self.text().await?;
        let print = basis::of_document(&target(), text.as_deref());
        Ok((text, vec![print]))
    }

    async fn send(&self, text: Option<&str>) -> Sent {
        self.call();
        let fault = self.faults.lock().unwrap().pop().unwrap_or(Fault::None);
        let former = self.now();
        if !matches!(fault, Fault::Refused | Fault::Busy | Fault::RequestLost) {
            *self.now.lock().unwrap() = text.map(str::to_owned);
        }
        match fault {
            Fault::None => Sent::Done,
            Fault::Refused => Sent::Refused("AccessDenied".to_owned()),
            Fault::Busy => Sent::Busy("Throttling".to_owned()),
            Fault::AnswerLost | Fault::RequestLost => Sent::Unanswered("no answer in time".to_owned()),
            Fault::AddedAfter => {
                self.add();
                Sent::Done
            }
            Fault::OverwrittenAfter => {
                *self.now.lock().unwrap() = former;
                self.add();
                Sent::Done
            }
        }
    }

    async fn pause(&self, times: u32) -> bool {
        if self.meddled {
            self.add();
        }
        times < 3
    }

    fn is_eventual(&self) -> bool {
        false
    }
}

/// Counts what was noted; the receipt may fail.
struct Notes(AtomicU32, bool);

impl Notes {
    fn new(fails: bool) -> Self {
        Self(AtomicU32::new(0), fails)
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Journal for Notes {
    fn about_to_write(&self, _: &Change) -> std::io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if self.1 { Err(std::io::Error::other("disk full")) } else { Ok(()) }
    }
}

/// Nothing here ever waits.
fn run(memory: &Memory, change: &Change, notes: &Notes) -> Applied {
    let target = target();
    let mut future = pin!(write(&target, memory, change, notes));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(applied) => applied,
        Poll::Pending => panic!("a document in memory never waits"),
    }
}

fn planned() -> (String, String, Change) {
    let (before, after) = (text(&[theirs("Lambda")]), text(&[theirs("Lambda"), ours()]));
    let change = change(Some(&before), Some(&after));
    (before, after, change)
}

#[test]
fn an_edit_takes_three_calls_and_one_note() {
    let (before, after, change) = planned();
    let (memory, notes) = (Memory::new(Some(&before), &[]), Notes::new(false));
    assert_eq!(run(&memory, &change, &notes).outcome, Outcome::Applied);
    assert_eq!((memory.now(), notes.count(), *memory.calls.lock().unwrap()), (Some(after), 1, 3));
    let again = run(&memory, &change, &notes);
    assert_eq!((again.outcome, again.left_behind, notes.count()), (Outcome::AlreadyThere, LeftBehind::Nothing, 1));
}

#[test]
fn nothing_is_sent_without_a_note_or_into_another_world_or_blindly() {
    let (before, after, change) = planned();
    let memory = Memory::new(Some(&before), &[]);
    let unnoted = run(&memory, &change, &Notes::new(true));
    assert_eq!((unnoted.outcome, memory.now()), (Outcome::Failed, Some(before.clone())));
    let moved = Memory::new(Some(&text(&[theirs("Lambda"), theirs("New")])), &[]);
    let stood = moved.now();
    assert_eq!((run(&moved, &change, &Notes::new(false)).outcome, moved.now()), (Outcome::Stale, stood));
    let blind = Memory { blind_from: 1, ..Memory::new(Some(&before), &[]) };
    let (failed, stands) = (run(&blind, &change, &Notes::new(false)), blind.now());
    assert_eq!(
        (failed.outcome, failed.left_behind, stands),
        (Outcome::Failed, LeftBehind::Nothing, Some(before.clone()))
    );
    let mut edited = change;
    let wide = after.replace("\"ecr:GetDownloadUrlForLayer\"", "\"ecr:*\"");
    edited.after = Some(target().body(&wide));
    let memory = Memory::new(Some(&before), &[]);
    let refused = run(&memory, &edited, &Notes::new(false));
    assert!(refused.detail.contains("the plan was edited"), "{}", refused.detail);
    assert_eq!((memory.now(), *memory.calls.lock().unwrap()), (Some(before), 0));
}

#[test]
fn each_fault_ends_as_what_stands_there_says() {
    use {Fault::*, LeftBehind as Left};
    let (before, after, change) = planned();
    let added = text(&[theirs("Lambda"), ours(), theirs("New")]);
    let over = text(&[theirs("Lambda"), theirs("New")]);
    for (fault, outcome, left, stands) in [
        (None, Outcome::Applied, Left::Change, &after),
        (Refused, Outcome::Failed, Left::Nothing, &before),
        (Busy, Outcome::Applied, Left::Change, &after),
        (AnswerLost, Outcome::Applied, Left::Change, &after),
        (RequestLost, Outcome::Failed, Left::Nothing, &before),
        (AddedAfter, Outcome::Applied, Left::Change, &added),
        (OverwrittenAfter, Outcome::Failed, Left::Unknown, &over),
    ] {
        let memory = Memory::new(Some(&before), &[fault]);
        let applied = run(&memory, &change, &Notes::new(false));
        assert_eq!((applied.outcome, applied.left_behind), (outcome, left), "{fault:?}: {}", applied.detail);
        assert_eq!(memory.now().as_ref(), Some(stands), "{fault:?}");
    }
    let blind = Memory { blind_from: 3, ..Memory::new(Some(&before), &[AnswerLost]) };
    assert_eq!(run(&blind, &change, &Notes::new(false)).left_behind, Left::Unknown);
    let busy = Memory::new(Some(&before), &[Busy; 9]);
    assert_eq!(run(&busy, &change, &Notes::new(false)).detail, "Throttling");
    // Somebody wrote while we waited: the second sending looks first.
    let meddled = Memory { meddled: true, ..Memory::new(Some(&before), &[Busy]) };
    assert_eq!(run(&meddled, &change, &Notes::new(false)).outcome, Outcome::Stale);
    assert_eq!(meddled.now(), Some(over));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes wrong, nobody else's statement is lost by us; what says that it stands can be taken back, and
    /// then only theirs stand there.
    #[test]
    fn no_statement_of_others_is_ever_lost(
        faults in proptest::collection::vec(select(vec![
            Fault::None, Fault::Refused, Fault::Busy, Fault::AnswerLost, Fault::RequestLost, Fault::AddedAfter,
        ]), 0..4),
        meddled in any::<bool>(), new in any::<bool>()
    ) {
        let before = (!new).then(|| text(&[theirs("Lambda")]));
        let after = if new { text(&[ours()]) } else { text(&[theirs("Lambda"), ours()]) };
        let change = change(before.as_deref(), Some(&after));
        let memory = Memory { meddled, ..Memory::new(before.as_deref(), &faults) };
        let applied = run(&memory, &change, &Notes::new(false));
        let now = memory.now();
        let names = |text: Option<&str>| -> Vec<String> {
            let document = text.map_or_else(|| json!({"Statement": []}), |text| parse(text).unwrap());
            foreign(Side::Repository, &document).iter().map(|one| one["Sid"].to_string()).collect()
        };
        prop_assert!(new || names(now.as_deref()).contains(&"\"Lambda\"".to_owned()));
        match applied.left_behind {
            LeftBehind::Change => {
                let Back::Write(then) = back(&target(), before.as_deref(), Some(&after), now.as_deref()) else {
                    panic!("{now:?}")
                };
                prop_assert_eq!(names(then.as_deref()), names(now.as_deref()));
                prop_assert!(!then.unwrap_or_default().contains("PullauditPull"));
            }
            LeftBehind::Nothing => prop_assert!(!now.unwrap_or_default().contains("PullauditPull")),
            LeftBehind::Unknown => prop_assert!(false, "{}", applied.detail),
        }
    }
}
