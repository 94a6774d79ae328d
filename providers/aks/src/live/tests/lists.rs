//! Paging, retries, and what counts as an answer.

use super::{Fake, OTHER, Run, SUB, error, page, subscriptions};
use pullaudit_core::{DiscoverError, Scope};

const LIST: &str = "https://management.azure.com/subscriptions?api-version=2022-12-01";

fn with_next(entries: &str, next: &str) -> String {
    format!(r#"{{"value":[{entries}],"nextLink":"{next}"}}"#)
}

/// Lists subscriptions page by page; the pages hold no cluster.
async fn walk(pages: Vec<String>) -> (Result<(), String>, Vec<String>) {
    let run = Run::new(Fake::new(move |line, _| {
        if line.contains("managedClusters") {
            return (200, page(""));
        }
        let at = line.rsplit_once("skip=").map_or(0, |(_, at)| at.parse().unwrap());
        (200, pages[at].clone())
    }));
    let found = run.live.discover(&Scope::all()).await;
    (found.map(|_| ()).map_err(|error| error.to_string()), run.fake.seen())
}

fn subscription(id: &str) -> String {
    format!(r#"{{"subscriptionId":"{id}"}}"#)
}

#[tokio::test]
async fn links_are_followed_as_they_stand_and_empty_pages_too() {
    let next = |at: usize| format!("https://management.azure.com:443/subscriptions?%24skipToken=a%2Bb&skip={at}");
    let pages = vec![
        with_next(&subscription(SUB), &next(1)),
        with_next("", &next(2)),
        with_next(&subscription(OTHER), ""),
    ];
    let (outcome, seen) = walk(pages).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(seen[0], format!("GET {LIST}"));
    assert_eq!(seen[1], "GET https://management.azure.com/subscriptions?%24skipToken=a%2Bb&skip=1");
    assert_eq!(seen.iter().filter(|line| line.contains("managedClusters")).count(), 2);
}

#[tokio::test]
async fn a_link_to_another_host_or_back_is_a_failure() {
    let wrong = [
        ("https://evil.example/subscriptions?skip=1", "another host, evil.example: not followed"),
        ("http://management.azure.com/subscriptions?skip=1", "another host, management.azure.com"),
        ("https://management.azure.com:8443/subscriptions?skip=1", "another host"),
        ("/subscriptions?skip=1", "not an address"),
        (LIST, "leads back"),
    ];
    for (link, why) in wrong {
        let (outcome, seen) = walk(vec![with_next(&subscription(SUB), link)]).await;
        let text = outcome.unwrap_err();
        assert!(text.contains(why), "{link}: {text}");
        assert_eq!(seen.len(), 1, "{link}");
    }
    let next = |at: usize| format!("https://management.azure.com/subscriptions?skip={at}");
    let (outcome, seen) = walk(vec![with_next("", &next(1)), with_next("", &next(1))]).await;
    assert!(outcome.unwrap_err().contains("leads back"));
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_page_without_its_list_is_no_empty_list() {
    for body in ["{}", "[]", "null", r#"{"value":null}"#, "", "<html>", r#"{"value":[{"subscriptionId":"a"}"#] {
        let (outcome, _) = walk(vec![body.to_owned()]).await;
        assert!(outcome.unwrap_err().contains("not an answer of this service"), "{body}");
    }
}

#[tokio::test]
async fn throttled_and_broken_answers_are_asked_for_again() {
    let run = Run::new(Fake::new(|line, before| match (line.contains("managedClusters"), before) {
        (true, 0) => (429, error("TooManyRequests")),
        (true, 1) => (503, String::new()),
        (true, _) => (200, page("")),
        (false, _) => (200, subscriptions(&[SUB])),
    }));
    run.live.discover(&Scope::all()).await.unwrap();
    let arm = run.count("arm");
    assert_eq!((arm.operations, arm.attempts), (2, 4));
    let entra = run.count("entra");
    assert_eq!((entra.operations, entra.attempts), (1, 1));
}

#[tokio::test]
async fn time_ends_a_call_and_the_last_attempt_is_told() {
    let run = Run::new(Fake::new(|_, _| (429, error("TooManyRequests"))));
    let text = run.live.discover(&Scope::all()).await.unwrap_err().to_string();
    let told = text.contains("TooManyRequests")
        || text.contains("no answer in time; the last attempt: HTTP 429, to be asked again after 0");
    assert!(told, "{text}");

    let mut fake = Fake::new(|_, _| (200, String::new()));
    fake.hangs = true;
    let error = Run::new(fake).live.discover(&Scope::all()).await.unwrap_err();
    let DiscoverError::Failed { what, detail } = error else { panic!("{error}") };
    assert_eq!((what.as_str(), detail.as_str()), ("Azure subscriptions", "no answer in time"));
}
