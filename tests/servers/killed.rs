//! A run that is killed, tried at every boundary of its writes, for any cloud: what it leaves can be undone, and a
//! second run ends the work and writes nothing twice.

use std::cmp::Reverse;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// Where a run of two writes is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// It reads the document again, right before it would write it.
    Look(Which),
    /// The write is noted in the receipt, and not done.
    Noted(Which),
    /// The write is done, and not answered.
    Done(Which),
    /// Both are written; it asks whether they hold.
    After,
}

/// One of the two documents, in the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Second,
}

impl Which {
    /// The word that the documents' names hold.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// Every point, and how many of the two stand then.
const POINTS: [(Point, usize); 7] = [
    (Point::Look(Which::First), 0),
    (Point::Noted(Which::First), 0),
    (Point::Done(Which::First), 1),
    (Point::Look(Which::Second), 1),
    (Point::Noted(Which::Second), 1),
    (Point::Done(Which::Second), 2),
    (Point::After, 2),
];

/// A fresh world in which a repair writes two documents.
pub(crate) trait Killable {
    /// Lets the call of that point go without an answer.
    fn hold(&self, point: Point);
    /// Whether such a call is waiting.
    fn is_held(&self, point: Point) -> bool;
    /// Mends all, and forgets what was asked.
    fn mend(&self);
    /// Starts `fix --yes`.
    fn start(&self) -> Child;
    /// Runs `fix --yes`, `audit`, or `undo` of that receipt; the code.
    fn run(&self, command: &str, receipt: Option<&PathBuf>) -> i32;
    /// The receipts that lie there.
    fn receipts(&self) -> Vec<PathBuf>;
    /// How many of the two are written.
    fn standing(&self) -> usize;
    /// All that a repair may change.
    fn state(&self) -> String;
    /// How many writes had success since the last mending.
    fn writes(&self) -> usize;
}

/// Runs a repair and kills it at the point.
fn killed(world: &impl Killable, point: Point, standing: usize) {
    world.mend();
    world.hold(point);
    let mut child = world.start();
    let until = Instant::now() + Duration::from_mins(1);
    while !world.is_held(point) {
        assert!(Instant::now() < until, "{point:?} is never reached");
        std::thread::sleep(Duration::from_millis(20));
    }
    // What takes effect has done so before its answer is withheld, but for the instant in which it is called.
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    world.mend();
    assert_eq!(world.standing(), standing, "{point:?}");
}

/// Undo leaves the world as it was.
pub(crate) fn undone_after_a_kill<W: Killable>(make: impl Fn() -> W) {
    for (point, standing) in POINTS {
        let world = make();
        let before = world.state();
        killed(&world, point, standing);
        let receipt = world.receipts().remove(0);
        let text = std::fs::read_to_string(&receipt).unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(written["finishedAt"].is_null(), "{point:?}");
        assert_eq!(world.run("undo", Some(&receipt)), 0, "{point:?}");
        assert_eq!(world.state(), before, "{point:?}");
        let folder = receipt.parent().unwrap().read_dir().unwrap();
        let halves = folder.filter(|part| part.as_ref().unwrap().path().to_string_lossy().ends_with(".part"));
        assert_eq!(halves.count(), 0, "{point:?}: a killed run leaves no half of a receipt");
    }
}

/// A second run ends the work, writes nothing twice, and all receipts together take all back.
pub(crate) fn ended_by_a_second_run<W: Killable>(make: impl Fn() -> W) {
    for (point, standing) in POINTS {
        let world = make();
        let before = world.state();
        killed(&world, point, standing);
        assert_eq!(world.run("fix", None), 0, "{point:?}");
        assert_eq!(world.standing(), 2, "{point:?}");
        assert_eq!(world.writes(), 2 - standing, "{point:?}");
        assert_eq!(world.run("audit", None), 0, "{point:?}");
        // The newest first, as one goes back on one's own steps; an undo writes a receipt of its own.
        let mut receipts = world.receipts();
        receipts.sort_by_key(|path| Reverse(path.metadata().unwrap().modified().unwrap()));
        for receipt in receipts {
            assert_eq!(world.run("undo", Some(&receipt)), 0, "{point:?}");
        }
        assert_eq!(world.state(), before, "{point:?}: the receipts together take all back");
    }
}
