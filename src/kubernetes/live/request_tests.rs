//! Requests to an API server on loopback whose first answers are at fault.

#![allow(clippy::unwrap_used)]

use super::connection::Client;
use super::list::{Listing, list};
use super::request::{Api, Failure};
use crate::kubernetes::kinds::POD;
use futures_util::FutureExt as _;
use pullaudit_core::{ApiAccess, Calls};
use serde_json::Value;
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PAGE: &str = r#"{"metadata":{},"items":[{"metadata":{"name":"p"}}]}"#;

fn whole() -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{PAGE}", PAGE.len())
}

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Gives the answers in turn, one for each connection, and keeps the tokens that came.
fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tokens = Arc::clone(&seen);
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap();
            let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let token = request.split("Bearer ").nth(1).unwrap_or_default();
            tokens.lock().unwrap().push(token.split_whitespace().next().unwrap_or_default().to_owned());
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (base, seen)
}

async fn client(server: &str, number: u32) -> Client<'static> {
    let access = ApiAccess { server: server.to_owned(), ca_pem: String::new(), token: format!("token-{number}") };
    super::from_access(&access, Duration::from_secs(5)).await.unwrap()
}

struct Listed {
    names: Vec<String>,
    failure: Option<Failure>,
    tokens: Vec<String>,
    took: Duration,
}

/// Lists pods with a login that gives tokens by number.
async fn listed(answers: Vec<String>) -> Listed {
    let (server, seen) = server(answers);
    let number = Cell::new(1);
    let again = || {
        number.set(number.get() + 1);
        let (server, number) = (server.clone(), number.get());
        async move { Ok(client(&server, number).await) }.boxed_local()
    };
    let (mut names, began) = (Vec::new(), Instant::now());
    let client = client(&server, 1).await.with_login(again);
    let calls = Calls::default();
    let each = |page: Vec<Value>| names.extend(page.iter().map(|one| one["metadata"]["name"].to_string()));
    let ended = list(Api { client: &client, calls: &calls }, Listing::of(POD, None), each).await;
    let tokens = seen.lock().unwrap().clone();
    Listed { names, failure: ended.err().map(|cut| cut.failure), tokens, took: began.elapsed() }
}

#[tokio::test]
async fn an_expired_login_is_renewed_once() {
    let done = listed(vec![REFUSED.to_owned(), whole()]).await;
    assert_eq!((done.names.len(), done.failure), (1, None));
    assert_eq!(done.tokens, ["token-1", "token-2"]);
    let done = listed(vec![REFUSED.to_owned(), REFUSED.to_owned(), whole()]).await;
    assert!(matches!(done.failure, Some(Failure::Unreachable(_))), "{:?}", done.failure);
    assert_eq!(done.tokens, ["token-1", "token-2"]);
}

#[tokio::test]
async fn a_page_cut_short_is_asked_again() {
    let cut = &PAGE[..PAGE.len() - 6];
    for first in [
        format!("HTTP/1.0 200 OK\r\n\r\n{cut}"),
        format!("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{cut}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{cut}\r\n", cut.len()),
    ] {
        let done = listed(vec![first.clone(), whole()]).await;
        assert_eq!((done.names.len(), done.failure, done.tokens.len()), (1, None, 2), "{first}");
    }
}

#[tokio::test]
async fn a_date_to_ask_again_after_is_honoured() {
    let busy = "HTTP/1.1 429 Busy\r\nconnection: close\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                retry-after: Sun, 06 Nov 1994 08:49:38 GMT\r\ncontent-length: 0\r\n\r\n";
    let done = listed(vec![busy.to_owned(), whole()]).await;
    assert_eq!((done.names.len(), done.failure), (1, None));
    assert!(done.took >= Duration::from_secs(1), "{:?}", done.took);
}
