//! Laws of documents: what is merged in comes out again, and nothing of others moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod looks;
mod taking_back;
mod writes;
mod written;

use super::own::{IMPORT, PULL, Side, TOKEN, Wanted, foreign, is_own, merge, own};
use super::{document, own as statements};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub(super) const ROLE: &str = "arn:aws:iam::111122223333:role/eks/node";
pub(super) const OTHER_ROLE: &str = "arn:aws:iam::111122223333:role/other";
pub(super) const REPOSITORY: &str = "arn:aws:ecr:eu-central-1:444455556666:repository/ledger/api";
pub(super) const DEAD: &str = "AROAEXAMPLEROLE00X7Q";

/// Statements of others, some of which look like ours.
pub(super) fn others(side: Side) -> impl Strategy<Value = Value> {
    let of_role = vec![
        json!({"Effect": "Allow", "Action": ["ecr:*"], "Resource": "*"}),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        json!({"Sid": "PullauditToken", "Effect": "Deny", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}),
        json!({"Resource": ["b", "a"], "Sid": "Odd", "Unknown": {"z": 1, "a": [null, true]}, "Effect": "Allow", "NotAction": "x:*"}),
    ];
    let of_repository = vec![
        json!({"Sid": "LambdaECRImageRetrievalPolicy", "Effect": "Allow", "Action": "ecr:BatchGetImage",
            "Principal": {"Service": "lambda.amazonaws.com"}}),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": "*",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}),
        json!({"Effect": "Deny", "Principal": {"AWS": [DEAD, "999999999999"]}, "Action": "ecr:Put*"}),
        json!({"Action": "ecr:*", "Principal": {"AWS": ROLE, "Odd": "x"}, "Unknown": 7, "Effect": "Allow"}),
    ];
    select(if side == Side::Role { of_role } else { of_repository })
}

/// Documents that others wrote, maybe with statements of ours in them.
pub(super) fn documents(side: Side) -> impl Strategy<Value = Value> {
    let list = proptest::collection::vec(others(side), 0..5);
    (list, proptest::option::of(wanted(side)), any::<bool>(), any::<bool>()).prop_map(
        move |(list, ours, old, single)| {
            let mut document = json!({"Id": "shared", "Statement": list});
            document["Version"] = json!(if old { "2008-10-17" } else { "2012-10-17" });
            if single && let [one] = list.as_slice() {
                document["Statement"] = one.clone();
            }
            if let Some(ours) = ours {
                merge(side, &mut document, &ours);
            }
            document
        },
    )
}

pub(super) fn wanted(side: Side) -> impl Strategy<Value = Wanted> {
    let values = match side {
        Side::Role => vec![REPOSITORY, "arn:aws:ecr:eu-central-1:444455556666:repository/ledger/*"],
        Side::Repository => vec![ROLE, OTHER_ROLE],
    };
    let some = || proptest::sample::subsequence(values.clone(), 1..=2);
    (some(), proptest::option::of(some()), any::<bool>()).prop_map(move |(pull, import, token)| {
        let mut wanted = Wanted::new();
        let set = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
        wanted.insert(PULL, set(pull));
        if let Some(import) = import {
            wanted.insert(IMPORT, set(import));
        }
        if token && side == Side::Role {
            wanted.insert(TOKEN, set(vec!["*"]));
        }
        wanted
    })
}

