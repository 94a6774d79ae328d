//! From claims to verdicts: a fold over the tree, in two modes.

use crate::{Claim, Code, CoreFinding, Fact, Holds, Open, Source, Text};
use std::collections::BTreeSet;

/// How gaps are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Assumable gaps are taken not to deny, where nothing else is missing; they are listed.
    #[default]
    Default,
    /// Nothing is read into a gap.
    Strict,
}

/// A fact that bore on a verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// The finding.
    pub code: Code,
    /// Where it stands.
    pub source: Source,
    /// What it says.
    pub detail: Text,
}

/// What a verdict lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// The finding that the gap makes.
    pub code: Code,
    /// What would settle it.
    pub open: Open,
}

/// The answer to a question. Its lists are sorted and free of repeats, so that the order in which
/// pages, statements or bindings were read never shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No right, rule or fact that was read refuses.
    Allowed {
        /// The facts that allow.
        via: Vec<Evidence>,
        /// Guard rails that could not be read and are taken not to deny; empty in [`Mode::Strict`].
        assuming: Vec<Need>,
    },
    /// Something refuses, and nothing that is open could change that. Names at least one reason.
    Denied {
        /// The reasons of every branch, the most telling first.
        because: Vec<Evidence>,
    },
    /// It depends on what is not known. Names at least one such thing.
    Unknown {
        /// What would settle it, the most telling first.
        needing: Vec<Need>,
    },
}

impl Verdict {
    /// The finding that names the verdict: of several, the one with the highest rank.
    pub fn code(&self) -> Code {
        let most = match self {
            Self::Allowed { .. } => None,
            Self::Denied { because } => because.iter().map(|evidence| evidence.code).min(),
            Self::Unknown { needing } => needing.iter().map(|need| need.code).min(),
        };
        most.unwrap_or_else(|| CoreFinding::Allowed.code())
    }
}

/// Weighs a claim. `None`, "nobody claims anything", is unknown.
///
/// In [`Mode::Default`] the outcome differs from [`Mode::Strict`] only where that says unknown and the
/// assumable gaps alone stand in the way; then it is allowed, and `assuming` names them.
pub fn judge(claim: Option<&Claim>, mode: Mode) -> Verdict {
    let Some(claim) = claim else {
        return Verdict::Unknown { needing: vec![silence()] };
    };
    // One fold does for both modes: an assumption only ever turns "open" into "yes", so what is refused under assumptions
    // is refused without, and what is allowed without any names none.
    let fold = Fold { assume: mode == Mode::Default };
    match fold.value(claim, false) {
        Tri::Yes => {
            let way = fold.way(claim).distinct();
            Verdict::Allowed { via: way.evidence(), assuming: way.assuming }
        }
        Tri::No => Verdict::Denied { because: sorted(|found| fold.refusals(claim, found)) },
        Tri::Open => Verdict::Unknown { needing: sorted(|found| fold.gaps(claim, false, found)) },
    }
}

fn silence() -> Need {
    Need {
        code: CoreFinding::NotCollected.code(),
        open: Open::undecidable("nothing was read that answers this question"),
    }
}

fn sorted<T: Ord>(fill: impl FnOnce(&mut BTreeSet<T>)) -> Vec<T> {
    let mut found = BTreeSet::new();
    fill(&mut found);
    found.into_iter().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tri {
    Yes,
    No,
    Open,
}

/// What allows, and what was assumed for it. Facts are gathered by reference and in the order met, since
/// nearly every question ends here; they are sorted and copied once, at the end.
#[derive(Default)]
struct Allowance<'a> {
    assuming: Vec<Need>,
    via: Vec<&'a Fact>,
}

impl Allowance<'_> {
    fn distinct(mut self) -> Self {
        self.assuming.sort_unstable();
        self.assuming.dedup();
        self.via.sort_unstable_by(|a, b| bearing(a).cmp(&bearing(b)));
        self.via.dedup_by(|a, b| bearing(a) == bearing(b));
        self
    }

    fn evidence(&self) -> Vec<Evidence> {
        self.via.iter().map(|fact| evidence(fact)).collect()
    }
}

fn bearing(fact: &Fact) -> (Code, &Source, &Text) {
    (fact.code, &fact.source, &fact.detail)
}

/// One way of folding. `could_deny` says that the claim at hand stands in an `All`: only there may a
/// gap be assumed, since assuming it elsewhere would grant.
struct Fold {
    assume: bool,
}

impl Fold {
    fn value(&self, claim: &Claim, could_deny: bool) -> Tri {
        match claim {
            Claim::Fact(fact) => self.fact(fact, could_deny),
            Claim::All(parts) => {
                let mut least = if parts.is_empty() { Tri::Open } else { Tri::Yes };
                for part in parts {
                    match self.value(part, true) {
                        Tri::No => return Tri::No,
                        Tri::Open => least = Tri::Open,
                        Tri::Yes => {}
                    }
                }
                least
            }
            Claim::Any(parts) => {
                let mut most = if parts.is_empty() { Tri::Open } else { Tri::No };
                for part in parts {
                    match self.value(part, false) {
                        Tri::Yes => return Tri::Yes,
                        Tri::Open => most = Tri::Open,
                        Tri::No => {}
                    }
                }
                most
            }
            Claim::OneOf { cases, .. } => {
                let mut values = cases.iter().map(|case| self.value(case, could_deny));
                let Some(first) = values.next() else { return Tri::Open };
                if values.all(|value| value == first) { first } else { Tri::Open }
            }
        }
    }

