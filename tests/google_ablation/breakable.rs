//! The fake of Google Cloud as something whose calls can be taken away one by one.

use crate::servers::ablation::Breakable;
use crate::servers::proxy::Trouble;
use pullaudit_google_fake::{Fake, Fault, Seen, Trouble as Broken};

/// The newtype implements a trait of the tests for a type of another crate. What breaks may be one of the fake's own troubles.
pub(crate) struct Google<'a>(pub(crate) &'a Fake, pub(crate) Option<Broken>);

impl Breakable for Google<'_> {
    fn reset(&self) {
        self.0.clear_faults();
        self.0.forget_requests();
    }

    fn calls(&self) -> Vec<String> {
        let one = |seen: &Seen| format!("{} {} {}?{}", seen.name, seen.verb, seen.path, seen.query);
        let mut calls: Vec<String> = self.0.requests().iter().map(one).collect();
        calls.sort();
        calls.dedup();
        calls
    }

    fn break_call(&self, call: &str, trouble: Trouble) {
        let mut parts = call.splitn(3, ' ');
        let (_, verb, rest) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (path, query) = rest.split_once('?').unwrap();
        let trouble = match trouble {
            _ if self.1.is_some() => self.1.unwrap(),
            Trouble::Forbidden => Broken::Forbidden,
            Trouble::Absent => Broken::NotFound,
            Trouble::Lost => Broken::Lost,
            Trouble::TimeOut => Broken::Silence,
            Trouble::Garbage => Broken::Garbage,
            other => panic!("{other:?} takes no answer away"),
        };
        self.0.set_fault(Fault::exactly(verb, path, query, trouble));
    }

    fn assert_no_strangers(&self) {
        assert!(self.0.strangers().is_empty(), "{:#?}", self.0.strangers());
    }
}
