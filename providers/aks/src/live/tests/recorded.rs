//! Recorded lists and errors of Azure through the gate that every call goes through.

use super::{Fake, Run};
use crate::live::operation::LIST_CLUSTERS;
use crate::live::trouble::{Kind, Trouble};
use azure_core::http::Url;
use pullaudit_core::{Obstacle, Open};
use recordings::Answer;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[path = "../../../tests/recordings/mod.rs"]
mod recordings;

const ARM: &str = "https://management.azure.com/";

/// Every status and code that is recorded, and what kind of trouble it is. A code that is not here fails:
/// somebody has to say whether it tells of a missing right.
const ERRORS: &[(u16, &str, Kind)] = &[
    // The application of a cluster that is being made; the body has no wrapper.
    (400, "ServicePrincipalNotFound", Kind::Failed),
    // A grant for an identity so new that the directory does not know it yet.
    (400, "PrincipalNotFound", Kind::Failed),
    // Resource Manager, then Graph.
    (403, "AuthorizationFailed", Kind::Refused),
    (403, "Authorization_RequestDenied", Kind::Refused),
    (404, "ResourceGroupNotFound", Kind::Failed),
    (404, "ResourceNotFound", Kind::Failed),
];

fn code_and_message(answer: &Answer) -> (&str, &str) {
    let said = answer.json.get("error").unwrap_or(&answer.json);
    let word = |name: &str| said[name].as_str().unwrap_or_else(|| panic!("{}: no {name}", answer.place()));
    (word("code"), word("message"))
}

#[test]
fn recorded_errors_are_of_the_kind_that_their_status_and_code_say() {
    let Some(answers) = recordings::answers("recorded_errors_are_of_the_kind_that_their_status_and_code_say")
    else {
        return;
    };
    let mut counts: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.status >= 400 && !answer.json.is_null()) {
        let place = answer.place();
        let (code, message) = code_and_message(answer);
        let row = ERRORS.iter().find(|(status, known, _)| *status == answer.status && *known == code);
        let Some((_, _, kind)) = row else { panic!("{place}: nobody says what kind {code} is of") };
        *counts.entry((answer.status, code.to_owned())).or_default() += 1;

        let trouble = Trouble::answered(LIST_CLUSTERS, answer.status, answer.body.as_bytes());
        assert_eq!((trouble.kind, trouble.is(&[code])), (*kind, true), "{place}");
        let begins: String = message.chars().take(80).collect();
        assert!(trouble.detail.starts_with(&format!("{code}: {begins}")), "{place}: {}", trouble.detail);
        let Open::Unread { obstacle, .. } = trouble.open("what", "where") else { panic!("{place}") };
        assert_eq!(obstacle == Obstacle::Refused, *kind == Kind::Refused, "{place}");
    }
    let unrecorded = ERRORS.iter().find(|(status, code, _)| !counts.contains_key(&(*status, (*code).to_owned())));
    assert!(unrecorded.is_none(), "in no recording: {unrecorded:?}");
    let all: usize = counts.values().sum();
    println!("{all} errors: {counts:?}");
    assert!(all >= 58, "{counts:?}");
}

/// Recorders write the same address in several ways: with other escapes, with parameters in another order.
fn same(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let url = Url::parse(text).unwrap();
        let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
        pairs.sort();
        (url.origin().ascii_serialization(), url.path().to_owned(), pairs)
    };
    parts(one) == parts(other)
}

/// The answer and those of the pages that follow it, each with the address that leads there, as it stands.
fn chain<'a>(answers: &'a [Answer], first: &'a Answer) -> Vec<(String, &'a Answer)> {
    let mut chain = vec![(Url::parse(&first.url).unwrap().to_string(), first)];
    let mut last = first;
    while let Some(link) = last.json["nextLink"].as_str().filter(|link| !link.is_empty()) {
        let mut of_file = answers.iter().filter(|one| one.file == first.file && one.method == "GET");
        let next = of_file.find(|one| same(&one.url, link));
        last = next.unwrap_or_else(|| panic!("{}: nobody followed {link}", first.place()));
        chain.push((link.to_owned(), last));
    }
    chain
}

fn texts<'a>(entries: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    entries.into_iter().map(Value::to_string).collect()
}

#[tokio::test]
async fn recorded_lists_are_read_whole_and_their_links_followed_as_they_stand() {
    let Some(answers) =
        recordings::answers("recorded_lists_are_read_whole_and_their_links_followed_as_they_stand")
    else {
        return;
    };
    let (mut lists, mut links) = (0, Vec::new());
    let recorded = |one: &&Answer| one.method == "GET" && one.url.starts_with(ARM) && one.status == 200;
    for first in answers.iter().filter(recorded).filter(|one| one.list().is_some()) {
        let place = first.place();
        let pages = chain(&answers, first);
        let bodies: BTreeMap<String, String> =
            pages.iter().map(|(url, page)| (format!("GET {url}"), page.body.clone())).collect();
        let run = Run::new(Fake::new(move |line, _| {
            (200, bodies.get(line).unwrap_or_else(|| panic!("nobody answers {line}")).clone())
        }));
        let url = Url::parse(&first.url).unwrap();
        let arm = &run.live.azure().await.unwrap().arm;
        let read: Vec<Value> = arm.list(LIST_CLUSTERS, url.path(), url.query().unwrap_or_default()).await.unwrap();

        let whole = pages.iter().flat_map(|(_, page)| page.list().unwrap());
        assert_eq!(texts(&read), texts(whole), "{place}");
        let asked: Vec<String> = pages.iter().map(|(url, _)| format!("GET {url}")).collect();
        assert_eq!(run.fake.seen(), asked, "{place}");
        lists += 1;
        links.extend(pages.into_iter().skip(1));
    }
    println!("{lists} lists, {} links", links.len());
    assert!(lists >= 100, "{lists} lists");
    assert!(links.len() >= 3, "{} links", links.len());
    assert!(links.iter().any(|(_, page)| page.list().unwrap().is_empty()), "no empty page is linked to");
    let doubled = |link: &str| link.contains("?%24skipToken=") && link.contains("&skipToken=");
    assert!(links.iter().any(|(link, _)| doubled(link)), "no link names its token twice");
    let opaque = |link: &str| link.contains("%24skiptoken=") && link.contains("%2f");
    assert!(links.iter().any(|(link, _)| opaque(link)), "no link has a long token with escapes");
    let linked = answers.iter().filter(|one| one.json["nextLink"].is_string()).count();
    assert_eq!(linked, links.len(), "some links were not followed");
}
