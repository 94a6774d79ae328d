//! A run that is killed, tried at every boundary of its writes, for any cloud: what it leaves can be undone, and a
//! second run ends the work and writes nothing twice.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
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

/// How many documents a run may write at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One after the other.
    Single,
    /// Both at once: while one is held, the other is written to its end.
    Abreast,
}

impl Pace {
    /// The value of `--concurrency`.
    pub(crate) fn concurrency(self) -> &'static str {
        match self {
            Self::Single => "1",
            Self::Abreast => "8",
        }
    }
}

/// Every point, and how many of the two stand then.
const POINTS: [(Pace, Point, usize); 14] = [
    (Pace::Single, Point::Look(Which::First), 0),
    (Pace::Single, Point::Noted(Which::First), 0),
    (Pace::Single, Point::Done(Which::First), 1),
    (Pace::Single, Point::Look(Which::Second), 1),
    (Pace::Single, Point::Noted(Which::Second), 1),
    (Pace::Single, Point::Done(Which::Second), 2),
    (Pace::Single, Point::After, 2),
    (Pace::Abreast, Point::Look(Which::First), 1),
    (Pace::Abreast, Point::Noted(Which::First), 1),
    (Pace::Abreast, Point::Done(Which::First), 2),
    (Pace::Abreast, Point::Look(Which::Second), 1),
    (Pace::Abreast, Point::Noted(Which::Second), 1),
    (Pace::Abreast, Point::Done(Which::Second), 2),
    (Pace::Abreast, Point::After, 2),
];

/// A fresh world in which a repair writes two documents.
pub(crate) trait Killable {
    /// Lets the call of that point go without an answer.
    fn hold(&self, point: Point);
    /// Whether such a call is waiting.
    fn is_held(&self, point: Point) -> bool;
    /// Mends all, and forgets what was asked.
    fn mend(&self);
    /// Starts `fix --yes` at that pace.
    fn start(&self, pace: Pace) -> Child;
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
fn killed(world: &impl Killable, (pace, point, standing): (Pace, Point, usize)) {
    world.mend();
    world.hold(point);
    let mut child = world.start(pace);
    let until = Instant::now() + Duration::from_mins(1);
    while !world.is_held(point) || world.standing() < standing {
        assert!(Instant::now() < until, "{pace:?} {point:?} is never reached");
        std::thread::sleep(Duration::from_millis(20));
    }
    // What takes effect has done so before its answer is withheld, but for the instant in which it is called.
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    world.mend();
    assert_eq!(world.standing(), standing, "{pace:?} {point:?}");
}

/// A receipt as a killed run leaves it: a document, and lines behind it.
fn document(receipt: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(receipt).unwrap();
    serde_json::Deserializer::from_str(&text).into_iter().next().unwrap().unwrap()
}

/// Undo leaves the world as it was.
pub(crate) fn undone_after_a_kill<W: Killable>(make: impl Fn() -> W) {
    for point in POINTS {
        let world = make();
        let before = world.state();
        killed(&world, point);
        let receipt = world.receipts().remove(0);
        assert!(document(&receipt)["finishedAt"].is_null(), "{point:?}");
        assert_eq!(world.run("undo", Some(&receipt)), 0, "{point:?}");
        assert_eq!(world.state(), before, "{point:?}");
        let folder = receipt.parent().unwrap().read_dir().unwrap();
        let halves = folder.filter(|part| part.as_ref().unwrap().path().to_string_lossy().ends_with(".part"));
        assert_eq!(halves.count(), 0, "{point:?}: a killed run leaves no half of a receipt");
    }
}

/// A second run ends the work, writes nothing twice, and all receipts together take all back.
pub(crate) fn ended_by_a_second_run<W: Killable>(make: impl Fn() -> W) {
    for point in POINTS {
        let world = make();
        let before = world.state();
        killed(&world, point);
        let (_, _, standing) = point;
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