    fn fact(&self, fact: &Fact, could_deny: bool) -> Tri {
        match &fact.holds {
            Holds::Yes => Tri::Yes,
            Holds::No => Tri::No,
            Holds::Open(opens) if self.assumes(opens, could_deny) => Tri::Yes,
            Holds::Open(_) => Tri::Open,
        }
    }

    fn assumes(&self, opens: &[Open], could_deny: bool) -> bool {
        self.assume && could_deny && !opens.is_empty() && opens.iter().all(Open::is_assumable)
    }

    /// What allows a claim whose value is yes.
    fn allowed<'a>(&self, claim: &'a Claim, found: &mut Allowance<'a>) {
        match claim {
            Claim::Fact(fact) => match &fact.holds {
                Holds::Open(opens) => found.assuming.extend(needs(fact, opens)),
                Holds::Yes | Holds::No => found.via.push(fact),
            },
            Claim::All(parts) | Claim::OneOf { cases: parts, .. } => {
                for part in parts {
                    self.allowed(part, found);
                }
            }
            Claim::Any(parts) => {
                let yes = parts.iter().filter(|part| self.value(part, false) == Tri::Yes);
                if self.assume {
                    least_assuming(yes.map(|way| self.way(way)).collect(), found);
                } else {
                    yes.for_each(|way| self.allowed(way, found));
                }
            }
        }
    }

    fn way<'a>(&self, claim: &'a Claim) -> Allowance<'a> {
        let mut found = Allowance::default();
        self.allowed(claim, &mut found);
        found
    }

    /// The reasons of a claim whose value is no.
    fn refusals(&self, claim: &Claim, found: &mut BTreeSet<Evidence>) {
        match claim {
            Claim::Fact(fact) => {
                found.insert(evidence(fact));
            }
            Claim::All(parts) => {
                for part in parts.iter().filter(|part| self.value(part, true) == Tri::No) {
                    self.refusals(part, found);
                }
            }
            Claim::Any(parts) | Claim::OneOf { cases: parts, .. } => {
                for part in parts {
                    self.refusals(part, found);
                }
            }
        }
    }

    /// What keeps a claim open. Only branches that could still decide are named.
    fn gaps(&self, claim: &Claim, could_deny: bool, found: &mut BTreeSet<Need>) {
        match claim {
            Claim::Fact(fact) => match &fact.holds {
                Holds::Open(opens) if opens.is_empty() => {
                    found.insert(Need { code: fact.code, open: Open::undecidable(fact.detail.clone()) });
                }
                Holds::Open(opens) => found.extend(needs(fact, opens)),
                Holds::Yes | Holds::No => {}
            },
            Claim::All(parts) | Claim::Any(parts) if parts.is_empty() => {
                found.insert(silence());
            }
            Claim::All(parts) => self.gaps_of(parts, true, found),
            Claim::Any(parts) => self.gaps_of(parts, false, found),
            Claim::OneOf { why, cases } => {
                found.insert(Need { code: case_code(cases), open: why.clone() });
                self.gaps_of(cases, could_deny, found);
            }
        }
    }

    fn gaps_of(&self, parts: &[Claim], could_deny: bool, found: &mut BTreeSet<Need>) {
        for part in parts.iter().filter(|part| self.value(part, could_deny) == Tri::Open) {
            self.gaps(part, could_deny, found);
        }
    }
}

fn evidence(fact: &Fact) -> Evidence {
    Evidence { code: fact.code, source: fact.source.clone(), detail: fact.detail.clone() }
}

fn needs<'a>(fact: &'a Fact, opens: &'a [Open]) -> impl Iterator<Item = Need> + 'a {
    opens.iter().map(|open| Need { code: fact.code, open: open.clone() })
}

/// A choice between cases has no fact of its own; it takes the code of what the cases disagree about.
fn case_code(cases: &[Claim]) -> Code {
    let mut codes = BTreeSet::new();
    for case in cases {
        leaf_codes(case, &mut codes);
    }
    codes.into_iter().next().unwrap_or_else(|| CoreFinding::NotCollected.code())
}

fn leaf_codes(claim: &Claim, codes: &mut BTreeSet<Code>) {
    match claim {
        Claim::Fact(fact) if fact.holds != Holds::Yes => {
            codes.insert(fact.code);
        }
        Claim::Fact(_) => {}
        Claim::All(parts) | Claim::Any(parts) | Claim::OneOf { cases: parts, .. } => {
            for part in parts {
                leaf_codes(part, codes);
            }
        }
    }
}

/// Adds every way that assumes nothing; where each assumes something, the one that assumes least, not
/// the sum of all.
fn least_assuming<'a>(ways: Vec<Allowance<'a>>, found: &mut Allowance<'a>) {
    let free = |way: &Allowance| way.assuming.is_empty();
    if ways.iter().any(free) {
        found.via.extend(ways.into_iter().filter(free).flat_map(|way| way.via));
        return;
    }
    let least = ways.into_iter().map(Allowance::distinct).min_by(|a, b| {
        let order = a.assuming.len().cmp(&b.assuming.len()).then_with(|| a.assuming.cmp(&b.assuming));
        order.then_with(|| a.via.iter().map(|fact| bearing(fact)).cmp(b.via.iter().map(|fact| bearing(fact))))
    });
    if let Some(way) = least {
        found.assuming.extend(way.assuming);
        found.via.extend(way.via);
    }
}
