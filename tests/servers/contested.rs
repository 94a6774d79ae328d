//! Somebody else who writes in the same moment, tried at every write of a run, for any cloud: what they wrote stands, our
//! other write is made, and undo takes back ours alone.

use super::killed::{Killable, Pace, Which};
use serde_json::Value;

/// A world in which somebody else writes right before a write of ours.
pub(crate) trait Contested: Killable {
    /// How a change ends before whose write another one came: redone where the cloud compares, else not made.
    const OUTCOME: &'static str;

    /// Prepares the other's write, where the call itself can be made to bring it.
    fn contest(&self, which: Which);

    /// Makes the other's write once the run is about to make its own; nothing where the call brought it.
    fn meddle(&self, _which: Which) {}

    /// Whether what they wrote stands there.
    fn theirs_stands(&self, which: Which) -> bool;
}

/// The outcomes that a receipt tells, by the word in the name of the document or the target.
fn outcome(receipt: &Value, which: Which) -> String {
    let changes = receipt["changes"].as_array().unwrap();
    let of = |change: &&Value| change["target"].as_str().unwrap().contains(which.word());
    changes.iter().find(of).unwrap()["outcome"].as_str().unwrap_or("none").to_owned()
}

/// See the module.
pub(crate) fn contested_at_every_write<W: Contested>(make: impl Fn() -> W) {
    for pace in [Pace::Single, Pace::Abreast] {
        for (which, other) in [(Which::First, Which::Second), (Which::Second, Which::First)] {
            let told = format!("{pace:?} {which:?}");
            let world = make();
            world.mend();
            world.contest(which);
            let mut child = world.start(pace);
            world.meddle(which);
            child.wait().unwrap();
            world.mend();
            assert!(world.theirs_stands(which), "{told}");
            let path = world.receipts().remove(0);
            let receipt: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(outcome(&receipt, which), W::OUTCOME, "{told}: {receipt:#}");
            assert_eq!(outcome(&receipt, other), "applied", "{told}: {receipt:#}");
            assert_eq!(world.run("undo", Some(&path)), 0, "{told}");
            assert!(world.theirs_stands(which), "{told}: undo takes back ours alone");
            assert!(!world.theirs_stands(other), "{told}");
        }
    }
}
