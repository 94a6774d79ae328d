//! The laws of the algebra, over random trees and random settling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use proptest::prelude::*;
use pullaudit_core::{Claim, Code, CoreFinding, Fact, Holds, Mode, Obstacle, Open, Source, Verdict, judge, need};

fn code() -> impl Strategy<Value = Code> {
    prop::sample::select(vec![
        CoreFinding::AnonymousRefused,
        CoreFinding::ForeignRegistry,
        CoreFinding::IdentityUnread,
        CoreFinding::PullSecretBroken,
    ])
    .prop_map(CoreFinding::code)
}

fn open() -> impl Strategy<Value = Open> {
    prop_oneof![
        (0..4u8, any::<bool>()).prop_map(|(n, assumable)| Open::Unread {
            reading: format!("reading {n}").into(),
            permission: format!("permission {n}").into(),
            scope: "scope".into(),
            assumable,
            obstacle: Obstacle::Refused,
        }),
        (0..4u8).prop_map(|n| Open::undecidable(format!("condition {n}"))),
    ]
}

fn holds() -> impl Strategy<Value = Holds> {
    prop_oneof![
        2 => Just(Holds::Yes),
        2 => Just(Holds::No),
        3 => prop::collection::vec(open(), 0..3).prop_map(|opens| Holds::Open(opens.into())),
    ]
}