fn texts(list: &[&Value]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_moves_nothing_of_others_and_twice_is_once(
        side in select(vec![Side::Role, Side::Repository]),
        roles in (documents(Side::Role), wanted(Side::Role)), repositories in (documents(Side::Repository), wanted(Side::Repository))
    ) {
        let (before, wanted) = if side == Side::Role { roles } else { repositories };
        let mut once = before.clone();
        merge(side, &mut once, &wanted);
        let mut twice = once.clone();
        merge(side, &mut twice, &wanted);
        prop_assert_eq!(once.to_string(), twice.to_string());
        prop_assert_eq!(texts(&foreign(side, &once)), texts(&foreign(side, &before)));
        let rest = |document: &Value| { let mut rest = document.clone(); rest["Statement"] = json!(null); rest.to_string() };
        prop_assert_eq!(rest(&once), rest(&before));
        let sids: Vec<&str> = document::statements(&once).iter().filter(|one| is_own(side, one)).filter_map(|one| one["Sid"].as_str()).collect();
        for sid in &sids {
            prop_assert_eq!(document::statements(&once).iter().filter(|one| one["Sid"] == *sid).count(), 1);
        }
        for (part, values) in &wanted {
            let said: Vec<String> = own(side, &once).iter().filter_map(|one| statements::values(side, part, one)).flatten().collect();
            prop_assert!(values.iter().all(|value| said.contains(value)));
        }
    }

    #[test]
    fn what_is_read_without_loss_is_written_as_it_was(document in documents(Side::Repository)) {
        let text = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(document::parse(&text).unwrap().to_string(), document.to_string());
        prop_assert_eq!(document::size(&text), document.to_string().len());
    }

    #[test]
    fn noise_never_panics(text in "[\\[\\]{}\",:a-zA-Z0-9*$ ]{0,60}") {
        let _ = document::parse(&text);
        let _ = document::size(&text);
    }
}

#[test]
fn the_same_meaning_has_many_forms_and_another_meaning_none_of_them() {
    let one = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["a:B", "a:C"],
        "Principal": {"AWS": "111122223333"}}});
    let same = json!({"Statement": [{"Action": ["a:C", "a:B"], "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
        "Effect": "Allow"}], "Version": "2012-10-17"});
    assert!(document::same_meaning(&one, &same));
    for (key, other) in [
        ("Effect", json!("Deny")),
        ("Action", json!("a:B")),
        ("Principal", json!({"AWS": "111122223334"})),
        ("Principal", json!({"Service": "111122223333"})),
        ("Condition", json!({})),
    ] {
        let mut different = same.clone();
        different["Statement"][0][key] = other;
        assert!(!document::same_meaning(&one, &different), "{key}");
    }
}

#[test]
fn what_would_be_lost_is_an_error_and_no_document() {
    for (text, why) in [
        (r#"{"Statement": [], "Statement": []}"#, "`Statement` stands twice"),
        (r#"{"Statement": [{"Condition": {"a": {"b": 1, "b": 2}}}]}"#, "`b` stands twice"),
        (r#"{"Statement": [{"x": 1.5}]}"#, "can't be kept exactly"),
        (r#"{"Statement": [{"x": 123456789012345678901234567890}]}"#, "can't be kept exactly"),
        (r#"{"Statement": "x"}"#, "neither an object nor a list"),
        (r#"{"Statement": ["x"]}"#, "neither an object nor a list"),
        ("[]", "neither an object nor a list"),
        ("{}", "neither an object nor a list"),
        ("", "EOF"),
    ] {
        let found = document::parse(text).unwrap_err();
        assert!(found.contains(why), "{text}: {found}");
    }
}

#[test]
fn only_the_whole_form_makes_a_statement_ours() {
    let ours = json!({"Sid": "PullauditPull3", "Effect": "Allow", "Action": ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
        "Principal": {"AWS": [ROLE, DEAD]}});
    assert!(is_own(Side::Repository, &ours));
    for (key, other) in [
        ("Sid", json!("PullauditPullX")),
        ("Effect", json!("Deny")),
        ("Action", json!("ecr:*")),
        ("Principal", json!("*")),
        ("Principal", json!({"AWS": "*"})),
        ("Principal", json!({"AWS": "arn:aws:iam::111122223333:root"})),
        ("Principal", json!({"AWS": ROLE, "Service": "x"})),
        ("Condition", json!({})),
    ] {
        let mut changed = ours.clone();
        changed[key] = other;
        assert!(!is_own(Side::Repository, &changed), "{key}");
    }
    let of_role = |resource: Value| {
        json!({"Sid": "PullauditPull", "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": resource})
    };
    assert!(is_own(Side::Role, &of_role(json!([REPOSITORY]))));
    for wide in
        ["*", "arn:aws:ecr:*:444455556666:repository/x", "arn:aws:s3:::x", "arn:aws:ecr:r:1:repository/*/x*"]
    {
        assert!(!is_own(Side::Role, &of_role(json!([REPOSITORY, wide]))), "{wide}");
    }
}