fn fact() -> impl Strategy<Value = Claim> {
    (holds(), code(), 0..6u8).prop_map(|(holds, code, n)| {
        Claim::Fact(Fact {
            holds,
            source: Source(format!("document {n}").into()),
            detail: format!("says {n}").into(),
            code,
        })
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    fact().prop_recursive(4, 40, 4, |inner| {
        let parts = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            3 => parts().prop_map(Claim::All),
            3 => parts().prop_map(Claim::Any),
            1 => (open(), parts()).prop_map(|(why, cases)| Claim::OneOf { why, cases }),
            1 => (parts(), parts()).prop_map(|(denies, allows)| need(denies, allows)),
        ]
    })
}

/// Settles some of the open leaves, and picks a case of some choices, as `coins` say.
fn settle(claim: &Claim, coins: &mut impl Iterator<Item = u8>) -> Claim {
    match claim {
        Claim::Fact(fact) if matches!(fact.holds, Holds::Open(_)) => {
            let holds = match coins.next().unwrap_or(0) % 3 {
                0 => fact.holds.clone(),
                1 => Holds::Yes,
                _ => Holds::No,
            };
            Claim::Fact(Fact { holds, ..fact.clone() })
        }
        Claim::Fact(_) => claim.clone(),
        Claim::All(parts) => Claim::All(parts.iter().map(|part| settle(part, coins)).collect()),
        Claim::Any(parts) => Claim::Any(parts.iter().map(|part| settle(part, coins)).collect()),
        Claim::OneOf { why, cases } => {
            let cases: Vec<Claim> = cases.iter().map(|case| settle(case, coins)).collect();
            match usize::from(coins.next().unwrap_or(0)) {
                pick if pick < cases.len() => cases[pick].clone(),
                _ => Claim::OneOf { why: why.clone(), cases },
            }
        }
    }
}

fn reversed(claim: &Claim) -> Claim {
    let flip = |parts: &[Claim]| parts.iter().rev().map(reversed).collect();
    match claim {
        Claim::Fact(fact) => match &fact.holds {
            Holds::Open(opens) => {
                let holds = Holds::Open(opens.iter().rev().cloned().collect());
                Claim::Fact(Fact { holds, ..fact.clone() })
            }
            Holds::Yes | Holds::No => claim.clone(),
        },
        Claim::All(parts) => Claim::All(flip(parts)),
        Claim::Any(parts) => Claim::Any(flip(parts)),
        Claim::OneOf { why, cases } => Claim::OneOf { why: why.clone(), cases: flip(cases) },
    }
}

/// Whether the kind of two answers is the same.
fn same_answer(a: &Verdict, b: &Verdict) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// An oracle that shares no code with the judge: every world that the open leaves allow.
fn worlds(claim: &Claim) -> (bool, bool) {
    match claim {
        Claim::Fact(fact) => match fact.holds {
            Holds::Yes => (true, false),
            Holds::No => (false, true),
            Holds::Open(_) => (true, true),
        },
        Claim::All(parts) | Claim::Any(parts) if parts.is_empty() => (true, true),
        Claim::All(parts) => {
            let worlds: Vec<_> = parts.iter().map(worlds).collect();
            (worlds.iter().all(|(yes, _)| *yes), worlds.iter().any(|(_, no)| *no))
        }
        Claim::Any(parts) => {
            let worlds: Vec<_> = parts.iter().map(worlds).collect();
            (worlds.iter().any(|(yes, _)| *yes), worlds.iter().all(|(_, no)| *no))
        }
        Claim::OneOf { cases, .. } if cases.is_empty() => (true, true),
        Claim::OneOf { cases, .. } => {
            let worlds: Vec<_> = cases.iter().map(worlds).collect();
            (worlds.iter().any(|(yes, _)| *yes), worlds.iter().any(|(_, no)| *no))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn strict_agrees_with_every_world_that_the_gaps_allow(claim in claim()) {
        let (could_allow, could_deny) = worlds(&claim);
        match judge(Some(&claim), Mode::Strict) {
            Verdict::Allowed { assuming, .. } => { prop_assert!(could_allow && !could_deny); prop_assert!(assuming.is_empty()); }
            Verdict::Denied { .. } => prop_assert!(could_deny && !could_allow),
            Verdict::Unknown { .. } => prop_assert!(could_allow && could_deny),
        }
    }

    #[test]
    fn strict_settling_a_gap_never_flips_an_answer(claim in claim(), coins in prop::collection::vec(0..6u8, 40)) {
        let before = judge(Some(&claim), Mode::Strict);
        let after = judge(Some(&settle(&claim, &mut coins.into_iter())), Mode::Strict);
        if !matches!(before, Verdict::Unknown { .. }) {
            prop_assert!(same_answer(&before, &after), "{before:?} became {after:?}");
        }
    }

    #[test]
    fn default_differs_only_from_unknown_to_allowed_with_assumptions(claim in claim()) {
        let strict = judge(Some(&claim), Mode::Strict);
        let default = judge(Some(&claim), Mode::Default);
        match (&strict, &default) {
            (Verdict::Unknown { .. }, Verdict::Allowed { assuming, .. }) => {
                prop_assert!(!assuming.is_empty());
                prop_assert!(assuming.iter().all(|need| need.open.is_assumable()));
            }
            (Verdict::Unknown { .. }, Verdict::Unknown { .. }) => {}
            _ => prop_assert_eq!(&strict, &default),
        }
    }

    #[test]
    fn unknown_and_denied_name_something(claim in claim()) {
        for mode in [Mode::Strict, Mode::Default] {
            match judge(Some(&claim), mode) {
                Verdict::Allowed { .. } => {}
                Verdict::Denied { because } => prop_assert!(!because.is_empty()),
                Verdict::Unknown { needing } => prop_assert!(!needing.is_empty()),
            }
        }
    }

    #[test]
    fn order_never_matters(claim in claim()) {
        for mode in [Mode::Strict, Mode::Default] {
            prop_assert_eq!(judge(Some(&claim), mode), judge(Some(&reversed(&claim)), mode));
        }
    }
}

fn guard_rail() -> Claim {
    let open = Open::Unread {
        reading: "service control policies".into(),
        permission: "organizations:ListPoliciesForTarget".into(),
        scope: "account 1".into(),
        assumable: true,
        obstacle: Obstacle::Refused,
    };
    Claim::open(CoreFinding::IdentityUnread.code(), "organization", "may deny", vec![open])
}

#[test]
fn no_claim_at_all_is_unknown() {
    assert!(matches!(judge(None, Mode::Default), Verdict::Unknown { .. }));
}

#[test]
fn a_gap_is_assumed_only_where_it_could_deny() {
    let yes = Claim::yes(CoreFinding::Allowed.code(), "policy", "grants");
    let no = Claim::no(CoreFinding::AnonymousRefused.code(), "policy", "silent");
    let guarded = need(vec![guard_rail()], vec![yes]);
    assert!(matches!(judge(Some(&guarded), Mode::Strict), Verdict::Unknown { .. }));
    assert!(
        matches!(judge(Some(&guarded), Mode::Default), Verdict::Allowed { assuming, .. } if assuming.len() == 1)
    );
    let as_grant = need(vec![], vec![guard_rail(), no.clone()]);
    assert!(matches!(judge(Some(&as_grant), Mode::Default), Verdict::Unknown { .. }), "a gap is no grant");
    let refused = need(vec![guard_rail()], vec![no]);
    assert!(matches!(judge(Some(&refused), Mode::Default), Verdict::Denied { .. }));
}

#[test]
fn the_most_telling_code_names_the_check() {
    let claim = Claim::Any(vec![
        Claim::no(CoreFinding::AnonymousRefused.code(), "registry", "asks for a login"),
        Claim::no(CoreFinding::PullSecretBroken.code(), "pull secret a", "is not base64"),
    ]);
    let verdict = judge(Some(&claim), Mode::Default);
    assert_eq!(verdict.code().name(), "pull-secret-broken");
    assert!(matches!(verdict, Verdict::Denied { because } if because.len() == 2), "every branch is named");
}

#[test]
fn cases_that_agree_are_an_answer_and_cases_that_differ_name_the_choice() {
    let yes = || Claim::yes(CoreFinding::Allowed.code(), "policy", "grants");
    let no = || Claim::no(CoreFinding::AnonymousRefused.code(), "policy", "silent");
    let why = || Open::undecidable("which identity pulls");
    let of = |cases| Claim::OneOf { why: why(), cases };
    assert!(matches!(judge(Some(&of(vec![yes(), yes()])), Mode::Strict), Verdict::Allowed { .. }));
    assert!(matches!(judge(Some(&of(vec![no(), no()])), Mode::Strict), Verdict::Denied { .. }));
    let Verdict::Unknown { needing } = judge(Some(&of(vec![yes(), no()])), Mode::Strict) else {
        panic!("must be unknown")
    };
    assert_eq!(needing.len(), 1);
    assert_eq!(needing[0].open, why());
}
